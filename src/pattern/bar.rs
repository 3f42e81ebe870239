//! Comparisons of a double of the event with one of the first event (`price > e1.price`): the partial's
//! value is a bar that the event's must reach.

use crate::expr::{TypedExpr, TypedKind};
use crate::lang::ast::{AttrType, BinaryOp};

/// `event > bar`, or another order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar {
    /// Column of the event.
    pub event: usize,
    /// Column of the first event, in its stream.
    pub partial: usize,
    /// How they are compared.
    pub op: BinaryOp,
}

/// The comparison a condition is, if it is one of doubles; `kept` are the columns kept of the first event, which
/// is each of `sources` (others are events that are never there).
pub(super) fn bar(e: &TypedExpr, sources: usize, kept: &[usize]) -> Option<Bar> {
    let TypedKind::Binary { op, left, right } = &e.kind else { return None };
    let (TypedKind::Column(l), TypedKind::Column(r)) = (&left.kind, &right.kind) else {
        return None;
    };
    if left.ty != AttrType::Double || right.ty != AttrType::Double {
        return None;
    }
    let turned = match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::LtEq => BinaryOp::GtEq,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::GtEq => BinaryOp::LtEq,
        _ => return None,
    };
    let (event, partial, op) = match (l.source, r.source) {
        (0, s) if (1..=sources).contains(&s.into()) => (l, r, *op),
        (s, 0) if (1..=sources).contains(&s.into()) => (r, l, turned),
        _ => return None,
    };
    Some(Bar { event: event.column.into(), partial: *kept.get(usize::from(partial.column))?, op })
}

/// The bound of both: NaN is none.
#[inline(always)]
pub(super) fn wider(above: bool, a: f64, b: f64) -> f64 {
    if above { a.min(b) } else { a.max(b) }
}

/// Whether a value reaches a bar.
#[inline(always)]
pub(super) fn holds(op: BinaryOp, value: f64, bar: f64) -> bool {
    match op {
        BinaryOp::Gt => value > bar,
        BinaryOp::GtEq => value >= bar,
        BinaryOp::Lt => value < bar,
        _ => value <= bar,
    }
}
