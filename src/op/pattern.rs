//! The operator of patterns and sequences: one port per distinct source stream, one row per match.

use super::{Operator, Output};
use crate::error::Result;
use crate::event::{EventBatch, KeyId};
use crate::pattern::{Automaton, PatternSpec};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;

/// A pattern or sequence in the graph. Its timers are those of absent streams; `within` is measured
/// between events.
#[derive(Debug)]
pub struct PatternOp {
    automaton: Automaton,
}

impl PatternOp {
    /// The operator of a plan.
    ///
    /// # Errors
    /// If an expression of the plan doesn't fit its rows.
    pub fn new(spec: &PatternSpec) -> Result<Self> {
        Ok(Self { automaton: Automaton::new(spec)? })
    }

    /// The same without the special forms for what patterns mostly are.
    ///
    /// # Errors
    /// As [`PatternOp::new`].
    pub fn general(spec: &PatternSpec) -> Result<Self> {
        Ok(Self { automaton: Automaton::general(spec)? })
    }

    /// Events that open partial matches hold, each counted once.
    pub fn held_events(&self) -> usize {
        self.automaton.held_events()
    }

    /// Partial matches an event was compared with since the operator was made.
    pub fn visited_partials(&self) -> u64 {
        self.automaton.visited_partials()
    }
}

impl Operator for PatternOp {
    fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        if let Some(matches) = self.automaton.process(step, inputs)? {
            out.push(matches);
        }
        Ok(())
    }

    fn begin(&mut self, key: KeyId, at: i64) {
        self.automaton.begin(key, at);
    }

    fn next_timer(&self) -> Option<i64> {
        self.automaton.next_timer()
    }

    fn open_partials(&self) -> usize {
        self.automaton.open_partials()
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.automaton.snapshot(w)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.automaton.restore(r)
    }
}
