//! Rows of several pieces in one order: the order found by counting, the columns gathered by type.
//!
//! This is where rows are copied, so it is written for speed: a row is a number (piece above, row
//! below), and columns without nulls are read through plain slices.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, UInt32Array};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, SchemaRef};

use super::{Arrivals, Piece, Rows, in_sequence, rows};
use crate::error::Result;

/// Which row of which piece.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place(u64);

impl Place {
    fn new(piece: usize, row: usize) -> Self {
        Self((piece as u64) << 32 | row as u64)
    }

    #[inline]
    fn piece(self) -> usize {
        (self.0 >> 32) as usize
    }

    #[inline]
    fn row(self) -> usize {
        self.0 as u32 as usize
    }
}

/// Whether times between these are counted rather than compared: for event times in ms of rows that
/// wait together, nearly always.
fn countable(least: i64, greatest: i64, rows: usize) -> bool {
    greatest.abs_diff(least) < 4 * rows as u64 + 1024
}

/// Turns counts into the first places of each.
fn starts(counts: &mut [u32]) {
    let mut sum = 0;
    for count in counts {
        sum += std::mem::replace(count, sum);
    }
}

/// The order of `keys`, equal ones as they stand.
pub(super) fn sorted_index(keys: &[i64]) -> Vec<u32> {
    let (least, greatest) =
        keys.iter().fold((i64::MAX, i64::MIN), |(a, b), k| (a.min(*k), b.max(*k)));
    if !countable(least, greatest, keys.len()) {
        let mut pairs: Vec<(i64, u32)> = keys.iter().copied().zip(0..).collect();
        // Stable, and fast where parts are sorted already.
        pairs.sort_by_key(|(key, _)| *key);
        return pairs.into_iter().map(|(_, row)| row).collect();
    }
    let mut next = vec![0u32; greatest.abs_diff(least) as usize + 1];
    keys.iter().for_each(|k| next[k.abs_diff(least) as usize] += 1);
    starts(&mut next);
    let mut index = vec![0u32; keys.len()];
    for (row, key) in keys.iter().enumerate() {
        let next = &mut next[key.abs_diff(least) as usize];
        index[*next as usize] = row as u32;
        *next += 1;
    }
    index
}

/// Calls `f` with the row and key of each place of a piece.
#[inline]
fn each(piece: &Piece<'_>, mut f: impl FnMut(usize, i64)) {
    let keys: &[i64] = &piece.rows.keys;
    match piece.index {
        Some(index) => {
            index[piece.places.clone()].iter().for_each(|r| f(*r as usize, keys[*r as usize]));
        }
        None => piece.places.clone().for_each(|row| f(row, keys[row])),
    }
}

