//! `order by`, `offset` and `limit`, chunk by chunk.
//!
//! Nulls are last whatever the direction; strings are compared by UTF-16 code unit and floats by
//! Java's total order (-0.0 before 0.0, NaN above all); objects by their encoded bytes. The sort is
//! stable, and runs of current and of expired rows are sorted each by itself.

use std::cmp::Ordering;
use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, Float32Array, Float64Array,
    Int32Array, Int64Array, StringViewArray,
};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};

use super::pick::Picked;
use super::project::gather;
use crate::error::{Error, Result};
use crate::event::{Chunks, EventBatch};
use crate::plan::spec::{OrderKey, SelectSpec};

/// Sorts and cuts chunks.
pub(super) struct Arrange {
    order: Vec<OrderKey>,
    offset: usize,
    limit: usize,
}

/// Rows as they leave.
pub(super) struct Sorted {
    pub(super) rows: Vec<u32>,
    pub(super) offsets: Option<Vec<u32>>,
}

impl Arrange {
    pub(super) fn new(order: &[OrderKey], offset: Option<u64>, limit: Option<u64>) -> Self {
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Self {
            order: order.to_vec(),
            offset: size(offset.unwrap_or(0)),
            limit: limit.map_or(usize::MAX, size),
        }
    }

    fn cuts(&self) -> bool {
        self.offset > 0 || self.limit < usize::MAX
    }

    /// Whether it reads values of columns.
    pub(super) fn sorts(&self) -> bool {
        !self.order.is_empty()
    }

    /// The part of a sorted chunk that leaves.
    fn window(&self, chunk: Range<usize>) -> Range<usize> {
        let from = chunk.start.saturating_add(self.offset).min(chunk.end);
        from..from.saturating_add(self.limit).min(chunk.end)
    }

    /// Applies `offset` and `limit` before projection, where no order has to be found first; `rows` is
    /// the number of rows before the pick. None if nothing is left.
    pub(super) fn cut(&self, picked: Picked, rows: usize) -> Option<Picked> {
        if !self.cuts() {
            return Some(picked);
        }
        let Some(offsets) = &picked.offsets else {
            // Chunks of one row: all or nothing.
            return (self.offset == 0 && self.limit > 0).then_some(picked);
        };
        if !self.order.is_empty() {
            return Some(picked);
        }
        let all;
        let picks = match &picked.rows {
            Some(rows) => rows,
            None => {
                all = (0..rows as u32).collect();
                &all
            }
        };
        let (mut rows, mut cut) = (Vec::new(), vec![0]);
        for chunk in offsets.windows(2) {
            let window = self.window(chunk[0] as usize..chunk[1] as usize);
            if !window.is_empty() {
                rows.extend_from_slice(&picks[window]);
                cut.push(rows.len() as u32);
            }
        }
        (!rows.is_empty()).then_some(Picked { rows: Some(rows), offsets: Some(cut) })
    }

    /// Sorts the chunks of the output, and cuts them. None if all stays as it is.
    pub(super) fn sort(&self, out: &EventBatch, offsets: Option<&[u32]>) -> Result<Option<Sorted>> {
        let Some(offsets) = offsets.filter(|_| !self.order.is_empty()) else { return Ok(None) };
        let columns = self
            .order
            .iter()
            .map(|k| Ok((SortColumn::new(out.columns.column(k.column))?, k.descending)))
            .collect::<Result<Vec<_>>>()?;
        let mut order: Vec<u32> = (0..out.rows() as u32).collect();
        let (mut rows, mut cut) = (Vec::with_capacity(order.len()), vec![0]);
        for chunk in offsets.windows(2) {
            let chunk = chunk[0] as usize..chunk[1] as usize;
            for run in runs_of_kind(out, chunk.clone()) {
                order[run].sort_by(|a, b| compare(&columns, *a as usize, *b as usize));
            }
            let window = self.window(chunk);
            if !window.is_empty() {
                rows.extend_from_slice(&order[window]);
                cut.push(rows.len() as u32);
            }
        }
        Ok(Some(Sorted { rows, offsets: Some(cut) }))
    }
}

/// `order by`, `offset` and `limit` for rows that are put together behind the selector.
pub(in crate::op) struct Arranger(Arrange);

