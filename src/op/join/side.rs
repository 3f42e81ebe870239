//! One side of a join: handlers, window, and the rows the other side can find.
//!
//! A window never looks at the other side, so each is driven through the whole step in one call; what
//! the two emit is interleaved afterwards (`super::merge`). Invariant: the index holds exactly the
//! rows the window emitted as current and not yet as expired, in the order of emission, up to the
//! chunk the merge has come to, unless the window marks rows otherwise (`delay` shows those that wait).
//! For batch windows that is the last completed batch.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::index::{Index, NO_KEY};
use super::keys::{KeyExprs, Keys};
use super::rows::Rows;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::event::{BatchBuilder, EventBatch, KeyId, Kind, Slot, concat};
use crate::lang::ast::EventType;
use crate::op::chain::{LogSink, build_chain};
use crate::op::{Operator, Output};
use crate::plan::spec::JoinSideSpec;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;
use crate::window::{Mark, Window, WindowContext, WindowOutput};

/// How a side's rows come and go.
enum Feed {
    /// Through a window.
    Window(Box<dyn Window>),
    /// No window: each row comes, goes and resets the aggregates at once, and can't be found. Holds
    /// the rows of the present run.
    Passing(RecordBatch),
    /// Through a named window, which emits them elsewhere.
    Shared(Box<Shared>),
}

/// One side of a join.
pub(super) struct Side {
    handlers: Vec<Box<dyn Operator>>,
    feed: Feed,
    keys: KeyExprs,
    index: Index,
    /// Whether the other side looks here.
    searched: bool,
    /// Whether rows of this side look for partners.
    pub triggers: bool,
    /// Whether rows that enter look for partners.
    current: bool,
    /// Whether rows that leave look for partners, too.
    expired: bool,
    /// Whether a row without partner leaves with nulls.
    pub outer: bool,
    /// Whether each chunk is a delivery of its own (else consecutive chunks of one cause are one).
    sliding: bool,
    /// Order of the last row its window was given.
    last: u64,
}

/// What a side emits in a run: slots, hidden fields, and where deliveries begin.
#[derive(Default)]
pub(super) struct Emission {
    pub slots: Vec<Slot>,
    pub rows: BatchBuilder,
    /// The join key of each row.
    pub keys: Vec<KeyId>,
    /// Rows that can be found otherwise than their kind says, sorted by row.
    pub marks: Vec<(u32, Mark)>,
    /// By chunk, whether it belongs to the delivery of the chunk before.
    pub joined: Vec<bool>,
}

impl Emission {
    /// Number of chunks.
    pub fn chunks(&self) -> usize {
        self.rows.chunk_ends().len()
    }

    /// The rows of chunk `i`.
    pub fn chunk(&self, i: usize) -> std::ops::Range<usize> {
        let ends = self.rows.chunk_ends();
        let start = if i == 0 { 0 } else { ends[i - 1] as usize };
        start..ends[i] as usize
    }

    /// The first chunk behind `i` of another delivery.
    pub fn delivery_end(&self, i: usize) -> usize {
        (i + 1..self.chunks()).find(|c| !self.joined[*c]).unwrap_or(self.chunks())
    }

    /// The cause of chunk `i`.
    pub fn cause(&self, i: usize) -> (u64, i64) {
        let row = self.chunk(i).start;
        (self.rows.order[row], self.rows.at[row])
    }

    /// The mark of a row, if it has one.
    #[inline]
    fn mark(&self, row: usize) -> Option<Mark> {
        if self.marks.is_empty() {
            return None;
        }
        let at = self.marks.binary_search_by_key(&(row as u32), |m| m.0).ok()?;
        Some(self.marks[at].1)
    }

    /// Consecutive chunks of one cause and partition key become one delivery.
    fn join_causes(&mut self) {
        let key = |row: usize| (self.rows.order[row], self.rows.at[row], self.rows.keys[row]);
        self.joined = (0..self.chunks())
            .map(|c| {
                let start = self.chunk(c).start;
                start > 0 && key(start) == key(start - 1)
            })
            .collect();
    }
}

/// The roles of a side that its own spec doesn't tell.
pub(super) struct Role {
    /// Whether the other side triggers.
    pub searched: bool,
    pub outer: bool,
    pub expired: bool,
    pub aggregates: bool,
    pub keyed: bool,
}

