//! What the aggregators share: the walk over rows and resets, the table of one small state per
//! group, and the checks of arguments.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanBufferBuilder, PrimitiveArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Float32Type, Float64Type, Int32Type, Int64Type};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::slide::{Sliding, SlidingFold};
use super::{AggregateInput, Aggregator};
use crate::error::{Error, Result};
use crate::event::{Kind, Value};
use crate::expr::types::{AttrType, is_numeric};
use crate::state::{SnapshotReader, SnapshotWriter};

/// Calls `reset(state, group)` and `row(state, row, group, kind)` in the order in which they happen.
#[inline(always)]
pub(super) fn walk<S>(
    state: &mut S,
    input: &AggregateInput<'_>,
    mut reset: impl FnMut(&mut S, usize),
    mut row: impl FnMut(&mut S, usize, usize, Kind),
) {
    let mut from = 0;
    for r in input.resets {
        walk_rows(state, input, from..r.before as usize, &mut row);
        from = r.before as usize;
        reset(state, r.group as usize);
    }
    walk_rows(state, input, from..input.groups.len(), &mut row);
}

#[inline(always)]
fn walk_rows<S>(
    state: &mut S,
    input: &AggregateInput<'_>,
    rows: Range<usize>,
    row: &mut impl FnMut(&mut S, usize, usize, Kind),
) {
    match input.kinds {
        None => rows.for_each(|r| row(state, r, input.groups[r] as usize, Kind::Current)),
        Some(kinds) => rows.for_each(|r| row(state, r, input.groups[r] as usize, kinds[r])),
    }
}

/// Makes room for every group that the rows and resets name.
pub(super) fn fit<T: Clone + Default>(states: &mut Vec<T>, input: &AggregateInput<'_>) {
    let rows = input.groups.iter().copied().max();
    let resets = input.resets.iter().map(|r| r.group).max();
    let bound = rows.max(resets).map_or(0, |g| g as usize + 1);
    if states.len() < bound {
        states.resize(bound, T::default());
    }
}

/// The state of a group, of which there is room for once it is asked for.
#[inline(always)]
pub(super) fn state_of<T: Clone + Default>(states: &mut Vec<T>, group: usize) -> &mut T {
    if group >= states.len() {
        grow(states, group);
    }
    &mut states[group]
}

#[cold]
fn grow<T: Clone + Default>(states: &mut Vec<T>, group: usize) {
    states.resize(group + 1, T::default());
}

/// A fold of one number per row into one small state per group. Nulls never reach it: they leave the
/// state as it is.
pub(super) trait Fold: 'static {
    /// Argument type.
    type In: Number;
    /// Result type.
    type Out: Number;
    /// State of a group; the default is that of a group without rows.
    type State: Clone + Default + Send + Serialize + DeserializeOwned;

    /// Whether a row can be taken back, so that a group whose rows have all left is like new.
    const SLIDES: bool = true;

    /// A row enters.
    fn add(state: &mut Self::State, value: <Self::In as ArrowPrimitiveType>::Native);
    /// A row leaves.
    fn remove(state: &mut Self::State, value: <Self::In as ArrowPrimitiveType>::Native);
    /// The group starts afresh.
    fn reset(state: &mut Self::State) {
        *state = Self::State::default();
    }
    /// The present result.
    fn value(state: &Self::State) -> Option<<Self::Out as ArrowPrimitiveType>::Native>;
}

/// A [`Fold`] as an aggregator.
pub(super) struct Folded<F: Fold> {
    states: Vec<F::State>,
}

impl<F: Fold> Default for Folded<F> {
    fn default() -> Self {
        Self { states: Vec::new() }
    }
}

