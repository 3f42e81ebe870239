//! `externalTimeBatch(attribute, t [, start.time [, timeout [, replace.with.batchtime]]])`: batches of
//! t ms by an attribute.
//!
//! A batch is let out by the first row of a later batch, or, if there is a timeout, by the clock: the
//! timer fires every `timeout` ms since the batch was opened. What came before such a firing has been
//! sent; rows of the same batch that come later let the whole batch out again, together with what was
//! sent, at the next firing or with the first row of the next batch.

use serde::{Deserialize, Serialize};

use super::args::{Args, Start};
use super::external_time::value;
use super::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use super::{
    About, Reads, Tumbling, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::Slot;

/// `externalTimeBatch(timestamp long, t [, start.time [, timeout [, replace.with.batchtime]]])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "externalTimeBatch",
    signature: "externalTimeBatch(timestamp long attribute, window.time int|long|time \
                [, start.time int|long|long attribute [, timeout int|long|time \
                [, replace.with.batchtime bool = false]]])",
    doc: "Tumbling window of `window.time` ms by the attribute `timestamp`, counted from the first \
          row's value, from the constant `start.time`, or from that attribute of the first row. The \
          first row at or behind the end of the batch lets it out: the rows of the batch before \
          expire, the aggregates start afresh, and the batch leaves, in one chunk; empty batches are \
          skipped, late rows join the open batch. If `timeout` ms of the clock pass first, the batch \
          leaves then; should more rows of it come, it leaves once more, complete. \
          `replace.with.batchtime` sets the attribute to the end of the batch. A row whose value is \
          null is dropped.",
    example: "define stream S (ts long, price double);\n\
              from S#window.externalTimeBatch(ts, 10 sec, 0, 30 sec) select sum(price) as total \
              insert into Out;",
    sliding: false,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, expired| {
        let timeout = About::number(args, 3).filter(|t| *t > 0);
        // After a timeout, what was sent must be kept: it is sent again with the rest.
        let holds = About::batches(&About::time(args, 1), false, expired || timeout.is_some());
        About { holds, timer: timeout.map(|_| "when the open batch has waited for the timeout") }
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

struct ExternalTimeBatch {
    column: usize,
    t: i64,
    start: Start,
    timeout: i64,
    replace: bool,
    expired: bool,
}

fn parse(args: &[WindowArg], span: Span) -> Result<ExternalTimeBatch, Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 2, 5)?;
    Ok(ExternalTimeBatch {
        column: args.long_column(0, "timestamp")?,
        t: args.time(1, "window.time", 1)?,
        start: if args.len() > 2 { args.start(2, "start.time")? } else { Start::FirstRow },
        timeout: if args.len() > 3 { args.time(3, "timeout", 0)? } else { 0 },
        replace: args.len() > 4 && args.flag(4, "replace.with.batchtime")?,
        expired: false,
    })
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let mut logic = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    logic.expired = context.expired;
    Ok(Box::new(Keyed::new(logic, context)?))
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    /// Rows of the open batch that have not been sent.
    open: List,
    /// What has been sent last: the batch before, or (if `timed_out`) the sent part of the open one.
    sent: List,
    /// Where the grid begins; none before the first row.
    start: Option<i64>,
    /// Where the open batch ends.
    end: i64,
    /// The largest value seen.
    last: i64,
    /// The next firing of the timeout (or an earlier one, if no timer is armed).
    due: i64,
    /// Whether a timer is armed, for `due` or earlier.
    armed: bool,
    /// Whether the open batch has been let out by a timeout.
    timed_out: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            open: List::default(),
            sent: List::default(),
            start: None,
            end: 0,
            last: i64::MIN,
            due: 0,
            armed: false,
            timed_out: false,
        }
    }
}

impl ExternalTimeBatch {
    /// The end of the batch that holds `v`.
    fn end_of(&self, v: i64, start: i64) -> i64 {
        Tumbling { column: self.column, length: self.t, start: None }.end_of(v, start)
    }

