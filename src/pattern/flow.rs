//! [`Flow`]: the automaton of patterns (`->`), where any events may lie between those of a match.
//!
//! Siddhi's engine keeps, per state, a list of partials that wait there and offers each event to all
//! of them, last state first. Here a partial waits in a chain found by hash, and an event that no
//! side's predicate accepts is never looked at. What follows from the rest of Siddhi's model:
//!
//! * What begins to wait while a row is offered is not offered that row: such nodes are gathered in
//!   `deferred` and linked when the row is done. So chains are in order of creation.
//! * A partial leaves all earlier states when a state takes its first event of it: a count state
//!   collects until a later one takes over.
//! * The partial at the very start exists once per key and holds nothing, so it isn't stored: a key
//!   not heard of is `FRESH`. `starts` says per key whether such an empty partial stands ready, or
//!   which partial must pass (or leave) the leading `every` group first, or that all is over.
//! * `within`: a partial is dropped when it meets an event beyond it, and in any case once a row of
//!   the pattern's streams lies far enough beyond, whether it matters or not (`expiry`). A row so late
//!   that it lies outside does not match, and ends nothing.
//! * Where the start waits for a stream to be quiet, it has a clock, and so is stored: `starts` names it
//!   from [`Flow::begin`] on. What absent streams and their timers do is told in [`absent`].

mod absent;

use super::core::Core;
use super::expiry::Expiry;
use super::lists::Lists;
use super::partial::{NO_TIME, NONE, PartialId, Wait};
use super::spec::StateSpec;
use super::{Cause, Masks, Row};
use crate::error::{Error, Result};
use crate::event::KeyId;
use crate::lang::ast::LogicalOp;
use crate::state::{SnapshotReader, SnapshotWriter};

/// An empty partial stands ready at the start.
const FRESH: u32 = NONE;
/// There will never be another start.
const OVER: u32 = NONE - 1;

/// The automaton of patterns.
#[derive(Debug)]
pub(super) struct Flow {
    lists: Lists,
    /// By key: `FRESH`, `OVER`, or the partial whose passing of the leading `every` starts the next.
    starts: Vec<u32>,
    deferred: Vec<(PartialId, usize)>,
    expiry: Expiry,
    /// Latest time of a row of any port.
    newest: i64,
    /// Partials an event was compared with so far (since the last restart).
    visited: u64,
}

impl Flow {
    pub fn new(core: &Core) -> Self {
        Self {
            lists: Lists::new(core.m.sides.len()),
            starts: vec![],
            deferred: vec![],
            expiry: Expiry::default(),
            newest: i64::MIN,
            visited: 0,
        }
    }

    /// Partials an event was compared with so far (since the last restart).
    pub fn visited(&self) -> u64 {
        self.visited
    }

    /// Offers a row that at least one side's event predicate accepts.
    pub fn offer(&mut self, core: &mut Core, row: &Row<'_>, masks: &Masks) -> Result<()> {
        self.pass_time(core, row.ts);
        let mut ready = false;
        for i in 0..core.m.offers[row.port].len() {
            let side = core.m.offers[row.port][i];
            if core.m.begins_at(side) && masks.accepts(side, row.index) {
                ready = self.make_ready(core, row);
                break;
            }
        }
        for i in 0..core.m.offers[row.port].len() {
            let side = core.m.offers[row.port][i];
            if masks.accepts(side, row.index) {
                self.offer_side(core, side, row);
                if ready && core.m.sides[side].state == 0 {
                    self.start(core, side, row);
                }
                core.matches.end_chunk();
            }
        }
        self.link_deferred(core);
        core.events.end_row();
        core.check_limit(core.partials.len())
    }

    /// What began to wait waits from now on.
    fn link_deferred(&mut self, core: &mut Core) {
        for (p, side) in self.deferred.drain(..) {
            let place = (core.waiting_hash(p, side), core.bar(p, side));
            self.lists.push(&mut core.partials, p, side, place);
        }
    }

    /// Offers the row to the partials that wait at `side`.
    fn offer_side(&mut self, core: &mut Core, side: usize, row: &Row<'_>) {
        let Some(hash) = core.event_hash(side, row) else { return };
        let reach = core.reach(side, row);
        let mut node = self.lists.first(side, hash, reach);
        if node == NONE {
            return;
        }
        let leaves =
            matches!(core.m.states[core.m.sides[side].state].kind, StateSpec::Stream { .. });
        let mut lowest = f64::INFINITY;
        while node != NONE {
            // What happens to this partial doesn't touch the next one's node.
            let next = self.lists.next(node);
            let bar = self.lists.bar(node);
            if !(reach >= bar && self.meet(core, self.lists.partial(node), side, row) && leaves) {
                lowest = lowest.min(bar);
            }
            node = next;
        }
        self.lists.set_lowest(side, hash, lowest);
    }

