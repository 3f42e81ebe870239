//! Nothing that comes from outside may panic, hang or eat all memory: not a text, not an event, not
//! a clock, not a callback, not a snapshot.

mod callbacks;
mod extremes;
mod mutate;
mod seeds;
mod snapshots;
#[path = "../support/mod.rs"]
mod support;
mod text;

/// `n` times the environment's `FORESHOCK_FUZZ`.
fn scaled(n: usize) -> usize {
    let factor = std::env::var("FORESHOCK_FUZZ").ok().and_then(|v| v.parse::<f64>().ok());
    (n as f64 * factor.unwrap_or(1.0)).ceil() as usize
}
