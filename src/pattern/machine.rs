//! [`Machine`]: the fixed structure an automaton runs on, derived once from the plan.

use super::spec::{Absence, EveryGroup, PatternSpec, StateSpec};
use crate::lang::ast::PatternKind;

/// Where a partial keeps the events of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// One event, in this column of the partials' single slots.
    One(usize),
    /// A list, in this column of the partials' lists.
    Many(usize),
    /// Nothing: no event may come. What becomes of that is in this column of the partials' waits.
    Absent(usize),
}

/// A side at work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    pub port: usize,
    pub state: usize,
    pub place: Place,
    pub absent: Option<Absence>,
}

/// A state at work.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub kind: StateSpec,
    /// First side and one past its last.
    pub sides: (usize, usize),
    /// If this is the last needed state of an `every`: the state it begins anew at.
    pub repeats: Option<usize>,
    /// Whether one of its sides is absent.
    pub watches: bool,
}

/// The fixed structure of an automaton.
#[derive(Debug)]
pub(super) struct Machine {
    pub sides: Vec<Side>,
    pub states: Vec<State>,
    /// The state whose passing completes a match: behind it stand only states that may stay empty,
    /// and Siddhi never waits for those.
    pub last: usize,
    /// The first state that can't stay empty: events may begin a match up to here.
    pub entry: usize,
    /// Whether an empty partial appears at the start again and again.
    pub repeats: bool,
    /// Per port: the sides it feeds in the order they are offered an event: last state first, left
    /// before right. Sides behind `last` take nothing and are left out.
    pub offers: Vec<Vec<usize>>,
    /// Per port: whether several states read it. Matches completed by one event at one side then
    /// leave as one chunk, else each alone.
    pub joined: Vec<bool>,
    pub singles: usize,
    pub lists: usize,
    /// Absent sides.
    pub waits: Vec<usize>,
    /// Whether a key waits for a stream to be quiet from when it comes into being.
    pub clocked: bool,
    pub within: Option<i64>,
    pub keyed: bool,
}

impl Machine {
    /// The structure of `spec`, which has at least one state that can't stay empty.
    pub fn new(spec: &PatternSpec) -> Self {
        let optional = |s: &StateSpec| s.is_optional();
        let last = spec.states.iter().rposition(|s| !optional(s)).unwrap_or(0);
        let entry = spec.states.iter().position(|s| !optional(s)).unwrap_or(0);
        let (mut singles, mut lists, mut waits) = (0, 0, vec![]);
        let next = |counter: &mut usize| {
            *counter += 1;
            *counter - 1
        };
        let mut sides: Vec<Side> = vec![];
        for (i, s) in spec.sides.iter().enumerate() {
            let place = match spec.states[s.state] {
                _ if s.absent.is_some() => {
                    waits.push(i);
                    Place::Absent(waits.len() - 1)
                }
                StateSpec::Count { .. } => Place::Many(next(&mut lists)),
                _ => Place::One(next(&mut singles)),
            };
            sides.push(Side { port: s.port, state: s.state, place, absent: s.absent });
        }
        let mut states: Vec<State> = spec
            .states
            .iter()
            .map(|kind| {
                let (from, to) = kind.sides();
                let watches = sides[from..to].iter().any(|s| s.absent.is_some());
                State { kind: *kind, sides: (from, to), repeats: None, watches }
            })
            .collect();
        // What begins anew waits at the first state of the group only, even if that may be skipped. So
        // in a pattern `every A<0:2> -> B` matches once (as recorded from Siddhi).
        let leads = |g: &&EveryGroup| {
            g.first <= last
                && (spec.kind == PatternKind::Sequence || !optional(&spec.states[g.first]))
        };
        for g in spec.groups.iter().filter(leads) {
            states[g.last.min(last)].repeats = Some(g.first);
        }
        let repeats = spec.groups.iter().filter(leads).any(|g| g.first == 0);
        let offers = offers(spec, last);
        let joined = (0..spec.ports.len())
            .map(|p| spec.sides.iter().filter(|s| s.port == p).count() > 1)
            .collect();
        let begins = |s: &Side| s.state <= entry && matches!(s.absent, Some(Absence::For(_)));
        let clocked = sides.iter().any(begins);
        let (within, keyed) = (spec.within, spec.keyed);
        Self {
            sides,
            states,
            last,
            entry,
            repeats,
            offers,
            joined,
            singles,
            lists,
            waits,
            clocked,
            within,
            keyed,
        }
    }

    /// The sides of a state.
    pub fn sides_of(&self, state: usize) -> std::ops::Range<usize> {
        let (from, to) = self.states[state].sides;
        from..to
    }

    /// The other side of an `and` or `or`.
    pub fn partner(&self, side: usize) -> Option<usize> {
        match self.states[self.sides[side].state].kind {
            StateSpec::Logical { left, right, .. } => Some(left + right - side),
            _ => None,
        }
    }

    /// Whether partials can begin at `side`.
    pub fn begins_at(&self, side: usize) -> bool {
        self.sides[side].state <= self.entry
    }

    /// Whether `t` lies outside `within` of an event at `first`.
    pub fn outside(&self, first: i64, t: i64) -> bool {
        first != super::partial::NO_TIME
            && self.within.is_some_and(|w| first.abs_diff(t) > w.max(0) as u64)
    }
}

impl Machine {
    /// When a partial begun at `first` has no time left, if it has begun and there is a limit.
    pub fn expiry(&self, first: i64) -> Option<i64> {
        let within = self.within.filter(|_| first != super::partial::NO_TIME)?;
        Some(first.saturating_add(within.max(0)).saturating_add(1))
    }
}

fn offers(spec: &PatternSpec, last: usize) -> Vec<Vec<usize>> {
    let mut offers = vec![vec![]; spec.ports.len()];
    for state in spec.states[..=last].iter().rev() {
        let (from, to) = state.sides();
        (from..to).for_each(|side| offers[spec.sides[side].port].push(side));
    }
    offers
}
