//! Patterns and sequences, from text to matches: Siddhi's instructive cases, the rules one by one, and
//! random patterns against a slow model.

#![allow(clippy::unwrap_used)]

mod absent;
mod app;
mod harness;
mod model;
mod patterns;
mod random;
mod recorded;
mod refused;
mod rules;
mod sequences;
mod work;
