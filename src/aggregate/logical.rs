//! What `and` and `or` share: how many rows are true and how many false. Nulls are neither.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder};
use serde::{Deserialize, Serialize};

use super::fold::{argument, fit, mistyped, one, walk};
use super::{AggregateInput, Aggregator};
use crate::error::Result;
use crate::event::Kind;
use crate::expr::types::AttrType;
use crate::state::{SnapshotReader, SnapshotWriter};

/// Checks that there is one argument and that it is a bool.
pub(super) fn one_bool(name: &str, args: &[AttrType]) -> Result<AttrType, String> {
    match one(name, args)? {
        AttrType::Bool => Ok(AttrType::Bool),
        other => Err(format!("`{name}` takes a bool, not {other}")),
    }
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Counts {
    trues: i64,
    falses: i64,
}

/// `and` (`AND`: some row is true and none is false) or `or` (some row is true).
#[derive(Default)]
pub(super) struct Logical<const AND: bool> {
    counts: Vec<Counts>,
}

impl<const AND: bool> Aggregator for Logical<AND> {
    fn update(&mut self, input: &AggregateInput<'_>) -> Result<ArrayRef> {
        fit(&mut self.counts, input);
        let array = argument(input, 0)?;
        let values = array.as_boolean_opt().ok_or_else(|| mistyped(array))?;
        let mut out = BooleanBufferBuilder::new(input.groups.len());
        let reset = |counts: &mut Vec<Counts>, group: usize| counts[group] = Counts::default();
        walk(&mut self.counts, input, reset, |counts, row, group, kind| {
            let counts = &mut counts[group];
            if values.is_valid(row) {
                let side = if values.value(row) { &mut counts.trues } else { &mut counts.falses };
                *side += match kind {
                    Kind::Current => 1,
                    Kind::Expired => -1,
                };
            }
            out.append(counts.trues > 0 && (!AND || counts.falses == 0));
        });
        Ok(Arc::new(BooleanArray::new(out.finish(), None)))
    }

    fn forget(&mut self, group: u32) {
        if let Some(counts) = self.counts.get_mut(group as usize) {
            *counts = Counts::default();
        }
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.counts)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.counts = r.value()?;
        Ok(())
    }
}
