//! [`Sequence`]: the automaton of sequences (`,`), where nothing of the query's own streams may lie
//! between the events of a match.
//!
//! Every row of any port moves every partial of its key on, or ends it, so there is nothing to search
//! for: a key has a handful of partials at most. This follows Siddhi's engine closely, because what it
//! does with overlapping attempts is not to be guessed:
//!
//! * Each side has *pending* partials, which are offered the row, and *new* ones, which will be pending
//!   for the next row. A side takes only one new partial per row; others are lost.
//! * Before a row is offered, what is still pending is dropped (a half-filled `and` stays), an empty
//!   partial is put at the start (once, or again and again under `every`), and new becomes pending.
//! * A partial waits for an `and` in the list of its left side. It ends when a row of a stream it waits
//!   for fits neither side; rows of other streams don't end it once it has one half.
//! * A partial is in several lists when a state may be left or continued; `links` counts them.
//! * What [`absent`] streams do to partials that wait for their quiet is told there.
//! * A start that may stay empty (`every A*, B`) waits at `B` at once. Once `B` was offered a row, the
//!   next row meets a further empty partial (`renew`), so that the event that completes one match can
//!   open the next.
//!
//! With `within`, a key that no row comes for is looked after by `idle`: attempts that have waited for
//! twice as long (keys may lie `within` apart in time, see `flow`) are dropped when another key's row comes.
//!
//! A key without partials is not stored: either it never had any or `every` makes it start afresh
//! (`FRESH`), or it had its one attempt (`OVER`).

mod absent;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::core::Core;
use super::machine::State;
use super::partial::{NO_TIME, NONE, PartialId};
use super::spec::StateSpec;
use super::{Cause, Masks, Row};
use crate::error::{Error, Result};
use crate::event::KeyId;
use crate::lang::ast::LogicalOp;
use crate::state::{SnapshotReader, SnapshotWriter};

const FRESH: u32 = NONE;
const OVER: u32 = NONE - 1;

/// The partials of one key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Attempts {
    /// Per side.
    pending: Vec<Vec<PartialId>>,
    /// Per side.
    new: Vec<Vec<PartialId>>,
    /// Per side: those that wait for quiet and were not disturbed by the row; pending for the next.
    kept: Vec<Vec<PartialId>>,
    /// The one attempt of a sequence without `every` was made.
    begun: bool,
    /// A further empty partial is due.
    renew: bool,
    /// The list being offered a row; kept for its memory.
    #[serde(skip)]
    offered: Vec<PartialId>,
    key: KeyId,
    open: bool,
    /// Time of the key's last row.
    touched: i64,
    /// It is in `idle`.
    queued: bool,
}

/// The automaton of sequences.
#[derive(Debug)]
pub(super) struct Sequence {
    /// By key: `FRESH`, `OVER`, or an index into `attempts`.
    keys: Vec<u32>,
    attempts: Vec<Attempts>,
    free: Vec<u32>,
    /// Attempts by the time they were last known to be touched, about in order; each at most once.
    idle: VecDeque<(i64, u32)>,
    newest: i64,
}

impl Sequence {
    pub fn new() -> Self {
        let newest = i64::MIN;
        Self { keys: vec![], attempts: vec![], free: vec![], idle: VecDeque::new(), newest }
    }

    /// Offers a row of any port.
    pub fn offer(&mut self, core: &mut Core, row: &Row<'_>, masks: &Masks) -> Result<()> {
        self.drop_idle(core, row.ts);
        let at = self.keys.get(row.key as usize).copied().unwrap_or(FRESH);
        let begins = || !core.m.clocked && (!core.m.repeats || begins(core, row, masks));
        if at == OVER || (at == FRESH && !begins()) {
            return Ok(());
        }
        let cause = Cause::row(row, &core.m);
        let id = if at == FRESH { self.open(core, row.key) } else { at };
        let mut a = std::mem::take(&mut self.attempts[id as usize]);
        a.expire(core, row.ts);
        a.reset(core, row.key, cause);
        a.update(core, row.key, cause);
        for i in 0..core.m.offers[row.port].len() {
            let side = core.m.offers[row.port][i];
            a.offer_side(core, side, row, masks);
            core.matches.end_chunk();
        }
        a.clear(core);
        a.touched = row.ts;
        self.put_back(core, id, a);
        core.events.end_row();
        core.check_limit(core.partials.len())
    }

