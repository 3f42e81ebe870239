//! [`Partials`]: matches in the making, in a slab.
//!
//! Invariants: a live partial holds a reference on each of its events; its sides' places are fixed by
//! the machine; a freed partial's lists are empty (their memory is kept for the next one) and its
//! generation differs from before, so that whoever remembers a partial can tell it from its successor.
//! What became of an absent side is a [`Wait`], [`Wait::Idle`] unless the partial waits there or has passed it.

use serde::{Deserialize, Serialize};

use super::events::Events;
use super::machine::{Machine, Place};
use super::spec::{Absence, EventRef, Pick};
use crate::event::{KeyId, NO_SLOT, Slot};

/// A partial in the slab.
pub(super) type PartialId = u32;

/// No partial, node, …
pub(super) const NONE: u32 = u32::MAX;

/// The partial holds no event yet.
pub(super) const NO_TIME: i64 = i64::MIN;

/// What became of an absent side of a partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wait {
    /// Nothing: it isn't waited for, or there is no time to wait.
    Idle,
    /// It must stay quiet up to this clock, ms.
    Until(i64),
    /// It was quiet for long enough.
    Quiet,
    /// An event came.
    Broken,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    key: KeyId,
    /// Told apart from earlier users of the place.
    generation: u32,
    /// First of its nodes in pending lists (patterns), or the number of lists it is in (sequences).
    links: u32,
    /// Time of the first event it took.
    first: i64,
}

/// Matches in the making.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Partials {
    heads: Vec<Head>,
    /// Events of single sides, a row per partial.
    slots: Vec<Slot>,
    /// Events of count sides, a row per partial.
    lists: Vec<Vec<Slot>>,
    /// Absent sides, a row per partial.
    waits: Vec<Wait>,
    free: Vec<PartialId>,
}

impl Partials {
    /// An empty partial.
    pub fn create(&mut self, m: &Machine, key: KeyId, links: u32) -> PartialId {
        match self.free.pop() {
            Some(p) => {
                let h = &mut self.heads[p as usize];
                *h = Head { key, links, first: NO_TIME, ..*h };
                p
            }
            None => {
                let head = Head { key, generation: 0, links, first: NO_TIME };
                self.heads.push(head);
                self.slots.resize(self.heads.len() * m.singles, NO_SLOT);
                self.lists.resize_with(self.heads.len() * m.lists, Vec::new);
                self.waits.resize(self.heads.len() * m.waits.len(), Wait::Idle);
                (self.heads.len() - 1) as PartialId
            }
        }
    }

    /// A copy that holds the events of the sides before `side` only.
    pub fn copy_before(
        &mut self,
        m: &Machine,
        events: &mut Events,
        p: PartialId,
        side: usize,
        links: u32,
    ) -> PartialId {
        let copy = self.create(m, self.key(p), links);
        let mut any = false;
        for (s, spec) in m.sides[..side].iter().enumerate() {
            let held: Vec<Slot> = self.held(m, p, s).to_vec();
            any |= !held.is_empty();
            held.iter().for_each(|slot| events.retain(spec.port, *slot));
            match spec.place {
                Place::One(c) => {
                    let i = copy as usize * m.singles + c;
                    self.slots[i] = held.first().copied().unwrap_or(NO_SLOT);
                }
                Place::Many(c) => self.lists[copy as usize * m.lists + c] = held,
                Place::Absent(_) => {}
            }
        }
        self.heads[copy as usize].first = if any { self.heads[p as usize].first } else { NO_TIME };
        copy
    }

    /// Gives a partial and its events up.
    pub fn free(&mut self, m: &Machine, events: &mut Events, p: PartialId) {
        for side in &m.sides {
            match side.place {
                Place::One(c) => {
                    let slot = &mut self.slots[p as usize * m.singles + c];
                    if *slot != NO_SLOT {
                        events.release(side.port, *slot);
                        *slot = NO_SLOT;
                    }
                }
                Place::Many(c) => {
                    let list = &mut self.lists[p as usize * m.lists + c];
                    list.drain(..).for_each(|slot| events.release(side.port, slot));
                    if list.capacity() > 64 {
                        *list = Vec::new();
                    }
                }
                Place::Absent(c) => self.waits[p as usize * m.waits.len() + c] = Wait::Idle,
            }
        }
        let h = &mut self.heads[p as usize];
        h.generation = h.generation.wrapping_add(1);
        self.free.push(p);
    }

