//! Walking typed expressions.

use crate::expr::{ColumnRef, TypedExpr, TypedKind};

/// Calls `f` for every column reference.
pub(super) fn columns(e: &mut TypedExpr, f: &mut dyn FnMut(&mut ColumnRef)) {
    match &mut e.kind {
        TypedKind::Column(c) => f(c),
        TypedKind::Not(a) | TypedKind::Neg(a) | TypedKind::IsNull(a) => columns(a, f),
        TypedKind::Binary { left, right, .. } => {
            columns(left, f);
            columns(right, f);
        }
        TypedKind::Call { args, .. } => args.iter_mut().for_each(|a| columns(a, f)),
        TypedKind::Literal(_)
        | TypedKind::EventTime(_)
        | TypedKind::Clock
        | TypedKind::IsMissing(_) => {}
    }
}
