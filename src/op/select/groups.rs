//! Which group each row belongs to, and which groups still hold anything.
//!
//! A group is a partition key and the values of `group by`; without `group by` it is the partition
//! key alone, and the key's id is the group's. Invariants between batches:
//! * `members` lists, by partition key, the groups that saw a row since the key's last reset;
//! * where groups are forgotten, a group is known to `interner` exactly while `live` isn't zero;
//! * rows of a join need not balance: of a pair, one side may leave by a reset, the other as expired. There a group
//!   is cleared as soon as an expired row brings `live` to zero, and forgotten only if it is clear (`clear`),
//!   so that no result depends on where batches end.

use arrow::datatypes::SchemaRef;

use crate::aggregate::GroupReset;
use crate::error::Result;
use crate::event::{EventBatch, KeyId, KeyInterner, Kind, Reset, SINGLE_KEY};
use crate::expr::columnar::ColumnarExpr;
use crate::plan::spec::SelectSpec;
use crate::state::{KeyedLists, SnapshotReader, SnapshotWriter};
use std::ops::Range;

/// The groups of a selector.
pub(super) struct Groups {
    by: Vec<ColumnarExpr>,
    keyed: bool,
    /// Whether a group whose rows have all left is given up (its id may then name another group).
    forgets: bool,
    interner: KeyInterner,
    members: KeyedLists,
    /// Rows that entered less rows that left, by group; only where groups are forgotten.
    live: Vec<i64>,
    /// Where rows need not balance: whether a group was cleared and saw no row since. All false between
    /// batches.
    clear: Option<Vec<bool>>,
    /// Groups (with their partition key) that may have lost their last row in this batch.
    emptied: Vec<(KeyId, u32)>,
}

/// The rows and resets of a batch in terms of groups.
pub(super) struct Assigned {
    /// Group of each row.
    pub(super) ids: Vec<u32>,
    /// Groups to clear.
    pub(super) resets: Vec<GroupReset>,
}

impl Groups {
    pub(super) fn new(spec: &SelectSpec) -> Result<Self> {
        let by = spec
            .group_by
            .iter()
            .map(|e| ColumnarExpr::compile(e, &spec.input))
            .collect::<Result<_>>()?;
        Ok(Self {
            by,
            keyed: spec.keyed,
            forgets: spec.windowed && spec.aggregates.iter().all(|c| !c.spec.forever),
            interner: KeyInterner::default(),
            members: KeyedLists::default(),
            live: Vec::new(),
            clear: spec.joined.then(Vec::new),
            emptied: Vec::new(),
        })
    }

    /// Whether all rows of a group have the same value in a column, to the last bit.
    pub(super) fn fixes(&self, column: usize, input: &SchemaRef) -> bool {
        // Zeros of either sign are one key.
        let exact = !input.field(column).data_type().is_floating();
        exact && self.by.iter().any(|e| e.as_column() == Some(column))
    }

    /// Gives every row its group, and every reset the groups it clears.
    pub(super) fn assign(&mut self, batch: &EventBatch) -> Result<Assigned> {
        let ids = self.intern(batch)?;
        if self.forgets {
            let bound = ids.iter().max().map_or(0, |g| *g as usize + 1);
            self.live.resize(bound.max(self.live.len()), 0);
            if let Some(clear) = &mut self.clear {
                clear.resize(self.live.len(), false);
            }
        }
        let mut resets = Vec::new();
        let mut from = 0;
        for reset in &batch.resets {
            let to = reset.before as usize;
            self.track(batch, &ids, from..to, &mut resets);
            self.clear(*reset, &mut resets);
            from = to;
        }
        self.track(batch, &ids, from..ids.len(), &mut resets);
        Ok(Assigned { ids, resets })
    }

