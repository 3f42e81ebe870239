//! `max`: the largest of the rows that are in.

use super::extreme::{Extreme, Largest};
use super::fold::{by_number, first, one_number};
use super::{AggregateSpec, Aggregator};
use crate::expr::types::AttrType;

/// `max`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "max",
    signature: "max(x int|long|float|double) -> type of x",
    doc: "The largest value of the rows that are in. Nulls are skipped; without any value it is null.",
    example: "define stream S (room string, temp double);\n\
              from S#window.length(10) select room, max(temp) as hottest group by room insert into Out;",
    returns: |args| one_number("max", args),
    forever: false,
    create,
};

fn create(args: &[AttrType]) -> Box<dyn Aggregator> {
    by_number!(first(args), T => Extreme::<T, Largest>::default())
}
