//! The selector: worked examples as text, and a row-by-row model.

mod examples;
mod harness;
mod model;
