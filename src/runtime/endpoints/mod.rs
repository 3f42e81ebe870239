//! An application's `@source`s and `@sink`s at work.
//!
//! [`App::start`] connects sinks and `inMemory` sources; [`App::run`] also reads sources that have an
//! end, to their end. Until then an application is a function of what is sent to it: creating one
//! checks its endpoints but opens none.
//!
//! * A sink gets the events of its stream after each step. What it can't write, the caller that made
//!   the step run gets as an error, unless the sink has `on.error`.
//! * An `inMemory` source takes events in the publisher's thread, with their times and chunks.

mod admission;
mod merge;
mod reader;
mod report;
mod runner;
mod stall;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

pub use reader::Stopper;
pub use report::{REJECTED_KEPT, RunReport, SinkReport, SourceReport};
pub use runner::Runner;
pub use stall::Stall;

use super::app::{App, Shared};
use super::event_time::WHOLE;
use crate::error::{Error, Result};
use crate::event::{EventBatch, Value};
use crate::io::Sink;
use crate::io::broker::Message;
use crate::io::sink::distribute::Distributed;
use crate::io::sink::{Priority, SinkContext};
use crate::io::source::{Listening, OpenSource, SourceContext};
use crate::plan::endpoints::{OnError, SinkPlan, SourcePlan};

/// What an application is connected to.
#[derive(Default)]
pub(super) struct Connections {
    started: bool,
    outlets: Vec<Arc<Mutex<Outlet>>>,
    listening: Vec<Listening>,
}

/// A sink that gets a stream's events.
struct Outlet {
    stream: String,
    kind: String,
    /// None once it is closed.
    sink: Option<Box<dyn Sink>>,
    rows: u64,
    unflushed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A sink that panicked is as good as one that failed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outlet {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        let Some(sink) = &mut self.sink else { return Ok(()) };
        sink.write(batch)?;
        self.rows += batch.rows() as u64;
        self.unflushed = true;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        match &mut self.sink {
            Some(sink) if std::mem::take(&mut self.unflushed) => sink.flush(),
            _ => Ok(()),
        }
    }
}

impl App {
    /// Opens the application's `@sink`s, and has its `inMemory` sources listen. Doing so again changes
    /// nothing. Ends with [`App::shutdown`].
    ///
    /// # Errors
    /// If one can't be opened; then none is connected.
    pub fn start(&self) -> Result<()> {
        if std::mem::replace(&mut lock(&self.shared.connections).started, true) {
            return Ok(());
        }
        let started = self.connect();
        if started.is_err() {
            lock(&self.shared.connections).started = false;
        }
        started
    }

    fn connect(&self) -> Result<()> {
        let plan = self.plan();
        let (mut sinks, mut sources) = (vec![], vec![]);
        for (id, stream) in plan.streams.iter().enumerate() {
            for sink in &stream.sinks {
                sinks.push((stream.full_name(), sink, self.open_sink(id, sink)?));
            }
            for source in stream.sources.iter().filter(|s| s.spec.pushed) {
                sources.push((id, self.open_source(id, source)?));
            }
        }
        for (stream, sink, opened) in sinks {
            self.attach_with(&stream, sink.spec.name, opened, sink.on_error)?;
        }
        for (id, source) in sources {
            if let OpenSource::Topic(topic) = source {
                let to = Arc::downgrade(&self.shared);
                let listening = topic.listen(move |message| receive(&to, id, message));
                lock(&self.shared.connections).listening.push(listening);
            }
        }
        Ok(())
    }

    /// Gives a sink the events of a stream from now on, besides those it has. `kind` is what reports
    /// call it.
    ///
    /// # Errors
    /// [`Error::Name`] if there is no such stream.
    pub fn attach(&self, stream: &str, kind: &str, sink: Box<dyn Sink>) -> Result<()> {
        self.attach_with(stream, kind, sink, OnError::Fail)
    }

    fn attach_with(
        &self,
        stream: &str,
        kind: &str,
        sink: Box<dyn Sink>,
        on_error: OnError,
    ) -> Result<()> {
        let id = self.stream_id(stream)?;
        let (kind, name) = (kind.to_string(), stream.to_string());
        let outlet = Outlet { stream: name, kind, sink: Some(sink), rows: 0, unflushed: false };
        let outlet = Arc::new(Mutex::new(outlet));
        let to = Arc::clone(&outlet);
        let fault = self.plan().streams[id].fault;
        let shared = Arc::downgrade(&self.shared);
        let log = Arc::clone(&self.made_with.1.target);
        self.subscribe_fallible(stream, move |events| {
            let written = lock(&to).write(events.batch());
            match (written, on_error, fault) {
                (Err(e), OnError::Stream, Some(fault)) => {
                    divert(&shared, fault, events.batch(), &e)
                }
                (Err(e), OnError::Log | OnError::Stream, _) => {
                    let lost = events.rows();
                    let line = format!("{}: {e}; {lost} events are lost", events.name());
                    log.line(events.batch().moment(0), Priority::Error, &line)
                }
                (written, _, _) => written,
            }
        })?;
        lock(&self.shared.connections).outlets.push(outlet);
        Ok(())
    }

