//! `frequent(n [, attribute …])`: the rows of the most frequent values, counted by Misra and Gries.
//!
//! At most n values are tracked. Every count that is taken away was given by a row, so that a row
//! costs constant time on average, however many values there are.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Cause, Keyed, Logic, Rows};
use super::{
    About, Mark, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::{KeyId, Kind, NO_SLOT, Slot};
use crate::expr::types::AttrType;

/// `frequent(n int [, attribute …])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "frequent",
    signature: "frequent(event.count int [, attribute any] ...)",
    doc: "Passes the rows of the values that are frequent, by the algorithm of Misra and Gries: at most \
          `event.count` values of the attributes (of all attributes, if none is given) are tracked \
          with a count. A row of a tracked value enters and takes the place of the value's last row; \
          so does a row of a new value while there is room. Else all counts go down by one, the last \
          rows of values whose count becomes zero leave, oldest value first, and if that made room \
          the row enters; otherwise it is dropped.",
    example: "define stream Purchases (card string, price double);\n\
              from Purchases[price >= 5.0]#window.frequent(2, card) select card, price \
              insert into Frequent;",
    sliding: true,
    passes: false,
    reads: Reads::Attributes,
    findable: true,
    about: |args, _| About {
        holds: format!("the last row of each of at most {} values", About::rows(args, 0)),
        timer: None,
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

/// The columns from argument `from` on.
pub(super) fn attributes(args: &Args<'_>, from: usize) -> Result<Vec<usize>, Diagnostic> {
    use AttrType::{Bool, Double, Float, Int, Long, Object, String};
    let all = [Int, Long, Float, Double, Bool, String, Object];
    (from..args.len()).map(|i| Ok(args.column_of(i, "attribute", &all)?.0)).collect()
}

/// The columns, or all of them if none is given.
pub(super) fn or_all(columns: Vec<usize>, context: &WindowContext) -> Vec<usize> {
    if columns.is_empty() { (0..context.schema.fields().len()).collect() } else { columns }
}

fn parse(args: &[WindowArg], span: Span) -> Result<(u32, Vec<usize>), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 1, usize::MAX)?;
    let n = args.rows(0, "event.count")?;
    if n == 0 {
        return Err(args.invalid(0, "event.count", "must be more than zero, found 0"));
    }
    Ok((n, attributes(&args, 1)?))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (n, columns) = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    let columns = or_all(columns, &context);
    let last = LastRows { expired: context.expired, searched: context.searched };
    Ok(Box::new(Keyed::new(Frequent { n: n as usize, columns, last }, context)?))
}

struct Frequent {
    n: usize,
    columns: Vec<usize>,
    last: LastRows,
}

/// How the last row of a value is kept.
pub(super) struct LastRows {
    /// Whether it is kept at all: somebody wants the rows that leave.
    pub expired: bool,
    pub searched: bool,
}

impl LastRows {
    /// The row that stands for a value whose row `slot` has entered.
    pub fn keep(&self, slot: Slot, rows: &mut Rows) -> Slot {
        if self.expired {
            return slot;
        }
        rows.store.release(slot);
        NO_SLOT
    }

    /// Puts a row in the place of `old`, which goes without a word.
    pub fn replace(
        &self,
        old: &mut Slot,
        slot: Slot,
        cause: Cause,
        rows: &mut Rows,
        out: &mut WindowOutput,
    ) {
        if *old != NO_SLOT {
            if self.searched {
                out.push(*old, cause.at, cause.at, cause.order, Kind::Expired, cause.key);
                out.mark(Mark::Vanishes);
            }
            rows.store.release(*old);
        }
        *old = self.keep(slot, rows);
    }

    /// Lets the last row of a value leave.
    pub fn expire(&self, slot: Slot, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if slot != NO_SLOT {
            out.push(slot, cause.at, cause.at, cause.order, Kind::Expired, cause.key);
            rows.store.release(slot);
        }
    }
}

/// A tracked value.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tracked {
    id: KeyId,
    /// Its last row.
    slot: Slot,
    count: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// In the order in which they came to be tracked. The place of a value's id is its index here.
    tracked: Vec<Tracked>,
}

impl Frequent {
    /// Takes one from every count.
    fn decay(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        s.tracked.retain_mut(|t| {
            t.count -= 1;
            if t.count == 0 {
                self.last.expire(t.slot, cause, rows, out);
                rows.keys.vacate(t.id);
            }
            t.count > 0
        });
        for (place, t) in s.tracked.iter().enumerate() {
            rows.keys.put(t.id, place as u32);
        }
    }
}

impl Logic for Frequent {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, ts) in run.rows() {
            let id = rows.keys.of(slot);
            if let Some(place) = rows.keys.place(id) {
                let tracked = &mut s.tracked[place as usize];
                tracked.count += 1;
                self.last.replace(&mut tracked.slot, slot, run.cause, rows, out);
                run.pass(slot, ts, out);
                continue;
            }
            if s.tracked.len() == self.n {
                self.decay(s, run.cause, rows, out);
            }
            if s.tracked.len() == self.n {
                rows.store.release(slot);
                continue;
            }
            rows.keys.put(id, s.tracked.len() as u32);
            run.pass(slot, ts, out);
            s.tracked.push(Tracked { id, slot: self.last.keep(slot, rows), count: 1 });
        }
    }

    fn key_columns(&self) -> &[usize] {
        &self.columns
    }
}
