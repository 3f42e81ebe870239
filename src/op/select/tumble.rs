//! A tumbling window and the selector behind it in one: rows are aggregated as they come, and of each
//! group only its last row is kept.
//!
//! Fits windows that are cut by an attribute ([`Tumbling`]) if nobody wants the rows that leave and no
//! `having` looks at the rows in between.
//!
//! Invariants:
//! * `seen` lists the groups of the open batch in order of their first row; `last[g].batch` is `batch`
//!   exactly for those.
//! * Between steps `last[g].slot` of a seen group is its last row, as far as the selector reads it; what
//!   it adds up to is in the aggregators until the reset that closes the batch.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::Int64Type;

use super::pick::Picked;
use super::{Call, SelectOp};
use crate::aggregate::{AggregateInput, GroupReset};
use crate::error::{Error, Result};
use crate::event::{
    BatchBuilder, EventBatch, Kind, NO_SLOT, RowStore, SINGLE_KEY, Slot, record_batch,
};
use crate::lang::ast::EventType;
use crate::op::{Operator, Output};
use crate::plan::spec::SelectSpec;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;
use crate::window::{Tumbling, WindowCall, WindowContext};

/// Groups that may be known beyond those of the open batch, before the others are forgotten.
const SPARE_GROUPS: usize = 1024;

/// A tumbling window with its selector.
pub struct TumbleOp {
    select: SelectOp,
    window: Tumbling,
    /// Where the grid begins; none before the first row.
    start: Option<i64>,
    /// Where the open batch ends.
    end: i64,
    /// Counts batches, so that `last` need not be cleared.
    batch: u32,
    seen: Vec<u32>,
    /// By group.
    last: Vec<Last>,
    /// Columns of the rows that the selector reads.
    needed: Vec<usize>,
    /// Whether all rows of a group agree in these, so that any of them will do.
    same: bool,
    /// Last rows, with the needed columns.
    store: RowStore,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    batch: u32,
    /// Row in the present input, if the group has one there.
    row: u32,
    /// The last row from before, or what has become of `row`.
    slot: Slot,
}

const NO_ROW: u32 = u32::MAX;
const NEVER: Last = Last { batch: 0, row: NO_ROW, slot: NO_SLOT };

/// A batch that closed.
struct Closed {
    /// The row that closed it.
    by: usize,
    /// Its groups, with the last row of each.
    groups: Vec<(u32, Last)>,
}

impl TumbleOp {
    /// The operator of `call` followed by `select`, if they can be one. `expired`: whether anybody
    /// wants the rows that leave.
    pub fn new(call: &WindowCall, expired: bool, select: &SelectSpec) -> Result<Option<Self>> {
        let fits = !select.aggregates.is_empty()
            && select.aggregates.iter().all(|c| !c.spec.forever)
            && select.events == EventType::Current
            && select.having.is_none()
            && !select.keyed
            && !expired;
        if !fits {
            return Ok(None);
        }
        let schema = select.input.clone();
        let context = WindowContext { schema, expired: false, keyed: false, searched: false };
        let Some(window) = (call.spec.create)(call, context)?.tumbling() else { return Ok(None) };
        let mut op = SelectOp::new(select)?;
        op.calls.iter_mut().for_each(|c| c.aggregator.append_only());
        if !op.calls.iter().all(|c| c.aggregator.drains()) {
            return Ok(None);
        }
        let mut needed = op.projection.needed().to_vec();
        needed.retain(|c| *c < op.input.fields().len());
        let same = needed.iter().all(|c| op.groups.fixes(*c, &op.input));
        let store = RowStore::new(Arc::new(op.input.project(&needed)?))?;
        Ok(Some(Self {
            select: op,
            window,
            start: None,
            end: 0,
            batch: 1,
            seen: vec![],
            last: vec![],
            needed,
            same,
            store,
        }))
    }

