//! A window as an operator: one input port, rows in, rows that enter and leave out.

use arrow::datatypes::SchemaRef;

use super::{Operator, Output};
use crate::error::Result;
use crate::event::EventBatch;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;
use crate::window::{Window, WindowCall, WindowContext, WindowOutput};

/// Drives a window over whole batches and gathers what it emits.
pub struct WindowOp {
    window: Box<dyn Window>,
    schema: SchemaRef,
    keyed: bool,
}

impl WindowOp {
    /// The operator of a window call over rows of `schema`. `expired`: whether anybody wants the rows
    /// that leave; `keyed`: whether rows carry partition keys.
    pub fn new(call: &WindowCall, schema: SchemaRef, expired: bool, keyed: bool) -> Result<Self> {
        let context = WindowContext { schema: schema.clone(), expired, keyed };
        Ok(Self { window: (call.spec.create)(call, context)?, schema, keyed })
    }

    /// The batch of what the window emitted.
    fn gather(&mut self, emitted: WindowOutput, out: &mut Output) -> Result<()> {
        if !emitted.rows.is_empty() {
            let columns = self.window.store().gather_all(&emitted.slots);
            let batch = emitted.rows.finish(self.schema.clone(), columns, self.keyed)?;
            debug_assert!(in_order(&batch), "a window emits in the order of causes");
            out.push(batch);
        }
        self.window.reclaim();
        Ok(())
    }
}

fn in_order(batch: &EventBatch) -> bool {
    (1..batch.rows())
        .all(|i| (batch.order[i - 1], batch.at[i - 1]) <= (batch.order[i], batch.at[i]))
}

impl Operator for WindowOp {
    fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        let input = inputs.first_mut().and_then(Option::take);
        if self.window.passes() {
            if let Some(batch) = input {
                out.push(batch);
            }
            return Ok(());
        }
        let mut emitted = WindowOutput::default();
        let mut last = 0;
        if let Some(batch) = input {
            // Only named windows send expired rows and resets, and nothing behind them has a window.
            debug_assert!(batch.resets.is_empty());
            last = batch.order.last().copied().unwrap_or(0);
            self.window.process(step, &batch, 0..batch.rows(), &mut emitted)?;
        }
        self.window.advance(step, step.timeline.end(), last, &mut emitted)?;
        self.gather(emitted, out)
    }

    fn next_timer(&self) -> Option<i64> {
        self.window.next_timer()
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.window.snapshot(w)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.window.restore(r)
    }
}
