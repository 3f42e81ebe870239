//! Where the rows of each partition key stand: in a ring of as many places as its window holds.
//!
//! A ring is made of small blocks, taken one at a time as it fills, each of which knows the next: so a
//! key has at most one block more than it has rows for, and no row ever moves.
//!
//! Invariants: block `b` is the places `b * size..(b + 1) * size`; the blocks of a ring are chained by
//! `next` from `first`; positions run from 0 to `rows`, and each block but the last is full of them.

use serde::{Deserialize, Serialize};

use crate::aggregate::slide::{Leaving, TAKEN};

/// Places of a block, at most: those of one line of memory, if they hold a double each.
const BLOCK: u32 = 8;

/// Marks `Ring::at` of rings whose places are all taken.
const FULL: u32 = 1 << 31;

/// The rings of all keys.
#[derive(Serialize, Deserialize)]
pub(super) struct Rings {
    #[serde(skip)]
    rows: u32,
    /// Places of a block, as a power of two.
    #[serde(skip)]
    shift: u32,
    /// By key.
    rings: Vec<Ring>,
    /// By block, the next one of its ring.
    next: Vec<u32>,
    #[serde(skip)]
    places: Vec<u32>,
}

/// A key without rows has the default.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Ring {
    first: u32,
    /// The block of the row that came last.
    block: u32,
    /// Position of the next row; with [`FULL`], that of the oldest, too.
    at: u32,
}

impl Rings {
    /// For windows of `rows` rows.
    pub fn new(rows: u32) -> Self {
        let shift = rows.clamp(1, BLOCK).next_power_of_two().trailing_zeros();
        Self { rows, shift, rings: vec![], next: vec![], places: vec![] }
    }

    /// With what was saved of rings of the same size; none if that can't be.
    pub fn restored(&self, saved: Rings) -> Option<Self> {
        let blocks = saved.next.len() as u64;
        let known = |block: u32| u64::from(block) < blocks;
        let sound = saved.next.iter().all(|b| known(*b))
            && saved.rings.iter().all(|r| {
                (r.at == 0 || (known(r.first) && known(r.block))) && r.at & !FULL < self.rows.max(1)
            });
        sound.then_some(Self { rows: self.rows, shift: self.shift, ..saved })
    }

    /// Gives each row that comes its place; and one past the largest key so far.
    pub fn come(&mut self, keys: &[u32]) -> (Leaving<'_>, usize) {
        let Self { rows, shift, rings, next, places } = self;
        let inside = (1u32 << *shift) - 1;
        places.clear();
        places.extend(keys.iter().map(|key| {
            let key = *key as usize;
            if key >= rings.len() {
                rings.resize(key + 1, Ring::default());
            }
            let ring = &mut rings[key];
            let at = ring.at & !FULL;
            if at & inside == 0 {
                enter(ring, next);
            }
            let place = (ring.block << *shift) + (at & inside);
            if at + 1 == *rows {
                let taken = if ring.at & FULL == 0 { 0 } else { TAKEN };
                ring.at = FULL;
                return place | taken;
            }
            ring.at += 1;
            if ring.at & FULL == 0 { place } else { place | TAKEN }
        }));
        (Leaving::Rings { places, bound: next.len() << *shift }, rings.len())
    }
}

/// Goes on to the ring's next block, which is a new one until the ring is full.
#[inline]
fn enter(ring: &mut Ring, next: &mut Vec<u32>) {
    let new = next.len() as u32;
    ring.block = match ring.at {
        0 => {
            next.push(new);
            ring.first = new;
            new
        }
        FULL => ring.first,
        at if at & FULL == 0 => {
            next.push(new);
            next[ring.block as usize] = new;
            new
        }
        _ => next[ring.block as usize],
    };
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_row_stands_where_no_other_of_the_window_does(
            rows in 1..40u32,
            steps in proptest::collection::vec(proptest::collection::vec(0..4u32, 0..60), 1..6),
        ) {
            let mut rings = Rings::new(rows);
            let mut held: Vec<VecDeque<u32>> = vec![VecDeque::new(); 4];
            for keys in steps {
                let saved = postcard::to_allocvec(&rings).unwrap();
                rings = Rings::new(rows).restored(postcard::from_bytes(&saved).unwrap()).unwrap();
                let (Leaving::Rings { places, bound }, _) = rings.come(&keys) else {
                    unreachable!()
                };
                for (key, place) in keys.iter().zip(places) {
                    let (at, taken) = (place & !TAKEN, place & TAKEN != 0);
                    prop_assert!((at as usize) < bound);
                    let own = &mut held[*key as usize];
                    prop_assert_eq!(taken, own.len() == rows as usize);
                    if taken {
                        // The oldest leaves, and it is its place that is taken.
                        prop_assert_eq!(own.pop_front(), Some(at));
                    }
                    prop_assert!(held.iter().flatten().all(|p| *p != at));
                    held[*key as usize].push_back(at);
                }
                // Never more than a block beyond what each key holds.
                let full: usize = held.iter().map(|h| h.len().div_ceil(8) * 8).sum();
                prop_assert!(bound <= full, "{} places for {:?}", bound, held);
            }
        }
    }
}
