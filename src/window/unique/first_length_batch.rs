//! `unique:firstLengthBatch(key, n)`: batches of the first rows of n keys.

use super::batch::Batch;
use super::{key, some_rows};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::window::args::Args;
use crate::window::keyed::Keyed;
use crate::window::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowSpec};

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
    about: |args, _| About {
        holds: format!(
            "one row of each of at most {} keys, and the batch before",
            About::rows(args, 1)
        ),
        timer: None,
    },
    check: |args, span| parse(args, span, true).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span, expired: bool) -> Result<Batch, Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 2, 2)?;
    Ok(Batch {
        key: [key(&args)?],
        first: true,
        keys: Some(some_rows(&args, 1)?),
        time: None,
        expired,
    })
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let batch = parse(&call.args, call.span, context.expired);
    Ok(Box::new(Keyed::new(batch.map_err(|d| Error::Query(vec![d]))?, context)?))
}
