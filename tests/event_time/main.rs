//! Event time: what arrives in any order within the delay gives what sorted input gives, to the last
//! bit, and what is later is in exactly one of the output, the late stream and the counts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod annotate;
mod arrivals;
mod cases;
mod late;
mod queries;
mod real;
