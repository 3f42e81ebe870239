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

mod about;
mod args;
mod held;
mod keyed;
mod sub_keys;
#[cfg(test)]
pub(crate) mod tests;

pub mod batch;
pub mod cron;
pub mod delay;
pub mod expression;
pub mod expression_batch;
pub mod external_time;
pub mod external_time_batch;
pub mod frequent;
pub mod hopping;
pub mod length;
pub mod length_batch;
pub mod lossy_frequent;
pub mod session;
pub mod sort;
pub mod time;
pub mod time_batch;
pub mod time_length;
pub mod unique;

pub use about::{About, duration};
pub use held::{HeldCondition, Running, RunningCall, RunningSpec};

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
    /// A constant text read as a condition over the rows held.
    Condition(Box<HeldCondition>),
    /// An attribute whose text is such a condition, compiled when it comes.
    Conditions {
        /// The attribute.
        index: usize,
        /// All columns of the input: any of them may be in the text.
        columns: Vec<usize>,
        /// From text to condition.
        compile: CompileCondition,
        /// Where.
        span: Span,
    },
}

/// Reads a text as a condition over held rows of a schema; findings point at the span.
pub type CompileCondition =
    fn(&str, &SchemaRef, Span) -> std::result::Result<HeldCondition, Vec<Diagnostic>>;

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
    /// Whether the other side of a join searches it: it then says which rows can be found, where
    /// these are others than those it has emitted as current and not yet as expired ([`Mark`]).
    pub searched: bool,
}

/// What of its input a window looks at beside its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Nothing.
    Arguments,
    /// The attributes named in its first argument, a text that is a condition.
    Condition,
    /// All attributes if no argument is an attribute; the plan then adds them to the arguments.
    Attributes,
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
    /// Whether aggregates take back the rows that leave, so that the window must let them out (else
    /// they start afresh with every batch).
    pub sliding: bool,
    /// Whether all rows pass at once as they are, so that it can be left out if nobody wants the
    /// rows that leave.
    pub passes: bool,
    /// What it looks at.
    pub reads: Reads,
    /// Whether a join can search it.
    pub findable: bool,
    /// What it holds and when its timer fires, for `explain`; whether rows that leave are wanted.
    pub about: fn(&[WindowArg], bool) -> About,
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
    /// Emitted rows that don't do to the rows that can be found what their kind says; sorted by row.
    pub marks: Vec<(u32, Mark)>,
}

/// What an emitted row does instead to the rows a join finds in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It can be found from now on, and nothing leaves.
    Enters,
    /// It can't be found any longer, and nothing leaves.
    Vanishes,
    /// It leaves as it is, and can't be found any longer.
    Released,
    /// It leaves as it is, and could and can not be found.
    Passes,
}

impl WindowOutput {
    /// Emits a row into the open chunk.
    #[inline]
    pub fn push(&mut self, slot: Slot, ts: i64, at: i64, order: u64, kind: Kind, key: KeyId) {
        self.slots.push(slot);
        self.rows.push(ts, at, order, kind, key);
    }

    /// Marks the row pushed last.
    fn mark(&mut self, mark: Mark) {
        self.marks.push((self.slots.len() as u32 - 1, mark));
    }
}

/// How rows leave a window in which that is all there is to know: each leaves alone, in the order in
/// which they came, just before a row enters or when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eviction {
    /// Rows held at most (at least 1).
    pub rows: Option<u32>,
    /// A row leaves when the clock reaches its event time plus this, ms.
    pub age: Option<i64>,
}

/// A window cut into batches by an attribute: the first row at or behind the end of the open batch
/// lets it out and opens the next; rows whose value is null are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tumbling {
    /// The attribute, a long.
    pub column: usize,
    /// Length of a batch, at least 1.
    pub length: i64,
    /// Where the grid begins; none = at the first row's value.
    pub start: Option<i64>,
}

impl Tumbling {
    /// The end of the batch that holds `v`, on a grid that begins at `start`.
    pub fn end_of(&self, v: i64, start: i64) -> i64 {
        let into = v.wrapping_sub(start) % self.length;
        v.saturating_add(self.length.saturating_sub(into))
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

    /// How rows leave it, if [`Eviction`] says it all: whoever wants no row that leaves may then keep
    /// what is needed itself and leave the window out.
    fn eviction(&self) -> Option<Eviction> {
        None
    }

    /// How it is cut, if [`Tumbling`] says it all: whoever wants but the last rows of batches may then
    /// keep those itself and leave the window out.
    fn tumbling(&self) -> Option<Tumbling> {
        None
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
