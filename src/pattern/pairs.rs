//! [`Pairs`]: patterns of two single events (`every e1=A[…] -> e2=B[…] within t`), in columns as far as
//! they go.
//!
//! Every row that fits `e1` is a partial of its own and waits for one thing only. So a partial is an
//! entry in the chain of its equality keys, with its time and (if that is all `e2` asks for) the value
//! that the event's is compared with; keys are ids, given once per batch. [`super::flow`] gives the
//! same in general.
//!
//! What leaves of the first event is mostly known without it: what equals the second's, and the value
//! compared. Only what is left of its columns is stored, if anything is.
//!
//! Invariants:
//! * Entries of a chain stand in the order in which they began to wait, which is that of matches.
//! * An entry that is too old is as good as gone, and goes when it is met, or in the next sweep: one
//!   comes when `within` has passed since the last, or `open` holds twice what that left, and `SPARE`.
//! * `guards[key]` is a bound of the bars in `chains[key]` (the lowest for `>` and `>=`, the highest for `<` and
//!   `<=`): no event beyond it fits any. NaN, beyond which everything is, if there are none.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::take;
use arrow::datatypes::{Float64Type, SchemaRef};
use serde::{Deserialize, Serialize};

use super::adjacent::only;
use super::bar::{Bar, bar, holds, is_key, row_fits, wider};
use super::machine::Machine;
use super::pair_columns::{Column, columns};
use super::predicate::Test;
use super::spec::{EqualKey, EventRef, KeyClass, OutputColumn, PatternSpec, StateSpec};
use crate::error::{Error, Result};
use crate::event::{
    Chunks, EventBatch, KeyId, KeyInterner, Kind, NO_SLOT, RowStore, Slot, record_batch, set_rows,
};
use crate::expr::{RowExpr, TypedExpr};
use crate::lang::ast::{BinaryOp, PatternKind};
use crate::state::{SnapshotReader, SnapshotWriter};

/// Entries and keys that may be kept beyond need.
const SPARE: usize = 4096;

