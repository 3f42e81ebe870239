//! Tests of the windows: text in, text out (`cases`), what the real engine did (`recorded`), slow
//! models on random input (`properties`), and what is refused (`refused`).

mod cases;
mod harness;
mod model;
mod properties;
mod recorded;
mod refused;
