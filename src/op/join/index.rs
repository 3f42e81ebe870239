//! Which rows a side holds, found by key.
//!
//! Invariants: a slot is in at most one bucket; a bucket lists its slots in the order in which they
//! entered, which is the order in which matches leave.

use crate::event::{KeyId, NO_SLOT, SINGLE_KEY, Slot};

/// The key of a row that equals nothing (one of its values is null or not a number).
pub(super) const NO_KEY: KeyId = KeyId::MAX;

/// The rows of one side in buckets by key id: doubly linked lists threaded through the slots, so
/// that entering and leaving cost the same wherever the row stands.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By key id.
    buckets: Vec<Bucket>,
    /// By slot.
    links: Vec<Link>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    first: Slot,
    last: Slot,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    key: KeyId,
    partition: KeyId,
    before: Slot,
    after: Slot,
}

const EMPTY: Bucket = Bucket { first: NO_SLOT, last: NO_SLOT };
const LOOSE: Link = Link { key: NO_KEY, partition: SINGLE_KEY, before: NO_SLOT, after: NO_SLOT };

impl Index {
    /// Adds a row behind all others of its key. Nothing happens for [`NO_KEY`]. The partition key is
    /// kept for snapshots.
    #[inline]
    pub fn insert(&mut self, slot: Slot, key: KeyId, partition: KeyId) {
        if key == NO_KEY {
            return;
        }
        if self.buckets.len() <= key as usize {
            self.buckets.resize(key as usize + 1, EMPTY);
        }
        if self.links.len() <= slot as usize {
            self.links.resize(slot as usize + 1, LOOSE);
        }
        let bucket = &mut self.buckets[key as usize];
        self.links[slot as usize] = Link { key, partition, before: bucket.last, after: NO_SLOT };
        match bucket.last {
            NO_SLOT => bucket.first = slot,
            last => self.links[last as usize].after = slot,
        }
        bucket.last = slot;
    }

    /// Takes a row out and tells its key; [`NO_KEY`] if it wasn't in.
    #[inline]
    pub fn remove(&mut self, slot: Slot) -> KeyId {
        let Some(link) = self.links.get_mut(slot as usize) else { return NO_KEY };
        let Link { key, before, after, .. } = std::mem::replace(link, LOOSE);
        if key == NO_KEY {
            return NO_KEY;
        }
        let bucket = &mut self.buckets[key as usize];
        match before {
            NO_SLOT => bucket.first = after,
            b => self.links[b as usize].after = after,
        }
        match after {
            NO_SLOT => bucket.last = before,
            a => self.links[a as usize].before = before,
        }
        key
    }

    /// Appends the rows of a key to `out`.
    #[inline]
    pub fn find(&self, key: KeyId, out: &mut Vec<Slot>) {
        let mut slot = self.buckets.get(key as usize).map_or(NO_SLOT, |b| b.first);
        while slot != NO_SLOT {
            out.push(slot);
            slot = self.links[slot as usize].after;
        }
    }

    /// The key of a row; [`NO_KEY`] if it isn't in.
    pub fn key(&self, slot: Slot) -> KeyId {
        self.links.get(slot as usize).map_or(NO_KEY, |l| l.key)
    }

    /// The partition key of a row that is in.
    pub fn partition(&self, slot: Slot) -> KeyId {
        self.links.get(slot as usize).map_or(SINGLE_KEY, |l| l.partition)
    }

    /// All rows, bucket by bucket: entering them again in this order rebuilds the index.
    pub fn rows(&self) -> Vec<Slot> {
        let mut out = Vec::new();
        for key in 0..self.buckets.len() {
            self.find(key as KeyId, &mut out);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(index: &Index, key: KeyId) -> Vec<Slot> {
        let mut out = vec![];
        index.find(key, &mut out);
        out
    }

    #[test]
    fn rows_of_a_key_stand_in_the_order_of_entry() {
        let mut index = Index::default();
        for (slot, key) in [(5, 1), (0, 1), (3, 2), (9, NO_KEY), (2, 1)] {
            index.insert(slot, key, 0);
        }
        assert_eq!(found(&index, 1), [5, 0, 2]);
        assert_eq!(found(&index, 2), [3]);
        assert_eq!(found(&index, 0), [0; 0]);
        assert_eq!(found(&index, 77), [0; 0]);
        assert_eq!(found(&index, NO_KEY), [0; 0]);
        assert_eq!(index.rows(), [5, 0, 2, 3]);
    }

    #[test]
    fn rows_leave_from_anywhere_once() {
        let mut index = Index::default();
        (0..5).for_each(|slot| index.insert(slot, 0, 7));
        assert_eq!(index.remove(2), 0);
        assert_eq!(index.remove(0), 0);
        assert_eq!(index.remove(4), 0);
        assert_eq!(index.remove(4), NO_KEY);
        assert_eq!(index.remove(99), NO_KEY);
        assert_eq!(found(&index, 0), [1, 3]);
        index.insert(4, 0, 7);
        assert_eq!(found(&index, 0), [1, 3, 4]);
        for slot in [1, 3, 4] {
            index.remove(slot);
        }
        assert_eq!(found(&index, 0), [0; 0]);
        index.insert(1, 0, 7);
        assert_eq!(index.partition(1), 7);
        assert_eq!(found(&index, 0), [1]);
    }
}
