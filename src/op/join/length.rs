//! [`LengthJoin`]: inner joins of two `length` windows on equal keys, of which only current results
//! are wanted.
//!
//! There a row that leaves does nothing but leave, so that none of what [`super::JoinOp`] keeps about
//! rows that windows emit is needed: each side is a queue of slots and an index.
//!
//! Invariant: `Side::queue` holds the rows of the window, oldest first, and the index those of them
//! whose key equals anything; or `Side::tail` holds all of them, and nothing else any.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{ArrayRef, new_null_array};
use arrow::datatypes::SchemaRef;

use super::bulk::{self, Tail};
use super::index::Index;
use super::keys::{KeyExprs, Keys};
use super::rows::{Narrowed, Rows};
use crate::error::{Error, Result};
use crate::event::{BatchBuilder, EventBatch, KeyId, Kind, RowStore, SINGLE_KEY, Slot, concat};
use crate::expr::TypedExpr;
use crate::expr::types::AttrType;
use crate::lang::ast::JoinKind;
use crate::op::chain::{LogSink, build_chain};
use crate::op::{Operator, Output};
use crate::plan::spec::{JoinSideSpec, JoinSpec};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;
use crate::window::{Eviction, WindowContext};

/// Results held before they are built, so that a step with many needs bounded memory.
const FULL: usize = 1 << 16;

/// A join of the last rows of two streams.
pub struct LengthJoin {
    sides: [Side; 2],
    keys: Keys,
    right_first: bool,
    /// Number of left columns in the output.
    left: usize,
    /// Columns of the output that somebody reads.
    used: Vec<bool>,
    output: SchemaRef,
}

pub(super) struct Side {
    handlers: Vec<Box<dyn Operator>>,
    keys: KeyExprs,
    pub most: usize,
    store: RowStore,
    index: Index,
    queue: VecDeque<Slot>,
    /// See [`bulk`].
    tail: Option<Tail>,
}

/// The rows that come to a side in a step.
pub(super) struct Coming {
    pub batch: EventBatch,
    slots: Vec<Slot>,
    /// Join key of each.
    pub ids: Vec<KeyId>,
}

impl Coming {
    fn nothing(schema: &SchemaRef) -> Self {
        Self { batch: EventBatch::empty(Arc::clone(schema)), slots: vec![], ids: vec![] }
    }
}

#[derive(Default)]
struct Found {
    slots: [Vec<Slot>; 2],
    rows: BatchBuilder,
}

impl LengthJoin {
    /// The operator of `spec`, if it is such a join. `used`: which columns of its output anybody reads
    /// (the others come out null).
    pub fn new(spec: &JoinSpec, used: Vec<bool>, logs: &Arc<dyn LogSink>) -> Result<Option<Self>> {
        let fits = spec.kind == JoinKind::Inner
            && !spec.equal.is_empty()
            && spec.residual.is_none()
            && !spec.expired
            && !spec.aggregates
            && !spec.keyed
            && !spec.self_join
            && spec.left.triggers
            && spec.right.triggers;
        if !fits {
            return Ok(None);
        }
        let exprs = |right: bool| -> Vec<(&TypedExpr, AttrType)> {
            spec.equal.iter().map(|k| (if right { &k.right } else { &k.left }, k.ty)).collect()
        };
        let left = Side::new(&spec.left, &exprs(false), logs)?;
        let right = Side::new(&spec.right, &exprs(true), logs)?;
        let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
        Ok(Some(Self {
            sides: [left, right],
            keys: Keys::new(spec.equal.len(), false),
            right_first: spec.right_first,
            left: spec.left.schema.fields().len(),
            used,
            output: Arc::clone(&spec.output),
        }))
    }

    /// Takes a step that brings more rows than the windows hold.
    fn meet_many(&mut self, coming: &[Option<Coming>; 2], out: &mut Output) -> Result<()> {
        let leaving = bulk::Leaving {
            schema: &self.output,
            left: self.left,
            used: &self.used,
            right_first: self.right_first,
        };
        bulk::meet(&self.sides, coming, self.keys.bound(), &leaving, out)?;
        for (side, coming) in self.sides.iter_mut().zip(coming) {
            let Some(coming) = coming else { continue };
            let tail = Tail::of(coming, side.most)?;
            side.held_ids().into_iter().for_each(|key| self.keys.left(key));
            tail.ids.iter().for_each(|key| self.keys.entered(*key));
            side.queue.drain(..).for_each(|slot| side.store.release(slot));
            side.index = Index::default();
            side.tail = Some(tail);
        }
        Ok(())
    }

