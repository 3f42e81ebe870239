//! Comparison of two values of one type: never null, Java's rules for `NaN` and zeros (Arrow's
//! comparison kernels have a total order of floats instead).

use std::sync::Arc;

use arrow::array::builder::make_view;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Datum, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::kernels::cmp;
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, exec_err};
use datafusion_expr::ColumnarValue;

use crate::expr::rules::{Number, comparison_of_null, exchanged};
use crate::lang::ast::BinaryOp;

/// `left op right` for two values of one type.
pub(super) fn compare(
    op: BinaryOp,
    left: &ColumnarValue,
    right: &ColumnarValue,
) -> Result<ColumnarValue> {
    if let (ColumnarValue::Scalar(l), ColumnarValue::Scalar(r)) = (left, right) {
        let left = ColumnarValue::Array(l.to_array()?);
        let one = arrays(op, &left, &ColumnarValue::Scalar(r.clone()))?;
        return Ok(match one {
            ColumnarValue::Array(a) => ColumnarValue::Scalar(ScalarValue::try_from_array(&a, 0)?),
            scalar => scalar,
        });
    }
    arrays(op, left, right)
}

fn arrays(op: BinaryOp, left: &ColumnarValue, right: &ColumnarValue) -> Result<ColumnarValue> {
    match left.data_type() {
        DataType::Int32 => numbers::<i32>(op, left, right),
        DataType::Int64 => numbers::<i64>(op, left, right),
        DataType::Float32 => numbers::<f32>(op, left, right),
        DataType::Float64 => numbers::<f64>(op, left, right),
        _ => others(op, left, right),
    }
}

/// A number that scalars hold.
pub(super) trait Numeric: Number {
    /// The value, which may be null; none if the scalar is of another type.
    fn of_scalar(scalar: &ScalarValue) -> Option<Option<Self>>;
}

macro_rules! numeric {
    ($t:ty, $variant:ident) => {
        impl Numeric for $t {
            fn of_scalar(scalar: &ScalarValue) -> Option<Option<Self>> {
                match scalar {
                    ScalarValue::$variant(v) => Some(*v),
                    _ => None,
                }
            }
        }
    };
}

numeric!(i32, Int32);
numeric!(i64, Int64);
numeric!(f32, Float32);
numeric!(f64, Float64);

/// One side of an operation on numbers.
pub(super) enum Side<'a, T: Numeric> {
    Array(&'a PrimitiveArray<T::Arrow>),
    /// The same for every row.
    Same(Option<T>),
}

impl<'a, T: Numeric> Side<'a, T> {
    pub(super) fn of(value: &'a ColumnarValue) -> Result<Self> {
        match value {
            ColumnarValue::Array(a) => match a.as_primitive_opt::<T::Arrow>() {
                Some(a) => Ok(Side::Array(a)),
                None => exec_err!("unexpected operand of type {}", a.data_type()),
            },
            ColumnarValue::Scalar(s) => match T::of_scalar(s) {
                Some(same) => Ok(Side::Same(same)),
                None => exec_err!("unexpected operand of type {}", s.data_type()),
            },
        }
    }
}

fn numbers<T: Numeric>(
    op: BinaryOp,
    left: &ColumnarValue,
    right: &ColumnarValue,
) -> Result<ColumnarValue> {
    Ok(match (Side::<T>::of(left)?, Side::<T>::of(right)?) {
        (Side::Array(l), Side::Array(r)) => {
            let bits = with_operator(op, TwoArrays(l.values(), r.values()));
            settle(op, bits, NullBuffer::union(l.nulls(), r.nulls()))
        }
        (Side::Array(l), Side::Same(Some(r))) => {
            settle(op, with_operator(op, ArrayAndOne(l.values(), r)), l.nulls().cloned())
        }
        (Side::Same(Some(l)), Side::Array(r)) => {
            let op = exchanged(op);
            settle(op, with_operator(op, ArrayAndOne(r.values(), l)), r.nulls().cloned())
        }
        _ => ColumnarValue::Scalar(ScalarValue::Boolean(Some(comparison_of_null(op)))),
    })
}

/// A loop that is compiled once per operator, with the operator inlined.
trait Loop<T> {
    fn run(self, test: impl Fn(T, T) -> bool) -> BooleanBuffer;
}

fn with_operator<T: PartialOrd>(op: BinaryOp, l: impl Loop<T>) -> BooleanBuffer {
    match op {
        BinaryOp::Eq => l.run(|a, b| a == b),
        BinaryOp::NotEq => l.run(|a, b| a != b),
        BinaryOp::Lt => l.run(|a, b| a < b),
        BinaryOp::LtEq => l.run(|a, b| a <= b),
        BinaryOp::Gt => l.run(|a, b| a > b),
        BinaryOp::GtEq => l.run(|a, b| a >= b),
        _ => l.run(|_, _| false),
    }
}

