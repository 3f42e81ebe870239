//! [`App`]: an application at work, shared between threads.
//!
//! One lock guards the core; subscriptions are called without it, by whichever thread ran the step.
//! A subscription may send: its rows are taken in at once and run when it returns.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::build::QueryNode;
use super::core::Core;
use super::delivery::{Callback, Delivery, Place, Subscription, deliveries};
use super::endpoints::Connections;
use super::engine::{Engine, Services};
use super::event_time::{Entrance, Part};
use super::events::Events;
use super::input::{Input, Times};
use super::stats::{Durations, QueryStats, Stats};
use crate::error::{Diagnostic, Error, Result, nearest};
use crate::event::Value;
use crate::lang::ast::StreamMark;
use crate::plan::{Plan, WindowEnd};
use crate::time::wall::Stopwatch;

/// Where time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockMode {
    /// The clock is what [`App::advance_to`] says; events may carry any time.
    Live,
    /// The clock is the largest event time seen (Siddhi's `@app:playback`).
    Playback,
}

/// How an application runs. None of it changes results.
#[derive(Debug, Clone)]
pub struct AppOptions {
    /// Rows that may wait before a step runs. 1: every send is a step. More: faster, results come
    /// when so many rows wait, on [`App::flush`] and on [`App::advance_to`].
    pub batch_rows: usize,
    /// Overrides what the application's annotations say.
    pub clock: Option<ClockMode>,
    /// The clock at the start, ms since the epoch; output rates and triggers count from here. 0 in
    /// playback: the time of the first event.
    pub start: i64,
    /// `${name}`s of the text and their values, before those of the environment.
    pub variables: Vec<(String, String)>,
    /// What relative paths in `@source` and `@sink` are relative to; empty = the process's directory.
    pub directory: PathBuf,
    /// Partial matches a pattern or sequence may have open; more stop the application with an error,
    /// lest they use up the memory. 10 million by default.
    pub max_partials: usize,
    /// Runs everything row by row, as Siddhi does: slow, and the same results. For tests that hold
    /// the columnar schedule to it.
    #[doc(hidden)]
    pub row_by_row: bool,
    /// Keeps operators apart that could be one: slower, and the same results. For tests that hold the
    /// special forms to the general ones. Snapshots of either way don't fit the other.
    #[doc(hidden)]
    pub apart: bool,
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            batch_rows: 1,
            clock: None,
            start: 0,
            variables: vec![],
            directory: PathBuf::new(),
            max_partials: 10_000_000,
            row_by_row: false,
            apart: false,
        }
    }
}

/// A stream of an application.
#[derive(Debug, Clone)]
pub struct StreamInfo {
    /// Name (`!S` for fault streams).
    pub name: String,
    /// Attributes.
    pub schema: SchemaRef,
    /// Whether the text defines it (else it is inferred from the query that inserts into it).
    pub defined: bool,
    /// Whether a query inserts into it.
    pub written: bool,
    /// Whether a query reads it.
    pub read: bool,
}

struct Inner {
    core: Core,
    subscriptions: Vec<Subscription>,
    rejected: Vec<u64>,
    events: u64,
    steps: u64,
    durations: Durations,
    /// Memory for deliveries.
    due: Vec<Delivery>,
    /// A thread is between a step and the end of its deliveries.
    delivering: bool,
    closed: bool,
}

pub(super) struct Shared {
    inner: Mutex<Inner>,
    pub(super) batch_rows: usize,
    /// Never locked while `inner` is.
    pub(super) connections: Mutex<Connections>,
}

/// An application at work. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(super) shared: Arc<Shared>,
    pub(super) made_with: Arc<(AppOptions, Services)>,
    plan: Arc<Plan>,
    warnings: Arc<Vec<Diagnostic>>,
}

impl App {
    /// Compiles an application with default options.
    ///
    /// # Errors
    /// [`Error::Query`] with all diagnostics, if the text is wrong.
    pub fn from_text(text: &str) -> Result<App> {
        Engine::new().app(text, AppOptions::default())
    }

    /// Compiles an application.
    ///
    /// # Errors
    /// [`Error::Query`] with all diagnostics, if the text is wrong.
    pub fn from_text_with(text: &str, options: AppOptions) -> Result<App> {
        Engine::new().app(text, options)
    }

    /// An application in the state of a snapshot taken from one of the same text.
    ///
    /// # Errors
    /// As [`App::from_text`]; [`Error::Snapshot`] if the snapshot is damaged or of another text.
    pub fn restore(text: &str, options: AppOptions, snapshot: &[u8]) -> Result<App> {
        Engine::new().restore(text, options, snapshot)
    }

