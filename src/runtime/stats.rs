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
    /// How long steps took, from the rows taken in to the results, deliveries not counted. Of steps of
    /// few rows one in 16 is timed and counts for all of them.
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
pub(super) struct Durations {
    histogram: Histogram<u64>,
    /// Small steps since the last that was timed.
    untimed: u64,
}

/// Steps of fewer rows are small: looking at the clock twice would be a good part of what they cost.
const SMALL: usize = 16;
/// Of so many small steps, one is timed.
const SAMPLE: u64 = 16;

impl Durations {
    pub(super) fn new() -> Self {
        let histogram = Histogram::new(3).expect("3 is a number of digits it takes");
        Self { histogram, untimed: 0 }
    }

    /// Whether the next step, of `rows` rows, is to be timed, and for how many it counts.
    pub(super) fn is_next_timed(&mut self, rows: usize) -> Option<u64> {
        if rows >= SMALL {
            return Some(1);
        }
        self.untimed += 1;
        // The first one is timed, so that a short run has a duration to show.
        (self.untimed % SAMPLE == 1).then_some(SAMPLE)
    }

    pub(super) fn record(&mut self, taken: Duration, steps: u64) {
        // It grows as needed; what doesn't fit 64 bits isn't a duration anybody measures.
        let nanos = taken.as_nanos().try_into().unwrap_or(u64::MAX);
        let _ = self.histogram.record_n(nanos, steps);
    }

    pub(super) fn latency(&self) -> Latency {
        let at = |q| Duration::from_nanos(self.histogram.value_at_quantile(q));
        Latency {
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: Duration::from_nanos(self.histogram.max()),
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
            durations.record(Duration::from_micros(us), 1);
        }
        let latency = durations.latency();
        let near =
            |d: Duration, us: u64| (d.as_nanos() as f64 / (us as f64 * 1e3) - 1.0).abs() < 2e-3;
        assert!(near(latency.p50, 500) && near(latency.p99, 990) && near(latency.p999, 999));
        assert!(near(latency.max, 1000) && latency.max >= Duration::from_millis(1));
    }
}
