//! Triggers: streams whose events time sends.
//!
//! A trigger's event has the time at which it is due as its time and its value, and stands in front of
//! the input event that moved the clock there, behind all timers due by then.

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::event::EventBatch;
use crate::plan::{Plan, StreamId, TriggerSpec};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Timeline;

/// Events of one trigger in one step; a step in which there are more has a wrong clock.
const MAX_EVENTS: usize = 10_000_000;

/// The triggers of an application, in definition order.
pub(super) struct Triggers {
    list: Vec<(StreamId, SchemaRef, TriggerSpec)>,
    state: Vec<Due>,
}

/// When a trigger is next due, ms; none = never again (or not begun).
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Due(Option<i64>);

impl Triggers {
    pub(super) fn new(plan: &Plan) -> Self {
        let schema = |s: StreamId| plan.streams[s].schema.clone();
        let list: Vec<_> =
            plan.triggers.iter().map(|t| (t.stream, schema(t.stream), t.at.clone())).collect();
        Self { state: vec![Due::default(); list.len()], list }
    }

    /// The application starts.
    pub(super) fn begin(&mut self, at: i64) {
        for ((_, _, spec), state) in self.list.iter().zip(&mut self.state) {
            state.0 = match spec {
                TriggerSpec::Start => Some(at),
                TriggerSpec::Every(_) | TriggerSpec::Cron(..) => next(spec, at),
            };
        }
    }

    /// The application hasn't started after all.
    pub(super) fn stop(&mut self) {
        self.state.fill(Due::default());
    }

    /// When the next one is due, ms.
    pub(super) fn next_due(&self) -> Option<i64> {
        self.state.iter().filter_map(|s| s.0).min()
    }

    /// The events due in a step, by stream.
    pub(super) fn fire(&mut self, timeline: &Timeline) -> Result<Vec<(StreamId, EventBatch)>> {
        let mut fired = Vec::new();
        for ((stream, schema, spec), state) in self.list.iter().zip(&mut self.state) {
            let mut due: Vec<i64> = Vec::new();
            while let Some(at) = state.0.filter(|at| *at <= timeline.end()) {
                due.push(at);
                state.0 = next(spec, at);
                if due.len() > MAX_EVENTS {
                    let message = "the clock moved too far at once for a trigger: more than";
                    let message = format!("{message} {MAX_EVENTS} events are due in one step");
                    return Err(Error::Limit(message));
                }
            }
            if !due.is_empty() {
                let order = due.iter().map(|at| timeline.timer_order(*at, 0)).collect();
                let value: ArrayRef = Arc::new(Int64Array::from(due.clone()));
                let columns = RecordBatch::try_new(schema.clone(), vec![value])?;
                let at = arrow::buffer::ScalarBuffer::from(due);
                fired
                    .push((*stream, EventBatch::new(columns, at.clone().into(), at.into(), order)));
            }
        }
        Ok(fired)
    }

    pub(super) fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.state)
    }

    pub(super) fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        let state: Vec<Due> = r.value()?;
        if state.len() != self.list.len() {
            return Err(Error::Snapshot("it has another number of triggers".into()));
        }
        self.state = state;
        Ok(())
    }
}

/// When a trigger that is due at `at` (or begins then) is due next.
fn next(spec: &TriggerSpec, at: i64) -> Option<i64> {
    match spec {
        TriggerSpec::Start => None,
        TriggerSpec::Every(period) => at.checked_add(*period),
        TriggerSpec::Cron(cron, _) => cron.next_after(at),
    }
}