    /// One row after the other enters its window and looks for partners in the other.
    fn meet(&mut self, coming: &[Option<Coming>; 2], out: &mut Output) -> Result<()> {
        let mut next = [0, 0];
        let mut found = Found::default();
        // What a chunk finds is one delivery, even if the chunk is a single row between others.
        let chunks = coming.iter().flatten().any(|c| c.batch.chunks.is_some());
        loop {
            let cause = |s: usize| {
                let c = coming[s].as_ref().filter(|c| next[s] < c.batch.chunk_count())?;
                let row = c.batch.chunk(next[s]).start;
                Some((c.batch.order[row], c.batch.at[row]))
            };
            let side = match (cause(0), cause(1)) {
                (None, None) => break,
                (Some(_), None) => 0,
                (None, Some(_)) => 1,
                (Some(l), Some(r)) => usize::from(r < l || (r == l && self.right_first)),
            };
            if let Some(c) = &coming[side] {
                for row in c.batch.chunk(next[side]) {
                    self.row(side, c, row, &mut found);
                }
                if chunks {
                    found.rows.end_delivery();
                }
            }
            next[side] += 1;
            if found.slots[0].len() >= FULL {
                self.emit(std::mem::take(&mut found), out)?;
            }
        }
        self.emit(found, out)
    }

    #[inline]
    fn row(&mut self, side: usize, c: &Coming, row: usize, found: &mut Found) {
        let (slot, key) = (c.slots[row], c.ids[row]);
        let own = &mut self.sides[side];
        if own.queue.len() == own.most
            && let Some(oldest) = own.queue.pop_front()
        {
            self.keys.left(own.index.remove(oldest));
            own.store.release(oldest);
        }
        own.queue.push_back(slot);
        own.index.insert(slot, key, SINGLE_KEY);
        self.keys.entered(key);
        let [left, right] = &mut found.slots;
        let (mine, partners) = if side == 0 { (left, right) } else { (right, left) };
        self.sides[1 - side].index.find(key, partners);
        if partners.len() > mine.len() {
            let (ts, at, order) = (c.batch.ts[row], c.batch.at[row], c.batch.order[row]);
            for _ in mine.len()..partners.len() {
                mine.push(slot);
                found.rows.push(ts, at, order, Kind::Current, SINGLE_KEY);
            }
            found.rows.end_chunk();
        }
    }

    fn emit(&self, found: Found, out: &mut Output) -> Result<()> {
        let Found { slots: [left, right], rows } = found;
        if rows.is_empty() {
            return Ok(());
        }
        let fields = self.output.fields().iter().enumerate();
        let columns = fields.map(|(c, field)| -> ArrayRef {
            match c.checked_sub(self.left) {
                _ if !self.used[c] => new_null_array(field.data_type(), left.len()),
                None => self.sides[0].store.gather(c, &left),
                Some(c) => self.sides[1].store.gather(c, &right),
            }
        });
        out.push(rows.finish(Arc::clone(&self.output), columns.collect(), false)?);
        Ok(())
    }
}

impl Side {
    fn new(
        spec: &JoinSideSpec,
        exprs: &[(&TypedExpr, AttrType)],
        logs: &Arc<dyn LogSink>,
    ) -> Result<Option<Self>> {
        let Some(call) = &spec.window else { return Ok(None) };
        let schema = spec.schema.clone();
        let context = WindowContext { schema, expired: true, keyed: false, searched: true };
        let eviction = (call.spec.create)(call, context)?.eviction();
        let Some(Eviction { rows: Some(rows), age: None }) = eviction else { return Ok(None) };
        Ok(Some(Self {
            handlers: build_chain(&spec.handlers, &spec.input, false, logs)?,
            keys: KeyExprs::new(&Narrowed::all(&spec.schema), exprs)?,
            most: rows as usize,
            store: RowStore::new(spec.schema.clone())?,
            index: Index::default(),
            queue: VecDeque::new(),
            tail: None,
        }))
    }

