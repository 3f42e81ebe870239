//! `stdDev`: the population's standard deviation by Welford's recurrence, run forwards and backwards.

use std::marker::PhantomData;

use arrow::datatypes::Float64Type;
use serde::{Deserialize, Serialize};

use super::fold::{Fold, Folded, Number, by_number, first, one_number};
use super::{AggregateSpec, Aggregator};
use crate::expr::types::AttrType;

/// `stdDev`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "stdDev",
    signature: "stdDev(x int|long|float|double) -> double",
    doc: "The standard deviation of the rows that are in, taken as the whole population: one value \
          gives 0. Nulls are skipped; without any value the result is null.",
    example: "define stream S (room string, temp double);\n\
              from S#window.length(50) select room, stdDev(temp) as spread group by room insert into Out;",
    returns,
    forever: false,
    create,
};

fn returns(args: &[AttrType]) -> Result<AttrType, String> {
    one_number("stdDev", args).map(|_| AttrType::Double)
}

fn create(args: &[AttrType]) -> Box<dyn Aggregator> {
    by_number!(first(args), T => Folded::<StdDev<T>>::default())
}

/// `squares` is the sum of squared distances from the mean.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct State {
    count: i64,
    sum: f64,
    mean: f64,
    squares: f64,
}

struct StdDev<T>(PhantomData<T>);

impl<T: Number> Fold for StdDev<T> {
    type In = T;
    type Out = Float64Type;
    type State = State;

    #[inline(always)]
    fn add(s: &mut State, value: T::Native) {
        let value = T::double(value);
        s.count += 1;
        s.sum += value;
        let before = std::mem::replace(&mut s.mean, s.sum / s.count as f64);
        match s.count {
            0 => *s = State::default(),
            1 => s.squares = 0.0,
            _ => s.squares += (value - before) * (value - s.mean),
        }
    }

    #[inline(always)]
    fn remove(s: &mut State, value: T::Native) {
        let value = T::double(value);
        s.count -= 1;
        s.sum -= value;
        let before = std::mem::replace(&mut s.mean, s.sum / s.count as f64);
        match s.count {
            0 => *s = State::default(),
            // One value has no spread: whatever is left is rounding.
            1 => s.squares = 0.0,
            _ => s.squares -= (value - before) * (value - s.mean),
        }
    }

    #[inline(always)]
    fn value(s: &State) -> Option<f64> {
        match s.count {
            0 => None,
            1 => Some(0.0),
            // Rounding may take the squares of nearly equal values just below zero.
            n => Some((s.squares.max(0.0) / n as f64).sqrt()),
        }
    }
}
