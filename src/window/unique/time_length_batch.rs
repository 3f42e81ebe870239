//! `unique:timeLengthBatch(key, t [, start.time], n)`: batches of t ms or n keys.

use super::batch::{self, Batch, about_time, grid};
use super::{key, some_rows};
use crate::error::{Diagnostic, Result, Span};
use crate::window::args::Args;
use crate::window::{Reads, Window, WindowArg, WindowCall, WindowContext, WindowSpec};

/// `unique:timeLengthBatch(key any, t int|long|time [, start.time int|long], n int)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "unique:timeLengthBatch",
    signature: "unique:timeLengthBatch(unique.key any, window.time int|long|time \
                [, start.time int|long], window.length int)",
    doc: "Tumbling window of the latest row of each key that ends after `window.time` ms, as \
          `unique:timeBatch` does, or with the row whose key is the `window.length`-th. Without \
          `start.time` the time begins anew when a batch is full.",
    example: "define stream Logins (ip string, port int);\n\
              from Logins#window.unique:timeLengthBatch(ip, 1 sec, 2) select ip, port \
              insert into Out;",
    sliding: false,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| about_time(args),
    check: |args, span| parse(args, span, true).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span, expired: bool) -> Result<Batch, Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 3, 4)?;
    Ok(Batch {
        key: [key(&args)?],
        first: false,
        keys: Some(some_rows(&args, args.len() - 1)?),
        time: Some(grid(&args, 1, (args.len() > 3).then_some(2))?),
        expired,
    })
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    batch::create(parse(&call.args, call.span, context.expired), context)
}
