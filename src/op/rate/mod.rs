//! Output rate limits: which of a query's results leave, and when.
//!
//! The operator stands behind the selector. Where groups count by themselves, the selector appends
//! their values to its rows ([`SelectSpec::before`]); they are taken off here. A group is a partition
//! key and these values, or else the key alone.
//!
//! * What is let out by a result leaves where that stands: in one chunk with all others that results of
//!   the same chunk let out.
//! * What is let out by time leaves when the clock reaches it, before any result that comes at that
//!   time, in one chunk for each partition key. Rows keep their event time and kind.

mod hold;
mod pass;
mod present;
mod rows;
mod ticks;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use self::hold::{Hold, Holds};
use self::pass::{Pass, Rule};
use self::present::Present;
use self::ticks::Ticks;
use super::select::Arranger;
use super::{Operator, Output};
use crate::error::{Error, Result};
use crate::event::{BatchBuilder, EventBatch, KeyId, KeyInterner, Kind, SINGLE_KEY, Slot};
use crate::plan::spec::{Every, RateKeeps, RateSpec, SelectSpec, SnapshotOf};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;

/// Rows that time may let out in one step; a step in which it moves farther has a wrong clock.
const MAX_ROWS: usize = 50_000_000;

/// An output rate limit; one input port.
pub struct RateOp {
    output: SchemaRef,
    keyed: bool,
    groups: Groups,
    limit: Limit,
    arranger: Option<Arranger>,
}

/// The kinds of limits.
enum Limit {
    /// Decides at once.
    Pass(Pass),
    /// Lets results out with each so many.
    Count(Hold, u64),
    /// Lets results out by time.
    Time(Hold, Ticks),
    /// Shows a window by time.
    Window(Present, Ticks),
}

/// The groups of results.
pub(super) struct Groups {
    /// Columns of the groups' values, behind the output's.
    columns: Range<usize>,
    interner: KeyInterner,
}

/// A result.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Where it stands in its batch.
    at: usize,
    ts: i64,
    key: KeyId,
    group: u32,
    /// Its values, where they matter.
    value: u32,
    kind: Kind,
}

/// What leaves.
#[derive(Debug, Default)]
struct Emitted {
    rows: BatchBuilder,
    slots: Vec<Slot>,
    /// Rows with the aggregates to show.
    latest: Vec<Slot>,
}

impl Emitted {
    fn push(
        &mut self,
        ts: i64,
        (order, at): (u64, i64),
        kind: Kind,
        key: KeyId,
        slot: Slot,
        latest: Slot,
    ) {
        self.rows.push(ts, at, order, kind, key);
        self.slots.push(slot);
        self.latest.push(latest);
    }
}

impl Groups {
    /// Whether there are values of groups.
    fn any(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Number of groups known by their values.
    fn len(&self) -> usize {
        self.interner.len()
    }

    fn ids(&mut self, batch: &EventBatch) -> Result<Vec<u32>> {
        let rows = batch.rows();
        if !self.any() {
            let keys = batch.keys.as_deref();
            return Ok(keys.map_or_else(|| vec![SINGLE_KEY; rows], <[KeyId]>::to_vec));
        }
        self.interner.intern(
            &batch.columns.columns()[self.columns.clone()],
            batch.keys.as_deref(),
            rows,
        )
    }

    fn release(&mut self, group: u32) {
        if self.any() {
            self.interner.release(group);
        }
    }
}

impl RateOp {
    /// The limit behind a selector (as the query has it, without the groups' values).
    pub fn new(rate: &RateSpec, select: &SelectSpec) -> Result<Self> {
        let (output, width) = (select.output.clone(), select.output.fields().len());
        let columns = width..width + if rate.grouped { select.group_by.len() } else { 0 };
        let hold = |holds| Hold::new(holds, output.clone());
        let limit = match (rate.keeps, rate.every) {
            (RateKeeps::First, Every::Events(n)) => Limit::Pass(Pass::new(Rule::First(n))),
            (RateKeeps::First, Every::Time(t)) => Limit::Pass(Pass::new(Rule::FirstInTime(t))),
            (RateKeeps::Last, Every::Events(n)) if !rate.grouped => {
                Limit::Pass(Pass::new(Rule::Last(n)))
            }
            (RateKeeps::Last, Every::Events(n)) => Limit::Count(hold(Holds::Last)?, n),
            (RateKeeps::Last, Every::Time(t)) => Limit::Time(hold(Holds::Last)?, Ticks::new(t)),
            (RateKeeps::All, Every::Events(n)) => Limit::Count(hold(Holds::All)?, n),
            (RateKeeps::All, Every::Time(t)) => Limit::Time(hold(Holds::All)?, Ticks::new(t)),
            (RateKeeps::Snapshot(of), Every::Time(t)) => {
                let ticks = Ticks::new(t);
                match of {
                    SnapshotOf::Last => Limit::Time(hold(Holds::Latest)?, ticks),
                    SnapshotOf::Totals => Limit::Time(hold(Holds::Totals)?, ticks),
                    SnapshotOf::Rows | SnapshotOf::Filled => {
                        let filled = of == SnapshotOf::Filled;
                        let rows = Present::new(&rate.aggregated, filled, output.clone())?;
                        Limit::Window(rows, ticks)
                    }
                }
            }
            (RateKeeps::Snapshot(_), Every::Events(_)) => {
                return Err(Error::Data("a snapshot is taken by time".into()));
            }
        };
        let arranges = matches!(rate.keeps, RateKeeps::Snapshot(_));
        Ok(Self {
            output,
            keyed: select.keyed,
            groups: Groups { columns, interner: KeyInterner::default() },
            limit,
            arranger: if arranges { Arranger::new(select) } else { None },
        })
    }

