//! [`Core`]: what both automata work on: structure, predicates, partials, captured events, matches.

use super::events::Events;
use super::machine::Machine;
use super::matches::Matches;
use super::partial::{PartialId, Partials, Wait};
use super::predicate::Test;
use super::spec::{Absence, PatternSpec};
use super::{Cause, Row};
use crate::error::{Error, Result};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::{Timer, Timers};

/// What both automata work on.
#[derive(Debug)]
pub(super) struct Core {
    pub m: Machine,
    pub tests: Vec<Test>,
    pub partials: Partials,
    pub events: Events,
    pub matches: Matches,
    /// When absent streams have been quiet for long enough. A timer whose partial is gone, or waits
    /// for another time by now, is void.
    timers: Timers,
    limit: usize,
}

/// Void timers that may be kept beyond as many as there are partials.
const SPARE: usize = 1024;

impl Core {
    pub fn new(spec: &PatternSpec) -> Result<Self> {
        let tests = (0..spec.sides.len()).map(|s| Test::new(spec, s)).collect::<Result<_>>()?;
        Ok(Self {
            m: Machine::new(spec),
            tests,
            partials: Partials::default(),
            events: Events::new(spec)?,
            matches: Matches::new(spec),
            timers: Timers::default(),
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

    /// `p` waits at an absent side from now on, or again from the start: the side must be quiet for its
    /// time from the cause's on. (If that is over already, the timer fires at once.)
    pub fn watch(&mut self, p: PartialId, side: usize, cause: Cause) {
        let Some(Absence::For(time)) = self.m.sides[side].absent else { return };
        let due = cause.ts.saturating_add(time).max(cause.at);
        self.partials.set_wait(&self.m, p, side, Wait::Until(due));
        self.arm(p, due);
    }

    /// Arms a timer for `p`.
    pub fn arm(&mut self, p: PartialId, due: i64) {
        let tag = u64::from(self.partials.generation(p)) << 32 | u64::from(p);
        self.timers.arm(due, self.partials.key(p), tag);
        if self.timers.len() > 4 * self.partials.len() + SPARE {
            let (m, partials) = (&self.m, &self.partials);
            self.timers.retain(|t| {
                let p = t.tag as u32;
                partials.generation(p) == (t.tag >> 32) as u32
                    && (m.expiry(partials.first(p)) == Some(t.due)
                        || m.waits.iter().any(|s| partials.wait(m, p, *s) == Wait::Until(t.due)))
            });
        }
    }

    /// When the next timer is due.
    #[inline]
    pub fn next_due(&self) -> Option<i64> {
        self.timers.next_due()
    }

    /// Takes the next timer; none if its partial is gone.
    pub fn pop_due(&mut self) -> Option<PartialId> {
        let tag = self.timers.pop_due(i64::MAX)?.tag;
        let p = tag as u32;
        (self.partials.generation(p) == (tag >> 32) as u32).then_some(p)
    }

    /// Whether so many open partials are more than allowed.
    pub fn check_limit(&self, open: usize) -> Result<()> {
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
        w.value(&self.partials)?;
        w.value(&self.timers)
    }

    pub fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.events.restore(r)?;
        self.partials = r.value()?;
        self.timers = r.value()?;
        let known = |t: &Timer| (t.tag as u32 as usize) < self.partials.bound();
        if self.partials.fits(&self.m) && self.timers.iter().all(known) {
            Ok(())
        } else {
            Err(Error::Snapshot("the partial matches are of another pattern".into()))
        }
    }
}
