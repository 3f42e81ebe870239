//! Expressions, constants, attribute references and calls.

use super::*;

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
    /// `a and b and c`, `a or b or c`: one node however long the chain is, because generated rules
    /// are thousands of terms long. At least two operands; one that is a chain of the same operator
    /// stood in parentheses.
    Logical {
        /// Operator.
        op: LogicalOp,
        /// Operands, in order.
        operands: Vec<Expr>,
    },
    /// `a op b` with any operator but `and` and `or`.
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
    /// `#` or `!` before a bare stream reference (`#S is null`); `Plain` wherever `source` is given.
    pub mark: StreamMark,
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
