//! `externalTime(attribute, t)`: the rows of the last t ms by an attribute.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Keyed, List, Logic, Rows};
use super::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::{Kind, Slot};

/// `externalTime(timestamp long, t int|long|time)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "externalTime",
    signature: "externalTime(timestamp long attribute, window.time int|long|time)",
    doc: "Sliding window of the rows of the last `window.time` ms by the attribute `timestamp`; the \
          clock plays no part. Just before a row of value v enters, the oldest rows leave while their \
          value is at most v - `window.time`. Values should not decrease: a row that stays holds back \
          those behind it. A row whose value is null is dropped.",
    example: "define stream S (ts long, price double);\n\
              from S#window.externalTime(ts, 5 sec) select avg(price) as mean insert into Out;",
    sliding: true,
    passes: true,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!(
            "the rows of the last {} by that attribute, however many",
            About::time(args, 1)
        ),
        timer: None,
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<(usize, i64), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 2, 2)?;
    Ok((args.long_column(0, "timestamp")?, args.time(1, "window.time", 0)?))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (column, t) = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(ExternalTime { column, t, expired: context.expired }, context)?))
}

/// The value of a long column in a held row.
#[inline]
pub(super) fn value(rows: &Rows, column: usize, slot: Slot) -> Option<i64> {
    let (values, valid) = rows.store.longs(column)?;
    valid[slot as usize].then(|| values[slot as usize])
}

struct ExternalTime {
    column: usize,
    t: i64,
    expired: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    held: List,
}

impl Logic for ExternalTime {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        let c = run.cause;
        for (slot, ts) in run.rows() {
            let Some(now) = value(rows, self.column, slot) else {
                rows.store.release(slot);
                continue;
            };
            while let Some(oldest) = s.held.first() {
                let leaves = value(rows, self.column, oldest).map(|v| v.saturating_add(self.t));
                if leaves.is_some_and(|leaves| leaves > now) {
                    break;
                }
                rows.pop_front(&mut s.held);
                out.push(oldest, now, c.at, c.order, Kind::Expired, c.key);
                rows.store.release(oldest);
            }
            run.pass(slot, ts, out);
            if self.expired {
                rows.push_back(&mut s.held, slot);
            } else {
                rows.store.release(slot);
            }
        }
    }
}
