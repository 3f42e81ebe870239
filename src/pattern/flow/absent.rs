//! Absent streams in patterns: `not X for t`, `not X and Y`, and both with `and`, `or`.
//!
//! A partial that reaches a state with an absent side waits there like any other, so that the hash leads
//! an event of the absent stream to it; a timer stands for the time that must pass.
//!
//! * The time runs from the event (or timer) that led to the state; behind a count, from the last event
//!   collected. At the start it runs from when the key comes into being, or from when `every` began anew.
//! * Before the time is over, an event that fits ends the partial; of an `or` it ends only this side. At the
//!   start it lets the time begin anew instead. Afterwards it means nothing.
//! * `not X and Y`: an event of `X` ends the partial. Under a leading `every` it spoils the `Y` that
//!   comes next, and with that `every` begins anew.
//! * A partial given up at a leading `every` lets that begin anew, as if `within` had ended it.

use super::{Flow, OVER, StateSpec, Wait};
use crate::event::KeyId;
use crate::lang::ast::LogicalOp;
use crate::pattern::Cause;
use crate::pattern::core::Core;
use crate::pattern::partial::PartialId;
use crate::pattern::spec::Absence;

impl Flow {
    /// A key comes into being: where the pattern starts with a time of quiet, that runs from now on.
    pub fn begin(&mut self, core: &mut Core, key: KeyId, at: i64) {
        if core.m.clocked {
            self.create_start(core, key, Cause::at(at, 0));
            self.link_deferred(core);
        }
    }

    /// A timer of `p` fires.
    pub fn fire(&mut self, core: &mut Core, p: PartialId, cause: Cause) {
        if core.m.outside(core.partials.first(p), cause.at) {
            self.expire(core, p);
        } else {
            let generation = core.partials.generation(p);
            for i in 0..core.m.waits.len() {
                let side = core.m.waits[i];
                if core.partials.generation(p) == generation
                    && core.partials.wait(&core.m, p, side) == Wait::Until(cause.at)
                {
                    self.quiet(core, p, side, cause);
                }
            }
        }
        self.link_deferred(core);
    }

    /// The side was quiet for long enough.
    fn quiet(&mut self, core: &mut Core, p: PartialId, side: usize, cause: Cause) {
        let state = core.m.sides[side].state;
        core.partials.set_wait(&core.m, p, side, Wait::Quiet);
        let passes = match (core.m.states[state].kind, core.m.partner(side)) {
            (StateSpec::Logical { op: LogicalOp::And, .. }, Some(other)) => {
                core.partials.met(&core.m, p, other)
            }
            _ => true,
        };
        if passes {
            self.leave(core, p, |s| s <= state);
            self.pass(core, p, state, cause);
        } else {
            self.settle(core, p, side);
        }
    }

    /// An event came that must not.
    pub(super) fn disturb(&mut self, core: &mut Core, p: PartialId, side: usize, cause: Cause) {
        let state = core.m.sides[side].state;
        let leads = self.leads(core, p, state);
        match core.m.sides[side].absent {
            Some(Absence::For(_)) if leads => core.watch(p, side, cause),
            Some(Absence::For(_)) if self.has_another_way(core, p, side) => {
                core.partials.set_wait(&core.m, p, side, Wait::Broken);
                self.lists.remove(&mut core.partials, p, |s| s == side);
            }
            Some(Absence::Meanwhile) if leads && self.start_of(core.partials.key(p)) != OVER => {
                core.partials.set_wait(&core.m, p, side, Wait::Broken);
                self.lists.remove(&mut core.partials, p, |s| s == side);
            }
            _ => self.drop(core, p, cause),
        }
    }

    /// Whether `p` has no event from before `state`, the first that needs one.
    fn leads(&self, core: &Core, p: PartialId, state: usize) -> bool {
        let before = core.m.sides_of(state).start;
        state == core.m.entry && (0..before).all(|s| core.partials.held(&core.m, p, s).is_empty())
    }

    /// Whether the other side of an `or` can still come.
    fn has_another_way(&self, core: &Core, p: PartialId, side: usize) -> bool {
        let state = core.m.states[core.m.sides[side].state].kind;
        matches!(state, StateSpec::Logical { op: LogicalOp::Or, .. })
            && core
                .m
                .partner(side)
                .is_some_and(|other| core.partials.wait(&core.m, p, other) != Wait::Broken)
    }

    /// A count state in front took one more event: the time runs from there.
    pub(super) fn restart_behind(
        &mut self,
        core: &mut Core,
        p: PartialId,
        state: usize,
        cause: Cause,
    ) {
        for i in 0..core.m.waits.len() {
            let side = core.m.waits[i];
            let waits = matches!(core.partials.wait(&core.m, p, side), Wait::Until(_));
            if waits && core.m.sides[side].state > state {
                core.watch(p, side, cause);
            }
        }
    }
}