    /// The batch without the groups' values.
    fn strip(&self, mut batch: EventBatch) -> Result<EventBatch> {
        if self.groups.any() {
            let options = RecordBatchOptions::new().with_row_count(Some(batch.rows()));
            let columns = batch.columns.columns()[..self.output.fields().len()].to_vec();
            batch.columns =
                RecordBatch::try_new_with_options(Arc::clone(&self.output), columns, &options)?;
        }
        Ok(batch)
    }

    /// Takes results in and lets out what is due.
    fn run(&mut self, step: &Step<'_>, input: Option<EventBatch>, out: &mut Output) -> Result<()> {
        let mut last = 0;
        let mut emitted = Emitted::default();
        if let Some(batch) = input {
            let ids = self.groups.ids(&batch)?;
            let batch = self.strip(batch)?;
            if let Limit::Pass(pass) = &mut self.limit {
                let rows = pass.pick(&batch, &ids, &mut self.groups);
                let mut passed = batch.take(&rows)?;
                passed.resets.clear();
                out.push(passed);
                return Ok(());
            }
            self.take_in(step, &batch, &ids, &mut last, &mut emitted)?;
        }
        self.limit.tick(step, step.timeline.end(), last, self.groups.any(), &mut emitted)?;
        self.gather(emitted, out)
    }

    /// Chunk by chunk, what time lets out between them.
    fn take_in(
        &mut self,
        step: &Step<'_>,
        batch: &EventBatch,
        ids: &[u32],
        last: &mut u64,
        emitted: &mut Emitted,
    ) -> Result<()> {
        let grouped = self.groups.any();
        let values = match &mut self.limit {
            Limit::Window(present, _) => present.values(&batch.columns, ids)?,
            _ => vec![],
        };
        let mut resets = batch.resets.iter().filter(|_| !grouped).peekable();
        for chunk in batch.chunk_ranges() {
            // A reset in front of a chunk is the end of what was before.
            while let Some(reset) = resets.next_if(|r| r.before as usize <= chunk.start) {
                self.limit.reset(reset.key);
            }
            let (order, clock) = (batch.order[chunk.start], batch.at[chunk.start]);
            self.limit.tick(step, clock, *last, grouped, emitted)?;
            let key = batch.key(chunk.start);
            for row in chunk {
                while let Some(reset) = resets.next_if(|r| r.before as usize <= row) {
                    self.limit.reset(reset.key);
                }
                let value = values.get(row).copied().unwrap_or_default();
                let (ts, kind) = (batch.ts[row], batch.kind(row));
                let row = Row { at: row, ts, key, group: ids[row], value, kind };
                self.limit.row(&batch.columns, row, (order, clock), emitted);
            }
            emitted.rows.end_chunk();
            self.limit.arm(key, clock);
            *last = order;
        }
        resets.for_each(|reset| self.limit.reset(reset.key));
        Ok(())
    }

