//! `and`: whether all rows are true.

use super::AggregateSpec;
use super::logical::{Logical, one_bool};

/// `and`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "and",
    signature: "and(x bool) -> bool",
    doc: "True if at least one of the rows that are in is true and none is false. Nulls are skipped; \
          without any value it is false.",
    example: "define stream S (site string, up bool);\n\
              from S#window.lengthBatch(10) select site, and(up) as healthy group by site insert into Out;",
    returns: |args| one_bool("and", args),
    forever: false,
    create: |_| Box::<Logical<true>>::default(),
};