impl Arranger {
    /// Those of a selection; none if it has none.
    pub(in crate::op) fn new(spec: &SelectSpec) -> Option<Self> {
        let arrange = Arrange::new(&spec.order_by, spec.offset, spec.limit);
        (arrange.cuts() || !arrange.order.is_empty()).then_some(Self(arrange))
    }

    /// Sorts and cuts each chunk.
    pub(in crate::op) fn arrange(&self, batch: EventBatch) -> Result<EventBatch> {
        let offsets = match &batch.chunks {
            Some(chunks) => chunks.offsets().to_vec(),
            None => (0..=batch.rows() as u32).collect(),
        };
        let (rows, offsets) = match self.0.sort(&batch, Some(&offsets))? {
            Some(sorted) => (sorted.rows, sorted.offsets),
            None => {
                let all = Picked { rows: None, offsets: Some(offsets) };
                let cut = self.0.cut(all, batch.rows());
                cut.map_or((vec![], None), |p| (p.rows.unwrap_or_default(), p.offsets))
            }
        };
        let mut out = gather(&batch, &rows)?;
        out.chunks = offsets.filter(|o| o.len() != out.rows() + 1).map(Chunks::new);
        Ok(out)
    }
}

/// Cuts a chunk where the kind changes.
fn runs_of_kind(out: &EventBatch, chunk: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut from = chunk.start;
    std::iter::from_fn(move || {
        if from >= chunk.end {
            return None;
        }
        let kind = out.kind(from);
        let to = (from + 1..chunk.end).find(|r| out.kind(*r) != kind).unwrap_or(chunk.end);
        Some(std::mem::replace(&mut from, to)..to)
    })
}

fn compare(columns: &[(SortColumn<'_>, bool)], a: usize, b: usize) -> Ordering {
    for (column, descending) in columns {
        let (null_a, null_b) = (column.is_null(a), column.is_null(b));
        let ordering = match (null_a, null_b) {
            (false, false) if *descending => column.compare(b, a),
            (false, false) => column.compare(a, b),
            _ => null_a.cmp(&null_b),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

/// A column of one of the engine's types.
enum SortColumn<'a> {
    Int(&'a Int32Array),
    Long(&'a Int64Array),
    Float(&'a Float32Array),
    Double(&'a Float64Array),
    Bool(&'a BooleanArray),
    String(&'a StringViewArray),
    Object(&'a BinaryViewArray),
}

impl<'a> SortColumn<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Int32 => SortColumn::Int(array.as_primitive::<Int32Type>()),
            DataType::Int64 => SortColumn::Long(array.as_primitive::<Int64Type>()),
            DataType::Float32 => SortColumn::Float(array.as_primitive::<Float32Type>()),
            DataType::Float64 => SortColumn::Double(array.as_primitive::<Float64Type>()),
            DataType::Boolean => SortColumn::Bool(array.as_boolean()),
            DataType::Utf8View => SortColumn::String(array.as_string_view()),
            DataType::BinaryView => SortColumn::Object(array.as_binary_view()),
            other => return Err(Error::Data(format!("can't order by values of type {other}"))),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            SortColumn::Int(a) => a.is_null(row),
            SortColumn::Long(a) => a.is_null(row),
            SortColumn::Float(a) => a.is_null(row),
            SortColumn::Double(a) => a.is_null(row),
            SortColumn::Bool(a) => a.is_null(row),
            SortColumn::String(a) => a.is_null(row),
            SortColumn::Object(a) => a.is_null(row),
        }
    }

    /// Of two values that are there.
    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            SortColumn::Int(v) => v.value(a).cmp(&v.value(b)),
            SortColumn::Long(v) => v.value(a).cmp(&v.value(b)),
            SortColumn::Float(v) => doubles(v.value(a).into(), v.value(b).into()),
            SortColumn::Double(v) => doubles(v.value(a), v.value(b)),
            SortColumn::Bool(v) => v.value(a).cmp(&v.value(b)),
            SortColumn::String(v) => v.value(a).encode_utf16().cmp(v.value(b).encode_utf16()),
            SortColumn::Object(v) => v.value(a).cmp(v.value(b)),
        }
    }
}

/// All NaNs are one, above everything.
fn doubles(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => a.total_cmp(&b),
        (a, b) => a.cmp(&b),
    }
}
