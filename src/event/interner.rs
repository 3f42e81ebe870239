//! [`KeyInterner`]: values of one or more columns to dense ids, once per batch.
//!
//! Ids are handed out in order of first appearance, from 0; a released id is used again (last
//! released first). Null is a value of its own, distinct from every other.
//!
//! A key is a string of bytes: the prefix, then every column's value as a tag and its bytes. Keys of
//! up to [`SHORT`] bytes are one word, with their length in its last byte, so that they are compared
//! and hashed as numbers and need no memory of their own (about 25 bytes a key, all told); single
//! int, long and (short) string columns make that word without writing bytes at all.

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringViewArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int32Type, Int64Type,
};
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, Hasher};

use super::coded::{coded, plain_column};
use super::views::{Codes, UNKNOWN, Views};
use crate::error::{Error, Result};

/// A dense id of a key.
pub type KeyId = u32;

/// Most bytes of a key that is kept as a word.
const SHORT: usize = 15;
/// Last byte of the word of a longer key; its first four bytes say where in `longs` it is.
const LONG: u8 = 0xff;
/// The word of a released id.
const RELEASED: u128 = 0xfe << 120;

/// Interns tuples of column values. Keys are compared by their encoded bytes.
#[derive(Debug, Default)]
pub struct KeyInterner {
    table: HashTable<KeyId>,
    /// By id.
    words: Vec<u128>,
    /// Keys that are longer than a word; the vacant places are in `longs_free`.
    longs: Vec<Box<[u8]>>,
    longs_free: Vec<u32>,
    free: Vec<KeyId>,
    scratch: Vec<u8>,
    views: Views,
    codes: Codes,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    /// By id; none if released.
    keys: Vec<Option<Box<[u8]>>>,
    free: Vec<KeyId>,
}

fn hasher() -> impl Hasher {
    foldhash::fast::FixedState::with_seed(0x0f04_e5a0_c000).build_hasher()
}

#[inline]
fn hash_word(word: u128) -> u64 {
    let mut h = hasher();
    h.write_u128(word);
    h.finish()
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut h = hasher();
    h.write(bytes);
    h.finish()
}

#[inline]
fn last_byte(word: u128) -> u8 {
    (word >> 120) as u8
}

/// The hash of a word, wherever its bytes are.
fn hash_stored(word: u128, longs: &[Box<[u8]>]) -> u64 {
    if last_byte(word) == LONG { hash_bytes(&longs[word as u32 as usize]) } else { hash_word(word) }
}

/// Up to [`SHORT`] bytes as a word.
fn pack(bytes: &[u8]) -> u128 {
    let mut word = [0; 16];
    word[..bytes.len()].copy_from_slice(bytes);
    word[SHORT] = bytes.len() as u8;
    u128::from_le_bytes(word)
}

impl KeyInterner {
    /// Number of live keys.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no key is live.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// One past the largest id ever handed out.
    pub fn bound(&self) -> usize {
        self.words.len()
    }

    /// Ids of all rows. `prefix`, if given, is a further `u32` component (e.g. the partition key).
    pub fn intern(
        &mut self,
        columns: &[ArrayRef],
        prefix: Option<&[KeyId]>,
        rows: usize,
    ) -> Result<Vec<KeyId>> {
        if let ([column], None) = (columns, prefix)
            && let Some((codes, texts)) = coded(column.as_ref())
        {
            return Ok(self.intern_codes(column.as_any_dictionary().values(), codes, texts));
        }
        let plain;
        let columns = match columns.iter().any(|c| coded(c.as_ref()).is_some()) {
            false => columns,
            true => {
                plain = columns.iter().map(plain_column).collect::<Result<Vec<_>>>()?;
                &plain
            }
        };
        if let ([column], None) = (columns, prefix)
            && let Some(texts) = column.as_string_view_opt()
            && texts.null_count() == 0
        {
            self.views.fit(self.len(), rows);
            if self.views.is_ready() {
                return Ok(self.intern_views(texts));
            }
        }
        let mut ids = Vec::with_capacity(rows);
        let mut scratch = std::mem::take(&mut self.scratch);
        each_key(columns, prefix, rows, &mut scratch, |key| {
            ids.push(match key {
                Key::Word(word) => self.intern_word(word),
                Key::Bytes(bytes) => self.intern_bytes(bytes),
            });
        })?;
        self.scratch = scratch;
        Ok(ids)
    }

