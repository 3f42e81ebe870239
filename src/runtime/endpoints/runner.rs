//! [`Runner`]: reads sources to their end.
//!
//! In event time (the application says `@app:playback`, or a source names a column that holds the
//! event time) rows of all sources are taken in the order of their times, see `merge`; the clock is
//! the largest time seen, and stops there when the sources end: timers due later never fire, just
//! as if the file went on and this was not yet known. So the results of a file are a prefix of those of the same
//! file with more rows behind. Rows that come when the clock is past their time are processed at the
//! clock's time with their own timestamp, as in Siddhi, and counted.
//!
//! Otherwise the clock is the wall's: rows carry the time at which they are taken in, files are read
//! one after the other, pipes as their rows arrive; timers fire while nothing arrives.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use super::merge::{Cut, Item, Lane, Slice, cut};
use super::reader::{Arrival, Reader, Stopper};
use super::report::{REJECTED_KEPT, RunReport, SourceReport};
use crate::error::{Code, Diagnostic, Error, Result};
use crate::event::{EventBatch, Value};
use crate::io::format::{self, Input, ReadOptions};
use crate::io::source::OpenSource;
use crate::io::{Progress, RejectedRow, Source};
use crate::plan::endpoints::SourcePlan;
use crate::runtime::app::{App, ClockMode};
use crate::runtime::ingress::Ingress;
use crate::time::wall::{Stopwatch, now_millis};

/// Rows a reader reads at a time, at least.
const READ_ROWS: usize = 8192;
/// Rows after which sinks hand on what they have, though nobody waits.
const FLUSH_ROWS: usize = 8192;

/// A source to be read.
struct Inlet {
    stream: usize,
    origin: Origin,
    opened: Option<Box<dyn Source>>,
    live: bool,
    report: SourceReport,
}

enum Origin {
    /// An annotation of the application.
    Declared(SourcePlan),
    /// Named by the caller. The input is gone once it is opened.
    Given(Option<Input>, ReadOptions),
}

impl Origin {
    fn time(&self) -> Option<&str> {
        match self {
            Origin::Declared(plan) => plan.options.get("time"),
            Origin::Given(_, options) => options.time.as_deref(),
        }
    }
}

/// Reads an application's sources to their end: see [`App::runner`].
pub struct Runner {
    app: App,
    inlets: Vec<Inlet>,
    /// Streams whose declared sources were replaced.
    replaced: Vec<usize>,
    arrivals: Receiver<Arrival>,
    sender: Sender<Arrival>,
    stopper: Stopper,
    on_progress: Option<OnProgress>,
    report: RunReport,
}

type OnProgress = Box<dyn FnMut(Progress) + Send>;

impl App {
    /// A run of the application over its declared sources, to be changed before it is begun.
    pub fn runner(&self) -> Runner {
        let (sender, arrivals) = channel();
        let stopper = Stopper::new(sender.clone());
        let mut inlets = vec![];
        for (stream, plan) in self.plan().streams.iter().enumerate() {
            for source in plan.sources.iter().filter(|s| !s.spec.pushed) {
                let directory = &self.made_with.0.directory;
                let path = source.options.get("path").map(|p| directory.join(p));
                let name = path.map_or(source.spec.name.into(), |p| p.display().to_string());
                inlets.push(Inlet::new(self, stream, name, Origin::Declared(source.clone())));
            }
        }
        Runner {
            app: self.clone(),
            inlets,
            replaced: vec![],
            arrivals,
            sender,
            stopper,
            on_progress: None,
            report: RunReport::default(),
        }
    }

    /// Runs the application over its declared sources, into its sinks, to their end, and shuts it
    /// down. In event time the clock stops at the largest time seen. Sources that others publish to
    /// (`inMemory`) take part until the others have ended.
    ///
    /// # Errors
    /// What can't be opened, read or written; what a step fails with. Rows that can't be read are no
    /// errors: they are in the report.
    pub fn run(&self) -> Result<RunReport> {
        let mut runner = self.runner();
        runner.run()?;
        Ok(runner.report())
    }
}