    /// Files attempts after a row, or gives them up if nothing is left of them.
    fn put_back(&mut self, core: &Core, id: u32, mut a: Attempts) {
        a.open = !a.is_empty();
        if !a.open {
            self.close(core, a.key, id);
        } else if !a.queued && core.m.keyed && core.m.within.is_some() {
            a.queued = true;
            self.idle.push_back((a.touched, id));
        }
        self.attempts[id as usize] = a;
    }

    /// Drops what was begun so long ago that no row of its key can end it in time.
    fn drop_idle(&mut self, core: &mut Core, ts: i64) {
        self.newest = self.newest.max(ts);
        let Some(within) = core.m.within else { return };
        let horizon = self.newest.saturating_sub(within).saturating_sub(within);
        while let Some((touched, id)) = self.idle.front().copied()
            && touched < horizon
        {
            self.idle.pop_front();
            let mut a = std::mem::take(&mut self.attempts[id as usize]);
            a.queued = a.open && a.touched >= horizon;
            if a.queued {
                self.idle.push_back((a.touched, id));
            } else if a.open {
                a.expire(core, self.newest);
                a.touched = self.newest;
                self.put_back(core, id, a);
                continue;
            }
            self.attempts[id as usize] = a;
        }
    }

    fn open(&mut self, core: &Core, key: KeyId) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.attempts.push(Attempts::default());
            (self.attempts.len() - 1) as u32
        });
        let a = &mut self.attempts[id as usize];
        a.pending.resize_with(core.m.sides.len(), Vec::new);
        a.new.resize_with(core.m.sides.len(), Vec::new);
        a.kept.resize_with(core.m.sides.len(), Vec::new);
        (a.begun, a.renew, a.key) = (false, false, key);
        if self.keys.len() <= key as usize {
            self.keys.resize(key as usize + 1, FRESH);
        }
        self.keys[key as usize] = id;
        id
    }

    fn close(&mut self, core: &Core, key: KeyId, id: u32) {
        self.keys[key as usize] = if core.m.repeats { FRESH } else { OVER };
        self.free.push(id);
    }

    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.keys)?;
        w.value(&self.attempts)?;
        w.value(&self.free)?;
        w.value(&self.idle)?;
        w.value(&self.newest)
    }

    pub fn restore(&mut self, core: &Core, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.keys = r.value()?;
        self.attempts = r.value()?;
        self.free = r.value()?;
        self.idle = r.value()?;
        self.newest = r.value()?;
        let (known, sides) = (self.attempts.len(), core.m.sides.len());
        let bound = core.partials.bound();
        let sound = self.keys.iter().all(|k| *k >= OVER || (*k as usize) < known)
            && self.free.iter().all(|f| (*f as usize) < known)
            && self.idle.iter().all(|(_, id)| (*id as usize) < known)
            && self.attempts.iter().all(|a| {
                let lists = || a.pending.iter().chain(&a.new).chain(&a.kept);
                a.pending.len() == sides
                    && a.new.len() == sides
                    && a.kept.len() == sides
                    && lists().flatten().all(|p| (*p as usize) < bound)
            });
        if sound {
            Ok(())
        } else {
            Err(Error::Snapshot("the partial matches don't fit the sequence".into()))
        }
    }
}

/// Whether an empty partial could take the row.
fn begins(core: &Core, row: &Row<'_>, masks: &Masks) -> bool {
    core.m.offers[row.port]
        .iter()
        .any(|side| core.m.begins_at(*side) && masks.accepts(*side, row.index))
}

/// A list less holds `p`.
fn unlink(core: &mut Core, p: PartialId) {
    let links = core.partials.links_mut(p);
    *links -= 1;
    if *links == 0 {
        core.partials.free(&core.m, &mut core.events, p);
    }
}

/// Whether `p` has an event at `side`.
fn holds(core: &Core, p: PartialId, side: usize) -> bool {
    !core.partials.held(&core.m, p, side).is_empty()
}

/// The sides of an `and` of two events.
fn and_sides(core: &Core, state: usize) -> Option<(usize, usize)> {
    match core.m.states[state] {
        State { kind: StateSpec::Logical { op: LogicalOp::And, left, right }, watches, .. } => {
            (!watches).then_some((left, right))
        }
        _ => None,
    }
}

impl Attempts {
    fn is_empty(&self) -> bool {
        self.pending.iter().chain(&self.new).chain(&self.kept).all(Vec::is_empty)
    }

