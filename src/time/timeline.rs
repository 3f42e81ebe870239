//! The timeline of a step: at which `(order, clock)` points the application's time moved.
//!
//! Invariants: `order` of points is odd (`2 * seq + 1`), strictly increasing; the clock never falls;
//! `end` is at least the clock of the last point. Timers due at `d` fire before the first point whose
//! clock reaches `d`, with the clock at `d` (not at the point): a replay of history fires them exactly
//! as live traffic would have.

/// The points at which time moved in one step.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    order: Vec<u64>,
    clock: Vec<i64>,
    end_order: u64,
    end: i64,
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
        Self { order: vec![], clock: vec![], end_order, end }
    }

    /// Adds an input event (or chunk) at `order` with the clock at `clock`.
    pub fn push(&mut self, order: u64, clock: i64) {
        debug_assert!(order % 2 == 1 && self.order.last().is_none_or(|o| *o < order));
        debug_assert!(self.clock.last().is_none_or(|c| *c <= clock));
        self.order.push(order);
        self.clock.push(clock);
        self.end = self.end.max(clock);
        self.end_order = self.end_order.max(order + 1);
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
        self.order.iter().copied().zip(self.clock.iter().copied())
    }

    /// The order of a timer due at `due` that fires after everything of order `after`: one less than
    /// the first later point whose clock reaches `due`.
    pub fn timer_order(&self, due: i64, after: u64) -> u64 {
        let by_clock = self.clock.partition_point(|c| *c < due);
        let by_order = self.order.partition_point(|o| *o <= after);
        match self.order.get(by_clock.max(by_order)) {
            Some(order) => order - 1,
            None => self.end_order,
        }
    }
}
