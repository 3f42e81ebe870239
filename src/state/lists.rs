//! [`KeyedLists`]: which of many dense ids belong to which dense owner, e.g. the groups of a
//! partition key, so that a reset costs what it clears and not what exists.
//!
//! Invariants: an id is in at most one list; `links[id].prev` is [`UNLINKED`] exactly when it is in
//! none. Eight bytes an id, four an owner, no allocation per list.

use serde::{Deserialize, Serialize};

/// End of a list.
const END: u32 = u32::MAX;
/// In no list.
const UNLINKED: u32 = u32::MAX - 1;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Link {
    prev: u32,
    next: u32,
}

/// One doubly linked list of ids per owner, in two vectors.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct KeyedLists {
    heads: Vec<u32>,
    links: Vec<Link>,
}

impl KeyedLists {
    /// Whether `id` is in a list.
    #[inline]
    pub fn contains(&self, id: u32) -> bool {
        self.links.get(id as usize).is_some_and(|l| l.prev != UNLINKED)
    }

    /// Puts `id` into the list of `owner`; does nothing if it is in a list already.
    #[inline]
    pub fn insert(&mut self, owner: u32, id: u32) {
        if !self.contains(id) {
            self.link(owner, id);
        }
    }

    fn link(&mut self, owner: u32, id: u32) {
        let (o, i) = (owner as usize, id as usize);
        if self.heads.len() <= o {
            self.heads.resize(o + 1, END);
        }
        if self.links.len() <= i {
            self.links.resize(i + 1, Link { prev: UNLINKED, next: END });
        }
        let first = std::mem::replace(&mut self.heads[o], id);
        self.links[i] = Link { prev: END, next: first };
        if first != END {
            self.links[first as usize].prev = id;
        }
    }

    /// Takes `id` out of the list of `owner`; does nothing if it is in no list.
    pub fn remove(&mut self, owner: u32, id: u32) {
        if !self.contains(id) {
            return;
        }
        let Link { prev, next } = self.links[id as usize];
        if prev == END {
            self.heads[owner as usize] = next;
        } else {
            self.links[prev as usize].next = next;
        }
        if next != END {
            self.links[next as usize].prev = prev;
        }
        self.links[id as usize] = Link { prev: UNLINKED, next: END };
    }

    /// Empties the list of `owner`, last in first out.
    pub fn drain(&mut self, owner: u32, mut each: impl FnMut(u32)) {
        let Some(head) = self.heads.get_mut(owner as usize) else { return };
        let mut id = std::mem::replace(head, END);
        while id != END {
            let unlinked = Link { prev: UNLINKED, next: END };
            let link = std::mem::replace(&mut self.links[id as usize], unlinked);
            each(id);
            id = link.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(lists: &mut KeyedLists, owner: u32) -> Vec<u32> {
        let mut out = vec![];
        lists.drain(owner, |id| out.push(id));
        out
    }

    #[test]
    fn ids_leave_from_any_place_and_lists_stay_apart() {
        let mut l = KeyedLists::default();
        for id in 0..5 {
            l.insert(7, id);
            l.insert(7, id);
        }
        l.insert(2, 9);
        l.remove(7, 4); // first
        l.remove(7, 0); // last
        l.remove(7, 2); // between
        l.remove(7, 2);
        assert!(l.contains(9) && l.contains(1) && !l.contains(2) && !l.contains(100));
        assert_eq!(drained(&mut l, 7), [3, 1]);
        assert!(drained(&mut l, 7).is_empty());
        assert_eq!(drained(&mut l, 2), [9]);
        assert!(drained(&mut l, 100).is_empty());
        l.insert(2, 3);
        assert_eq!(drained(&mut l, 2), [3]);
    }
}
