//! `lossyFrequent(support [, error] [, attribute …])`: the rows of values with a share of at least
//! `support`, by lossy counting (Manku and Motwani).
//!
//! Rows are counted in buckets of 1/error rows; at the end of each, values too rare to matter are
//! forgotten. So at most about log(error · N) / error values are tracked after N rows, and a row costs
//! constant time on average.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::frequent::{LastRows, attributes, or_all};
use super::keyed::{Arrival, Cause, Keyed, Logic, Rows};
use super::{
    About, Mark, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::{KeyId, NO_SLOT, Slot};

/// `lossyFrequent(support double [, error double] [, attribute …])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "lossyFrequent",
    signature: "lossyFrequent(support.threshold double [, error.bound double = support.threshold / 10 \
                [, attribute any] ...])",
    doc: "Passes the rows of values whose share of all rows is at least `support.threshold`, give or \
          take `error.bound` (both from 0 to 1), by lossy counting. A value is that of the attributes \
          (of all attributes, if none is given). A row enters if its value's count is at least \
          (`support.threshold` - `error.bound`) times the number of rows so far, else it is dropped. \
          After every 1 / `error.bound` rows (rounded up) the values are forgotten whose count no \
          longer matters, and the last row of each leaves, oldest value first.",
    example: "define stream Purchases (card string, price double);\n\
              from Purchases[price >= 5.0]#window.lossyFrequent(0.3, 0.05, card) select card, price \
              insert into Frequent;",
    sliding: true,
    passes: false,
    reads: Reads::Attributes,
    findable: true,
    about: |_, _| About {
        holds: "the last row of each value that may be frequent".into(),
        timer: None,
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

/// Support, error, columns.
fn parse(args: &[WindowArg], span: Span) -> Result<(f64, f64, Vec<usize>), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 1, usize::MAX)?;
    let support = args.share(0, "support.threshold", false)?;
    if let Some(WindowArg::Column { .. }) | None = args.get(1) {
        if support == 0.0 {
            let found = "must be more than 0 where `error.bound` is left out, found 0";
            return Err(args.invalid(0, "support.threshold", found));
        }
        return Ok((support, support / 10.0, attributes(&args, 1)?));
    }
    let error = args.share(1, "error.bound", true)?;
    Ok((support, error, attributes(&args, 2)?))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (support, error, columns) =
        parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    let columns = or_all(columns, &context);
    let last = LastRows { expired: context.expired, searched: context.searched };
    // 1 is the largest error, and a width of 2^53 is never filled: both conversions are exact.
    let width = (1.0 / error).ceil().min(9e15) as u64;
    let logic = LossyFrequent { least: support - error, width, columns, last };
    Ok(Box::new(Keyed::new(logic, context)?))
}

struct LossyFrequent {
    /// The least share of rows that enter.
    least: f64,
    /// Rows of a bucket.
    width: u64,
    columns: Vec<usize>,
    last: LastRows,
}

/// A value.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Seen {
    id: KeyId,
    /// Its last row.
    slot: Slot,
    count: u64,
    /// Most rows it may have had before it was seen (again).
    missed: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// In the order in which they were seen (again). The place of a value's id is its index here.
    seen: Vec<Seen>,
    total: u64,
}

impl LossyFrequent {
    /// Forgets the values that can't be frequent, at the end of bucket `bucket`.
    fn prune(
        &self,
        s: &mut State,
        bucket: u64,
        cause: Cause,
        rows: &mut Rows,
        out: &mut WindowOutput,
    ) {
        s.seen.retain(|v| {
            let stays = v.count + v.missed > bucket;
            if !stays {
                self.last.expire(v.slot, cause, rows, out);
                rows.keys.vacate(v.id);
            }
            stays
        });
        for (place, v) in s.seen.iter().enumerate() {
            rows.keys.put(v.id, place as u32);
        }
    }
}

impl Logic for LossyFrequent {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        for (slot, ts) in run.rows() {
            s.total += 1;
            let bucket = s.total.div_ceil(self.width);
            let id = rows.keys.of(slot);
            let place = rows.keys.place(id).unwrap_or_else(|| {
                let place = s.seen.len() as u32;
                rows.keys.put(id, place);
                s.seen.push(Seen { id, slot: NO_SLOT, count: 0, missed: bucket - 1 });
                place
            });
            let value = &mut s.seen[place as usize];
            value.count += 1;
            let enters = value.count as f64 >= self.least * s.total as f64;
            self.last.replace(&mut value.slot, slot, run.cause, rows, out);
            if enters || self.last.searched {
                run.pass(slot, ts, out);
            }
            if !enters && self.last.searched {
                out.mark(Mark::Enters);
            }
            if s.total.is_multiple_of(self.width) {
                self.prune(s, bucket, run.cause, rows, out);
            }
        }
    }

    fn key_columns(&self) -> &[usize] {
        &self.columns
    }
}
