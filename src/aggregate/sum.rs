//! `sum`: exact and wrapping over int and long, in double and in order of arrival over float and
//! double.

use std::marker::PhantomData;

use arrow::datatypes::{Float32Type, Float64Type, Int32Type, Int64Type};

use super::fold::{Fold, Folded, Number, first, one_number};
use super::{AggregateSpec, Aggregator};
use crate::expr::types::AttrType;

/// `sum`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "sum",
    signature: "sum(x int|long|float|double) -> long|double",
    doc: "The sum of the rows that are in: long for int and long (it wraps at 64 bits), double for \
          float and double. Nulls are skipped; without any value the sum is null.",
    example: "define stream S (k string, v int);\n\
              from S#window.length(10) select k, sum(v) as total group by k insert into Out;",
    returns,
    forever: false,
    create,
};

fn returns(args: &[AttrType]) -> Result<AttrType, String> {
    Ok(match one_number("sum", args)? {
        AttrType::Int | AttrType::Long => AttrType::Long,
        _ => AttrType::Double,
    })
}

fn create(args: &[AttrType]) -> Box<dyn Aggregator> {
    match first(args) {
        AttrType::Int => Box::new(Folded::<SumLong<Int32Type>>::default()),
        AttrType::Long => Box::new(Folded::<SumLong<Int64Type>>::default()),
        AttrType::Float => Box::new(Folded::<SumDouble<Float32Type>>::default()),
        _ => Box::new(Folded::<SumDouble<Float64Type>>::default()),
    }
}

/// Over int and long; state is (sum, values in it).
struct SumLong<T>(PhantomData<T>);

impl<T> Fold for SumLong<T>
where
    T: Number,
    T::Native: Into<i64>,
{
    type In = T;
    type Out = Int64Type;
    type State = (i64, i64);

    #[inline(always)]
    fn add((sum, count): &mut (i64, i64), value: T::Native) {
        *sum = sum.wrapping_add(value.into());
        *count += 1;
    }

    #[inline(always)]
    fn remove((sum, count): &mut (i64, i64), value: T::Native) {
        *sum = sum.wrapping_sub(value.into());
        *count -= 1;
    }

    #[inline(always)]
    fn value((sum, count): &(i64, i64)) -> Option<i64> {
        (*count != 0).then_some(*sum)
    }
}

/// Over float and double; state is (sum, values in it). What rounding left behind is cleared when the
/// last value leaves.
struct SumDouble<T>(PhantomData<T>);

impl<T: Number> Fold for SumDouble<T> {
    type In = T;
    type Out = Float64Type;
    type State = (f64, i64);

    #[inline(always)]
    fn add((sum, count): &mut (f64, i64), value: T::Native) {
        *sum += T::double(value);
        *count += 1;
    }

    #[inline(always)]
    fn remove((sum, count): &mut (f64, i64), value: T::Native) {
        *sum -= T::double(value);
        *count -= 1;
        if *count == 0 {
            *sum = 0.0;
        }
    }

    #[inline(always)]
    fn value((sum, count): &(f64, i64)) -> Option<f64> {
        (*count != 0).then_some(*sum)
    }
}
