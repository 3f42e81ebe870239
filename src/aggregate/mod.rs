//! Aggregators: typed loops that add current rows, subtract expired ones and clear on reset.
//!
//! One file per kind, each exporting one `SPEC`. State is one slot per group (dense ids handed out by
//! the selector); results are the value *after* each row, aligned with the rows.
//!
//! Invariants: the result after a row is a function of the rows of its group since the group's last
//! reset, in order, and never of how they were cut into batches; a group whose rows have all left is
//! in its initial state, residues of rounding included (except the `forever` ones).

pub mod and;
pub mod avg;
pub mod count;
pub mod distinct_count;
mod extreme;
mod fold;
mod logical;
pub mod max;
pub mod max_forever;
pub mod min;
pub mod min_forever;
pub mod or;
pub mod slide;
pub mod std_dev;
pub mod sum;
#[cfg(test)]
mod tests;
pub mod union_set;

use arrow::array::ArrayRef;

use crate::error::Result;
use crate::event::{Kind, Value};
use crate::expr::types::AttrType;
use crate::state::{SnapshotReader, SnapshotWriter};

/// The rows an aggregator sees at once.
#[derive(Debug, Clone, Copy)]
pub struct AggregateInput<'a> {
    /// Arguments, one array per argument, aligned with the rows.
    pub args: &'a [ArrayRef],
    /// Group of each row.
    pub groups: &'a [u32],
    /// Kind of each row; none = all current.
    pub kinds: Option<&'a [Kind]>,
    /// Groups to clear before the row at a position; positions never fall and may equal the number
    /// of rows.
    pub resets: &'a [GroupReset],
}

/// Clears one group before a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupReset {
    /// Before this row.
    pub before: u32,
    /// Which group.
    pub group: u32,
}

/// A kind of aggregator.
pub struct AggregateSpec {
    /// Name.
    pub name: &'static str,
    /// One-line signature, e.g. `sum(x int|long|float|double) -> long|double`.
    pub signature: &'static str,
    /// What it computes, with its null and empty rules.
    pub doc: &'static str,
    /// A query that uses it, complete with the stream definition.
    pub example: &'static str,
    /// Result type for argument types, or what is wrong (one sentence).
    pub returns: fn(&[AttrType]) -> std::result::Result<AttrType, String>,
    /// Whether a group must live for ever once seen (`maxForever`): it ignores expiry and resets.
    pub forever: bool,
    /// Makes the aggregator; argument types passed `returns`.
    pub create: fn(&[AttrType]) -> Box<dyn Aggregator>,
}

impl std::fmt::Debug for AggregateSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AggregateSpec({})", self.name)
    }
}

/// An aggregator at work.
pub trait Aggregator: Send {
    /// Promises, before the first row, that rows never leave one by one (there is no window): what is
    /// kept only to take rows back isn't needed. Rows may still be cleared by resets.
    fn append_only(&mut self) {}

    /// The same over a window whose rows leave in the order in which they came, if there is a faster
    /// way to do that than to be told of each row that leaves.
    fn sliding(&self) -> Option<Box<dyn slide::Sliding>> {
        None
    }

    /// Applies rows, none of which leaves, and gives the value of each reset group just before its
    /// reset, in the order of the resets; none if it can't tell without giving every row's value.
    ///
    /// # Errors
    /// As [`Aggregator::update`].
    fn drain(&mut self, _input: &AggregateInput<'_>) -> Result<Option<ArrayRef>> {
        Ok(None)
    }

    /// Whether [`Aggregator::drain`] can tell.
    fn drains(&self) -> bool {
        false
    }

    /// Applies the rows in order and returns the value after each.
    fn update(&mut self, input: &AggregateInput<'_>) -> Result<ArrayRef>;

    /// What [`Aggregator::update`] does with a single row, without arrays; none if it can't, and nothing
    /// has happened then.
    fn step(&mut self, _args: &[Value], _group: u32, _kind: Kind) -> Option<Value> {
        None
    }

    /// Returns a group to its initial state; its id may be handed out for another group.
    fn forget(&mut self, group: u32);

    /// Saves the state.
    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()>;

    /// Restores the state into a fresh aggregator of the same types.
    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()>;
}
