//! Limits that hold results until they are told to let them out: all of them, or the last of each group.
//!
//! Invariants:
//! * `slots[group]` is the row of that group, if one is held; it stands in the list of its key.
//! * Where results are let go once they have left, a group without a row isn't known to the interner
//!   after a batch.

use serde::{Deserialize, Serialize};

use super::rows::{List, Rows, at};
use super::{Emitted, Groups, Row};
use crate::error::Result;
use crate::event::{KeyId, Kind, NO_SLOT, Slot};
use crate::state::{SnapshotReader, SnapshotWriter};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Every result, until it leaves.
    All,
    /// The last of each group, until it leaves.
    Last,
    /// The last of each group, for ever.
    Latest,
    /// The last of each group, as long as more of its rows entered than left.
    Totals,
}

/// Results that wait.
pub(super) struct Hold {
    holds: Holds,
    rows: Rows,
    state: State,
    /// Groups whose row has left.
    over: Vec<u32>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// By key.
    lists: Vec<List>,
    /// By key: results since the last whole `n`.
    counts: Vec<u64>,
    /// By group.
    slots: Vec<Slot>,
    /// By group: rows that entered less rows that left.
    inside: Vec<i64>,
}

impl Hold {
    pub(super) fn new(holds: Holds, schema: SchemaRef) -> Result<Self> {
        Ok(Self { holds, rows: Rows::new(schema)?, state: State::default(), over: vec![] })
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Takes a result in.
    pub(super) fn row(&mut self, columns: &RecordBatch, row: Row) {
        let Row { at: place, ts, key, group, kind, .. } = row;
        let left = kind == Kind::Expired;
        if self.holds == Holds::Latest && left {
            return;
        }
        // A snapshot shows what is there, whatever event told of it.
        let kind = if self.keeps() { Kind::Current } else { kind };
        let slot = self.rows.insert(columns, place, ts, (group, 0), kind);
        let list = at(&mut self.state.lists, key, List::default());
        if self.holds == Holds::All {
            return self.rows.push(list, slot);
        }
        if self.holds == Holds::Totals {
            *at(&mut self.state.inside, group, 0) += if left { -1 } else { 1 };
        }
        match std::mem::replace(at(&mut self.state.slots, group, NO_SLOT), slot) {
            NO_SLOT => self.rows.push(list, slot),
            old => self.rows.replace(list, old, slot),
        }
    }

    /// Whether results stay when they have been shown.
    fn keeps(&self) -> bool {
        matches!(self.holds, Holds::Latest | Holds::Totals)
    }

    /// Counts a result of the key; whether it is the last of `n`.
    pub(super) fn count(&mut self, key: KeyId, n: u64) -> bool {
        let count = at(&mut self.state.counts, key, 0);
        *count += 1;
        let whole = *count >= n;
        if whole {
            *count = 0;
        }
        whole
    }

    /// Lets the results of a key out.
    pub(super) fn emit(&mut self, key: KeyId, cause: (u64, i64), out: &mut Emitted) {
        let Self { rows, state, over, holds } = self;
        let list = at(&mut state.lists, key, List::default());
        let mut remaining = *list;
        rows.walk(*list, |rows, slot| {
            let group = rows.group(slot);
            let gone = match holds {
                Holds::All | Holds::Last => true,
                Holds::Latest => false,
                Holds::Totals => state.inside[group as usize] <= 0,
            };
            if *holds != Holds::Totals || !gone {
                out.push(rows.store().ts(slot), cause, rows.kind(slot), key, slot, NO_SLOT);
            }
            if gone {
                rows.remove(&mut remaining, slot);
                if *holds != Holds::All {
                    state.slots[group as usize] = NO_SLOT;
                    over.push(group);
                }
            }
        });
        *list = remaining;
    }

    /// Forgets what is held of a key.
    pub(super) fn reset(&mut self, key: KeyId) {
        let Self { rows, state, over, .. } = self;
        let list = std::mem::take(at(&mut state.lists, key, List::default()));
        rows.walk(list, |rows, slot| {
            let group = rows.group(slot);
            *at(&mut state.slots, group, NO_SLOT) = NO_SLOT;
            *at(&mut state.inside, group, 0) = 0;
            over.push(group);
            rows.release(slot);
        });
    }

    /// Whether nothing is held of a key.
    pub(super) fn is_idle(&self, key: KeyId) -> bool {
        self.state.lists.get(key as usize).is_none_or(List::is_empty)
    }

    /// After a batch: what has left is given up.
    pub(super) fn sweep(&mut self, groups: &mut Groups) {
        for group in self.over.drain(..) {
            if self.state.slots[group as usize] == NO_SLOT {
                if let Some(inside) = self.state.inside.get_mut(group as usize) {
                    *inside = 0;
                }
                groups.release(group);
            }
        }
        self.rows.reclaim();
    }

    pub(super) fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.rows.snapshot(w)?;
        w.value(&self.state)
    }

    pub(super) fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.rows.restore(r)?;
        self.state = r.value()?;
        Ok(())
    }
}