    pub(super) fn create(text: &str, options: AppOptions, services: &Services) -> Result<App> {
        let (mut plan, warnings) =
            crate::plan::compile_with(text, &options.variables).map_err(Error::Query)?;
        plan.limit_partials(options.max_partials);
        if options.row_by_row {
            plan.run_row_by_row();
        }
        if options.apart {
            plan.keep_apart();
        }
        let plan = Arc::new(plan);
        let playback = options.clock.map_or(plan.playback, |c| c == ClockMode::Playback);
        let playback = playback || plan.has_watermark();
        let core = Core::new(Arc::clone(&plan), services, options.start, playback)?;
        let inner = Inner {
            core,
            subscriptions: vec![],
            rejected: vec![0; plan.streams.len()],
            events: 0,
            steps: 0,
            durations: Durations::new(),
            due: vec![],
            delivering: false,
            closed: false,
        };
        let shared = Shared {
            inner: Mutex::new(inner),
            batch_rows: options.batch_rows.max(1),
            connections: Mutex::default(),
        };
        Ok(App {
            shared: Arc::new(shared),
            made_with: Arc::new((options, services.clone())),
            plan,
            warnings: Arc::new(warnings),
        })
    }

    /// The compiled plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the compiler warned of.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// All streams but the inner ones of partitions.
    pub fn streams(&self) -> Vec<StreamInfo> {
        let info = |(i, s): (usize, &crate::plan::StreamPlan)| StreamInfo {
            name: s.full_name(),
            schema: self.plan.attributes(i).clone(),
            defined: s.defined.is_some(),
            written: !s.writers.is_empty(),
            read: !self.plan.readers(i).is_empty(),
        };
        let all = self.plan.streams.iter().enumerate();
        let entrance =
            |s: &crate::plan::StreamPlan| matches!(s.window, Some(WindowEnd::Entrance(_)));
        all.filter(|(_, s)| s.mark != StreamMark::Inner && !entrance(s)).map(info).collect()
    }

    /// Names of all queries, in definition order.
    pub fn queries(&self) -> Vec<String> {
        let written = self.plan.queries.iter().filter(|q| q.window.is_none());
        written.map(|q| q.name.clone()).collect()
    }

    /// The entrance of a stream.
    ///
    /// # Errors
    /// [`Error::Name`] if there is no such stream.
    pub fn input(&self, stream: &str) -> Result<Input> {
        let id = self.stream_id(stream)?;
        if self.plan.window_at(id).is_some() {
            let message = format!("`{stream}` is a window: a query inserts into it, nobody else");
            return Err(Error::Name(message));
        }
        let schema = self.plan.streams[id].schema.clone();
        Ok(Input::new(Arc::clone(&self.shared), id, stream, schema))
    }

