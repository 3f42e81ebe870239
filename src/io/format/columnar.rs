//! Rows from batches that are columns already (Arrow IPC, Parquet): finding, converting and checking
//! the columns, and cutting batches to the size asked for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{filter, filter_record_batch};
use arrow::datatypes::{DataType, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;

use super::cast::Conversion;
use super::parse;
use super::{columns_of, time_slot};
use crate::error::{Error, Result};
use crate::io::{Progress, RejectedRow, Source, SourceBatch};

/// Which columns of a file are wanted, and how they become the stream's.
pub(super) struct Layout {
    schema: SchemaRef,
    /// Indices of the wanted columns in the file, rising.
    projection: Vec<usize>,
    /// For each attribute, its column among the projected ones and how it converts.
    attributes: Vec<(usize, Conversion)>,
    time: Option<(usize, Conversion, String)>,
}

impl Layout {
    /// Finds the columns of a file called `name`.
    ///
    /// # Errors
    /// If one isn't there or its type doesn't convert.
    pub(super) fn new(
        name: &str,
        file: &Schema,
        schema: SchemaRef,
        time: Option<&str>,
    ) -> Result<Self> {
        let names: Vec<String> = file.fields().iter().map(|f| f.name().clone()).collect();
        let mut wanted: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let time = time_slot(&schema, time);
        let attributes = wanted.len();
        wanted.extend(time.iter().filter(|(slot, _)| *slot == attributes).map(|(_, n)| n.clone()));
        let found = columns_of(name, &names, &wanted)?;
        let mut projection = found.clone();
        projection.sort_unstable();
        projection.dedup();
        let at = |slot: usize| projection.partition_point(|p| *p < found[slot]);
        let no_rule = |column: &str, from: &DataType, to: &str| {
            Error::Data(format!("{name}: column `{column}` is {from}, which doesn't become {to}"))
        };
        let attributes = schema.fields().iter().enumerate().map(|(slot, field)| {
            let from = file.field(found[slot]).data_type();
            match Conversion::plan(from, field.data_type()) {
                Some(rule) => Ok((at(slot), rule)),
                None => Err(no_rule(field.name(), from, parse::a_type(field.data_type()))),
            }
        });
        let attributes = attributes.collect::<Result<_>>()?;
        let time = match time {
            None => None,
            Some((slot, column)) => {
                let from = file.field(found[slot]).data_type();
                match Conversion::plan_time(from) {
                    Some(rule) => Some((at(slot), rule, column)),
                    None => return Err(no_rule(&column, from, "an event time")),
                }
            }
        };
        Ok(Self { schema, projection, attributes, time })
    }

    /// Indices of the wanted columns in the file, rising.
    pub(super) fn projection(&self) -> &[usize] {
        &self.projection
    }

    /// Rows of the stream from rows of the file (its projected columns), the first of which is row
    /// `first` of the file.
    fn convert(&self, file: &RecordBatch, first: u64) -> Result<SourceBatch> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.attributes.len());
        let mut bad: Vec<(usize, String)> = vec![];
        let shown = |column: &ArrayRef, row| array_value_to_string(column, row).unwrap_or_default();
        for (field, (at, rule)) in self.schema.fields().iter().zip(&self.attributes) {
            let from = file.column(*at);
            let (column, misfits) = rule.apply(from, field.data_type())?;
            bad.extend(misfits.into_iter().map(|(row, misfit)| {
                (row, misfit.reason(field.name(), &shown(from, row), field.data_type()))
            }));
            columns.push(column);
        }
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        let mut time = None;
        if let Some((at, rule, name)) = &self.time {
            let from = file.column(*at);
            let (times, misfits) = rule.apply(from, &DataType::Int64)?;
            bad.extend(misfits.into_iter().map(|(row, _)| {
                let (text, forms) = (parse::shown(&shown(from, row)), parse::TIME_FORMS);
                (row, format!("`{name}`: `{text}` is no event time; expected {forms}"))
            }));
            let empty = (0..from.len()).filter(|row| from.is_null(*row) && times.is_null(*row));
            bad.extend(empty.map(|row| (row, format!("`{name}` (the event time) is empty"))));
            time = Some(times);
        }
        if bad.is_empty() {
            let time = time.map(|t| t.as_primitive::<Int64Type>().values().clone());
            return Ok(SourceBatch { rows, time, rejected: vec![] });
        }
        reject(file, first, rows, time, bad)
    }
}

