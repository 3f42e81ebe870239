//! Comparisons by row. The forms that run for every candidate of a pattern or join (column with
//! column, column with literal) are closures of their own, per type and operator.

use super::RowContext;
use super::lower::{Eval, Test};
use super::read::{self, Cell};
use super::text::Text;
use crate::expr::rules::{Number, comparison_of_null, exchanged};
use crate::expr::tree::ColumnRef;
use crate::lang::ast::BinaryOp;

/// An operand of a comparison, already of the type both are brought to.
pub(super) enum Operand<T> {
    Column(ColumnRef),
    Literal(Option<T>),
    Any(Eval<T>),
}

/// A comparison operator as a type, so that each closure has its operator inlined.
trait Operator: Send + Sync + 'static {
    /// What it gives if an operand is null.
    const OF_NULL: bool;
    fn test<T: PartialOrd + ?Sized>(left: &T, right: &T) -> bool;
}

macro_rules! operator {
    ($name:ident, $op:tt, $of_null:literal) => {
        struct $name;
        impl Operator for $name {
            const OF_NULL: bool = $of_null;
            #[inline]
            fn test<T: PartialOrd + ?Sized>(left: &T, right: &T) -> bool {
                left $op right
            }
        }
    };
}

operator!(Equal, ==, false);
operator!(NotEqual, !=, true);
operator!(Less, <, false);
operator!(LessEqual, <=, false);
operator!(Greater, >, false);
operator!(GreaterEqual, >=, false);

/// `left op right` for numbers.
pub(super) fn numbers<T: Number + Cell>(op: BinaryOp, left: Operand<T>, right: Operand<T>) -> Test {
    match op {
        BinaryOp::Eq => typed::<T, Equal>(op, left, right),
        BinaryOp::NotEq => typed::<T, NotEqual>(op, left, right),
        BinaryOp::Lt => typed::<T, Less>(op, left, right),
        BinaryOp::LtEq => typed::<T, LessEqual>(op, left, right),
        BinaryOp::Gt => typed::<T, Greater>(op, left, right),
        BinaryOp::GtEq => typed::<T, GreaterEqual>(op, left, right),
        _ => Box::new(|_| false),
    }
}

fn typed<T: Number + Cell, O: Operator>(op: BinaryOp, l: Operand<T>, r: Operand<T>) -> Test {
    match (l, r) {
        (Operand::Literal(None), _) | (_, Operand::Literal(None)) => Box::new(|_| O::OF_NULL),
        (Operand::Column(l), Operand::Column(r)) => {
            Box::new(move |c| match (read::cell::<T>(c, l), read::cell::<T>(c, r)) {
                (Some(l), Some(r)) => O::test(&l, &r),
                _ => O::OF_NULL,
            })
        }
        (Operand::Column(l), Operand::Literal(Some(r))) => {
            Box::new(move |c| read::cell::<T>(c, l).map_or(O::OF_NULL, |l| O::test(&l, &r)))
        }
        (l @ Operand::Literal(_), r @ Operand::Column(_)) => numbers(exchanged(op), r, l),
        (l, r) => {
            let (l, r) = (l.into_eval(), r.into_eval());
            Box::new(move |c| match (l(c), r(c)) {
                (Some(l), Some(r)) => O::test(&l, &r),
                _ => O::OF_NULL,
            })
        }
    }
}

impl<T: Number + Cell> Operand<T> {
    fn into_eval(self) -> Eval<T> {
        match self {
            Operand::Column(c) => Box::new(move |context| read::cell(context, c)),
            Operand::Literal(v) => Box::new(move |_| v),
            Operand::Any(f) => f,
        }
    }
}

/// `left == right` or `left != right` for bools.
pub(super) fn bools(op: BinaryOp, left: Eval<bool>, right: Eval<bool>) -> Test {
    let (equal, of_null) = (op == BinaryOp::Eq, comparison_of_null(op));
    Box::new(move |c| match (left(c), right(c)) {
        (Some(l), Some(r)) => (l == r) == equal,
        _ => of_null,
    })
}

/// An operand of a comparison of strings.
pub(super) enum TextOperand {
    Column(ColumnRef),
    Literal(Option<String>),
    Any(Text<str>),
}

/// `left == right` or `left != right` for strings.
pub(super) fn texts(op: BinaryOp, left: TextOperand, right: TextOperand) -> Test {
    use TextOperand::{Any, Column, Literal};
    let (equal, of_null) = (op == BinaryOp::Eq, comparison_of_null(op));
    let decide = move |l: Option<&str>, r: Option<&str>| match (l, r) {
        (Some(l), Some(r)) => (l == r) == equal,
        _ => of_null,
    };
    match (left, right) {
        (Column(l), Column(r)) => Box::new(move |c| decide(read::text(c, l), read::text(c, r))),
        (Column(x), Literal(y)) | (Literal(y), Column(x)) => {
            Box::new(move |c| decide(read::text(c, x), y.as_deref()))
        }
        (Literal(l), Literal(r)) => {
            let answer = decide(l.as_deref(), r.as_deref());
            Box::new(move |_| answer)
        }
        (Any(x), Column(y)) | (Column(y), Any(x)) => {
            Box::new(move |c| decide(x.get(c).as_deref(), read::text(c, y)))
        }
        (Any(x), Literal(y)) | (Literal(y), Any(x)) => {
            Box::new(move |c: &RowContext<'_>| decide(x.get(c).as_deref(), y.as_deref()))
        }
        (Any(l), Any(r)) => {
            Box::new(move |c: &RowContext<'_>| decide(l.get(c).as_deref(), r.get(c).as_deref()))
        }
    }
}