    /// [`KeyInterner::intern`] of a column without nulls, through the cache.
    fn intern_views(&mut self, texts: &StringViewArray) -> Vec<KeyId> {
        let mut views = std::mem::take(&mut self.views);
        let mut ids = Vec::with_capacity(texts.len());
        ids.extend(
            texts
                .views()
                .iter()
                .enumerate()
                .map(|(row, view)| views.find_or(*view, || self.intern_text(texts.value(row)))),
        );
        self.views = views;
        ids
    }

    /// [`KeyInterner::intern`] of a dictionary-coded column: each value is looked up once.
    fn intern_codes(
        &mut self,
        dictionary: &ArrayRef,
        codes: &Int32Array,
        texts: &StringViewArray,
    ) -> Vec<KeyId> {
        let mut known = self.codes.take(dictionary);
        let mut ids = vec![0; codes.len()];
        if codes.null_count() == 0 {
            for (id, code) in ids.iter_mut().zip(codes.values()) {
                *id = known[*code as usize];
                if *id == UNKNOWN {
                    *id = self.intern_text(texts.value(*code as usize));
                    known[*code as usize] = *id;
                }
            }
        } else {
            for (id, code) in ids.iter_mut().zip(codes) {
                let Some(code) = code.map(|code| code as usize) else {
                    *id = self.intern_word(pack(&[0]));
                    continue;
                };
                if known[code] == UNKNOWN {
                    known[code] = self.intern_text(texts.value(code));
                }
                *id = known[code];
            }
        }
        self.codes.keep(dictionary, known);
        ids
    }

    /// The id of a string as the only value of its key.
    #[cold]
    fn intern_text(&mut self, text: &str) -> KeyId {
        let mut key = std::mem::take(&mut self.scratch);
        key.clear();
        key.push(1);
        key.extend_from_slice(text.as_bytes());
        let id = self.intern_bytes(&key);
        self.scratch = key;
        id
    }

    /// Ids of the rows whose key is known; hands out none. Arguments as for [`KeyInterner::intern`].
    pub fn lookup(
        &mut self,
        columns: &[ArrayRef],
        prefix: Option<&[KeyId]>,
        rows: usize,
    ) -> Result<Vec<Option<KeyId>>> {
        let columns = &columns.iter().map(plain_column).collect::<Result<Vec<_>>>()?;
        let mut ids = Vec::with_capacity(rows);
        let mut scratch = std::mem::take(&mut self.scratch);
        each_key(columns, prefix, rows, &mut scratch, |key| {
            ids.push(match key {
                Key::Word(word) => self.find_word(hash_word(word), word),
                Key::Bytes(bytes) if bytes.len() <= SHORT => {
                    let word = pack(bytes);
                    self.find_word(hash_word(word), word)
                }
                Key::Bytes(bytes) => self.find_long(hash_bytes(bytes), bytes),
            });
        })?;
        self.scratch = scratch;
        Ok(ids)
    }

    /// The id of encoded bytes, new or old.
    pub fn intern_bytes(&mut self, key: &[u8]) -> KeyId {
        if key.len() <= SHORT {
            return self.intern_word(pack(key));
        }
        let h = hash_bytes(key);
        if let Some(id) = self.find_long(h, key) {
            return id;
        }
        let place = match self.longs_free.pop() {
            Some(place) => {
                self.longs[place as usize] = key.into();
                place
            }
            None => {
                self.longs.push(key.into());
                (self.longs.len() - 1) as u32
            }
        };
        self.insert(h, u128::from(place) | u128::from(LONG) << 120)
    }

    #[inline]
    fn intern_word(&mut self, word: u128) -> KeyId {
        let h = hash_word(word);
        match self.find_word(h, word) {
            Some(id) => id,
            None => self.insert(h, word),
        }
    }

    #[inline]
    fn find_word(&self, h: u64, word: u128) -> Option<KeyId> {
        self.table.find(h, |id| self.words[*id as usize] == word).copied()
    }

    fn find_long(&self, h: u64, key: &[u8]) -> Option<KeyId> {
        let is = |id: &KeyId| {
            let word = self.words[*id as usize];
            last_byte(word) == LONG && &*self.longs[word as u32 as usize] == key
        };
        self.table.find(h, is).copied()
    }

