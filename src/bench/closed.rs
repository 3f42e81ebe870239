//! The closed loop: how fast events go through when the next batch is sent as soon as the last one is
//! done with.
//!
//! Engine and limit run in turns on one thread, each time with fresh state over the same input. Of
//! each pair the quotient of CPU times is taken; what is reported is the median and the range of those.
//! The first pair warms up and holds the outputs to be equal; it isn't measured.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::digest::Digest;
use super::feed::Feed;
use super::limit::limit;
use super::machine::MemoryWatch;
use super::query::Query;
use super::singly::Singly;
use super::subject::{Running, Subject};
use super::workload::{Step, Symbols, Workload};
use crate::error::{Error, Result};
use crate::time::wall::{Stopwatch, thread_cpu};

/// What to run.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The query.
    pub query: Query,
    /// Rows per send.
    pub batch_rows: usize,
    /// Events per repetition.
    pub events: usize,
    /// Number of symbols.
    pub keys: usize,
    /// Events per millisecond of event time.
    pub per_ms: usize,
    /// Representation of symbols.
    pub symbols: Symbols,
    /// Seed of the input.
    pub seed: u64,
    /// Measured repetitions.
    pub repetitions: usize,
    /// Whether the limit runs along.
    pub limit: bool,
    /// Rows go in one by one as values, and a step runs when `batch_rows` of them wait. The limit, which
    /// reads batches, has nothing to say to that, and doesn't run.
    pub singly: bool,
}

impl Setup {
    /// The defaults for a query and a batch size.
    pub fn new(query: Query, batch_rows: usize) -> Self {
        let events = match batch_rows {
            0..8 => 200_000,
            8..1024 => 1_000_000,
            _ => 4_000_000,
        };
        Self {
            query,
            batch_rows,
            events,
            keys: query.keys(),
            per_ms: query.events_per_ms(),
            symbols: Symbols::View,
            seed: 42,
            repetitions: 7,
            limit: true,
            singly: false,
        }
    }
}

/// Median, smallest and largest of several measurements.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of `values`, of which there must be one at least.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let (min, max) = (*values.first()?, *values.last()?);
        Some(Self { median: (values[(n - 1) / 2] + values[n / 2]) / 2.0, min, max })
    }
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The query, or the application.
    pub query: String,
    /// Rows per send.
    pub batch_rows: usize,
    /// Representation of symbols.
    pub symbols: Symbols,
    /// Events per repetition.
    pub events: usize,
    /// Number of symbols, if that is known.
    pub keys: Option<usize>,
    /// Rows put out per repetition.
    pub rows_out: u64,
    /// What the output was compared with, and found equal to.
    pub checked: Check,
    /// CPU time per event, ns.
    pub cpu_ns_per_event: Spread,
    /// Wall-clock time per event, ns.
    pub wall_ns_per_event: Spread,
    /// CPU time per event of the limit, ns.
    pub limit_ns_per_event: Option<Spread>,
    /// Engine's rate by the limit's: 1 is as fast as hand-written.
    pub ratio_to_limit: Option<Spread>,
    /// Bytes of a snapshot at the end.
    pub state_bytes: usize,
    /// By how much the resident set grew at most while the engine ran.
    pub peak_bytes: Option<u64>,
}

/// What an output was held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The hand-written loop's output.
    Limit,
    /// The engine's own output for the same input in other batches.
    Batches,
}

impl Outcome {
    /// Events per second of CPU time.
    pub fn events_per_s_cpu(&self) -> f64 {
        1e9 / self.cpu_ns_per_event.median
    }

    /// Events per second of wall-clock time.
    pub fn events_per_s_wall(&self) -> f64 {
        1e9 / self.wall_ns_per_event.median
    }
}

#[derive(Debug, Clone, Copy)]
struct Taken {
    cpu: Duration,
    wall: Duration,
}

fn measure<T>(f: impl FnOnce() -> Result<T>) -> Result<(Taken, T)> {
    let (watch, cpu) = (Stopwatch::start(), thread_cpu());
    let value = f()?;
    Ok((Taken { cpu: thread_cpu().saturating_sub(cpu), wall: watch.elapsed() }, value))
}

