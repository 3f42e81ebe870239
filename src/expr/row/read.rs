//! Reading a column of one of the rows.

use arrow::array::{
    Array, AsArray, BinaryViewArray, BooleanArray, PrimitiveArray, StringViewArray,
};

use super::{RowContext, RowRef};
use crate::event::{Slot, StoreColumn, coded};
use crate::expr::rules::Number;
use crate::expr::tree::ColumnRef;

/// A fixed-size type that columns hold.
pub(super) trait Cell: Copy + Send + Sync + 'static {
    /// The column's values in `row` of a batch's array.
    fn in_array(array: &dyn Array, row: usize) -> Option<Self>;
    /// The column's value in `slot` of a store.
    fn in_store(column: &StoreColumn, slot: Slot) -> Option<Self>;
}

#[inline]
fn in_primitive<T: Number>(array: &dyn Array, row: usize) -> Option<T> {
    let array = array.as_any().downcast_ref::<PrimitiveArray<T::Arrow>>()?;
    array.is_valid(row).then(|| array.value(row))
}

#[inline]
fn in_slot<T: Copy>(values: &[T], valid: &[bool], slot: Slot) -> Option<T> {
    match valid.get(slot as usize) {
        Some(true) => values.get(slot as usize).copied(),
        _ => None,
    }
}

macro_rules! cell {
    ($t:ty, $variant:ident) => {
        impl Cell for $t {
            #[inline]
            fn in_array(array: &dyn Array, row: usize) -> Option<Self> {
                in_primitive::<$t>(array, row)
            }
            #[inline]
            fn in_store(column: &StoreColumn, slot: Slot) -> Option<Self> {
                match column {
                    StoreColumn::$variant { values, valid } => in_slot(values, valid, slot),
                    _ => None,
                }
            }
        }
    };
}

cell!(i32, Int);
cell!(i64, Long);
cell!(f32, Float);
cell!(f64, Double);

impl Cell for bool {
    #[inline]
    fn in_array(array: &dyn Array, row: usize) -> Option<Self> {
        let array = array.as_any().downcast_ref::<BooleanArray>()?;
        array.is_valid(row).then(|| array.value(row))
    }
    #[inline]
    fn in_store(column: &StoreColumn, slot: Slot) -> Option<Self> {
        match column {
            StoreColumn::Bool { values, valid } => in_slot(values, valid, slot),
            _ => None,
        }
    }
}

/// A column's value; none if it is null, or its row is missing, or it has another type.
#[inline]
pub(super) fn cell<T: Cell>(context: &RowContext<'_>, c: ColumnRef) -> Option<T> {
    match *context.rows.get(c.source as usize)? {
        RowRef::Missing => None,
        RowRef::Batch { batch, row } => {
            T::in_array(batch.columns.columns().get(c.column as usize)?.as_ref(), row)
        }
        RowRef::Stored { store, slot } => T::in_store(store.column(c.column as usize), slot),
    }
}

/// A column's text, borrowed from the row.
#[inline]
pub(super) fn text<'a>(context: &RowContext<'a>, c: ColumnRef) -> Option<&'a str> {
    match *context.rows.get(c.source as usize)? {
        RowRef::Missing => None,
        RowRef::Batch { batch, row } => {
            let array = batch.columns.columns().get(c.column as usize)?;
            if let Some(array) = array.as_any().downcast_ref::<StringViewArray>() {
                return array.is_valid(row).then(|| array.value(row));
            }
            let (codes, texts) = coded(array.as_ref())?;
            codes.is_valid(row).then(|| texts.value(codes.value(row) as usize))
        }
        RowRef::Stored { store, slot } => match store.column(c.column as usize) {
            StoreColumn::Str(values) => values.get(slot as usize)?.as_deref(),
            _ => None,
        },
    }
}

/// A column's encoded object, borrowed from the row.
pub(super) fn bytes<'a>(context: &RowContext<'a>, c: ColumnRef) -> Option<&'a [u8]> {
    match *context.rows.get(c.source as usize)? {
        RowRef::Missing => None,
        RowRef::Batch { batch, row } => {
            let array = batch.columns.columns().get(c.column as usize)?;
            let array: &BinaryViewArray = array.as_binary_view_opt()?;
            array.is_valid(row).then(|| array.value(row))
        }
        RowRef::Stored { store, slot } => match store.column(c.column as usize) {
            StoreColumn::Object(values) => values.get(slot as usize)?.as_deref(),
            _ => None,
        },
    }
}
