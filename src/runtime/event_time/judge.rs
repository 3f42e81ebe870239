//! Which rows are in time: decided row by row, as if each had been sent alone, over whole batches.
//!
//! A row is late if its time is before the watermark as it was when the row arrived, and anything has
//! been let through by then (before that, nothing is out of order). It is ahead if it is further in
//! the future than `max.ahead`: of the arrival clock, or without one of the latest row so far.

use arrow::buffer::NullBuffer;

use crate::time::Inputs;

/// Why a row can't be put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Its time has passed.
    Late,
    /// Its time is too far in the future.
    Ahead,
    /// It has no time.
    Untimed,
}

impl Reason {
    /// What the late stream says.
    pub(super) fn word(self) -> &'static str {
        match self {
            Reason::Late => "late",
            Reason::Ahead => "ahead",
            Reason::Untimed => "no time",
        }
    }
}

/// A copy of what is known of time, moved on row by row.
pub(super) struct Judge {
    inputs: Inputs,
    begun: bool,
    /// Least time that waits.
    least: i64,
}

/// A row that can't be put in order, why, and by how many ms it is behind (ahead: below 0).
pub(super) type Found = (usize, Reason, Option<i64>);

impl Judge {
    pub(super) fn new(inputs: Inputs, begun: bool, least: i64) -> Self {
        Self { inputs, begun, least }
    }

    /// What is known after the rows.
    pub(super) fn into_inputs(self) -> Inputs {
        self.inputs
    }

    /// One row.
    pub(super) fn one(&mut self, input: usize, ts: i64, max: Option<i64>) -> Option<(Reason, i64)> {
        let found = self.all(input, &[ts], None, max);
        found.first().map(|(_, reason, by)| (*reason, by.unwrap_or(0)))
    }

    /// Whether any row can't be put in order.
    pub(super) fn any(&mut self, input: usize, ts: &[i64], max: Option<i64>) -> bool {
        !self.all(input, ts, None, max).is_empty()
    }

    /// The rows that can't be put in order.
    pub(super) fn all(
        &mut self,
        input: usize,
        ts: &[i64],
        nulls: Option<&NullBuffer>,
        max_ahead: Option<i64>,
    ) -> Vec<Found> {
        if ts.is_empty() {
            return vec![];
        }
        self.inputs.heard(input);
        if nulls.is_none() && self.all_in_order(input, ts, max_ahead) {
            return vec![];
        }
        if nulls.is_none() && max_ahead.is_none() && self.begun {
            return self.late(input, ts);
        }
        let mut found = vec![];
        let own = &self.inputs.list()[input];
        let (delay, others) = (own.delay, self.inputs.others(input));
        let mut own = own.largest;
        let mut watermark = self.inputs.watermark().ms();
        let arrival = self.inputs.arrival();
        let mut largest = self.inputs.largest();
        for (row, ts) in ts.iter().copied().enumerate() {
            if nulls.is_some_and(|n| n.is_null(row)) {
                found.push((row, Reason::Untimed, None));
                continue;
            }
            if self.begun && ts < watermark {
                found.push((row, Reason::Late, Some(watermark.saturating_sub(ts))));
                continue;
            }
            if let (Some(max), Some(now)) = (max_ahead, arrival.or(largest))
                && ts.saturating_sub(now) > max
            {
                found.push((row, Reason::Ahead, Some(now.saturating_sub(ts))));
                continue;
            }
            self.least = self.least.min(ts);
            largest = largest.max(Some(ts));
            let latest = own.map_or(ts, |o: i64| o.max(ts));
            own = Some(latest);
            watermark = watermark.max(others.min(latest.saturating_sub(delay)));
            self.begun |= self.least <= watermark;
        }
        if let Some(latest) = own {
            self.inputs.saw(input, latest);
        }
        found
    }

    /// Only those that are late, where nothing else can be wrong.
    fn late(&mut self, input: usize, ts: &[i64]) -> Vec<Found> {
        let own = &self.inputs.list()[input];
        let (delay, others) = (own.delay, self.inputs.others(input));
        let before = own.largest.unwrap_or(i64::MIN);
        let mut latest = before;
        let mut watermark = self.inputs.watermark().ms();
        let mut found = vec![];
        for (row, ts) in ts.iter().enumerate() {
            if *ts < watermark {
                found.push((row, Reason::Late, Some(watermark.saturating_sub(*ts))));
            } else if *ts > latest {
                latest = *ts;
                watermark = watermark.max(others.min(latest.saturating_sub(delay)));
            }
        }
        if latest > before || found.len() < ts.len() {
            self.inputs.saw(input, latest);
        }
        found
    }

    /// The common case, cheap: rows in order, none of them before the watermark.
    fn all_in_order(&mut self, input: usize, ts: &[i64], max_ahead: Option<i64>) -> bool {
        let (first, last) = (ts[0], ts[ts.len() - 1]);
        if !self.begun && ts.len() > 1 || first < self.inputs.watermark().ms() && self.begun {
            return false;
        }
        let now = self.inputs.arrival().or(self.inputs.largest());
        let ahead = |max: i64| now.is_none_or(|now| last.saturating_sub(now) > max);
        if max_ahead.is_some_and(ahead) || !ts.is_sorted() {
            return false;
        }
        self.least = self.least.min(first);
        self.inputs.saw(input, last);
        self.begun |= self.least <= self.inputs.watermark().ms();
        true
    }
}