    /// Finds the batches that close and the resets that come with it.
    fn cut(&mut self, times: &[i64], ids: &[u32]) -> (Vec<Closed>, Vec<GroupReset>) {
        self.last.resize(self.select.groups.bound().max(self.last.len()), NEVER);
        let (mut closed, mut resets) = (vec![], vec![]);
        let mut row = 0;
        while row < times.len() {
            let v = times[row];
            match self.start {
                None => {
                    let start = self.window.start.unwrap_or(v);
                    self.start = Some(start);
                    self.end = self.window.end_of(v, start);
                }
                Some(start) if v >= self.end => {
                    self.close(row, &mut closed, &mut resets);
                    self.end = self.window.end_of(v, start);
                }
                Some(_) => {}
            }
            // A batch that ends at the largest time there is can't hold the row that opened it: that is in
            // it anyway.
            let (first, end) = (row, self.end);
            let Self { last, seen, batch, .. } = self;
            for (t, group) in times[first..].iter().zip(&ids[first..]) {
                if *t >= end && row > first {
                    break;
                }
                let l = &mut last[*group as usize];
                if l.batch != *batch {
                    (l.batch, l.slot) = (*batch, NO_SLOT);
                    seen.push(*group);
                }
                l.row = row as u32;
                row += 1;
            }
        }
        (closed, resets)
    }

    fn close(&mut self, by: usize, closed: &mut Vec<Closed>, resets: &mut Vec<GroupReset>) {
        let groups = self.seen.drain(..).map(|g| {
            resets.push(GroupReset { before: by as u32, group: g });
            (g, std::mem::replace(&mut self.last[g as usize], NEVER))
        });
        closed.push(Closed { by, groups: groups.collect() });
        self.batch = self.batch.wrapping_add(1).max(1);
    }

    fn tumble(&mut self, batch: EventBatch, out: &mut Output) -> Result<()> {
        let column = batch.columns.column(self.window.column);
        let batch = match column.nulls().filter(|n| n.null_count() > 0) {
            Some(nulls) => {
                let rows: Vec<u32> = nulls.valid_indices().map(|i| i as u32).collect();
                batch.take(&rows)?
            }
            None => batch,
        };
        if batch.rows() == 0 {
            return Ok(());
        }
        let column = batch.columns.column(self.window.column);
        let Some(times) = column.as_primitive_opt::<Int64Type>() else {
            return Err(Error::Data("a batch window's attribute is no long".into()));
        };
        let ids = self.select.groups.intern(&batch)?;
        let (closed, resets) = self.cut(times.values(), &ids);
        let mut totals: Vec<ArrayRef> = Vec::with_capacity(self.select.calls.len());
        for Call { args, aggregator } in &mut self.select.calls {
            let args = args.iter().map(|a| a.evaluate(&batch)).collect::<Result<Vec<_>>>()?;
            let input = AggregateInput { args: &args, groups: &ids, kinds: None, resets: &resets };
            // `new` made sure that all of them tell.
            totals.extend(aggregator.drain(&input)?);
        }
        self.emit(&batch, closed, totals, out)?;
        self.keep(&batch)?;
        self.forget();
        Ok(())
    }

    /// Lets the closed batches out; `totals` are the aggregates of their groups, in the same order.
    fn emit(
        &mut self,
        batch: &EventBatch,
        closed: Vec<Closed>,
        totals: Vec<ArrayRef>,
        out: &mut Output,
    ) -> Result<()> {
        if closed.is_empty() {
            return Ok(());
        }
        let mut last: Vec<Last> =
            closed.iter().flat_map(|c| c.groups.iter().map(|(_, last)| *last)).collect();
        self.store(batch, &mut last)?;
        let (mut rows, mut offsets) = (BatchBuilder::default(), vec![0]);
        for Closed { by, groups } in closed {
            let (at, order) = (batch.at[by], batch.order[by]);
            for last in &last[rows.rows()..][..groups.len()] {
                rows.push(self.store.ts(last.slot), at, order, Kind::Current, SINGLE_KEY);
                self.store.release(last.slot);
            }
            rows.end_chunk();
            offsets.push(rows.rows() as u32);
        }
        let slots: Vec<Slot> = last.iter().map(|l| l.slot).collect();
        let input = self.select.input.fields().iter().enumerate();
        let mut columns: Vec<ArrayRef> = input
            .map(|(c, field)| match self.needed.binary_search(&c) {
                Ok(at) => self.store.gather(at, &slots),
                Err(_) => new_null_array(field.data_type(), slots.len()),
            })
            .collect();
        columns.extend(totals);
        self.store.reclaim();
        let mut last_rows = rows.finish(self.select.wide.clone(), columns, false)?;
        last_rows.chunks = None;
        let picked = Picked { rows: None, offsets: Some(offsets) };
        if let Some(selected) = self.select.emit(&last_rows, picked)? {
            out.push(selected);
        }
        Ok(())
    }

