//! Windows: each turns the rows that enter into rows that enter now and rows that leave later.
//!
//! One file per kind, each exporting one `SPEC`. A window keeps its rows in a [`RowStore`] and emits
//! slots; whoever drives it (`op::window`, `op::join`) gathers the columns it needs and then calls
//! [`Window::reclaim`].
//!
//! Invariants: rows are emitted in `(order, at)` order; timers due at `d` fire before the first row
//! whose clock reaches `d`, with the clock at `d`; expired rows carry the original data and the time
//! of leaving; state is per partition key; a row is emitted as expired at most once and its slot is
//! released at once (readable until `reclaim`).

mod args;
mod keyed;
#[cfg(test)]
mod tests;

pub mod batch;
pub mod external_time;
pub mod external_time_batch;
pub mod length;
pub mod length_batch;
pub mod time;
pub mod time_batch;
pub mod time_length;

use crate::error::{Diagnostic, Result, Span};
use crate::event::{BatchBuilder, EventBatch, KeyId, Kind, RowStore, Slot, Value};
use crate::expr::TypedExpr;
use crate::expr::types::AttrType;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;
use arrow::datatypes::SchemaRef;
use std::ops::Range;

/// An argument of a window as written in the query, names and types resolved.
#[derive(Debug, Clone)]
pub enum WindowArg {
    /// A constant.
    Const {
        /// Its value.
        value: Value,
        /// Its type (time literals are long).
        ty: AttrType,
        /// Where.
        span: Span,
    },
    /// An attribute of the window's input.
    Column {
        /// Its index in the window's schema.
        index: usize,
        /// Its type.
        ty: AttrType,
        /// Where.
        span: Span,
    },
    /// Any other expression over the window's input.
    Expr(TypedExpr),
}

/// A window call with checked arguments: plain data, kept in the plan.
#[derive(Debug, Clone)]
pub struct WindowCall {
    /// Which window.
    pub spec: &'static WindowSpec,
    /// Its arguments.
    pub args: Vec<WindowArg>,
    /// The call in the text.
    pub span: Span,
}

/// What the plan knows of the place a window stands in.
#[derive(Debug, Clone)]
pub struct WindowContext {
    /// The rows it holds (already narrowed to the columns somebody needs).
    pub schema: SchemaRef,
    /// Whether anybody wants the expired rows (aggregates of sliding windows, `expired`/`all`
    /// output, joins). Batch windows skip their expired part otherwise.
    pub expired: bool,
    /// Whether it stands in a partition (rows carry keys).
    pub keyed: bool,
}

/// A kind of window.
pub struct WindowSpec {
    /// Name after `#window.`.
    pub name: &'static str,
    /// One-line signature, e.g. `time(t time|int|long)`.
    pub signature: &'static str,
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// A query that uses it, complete with the stream definition.
    pub example: &'static str,
    /// Whether rows leave one by one as others enter or time passes (else: in batches).
    pub sliding: bool,
    /// Whether a join can search it.
    pub findable: bool,
    /// Checks the arguments.
    pub check: fn(&[WindowArg], Span) -> Result<(), Diagnostic>,
    /// Makes the window; arguments passed `check`.
    pub create: fn(&WindowCall, WindowContext) -> Result<Box<dyn Window>>,
}

impl std::fmt::Debug for WindowSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WindowSpec({})", self.name)
    }
}

/// What a window emits: slots of its store with the hidden fields of the emitted rows.
#[derive(Debug, Default)]
pub struct WindowOutput {
    /// The row of each emitted row in the window's store.
    pub slots: Vec<Slot>,
    /// Hidden fields, chunk ends and resets.
    pub rows: BatchBuilder,
}

impl WindowOutput {
    /// Emits a row into the open chunk.
    #[inline]
    pub fn push(&mut self, slot: Slot, ts: i64, at: i64, order: u64, kind: Kind, key: KeyId) {
        self.slots.push(slot);
        self.rows.push(ts, at, order, kind, key);
    }
}

/// A window at work.
pub trait Window: Send {
    /// Takes rows `rows` of `batch` (all of kind current), whole chunks, firing its own timers due
    /// before each of them.
    fn process(
        &mut self,
        step: &Step<'_>,
        batch: &EventBatch,
        rows: Range<usize>,
        out: &mut WindowOutput,
    ) -> Result<()>;

    /// Fires all timers due at or before `clock`. `after` is the order of the last row seen by the
    /// caller (0 for none): timers sort behind it. Not to be called between two rows of one cause
    /// (equal order and clock): what they arm fires behind both.
    fn advance(
        &mut self,
        step: &Step<'_>,
        clock: i64,
        after: u64,
        out: &mut WindowOutput,
    ) -> Result<()>;

    /// When the next timer is due, ms.
    fn next_timer(&self) -> Option<i64>;

    /// Whether it lets every row through as it came and nothing else out, so that whoever drives it
    /// may leave it out (a sliding window whose expired rows nobody wants).
    fn passes(&self) -> bool {
        false
    }

    /// Where its rows are.
    fn store(&self) -> &RowStore;

    /// Makes released slots usable again; call when outputs have been gathered.
    fn reclaim(&mut self);

    /// Saves the state.
    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()>;

    /// Restores the state into a fresh window of the same call and context.
    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()>;
}
