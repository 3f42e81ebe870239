//! Rows that wait, in lists.
//!
//! Invariants: every live row of the store is in exactly one list; `links[slot]` is that row's, and
//! the links of slots that aren't live mean nothing.

use serde::{Deserialize, Serialize};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::{Error, Result};
use crate::event::{Kind, NO_SLOT, RowStore, Slot};
use crate::state::{SnapshotReader, SnapshotWriter};

/// What is known of a row beyond its attributes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Link {
    prev: Slot,
    next: Slot,
    /// The next row with equal values (see [`super::present`]).
    same: Slot,
    group: u32,
    value: u32,
    kind: Kind,
}

/// Rows in the order in which they came.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct List {
    first: Slot,
    last: Slot,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NO_SLOT, last: NO_SLOT }
    }
}

impl List {
    pub(super) fn is_empty(&self) -> bool {
        self.first == NO_SLOT
    }
}

/// The element at `i`, made if there is none.
pub(super) fn at<T: Clone>(list: &mut Vec<T>, i: u32, new: T) -> &mut T {
    let i = i as usize;
    if list.len() <= i {
        list.resize(i + 1, new);
    }
    &mut list[i]
}

/// A store of rows with their places in lists.
pub(super) struct Rows {
    store: RowStore,
    links: Vec<Link>,
}

impl Rows {
    pub(super) fn new(schema: SchemaRef) -> Result<Self> {
        Ok(Self { store: RowStore::new(schema)?, links: vec![] })
    }

    pub(super) fn store(&self) -> &RowStore {
        &self.store
    }

    /// Copies a row in; it still has to be put into a list.
    pub(super) fn insert(
        &mut self,
        columns: &RecordBatch,
        row: usize,
        ts: i64,
        (group, value): (u32, u32),
        kind: Kind,
    ) -> Slot {
        let slot = self.store.insert(columns, row, ts);
        let link = Link { prev: NO_SLOT, next: NO_SLOT, same: NO_SLOT, group, value, kind };
        *at(&mut self.links, slot, link) = link;
        slot
    }

    pub(super) fn group(&self, slot: Slot) -> u32 {
        self.links[slot as usize].group
    }

    pub(super) fn value(&self, slot: Slot) -> u32 {
        self.links[slot as usize].value
    }

    pub(super) fn kind(&self, slot: Slot) -> Kind {
        self.links[slot as usize].kind
    }

    /// The next row with equal values.
    pub(super) fn same(&mut self, slot: Slot) -> &mut Slot {
        &mut self.links[slot as usize].same
    }

    /// Puts a row at the end of a list.
    pub(super) fn push(&mut self, list: &mut List, slot: Slot) {
        self.links[slot as usize].prev = list.last;
        match list.last {
            NO_SLOT => list.first = slot,
            last => self.links[last as usize].next = slot,
        }
        list.last = slot;
    }

    /// Takes a row out of its list and gives it up.
    pub(super) fn remove(&mut self, list: &mut List, slot: Slot) {
        let Link { prev, next, .. } = self.links[slot as usize];
        match prev {
            NO_SLOT => list.first = next,
            prev => self.links[prev as usize].next = next,
        }
        match next {
            NO_SLOT => list.last = prev,
            next => self.links[next as usize].prev = prev,
        }
        self.store.release(slot);
    }

    /// Puts `new` where `old` stands, which is given up.
    pub(super) fn replace(&mut self, list: &mut List, old: Slot, new: Slot) {
        let Link { prev, next, .. } = self.links[old as usize];
        (self.links[new as usize].prev, self.links[new as usize].next) = (prev, next);
        match prev {
            NO_SLOT => list.first = new,
            prev => self.links[prev as usize].next = new,
        }
        match next {
            NO_SLOT => list.last = new,
            next => self.links[next as usize].prev = new,
        }
        self.store.release(old);
    }

    /// Calls `each` with the rows of a list, which it may remove.
    pub(super) fn walk(&mut self, list: List, mut each: impl FnMut(&mut Self, Slot)) {
        let mut slot = list.first;
        while slot != NO_SLOT {
            let next = self.links[slot as usize].next;
            each(self, slot);
            slot = next;
        }
    }

    /// Gives a row up that is in no list.
    pub(super) fn release(&mut self, slot: Slot) {
        self.store.release(slot);
    }

    /// See [`RowStore::reclaim`].
    pub(super) fn reclaim(&mut self) {
        self.store.reclaim();
    }

    pub(super) fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.store)?;
        w.value(&self.links)
    }

    pub(super) fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        r.with(|d| self.store.load(d))?;
        self.links = r.value()?;
        let known = |slot: Slot| slot == NO_SLOT || (slot as usize) < self.links.len();
        let sound = self.links.len() >= self.store.bound()
            && self.links.iter().all(|l| known(l.prev) && known(l.next) && known(l.same));
        if sound { Ok(()) } else { Err(unfit()) }
    }
}

/// What a damaged snapshot is told.
pub(super) fn unfit() -> Error {
    Error::Snapshot("the rows of an output rate and their order don't fit".into())
}
