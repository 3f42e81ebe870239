//! `@sink(type='log', …)`: events as lines, as Siddhi prints them:
//! `App : Alerts : Event{timestamp=…, data=[…], isExpired=false}`; the events of a chunk of several
//! stand in one line, in brackets.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::{SinkContext, SinkSpec};
use crate::error::{Error, Result};
use crate::event::{EventBatch, Kind, Moment};
use crate::io::Sink;
use crate::io::format::text::push_event;
use crate::io::options::{OptionSpec, OptionType, Options};

/// The kind.
pub static SPEC: SinkSpec = SinkSpec {
    name: "log",
    doc: "Writes each event as a line to the log.",
    example: "@sink(type='log', prefix='Alert')\n\
              define stream Alerts (id string, mag double);",
    options: &[
        OptionSpec {
            name: "prefix",
            aliases: &[],
            ty: OptionType::Text,
            required: false,
            default: None,
            doc: "What a line begins with; `<application> : <stream>` if it isn't given.",
        },
        OptionSpec {
            name: "priority",
            aliases: &[],
            ty: OptionType::OneOf(&["INFO", "DEBUG", "WARN", "FATAL", "ERROR", "OFF", "TRACE"]),
            required: false,
            default: Some("INFO"),
            doc: "How grave the lines are; `OFF` writes none.",
        },
    ],
    maps: &["passThrough"],
    check: |_, _| Ok(()),
    open,
};

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Finest.
    Trace,
    /// Fine.
    Debug,
    /// Usual.
    Info,
    /// Perhaps wrong.
    Warn,
    /// Wrong.
    Error,
    /// Hopeless.
    Fatal,
}

impl Priority {
    /// The priority called so, in any case; none for `OFF` and anything else.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "TRACE" => Priority::Trace,
            "DEBUG" => Priority::Debug,
            "INFO" => Priority::Info,
            "WARN" => Priority::Warn,
            "ERROR" => Priority::Error,
            "FATAL" => Priority::Fatal,
            _ => return None,
        })
    }

    /// Its name, in capitals.
    pub fn name(self) -> &'static str {
        match self {
            Priority::Trace => "TRACE",
            Priority::Debug => "DEBUG",
            Priority::Info => "INFO",
            Priority::Warn => "WARN",
            Priority::Error => "ERROR",
            Priority::Fatal => "FATAL",
        }
    }
}

/// Where log lines go.
pub trait LogTarget: Send + Sync {
    /// Takes a line (without its end) about something that happened at `when`. Of what happens
    /// between two flushes, each stream tells its lines in order, but one stream after the other.
    ///
    /// # Errors
    /// If it can't be written.
    fn line(&self, when: Moment, priority: Priority, text: &str) -> Result<()>;

    /// Hands on what is buffered.
    ///
    /// # Errors
    /// If it can't be written.
    fn flush(&self) -> Result<()>;
}

/// Writes log lines as they are, those that aren't [`Priority::Info`] behind their priority's name.
pub struct LogWriter(Mutex<Box<dyn Write + Send>>);

impl LogWriter {
    /// Writes to `write`, which should buffer.
    pub fn new(write: Box<dyn Write + Send>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(write)))
    }
}

impl LogTarget for LogWriter {
    fn line(&self, _when: Moment, priority: Priority, text: &str) -> Result<()> {
        let mut write = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match priority {
            Priority::Info => writeln!(write, "{text}"),
            other => writeln!(write, "{} {text}", other.name()),
        };
        written.map_err(|e| Error::io("can't write the log", e))
    }

    fn flush(&self) -> Result<()> {
        let mut write = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write.flush().map_err(|e| Error::io("can't write the log", e))
    }
}

fn open(options: &Options, context: &SinkContext) -> Result<Box<dyn Sink>> {
    let prefix = match options.get("prefix") {
        Some(prefix) => prefix.to_string(),
        None => format!("{} : {}", context.app, context.stream),
    };
    let priority = options.get("priority").and_then(Priority::from_name);
    Ok(Box::new(LogSink {
        prefix,
        priority,
        target: Arc::clone(&context.log),
        text: String::new(),
    }))
}

struct LogSink {
    prefix: String,
    /// None = off.
    priority: Option<Priority>,
    target: Arc<dyn LogTarget>,
    text: String,
}

impl Sink for LogSink {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        let Some(priority) = self.priority else { return Ok(()) };
        for chunk in batch.chunk_ranges() {
            let several = chunk.len() > 1;
            self.text.clear();
            self.text.push_str(&self.prefix);
            self.text.push_str(if several { " : [" } else { " : " });
            for row in chunk.clone() {
                if row > chunk.start {
                    self.text.push_str(", ");
                }
                let expired = batch.kind(row) == Kind::Expired;
                push_event(&mut self.text, &batch.columns, row, batch.ts[row], expired);
            }
            if several {
                self.text.push(']');
            }
            self.target.line(batch.moment(chunk.start), priority, &self.text)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.target.flush()
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.target.flush()
    }
}
