//! Rewriting the columns of typed expressions.

use crate::expr::{ColumnRef, TypedExpr, TypedKind};

/// Calls `f` for every column reference, to read or change it.
pub(super) fn columns(e: &mut TypedExpr, f: &mut dyn FnMut(&mut ColumnRef)) {
    e.visit_mut(&mut |e| {
        if let TypedKind::Column(c) = &mut e.kind {
            f(c);
        }
    });
}
