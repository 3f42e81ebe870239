//! Aggregates over windows whose rows leave in the order in which they came: a row that leaves is
//! looked up where it was put when it came, and never becomes a row of its own.
//!
//! Whoever drives this (`op::select::slide`) decides which rows leave before which row comes, and so
//! which places of the aggregates' memory they have; every aggregate of a query is told the same.
//!
//! Invariant: the value after a row is exactly what [`super::Aggregator::update`] gives when told of
//! every expired row: the same operations on the same group, in the same order.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use serde::{Deserialize, Serialize};

use super::fold::{Fold, Results, mistyped};
use crate::error::{Error, Result};
use crate::state::{SnapshotReader, SnapshotWriter};

/// A queue in one piece of memory: what has left stays in front until it is more than the rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fifo<T> {
    items: Vec<T>,
    head: usize,
}

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self { items: vec![], head: 0 }
    }
}

impl<T: Copy> Fifo<T> {
    /// Rows that may lie in front unused.
    const SLACK: usize = 4096;

    /// What is in the queue.
    #[inline]
    pub fn live(&self) -> &[T] {
        &self.items[self.head..]
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.items.len() - self.head
    }

    /// Whether nothing is in the queue.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds items behind the others.
    pub fn extend(&mut self, items: &[T]) {
        self.items.extend_from_slice(items);
    }

    /// Makes all items (there must be none) `count` times `item`.
    fn fill(&mut self, item: T, count: usize) {
        self.items.clear();
        self.items.resize(count, item);
        self.head = 0;
    }

    /// Lets the first `n` go.
    pub fn advance(&mut self, n: usize) {
        self.head += n;
        if self.head == self.items.len() {
            self.head = 0;
            self.items.clear();
        } else if self.head > Self::SLACK && self.head > self.items.len() / 2 {
            self.items.drain(..self.head);
            self.head = 0;
            if self.items.capacity() > 4 * self.items.len().max(Self::SLACK) {
                self.items.shrink_to(2 * self.items.len());
            }
        }
    }
}

/// Marks a place of which another row is taken first.
pub const TAKEN: u32 = 1 << 31;

/// Which rows leave as rows come.
#[derive(Debug, Clone, Copy)]
pub enum Leaving<'a> {
    /// All rows stand in one queue.
    Queue {
        /// Groups of the rows in the queue, oldest first, those that come included.
        groups: &'a [u32],
        /// By row that comes, how many have left before it does (counted from the oldest).
        before: &'a [u32],
        /// How many have left when all have come.
        total: u32,
    },
    /// Rows stand in rings, of one group each.
    Rings {
        /// By row that comes, its place; with [`TAKEN`], the row that stands there leaves.
        places: &'a [u32],
        /// One past the last place.
        bound: usize,
    },
}

/// Rows that come.
#[derive(Debug, Clone, Copy)]
pub struct Slide<'a> {
    /// Arguments, aligned with the rows that come.
    pub args: &'a [ArrayRef],
    /// Group of each row that comes.
    pub groups: &'a [u32],
    /// One past the largest group.
    pub bound: usize,
    /// Which rows leave.
    pub leaving: Leaving<'a>,
}

/// An aggregator of a sliding window that keeps what it needs to take rows back.
pub trait Sliding: Send {
    /// Lets rows come and go; the value after each that came.
    fn slide(&mut self, rows: &Slide<'_>) -> Result<ArrayRef>;

    /// Returns a group without rows to its initial state.
    fn forget(&mut self, group: u32);

    /// Saves the state.
    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()>;

    /// Restores the state into a fresh one of the same types.
    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()>;
}

/// A [`Fold`] over rows that come and go.
pub(super) struct SlidingFold<F: Fold> {
    states: Vec<F::State>,
    values: Fifo<<F::In as ArrowPrimitiveType>::Native>,
    /// Whether each value is one; empty until the first null.
    valid: Fifo<bool>,
    /// By row of a batch, what stood in its place before.
    replaced: Vec<<F::In as ArrowPrimitiveType>::Native>,
}

impl<F: Fold> Default for SlidingFold<F> {
    fn default() -> Self {
        Self { states: vec![], values: Fifo::default(), valid: Fifo::default(), replaced: vec![] }
    }
}

impl<F: Fold> SlidingFold<F> {
    fn queue(
        &mut self,
        array: &PrimitiveArray<F::In>,
        (groups, before, total): (&[u32], &[u32], usize),
    ) -> ArrayRef {
        let held = self.values.len();
        self.values.extend(array.values());
        if let Some(nulls) = array.nulls().filter(|n| n.null_count() > 0) {
            if self.valid.is_empty() {
                self.valid.fill(true, held);
            }
            self.valid.extend(&nulls.iter().collect::<Vec<_>>());
        } else if !self.valid.is_empty() {
            self.valid.extend(&vec![true; array.len()]);
        }
        let states = &mut self.states[..];
        let (values, valid) = (self.values.live(), self.valid.live());
        let mut out = Results::<F::Out>::with_capacity(array.len());
        if valid.is_empty() {
            let mut leave = values.iter().zip(groups);
            let mut left = 0;
            for ((value, group), until) in values[held..].iter().zip(&groups[held..]).zip(before) {
                while left < *until {
                    if let Some((old, g)) = leave.next() {
                        F::remove(&mut states[*g as usize], *old);
                    }
                    left += 1;
                }
                let state = &mut states[*group as usize];
                F::add(state, *value);
                out.push(F::value(state));
            }
            for (old, g) in leave.take(total - left as usize) {
                F::remove(&mut states[*g as usize], *old);
            }
        } else {
            let mut left = 0;
            let mut leave_until = |states: &mut [F::State], until: usize| {
                for i in left..until {
                    if valid[i] {
                        F::remove(&mut states[groups[i] as usize], values[i]);
                    }
                }
                left = left.max(until);
            };
            for (i, until) in before.iter().enumerate() {
                leave_until(states, *until as usize);
                let state = &mut states[groups[held + i] as usize];
                if valid[held + i] {
                    F::add(state, values[held + i]);
                }
                out.push(F::value(state));
            }
            leave_until(states, total);
        }
        self.values.advance(total);
        if !self.valid.is_empty() {
            self.valid.advance(total);
        }
        out.finish()
    }

