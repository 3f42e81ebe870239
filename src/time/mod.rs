//! Time as data: the timeline of a step and the timers of an operator. Operators never read a clock;
//! `wall.rs` is the only file that does.

mod cron;
mod timeline;
mod timers;
pub mod wall;

pub use cron::{Cron, CronError};
pub use timeline::{Step, Timeline};
pub use timers::{Timer, Timers};
