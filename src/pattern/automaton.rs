//! [`Automaton`]: the face of a pattern at work.

use arrow::buffer::BooleanBuffer;

use super::adjacent::Adjacent;
use super::core::Core;
use super::flow::Flow;
use super::pairs::Pairs;
use super::sequence::Sequence;
use super::spec::PatternSpec;
use super::{Cause, Masks, Row};
use crate::error::Result;
use crate::event::{EventBatch, KeyId, Kind};
use crate::lang::ast::PatternKind;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;

#[derive(Debug)]
enum Mode {
    Flow(Flow),
    Sequence(Sequence),
    /// A pattern of two single events.
    Pairs(Box<Pairs>),
    /// A sequence of two single events.
    Adjacent(Box<Adjacent>),
}

/// A pattern or sequence at work.
#[derive(Debug)]
pub struct Automaton {
    spec: PatternSpec,
    core: Core,
    mode: Mode,
}

/// The rows of one port that have to be looked at, in order.
#[derive(Debug)]
struct Visits {
    rows: Vec<u32>,
    next: usize,
}

impl Automaton {
    /// The automaton of a plan.
    ///
    /// # Errors
    /// If an expression of the plan doesn't fit its rows.
    pub fn new(spec: &PatternSpec) -> Result<Self> {
        let core = Core::new(spec)?;
        if let Some(adjacent) = Adjacent::new(spec, &core.m)? {
            return Ok(Self { spec: spec.clone(), core, mode: Mode::Adjacent(Box::new(adjacent)) });
        }
        if let Some(pairs) = Pairs::new(spec, &core.m)? {
            return Ok(Self { spec: spec.clone(), core, mode: Mode::Pairs(Box::new(pairs)) });
        }
        Self::general(spec)
    }

    /// The same without the special forms of two events.
    ///
    /// # Errors
    /// As [`Automaton::new`].
    pub fn general(spec: &PatternSpec) -> Result<Self> {
        let core = Core::new(spec)?;
        let mode = match spec.kind {
            PatternKind::Pattern => Mode::Flow(Flow::new(&core)),
            PatternKind::Sequence => Mode::Sequence(Sequence::new()),
        };
        Ok(Self { spec: spec.clone(), core, mode })
    }

    /// A key comes into being, with the clock at `at`, ms: from then on it waits for a stream to be quiet,
    /// if the pattern starts so.
    pub fn begin(&mut self, key: KeyId, at: i64) {
        match &mut self.mode {
            Mode::Flow(f) => f.begin(&mut self.core, key, at),
            Mode::Sequence(s) => s.begin(&mut self.core, key, at),
            Mode::Pairs(_) | Mode::Adjacent(_) => {}
        }
    }

    /// When the next timer is due, ms.
    pub fn next_timer(&self) -> Option<i64> {
        self.core.next_due()
    }