    fn rings(
        &mut self,
        array: &PrimitiveArray<F::In>,
        groups: &[u32],
        (places, bound): (&[u32], usize),
    ) -> ArrayRef {
        let nulls = array.nulls().filter(|n| n.null_count() > 0);
        let Fifo { items: values, .. } = &mut self.values;
        values.resize(bound.max(values.len()), Default::default());
        let Fifo { items: valid, .. } = &mut self.valid;
        if nulls.is_some() || !valid.is_empty() {
            valid.resize(values.len(), true);
        }
        let (values, valid, states) = (&mut values[..], &mut valid[..], &mut self.states[..]);
        let mut out = Results::<F::Out>::with_capacity(array.len());
        if valid.is_empty() {
            // What stood in the places first: nothing in that loop waits for anything, so that memory is
            // asked for many places at a time.
            let place = |(place, value): (&u32, &<F::In as ArrowPrimitiveType>::Native)| {
                std::mem::replace(&mut values[(place & !TAKEN) as usize], *value)
            };
            self.replaced.clear();
            self.replaced.extend(places.iter().zip(array.values()).map(place));
            let come = array.values().iter().zip(&self.replaced).zip(groups).zip(places);
            for (((value, old), group), place) in come {
                let state = &mut states[*group as usize];
                if place & TAKEN != 0 {
                    F::remove(state, *old);
                }
                F::add(state, *value);
                out.push(F::value(state));
            }
            return out.finish();
        }
        let come = array.values().iter().zip(groups).zip(places);
        for (i, ((value, group), place)) in come.enumerate() {
            let (state, at) = (&mut states[*group as usize], (place & !TAKEN) as usize);
            if place & TAKEN != 0 && valid[at] {
                F::remove(state, values[at]);
            }
            values[at] = *value;
            valid[at] = nulls.is_none_or(|n| n.is_valid(i));
            if valid[at] {
                F::add(state, *value);
            }
            out.push(F::value(state));
        }
        out.finish()
    }
}

impl<F: Fold> Sliding for SlidingFold<F> {
    fn slide(&mut self, rows: &Slide<'_>) -> Result<ArrayRef> {
        let [array] = rows.args else {
            return Err(Error::Data("a sliding aggregate takes one argument".into()));
        };
        let array = array.as_primitive_opt::<F::In>().ok_or_else(|| mistyped(array))?;
        if self.states.len() < rows.bound {
            self.states.resize(rows.bound, F::State::default());
        }
        Ok(match rows.leaving {
            Leaving::Queue { groups, before, total } => {
                self.queue(array, (groups, before, total as usize))
            }
            Leaving::Rings { places, bound } => self.rings(array, rows.groups, (places, bound)),
        })
    }

    fn forget(&mut self, group: u32) {
        if let Some(state) = self.states.get_mut(group as usize) {
            *state = F::State::default();
        }
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.states)?;
        w.value(&self.values)?;
        w.value(&self.valid)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.states = r.value()?;
        self.values = r.value()?;
        self.valid = r.value()?;
        if self.values.head > self.values.items.len() || self.valid.head > self.valid.items.len() {
            return Err(Error::Snapshot("a window's queue begins behind its end".into()));
        }
        Ok(())
    }
}
