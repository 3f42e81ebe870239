//! [`Pairs`]: patterns of two single events (`every e1=A[…] -> e2=B[…] within t`), in columns as far as
//! they go.
//!
//! Every row that fits `e1` is a partial of its own and waits for one thing only. So a partial is an
//! entry in the chain of its equality keys, with its time and (if that is all `e2` asks for) the value
//! that the event's is compared with; keys are ids, given once per batch. [`super::flow`] gives the
//! same in general.
//!
//! Invariants:
//! * Entries of a chain stand in the order in which they began to wait, which is that of matches.
//! * An entry that is too old is as good as gone, and goes when it is met, or in the next sweep: one
//!   comes when `within` has passed since the last, or `open` holds twice what that left, and `SPARE`.
//! * `Chain::guard` is a bound of the chain's bars: no event beyond it fits any.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
    UInt32Array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::take;
use arrow::datatypes::{Float64Type, SchemaRef};
use serde::{Deserialize, Serialize};

use super::adjacent::only;
use super::bar::{Bar, bar, holds, wider};
use super::machine::Machine;
use super::predicate::Test;
use super::spec::{EqualKey, EventRef, KeyClass, OutputColumn, PatternSpec, StateSpec};
use crate::error::{Error, Result};
use crate::event::{Chunks, EventBatch, KeyId, KeyInterner, Kind, RowStore, Slot};
use crate::expr::{RowContext, RowExpr, RowRef, TypedExpr, TypedKind};
use crate::lang::ast::{BinaryOp, PatternKind};
use crate::state::{SnapshotReader, SnapshotWriter};

/// Entries and keys that may be kept beyond need.
const SPARE: usize = 4096;

/// Rows of a test that fit on the stack.
const FEW: usize = 8;

/// The automaton of pairs.
#[derive(Debug)]
pub(super) struct Pairs {
    first: Test,
    second: Test,
    /// Ports of the two sides.
    ports: [usize; 2],
    kept: Vec<usize>,
    /// Columns of the keys: of an event that may be `e1`, and of one that may be `e2`.
    keys: [Vec<usize>; 2],
    keyed: bool,
    rest: Rest,
    within: Option<i64>,
    columns: Vec<OutputColumn>,
    picks: Vec<EventRef>,
    /// Kept columns of the second event.
    second_kept: Vec<usize>,
    output: SchemaRef,
    interner: KeyInterner,
    store: RowStore,
    chains: Vec<Chain>,
    /// Entries in all chains.
    open: usize,
    /// Sweep when there are more.
    sweep_at: usize,
    newest: i64,
    /// The newest time at the last sweep.
    swept: i64,
    /// Entries an event was compared with.
    visited: u64,
}

/// What the two events must fulfil beside equal keys.
enum Rest {
    Nothing,
    /// A double of the event compared with one of the partial.
    Bar(Bar),
    /// Anything; all sources behind the event are the first one.
    Row(RowExpr, usize),
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Rest::Nothing => "Nothing",
            Rest::Bar(_) => "Bar",
            Rest::Row(..) => "Row",
        })
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Open {
    ts: i64,
    bar: f64,
    slot: Slot,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Chain {
    open: Vec<Open>,
    /// The lowest bar for `>` and `>=`, the highest for `<` and `<=`.
    guard: f64,
}

/// What of one port's batch the loop looks at.
struct View<'a> {
    batch: &'a EventBatch,
    /// Rows either side may accept; none = all.
    visit: Option<BooleanBuffer>,
    first: Option<BooleanBuffer>,
    second: Option<BooleanBuffer>,
    begins: bool,
    ends: bool,
    /// By row; none = no key that anything waits for.
    ids: Vec<Option<KeyId>>,
    /// Slots of the rows the first side accepts, in order.
    slots: Vec<Slot>,
    bars: Option<&'a Float64Array>,
    values: Option<&'a Float64Array>,
}

#[derive(Default)]
struct Found {
    slots: Vec<Slot>,
    rows: Vec<u32>,
    offsets: Vec<u32>,
}

/// Whether a conjunct is the equality `key` finds partials by.
fn is_key(e: &TypedExpr, sources: usize, key: &EqualKey) -> bool {
    let TypedKind::Binary { op: BinaryOp::Eq, left, right } = &e.kind else { return false };
    let (TypedKind::Column(l), TypedKind::Column(r)) = (&left.kind, &right.kind) else {
        return false;
    };
    let (event, partial) = if l.source == 0 { (l, r) } else { (r, l) };
    event.source == 0
        && (1..=sources).contains(&partial.source.into())
        && usize::from(event.column) == key.event
        && usize::from(partial.column) == key.column
}

