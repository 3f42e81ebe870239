//! The plan of one query as plain data: what `op` builds its operators from.

use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::aggregate::AggregateSpec;
use crate::error::Span;
use crate::expr::TypedExpr;
use crate::expr::types::{AttrType, arrow_type};
use crate::lang::ast::{EventType, JoinKind};
use crate::window::WindowCall;

/// One element of a handler chain.
#[derive(Debug, Clone)]
pub enum HandlerSpec {
    /// Keeps rows for which the expression (over the rows as they are here) is true.
    Filter(TypedExpr),
    /// Appends columns computed by a stream function (`#pol2Cart`), each an expression over the rows.
    Append {
        /// The function as written.
        name: String,
        /// Appended columns.
        columns: Vec<TypedExpr>,
        /// Schema after appending.
        schema: SchemaRef,
    },
    /// Keeps only these columns (narrowing before a window).
    Project {
        /// Columns kept, in order.
        columns: Vec<usize>,
        /// Schema after narrowing.
        schema: SchemaRef,
    },
    /// Writes events to the log sink.
    Log(LogSpec),
    /// A window.
    Window {
        /// The call.
        call: WindowCall,
        /// The rows it holds (same as its input).
        schema: SchemaRef,
        /// Whether expired rows are wanted.
        expired: bool,
    },
}

/// `#log(…)`.
#[derive(Debug, Clone)]
pub struct LogSpec {
    /// Priority (`INFO` by default).
    pub priority: String,
    /// The message, an expression over the rows; none = no message.
    pub message: Option<TypedExpr>,
    /// Whether the event itself is printed.
    pub event: bool,
    /// `<app name>: `.
    pub prefix: String,
}

/// The selector of a query.
#[derive(Debug, Clone)]
pub struct SelectSpec {
    /// The rows it reads.
    pub input: SchemaRef,
    /// Aggregate calls, in order of first appearance; call `i` is column `input.fields().len() + i`
    /// for `items` and `having`.
    pub aggregates: Vec<AggregateCall>,
    /// Group-by keys over the input rows; empty = no `group by`.
    pub group_by: Vec<TypedExpr>,
    /// Output attributes, expressions over input columns followed by aggregate columns.
    pub items: Vec<TypedExpr>,
    /// `having`, over input columns followed by aggregate columns.
    pub having: Option<TypedExpr>,
    /// `order by`: output column and direction.
    pub order_by: Vec<OrderKey>,
    /// `limit`, rows per chunk.
    pub limit: Option<u64>,
    /// `offset`, rows per chunk.
    pub offset: Option<u64>,
    /// Which kinds of row leave.
    pub events: EventType,
    /// The rows that leave.
    pub output: SchemaRef,
    /// Whether rows carry partition keys.
    pub keyed: bool,
    /// Whether rows leave again (a window stands before), so that empty groups can be forgotten.
    pub windowed: bool,
    /// Whether rows come from a join, where not every row that enters need leave again by itself.
    pub joined: bool,
    /// Whether every kept row of a chunk leaves, whatever is aggregated and grouped, and resets with
    /// them (a snapshot is put together behind the selector).
    pub every: bool,
}

/// `output … every …`: which results leave, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateSpec {
    /// Which of them.
    pub keeps: RateKeeps,
    /// How often. Snapshots are taken by time only.
    pub every: Every,
    /// Whether each group counts by itself; the selector then appends the groups' values to its rows.
    pub grouped: bool,
    /// By output attribute: whether an aggregate is in it.
    pub aggregated: Vec<bool>,
}

/// How often a rate limit lets results out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// With each so many results, at least 1.
    Events(u64),
    /// Each so many ms, at least 1, counted from the start of the application or of the partition key.
    Time(i64),
}

/// Which results a rate limit lets out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateKeeps {
    /// All, together.
    All,
    /// The first.
    First,
    /// The last.
    Last,
    /// What the query knows at the time.
    Snapshot(SnapshotOf),
}

/// What a snapshot shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotOf {
    /// The last result (no window).
    Last,
    /// The rows in the window.
    Rows,
    /// The rows in the window (of groups: the first row of each) with the latest aggregates.
    Filled,
    /// The latest aggregates, as long as there is a row in the window.
    Totals,
}

