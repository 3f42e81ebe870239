//! `minForever`: the smallest ever seen.

use super::extreme::{Forever, Smallest};
use super::fold::{Folded, by_number, first, one_number};
use super::{AggregateSpec, Aggregator};
use crate::expr::types::AttrType;

/// `minForever`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "minForever",
    signature: "minForever(x int|long|float|double) -> type of x",
    doc: "The smallest value ever seen: neither rows that leave nor a new batch take it back. Nulls \
          are skipped; before the first value it is null.",
    example: "define stream S (room string, temp double);\n\
              from S#window.length(10) select room, minForever(temp) as record insert into Out;",
    returns: |args| one_number("minForever", args),
    forever: true,
    create,
};

fn create(args: &[AttrType]) -> Box<dyn Aggregator> {
    by_number!(first(args), T => Folded::<Forever<T, Smallest>>::default())
}