impl<F: Fold> Aggregator for Folded<F> {
    fn update(&mut self, input: &AggregateInput<'_>) -> Result<ArrayRef> {
        fit(&mut self.states, input);
        let values = primitive::<F::In>(input, 0)?;
        let mut out = Results::<F::Out>::with_capacity(input.groups.len());
        let reset = |states: &mut Vec<F::State>, group: usize| F::reset(&mut states[group]);
        match values.nulls() {
            None => walk(&mut self.states, input, reset, |states, row, group, kind| {
                let state = &mut states[group];
                apply::<F>(state, values.values()[row], kind);
                out.push(F::value(state));
            }),
            Some(nulls) => walk(&mut self.states, input, reset, |states, row, group, kind| {
                let state = &mut states[group];
                if nulls.is_valid(row) {
                    apply::<F>(state, values.values()[row], kind);
                }
                out.push(F::value(state));
            }),
        }
        Ok(out.finish())
    }

    fn step(&mut self, args: &[Value], group: u32, kind: Kind) -> Option<Value> {
        if self.states.len() <= group as usize {
            self.states.resize(group as usize + 1, F::State::default());
        }
        let state = &mut self.states[group as usize];
        match args {
            [Value::Null] => {}
            [value] => apply::<F>(state, F::In::of(value)?, kind),
            _ => return None,
        }
        Some(F::value(state).map_or(Value::Null, F::Out::boxed))
    }

    fn drain(&mut self, input: &AggregateInput<'_>) -> Result<Option<ArrayRef>> {
        let values = primitive::<F::In>(input, 0)?;
        let mut out = Results::<F::Out>::with_capacity(input.resets.len());
        let reset = |states: &mut Vec<F::State>, group: usize| {
            let state = state_of(states, group);
            out.push(F::value(state));
            F::reset(state);
        };
        let numbers = values.values();
        match values.nulls() {
            None => {
                let (states, mut reset, mut from) = (&mut self.states, reset, 0);
                let add = |states: &mut Vec<F::State>, rows: Range<usize>| {
                    for (group, value) in input.groups[rows.clone()].iter().zip(&numbers[rows]) {
                        F::add(state_of(states, *group as usize), *value);
                    }
                };
                for r in input.resets {
                    add(states, from..r.before as usize);
                    from = r.before as usize;
                    reset(states, r.group as usize);
                }
                add(states, from..input.groups.len());
            }
            Some(nulls) => walk(&mut self.states, input, reset, |states, row, group, _| {
                if nulls.is_valid(row) {
                    F::add(state_of(states, group), numbers[row]);
                }
            }),
        }
        Ok(Some(out.finish()))
    }

    fn drains(&self) -> bool {
        true
    }

    fn sliding(&self) -> Option<Box<dyn Sliding>> {
        F::SLIDES.then(|| Box::new(SlidingFold::<F>::default()) as Box<dyn Sliding>)
    }

    fn forget(&mut self, group: u32) {
        if let Some(state) = self.states.get_mut(group as usize) {
            *state = F::State::default();
        }
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.states)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.states = r.value()?;
        Ok(())
    }
}

#[inline(always)]
fn apply<F: Fold>(state: &mut F::State, value: <F::In as ArrowPrimitiveType>::Native, kind: Kind) {
    match kind {
        Kind::Current => F::add(state, value),
        Kind::Expired => F::remove(state, value),
    }
}

/// Collects results; nulls are rare, so only their places are kept.
pub(super) struct Results<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    nulls: Vec<u32>,
}

impl<T: ArrowPrimitiveType> Results<T> {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), nulls: Vec::new() }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, value: Option<T::Native>) {
        if value.is_none() {
            self.nulls.push(self.values.len() as u32);
        }
        self.values.push(value.unwrap_or_default());
    }

    pub(super) fn finish(self) -> ArrayRef {
        let nulls = (!self.nulls.is_empty()).then(|| {
            let mut valid = BooleanBufferBuilder::new(self.values.len());
            valid.append_n(self.values.len(), true);
            self.nulls.iter().for_each(|row| valid.set_bit(*row as usize, false));
            NullBuffer::new(valid.finish())
        });
        Arc::new(PrimitiveArray::<T>::new(self.values.into(), nulls))
    }
}