    /// Takes the rows of one step, one batch per port, and fires the timers due in it. Expired rows mean
    /// nothing to a pattern.
    ///
    /// # Errors
    /// If there are more open partial matches than allowed, or a predicate can't be evaluated.
    pub fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &[Option<EventBatch>],
    ) -> Result<Option<EventBatch>> {
        match &mut self.mode {
            Mode::Adjacent(a) => {
                return match inputs.first() {
                    Some(Some(batch)) => a.process(batch),
                    _ => Ok(None),
                };
            }
            Mode::Pairs(p) => {
                let out = p.process(inputs)?;
                if self.core.check_limit(p.open_partials()).is_err() {
                    p.sweep_now();
                    self.core.check_limit(p.open_partials())?;
                }
                return Ok(out);
            }
            Mode::Flow(_) | Mode::Sequence(_) => {}
        }
        let mut masks = Masks { bits: vec![None; self.core.m.sides.len()] };
        let mut visits = Vec::with_capacity(inputs.len());
        for (port, batch) in inputs.iter().enumerate() {
            let rows = match batch {
                Some(batch) if port < self.core.m.offers.len() => {
                    self.core.events.begin_step(port, batch)?;
                    self.visits(port, batch, &mut masks)?
                }
                _ => vec![],
            };
            visits.push(Visits { rows, next: 0 });
        }
        let mut passed = vec![0; inputs.len()];
        let mut last = 0;
        while let Some((port, index)) = next_visit(inputs, &mut visits) {
            let Some(batch) = &inputs[port] else { continue };
            let (ts, at, order) = (batch.ts[index], batch.at[index], batch.order[index]);
            self.fire_due(step, inputs, &mut passed, at, &mut last)?;
            last = last.max(order);
            self.pass_rows(inputs, &mut passed, |b, q| match q == port {
                true => index,
                false => b.order.partition_point(|o| *o < order),
            });
            let row = Row { port, batch, index, key: batch.key(index), ts, at, order };
            match &mut self.mode {
                Mode::Flow(f) => f.offer(&mut self.core, &row, &masks)?,
                Mode::Sequence(s) => s.offer(&mut self.core, &row, &masks)?,
                Mode::Pairs(_) | Mode::Adjacent(_) => {}
            }
        }
        self.fire_due(step, inputs, &mut passed, step.timeline.end(), &mut last)?;
        self.pass_rows(inputs, &mut passed, |b, _| b.rows());
        let out = self.core.matches.finish(&self.core.m, &self.core.events, &self.spec)?;
        self.core.events.end_step();
        Ok(out)
    }

    /// Fires the timers due by `clock`, behind what has order `last`.
    fn fire_due(
        &mut self,
        step: &Step<'_>,
        inputs: &[Option<EventBatch>],
        passed: &mut [usize],
        clock: i64,
        last: &mut u64,
    ) -> Result<()> {
        while let Some(due) = self.core.next_due().filter(|due| *due <= clock) {
            let order = step.timeline.timer_order(due, *last);
            self.pass_rows(inputs, passed, |b, _| {
                let before = b.order.partition_point(|o| *o < order);
                let same = b.order[before..].iter().zip(&b.at[before..]);
                before + same.take_while(|(o, at)| **o == order && **at < due).count()
            });
            let Some(p) = self.core.pop_due() else { continue };
            *last = order;
            let cause = Cause::at(due, order);
            match &mut self.mode {
                Mode::Flow(f) => f.fire(&mut self.core, p, cause),
                Mode::Sequence(s) => s.fire(&mut self.core, p, cause),
                Mode::Pairs(_) | Mode::Adjacent(_) => {}
            }
            self.core.check_limit(self.core.partials.len())?;
        }
        Ok(())
    }

    /// Rows that are not offered let time pass all the same: those from `passed` on up to where `to` says,
    /// port by port.
    fn pass_rows(
        &mut self,
        inputs: &[Option<EventBatch>],
        passed: &mut [usize],
        to: impl Fn(&EventBatch, usize) -> usize,
    ) {
        let Mode::Flow(flow) = &mut self.mode else { return };
        if self.core.m.within.is_none() {
            return;
        }
        for (port, (batch, passed)) in inputs.iter().zip(passed).enumerate() {
            let Some(batch) = batch else { continue };
            let rows = *passed..to(batch, port).max(*passed);
            *passed = rows.end;
            let newest = match batch.kinds {
                None => batch.ts[rows].iter().copied().max(),
                Some(_) => {
                    let current = rows.filter(|r| batch.kind(*r) == Kind::Current);
                    current.map(|r| batch.ts[r]).max()
                }
            };
            if let Some(ts) = newest {
                flow.pass_time(&mut self.core, ts);
            }
        }
    }

    /// Evaluates what looks at the event alone, and finds the rows that matter: for a pattern those
    /// that some side accepts, for a sequence all.
    fn visits(&self, port: usize, batch: &EventBatch, masks: &mut Masks) -> Result<Vec<u32>> {
        let sides = &self.core.m.offers[port];
        let mut any: Option<BooleanBuffer> = Some(BooleanBuffer::new_unset(batch.rows()));
        for side in sides {
            let mask = self.core.tests[*side].mask(batch)?;
            any = match (any, &mask) {
                (Some(any), Some(mask)) => Some(&any | mask),
                _ => None,
            };
            masks.bits[*side] = mask;
        }
        let all = || (0..batch.rows() as u32).collect();
        let mut rows: Vec<u32> = match (any, &self.mode) {
            (Some(any), Mode::Flow(_)) => any.set_indices().map(|i| i as u32).collect(),
            _ => all(),
        };
        if batch.kinds.is_some() {
            rows.retain(|r| batch.kind(*r as usize) == Kind::Current);
        }
        Ok(rows)
    }

    /// Open partial matches (an empty start is none).
    pub fn open_partials(&self) -> usize {
        match &self.mode {
            Mode::Flow(_) | Mode::Sequence(_) => self.core.partials.len(),
            Mode::Pairs(p) => p.open_partials(),
            Mode::Adjacent(a) => a.open_partials(),
        }
    }

    /// Events that open partial matches hold, each counted once.
    pub fn held_events(&self) -> usize {
        match &self.mode {
            Mode::Flow(_) | Mode::Sequence(_) => self.core.events.len(),
            Mode::Pairs(p) => p.held_events(),
            Mode::Adjacent(a) => a.open_partials(),
        }
    }

    /// Partial matches an event was compared with since the automaton was made: the work that bitmaps and
    /// hashes left over. (0 for sequences, which visit all partials of a key.)
    pub fn visited_partials(&self) -> u64 {
        match &self.mode {
            Mode::Flow(f) => f.visited(),
            Mode::Pairs(p) => p.visited(),
            Mode::Sequence(_) | Mode::Adjacent(_) => 0,
        }
    }

    /// Saves the state (between steps).
    ///
    /// # Errors
    /// If it can't be written.
    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.core.snapshot(w)?;
        match &self.mode {
            Mode::Flow(f) => f.snapshot(w),
            Mode::Sequence(s) => s.snapshot(w),
            Mode::Pairs(p) => p.snapshot(w),
            Mode::Adjacent(a) => a.snapshot(w),
        }
    }

    /// Restores the state into a fresh automaton of the same plan.
    ///
    /// # Errors
    /// If the snapshot is damaged or of another pattern.
    pub fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.core.restore(r)?;
        match &mut self.mode {
            Mode::Flow(f) => f.restore(&self.core, r),
            Mode::Sequence(s) => s.restore(&self.core, r),
            Mode::Pairs(p) => p.restore(r),
            Mode::Adjacent(a) => a.restore(r),
        }
    }
}

/// The next row by order and clock; rows of equal cause go port by port.
fn next_visit(inputs: &[Option<EventBatch>], visits: &mut [Visits]) -> Option<(usize, usize)> {
    let mut best: Option<(u64, i64, usize, usize)> = None;
    for (port, v) in visits.iter().enumerate() {
        if let (Some(row), Some(batch)) = (v.rows.get(v.next), &inputs[port]) {
            let row = *row as usize;
            let key = (batch.order[row], batch.at[row], port, row);
            if best.is_none_or(|b| key < b) {
                best = Some(key);
            }
        }
    }
    let (_, _, port, row) = best?;
    visits[port].next += 1;
    Some((port, row))
}