    /// The batch of what leaves; what is no longer held is given up.
    fn gather(&mut self, emitted: Emitted, out: &mut Output) -> Result<()> {
        if !emitted.rows.is_empty() {
            let columns = match &self.limit {
                Limit::Pass(_) => vec![],
                Limit::Count(hold, _) | Limit::Time(hold, _) => {
                    hold.rows().store().gather_all(&emitted.slots)
                }
                Limit::Window(present, _) => present.columns(&emitted.slots, &emitted.latest),
            };
            let mut batch = emitted.rows.finish(self.output.clone(), columns, self.keyed)?;
            if let Some(arranger) = &self.arranger {
                batch = arranger.arrange(batch)?;
            }
            out.push(batch);
        }
        match &mut self.limit {
            Limit::Pass(_) => {}
            Limit::Count(hold, _) | Limit::Time(hold, _) => hold.sweep(&mut self.groups),
            Limit::Window(present, _) => present.sweep(&mut self.groups),
        }
        Ok(())
    }
}

impl Limit {
    fn row(&mut self, columns: &RecordBatch, row: Row, cause: (u64, i64), out: &mut Emitted) {
        match self {
            Limit::Pass(_) => {}
            Limit::Count(hold, n) => {
                hold.row(columns, row);
                if hold.count(row.key, *n) {
                    hold.emit(row.key, cause, out);
                }
            }
            Limit::Time(hold, _) => hold.row(columns, row),
            Limit::Window(present, _) => present.row(columns, row),
        }
    }

    /// Lets out what is due at or before `clock`, behind everything of order `after`.
    fn tick(
        &mut self,
        step: &Step<'_>,
        clock: i64,
        after: u64,
        grouped: bool,
        out: &mut Emitted,
    ) -> Result<()> {
        while let Some(timer) = self.ticks_mut().and_then(|t| t.pop_due(clock)) {
            let cause = (step.timeline.timer_order(timer.due, after), timer.due);
            match self {
                Limit::Time(hold, _) => hold.emit(timer.key, cause, out),
                Limit::Window(present, _) => present.emit(timer.key, cause, grouped, out),
                Limit::Pass(_) | Limit::Count(..) => {}
            }
            out.rows.end_chunk();
            if out.rows.rows() > MAX_ROWS {
                let message = "the clock moved too far at once for an output rate: more than";
                return Err(Error::Limit(format!("{message} {MAX_ROWS} rows are due in one step")));
            }
            self.arm(timer.key, timer.due);
        }
        Ok(())
    }

    /// Has a key tick if anything of it waits.
    fn arm(&mut self, key: KeyId, clock: i64) {
        match self {
            Limit::Time(hold, ticks) if !hold.is_idle(key) => ticks.arm(key, clock),
            Limit::Window(present, ticks) if !present.is_idle(key) => ticks.arm(key, clock),
            _ => {}
        }
    }

    fn reset(&mut self, key: KeyId) {
        match self {
            Limit::Time(hold, _) => hold.reset(key),
            Limit::Window(present, _) => present.reset(key),
            Limit::Pass(_) | Limit::Count(..) => {}
        }
    }

    fn ticks(&self) -> Option<&Ticks> {
        match self {
            Limit::Time(_, ticks) | Limit::Window(_, ticks) => Some(ticks),
            Limit::Pass(_) | Limit::Count(..) => None,
        }
    }

    fn ticks_mut(&mut self) -> Option<&mut Ticks> {
        match self {
            Limit::Time(_, ticks) | Limit::Window(_, ticks) => Some(ticks),
            Limit::Pass(_) | Limit::Count(..) => None,
        }
    }
}

impl Operator for RateOp {
    fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        let input = inputs.first_mut().and_then(Option::take);
        self.run(step, input, out)
    }

    fn begin(&mut self, key: KeyId, at: i64) {
        if let Some(ticks) = self.limit.ticks_mut() {
            ticks.begin(key, at);
        }
    }

    fn next_timer(&self) -> Option<i64> {
        self.limit.ticks().and_then(Ticks::next_due)
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.groups.interner)?;
        match &self.limit {
            Limit::Pass(pass) => w.value(pass)?,
            Limit::Count(hold, _) | Limit::Time(hold, _) => hold.snapshot(w)?,
            Limit::Window(present, _) => present.snapshot(w)?,
        }
        self.limit.ticks().map_or(Ok(()), |ticks| w.value(ticks))
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.groups.interner = r.value()?;
        match &mut self.limit {
            Limit::Pass(pass) => pass.load(r.value()?),
            Limit::Count(hold, _) | Limit::Time(hold, _) => hold.restore(r)?,
            Limit::Window(present, _) => present.restore(r)?,
        }
        if let Some(ticks) = self.limit.ticks_mut() {
            ticks.load(r.value()?);
        }
        Ok(())
    }
}
