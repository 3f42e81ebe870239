//! THE list: one line per aggregator.

use crate::aggregate::{self, AggregateSpec};

/// All aggregators.
pub const AGGREGATES: &[&AggregateSpec] = &[
    &aggregate::sum::SPEC,
    &aggregate::avg::SPEC,
    &aggregate::count::SPEC,
    &aggregate::distinct_count::SPEC,
    &aggregate::max::SPEC,
    &aggregate::min::SPEC,
    &aggregate::max_forever::SPEC,
    &aggregate::min_forever::SPEC,
    &aggregate::std_dev::SPEC,
    &aggregate::and::SPEC,
    &aggregate::or::SPEC,
    &aggregate::union_set::SPEC,
];
