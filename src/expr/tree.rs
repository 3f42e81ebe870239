//! The typed expression tree. Types are final here: every rule of SiddhiQL about widening, nulls and
//! zero divisors is decided by the node kinds and operand types, never by the evaluators' libraries.

use crate::error::Span;
use crate::event::Value;
use crate::lang::ast::{AttrType, BinaryOp};

use super::functions::FunctionSpec;

/// An expression whose names and types are resolved.
#[derive(Debug, Clone)]
pub struct TypedExpr {
    /// What it computes.
    pub kind: TypedKind,
    /// The type of its value (which may always be null).
    pub ty: AttrType,
    /// Where it stands in the text.
    pub span: Span,
}

/// A column of one of the rows an expression looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnRef {
    /// Which row: 0 for expressions over one batch; an ordinal of the operator's for row evaluation
    /// (e.g. the event under test, `e1`, `e2[last]`).
    pub source: u16,
    /// Which column of it.
    pub column: u16,
}

/// The kinds of typed expression.
#[derive(Debug, Clone)]
pub enum TypedKind {
    /// A constant.
    Literal(Value),
    /// A column.
    Column(ColumnRef),
    /// The event time of a row (long, ms); null if the row is missing.
    EventTime(u16),
    /// The application's clock at the row (long, ms).
    Clock,
    /// True unless the operand is exactly true.
    Not(Box<TypedExpr>),
    /// Arithmetic negation, wrapping.
    Neg(Box<TypedExpr>),
    /// Arithmetic, comparison, `and`, `or`.
    Binary {
        /// Operator.
        op: BinaryOp,
        /// Left operand.
        left: Box<TypedExpr>,
        /// Right operand.
        right: Box<TypedExpr>,
    },
    /// Whether the value is null.
    IsNull(Box<TypedExpr>),
    /// Whether the row is missing (`e1 is null`).
    IsMissing(u16),
    /// A scalar function.
    Call {
        /// Which.
        function: &'static FunctionSpec,
        /// Arguments; types were checked.
        args: Vec<TypedExpr>,
    },
}

impl TypedExpr {
    /// A constant of the value's own type. Null and the collections are objects.
    pub fn literal(value: Value, span: Span) -> Self {
        let ty = match &value {
            Value::Int(_) => AttrType::Int,
            Value::Long(_) => AttrType::Long,
            Value::Float(_) => AttrType::Float,
            Value::Double(_) => AttrType::Double,
            Value::Bool(_) => AttrType::Bool,
            Value::String(_) => AttrType::String,
            Value::Null | Value::Set(_) | Value::List(_) | Value::Map(_) => AttrType::Object,
        };
        Self { kind: TypedKind::Literal(value), ty, span }
    }

    /// A column of type `ty`.
    pub fn column(source: u16, column: u16, ty: AttrType, span: Span) -> Self {
        Self { kind: TypedKind::Column(ColumnRef { source, column }), ty, span }
    }

    /// `self and other`.
    pub fn and(self, other: TypedExpr) -> Self {
        let span = self.span.to(other.span);
        let (left, right) = (Box::new(self), Box::new(other));
        let kind = TypedKind::Binary { op: BinaryOp::And, left, right };
        Self { kind, ty: AttrType::Bool, span }
    }

    /// All of `conjuncts` and-ed in order, as a balanced tree; none if there are none.
    pub fn all(conjuncts: Vec<TypedExpr>) -> Option<Self> {
        balanced(BinaryOp::And, conjuncts)
    }

    /// The operands of the outermost `and`s, in order. The expression is true exactly if all of them
    /// are.
    pub fn conjuncts(self) -> Vec<TypedExpr> {
        let mut out = vec![];
        self.split(&mut out);
        out
    }

    fn split(self, out: &mut Vec<TypedExpr>) {
        match self.kind {
            TypedKind::Binary { op: BinaryOp::And, left, right } => {
                left.split(out);
                right.split(out);
            }
            _ => out.push(self),
        }
    }

