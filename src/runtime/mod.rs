//! Plan to operators, steps, and the public face: [`Engine`], [`App`].
//!
//! Text becomes a plan (`plan`), a plan becomes operators (`build`), rows wait at the entrance
//! (`event_time`, `ingress`) and move through the graph one way, step by step (`core`, `group`). `app` gives that a
//! face that can be shared between threads.

mod app;
mod build;
mod core;
mod delivery;
mod endpoints;
mod engine;
mod event_time;
mod events;
mod group;
mod ingress;
mod input;
mod rows;
mod stats;
mod triggers;

pub use app::{App, AppOptions, ClockMode, StreamInfo};
pub use endpoints::{REJECTED_KEPT, RunReport, Runner, SinkReport, SourceReport, Stall, Stopper};
pub use engine::{Engine, LogLine};
pub use event_time::{EventTimeStats, InputStats, Lateness, StreamTime};
pub use events::Events;
pub use input::{Input, IntoRow, Times};
pub use stats::{Latency, QueryStats, Stats};
