//! What is measured: an application, where its input goes and which of its streams count as output.
//!
//! A subject is plain data; [`Subject::start`] makes a fresh engine of it, once per repetition.

use std::sync::{Arc, Mutex, PoisonError};

use super::digest::Digest;
use super::feed::TIME;
use super::query::Query;
use super::workload::Step;
use crate::error::{Error, Result};
use crate::{App, AppOptions, ClockMode, Engine, Events, Input, Times};

/// An application to be measured.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What it is called in results.
    pub name: String,
    /// Its text.
    pub text: String,
    /// How it runs.
    pub options: AppOptions,
    /// The streams rows are sent to, by position in a [`Step`].
    pub inputs: Vec<String>,
    /// The streams whose rows are counted.
    pub outputs: Vec<String>,
    /// The column of the batches that holds event times.
    pub time: &'static str,
    /// Parts of a step are merged by time into one send; else they are sent one after the other.
    pub merged: bool,
}

impl Subject {
    /// A query of the harness.
    pub fn of_query(query: Query) -> Self {
        Self {
            name: query.to_string(),
            text: query.app(),
            options: AppOptions::default(),
            inputs: query.streams().iter().map(|s| s.to_string()).collect(),
            outputs: vec!["Out".into()],
            time: "ts",
            merged: true,
        }
    }

    /// Any application, read through `inputs`. Time is event time, whatever the text says. Its output
    /// are the streams that queries write and none reads, and those with sinks; its own sources and
    /// sinks stay closed.
    ///
    /// # Errors
    /// What the text is refused with; [`Error::Name`] if it has no such inputs.
    pub fn of_app(name: &str, text: &str, inputs: Vec<String>) -> Result<Self> {
        let options = AppOptions { clock: Some(ClockMode::Playback), ..AppOptions::default() };
        let app = Engine::new().app(text, options.clone())?;
        for input in &inputs {
            app.input(input)?;
        }
        let sinks = |name: &str| {
            app.plan().streams.iter().any(|s| s.full_name() == name && !s.sinks.is_empty())
        };
        let outputs = app.streams().into_iter();
        let outputs = outputs.filter(|s| s.written && (!s.read || sinks(&s.name)));
        Ok(Self {
            name: name.into(),
            text: text.into(),
            options,
            inputs,
            outputs: outputs.map(|s| s.name).collect(),
            time: TIME,
            merged: true,
        })
    }

    /// A fresh engine.
    ///
    /// # Errors
    /// What the text is refused with.
    pub fn start(&self) -> Result<Running<'_>> {
        let app = Engine::new().app(&self.text, self.options.clone())?;
        let inputs = self.inputs.iter().map(|s| app.input(s)).collect::<Result<_>>()?;
        Ok(Running { subject: self, app, inputs })
    }

    /// What it puts out for these steps: a digest per output stream, in the order of
    /// [`Subject::outputs`].
    ///
    /// # Errors
    /// What a step fails with.
    pub fn digests(&self, steps: &[Step]) -> Result<Vec<Digest>> {
        self.digests_of(&|running| running.send(steps))
    }

    /// [`Subject::digests`] of what `send` sends.
    ///
    /// # Errors
    /// What a step fails with.
    pub fn digests_of(&self, send: &dyn Fn(&Running<'_>) -> Result<()>) -> Result<Vec<Digest>> {
        let running = self.start()?;
        let mut seen = vec![];
        for stream in &self.outputs {
            let digest = Arc::new(Mutex::new((Digest::default(), Ok(()))));
            seen.push(Arc::clone(&digest));
            running.app.subscribe(stream, move |events| {
                let mut all = digest.lock().unwrap_or_else(PoisonError::into_inner);
                let added = all.0.add(events.columns());
                all.1 = std::mem::replace(&mut all.1, Ok(())).and(added);
            })?;
        }
        send(&running)?;
        let digest = |d: Arc<Mutex<(Digest, Result<()>)>>| {
            let mut all = d.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut all.1, Ok(())).map(|()| all.0)
        };
        seen.into_iter().map(digest).collect()
    }
}

/// A fresh engine with its entrances.
pub struct Running<'a> {
    subject: &'a Subject,
    /// The engine.
    pub app: App,
    /// Where rows go in, in the order of [`Subject::inputs`].
    pub inputs: Vec<Input>,
}

impl Running<'_> {
    /// Calls `f` with everything that is put out.
    ///
    /// # Errors
    /// If an output stream isn't there.
    pub fn on_output(&self, f: impl Fn(&Events) + Clone + Send + 'static) -> Result<()> {
        for stream in &self.subject.outputs {
            let f = f.clone();
            self.app.subscribe(stream, move |events| f(events))?;
        }
        Ok(())
    }

    /// Sends all steps.
    ///
    /// # Errors
    /// What a step fails with.
    pub fn send(&self, steps: &[Step]) -> Result<()> {
        steps.iter().try_for_each(|step| self.send_step(step))
    }

    fn send_step(&self, step: &Step) -> Result<()> {
        let time = Times::Column(self.subject.time);
        match &step[..] {
            [(stream, batch)] => self.entrance(*stream)?.send_batch(batch, time)?,
            parts if self.subject.merged => {
                let parts = parts.iter().map(|(s, b)| Ok((self.entrance(*s)?, b, time.clone())));
                self.app.send_batches(&parts.collect::<Result<Vec<_>>>()?)?;
            }
            parts => {
                for (stream, batch) in parts {
                    self.entrance(*stream)?.send_batch(batch, time.clone())?;
                }
            }
        }
        match self.subject.merged {
            true => Ok(()),
            false => self.app.flush(),
        }
    }

    fn entrance(&self, stream: usize) -> Result<&Input> {
        let missing = || Error::Data(format!("a step has rows for stream {stream}"));
        self.inputs.get(stream).ok_or_else(missing)
    }
}