/// Runs a query, and its limit if asked for.
///
/// # Errors
/// [`Error::Data`] if the outputs differ; what the engine fails with.
pub fn run(setup: &Setup) -> Result<Outcome> {
    let w = Workload::new(setup.events, setup.keys, setup.per_ms, setup.seed);
    let steps = w.steps(setup.symbols, setup.batch_rows, setup.query.streams().len())?;
    let mut subject = Subject::of_query(setup.query);
    let singly = Singly::new(w, setup.symbols, setup.query);
    let send: Send<'_> = match setup.singly {
        true => &|running| singly.send(running),
        false => &|running| running.send(&steps),
    };
    if setup.singly {
        subject.options.batch_rows = setup.batch_rows;
    }
    let rows = check_query(setup, &subject, send, &steps)?;
    let run_limit = || run_limit(setup, &steps, rows);
    let limit: Option<&dyn Fn() -> Result<Taken>> =
        if setup.limit && !setup.singly { Some(&run_limit) } else { None };
    let series = repeat(&subject, send, rows, setup.repetitions, limit)?;
    Ok(Outcome {
        query: subject.name,
        batch_rows: setup.batch_rows,
        symbols: setup.symbols,
        events: setup.events,
        keys: Some(setup.keys),
        checked: Check::Limit,
        ..series.outcome(setup.events, rows)
    })
}

/// Runs any application over its input in sends of `batch_rows`. `expected` is what it puts out for
/// the same input in other sends ([`app_digests`]).
///
/// # Errors
/// [`Error::Data`] if the outputs differ; what the engine fails with.
pub fn run_app(
    subject: &Subject,
    feed: &Feed,
    expected: &[Digest],
    batch_rows: usize,
    repetitions: usize,
) -> Result<Outcome> {
    let steps = feed.steps(batch_rows)?;
    let found = subject.digests(&steps)?;
    let different =
        subject.outputs.iter().zip(found.iter().zip(expected)).find(|(_, (f, e))| f != e);
    if let Some((stream, (found, expected))) = different {
        return Err(Error::Data(format!(
            "`{stream}` has {} rows (hash {:016x}) in sends of {batch_rows} rows, but {} (hash \
             {:016x}) in sends of {CHECK_ROWS}: batches must not matter, please report this",
            found.rows, found.hash, expected.rows, expected.hash
        )));
    }
    let rows = found.iter().map(|d| d.rows).sum();
    let series = repeat(subject, &|running| running.send(&steps), rows, repetitions, None)?;
    Ok(Outcome {
        query: subject.name.clone(),
        batch_rows,
        checked: Check::Batches,
        ..series.outcome(feed.len(), rows)
    })
}

/// Rows per send of the run that others are compared with: a number nobody measures.
const CHECK_ROWS: usize = 97;

/// What an application puts out, per output stream, for its input in sends of a size of its own.
///
/// # Errors
/// What the engine fails with.
pub fn app_digests(subject: &Subject, feed: &Feed) -> Result<Vec<Digest>> {
    subject.digests(&feed.steps(CHECK_ROWS)?)
}

/// Sends a whole input.
type Send<'a> = &'a dyn Fn(&Running<'_>) -> Result<()>;

/// What the repetitions gave.
struct Series {
    engine: Vec<Taken>,
    limit: Vec<Taken>,
    state_bytes: usize,
    peak_bytes: Option<u64>,
}

/// Runs the engine (and the limit, in turns) so many times, each time from an empty state.
fn repeat(
    subject: &Subject,
    send: Send<'_>,
    rows: u64,
    repetitions: usize,
    limit: Option<&dyn Fn() -> Result<Taken>>,
) -> Result<Series> {
    let mut series = Series { engine: vec![], limit: vec![], state_bytes: 0, peak_bytes: None };
    for _ in 0..repetitions.max(1) {
        let memory = MemoryWatch::start();
        let running = subject.start()?;
        let found = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&found);
        running.on_output(move |events| {
            count.fetch_add(black_box(events.coded_columns()).num_rows() as u64, Ordering::Relaxed);
        })?;
        let (time, ()) = measure(|| send(&running))?;
        series.engine.push(time);
        series.peak_bytes = series.peak_bytes.max(memory.peak());
        let found = found.load(Ordering::Relaxed);
        if found != rows {
            return Err(changed("the engine", found, rows));
        }
        series.state_bytes = running.app.snapshot()?.len();
        drop(running);
        if let Some(run) = limit {
            series.limit.push(run()?);
        }
    }
    Ok(series)
}

impl Series {
    /// The figures; who was measured is left to be filled in.
    fn outcome(&self, events: usize, rows_out: u64) -> Outcome {
        let per_event = |d: Duration| d.as_secs_f64() * 1e9 / events.max(1) as f64;
        let none = Spread { median: 0.0, min: 0.0, max: 0.0 };
        let engine = |f: fn(&Taken) -> Duration| {
            Spread::of(self.engine.iter().map(|t| per_event(f(t))).collect()).unwrap_or(none)
        };
        let pairs = self.engine.iter().zip(&self.limit);
        let ratios = pairs.map(|(t, l)| l.cpu.as_secs_f64() / t.cpu.as_secs_f64());
        Outcome {
            query: String::new(),
            batch_rows: 0,
            symbols: Symbols::View,
            events,
            keys: None,
            rows_out,
            checked: Check::Batches,
            cpu_ns_per_event: engine(|t| t.cpu),
            wall_ns_per_event: engine(|t| t.wall),
            limit_ns_per_event: Spread::of(self.limit.iter().map(|t| per_event(t.cpu)).collect()),
            ratio_to_limit: Spread::of(ratios.collect()),
            state_bytes: self.state_bytes,
            peak_bytes: self.peak_bytes,
        }
    }
}