    /// The direct operands, in order.
    pub fn children(&self) -> impl Iterator<Item = &TypedExpr> {
        let (pair, list): ([Option<&TypedExpr>; 2], &[TypedExpr]) = match &self.kind {
            TypedKind::Not(e) | TypedKind::Neg(e) | TypedKind::IsNull(e) => ([Some(e), None], &[]),
            TypedKind::Binary { left, right, .. } => ([Some(left), Some(right)], &[]),
            TypedKind::Call { args, .. } => ([None, None], args),
            TypedKind::Literal(_)
            | TypedKind::Column(_)
            | TypedKind::EventTime(_)
            | TypedKind::Clock
            | TypedKind::IsMissing(_) => ([None, None], &[]),
        };
        pair.into_iter().flatten().chain(list)
    }

    pub(super) fn children_mut(&mut self) -> impl Iterator<Item = &mut TypedExpr> {
        let (pair, list): ([Option<&mut TypedExpr>; 2], &mut [TypedExpr]) = match &mut self.kind {
            TypedKind::Not(e) | TypedKind::Neg(e) | TypedKind::IsNull(e) => {
                ([Some(e), None], &mut [])
            }
            TypedKind::Binary { left, right, .. } => ([Some(left), Some(right)], &mut []),
            TypedKind::Call { args, .. } => ([None, None], args),
            TypedKind::Literal(_)
            | TypedKind::Column(_)
            | TypedKind::EventTime(_)
            | TypedKind::Clock
            | TypedKind::IsMissing(_) => ([None, None], &mut []),
        };
        pair.into_iter().flatten().chain(list)
    }

    /// Visits this node and everything below it, parents first.
    pub fn visit<'a>(&'a self, f: &mut dyn FnMut(&'a TypedExpr)) {
        f(self);
        self.children().for_each(|c| c.visit(f));
    }

    /// Visits this node and everything below it, parents first, to change it in place (e.g. to point
    /// columns at other rows).
    pub fn visit_mut(&mut self, f: &mut dyn FnMut(&mut TypedExpr)) {
        f(self);
        self.children_mut().for_each(|c| c.visit_mut(f));
    }

    /// Calls `f` with every column it reads, in the order written; a column may come more than once.
    pub fn each_column(&self, f: &mut dyn FnMut(ColumnRef)) {
        self.visit(&mut |e| {
            if let TypedKind::Column(c) = e.kind {
                f(c);
            }
        });
    }

    /// Calls `f` with every row it looks at (columns, event time, `is null`); may come more than once.
    pub fn each_source(&self, f: &mut dyn FnMut(u16)) {
        self.visit(&mut |e| match e.kind {
            TypedKind::Column(c) => f(c.source),
            TypedKind::EventTime(s) | TypedKind::IsMissing(s) => f(s),
            _ => {}
        });
    }

    /// Whether it depends on nothing but the values of its columns: neither on times nor on which row
    /// it is evaluated for.
    pub fn is_pure(&self) -> bool {
        let mut pure = true;
        self.visit(&mut |e| match &e.kind {
            TypedKind::EventTime(_) | TypedKind::Clock | TypedKind::IsMissing(_) => pure = false,
            TypedKind::Call { function, .. } => pure &= !function.volatile,
            _ => {}
        });
        pure
    }
}

/// `operands` joined by `op` (associative) in order as a tree of logarithmic depth.
pub(super) fn balanced(op: BinaryOp, mut operands: Vec<TypedExpr>) -> Option<TypedExpr> {
    match operands.len() {
        0 | 1 => operands.pop(),
        n => {
            let rest = operands.split_off(n / 2);
            let (left, right) = (balanced(op, operands)?, balanced(op, rest)?);
            let (ty, span) = (left.ty, left.span.to(right.span));
            let (left, right) = (Box::new(left), Box::new(right));
            Some(TypedExpr { kind: TypedKind::Binary { op, left, right }, ty, span })
        }
    }
}

/// The value of an expression that must be constant where it stands (`limit`, `offset`, window and
/// function parameters): a literal, with or without a sign. As in Siddhi, arithmetic on constants is
/// not a constant (`timeBatch(1 / 2)` is refused).
pub fn constant(expr: &TypedExpr) -> Option<Value> {
    match &expr.kind {
        TypedKind::Literal(v) => Some(v.clone()),
        _ => None,
    }
}
