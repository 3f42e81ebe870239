//! `eventTimestamp` and `currentTimeMillis`: time as the engine sees it. The binder turns both into
//! nodes of the tree.

use super::{Arg, Eval, FunctionSpec, no_overload};
use crate::lang::ast::AttrType;

/// `eventTimestamp()`, `eventTimestamp(e1)`.
pub static EVENT_TIMESTAMP: FunctionSpec = FunctionSpec {
    name: "eventTimestamp",
    namespace: None,
    signature: "eventTimestamp([event]) -> long",
    doc: "The event time, in ms since the epoch, of the current event or of the event a reference \
          stands for; null if there is no such event.",
    example: "define stream Rooms (room string, temp double);\n\
              from Rooms select room, eventTimestamp() as at insert into Out;",
    returns: |args| nullary("eventTimestamp", args),
    volatile: true,
    eval: Eval::EventTime,
};

/// `currentTimeMillis()`.
pub static CURRENT_TIME_MILLIS: FunctionSpec = FunctionSpec {
    name: "currentTimeMillis",
    namespace: None,
    signature: "currentTimeMillis() -> long",
    doc: "The application's clock in ms since the epoch: the event time in playback and under \
          watermarks, the time of arrival otherwise.",
    example: "define stream Rooms (room string, temp double);\n\
              from Rooms select room, currentTimeMillis() as seen insert into Out;",
    returns: |args| nullary("currentTimeMillis", args),
    volatile: true,
    eval: Eval::Clock,
};

fn nullary(name: &str, args: &[Arg<'_>]) -> Result<AttrType, String> {
    if args.is_empty() { Ok(AttrType::Long) } else { Err(no_overload(name, args)) }
}