/// The rows of pieces (in order of arrival) in order.
pub(super) fn merged(pieces: &[Piece<'_>]) -> Vec<Place> {
    let n = pieces.iter().map(|p| p.places.len()).sum();
    let (mut least, mut greatest) = (i64::MAX, i64::MIN);
    for piece in pieces {
        each(piece, |_, key| (least, greatest) = (least.min(key), greatest.max(key)));
    }
    if !countable(least, greatest, n) {
        let mut pairs: Vec<(i64, Place)> = Vec::with_capacity(n);
        for (p, piece) in pieces.iter().enumerate() {
            each(piece, |row, key| pairs.push((key, Place::new(p, row))));
        }
        pairs.sort_by_key(|(key, _)| *key);
        return pairs.into_iter().map(|(_, place)| place).collect();
    }
    let mut next = vec![0u32; greatest.abs_diff(least) as usize + 1];
    for piece in pieces {
        each(piece, |_, key| next[key.abs_diff(least) as usize] += 1);
    }
    starts(&mut next);
    let mut order = vec![Place::default(); n];
    for (p, piece) in pieces.iter().enumerate() {
        each(piece, |row, key| {
            let next = &mut next[key.abs_diff(least) as usize];
            order[*next as usize] = Place::new(p, row);
            *next += 1;
        });
    }
    order
}

/// The rows of pieces in an order, or one piece after the other.
pub(super) fn gather(
    schema: &SchemaRef,
    pieces: &[Piece<'_>],
    order: Option<Vec<Place>>,
    arrivals: bool,
) -> Result<Rows> {
    let order = match order {
        None if pieces.iter().all(|p| p.index.is_none()) => {
            return in_sequence(schema, pieces, arrivals);
        }
        None => {
            let mut order = Vec::with_capacity(pieces.iter().map(|p| p.places.len()).sum());
            for (p, piece) in pieces.iter().enumerate() {
                each(piece, |row, _| order.push(Place::new(p, row)));
            }
            order
        }
        Some(order) => order,
    };
    let mut by_kernel = None;
    let columns = (0..schema.fields().len())
        .map(|c| {
            let arrays: Vec<&dyn Array> =
                pieces.iter().map(|p| p.rows.columns.column(c).as_ref()).collect();
            column(&arrays, &order, &mut by_kernel)
        })
        .collect::<Result<Vec<_>>>()?;
    let ts = picked(pieces, &order, |r| &r.ts);
    let chunked = pieces.iter().any(|p| p.rows.chunked());
    let keys = if chunked { picked(pieces, &order, |r| &r.keys) } else { ts.clone() };
    let of = |p: &Place| pieces[p.piece()].rows.arrivals.of(p.row());
    let arrivals = match arrivals || chunked {
        true => Arrivals::Each(order.iter().map(of).collect()),
        false => Arrivals::From(0),
    };
    rows(schema, columns, order.len(), ts, keys, arrivals)
}

fn picked(
    pieces: &[Piece<'_>],
    order: &[Place],
    of: fn(&Rows) -> &ScalarBuffer<i64>,
) -> ScalarBuffer<i64> {
    let slices: Vec<&[i64]> = pieces.iter().map(|p| -> &[i64] { of(p.rows) }).collect();
    order.iter().map(|p| slices[p.piece()][p.row()]).collect::<Vec<i64>>().into()
}

/// Orders as Arrow's kernels take them, made when a column first needs it.
enum Kernel {
    Take(UInt32Array),
    Interleave(Vec<(usize, usize)>),
}

fn column(
    arrays: &[&dyn Array],
    order: &[Place],
    by_kernel: &mut Option<Kernel>,
) -> Result<ArrayRef> {
    if arrays.iter().all(|a| a.null_count() == 0) {
        match arrays.first().map(|a| a.data_type()) {
            Some(DataType::Int64) => return Ok(primitive::<Int64Type>(arrays, order)),
            Some(DataType::Float64) => return Ok(primitive::<Float64Type>(arrays, order)),
            Some(DataType::Int32) => return Ok(primitive::<Int32Type>(arrays, order)),
            Some(DataType::Float32) => return Ok(primitive::<Float32Type>(arrays, order)),
            _ => {}
        }
    }
    let kernel = by_kernel.get_or_insert_with(|| match arrays {
        [_] => Kernel::Take(order.iter().map(|p| p.row() as u32).collect::<Vec<u32>>().into()),
        _ => Kernel::Interleave(order.iter().map(|p| (p.piece(), p.row())).collect()),
    });
    Ok(match kernel {
        Kernel::Take(rows) => take(arrays[0], rows, None)?,
        Kernel::Interleave(places) => interleave(arrays, places)?,
    })
}

fn primitive<T: ArrowPrimitiveType>(arrays: &[&dyn Array], order: &[Place]) -> ArrayRef {
    let slices: Vec<&[T::Native]> =
        arrays.iter().map(|a| -> &[T::Native] { a.as_primitive::<T>().values() }).collect();
    let values: Vec<T::Native> = order.iter().map(|p| slices[p.piece()][p.row()]).collect();
    Arc::new(PrimitiveArray::<T>::new(values.into(), None))
}