    /// Drops partials that row time `ts` is too far from.
    fn expire(&mut self, core: &mut Core, ts: i64) {
        if core.m.within.is_none() {
            return;
        }
        let mut renewed = None;
        for side in 0..core.m.sides.len() {
            let starts = core.m.clocked && core.m.repeats && core.m.sides[side].state == 0;
            for list in [&mut self.pending[side], &mut self.new[side], &mut self.kept[side]] {
                list.retain(|p| {
                    let first = core.partials.first(*p);
                    let stays = !core.m.outside(first, ts);
                    if !stays {
                        renewed = if starts { core.m.expiry(first) } else { renewed };
                        unlink(core, *p);
                    }
                    stays
                });
            }
        }
        if let Some(at) = renewed {
            self.begin(core, self.key, Cause::at(at, 0));
        }
    }

    /// Drops what was not moved on, and puts an empty partial at the start if one is due.
    fn reset(&mut self, core: &mut Core, key: KeyId, cause: Cause) {
        self.clear(core);
        let first = core.m.states[0].sides.0;
        let lists = [&self.pending[first], &self.new[first], &self.kept[first]];
        if lists.into_iter().all(Vec::is_empty) {
            self.begin(core, key, cause);
        }
    }

    /// Drops pending partials, but not those that have one half of an `and`.
    fn clear(&mut self, core: &mut Core) {
        for state in 0..=core.m.last {
            let halves = and_sides(core, state);
            for side in core.m.sides_of(state) {
                self.pending[side].retain(|p| {
                    let stays = halves
                        .is_some_and(|(l, r)| holds(core, *p, l) || holds(core, *p, r))
                        || absent::stays(core, *p, state);
                    if !stays {
                        unlink(core, *p);
                    }
                    stays
                });
            }
        }
    }

    /// New partials become pending.
    fn update(&mut self, core: &mut Core, key: KeyId, cause: Cause) {
        if std::mem::take(&mut self.renew) {
            self.begin(core, key, cause);
        }
        let waiting = self.kept.iter_mut().zip(&mut self.new);
        for (pending, (kept, new)) in self.pending.iter_mut().zip(waiting) {
            pending.append(kept);
            pending.append(new);
        }
    }

    /// Puts an empty partial at the start, unless the one attempt was made.
    fn begin(&mut self, core: &mut Core, key: KeyId, cause: Cause) {
        if self.begun && !core.m.repeats {
            return;
        }
        self.begun = true;
        // Held once by this function, lest it is freed on the way.
        let p = core.partials.create(&core.m, key, 1);
        self.add(core, p, 0, cause);
        if core.m.repeats && core.m.states[0].kind.is_optional() {
            let twin = core.partials.create(&core.m, key, 0);
            self.push(core, twin, core.m.states[0].sides.0);
        }
        unlink(core, p);
    }

    fn push(&mut self, core: &mut Core, p: PartialId, side: usize) {
        *core.partials.links_mut(p) += 1;
        self.new[side].push(p);
    }

    /// Makes `p` new at a side, if there is room.
    fn offer_place(&mut self, core: &mut Core, p: PartialId, side: usize, cause: Cause) {
        if self.has_room(core, p, side, cause) {
            self.push(core, p, side);
        }
    }

    /// A row leads only one partial to a side, and there is no need for two without events.
    fn has_room(&self, core: &Core, p: PartialId, side: usize, cause: Cause) -> bool {
        self.new[side].is_empty() || (cause.timer && core.partials.first(p) != NO_TIME)
    }

    /// Makes `p` new at `state`, and at those behind it as long as they may be skipped.
    fn add(&mut self, core: &mut Core, p: PartialId, state: usize, cause: Cause) {
        for state in state..=core.m.last {
            if core.m.states[state].watches {
                self.watch(core, p, state, cause);
                break;
            }
            for side in core.m.sides_of(state) {
                if and_sides(core, state).is_none_or(|(left, _)| side == left) {
                    self.offer_place(core, p, side, cause);
                }
            }
            if !core.m.states[state].kind.is_optional() {
                break;
            }
        }
    }

