//! Events and log lines for a person to read.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, TimestampMillisecondArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use foreshock::event::{EventBatch, Moment};
use foreshock::io::Sink;
use foreshock::io::sink::{LogTarget, Priority};
use foreshock::{Error, Result, Value};

use super::progress::Progress;

/// How event times are printed: ISO 8601, UTC.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// Where lines go: standard output, or standard error if an output has the former. What is told between
/// two flushes is written in the order in which it happened, whichever stream tells it, so that the
/// lines of a run don't depend on how its rows were cut into batches.
pub struct Printer {
    to_stderr: bool,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    lines: Vec<(Moment, String)>,
    progress: Option<Arc<Progress>>,
}

impl Printer {
    pub fn new(to_stderr: bool) -> Self {
        Self { to_stderr, kept: Mutex::default() }
    }

    /// Lines and this progress bar stay out of each other's way.
    pub fn beside(&self, progress: &Arc<Progress>) {
        self.kept().progress = Some(Arc::clone(progress));
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, when: Moment, line: String) {
        self.kept().lines.push((when, line));
    }

    fn write(&self, kept: &mut Kept) -> Result<()> {
        if kept.lines.is_empty() {
            return Ok(());
        }
        let mut kept_lines = std::mem::take(&mut kept.lines);
        kept_lines.sort_by_key(|(when, _)| *when);
        let lines: Vec<u8> =
            kept_lines.into_iter().flat_map(|(_, line)| line.into_bytes()).collect();
        let write = || match self.to_stderr {
            true => std::io::stderr().lock().write_all(&lines),
            false => {
                let mut out = std::io::stdout().lock();
                out.write_all(&lines).and_then(|()| out.flush())
            }
        };
        let written = match &kept.progress {
            Some(progress) => progress.aside(write),
            None => write(),
        };
        let name = if self.to_stderr { "standard error" } else { "standard output" };
        written.map_err(|e| Error::io(format!("can't write {name}"), e))
    }
}

impl LogTarget for Printer {
    fn line(&self, when: Moment, priority: Priority, text: &str) -> Result<()> {
        match priority {
            Priority::Info => self.push(when, format!("{text}\n")),
            other => self.push(when, format!("{} {text}\n", other.name())),
        }
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        self.write(&mut self.kept())
    }
}

/// Prints a stream: a line per event, with its time, the stream's name and its values.
pub struct PrintSink {
    stream: String,
    to: Arc<Printer>,
}

impl PrintSink {
    pub fn new(stream: &str, to: Arc<Printer>) -> Self {
        Self { stream: stream.into(), to }
    }
}

impl Sink for PrintSink {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        let times: ArrayRef =
            Arc::new(TimestampMillisecondArray::new(batch.ts.values().clone(), None));
        let options = FormatOptions::new().with_timestamp_format(Some(TIME));
        let times = ArrayFormatter::try_new(times.as_ref(), &options)?;
        let schema = batch.columns.schema();
        for row in 0..batch.rows() {
            let mut text = String::new();
            match times.value(row).try_to_string() {
                Ok(time) => text.push_str(&time),
                // Too far away for a calendar.
                Err(_) => text.push_str(&batch.ts[row].to_string()),
            }
            text.push(' ');
            text.push_str(&self.stream);
            for (field, column) in schema.fields().iter().zip(batch.columns.columns()) {
                text.push(' ');
                text.push_str(field.name());
                text.push('=');
                push_value(&mut text, &Value::from_array(column.as_ref(), row));
            }
            text.push('\n');
            self.to.push(batch.moment(row), text);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.to.flush()
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.to.flush()
    }
}

/// Appends a value; text in quotes where it could be taken for something else.
fn push_value(out: &mut String, value: &Value) {
    match value {
        Value::String(text) if !is_plain(text) => out.push_str(&format!("{:?}", text.as_str())),
        other => out.push_str(&other.to_string()),
    }
}

fn is_plain(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | '\\');
    !text.is_empty() && text != "null" && !text.chars().any(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_where_it_could_be_mistaken() {
        let shown = |v: Value| {
            let mut out = String::new();
            push_value(&mut out, &v);
            out
        };
        assert_eq!(shown("4711".into()), "4711");
        assert_eq!(shown("Ridgecrest, CA".into()), "\"Ridgecrest, CA\"");
        assert_eq!(shown("".into()), "\"\"");
        assert_eq!(shown("null".into()), "\"null\"");
        assert_eq!(shown(Value::Null), "null");
        assert_eq!(shown("a\"b\n".into()), "\"a\\\"b\\n\"");
        assert_eq!(shown(1.5.into()), "1.5");
    }
}
