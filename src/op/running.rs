//! Aggregators over the rows a window holds: what conditions of `expression` windows call.

#[cfg(test)]
mod tests;

use arrow::array::ArrayRef;

use crate::aggregate::{AggregateInput, AggregateSpec, Aggregator};
use crate::error::Result;
use crate::event::{KeyId, Kind, Value};
use crate::expr::types::{AttrType, arrow_type};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::window::{Running, RunningSpec};

/// An aggregator fed row by row; its groups are the partition keys.
struct OneByOne {
    aggregator: Box<dyn Aggregator>,
    types: Vec<AttrType>,
}

impl RunningSpec for AggregateSpec {
    fn name(&self) -> &str {
        self.name
    }

    fn start(&self, types: &[AttrType]) -> Box<dyn Running> {
        Box::new(OneByOne { aggregator: (self.create)(types), types: types.to_vec() })
    }
}

impl Running for OneByOne {
    fn step(&mut self, args: &[Value], key: KeyId, kind: Kind) -> Value {
        if let Some(value) = self.aggregator.step(args, key, kind) {
            return value;
        }
        let array = |(ty, value): (&AttrType, &Value)| -> ArrayRef {
            Value::to_array(&arrow_type(*ty), std::iter::once(value))
        };
        let args: Vec<ArrayRef> = self.types.iter().zip(args).map(array).collect();
        let (groups, kinds) = ([key], [kind]);
        let input =
            AggregateInput { args: &args, groups: &groups, kinds: Some(&kinds), resets: &[] };
        // It only fails on arrays of other types than it was made for.
        let result = self.aggregator.update(&input);
        debug_assert!(result.is_ok());
        result.map_or(Value::Null, |values| Value::from_array(values.as_ref(), 0))
    }

    fn forget(&mut self, key: KeyId) {
        self.aggregator.forget(key);
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.aggregator.snapshot(w)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.aggregator.restore(r)
    }
}