impl Pairs {
    /// The automaton of `spec`, if it is of this kind.
    pub fn new(spec: &PatternSpec, m: &Machine) -> Result<Option<Self>> {
        let single = spec.states.iter().all(|s| matches!(s, StateSpec::Stream { .. }));
        if spec.kind != PatternKind::Pattern || spec.states.len() != 2 || !single {
            return Ok(None);
        }
        let [one, two] = [&spec.sides[0], &spec.sides[1]];
        let first = |r: &EventRef| r.side == 0 && only(r.pick);
        let fits = m.states[0].repeats == Some(0)
            && m.states[1].repeats.is_none()
            && one.predicate.across.is_none()
            && two.predicate.sources.iter().all(first)
            && spec.picks.iter().all(|p| only(p.pick))
            && !spec.columns.iter().any(|c| matches!(c, OutputColumn::All { .. }));
        let [from, to] = [&spec.ports[one.port], &spec.ports[two.port]];
        let equal = &two.predicate.equal;
        let same = |e: &EqualKey| {
            first(&e.partial)
                && !matches!(e.class, KeyClass::Float | KeyClass::Double)
                && to.schema.field(e.event).data_type()
                    == from.schema.field(from.kept[e.column]).data_type()
        };
        // If one stream feeds both sides, a row has one key: by the same columns either way.
        let one_key = one.port != two.port || equal.iter().all(|e| from.kept[e.column] == e.event);
        if !fits || !one_key || !equal.iter().all(same) {
            return Ok(None);
        }
        let mut conjuncts =
            two.predicate.across.clone().map_or_else(Vec::new, TypedExpr::conjuncts);
        let sources = two.predicate.sources.len();
        conjuncts.retain(|c| !equal.iter().any(|e| is_key(c, sources, e)));
        let rest = match &conjuncts[..] {
            [] => Rest::Nothing,
            [one] if bar(one, sources, &from.kept).is_some() => {
                bar(one, sources, &from.kept).map_or(Rest::Nothing, Rest::Bar)
            }
            // The general automaton has bars of all types.
            _ if two.predicate.bound.is_some() => return Ok(None),
            _ => match TypedExpr::all(conjuncts) {
                Some(all) => Rest::Row(RowExpr::compile(&all), sources),
                None => Rest::Nothing,
            },
        };
        let store = RowStore::new(Arc::new(from.schema.project(&from.kept)?))?;
        Ok(Some(Self {
            first: Test::new(spec, 0)?,
            second: Test::new(spec, 1)?,
            ports: [one.port, two.port],
            kept: from.kept.clone(),
            keys: [
                equal.iter().map(|e| from.kept[e.column]).collect(),
                equal.iter().map(|e| e.event).collect(),
            ],
            keyed: spec.keyed,
            rest,
            within: spec.within,
            columns: spec.columns.clone(),
            picks: spec.picks.clone(),
            second_kept: to.kept.clone(),
            output: Arc::clone(&spec.output),
            interner: KeyInterner::default(),
            store,
            chains: vec![],
            open: 0,
            sweep_at: SPARE,
            newest: i64::MIN,
            swept: i64::MIN,
            visited: 0,
        }))
    }

    /// Takes the rows of one step.
    pub fn process(&mut self, inputs: &[Option<EventBatch>]) -> Result<Option<EventBatch>> {
        let of = |port: usize| inputs.get(port).and_then(Option::as_ref).filter(|b| b.rows() > 0);
        let [one, two] = self.ports;
        let mut found = Found::default();
        let ends = of(two);
        if one == two {
            let Some(batch) = ends else { return Ok(None) };
            let view = self.view(batch, true, true)?;
            let mut at = 0;
            for row in 0..batch.rows() {
                self.row(&view, row, &mut at, &mut found);
            }
        } else {
            let views = [
                of(one).map(|b| self.view(b, true, false)).transpose()?,
                ends.map(|b| self.view(b, false, true)).transpose()?,
            ];
            let (mut next, mut at) = ([0, 0], 0);
            loop {
                let head = |i: usize| {
                    let batch = views[i].as_ref()?.batch;
                    Some((*batch.order.get(next[i])?, batch.at[next[i]], self.ports[i], i))
                };
                let Some((.., i)) = [head(0), head(1)].into_iter().flatten().min() else { break };
                if let Some(view) = &views[i] {
                    self.row(view, next[i], &mut at, &mut found);
                }
                next[i] += 1;
            }
        }
        let out = match ends {
            Some(batch) if !found.rows.is_empty() => Some(self.finish(batch, found)?),
            _ => None,
        };
        self.sweep();
        self.store.reclaim();
        Ok(out)
    }

