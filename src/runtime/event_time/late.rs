//! Rows that can't be put in order any more: counted, and dropped, adjusted or sent to the late
//! stream.

use hdrhistogram::Histogram;

use super::judge::Reason;
use super::{EventTime, StreamId};
use crate::error::Result;
use crate::event::Value;
use crate::plan::watermark::LatePolicy;
use crate::runtime::ingress::Ingress;

/// How many there were, and how late.
#[derive(Debug)]
pub(super) struct LateRows {
    pub(super) late: u64,
    pub(super) ahead: u64,
    pub(super) untimed: u64,
    /// By how many ms rows were late.
    pub(super) lateness: Histogram<u64>,
}

impl LateRows {
    pub(super) fn new() -> Self {
        let lateness = Histogram::new(3).expect("3 is a number of digits it takes");
        Self { late: 0, ahead: 0, untimed: 0, lateness }
    }

    fn count(&mut self, rows: u64, reason: Reason, by: Option<i64>) {
        match reason {
            Reason::Late => {
                self.late += rows;
                let by = by.and_then(|by| u64::try_from(by).ok()).unwrap_or(0);
                // It grows as needed.
                let _ = self.lateness.record_n(by, rows);
            }
            Reason::Ahead => self.ahead += rows,
            Reason::Untimed => self.untimed += rows,
        }
    }
}

impl EventTime {
    /// Rows (one chunk) that can't be put in order. `by`: how many ms behind.
    pub(super) fn refuse(
        &mut self,
        ingress: &mut Ingress,
        stream: StreamId,
        rows: Vec<(Option<i64>, Vec<Value>)>,
        reason: Reason,
        by: Option<i64>,
    ) -> Result<()> {
        let Some(gate) = &mut self.gates[stream] else { return Ok(()) };
        gate.late.count(rows.len() as u64, reason, by);
        let (policy, late_stream) = (gate.plan.late, gate.plan.late_stream);
        if policy == LatePolicy::Drop {
            return Ok(());
        }
        // What came before goes before.
        self.release(ingress)?;
        match (policy, late_stream) {
            (LatePolicy::Stream, Some(late)) => {
                let remark = |(ts, mut row): (Option<i64>, Vec<Value>)| {
                    row.push(by.map_or(Value::Null, Value::Long));
                    row.push(Value::String(reason.word().into()));
                    (ts, row)
                };
                self.pass(ingress, late, rows.into_iter().map(remark).collect());
            }
            _ => {
                // The time is that of the application, when there is one.
                let rows = rows.into_iter().map(|(_, row)| (None, row)).collect();
                self.pass(ingress, stream, rows);
            }
        }
        Ok(())
    }
}
