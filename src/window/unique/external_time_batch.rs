//! `unique:externalTimeBatch(key, ts, t [, start] [, timeout] [, replace])`: batches by an attribute of
//! the latest row of each key.

use serde::{Deserialize, Serialize};

use super::{key, vacate};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::Slot;
use crate::window::args::{Args, Start};
use crate::window::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use crate::window::{
    About, Reads, Tumbling, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};

/// `unique:externalTimeBatch(key any, ts long, t int|long|time [, start] [, timeout] [, replace])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "unique:externalTimeBatch",
    signature: "unique:externalTimeBatch(unique.key any, timestamp long, \
                window.time int|long|time [, start.time int|long] [, timeout int|long|time] \
                [, replace.with.batchtime bool = false])",
    doc: "Tumbling window of the latest row of each key in `window.time` ms by the attribute \
          `timestamp`. The first row at or behind the end of the open batch lets it out, as one \
          chunk, after the rows of the batch before have expired and the aggregates have started \
          afresh. Batches begin at the first row's timestamp, or at `start.time` (a constant, or an \
          attribute of the first row) plus multiples of `window.time`. With `timeout` (0: none) a \
          batch also leaves when no row has come for so long; later rows of it are a batch of their \
          own. With `replace.with.batchtime` the rows that leave carry the end of their batch as \
          timestamp. A row without timestamp (null) is dropped.",
    example: "define stream Logins (ts long, ip string);\n\
              from Logins#window.unique:externalTimeBatch(ip, ts, 1 sec) select ip, ts \
              insert into Out;",
    sliding: false,
    passes: false,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!("one row of each key of {}, and the batch before", About::time(args, 2)),
        timer: About::number(args, 4)
            .filter(|t| *t > 0)
            .map(|_| "when no row has come for the timeout"),
    },
    check: |args, span| parse(args, span, true).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span, expired: bool) -> Result<Batch, Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 3, 6)?;
    let start = if args.len() > 3 { args.start(3, "start.time")? } else { Start::FirstRow };
    let timeout = if args.len() > 4 { args.time(4, "timeout", 0)? } else { 0 };
    let column = args.long_column(1, "timestamp")?;
    Ok(Batch {
        key: [key(&args)?],
        grid: Tumbling { column, length: args.time(2, "window.time", 1)?, start: None },
        start,
        timeout: (timeout > 0).then_some(timeout),
        replace: args.len() > 5 && args.flag(5, "replace.with.batchtime")?,
        expired,
    })
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let batch = parse(&call.args, call.span, context.expired);
    Ok(Box::new(Keyed::new(batch.map_err(|d| Error::Query(vec![d]))?, context)?))
}

struct Batch {
    key: [usize; 1],
    grid: Tumbling,
    start: Start,
    timeout: Option<i64>,
    replace: bool,
    expired: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    open: List,
    sent: List,
    /// End of the open batch; none before the first row.
    end: Option<i64>,
    /// When the open batch has waited long enough.
    due: Option<i64>,
    /// Whether a timer is armed; it fires then, or earlier.
    armed: bool,
}

impl Batch {
    fn flush(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if s.open.is_empty() {
            return;
        }
        rows.expire(&mut s.sent, cause.at, cause, out);
        out.rows.reset(cause.key);
        if let Some(end) = s.end.filter(|_| self.replace) {
            let slots: Vec<Slot> = rows.iter(s.open).collect();
            slots.into_iter().for_each(|slot| rows.store.set_long(self.grid.column, slot, end));
        }
        rows.emit(s.open, cause, out);
        vacate(s.open, rows);
        if self.expired {
            s.sent = std::mem::take(&mut s.open);
        } else {
            rows.drop_all(&mut s.open);
        }
        s.due = None;
        out.rows.end_chunk();
    }

    fn end(&self, slot: Slot, v: i64, rows: &Rows) -> i64 {
        let start = match self.start {
            Start::FirstRow => v,
            Start::Const(start) => start,
            Start::Column(c) => long(rows, c, slot).unwrap_or(v),
        };
        let into = v.wrapping_sub(start).rem_euclid(self.grid.length);
        v.saturating_add(self.grid.length.saturating_sub(into))
    }
}

/// The value of a long column.
fn long(rows: &Rows, column: usize, slot: Slot) -> Option<i64> {
    let (values, valid) = rows.store.longs(column)?;
    valid[slot as usize].then(|| values[slot as usize])
}

impl Logic for Batch {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, _) in run.rows() {
            let Some(v) = long(rows, self.grid.column, slot) else {
                rows.store.release(slot);
                continue;
            };
            match s.end {
                None => s.end = Some(self.end(slot, v, rows)),
                Some(end) if v >= end => {
                    self.flush(s, run.cause, rows, out);
                    // The batch with `v` in it, on the same grid.
                    let into = v.wrapping_sub(end).rem_euclid(self.grid.length);
                    s.end = Some(v.saturating_add(self.grid.length.saturating_sub(into)));
                }
                Some(_) => {}
            }
            let id = rows.keys.of(slot);
            match rows.keys.place(id) {
                Some(old) => {
                    rows.relink(&mut s.open, old, slot);
                    rows.store.release(old);
                }
                None => rows.link_back(&mut s.open, slot),
            }
            rows.keys.put(id, slot);
            if let Some(timeout) = self.timeout {
                let due = run.cause.at.saturating_add(timeout);
                s.due = Some(due);
                if !std::mem::replace(&mut s.armed, true) {
                    rows.arm(due, run.cause);
                }
            }
        }
    }

    fn fire(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        s.armed = false;
        match s.due {
            Some(due) if due <= cause.at => self.flush(s, cause, rows, out),
            // Rows have come since.
            Some(due) => {
                s.armed = true;
                rows.arm(due, cause);
            }
            None => {}
        }
    }

    fn key_columns(&self) -> &[usize] {
        &self.key
    }
}
