//! Windowed joins of two streams.
//!
//! Every row a side's window emits, current or expired, looks for partners among the rows the other
//! side holds *at that point of the order*, never among those of the whole step. Two facts make this
//! columnar: a window never looks at the other side, so each is driven through a step in one call;
//! and a held row keeps its slot to the end of the step. So a step is
//!
//! 1. each side: handlers, window, join keys of what it emitted, all at once;
//! 2. merge: both emissions by `(order, at)`, ties left first, delivery by delivery; each row moves
//!    its own side's index and notes its candidates from the other's (slots, nothing is copied);
//! 3. the rest of the condition over all candidates at once, then the results, column by column.
//!
//! All matches of one trigger are a chunk; those of one call of the window are a delivery (Siddhi
//! hands the selector a list of chunks). The result has the trigger's kind and times.

mod index;
mod keys;
mod length;
mod matcher;
mod rows;
mod shared;
mod side;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use length::LengthJoin;

use crate::error::Result;
use crate::event::EventBatch;
use crate::expr::TypedExpr;
use crate::expr::types::AttrType;
use crate::lang::ast::JoinKind;
use crate::op::chain::LogSink;
use crate::op::{Operator, Output};
use crate::plan::spec::JoinSpec;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;

use keys::{KeyExprs, Keys};
use matcher::Matcher;
use rows::Narrowed;
use side::{Emission, Role, Side};

/// Joins its two input ports (left 0, right 1).
pub struct JoinOp {
    sides: [Side; 2],
    keys: Keys,
    matcher: Matcher,
    self_join: bool,
    /// A named window joined with itself: each row it emits looks for partners in what is in the window
    /// then.
    own_content: bool,
    right_first: bool,
}

impl JoinOp {
    /// A join with empty windows; `#log` handlers write to `logs`.
    pub fn new(spec: &JoinSpec, logs: &Arc<dyn LogSink>) -> Result<Self> {
        let role = |searched: bool, outer: bool| Role {
            searched,
            outer,
            expired: spec.expired,
            aggregates: spec.aggregates,
            keyed: spec.keyed,
        };
        let exprs = |right: bool| -> Vec<(&TypedExpr, AttrType)> {
            spec.equal.iter().map(|k| (if right { &k.right } else { &k.left }, k.ty)).collect()
        };
        let keys = |schema, right| KeyExprs::new(&Narrowed::all(schema), &exprs(right));
        let left_outer = matches!(spec.kind, JoinKind::Left | JoinKind::Full);
        let right_outer = matches!(spec.kind, JoinKind::Right | JoinKind::Full);
        let (left, right) = (&spec.left, &spec.right);
        Ok(Self {
            sides: [
                Side::new(
                    left,
                    keys(&left.schema, false)?,
                    &role(right.triggers, left_outer),
                    logs,
                )?,
                Side::new(
                    right,
                    keys(&right.schema, true)?,
                    &role(left.triggers, right_outer),
                    logs,
                )?,
            ],
            keys: Keys::new(spec.equal.len(), spec.keyed),
            matcher: Matcher::new(
                &spec.output,
                left.schema.fields().len(),
                spec.keyed,
                spec.residual.as_ref(),
            )?,
            self_join: spec.self_join,
            own_content: spec.self_join && spec.left.shared.is_some(),
            right_first: spec.right_first || (spec.self_join && spec.left.shared.is_some()),
        })
    }

    /// Takes a run of rows of both sides and fires all timers due at or before `clock`.
    fn run(
        &mut self,
        step: &Step<'_>,
        inputs: [Option<EventBatch>; 2],
        clock: Option<i64>,
        out: &mut Output,
    ) -> Result<()> {
        let [left, right] = inputs;
        let mut emissions =
            [self.sides[0].emit(step, left, clock)?, self.sides[1].emit(step, right, clock)?];
        // A side that isn't searched only looks keys up: after those of the other side are known.
        let first = usize::from(!self.sides[0].is_searched());
        for side in [first, 1 - first] {
            self.sides[side].assign_keys(&mut self.keys, &mut emissions[side])?;
        }
        self.merge(&emissions, out)
    }

