//! `expressionBatch(condition [, include.triggering.event [, stream.current.event]])`: batches for which
//! a condition holds.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::expression::condition;
use super::held::{At, ConditionId, Conditions, NO_CONDITION};
use super::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use super::{
    About, Mark, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec,
};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::{Kind, Slot, StoreColumn};
use crate::expr::types::AttrType;
use crate::state::{SnapshotReader, SnapshotWriter};

/// `expressionBatch(condition string [, include.triggering.event bool [, stream.current.event bool]])`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "expressionBatch",
    signature: "expressionBatch(expression string [, include.triggering.event bool = false \
                [, stream.current.event bool = false]])",
    doc: "Batches of rows for which `expression`, a condition given as text (see `expression`), holds. \
          The first row with which it doesn't hold ends the batch: the rows of the batch before \
          expire and the batch enters, as one chunk, with the clock as event time; the row opens the \
          next batch, or ends this one if `include.triggering.event` (a constant or an attribute) is \
          true. A row that doesn't fulfil the condition even alone leaves and enters at once. With \
          `stream.current.event`, rows enter at once and leave when their batch ends. The aggregates \
          of the query don't start afresh: they take back the batch before. The text may be an \
          attribute: whenever it changes, the rows of the open batch are tested anew, oldest first; a \
          row whose text is no condition is dropped.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.expressionBatch('last.symbol == first.symbol') \
              select symbol, sum(price) as total insert into Out;",
    sliding: true,
    passes: false,
    reads: Reads::Condition,
    findable: true,
    about: |_, expired| {
        let before = if expired { " and of the one before" } else { "" };
        About { holds: format!("the rows of the open batch{before}"), timer: None }
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

/// Whether the row that ends a batch belongs to it.
#[derive(Debug, Clone, Copy)]
enum Include {
    Always(bool),
    /// If this bool column says so.
    Column(usize),
}

fn parse(args: &[WindowArg], span: Span) -> Result<(Include, bool), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 1, 3)?;
    condition(&args)?;
    let include = match args.get(1) {
        None => Include::Always(false),
        Some(WindowArg::Column { .. }) => {
            let name = "include.triggering.event";
            Include::Column(args.column_of(1, name, &[AttrType::Bool])?.0)
        }
        Some(_) => Include::Always(args.flag(1, "include.triggering.event")?),
    };
    Ok((include, args.len() > 2 && args.flag(2, "stream.current.event")?))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (include, stream) = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    let conditions = RefCell::new(Conditions::new(call.args.first(), &context.schema)?);
    let WindowContext { expired, searched, .. } = context;
    let logic = ExpressionBatch { conditions, include, stream, expired, searched };
    Ok(Box::new(Keyed::new(logic, context)?))
}

struct ExpressionBatch {
    conditions: RefCell<Conditions>,
    include: Include,
    stream: bool,
    expired: bool,
    searched: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    /// The open batch: rows to enter or, if they enter at once, to leave with its end.
    open: List,
    /// The last batch (empty if rows enter at once).
    sent: List,
    condition: ConditionId,
}

impl Default for State {
    fn default() -> Self {
        Self { open: List::default(), sent: List::default(), condition: NO_CONDITION }
    }
}

/// What happens with a row beside the end of the batch it may bring.
enum Fate {
    /// It is in the open batch.
    Stays,
    /// It ended a batch and belongs to it.
    Included,
    /// The condition doesn't hold even for it alone.
    Alone,
}

impl ExpressionBatch {
    fn includes(&self, rows: &Rows, slot: Slot) -> bool {
        match self.include {
            Include::Always(include) => include,
            Include::Column(c) => match rows.store.column(c) {
                StoreColumn::Bool { values, valid } => {
                    valid[slot as usize] && values[slot as usize]
                }
                _ => false,
            },
        }
    }

    /// Adds a row to the open batch; `end` is called with the batch if the row ends it.
    fn add(
        &self,
        s: &mut State,
        conditions: &mut Conditions,
        (slot, c): (Slot, Cause),
        rows: &mut Rows,
        end: impl FnOnce(&mut State, &mut Rows, bool),
    ) -> Fate {
        let first = s.open.first().unwrap_or(slot);
        let at = At { row: slot, first, last: slot, clock: c.at, order: c.order, key: c.key };
        if conditions.step(s.condition, &rows.store, at, Kind::Current) {
            rows.push_back(&mut s.open, slot);
            return Fate::Stays;
        }
        conditions.forget(s.condition, c.key);
        let alone = s.open.is_empty();
        let included = !alone && self.includes(rows, slot);
        end(s, rows, included);
        if alone {
            return Fate::Alone;
        }
        if included {
            return Fate::Included;
        }
        conditions.step(s.condition, &rows.store, At { first: slot, ..at }, Kind::Current);
        rows.push_back(&mut s.open, slot);
        Fate::Stays
    }

