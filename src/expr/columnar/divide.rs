//! Division and remainder: a zero divisor gives null for every type, never an error or an infinity.

use std::sync::Arc;

use arrow::array::{Array, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, exec_err};
use datafusion_expr::ColumnarValue;

use crate::expr::rules::Number;

use super::compare::{Numeric, Side};
use super::lower::null;

/// `left / right` or (if `modulo`) `left % right` for two values of type `ty`.
pub(super) fn divide(
    modulo: bool,
    ty: &DataType,
    left: &ColumnarValue,
    right: &ColumnarValue,
) -> Result<ColumnarValue> {
    match ty {
        DataType::Int32 => numbers::<i32>(modulo, ty, left, right),
        DataType::Int64 => numbers::<i64>(modulo, ty, left, right),
        DataType::Float32 => numbers::<f32>(modulo, ty, left, right),
        DataType::Float64 => numbers::<f64>(modulo, ty, left, right),
        other => exec_err!("{other} can't be divided"),
    }
}

fn numbers<T: Numeric>(
    modulo: bool,
    ty: &DataType,
    left: &ColumnarValue,
    right: &ColumnarValue,
) -> Result<ColumnarValue> {
    let (left, right) = (Side::<T>::of(left)?, Side::<T>::of(right)?);
    Ok(if modulo { apply(left, right, ty, T::rem)? } else { apply(left, right, ty, T::div)? })
}

fn apply<T: Numeric>(
    left: Side<'_, T>,
    right: Side<'_, T>,
    ty: &DataType,
    op: impl Fn(T, T) -> Option<T> + Copy,
) -> Result<ColumnarValue> {
    let array = |a: PrimitiveArray<T::Arrow>| ColumnarValue::Array(Arc::new(a));
    Ok(match (left, right) {
        (Side::Same(None), _) | (_, Side::Same(None)) => ColumnarValue::Scalar(null(ty)),
        (Side::Same(Some(l)), Side::Same(Some(r))) => {
            let one = PrimitiveArray::<T::Arrow>::from_iter([op(l, r)]);
            ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?)
        }
        (Side::Array(l), Side::Same(Some(r))) => match op(T::default(), r) {
            None => ColumnarValue::Scalar(null(ty)),
            // The divisor is not zero, so there is a quotient for every dividend.
            Some(_) => array(l.unary(|l| op(l, r).unwrap_or_default())),
        },
        (Side::Same(Some(l)), Side::Array(r)) => {
            let (values, defined) = quotients(r.values().iter().map(|r| op(l, *r)));
            array(PrimitiveArray::new(
                values.into(),
                NullBuffer::union(r.nulls(), defined.as_ref()),
            ))
        }
        (Side::Array(l), Side::Array(r)) => {
            let pairs = l.values().iter().zip(r.values().iter());
            let (values, defined) = quotients(pairs.map(|(l, r)| op(*l, *r)));
            let nulls = NullBuffer::union(l.nulls(), r.nulls());
            let nulls = NullBuffer::union(nulls.as_ref(), defined.as_ref());
            array(PrimitiveArray::new(values.into(), nulls))
        }
    })
}

/// The values with a default where there is none, and (if there are any such) where they are.
fn quotients<T: Number>(
    results: impl ExactSizeIterator<Item = Option<T>>,
) -> (Vec<T>, Option<NullBuffer>) {
    let mut values = Vec::with_capacity(results.len());
    let mut undefined = vec![];
    for (row, result) in results.enumerate() {
        if result.is_none() {
            undefined.push(row);
        }
        values.push(result.unwrap_or_default());
    }
    if undefined.is_empty() {
        return (values, None);
    }
    let mut valid = vec![true; values.len()];
    undefined.into_iter().for_each(|row| valid[row] = false);
    (values, Some(NullBuffer::from(valid)))
}
