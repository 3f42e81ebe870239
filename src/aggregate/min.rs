//! `min`: the smallest of the rows that are in.

use super::extreme::{Extreme, Smallest};
use super::fold::{by_number, first, one_number};
use super::{AggregateSpec, Aggregator};
use crate::expr::types::AttrType;

/// `min`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "min",
    signature: "min(x int|long|float|double) -> type of x",
    doc: "The smallest value of the rows that are in. Nulls are skipped; without any value it is null.",
    example: "define stream S (room string, temp double);\n\
              from S#window.length(10) select room, min(temp) as coldest group by room insert into Out;",
    returns: |args| one_number("min", args),
    forever: false,
    create,
};

fn create(args: &[AttrType]) -> Box<dyn Aggregator> {
    by_number!(first(args), T => Extreme::<T, Smallest>::default())
}
