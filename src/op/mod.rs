//! The operators of the graph. Each sees, once per step, all rows of all its input ports, and emits
//! batches in `(order, at)` order.

pub mod chain;
pub mod join;
pub mod named;
pub mod partition;
pub mod pattern;
pub mod rate;
mod running;
pub mod select;
pub mod window;

use crate::error::Result;
use crate::event::{EventBatch, KeyId};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;

/// Batches an operator emits in a step, in order.
#[derive(Debug, Default)]
pub struct Output {
    batches: Vec<EventBatch>,
}

impl Output {
    /// Emits a batch (nothing happens if it is empty).
    pub fn push(&mut self, batch: EventBatch) {
        if !batch.is_empty() {
            self.batches.push(batch);
        }
    }

    /// Takes what was emitted.
    pub fn take(&mut self) -> Vec<EventBatch> {
        std::mem::take(&mut self.batches)
    }
}

/// An operator: state and the code that moves it through steps.
pub trait Operator: Send {
    /// Takes the rows of one step, one batch per input port (none = no rows), and fires all timers
    /// due in the step; timers due at `d` fire before the first row whose clock reaches `d`.
    fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()>;

    /// The application starts (outside of partitions, with [`crate::event::SINGLE_KEY`]), or the
    /// partition key `key` comes into being, with the clock at `at`, ms. Called once for each key,
    /// before the step's rows; not again in an application that is restored.
    fn begin(&mut self, _key: KeyId, _at: i64) {}

    /// When the next timer is due, ms; a step whose clock reaches it must call `process`.
    fn next_timer(&self) -> Option<i64> {
        None
    }

    /// Open partial matches, for statistics (0 for what is no pattern).
    fn open_partials(&self) -> usize {
        0
    }

    /// Saves the state (between steps).
    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()>;

    /// Restores the state into a fresh operator of the same plan.
    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()>;
}
