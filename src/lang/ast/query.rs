//! Queries: inputs, selection, rate limits, outputs; on-demand queries.

use super::*;

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Annotations before `from`.
    pub annotations: Vec<Annotation>,
    /// What it reads.
    pub input: Input,
    /// What it computes; absent = `select *`.
    pub select: Selection,
    /// `output … every …`.
    pub rate: Option<OutputRate>,
    /// Where results go.
    pub output: OutputAction,
    /// The whole query.
    pub span: Node,
}

/// What a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// One stream.
    Stream(StreamInput),
    /// Two streams.
    Join(Box<JoinInput>),
    /// A pattern (`->`) or sequence (`,`).
    Pattern(Box<PatternInput>),
    /// `from (from … return)`.
    Anonymous(Box<AnonymousInput>),
}

/// `( from … return … ) handlers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnonymousInput {
    /// The inner query.
    pub query: Query,
    /// Handlers applied to its result (a `Window` handler among them at most once).
    pub handlers: Vec<Handler>,
}

/// One stream with its handlers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInput {
    /// The stream.
    pub source: Source,
    /// Handlers in order (a `Window` handler among them at most once).
    pub handlers: Vec<Handler>,
    /// `as alias` (joins).
    pub alias: Option<Ident>,
    /// All of it.
    pub span: Node,
}

/// One element of a handler chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handler {
    /// `[condition]` or `#[condition]`.
    Filter(Expr),
    /// `#ns:f(args)`.
    Function(Call),
    /// `#window.ns:f(args)`.
    Window(Call),
}

impl Query {
    /// The name given by `@info(name='…')`.
    pub fn info_name(&self) -> Option<&AnnotationElement> {
        self.annotations.iter().find(|a| a.is("info")).and_then(|a| a.element("name"))
    }
}

/// `L join R on …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinInput {
    /// Left side.
    pub left: StreamInput,
    /// Right side.
    pub right: StreamInput,
    /// Kind of join.
    pub kind: JoinKind,
    /// Which side alone triggers.
    pub unidirectional: Option<JoinSide>,
    /// `on`.
    pub on: Option<Expr>,
    /// `within x[, y]`.
    pub within: Option<(Expr, Option<Expr>)>,
    /// `per p`.
    pub per: Option<Expr>,
}

/// Kind of join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// `join`, `inner join`.
    Inner,
    /// `left outer join`.
    Left,
    /// `right outer join`.
    Right,
    /// `full outer join`.
    Full,
}

/// A side of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinSide {
    /// Left.
    Left,
    /// Right.
    Right,
}

/// `select … group by … having … order by … limit … offset …`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// The items; absent for `select *` and for no select at all.
    pub items: Option<Vec<SelectItem>>,
    /// Whether `select` was written.
    pub written: bool,
    /// `group by`.
    pub group_by: Vec<AttrRef>,
    /// `having`.
    pub having: Option<Expr>,
    /// `order by`.
    pub order_by: Vec<OrderBy>,
    /// `limit`.
    pub limit: Option<Expr>,
    /// `offset`.
    pub offset: Option<Expr>,
    /// All of it.
    pub span: Node,
}

/// `expr [as name]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectItem {
    /// What is computed.
    pub expr: Expr,
    /// `as`; always present unless `expr` is an attribute reference.
    pub alias: Option<Ident>,
}

/// `attr [asc|desc]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy {
    /// Attribute.
    pub attr: AttrRef,
    /// `desc` written.
    pub descending: bool,
}

/// `output … every …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputRate {
    /// Which events leave.
    pub kind: RateKind,
    /// How often.
    pub every: RateEvery,
    /// All of it.
    pub span: Node,
}

/// Which events a rate limit lets out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateKind {
    /// `all` (default).
    All,
    /// `first`.
    First,
    /// `last`.
    Last,
    /// `snapshot`.
    Snapshot,
}

/// How often a rate limit lets events out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateEvery {
    /// `every 5 events`.
    Events(i64),
    /// `every 1 sec`.
    Time(TimeLiteral),
}

/// current / expired / all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum EventType {
    /// Current events.
    #[default]
    Current,
    /// Expired events.
    Expired,
    /// Both.
    All,
}

/// Where results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputAction {
    /// `insert [all|expired|current events] into target`.
    Insert {
        /// Which events.
        events: Option<EventType>,
        /// Where.
        target: Source,
    },
    /// `delete target [for …] [on cond]`.
    Delete {
        /// Table.
        target: Source,
        /// `for`.
        events: Option<EventType>,
        /// `on`.
        on: Option<Expr>,
    },
    /// `update target [for …] [set …] on cond`.
    Update {
        /// Table.
        target: Source,
        /// `for`.
        events: Option<EventType>,
        /// `set`.
        set: Vec<SetItem>,
        /// `on`.
        on: Expr,
    },
    /// `update or insert into target [for …] [set …] on cond`.
    UpdateOrInsert {
        /// Table.
        target: Source,
        /// `for`.
        events: Option<EventType>,
        /// `set`.
        set: Vec<SetItem>,
        /// `on`.
        on: Expr,
    },
    /// `return [… events]` or nothing at all (`explicit` false).
    Return {
        /// Which events.
        events: Option<EventType>,
        /// Whether `return` was written.
        explicit: bool,
    },
}

/// `T.a = expr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetItem {
    /// What is assigned.
    pub target: AttrRef,
    /// The value.
    pub value: Expr,
}

/// `partition with (…) begin … end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Annotations before `partition`.
    pub annotations: Vec<Annotation>,
    /// Keys.
    pub with: Vec<PartitionWith>,
    /// Queries.
    pub queries: Vec<Query>,
    /// All of it.
    pub span: Node,
}

/// `key of stream`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionWith {
    /// How the key is found.
    pub key: PartitionKey,
    /// The stream.
    pub stream: Source,
}

/// How a partition key is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionKey {
    /// The value of an expression.
    Value(Expr),
    /// `cond as 'key' or …`.
    Ranges(Vec<(Expr, String)>),
}

/// An on-demand (store) query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDemandQuery {
    /// What it reads (absent for `select … insert/update/delete`).
    pub from: Option<OnDemandInput>,
    /// What it computes.
    pub select: Selection,
    /// What it does.
    pub output: OutputAction,
    /// The whole query.
    pub span: Node,
}

/// `from Store [as alias] [on cond] [within x[, y] per p]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDemandInput {
    /// Table, named window or aggregation.
    pub source: Source,
    /// `as`.
    pub alias: Option<Ident>,
    /// `on`.
    pub on: Option<Expr>,
    /// `within x[, y]`.
    pub within: Option<(Expr, Option<Expr>)>,
    /// `per p`.
    pub per: Option<Expr>,
}
