//! The closed loop: how fast events go through when the next batch is sent as soon as the last one is
//! done with.
//!
//! Engine and limit run in turns on one thread, each time with fresh state over the same input. Of
//! each pair the quotient of CPU times is taken; what is reported is the median and the range of those.
//! The first pair warms up and holds the outputs to be equal; it isn't measured.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::digest::Digest;
use super::limit::limit;
use super::machine::MemoryWatch;
use super::query::Query;
use super::workload::{Step, Symbols, Workload};
use crate::error::{Error, Result};
use crate::time::wall::{Stopwatch, thread_cpu};
use crate::{App, Input, Times};

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
    /// Representation of symbols.
    pub symbols: Symbols,
    /// Seed of the input.
    pub seed: u64,
    /// Measured repetitions.
    pub repetitions: usize,
    /// Whether the limit runs along.
    pub limit: bool,
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
            symbols: Symbols::View,
            seed: 42,
            repetitions: 7,
            limit: true,
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
#[derive(Debug, Clone, serde::Serialize)]
pub struct Outcome {
    /// The query.
    pub query: String,
    /// Rows per send.
    pub batch_rows: usize,
    /// Representation of symbols.
    pub symbols: &'static str,
    /// Events per repetition.
    pub events: usize,
    /// Number of symbols.
    pub keys: usize,
    /// Rows put out per repetition, equal to the limit's.
    pub rows_out: u64,
    /// Whether the output was compared with that of the limit, and equal.
    pub checked: bool,
    /// Events per second of CPU time.
    pub events_per_s_cpu: f64,
    /// Events per second of wall-clock time.
    pub events_per_s_wall: f64,
    /// CPU time per event, ns.
    pub cpu_ns_per_event: Spread,
    /// CPU time per event of the limit, ns.
    pub limit_ns_per_event: Option<Spread>,
    /// Engine's rate by the limit's: 1 is as fast as hand-written.
    pub ratio_to_limit: Option<f64>,
    /// Range of that over the repetitions.
    pub ratio_spread: Option<Spread>,
    /// Bytes of a snapshot at the end.
    pub state_bytes: usize,
    /// By how much the resident set grew at most while the engine ran.
    pub peak_bytes: Option<u64>,
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
    let w = Workload::new(setup.events, setup.keys, setup.query.events_per_ms(), setup.seed);
    let steps = w.steps(setup.symbols, setup.batch_rows, setup.query.streams().len())?;
    drop(w);
    let engine = warm_up(setup, &steps)?;
    let (mut taken, mut limits, mut state_bytes) = (vec![], vec![], 0);
    let mut peak_bytes: Option<u64> = None;
    for _ in 0..setup.repetitions.max(1) {
        let memory = MemoryWatch::start();
        let running = Running::new(setup.query)?;
        let (time, ()) = measure(|| running.send(&steps))?;
        taken.push(time);
        peak_bytes = peak_bytes.max(memory.peak());
        running.expect(engine.rows)?;
        state_bytes = running.app.snapshot()?.len();
        drop(running);
        if setup.limit {
            limits.push(run_limit(setup, &steps, engine.rows)?);
        }
    }
    Ok(outcome(setup, engine, &taken, &limits, state_bytes, peak_bytes))
}

fn outcome(
    setup: &Setup,
    engine: Digest,
    taken: &[Taken],
    limits: &[Taken],
    state_bytes: usize,
    peak_bytes: Option<u64>,
) -> Outcome {
    let events = setup.events.max(1) as f64;
    let per_event = |d: Duration| d.as_secs_f64() * 1e9 / events;
    let none = Spread { median: 0.0, min: 0.0, max: 0.0 };
    let cpu = Spread::of(taken.iter().map(|t| per_event(t.cpu)).collect()).unwrap_or(none);
    let wall = Spread::of(taken.iter().map(|t| per_event(t.wall)).collect()).unwrap_or(none);
    let pairs = taken.iter().zip(limits);
    let ratios =
        Spread::of(pairs.map(|(t, l)| l.cpu.as_secs_f64() / t.cpu.as_secs_f64()).collect());
    Outcome {
        query: setup.query.to_string(),
        batch_rows: setup.batch_rows,
        symbols: setup.symbols.label(),
        events: setup.events,
        keys: setup.keys,
        rows_out: engine.rows,
        checked: true,
        events_per_s_cpu: 1e9 / cpu.median,
        events_per_s_wall: 1e9 / wall.median,
        cpu_ns_per_event: cpu,
        limit_ns_per_event: Spread::of(limits.iter().map(|t| per_event(t.cpu)).collect()),
        ratio_to_limit: ratios.map(|r| r.median),
        ratio_spread: ratios,
        state_bytes,
        peak_bytes,
    }
}

/// Runs both once and holds their outputs to be equal.
fn warm_up(setup: &Setup, steps: &[Step]) -> Result<Digest> {
    let app = App::from_text(&setup.query.app())?;
    let seen = Arc::new(Mutex::new((Digest::default(), Ok(()))));
    let all = Arc::clone(&seen);
    app.subscribe("Out", move |events| {
        let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let added = all.0.add(events.coded_columns());
        all.1 = std::mem::replace(&mut all.1, Ok(())).and(added);
    })?;
    send_all(&app, setup.query, steps)?;
    let mut all = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::mem::replace(&mut all.1, Ok(()))?;
    let engine = all.0;
    let mut by_hand = limit(setup.query, setup.symbols, setup.keys);
    let mut expected = Digest::default();
    for step in steps {
        if let Some(batch) = by_hand.push(step)? {
            expected.add(&batch)?;
        }
    }
    if engine == expected {
        return Ok(engine);
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

/// The query in an engine of its own, its output counted.
struct Running {
    app: App,
    query: Query,
    rows: Arc<AtomicU64>,
}

impl Running {
    fn new(query: Query) -> Result<Self> {
        let app = App::from_text(&query.app())?;
        let rows = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&rows);
        app.subscribe("Out", move |events| {
            count.fetch_add(black_box(events.coded_columns()).num_rows() as u64, Ordering::Relaxed);
        })?;
        Ok(Self { app, query, rows })
    }

    fn send(&self, steps: &[Step]) -> Result<()> {
        send_all(&self.app, self.query, steps)
    }

    fn expect(&self, rows: u64) -> Result<()> {
        let found = self.rows.load(Ordering::Relaxed);
        if found == rows { Ok(()) } else { Err(changed("the engine", found, rows)) }
    }
}

fn send_all(app: &App, query: Query, steps: &[Step]) -> Result<()> {
    let inputs: Vec<Input> = query.streams().iter().map(|s| app.input(s)).collect::<Result<_>>()?;
    for step in steps {
        match &step[..] {
            [(stream, batch)] => inputs[*stream].send_batch(batch, Times::Column("ts"))?,
            _ => {
                let parts: Vec<_> = step
                    .iter()
                    .map(|(stream, batch)| (&inputs[*stream], batch, Times::Column("ts")))
                    .collect();
                app.send_batches(&parts)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_median_lies_in_the_middle() {
        let s = Spread::of(vec![3.0, 1.0, 2.0, 10.0]).unwrap();
        assert_eq!((s.median, s.min, s.max), (2.5, 1.0, 10.0));
        assert_eq!(Spread::of(vec![]), None);
    }
}
