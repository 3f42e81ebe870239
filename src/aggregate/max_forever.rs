//! `maxForever`: the largest ever seen.

use super::extreme::{Forever, Largest};
use super::fold::{Folded, by_number, first, one_number};
use super::{AggregateSpec, Aggregator};
use crate::expr::types::AttrType;

/// `maxForever`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "maxForever",
    signature: "maxForever(x int|long|float|double) -> type of x",
    doc: "The largest value ever seen: neither rows that leave nor a new batch take it back. Nulls are \
          skipped; before the first value it is null.",
    example: "define stream S (room string, temp double);\n\
              from S#window.length(10) select room, maxForever(temp) as record insert into Out;",
    returns: |args| one_number("maxForever", args),
    forever: true,
    create,
};

fn create(args: &[AttrType]) -> Box<dyn Aggregator> {
    by_number!(first(args), T => Folded::<Forever<T, Largest>>::default())
}
