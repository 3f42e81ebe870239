//! `length(n)`: the last n rows.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Keyed, List, Logic, Rows};
use super::{
    About, Eviction, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::Kind;

/// `length(n int)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "length",
    signature: "length(window.length int)",
    doc: "Sliding window of the last `window.length` rows. When one more row enters, the oldest \
          leaves just before it. With 0, each row enters, leaves, and the aggregates start afresh.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.length(10) select symbol, avg(price) as mean insert into Out;",
    sliding: true,
    passes: true,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About { holds: format!("at most {}", About::counted(args, 0)), timer: None },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<u32, Diagnostic> {
    Args::new(SPEC.signature, args, span, 1, 1)?.rows(0, "window.length")
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let n = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(Length { n, expired: context.expired }, context)?))
}

struct Length {
    n: u32,
    expired: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    held: List,
    count: u32,
}

impl Logic for Length {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        let c = run.cause;
        for (slot, ts) in run.rows() {
            if !self.expired {
                run.pass(slot, ts, out);
                rows.store.release(slot);
            } else if self.n == 0 {
                run.pass(slot, ts, out);
                out.push(slot, ts, c.at, c.order, Kind::Expired, c.key);
                out.rows.reset(c.key);
                rows.store.release(slot);
            } else {
                if s.count < self.n {
                    s.count += 1;
                } else if let Some(oldest) = rows.pop_front(&mut s.held) {
                    out.push(oldest, c.at, c.at, c.order, Kind::Expired, c.key);
                    rows.store.release(oldest);
                }
                rows.push_back(&mut s.held, slot);
                run.pass(slot, ts, out);
            }
        }
    }

    fn eviction(&self) -> Option<Eviction> {
        (self.n > 0).then_some(Eviction { rows: Some(self.n), age: None })
    }

    fn passes(&self) -> bool {
        !self.expired
    }
}
