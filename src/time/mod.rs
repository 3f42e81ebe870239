//! Time as data: the timeline of a step and the timers of an operator. Operators never read a clock;
//! `wall.rs` is the only file that does.

mod cron;
mod reorder;
mod timeline;
mod timers;
pub mod wall;
mod watermark;

pub use cron::{Cron, CronError};
pub use reorder::{Arrivals, Released, Reorder, Rows, Unit};
pub use timeline::{Step, Timeline};
pub use timers::{Timer, Timers};
pub use watermark::{Activity, InputTime, Inputs, Watermark};