    /// Masks, keys and stored rows of a batch.
    fn view<'a>(&mut self, batch: &'a EventBatch, begins: bool, ends: bool) -> Result<View<'a>> {
        let first = if begins { self.first.mask(batch)? } else { None };
        let second = if ends { self.second.mask(batch)? } else { None };
        let visit = match (&first, &second) {
            (Some(a), Some(b)) => Some(a | b),
            (Some(a), None) if !ends => Some(a.clone()),
            (None, Some(b)) if !begins => Some(b.clone()),
            _ => None,
        };
        let accepted: Vec<u32> = match (begins, &first) {
            (false, _) => vec![],
            (true, Some(mask)) => mask.set_indices_u32().collect(),
            (true, None) => (0..batch.rows() as u32).collect(),
        };
        let mut slots = Vec::with_capacity(accepted.len());
        if !accepted.is_empty() {
            let ts: Vec<i64> = accepted.iter().map(|r| batch.ts[*r as usize]).collect();
            let rows = UInt32Array::from(accepted);
            let kept = self.kept.iter().map(|c| take(batch.columns.column(*c), &rows, None));
            let kept = kept.collect::<std::result::Result<Vec<_>, _>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let schema = Arc::clone(self.store.schema());
            let kept = RecordBatch::try_new_with_options(schema, kept, &options)?;
            self.store.insert_range(&kept, 0..rows.len(), &ts, &mut slots);
        }
        let double = |c: usize| batch.columns.column(c).as_primitive_opt::<Float64Type>();
        let (bars, values) = match &self.rest {
            Rest::Bar(b) => {
                (double(b.partial).filter(|_| begins), double(b.event).filter(|_| ends))
            }
            _ => (None, None),
        };
        let ids = self.ids(batch, begins, ends)?;
        Ok(View { batch, visit, first, second, begins, ends, ids, slots, bars, values })
    }

    /// The key of each row; none if one of its values is null.
    fn ids(&mut self, batch: &EventBatch, begins: bool, ends: bool) -> Result<Vec<Option<KeyId>>> {
        let columns = &self.keys[usize::from(ends)];
        debug_assert!(!(begins && ends) || self.keys[0] == self.keys[1]);
        let prefix = if self.keyed { batch.keys.as_deref() } else { None };
        if columns.is_empty() {
            return Ok((0..batch.rows()).map(|r| Some(prefix.map_or(0, |p| p[r]))).collect());
        }
        let arrays: Vec<ArrayRef> =
            columns.iter().map(|c| Arc::clone(batch.columns.column(*c))).collect();
        let mut ids: Vec<Option<KeyId>> = if begins {
            let ids = self.interner.intern(&arrays, prefix, batch.rows())?;
            ids.into_iter().map(Some).collect()
        } else {
            self.interner.lookup(&arrays, prefix, batch.rows())?
        };
        for nulls in arrays.iter().filter_map(|a| a.nulls()) {
            for (id, valid) in ids.iter_mut().zip(nulls.iter()) {
                *id = id.filter(|_| valid);
            }
        }
        Ok(ids)
    }

    /// Offers a row: to what waits for it, then as a beginning. `at` counts rows the first side took.
    #[inline]
    fn row(&mut self, view: &View<'_>, row: usize, at: &mut usize, found: &mut Found) {
        let ts = view.batch.ts[row];
        let in_order = ts >= self.newest;
        let current = view.batch.kinds.is_none() || view.batch.kind(row) == Kind::Current;
        if current {
            // Time passes with rows that no side accepts, too.
            self.newest = self.newest.max(ts);
        }
        if view.visit.as_ref().is_some_and(|v| !v.value(row)) {
            return;
        }
        let begins = view.begins && view.first.as_ref().is_none_or(|m| m.value(row));
        let slot = if begins {
            *at += 1;
            Some(view.slots[*at - 1])
        } else {
            None
        };
        let Some(id) = view.ids[row].filter(|_| current) else {
            slot.into_iter().for_each(|s| self.store.release(s));
            return;
        };
        if view.ends
            && (id as usize) < self.chains.len()
            && view.second.as_ref().is_none_or(|m| m.value(row))
        {
            self.meet(view, row, id, in_order, found);
        }
        if let Some(slot) = slot {
            let bar = view
                .bars
                .map_or(f64::NAN, |b| if b.is_valid(row) { b.value(row) } else { f64::NAN });
            self.wait(id, Open { ts, bar, slot });
        }
    }

    fn wait(&mut self, id: KeyId, open: Open) {
        if self.chains.len() <= id as usize {
            self.chains.resize_with(id as usize + 1, Chain::default);
        }
        let above = self.above();
        let chain = &mut self.chains[id as usize];
        if chain.open.is_empty() {
            chain.guard = open.bar;
        } else {
            chain.guard = wider(above, chain.guard, open.bar);
        }
        chain.open.push(open);
        self.open += 1;
    }

    /// Whether events must lie above the bars.
    fn above(&self) -> bool {
        matches!(&self.rest, Rest::Bar(b) if matches!(b.op, BinaryOp::Gt | BinaryOp::GtEq))
    }

    fn horizon(&self) -> i64 {
        let Some(within) = self.within else { return i64::MIN };
        // Rows of one key may be late against another's.
        let slack = if self.keyed { within } else { 0 };
        self.newest.saturating_sub(within).saturating_sub(slack)
    }

    /// Offers a row to the partials of its key.
    #[inline]
    fn meet(&mut self, view: &View<'_>, row: usize, id: KeyId, in_order: bool, found: &mut Found) {
        let horizon = self.horizon();
        let Self { chains, store, rest, within, keyed, open: count, visited, .. } = self;
        let chain = &mut chains[id as usize];
        if chain.open.is_empty() {
            return;
        }
        let value = view.values.filter(|v| v.is_valid(row)).map_or(f64::NAN, |v| v.value(row));
        if let Rest::Bar(bar) = rest {
            // An event in order meets nobody who has to go for being too far from it: those are below
            // the horizon. (In partitions they need not be.)
            if in_order && !*keyed && !holds(bar.op, value, chain.guard) && !chain.guard.is_nan() {
                return;
            }
        }
        *visited += chain.open.len() as u64;
        let ts = view.batch.ts[row];
        let above = matches!(rest, Rest::Bar(b) if matches!(b.op, BinaryOp::Gt | BinaryOp::GtEq));
        let (mut guard, before) = (f64::NAN, chain.open.len());
        let from = found.rows.len();
        chain.open.retain(|o| {
            let outside = within.is_some_and(|w| o.ts.abs_diff(ts) > w.max(0) as u64);
            if o.ts < horizon || (outside && o.ts <= ts) {
                store.release(o.slot);
                return false;
            }
            let fits = match rest {
                _ if outside => false,
                Rest::Nothing => true,
                Rest::Bar(bar) => holds(bar.op, value, o.bar),
                Rest::Row(test, sources) => {
                    row_fits(test, *sources, view.batch, row, store, o.slot)
                }
            };
            if fits {
                found.slots.push(o.slot);
                found.rows.push(row as u32);
                store.release(o.slot);
            } else {
                guard = wider(above, guard, o.bar);
            }
            !fits
        });
        chain.guard = guard;
        *count -= before - chain.open.len();
        if found.rows.len() > from {
            found.offsets.push(found.rows.len() as u32);
        }
    }

    fn finish(&self, batch: &EventBatch, found: Found) -> Result<EventBatch> {
        let Found { slots, rows, offsets } = found;
        let indices = UInt32Array::from(rows);
        let column = |c: &OutputColumn| -> Result<ArrayRef> {
            Ok(match *c {
                OutputColumn::Attribute { pick, column } => match self.picks[pick].side {
                    0 => self.store.gather(column, &slots),
                    _ => take(batch.columns.column(self.second_kept[column]), &indices, None)?,
                },
                OutputColumn::Time { pick } | OutputColumn::All { side: pick, .. } => {
                    let times: Int64Array = match self.picks[pick].side {
                        0 => slots.iter().map(|s| self.store.ts(*s)).collect::<Vec<_>>().into(),
                        _ => indices.values().iter().map(|r| batch.ts[*r as usize]).collect(),
                    };
                    Arc::new(times)
                }
            })
        };
        let columns = self.columns.iter().map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(indices.len()));
        let output = Arc::clone(&self.output);
        let columns = RecordBatch::try_new_with_options(output, columns, &options)?;
        let mut plain = EventBatch { kinds: None, chunks: None, resets: vec![], ..batch.clone() };
        if !self.keyed {
            plain.keys = None;
        }
        let mut out = plain.select(columns, indices.values());
        if self.ports[0] == self.ports[1] && offsets.len() != out.rows() {
            out.chunks = Some(Chunks::new([&[0], &offsets[..]].concat()));
        }
        Ok(out)
    }

    /// Drops what is too old, and keys nothing waits for, when there may be much of either.
    /// Gives up what is too old, now.
    pub fn sweep_now(&mut self) {
        self.sweep_at = 0;
        self.sweep();
    }

    fn sweep(&mut self) {
        let passed = self.newest.saturating_sub(self.swept);
        if self.open > self.sweep_at || self.within.is_some_and(|w| passed > w.max(0)) {
            self.drop_old();
            self.swept = self.newest;
            self.sweep_at = 2 * self.open + SPARE;
        }
        if self.interner.len() > 16 * SPARE + 4 * self.open {
            let empty = self.chains.iter_mut().filter(|c| c.open.is_empty());
            empty.for_each(|c| c.open = vec![]);
            let waits = |id: u32| self.chains.get(id as usize).is_some_and(|c| !c.open.is_empty());
            let idle: Vec<u32> =
                (0..self.interner.bound() as u32).filter(|id| !waits(*id)).collect();
            idle.into_iter().for_each(|id| self.interner.release(id));
        }
    }

    fn drop_old(&mut self) {
        let horizon = self.horizon();
        let above = self.above();
        let Self { chains, store, open, .. } = self;
        for chain in chains.iter_mut().filter(|c| !c.open.is_empty()) {
            let before = chain.open.len();
            let mut guard = f64::NAN;
            chain.open.retain(|o| {
                if o.ts < horizon {
                    store.release(o.slot);
                } else {
                    guard = wider(above, guard, o.bar);
                }
                o.ts >= horizon
            });
            chain.guard = guard;
            *open -= before - chain.open.len();
            if chain.open.is_empty() || chain.open.capacity() > 8 * chain.open.len() {
                chain.open.shrink_to_fit();
            }
        }
    }

    /// Open partial matches, not counting those too old.
    pub fn open_partials(&self) -> usize {
        let horizon = self.horizon();
        let live = |c: &Chain| c.open.iter().filter(|o| o.ts >= horizon).count();
        self.chains.iter().map(live).sum()
    }

    /// Events held, those too old but not yet swept among them.
    pub fn held_events(&self) -> usize {
        self.store.len()
    }

    /// Entries an event was compared with since the automaton was made.
    pub fn visited(&self) -> u64 {
        self.visited
    }

    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.interner)?;
        w.value(&self.store)?;
        w.value(&self.chains)?;
        w.value(&self.newest)
    }

    pub fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.interner = r.value()?;
        r.with(|d| self.store.load(d))?;
        self.chains = r.value()?;
        self.newest = r.value()?;
        self.swept = self.newest;
        self.open = self.chains.iter().map(|c| c.open.len()).sum();
        self.sweep_at = 2 * self.open + SPARE;
        let bound = self.store.bound();
        let sound = self.chains.iter().flat_map(|c| &c.open).all(|o| (o.slot as usize) < bound);
        if sound {
            Ok(())
        } else {
            Err(Error::Snapshot("the partial matches don't fit their events".into()))
        }
    }
}

fn row_fits(
    test: &RowExpr,
    sources: usize,
    batch: &EventBatch,
    row: usize,
    store: &RowStore,
    slot: Slot,
) -> bool {
    let event = RowRef::Batch { batch, row };
    let first = RowRef::Stored { store, slot };
    let test = |rows: &[RowRef<'_>]| {
        test.test(&RowContext { rows, clock: batch.at[row], order: batch.order[row] })
    };
    if sources < FEW {
        let mut rows = [first; FEW];
        rows[0] = event;
        test(&rows[..=sources])
    } else {
        let mut rows = vec![first; sources + 1];
        rows[0] = event;
        test(&rows)
    }
}