/// Takes the bad rows out. Of several faults of a row, the first column's is reported.
fn reject(
    file: &RecordBatch,
    first: u64,
    rows: RecordBatch,
    time: Option<ArrayRef>,
    mut bad: Vec<(usize, String)>,
) -> Result<SourceBatch> {
    bad.sort_by_key(|(row, _)| *row);
    bad.dedup_by_key(|(row, _)| *row);
    let mut good = BooleanBufferBuilder::new(rows.num_rows());
    good.append_n(rows.num_rows(), true);
    let mut rejected = Vec::with_capacity(bad.len());
    for (i, (row, reason)) in bad.into_iter().enumerate() {
        good.set_bit(row, false);
        let text = row_text(file, row);
        rejected.push(RejectedRow::new(first + row as u64, text.as_bytes(), reason, row - i));
    }
    let good = BooleanArray::new(good.finish(), None);
    let time = time.map(|t| filter(&t, &good)).transpose()?;
    Ok(SourceBatch {
        rows: filter_record_batch(&rows, &good)?,
        time: time.map(|t| -> ScalarBuffer<i64> { t.as_primitive::<Int64Type>().values().clone() }),
        rejected,
    })
}

/// A row of a file as text, e.g. `a=1, b=, c=x`.
fn row_text(file: &RecordBatch, row: usize) -> String {
    let cells = file.schema_ref().fields().iter().zip(file.columns()).map(|(field, column)| {
        let value = array_value_to_string(column, row).unwrap_or_default();
        format!("{}={value}", field.name())
    });
    cells.collect::<Vec<_>>().join(", ")
}

/// What progress is measured by.
pub(super) enum Measure {
    /// Bytes read, counted by the reader.
    Bytes(Arc<AtomicU64>),
    /// Rows given, of so many.
    Rows(u64),
}

/// Batches of a file: its projected columns.
pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Rows of a columnar file.
pub(super) struct ColumnarSource {
    name: String,
    layout: Layout,
    batches: Batches,
    /// The batch being handed out, and how much of it was.
    current: Option<(RecordBatch, usize)>,
    rows_given: u64,
    measure: Measure,
    file_bytes: Option<u64>,
}

impl ColumnarSource {
    pub(super) fn new(
        name: String,
        layout: Layout,
        batches: Batches,
        measure: Measure,
        file_bytes: Option<u64>,
    ) -> Self {
        Self { name, layout, batches, current: None, rows_given: 0, measure, file_bytes }
    }
}

impl ColumnarSource {
    fn next_of_file(&mut self) -> Result<Option<RecordBatch>> {
        let next = contained(&self.name, || {
            let broken = |e| Error::Data(format!("{}: {e}", self.name));
            self.batches.next().transpose().map_err(broken)
        });
        if next.is_err() {
            self.batches = Box::new(std::iter::empty());
        }
        next
    }
}

/// Runs Arrow's or Parquet's decoders on the file called `name`. Their answer to some damaged files is
/// a panic, which must not be ours; whatever they were working on is to be dropped then.
pub(super) fn contained<T>(name: &str, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    let damaged = |_| Err(Error::Data(format!("{name}: the file is damaged")));
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(damaged)
}

impl Source for ColumnarSource {
    fn next(&mut self, max_rows: usize) -> Result<Option<SourceBatch>> {
        let (batch, given) = loop {
            match self.current.take() {
                Some((batch, given)) if given < batch.num_rows() => break (batch, given),
                _ => match self.next_of_file()? {
                    None => return Ok(None),
                    Some(batch) => self.current = Some((batch, 0)),
                },
            }
        };
        let count = max_rows.max(1).min(batch.num_rows() - given);
        let slice = batch.slice(given, count);
        self.current = Some((batch, given + count));
        let converted = self.layout.convert(&slice, self.rows_given + 1)?;
        self.rows_given += count as u64;
        Ok(Some(converted))
    }

    fn progress(&self) -> Progress {
        let bytes_read = match (&self.measure, self.file_bytes) {
            (Measure::Bytes(count), _) => count.load(Ordering::Relaxed),
            (Measure::Rows(0), total) => total.unwrap_or(0),
            (Measure::Rows(rows), total) => {
                let bytes = u128::from(total.unwrap_or(0)) * u128::from(self.rows_given);
                // At most `total`, as no more rows are given than there are.
                (bytes / u128::from(*rows)) as u64
            }
        };
        Progress { bytes_read, total: self.file_bytes }
    }

    fn schema(&self) -> &SchemaRef {
        &self.layout.schema
    }
}
