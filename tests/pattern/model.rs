//! A slow model of Siddhi's engine for patterns and sequences, from its description in the reference
//! (§5.2 to 5.4): every state has lists of new and pending partials; every row visits all of them;
//! no index, no bitmaps, no shortcuts. Conditions are evaluated on plain numbers. Before each row, all
//! partials are asked for the time they wait for, the earliest goes first ([`absent`]).

mod absent;

use std::cell::RefCell;
use std::rc::Rc;

use absent::Wait;

/// A row: its number, stream, partition, attributes `k` and `v`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ev {
    pub number: usize,
    pub stream: usize,
    pub part: i32,
    pub k: Option<i32>,
    pub v: Option<i32>,
    pub ts: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Ge,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Index {
    None,
    At(usize),
    Last(usize),
}

/// A conjunct of a filter. Sides are numbered over the whole chain.
#[derive(Debug, Clone, PartialEq)]
pub enum Cond {
    /// `v op c`
    Const(Op, i32),
    /// `k == eJ[..].k`
    SameKey(usize, Index),
    /// `v op eJ[..].v`
    Other(Op, usize, Index),
    /// `eJ[..].v is null or v op eJ[..].v`
    NullOr(Op, usize, Index),
    /// `eJ is null`
    Missing(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    pub stream: usize,
    pub conds: Vec<Cond>,
    pub absent: Option<Absent>,
}

/// No event may come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Absent {
    /// For so many ms.
    For(i64),
    /// Until the other side has its event.
    Meanwhile,
}

#[derive(Debug, Clone, PartialEq)]
pub enum State {
    One(Side),
    Count(Side, usize, Option<usize>),
    And(Side, Side),
    Or(Side, Side),
    /// An absent side.
    Not(Side),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    pub sequence: bool,
    pub states: Vec<State>,
    /// `every` over states first..=last.
    pub groups: Vec<(usize, usize)>,
    pub within: Option<i64>,
    pub partitioned: bool,
}

impl Pattern {
    pub fn sides(&self) -> Vec<(usize, &Side)> {
        let mut out = vec![];
        for (i, s) in self.states.iter().enumerate() {
            match s {
                State::One(a) | State::Not(a) | State::Count(a, ..) => out.push((i, a)),
                State::And(a, b) | State::Or(a, b) => out.extend([(i, a), (i, b)]),
            }
        }
        out
    }

    pub fn is_count(&self, side: usize) -> bool {
        matches!(self.states[self.sides()[side].0], State::Count(..))
    }

    /// Whether a state has an absent side.
    pub fn watches(&self, state: usize) -> bool {
        self.sides().iter().any(|(s, side)| *s == state && side.absent.is_some())
    }

    /// Whether the start waits for quiet from the first.
    pub fn clocked(&self) -> bool {
        let entry = self.entry();
        let timed = |s: &Side| matches!(s.absent, Some(Absent::For(_)));
        self.sides().iter().any(|(state, s)| *state <= entry && timed(s))
    }

    /// The first state that needs something.
    pub fn entry(&self) -> usize {
        (0..self.states.len()).find(|s| !self.optional(*s)).unwrap_or(0)
    }

    pub fn optional(&self, state: usize) -> bool {
        matches!(self.states[state], State::Count(_, 0, _))
    }
}

/// A partial match: the events of each side.
#[derive(Debug, Clone)]
struct Partial {
    events: Vec<Vec<Ev>>,
    /// Per side, and which of all waits begun it was.
    waits: Vec<(Wait, usize)>,
    /// States passed, up to the last of them.
    past: usize,
    first: Option<i64>,
    /// When it took its first event, in the count of waits.
    begun: usize,
    /// It is past the `every` at the start, which has begun anew (or there is none).
    repeated: bool,
    done: bool,
}

type Shared = Rc<RefCell<Partial>>;

/// A match: the row that completed it, or comes behind the time that did, which is given then, and the
/// events of each side.
pub type Found = (usize, Option<i64>, Vec<Vec<Ev>>);

/// The engine of one partition.
struct Engine<'p> {
    p: &'p Pattern,
    /// (state, side) of each side.
    sides: Vec<(usize, &'p Side)>,
    pending: Vec<Vec<Shared>>,
    new: Vec<Vec<Shared>>,
    /// Sequences: waiting for quiet, not disturbed by the row.
    kept: Vec<Vec<Shared>>,
    /// The time from which waits run that begin now.
    now: i64,
    /// A row is at work, no timer.
    by_row: bool,
    /// Waits begun so far.
    waits: usize,
    begun: bool,
    renew: bool,
    /// Completed by this row.
    found: Vec<Vec<Vec<Ev>>>,
    /// Offered to one side of an `and` in a sequence, and not taken there.
    missed: Vec<Shared>,
}

