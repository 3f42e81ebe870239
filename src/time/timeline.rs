//! The timeline of a step: at which `(order, clock)` points the application's time moved.
//!
//! Invariants: `order` of points is odd (`2 * seq + 1`), strictly increasing; the clock never falls;
//! `end` is at least the clock of the last point. Timers due at `d` fire before the first point whose
//! clock reaches `d`, with the clock at `d` (not at the point): a replay of history fires them exactly
//! as live traffic would have.

use crate::event::Stamps;

/// The points at which time moved in one step.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    points: Points,
    end_order: u64,
    end: i64,
}

/// Orders and clocks, as many of one as of the other.
#[derive(Debug, Clone)]
enum Points {
    Own(Vec<u64>, Vec<i64>),
    /// Those of a batch, in the batch's own memory.
    Shared(Stamps<u64>, Stamps<i64>),
}

impl Default for Points {
    fn default() -> Self {
        Points::Own(vec![], vec![])
    }
}

impl Points {
    fn is_empty(&self) -> bool {
        match self {
            Points::Own(order, _) => order.is_empty(),
            Points::Shared(order, _) => order.is_empty(),
        }
    }

    fn order(&self) -> &[u64] {
        match self {
            Points::Own(order, _) => order,
            Points::Shared(order, _) => order,
        }
    }

    fn clock(&self) -> &[i64] {
        match self {
            Points::Own(_, clock) => clock,
            Points::Shared(_, clock) => clock,
        }
    }

    /// To be added to.
    fn own(&mut self) -> (&mut Vec<u64>, &mut Vec<i64>) {
        if let Points::Shared(order, clock) = self {
            *self = Points::Own(order.to_vec(), clock.to_vec());
        }
        match self {
            Points::Own(order, clock) => (order, clock),
            Points::Shared(..) => unreachable!("made our own above"),
        }
    }
}

/// What every operator is told of the step it is in.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The timeline.
    pub timeline: &'a Timeline,
}

impl Timeline {
    /// A step without events, in which time moves to `end`; the next event would have order
    /// `end_order + 1`.
    pub fn new(end_order: u64, end: i64) -> Self {
        debug_assert!(end_order.is_multiple_of(2));
        Self { points: Points::default(), end_order, end }
    }

    /// Adds an input event (or chunk) at `order` with the clock at `clock`.
    pub fn push(&mut self, order: u64, clock: i64) {
        debug_assert!(order % 2 == 1 && self.points.order().last().is_none_or(|o| *o < order));
        debug_assert!(self.points.clock().last().is_none_or(|c| *c <= clock));
        let (orders, clocks) = self.points.own();
        orders.push(order);
        clocks.push(clock);
        self.end = self.end.max(clock);
        self.end_order = self.end_order.max(order + 1);
    }

    /// Adds the input events of a batch, each a point: as many [`Timeline::push`]es.
    pub fn extend(&mut self, order: &Stamps<u64>, clock: &Stamps<i64>) {
        debug_assert_eq!(order.len(), clock.len());
        let (Some(last_order), Some(last_clock)) = (order.last_one(), clock.last_one()) else {
            return;
        };
        if self.points.is_empty() {
            self.points = Points::Shared(order.clone(), clock.clone());
        } else {
            let (orders, clocks) = self.points.own();
            orders.extend_from_slice(order);
            clocks.extend_from_slice(clock);
        }
        self.end = self.end.max(last_clock);
        self.end_order = self.end_order.max(last_order + 1);
    }

    /// Whether there is no input event.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Moves the end of the step to `clock` (never back).
    pub fn advance(&mut self, clock: i64) {
        self.end = self.end.max(clock);
    }

    /// The clock at the end of the step, ms: all timers due at or before it fire in this step.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// The order of timers that fire after the last event.
    pub fn end_order(&self) -> u64 {
        self.end_order
    }

    /// The input events of the step as `(order, clock)`.
    pub fn points(&self) -> impl Iterator<Item = (u64, i64)> + '_ {
        self.points.order().iter().copied().zip(self.points.clock().iter().copied())
    }

    /// The order of a timer due at `due` that fires after everything of order `after`: one less than
    /// the first later point whose clock reaches `due`.
    pub fn timer_order(&self, due: i64, after: u64) -> u64 {
        let (orders, clocks) = (self.points.order(), self.points.clock());
        let by_clock = clocks.partition_point(|c| *c < due);
        let by_order = orders.partition_point(|o| *o <= after);
        match orders.get(by_clock.max(by_order)) {
            Some(order) => order - 1,
            None => self.end_order,
        }
    }
}
