//! `delay(t)`: every row, t ms later.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use super::{
    About, Mark, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::Kind;

/// `delay(t int|long|time)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "delay",
    signature: "delay(window.delay int|long|time)",
    doc: "Holds every row back for `window.delay` ms: it enters as soon as the clock reaches its event \
          time plus `window.delay` (at once, if it arrives later than that), but never before the rows \
          that came before it, with the time of entering as its event time. No row ever expires. A \
          join finds the rows that wait.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.delay(1 min) select symbol, price insert into Out;",
    sliding: true,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!("the rows that wait for {}, however many", About::time(args, 0)),
        timer: Some("when its oldest row enters"),
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<i64, Diagnostic> {
    Args::new(SPEC.signature, args, span, 1, 1)?.time(0, "window.delay", 0)
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let t = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(Delay { t, searched: context.searched }, context)?))
}

struct Delay {
    t: i64,
    searched: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    waiting: List,
    /// The next timer of this key, [`NEVER`] if there is none: while rows wait, it is due when the
    /// oldest is released or earlier.
    armed: i64,
}

const NEVER: i64 = i64::MAX;

impl Default for State {
    fn default() -> Self {
        Self { waiting: List::default(), armed: NEVER }
    }
}

impl Delay {
    fn release_due(&self, s: &mut State, c: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        while let Some(oldest) = s.waiting.first() {
            if rows.store.ts(oldest).saturating_add(self.t) > c.at {
                break;
            }
            rows.pop_front(&mut s.waiting);
            out.push(oldest, c.at, c.at, c.order, Kind::Current, c.key);
            if self.searched {
                out.mark(Mark::Released);
            }
            rows.store.release(oldest);
        }
    }

    fn arm(&self, s: &mut State, c: Cause, rows: &mut Rows) {
        if let Some(oldest) = s.waiting.first() {
            let due = rows.store.ts(oldest).saturating_add(self.t).max(c.at);
            if due < s.armed {
                rows.arm(due, c);
                s.armed = due;
            }
        }
    }
}

impl Logic for Delay {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, ts) in run.rows() {
            self.release_due(s, run.cause, rows, out);
            rows.push_back(&mut s.waiting, slot);
            if self.searched {
                run.pass(slot, ts, out);
                out.mark(Mark::Enters);
            }
            self.arm(s, run.cause, rows);
        }
    }

    fn fire(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if s.armed <= cause.at {
            s.armed = NEVER;
        }
        self.release_due(s, cause, rows, out);
        self.arm(s, cause, rows);
    }
}