    /// Has the store hold the last rows of groups, all at once.
    fn store(&mut self, batch: &EventBatch, last: &mut [Last]) -> Result<()> {
        let (mut rows, mut places) = (vec![], vec![]);
        for (i, l) in last.iter_mut().enumerate().filter(|(_, l)| l.row != NO_ROW) {
            let row = std::mem::replace(&mut l.row, NO_ROW);
            if l.slot != NO_SLOT && self.same {
                self.store.set_ts(l.slot, batch.ts[row as usize]);
                continue;
            }
            if l.slot != NO_SLOT {
                self.store.release(l.slot);
            }
            rows.push(row);
            places.push(i);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let ts: Vec<i64> = rows.iter().map(|r| batch.ts[*r as usize]).collect();
        let rows = UInt32Array::from(rows);
        let columns = self.needed.iter().map(|c| take(batch.columns.column(*c), &rows, None));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let columns = record_batch(self.store.schema(), columns, ts.len())?;
        let mut slots = Vec::with_capacity(ts.len());
        self.store.insert_range(&columns, 0..ts.len(), &ts, &mut slots);
        for (i, slot) in places.into_iter().zip(slots) {
            last[i].slot = slot;
        }
        Ok(())
    }

    /// Keeps the last rows of the open batch's groups.
    fn keep(&mut self, batch: &EventBatch) -> Result<()> {
        let mut last: Vec<Last> = self.seen.iter().map(|g| self.last[*g as usize]).collect();
        self.store(batch, &mut last)?;
        for (group, last) in self.seen.iter().zip(last) {
            self.last[*group as usize] = last;
        }
        self.store.reclaim();
        Ok(())
    }

    /// Forgets groups of former batches once there may be as many of them as others.
    fn forget(&mut self) {
        if self.select.groups.len() > 2 * self.seen.len() + SPARE_GROUPS {
            for group in 0..self.last.len() as u32 {
                if self.last[group as usize].batch != self.batch {
                    self.select.calls.iter_mut().for_each(|c| c.aggregator.forget(group));
                    self.select.groups.release(group);
                }
            }
        }
    }
}

impl Operator for TumbleOp {
    fn process(
        &mut self,
        _step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        match inputs.first_mut().and_then(Option::take) {
            Some(batch) => self.tumble(batch, out),
            None => Ok(()),
        }
    }

    fn reads_codes(&self) -> bool {
        true
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.select.groups.snapshot(w)?;
        w.value(&(self.start, self.end))?;
        w.value(&self.seen)?;
        let slots: Vec<Slot> = self.seen.iter().map(|g| self.last[*g as usize].slot).collect();
        w.value(&slots)?;
        w.value(&self.store)?;
        self.select.calls.iter().try_for_each(|c| w.section(|w| c.aggregator.snapshot(w)))
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.select.groups.restore(r)?;
        (self.start, self.end) = r.value()?;
        self.seen = r.value()?;
        let slots: Vec<Slot> = r.value()?;
        r.with(|d| self.store.load(d))?;
        let bound = self.store.bound();
        let known = self.select.groups.bound();
        let sound = slots.len() == self.seen.len()
            && slots.iter().all(|s| (*s as usize) < bound)
            && self.seen.iter().all(|g| (*g as usize) < known);
        if !sound {
            return Err(Error::Snapshot("the groups of a batch don't fit its rows".into()));
        }
        (self.batch, self.last) = (1, vec![NEVER; known]);
        for (group, slot) in self.seen.iter().zip(slots) {
            self.last[*group as usize] = Last { batch: 1, row: NO_ROW, slot };
        }
        self.select.calls.iter_mut().try_for_each(|c| r.section(|r| c.aggregator.restore(r)))
    }
}