    /// Interleaves what both sides emitted and lets every row look for partners.
    fn merge(&mut self, emissions: &[Emission; 2], out: &mut Output) -> Result<()> {
        let mut next = [Cursor::default(), Cursor::default()];
        loop {
            let cause = |s: usize| {
                let c = next[s].chunk;
                (c < emissions[s].chunks()).then(|| emissions[s].cause(c))
            };
            let side = match (cause(0), cause(1)) {
                (None, None) => break,
                (Some(_), None) => 0,
                (None, Some(_)) => 1,
                (Some(l), Some(r)) => usize::from(r < l || (r == l && self.right_first)),
            };
            let end = emissions[side].delivery_end(next[side].chunk);
            while next[side].chunk < end {
                self.chunk(side, &emissions[side], &mut next[side]);
            }
            self.matcher.delivered();
            if self.matcher.is_full() {
                self.matcher.flush(&self.sides, emissions, out)?;
            }
        }
        for side in [0, 1] {
            next[side].resets(usize::MAX, usize::MAX, &self.sides[side], &emissions[side], |key| {
                self.matcher.reset(key);
            });
        }
        self.matcher.flush(&self.sides, emissions, out)
    }

    /// Lets the rows of one chunk look for partners.
    fn chunk(&mut self, side: usize, emission: &Emission, cursor: &mut Cursor) {
        let Self { sides: [left, right], keys, matcher, .. } = self;
        let (own, other) = if side == 0 { (left, &*right) } else { (right, &*left) };
        let chunk = cursor.chunk;
        for row in emission.chunk(chunk) {
            cursor.resets(chunk, row, own, emission, |key| matcher.reset(key));
            let key = own.follow(keys, emission, row);
            if own.looks(emission, row) {
                matcher.probe(row, side == 1, key, other.index(), own.outer);
            }
        }
        cursor.resets(chunk, usize::MAX, own, emission, |key| matcher.reset(key));
        cursor.chunk += 1;
    }

    /// A join of a stream with itself: one event after the other goes through both sides, so that
    /// chunks are taken apart and events of one cause are taken in turns.
    fn run_self(
        &mut self,
        step: &Step<'_>,
        inputs: [Option<EventBatch>; 2],
        out: &mut Output,
    ) -> Result<()> {
        let end = Some(step.timeline.end());
        let [Some(left), Some(right)] = inputs.map(|b| b.map(|b| EventBatch { chunks: None, ..b }))
        else {
            return self.run(step, [None, None], end, out);
        };
        debug_assert_eq!(left.order, right.order, "a self join reads one stream");
        let (order, n) = (left.order.clone(), left.rows());
        let shared = |i: usize| i > 0 && i < n && order[i] == order[i - 1];
        if shared(1) {
            // The handlers may keep the row from the window, which then hears of no time.
            self.run(step, [None, None], Some(left.at[0]), out)?;
        }
        let mut start = 0;
        while start < n {
            let stop = (start + 1..n).find(|i| shared(*i) || shared(*i + 1)).unwrap_or(n);
            let clock = match stop {
                _ if stop == n => end,
                _ if shared(stop) => None,
                _ => Some(left.at[stop]),
            };
            let part = |b: &EventBatch| Some(b.slice(start, stop - start));
            self.run(step, [part(&left), part(&right)], clock, out)?;
            start = stop;
        }
        if n == 0 { self.run(step, [None, None], end, out) } else { Ok(()) }
    }
}

/// How far the merge has come in one side's emission.
#[derive(Default)]
struct Cursor {
    chunk: usize,
    reset: usize,
}

impl Cursor {
    /// Hands the resets up to row `row` of chunk `chunk` to `f` if the side triggers.
    #[inline]
    fn resets(
        &mut self,
        chunk: usize,
        row: usize,
        side: &Side,
        emission: &Emission,
        mut f: impl FnMut(u32),
    ) {
        let (resets, chunks) = (&emission.rows.resets, emission.rows.reset_chunks());
        while let Some(r) = resets.get(self.reset) {
            let of = chunks[self.reset] as usize;
            if of > chunk || (of == chunk && r.before as usize > row) {
                break;
            }
            if side.triggers {
                f(r.key);
            }
            self.reset += 1;
        }
    }
}

impl Operator for JoinOp {
    fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        let [left, right] = inputs else { return Ok(()) };
        let inputs = [left.take(), right.take()];
        if self.own_content {
            let [left, right] = inputs;
            let left = left.map(|b| EventBatch { chunks: None, ..b });
            self.run(step, [left, right], Some(step.timeline.end()), out)?;
        } else if self.self_join {
            self.run_self(step, inputs, out)?;
        } else {
            self.run(step, inputs, Some(step.timeline.end()), out)?;
        }
        self.keys.settle();
        self.sides.iter_mut().for_each(Side::settle);
        Ok(())
    }

    fn next_timer(&self) -> Option<i64> {
        self.sides.iter().filter_map(Side::next_timer).min()
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.sides.iter().try_for_each(|s| s.snapshot(w))
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.keys.clear();
        let Self { sides, keys, .. } = self;
        sides.iter_mut().try_for_each(|s| s.restore(keys, r))
    }
}
