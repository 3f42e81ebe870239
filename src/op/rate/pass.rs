//! Limits that decide on each result when it comes, and hold none: the first of every `n`, the last of
//! every `n` without groups, the first in a time.
//!
//! Invariant between batches: a group whose number is 0 (or whose time is over, at the latest when the
//! groups have doubled) is not known to the interner.

use serde::{Deserialize, Serialize};

use super::Groups;
use super::rows::at;
use crate::event::EventBatch;

/// Which results pass.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// The first of every so many.
    First(u64),
    /// The last of every so many.
    Last(u64),
    /// The first, and each that comes so many ms after the one before; without groups, only the first
    /// result of a chunk is looked at.
    FirstInTime(i64),
}

/// No result has passed.
const NEVER: i64 = i64::MIN;
/// Groups that are known before those whose time is over are looked for.
const SPARE: usize = 1024;

/// Counts and times by group.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pass {
    #[serde(skip, default = "nothing")]
    rule: Rule,
    /// Results since the last whole `n`.
    counts: Vec<u64>,
    /// When a result last passed.
    times: Vec<i64>,
    /// How many groups may be known before they are looked through.
    bound: usize,
}

fn nothing() -> Rule {
    Rule::First(1)
}

impl Pass {
    pub(super) fn new(rule: Rule) -> Self {
        Self { rule, counts: vec![], times: vec![], bound: SPARE }
    }

    /// The rows that pass, in order; `ids` are the groups of all rows.
    pub(super) fn pick(
        &mut self,
        batch: &EventBatch,
        ids: &[u32],
        groups: &mut Groups,
    ) -> Vec<u32> {
        let rows = 0..batch.rows();
        match self.rule {
            Rule::First(n) | Rule::Last(n) => {
                let first = matches!(self.rule, Rule::First(_));
                let mut over = Vec::new();
                let passes = |row: &usize| {
                    let count = at(&mut self.counts, ids[*row], 0);
                    let began = *count == 0;
                    *count += 1;
                    let whole = *count == n;
                    if whole {
                        *count = 0;
                        over.push(ids[*row]);
                    }
                    if first { began } else { whole }
                };
                let picked = rows.filter(passes).map(|r| r as u32).collect();
                for group in over.into_iter().filter(|g| self.counts[*g as usize] == 0) {
                    groups.release(group);
                }
                picked
            }
            Rule::FirstInTime(period) if groups.any() => {
                let picked = rows.filter(|r| self.in_time(batch, ids, *r, period));
                let picked = picked.map(|r| r as u32).collect();
                self.forget(period, batch.at.last().copied().unwrap_or(NEVER), groups);
                picked
            }
            Rule::FirstInTime(period) => {
                let heads = batch.chunk_ranges().map(|c| c.start);
                heads.filter(|r| self.in_time(batch, ids, *r, period)).map(|r| r as u32).collect()
            }
        }
    }

    fn in_time(&mut self, batch: &EventBatch, ids: &[u32], row: usize, period: i64) -> bool {
        let (time, clock) = (at(&mut self.times, ids[row], NEVER), batch.at[row]);
        let passes = *time == NEVER || time.saturating_add(period) <= clock;
        if passes {
            *time = clock;
        }
        passes
    }

    /// Forgets the groups whose next result passes anyway, once there may be as many of them as others.
    fn forget(&mut self, period: i64, clock: i64, groups: &mut Groups) {
        if groups.len() <= self.bound {
            return;
        }
        for (group, time) in self.times.iter_mut().enumerate() {
            if *time != NEVER && time.saturating_add(period) <= clock {
                *time = NEVER;
                groups.release(group as u32);
            }
        }
        self.bound = 2 * groups.len() + SPARE;
    }

    /// State of another with the same rule.
    pub(super) fn load(&mut self, saved: Pass) {
        *self = Pass { rule: self.rule, ..saved };
    }
}