    /// Sends rows of several streams in order of their times, rows of equal time in the order of the
    /// list; rows of one batch keep their order. As if each row were sent by itself.
    ///
    /// # Errors
    /// As [`Input::send_batch`]; [`Error::Data`] also if an input is another application's.
    pub fn send_batches(&self, batches: &[(&Input, &RecordBatch, Times<'_>)]) -> Result<()> {
        let mut parts = Vec::with_capacity(batches.len());
        let now = self.now();
        for (input, batch, times) in batches {
            if !Arc::ptr_eq(&self.shared, &input.shared) {
                let name = &input.name;
                return Err(Error::Data(format!("`{name}` is a stream of another application")));
            }
            let (columns, ts) = input.columns(batch, times, now)?;
            parts.push(Part { stream: input.stream, entrance: input.entrance, columns, ts });
        }
        let rows = parts.iter().map(|p| p.ts.len()).sum();
        self.shared.send(|entrance| entrance.interleave(parts), rows)
    }

    pub(super) fn stream_id(&self, name: &str) -> Result<usize> {
        self.plan.stream(name).ok_or_else(|| {
            let names: Vec<String> = self.streams().into_iter().map(|s| s.name).collect();
            unknown("stream", name, &names)
        })
    }

    /// Calls `callback` with the events of a stream, step by step (everything is current there), or
    /// with what a named window puts out, current and expired.
    ///
    /// # Errors
    /// [`Error::Name`] if there is no such stream.
    pub fn subscribe(
        &self,
        stream: &str,
        mut callback: impl FnMut(&Events) + Send + 'static,
    ) -> Result<()> {
        self.subscribe_fallible(stream, move |events| {
            callback(events);
            Ok(())
        })
    }

    /// As [`App::subscribe`]; what `callback` fails with, whoever made the step run gets.
    pub(super) fn subscribe_fallible(
        &self,
        stream: &str,
        callback: impl FnMut(&Events) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let id = self.stream_id(stream)?;
        self.shared.subscribe(Place::Stream(id), stream, Box::new(callback));
        Ok(())
    }

    /// Calls `callback` with what a query puts out, current and expired.
    ///
    /// # Errors
    /// [`Error::Name`] if there is no such query.
    pub fn subscribe_query(
        &self,
        query: &str,
        mut callback: impl FnMut(&Events) + Send + 'static,
    ) -> Result<()> {
        let found = self.plan.query(query);
        let id = found.ok_or_else(|| unknown("query", query, &self.queries()))?;
        let callback = move |events: &Events| {
            callback(events);
            Ok(())
        };
        self.shared.subscribe(Place::Query(id), query, Box::new(callback));
        Ok(())
    }

    /// The clock, ms since the epoch.
    pub fn now(&self) -> i64 {
        self.shared.now()
    }

    /// When the next timer is due, ms since the epoch (rows that wait not considered).
    pub fn next_timer(&self) -> Option<i64> {
        self.shared.lock().core.next_timer()
    }

    /// Moves the clock to `ts` (never back): all timers due by then fire. With `batch_rows` above 1
    /// this happens when the next step runs. In an application with `@watermark` this is the clock of
    /// arrival, by which inputs are idle and rows ahead of time; its own time is the watermark.
    ///
    /// # Errors
    /// What the step fails with.
    pub fn advance_to(&self, ts: i64) -> Result<()> {
        self.shared.send(|entrance| entrance.advance_to(ts), 0)
    }

    /// Runs everything that waits; sinks hand on what they have.
    ///
    /// # Errors
    /// What the step or a sink fails with.
    pub fn flush(&self) -> Result<()> {
        self.shared.run(true).and_then(|()| self.flush_sinks())
    }

    /// Counts an event that couldn't be read and sends it to the stream's fault stream, if it has
    /// one: attributes null where they couldn't be read, `_error` the reason. Returns whether it had.
    ///
    /// # Errors
    /// [`Error::Name`] if there is no such stream; what a step fails with.
    pub fn reject(
        &self,
        stream: &str,
        ts: Option<i64>,
        values: Vec<Value>,
        reason: &str,
    ) -> Result<bool> {
        let id = self.stream_id(stream)?;
        self.shared.lock().rejected[id] += 1;
        let Some(fault) = self.plan.streams[id].fault else { return Ok(false) };
        let input = self.input(&self.plan.streams[fault].full_name())?;
        let mut row = values;
        row.resize(self.plan.streams[id].schema.fields().len(), Value::Null);
        row.push(Value::String(reason.into()));
        match ts {
            Some(ts) => input.send_at(ts, row)?,
            None => input.send(row)?,
        }
        Ok(true)
    }

    /// The whole state, after everything that waits has run. Take it between sends.
    ///
    /// # Errors
    /// What the step fails with; [`Error::Snapshot`].
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        self.flush()?;
        self.shared.lock().core.snapshot()
    }

    pub(super) fn restore_state(&self, bytes: &[u8]) -> Result<()> {
        self.shared.lock().core.restore(bytes)
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        let inner = self.shared.lock();
        let counted = |(node, stats): (&QueryNode, &QueryStats)| QueryStats {
            open_partials: node.open_partials() as u64,
            ..*stats
        };
        let counts = inner.core.queries.iter().zip(&inner.core.stats).map(counted);
        let queries = self.plan.queries.iter().zip(counts);
        let rejected = self.plan.streams.iter().zip(&inner.rejected).filter(|(_, n)| **n > 0);
        let streams = self.plan.streams.iter().zip(&inner.core.stream_rows);
        let streams = streams.filter(|(_, rows)| **rows > 0);
        Stats {
            events: inner.events,
            steps: inner.steps,
            latency: inner.durations.latency(),
            streams: streams.map(|(s, rows)| (s.full_name(), *rows)).collect(),
            queries: queries.map(|(q, s)| (q.name.clone(), s)).collect(),
            rejected: rejected.map(|(s, n)| (s.full_name(), *n)).collect(),
            event_time: inner.core.event_time.as_ref().map(|stage| stage.stats()),
        }
    }

    /// No more rows come: those that wait for the watermark go on. Nothing happens in applications
    /// without `@watermark`, and [`App::shutdown`] does it too.
    ///
    /// # Errors
    /// What a step fails with.
    pub fn end_of_input(&self) -> Result<()> {
        let closed = self.shared.lock().closed;
        if closed {
            return Ok(());
        }
        self.shared.send(|entrance| entrance.end(None), 0)
    }

    /// Runs what waits, refuses everything from now on, closes sources and sinks, and lets go of all
    /// subscriptions (so that a channel they send into is closed).
    ///
    /// # Errors
    /// What the last step or closing a sink fails with.
    pub fn shutdown(&self) -> Result<()> {
        let last = self.end_of_input().and_then(|()| self.flush());
        let subscriptions = {
            let mut inner = self.shared.lock();
            inner.closed = true;
            std::mem::take(&mut inner.subscriptions)
        };
        // Whatever goes with them may use the application: it is dropped without the lock.
        drop(subscriptions);
        last.and(self.disconnect())
    }
}

fn unknown(what: &str, name: &str, known: &[String]) -> Error {
    let near = nearest(name, known.iter().map(String::as_str));
    let hint = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
    Error::Name(format!("there is no {what} `{name}`{hint}"))
}

impl Shared {
    /// Has event time move the clock, or what [`App::advance_to`] says.
    pub(super) fn set_playback(&self, playback: bool, now: i64) {
        self.lock().core.set_playback(playback, now);
    }