impl Inlet {
    fn new(app: &App, stream: usize, name: String, origin: Origin) -> Self {
        let stream_name = app.plan().streams[stream].full_name();
        let report = SourceReport { stream: stream_name, name, ..SourceReport::default() };
        Self { stream, origin, opened: None, live: false, report }
    }
}

impl Runner {
    /// Has a stream read from `input` instead of its declared sources, or besides what was named here
    /// before.
    ///
    /// # Errors
    /// [`Error::Name`] if there is no such stream.
    pub fn read(&mut self, stream: &str, input: Input, options: ReadOptions) -> Result<()> {
        let id = self.app.stream_id(stream)?;
        if !self.replaced.contains(&id) {
            self.inlets.retain(|i| i.stream != id);
            self.replaced.push(id);
        }
        let name = match &input {
            Input::Path(path) => path.display().to_string(),
            Input::Stdin => "<stdin>".into(),
            Input::Reader { name, .. } => name.clone(),
        };
        self.inlets.push(Inlet::new(&self.app, id, name, Origin::Given(Some(input), options)));
        Ok(())
    }

    /// Names the column that holds the event time in all sources of a stream.
    ///
    /// # Errors
    /// [`Error::Name`] if there is no such stream, or nothing to be read for it.
    pub fn set_time(&mut self, stream: &str, column: &str) -> Result<()> {
        let id = self.app.stream_id(stream)?;
        let mut any = false;
        for inlet in self.inlets.iter_mut().filter(|i| i.stream == id) {
            any = true;
            match &mut inlet.origin {
                Origin::Declared(plan) => plan.options.set("time", column),
                Origin::Given(_, options) => options.time = Some(column.to_string()),
            }
        }
        match any {
            true => Ok(()),
            false => Err(Error::Name(format!("`{stream}` is not read from anywhere"))),
        }
    }

    /// Whether anything will be read.
    pub fn has_sources(&self) -> bool {
        !self.inlets.is_empty()
    }

    /// Calls `f` now and then with how far all sources have been read.
    pub fn on_progress(&mut self, f: impl FnMut(Progress) + Send + 'static) {
        self.on_progress = Some(Box::new(f));
    }

    /// What ends the run early.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Whether event time moves the clock (else the wall's does).
    ///
    /// # Errors
    /// If it does, and a source doesn't name a column for it: [`Error::Query`] of a declared one,
    /// [`Error::Name`] of one named here.
    pub fn event_time(&self) -> Result<bool> {
        let timed = || self.inlets.iter().any(|i| i.origin.time().is_some());
        let event_time = match self.app.made_with.0.clock {
            Some(clock) => clock == ClockMode::Playback,
            None => self.app.plan().playback || timed(),
        };
        match self.inlets.iter().find(|i| event_time && i.origin.time().is_none()) {
            None => Ok(event_time),
            Some(inlet) => Err(timeless(inlet)),
        }
    }

    /// Opens all sources, to find early what is wrong with them; [`Runner::run`] does it, too.
    ///
    /// # Errors
    /// [`Error::Name`] if a column that was named here doesn't exist, others if a source can't be read.
    pub fn open(&mut self) -> Result<()> {
        self.event_time()?;
        for inlet in self.inlets.iter_mut().filter(|i| i.opened.is_none()) {
            let source = open(&self.app, inlet)?;
            inlet.live = source.is_live();
            inlet.opened = Some(source);
        }
        Ok(())
    }

    /// Starts the application, reads all sources to their end, runs what waits, and shuts the
    /// application down (also after an error).
    ///
    /// # Errors
    /// As [`App::run`]. What was done before is in the report.
    pub fn run(&mut self) -> Result<()> {
        let watch = Stopwatch::start();
        let opened = self.event_time().and_then(|event_time| {
            self.open()?;
            self.app.start()?;
            Ok(event_time)
        });
        let outcome = opened.and_then(|event_time| self.drive(event_time));
        let outcome = outcome.and(self.app.shutdown());
        self.report.elapsed = watch.elapsed();
        self.report.clock = self.app.now();
        self.report.next_timer = self.app.next_timer();
        self.report.stopped = self.stopper.is_stopped();
        outcome
    }

