//! Replays one case in virtual time.
//!
//! A live clock is moved to each step's time before the step happens (timers that are due then have
//! fired), and to the end of the recording after the last step.

use super::corpus::{Action, Callback, Case, Recording, Replay, Step};
use super::driver::{Refusal, Session, Setup};

/// How the rows are cut and whether the application is restored on the way. None of it may change
/// the output.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    /// Rows gathered before a step of the engine runs.
    pub batch_rows: usize,
    /// Seed of random cuts: flushes before some of the case's steps.
    pub cuts: Option<u64>,
    /// After every so many steps the application is replaced by one restored from its snapshot.
    pub restore_every: Option<usize>,
}

impl Mode {
    /// One row at a time.
    pub const PLAIN: Mode = Mode { batch_rows: 1, cuts: None, restore_every: None };

    /// Batches of this many rows.
    pub fn rows(batch_rows: usize) -> Mode {
        Mode { batch_rows, ..Mode::PLAIN }
    }
}

/// Why there is no output.
#[derive(Debug)]
pub enum Trouble {
    /// The harness or the engine can't do it yet.
    Unsupported(String),
    /// The engine refused the application.
    Refused { codes: Vec<String>, message: String },
    /// Something broke.
    Failed(String),
}

impl From<Refusal> for Trouble {
    fn from(r: Refusal) -> Self {
        match r {
            Refusal::Unsupported(what) => Trouble::Unsupported(what),
            Refusal::Wrong { codes, message } => Trouble::Refused { codes, message },
            Refusal::Broken(why) => Trouble::Failed(why),
        }
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Trouble::Failed(why)
    }
}

/// What the engine puts out for this case.
pub fn replay(case: &Case, mode: Mode) -> Result<Recording, Trouble> {
    let replay = case.replay.as_ref().ok_or_else(|| "nothing to replay".to_string())?;
    let callbacks = replay.outputs.keys().cloned().collect();
    let mut run = Run {
        replay,
        mode,
        callbacks,
        sessions: Vec::new(),
        snapshot: None,
        random: Random(mode.cuts.unwrap_or(0) | 1),
        recording: Recording::new(),
    };
    if !replay.steps.iter().any(|s| matches!(&s.action, Action::Op(op) if op == "start")) {
        run.start(0, 0)?;
    }
    for (i, step) in replay.steps.iter().enumerate() {
        run.step(step)?;
        if mode.restore_every.is_some_and(|k| (i + 1) % k == 0) {
            run.rebirth()?;
        }
    }
    run.finish()
}

struct Run<'a> {
    replay: &'a Replay,
    mode: Mode,
    callbacks: Vec<Callback>,
    /// The applications of the group; all have the same text.
    sessions: Vec<Option<Session>>,
    /// What was persisted last.
    snapshot: Option<Vec<u8>>,
    random: Random,
    recording: Recording,
}

impl Run<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Trouble> {
        if self.replay.live {
            let now = self.replay.base + step.at;
            self.sessions.iter_mut().flatten().try_for_each(|s| s.advance_to(now))?;
        }
        if self.mode.cuts.is_some() && self.random.next().is_multiple_of(3) {
            self.sessions.iter_mut().flatten().try_for_each(Session::flush)?;
        }
        match &step.action {
            Action::Send { stream, rows, chunk } => {
                // Nobody listens to an application that is shut down.
                if let Some(Some(session)) = self.sessions.get_mut(step.app) {
                    session.send(stream, rows, *chunk)?;
                }
                Ok(())
            }
            Action::Op(op) => self.operate(op, step),
            Action::Query => Err(Trouble::Unsupported("on-demand queries".into())),
        }
    }

    fn operate(&mut self, op: &str, step: &Step) -> Result<(), Trouble> {
        match op {
            // Ours run from their creation on, so it waits for the start.
            "create" => Ok(()),
            "start" => self.start(step.app, step.at),
            "persist" | "snapshot" => {
                if let Some(Some(session)) = self.sessions.get_mut(step.app) {
                    session.flush()?;
                    self.snapshot = Some(session.snapshot()?);
                }
                Ok(())
            }
            "restore" | "restore_last_revision" => self.restore(step.app, step.at),
            "shutdown" => self.shutdown(step.app),
            other => Err(Trouble::Unsupported(format!("host operation `{other}`"))),
        }
    }

    fn setup(&self, at: i64) -> Setup {
        let start = if self.replay.live { self.replay.start + at } else { self.replay.start };
        Setup { live: self.replay.live, start, batch_rows: self.mode.batch_rows }
    }

    fn put(&mut self, app: usize, session: Session) {
        if self.sessions.len() <= app {
            self.sessions.resize_with(app + 1, || None);
        }
        self.sessions[app] = Some(session);
    }

    fn start(&mut self, app: usize, at: i64) -> Result<(), Trouble> {
        if matches!(self.sessions.get(app), Some(Some(_))) {
            return Ok(()); // it was restored before it was started
        }
        let session = Session::create(&self.replay.app, self.setup(at), &self.callbacks)?;
        self.put(app, session);
        Ok(())
    }

    fn restore(&mut self, app: usize, at: i64) -> Result<(), Trouble> {
        let Some(snapshot) = self.snapshot.clone() else {
            return Err(Trouble::Failed("nothing was persisted".into()));
        };
        let setup = self.setup(at);
        self.shutdown(app)?; // what it put out before it was restored belongs to the record
        let mut session = Session::restore(&self.replay.app, setup, &self.callbacks, &snapshot)?;
        if self.replay.live {
            session.advance_to(self.replay.base + at)?;
        }
        self.put(app, session);
        Ok(())
    }

    fn shutdown(&mut self, app: usize) -> Result<(), Trouble> {
        if let Some(mut session) = self.sessions.get_mut(app).and_then(Option::take) {
            session.flush()?;
            let recorded = session.finish()?;
            if app == self.replay.app_index {
                for (callback, groups) in recorded {
                    self.recording.entry(callback).or_default().extend(groups);
                }
            }
        }
        Ok(())
    }

    /// Replaces every application by one restored from its snapshot.
    fn rebirth(&mut self) -> Result<(), Trouble> {
        for slot in &mut self.sessions {
            if let Some(mut session) = slot.take() {
                session.flush()?;
                *slot = Some(session.reborn()?);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Recording, Trouble> {
        if self.replay.live {
            let end = self.replay.base + self.replay.end;
            self.sessions.iter_mut().flatten().try_for_each(|s| s.advance_to(end))?;
        }
        for app in 0..self.sessions.len() {
            self.shutdown(app)?;
        }
        Ok(self.recording)
    }
}

/// xorshift: the same cuts in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