    fn insert(&mut self, h: u64, word: u128) -> KeyId {
        let id = match self.free.pop() {
            Some(id) => {
                self.words[id as usize] = word;
                id
            }
            None => {
                self.words.push(word);
                (self.words.len() - 1) as KeyId
            }
        };
        let (words, longs) = (&self.words, &self.longs);
        self.table.insert_unique(h, id, |id| hash_stored(words[*id as usize], longs));
        id
    }

    /// Forgets a key; its id may be used again.
    pub fn release(&mut self, id: KeyId) {
        let Some(word) = self.words.get(id as usize).copied().filter(|w| *w != RELEASED) else {
            return;
        };
        if let Ok(entry) = self.table.find_entry(hash_stored(word, &self.longs), |k| *k == id) {
            entry.remove();
        }
        if last_byte(word) == LONG {
            self.longs[word as u32 as usize] = Box::default();
            self.longs_free.push(word as u32);
        }
        self.words[id as usize] = RELEASED;
        self.views.clear();
        self.codes.clear();
        self.free.push(id);
    }

    /// Forgets all keys but those `keep` says, and returns the memory they took. Ids change: the result
    /// lists the old ones by the new.
    pub fn compact(&mut self, keep: impl Fn(KeyId) -> bool) -> Vec<KeyId> {
        let mut old = std::mem::take(self);
        let kept: Vec<KeyId> = (0..old.words.len() as KeyId)
            .filter(|id| old.words[*id as usize] != RELEASED && keep(*id))
            .collect();
        self.words.reserve_exact(kept.len());
        // Nothing is in it that would have to be hashed again.
        self.table.reserve(kept.len(), |_| 0);
        for id in &kept {
            let mut word = old.words[*id as usize];
            let h = hash_stored(word, &old.longs);
            if last_byte(word) == LONG {
                self.longs.push(std::mem::take(&mut old.longs[word as u32 as usize]));
                word = (self.longs.len() - 1) as u128 | u128::from(LONG) << 120;
            }
            self.insert(h, word);
        }
        kept
    }

    /// State as something serde can write.
    pub fn save(&self) -> impl Serialize + '_ {
        let key = |word: &u128| match last_byte(*word) {
            LONG => Some(self.longs[*word as u32 as usize].clone()),
            _ if *word == RELEASED => None,
            length => Some(word.to_le_bytes()[..usize::from(length)].into()),
        };
        Saved { keys: self.words.iter().map(key).collect(), free: self.free.clone() }
    }

    /// State from what [`KeyInterner::save`] wrote.
    pub fn load<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let Saved { keys, free } = Saved::deserialize(d)?;
        let released = |id: &KeyId| matches!(keys.get(*id as usize), Some(None));
        let vacant = keys.iter().filter(|k| k.is_none()).count();
        if !free.iter().all(released) || free.len() != vacant {
            return Err(serde::de::Error::custom("the saved keys contradict each other"));
        }
        let mut interner = Self::default();
        for (id, key) in keys.into_iter().enumerate() {
            match key {
                // `free` is empty meanwhile, so ids are handed out in order.
                Some(key) if interner.intern_bytes(&key) as usize == id => {}
                Some(_) => return Err(serde::de::Error::custom("a key was saved twice")),
                None => interner.words.push(RELEASED),
            }
        }
        interner.free = free;
        Ok(interner)
    }
}

impl Serialize for KeyInterner {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.save().serialize(s)
    }
}

impl<'de> Deserialize<'de> for KeyInterner {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::load(d)
    }
}

/// A row's key: as a word, or (also short ones) as bytes.
enum Key<'a> {
    Word(u128),
    Bytes(&'a [u8]),
}