    /// What was read and written so far.
    pub fn report(&self) -> RunReport {
        RunReport {
            sources: self.inlets.iter().map(|i| i.report.clone()).collect(),
            sinks: self.app.sink_reports(),
            ..self.report.clone()
        }
    }

    fn drive(&mut self, event_time: bool) -> Result<()> {
        self.report.event_time = event_time;
        self.app.shared.set_playback(event_time, now_millis());
        let mut readers = vec![];
        let batch_rows = self.app.shared.batch_rows;
        for (lane, inlet) in self.inlets.iter_mut().enumerate() {
            let source = inlet.opened.take().expect("`open` has been called");
            let rows = batch_rows.max(READ_ROWS);
            readers.push(Reader::spawn(lane, source, rows, self.sender.clone())?);
        }
        let one_by_one = feeds_itself(&self.app);
        let mut drive = Drive {
            lanes: self.inlets.iter().map(|_| Lane::default()).collect(),
            failures: vec![],
            readers,
            event_time,
            limit: if one_by_one { 1 } else { batch_rows },
            one_by_one,
            unflushed: 0,
            run: self,
        };
        drive.run()
    }
}

fn timeless(inlet: &Inlet) -> Error {
    let stream = &inlet.report.stream;
    let message = format!("`{stream}` is read in event time, which column holds it?");
    match &inlet.origin {
        Origin::Declared(plan) => {
            let d = Diagnostic::error(Code::Parameter, plan.span, message);
            Error::Query(vec![d.with_help("name the column by the option `time`")])
        }
        Origin::Given(..) => Error::Name(format!("{message} (of {})", inlet.report.name)),
    }
}

fn open(app: &App, inlet: &mut Inlet) -> Result<Box<dyn Source>> {
    let schema = app.plan().streams[inlet.stream].schema.clone();
    match &mut inlet.origin {
        Origin::Declared(plan) => match app.open_source(inlet.stream, plan)? {
            OpenSource::Rows(source) => Ok(source),
            OpenSource::Topic(_) => Err(Error::Limit("a topic has no end to be read to".into())),
        },
        Origin::Given(input, options) => {
            let Some(input) = input.take() else { return Err(Error::Closed) };
            let path: Option<PathBuf> = match &input {
                Input::Path(path) => Some(path.clone()),
                _ => None,
            };
            format::open(input, schema.clone(), options).map_err(|e| match (e, path) {
                // Is it the name of the time column that is wrong, or the file?
                (Error::Name(why), Some(path)) => {
                    let untimed = ReadOptions { time: None, ..options.clone() };
                    match format::open(Input::Path(path), schema, &untimed) {
                        Ok(_) => Error::Name(why),
                        Err(_) => Error::Data(why),
                    }
                }
                (e, _) => e,
            })
        }
    }
}

/// Whether events may come back in through a topic: then a row's results must be out before the next
/// row comes in, whatever the size of batches.
fn feeds_itself(app: &App) -> bool {
    let streams = || app.plan().streams.iter();
    let pushed = streams().any(|s| s.sources.iter().any(|x| x.spec.pushed));
    pushed && streams().any(|s| s.sinks.iter().any(|x| x.spec.name == "inMemory"))
}

/// The loop of a run.
struct Drive<'a> {
    run: &'a mut Runner,
    lanes: Vec<Lane>,
    /// Lanes that ended by an error.
    failures: Vec<(usize, Error)>,
    readers: Vec<Reader>,
    event_time: bool,
    limit: usize,
    one_by_one: bool,
    /// Rows since sinks were flushed.
    unflushed: usize,
}

