//! What `explain` says of a window: what it holds at most, and when its timer fires.

use super::WindowArg;
use crate::event::Value;

/// What is known of a window from its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What it holds at most.
    pub holds: String,
    /// When its timer fires, if it has one.
    pub timer: Option<&'static str>,
}

impl About {
    /// The integer constant that is argument `i`.
    pub fn number(args: &[WindowArg], i: usize) -> Option<i64> {
        match args.get(i) {
            Some(WindowArg::Const { value: Value::Int(n), .. }) => Some(i64::from(*n)),
            Some(WindowArg::Const { value: Value::Long(n), .. }) => Some(*n),
            _ => None,
        }
    }

    /// The number that is argument `i`, in words.
    pub fn rows(args: &[WindowArg], i: usize) -> String {
        Self::number(args, i).map_or("its parameter's number of".into(), |n| n.to_string())
    }

    /// `3 rows`.
    pub(super) fn counted(args: &[WindowArg], i: usize) -> String {
        match Self::number(args, i) {
            Some(1) => "1 row".to_string(),
            Some(n) => format!("{n} rows"),
            None => "its parameter's number of rows".to_string(),
        }
    }

    /// The time that is argument `i`, in words.
    pub fn time(args: &[WindowArg], i: usize) -> String {
        Self::number(args, i).map_or("its parameter's time".into(), duration)
    }

    /// What a batch window holds of batches of this size: `passes`: rows pass at once; `expired`: rows
    /// that leave are wanted.
    pub(super) fn batches(size: &str, passes: bool, expired: bool) -> String {
        match (passes, expired) {
            // Rows pass at once, and nobody wants them again.
            (true, false) => "no rows, only their number".to_string(),
            (true, true) => format!("the rows of the open batch ({size}), which have passed"),
            (false, true) => {
                format!("the rows of the open batch and of the one before ({size} each)")
            }
            (false, false) => format!("the rows of the open batch ({size})"),
        }
    }

    /// Whether a constant `true` is among the arguments (`stream.current.event` of batch windows).
    pub(super) fn flagged(args: &[WindowArg]) -> bool {
        args.iter().any(|a| matches!(a, WindowArg::Const { value: Value::Bool(true), .. }))
    }
}

/// A span of ms in the largest units that leave no rest: `1 min 30 sec`.
pub fn duration(ms: i64) -> String {
    const UNITS: [(i64, &str); 5] = [
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "min"),
        (1_000, "sec"),
        (1, "millisec"),
    ];
    if ms <= 0 {
        return format!("{ms} millisec");
    }
    let mut rest = ms;
    let mut out = Vec::new();
    for (unit, name) in UNITS {
        if rest >= unit {
            out.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    out.join(" ")
}