    /// Puts an event (already retained) into a side; gives how many the side holds now.
    pub fn put(&mut self, m: &Machine, p: PartialId, side: usize, slot: Slot, ts: i64) -> usize {
        let h = &mut self.heads[p as usize];
        if h.first == NO_TIME {
            // The earliest time there is means none here: taken for the next.
            h.first = ts.max(NO_TIME + 1);
        }
        match m.sides[side].place {
            Place::One(c) => {
                self.slots[p as usize * m.singles + c] = slot;
                1
            }
            Place::Many(c) => {
                let list = &mut self.lists[p as usize * m.lists + c];
                list.push(slot);
                list.len()
            }
            Place::Absent(_) => 0,
        }
    }

    /// What became of an absent side ([`Wait::Idle`] for others).
    #[inline]
    pub fn wait(&self, m: &Machine, p: PartialId, side: usize) -> Wait {
        match m.sides[side].place {
            Place::Absent(c) => self.waits[p as usize * m.waits.len() + c],
            _ => Wait::Idle,
        }
    }

    /// Notes what became of an absent side.
    pub fn set_wait(&mut self, m: &Machine, p: PartialId, side: usize, wait: Wait) {
        if let Place::Absent(c) = m.sides[side].place {
            self.waits[p as usize * m.waits.len() + c] = wait;
        }
    }

    /// The events a side holds.
    #[inline]
    pub fn held(&self, m: &Machine, p: PartialId, side: usize) -> &[Slot] {
        match m.sides[side].place {
            Place::One(c) => {
                let slot = &self.slots[p as usize * m.singles + c];
                if *slot == NO_SLOT { &[] } else { std::slice::from_ref(slot) }
            }
            Place::Many(c) => &self.lists[p as usize * m.lists + c],
            Place::Absent(_) => &[],
        }
    }

    /// Whether `side` has what it needs: an event, or none.
    pub fn met(&self, m: &Machine, p: PartialId, side: usize) -> bool {
        match m.sides[side].absent {
            None => !self.held(m, p, side).is_empty(),
            Some(Absence::For(_)) => self.wait(m, p, side) == Wait::Quiet,
            Some(Absence::Meanwhile) => self.wait(m, p, side) != Wait::Broken,
        }
    }

    /// One event of a partial, or [`NO_SLOT`].
    #[inline]
    pub fn pick(&self, m: &Machine, p: PartialId, r: EventRef) -> Slot {
        let held = self.held(m, p, r.side);
        let at = match r.pick {
            Pick::First(i) => Some(i as usize),
            Pick::Last(i) => held.len().checked_sub(1 + i as usize),
        };
        at.and_then(|i| held.get(i)).copied().unwrap_or(NO_SLOT)
    }

    pub fn key(&self, p: PartialId) -> KeyId {
        self.heads[p as usize].key
    }

    pub fn generation(&self, p: PartialId) -> u32 {
        self.heads[p as usize].generation
    }

    /// Time of the first event taken, or [`NO_TIME`].
    pub fn first(&self, p: PartialId) -> i64 {
        self.heads[p as usize].first
    }

    pub fn links(&self, p: PartialId) -> u32 {
        self.heads[p as usize].links
    }

    pub fn links_mut(&mut self, p: PartialId) -> &mut u32 {
        &mut self.heads[p as usize].links
    }

    /// One past the largest partial ever created.
    pub fn bound(&self) -> usize {
        self.heads.len()
    }

    /// Live partials.
    pub fn len(&self) -> usize {
        self.heads.len() - self.free.len()
    }

    /// Whether the numbers fit the machine (a snapshot may be of another application).
    pub fn fits(&self, m: &Machine) -> bool {
        self.slots.len() == self.heads.len() * m.singles
            && self.lists.len() == self.heads.len() * m.lists
            && self.waits.len() == self.heads.len() * m.waits.len()
            && self.free.iter().all(|p| (*p as usize) < self.heads.len())
    }
}
