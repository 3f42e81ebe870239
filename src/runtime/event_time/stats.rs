//! What is known of event time: how far it is, who holds it back, what waits and what was late.

use super::{EventTime, waited_for};

/// Event time of an application with watermarks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventTimeStats {
    /// The watermark, ms since the epoch; none: not known yet.
    pub watermark: Option<i64>,
    /// The stream that holds it back; none: all inputs have ended or are idle.
    pub held_by: Option<String>,
    /// Streams with a watermark, in definition order.
    pub streams: Vec<StreamTime>,
}

/// Event time of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamTime {
    /// Name.
    pub stream: String,
    /// Its inputs, in the order in which they were opened.
    pub inputs: Vec<InputStats>,
    /// By how many ms the application's watermark is behind the stream's latest row.
    pub lag: Option<i64>,
    /// Rows that wait, and the bytes they take.
    pub waiting: usize,
    /// Bytes of those; memory that batches share is counted for each.
    pub waiting_bytes: usize,
    /// Rows that came after the watermark had passed their time.
    pub late: u64,
    /// Rows further in the future than `max.ahead`.
    pub ahead: u64,
    /// Rows without a time.
    pub untimed: u64,
    /// What became of all those: `drop`, `adjust` or `stream`.
    pub policy: &'static str,
    /// How late the late rows were.
    pub lateness: Lateness,
}

/// Event time of one input of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InputStats {
    /// Its own watermark, ms since the epoch.
    pub watermark: Option<i64>,
    /// Whether time waits for it: it has neither ended nor been silent for `idle`.
    pub active: bool,
}

/// How late rows were, ms. Quantiles are right to three digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lateness {
    /// Half were at most so late.
    pub p50: u64,
    /// 99 of 100 were at most so late.
    pub p99: u64,
    /// The latest.
    pub max: u64,
}

impl EventTime {
    pub(in crate::runtime) fn stats(&self) -> EventTimeStats {
        let watermark = self.inputs.watermark().known();
        let name = |s: usize| self.gates[s].as_ref().map(|g| g.name.clone());
        let streams = self.gates.iter().enumerate().filter_map(|(s, gate)| {
            let gate = gate.as_ref()?;
            let of = self.entrances.iter().zip(self.inputs.list());
            let mine: Vec<_> = of.filter(|((x, _), _)| *x == s).map(|(_, input)| input).collect();
            let largest = mine.iter().filter_map(|i| i.largest).max();
            let h = &gate.late.lateness;
            let quantile = |q| if h.is_empty() { 0 } else { h.value_at_quantile(q) };
            Some(StreamTime {
                stream: gate.name.clone(),
                inputs: mine
                    .iter()
                    .map(|i| InputStats {
                        watermark: i.largest.map(|_| i.watermark()),
                        active: waited_for(i.activity),
                    })
                    .collect(),
                lag: watermark.zip(largest).map(|(w, l)| l.saturating_sub(w)),
                waiting: gate.reorder.rows(),
                waiting_bytes: gate.reorder.bytes(),
                late: gate.late.late,
                ahead: gate.late.ahead,
                untimed: gate.late.untimed,
                policy: gate.plan.late.word(),
                lateness: Lateness { p50: quantile(0.5), p99: quantile(0.99), max: h.max() },
            })
        });
        EventTimeStats {
            watermark,
            held_by: self.inputs.holding().and_then(|i| name(self.entrances[i].0)),
            streams: streams.collect(),
        }
    }
}