    /// Event time waits for an entrance of a stream from now on.
    pub(super) fn open(&self, stream: usize, entrance: u32) {
        if let Some(stage) = &mut self.lock().core.event_time {
            stage.open(stream, entrance);
        }
    }

    /// When the arrival clock makes a difference to event time next, ms.
    pub(super) fn next_idle(&self) -> Option<i64> {
        self.lock().core.event_time.as_ref().and_then(|stage| stage.next_idle())
    }

    /// The watermark, ms, if it is known.
    pub(super) fn watermark(&self) -> Option<i64> {
        self.lock().core.event_time.as_ref().and_then(|stage| stage.watermark())
    }

    /// Counts rows that couldn't be read.
    pub(super) fn count_rejected(&self, stream: usize, rows: u64) {
        self.lock().rejected[stream] += rows;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A subscription that panics poisons nothing here: it is called without the lock.
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The clock, ms since the epoch.
    pub(super) fn now(&self) -> i64 {
        self.lock().core.ingress.clock()
    }

    fn subscribe(&self, place: Place, name: &str, callback: Callback) {
        let callback = Arc::new(Mutex::new(callback));
        let mut inner = self.lock();
        match place {
            Place::Stream(s) => inner.core.watch_stream(s),
            Place::Query(q) => inner.core.watch_query(q),
        }
        inner.subscriptions.iter_mut().filter(|s| s.place == place).for_each(|s| s.shared = true);
        inner.subscriptions.push(Subscription {
            place,
            name: name.into(),
            callback,
            shared: false,
        });
    }

    /// Takes something in, and runs a step if enough waits.
    pub(super) fn send(
        &self,
        f: impl FnOnce(&mut Entrance<'_>) -> Result<()>,
        rows: usize,
    ) -> Result<()> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Error::Closed);
        }
        inner.events += rows as u64;
        // What came before a failure has been taken in.
        let taken = f(&mut inner.core.entrance());
        let ran = self.run_from(inner, false);
        taken.and(ran)
    }

    /// Runs steps until nothing (or, unless `all`, too little) waits. If another call is delivering
    /// (another thread, or a subscription that called back), it will do so.
    fn run(&self, all: bool) -> Result<()> {
        self.run_from(self.lock(), all)
    }

    fn run_from<'a>(&'a self, mut inner: MutexGuard<'a, Inner>, all: bool) -> Result<()> {
        loop {
            let waiting = inner.core.ingress.waiting();
            let enough = all || waiting >= self.batch_rows || self.batch_rows == 1;
            if inner.delivering || !enough || !inner.core.is_due() {
                return match inner.core.broken() {
                    Some(why) if !inner.delivering => Err(Error::Limit(why)),
                    _ => Ok(()),
                };
            }
            let timed = inner.durations.is_next_timed(waiting);
            let watch = timed.map(|_| Stopwatch::start());
            let mut flow = inner.core.step()?;
            if let (Some(steps), Some(watch)) = (timed, watch) {
                inner.durations.record(watch.elapsed(), steps);
            }
            inner.steps += 1;
            let mut due = std::mem::take(&mut inner.due);
            deliveries(&inner.subscriptions, &inner.core, &mut flow, &mut due)?;
            inner.core.recycle(flow);
            if due.is_empty() {
                inner.due = due;
                continue;
            }
            inner.delivering = true;
            drop(inner);
            let done = Delivering(self);
            let mut outcome = Ok(());
            for (callback, events) in due.drain(..) {
                let mut callback =
                    callback.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                // All get the events; the first failure is told.
                outcome = outcome.and(callback(&events));
            }
            inner = done.end();
            inner.due = due;
            outcome?;
        }
    }
}

/// Marks the end of deliveries, also when a subscription panics.
struct Delivering<'a>(&'a Shared);

impl<'a> Delivering<'a> {
    fn end(self) -> MutexGuard<'a, Inner> {
        let mut inner = self.0.lock();
        inner.delivering = false;
        std::mem::forget(self);
        inner
    }
}

impl Drop for Delivering<'_> {
    fn drop(&mut self) {
        self.0.lock().delivering = false;
    }
}
