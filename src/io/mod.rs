//! Sources and sinks: how rows come in and go out.
//!
//! A [`Source`] is pulled: it gives the rows of one stream in file order, in batches of at most the
//! size asked for, and never holds more than a block of its input. A [`Sink`] is pushed one batch per
//! step. Neither knows of applications or time; the runtime stands between.
//!
//! Invariants:
//! * The rows of a [`SourceBatch`] have exactly the stream's schema (the engine's column types).
//! * Which rows come out, and which are rejected, depends on the input alone: not on batch sizes, and
//!   not on the rows around them. A row is either delivered or rejected with its line and text;
//!   nothing is dropped silently and no bad row ends the input.
//! * An error from [`Source::next`] concerns the input as a whole (it can't be read, its columns don't
//!   fit); the source is then finished.
//!
//! Text formats are split and checked here, one record at a time: Arrow's CSV and JSON readers give up
//! a whole batch at its first bad cell, read a JSON `1.7` into an int as `1`, and can't tell an empty
//! CSV string from a null. Arrow IPC and Parquet are read through Arrow's readers.

use arrow::array::RecordBatch;
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::SchemaRef;

use crate::error::Result;
use crate::event::EventBatch;

pub mod broker;
pub mod format;
pub mod options;
pub mod sink;
pub mod source;

#[cfg(test)]
mod bad_rows_tests;
#[cfg(test)]
mod round_trip_tests;
#[cfg(test)]
mod testing;

/// A row that could not become an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Where it begins: line number in a text file, row number in a columnar one; from 1.
    pub line: u64,
    /// Its text (for columnar files `column=value` pairs), cut after [`REJECTED_TEXT_BYTES`].
    pub text: String,
    /// What is wrong with it, without a full stop.
    pub reason: String,
    /// How many rows of the same batch come before it.
    pub before: usize,
}

/// How much of a rejected row's text is kept, bytes.
pub const REJECTED_TEXT_BYTES: usize = 64 * 1024;

impl RejectedRow {
    pub(crate) fn new(line: u64, text: &[u8], reason: String, before: usize) -> Self {
        let kept = &text[..text.len().min(REJECTED_TEXT_BYTES)];
        let mut shown = String::from_utf8_lossy(kept).into_owned();
        if kept.len() < text.len() {
            shown.push_str(&format!(" … ({} bytes in all)", text.len()));
        }
        Self { line, text: shown, reason, before }
    }
}

/// Rows from a source, in file order.
#[derive(Debug, Clone)]
pub struct SourceBatch {
    /// Good rows, exactly the stream's schema.
    pub rows: RecordBatch,
    /// Event time of each good row, ms since the epoch, if an event-time column was named.
    pub time: Option<ScalarBuffer<i64>>,
    /// Rows in between that are not good.
    pub rejected: Vec<RejectedRow>,
}

/// How far a source has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes of input consumed.
    pub bytes_read: u64,
    /// Bytes of input in all, where it is known (not for pipes).
    pub total: Option<u64>,
}

/// Rows of one stream, pulled in batches.
pub trait Source: Send {
    /// The next batch: at most `max_rows` rows (good and rejected together, at least one is allowed);
    /// none at the end. From a pipe, returns what has arrived as soon as there is a row, and waits
    /// only when there is none. Memory held is bounded by the batch and one block of input.
    ///
    /// # Errors
    /// If the input can't be read or its columns don't fit the stream.
    fn next(&mut self, max_rows: usize) -> Result<Option<SourceBatch>>;

    /// How far it has come.
    fn progress(&self) -> Progress;

    /// The schema of the rows: the stream's.
    fn schema(&self) -> &SchemaRef;

    /// Whether rows trickle in (a pipe, a terminal), so that waiting for more may take forever.
    fn is_live(&self) -> bool {
        false
    }
}

/// Where the events of one stream go, pushed in batches.
pub trait Sink: Send {
    /// Takes the events of a step. Keeps nothing of the batch beyond a bounded buffer.
    ///
    /// # Errors
    /// If they can't be written; what became of the batch is then unknown.
    fn write(&mut self, batch: &EventBatch) -> Result<()>;

    /// Hands buffered events on, as far as the format allows without ending a unit (a Parquet row
    /// group stays open). To be called after each step for outputs somebody watches.
    ///
    /// # Errors
    /// If they can't be written.
    fn flush(&mut self) -> Result<()>;

    /// Writes what is left, footers included.
    ///
    /// # Errors
    /// If it can't be written; the output is then incomplete.
    fn close(self: Box<Self>) -> Result<()>;
}
