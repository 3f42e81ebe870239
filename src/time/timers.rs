//! The timers of one operator: a queue by `(due, key, tag)`, first armed first among equals.
//! Timers are state: they are saved and restored with their operator.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

/// An armed timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timer {
    /// When it is due, ms.
    pub due: i64,
    seq: u64,
    /// The partition key it belongs to.
    pub key: u32,
    /// The operator's own mark (e.g. a generation, to tell stale timers).
    pub tag: u64,
}

/// The timers of one operator.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    seq: u64,
}

impl Timers {
    /// Arms a timer. There is no cancel: operators check on firing whether it still means anything.
    pub fn arm(&mut self, due: i64, key: u32, tag: u64) {
        self.seq += 1;
        self.heap.push(Reverse(Timer { due, seq: self.seq, key, tag }));
    }

    /// When the next timer is due, ms.
    #[inline]
    pub fn next_due(&self) -> Option<i64> {
        self.heap.peek().map(|t| t.0.due)
    }

    /// Takes the next timer due at or before `clock`.
    #[inline]
    pub fn pop_due(&mut self, clock: i64) -> Option<Timer> {
        if self.next_due()? > clock {
            return None;
        }
        self.heap.pop().map(|t| t.0)
    }

    /// Number of armed timers.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is armed.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}
