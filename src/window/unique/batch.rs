//! What the tumbling windows with unique keys share: a batch holds one row of each key, and ends when
//! it has so many keys, at a point of a grid of time, or with either.

use serde::{Deserialize, Serialize};

use super::{key, some_rows, vacate};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::window::args::Args;
use crate::window::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use crate::window::{About, Window, WindowArg, WindowContext, WindowOutput};

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

/// What `explain` says of batches that end at points of time.
pub(super) fn about_time(args: &[WindowArg]) -> About {
    About {
        holds: format!("one row of each key of {}, and the batch before", About::time(args, 1)),
        timer: Some("at the end of a batch that isn't empty"),
    }
}

/// What `explain` says of batches that end with a number of keys.
pub(super) fn about_keys(args: &[WindowArg]) -> About {
    About {
        holds: format!(
            "one row of each of at most {} keys, and the batch before",
            About::rows(args, 1)
        ),
        timer: None,
    }
}

/// The window of batches that a call describes.
pub(super) fn create(
    batch: Result<Batch, Diagnostic>,
    context: WindowContext,
) -> Result<Box<dyn Window>> {
    Ok(Box::new(Keyed::new(batch.map_err(|d| Error::Query(vec![d]))?, context)?))
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
    /// Batches of so many keys: of the arguments `(key, n)`.
    pub fn of_keys(
        signature: &'static str,
        args: &[WindowArg],
        span: Span,
        first: bool,
        expired: bool,
    ) -> Result<Self, Diagnostic> {
        let args = Args::new(signature, args, span, 2, 2)?;
        let key = [key(&args)?];
        let keys = Some(some_rows(&args, 1)?);
        Ok(Self { key, first, keys, time: None, expired })
    }

    /// Batches of so many ms: of the arguments `(key, t [, start.time])`.
    pub fn of_time(
        signature: &'static str,
        args: &[WindowArg],
        span: Span,
        first: bool,
        expired: bool,
    ) -> Result<Self, Diagnostic> {
        let args = Args::new(signature, args, span, 2, 3)?;
        let key = [key(&args)?];
        let time = Some(grid(&args, 1, (args.len() > 2).then_some(2))?);
        Ok(Self { key, first, keys: None, time, expired })
    }

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
