//! What the shards' queries put out, in the order in which one would have put it out.
//!
//! An event is in one shard, and events cause all results: rows of one `order` come from one shard,
//! in their own order. Where a query puts out a row for every row it is given (the shards' batches
//! then have the very stamps they were handed), results stand where their rows stood, and columns
//! that were only handed through are the entry's own.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch};
use arrow::array::{ArrowNativeTypeOp, RecordBatchOptions};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};

use super::exchange::{Share, Split};
use crate::error::Result;
use crate::event::{EventBatch, merge as by_order};
use crate::plan::shards::Late;

/// One shard's part of a query's output.
pub(super) struct Output<'a> {
    /// By entry, the rows it was given.
    pub shares: &'a [Option<Share>],
    /// By entry, those rows as it was given them.
    pub gathered: &'a [Option<EventBatch>],
    pub out: Option<EventBatch>,
}

/// The query's output.
pub(super) fn merge(
    split: &Split,
    mut parts: Vec<Output<'_>>,
    late: Late,
) -> Result<Option<EventBatch>> {
    parts.retain(|p| p.out.as_ref().is_some_and(|b| b.rows() > 0) || has_rows(p));
    if let Some(merged) = in_place(split, &parts)? {
        return Ok(Some(merged));
    }
    let mut outs: Vec<EventBatch> = parts.into_iter().filter_map(|p| p.out).collect();
    outs.retain(|b| b.rows() > 0);
    for out in &mut outs {
        // Partition keys are numbered in each shard by itself.
        out.keys = None;
        out.resets.clear();
        if let (Late::Raised, [Some(entry)]) = (late, split.whole.as_slice()) {
            own_times(entry, out);
        }
    }
    let Some(schema) = outs.first().map(|b| b.columns.schema()) else { return Ok(None) };
    by_order(&schema, outs)
}

fn has_rows(part: &Output<'_>) -> bool {
    part.shares.iter().any(Option::is_some)
}

/// Results get the times of the rows that caused them.
fn own_times(entry: &EventBatch, out: &mut EventBatch) {
    let mut row = 0;
    let times = out.order.iter().zip(out.ts.iter()).map(|(order, ts)| {
        while row + 1 < entry.rows() && entry.order[row] < *order {
            row += 1;
        }
        if entry.order[row] == *order { entry.ts[row] } else { *ts }
    });
    out.ts = times.collect::<Vec<i64>>().into();
}

/// The output, if each row of the only entry with rows gave one row.
fn in_place(split: &Split, parts: &[Output<'_>]) -> Result<Option<EventBatch>> {
    let mut with_rows = split.whole.iter().enumerate().filter(|(_, b)| b.is_some());
    let (Some((e, Some(entry))), None) = (with_rows.next(), with_rows.next()) else {
        return Ok(None);
    };
    let mut pieces = Vec::with_capacity(parts.len());
    let mut rows = 0;
    for part in parts {
        let (Some(share), Some(given), Some(out)) = (&part.shares[e], &part.gathered[e], &part.out)
        else {
            return Ok(None);
        };
        let whole = share.rows.len() == out.rows()
            && out.order.ptr_eq(&given.order)
            && out.ts.ptr_eq(&given.ts)
            && out.at.ptr_eq(&given.at)
            && out.kinds.is_none()
            && out.chunks.is_none();
        if !whole {
            return Ok(None);
        }
        rows += out.rows();
        pieces.push(Piece { rows: &share.rows, given, out });
    }
    if rows != entry.rows() || pieces.is_empty() {
        return Ok(None);
    }
    let schema = pieces[0].out.columns.schema();
    let mut scatter = Scatter { pieces: &pieces, rows, indices: None };
    let columns: Vec<ArrayRef> = (0..schema.fields().len())
        .map(|c| match scatter.handed_through(c) {
            Some(given) => Ok(Arc::clone(entry.columns.column(given))),
            None => scatter.column(c),
        })
        .collect::<Result<_>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let columns = RecordBatch::try_new_with_options(schema, columns, &options)?;
    let (ts, at, order) = (entry.ts.clone(), entry.at.clone(), entry.order.clone());
    Ok(Some(EventBatch::new(columns, ts, at, order)))
}

/// One shard's results, and where they stand among all.
struct Piece<'a> {
    rows: &'a [u32],
    given: &'a EventBatch,
    out: &'a EventBatch,
}

struct Scatter<'a> {
    pieces: &'a [Piece<'a>],
    rows: usize,
    /// By row, its piece and its place there.
    indices: Option<Vec<(usize, usize)>>,
}

impl Scatter<'_> {
    /// The column of the entry that output column `c` is.
    fn handed_through(&self, c: usize) -> Option<usize> {
        let of = |p: &Piece<'_>| {
            let out = p.out.columns.column(c);
            p.given.columns.columns().iter().position(|g| Arc::ptr_eq(g, out))
        };
        let first = self.pieces.first().and_then(of)?;
        self.pieces.iter().all(|p| of(p) == Some(first)).then_some(first)
    }

    fn column(&mut self, c: usize) -> Result<ArrayRef> {
        let nulls = self.pieces.iter().any(|p| p.out.columns.column(c).null_count() > 0);
        match self.pieces[0].out.columns.column(c).data_type() {
            DataType::Float64 if !nulls => return Ok(self.numbers::<Float64Type>(c)),
            DataType::Float32 if !nulls => return Ok(self.numbers::<Float32Type>(c)),
            DataType::Int64 if !nulls => return Ok(self.numbers::<Int64Type>(c)),
            DataType::Int32 if !nulls => return Ok(self.numbers::<Int32Type>(c)),
            _ => {}
        }
        let (pieces, rows) = (self.pieces, self.rows);
        let indices = self.indices.get_or_insert_with(|| {
            let mut indices = vec![(0, 0); rows];
            for (i, piece) in pieces.iter().enumerate() {
                let places = piece.rows.iter().enumerate();
                places.for_each(|(place, row)| indices[*row as usize] = (i, place));
            }
            indices
        });
        let arrays: Vec<&dyn Array> =
            pieces.iter().map(|p| p.out.columns.column(c).as_ref()).collect();
        Ok(interleave(&arrays, indices)?)
    }

    fn numbers<T: ArrowPrimitiveType>(&self, c: usize) -> ArrayRef {
        let mut values = vec![T::Native::ZERO; self.rows];
        for piece in self.pieces {
            let array = piece.out.columns.column(c).as_primitive::<T>();
            for (row, value) in piece.rows.iter().zip(array.values()) {
                values[*row as usize] = *value;
            }
        }
        Arc::new(PrimitiveArray::<T>::new(values.into(), None))
    }
}
