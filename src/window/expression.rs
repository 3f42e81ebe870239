//! `expression(condition)`: the youngest rows for which a condition holds.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::held::{At, ConditionId, Conditions, NO_CONDITION};
use super::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use super::{
    About, Mark, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};
use crate::error::{Diagnostic, Error, Result};
use crate::event::{Kind, Slot};
use crate::expr::types::AttrType;
use crate::state::{SnapshotReader, SnapshotWriter};

/// `expression(condition string)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "expression",
    signature: "expression(expression string)",
    doc: "Sliding window of the youngest rows for which `expression`, a condition given as text, \
          holds. In it stand attributes (of the row that enters or, once rows leave, of the one that \
          left last), `first.x` and `last.x` (of the oldest and the youngest row), \
          `eventTimestamp(first)`, `eventTimestamp(last)` and aggregates of all rows held. When a row \
          enters and the condition doesn't hold, the oldest rows leave just before it until it does, \
          the row itself last. The text may be an attribute: whenever it changes, the rows held are \
          tested anew, oldest first; a row whose text is no condition is dropped.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.expression('count() <= 20 and last.price - first.price < 10.0') \
              select symbol, avg(price) as mean insert into Out;",
    sliding: true,
    passes: false,
    reads: Reads::Condition,
    findable: true,
    about: |_, _| About {
        holds: "the youngest rows for which the condition holds".into(),
        timer: None,
    },
    check: |args, span| {
        let args = Args::new(SPEC.signature, args, span, 1, 1)?;
        condition(&args)
    },
    create,
};

/// The first argument: a text or an attribute with one.
pub(super) fn condition(args: &Args<'_>) -> Result<(), Diagnostic> {
    match args.get(0) {
        Some(WindowArg::Condition(_) | WindowArg::Conditions { .. }) => Ok(()),
        Some(WindowArg::Column { .. }) => {
            args.column_of(0, "expression", &[AttrType::String]).map(drop)
        }
        _ => args.text(0, "expression").map(drop),
    }
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    (SPEC.check)(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    let conditions = Conditions::new(call.args.first(), &context.schema)?;
    let WindowContext { expired, searched, .. } = context;
    let passes = conditions.is_constant() && !expired;
    let conditions = RefCell::new(conditions);
    Ok(Box::new(Keyed::new(Expression { conditions, passes, expired, searched }, context)?))
}

struct Expression {
    conditions: RefCell<Conditions>,
    /// Whether nobody can tell it from no window.
    passes: bool,
    expired: bool,
    searched: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    held: List,
    condition: ConditionId,
}

impl Default for State {
    fn default() -> Self {
        Self { held: List::default(), condition: NO_CONDITION }
    }
}

impl Expression {
    /// A row comes in; returns whether it has left at once.
    fn enter(
        &self,
        s: &mut State,
        conditions: &mut Conditions,
        last: Slot,
        c: Cause,
        rows: &mut Rows,
        out: &mut WindowOutput,
    ) -> bool {
        let Cause { at: clock, order, key } = c;
        rows.push_back(&mut s.held, last);
        let first = s.held.first().unwrap_or(last);
        let at = At { row: last, first, last, clock, order, key };
        if conditions.step(s.condition, &rows.store, at, Kind::Current) {
            return false;
        }
        while let Some(row) = rows.pop_front(&mut s.held) {
            if self.expired {
                out.push(row, clock, clock, order, Kind::Expired, key);
            }
            rows.store.release(row);
            let at = At { row, first: s.held.first().unwrap_or(row), ..at };
            if conditions.step(s.condition, &rows.store, at, Kind::Expired) {
                return row == last;
            }
        }
        true
    }
}

impl Logic for Expression {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        let conditions = &mut *self.conditions.borrow_mut();
        for (slot, ts) in run.rows() {
            let Some(condition) = conditions.of_row(&rows.store, slot, s.condition) else {
                rows.store.release(slot);
                continue;
            };
            if condition != s.condition {
                conditions.turn(run.cause.key, s.condition, condition);
                s.condition = condition;
                let mut old = std::mem::take(&mut s.held);
                while let Some(row) = rows.pop_front(&mut old) {
                    self.enter(s, conditions, row, run.cause, rows, out);
                }
            }
            let left = self.enter(s, conditions, slot, run.cause, rows, out);
            if left && self.searched {
                out.mark(Mark::Passes);
            }
            run.pass(slot, ts, out);
            if left && self.searched {
                out.mark(Mark::Passes);
            }
        }
    }

    fn passes(&self) -> bool {
        self.passes
    }

    fn save(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.conditions.borrow().save(w)
    }

    fn load(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.conditions.get_mut().load(r)
    }
}