/// Argument `i` as numbers of type `T`.
pub(super) fn primitive<'a, T: ArrowPrimitiveType>(
    input: &AggregateInput<'a>,
    i: usize,
) -> Result<&'a PrimitiveArray<T>> {
    let array = argument(input, i)?;
    array.as_primitive_opt::<T>().ok_or_else(|| mistyped(array))
}

/// Argument `i`.
pub(super) fn argument<'a>(input: &AggregateInput<'a>, i: usize) -> Result<&'a ArrayRef> {
    let args: &'a [ArrayRef] = input.args;
    args.get(i).ok_or_else(|| Error::Data(format!("an aggregator lacks argument {}", i + 1)))
}

/// The error for an argument whose array is not of the type the plan promised.
pub(super) fn mistyped(array: &ArrayRef) -> Error {
    Error::Data(format!("an aggregator can't read values of type {}", array.data_type()))
}

/// Java's conversions of the four number types.
pub(super) trait Number: ArrowPrimitiveType<Native: Serialize + DeserializeOwned> {
    /// Widened to double.
    fn double(value: Self::Native) -> f64;
    /// The number in a value of this type.
    fn of(value: &Value) -> Option<Self::Native>;
    /// As a value.
    fn boxed(value: Self::Native) -> Value;
}

/// The two ways between a number and a value.
macro_rules! boxing {
    ($variant:ident) => {
        fn of(value: &Value) -> Option<Self::Native> {
            match value {
                Value::$variant(x) => Some(*x),
                _ => None,
            }
        }
        fn boxed(value: Self::Native) -> Value {
            Value::$variant(value)
        }
    };
}

impl Number for Int32Type {
    boxing!(Int);
    fn double(value: i32) -> f64 {
        f64::from(value)
    }
}
impl Number for Int64Type {
    boxing!(Long);
    fn double(value: i64) -> f64 {
        value as f64
    }
}
impl Number for Float32Type {
    boxing!(Float);
    fn double(value: f32) -> f64 {
        f64::from(value)
    }
}
impl Number for Float64Type {
    boxing!(Double);
    fn double(value: f64) -> f64 {
        value
    }
}

/// `Box::new($make)` with `$t` standing for the Arrow type of a numeric attribute type. (`returns`
/// refused everything that isn't a number; should anything else come here, `update` reports it.)
macro_rules! by_number {
    ($ty:expr, $t:ident => $make:expr) => {
        match $ty {
            $crate::expr::types::AttrType::Int => {
                type $t = arrow::datatypes::Int32Type;
                Box::new($make)
            }
            $crate::expr::types::AttrType::Long => {
                type $t = arrow::datatypes::Int64Type;
                Box::new($make)
            }
            $crate::expr::types::AttrType::Float => {
                type $t = arrow::datatypes::Float32Type;
                Box::new($make)
            }
            _ => {
                type $t = arrow::datatypes::Float64Type;
                Box::new($make)
            }
        }
    };
}
pub(super) use by_number;

/// The only argument, which must be a number.
pub(super) fn one_number(name: &str, args: &[AttrType]) -> Result<AttrType, String> {
    let ty = one(name, args)?;
    if is_numeric(ty) {
        Ok(ty)
    } else {
        Err(format!("`{name}` takes an int, long, float or double, not {ty}"))
    }
}

/// The only argument.
pub(super) fn one(name: &str, args: &[AttrType]) -> Result<AttrType, String> {
    match args {
        [ty] => Ok(*ty),
        _ => Err(format!("`{name}` takes exactly one argument, not {}", args.len())),
    }
}

/// The type of the first argument (`returns` made sure that there is one).
pub(super) fn first(args: &[AttrType]) -> AttrType {
    args.first().copied().unwrap_or(AttrType::Double)
}
