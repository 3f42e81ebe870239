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
use crate::event::{EventBatch, KeyId, concat};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;

/// Batches an operator emits in a step, in order.
///
/// Mostly it is one, which needs no list. Invariant: `more` is empty where `first` is none.
#[derive(Debug, Default)]
pub struct Output {
    first: Option<EventBatch>,
    more: Vec<EventBatch>,
}

impl Output {
    /// Emits a batch (nothing happens if it is empty).
    pub fn push(&mut self, batch: EventBatch) {
        if batch.is_empty() {
            return;
        }
        if self.first.is_none() {
            self.first = Some(batch);
        } else {
            self.more.push(batch);
        }
    }

    /// Takes what was emitted.
    pub fn take(&mut self) -> Vec<EventBatch> {
        let mut all: Vec<EventBatch> = self.first.take().into_iter().collect();
        all.append(&mut self.more);
        all
    }

    /// As [`Output::push`], of what is in a port; nothing is left there.
    pub fn push_from(&mut self, port: &mut Option<EventBatch>) {
        match port {
            Some(batch) if batch.is_empty() => *port = None,
            Some(_) if self.first.is_none() => std::mem::swap(&mut self.first, port),
            _ => self.more.extend(port.take()),
        }
    }

    /// Takes what was emitted, as one batch, to `port` (whatever was there).
    ///
    /// # Errors
    /// If the batches are of different schemas.
    pub fn take_into(&mut self, port: &mut Option<EventBatch>) -> Result<()> {
        if self.more.is_empty() {
            *port = None;
            std::mem::swap(&mut self.first, port);
            return Ok(());
        }
        let all = self.take();
        *port = match all.first().map(|b| b.columns.schema()) {
            Some(schema) => concat(&schema, all)?,
            None => None,
        };
        Ok(())
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