impl Drive<'_> {
    fn run(&mut self) -> Result<()> {
        while !self.run.stopper.is_stopped() {
            self.hear()?;
            let among = self.next_lanes();
            if !among.is_empty() {
                let cut = cut(&mut self.lanes, &among, self.limit);
                self.take(cut)?;
                continue;
            }
            if let Some((_, e)) = self.failure_due() {
                return Err(e);
            }
            if self.lanes.iter().all(|l| l.ended && l.is_empty()) {
                return Ok(());
            }
            self.wait()?;
        }
        Ok(())
    }

    /// Takes what has arrived without waiting.
    fn hear(&mut self) -> Result<()> {
        loop {
            match self.run.arrivals.try_recv() {
                Ok(arrival) => self.arrived(arrival),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(()),
            }
        }
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Batch(lane, batch, progress) => {
                self.run.inlets[lane].report.progress = progress;
                self.lanes[lane].push(batch);
                if self.lanes[lane].is_empty() {
                    // It held nothing.
                    self.readers[lane].grant();
                }
                self.progress();
            }
            Arrival::End(lane, outcome) => {
                self.lanes[lane].ended = true;
                self.failures.extend(outcome.err().map(|e| (lane, e)));
            }
            Arrival::Stop => {}
        }
    }

    fn progress(&mut self) {
        let each = || self.run.inlets.iter().map(|i| i.report.progress);
        let progress = Progress {
            bytes_read: each().map(|p| p.bytes_read).sum(),
            total: each().map(|p| p.total).sum(),
        };
        if let Some(f) = &mut self.run.on_progress {
            f(progress);
        }
    }

    /// The lanes whose rows can be taken now.
    fn next_lanes(&self) -> Vec<usize> {
        let all = || 0..self.lanes.len();
        if self.event_time {
            let known = !self.lanes.iter().any(Lane::wants_more);
            let failed = self.failures.iter().any(|(l, _)| self.lanes[*l].is_empty());
            return all().filter(|l| known && !failed && !self.lanes[*l].is_empty()).collect();
        }
        // One after the other; pipes whenever they have something.
        let live = |l: &usize| self.run.inlets[*l].live;
        let file = all().find(|l| !(live(l) || self.lanes[*l].ended && self.lanes[*l].is_empty()));
        let file = file.filter(|l| !self.failures.iter().any(|(f, _)| f < l && !live(f)));
        let pipes = all().filter(live);
        file.into_iter().chain(pipes).find(|l| !self.lanes[*l].is_empty()).into_iter().collect()
    }

    /// The error of a lane of which all rows before it were taken.
    fn failure_due(&mut self) -> Option<(usize, Error)> {
        let due = self.failures.iter().position(|(l, _)| self.lanes[*l].is_empty())?;
        Some(self.failures.remove(due))
    }

    /// Waits for something to arrive. Results of what came before go out first if that may take long.
    fn wait(&mut self) -> Result<()> {
        let waiting = |l: usize| self.lanes[l].wants_more() && self.run.inlets[l].live;
        let long = (0..self.lanes.len()).any(waiting);
        if long {
            self.run.app.flush()?;
            self.unflushed = 0;
        }
        let due = self.run.app.next_timer().filter(|_| !self.event_time);
        let arrival = match due {
            None => self.run.arrivals.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => {
                let ms = due.saturating_sub(now_millis()).max(0) as u64;
                self.run.arrivals.recv_timeout(Duration::from_millis(ms))
            }
        };
        match arrival {
            Ok(arrival) => self.arrived(arrival),
            Err(RecvTimeoutError::Timeout) => {
                self.run.app.advance_to(now_millis())?;
                self.run.app.flush()?;
            }
            // The runner itself holds a sender.
            Err(RecvTimeoutError::Disconnected) => {}
        }
        Ok(())
    }

    /// Sends what was cut off into the application.
    fn take(&mut self, cut: Cut) -> Result<()> {
        let rows = cut.rows;
        for lane in &cut.used_up {
            self.readers[*lane].grant();
        }
        if rows == 0 {
            return Ok(());
        }
        let app = self.run.app.clone();
        if !self.event_time {
            app.advance_to(now_millis())?;
        }
        let good: usize = cut.slices.iter().map(|s| s.rows.num_rows()).sum();
        self.count_rejected(&cut);
        let mut admission =
            Admission { app: &app, inlets: &mut self.run.inlets, playback: self.event_time };
        app.shared.send(|ingress| admission.admit(cut, ingress), good)?;
        self.unflushed += rows;
        if self.one_by_one {
            app.flush()?;
        } else if self.unflushed >= FLUSH_ROWS {
            app.flush_sinks()?;
            self.unflushed = 0;
        }
        Ok(())
    }

    fn count_rejected(&mut self, cut: &Cut) {
        for item in &cut.items {
            let Item::Rejected { lane, row } = item else { continue };
            let inlet = &mut self.run.inlets[*lane];
            inlet.report.rejected += 1;
            if inlet.report.first_rejected.len() < REJECTED_KEPT {
                inlet.report.first_rejected.push(row.clone());
            }
            self.run.app.shared.count_rejected(inlet.stream, 1);
        }
    }
}

