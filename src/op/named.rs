//! Named windows: the window between the entrance and the exit, and what readers see of the exit.
//!
//! Each chunk the window emits is one of the exit. Resets stay inside: readers never see one. Where
//! joins search the window, the last column of the exit tells which row of the window each row is, and
//! how joins find it.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, UInt64Array};
use arrow::datatypes::{SchemaRef, UInt64Type};

use super::{Operator, Output};
use crate::error::Result;
use crate::event::{EventBatch, Kind, Slot};
use crate::lang::ast::EventType;
use crate::plan::NamedWindow;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;
use crate::window::{Mark, Window, WindowContext, WindowOutput};

/// Drives the window of a named window.
pub struct NamedWindowOp {
    window: Box<dyn Window>,
    searched: bool,
    output: SchemaRef,
}

impl NamedWindowOp {
    /// The operator of a named window.
    pub fn new(w: &NamedWindow) -> Result<Self> {
        let context = WindowContext {
            schema: w.schema.clone(),
            expired: w.expired(),
            keyed: false,
            searched: w.searched,
        };
        let window = (w.call.spec.create)(&w.call, context)?;
        Ok(Self { window, searched: w.searched, output: w.emitted() })
    }

    /// The batch of what the window emitted.
    fn gather(&mut self, emitted: WindowOutput) -> Result<EventBatch> {
        let mut columns = self.window.store().gather_all(&emitted.slots);
        if self.searched {
            columns.push(held(&emitted.slots, &emitted.marks));
        }
        let mut batch = emitted.rows.finish(self.output.clone(), columns, false)?;
        batch.resets.clear();
        Ok(batch)
    }
}

impl Operator for NamedWindowOp {
    fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        let mut emitted = WindowOutput::default();
        let mut last = 0;
        if let Some(batch) = inputs.first_mut().and_then(Option::take) {
            last = batch.order.last().copied().unwrap_or(0);
            self.window.process(step, &batch, 0..batch.rows(), &mut emitted)?;
        }
        self.window.advance(step, step.timeline.end(), last, &mut emitted)?;
        if !emitted.rows.is_empty() {
            out.push(self.gather(emitted)?);
        }
        self.window.reclaim();
        Ok(())
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

/// Slot and mark of each row in a column: the mark above the slot's 32 bits.
fn held(slots: &[Slot], marks: &[(u32, Mark)]) -> ArrayRef {
    let mut values: Vec<u64> = slots.iter().map(|s| u64::from(*s)).collect();
    for (row, mark) in marks {
        let code: u64 = match mark {
            Mark::Enters => 1,
            Mark::Vanishes => 2,
            Mark::Released => 3,
            Mark::Passes => 4,
        };
        values[*row as usize] |= code << 32;
    }
    Arc::new(UInt64Array::from(values))
}

/// The slot of a row in the window, and its mark.
pub(super) fn read_held(value: u64) -> (Slot, Option<Mark>) {
    let mark = match value >> 32 {
        1 => Some(Mark::Enters),
        2 => Some(Mark::Vanishes),
        3 => Some(Mark::Released),
        4 => Some(Mark::Passes),
        _ => None,
    };
    (value as Slot, mark)
}

/// What readers get of a named window's exit: rows of the kinds it puts out, attributes only.
pub fn emitted(w: &NamedWindow, events: EventType, batch: EventBatch) -> Result<EventBatch> {
    let kind = |row: usize| match events {
        EventType::All => true,
        EventType::Current => batch.kind(row) == Kind::Current,
        EventType::Expired => batch.kind(row) == Kind::Expired,
    };
    let width = w.schema.fields().len();
    let Some(held) = batch.columns.columns().get(width) else {
        if events == EventType::All || (events == EventType::Current && batch.kinds.is_none()) {
            return Ok(batch);
        }
        return batch.filter(&(0..batch.rows()).map(|r| Some(kind(r))).collect::<BooleanArray>());
    };
    let held = held.as_primitive::<UInt64Type>();
    // A row that only can or can't be found from now on is none that comes or goes.
    let moves =
        |row: usize| !matches!(read_held(held.value(row)).1, Some(Mark::Enters | Mark::Vanishes));
    let keep: BooleanArray = (0..batch.rows()).map(|r| Some(kind(r) && moves(r))).collect();
    let kept = batch.filter(&keep)?;
    let columns = kept.columns.columns()[..width].to_vec();
    kept.with_columns(w.schema.clone(), columns)
}

/// The rows that enter.
pub fn currents(batch: EventBatch) -> Result<EventBatch> {
    let Some(kinds) = &batch.kinds else { return Ok(batch) };
    let keep: BooleanArray = kinds.iter().map(|k| Some(*k == Kind::Current)).collect();
    Ok(EventBatch { kinds: None, ..batch.filter(&keep)? })
}