    /// Gives every row its group and keeps no books: who calls this must [`Groups::release`] groups
    /// itself.
    pub(super) fn intern(&mut self, batch: &EventBatch) -> Result<Vec<u32>> {
        let Self { by, keyed, interner, .. } = self;
        ids(by, *keyed, batch, interner)
    }

    /// Number of groups known by values of `group by`.
    pub(super) fn len(&self) -> usize {
        self.interner.len()
    }

    /// One past the largest id of a group outside of partitions.
    pub(super) fn bound(&self) -> usize {
        if self.by.is_empty() { SINGLE_KEY as usize + 1 } else { self.interner.bound() }
    }

    /// Forgets a group.
    pub(super) fn release(&mut self, group: u32) {
        self.interner.release(group);
    }

    /// Gives every row an id of its group that means nothing beyond this batch.
    pub(super) fn transient(&self, batch: &EventBatch) -> Result<Vec<u32>> {
        ids(&self.by, self.keyed, batch, &mut KeyInterner::default())
    }

    /// Keeps the books of rows between two resets.
    fn track(
        &mut self,
        batch: &EventBatch,
        ids: &[u32],
        rows: Range<usize>,
        resets: &mut Vec<GroupReset>,
    ) {
        for row in rows {
            let key = if self.keyed { batch.key(row) } else { SINGLE_KEY };
            let group = ids[row];
            self.members.insert(key, group);
            if self.forgets {
                let live = &mut self.live[group as usize];
                *live += match batch.kind(row) {
                    Kind::Current => 1,
                    Kind::Expired => -1,
                };
                let emptied = *live == 0 && batch.kind(row) == Kind::Expired;
                if emptied {
                    self.emptied.push((key, group));
                }
                if let Some(clear) = &mut self.clear {
                    clear[group as usize] = emptied;
                    if emptied {
                        resets.push(GroupReset { before: row as u32 + 1, group });
                    }
                }
            }
        }
    }

    fn clear(&mut self, reset: Reset, out: &mut Vec<GroupReset>) {
        let key = if self.keyed { reset.key } else { SINGLE_KEY };
        let Self { members, live, clear, emptied, forgets, .. } = self;
        members.drain(key, |group| {
            out.push(GroupReset { before: reset.before, group });
            if *forgets {
                live[group as usize] = 0;
                if let Some(clear) = clear {
                    clear[group as usize] = true;
                }
                emptied.push((key, group));
            }
        });
    }

    /// Gives up the groups that hold nothing any more, calling `forget` with each (perhaps twice).
    pub(super) fn sweep(&mut self, mut forget: impl FnMut(u32)) {
        for (key, group) in self.emptied.drain(..) {
            let clear = self.clear.as_mut().is_none_or(|c| std::mem::take(&mut c[group as usize]));
            if self.live[group as usize] == 0 && clear {
                forget(group);
                self.members.remove(key, group);
                if !self.by.is_empty() {
                    self.interner.release(group);
                }
            }
        }
    }

    pub(super) fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.interner)?;
        w.value(&self.members)?;
        w.value(&self.live)
    }

    pub(super) fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.interner = r.value()?;
        self.members = r.value()?;
        self.live = r.value()?;
        Ok(())
    }
}

/// The group of each row, by the values of `by` and, if `keyed`, the partition key.
fn ids(
    by: &[ColumnarExpr],
    keyed: bool,
    batch: &EventBatch,
    interner: &mut KeyInterner,
) -> Result<Vec<u32>> {
    let rows = batch.rows();
    let keys = if keyed { batch.keys.as_deref() } else { None };
    match by {
        [] => Ok(keys.map_or_else(|| vec![SINGLE_KEY; rows], <[KeyId]>::to_vec)),
        [only] => interner.intern(&[only.evaluate_coded(batch)?], keys, rows),
        several => {
            let columns =
                several.iter().map(|e| e.evaluate_coded(batch)).collect::<Result<Vec<_>>>()?;
            interner.intern(&columns, keys, rows)
        }
    }
}
