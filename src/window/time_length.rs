//! `timeLength(t, n)`: the rows of the last t ms, at most n of them.

use super::args::Args;
use super::keyed::Keyed;
use super::time::TimeLength;
use super::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowSpec};
use crate::error::{Diagnostic, Error, Result, Span};

/// `timeLength(t int|long|time, n int)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "timeLength",
    signature: "timeLength(window.time int|long|time, window.length int)",
    doc: "Sliding window of the rows of the last `window.time` ms, as `time`, but of at most \
          `window.length` rows: when one more enters, the oldest leaves just before it. With a \
          length of 0, rows pass and are never held.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.timeLength(2 sec, 10) select symbol, avg(price) as mean insert into Out;",
    sliding: true,
    passes: true,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!("at most {}, of the last {}", About::counted(args, 1), About::time(args, 0)),
        timer: Some("when its oldest row leaves"),
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<(i64, u32), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 2, 2)?;
    Ok((args.time(0, "window.time", 0)?, args.rows(1, "window.length")?))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (t, n) = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    let logic = TimeLength { t, n: n as usize, expired: context.expired };
    Ok(Box::new(Keyed::new(logic, context)?))
}
