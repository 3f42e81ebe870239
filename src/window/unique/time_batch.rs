//! `unique:timeBatch(key, t [, start.time])`: batches of t ms of the latest row of each key.

use super::batch::{Batch, grid};
use super::key;
use crate::error::{Diagnostic, Error, Result, Span};
use crate::window::args::Args;
use crate::window::keyed::Keyed;
use crate::window::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowSpec};

/// `unique:timeBatch(key any, t int|long|time [, start.time int|long])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "unique:timeBatch",
    signature: "unique:timeBatch(unique.key any, window.time int|long|time \
                [, start.time int|long])",
    doc: "Tumbling window of the latest row of each key in `window.time` ms of the clock, counted from the \
          first row, or so that batches begin at `start.time` plus multiples of `window.time`. At the \
          end of a period the rows of the batch before expire, the aggregates start afresh, and the \
          batch leaves, all in one chunk.",
    example: "define stream Logins (ip string, port int);\n\
              from Logins#window.unique:timeBatch(ip, 1 sec) select ip, port insert into Out;",
    sliding: false,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!("one row of each key of {}, and the batch before", About::time(args, 1)),
        timer: Some("at the end of a batch that isn't empty"),
    },
    check: |args, span| parse(args, span, true).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span, expired: bool) -> Result<Batch, Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 2, 3)?;
    Ok(Batch {
        key: [key(&args)?],
        first: false,
        keys: None,
        time: Some(grid(&args, 1, (args.len() > 2).then_some(2))?),
        expired,
    })
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let batch = parse(&call.args, call.span, context.expired);
    Ok(Box::new(Keyed::new(batch.map_err(|d| Error::Query(vec![d]))?, context)?))
}
