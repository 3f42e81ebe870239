//! `explain --analyze`: what each operator took.
//!
//! Operators are wrapped when they are built for it; nothing is measured, and no clock is read,
//! otherwise. Shards of one operator count together.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::error::Result;
use crate::event::{EventBatch, KeyId};
use crate::op::{Operator, Output};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;
use crate::time::wall::Stopwatch;

/// What an application and its operators have taken since it was created.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Analysis {
    /// Rows taken in.
    pub events: u64,
    /// Steps run.
    pub steps: u64,
    /// Time of all steps, ms; deliveries to sinks and callbacks not counted. With shards operators
    /// run at the same time, so that theirs may add up to more.
    pub ms: f64,
    /// The queries, in definition order.
    pub queries: Vec<QueryAnalysis>,
    /// What `ms` is spent on outside of operators: taking rows in, merging streams, giving out keys of
    /// partitions, handing rows to shards; ms.
    pub rest_ms: f64,
}

/// What a query has taken.
#[derive(Debug, Clone, Default, Serialize)]
pub struct QueryAnalysis {
    /// Its name.
    pub name: String,
    /// Time of its operators, ms.
    pub ms: f64,
    /// Its operators, in the order in which rows meet them.
    pub operators: Vec<OperatorAnalysis>,
}

/// What an operator has taken.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OperatorAnalysis {
    /// What it is.
    pub operator: String,
    /// Time it took itself, ms.
    pub ms: f64,
    /// Rows that came, over all ports.
    pub rows_in: u64,
    /// Rows that left.
    pub rows_out: u64,
    /// Calls with rows.
    pub batches: u64,
    /// Calls without rows, for timers.
    pub timers: u64,
    /// Bytes of its state as a snapshot holds it.
    pub state_bytes: u64,
}

/// Counters of the operators of an application.
#[derive(Debug, Default)]
pub(super) struct Profile {
    operators: Mutex<Vec<Arc<Counters>>>,
}

#[derive(Debug)]
struct Counters {
    query: String,
    place: usize,
    operator: &'static str,
    nanos: AtomicU64,
    rows_in: AtomicU64,
    rows_out: AtomicU64,
    batches: AtomicU64,
    timers: AtomicU64,
}

impl Profile {
    /// The operators of a query, each with a watch.
    pub fn watch(&self, query: &str, ops: Vec<Box<dyn Operator>>) -> Vec<Box<dyn Operator>> {
        let mut all = self.operators.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = |(place, op): (usize, Box<dyn Operator>)| {
            let known = all.iter().find(|c| c.query == query && c.place == place);
            let counters = known.cloned().unwrap_or_else(|| {
                let counters = Arc::new(Counters::new(query, place, op.kind()));
                all.push(Arc::clone(&counters));
                counters
            });
            Box::new(Watched { op, counters }) as Box<dyn Operator>
        };
        ops.into_iter().enumerate().map(watched).collect()
    }

    /// The figures; `state` has the bytes of each operator of a query.
    pub fn analysis(
        &self,
        events: u64,
        steps: u64,
        busy: Duration,
        state: Vec<(String, Vec<u64>)>,
    ) -> Analysis {
        let all = self.operators.lock().unwrap_or_else(PoisonError::into_inner);
        let query = |(name, bytes): (String, Vec<u64>)| {
            let mut own: Vec<&Arc<Counters>> = all.iter().filter(|c| c.query == name).collect();
            own.sort_by_key(|c| c.place);
            let bytes = bytes.into_iter().chain(std::iter::repeat(0));
            let operators: Vec<OperatorAnalysis> =
                own.iter().zip(bytes).map(|(c, bytes)| c.figures(bytes)).collect();
            QueryAnalysis { name, ms: operators.iter().map(|o| o.ms).sum(), operators }
        };
        let queries: Vec<QueryAnalysis> = state.into_iter().map(query).collect();
        let ms = busy.as_secs_f64() * 1e3;
        let rest_ms = (ms - queries.iter().map(|q| q.ms).sum::<f64>()).max(0.0);
        Analysis { events, steps, ms, queries, rest_ms }
    }
}

