//! Tests of the windows: text in, text out (`cases`), what the real engine did (`recorded`), slow
//! models on random input (`properties`), and what is refused (`refused`).

mod cases;
mod cases_keys;
pub(crate) mod harness;
pub(crate) mod model;
mod model_keys;
pub(crate) mod properties;
mod properties_keys;
mod recorded;
mod refused;
