//! Absent streams in the model. Where patterns and sequences differ is said.

use std::rc::Rc;

use super::{Absent, Engine, Ev, Shared, State};

/// What became of an absent side of a partial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wait {
    Idle,
    Until(i64),
    Quiet,
    Broken,
}

impl Engine<'_> {
    /// All partials that wait anywhere.
    fn waiting(&self) -> Vec<Shared> {
        let lists = self.pending.iter().chain(&self.new).chain(&self.kept);
        let mut all: Vec<Shared> = vec![];
        for p in lists.flatten().filter(|p| !p.borrow().done) {
            if !all.iter().any(|q| Rc::ptr_eq(p, q)) {
                all.push(Rc::clone(p));
            }
        }
        all
    }

    /// The times a partial waits for, and which of all waits each was.
    fn times(&self, p: &Shared) -> Vec<(i64, usize)> {
        let starts = self.starts(p);
        let p = p.borrow();
        let until = |(wait, seq): &(Wait, usize)| match wait {
            Wait::Until(due) => Some((*due, *seq)),
            _ => None,
        };
        let mut times: Vec<_> = p.waits.iter().filter_map(until).collect();
        // A start with a clock ends by the clock, too.
        if let (Some(within), Some(first), true) = (self.p.within, p.first, starts)
            && self.p.clocked()
        {
            times.push((first + within + 1, p.begun));
        }
        times
    }

    /// Whether `p` has not yet passed the `every` at the start.
    fn starts(&self, p: &Shared) -> bool {
        let passed = if self.p.sequence { p.borrow().past > 0 } else { p.borrow().repeated };
        self.group_at_start() && !passed
    }

    /// The next time something happens without a row.
    pub fn due(&self) -> Option<(i64, usize)> {
        self.waiting().iter().flat_map(|p| self.times(p)).min()
    }

    /// It is `due`, for the wait of number `seq`.
    pub fn fire(&mut self, due: i64, seq: usize) -> Vec<Vec<Vec<Ev>>> {
        (self.now, self.by_row) = (due, false);
        let p = self.waiting().into_iter().find(|p| self.times(p).contains(&(due, seq))).unwrap();
        let (first, within) = (p.borrow().first, self.p.within);
        if let (Some(first), Some(within)) = (first, within)
            && due - first > within
        {
            self.now = first + within + 1;
            self.forget(&p, self.p.states.len());
            self.give_up(&p);
            return vec![];
        }
        let is = |w: &(Wait, usize)| *w == (Wait::Until(due), seq);
        let side = p.borrow().waits.iter().position(is).unwrap();
        p.borrow_mut().waits[side].0 = Wait::Quiet;
        let state = self.sides[side].0;
        if self.all_met(&p, state) {
            self.forget(&p, state + 1);
            self.passed_watching(&p, state);
        } else {
            self.forget(&p, state);
        }
        std::mem::take(&mut self.found)
    }

    /// `p` waits no longer at the states before `end`.
    fn forget(&mut self, p: &Shared, end: usize) {
        for s in (0..self.sides.len()).filter(|s| self.sides[*s].0 < end) {
            for list in [&mut self.pending[s], &mut self.new[s], &mut self.kept[s]] {
                list.retain(|q| !Rc::ptr_eq(p, q));
            }
        }
    }

    fn passed_watching(&mut self, p: &Shared, state: usize) {
        self.passed(p, state);
        if self.p.sequence && self.p.clocked() && state == 0 {
            self.begin();
        }
        self.renew_behind(state);
    }

    /// The time of a side begins to run, or anew.
    pub fn arm(&mut self, p: &Shared, side: usize) {
        if let Some(Absent::For(time)) = self.sides[side].1.absent {
            self.waits += 1;
            p.borrow_mut().waits[side] = (Wait::Until(self.now + time), self.waits);
        }
    }

    pub fn put(&mut self, p: &Shared, side: usize, row: Ev) {
        p.borrow_mut().events[side].push(row);
        if p.borrow().first.is_none() {
            self.waits += 1;
            p.borrow_mut().first = Some(row.ts);
            p.borrow_mut().begun = self.waits;
        }
    }

    /// `state` is behind it.
    pub fn leave(&mut self, p: &Shared, state: usize) {
        let mut p = p.borrow_mut();
        p.past = p.past.max(state + 1);
        for s in (0..self.sides.len()).filter(|s| self.sides[*s].0 <= state) {
            p.waits[s].0 = Wait::Idle;
        }
    }

    pub fn met(&self, p: &Shared, side: usize) -> bool {
        match self.sides[side].1.absent {
            None => !p.borrow().events[side].is_empty(),
            Some(Absent::For(_)) => p.borrow().waits[side].0 == Wait::Quiet,
            Some(Absent::Meanwhile) => !self.broken(p, side),
        }
    }

    pub fn broken(&self, p: &Shared, side: usize) -> bool {
        p.borrow().waits[side].0 == Wait::Broken
    }

    fn all_met(&self, p: &Shared, state: usize) -> bool {
        let mut sides = self.sides_of(state).into_iter();
        match self.p.states[state] {
            State::Or(..) => sides.any(|s| self.met(p, s)),
            _ => sides.all(|s| self.met(p, s)),
        }
    }

    /// `p` ends; a leading group it has not passed begins anew.
    pub fn give_up(&mut self, p: &Shared) {
        p.borrow_mut().done = true;
        if self.starts(p) && (!self.p.sequence || self.p.clocked()) {
            self.begin();
        }
    }

    /// Patterns: an event of an absent stream. Whether `p` still waits for that.
    pub fn disturb(&mut self, p: &Shared, side: usize) -> bool {
        let state = self.sides[side].0;
        let before = (0..self.sides.len()).filter(|s| self.sides[*s].0 < state);
        let leads =
            state == self.p.entry() && before.into_iter().all(|s| p.borrow().events[s].is_empty());
        let other = self.sides_of(state).into_iter().find(|s| *s != side);
        match (self.sides[side].1.absent, &self.p.states[state]) {
            (Some(Absent::For(_)), _) if leads => {
                self.arm(p, side);
                return true;
            }
            (Some(Absent::For(_)), State::Or(..)) if other.is_some_and(|o| !self.broken(p, o)) => {
                p.borrow_mut().waits[side].0 = Wait::Broken;
            }
            (Some(Absent::Meanwhile), _) if leads && self.group_at_start() => {
                p.borrow_mut().waits[side].0 = Wait::Broken;
            }
            _ => self.give_up(p),
        }
        false
    }

    /// A count collected more: the time of what is behind runs from there.
    pub fn restart_behind(&mut self, p: &Shared, state: usize) {
        for s in 0..self.sides.len() {
            if self.sides[s].0 > state && matches!(p.borrow().waits[s].0, Wait::Until(_)) {
                self.arm(p, s);
            }
        }
    }

    /// Sequences: a row leads one partial to a side; a timer those that have events.
    pub fn has_room(&self, p: &Shared, side: usize) -> bool {
        self.new[side].is_empty() || (!self.by_row && p.borrow().first.is_some())
    }

    /// Sequences: `p` waits at a state with an absent side.
    pub fn watch(&mut self, p: &Shared, state: usize) {
        let list = self.sides_of(state)[0];
        let there = self.kept[list].iter().any(|q| Rc::ptr_eq(p, q));
        if there || self.has_room(p, list) {
            self.sides_of(state).into_iter().for_each(|s| self.arm(p, s));
            if !there {
                self.new[list].push(Rc::clone(p));
            }
        }
    }

    /// Sequences: whether rows of other streams don't end `p`.
    pub fn stays(&self, p: &Shared, state: usize) -> bool {
        let half = |s: usize| {
            !p.borrow().events[s].is_empty()
                || matches!(p.borrow().waits[s].0, Wait::Quiet | Wait::Broken)
        };
        (state == 0 && self.p.clocked()) || self.sides_of(state).into_iter().any(half)
    }

    /// Sequences: the row is offered to what waits at a state with an absent side.
    pub fn offer_watching(&mut self, state: usize, row: Ev) {
        let list = self.sides_of(state)[0];
        for p in std::mem::take(&mut self.pending[list]) {
            self.offer_to(&p, state, list, row);
        }
    }

    fn offer_to(&mut self, p: &Shared, state: usize, list: usize, row: Ev) {
        let mut came_between = false;
        for side in self.sides_of(state) {
            let wait = p.borrow().waits[side].0;
            let settled =
                !p.borrow().events[side].is_empty() || matches!(wait, Wait::Quiet | Wait::Broken);
            if self.sides[side].1.stream != row.stream || settled {
                continue;
            }
            let fits = self.fits(p, side, row);
            let absent = self.sides[side].1.absent;
            match absent {
                Some(_) if fits && !self.endures(p, side) => return,
                Some(_) => came_between = true,
                None if fits => {
                    self.put(p, side, row);
                    if self.all_met(p, state) {
                        self.passed_watching(p, state);
                        return;
                    }
                    if self.sides_of(state).iter().any(|s| self.broken(p, *s)) {
                        return;
                    }
                    came_between = false;
                }
                None if !self.stays(p, state) => return,
                None => {}
            }
        }
        let lists = if came_between { &mut self.kept } else { &mut self.pending };
        lists[list].push(Rc::clone(p));
    }

    /// Sequences: whether the start survives an event that must not come.
    fn endures(&mut self, p: &Shared, side: usize) -> bool {
        let state = self.sides[side].0;
        let (every, alone) = (self.group_at_start(), matches!(self.p.states[state], State::Not(_)));
        match self.sides[side].1.absent {
            Some(Absent::For(_)) if state == 0 && (every || !alone) => self.arm(p, side),
            Some(Absent::Meanwhile) if state == 0 && every => {
                p.borrow_mut().waits[side].0 = Wait::Broken;
            }
            _ => return false,
        }
        true
    }
}
