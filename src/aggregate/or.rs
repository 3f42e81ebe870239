//! `or`: whether any row is true.

use super::AggregateSpec;
use super::logical::{Logical, one_bool};

/// `or`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "or",
    signature: "or(x bool) -> bool",
    doc: "True if at least one of the rows that are in is true. Nulls are skipped; without any value \
          it is false.",
    example: "define stream S (card string, fraud bool);\n\
              from S#window.time(1 hour) select card, or(fraud) as suspect group by card insert into Out;",
    returns: |args| one_bool("or", args),
    forever: false,
    create: |_| Box::<Logical<false>>::default(),
};