    fn open_sink(&self, stream: usize, plan: &SinkPlan) -> Result<Box<dyn Sink>> {
        let (options, services) = &*self.made_with;
        let stream = &self.plan().streams[stream];
        let context = SinkContext {
            app: self.plan().name.clone().unwrap_or_else(|| "app".into()),
            stream: stream.full_name(),
            schema: stream.schema.clone(),
            directory: options.directory.clone(),
            broker: Arc::clone(&services.broker),
            log: Arc::clone(&services.target),
        };
        let open = |options| (plan.spec.open)(options, &context);
        let mut sinks = plan.destinations.iter().map(open).collect::<Result<Vec<_>>>()?;
        match sinks.len() {
            1 => Ok(sinks.remove(0)),
            _ => Ok(Box::new(Distributed::new(sinks, plan.strategy))),
        }
    }

    fn open_source(&self, stream: usize, plan: &SourcePlan) -> Result<OpenSource> {
        let (options, services) = &*self.made_with;
        let stream = &self.plan().streams[stream];
        let context = SourceContext {
            stream: stream.full_name(),
            schema: stream.schema.clone(),
            directory: options.directory.clone(),
            broker: Arc::clone(&services.broker),
        };
        (plan.spec.open)(&plan.options, &context)
    }

    fn outlets(&self) -> Vec<Arc<Mutex<Outlet>>> {
        lock(&self.shared.connections).outlets.clone()
    }

    /// Has sinks and the log hand on what they have.
    pub(super) fn flush_sinks(&self) -> Result<()> {
        let flushed: Vec<Result<()>> =
            self.outlets().iter().map(|outlet| lock(outlet).flush()).collect();
        flushed.into_iter().collect::<Result<()>>().and(self.made_with.1.target.flush())
    }

    /// Stops listening and closes all sinks.
    pub(super) fn disconnect(&self) -> Result<()> {
        // A publisher may hold the broker's lock or be in a step: drop subscriptions without ours.
        drop(std::mem::take(&mut lock(&self.shared.connections).listening));
        let mut outcome = Ok(());
        for outlet in self.outlets() {
            let sink = lock(&outlet).sink.take();
            outcome = outcome.and(sink.map_or(Ok(()), |s| s.close()));
        }
        outcome.and(self.made_with.1.target.flush())
    }

    fn sink_reports(&self) -> Vec<SinkReport> {
        let report = |o: &Arc<Mutex<Outlet>>| {
            let o = lock(o);
            SinkReport { stream: o.stream.clone(), kind: o.kind.clone(), rows: o.rows }
        };
        self.outlets().iter().map(report).collect()
    }
}

/// Takes in events published under a topic.
fn receive(to: &Weak<Shared>, stream: usize, message: Message) -> Result<()> {
    // Whoever is gone takes nothing.
    let Some(shared) = to.upgrade() else { return Ok(()) };
    let Message { columns, ts, chunks, .. } = message;
    shared.send(
        |entrance| {
            let to = (stream, WHOLE);
            let Some(chunks) = chunks else {
                return entrance.batch(to, columns.clone(), ts.clone());
            };
            for chunk in chunks.offsets().windows(2) {
                let (start, end) = (chunk[0] as usize, chunk[1] as usize);
                match end - start {
                    1 => entrance.batch(to, columns.slice(start, 1), vec![ts[start]].into())?,
                    _ => entrance
                        .chunk(to, (start..end).map(|r| (ts[r], row_of(&columns, r))).collect())?,
                }
            }
            Ok(())
        },
        ts.len(),
    )
}

/// Sends events that a sink couldn't write to the fault stream of their stream.
fn divert(to: &Weak<Shared>, fault: usize, batch: &EventBatch, why: &Error) -> Result<()> {
    let Some(shared) = to.upgrade() else { return Ok(()) };
    let why = Value::String(why.to_string().into());
    let row = |r: usize| {
        let mut row = row_of(&batch.columns, r);
        row.push(why.clone());
        (batch.ts[r], row)
    };
    shared.send(
        |entrance| {
            let mut chunks = batch.chunk_ranges();
            chunks.try_for_each(|c| entrance.chunk((fault, WHOLE), c.map(row).collect()))
        },
        batch.rows(),
    )
}

pub(super) fn row_of(columns: &arrow::array::RecordBatch, row: usize) -> Vec<Value> {
    columns.columns().iter().map(|c| Value::from_array(c.as_ref(), row)).collect()
}
