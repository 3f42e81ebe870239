//! Event time: where rows wait, and for how long.

use serde_json::{Value as Json, json};

use super::Op;
use crate::lang::ast::StreamMark;
use crate::plan::graph::{Plan, StreamId};
use crate::plan::watermark::{LatePolicy, WatermarkPlan};

/// A duration in the largest unit that is exact.
fn duration(ms: i64) -> String {
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "min"), (1000, "sec")];
    match units.into_iter().find(|(unit, _)| ms >= *unit && ms % unit == 0) {
        Some((unit, name)) => format!("{} {name}", ms / unit),
        None => format!("{ms} ms"),
    }
}

fn attribute(plan: &Plan, s: StreamId, w: &WatermarkPlan) -> Option<String> {
    w.attribute.map(|a| plan.streams[s].schema.field(a).name().clone())
}

/// How rows of a stream wait for the watermark, if it has one.
pub(super) fn waits(plan: &Plan, s: StreamId) -> Option<Op> {
    let w = plan.streams[s].watermark.as_deref()?;
    let by = attribute(plan, s, w).unwrap_or_else(|| "the time rows come with".into());
    let op = Op::new("waits", format!("until the watermark passes {by}"));
    let op = op.fact("watermark", format!("{} behind the latest row", duration(w.delay)));
    let late = match w.late {
        LatePolicy::Drop => "counted and dropped".to_string(),
        LatePolicy::Adjust => "counted, and take the time of the watermark".into(),
        LatePolicy::Stream => format!("counted, and go to !!{}", plan.streams[s].name),
    };
    let op = op.fact("late rows", late);
    let op = match w.max_ahead {
        Some(ms) => op.fact("ahead", format!("rows {} ahead of time are late rows", duration(ms))),
        None => op,
    };
    let op = match w.idle {
        Some(ms) => op.fact("idle", format!("not waited for after {} of silence", duration(ms))),
        None => op.remark("idle", "waited for however long it is silent"),
    };
    let several = plan.streams.iter().filter(|s| s.watermark.is_some()).count() > 1;
    let op = op.maybe("least", several.then_some("of the watermarks of all streams that have one"));
    Some(op.remark("holds", format!("at most {} rows, then it is an error", w.buffer_rows)))
}

/// A stream without a watermark, where others have one.
pub(super) fn at_once(plan: &Plan, s: StreamId) -> Option<Op> {
    let p = &plan.streams[s];
    let from_outside = p.defined.is_some() && p.writers.is_empty() && plan.trigger(s).is_none();
    let plain = p.mark == StreamMark::Plain && p.watermark.is_none() && p.window.is_none();
    let applies = plan.has_watermark() && plain && from_outside;
    applies
        .then(|| Op::new("at once", "rows don't wait; their time is the watermark when they come"))
}

/// One line about a stream's watermark; equal lines mean equal state (snapshots rely on it).
pub(crate) fn watermark(plan: &Plan, s: StreamId) -> Option<String> {
    let mut out = format!("watermark {} ", plan.streams[s].name);
    waits(plan, s)?.shape(&mut out);
    Some(out)
}

/// For tools.
pub(super) fn json(plan: &Plan, s: StreamId) -> Json {
    let Some(w) = plan.streams[s].watermark.as_deref() else { return Json::Null };
    json!({
        "attribute": attribute(plan, s, w),
        "delay_ms": w.delay,
        "late": w.late.word(),
        "late_stream": w.late_stream.map(|l| plan.streams[l].full_name()),
        "idle_ms": w.idle,
        "max_ahead_ms": w.max_ahead,
        "buffer_rows": w.buffer_rows,
    })
}

/// For the graph.
pub(super) fn label(plan: &Plan, s: StreamId) -> Option<String> {
    let w = plan.streams[s].watermark.as_deref()?;
    Some(format!("waits {} for the watermark", duration(w.delay)))
}
