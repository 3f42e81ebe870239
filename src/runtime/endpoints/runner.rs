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

use super::admission::{Admission, entrance_of};
use super::merge::{Cut, Item, Lane, cut};
use super::reader::{Arrival, Reader, Stopper};
use super::report::{REJECTED_KEPT, RunReport, SourceReport};
use super::stall::{Stall, Watch};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use crate::error::{Code, Diagnostic, Error, Result};
use crate::io::format::{self, Input, ReadOptions};
use crate::io::source::OpenSource;
use crate::io::{Progress, Source, SourceBatch};
use crate::plan::endpoints::SourcePlan;
use crate::runtime::app::{App, ClockMode};
use crate::runtime::event_time::WHOLE;
use crate::time::wall::{Stopwatch, now_millis};

/// Rows a reader reads at a time, at least.
const READ_ROWS: usize = 8192;
/// Rows after which sinks hand on what they have, though nobody waits.
const FLUSH_ROWS: usize = 8192;

/// A source to be read.
pub(super) struct Inlet {
    pub(super) stream: usize,
    origin: Origin,
    opened: Option<Box<dyn Source>>,
    live: bool,
    pub(super) report: SourceReport,
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
    watch: Option<Watch>,
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
            watch: None,
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

    /// Calls `f` when the watermark (of an application with `@watermark`) hasn't moved for so long while
    /// rows wait for it, once for each time it stands still.
    pub fn on_stall(&mut self, patience: Duration, f: impl FnMut(&Stall) + Send + 'static) {
        self.watch = Some(Watch::new(patience, Box::new(f)));
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
        let event_time = event_time || self.app.plan().has_watermark();
        let timeless = |i: &&Inlet| i.origin.time().is_none() && self.attribute(i).is_none();
        match self.inlets.iter().find(|i| event_time && timeless(i)) {
            None => Ok(event_time),
            Some(inlet) => Err(no_time(inlet)),
        }
    }

    /// The attribute that holds the event time (`@watermark`).
    fn attribute(&self, inlet: &Inlet) -> Option<usize> {
        self.app.plan().streams[inlet.stream].watermark.as_ref()?.attribute
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
        let watermark = self.app.plan().has_watermark();
        self.open_entrances()?;
        let one_by_one = feeds_itself(&self.app);
        let mut drive = Drive {
            lanes: self.inlets.iter().map(|_| Lane::default()).collect(),
            failures: vec![],
            readers,
            event_time,
            watermark,
            over: vec![false; self.inlets.len()],
            limit: if one_by_one { 1 } else { batch_rows },
            one_by_one,
            unflushed: 0,
            run: self,
        };
        drive.run()
    }
}

impl Runner {
    /// Time waits for each source of a stream with a watermark, and for nothing else but what others
    /// publish.
    fn open_entrances(&self) -> Result<()> {
        for (lane, inlet) in self.inlets.iter().enumerate() {
            self.app.shared.open(inlet.stream, entrance_of(lane));
        }
        for (stream, plan) in self.app.plan().streams.iter().enumerate() {
            let read = self.inlets.iter().any(|i| i.stream == stream);
            let pushed = plan.sources.iter().any(|s| s.spec.pushed);
            if plan.watermark.is_some() && !read && !pushed {
                self.app.shared.send(|entrance| entrance.end(Some((stream, WHOLE))), 0)?;
            }
        }
        Ok(())
    }
}

fn no_time(inlet: &Inlet) -> Error {
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
    /// Whether time is the watermark.
    watermark: bool,
    /// Lanes of which the application knows that they have ended.
    over: Vec<bool>,
    limit: usize,
    one_by_one: bool,
    /// Rows since sinks were flushed.
    unflushed: usize,
}

impl Drive<'_> {
    fn run(&mut self) -> Result<()> {
        while !self.run.stopper.is_stopped() {
            self.hear()?;
            self.tell_ends()?;
            if let Some(watch) = self.run.watch.as_mut().filter(|_| self.watermark) {
                watch.look(&self.run.app);
            }
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
            Arrival::Batch(lane, mut batch, progress) => {
                self.time_by_attribute(lane, &mut batch);
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

    /// The event time of rows is that of the attribute which `@watermark` names (rows without one
    /// stand where nothing is known of them: first).
    fn time_by_attribute(&self, lane: usize, batch: &mut SourceBatch) {
        if let Some(attribute) = self.run.attribute(&self.run.inlets[lane]) {
            let column = batch.rows.column(attribute).as_primitive::<Int64Type>();
            batch.time = Some(column.values().clone());
        }
    }

    /// Time doesn't wait for sources that have ended.
    fn tell_ends(&mut self) -> Result<()> {
        for lane in 0..self.lanes.len() {
            let ended = self.lanes[lane].ended && self.lanes[lane].is_empty();
            if self.watermark && ended && !std::mem::replace(&mut self.over[lane], true) {
                let of = (self.run.inlets[lane].stream, entrance_of(lane));
                self.run.app.shared.send(|entrance| entrance.end(Some(of)), 0)?;
            }
        }
        Ok(())
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
        let pipe = |l: usize| self.watermark && self.run.inlets[l].live;
        if self.event_time {
            // With a watermark, pipes are taken as their rows arrive: they are put in order later.
            let known = !all().any(|l| self.lanes[l].wants_more() && !pipe(l));
            let known =
                known || all().any(pipe) && all().any(|l| pipe(l) && !self.lanes[l].is_empty());
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
        let due = match self.watermark {
            true => self.run.app.shared.next_idle().filter(|_| long),
            false => self.run.app.next_timer().filter(|_| !self.event_time),
        };
        let left = |due: i64| Duration::from_millis(due.saturating_sub(now_millis()).max(0) as u64);
        let watch = self.run.watch.as_ref().filter(|_| self.watermark && long);
        let wake = due.map(left).into_iter().chain(watch.map(Watch::patience)).min();
        let arrival = match wake {
            None => self.run.arrivals.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wake) => self.run.arrivals.recv_timeout(wake),
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
        let live = self.watermark && self.run.inlets.iter().any(|i| i.live);
        if !self.event_time || live {
            app.advance_to(now_millis())?;
        }
        let good: usize = cut.slices.iter().map(|s| s.rows.num_rows()).sum();
        self.count_rejected(&cut);
        let mut admission =
            Admission { app: &app, inlets: &mut self.run.inlets, playback: self.event_time };
        app.shared.send(|entrance| admission.admit(cut, entrance), good)?;
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
