//! [`Events`]: what a subscription is given.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::event::{EventBatch, Kind, Value};

/// Results of one stream or query in one step, in order.
#[derive(Debug, Clone)]
pub struct Events {
    name: Arc<str>,
    batch: EventBatch,
    /// The same with strings as strings, if they aren't and somebody asked.
    plain: OnceLock<EventBatch>,
}

impl Events {
    pub(super) fn new(name: Arc<str>, batch: EventBatch) -> Self {
        Self { name, batch, plain: OnceLock::new() }
    }

    /// The stream or query.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of events.
    pub fn rows(&self) -> usize {
        self.batch.rows()
    }

    /// Attributes.
    pub fn schema(&self) -> SchemaRef {
        self.batch().columns.schema()
    }

    /// All events in columns.
    pub fn columns(&self) -> &RecordBatch {
        &self.batch().columns
    }

    /// All events in columns, of which those of strings may be dictionaries (of `Int32` codes into
    /// `Utf8View` values) if they were sent so: nothing is decoded that nobody looks at.
    pub fn coded_columns(&self) -> &RecordBatch {
        &self.batch.columns
    }

    /// The batch with its hidden fields.
    pub fn batch(&self) -> &EventBatch {
        if !self.batch.is_coded() {
            return &self.batch;
        }
        // Codes are within their dictionary, so that decoding has no reason to fail.
        self.plain.get_or_init(|| self.batch.clone().plain().unwrap_or_else(|_| self.batch.clone()))
    }

    /// Event time of an event, ms since the epoch.
    pub fn ts(&self, row: usize) -> i64 {
        self.batch.ts[row]
    }

    /// Whether an event enters or leaves (subscriptions to streams see current events only).
    pub fn kind(&self, row: usize) -> Kind {
        self.batch.kind(row)
    }

    /// The values of an event.
    pub fn row(&self, row: usize) -> Vec<Value> {
        self.coded_columns().columns().iter().map(|c| Value::from_array(c.as_ref(), row)).collect()
    }

    /// One value by attribute name; null if there is no such attribute.
    pub fn value(&self, row: usize, attribute: &str) -> Value {
        let column = self.coded_columns().column_by_name(attribute);
        column.map_or(Value::Null, |c| Value::from_array(c.as_ref(), row))
    }

    /// The runs of events that Siddhi would deliver together.
    pub fn chunk_ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.batch.chunk_ranges()
    }
}

impl std::fmt::Display for Events {
    /// One line per event: `Name{attribute: value, …}`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let schema = self.schema();
        for row in 0..self.rows() {
            let values: Vec<String> = schema
                .fields()
                .iter()
                .zip(self.row(row))
                .map(|(field, v)| format!("{}: {v}", field.name()))
                .collect();
            let mark = if self.kind(row) == Kind::Expired { "-" } else { "" };
            writeln!(f, "{mark}{}{{{}}}", self.name, values.join(", "))?;
        }
        Ok(())
    }
}
