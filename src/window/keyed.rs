//! What all windows share: rows of all partition keys in one slab, one state per key, timers.
//!
//! Invariants:
//! * Rows of all keys share one [`RowStore`] and one `next` array, in which each key's queues are
//!   linked lists: a key costs its state (tens of bytes) and a row costs its columns and 4 bytes.
//! * A chunk is cut into runs of one key (inside `partition` it already is one run).
//! * Timers due at or before the clock of a run fire before it, unless the run has the same cause as
//!   rows already seen: a timer armed in the past by a row fires only after everything its cause
//!   brings about. Clocks of timers never fall.
//! * `next.len() == store.bound()` whenever rows have been put in.

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::sub_keys::SubKeys;
use super::{Eviction, Tumbling, Window, WindowContext, WindowOutput};
use crate::error::{Error, Result};
use crate::event::{EventBatch, KeyId, Kind, NO_SLOT, RowStore, Slot};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::{Step, Timer, Timers};

/// A queue of rows, linked through [`Rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct List {
    head: Slot,
    tail: Slot,
}

impl Default for List {
    fn default() -> Self {
        Self { head: NO_SLOT, tail: NO_SLOT }
    }
}

impl List {
    pub fn is_empty(self) -> bool {
        self.head == NO_SLOT
    }

    /// The oldest row.
    #[inline]
    pub fn first(self) -> Option<Slot> {
        (self.head != NO_SLOT).then_some(self.head)
    }
}

/// The rows a window holds.
#[derive(Debug)]
pub(super) struct Rows {
    pub store: RowStore,
    pub timers: Timers,
    /// Keys within the partition key, for windows that have them.
    pub keys: SubKeys,
    next: Vec<Slot>,
    /// The row in front, in lists from which rows are taken anywhere (see [`Rows::link_back`]).
    before: Vec<Slot>,
}

impl Rows {
    #[inline]
    pub fn push_back(&mut self, list: &mut List, slot: Slot) {
        self.next[slot as usize] = NO_SLOT;
        match list.first() {
            None => list.head = slot,
            Some(_) => self.next[list.tail as usize] = slot,
        }
        list.tail = slot;
    }

    #[inline]
    pub fn pop_front(&mut self, list: &mut List) -> Option<Slot> {
        let slot = list.first()?;
        list.head = self.next[slot as usize];
        Some(slot)
    }

    /// As [`Rows::push_back`], into a list from which rows are taken with [`Rows::unlink`] and
    /// [`Rows::relink`] (and not with [`Rows::pop_front`], as long as they are).
    pub fn link_back(&mut self, list: &mut List, slot: Slot) {
        let before = list.first().map_or(NO_SLOT, |_| list.tail);
        self.push_back(list, slot);
        self.before.resize(self.next.len().max(self.before.len()), NO_SLOT);
        self.before[slot as usize] = before;
    }

    /// Takes a row out of its list.
    pub fn unlink(&mut self, list: &mut List, slot: Slot) {
        let (before, after) = (self.before[slot as usize], self.next[slot as usize]);
        match before {
            NO_SLOT => list.head = after,
            b => self.next[b as usize] = after,
        }
        match after {
            NO_SLOT => list.tail = before,
            a => self.before[a as usize] = before,
        }
    }

    /// Puts row `new` where `old` stands in its list.
    pub fn relink(&mut self, list: &mut List, old: Slot, new: Slot) {
        let (before, after) = (self.before[old as usize], self.next[old as usize]);
        self.before.resize(self.next.len().max(self.before.len()), NO_SLOT);
        (self.before[new as usize], self.next[new as usize]) = (before, after);
        match before {
            NO_SLOT => list.head = new,
            b => self.next[b as usize] = new,
        }
        match after {
            NO_SLOT => list.tail = new,
            a => self.before[a as usize] = new,
        }
    }

    /// Moves `from`'s rows behind those of `list`.
    pub fn append(&mut self, list: &mut List, from: List) {
        match (list.first(), from.first()) {
            (_, None) => {}
            (None, Some(_)) => *list = from,
            (Some(_), Some(head)) => {
                self.next[list.tail as usize] = head;
                list.tail = from.tail;
            }
        }
    }