    /// Offers the row to `p`; whether it was taken, or `p` is too old for it.
    fn meet(&mut self, core: &mut Core, p: PartialId, side: usize, row: &Row<'_>) -> bool {
        self.visited += 1;
        if core.partials.key(p) != row.key {
            return false;
        }
        let first = core.partials.first(p);
        if core.m.outside(first, row.ts) {
            // A late row ends nothing: which partials it would meet depends on the index.
            let over = first <= row.ts;
            if over {
                self.expire(core, p);
            }
            return over;
        }
        let fits = core.passes(side, Some(p), row);
        if fits {
            self.take(core, p, side, row);
        }
        fits
    }

    /// Sees to it that the row meets the start of its key, if there is one. True if the start is an
    /// empty partial of a single-event state, which is not stored.
    fn make_ready(&mut self, core: &mut Core, row: &Row<'_>) -> bool {
        let at = self.start_of(row.key);
        if at != FRESH && at != OVER {
            let first = core.partials.first(at);
            if first <= row.ts && core.m.outside(first, row.ts) {
                self.expire(core, at);
            }
        }
        if self.start_of(row.key) != FRESH || core.m.clocked {
            return false;
        }
        if matches!(core.m.states[0].kind, StateSpec::Stream { .. }) {
            return true;
        }
        self.create_start(core, row.key, Cause::row(row, &core.m));
        // It has stood there all along, so this row meets it.
        self.link_deferred(core);
        false
    }

    /// Offers the row to the empty partial at the start.
    fn start(&mut self, core: &mut Core, side: usize, row: &Row<'_>) {
        if !core.passes(side, None, row) {
            return;
        }
        let p = core.partials.create(&core.m, row.key, NONE);
        if core.m.states[0].repeats.is_none() {
            self.set_start(row.key, if core.m.repeats { p } else { OVER });
        }
        self.take(core, p, side, row);
    }

    /// A stored empty partial at the start of a key.
    fn create_start(&mut self, core: &mut Core, key: KeyId, cause: Cause) {
        let p = core.partials.create(&core.m, key, NONE);
        self.set_start(key, if core.m.repeats { p } else { OVER });
        self.place(core, p, 0, cause);
    }

    /// `p` takes the row at `side`.
    fn take(&mut self, core: &mut Core, p: PartialId, side: usize, row: &Row<'_>) {
        let cause = Cause::row(row, &core.m);
        if core.m.sides[side].absent.is_some() {
            self.disturb(core, p, side, cause);
            return;
        }
        let slot = core.events.capture(row.port, row.index, row.ts);
        let begun = core.partials.first(p) != NO_TIME;
        let held = core.partials.put(&core.m, p, side, slot, row.ts);
        if !begun {
            self.watch(core, p);
        }
        let state = core.m.sides[side].state;
        match core.m.states[state].kind {
            StateSpec::Stream { .. } => {
                self.leave(core, p, |s| s <= state);
                self.pass(core, p, state, cause);
            }
            StateSpec::Count { min, max, .. } => {
                if max.is_some_and(|max| held as u32 >= max) {
                    self.leave(core, p, |s| s <= state);
                } else if held == 1 {
                    self.leave(core, p, |s| s < state);
                }
                if held as u32 == min {
                    self.pass(core, p, state, cause);
                } else if held as u32 > min {
                    self.restart_behind(core, p, state, cause);
                }
            }
            StateSpec::Logical { op, left, right } => {
                let other = if side == left { right } else { left };
                if op == LogicalOp::Or || core.partials.met(&core.m, p, other) {
                    self.leave(core, p, |s| s <= state);
                    self.pass(core, p, state, cause);
                } else if core.partials.wait(&core.m, p, other) == Wait::Broken {
                    self.drop(core, p, cause);
                } else {
                    self.settle(core, p, side);
                }
            }
            StateSpec::Absent { .. } => {}
        }
    }

    /// `p` has what it needs at `side`, but not yet at the other side of the state.
    fn settle(&mut self, core: &mut Core, p: PartialId, side: usize) {
        let sides = &core.m.sides;
        let state = sides[side].state;
        self.lists.remove(&mut core.partials, p, |s| s == side || sides[s].state < state);
    }

    /// `p` waits no longer at the states for which `which` holds.
    fn leave(&mut self, core: &mut Core, p: PartialId, which: impl Fn(usize) -> bool) {
        let sides = &core.m.sides;
        self.lists.remove(&mut core.partials, p, |s| which(sides[s].state));
        for i in 0..core.m.waits.len() {
            let side = core.m.waits[i];
            if which(core.m.sides[side].state) {
                core.partials.set_wait(&core.m, p, side, Wait::Idle);
            }
        }
    }

    /// `p` has what `state` needs: it is a match, or goes on to the next state.
    fn pass(&mut self, core: &mut Core, p: PartialId, state: usize, cause: Cause) {
        let repeats = core.m.states[state].repeats;
        if state == core.m.last {
            core.matches.push(&core.m, &core.partials, &core.events, p, cause);
            if let Some(first) = repeats {
                self.repeat(core, p, first, cause);
            }
            self.lists.remove(&mut core.partials, p, |_| true);
            core.partials.free(&core.m, &mut core.events, p);
            return;
        }
        self.place(core, p, state + 1, cause);
        if let Some(first) = repeats {
            self.repeat(core, p, first, cause);
        }
    }

