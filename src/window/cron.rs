//! `cron(expression)`: batches between the points in time of a cron expression.

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Cause, Keyed, List, Logic, Rows};
use super::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::time::Cron;

/// `cron(expression string)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "cron",
    signature: "cron(cron.expression string)",
    doc: "Tumbling window between the points in time (of the clock, in UTC) that `cron.expression` \
          names, in Quartz's form: second, minute, hour, day of month, month, day of week and \
          perhaps year, e.g. '*/5 * * * * ?'. At each point the rows since the point before enter, \
          after the rows of the last batch have expired, all in one chunk; if there are none, nothing \
          happens. The aggregates don't start afresh: they take back the batch before.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.cron('0 * * * * ?') select symbol, sum(price) as total \
              group by symbol insert into Out;",
    sliding: true,
    passes: false,
    reads: Reads::Arguments,
    findable: false,
    about: |_, expired| {
        let before = if expired { " and of the one before" } else { "" };
        let holds = format!("the rows of the open batch{before}, however many");
        About { holds, timer: Some("at the points in time it names") }
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

fn parse(args: &[WindowArg], span: Span) -> Result<Cron, Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 1, 1)?;
    let text = args.text(0, "cron.expression")?;
    text.parse().map_err(|e| args.invalid(0, "cron.expression", format!("is not valid: {e}")))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let cron = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(CronWindow { cron, expired: context.expired }, context)?))
}

struct CronWindow {
    cron: Cron,
    expired: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// Rows since the last point.
    open: List,
    /// The last batch.
    sent: List,
}

impl Logic for CronWindow {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, _: &mut WindowOutput) {
        if s.open.is_empty() {
            let Some(due) = self.cron.next_after(run.cause.at) else {
                // The expression's last year is over: nothing will ever leave.
                run.rows().for_each(|(slot, _)| rows.store.release(slot));
                return;
            };
            rows.arm(due, run.cause);
        }
        for (slot, _) in run.rows() {
            rows.push_back(&mut s.open, slot);
        }
    }

    fn fire(&self, s: &mut State, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
        rows.expire(&mut s.sent, cause.at, cause, out);
        rows.emit(s.open, cause, out);
        if self.expired {
            s.sent = std::mem::take(&mut s.open);
        } else {
            rows.drop_all(&mut s.open);
        }
    }
}
