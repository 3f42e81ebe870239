//! Symbols to dense codes: as they are where there is a dictionary, else through a table.

use std::borrow::Cow;
use std::hash::BuildHasher;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Int32Type;
use hashbrown::HashTable;

use crate::bench::workload::Symbols;

/// The table of symbols seen.
pub(super) struct Codes {
    symbols: Symbols,
    /// Views of short symbols and their codes, open addressing; a power of two.
    short: Vec<(u128, i32)>,
    /// Codes of other symbols.
    other: HashTable<i32>,
    texts: Vec<Box<[u8]>>,
    hash: foldhash::fast::FixedState,
    next: i32,
}

impl Codes {
    pub fn new(symbols: Symbols, keys: usize) -> Self {
        Self {
            symbols,
            short: vec![(0, -1); (keys * 8).next_power_of_two()],
            other: HashTable::new(),
            texts: vec![],
            hash: foldhash::fast::FixedState::default(),
            next: 0,
        }
    }

    /// The code of each row.
    #[inline]
    pub fn of<'a>(&mut self, column: &'a ArrayRef) -> Cow<'a, [i32]> {
        match self.symbols {
            Symbols::Dictionary => {
                Cow::Borrowed(column.as_dictionary::<Int32Type>().keys().values())
            }
            Symbols::View => {
                let views = column.as_string_view().views();
                Cow::Owned(views.iter().map(|v| self.short(*v)).collect())
            }
            Symbols::LongView => {
                let texts = column.as_string_view();
                Cow::Owned((0..texts.len()).map(|i| self.text(texts.value(i))).collect())
            }
            Symbols::Utf8 => {
                let texts = column.as_string::<i32>();
                Cow::Owned((0..texts.len()).map(|i| self.text(texts.value(i))).collect())
            }
        }
    }

    #[inline(always)]
    fn short(&mut self, view: u128) -> i32 {
        let mask = self.short.len() - 1;
        let a = (view as u64) ^ 0x243f_6a88_85a3_08d3;
        let b = ((view >> 64) as u64) ^ 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(a) * u128::from(b);
        let at = (product as u64 ^ (product >> 64) as u64) as usize & mask;
        let (key, code) = self.short[at];
        if key == view { code } else { self.probe(view, at) }
    }

    #[cold]
    #[inline(never)]
    fn probe(&mut self, view: u128, mut at: usize) -> i32 {
        let mask = self.short.len() - 1;
        loop {
            let slot = &mut self.short[at];
            if slot.1 < 0 {
                *slot = (view, self.next);
                self.next += 1;
            }
            if slot.0 == view {
                return slot.1;
            }
            at = (at + 1) & mask;
        }
    }

    #[inline]
    fn text(&mut self, text: &str) -> i32 {
        let Self { other, texts, hash, next, .. } = self;
        let h = hash.hash_one(text.as_bytes());
        if let Some(code) = other.find(h, |c| *texts[*c as usize] == *text.as_bytes()) {
            return *code;
        }
        texts.push(text.as_bytes().into());
        other.insert_unique(h, *next, |c| hash.hash_one(&*texts[*c as usize]));
        *next += 1;
        *next - 1
    }
}
