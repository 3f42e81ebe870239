//! `lengthBatch(n [, stream.current.event])`: batches of n rows.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Keyed, List, Logic, Rows};
use super::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::{Kind, Slot};

/// `lengthBatch(n int [, stream.current.event bool])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "lengthBatch",
    signature: "lengthBatch(window.length int [, stream.current.event bool = false])",
    doc: "Tumbling window of `window.length` rows. The batch leaves as one chunk with its last row, \
          after the rows of the batch before have expired and the aggregates have started afresh. \
          With `stream.current.event`, rows pass at once, and expire with the first row of the next \
          batch.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.lengthBatch(4) select symbol, sum(price) as total insert into Out;",
    sliding: false,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, expired| About {
        holds: About::batches(&About::counted(args, 0), About::flagged(args), expired),
        timer: None,
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<(u32, bool), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 1, 2)?;
    let n = args.rows(0, "window.length")?;
    let stream = args.len() > 1 && args.flag(1, "stream.current.event")?;
    Ok((n, stream))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (n, stream) = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(LengthBatch { n, stream, expired: context.expired }, context)?))
}

struct LengthBatch {
    n: u32,
    stream: bool,
    expired: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// Rows of the open batch (empty if rows pass at once).
    open: List,
    /// Rows to expire with the next batch: the last batch, or the passed rows of the open one.
    sent: List,
    /// Rows of the open batch.
    count: u32,
}

impl LengthBatch {
    /// A window of no rows: each row enters and leaves.
    fn single(
        &self,
        slot: Slot,
        ts: i64,
        run: &Arrival<'_>,
        rows: &mut Rows,
        out: &mut WindowOutput,
    ) {
        let c = run.cause;
        run.pass(slot, ts, out);
        if self.expired {
            out.push(slot, c.at, c.at, c.order, Kind::Expired, c.key);
        }
        rows.store.release(slot);
        out.rows.reset(c.key);
    }

    /// Collects; the last row of the batch lets it out.
    fn collect(
        &self,
        s: &mut State,
        slot: Slot,
        run: &Arrival<'_>,
        rows: &mut Rows,
        out: &mut WindowOutput,
    ) {
        rows.push_back(&mut s.open, slot);
        s.count += 1;
        if s.count < self.n {
            return;
        }
        rows.expire(&mut s.sent, run.cause.at, run.cause, out);
        out.rows.reset(run.cause.key);
        rows.emit(s.open, run.cause, out);
        if self.expired {
            s.sent = std::mem::take(&mut s.open);
        } else {
            rows.drop_all(&mut s.open);
        }
        s.count = 0;
    }

    /// Passes the row at once; the first row of a batch first ends the batch before.
    fn pass(
        &self,
        s: &mut State,
        (slot, ts): (Slot, i64),
        run: &Arrival<'_>,
        rows: &mut Rows,
        out: &mut WindowOutput,
    ) {
        if s.count == self.n {
            rows.expire(&mut s.sent, run.cause.at, run.cause, out);
            out.rows.reset(run.cause.key);
            s.count = 0;
        }
        s.count += 1;
        run.pass(slot, ts, out);
        if self.expired {
            rows.push_back(&mut s.sent, slot);
        } else {
            rows.store.release(slot);
        }
    }
}

impl Logic for LengthBatch {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, ts) in run.rows() {
            if self.n == 0 {
                self.single(slot, ts, run, rows, out);
            } else if self.stream {
                self.pass(s, (slot, ts), run, rows, out);
            } else {
                self.collect(s, slot, run, rows, out);
            }
            out.rows.end_chunk();
        }
    }
}