struct TwoArrays<'a, T>(&'a [T], &'a [T]);

impl<T: Copy> Loop<T> for TwoArrays<'_, T> {
    fn run(self, test: impl Fn(T, T) -> bool) -> BooleanBuffer {
        let words = self.0.chunks(64).zip(self.1.chunks(64)).map(|(a, b)| {
            let bits = a.iter().zip(b).enumerate();
            bits.fold(0u64, |word, (i, (a, b))| word | (u64::from(test(*a, *b)) << i))
        });
        pack(words, self.0.len().min(self.1.len()))
    }
}

struct ArrayAndOne<'a, T>(&'a [T], T);

impl<T: Copy> Loop<T> for ArrayAndOne<'_, T> {
    fn run(self, test: impl Fn(T, T) -> bool) -> BooleanBuffer {
        let words = self.0.chunks(64).map(|a| {
            let bits = a.iter().enumerate();
            bits.fold(0u64, |word, (i, a)| word | (u64::from(test(*a, self.1)) << i))
        });
        pack(words, self.0.len())
    }
}

fn pack(words: impl Iterator<Item = u64>, len: usize) -> BooleanBuffer {
    // Bits are numbered from the least significant one of the first byte.
    let words: Vec<u64> = words.map(u64::to_le).collect();
    BooleanBuffer::new(Buffer::from_vec(words), 0, len)
}

/// The comparison's answer where an operand is null.
fn settle(op: BinaryOp, bits: BooleanBuffer, nulls: Option<NullBuffer>) -> ColumnarValue {
    let bits = match nulls {
        Some(n) if n.null_count() > 0 && comparison_of_null(op) => &bits | &!n.inner(),
        Some(n) if n.null_count() > 0 => &bits & n.inner(),
        _ => bits,
    };
    ColumnarValue::Array(Arc::new(BooleanArray::new(bits, None)))
}

/// Strings up to this length are part of their view: equal views, equal strings.
const IN_VIEW: usize = 12;

/// Equality with a short literal, by comparing views.
fn short_text(op: BinaryOp, left: &ColumnarValue, right: &ColumnarValue) -> Option<ColumnarValue> {
    let (array, literal) = match (left, right) {
        (ColumnarValue::Array(a), ColumnarValue::Scalar(ScalarValue::Utf8View(Some(s))))
        | (ColumnarValue::Scalar(ScalarValue::Utf8View(Some(s))), ColumnarValue::Array(a)) => {
            (a.as_string_view_opt()?, s)
        }
        _ => return None,
    };
    if literal.len() > IN_VIEW || !matches!(op, BinaryOp::Eq | BinaryOp::NotEq) {
        return None;
    }
    let view = make_view(literal.as_bytes(), 0, 0);
    let bits = with_operator(op, ArrayAndOne(array.views(), view));
    Some(settle(op, bits, array.nulls().cloned()))
}

/// Strings and bools: Arrow's kernels compare them as Java does.
fn others(op: BinaryOp, left: &ColumnarValue, right: &ColumnarValue) -> Result<ColumnarValue> {
    let kernel: fn(&dyn Datum, &dyn Datum) -> _ = match op {
        BinaryOp::Eq => cmp::eq,
        BinaryOp::NotEq => cmp::neq,
        BinaryOp::Lt => cmp::lt,
        BinaryOp::LtEq => cmp::lt_eq,
        BinaryOp::Gt => cmp::gt,
        BinaryOp::GtEq => cmp::gt_eq,
        other => return exec_err!("{other} is no comparison"),
    };
    if let Some(done) = short_text(op, left, right) {
        return Ok(done);
    }
    let scalar = |s: &ScalarValue| s.to_scalar();
    let compared: BooleanArray = match (left, right) {
        (ColumnarValue::Array(l), ColumnarValue::Array(r)) => kernel(l, r)?,
        (ColumnarValue::Array(l), ColumnarValue::Scalar(r)) => kernel(l, &scalar(r)?)?,
        (ColumnarValue::Scalar(l), ColumnarValue::Array(r)) => kernel(&scalar(l)?, r)?,
        (ColumnarValue::Scalar(l), ColumnarValue::Scalar(r)) => {
            kernel(&(l.to_array()? as ArrayRef), &scalar(r)?)?
        }
    };
    let (bits, nulls) = compared.into_parts();
    Ok(settle(op, bits, nulls))
}
