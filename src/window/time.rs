//! `time(t)`: the rows of the last t ms.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use super::{
    About, Eviction, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::Kind;

/// `time(t int|long|time)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "time",
    signature: "time(window.time int|long|time)",
    doc: "Sliding window of the rows of the last `window.time` ms: a row leaves as soon as the clock \
          reaches its event time plus `window.time` (at once, if it arrives later than that), but \
          never before the rows that entered before it.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.time(1 min) select symbol, avg(price) as mean insert into Out;",
    sliding: true,
    passes: true,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!("the rows of the last {}, however many", About::time(args, 0)),
        timer: Some("when its oldest row leaves"),
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<i64, Diagnostic> {
    Args::new(SPEC.signature, args, span, 1, 1)?.time(0, "window.time", 0)
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let t = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    let n = usize::MAX;
    Ok(Box::new(Keyed::new(TimeLength { t, n, expired: context.expired }, context)?))
}

/// Rows of the last `t` ms, at most `n` of them.
pub(super) struct TimeLength {
    pub t: i64,
    pub n: usize,
    pub expired: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    held: List,
    count: u32,
    /// The next timer of this key, [`NEVER`] if there is none: while rows are held, it is due when the
    /// oldest leaves or earlier.
    armed: i64,
}

const NEVER: i64 = i64::MAX;

impl Default for State {
    fn default() -> Self {
        Self { held: List::default(), count: 0, armed: NEVER }
    }
}

impl TimeLength {
    /// Lets the rows out whose time has come.
    #[inline]
    fn expire_due(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        while let Some(oldest) = s.held.first() {
            if rows.store.ts(oldest).saturating_add(self.t) > cause.at {
                break;
            }
            self.expire_oldest(s, cause, rows, out);
        }
    }

    #[inline]
    fn expire_oldest(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if let Some(oldest) = rows.pop_front(&mut s.held) {
            s.count -= 1;
            out.push(oldest, cause.at, cause.at, cause.order, Kind::Expired, cause.key);
            rows.store.release(oldest);
        }
    }

    /// Sees to it that a timer is armed for the oldest row. (Usually one is: a key needs one timer,
    /// however many rows it holds.)
    #[inline]
    fn arm(&self, s: &mut State, cause: Cause, rows: &mut Rows) {
        if let Some(oldest) = s.held.first() {
            let due = rows.store.ts(oldest).saturating_add(self.t).max(cause.at);
            if due < s.armed {
                rows.arm(due, cause);
                s.armed = due;
            }
        }
    }
}

impl Logic for TimeLength {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, ts) in run.rows() {
            if !self.expired {
                run.pass(slot, ts, out);
                rows.store.release(slot);
                continue;
            }
            self.expire_due(s, run.cause, rows, out);
            if self.n == 0 {
                run.pass(slot, ts, out);
                rows.store.release(slot);
                continue;
            }
            if s.count as usize == self.n {
                self.expire_oldest(s, run.cause, rows, out);
            }
            rows.push_back(&mut s.held, slot);
            s.count += 1;
            run.pass(slot, ts, out);
            self.arm(s, run.cause, rows);
        }
    }

    fn fire(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if s.armed <= cause.at {
            s.armed = NEVER;
        }
        self.expire_due(s, cause, rows, out);
        self.arm(s, cause, rows);
    }

    fn eviction(&self) -> Option<Eviction> {
        let rows = u32::try_from(self.n).ok();
        (self.n > 0).then_some(Eviction { rows, age: Some(self.t) })
    }

    fn passes(&self) -> bool {
        !self.expired
    }
}
