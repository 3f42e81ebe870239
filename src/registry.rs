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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_is_described() {
        for (i, spec) in WINDOWS.iter().enumerate() {
            assert!(spec.signature.starts_with(&format!("{}(", spec.name)));
            assert!(spec.doc.len() > 60 && spec.doc.ends_with('.'), "{}", spec.name);
            assert!(spec.example.contains("define stream"), "{}", spec.name);
            assert!(spec.example.contains(&format!("#window.{}(", spec.name)), "{}", spec.name);
            assert!(WINDOWS[..i].iter().all(|other| other.name != spec.name));
            assert!(!PLANNED.contains(&spec.name));
        }
    }
}
