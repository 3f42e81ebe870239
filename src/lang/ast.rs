//! The syntax tree: what the text says, before any name is looked up.
//!
//! Every node carries the byte range it came from. Nothing here depends on Arrow, so the language
//! front end compiles and fuzzes fast. Equality of trees ignores spans (see [`Node`]): that is what
//! `parse(print(tree)) == tree` means.

use crate::error::Span;

/// A span that never takes part in equality.
#[derive(Debug, Clone, Copy, Default)]
pub struct Node(pub Span);

impl PartialEq for Node {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Node {}

impl From<Span> for Node {
    fn from(s: Span) -> Self {
        Node(s)
    }
}

/// A name as written (without back-ticks).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub span: Node,
}

impl Ident {
    /// Its place in the text.
    pub fn at(&self) -> Span {
        self.span.0
    }
}

/// An attribute type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttrType {
    /// UTF-8 text.
    String,
    /// 32-bit signed integer.
    Int,
    /// 64-bit signed integer.
    Long,
    /// 32-bit floating point.
    Float,
    /// 64-bit floating point.
    Double,
    /// true or false.
    Bool,
    /// Any host value (sets, lists).
    Object,
}

impl std::fmt::Display for AttrType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AttrType::String => "string",
            AttrType::Int => "int",
            AttrType::Long => "long",
            AttrType::Float => "float",
            AttrType::Double => "double",
            AttrType::Bool => "bool",
            AttrType::Object => "object",
        })
    }
}

/// A whole application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct App {
    /// `@app:…` annotations.
    pub annotations: Vec<Annotation>,
    /// Definitions, queries and partitions in the order written.
    pub items: Vec<Item>,
    /// Comments in order, for the formatter. They never take part in equality of meaning, but
    /// `print` keeps them.
    pub comments: Vec<Comment>,
}

/// A comment with the place it stood at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Text with its markers (`-- …` or `/* … */`).
    pub text: String,
    /// Where it stands.
    pub span: Node,
}

/// A top-level element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `define …`.
    Definition(Definition),
    /// `from … `.
    Query(Query),
    /// `partition with …`.
    Partition(Partition),
}

/// `@name(key='value', 'positional', @nested(…))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Name, with `app:` prefix kept (e.g. `app:name`, `info`, `source`).
    pub name: Ident,
    /// Elements in order; the key is absent for positional ones.
    pub elements: Vec<AnnotationElement>,
    /// Nested annotations in order.
    pub nested: Vec<Annotation>,
    /// The whole annotation.
    pub span: Node,
}

/// One element of an annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationElement {
    /// Key (dots, dashes and colons kept), or none for a positional value.
    pub key: Option<Ident>,
    /// The value without its quotes.
    pub value: String,
    /// Key and value.
    pub span: Node,
}

impl Annotation {
    /// Whether this is the annotation `name` (case-insensitive).
    pub fn is(&self, name: &str) -> bool {
        self.name.name.eq_ignore_ascii_case(name)
    }

    /// The element with this key (case-insensitive).
    pub fn element(&self, key: &str) -> Option<&AnnotationElement> {
        self.elements
            .iter()
            .find(|e| e.key.as_ref().is_some_and(|k| k.name.eq_ignore_ascii_case(key)))
    }

    /// The value of the element with this key (case-insensitive).
    pub fn get(&self, key: &str) -> Option<&str> {
        self.element(key).map(|e| e.value.as_str())
    }

    /// The first positional value.
    pub fn positional(&self) -> Option<&str> {
        self.elements.iter().find(|e| e.key.is_none()).map(|e| e.value.as_str())
    }
}

/// A definition of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Annotations before `define`.
    pub annotations: Vec<Annotation>,
    /// The defined name. Streams may carry a `#` or `!` mark in the source; it is refused later.
    pub name: Ident,
    /// `#` or `!` written before the name.
    pub mark: StreamMark,
    /// What is defined.
    pub kind: DefinitionKind,
    /// From `define` to the end.
    pub span: Node,
}