/// All matches of `rows`.
pub fn run(p: &Pattern, rows: &[Ev]) -> Vec<Found> {
    let mut engines: Vec<(i32, Engine<'_>)> = vec![];
    let used: Vec<usize> = p.sides().iter().map(|(_, s)| s.stream).collect();
    let mut out = vec![];
    if !p.partitioned {
        engines.push((0, Engine::new(p, 0)));
    }
    for (i, row) in rows.iter().enumerate() {
        let next = |engines: &[(i32, Engine<'_>)]| {
            let due = engines.iter().enumerate().filter_map(|(k, (_, e))| {
                let (due, seq) = e.due()?;
                Some((due, k, seq))
            });
            due.min().filter(|(due, ..)| *due <= row.ts)
        };
        while let Some((due, k, seq)) = next(&engines) {
            let found = engines[k].1.fire(due, seq);
            out.extend(found.into_iter().map(|events| (i, Some(due), events)));
        }
        let part = if p.partitioned { row.part } else { 0 };
        let at = engines.iter().position(|(k, _)| *k == part).unwrap_or_else(|| {
            engines.push((part, Engine::new(p, row.ts)));
            engines.len() - 1
        });
        if used.contains(&row.stream) {
            let found = engines[at].1.row(*row);
            out.extend(found.into_iter().map(|events| (i, None, events)));
        }
    }
    out
}

fn compare(op: Op, a: Option<i32>, b: Option<i32>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => match op {
            Op::Eq => a == b,
            Op::Ne => a != b,
            Op::Lt => a < b,
            Op::Ge => a >= b,
        },
        // Comparison with null is false, except `!=`.
        _ => op == Op::Ne,
    }
}

impl<'p> Engine<'p> {
    fn new(p: &'p Pattern, now: i64) -> Self {
        let sides = p.sides();
        let n = sides.len();
        let mut e = Engine {
            p,
            sides,
            pending: vec![vec![]; n],
            new: vec![vec![]; n],
            kept: vec![vec![]; n],
            now,
            by_row: false,
            waits: 0,
            begun: false,
            renew: false,
            found: vec![],
            missed: vec![],
        };
        e.begin();
        e
    }

    fn sides_of(&self, state: usize) -> Vec<usize> {
        (0..self.sides.len()).filter(|s| self.sides[*s].0 == state).collect()
    }

    fn empty(&self) -> Partial {
        Partial {
            events: vec![vec![]; self.sides.len()],
            waits: vec![(Wait::Idle, 0); self.sides.len()],
            past: 0,
            first: None,
            begun: 0,
            repeated: false,
            done: false,
        }
    }

    fn group_at_start(&self) -> bool {
        self.p.groups.iter().any(|g| g.0 == 0)
    }

    /// Puts an empty partial at the start, once, or whenever asked in an `every` sequence.
    fn begin(&mut self) {
        if self.begun && !self.group_at_start() {
            return;
        }
        self.begun = true;
        let fresh = Rc::new(RefCell::new(self.empty()));
        self.add(&fresh, 0);
    }

    /// `addState`
    fn add(&mut self, p: &Shared, state: usize) {
        if (state..self.p.states.len()).all(|s| self.p.optional(s)) {
            // Only states that may stay empty are left: Siddhi doesn't wait for them.
            p.borrow_mut().done = true;
            self.found.push(p.borrow().events.clone());
            // An `every` that ends among them was passed with the last state that is needed.
            return;
        }
        if self.p.sequence && self.p.watches(state) {
            self.watch(p, state);
            return;
        }
        for side in self.sides_of(state) {
            if !self.p.sequence || self.has_room(p, side) {
                self.new[side].push(Rc::clone(p));
            }
            self.arm(p, side);
        }
        let empty = self.sides_of(state).iter().all(|s| p.borrow().events[*s].is_empty());
        if self.p.optional(state) && empty {
            self.add(p, state + 1);
            self.every(p, state);
        }
    }

    /// If an `every` ends at `state`: a copy without the group's events at the group's first state.
    fn every(&mut self, p: &Shared, state: usize) {
        let needed = |g: &(usize, usize)| {
            // Trailing states nobody waits for don't count.
            let mut end = g.1;
            while end > g.0
                && self.p.optional(end)
                && (end..self.p.states.len()).all(|s| self.p.optional(s))
            {
                end -= 1;
            }
            end
        };
        let groups = self.p.groups.clone();
        for g in groups.iter().filter(|g| needed(g) == state) {
            let mut copy = p.borrow().clone();
            for side in (0..self.sides.len()).filter(|s| self.sides[*s].0 >= g.0) {
                copy.events[side].clear();
                copy.waits[side].0 = Wait::Idle;
            }
            copy.past = copy.past.min(g.0);
            copy.done = false;
            copy.first = copy.events.iter().flatten().map(|e| e.ts).min();
            // What repeats a later group is past the one at the start.
            copy.repeated = g.0 != 0;
            if g.0 == 0 {
                p.borrow_mut().repeated = true;
            }
            let copy = Rc::new(RefCell::new(copy));
            for side in self.sides_of(g.0) {
                self.new[side].push(Rc::clone(&copy));
                self.arm(&copy, side);
            }
        }
    }

    fn row(&mut self, row: Ev) -> Vec<Vec<Vec<Ev>>> {
        (self.now, self.by_row) = (row.ts, true);
        self.expire(row.ts);
        if self.p.sequence {
            self.reset();
            if std::mem::take(&mut self.renew) {
                self.begin();
            }
            for s in 0..self.sides.len() {
                let (kept, new) = (&mut self.kept[s], &mut self.new[s]);
                self.pending[s].extend(kept.drain(..).chain(new.drain(..)));
            }
        } else {
            for s in 0..self.sides.len() {
                let state = self.sides[s].0;
                let listens =
                    self.sides_of(state).iter().any(|s| self.sides[*s].1.stream == row.stream);
                if listens {
                    let new = std::mem::take(&mut self.new[s]);
                    self.pending[s].extend(new);
                }
            }
        }
        for state in (0..self.p.states.len()).rev() {
            let sides = self.sides_of(state);
            if self.p.sequence && self.p.watches(state) {
                self.offer_watching(state, row);
                continue;
            }
            for side in &sides {
                if self.sides[*side].1.stream == row.stream {
                    self.offer(*side, row);
                }
            }
            if self.p.sequence && matches!(self.p.states[state], State::And(..)) {
                // Offered and not taken at any side: it ends, at both.
                for p in std::mem::take(&mut self.missed) {
                    let has = |s: &usize| p.borrow().events[*s].contains(&row);
                    if !sides.iter().any(has) {
                        for s in &sides {
                            self.pending[*s].retain(|q| !Rc::ptr_eq(&p, q));
                        }
                    }
                }
            }
        }
        if self.p.sequence {
            self.clear();
        }
        std::mem::take(&mut self.found)
    }

    /// `within`
    fn expire(&mut self, ts: i64) {
        let Some(within) = self.p.within else { return };
        let mut gone: Vec<Shared> = vec![];
        for list in self.pending.iter_mut().chain(&mut self.new).chain(&mut self.kept) {
            list.retain(|p| {
                let late = p.borrow().first.is_some_and(|f| (ts - f).abs() > within);
                if late && !gone.iter().any(|g| Rc::ptr_eq(g, p)) {
                    gone.push(Rc::clone(p));
                }
                !late
            });
        }
        if self.p.sequence || !self.group_at_start() {
            return;
        }
        for p in gone {
            // One that hasn't passed the group at the start begins it anew.
            if !p.borrow().repeated && !p.borrow().done {
                let fresh = Rc::new(RefCell::new(self.empty()));
                for side in self.sides_of(0) {
                    self.pending[side].push(Rc::clone(&fresh));
                }
            }
        }
    }

    /// Sequences: what wasn't moved on is dropped, and the start filled up.
    fn reset(&mut self) {
        self.clear();
        let sides = self.sides_of(0);
        let any = |s: &usize| !self.pending[*s].is_empty() || !self.kept[*s].is_empty();
        if !sides.iter().any(any) && self.new[sides[0]].is_empty() {
            self.begin();
        }
    }

    fn clear(&mut self) {
        for state in 0..self.p.states.len() {
            let sides = self.sides_of(state);
            let and = matches!(self.p.states[state], State::And(..));
            for s in &sides {
                // One half of an `and` waits for the other.
                let (list, watches) =
                    (std::mem::take(&mut self.pending[*s]), self.p.watches(state));
                let stays = |p: &Shared| match watches {
                    true => self.stays(p, state),
                    false => and && sides.iter().any(|s| !p.borrow().events[*s].is_empty()),
                };
                self.pending[*s] = list.into_iter().filter(stays).collect();
            }
        }
    }

    fn offer(&mut self, side: usize, row: Ev) {
        let state = self.sides[side].0;
        let list = std::mem::take(&mut self.pending[side]);
        let mut kept = vec![];
        for p in list {
            if p.borrow().done || self.served(&p, side) {
                continue;
            }
            if !self.fits(&p, side, row) {
                if !self.p.sequence {
                    kept.push(p);
                } else if let State::And(..) = self.p.states[state] {
                    self.missed.push(Rc::clone(&p));
                    kept.push(p);
                } else if let State::One(_) = self.p.states[state] {
                    self.renew_behind(state);
                }
                continue;
            }
            if self.sides[side].1.absent.is_some() {
                if self.disturb(&p, side) {
                    kept.push(p);
                }
                continue;
            }
            self.put(&p, side, row);
            match self.p.states[state] {
                State::Count(_, min, max) => {
                    if self.counted(&p, side, min, max) {
                        kept.push(p);
                    }
                }
                State::And(..) => {
                    if self.sides_of(state).iter().all(|s| self.met(&p, *s)) {
                        self.passed(&p, state);
                        self.renew_behind(state);
                    } else if self.sides_of(state).iter().any(|s| self.broken(&p, *s)) {
                        self.give_up(&p);
                    }
                }
                _ => {
                    self.passed(&p, state);
                    self.renew_behind(state);
                }
            }
        }
        // Nothing else came to be pending here meanwhile.
        self.pending[side] = kept;
    }

    /// Whether `p` went on, or the other side of an `or` has its event.
    fn served(&self, p: &Shared, side: usize) -> bool {
        let state = self.sides[side].0;
        let holds = |s: &usize| !p.borrow().events[*s].is_empty();
        if matches!(p.borrow().waits[side].0, Wait::Quiet | Wait::Broken) {
            return true;
        }
        match self.p.states[state] {
            State::Count(..) => {
                let later = |s: &usize| self.sides[*s].0 > state;
                let met = |s: usize| holds(&s) || p.borrow().waits[s].0 == Wait::Quiet;
                p.borrow().past > state + 1 || (0..self.sides.len()).filter(later).any(met)
            }
            State::Or(..) => p.borrow().past > state || self.sides_of(state).iter().any(holds),
            State::And(..) | State::Not(_) => p.borrow().past > state,
            State::One(_) => false,
        }
    }

    /// A count state took an event. Whether it goes on collecting.
    fn counted(&mut self, p: &Shared, side: usize, min: usize, max: Option<usize>) -> bool {
        let state = self.sides[side].0;
        let n = p.borrow().events[side].len();
        let last = (state + 1..self.p.states.len()).all(|s| self.p.optional(s));
        if !self.p.sequence {
            if n == min {
                self.passed(p, state);
            } else if n > min {
                self.restart_behind(p, state);
            }
            return Some(n) != max && !p.borrow().done;
        }
        if n >= min {
            self.add(p, state + 1);
        }
        if Some(n) != max && !(last && n >= min) && self.has_room(p, side) {
            self.new[side].push(Rc::clone(p));
        }
        false
    }

    fn passed(&mut self, p: &Shared, state: usize) {
        self.leave(p, state);
        self.add(p, state + 1);
        // The start of a sequence is filled up by `reset` in any case.
        if !self.p.sequence {
            self.every(p, state);
        }
    }

    fn renew_behind(&mut self, state: usize) {
        if self.p.sequence && state == 1 && self.p.optional(0) {
            self.renew = true;
        }
    }

    fn fits(&self, p: &Shared, side: usize, row: Ev) -> bool {
        let p = p.borrow();
        let get = |j: usize, index: Index| -> Option<Ev> {
            let mut list = p.events[j].clone();
            match index {
                Index::None if j == side => Some(row),
                Index::None => list.last().copied(),
                Index::At(i) => {
                    if j == side {
                        list.push(row);
                    }
                    list.get(i).copied()
                }
                Index::Last(i) => list.iter().rev().nth(i).copied(),
            }
        };
        self.sides[side].1.conds.iter().all(|c| match *c {
            Cond::Const(op, c) => compare(op, row.v, Some(c)),
            Cond::SameKey(j, i) => compare(Op::Eq, row.k, get(j, i).and_then(|e| e.k)),
            Cond::Other(op, j, i) => compare(op, row.v, get(j, i).and_then(|e| e.v)),
            Cond::NullOr(op, j, i) => {
                let other = get(j, i).and_then(|e| e.v);
                other.is_none() || compare(op, row.v, other)
            }
            Cond::Missing(j) => get(j, Index::None).is_none(),
        })
    }
}