/// Calls `each` with the key of every row in order.
#[inline(always)]
fn each_key(
    columns: &[ArrayRef],
    prefix: Option<&[KeyId]>,
    rows: usize,
    scratch: &mut Vec<u8>,
    mut each: impl FnMut(Key<'_>),
) -> Result<()> {
    match columns {
        [c] if *c.data_type() == DataType::Int32 => numbers::<Int32Type>(c, prefix, each),
        [c] if *c.data_type() == DataType::Int64 => numbers::<Int64Type>(c, prefix, each),
        [c] if *c.data_type() == DataType::Utf8View => strings(c, prefix, scratch, each),
        _ => {
            for row in 0..rows {
                encode_row(columns, prefix, row, scratch)?;
                each(Key::Bytes(scratch));
            }
        }
    }
    Ok(())
}

/// Replaces `out` by the encoding of a row's key.
fn encode_row(
    columns: &[ArrayRef],
    prefix: Option<&[KeyId]>,
    row: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.clear();
    if let Some(p) = prefix {
        out.extend_from_slice(&p[row].to_le_bytes());
    }
    let last = columns.len().saturating_sub(1);
    columns.iter().enumerate().try_for_each(|(i, c)| encode(c, row, i == last, out))
}

/// A row's head (prefix and tag) as a word, and its length in bytes.
#[inline(always)]
fn head(prefix: Option<&[KeyId]>, row: usize, valid: bool) -> (u128, u32) {
    match prefix {
        None => (u128::from(valid), 1),
        Some(p) => (u128::from(p[row]) | u128::from(valid) << 32, 5),
    }
}

fn numbers<T>(column: &ArrayRef, prefix: Option<&[KeyId]>, mut each: impl FnMut(Key<'_>))
where
    T: ArrowPrimitiveType,
    T::Native: Into<i64>,
{
    let array = column.as_primitive::<T>();
    let bytes = size_of::<T::Native>() as u32;
    let mask = u64::MAX >> (64 - 8 * bytes);
    for row in 0..array.len() {
        let valid = array.is_valid(row);
        let (mut word, mut length) = head(prefix, row, valid);
        if valid {
            let value: i64 = array.value(row).into();
            word |= u128::from(value as u64 & mask) << (8 * length);
            length += bytes;
        }
        each(Key::Word(word | u128::from(length) << 120));
    }
}

fn strings(
    column: &ArrayRef,
    prefix: Option<&[KeyId]>,
    scratch: &mut Vec<u8>,
    mut each: impl FnMut(Key<'_>),
) {
    let array = column.as_string_view();
    for (row, view) in array.views().iter().enumerate() {
        let valid = array.is_valid(row);
        let (mut word, mut length) = head(prefix, row, valid);
        let text = *view as u32;
        // A view holds up to twelve bytes itself, behind its length.
        if valid && (text > 12 || (length + text) as usize > SHORT) {
            scratch.clear();
            scratch.extend_from_slice(&word.to_le_bytes()[..length as usize]);
            scratch.extend_from_slice(array.value(row).as_bytes());
            each(Key::Bytes(scratch));
            continue;
        }
        if valid {
            let inline = (view >> 32) & ((1 << (8 * text)) - 1);
            word |= inline << (8 * length);
            length += text;
        }
        each(Key::Word(word | u128::from(length) << 120));
    }
}

/// Appends a value: a tag (0 null, 1 value) and its bytes, self-delimiting unless it is the `last`.
/// `-0.0` equals `0.0`, and NaN equals NaN.
fn encode(array: &ArrayRef, row: usize, last: bool, out: &mut Vec<u8>) -> Result<()> {
    if array.is_null(row) {
        out.push(0);
        return Ok(());
    }
    out.push(1);
    match array.data_type() {
        DataType::Int32 => {
            out.extend_from_slice(&array.as_primitive::<Int32Type>().value(row).to_le_bytes())
        }
        DataType::Int64 => {
            out.extend_from_slice(&array.as_primitive::<Int64Type>().value(row).to_le_bytes())
        }
        DataType::Float32 => {
            let v = array.as_primitive::<Float32Type>().value(row);
            let v = if v.is_nan() { f32::NAN } else { v + 0.0 };
            out.extend_from_slice(&v.to_bits().to_le_bytes());
        }
        DataType::Float64 => {
            let v = array.as_primitive::<Float64Type>().value(row);
            let v = if v.is_nan() { f64::NAN } else { v + 0.0 };
            out.extend_from_slice(&v.to_bits().to_le_bytes());
        }
        DataType::Boolean => out.push(u8::from(array.as_boolean().value(row))),
        DataType::Utf8View => text(array.as_string_view().value(row).as_bytes(), last, out),
        DataType::BinaryView => text(array.as_binary_view().value(row), last, out),
        other => return Err(Error::Data(format!("a key can't be of type {other}"))),
    }
    Ok(())
}

fn text(bytes: &[u8], last: bool, out: &mut Vec<u8>) {
    if !last {
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    }
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
