//! Rows by further keys than the partition's (a session's key, the attributes of `frequent`): dense ids
//! of the values of some columns within a partition key.
//!
//! Invariants:
//! * Rows of all partition keys share one interner, in which the partition key is part of the key.
//! * Each id has a *place*, a number in which the window notes where it keeps what belongs to the id.
//!   An id without place is given back at the end of the step, never earlier: rows of the same batch
//!   may still come in with it.

use arrow::array::{ArrayRef, RecordBatch};
use serde::{Deserialize, Serialize};
use std::ops::Range;

use crate::error::{Error, Result};
use crate::event::{KeyId, KeyInterner, Slot};

/// No place.
const NOWHERE: u32 = u32::MAX;

/// The further keys of rows.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct SubKeys {
    columns: Vec<u32>,
    interner: KeyInterner,
    /// By slot.
    of: Vec<KeyId>,
    /// By id.
    places: Vec<u32>,
    /// Ids that may have no place.
    idle: Vec<KeyId>,
}

impl SubKeys {
    /// Keys made of these columns; of none, all rows of a partition key are one (and it costs nothing).
    pub fn new(columns: &[usize]) -> Self {
        Self { columns: columns.iter().map(|c| *c as u32).collect(), ..Self::default() }
    }

    /// Whether rows have further keys.
    pub fn any(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Finds the keys of rows that were put into `slots`.
    pub fn enter(
        &mut self,
        batch: &RecordBatch,
        rows: Range<usize>,
        partition: Option<&[KeyId]>,
        slots: &[Slot],
    ) -> Result<()> {
        let part = |c: &u32| batch.column(*c as usize).slice(rows.start, rows.len());
        let columns: Vec<ArrayRef> = self.columns.iter().map(part).collect();
        let ids = self.interner.intern(&columns, partition, rows.len())?;
        let bound = slots.iter().max().map_or(0, |s| *s as usize + 1);
        if self.of.len() < bound {
            self.of.resize(bound, 0);
        }
        self.places.resize(self.interner.bound(), NOWHERE);
        for (slot, id) in slots.iter().zip(ids) {
            self.of[*slot as usize] = id;
            if self.places[id as usize] == NOWHERE {
                self.idle.push(id);
            }
        }
        Ok(())
    }

    /// The key of a row that is held.
    #[inline]
    pub fn of(&self, slot: Slot) -> KeyId {
        self.of[slot as usize]
    }

    /// Where the key's things are.
    #[inline]
    pub fn place(&self, id: KeyId) -> Option<u32> {
        let place = self.places[id as usize];
        (place != NOWHERE).then_some(place)
    }

    /// Notes where the key's things are.
    #[inline]
    pub fn put(&mut self, id: KeyId, place: u32) {
        self.places[id as usize] = place;
    }

    /// The key has nothing any more.
    pub fn vacate(&mut self, id: KeyId) {
        self.places[id as usize] = NOWHERE;
        self.idle.push(id);
    }

    /// Gives ids without place back; call at the end of a step.
    pub fn reclaim(&mut self) {
        while let Some(id) = self.idle.pop() {
            if self.places[id as usize] == NOWHERE {
                self.interner.release(id);
            }
        }
    }

    /// Replaces the contents by saved ones of the same columns; `bound`: slots of the row store.
    pub fn load(&mut self, saved: Self) -> Result<()> {
        let known = |id: &KeyId| (*id as usize) < saved.places.len();
        if saved.columns != self.columns
            || saved.places.len() != saved.interner.bound()
            || !saved.of.iter().all(|id| *id == 0 || known(id))
            || !saved.idle.iter().all(known)
        {
            return Err(Error::Snapshot("a window's keys don't fit".into()));
        }
        *self = saved;
        Ok(())
    }
}
