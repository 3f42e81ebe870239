//! [`Matches`]: completed matches of a step, and the batch made of them.
//!
//! Invariants: events of a match stay readable in their stores until the batch is finished, so only
//! slots are noted; lists (`e1.price` of a count state) are encoded at once.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewBuilder, Int64Builder};

use super::events::Events;
use super::machine::Machine;
use super::partial::{PartialId, Partials};
use super::spec::{EventRef, OutputColumn, PatternSpec};
use crate::error::Result;
use crate::event::{BatchBuilder, EventBatch, Kind, NO_SLOT, Slot, Value, object};

use super::Cause;

/// Completed matches of a step.
#[derive(Debug)]
pub(super) struct Matches {
    picks: Vec<EventRef>,
    columns: Vec<OutputColumn>,
    rows: BatchBuilder,
    /// Per pick, the event of each match.
    slots: Vec<Vec<Slot>>,
    /// Per `All` column (by position among them), the encoded list of each match.
    lists: Vec<Vec<Vec<u8>>>,
}

impl Matches {
    pub fn new(spec: &PatternSpec) -> Self {
        let lists = spec.columns.iter().filter(|c| matches!(c, OutputColumn::All { .. })).count();
        Self {
            picks: spec.picks.clone(),
            columns: spec.columns.clone(),
            rows: BatchBuilder::default(),
            slots: vec![vec![]; spec.picks.len()],
            lists: vec![vec![]; lists],
        }
    }

    /// Notes a completed match.
    pub fn push(
        &mut self,
        m: &Machine,
        partials: &Partials,
        events: &Events,
        p: PartialId,
        cause: Cause,
    ) {
        self.rows.push(cause.ts, cause.at, cause.order, Kind::Current, partials.key(p));
        for (slots, pick) in self.slots.iter_mut().zip(&self.picks) {
            slots.push(partials.pick(m, p, *pick));
        }
        let all = self.columns.iter().filter_map(|c| match *c {
            OutputColumn::All { side, column } => Some((side, column)),
            _ => None,
        });
        for ((side, column), lists) in all.zip(&mut self.lists) {
            let store = events.store(m.sides[side].port);
            let values =
                partials.held(m, p, side).iter().map(|s| store.value(column, *s)).collect();
            lists.push(object::encode(&Value::List(values)));
        }
        if !cause.joined {
            self.rows.end_chunk();
        }
    }

    /// The side was offered the row: what follows is another chunk.
    pub fn end_chunk(&mut self) {
        self.rows.end_chunk();
    }

    /// The batch of all matches; none if there were none.
    pub fn finish(
        &mut self,
        m: &Machine,
        events: &Events,
        spec: &PatternSpec,
    ) -> Result<Option<EventBatch>> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        let mut lists = self.lists.iter();
        let columns = self
            .columns
            .iter()
            .map(|c| match *c {
                OutputColumn::Attribute { pick, column } => {
                    let port = m.sides[self.picks[pick].side].port;
                    events.store(port).gather(column, &self.slots[pick])
                }
                OutputColumn::Time { pick } => {
                    let store = events.store(m.sides[self.picks[pick].side].port);
                    let mut b = Int64Builder::with_capacity(self.slots[pick].len());
                    for s in &self.slots[pick] {
                        b.append_option((*s != NO_SLOT).then(|| store.ts(*s)));
                    }
                    Arc::new(b.finish()) as ArrayRef
                }
                OutputColumn::All { .. } => {
                    let mut b = BinaryViewBuilder::new();
                    lists.next().into_iter().flatten().for_each(|v| b.append_value(v));
                    Arc::new(b.finish())
                }
            })
            .collect();
        let rows = std::mem::take(&mut self.rows);
        let batch = rows.finish(Arc::clone(&spec.output), columns, m.keyed)?;
        self.slots.iter_mut().for_each(Vec::clear);
        self.lists.iter_mut().for_each(Vec::clear);
        Ok(Some(batch))
    }
}