    /// Fixes the grid by the first row; false if its attributes don't allow it.
    fn begin(&self, s: &mut State, slot: Slot, v: i64, cause: Cause, rows: &mut Rows) -> bool {
        let (start, end) = match self.start {
            Start::FirstRow => (v, v.saturating_add(self.t)),
            Start::Const(start) => (start, self.end_of(v, start)),
            Start::Column(c) => match value(rows, c, slot) {
                Some(start) => (start, start.saturating_add(self.t)),
                None => return false,
            },
        };
        s.start = Some(start);
        s.end = end;
        self.restart_timeout(s, cause, rows);
        true
    }

    /// A batch was opened: the timeout counts from now.
    fn restart_timeout(&self, s: &mut State, cause: Cause, rows: &mut Rows) {
        if self.timeout > 0 {
            s.due = cause.at.saturating_add(self.timeout);
            self.arm(s, cause, rows);
        }
    }

    fn arm(&self, s: &mut State, cause: Cause, rows: &mut Rows) {
        if !s.armed {
            s.armed = true;
            rows.arm(s.due, cause);
        }
    }

    /// Adds a row to the open batch.
    fn add(&self, s: &mut State, slot: Slot, cause: Cause, rows: &mut Rows) {
        if self.replace {
            rows.store.set_long(self.column, slot, s.end);
        }
        rows.push_back(&mut s.open, slot);
        if self.timeout > 0 && !s.armed {
            // Firings in between had nothing to let out.
            if s.due <= cause.at {
                let passed = (cause.at - s.due) / self.timeout;
                s.due = s.due.saturating_add((passed + 1).saturating_mul(self.timeout));
            }
            self.arm(s, cause, rows);
        }
    }

    /// Lets the open batch out.
    fn flush(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if self.expired {
            rows.expire(&mut s.sent, s.last, cause, out);
        } else {
            rows.drop_all(&mut s.sent);
        }
        if s.open.is_empty() {
            return;
        }
        out.rows.reset(cause.key);
        rows.emit(s.open, cause, out);
        if self.expired || self.timeout > 0 {
            s.sent = std::mem::take(&mut s.open);
        } else {
            rows.drop_all(&mut s.open);
        }
    }

    /// Lets the open batch out again with the rows that came since it timed out.
    fn flush_again(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if s.open.is_empty() {
            return;
        }
        if self.expired {
            // A row leaves only once: what is sent again is a copy.
            let mut old = s.sent;
            s.sent = rows.duplicate(old);
            rows.expire(&mut old, s.last, cause, out);
        }
        out.rows.reset(cause.key);
        let open = std::mem::take(&mut s.open);
        rows.append(&mut s.sent, open);
        rows.emit(s.sent, cause, out);
    }
}

impl Logic for ExternalTimeBatch {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, _) in run.rows() {
            let Some(v) = value(rows, self.column, slot) else {
                rows.store.release(slot);
                continue;
            };
            if s.start.is_none() && !self.begin(s, slot, v, run.cause, rows) {
                rows.store.release(slot);
                continue;
            }
            s.last = s.last.max(v);
            if v >= s.end {
                if std::mem::take(&mut s.timed_out) {
                    self.flush_again(s, run.cause, rows, out);
                } else {
                    self.flush(s, run.cause, rows, out);
                }
                out.rows.end_chunk();
                s.end = self.end_of(s.last, s.start.unwrap_or(s.last));
                self.restart_timeout(s, run.cause, rows);
            }
            self.add(s, slot, run.cause, rows);
        }
    }

    fn tumbling(&self) -> Option<Tumbling> {
        let start = match self.start {
            Start::FirstRow => None,
            Start::Const(start) => Some(start),
            Start::Column(_) => return None,
        };
        let plain = self.timeout == 0 && !self.replace;
        plain.then_some(Tumbling { column: self.column, length: self.t, start })
    }

    fn fire(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        s.armed = false;
        if cause.at < s.due {
            // Another batch was opened since.
            self.arm(s, cause, rows);
            return;
        }
        if s.timed_out {
            self.flush_again(s, cause, rows, out);
        } else {
            self.flush(s, cause, rows, out);
            s.timed_out = true;
        }
        s.due = s.due.saturating_add(self.timeout);
    }
}
