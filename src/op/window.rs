//! A window as an operator: one input port, rows in, rows that enter and leave out.

use arrow::datatypes::SchemaRef;

use super::{Operator, Output};
use crate::error::Result;
use crate::event::EventBatch;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;
use crate::window::{Window, WindowCall, WindowContext, WindowOutput};

/// Drives a window over whole batches and gathers what it emits.
pub struct WindowOp {
    window: Box<dyn Window>,
    schema: SchemaRef,
    keyed: bool,
}

impl WindowOp {
    /// The operator of a window call over rows of `schema`. `expired`: whether anybody wants the rows
    /// that leave; `keyed`: whether rows carry partition keys.
    pub fn new(call: &WindowCall, schema: SchemaRef, expired: bool, keyed: bool) -> Result<Self> {
        let context = WindowContext { schema: schema.clone(), expired, keyed, searched: false };
        Ok(Self { window: (call.spec.create)(call, context)?, schema, keyed })
    }

    /// The batch of what the window emitted.
    fn gather(&mut self, emitted: WindowOutput, out: &mut Output) -> Result<()> {
        if !emitted.rows.is_empty() {
            let columns = self.window.store().gather_all(&emitted.slots);
            let batch = emitted.rows.finish(self.schema.clone(), columns, self.keyed)?;
            debug_assert!(in_order(&batch), "a window emits in the order of causes");
            out.push(batch);
        }
        self.window.reclaim();
        Ok(())
    }
}

fn in_order(batch: &EventBatch) -> bool {
    let (order, at): (&[u64], &[i64]) = (&batch.order, &batch.at);
    (1..batch.rows()).all(|i| (order[i - 1], at[i - 1]) <= (order[i], at[i]))
}

impl Operator for WindowOp {
    fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        let input = inputs.first_mut().and_then(Option::take);
        if self.window.passes() {
            if let Some(batch) = input {
                out.push(batch);
            }
            return Ok(());
        }
        let mut emitted = WindowOutput::default();
        let mut last = 0;
        if let Some(batch) = input {
            // Only named windows send expired rows and resets, and nothing behind them has a window.
            debug_assert!(batch.resets.is_empty());
            last = batch.order.last().copied().unwrap_or(0);
            self.window.process(step, &batch, 0..batch.rows(), &mut emitted)?;
        }
        self.window.advance(step, step.timeline.end(), last, &mut emitted)?;
        self.gather(emitted, out)
    }

    fn next_timer(&self) -> Option<i64> {
        self.window.next_timer()
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.window.snapshot(w)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.window.restore(r)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Span;
    use crate::event::{Kind, RowStore, Value};
    use crate::expr::types::{AttrType, schema_of};
    use crate::time::Timeline;
    use crate::window::{WindowArg, WindowSpec, length, time};
    use arrow::array::AsArray;

    fn op(spec: &'static WindowSpec, n: i32, expired: bool) -> WindowOp {
        let (span, ty) = (Span::default(), AttrType::Int);
        let args = vec![WindowArg::Const { value: Value::Int(n), ty, span }];
        let schema = schema_of([("name", AttrType::String)]);
        WindowOp::new(&WindowCall { spec, args, span }, schema, expired, false).unwrap()
    }

    /// Rows with `(clock, name)`, one event each, and the timeline they make.
    fn input(first: u64, rows: &[(i64, &str)], end: i64) -> (EventBatch, Timeline) {
        let mut store = RowStore::new(schema_of([("name", AttrType::String)])).unwrap();
        let slots: Vec<_> =
            rows.iter().map(|(at, name)| store.insert_values(&[(*name).into()], *at)).collect();
        let columns = store.gather_all(&slots);
        let columns = arrow::array::RecordBatch::try_new(store.schema().clone(), columns).unwrap();
        let at: Vec<i64> = rows.iter().map(|r| r.0).collect();
        let order: Vec<u64> = (0..rows.len() as u64).map(|i| first + 2 * i).collect();
        let mut timeline = Timeline::new(first - 1, rows.first().map_or(end, |r| r.0));
        order.iter().zip(&at).for_each(|(order, at)| timeline.push(*order, *at));
        timeline.advance(end);
        (EventBatch::new(columns, at.clone().into(), at.into(), order.into()), timeline)
    }

    fn run(op: &mut WindowOp, batch: Option<EventBatch>, timeline: &Timeline) -> Vec<String> {
        let mut out = Output::default();
        op.process(&Step { timeline }, &mut [batch], &mut out).unwrap();
        let mut rows = vec![];
        for batch in out.take() {
            let names = batch.columns.column(0).as_string_view();
            for i in 0..batch.rows() {
                let kind = if batch.kind(i) == Kind::Current { "C" } else { "E" };
                rows.push(format!("{kind} {} #{}", names.value(i), batch.order[i]));
            }
        }
        rows
    }

    #[test]
    fn timers_fire_between_rows_and_at_the_end_of_a_step_without_rows() {
        let mut op = op(&time::SPEC, 10, true);
        let (batch, timeline) = input(1, &[(100, "a"), (105, "b"), (112, "c")], 112);
        assert_eq!(run(&mut op, Some(batch), &timeline), ["C a #1", "C b #3", "E a #4", "C c #5"]);
        assert_eq!(op.next_timer(), Some(115));

        assert!(run(&mut op, None, &Timeline::new(6, 114)).is_empty());
        assert_eq!(run(&mut op, None, &Timeline::new(6, 115)), ["E b #6"]);

        let mut w = SnapshotWriter::new();
        op.snapshot(&mut w).unwrap();
        let bytes = w.finish();
        let mut fresh = self::op(&time::SPEC, 10, true);
        fresh.restore(&mut SnapshotReader::new(&bytes)).unwrap();
        assert_eq!(fresh.next_timer(), Some(122));
        assert_eq!(run(&mut fresh, None, &Timeline::new(6, 999)), ["E c #6"]);
        assert_eq!(fresh.next_timer(), None);
    }

    #[test]
    fn a_sliding_window_nobody_watches_holds_nothing() {
        let mut op = op(&length::SPEC, 1, false);
        let (batch, timeline) = input(1, &[(1, "a"), (2, "b")], 2);
        assert_eq!(run(&mut op, Some(batch), &timeline), ["C a #1", "C b #3"]);
        assert_eq!((op.window.store().bound(), op.next_timer()), (0, None));
    }

    #[test]
    fn a_damaged_snapshot_is_an_error() {
        let mut w = SnapshotWriter::new();
        op(&time::SPEC, 10, true).snapshot(&mut w).unwrap();
        let bytes = w.finish();
        let mut cut = SnapshotReader::new(&bytes[..bytes.len() - 1]);
        assert!(op(&time::SPEC, 10, true).restore(&mut cut).is_err());
    }
}
