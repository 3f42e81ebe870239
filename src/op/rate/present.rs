//! Snapshots of a window: the rows that are in it, as the selector put them out.
//!
//! A row that leaves takes out the oldest row with equal values (of its group, aggregates aside): a
//! result doesn't tell which row of the window it was made of.
//!
//! Invariants: `heads[value]` and `tails[value]` are the oldest and youngest row present with these
//! values, linked by `same`; `present[group]` is the number of rows of a group; a group or value with
//! no row isn't known to its interner after a batch.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::rows::{List, Rows, at};
use super::{Emitted, Groups, Row};
use crate::error::Result;
use crate::event::{KeyId, KeyInterner, Kind, NO_SLOT, Slot};
use crate::state::{SnapshotReader, SnapshotWriter};

/// The rows of windows.
pub(super) struct Present {
    /// Output attributes without an aggregate.
    plain: Vec<usize>,
    /// Whether rows are shown with the latest aggregates of their group, and one row of each group.
    filled: bool,
    rows: Rows,
    state: State,
    /// Values and groups that have lost a row.
    lost: Vec<(u32, u32)>,
    /// Values of rows that left without having been there.
    strange: Vec<u32>,
    /// By group: the tick at which it was last shown.
    shown: Vec<u64>,
    tick: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    values: KeyInterner,
    /// By key.
    lists: Vec<List>,
    /// By value.
    heads: Vec<Slot>,
    tails: Vec<Slot>,
    /// By group.
    present: Vec<u32>,
    /// By group: a row with the latest aggregates.
    latest: Vec<Slot>,
}

impl Present {
    pub(super) fn new(aggregated: &[bool], filled: bool, schema: SchemaRef) -> Result<Self> {
        Ok(Self {
            plain: (0..aggregated.len()).filter(|i| !aggregated[*i]).collect(),
            filled,
            rows: Rows::new(schema)?,
            state: State::default(),
            lost: vec![],
            strange: vec![],
            shown: vec![],
            tick: 0,
        })
    }

    /// The values of each row, as dense ids.
    pub(super) fn values(&mut self, columns: &RecordBatch, groups: &[u32]) -> Result<Vec<u32>> {
        let plain: Vec<ArrayRef> = self.plain.iter().map(|c| columns.column(*c).clone()).collect();
        self.state.values.intern(&plain, Some(groups), groups.len())
    }

    /// Takes a result in.
    pub(super) fn row(&mut self, columns: &RecordBatch, row: Row) {
        match row.kind {
            Kind::Current => self.enter(columns, row),
            Kind::Expired => self.leave(columns, row),
        }
    }

    fn enter(&mut self, columns: &RecordBatch, row: Row) {
        let Row { at: place, ts, key, group, value, .. } = row;
        let slot = self.rows.insert(columns, place, ts, (group, value), Kind::Current);
        let State { lists, heads, tails, present, .. } = &mut self.state;
        self.rows.push(at(lists, key, List::default()), slot);
        let head = at(heads, value, NO_SLOT);
        let tail = at(tails, value, NO_SLOT);
        match *head {
            NO_SLOT => *head = slot,
            _ => *self.rows.same(*tail) = slot,
        }
        *tail = slot;
        *at(present, group, 0) += 1;
        self.fill(columns, row);
    }

    fn leave(&mut self, columns: &RecordBatch, row: Row) {
        let State { lists, heads, present, .. } = &mut self.state;
        let head = at(heads, row.value, NO_SLOT);
        if *head == NO_SLOT {
            self.strange.push(row.value);
            return;
        }
        let slot = std::mem::replace(head, *self.rows.same(*head));
        self.rows.remove(at(lists, row.key, List::default()), slot);
        *at(present, row.group, 0) -= 1;
        self.lost.push((row.value, row.group));
        self.fill(columns, row);
    }

    /// Remembers the aggregates of a row.
    fn fill(&mut self, columns: &RecordBatch, row: Row) {
        if self.filled {
            let slot = self.rows.insert(columns, row.at, row.ts, (row.group, 0), Kind::Current);
            let latest = at(&mut self.state.latest, row.group, NO_SLOT);
            let old = std::mem::replace(latest, slot);
            if old != NO_SLOT {
                self.rows.release(old);
            }
        }
    }

    /// Shows the rows of a key.
    pub(super) fn emit(
        &mut self,
        key: KeyId,
        cause: (u64, i64),
        by_group: bool,
        out: &mut Emitted,
    ) {
        self.tick += 1;
        let Self { rows, state, shown, tick, filled, .. } = self;
        let list = *at(&mut state.lists, key, List::default());
        rows.walk(list, |rows, slot| {
            let group = rows.group(slot);
            if by_group && std::mem::replace(at(shown, group, 0), *tick) == *tick {
                return;
            }
            let latest = if *filled { state.latest[group as usize] } else { NO_SLOT };
            out.push(rows.store().ts(slot), cause, Kind::Current, key, slot, latest);
        });
    }

    /// The columns of shown rows: `slots`, with the aggregates of `latest`.
    pub(super) fn columns(&self, slots: &[Slot], latest: &[Slot]) -> Vec<ArrayRef> {
        let store = self.rows.store();
        let width = store.schema().fields().len();
        let from = |c: usize| if self.plain.contains(&c) { slots } else { latest };
        (0..width).map(|c| store.gather(c, from(c))).collect()
    }

    /// Forgets what is there of a key.
    pub(super) fn reset(&mut self, key: KeyId) {
        let Self { rows, state, lost, .. } = self;
        let list = std::mem::take(at(&mut state.lists, key, List::default()));
        rows.walk(list, |rows, slot| {
            let (value, group) = (rows.value(slot), rows.group(slot));
            state.heads[value as usize] = NO_SLOT;
            state.present[group as usize] = 0;
            lost.push((value, group));
            rows.release(slot);
        });
    }

    /// Whether nothing is there of a key.
    pub(super) fn is_idle(&self, key: KeyId) -> bool {
        self.state.lists.get(key as usize).is_none_or(List::is_empty)
    }

    /// After a batch: what nothing is left of is given up.
    pub(super) fn sweep(&mut self, groups: &mut Groups) {
        let Self { rows, state, lost, strange, .. } = self;
        for (value, group) in lost.drain(..) {
            if state.heads[value as usize] == NO_SLOT {
                state.values.release(value);
            }
            if state.present[group as usize] == 0 {
                if let Some(slot) = state.latest.get_mut(group as usize).filter(|s| **s != NO_SLOT)
                {
                    rows.release(std::mem::replace(slot, NO_SLOT));
                }
                groups.release(group);
            }
        }
        for value in strange.drain(..) {
            if state.heads[value as usize] == NO_SLOT {
                state.values.release(value);
            }
        }
        rows.reclaim();
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
