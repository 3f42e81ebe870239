//! `avg`: running sum in double, divided by the count.

use std::marker::PhantomData;

use arrow::datatypes::Float64Type;

use super::fold::{Fold, Folded, Number, by_number, first, one_number};
use super::{AggregateSpec, Aggregator};
use crate::expr::types::AttrType;

/// `avg`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "avg",
    signature: "avg(x int|long|float|double) -> double",
    doc: "The mean of the rows that are in. Nulls are skipped; without any value the mean is null.",
    example: "define stream S (room string, temp double);\n\
              from S#window.time(1 min) select room, avg(temp) as mean group by room insert into Out;",
    returns,
    forever: false,
    create,
};

fn returns(args: &[AttrType]) -> Result<AttrType, String> {
    one_number("avg", args).map(|_| AttrType::Double)
}

fn create(args: &[AttrType]) -> Box<dyn Aggregator> {
    by_number!(first(args), T => Folded::<Avg<T>>::default())
}

/// State is (sum, values in it); the sum starts from zero again when the last value leaves.
struct Avg<T>(PhantomData<T>);

impl<T: Number> Fold for Avg<T> {
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
        (*count != 0).then(|| *sum / *count as f64)
    }
}