impl Side {
    pub fn new(
        spec: &JoinSideSpec,
        keys: KeyExprs,
        role: &Role,
        logs: &Arc<dyn LogSink>,
    ) -> Result<Self> {
        let sliding = spec.window.as_ref().is_some_and(|w| w.spec.sliding);
        let output = spec.shared.as_ref().map(|s| s.events);
        let feed = match (&spec.window, &spec.shared) {
            (_, Some(shared)) => Feed::Shared(Box::new(Shared::new(spec.schema.clone(), shared)?)),
            // The index needs the rows that leave, whoever else does.
            (Some(call), _) => Feed::Window((call.spec.create)(
                call,
                WindowContext {
                    schema: spec.schema.clone(),
                    expired: true,
                    keyed: role.keyed,
                    searched: role.searched,
                },
            )?),
            (None, None) => Feed::Passing(RecordBatch::new_empty(spec.schema.clone())),
        };
        Ok(Self {
            handlers: build_chain(&spec.handlers, &spec.input, role.keyed, logs)?,
            searched: role.searched && (spec.window.is_some() || output.is_some()),
            feed,
            keys,
            index: Index::default(),
            triggers: spec.triggers,
            current: output != Some(EventType::Expired),
            expired: match output {
                None => role.expired || (sliding && role.aggregates),
                Some(EventType::Current) => false,
                Some(_) => role.expired || role.aggregates,
            },
            outer: role.outer,
            sliding,
            last: 0,
        })
    }

    /// Where its rows are.
    pub fn rows(&self) -> Rows<'_> {
        match &self.feed {
            Feed::Window(w) => Rows::Store(w.store()),
            Feed::Passing(batch) => Rows::Batch(batch),
            Feed::Shared(shared) => Rows::Store(shared.store()),
        }
    }

    /// Takes the rows of a run and fires all timers due at or before `clock` (none: only those due
    /// before a row).
    pub fn emit(
        &mut self,
        step: &Step<'_>,
        batch: Option<EventBatch>,
        clock: Option<i64>,
    ) -> Result<Emission> {
        let batch = self.handle(step, batch)?.filter(|b| b.rows() > 0);
        let window = match &mut self.feed {
            Feed::Window(window) => window,
            Feed::Passing(rows) => {
                let Some(batch) = batch else { return Ok(Emission::default()) };
                *rows = batch.columns.clone();
                return Ok(pass(&batch, self.expired));
            }
            Feed::Shared(shared) => {
                return Ok(batch.map_or_else(Emission::default, |b| shared.emit(&b)));
            }
        };
        let mut out = WindowOutput::default();
        let mut calls = Vec::new();
        if let Some(batch) = batch {
            let runs = if self.sliding { whole(&batch) } else { calls_of(&batch) };
            for rows in runs {
                calls.push(out.rows.chunk_ends().len());
                window.process(step, &batch, rows, &mut out)?;
                out.rows.end_chunk();
            }
            self.last = batch.order[batch.rows() - 1];
        }
        if let Some(clock) = clock {
            window.advance(step, clock, self.last, &mut out)?;
        }
        out.rows.end_chunk();
        let mut emission =
            Emission { slots: out.slots, rows: out.rows, marks: out.marks, ..Emission::default() };
        if self.sliding {
            emission.joined = vec![false; emission.chunks()];
        } else {
            emission.join_causes();
            for chunk in calls {
                if let Some(joined) = emission.joined.get_mut(chunk) {
                    *joined = false;
                }
            }
        }
        Ok(emission)
    }

    /// The rows behind the handlers.
    fn handle(&mut self, step: &Step<'_>, batch: Option<EventBatch>) -> Result<Option<EventBatch>> {
        let mut batch = batch;
        for handler in &mut self.handlers {
            let Some(b) = &batch else { return Ok(None) };
            let schema = b.columns.schema();
            let mut out = Output::default();
            handler.process(step, &mut [batch.take()], &mut out)?;
            let parts = out.take();
            let schema = parts.first().map_or(schema, |p| p.columns.schema());
            batch = concat(&schema, parts)?;
        }
        Ok(batch)
    }

    /// Finds the join keys of emitted rows. Sides that are searched come first: they make keys known.
    pub fn assign_keys(&self, keys: &mut Keys, emission: &mut Emission) -> Result<()> {
        let Emission { slots, rows, keys: ids, marks, .. } = emission;
        if !self.searched {
            if self.triggers {
                *ids = keys.ids(&self.keys, &self.rows(), slots, &rows.keys, false)?;
            }
            return Ok(());
        }
        if !rows.kinds.contains(&Kind::Expired) {
            *ids = keys.ids(&self.keys, &self.rows(), slots, &rows.keys, true)?;
            return Ok(());
        }
        // The index knows the keys of rows that leave.
        let looks_up = |i: &usize| {
            rows.kinds[*i] == Kind::Current
                || marks.binary_search(&(*i as u32, Mark::Passes)).is_ok()
        };
        let enter = || (0..slots.len()).filter(looks_up);
        let entering: Vec<Slot> = enter().map(|i| slots[i]).collect();
        let partition: Vec<KeyId> = enter().map(|i| rows.keys[i]).collect();
        let known = keys.ids(&self.keys, &self.rows(), &entering, &partition, true)?;
        *ids = vec![NO_KEY; slots.len()];
        for (i, id) in enter().zip(known) {
            ids[i] = id;
        }
        Ok(())
    }

    /// Brings the index up to an emitted row and tells the row's join key.
    #[inline]
    pub fn follow(&mut self, keys: &mut Keys, emission: &Emission, row: usize) -> KeyId {
        if !self.searched {
            return emission.keys.get(row).copied().unwrap_or(NO_KEY);
        }
        let slot = emission.slots[row];
        let mark = emission.mark(row);
        match emission.rows.kinds[row] {
            _ if mark == Some(Mark::Passes) => {
                let key = emission.keys[row];
                // Its key may be new, and is forgotten if so.
                keys.entered(key);
                keys.left(key);
                key
            }
            Kind::Current if mark != Some(Mark::Released) => {
                let key = emission.keys[row];
                self.index.insert(slot, key, emission.rows.keys[row]);
                keys.entered(key);
                key
            }
            _ => {
                let key = self.index.remove(slot);
                keys.left(key);
                key
            }
        }
    }

    /// Whether the other side finds rows here.
    pub fn is_searched(&self) -> bool {
        self.searched
    }

    /// Whether an emitted row looks for partners.
    #[inline]
    pub fn looks(&self, emission: &Emission, row: usize) -> bool {
        self.triggers
            && match emission.rows.kinds[row] {
                Kind::Current => self.current,
                Kind::Expired => self.expired,
            }
            && !matches!(emission.mark(row), Some(Mark::Enters | Mark::Vanishes))
    }

    /// The rows that can be found by a key.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// When its next timer is due, ms.
    pub fn next_timer(&self) -> Option<i64> {
        match &self.feed {
            Feed::Window(w) => w.next_timer(),
            Feed::Passing(_) | Feed::Shared(_) => None,
        }
    }

    /// Ends a step: outputs have been gathered.
    pub fn settle(&mut self) {
        match &mut self.feed {
            Feed::Window(w) => w.reclaim(),
            Feed::Passing(rows) => *rows = RecordBatch::new_empty(rows.schema()),
            Feed::Shared(shared) => shared.reclaim(),
        }
    }

    /// Saves window and index.
    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        match &self.feed {
            Feed::Window(window) => w.section(|w| window.snapshot(w))?,
            Feed::Shared(shared) => w.section(|w| shared.snapshot(w))?,
            Feed::Passing(_) => return Ok(()),
        }
        let rows = self.index.rows();
        let partition: Vec<KeyId> = rows.iter().map(|s| self.index.partition(*s)).collect();
        w.value(&rows)?;
        w.value(&partition)
    }

    /// Restores what [`Side::snapshot`] saved; the index is built anew.
    pub fn restore(&mut self, keys: &mut Keys, r: &mut SnapshotReader<'_>) -> Result<()> {
        let bound = match &mut self.feed {
            Feed::Window(window) => {
                r.section(|r| window.restore(r))?;
                window.store().bound()
            }
            Feed::Shared(shared) => {
                r.section(|r| shared.restore(r))?;
                shared.store().bound()
            }
            Feed::Passing(_) => return Ok(()),
        };
        let (slots, partition): (Vec<Slot>, Vec<KeyId>) = (r.value()?, r.value()?);
        if slots.len() != partition.len() || slots.iter().any(|s| *s as usize >= bound) {
            return Err(Error::Snapshot("a join's index doesn't fit its window".into()));
        }
        let ids = keys.ids(&self.keys, &self.rows(), &slots, &partition, true)?;
        self.index = Index::default();
        for ((slot, key), partition) in slots.into_iter().zip(ids).zip(partition) {
            self.index.insert(slot, key, partition);
            keys.entered(key);
        }
        Ok(())
    }
}

