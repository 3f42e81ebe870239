//! Windows: their parameters, what they hold at most and their timers.

use super::Op;
use super::names::{Columns, duration};
use crate::event::Value;
use crate::window::{WindowArg, WindowCall};

/// A window; `columns` are the rows it holds, `expired` says whether rows leave it again.
pub(super) fn window(call: &WindowCall, columns: &Columns, expired: bool, keyed: bool) -> Op {
    let about = (call.spec.about)(&call.args, expired);
    let holds = about.holds;
    let holds = if keyed { format!("{holds}, by partition key") } else { holds };
    let op = Op::new("window", shown(call, columns));
    let op = if expired { op } else { op.fact("expired rows", "not made: nobody reads them") };
    op.remark("holds", holds).maybe("timer", about.timer)
}

/// The call as SiddhiQL, times in units.
pub(super) fn shown(call: &WindowCall, columns: &Columns) -> String {
    let args: Vec<String> = call.args.iter().map(|a| argument(a, columns)).collect();
    format!("{}({})", call.spec.name, args.join(", "))
}

fn argument(a: &WindowArg, columns: &Columns) -> String {
    match a {
        // Time literals are longs by now; a moment (a start time) isn't told from a span.
        WindowArg::Const { value: Value::Long(ms), .. } => duration(*ms),
        WindowArg::Const { value: Value::String(s), .. } => format!("'{s}'"),
        WindowArg::Const { value, .. } => value.to_string(),
        WindowArg::Condition(c) => format!("'{}'", c.text),
        WindowArg::Column { index, .. } | WindowArg::Conditions { index, .. } => {
            columns.0.get(*index).cloned().unwrap_or_else(|| format!("column {index}"))
        }
        WindowArg::Expr(e) => columns.describe(e),
    }
}
