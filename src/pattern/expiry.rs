//! [`Expiry`]: which partials are the oldest.
//!
//! Partials mostly begin in order of time, and are taken from the front of a queue. Those that don't
//! (late events, copies of older partials) wait in a heap. An entry outlives its partial; whoever pops it
//! tells by the generation, and [`Expiry::retain`] cleans up when most are dead.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};

use super::partial::PartialId;

/// Time of the first event, partial, its generation.
type Entry = (i64, PartialId, u32);

/// Partials by the time of their first event.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Expiry {
    /// In order of time.
    ordered: VecDeque<Entry>,
    rest: BinaryHeap<Reverse<Entry>>,
}

impl Expiry {
    pub fn push(&mut self, first: i64, p: PartialId, generation: u32) {
        if self.ordered.back().is_none_or(|b| b.0 <= first) {
            self.ordered.push_back((first, p, generation));
        } else {
            self.rest.push(Reverse((first, p, generation)));
        }
    }

    /// Takes a partial out whose first event was before `horizon`, if there is one; the oldest of those
    /// first.
    pub fn pop_before(&mut self, horizon: i64) -> Option<(PartialId, u32)> {
        let (ordered, rest) = (self.ordered.front().copied(), self.rest.peek().map(|e| e.0));
        let from_rest = match (ordered, rest) {
            (Some(o), Some(r)) => r < o,
            (o, _) => o.is_none(),
        };
        let (first, p, generation) = if from_rest { rest } else { ordered }?;
        if first >= horizon {
            return None;
        }
        if from_rest {
            self.rest.pop();
        } else {
            self.ordered.pop_front();
        }
        Some((p, generation))
    }

    /// Entries, of live and dead partials.
    pub fn len(&self) -> usize {
        self.ordered.len() + self.rest.len()
    }

    /// Forgets the partials for which `live` does not hold.
    pub fn retain(&mut self, live: impl Fn(PartialId, u32) -> bool) {
        self.ordered.retain(|(_, p, generation)| live(*p, *generation));
        self.rest.retain(|Reverse((_, p, generation))| live(*p, *generation));
    }

    /// The partials of all entries.
    pub fn partials(&self) -> impl Iterator<Item = PartialId> + '_ {
        self.ordered.iter().chain(self.rest.iter().map(|e| &e.0)).map(|e| e.1)
    }
}
