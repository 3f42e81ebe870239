//! What the tumbling windows with unique keys share: a batch holds one row of each key, and ends when
//! it has so many keys, at a point of a grid of time, or with either.

use serde::{Deserialize, Serialize};

use super::vacate;
use crate::error::Diagnostic;
use crate::window::WindowOutput;
use crate::window::args::Args;
use crate::window::keyed::{Arrival, Cause, List, Logic, Rows};

/// Which row of a key counts, and what ends a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch {
    pub key: [usize; 1],
    /// The first row of a key counts, else the latest.
    pub first: bool,
    /// Keys in a batch at most.
    pub keys: Option<u32>,
    /// Length of a batch in ms, and a point of the grid; none = the grid begins with the first row,
    /// and begins anew when a batch is full.
    pub time: Option<(i64, Option<i64>)>,
    pub expired: bool,
}

/// Length of a batch, and `start.time` if it is given as argument `start`.
pub(super) fn grid(
    args: &Args<'_>,
    time: usize,
    start: Option<usize>,
) -> Result<(i64, Option<i64>), Diagnostic> {
    let t = args.time(time, "window.time", 1)?;
    Ok((t, start.map(|i| args.instant(i, "start.time")).transpose()?))
}

/// What a partition key has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Rows of the open batch, in the order in which their keys came.
    open: List,
    count: u32,
    /// Rows of the last batch.
    sent: List,
    /// The next point of the grid; none before the first row.
    next: Option<i64>,
    /// The timer that is armed, if any: due at `next`, or earlier.
    armed: Option<i64>,
}

impl Batch {
    /// The batch leaves.
    fn flush(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        rows.expire(&mut s.sent, cause.at, cause, out);
        if s.count > 0 {
            out.rows.reset(cause.key);
        }
        rows.emit(s.open, cause, out);
        vacate(s.open, rows);
        if self.expired {
            s.sent = std::mem::take(&mut s.open);
        } else {
            rows.drop_all(&mut s.open);
        }
        s.count = 0;
        out.rows.end_chunk();
    }

    /// The first point of the grid behind the clock.
    fn point(&self, next: Option<i64>, (t, start): (i64, Option<i64>), clock: i64) -> i64 {
        let from = start.or(next).unwrap_or(clock);
        let into = clock.wrapping_sub(from).rem_euclid(t);
        clock.saturating_add(t.saturating_sub(into))
    }

    /// Sees to it that the timer of the open batch, or of the rows to expire, is armed.
    fn arm(&self, s: &mut State, cause: Cause, rows: &mut Rows) {
        let Some(time) = self.time else { return };
        if s.count == 0 && s.sent.is_empty() {
            return;
        }
        let next = match s.next.filter(|next| *next > cause.at) {
            Some(next) => next,
            None => self.point(s.next, time, cause.at),
        };
        s.next = Some(next);
        if s.armed.is_none_or(|armed| armed > next) {
            rows.arm(next, cause);
            s.armed = Some(next);
        }
    }
}

impl Logic for Batch {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, _) in run.rows() {
            let id = rows.keys.of(slot);
            match rows.keys.place(id) {
                Some(_) if self.first => rows.store.release(slot),
                Some(old) => {
                    rows.relink(&mut s.open, old, slot);
                    rows.store.release(old);
                    rows.keys.put(id, slot);
                }
                None => {
                    rows.link_back(&mut s.open, slot);
                    rows.keys.put(id, slot);
                    s.count += 1;
                }
            }
            if self.keys == Some(s.count) {
                self.flush(s, run.cause, rows, out);
                if let Some((t, None)) = self.time {
                    s.next = Some(run.cause.at.saturating_add(t));
                }
            }
            self.arm(s, run.cause, rows);
        }
    }

    fn fire(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if s.armed.is_some_and(|armed| armed <= cause.at) {
            s.armed = None;
        }
        if s.next.is_some_and(|next| next <= cause.at) {
            self.flush(s, cause, rows, out);
        }
        self.arm(s, cause, rows);
    }

    fn key_columns(&self) -> &[usize] {
        &self.key
    }
}
