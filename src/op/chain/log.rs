//! `#log(…)`: a line per row, written to a sink; rows pass unchanged.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;

use super::Stateless;
use crate::error::Result;
use crate::event::{EventBatch, Kind, Moment, Value};
use crate::expr::columnar::ColumnarExpr;
use crate::plan::spec::LogSpec;

/// Where log lines go.
pub trait LogSink: Send + Sync {
    /// Writes a line of this priority (`TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`, `FATAL`) about
    /// what happened at `when`.
    fn write(&self, when: Moment, priority: &str, line: &str);
}

/// Writes a line per row.
pub struct Log {
    priority: String,
    message: Option<ColumnarExpr>,
    event: bool,
    prefix: String,
    sink: Arc<dyn LogSink>,
}

impl Log {
    /// The operator of a `#log` over rows of `schema`.
    pub fn new(spec: &LogSpec, schema: &SchemaRef, sink: Arc<dyn LogSink>) -> Result<Self> {
        let message =
            spec.message.as_ref().map(|e| ColumnarExpr::compile(e, schema)).transpose()?;
        Ok(Self {
            priority: spec.priority.to_uppercase(),
            message,
            event: spec.event,
            prefix: spec.prefix.clone(),
            sink,
        })
    }

    fn line(&self, batch: &EventBatch, messages: Option<&ArrayRef>, row: usize) -> String {
        let mut line = self.prefix.clone();
        if let Some(messages) = messages {
            push_value(&mut line, &Value::from_array(messages, row));
        }
        match (messages.is_some(), self.event) {
            (true, true) => line.push_str(", "),
            (true, false) => return line,
            (false, false) => {
                line.push_str("Event Arrived");
                return line;
            }
            (false, true) => {}
        }
        push_event(&mut line, batch, row);
        line
    }
}

impl Stateless for Log {
    fn apply(&self, batch: &mut EventBatch) -> Result<bool> {
        if self.priority == "OFF" || batch.rows() == 0 {
            return Ok(true);
        }
        let messages = self.message.as_ref().map(|m| m.evaluate(batch)).transpose()?;
        for row in 0..batch.rows() {
            let line = self.line(batch, messages.as_ref(), row);
            self.sink.write(batch.moment(row), &self.priority, &line);
        }
        Ok(true)
    }
}

/// Appends a row as Siddhi prints an event.
fn push_event(line: &mut String, batch: &EventBatch, row: usize) {
    // Writing to a string can't fail.
    let _ = write!(line, "Event{{timestamp={}, data=[", batch.ts[row]);
    for (i, column) in batch.columns.columns().iter().enumerate() {
        if i > 0 {
            line.push_str(", ");
        }
        push_value(line, &Value::from_array(column, row));
    }
    let _ = write!(line, "], isExpired={}}}", batch.kind(row) == Kind::Expired);
}

fn push_value(line: &mut String, value: &Value) {
    // Writing to a string can't fail.
    let _ = match value {
        Value::Null => write!(line, "null"),
        Value::Int(v) => write!(line, "{v}"),
        Value::Long(v) => write!(line, "{v}"),
        Value::Float(v) => write!(line, "{v:?}"),
        Value::Double(v) => write!(line, "{v:?}"),
        Value::Bool(v) => write!(line, "{v}"),
        Value::String(v) => write!(line, "{v}"),
        Value::Set(values) | Value::List(values) => {
            line.push('[');
            for (i, v) in values.iter().enumerate() {
                if i > 0 {
                    line.push_str(", ");
                }
                push_value(line, v);
            }
            write!(line, "]")
        }
        Value::Map(_) => write!(line, "{value}"),
    };
}