impl Counters {
    fn new(query: &str, place: usize, kind: &'static str) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            query: query.into(),
            place,
            operator: word(kind),
            nanos: zero(),
            rows_in: zero(),
            rows_out: zero(),
            batches: zero(),
            timers: zero(),
        }
    }

    fn figures(&self, state_bytes: u64) -> OperatorAnalysis {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        OperatorAnalysis {
            operator: self.operator.into(),
            ms: of(&self.nanos) as f64 / 1e6,
            rows_in: of(&self.rows_in),
            rows_out: of(&self.rows_out),
            batches: of(&self.batches),
            timers: of(&self.timers),
            state_bytes,
        }
    }
}

/// What `explain` calls an operator, from the name of its type.
fn word(kind: &'static str) -> &'static str {
    match kind.rsplit("::").next().unwrap_or(kind) {
        "Filter" => "filter",
        "Append" => "append",
        "Project" => "narrow",
        "Log" => "#log",
        "WindowOp" | "NamedWindowOp" => "window",
        "SlideOp" | "TumbleOp" => "window, aggregate, select",
        "SelectOp" => "select",
        "JoinOp" | "LengthJoin" => "join",
        "PatternOp" => "pattern",
        "RateOp" => "output rate",
        other => other,
    }
}

/// An operator with a watch.
struct Watched {
    op: Box<dyn Operator>,
    counters: Arc<Counters>,
}

impl Operator for Watched {
    fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        let c = &self.counters;
        let rows: usize = inputs.iter().flatten().map(EventBatch::rows).sum();
        let before = out.rows();
        let watch = Stopwatch::start();
        let result = self.op.process(step, inputs, out);
        let taken = watch.elapsed().as_nanos().try_into().unwrap_or(u64::MAX);
        c.nanos.fetch_add(taken, Ordering::Relaxed);
        c.rows_in.fetch_add(rows as u64, Ordering::Relaxed);
        c.rows_out.fetch_add((out.rows() - before) as u64, Ordering::Relaxed);
        let calls = if rows > 0 { &c.batches } else { &c.timers };
        calls.fetch_add(1, Ordering::Relaxed);
        result
    }

    fn reads_codes(&self) -> bool {
        self.op.reads_codes()
    }

    fn begin(&mut self, key: KeyId, at: i64) {
        self.op.begin(key, at);
    }

    fn next_timer(&self) -> Option<i64> {
        self.op.next_timer()
    }

    fn open_partials(&self) -> usize {
        self.op.open_partials()
    }

    fn kind(&self) -> &'static str {
        self.op.kind()
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.op.snapshot(w)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.op.restore(r)
    }
}

/// A table for people.
impl fmt::Display for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.queries.iter().map(|q| q.ms).sum::<f64>() + self.rest_ms;
        let share = |ms: f64| if all > 0.0 { 100.0 * ms / all } else { 0.0 };
        writeln!(
            f,
            "what it took: {} events in {} steps, {:.1} ms",
            self.events, self.steps, self.ms
        )?;
        let head = ["ms", "%", "rows in", "rows out", "batches", "state bytes"];
        let mut line = format!("{:<34}", "");
        for h in head {
            let _ = write!(line, " {h:>12}");
        }
        writeln!(f, "{line}")?;
        for q in &self.queries {
            let (rows_in, rows_out) = (
                q.operators.first().map_or(0, |o| o.rows_in),
                q.operators.last().map_or(0, |o| o.rows_out),
            );
            let bytes: u64 = q.operators.iter().map(|o| o.state_bytes).sum();
            let label = format!("query {}", q.name);
            writeln!(
                f,
                "{label:<34} {:>12.2} {:>12.1} {rows_in:>12} {rows_out:>12} {:>12} {bytes:>12}",
                q.ms,
                share(q.ms),
                ""
            )?;
            for (i, o) in q.operators.iter().enumerate() {
                let branch = if i + 1 == q.operators.len() { "└─" } else { "├─" };
                let label = format!("{branch} {}", o.operator);
                writeln!(
                    f,
                    "{label:<34} {:>12.2} {:>12.1} {:>12} {:>12} {:>12} {:>12}",
                    o.ms,
                    share(o.ms),
                    o.rows_in,
                    o.rows_out,
                    o.batches,
                    o.state_bytes
                )?;
            }
        }
        let rest = self.rest_ms;
        writeln!(f, "{:<34} {rest:>12.2} {:>12.1}", "streams, keys, taking rows in", share(rest))
    }
}
