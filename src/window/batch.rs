//! `batch([n])`: the chunk that arrives is the batch.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Keyed, List, Logic, Rows};
use super::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec};
use crate::error::{Diagnostic, Error, Result, Span};

/// `batch([n int])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "batch",
    signature: "batch([window.length int])",
    doc: "Each chunk of rows that arrives together is a batch: it passes as one chunk, after the \
          rows of the chunk before have expired and the aggregates have started afresh. With \
          `window.length`, the chunk passes in pieces of so many rows, each a batch of its own.",
    example: "define stream S (item string, price double);\n\
              from S#window.batch() select item, sum(price) as total insert into Out;",
    sliding: false,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |_, expired| About {
        holds: if expired { "the rows of the last chunk" } else { "nothing between two chunks" }
            .into(),
        timer: None,
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<u32, Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 0, 1)?;
    if args.len() == 0 { Ok(0) } else { args.rows(0, "window.length") }
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let n = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(Batch { n, expired: context.expired }, context)?))
}

struct Batch {
    /// Rows of a piece; 0 = the whole chunk.
    n: u32,
    expired: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// The last chunk.
    sent: List,
}

impl Logic for Batch {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        rows.expire(&mut s.sent, run.cause.at, run.cause, out);
        let mut left = 0;
        for (slot, ts) in run.rows() {
            if left == 0 {
                out.rows.reset(run.cause.key);
                left = if self.n == 0 { u32::MAX } else { self.n };
            }
            run.pass(slot, ts, out);
            left -= 1;
            if left == 0 {
                out.rows.end_chunk();
            }
            if self.expired {
                rows.push_back(&mut s.sent, slot);
            } else {
                rows.store.release(slot);
            }
        }
    }
}