    /// The rows of a list, oldest first.
    pub fn iter(&self, list: List) -> impl Iterator<Item = Slot> + '_ {
        std::iter::successors(list.first(), |slot| {
            let next = self.next[*slot as usize];
            (next != NO_SLOT).then_some(next)
        })
    }

    /// Copies of a list's rows, in a list of their own.
    pub fn duplicate(&mut self, list: List) -> List {
        let mut copies = List::default();
        let mut at = list.first();
        while let Some(slot) = at {
            let copy = self.store.duplicate(slot);
            self.next.resize(self.store.bound(), NO_SLOT);
            self.push_back(&mut copies, copy);
            let next = self.next[slot as usize];
            at = (next != NO_SLOT).then_some(next);
        }
        copies
    }

    /// Emits all rows of a list as expired at `cause` with time `ts`, and gives them up.
    pub fn expire(&mut self, list: &mut List, ts: i64, cause: Cause, out: &mut WindowOutput) {
        while let Some(slot) = self.pop_front(list) {
            out.push(slot, ts, cause.at, cause.order, Kind::Expired, cause.key);
            self.store.release(slot);
        }
    }

    /// Emits all rows of a list as current, with their own times.
    pub fn emit(&self, list: List, cause: Cause, out: &mut WindowOutput) {
        for slot in self.iter(list) {
            out.push(slot, self.store.ts(slot), cause.at, cause.order, Kind::Current, cause.key);
        }
    }

    /// Gives up all rows of a list without a word.
    pub fn drop_all(&mut self, list: &mut List) {
        while let Some(slot) = self.pop_front(list) {
            self.store.release(slot);
        }
    }

    /// Arms a timer of the key; one due in the past fires at the clock of its cause.
    #[inline]
    pub fn arm(&mut self, due: i64, cause: Cause) {
        self.timers.arm(due.max(cause.at), cause.key, 0);
    }
}

/// What makes rows come out: a run of rows that came in, or a timer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    /// The clock, ms.
    pub at: i64,
    pub order: u64,
    pub key: KeyId,
}

/// Rows of one chunk and one key, just put into the store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    slots: &'a [Slot],
    ts: &'a [i64],
    pub cause: Cause,
}

impl Arrival<'_> {
    /// Slot and event time of each row.
    #[inline]
    pub fn rows(&self) -> impl Iterator<Item = (Slot, i64)> + '_ {
        self.slots.iter().copied().zip(self.ts.iter().copied())
    }

    /// Emits a row as current.
    #[inline]
    pub fn pass(&self, slot: Slot, ts: i64, out: &mut WindowOutput) {
        let Cause { at, order, key } = self.cause;
        out.push(slot, ts, at, order, Kind::Current, key);
    }
}

/// What tells one window from another.
pub(super) trait Logic: Send {
    /// What it keeps per partition key.
    type State: Default + Clone + Send + Serialize + DeserializeOwned;

    /// Takes a run of rows. Every row of it must end up in a list or be released; chunks must be
    /// ended.
    fn arrive(
        &self,
        state: &mut Self::State,
        run: &Arrival<'_>,
        rows: &mut Rows,
        out: &mut WindowOutput,
    );

    /// A timer of the key is due, at `cause.at`.
    fn fire(
        &self,
        _state: &mut Self::State,
        _cause: Cause,
        _rows: &mut Rows,
        _out: &mut WindowOutput,
    ) {
    }

    /// See [`Window::tumbling`].
    fn tumbling(&self) -> Option<Tumbling> {
        None
    }

    /// See [`Window::eviction`].
    fn eviction(&self) -> Option<Eviction> {
        None
    }

    /// See [`Window::passes`].
    fn passes(&self) -> bool {
        false
    }

    /// Columns whose values tell rows apart within a partition key (see [`Rows::keys`]).
    fn key_columns(&self) -> &[usize] {
        &[]
    }

    /// Saves what is not in the states of the keys.
    fn save(&self, _w: &mut SnapshotWriter) -> Result<()> {
        Ok(())
    }

    /// Restores what `save` saved.
    fn load(&mut self, _r: &mut SnapshotReader<'_>) -> Result<()> {
        Ok(())
    }
}

/// A window made of its logic and what all windows share.
pub(super) struct Keyed<L: Logic> {
    logic: L,
    states: Vec<L::State>,
    rows: Rows,
    /// Order and clock of the last row seen.
    last: (u64, i64),
    /// Slots of the rows coming in (kept for its memory only).
    slots: Vec<Slot>,
}

impl<L: Logic> Keyed<L> {
    pub fn new(logic: L, context: WindowContext) -> Result<Self> {
        const { assert!(size_of::<L::State>() <= 64, "a key costs tens of bytes") };
        let store = RowStore::new(context.schema)?;
        let keys = SubKeys::new(logic.key_columns());
        let rows = Rows { store, timers: Timers::default(), keys, next: vec![], before: vec![] };
        Ok(Self { logic, states: vec![], rows, last: (0, i64::MIN), slots: vec![] })
    }

    fn fire_due(&mut self, step: &Step<'_>, clock: i64, out: &mut WindowOutput) {
        while let Some(Timer { due, key, .. }) = self.rows.timers.pop_due(clock) {
            let order = step.timeline.timer_order(due, self.last.0);
            let cause = Cause { at: due, order, key };
            self.logic.fire(&mut self.states[key as usize], cause, &mut self.rows, out);
            out.rows.end_chunk();
        }
    }