impl SelectSpec {
    /// Lets rows through as they are: current and expired, of columns that become `output`.
    pub fn all(input: SchemaRef, output: SchemaRef) -> SelectSpec {
        SelectSpec {
            input,
            aggregates: vec![],
            group_by: vec![],
            items: vec![],
            having: None,
            order_by: vec![],
            limit: None,
            offset: None,
            events: EventType::All,
            output,
            keyed: false,
            windowed: true,
            joined: false,
            every: false,
        }
    }

    /// The selector in front of a rate limit: it appends the groups' values where the limit asks for
    /// them, and leaves it to snapshots to choose, sort and cut rows.
    pub fn before(&self, rate: &RateSpec) -> SelectSpec {
        let mut select = self.clone();
        if matches!(rate.keeps, RateKeeps::Snapshot(_)) {
            select.every = true;
            select.order_by.clear();
            (select.limit, select.offset) = (None, None);
        }
        if rate.grouped {
            let values = select.group_by.iter().enumerate();
            let values =
                values.map(|(i, e)| Field::new(format!("group#{i}"), arrow_type(e.ty), true));
            let fields = self.output.fields().iter().map(|f| f.as_ref().clone()).chain(values);
            select.output = Schema::new(fields.collect::<Vec<_>>()).into();
            select.items.extend_from_slice(&self.group_by);
        }
        select
    }
}

/// An aggregate call.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// Which aggregator.
    pub spec: &'static AggregateSpec,
    /// Arguments over the input rows.
    pub args: Vec<TypedExpr>,
    /// Result type.
    pub ty: AttrType,
    /// Where.
    pub span: Span,
}

/// One `order by` key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderKey {
    /// Output column.
    pub column: usize,
    /// Largest first. Nulls are always last.
    pub descending: bool,
}

/// A windowed join of two streams.
#[derive(Debug, Clone)]
pub struct JoinSpec {
    /// Left side (input port 0).
    pub left: JoinSideSpec,
    /// Right side (input port 1).
    pub right: JoinSideSpec,
    /// Kind.
    pub kind: JoinKind,
    /// Equality conjuncts, used to find candidates by hash.
    pub equal: Vec<JoinKey>,
    /// What else must hold, over left columns followed by right columns.
    pub residual: Option<TypedExpr>,
    /// Left columns followed by right columns.
    pub output: SchemaRef,
    /// Whether the query's output takes expired events.
    pub expired: bool,
    /// Whether the query has aggregates: rows that leave a sliding window then look for partners
    /// even if the output doesn't take expired events.
    pub aggregates: bool,
    /// Whether rows carry partition keys (only rows of one key meet).
    pub keyed: bool,
    /// Both sides read the same stream: each event (not each chunk) goes through the left side, then
    /// the right, before the next.
    pub self_join: bool,
    /// Of rows with one cause that reach both sides at the same time, the right ones come first
    /// (as when the query that feeds the right side stands before the one that feeds the left).
    pub right_first: bool,
}

/// An equality conjunct of a join. Null and NaN never equal anything; -0.0 equals 0.0.
#[derive(Debug, Clone)]
pub struct JoinKey {
    /// Over the left side's rows.
    pub left: TypedExpr,
    /// Over the right side's rows.
    pub right: TypedExpr,
    /// The type both are widened to before they are compared.
    pub ty: AttrType,
}

/// A named window as a side of a join.
#[derive(Debug, Clone)]
pub struct SharedSpec {
    /// What the window puts out: which of its rows look for partners.
    pub events: EventType,
    /// Which columns of the window's rows are kept.
    pub columns: Vec<usize>,
    /// The column behind the attributes that tells rows of the window apart.
    pub held: usize,
}

/// One side of a join.
#[derive(Debug, Clone)]
pub struct JoinSideSpec {
    /// The stream's rows.
    pub input: SchemaRef,
    /// Handlers before the window, in order (no `Window` among them).
    pub handlers: Vec<HandlerSpec>,
    /// The window; none (and not `shared`) = an empty window (holds nothing, each row travels as
    /// current, expired, reset).
    pub window: Option<WindowCall>,
    /// The named window this side is; its rows are what the window emits.
    pub shared: Option<SharedSpec>,
    /// The rows that take part.
    pub schema: SchemaRef,
    /// Whether rows of this side look for partners (false on the passive side of `unidirectional`).
    pub triggers: bool,
}
