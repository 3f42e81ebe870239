//! `distinctCount`: how many different values are in.
//!
//! Pairs of group and value are interned to dense ids, so that a row is one look-up for the whole
//! batch and then array arithmetic. Invariant between updates: an id is live in `values` exactly when
//! `counts[id] > 0`, and then it stands in the list of its group.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;
use serde::{Deserialize, Serialize};

use super::fold::{Results, fit, one, walk};
use super::{AggregateInput, AggregateSpec, Aggregator};
use crate::error::Result;
use crate::event::{KeyId, KeyInterner, Kind};
use crate::expr::types::AttrType;
use crate::state::{KeyedLists, SnapshotReader, SnapshotWriter};

/// `distinctCount`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "distinctCount",
    signature: "distinctCount(x any) -> long",
    doc: "How many different values the rows that are in have; null is a value like any other. Without \
          any row it is 0.",
    example: "define stream Visits (user string, page string);\n\
              from Visits#window.time(1 hour) select user, distinctCount(page) as pages \
              group by user insert into Out;",
    returns: |args| one("distinctCount", args).map(|_| AttrType::Long),
    forever: false,
    create: |_| Box::<DistinctCount>::default(),
};

#[derive(Default)]
struct DistinctCount {
    values: KeyInterner,
    state: State,
    /// Ids that may have lost their last row in this update.
    dead: Vec<KeyId>,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    /// Rows that have the value, by id.
    counts: Vec<u64>,
    /// Different values, by group.
    distinct: Vec<i64>,
    /// Ids of a group.
    members: KeyedLists,
}

impl State {
    fn clear(&mut self, group: usize, dead: &mut Vec<KeyId>) {
        let counts = &mut self.counts;
        self.members.drain(group as u32, |id| {
            counts[id as usize] = 0;
            dead.push(id);
        });
        if let Some(distinct) = self.distinct.get_mut(group) {
            *distinct = 0;
        }
    }

    #[inline(always)]
    fn add(&mut self, id: KeyId, group: usize) {
        let count = &mut self.counts[id as usize];
        *count += 1;
        if *count == 1 {
            self.distinct[group] += 1;
            self.members.insert(group as u32, id);
        }
    }

    /// Takes a row out; true if no row has the value any more.
    #[inline(always)]
    fn remove(&mut self, id: KeyId, group: usize) -> bool {
        let count = &mut self.counts[id as usize];
        if *count == 1 {
            self.distinct[group] -= 1;
            self.members.remove(group as u32, id);
        }
        // A row that leaves without having entered (a named window that only tells of leaving rows)
        // takes nothing away.
        *count = count.saturating_sub(1);
        *count == 0
    }
}

impl DistinctCount {
    fn release_dead(&mut self) {
        for id in self.dead.drain(..) {
            if self.state.counts[id as usize] == 0 {
                self.values.release(id);
            }
        }
    }
}

impl Aggregator for DistinctCount {
    fn update(&mut self, input: &AggregateInput<'_>) -> Result<ArrayRef> {
        let ids = self.values.intern(input.args, Some(input.groups), input.groups.len())?;
        self.state.counts.resize(self.values.bound(), 0);
        fit(&mut self.state.distinct, input);
        let mut out = Results::<Int64Type>::with_capacity(input.groups.len());
        let mut both = (&mut self.state, &mut self.dead);
        walk(
            &mut both,
            input,
            |(state, dead), group| state.clear(group, dead),
            |(state, dead), row, group, kind| {
                match kind {
                    Kind::Current => state.add(ids[row], group),
                    Kind::Expired => {
                        if state.remove(ids[row], group) {
                            dead.push(ids[row]);
                        }
                    }
                }
                out.push(Some(state.distinct[group]));
            },
        );
        self.release_dead();
        Ok(out.finish())
    }

    fn forget(&mut self, group: u32) {
        self.state.clear(group as usize, &mut self.dead);
        self.release_dead();
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.values)?;
        w.value(&self.state)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.values = r.value()?;
        self.state = r.value()?;
        self.dead.clear();
        Ok(())
    }
}
