//! Values of a row expression for some rows of a batch, as a column: cheaper than whole columns where
//! rows are few.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryViewBuilder, BooleanArray, PrimitiveArray,
    StringViewBuilder,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{Float32Type, Float64Type, Int32Type, Int64Type};

use super::lower::{Compiled, Eval};
use super::{RowContext, RowExpr, RowRef};
use crate::event::EventBatch;

impl RowExpr {
    /// Its values for `rows` of `batch`, which is row 0 of the expression, in that order.
    pub fn column(
        &self,
        batch: &EventBatch,
        rows: impl ExactSizeIterator<Item = usize>,
    ) -> ArrayRef {
        match &self.compiled {
            Compiled::Int(f) => numbers::<Int32Type>(f, batch, rows),
            Compiled::Long(f) => numbers::<Int64Type>(f, batch, rows),
            Compiled::Float(f) => numbers::<Float32Type>(f, batch, rows),
            Compiled::Double(f) => numbers::<Float64Type>(f, batch, rows),
            Compiled::Test(f) => {
                let bits: BooleanBuffer = rows.map(|row| on(batch, row, |c| f(c))).collect();
                Arc::new(BooleanArray::new(bits, None))
            }
            Compiled::Bool(f) => {
                Arc::new(rows.map(|row| on(batch, row, |c| f(c))).collect::<BooleanArray>())
            }
            Compiled::Str(f) => {
                let mut out = StringViewBuilder::with_capacity(rows.len());
                for row in rows {
                    on(batch, row, |c| out.append_option(f.get(c)));
                }
                Arc::new(out.finish())
            }
            Compiled::Object(f) => {
                let mut out = BinaryViewBuilder::with_capacity(rows.len());
                for row in rows {
                    on(batch, row, |c| out.append_option(f.get(c)));
                }
                Arc::new(out.finish())
            }
        }
    }

    /// Whether it is exactly true for a row of `batch`.
    #[inline]
    pub fn holds(&self, batch: &EventBatch, row: usize) -> bool {
        on(batch, row, |context| self.test(context))
    }
}

#[inline]
fn on<T>(batch: &EventBatch, row: usize, f: impl FnOnce(&RowContext<'_>) -> T) -> T {
    let rows = [RowRef::Batch { batch, row }];
    f(&RowContext { rows: &rows, clock: batch.at[row], order: batch.order[row] })
}

fn numbers<T: ArrowPrimitiveType>(
    f: &Eval<T::Native>,
    batch: &EventBatch,
    rows: impl ExactSizeIterator<Item = usize>,
) -> ArrayRef {
    let mut valid: Option<Vec<bool>> = None;
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        let value = on(batch, row, |c| f(c));
        if value.is_none() && valid.is_none() {
            valid = Some(vec![true; values.len()]);
        }
        if let Some(valid) = &mut valid {
            valid.push(value.is_some());
        }
        values.push(value.unwrap_or_default());
    }
    let nulls = valid.map(NullBuffer::from);
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))
}
