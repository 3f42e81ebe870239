//! `timeBatch(t [, start.time] [, stream.current.event])`: batches of t ms.
//!
//! Every key has a grid of its own, fixed by its first row. Its timer fires at each point of the grid
//! at which there is something to let out; idle periods arm nothing, and `next` catches up with the
//! clock when the next row comes.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use super::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::expr::types::AttrType;

/// `timeBatch(t int|long|time [, start.time int|long] [, stream.current.event bool])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "timeBatch",
    signature: "timeBatch(window.time int|long|time [, start.time int|long] \
                [, stream.current.event bool = false])",
    doc: "Tumbling window of `window.time` ms of the clock, counted from the first row, or so that \
          batches begin at `start.time` plus multiples of `window.time`. At the end of a period the \
          rows of the batch before expire, the aggregates start afresh, and the batch leaves, all in \
          one chunk. With `stream.current.event`, rows pass at once, and expire at the end of their \
          period.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.timeBatch(1 sec) select symbol, sum(price) as total insert into Out;",
    sliding: false,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, expired| About {
        holds: About::batches(&About::time(args, 0), About::flagged(args), expired),
        timer: Some("at the end of a batch that isn't empty"),
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<(i64, Option<i64>, bool), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 1, 3)?;
    let t = args.time(0, "window.time", 1)?;
    let (start, flag) = match args.len() {
        1 => (None, None),
        2 if args.ty(1) == Some(AttrType::Bool) => (None, Some(1)),
        2 => (Some(1), None),
        _ => (Some(1), Some(2)),
    };
    let start = start.map(|i| args.instant(i, "start.time")).transpose()?;
    let stream = flag.map(|i| args.flag(i, "stream.current.event")).transpose()?;
    Ok((t, start, stream.unwrap_or(false)))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (t, start, stream) = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    let expired = context.expired;
    Ok(Box::new(Keyed::new(TimeBatch { t, start, stream, expired }, context)?))
}

struct TimeBatch {
    t: i64,
    start: Option<i64>,
    stream: bool,
    expired: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// Rows of the open batch (empty if rows pass at once).
    open: List,
    /// Rows to expire at the next point: the last batch, or the passed rows of the open one.
    sent: List,
    /// The next point of the grid (or an earlier one, if no timer is armed); none before the first row.
    next: Option<i64>,
    /// Whether a timer is armed, for `next`.
    armed: bool,
    /// Whether the open batch has rows.
    filled: bool,
}

impl TimeBatch {
    /// The first point of the grid behind the clock.
    fn next_point(&self, s: &State, clock: i64) -> i64 {
        match (s.next, self.start) {
            (Some(next), _) if next > clock => next,
            (Some(next), _) => {
                let passed = clock.saturating_sub(next) / self.t;
                next.saturating_add(passed.saturating_add(1).saturating_mul(self.t))
            }
            (None, None) => clock.saturating_add(self.t),
            (None, Some(start)) => {
                let into = clock.wrapping_sub(start) % self.t;
                clock.saturating_add(self.t.saturating_sub(into))
            }
        }
    }
}

impl Logic for TimeBatch {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        if !s.armed {
            let next = self.next_point(s, run.cause.at);
            s.next = Some(next);
            s.armed = true;
            rows.arm(next, run.cause);
        }
        s.filled = true;
        for (slot, ts) in run.rows() {
            if !self.stream {
                rows.push_back(&mut s.open, slot);
                continue;
            }
            run.pass(slot, ts, out);
            if self.expired {
                rows.push_back(&mut s.sent, slot);
            } else {
                rows.store.release(slot);
            }
        }
    }

    fn fire(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        rows.expire(&mut s.sent, cause.at, cause, out);
        if std::mem::take(&mut s.filled) {
            out.rows.reset(cause.key);
        }
        rows.emit(s.open, cause, out);
        if self.expired {
            s.sent = std::mem::take(&mut s.open);
        } else {
            rows.drop_all(&mut s.open);
        }
        s.next = Some(cause.at.saturating_add(self.t));
        s.armed = !s.sent.is_empty();
        if s.armed {
            rows.arm(cause.at.saturating_add(self.t), cause);
        }
    }
}
