//! Helpers of the tests.

use std::io::Read;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

use super::{RejectedRow, Source};
use crate::event::Value;

/// Text that arrives in pieces of a fixed size.
pub(crate) struct Dribble {
    bytes: Vec<u8>,
    at: usize,
    piece: usize,
}

impl Dribble {
    pub(crate) fn new(text: impl Into<Vec<u8>>, piece: usize) -> Self {
        Self { bytes: text.into(), at: 0, piece }
    }
}

impl Read for Dribble {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.piece.min(into.len()).min(self.bytes.len() - self.at);
        into[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Everything a source gives: rows, event times, rejected rows with `before` counted over all.
pub(crate) struct Everything {
    pub(crate) rows: RecordBatch,
    pub(crate) time: Vec<i64>,
    pub(crate) rejected: Vec<RejectedRow>,
    pub(crate) largest_batch: usize,
}

/// Reads a source to its end.
pub(crate) fn read_all(source: &mut dyn Source, max_rows: usize) -> Everything {
    let (mut batches, mut time, mut rejected) = (vec![], vec![], vec![]);
    let (mut rows, mut largest_batch) = (0, 0);
    while let Some(batch) = source.next(max_rows).expect("readable") {
        let size = batch.rows.num_rows() + batch.rejected.len();
        assert!(size <= max_rows, "{size} rows where at most {max_rows} were asked for");
        assert_eq!(&batch.rows.schema(), source.schema());
        largest_batch = largest_batch.max(size);
        for mut row in batch.rejected {
            assert!(row.before <= batch.rows.num_rows());
            row.before += rows;
            rejected.push(row);
        }
        if let Some(t) = &batch.time {
            assert_eq!(t.len(), batch.rows.num_rows());
            time.extend_from_slice(t);
        }
        rows += batch.rows.num_rows();
        batches.push(batch.rows);
    }
    let rows = concat_batches(source.schema(), &batches).expect("one schema");
    Everything { rows, time, rejected, largest_batch }
}

/// Rows as values.
pub(crate) fn values(rows: &RecordBatch) -> Vec<Vec<Value>> {
    (0..rows.num_rows())
        .map(|r| rows.columns().iter().map(|c| Value::from_array(c.as_ref(), r)).collect())
        .collect()
}

/// Values as rows.
pub(crate) fn batch(schema: &SchemaRef, rows: &[Vec<Value>]) -> RecordBatch {
    let columns: Vec<ArrayRef> = (0..schema.fields().len())
        .map(|c| Value::to_array(schema.field(c).data_type(), rows.iter().map(|r| &r[c])))
        .collect();
    RecordBatch::try_new(schema.clone(), columns).expect("columns fit")
}
