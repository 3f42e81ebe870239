//! Windows: their parameters, what they hold at most and their timers.

use super::Op;
use super::names::{Columns, duration};
use crate::event::Value;
use crate::window::{WindowArg, WindowCall};

/// A window; `columns` are the rows it holds, `expired` says whether rows leave it again.
pub(super) fn window(call: &WindowCall, columns: &Columns, expired: bool, keyed: bool) -> Op {
    let about = about(call, expired);
    let holds = about.holds.map(|h| if keyed { format!("{h}, by partition key") } else { h });
    let op = Op::new("window", shown(call, columns));
    let op = if expired { op } else { op.fact("expired rows", "not made: nobody reads them") };
    op.maybe("holds", holds).maybe("timer", about.timer)
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

/// What is known of a kind of window.
#[derive(Default)]
struct About {
    holds: Option<String>,
    timer: Option<String>,
}

fn number(call: &WindowCall, i: usize) -> Option<i64> {
    match call.args.get(i) {
        Some(WindowArg::Const { value: Value::Int(n), .. }) => Some(i64::from(*n)),
        Some(WindowArg::Const { value: Value::Long(n), .. }) => Some(*n),
        _ => None,
    }
}

/// Whether a constant `true` is among the arguments (`stream.current.event` of batch windows).
fn flagged(call: &WindowCall) -> bool {
    call.args.iter().any(|a| matches!(a, WindowArg::Const { value: Value::Bool(true), .. }))
}

fn about(call: &WindowCall, expired: bool) -> About {
    let rows = |i| match number(call, i) {
        Some(1) => "1 row".to_string(),
        Some(n) => format!("{n} rows"),
        None => "its parameter's number of rows".to_string(),
    };
    let time = |i| number(call, i).map_or("its parameter's time".into(), duration);
    let batches = |size: String, passes: bool, expired: bool| match (passes, expired) {
        // Rows pass at once, and nobody wants them again.
        (true, false) => "no rows, only their number".to_string(),
        (true, true) => format!("the rows of the open batch ({size}), which have passed"),
        (false, true) => format!("the rows of the open batch and of the one before ({size} each)"),
        (false, false) => format!("the rows of the open batch ({size})"),
    };
    let oldest = Some("when its oldest row leaves");
    let (holds, timer) = match call.spec.name {
        "length" => (format!("at most {}", rows(0)), None),
        "lengthBatch" => (batches(rows(0), flagged(call), expired), None),
        "batch" if expired => ("the rows of the last chunk".into(), None),
        "batch" => ("nothing between two chunks".into(), None),
        "time" => (format!("the rows of the last {}, however many", time(0)), oldest),
        "timeLength" => (format!("at most {}, of the last {}", rows(1), time(0)), oldest),
        "timeBatch" => (
            batches(time(0), flagged(call), expired),
            Some("at the end of a batch that isn't empty"),
        ),
        "externalTime" => {
            (format!("the rows of the last {} by that attribute, however many", time(1)), None)
        }
        "externalTimeBatch" => {
            let timeout = number(call, 3).filter(|t| *t > 0);
            // After a timeout, what was sent must be kept: it is sent again with the rest.
            let holds = batches(time(1), false, expired || timeout.is_some());
            (holds, timeout.map(|_| "when the open batch has waited for the timeout"))
        }
        _ => return special(call, expired),
    };
    About { holds: Some(holds), timer: timer.map(str::to_string) }
}

/// The windows of their own kind.
fn special(call: &WindowCall, expired: bool) -> About {
    let n = |i| number(call, i).map_or("its parameter's number of".into(), |n| n.to_string());
    let time = |i| number(call, i).map_or("its parameter's time".into(), duration);
    let before = if expired { " and of the one before" } else { "" };
    let (holds, timer) = match call.spec.name {
        "session" => (
            format!("the rows of open sessions, which end after {} without a row", time(0)),
            Some("when a session ends"),
        ),
        "delay" => (
            format!("the rows that wait for {}, however many", time(0)),
            Some("when its oldest row enters"),
        ),
        "sort" => (format!("the first {} rows in order", n(0)), None),
        "frequent" => (format!("the last row of each of at most {} values", n(0)), None),
        "lossyFrequent" => ("the last row of each value that may be frequent".into(), None),
        "expression" => ("the youngest rows for which the condition holds".into(), None),
        "expressionBatch" => (format!("the rows of the open batch{before}"), None),
        "cron" => (
            format!("the rows of the open batch{before}, however many"),
            Some("at the points in time it names"),
        ),
        _ => return About::default(),
    };
    About { holds: Some(holds), timer: timer.map(str::to_string) }
}