/// All rows at once.
fn whole(batch: &EventBatch) -> Vec<Range<usize>> {
    std::iter::once(0..batch.rows()).collect()
}

/// The rows in runs in which no two chunks have the same cause and partition key: what the window
/// emits for one chunk is one delivery, never what it emits for two.
fn calls_of(batch: &EventBatch) -> Vec<Range<usize>> {
    let of = |row: usize| (batch.order[row], batch.at[row], batch.key(row));
    let again = |chunk: &Range<usize>| chunk.start > 0 && of(chunk.start) == of(chunk.start - 1);
    let starts = batch.chunk_ranges().filter(again).map(|chunk| chunk.start);
    let mut runs = Vec::new();
    let mut from = 0;
    for to in starts.chain([batch.rows()]) {
        runs.push(from..to);
        from = to;
    }
    runs
}

/// What a side without window emits: each row current, expired (if anybody wants it), reset.
fn pass(batch: &EventBatch, expired: bool) -> Emission {
    let mut e = Emission::default();
    for chunk in batch.chunk_ranges() {
        for row in chunk.clone() {
            let (at, order, key) = (batch.at[row], batch.order[row], batch.key(row));
            e.slots.push(row as Slot);
            e.rows.push(batch.ts[row], at, order, Kind::Current, key);
            if expired {
                e.slots.push(row as Slot);
                e.rows.push(at, at, order, Kind::Expired, key);
            }
            e.rows.reset(key);
            e.rows.end_chunk();
            e.joined.push(row > chunk.start);
        }
    }
    e
}