    fn offer_side(&mut self, core: &mut Core, side: usize, row: &Row<'_>, masks: &Masks) {
        let state = core.m.sides[side].state;
        if core.m.states[state].watches {
            let first = core.m.sides_of(state).start;
            if side == first || core.m.sides[first].port != row.port {
                self.offer_watching(core, state, row, masks);
            }
            return;
        }
        if let Some((left, right)) = and_sides(core, state) {
            // Both sides at once, the first time one of them is up.
            if side == left || core.m.sides[left].port != row.port {
                self.offer_both(core, left, right, row, masks);
            }
            return;
        }
        let mut offered = self.take_pending(side);
        let accepted = masks.accepts(side, row.index);
        for p in offered.drain(..) {
            if !self.is_void(core, p, side) {
                if accepted && core.passes(side, Some(p), row) {
                    self.take(core, p, side, row);
                } else if matches!(core.m.states[state].kind, StateSpec::Stream { .. }) {
                    // Behind a start that may stay empty, a miss renews it as well as a hit.
                    self.renew_behind(core, state);
                }
            }
            unlink(core, p);
        }
        self.offered = offered;
    }

    /// The partials to be offered a row; they are pending no longer.
    fn take_pending(&mut self, side: usize) -> Vec<PartialId> {
        let empty = std::mem::take(&mut self.offered);
        std::mem::replace(&mut self.pending[side], empty)
    }

    /// Offers the row to the partials that wait for an `and`.
    fn offer_both(
        &mut self,
        core: &mut Core,
        left: usize,
        right: usize,
        row: &Row<'_>,
        masks: &Masks,
    ) {
        let state = core.m.sides[left].state;
        let mut offered = self.take_pending(left);
        for p in offered.drain(..) {
            let mut missed = false;
            let mut taken = false;
            for side in [left, right] {
                if core.m.sides[side].port != row.port || holds(core, p, side) {
                    continue;
                }
                if masks.accepts(side, row.index) && core.passes(side, Some(p), row) {
                    let slot = core.events.capture(row.port, row.index, row.ts);
                    core.partials.put(&core.m, p, side, slot, row.ts);
                    taken = true;
                } else {
                    missed = true;
                }
            }
            if taken && holds(core, p, left) && holds(core, p, right) {
                self.pass(core, p, state, Cause::row(row, &core.m));
                self.renew_behind(core, state);
            } else if taken || !missed {
                self.pending[left].push(p);
                continue;
            }
            unlink(core, p);
        }
        self.offered = offered;
    }

    /// Whether `p` has gone on (count states) or was served by the other side (`or`).
    fn is_void(&self, core: &Core, p: PartialId, side: usize) -> bool {
        let holds = |s| holds(core, p, s);
        match core.m.states[core.m.sides[side].state].kind {
            StateSpec::Stream { .. } | StateSpec::Absent { .. } => false,
            StateSpec::Count { .. } => (side + 1..core.m.sides.len()).any(holds),
            // It can be in a list twice when halves were left over; it takes one event all the same.
            StateSpec::Logical { op: LogicalOp::And, .. } => holds(side),
            StateSpec::Logical { left, right, .. } => {
                holds(if side == left { right } else { left })
            }
        }
    }

    /// `p` takes the row at `side`.
    fn take(&mut self, core: &mut Core, p: PartialId, side: usize, row: &Row<'_>) {
        let slot = core.events.capture(row.port, row.index, row.ts);
        let held = core.partials.put(&core.m, p, side, slot, row.ts) as u32;
        let (state, cause) = (core.m.sides[side].state, Cause::row(row, &core.m));
        let last = state == core.m.last;
        match core.m.states[state].kind {
            StateSpec::Count { min, max, .. } => {
                if held >= min && last {
                    self.pass(core, p, state, cause);
                    return;
                }
                if held >= min {
                    self.add(core, p, state + 1, cause);
                }
                if Some(held) != max {
                    self.offer_place(core, p, side, cause);
                }
            }
            _ => {
                self.pass(core, p, state, cause);
                self.renew_behind(core, state);
            }
        }
    }

    fn pass(&mut self, core: &mut Core, p: PartialId, state: usize, cause: Cause) {
        if state == core.m.last {
            core.matches.push(&core.m, &core.partials, &core.events, p, cause);
        } else {
            self.add(core, p, state + 1, cause);
        }
    }

    /// The state right behind a start that may stay empty was served.
    fn renew_behind(&mut self, core: &Core, state: usize) {
        if state == 1 && core.m.states[0].kind.is_optional() {
            self.renew = true;
        }
    }
}
