//! Counters. They never take part in results.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::event_time::EventTimeStats;

/// Counters of one query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueryStats {
    /// Rows read, over all ports.
    pub rows_in: u64,
    /// Rows put out.
    pub rows_out: u64,
    /// Partial matches that are open now, of a pattern or sequence.
    pub open_partials: u64,
}

/// Counters of an application since it was created.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Rows taken in, over all streams.
    pub events: u64,
    /// Steps run.
    pub steps: u64,
    /// Rows that passed each stream that had any, in definition order.
    pub streams: Vec<(String, u64)>,
    /// Per query, in definition order.
    pub queries: Vec<(String, QueryStats)>,
    /// Rows that could not be read, per stream (those that went to a fault stream included).
    pub rejected: Vec<(String, u64)>,
    /// How long steps took, from the rows taken in to the results, deliveries not counted.
    pub latency: Latency,
    /// Event time, if a stream has a watermark.
    pub event_time: Option<EventTimeStats>,
}

/// How long steps took. Quantiles are right to three digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// Half took at most this.
    pub p50: Duration,
    /// 99 of 100 took at most this.
    pub p99: Duration,
    /// 999 of 1000 took at most this.
    pub p999: Duration,
    /// The longest.
    pub max: Duration,
}

/// Durations of steps in nanoseconds.
pub(super) struct Durations(Histogram<u64>);

impl Durations {
    pub(super) fn new() -> Self {
        Self(Histogram::new(3).expect("3 is a number of digits it takes"))
    }

    pub(super) fn record(&mut self, taken: Duration) {
        // It grows as needed; what doesn't fit 64 bits isn't a duration anybody measures.
        let _ = self.0.record(taken.as_nanos().try_into().unwrap_or(u64::MAX));
    }

    pub(super) fn latency(&self) -> Latency {
        let at = |q| Duration::from_nanos(self.0.value_at_quantile(q));
        Latency {
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: Duration::from_nanos(self.0.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_recorded() {
        let mut durations = Durations::new();
        assert_eq!(durations.latency(), Latency::default());
        for us in 1..=1000 {
            durations.record(Duration::from_micros(us));
        }
        let latency = durations.latency();
        let near =
            |d: Duration, us: u64| (d.as_nanos() as f64 / (us as f64 * 1e3) - 1.0).abs() < 2e-3;
        assert!(near(latency.p50, 500) && near(latency.p99, 990) && near(latency.p999, 999));
        assert!(near(latency.max, 1000) && latency.max >= Duration::from_millis(1));
    }
}
