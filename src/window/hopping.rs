//! `hopping(t, hop [, start.time])`: every hop ms, the rows of the last t ms.
//!
//! The rows of the last chunk are the first `sent` of the list; rows that are in two chunks expire with
//! the first and enter again with the second.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use super::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::{Kind, Slot};

/// `hopping(t int|long|time, hop int|long|time [, start.time int|long])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "hopping",
    signature: "hopping(window.time int|long|time, hop.time int|long|time [, start.time int|long])",
    doc: "Every `hop.time` ms of the clock, counted from the first row, or from `start.time`, the rows \
          whose event time is within the last `window.time` ms leave as one chunk, after the rows of \
          the chunk before have expired and the aggregates have started afresh. A row is in several \
          chunks if `hop.time` is the shorter of the two, and may be in none if it is the longer. Not \
          in Siddhi.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.hopping(10 sec, 2 sec) select symbol, avg(price) as mean \
              group by symbol insert into Out;",
    sliding: false,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!("the rows of the last {}, however many", About::time(args, 0)),
        timer: Some("at each hop, as long as there are rows"),
    },
    check: |args, span| parse(args, span, true).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span, expired: bool) -> Result<Hopping, Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 2, 3)?;
    Ok(Hopping {
        t: args.time(0, "window.time", 1)?,
        hop: args.time(1, "hop.time", 1)?,
        start: if args.len() > 2 { Some(args.instant(2, "start.time")?) } else { None },
        expired,
    })
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let hopping = parse(&call.args, call.span, context.expired);
    Ok(Box::new(Keyed::new(hopping.map_err(|d| Error::Query(vec![d]))?, context)?))
}

struct Hopping {
    t: i64,
    hop: i64,
    start: Option<i64>,
    expired: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// Oldest first.
    rows: List,
    /// How many of them were in the last chunk.
    sent: u32,
    /// The next hop (or an earlier one, if no timer is armed); none before the first row.
    next: Option<i64>,
    armed: bool,
}

impl Hopping {
    fn arm(&self, s: &mut State, cause: Cause, rows: &mut Rows) {
        let from = self.start.or(s.next).unwrap_or(cause.at);
        let into = cause.at.wrapping_sub(from).rem_euclid(self.hop);
        let next = cause.at.saturating_add(self.hop.saturating_sub(into));
        s.next = Some(next);
        s.armed = true;
        rows.arm(next, cause);
    }
}

impl Logic for Hopping {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, _: &mut WindowOutput) {
        for (slot, _) in run.rows() {
            rows.push_back(&mut s.rows, slot);
        }
        if !s.armed {
            self.arm(s, run.cause, rows);
        }
    }

    fn fire(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        let before: Vec<Slot> = rows.iter(s.rows).take(s.sent as usize).collect();
        if self.expired {
            for slot in &before {
                out.push(*slot, cause.at, cause.at, cause.order, Kind::Expired, cause.key);
            }
        }
        let oldest = cause.at.saturating_sub(self.t);
        while let Some(slot) = s.rows.first().filter(|slot| rows.store.ts(*slot) < oldest) {
            rows.pop_front(&mut s.rows);
            rows.store.release(slot);
        }
        s.sent = rows.iter(s.rows).count() as u32;
        if s.sent > 0 || !before.is_empty() {
            out.rows.reset(cause.key);
        }
        rows.emit(s.rows, cause, out);
        s.armed = false;
        if s.sent > 0 {
            self.arm(s, cause, rows);
        }
    }
}
