//! The timers of one operator: a queue by `(due, key)`, first armed first among equals.
//! Timers are state: they are saved and restored with their operator.
//!
//! Invariant: `line` is sorted. Most operators arm in the order in which timers come due, and then
//! arming and firing cost O(1); what comes out of order waits in `heap`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};

/// An armed timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timer {
    /// When it is due, ms.
    pub due: i64,
    /// The partition key it belongs to.
    pub key: u32,
    seq: u64,
    /// The operator's own mark (e.g. a generation, to tell stale timers).
    pub tag: u64,
}

/// The timers of one operator.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Timers {
    line: VecDeque<Timer>,
    heap: BinaryHeap<Reverse<Timer>>,
    seq: u64,
}

impl Timers {
    /// Arms a timer. There is no cancel: operators check on firing whether it still means anything.
    pub fn arm(&mut self, due: i64, key: u32, tag: u64) {
        self.seq += 1;
        let timer = Timer { due, key, seq: self.seq, tag };
        if self.line.back().is_none_or(|last| *last < timer) {
            self.line.push_back(timer);
        } else {
            self.heap.push(Reverse(timer));
        }
    }

    /// When the next timer is due, ms.
    #[inline]
    pub fn next_due(&self) -> Option<i64> {
        self.peek().map(|(timer, _)| timer.due)
    }

    /// Takes the next timer due at or before `clock`.
    #[inline]
    pub fn pop_due(&mut self, clock: i64) -> Option<Timer> {
        let (timer, in_line) = self.peek()?;
        if timer.due > clock {
            return None;
        }
        if in_line { self.line.pop_front() } else { self.heap.pop().map(|t| t.0) }
    }

    /// The next timer and whether it stands in the line.
    #[inline]
    fn peek(&self) -> Option<(Timer, bool)> {
        match (self.line.front(), self.heap.peek()) {
            (Some(l), Some(Reverse(h))) if h < l => Some((*h, false)),
            (Some(l), _) => Some((*l, true)),
            (None, Some(Reverse(h))) => Some((*h, false)),
            (None, None) => None,
        }
    }

    /// All armed timers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Timer> {
        self.line.iter().chain(self.heap.iter().map(|t| &t.0))
    }

    /// Drops the timers for which `keep` doesn't hold.
    pub fn retain(&mut self, keep: impl Fn(&Timer) -> bool) {
        self.line.retain(&keep);
        self.heap.retain(|t| keep(&t.0));
    }

    /// Number of armed timers.
    pub fn len(&self) -> usize {
        self.line.len() + self.heap.len()
    }

    /// Whether none is armed.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty() && self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fires_by_due_then_key_then_arming() {
        let mut t = Timers::default();
        for (due, key, tag) in [(20, 1, 0), (10, 2, 1), (20, 0, 2), (20, 1, 3), (30, 0, 4)] {
            t.arm(due, key, tag);
        }
        assert_eq!(t.next_due(), Some(10));
        let mut tags = vec![];
        while let Some(timer) = t.pop_due(29) {
            tags.push(timer.tag);
        }
        assert_eq!(tags, [1, 2, 0, 3]);
        assert_eq!((t.len(), t.next_due()), (1, Some(30)));
    }

    proptest! {
        /// Any mix of arming and firing gives the same as sorting what is armed.
        #[test]
        fn same_as_a_sorted_list(ops in prop::collection::vec((0i64..20, 0u32..3, any::<bool>()), 0..60)) {
            let mut timers = Timers::default();
            let mut list: Vec<(i64, u32, u64)> = vec![];
            for (i, (due, key, fire)) in ops.into_iter().enumerate() {
                if fire {
                    list.sort_unstable();
                    let expected = (list.first().is_some_and(|t| t.0 <= due)).then(|| list.remove(0));
                    prop_assert_eq!(timers.pop_due(due).map(|t| (t.due, t.key, t.tag)), expected);
                } else {
                    timers.arm(due, key, i as u64);
                    list.push((due, key, i as u64));
                }
                prop_assert_eq!(timers.next_due(), list.iter().map(|t| t.0).min());
                prop_assert_eq!((timers.len(), timers.is_empty()), (list.len(), list.is_empty()));
            }
        }
    }
}