    /// Runs the handlers, stores the rows and finds their keys.
    fn take(
        &mut self,
        step: &Step<'_>,
        mut batch: Option<EventBatch>,
        keys: &mut Keys,
    ) -> Result<Option<Coming>> {
        for handler in &mut self.handlers {
            let Some(b) = &batch else { return Ok(None) };
            let schema = b.columns.schema();
            let mut out = Output::default();
            handler.process(step, &mut [batch.take()], &mut out)?;
            let parts = out.take();
            let schema = parts.first().map_or(schema, |p| p.columns.schema());
            batch = concat(&schema, parts)?;
        }
        let Some(batch) = batch.filter(|b| b.rows() > 0) else { return Ok(None) };
        debug_assert!(batch.kinds.is_none() && batch.resets.is_empty());
        let ids = keys.ids_of_batch(&self.keys, &batch)?;
        Ok(Some(Coming { batch, slots: vec![], ids }))
    }

    /// Puts the rows into the store, behind those that are held.
    fn enter(&mut self, coming: &mut Coming) {
        if let Some(Tail { columns, ts, ids }) = self.tail.take() {
            let mut slots = Vec::with_capacity(ts.len());
            self.store.insert_range(&columns, 0..ts.len(), &ts, &mut slots);
            for (slot, id) in slots.iter().zip(ids) {
                self.index.insert(*slot, id, SINGLE_KEY);
            }
            self.queue.extend(slots);
        }
        let Coming { batch, slots, .. } = coming;
        self.store.insert_range(&batch.columns, 0..batch.rows(), &batch.ts, slots);
    }

    /// The rows of the side.
    pub fn schema(&self) -> &SchemaRef {
        self.store.schema()
    }

    /// Join keys of the rows held, oldest first.
    pub fn held_ids(&self) -> Vec<KeyId> {
        match &self.tail {
            Some(tail) => tail.ids.clone(),
            None => self.queue.iter().map(|slot| self.index.key(*slot)).collect(),
        }
    }

    /// A column of the rows held, oldest first.
    pub fn held_column(&self, c: usize) -> ArrayRef {
        match &self.tail {
            Some(tail) => Arc::clone(tail.columns.column(c)),
            None => {
                let slots: Vec<Slot> = self.queue.iter().copied().collect();
                self.store.gather(c, &slots)
            }
        }
    }
}

impl Operator for LengthJoin {
    fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        let [left, right] = inputs else { return Ok(()) };
        let Self { sides: [l, r], keys, .. } = self;
        let mut coming = [l.take(step, left.take(), keys)?, r.take(step, right.take(), keys)?];
        let many = |(side, coming): (&Side, &Option<Coming>)| {
            let fits = |c: &Coming| c.batch.rows() >= 2 * side.most && c.batch.chunks.is_none();
            coming.as_ref().is_none_or(fits)
        };
        if self.sides.iter().zip(&coming).all(many) {
            self.meet_many(&coming, out)?;
        } else {
            for (side, coming) in self.sides.iter_mut().zip(&mut coming) {
                // The side that gets nothing is searched.
                let nothing = || Coming::nothing(side.schema());
                side.enter(coming.get_or_insert_with(nothing));
            }
            self.meet(&coming, out)?;
        }
        self.keys.settle_when_many();
        self.sides.iter_mut().for_each(|s| s.store.reclaim());
        Ok(())
    }

    fn reads_codes(&self) -> bool {
        true
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.sides.iter().try_for_each(|s| {
            let Some(tail) = &s.tail else {
                w.value(&s.store)?;
                return w.value(&s.queue);
            };
            let mut store = RowStore::new(Arc::clone(s.schema()))?;
            let mut slots = vec![];
            store.insert_range(&tail.columns, 0..tail.ts.len(), &tail.ts, &mut slots);
            w.value(&store)?;
            w.value(&VecDeque::from(slots))
        })
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.keys.clear();
        let Self { sides, keys, .. } = self;
        for side in sides {
            side.tail = None;
            r.with(|d| side.store.load(d))?;
            side.queue = r.value()?;
            let bound = side.store.bound();
            if !side.queue.iter().all(|s| (*s as usize) < bound) {
                return Err(Error::Snapshot("a window's rows and their order don't fit".into()));
            }
            side.index = Index::default();
            let slots: Vec<Slot> = side.queue.iter().copied().collect();
            let ids = keys.ids(&side.keys, &Rows::Store(&side.store), &slots, &[], true)?;
            for (slot, key) in slots.into_iter().zip(ids) {
                side.index.insert(slot, key, SINGLE_KEY);
                keys.entered(key);
            }
        }
        Ok(())
    }
}
