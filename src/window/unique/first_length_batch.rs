//! `unique:firstLengthBatch(key, n)`: batches of the first rows of n keys.

use super::batch::{self, Batch, about_keys};
use crate::error::{Diagnostic, Result, Span};
use crate::window::{Reads, Window, WindowArg, WindowCall, WindowContext, WindowSpec};

/// `unique:firstLengthBatch(key any, n int)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "unique:firstLengthBatch",
    signature: "unique:firstLengthBatch(unique.key any, window.length int)",
    doc: "Tumbling window of the first row of each of `window.length` keys; further rows of a key are \
          dropped until the batch is full. It then leaves as one chunk, after the rows of the batch \
          before have expired and the aggregates have started afresh.",
    example: "define stream Logins (ip string, port int);\n\
              from Logins#window.unique:firstLengthBatch(ip, 2) select ip, port insert into Out;",
    sliding: false,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| about_keys(args),
    check: |args, span| parse(args, span, true).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span, expired: bool) -> Result<Batch, Diagnostic> {
    Batch::of_keys(SPEC.signature, args, span, true, expired)
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    batch::create(parse(&call.args, call.span, context.expired), context)
}