/// The kinds of definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefinitionKind {
    /// `define stream`.
    Stream(Vec<Attribute>),
    /// `define table`.
    Table(Vec<Attribute>),
    /// `define window`.
    Window {
        /// Attributes.
        attributes: Vec<Attribute>,
        /// The window function.
        function: Call,
        /// `output … events`.
        output: Option<EventType>,
    },
    /// `define trigger`.
    Trigger(TriggerAt),
    /// `define function f[lang] return type { body }`.
    Function {
        /// Script language.
        language: Ident,
        /// Declared result type.
        returns: AttrType,
        /// Body between the braces, as written.
        body: String,
    },
    /// `define aggregation`.
    Aggregation(Box<AggregationDef>),
}

/// When a trigger fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerAt {
    /// `at every <time>`, in ms.
    Every(TimeLiteral),
    /// `at 'start'` or a cron expression.
    Text(String),
}

/// `define aggregation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregationDef {
    /// The stream it reads.
    pub from: StreamInput,
    /// Its selection and grouping.
    pub select: Selection,
    /// `aggregate by`.
    pub by: Option<AttrRef>,
    /// `every …`.
    pub every: Durations,
}

/// Durations an aggregation keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Durations {
    /// `sec ... year`.
    Range(Ident, Ident),
    /// `sec, day`.
    List(Vec<Ident>),
}

/// `name type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Name.
    pub name: Ident,
    /// Type.
    pub ty: AttrType,
}

/// `1 min 30 sec`, kept as written and summed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeLiteral {
    /// (count, unit) pairs as written.
    pub parts: Vec<(i64, TimeUnit)>,
    /// Where it stands.
    pub span: Node,
}

/// A unit of time in a time literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeUnit {
    /// 31 556 900 000 ms.
    Year,
    /// 2 630 000 000 ms.
    Month,
    /// 604 800 000 ms.
    Week,
    /// 86 400 000 ms.
    Day,
    /// 3 600 000 ms.
    Hour,
    /// 60 000 ms.
    Minute,
    /// 1 000 ms.
    Second,
    /// 1 ms.
    Millisecond,
}

impl TimeUnit {
    /// Length in ms (SiddhiQL's fixed averages for month and year).
    pub fn millis(self) -> i64 {
        match self {
            TimeUnit::Year => 31_556_900_000,
            TimeUnit::Month => 2_630_000_000,
            TimeUnit::Week => 604_800_000,
            TimeUnit::Day => 86_400_000,
            TimeUnit::Hour => 3_600_000,
            TimeUnit::Minute => 60_000,
            TimeUnit::Second => 1_000,
            TimeUnit::Millisecond => 1,
        }
    }
}

impl TimeLiteral {
    /// The sum in ms (wrapping is impossible: the parser refuses what doesn't fit).
    pub fn millis(&self) -> i64 {
        self.parts.iter().fold(0i64, |sum, (n, u)| sum.saturating_add(n.saturating_mul(u.millis())))
    }
}

/// `#` (inner) or `!` (fault) before a stream name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StreamMark {
    /// None.
    #[default]
    Plain,
    /// `#S`.
    Inner,
    /// `!S`.
    Fault,
}

/// A stream (or table, window, …) named in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `#` or `!`.
    pub mark: StreamMark,
    /// Name.
    pub name: Ident,
}

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

/// `ns:name(args)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Namespace.
    pub namespace: Option<Ident>,
    /// Name.
    pub name: Ident,
    /// Arguments.
    pub args: Vec<Expr>,
    /// `f(*)`.
    pub star: bool,
    /// The whole call.
    pub span: Node,
}

impl Call {
    /// `ns:name` or `name`.
    pub fn full_name(&self) -> String {
        match &self.namespace {
            Some(ns) => format!("{}:{}", ns.name, self.name.name),
            None => self.name.name.clone(),
        }
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

/// A pattern or sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternInput {
    /// `->` or `,`.
    pub kind: PatternKind,
    /// The elements.
    pub element: PatternElement,
    /// `within`.
    pub within: Option<TimeLiteral>,
}

/// Happened-before with or without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternKind {
    /// `->`: other events may lie between.
    Pattern,
    /// `,`: nothing of the query's own streams may lie between.
    Sequence,
}

