//! Absent streams in sequences.
//!
//! A partial that waits for a stream to be quiet stands in the list of the first side of its state, and a
//! timer stands for the time that must pass.
//!
//! * An event of the absent stream that fits ends the partial, whether the absence is joined by `and`, `or`
//!   or by nothing; one that doesn't fit is the only event that may come in between (`kept`).
//! * Every other row ends it, as always in sequences, unless it fits the other side, or one side of an `and`
//!   is met already.
//! * The start waits on whatever comes. An event that fits lets the time begin anew; without `every` it is
//!   the end, if the absence stands alone. An `X` of a leading `every (not X and Y)` spoils the next `Y`.
//! * What has no event yet is like any other of its kind: at most one waits at a side.
//!
//! Under `every` one attempt per row may wait, for as long as the quiet lasts; a row of the absent stream
//! is tested on each of them (no index leads to those it ends).

use super::{Attempts, Sequence, holds, unlink};
use crate::event::KeyId;
use crate::lang::ast::LogicalOp;
use crate::pattern::core::Core;
use crate::pattern::partial::{NO_TIME, PartialId, Wait};
use crate::pattern::spec::{Absence, StateSpec};
use crate::pattern::{Cause, Masks, Row};

/// What a row means to a partial that waits for quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It came in between, but may.
    Kept,
    /// It is taken, or means nothing.
    Waits,
    Passes,
    Ends,
}

/// Whether a partial that waits at `state` is ended by no row of other streams: the start that has a
/// clock, and what has one side of two.
pub(super) fn stays(core: &Core, p: PartialId, state: usize) -> bool {
    core.m.states[state].watches
        && ((state == 0 && core.m.clocked)
            || core.m.sides_of(state).any(|s| {
                holds(core, p, s)
                    || matches!(core.partials.wait(&core.m, p, s), Wait::Quiet | Wait::Broken)
            }))
}

/// Whether the state has all it needs.
fn is_met(core: &Core, p: PartialId, state: usize) -> bool {
    let mut sides = core.m.sides_of(state);
    match core.m.states[state].kind {
        StateSpec::Logical { op: LogicalOp::Or, .. } => {
            sides.any(|s| core.partials.met(&core.m, p, s))
        }
        _ => sides.all(|s| core.partials.met(&core.m, p, s)),
    }
}

impl Sequence {
    /// A key comes into being: where the sequence starts with a time of quiet, that runs from now on.
    pub fn begin(&mut self, core: &mut Core, key: KeyId, at: i64) {
        if !core.m.clocked {
            return;
        }
        let id = self.open(core, key);
        let mut a = std::mem::take(&mut self.attempts[id as usize]);
        a.begin(core, key, Cause::at(at, 0));
        a.touched = at;
        self.put_back(core, id, a);
    }

    /// A timer of `p` fires.
    pub fn fire(&mut self, core: &mut Core, p: PartialId, cause: Cause) {
        let key = core.partials.key(p);
        let Some(id) = self.keys.get(key as usize).copied() else { return };
        if id as usize >= self.attempts.len() {
            return;
        }
        let mut a = std::mem::take(&mut self.attempts[id as usize]);
        if core.m.outside(core.partials.first(p), cause.at) {
            a.expire(core, cause.at);
        } else {
            for i in 0..core.m.waits.len() {
                let side = core.m.waits[i];
                if core.partials.wait(&core.m, p, side) == Wait::Until(cause.at) {
                    a.quiet(core, p, side, cause);
                    break;
                }
            }
        }
        self.put_back(core, id, a);
    }
}

impl Attempts {
    /// `p` waits for quiet at `state` from now on, or anew if it does already.
    pub(super) fn watch(&mut self, core: &mut Core, p: PartialId, state: usize, cause: Cause) {
        let list = core.m.sides_of(state).start;
        let waits = self.kept[list].contains(&p);
        if !waits && !self.has_room(core, p, list, cause) {
            return;
        }
        core.m.sides_of(state).for_each(|side| core.watch(p, side, cause));
        if !waits {
            self.push(core, p, list);
        }
    }

    /// The side was quiet for long enough.
    fn quiet(&mut self, core: &mut Core, p: PartialId, side: usize, cause: Cause) {
        let state = core.m.sides[side].state;
        core.partials.set_wait(&core.m, p, side, Wait::Quiet);
        if !is_met(core, p, state) {
            if state > 0 {
                self.remove(core, p, state - 1);
            }
            return;
        }
        // Held by this function, lest it is freed on the way.
        *core.partials.links_mut(p) += 1;
        self.remove(core, p, state);
        self.passes(core, p, state, cause);
        unlink(core, p);
    }