    /// Lets a row leave and enter at once.
    fn alone(&self, slot: Slot, c: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        for kind in [Kind::Expired, Kind::Current] {
            if kind == Kind::Current || self.expired {
                out.push(slot, c.at, c.at, c.order, kind, c.key);
                if self.searched {
                    out.mark(Mark::Passes);
                }
            }
        }
        rows.store.release(slot);
    }

    /// Gives up the rows of a list, aloud if anybody listens.
    fn expire(&self, list: &mut List, c: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if self.expired {
            rows.expire(list, c.at, c, out);
        } else {
            rows.drop_all(list);
        }
    }

    /// A row comes into a window that lets batches out when they are complete.
    fn collect(
        &self,
        s: &mut State,
        conditions: &mut Conditions,
        (slot, c): (Slot, Cause),
        rows: &mut Rows,
        out: &mut WindowOutput,
    ) {
        let fate = self.add(s, conditions, (slot, c), rows, |s, rows, included| {
            self.expire(&mut s.sent, c, rows, out);
            for row in rows.iter(s.open) {
                out.push(row, c.at, c.at, c.order, Kind::Current, c.key);
            }
            if included {
                let ts = rows.store.ts(slot);
                out.push(slot, ts, c.at, c.order, Kind::Current, c.key);
                rows.push_back(&mut s.open, slot);
            }
            s.sent = std::mem::take(&mut s.open);
            if !self.expired {
                rows.drop_all(&mut s.sent);
            }
        });
        if matches!(fate, Fate::Alone) {
            self.alone(slot, c, rows, out);
        }
        out.rows.end_chunk();
    }

    /// A row comes into a window that lets rows in at once.
    fn pass(
        &self,
        s: &mut State,
        conditions: &mut Conditions,
        (slot, c): (Slot, Cause),
        rows: &mut Rows,
        out: &mut WindowOutput,
    ) {
        let ts = rows.store.ts(slot);
        let fate = self.add(s, conditions, (slot, c), rows, |s, rows, included| {
            if included {
                out.push(slot, ts, c.at, c.order, Kind::Current, c.key);
                rows.push_back(&mut s.open, slot);
            }
            self.expire(&mut s.open, c, rows, out);
        });
        match fate {
            Fate::Stays => out.push(slot, ts, c.at, c.order, Kind::Current, c.key),
            Fate::Included => {}
            Fate::Alone => self.alone(slot, c, rows, out),
        }
        out.rows.end_chunk();
    }

    /// The condition has changed: tests the open batch anew.
    fn retest(
        &self,
        s: &mut State,
        conditions: &mut Conditions,
        c: Cause,
        rows: &mut Rows,
        out: &mut WindowOutput,
    ) {
        let mut old = std::mem::take(&mut s.open);
        while let Some(row) = rows.pop_front(&mut old) {
            if !self.stream {
                self.collect(s, conditions, (row, c), rows, out);
                continue;
            }
            // These rows have entered already: all they can do is leave.
            let fate = self.add(s, conditions, (row, c), rows, |s, rows, included| {
                self.expire(&mut s.open, c, rows, out);
                if included {
                    self.leave(row, c, rows, out);
                }
            });
            if matches!(fate, Fate::Alone) {
                self.leave(row, c, rows, out);
            }
        }
    }

    /// A row that had entered leaves with its own event time.
    fn leave(&self, slot: Slot, c: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        if self.expired {
            out.push(slot, rows.store.ts(slot), c.at, c.order, Kind::Expired, c.key);
        }
        rows.store.release(slot);
    }
}

impl Logic for ExpressionBatch {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        let conditions = &mut *self.conditions.borrow_mut();
        let c = run.cause;
        for (slot, _) in run.rows() {
            let Some(condition) = conditions.of_row(&rows.store, slot, s.condition) else {
                rows.store.release(slot);
                continue;
            };
            if condition != s.condition {
                conditions.turn(c.key, s.condition, condition);
                s.condition = condition;
                self.retest(s, conditions, c, rows, out);
            }
            if self.stream {
                self.pass(s, conditions, (slot, c), rows, out);
            } else {
                self.collect(s, conditions, (slot, c), rows, out);
            }
        }
    }

    fn save(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.conditions.borrow().save(w)
    }

    fn load(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.conditions.get_mut().load(r)
    }
}
