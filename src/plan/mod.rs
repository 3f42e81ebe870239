//! Names and types resolved: the typed graph as plain data. The plan knows specs, never operators.

pub mod spec;