    /// `p` goes on from `state`.
    fn passes(&mut self, core: &mut Core, p: PartialId, state: usize, cause: Cause) {
        core.m.sides_of(state).for_each(|s| core.partials.set_wait(&core.m, p, s, Wait::Idle));
        self.pass(core, p, state, cause);
        if core.m.clocked && core.m.states[state].repeats == Some(0) {
            self.begin(core, core.partials.key(p), cause);
        }
        self.renew_behind(core, state);
    }

    /// Ends the waiting of `p` at the states up to `state`.
    fn remove(&mut self, core: &mut Core, p: PartialId, state: usize) {
        for side in 0..core.m.sides_of(state).end {
            for list in [&mut self.pending[side], &mut self.new[side], &mut self.kept[side]] {
                let before = list.len();
                list.retain(|q| *q != p);
                (list.len()..before).for_each(|_| unlink(core, p));
            }
        }
    }

    /// Offers the row to the partials that wait for quiet at `state`.
    pub(super) fn offer_watching(
        &mut self,
        core: &mut Core,
        state: usize,
        row: &Row<'_>,
        masks: &Masks,
    ) {
        let list = core.m.sides_of(state).start;
        let mut offered = self.take_pending(list);
        for p in offered.drain(..) {
            match fate(core, p, state, row, masks) {
                Fate::Kept => self.kept[list].push(p),
                Fate::Waits => self.pending[list].push(p),
                Fate::Passes => {
                    self.passes(core, p, state, Cause::row(row, &core.m));
                    unlink(core, p);
                }
                Fate::Ends => unlink(core, p),
            }
        }
        self.offered = offered;
    }
}

/// What the row means to `p`.
fn fate(core: &mut Core, p: PartialId, state: usize, row: &Row<'_>, masks: &Masks) -> Fate {
    let mut fate = Fate::Waits;
    for side in core.m.sides_of(state) {
        if core.m.sides[side].port != row.port || is_done(core, p, side) {
            continue;
        }
        let fits = masks.accepts(side, row.index) && core.passes(side, Some(p), row);
        match core.m.sides[side].absent {
            Some(_) if fits => {
                if !endures(core, p, side, Cause::row(row, &core.m)) {
                    return Fate::Ends;
                }
                fate = Fate::Kept;
            }
            Some(_) if fate == Fate::Waits => fate = Fate::Kept,
            Some(_) => {}
            None if fits => {
                let slot = core.events.capture(row.port, row.index, row.ts);
                let begun = core.partials.first(p) != NO_TIME;
                core.partials.put(&core.m, p, side, slot, row.ts);
                if !begun {
                    arm_expiry(core, p);
                }
                if is_met(core, p, state) {
                    return Fate::Passes;
                }
                let partner = core.m.partner(side).unwrap_or(side);
                if core.partials.wait(&core.m, p, partner) == Wait::Broken {
                    return Fate::Ends;
                }
                fate = Fate::Waits;
            }
            None if !stays(core, p, state) => return Fate::Ends,
            None => {}
        }
    }
    fate
}

/// The clock of the next start runs from when there is no time left for this one, whether a row comes
/// or not.
fn arm_expiry(core: &mut Core, p: PartialId) {
    if let Some(expiry) = core.m.expiry(core.partials.first(p)).filter(|_| core.m.clocked) {
        core.arm(p, expiry);
    }
}

/// Whether rows of the side's stream mean nothing to `p` any more.
fn is_done(core: &Core, p: PartialId, side: usize) -> bool {
    match core.m.sides[side].absent {
        None => holds(core, p, side),
        Some(_) => {
            matches!(core.partials.wait(&core.m, p, side), Wait::Quiet | Wait::Broken)
        }
    }
}

/// Whether `p` survives an event that must not come.
fn endures(core: &mut Core, p: PartialId, side: usize, cause: Cause) -> bool {
    let state = core.m.sides[side].state;
    let alone = matches!(core.m.states[state].kind, StateSpec::Absent { .. });
    match core.m.sides[side].absent {
        _ if state != 0 => false,
        Some(Absence::For(_)) if core.m.repeats || !alone => {
            core.watch(p, side, cause);
            true
        }
        Some(Absence::Meanwhile) if core.m.repeats => {
            core.partials.set_wait(&core.m, p, side, Wait::Broken);
            true
        }
        _ => false,
    }
}
