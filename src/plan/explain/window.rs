//! Windows: their parameters, what they hold at most and their timers.

use super::Op;
use super::names::{Columns, duration};
use crate::event::Value;
use crate::window::{WindowArg, WindowCall};

/// A window; `columns` are the rows it holds, `expired` says whether rows leave it again.
pub(super) fn window(call: &WindowCall, columns: &Columns, expired: bool, keyed: bool) -> Op {
    let leaves = if expired { "made" } else { "not made: nobody reads them" };
    let about = about(call, expired);
    let holds = about.holds.map(|h| if keyed { format!("{h}, by partition key") } else { h });
    Op::new("window", shown(call, columns))
        .fact("expired rows", leaves)
        .maybe("holds", holds)
        .maybe("timer", about.timer)
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
        WindowArg::Column { index, .. } => {
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
    let rows = |i| number(call, i).map_or("its parameter's number of".into(), |n| n.to_string());
    let time = |i| number(call, i).map_or("its parameter's time".into(), duration);
    let before = if expired { " and of the one before" } else { "" };
    let open = if flagged(call) && !expired {
        // Rows pass at once, and nobody wants them again.
        String::new()
    } else {
        format!("the rows of the open batch{before}")
    };
    let (holds, timer) = match call.spec.name {
        "length" => (format!("at most {} rows", rows(0)), None),
        "lengthBatch" => (format!("{open}, {} rows each", rows(0)), None),
        "batch" if expired => ("the rows of the last chunk".into(), None),
        "batch" => ("nothing between two chunks".into(), None),
        "time" => (
            format!("the rows of the last {}, however many", time(0)),
            Some("when its oldest row leaves"),
        ),
        "timeLength" => (
            format!("at most {} rows of the last {}", rows(1), time(0)),
            Some("when its oldest row leaves"),
        ),
        "timeBatch" => (
            format!("{open}, {} each, however many", time(0)),
            Some("at the end of a batch that isn't empty"),
        ),
        "externalTime" => {
            (format!("the rows of the last {} of its attribute, however many", time(1)), None)
        }
        "externalTimeBatch" => (
            format!("{open}, {} each, however many", time(1)),
            number(call, 3)
                .filter(|t| *t > 0)
                .map(|_| "when the open batch has waited for the timeout"),
        ),
        _ => return About::default(),
    };
    let holds = holds.trim_start_matches(", ").to_string();
    About { holds: Some(holds), timer: timer.map(str::to_string) }
}
