//! Caches of the ids of strings: [`Views`] of short ones, [`Codes`] of the values of dictionaries.

use std::sync::Arc;

use arrow::array::ArrayRef;

use super::KeyId;

/// The id of a value that nobody asked for yet.
pub(super) const UNKNOWN: KeyId = KeyId::MAX;

/// Dictionaries remembered: two streams that share keys have one each.
const DICTIONARIES: usize = 4;

/// Ids of the values of the dictionaries that came last, by code; ids are given when a row has the
/// value, so that their order is that of rows.
#[derive(Debug, Default)]
pub(super) struct Codes {
    known: Vec<(ArrayRef, Vec<KeyId>)>,
}

impl Codes {
    /// What is known of a dictionary; give it back by [`Codes::keep`].
    pub fn take(&mut self, dictionary: &ArrayRef) -> Vec<KeyId> {
        match self.known.iter().position(|(d, _)| Arc::ptr_eq(d, dictionary)) {
            Some(at) => self.known.remove(at).1,
            None => vec![UNKNOWN; dictionary.len()],
        }
    }

    /// Remembers it.
    pub fn keep(&mut self, dictionary: &ArrayRef, ids: Vec<KeyId>) {
        if self.known.len() == DICTIONARIES {
            self.known.remove(0);
        }
        self.known.push((Arc::clone(dictionary), ids));
    }

    /// Forgets everything: an id means another key now, or none.
    pub fn clear(&mut self) {
        self.known.clear();
    }
}

/// Ids of short strings seen lately, by their views: a cache in front of the table that saves making
/// the key's bytes and following the table's ids to their words.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// A power of two; the view 0 (an empty string) marks a vacant place. Empty until it is worth it.
    places: Vec<(u128, KeyId)>,
}

impl Views {
    /// Most bytes of a string that lies in its view.
    const INLINE: u32 = 12;
    /// Most places: 2 MiB.
    const MOST: usize = 1 << 16;

    /// Makes room for `keys` keys, if a batch is large enough to gain by it.
    pub fn fit(&mut self, keys: usize, rows: usize) {
        if keys > Self::MOST / 2 {
            // Most would be looked for in vain.
            self.places = vec![];
            return;
        }
        let wanted = (4 * keys).next_power_of_two().clamp(1 << 9, Self::MOST);
        if self.places.len() < wanted && rows >= wanted / 16 {
            self.places = vec![(0, 0); wanted];
        }
    }

    #[inline(always)]
    fn place(&self, view: u128) -> usize {
        let a = (view as u64) ^ 0x243f_6a88_85a3_08d3;
        let b = ((view >> 64) as u64) ^ 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(a) * u128::from(b);
        (product as u64 ^ (product >> 64) as u64) as usize & (self.places.len() - 1)
    }

    /// Whether there is room.
    #[inline]
    pub fn is_ready(&self) -> bool {
        !self.places.is_empty()
    }

    /// Forgets everything: an id means another key now, or none.
    pub fn clear(&mut self) {
        self.places.clear();
    }

    /// The id of a view; from `id`, and remembered, if it isn't known. Only if there is room.
    #[inline(always)]
    pub fn find_or(&mut self, view: u128, id: impl FnOnce() -> KeyId) -> KeyId {
        let at = self.place(view);
        let (known, known_id) = self.places[at];
        if known == view && view != 0 {
            return known_id;
        }
        let id = id();
        if view as u32 <= Self::INLINE {
            self.places[at] = (view, id);
        }
        id
    }
}
