//! `maximum` and `minimum` of the arguments of one row.
//!
//! Nulls are skipped; all null gives null. `NaN` is skipped unless there is nothing else. Of equal
//! values the first counts. (Siddhi's `maximum` starts from the smallest positive double and computes
//! in doubles; neither is kept.)

use std::sync::Arc;

use arrow::array::{Array, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use datafusion_expr::ColumnarValue;

use super::{Arg, Calls, Eval, FunctionSpec, Kernel, Scalar, Site, no_overload, type_list};
use crate::error::Result;
use crate::expr::rules::Number;
use crate::expr::types::is_numeric;
use crate::lang::ast::AttrType;

/// `maximum(a, b, …)`.
pub static MAXIMUM: FunctionSpec = FunctionSpec {
    name: "maximum",
    namespace: None,
    signature: "maximum(a T, b T, ...) -> T, T: int|long|float|double",
    doc: "The largest argument; null arguments are skipped, all null gives null. All arguments have \
          one numeric type. `maximum(*)` takes all attributes.",
    example: "define stream Trades (open double, close double);\n\
              from Trades select maximum(open, close) as high insert into Out;",
    returns: |args| common_type("maximum", args),
    volatile: false,
    eval: Eval::Calls(Calls { kernel: kernel::<true>, columns: Some(columns::<true>) }),
};

/// `minimum(a, b, …)`.
pub static MINIMUM: FunctionSpec = FunctionSpec {
    name: "minimum",
    namespace: None,
    signature: "minimum(a T, b T, ...) -> T, T: int|long|float|double",
    doc: "The smallest argument; null arguments are skipped, all null gives null. All arguments have \
          one numeric type. `minimum(*)` takes all attributes.",
    example: "define stream Trades (open double, close double);\n\
              from Trades select minimum(open, close) as low insert into Out;",
    returns: |args| common_type("minimum", args),
    volatile: false,
    eval: Eval::Calls(Calls { kernel: kernel::<false>, columns: Some(columns::<false>) }),
};

fn common_type(name: &str, args: &[Arg<'_>]) -> std::result::Result<AttrType, String> {
    match args {
        [] => Err(no_overload(name, args)),
        _ if !args.iter().all(|a| is_numeric(a.ty)) => Err(no_overload(name, args)),
        [first, rest @ ..] if rest.iter().all(|a| a.ty == first.ty) => Ok(first.ty),
        _ => Err(format!("`{name}` needs arguments of one type, but has {}", type_list(args))),
    }
}

#[inline]
fn better<const MAX: bool, T: Number>(new: T, best: T) -> bool {
    let beats = if MAX { new > best } else { new < best };
    beats || (best.is_nan() && !new.is_nan())
}

fn fold<const MAX: bool, T: Number>(values: impl Iterator<Item = T>) -> Option<T> {
    values.reduce(|best, new| if better::<MAX, T>(new, best) { new } else { best })
}

fn kernel<const MAX: bool>(site: &Site<'_>) -> Kernel {
    macro_rules! kernel {
        ($kind:ident, $t:ty) => {
            Kernel::$kind(Arc::new(|args| {
                fold::<MAX, $t>(args.iter().filter_map(|a| match a {
                    Scalar::$kind(v) => Some(*v),
                    _ => None,
                }))
            }))
        };
    }
    match site.returns {
        AttrType::Int => kernel!(Int, i32),
        AttrType::Long => kernel!(Long, i64),
        AttrType::Float => kernel!(Float, f32),
        _ => kernel!(Double, f64),
    }
}

fn columns<const MAX: bool>(
    site: &Site<'_>,
    args: &[ColumnarValue],
    rows: usize,
) -> Result<Option<ColumnarValue>> {
    match site.returns {
        AttrType::Int => typed::<MAX, i32>(args, rows),
        AttrType::Long => typed::<MAX, i64>(args, rows),
        AttrType::Float => typed::<MAX, f32>(args, rows),
        _ => typed::<MAX, f64>(args, rows),
    }
}

/// Goes over the arguments one after the other, keeping the best value so far of every row.
fn typed<const MAX: bool, T: Number>(
    args: &[ColumnarValue],
    rows: usize,
) -> Result<Option<ColumnarValue>> {
    if args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_))) {
        return Ok(None);
    }
    let mut best = vec![T::default(); rows];
    let mut valid = vec![false; rows];
    for arg in args {
        match arg {
            ColumnarValue::Array(array) => {
                let array = array.as_primitive::<T::Arrow>();
                for (row, new) in array.values().iter().enumerate() {
                    if array.is_valid(row) && (!valid[row] || better::<MAX, T>(*new, best[row])) {
                        (best[row], valid[row]) = (*new, true);
                    }
                }
            }
            ColumnarValue::Scalar(scalar) => {
                let array = scalar.to_array()?;
                let array = array.as_primitive::<T::Arrow>();
                if array.is_valid(0) {
                    let new = array.value(0);
                    for (best, valid) in best.iter_mut().zip(&mut valid) {
                        if !*valid || better::<MAX, T>(new, *best) {
                            (*best, *valid) = (new, true);
                        }
                    }
                }
            }
        }
    }
    let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
    let out = PrimitiveArray::<T::Arrow>::new(best.into(), nulls);
    Ok(Some(ColumnarValue::Array(Arc::new(out))))
}
