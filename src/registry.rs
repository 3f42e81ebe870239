//! THE list: every window, aggregator, function, source, sink, format and store, one line each.

use crate::window::{self, WindowSpec};

/// The windows.
pub const WINDOWS: &[&WindowSpec] = &[
    &window::length::SPEC,
    &window::length_batch::SPEC,
    &window::batch::SPEC,
    &window::time::SPEC,
    &window::time_batch::SPEC,
    &window::time_length::SPEC,
    &window::external_time::SPEC,
    &window::external_time_batch::SPEC,
];

/// Windows of SiddhiQL (and its `unique` extension) that aren't built yet: refused as such.
pub const PLANNED: &[&str] = &[
    "cron",
    "session",
    "delay",
    "sort",
    "frequent",
    "lossyFrequent",
    "expression",
    "expressionBatch",
    "unique:deduplicate",
    "unique:ever",
    "unique:externalTimeBatch",
    "unique:first",
    "unique:firstLengthBatch",
    "unique:firstTimeBatch",
    "unique:length",
    "unique:lengthBatch",
    "unique:time",
    "unique:timeBatch",
    "unique:timeLengthBatch",
];