/// Runs query and limit once and holds their outputs to be equal; the number of rows.
fn check_query(setup: &Setup, subject: &Subject, send: Send<'_>, steps: &[Step]) -> Result<u64> {
    let engine = subject.digests_of(send)?.into_iter().next().unwrap_or_default();
    let mut by_hand = limit(setup.query, setup.symbols, setup.keys);
    let mut expected = Digest::default();
    for step in steps {
        if let Some(batch) = by_hand.push(step)? {
            expected.add(&batch)?;
        }
    }
    if engine == expected {
        return Ok(engine.rows);
    }
    Err(Error::Data(format!(
        "{} puts out {} rows (hash {:016x}), the hand-written loop {} (hash {:016x})",
        setup.query, engine.rows, engine.hash, expected.rows, expected.hash
    )))
}

fn run_limit(setup: &Setup, steps: &[Step], rows: u64) -> Result<Taken> {
    let mut by_hand = limit(setup.query, setup.symbols, setup.keys);
    let (time, found) = measure(|| {
        let mut found = 0;
        for step in steps {
            if let Some(batch) = by_hand.push(step)? {
                found += black_box(&batch).num_rows() as u64;
            }
        }
        Ok(found)
    })?;
    if found == rows { Ok(time) } else { Err(changed("the hand-written loop", found, rows)) }
}

fn changed(who: &str, found: u64, rows: u64) -> Error {
    Error::Data(format!("{who} put out {found} rows, {rows} the first time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, RecordBatch};

    #[test]
    fn engine_and_limit_agree_on_every_query_and_batch_size() {
        for query in Query::ALL {
            let mut rows = vec![];
            for batch_rows in [1, 7, 500] {
                let setup = Setup {
                    events: 6_000,
                    keys: query.keys().min(50),
                    repetitions: 1,
                    ..Setup::new(query, batch_rows)
                };
                rows.push(run(&setup).unwrap().rows_out);
            }
            let setup = Setup {
                events: 6_000,
                keys: query.keys().min(50),
                repetitions: 1,
                singly: true,
                ..Setup::new(query, 100)
            };
            rows.push(run(&setup).unwrap().rows_out);
            assert!(rows.iter().all(|r| *r == rows[0]), "{query}: {rows:?}");
            let least = if query == Query::Q4 { 0 } else { 100 };
            assert!(rows[0] >= least, "{query} puts out {rows:?}");
        }
    }

    #[test]
    fn every_representation_gives_the_same_rows() {
        for query in Query::ALL {
            for symbols in [Symbols::LongView, Symbols::Utf8, Symbols::Dictionary] {
                let setup = Setup {
                    events: 15_000,
                    keys: 20,
                    symbols,
                    repetitions: 1,
                    ..Setup::new(query, 256)
                };
                let outcome = run(&setup).unwrap_or_else(|e| panic!("{query} {symbols:?}: {e}"));
                assert!(outcome.rows_out > 0 && outcome.ratio_to_limit.is_some());
            }
        }
    }

    #[test]
    fn an_application_whose_output_differs_is_refused() {
        let text = "define stream S (x long); from S select x insert into Out;";
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..500));
        let rows = RecordBatch::try_from_iter([("x", values)]).unwrap();
        let feed = Feed::new(vec![("S".into(), rows, (0..500).collect())], 0, 1, None).unwrap();
        let subject = Subject::of_app("a", text, feed.streams()).unwrap();
        let digests = app_digests(&subject, &feed).unwrap();
        let outcome = run_app(&subject, &feed, &digests, 64, 1).unwrap();
        assert_eq!((outcome.rows_out, outcome.checked), (500, Check::Batches));
        let other = Digest { hash: digests[0].hash ^ 1, ..digests[0] };
        let said = run_app(&subject, &feed, &[other], 64, 1).unwrap_err().to_string();
        assert!(said.starts_with("`Out` has 500 rows (hash "), "{said}");
    }

    #[test]
    fn the_median_lies_in_the_middle() {
        let s = Spread::of(vec![3.0, 1.0, 2.0, 10.0]).unwrap();
        assert_eq!((s.median, s.min, s.max), (2.5, 1.0, 10.0));
        assert_eq!(Spread::of(vec![]), None);
    }
}
