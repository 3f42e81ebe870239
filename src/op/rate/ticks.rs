//! When a time-based limit lets results out: one period after its start (of the application or of
//! the partition key), and each period after that.
//!
//! Invariant: a key's timer is armed exactly while something of it waits, so that what is idle costs
//! nothing, however long.

use serde::{Deserialize, Serialize};

use super::rows::at;
use crate::event::KeyId;
use crate::time::{Timer, Timers};

/// A key that hasn't begun.
const NEVER: i64 = i64::MIN;

/// The ticks of all keys.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ticks {
    #[serde(skip)]
    period: i64,
    /// When each key began.
    starts: Vec<i64>,
    armed: Vec<bool>,
    timers: Timers,
}

impl Ticks {
    pub(super) fn new(period: i64) -> Self {
        Self { period, ..Self::default() }
    }

    pub(super) fn begin(&mut self, key: KeyId, clock: i64) {
        *at(&mut self.starts, key, NEVER) = clock;
    }

    /// Has the key tick at the first point in time after `clock`.
    pub(super) fn arm(&mut self, key: KeyId, clock: i64) {
        if std::mem::replace(at(&mut self.armed, key, false), true) {
            return;
        }
        let start = at(&mut self.starts, key, NEVER);
        if *start == NEVER {
            *start = clock;
        }
        // In 128 bits nothing overflows.
        let (start, clock, period) =
            (i128::from(*start), i128::from(clock), i128::from(self.period));
        let due = start + ((clock - start).div_euclid(period) + 1) * period;
        self.timers.arm(i64::try_from(due).unwrap_or(i64::MAX), key, 0);
    }

    pub(super) fn next_due(&self) -> Option<i64> {
        self.timers.next_due()
    }

    pub(super) fn pop_due(&mut self, clock: i64) -> Option<Timer> {
        let timer = self.timers.pop_due(clock)?;
        *at(&mut self.armed, timer.key, false) = false;
        Some(timer)
    }

    /// State of another of the same period.
    pub(super) fn load(&mut self, saved: Ticks) {
        *self = Ticks { period: self.period, ..saved };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_begins_with_the_key() {
        let mut ticks = Ticks::new(10);
        ticks.begin(0, 3);
        ticks.begin(1, 7);
        assert_eq!(ticks.next_due(), None);
        ticks.arm(0, 3);
        ticks.arm(0, 9); // armed already
        ticks.arm(1, 27);
        let mut fired = vec![];
        while let Some(t) = ticks.pop_due(40) {
            fired.push((t.due, t.key));
        }
        assert_eq!(fired, [(13, 0), (37, 1)]);
        ticks.arm(0, 1013);
        assert_eq!(ticks.next_due(), Some(1023));
        ticks.arm(2, i64::MAX - 1);
        ticks.pop_due(1023).unwrap();
        assert_eq!(ticks.next_due(), Some(i64::MAX));
    }
}