/// The automaton of pairs.
#[derive(Debug)]
pub(super) struct Pairs {
    first: Test,
    second: Test,
    /// Ports of the two sides.
    ports: [usize; 2],
    /// Columns of the first event that are stored; none = there is no need to.
    stored: Option<Vec<usize>>,
    /// Columns of the keys: of an event that may be `e1`, and of one that may be `e2`.
    keys: [Vec<usize>; 2],
    keyed: bool,
    rest: Rest,
    /// Whether events must lie above the bars.
    above: bool,
    within: Option<i64>,
    columns: Vec<Column>,
    output: SchemaRef,
    interner: KeyInterner,
    store: RowStore,
    /// By key.
    chains: Vec<Vec<Open>>,
    /// By key, as many as chains.
    guards: Vec<f64>,
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
pub(super) enum Rest {
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
pub(super) struct Open {
    pub ts: i64,
    pub bar: f64,
    /// [`NO_SLOT`] if nothing is stored.
    pub slot: Slot,
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
    /// By row; [`NO_KEY`] = no key that anything waits for.
    ids: Vec<KeyId>,
    /// Slots of the rows the first side accepts, in order; nothing if nothing is stored.
    slots: Vec<Slot>,
    bars: Option<&'a Float64Array>,
    values: Option<&'a Float64Array>,
}

/// The key of a row nothing can wait for.
const NO_KEY: KeyId = KeyId::MAX;

#[derive(Default)]
struct Found {
    opens: Vec<Open>,
    rows: Vec<u32>,
    offsets: Vec<u32>,
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
        let (columns, stored) = columns(spec, &rest);
        let schema = from.schema.project(stored.as_deref().unwrap_or_default())?;
        let store = RowStore::new(Arc::new(schema))?;
        Ok(Some(Self {
            first: Test::new(spec, 0)?,
            second: Test::new(spec, 1)?,
            ports: [one.port, two.port],
            stored,
            keys: [
                equal.iter().map(|e| from.kept[e.column]).collect(),
                equal.iter().map(|e| e.event).collect(),
            ],
            keyed: spec.keyed,
            above: matches!(&rest, Rest::Bar(b) if matches!(b.op, BinaryOp::Gt | BinaryOp::GtEq)),
            rest,
            within: spec.within,
            columns,
            output: Arc::clone(&spec.output),
            interner: KeyInterner::default(),
            store,
            chains: vec![],
            guards: vec![],
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
            if !self.compare(&view, &mut found) {
                let mut at = 0;
                for row in 0..batch.rows() {
                    self.row(&view, row, &mut at, &mut found);
                }
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
        let slots = match &first {
            _ if !begins || self.stored.is_none() => vec![],
            Some(mask) => self.keep(batch, set_rows(mask))?,
            None => self.keep(batch, (0..batch.rows() as u32).collect())?,
        };
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

    /// Stores rows that may be first events.
    fn keep(&mut self, batch: &EventBatch, rows: Vec<u32>) -> Result<Vec<Slot>> {
        let ts: Vec<i64> = rows.iter().map(|r| batch.ts[*r as usize]).collect();
        let rows = UInt32Array::from(rows);
        let columns = self.stored.iter().flatten();
        let columns = columns.map(|c| take(batch.columns.column(*c), &rows, None));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let columns = record_batch(self.store.schema(), columns, ts.len())?;
        let mut slots = Vec::with_capacity(ts.len());
        self.store.insert_range(&columns, 0..ts.len(), &ts, &mut slots);
        Ok(slots)
    }

    /// The key of each row; [`NO_KEY`] if one of its values is null.
    fn ids(&mut self, batch: &EventBatch, begins: bool, ends: bool) -> Result<Vec<KeyId>> {
        let columns = &self.keys[usize::from(ends)];
        debug_assert!(!(begins && ends) || self.keys[0] == self.keys[1]);
        let prefix = if self.keyed { batch.keys.as_deref() } else { None };
        if columns.is_empty() {
            return Ok(prefix.map_or_else(|| vec![0; batch.rows()], <[KeyId]>::to_vec));
        }
        let arrays: Vec<ArrayRef> =
            columns.iter().map(|c| Arc::clone(batch.columns.column(*c))).collect();
        let mut ids = if begins {
            self.interner.intern(&arrays, prefix, batch.rows())?
        } else {
            let known = self.interner.lookup(&arrays, prefix, batch.rows())?;
            known.into_iter().map(|id| id.unwrap_or(NO_KEY)).collect()
        };
        for nulls in arrays.iter().filter_map(|a| a.nulls()).filter(|n| n.null_count() > 0) {
            for (id, valid) in ids.iter_mut().zip(nulls.iter()) {
                *id = if valid { *id } else { NO_KEY };
            }
        }
        Ok(ids)
    }

    /// Offers all rows of a batch, if it is as most are: of current rows that may end any match they are
    /// high enough for, without nulls. Whether it was.
    fn compare(&mut self, view: &View<'_>, found: &mut Found) -> bool {
        let (Rest::Bar(bar), Some(values), Some(bars)) = (&self.rest, view.values, view.bars)
        else {
            return false;
        };
        let plain = !self.keyed && view.second.is_none() && view.batch.kinds.is_none();
        if !plain || values.null_count() > 0 || bars.null_count() > 0 {
            return false;
        }
        let numbers = (&values.values()[..], &bars.values()[..]);
        match bar.op {
            BinaryOp::Gt => self.run(view, numbers, |value, bar| value > bar, found),
            BinaryOp::GtEq => self.run(view, numbers, |value, bar| value >= bar, found),
            BinaryOp::Lt => self.run(view, numbers, |value, bar| value < bar, found),
            _ => self.run(view, numbers, |value, bar| value <= bar, found),
        }
        true
    }

    #[inline(never)]
    fn run(
        &mut self,
        view: &View<'_>,
        (values, bars): (&[f64], &[f64]),
        reaches: impl Fn(f64, f64) -> bool,
        found: &mut Found,
    ) {
        let times: &[i64] = &view.batch.ts;
        let first = match &view.first {
            Some(mask) => set_rows(mask),
            None => (0..times.len() as u32).collect(),
        };
        let mut next = first.into_iter().enumerate();
        let mut begins = next.next();
        for (row, ((ts, id), value)) in times.iter().zip(&view.ids).zip(values).enumerate() {
            let late = *ts < self.newest;
            self.newest = self.newest.max(*ts);
            if let Some(guard) = self.guards.get(*id as usize)
                && (late || reaches(*value, *guard))
            {
                self.meet(view, row, *id, !late, found);
            }
            let Some((nth, _)) = begins.filter(|(_, first)| *first as usize == row) else {
                continue;
            };
            begins = next.next();
            let slot = view.slots.get(nth).copied().unwrap_or(NO_SLOT);
            match *id {
                NO_KEY => release(&mut self.store, slot),
                id => self.wait(id, Open { ts: *ts, bar: bars[row], slot }),
            }
        }
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
        let mut slot = NO_SLOT;
        if begins && self.stored.is_some() {
            slot = view.slots[*at];
            *at += 1;
        }
        let id = view.ids[row];
        if id == NO_KEY || !current {
            release(&mut self.store, slot);
            return;
        }
        if view.ends
            && (id as usize) < self.chains.len()
            && view.second.as_ref().is_none_or(|m| m.value(row))
        {
            self.meet(view, row, id, in_order, found);
        }
        if begins {
            let bar = view
                .bars
                .map_or(f64::NAN, |b| if b.is_valid(row) { b.value(row) } else { f64::NAN });
            self.wait(id, Open { ts, bar, slot });
        }
    }

    fn wait(&mut self, id: KeyId, open: Open) {
        if self.chains.len() <= id as usize {
            self.chains.resize_with(id as usize + 1, Vec::new);
            self.guards.resize(id as usize + 1, f64::NAN);
        }
        let guard = &mut self.guards[id as usize];
        *guard = wider(self.above, *guard, open.bar);
        self.chains[id as usize].push(open);
        self.open += 1;
    }

    fn horizon(&self) -> i64 {
        let Some(within) = self.within else { return i64::MIN };
        // Rows of one key may be late against another's.
        let slack = if self.keyed { within } else { 0 };
        self.newest.saturating_sub(within).saturating_sub(slack)
    }

    /// Offers a row to the partials of its key.
    #[inline(never)]
    fn meet(&mut self, view: &View<'_>, row: usize, id: KeyId, in_order: bool, found: &mut Found) {
        let horizon = self.horizon();
        let Self { chains, guards, store, rest, within, keyed, open: count, visited, .. } = self;
        let (chain, guard) = (&mut chains[id as usize], &mut guards[id as usize]);
        if chain.is_empty() {
            return;
        }
        let value = view.values.filter(|v| v.is_valid(row)).map_or(f64::NAN, |v| v.value(row));
        if let Rest::Bar(bar) = rest {
            // An event in order meets nobody who has to go for being too far from it: those are below
            // the horizon. (In partitions they need not be.)
            if in_order && !*keyed && !holds(bar.op, value, *guard) {
                return;
            }
        }
        *visited += chain.len() as u64;
        let ts = view.batch.ts[row];
        let (above, before) = (self.above, chain.len());
        let from = found.rows.len();
        *guard = f64::NAN;
        chain.retain(|o| {
            let outside = within.is_some_and(|w| o.ts.abs_diff(ts) > w.max(0) as u64);
            if o.ts < horizon || (outside && o.ts <= ts) {
                release(store, o.slot);
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
                found.opens.push(*o);
                found.rows.push(row as u32);
                release(store, o.slot);
            } else {
                *guard = wider(above, *guard, o.bar);
            }
            !fits
        });
        *count -= before - chain.len();
        if found.rows.len() > from {
            found.offsets.push(found.rows.len() as u32);
        }
    }

    fn finish(&self, batch: &EventBatch, found: Found) -> Result<EventBatch> {
        let Found { opens, rows, offsets } = found;
        let indices = UInt32Array::from(rows);
        let columns = self.columns.iter();
        let columns = columns.map(|c| c.gather(batch, &indices, &opens, &self.store));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let columns = record_batch(&self.output, columns, indices.len())?;
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
            let Self { chains, guards, interner, .. } = self;
            let waits = |id: u32| chains.get(id as usize).is_some_and(|c| !c.is_empty());
            let kept = interner.compact(waits);
            *chains = kept.iter().map(|id| std::mem::take(&mut chains[*id as usize])).collect();
            *guards = kept.iter().map(|id| guards[*id as usize]).collect();
        }
    }

    fn drop_old(&mut self) {
        let horizon = self.horizon();
        let Self { chains, guards, store, open, above, .. } = self;
        for (chain, guard) in chains.iter_mut().zip(guards).filter(|(c, _)| !c.is_empty()) {
            let before = chain.len();
            *guard = f64::NAN;
            chain.retain(|o| {
                if o.ts < horizon {
                    release(store, o.slot);
                } else {
                    *guard = wider(*above, *guard, o.bar);
                }
                o.ts >= horizon
            });
            *open -= before - chain.len();
            if chain.is_empty() || chain.capacity() > 8 * chain.len() {
                chain.shrink_to_fit();
            }
        }
    }

    /// Open partial matches, not counting those too old.
    pub fn open_partials(&self) -> usize {
        let horizon = self.horizon();
        let live = |c: &Vec<Open>| c.iter().filter(|o| o.ts >= horizon).count();
        self.chains.iter().map(live).sum()
    }

    /// Events held, those too old but not yet swept among them.
    pub fn held_events(&self) -> usize {
        if self.stored.is_some() { self.store.len() } else { self.open }
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
        self.open = self.chains.iter().map(Vec::len).sum();
        let guard = |c: &Vec<Open>| c.iter().fold(f64::NAN, |g, o| wider(self.above, g, o.bar));
        self.guards = self.chains.iter().map(guard).collect();
        self.sweep_at = 2 * self.open + SPARE;
        let bound = self.store.bound();
        let stored = self.stored.is_some();
        let fits = |o: &Open| if stored { (o.slot as usize) < bound } else { o.slot == NO_SLOT };
        let sound = self.chains.iter().flatten().all(fits);
        if sound {
            Ok(())
        } else {
            Err(Error::Snapshot("the partial matches don't fit their events".into()))
        }
    }
}

#[inline]
fn release(store: &mut RowStore, slot: Slot) {
    if slot != NO_SLOT {
        store.release(slot);
    }
}
