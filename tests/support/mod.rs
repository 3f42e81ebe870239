//! What the conformance and invariance tests share: the recorded corpus, its values, a driver for
//! the engine, the replay of a case and the judgement on it.
//!
//! Only `driver` knows the engine's API; everything else speaks of cases, steps, groups and data.
#![allow(dead_code, reason = "each test crate uses its own part of this module")]

pub mod apps;
pub mod compare;
pub mod corpus;
pub mod datum;
pub mod deviations;
pub mod driver;
pub mod judge;
pub mod replay;
pub mod scope;
pub mod ways;
pub mod workers;

/// Prints a line that the test runner doesn't capture.
pub fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
