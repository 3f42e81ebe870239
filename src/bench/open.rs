//! The open loop: events are due at fixed times whether or not the engine is ready, so that waiting
//! counts. Latency is from when an event was due to when its results had been delivered.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow::array::RecordBatch;
use hdrhistogram::Histogram;

use super::closed::Setup;
use super::feed::Feed;
use super::machine::MemoryWatch;
use super::subject::{Running, Subject};
use super::workload::{Symbols, Workload};
use crate::error::{Error, Result};
use crate::time::wall::Stopwatch;
use crate::{Times, Value};

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
#[derive(Debug, Clone)]
pub struct OpenOutcome {
    /// The query, or the application.
    pub query: String,
    /// Rows sent together at most.
    pub batch_rows: usize,
    /// Representation of symbols.
    pub symbols: Symbols,
    /// Number of symbols, if that is known.
    pub keys: Option<usize>,
    /// Events per second that were due.
    pub rate: f64,
    /// Events sent, over all repetitions.
    pub events: usize,
    /// Rows put out, over all repetitions.
    pub rows_out: u64,
    /// Events per second that went through.
    pub events_per_s_wall: f64,
    /// Sends: fewer than events where some had to wait.
    pub sends: usize,
    /// From due to delivered.
    pub latency_us: Latency,
    /// Pairs of quantile and latency in microseconds, for drawing.
    pub curve: Vec<(f64, f64)>,
    /// Bytes of a snapshot at the end.
    pub state_bytes: usize,
    /// By how much the resident set grew at most.
    pub peak_bytes: Option<u64>,
}

/// A row of values for one of the streams, with its event time.
type Row = (usize, i64, Vec<Value>);

/// What is sent: whatever is due is a run of these rows.
enum Rows {
    /// Each by itself, as values.
    Singly(Vec<Row>),
    /// As slices of a batch of the only stream.
    Together(RecordBatch),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Rows::Singly(rows) => rows.len(),
            Rows::Together(batch) => batch.num_rows(),
        }
    }
}

/// Sends the events of a query at `rate` per second. Whatever is due goes at once: up to
/// `setup.batch_rows` rows in a send; with one row per send (and with several streams), rows go in
/// as values, not as Arrow batches. Rows come in order, whatever `setup.disorder` says.
///
/// The first tenth warms up and isn't counted.
///
/// # Errors
/// What the engine fails with; [`Error::Data`] if `rate` isn't positive.
pub fn run(setup: &Setup, rate: f64) -> Result<OpenOutcome> {
    let subject = Subject::of_query(setup.query, 0);
    let streams = subject.inputs.len();
    let w = Workload::new(setup.events, setup.keys, setup.per_ms, setup.seed);
    let rows = if setup.batch_rows <= 1 || streams > 1 {
        Rows::Singly(w.rows(setup.symbols, streams))
    } else {
        let whole = w.steps(setup.symbols, setup.events.max(1), 1)?;
        match whole.into_iter().flatten().next() {
            Some((_, batch)) => Rows::Together(batch),
            None => Rows::Singly(vec![]),
        }
    };
    let outcome = drive(&subject, &rows, setup.batch_rows, rate, setup.repetitions)?;
    Ok(OpenOutcome { symbols: setup.symbols, keys: Some(setup.keys), ..outcome })
}

/// As [`run`], for any application.
///
/// # Errors
/// As [`run`].
pub fn run_app(
    subject: &Subject,
    feed: &Feed,
    batch_rows: usize,
    repetitions: usize,
    rate: f64,
) -> Result<OpenOutcome> {
    let rows = match batch_rows <= 1 || subject.inputs.len() > 1 || feed.is_empty() {
        true => Rows::Singly(feed.rows()),
        false => match feed.steps(feed.len())?.into_iter().flatten().next() {
            Some((_, batch)) => Rows::Together(batch),
            None => Rows::Singly(vec![]),
        },
    };
    drive(subject, &rows, batch_rows, rate, repetitions)
}

