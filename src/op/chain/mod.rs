//! Handler chains: one small operator per handler, each with one port. All but the window hold no
//! state and keep kinds, chunks, keys and resets as they are.

mod append;
mod filter;
mod log;
mod project;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

pub use append::Append;
pub use filter::Filter;
pub use log::{Log, LogSink};
pub use project::Project;

use super::window::WindowOp;
use super::{Operator, Output};
use crate::error::Result;
use crate::event::EventBatch;
use crate::plan::spec::HandlerSpec;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;

/// The operators of a handler chain over rows of `input`, in order. `keyed`: whether rows carry
/// partition keys; `#log` writes to `logs`.
pub fn build_chain(
    handlers: &[HandlerSpec],
    input: &SchemaRef,
    keyed: bool,
    logs: &Arc<dyn LogSink>,
) -> Result<Vec<Box<dyn Operator>>> {
    let mut chain: Vec<Box<dyn Operator>> = Vec::with_capacity(handlers.len());
    let mut schema = Arc::clone(input);
    let mut handlers = handlers.iter().peekable();
    while let Some(handler) = handlers.next() {
        match handler {
            HandlerSpec::Filter(condition) => {
                let mut filter = Filter::new(condition, &schema)?;
                // What is dropped next need not be filtered.
                if let Some(HandlerSpec::Project { columns, schema: narrower }) = handlers.peek() {
                    filter = filter.keeping(columns.clone(), Arc::clone(narrower));
                    schema = Arc::clone(narrower);
                    handlers.next();
                }
                chain.push(Box::new(filter));
            }
            HandlerSpec::Append { columns, schema: wider, .. } => {
                chain.push(Box::new(Append::new(columns, &schema, Arc::clone(wider))?));
                schema = Arc::clone(wider);
            }
            HandlerSpec::Project { columns, schema: narrower } => {
                chain.push(Box::new(Project::new(columns.clone(), Arc::clone(narrower))));
                schema = Arc::clone(narrower);
            }
            HandlerSpec::Log(spec) => {
                chain.push(Box::new(Log::new(spec, &schema, Arc::clone(logs))?));
            }
            HandlerSpec::Window { call, schema: held, expired } => {
                chain.push(Box::new(WindowOp::new(call, Arc::clone(held), *expired, keyed)?));
                schema = Arc::clone(held);
            }
        }
    }
    Ok(chain)
}

/// An operator without state: a function of batches.
trait Stateless: Send {
    /// Makes of a batch what becomes of it; whether anything is left.
    fn apply(&self, batch: &mut EventBatch) -> Result<bool>;

    /// See [`Operator::reads_codes`].
    fn reads_codes(&self) -> bool {
        false
    }
}

impl<T: Stateless> Operator for T {
    fn process(
        &mut self,
        _step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        if let Some(port) = inputs.first_mut()
            && let Some(batch) = port
        {
            match self.apply(batch)? {
                true => out.push_from(port),
                false => *port = None,
            }
        }
        Ok(())
    }

    fn reads_codes(&self) -> bool {
        Stateless::reads_codes(self)
    }

    fn snapshot(&self, _w: &mut SnapshotWriter) -> Result<()> {
        Ok(())
    }

    fn restore(&mut self, _r: &mut SnapshotReader<'_>) -> Result<()> {
        Ok(())
    }
}
