//! [`KeyInterner`]: values of one or more columns to dense ids, once per batch.
//!
//! Ids are handed out in order of first appearance, from 0; a released id is used again (last
//! released first). Null is a value of its own, distinct from every other.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A dense id of a key.
pub type KeyId = u32;

/// Interns tuples of column values. Keys are compared by their encoded bytes.
#[derive(Debug, Default)]
pub struct KeyInterner {
    table: HashTable<KeyId>,
    /// Encoded key by id; empty and `live[id] == false` when released.
    keys: Vec<Box<[u8]>>,
    live: Vec<bool>,
    free: Vec<KeyId>,
    scratch: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    keys: Vec<Box<[u8]>>,
    live: Vec<bool>,
    free: Vec<KeyId>,
}

fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut h = foldhash::fast::FixedState::with_seed(0x0f04_e5a0_c000).build_hasher();
    h.write(bytes);
    h.finish()
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
        self.keys.len()
    }

    /// Ids of all rows. `prefix`, if given, is a further `u32` component (e.g. the partition key).
    pub fn intern(
        &mut self,
        columns: &[ArrayRef],
        prefix: Option<&[KeyId]>,
        rows: usize,
    ) -> Result<Vec<KeyId>> {
        let mut ids = Vec::with_capacity(rows);
        let mut scratch = std::mem::take(&mut self.scratch);
        for row in 0..rows {
            encode_row(columns, prefix, row, &mut scratch)?;
            ids.push(self.intern_bytes(&scratch));
        }
        self.scratch = scratch;
        Ok(ids)
    }

    /// Ids of the rows whose key is known; hands out none. Arguments as for [`KeyInterner::intern`].
    pub fn lookup(
        &mut self,
        columns: &[ArrayRef],
        prefix: Option<&[KeyId]>,
        rows: usize,
    ) -> Result<Vec<Option<KeyId>>> {
        let mut ids = Vec::with_capacity(rows);
        let mut scratch = std::mem::take(&mut self.scratch);
        for row in 0..rows {
            encode_row(columns, prefix, row, &mut scratch)?;
            let keys = &self.keys;
            ids.push(
                self.table.find(hash(&scratch), |id| *keys[*id as usize] == *scratch).copied(),
            );
        }
        self.scratch = scratch;
        Ok(ids)
    }

    /// The id of encoded bytes, new or old.
    pub fn intern_bytes(&mut self, key: &[u8]) -> KeyId {
        let h = hash(key);
        let keys = &self.keys;
        if let Some(id) = self.table.find(h, |id| &*keys[*id as usize] == key) {
            return *id;
        }
        let id = match self.free.pop() {
            Some(id) => {
                self.keys[id as usize] = key.into();
                self.live[id as usize] = true;
                id
            }
            None => {
                self.keys.push(key.into());
                self.live.push(true);
                (self.keys.len() - 1) as KeyId
            }
        };
        let keys = &self.keys;
        self.table.insert_unique(h, id, |id| hash(&keys[*id as usize]));
        id
    }

    /// Forgets a key; its id may be used again.
    pub fn release(&mut self, id: KeyId) {
        let i = id as usize;
        if !self.live.get(i).copied().unwrap_or(false) {
            return;
        }
        if let Ok(entry) = self.table.find_entry(hash(&self.keys[i]), |k| *k == id) {
            entry.remove();
        }
        self.keys[i] = Box::default();
        self.live[i] = false;
        self.free.push(id);
    }

    /// State as something serde can write.
    pub fn save(&self) -> impl Serialize + '_ {
        (&self.keys, &self.live, &self.free)
    }

    /// State from what [`KeyInterner::save`] wrote.
    pub fn load<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let Saved { keys, live, free } = Saved::deserialize(d)?;
        let mut table = HashTable::new();
        for (i, k) in keys.iter().enumerate().filter(|(i, _)| live[*i]) {
            table.insert_unique(hash(k), i as KeyId, |id| hash(&keys[*id as usize]));
        }
        Ok(Self { table, keys, live, free, scratch: Vec::new() })
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

/// Replaces `out` by the encoding of a row's key.
#[inline]
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
    columns.iter().try_for_each(|c| encode(c, row, out))
}

/// Appends a self-delimiting encoding of one value: a tag (0 null, 1 value) and its bytes. `-0.0`
/// equals `0.0`, and NaN equals NaN.
fn encode(array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
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
            let v = array.as_primitive::<Float32Type>().value(row) + 0.0;
            out.extend_from_slice(&v.to_bits().to_le_bytes());
        }
        DataType::Float64 => {
            let v = array.as_primitive::<Float64Type>().value(row) + 0.0;
            out.extend_from_slice(&v.to_bits().to_le_bytes());
        }
        DataType::Boolean => out.push(u8::from(array.as_boolean().value(row))),
        DataType::Utf8View => sized(array.as_string_view().value(row).as_bytes(), out),
        DataType::BinaryView => sized(array.as_binary_view().value(row), out),
        other => return Err(Error::Data(format!("a key can't be of type {other}"))),
    }
    Ok(())
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}
