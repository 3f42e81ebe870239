//! What the second of two events must fulfil ([`super::pairs`]): equalities, which lead to the partial;
//! comparisons of a double with one of the first event (`price > e1.price`), whose value is a bar that
//! the event's must reach; or anything.

use super::spec::EqualKey;
use crate::event::{EventBatch, RowStore, Slot};
use crate::expr::{RowContext, RowExpr, RowRef, TypedExpr, TypedKind};
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

/// Whether a conjunct is the equality `key` finds partials by.
pub(super) fn is_key(e: &TypedExpr, sources: usize, key: &EqualKey) -> bool {
    let TypedKind::Binary { op: BinaryOp::Eq, left, right } = &e.kind else { return false };
    let (TypedKind::Column(l), TypedKind::Column(r)) = (&left.kind, &right.kind) else {
        return false;
    };
    let (event, partial) = if l.source == 0 { (l, r) } else { (r, l) };
    event.source == 0
        && (1..=sources).contains(&partial.source.into())
        && usize::from(event.column) == key.event
        && usize::from(partial.column) == key.column
}

/// Rows of a test that fit on the stack.
const FEW: usize = 8;

/// Whether a row fits a stored first event, which all `sources` are.
pub(super) fn row_fits(
    test: &RowExpr,
    sources: usize,
    batch: &EventBatch,
    row: usize,
    store: &RowStore,
    slot: Slot,
) -> bool {
    let event = RowRef::Batch { batch, row };
    let first = RowRef::Stored { store, slot };
    let test = |rows: &[RowRef<'_>]| {
        test.test(&RowContext { rows, clock: batch.at[row], order: batch.order[row] })
    };
    if sources < FEW {
        let mut rows = [first; FEW];
        rows[0] = event;
        test(&rows[..=sources])
    } else {
        let mut rows = vec![first; sources + 1];
        rows[0] = event;
        test(&rows)
    }
}