/// An element of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternElement {
    /// One event.
    Stream(PatternStream),
    /// Several events of one stream.
    Count {
        /// The stream.
        stream: PatternStream,
        /// Minimum, inclusive.
        min: u32,
        /// Maximum, inclusive; absent = unbounded.
        max: Option<u32>,
        /// Where the quantifier stands.
        span: Node,
    },
    /// `a and b`, `a or b`; each side is `Stream` or `Absent`.
    Logical {
        /// Left.
        left: Box<PatternElement>,
        /// and / or.
        op: LogicalOp,
        /// Right.
        right: Box<PatternElement>,
        /// All of it.
        span: Node,
    },
    /// `not X` with or without `for t`.
    Absent {
        /// The stream that must stay quiet.
        stream: PatternStream,
        /// For how long.
        waiting: Option<TimeLiteral>,
        /// All of it.
        span: Node,
    },
    /// `a -> b -> c` (or `a, b, c`), flat, in order, at least two.
    Chain(Vec<PatternElement>),
    /// `every x`, `every (…)`.
    Every {
        /// The repeated part.
        inner: Box<PatternElement>,
        /// All of it.
        span: Node,
    },
}

/// A stream in a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternStream {
    /// `e1=`.
    pub reference: Option<Ident>,
    /// The stream with filters and functions.
    pub input: StreamInput,
}

/// and / or.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogicalOp {
    /// and
    And,
    /// or
    Or,
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

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    /// What.
    pub kind: ExprKind,
    /// Where.
    pub span: Node,
}

impl Expr {
    /// Its place in the text.
    pub fn at(&self) -> Span {
        self.span.0
    }
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// An attribute (or, where a function or `is null` allows it, a stream/event reference).
    Attr(AttrRef),
    /// `f(…)`.
    Call(Call),
    /// `not e`.
    Not(Box<Expr>),
    /// `- e` (Foreshock's addition).
    Neg(Box<Expr>),
    /// `a op b`.
    Binary {
        /// Operator.
        op: BinaryOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `e is null`; the operand is `Attr` or `Call`.
    IsNull(Box<Expr>),
    /// `e in T`.
    In {
        /// Condition.
        expr: Box<Expr>,
        /// Table.
        table: Source,
    },
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Eq,
    /// `!=`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
}

impl std::fmt::Display for BinaryOp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Eq => "==",
            BinaryOp::NotEq => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::LtEq => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::GtEq => ">=",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Mod => "%",
        })
    }
}

/// A constant. Floats are compared by bits, so that trees are `Eq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `10`
    Int(i32),
    /// `10L`
    Long(i64),
    /// `1.5f`
    Float(Bits<f32>),
    /// `1.5`
    Double(Bits<f64>),
    /// `true`
    Bool(bool),
    /// `'…'`
    String(String),
    /// `1 min 30 sec`
    Time(TimeLiteral),
}

/// A float that compares by its bits.
#[derive(Debug, Clone, Copy)]
pub struct Bits<T>(pub T);
impl PartialEq for Bits<f32> {
    fn eq(&self, o: &Self) -> bool {
        self.0.to_bits() == o.0.to_bits()
    }
}
impl Eq for Bits<f32> {}
impl PartialEq for Bits<f64> {
    fn eq(&self, o: &Self) -> bool {
        self.0.to_bits() == o.0.to_bits()
    }
}
impl Eq for Bits<f64> {}

/// `attr`, `S.attr`, `#S.attr`, `e1[0].attr`, `e1[last - 1].attr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttrRef {
    /// The stream or event reference in front of the dot.
    pub source: Option<RefSource>,
    /// A second level (`a#b.attr`; grammar only, unused by Siddhi).
    pub second: Option<RefSource>,
    /// Attribute name; for a bare event reference (`e1 is null`, `e1[0] is null`,
    /// `eventTimestamp(e1)`) the reference itself.
    pub name: Ident,
    /// `[i]` after a bare event reference (`e1[0] is null`).
    pub index: Option<EventIndex>,
    /// All of it.
    pub span: Node,
}

/// The part in front of the dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefSource {
    /// `#` or `!`.
    pub mark: StreamMark,
    /// Name.
    pub name: Ident,
    /// `[i]`.
    pub index: Option<EventIndex>,
}

/// `[0]`, `[last]`, `[last - 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventIndex {
    /// From the front.
    At(u32),
    /// From the back: `last - n`.
    Last(u32),
}

impl Query {
    /// The name given by `@info(name='…')`.
    pub fn info_name(&self) -> Option<&AnnotationElement> {
        self.annotations.iter().find(|a| a.is("info")).and_then(|a| a.element("name"))
    }
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
