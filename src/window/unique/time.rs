//! `unique:time(key, t)`: the latest row of each key of the last t ms.

use serde::{Deserialize, Serialize};

use super::{key, leave};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::window::args::Args;
use crate::window::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use crate::window::{
    About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};

/// `unique:time(key any, t int|long|time)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "unique:time",
    signature: "unique:time(unique.key any, window.time int|long|time)",
    doc: "Sliding window of the latest row of each key of the last `window.time` ms. A row enters at \
          the end, and the row that was there for its key leaves just before it; a row also leaves \
          when the clock reaches its event time plus `window.time`, but never before the rows in \
          front of it.",
    example: "define stream Logins (ip string, port int);\n\
              from Logins#window.unique:time(ip, 1 min) select count() as addresses \
              insert into Out;",
    sliding: true,
    passes: true,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!("the latest row of each key of the last {}", About::time(args, 1)),
        timer: Some("when its oldest row leaves"),
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<(usize, i64), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 2, 2)?;
    Ok((key(&args)?, args.time(1, "window.time", 1)?))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (key, t) = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(Time { key: [key], t, expired: context.expired }, context)?))
}

struct Time {
    key: [usize; 1],
    t: i64,
    expired: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    held: List,
    /// The next timer, or [`NEVER`]: while rows are held, due when the oldest leaves or earlier.
    armed: i64,
}

const NEVER: i64 = i64::MAX;

impl Default for State {
    fn default() -> Self {
        Self { held: List::default(), armed: NEVER }
    }
}

impl Time {
    /// Lets the rows out whose time has come.
    fn expire_due(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        while let Some(oldest) = s.held.first() {
            if rows.store.ts(oldest).saturating_add(self.t) > cause.at {
                break;
            }
            rows.keys.vacate(rows.keys.of(oldest));
            leave(&mut s.held, oldest, cause, rows, out);
        }
    }

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

impl Logic for Time {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, ts) in run.rows() {
            if !self.expired {
                run.pass(slot, ts, out);
                rows.store.release(slot);
                continue;
            }
            self.expire_due(s, run.cause, rows, out);
            let id = rows.keys.of(slot);
            if let Some(old) = rows.keys.place(id) {
                leave(&mut s.held, old, run.cause, rows, out);
            }
            rows.link_back(&mut s.held, slot);
            rows.keys.put(id, slot);
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

    fn passes(&self) -> bool {
        !self.expired
    }

    fn key_columns(&self) -> &[usize] {
        &self.key
    }
}