fn drive(
    subject: &Subject,
    rows: &Rows,
    batch_rows: usize,
    rate: f64,
    repetitions: usize,
) -> Result<OpenOutcome> {
    if !rate.is_finite() || rate <= 0.0 {
        return Err(Error::Data(format!("a rate of {rate} events per second")));
    }
    let mut latencies = Latencies::new()?;
    let found = Arc::new(AtomicU64::new(0));
    let (mut sends, mut elapsed, mut state_bytes) = (0, Duration::ZERO, 0);
    let memory = MemoryWatch::start();
    let repetitions = repetitions.max(1);
    for _ in 0..repetitions {
        let running = subject.start()?;
        let count = Arc::clone(&found);
        running.on_output(move |events| {
            count.fetch_add(black_box(events.coded_columns()).num_rows() as u64, Ordering::Relaxed);
        })?;
        let watch = Stopwatch::start();
        sends += once(subject, &running, rows, batch_rows.max(1), rate, &mut latencies)?;
        elapsed += watch.elapsed();
        running.app.end_of_input()?;
        state_bytes = running.app.snapshot()?.len();
    }
    let events = rows.len() * repetitions;
    Ok(OpenOutcome {
        query: subject.name.clone(),
        batch_rows,
        symbols: Symbols::View,
        keys: None,
        rate,
        events,
        rows_out: found.load(Ordering::Relaxed),
        events_per_s_wall: events as f64 / elapsed.as_secs_f64(),
        sends,
        latency_us: latencies.summary(),
        curve: latencies.curve(),
        state_bytes,
        peak_bytes: memory.peak(),
    })
}

/// Sends all rows when they are due; the number of sends.
fn once(
    subject: &Subject,
    running: &Running,
    rows: &Rows,
    batch_rows: usize,
    rate: f64,
    latencies: &mut Latencies,
) -> Result<usize> {
    let (mut next, mut sends) = (0, 0);
    let every = Duration::from_secs_f64(1.0 / rate);
    let due = |i: usize| every.mul_f64(i as f64);
    let watch = Stopwatch::start();
    while next < rows.len() {
        let now = watch.elapsed();
        if now < due(next) {
            std::hint::spin_loop();
            continue;
        }
        let first = next;
        match rows {
            Rows::Singly(rows) => {
                let (stream, ts, row) = &rows[next];
                running.inputs[*stream].send_at(*ts, row)?;
                next += 1;
            }
            Rows::Together(whole) => {
                let waiting = (now.as_secs_f64() * rate) as usize + 1;
                next = waiting.clamp(first + 1, first + batch_rows).min(whole.num_rows());
                let part = whole.slice(first, next - first);
                running.inputs[0].send_batch(&part, Times::Column(subject.time))?;
            }
        }
        sends += 1;
        let done = watch.elapsed();
        for i in first.max(rows.len() / 10)..next {
            latencies.record(done.saturating_sub(due(i)))?;
        }
    }
    Ok(sends)
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

    /// At quantiles that come ever closer to 1, up to where single events are seen.
    fn curve(&self) -> Vec<(f64, f64)> {
        let mut points = vec![];
        let (mut rest, mut step) = (1.0, 0);
        // 0, then 1/2, 3/4 and 9/10 of the way to each further nine.
        while points.len() < 30 && rest * self.0.len() as f64 >= 1.0 {
            let q = 1.0 - rest;
            points.push((q, self.0.value_at_quantile(q) as f64 / 1000.0));
            rest *= [0.5, 0.5, 0.4][step % 3];
            step += 1;
        }
        points
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
            let setup = Setup { events: 500, repetitions: 1, ..Setup::new(query, batch_rows) };
            let out = run(&setup, 1e6).unwrap();
            assert_eq!(out.events, 500);
            assert!(out.sends <= 500 && out.sends >= 500 / batch_rows, "{out:?}");
            assert!(out.latency_us.p50 <= out.latency_us.max);
        }
        assert!(run(&Setup::new(Query::Q1, 1), 0.0).is_err());
    }
}
