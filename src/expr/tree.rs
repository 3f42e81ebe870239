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
}
