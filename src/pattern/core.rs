//! [`Core`]: what both automata work on: structure, predicates, partials, captured events, matches.

use super::Row;
use super::events::Events;
use super::machine::Machine;
use super::matches::Matches;
use super::partial::{PartialId, Partials};
use super::predicate::Test;
use super::spec::PatternSpec;
use crate::error::{Error, Result};
use crate::state::{SnapshotReader, SnapshotWriter};

/// What both automata work on.
#[derive(Debug)]
pub(super) struct Core {
    pub m: Machine,
    pub tests: Vec<Test>,
    pub partials: Partials,
    pub events: Events,
    pub matches: Matches,
    limit: usize,
}

impl Core {
    pub fn new(spec: &PatternSpec) -> Result<Self> {
        let tests = (0..spec.sides.len()).map(|s| Test::new(spec, s)).collect::<Result<_>>()?;
        Ok(Self {
            m: Machine::new(spec),
            tests,
            partials: Partials::default(),
            events: Events::new(spec)?,
            matches: Matches::new(spec),
            limit: spec.max_partials.unwrap_or(usize::MAX),
        })
    }

    /// Whether the row, which the side's event predicate accepts, fits a partial (none: an empty one).
    #[inline]
    pub fn passes(&self, side: usize, p: Option<PartialId>, row: &Row<'_>) -> bool {
        self.tests[side].passes(&self.m, &self.partials, &self.events, p, row)
    }

    /// The chain of the partials the row may fit at `side`; none if it can't fit any.
    #[inline]
    pub fn event_hash(&self, side: usize, row: &Row<'_>) -> Option<u64> {
        self.tests[side].event_hash(self.m.keyed, row)
    }

    /// The chain `p` waits in at `side`.
    #[inline]
    pub fn waiting_hash(&self, p: PartialId, side: usize) -> u64 {
        self.tests[side].waiting_hash(&self.m, &self.partials, &self.events, p)
    }

    /// How high the row reaches at `side`.
    #[inline]
    pub fn reach(&self, side: usize, row: &Row<'_>) -> f64 {
        self.tests[side].reach(row)
    }

    /// How high a row must reach to fit `p` at `side`.
    #[inline]
    pub fn bar(&self, p: PartialId, side: usize) -> f64 {
        self.tests[side].bar(&self.m, &self.partials, &self.events, p)
    }

    /// Whether there are more open partials than allowed.
    pub fn check_limit(&self) -> Result<()> {
        let open = self.partials.len();
        if open <= self.limit {
            return Ok(());
        }
        let limit = self.limit;
        Err(Error::Limit(format!(
            "a pattern has {open} open partial matches, more than its limit of {limit}; \
             `within` or a condition between the events keeps them few"
        )))
    }

    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.events.snapshot(w)?;
        w.value(&self.partials)
    }

    pub fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.events.restore(r)?;
        self.partials = r.value()?;
        if self.partials.fits(&self.m) {
            Ok(())
        } else {
            Err(Error::Snapshot("the partial matches are of another pattern".into()))
        }
    }
}