/// Gives rows their order and clock.
struct Admission<'a> {
    app: &'a App,
    inlets: &'a mut [Inlet],
    playback: bool,
}

/// Hidden columns of a slice, as they are filled.
struct Admitted {
    slice: Slice,
    ts: Vec<i64>,
    at: Vec<i64>,
    order: Vec<u64>,
}

impl Admission<'_> {
    fn admit(&mut self, cut: Cut, ingress: &mut Ingress) {
        let mut parts: Vec<Admitted> = cut
            .slices
            .into_iter()
            .map(|slice| {
                let n = slice.rows.num_rows();
                let (ts, at) = (Vec::with_capacity(n), Vec::with_capacity(n));
                Admitted { slice, ts, at, order: Vec::with_capacity(n) }
            })
            .collect();
        for item in cut.items {
            match item {
                Item::Rejected { lane, row } => self.fault(lane, &row, ingress),
                Item::Rows { lane, count } => {
                    if let Some(part) = parts.iter_mut().find(|p| p.slice.lane == lane) {
                        self.rows(part, count, ingress);
                    }
                }
            }
        }
        for Admitted { slice, ts, at, order } in parts {
            let rows = EventBatch::new(slice.rows, ts.into(), at.into(), order.into());
            ingress.admitted(self.inlets[slice.lane].stream, rows);
        }
    }

    /// The next `count` rows of a slice.
    fn rows(&mut self, part: &mut Admitted, count: usize, ingress: &mut Ingress) {
        let report = &mut self.inlets[part.slice.lane].report;
        report.rows += count as u64;
        let first = part.ts.len();
        for row in first..first + count {
            let ts = part.slice.time.as_ref().map_or_else(|| ingress.clock(), |t| t[row]);
            let (order, at) = ingress.admit(ts);
            if self.playback && ts < at {
                report.out_of_order += 1;
                report.furthest_behind = report.furthest_behind.max(at.saturating_sub(ts));
            }
            part.ts.push(ts);
            part.at.push(at);
            part.order.push(order);
        }
    }

    /// A row that could not be read, if its stream has a fault stream: attributes null, and what is
    /// wrong with it.
    fn fault(&self, lane: usize, row: &RejectedRow, ingress: &mut Ingress) {
        let inlet = &self.inlets[lane];
        let stream = &self.app.plan().streams[inlet.stream];
        let Some(fault) = stream.fault else { return };
        let why = format!("line {}: {}: {}", row.line, row.reason, row.text);
        let mut values = vec![Value::Null; stream.schema.fields().len()];
        values.push(Value::String(why.into()));
        ingress.chunk(fault, vec![(ingress.clock(), values)]);
    }
}
