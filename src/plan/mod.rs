//! Names and types resolved: the typed graph as plain data. The plan knows specs, never operators.

pub mod pattern;
pub mod spec;
