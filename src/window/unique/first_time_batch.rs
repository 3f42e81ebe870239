//! `unique:firstTimeBatch(key, t [, start.time])`: batches of t ms of the first row of each key.

use super::batch::{self, Batch, about_time};
use crate::error::{Diagnostic, Result, Span};
use crate::window::{Reads, Window, WindowArg, WindowCall, WindowContext, WindowSpec};

/// `unique:firstTimeBatch(key any, t int|long|time [, start.time int|long])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "unique:firstTimeBatch",
    signature: "unique:firstTimeBatch(unique.key any, window.time int|long|time \
                [, start.time int|long])",
    doc: "Tumbling window of the first row of each key in `window.time` ms of the clock, counted from the \
          first row, or so that batches begin at `start.time` plus multiples of `window.time`. At the \
          end of a period the rows of the batch before expire, the aggregates start afresh, and the \
          batch leaves, all in one chunk.",
    example: "define stream Logins (ip string, port int);\n\
              from Logins#window.unique:firstTimeBatch(ip, 1 sec) select ip, port insert into Out;",
    sliding: false,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| about_time(args),
    check: |args, span| parse(args, span, true).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span, expired: bool) -> Result<Batch, Diagnostic> {
    Batch::of_time(SPEC.signature, args, span, true, expired)
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    batch::create(parse(&call.args, call.span, context.expired), context)
}