    /// `p` begins to wait at `state`, and at those behind it as long as they may be skipped.
    fn place(&mut self, core: &mut Core, p: PartialId, state: usize, cause: Cause) {
        for state in state..=core.m.last {
            self.wait_at(core, p, state, cause);
            if !core.m.states[state].kind.is_optional() {
                return;
            }
            if let Some(first) = core.m.states[state].repeats {
                self.repeat(core, p, first, cause);
            }
        }
    }

    /// `p` begins to wait at `state`.
    fn wait_at(&mut self, core: &mut Core, p: PartialId, state: usize, cause: Cause) {
        for side in core.m.sides_of(state) {
            self.deferred.push((p, side));
            core.watch(p, side, cause);
        }
    }

    /// Begins an `every` anew at state `first` beside `p`, which has passed it.
    fn repeat(&mut self, core: &mut Core, p: PartialId, first: usize, cause: Cause) {
        if first == 0 {
            self.renew(core, core.partials.key(p), cause);
            return;
        }
        let before = core.m.sides_of(first).start;
        let copy = core.partials.copy_before(&core.m, &mut core.events, p, before, NONE);
        self.watch(core, copy);
        self.wait_at(core, copy, first, cause);
    }

    /// The leading `every` begins anew.
    fn renew(&mut self, core: &mut Core, key: KeyId, cause: Cause) {
        if core.m.clocked {
            self.create_start(core, key, cause);
        } else {
            self.set_start(key, FRESH);
        }
    }

    /// Remembers when `p` is to be dropped.
    fn watch(&mut self, core: &mut Core, p: PartialId) {
        let first = core.partials.first(p);
        let Some(expiry) = core.m.expiry(first) else { return };
        self.expiry.push(first, p, core.partials.generation(p));
        // The clock of the next start runs from then on, whether a row comes or not.
        if core.m.clocked && self.start_of(core.partials.key(p)) == p {
            core.arm(p, expiry);
        }
    }

    /// A row of time `ts` came by: drops what no row from now on can complete. Keys are apart in time:
    /// one key's rows may be late against another's (never more than `within`, or they go their own way).
    pub fn pass_time(&mut self, core: &mut Core, ts: i64) {
        let Some(within) = core.m.within else { return };
        self.newest = self.newest.max(ts);
        let slack = if core.m.keyed { within } else { 0 };
        let horizon = self.newest.saturating_sub(within).saturating_sub(slack);
        while let Some((p, generation)) = self.expiry.pop_before(horizon) {
            if core.partials.generation(p) == generation {
                self.expire(core, p);
            }
        }
        if self.expiry.len() > 2 * core.partials.len() + 1024 {
            self.expiry.retain(|p, generation| core.partials.generation(p) == generation);
        }
    }

    /// Gives `p` up, for which there is no time left.
    fn expire(&mut self, core: &mut Core, p: PartialId) {
        let ended = core.m.expiry(core.partials.first(p)).unwrap_or(NO_TIME);
        self.drop(core, p, Cause::at(ended, 0));
    }

    /// Gives `p` up; if the leading `every` waited for it, it begins anew.
    fn drop(&mut self, core: &mut Core, p: PartialId, cause: Cause) {
        let key = core.partials.key(p);
        if self.start_of(key) == p {
            self.renew(core, key, cause);
        }
        self.lists.remove(&mut core.partials, p, |_| true);
        core.partials.free(&core.m, &mut core.events, p);
    }

    fn start_of(&self, key: KeyId) -> u32 {
        self.starts.get(key as usize).copied().unwrap_or(FRESH)
    }

    fn set_start(&mut self, key: KeyId, start: u32) {
        let i = key as usize;
        if i >= self.starts.len() {
            if start == FRESH {
                return;
            }
            self.starts.resize(i + 1, FRESH);
        }
        self.starts[i] = start;
    }

    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.lists.save())?;
        w.value(&self.starts)?;
        w.value(&self.expiry)?;
        w.value(&self.newest)
    }

    pub fn restore(&mut self, core: &Core, r: &mut SnapshotReader<'_>) -> Result<()> {
        let damaged = || Error::Snapshot("the partial matches don't fit the pattern".into());
        let bound = core.partials.bound();
        self.lists = Lists::load(core.m.sides.len(), r.value()?, bound).ok_or_else(damaged)?;
        self.starts = r.value()?;
        self.expiry = r.value()?;
        self.newest = r.value()?;
        self.deferred.clear();
        let known = |p: u32| (p as usize) < bound;
        let sound = self.starts.iter().all(|s| *s >= OVER || known(*s))
            && self.expiry.partials().all(known);
        if sound { Ok(()) } else { Err(damaged()) }
    }
}