    /// Puts rows into the store; their slots are in `self.slots`.
    fn insert(&mut self, batch: &EventBatch, rows: &Range<usize>) -> Result<()> {
        self.slots.clear();
        let ts = &batch.ts[rows.clone()];
        self.rows.store.insert_range(&batch.columns, rows.clone(), ts, &mut self.slots);
        self.rows.next.resize(self.rows.store.bound(), NO_SLOT);
        let keys = match &batch.keys {
            None => 1,
            Some(keys) => keys[rows.clone()].iter().max().map_or(0, |key| *key as usize + 1),
        };
        if self.states.len() < keys {
            self.states.resize(keys, L::State::default());
        }
        if self.rows.keys.any() {
            let partition = batch.keys.as_ref().map(|keys| &keys[rows.clone()]);
            self.rows.keys.enter(&batch.columns, rows.clone(), partition, &self.slots)?;
        }
        Ok(())
    }
}

impl<L: Logic> Window for Keyed<L> {
    fn process(
        &mut self,
        step: &Step<'_>,
        batch: &EventBatch,
        rows: Range<usize>,
        out: &mut WindowOutput,
    ) -> Result<()> {
        debug_assert!(
            batch.kinds.is_none() || rows.clone().all(|r| batch.kind(r) == Kind::Current)
        );
        self.insert(batch, &rows)?;
        let (clocks, orders, times): (&[i64], &[u64], &[i64]) =
            (&batch.at, &batch.order, &batch.ts);
        let slots = std::mem::take(&mut self.slots);
        let mut runs = Runs::new(batch, rows.clone());
        while let Some((run, key)) = runs.next() {
            let (at, order) = (clocks[run.start], orders[run.start]);
            let same_cause = (order, at) == self.last;
            if !same_cause && self.rows.timers.next_due().is_some_and(|due| due <= at) {
                self.fire_due(step, at, out);
            }
            self.last = (order, at);
            let arrival = Arrival {
                slots: &slots[run.start - rows.start..run.end - rows.start],
                ts: &times[run],
                cause: Cause { at, order, key },
            };
            self.logic.arrive(&mut self.states[key as usize], &arrival, &mut self.rows, out);
            out.rows.end_chunk();
        }
        self.slots = slots;
        Ok(())
    }

    fn advance(
        &mut self,
        step: &Step<'_>,
        clock: i64,
        after: u64,
        out: &mut WindowOutput,
    ) -> Result<()> {
        self.last.0 = self.last.0.max(after);
        self.fire_due(step, clock, out);
        Ok(())
    }

    fn next_timer(&self) -> Option<i64> {
        self.rows.timers.next_due()
    }

    fn passes(&self) -> bool {
        self.logic.passes()
    }

    fn eviction(&self) -> Option<Eviction> {
        self.logic.eviction()
    }

    fn tumbling(&self) -> Option<Tumbling> {
        self.logic.tumbling()
    }

    fn store(&self) -> &RowStore {
        &self.rows.store
    }

    fn reclaim(&mut self) {
        self.rows.store.reclaim();
        if self.rows.keys.any() {
            self.rows.keys.reclaim();
        }
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.states)?;
        w.value(&self.rows.store)?;
        w.value(&self.rows.next)?;
        w.value(&self.rows.timers)?;
        if self.rows.keys.any() {
            w.value(&self.rows.keys)?;
            w.value(&self.rows.before)?;
        }
        self.logic.save(w)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.states = r.value()?;
        r.with(|d| self.rows.store.load(d))?;
        self.rows.next = r.value()?;
        self.rows.timers = r.value()?;
        if self.rows.next.len() < self.rows.store.bound() {
            return Err(Error::Snapshot("a window's rows and their order don't fit".into()));
        }
        if self.rows.keys.any() {
            self.rows.keys.load(r.value()?)?;
            self.rows.before = r.value()?;
        }
        self.logic.load(r)
    }
}

/// Cuts rows into runs of one chunk and one key.
struct Runs<'a> {
    offsets: Option<&'a [u32]>,
    keys: Option<&'a [KeyId]>,
    rows: Range<usize>,
}

impl<'a> Runs<'a> {
    fn new(batch: &'a EventBatch, rows: Range<usize>) -> Self {
        let offsets = batch.chunks.as_ref().map(|c| {
            let offsets = c.offsets();
            &offsets[offsets.partition_point(|o| *o as usize <= rows.start)..]
        });
        Self { offsets, keys: batch.keys.as_deref(), rows }
    }

    #[inline]
    fn next(&mut self) -> Option<(Range<usize>, KeyId)> {
        let Range { start, end } = self.rows;
        if start == end {
            return None;
        }
        let chunk_end = match self.offsets {
            None => start + 1,
            // The last offset is the number of rows, so there always is one behind `start`.
            Some(offsets) => (offsets[0] as usize).min(end),
        };
        let (run_end, key) = match self.keys {
            None => (chunk_end, crate::event::SINGLE_KEY),
            Some(keys) => {
                let key = keys[start];
                let same = keys[start..chunk_end].iter().take_while(|k| **k == key).count();
                (start + same, key)
            }
        };
        if run_end == chunk_end {
            self.offsets = self.offsets.map(|offsets| &offsets[1..]);
        }
        self.rows.start = run_end;
        Some((start..run_end, key))
    }
}
