//! The open loop: events are due at fixed times whether or not the engine is ready, so that waiting
//! counts. Latency is from when an event was due to when its results had been delivered.

use std::hint::black_box;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::closed::Setup;
use super::workload::Workload;
use crate::error::{Error, Result};
use crate::time::wall::Stopwatch;
use crate::{App, Input, Times};

/// Latencies, microseconds.
#[derive(Debug, Clone, Copy, serde::Serialize)]
#[allow(missing_docs)]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// What came out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct OpenOutcome {
    /// The query.
    pub query: String,
    /// Rows sent together at most.
    pub batch_rows: usize,
    /// Events per second that were due.
    pub rate: f64,
    /// Events sent.
    pub events: usize,
    /// Events per second that went through.
    pub events_per_s_wall: f64,
    /// Sends: fewer than events where some had to wait.
    pub sends: usize,
    /// From due to delivered.
    pub latency_us: Latency,
}

/// Sends events at `rate` per second. Whatever is due goes at once: up to `setup.batch_rows` rows in a
/// send; with one row per send, rows go in as values, not as Arrow batches.
///
/// The first tenth warms up and isn't counted.
///
/// # Errors
/// What the engine fails with; [`Error::Data`] if `rate` isn't positive.
pub fn run(setup: &Setup, rate: f64) -> Result<OpenOutcome> {
    if rate.is_nan() || rate <= 0.0 {
        return Err(Error::Data(format!("a rate of {rate} events per second")));
    }
    let streams = setup.query.streams();
    let w = Workload::new(setup.events, setup.keys, setup.query.events_per_ms(), setup.seed);
    let names: Vec<String> = (0..w.keys).map(|c| setup.symbols.name(c)).collect();
    // Whatever is due is a run of rows of these batches.
    let whole = w.steps(setup.symbols, setup.events.max(1), 1)?;
    let whole = whole.into_iter().flatten().next().map(|(_, b)| b);
    let app = App::from_text(&setup.query.app())?;
    app.subscribe("Out", |events| {
        black_box(events.columns());
    })?;
    let inputs: Vec<Input> = streams.iter().map(|s| app.input(s)).collect::<Result<_>>()?;
    let one_by_one = setup.batch_rows <= 1 || streams.len() > 1;
    let mut latencies = Latencies::new()?;
    let (mut next, mut sends) = (0, 0);
    let every = Duration::from_secs_f64(1.0 / rate);
    let due = |i: usize| every.mul_f64(i as f64);
    let watch = Stopwatch::start();
    while next < w.len() {
        let now = watch.elapsed();
        if now < due(next) {
            std::hint::spin_loop();
            continue;
        }
        let first = next;
        if one_by_one {
            let row =
                (w.ts[next], names[w.code[next] as usize].as_str(), w.price[next], w.volume[next]);
            inputs[next % streams.len()].send_at(w.ts[next], row)?;
            next += 1;
        } else if let Some(whole) = &whole {
            let waiting = (now.as_secs_f64() * rate) as usize + 1;
            next = waiting.clamp(first + 1, first + setup.batch_rows).min(w.len());
            inputs[0].send_batch(&whole.slice(first, next - first), Times::Column("ts"))?;
        }
        sends += 1;
        let done = watch.elapsed();
        for i in first.max(w.len() / 10)..next {
            latencies.record(done.saturating_sub(due(i)))?;
        }
    }
    Ok(OpenOutcome {
        query: setup.query.to_string(),
        batch_rows: setup.batch_rows,
        rate,
        events: w.len(),
        events_per_s_wall: w.len() as f64 / watch.elapsed().as_secs_f64(),
        sends,
        latency_us: latencies.summary(),
    })
}

struct Latencies(Histogram<u64>);

impl Latencies {
    fn new() -> Result<Self> {
        // Nanoseconds up to a minute, three digits.
        let histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3);
        Ok(Self(histogram.map_err(|e| Error::Data(e.to_string()))?))
    }

    fn record(&mut self, latency: Duration) -> Result<()> {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1));
        Ok(())
    }

    fn summary(&self) -> Latency {
        let at = |q: f64| self.0.value_at_quantile(q) as f64 / 1000.0;
        Latency {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.0.max() as f64 / 1000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Query;

    #[test]
    fn waiting_counts() {
        let mut l = Latencies::new().unwrap();
        (1..=1000).for_each(|us| l.record(Duration::from_micros(us)).unwrap());
        let s = l.summary();
        let near = |a: f64, b: f64| (a - b).abs() <= b * 0.002;
        assert!(near(s.p50, 500.0) && near(s.p99, 990.0) && near(s.max, 1000.0), "{s:?}");
    }

    #[test]
    fn every_event_is_sent_in_batches_of_what_is_due() {
        for (query, batch_rows) in [(Query::Q1, 64), (Query::Q7, 1), (Query::Q2, 1)] {
            let setup = Setup { events: 500, ..Setup::new(query, batch_rows) };
            let out = run(&setup, 1e6).unwrap();
            assert_eq!(out.events, 500);
            assert!(out.sends <= 500 && out.sends >= 500 / batch_rows, "{out:?}");
            assert!(out.latency_us.p50 <= out.latency_us.max);
        }
        assert!(run(&Setup::new(Query::Q1, 1), 0.0).is_err());
    }
}
