//! Constant folding: what is the same for every row is computed when an expression is compiled. Types
//! and results stay as they are; only the evaluators see the folded tree.

use crate::event::Value;

use super::row::{RowContext, RowExpr};
use super::tree::{TypedExpr, TypedKind};

/// The expression with every constant part replaced by its value.
pub(super) fn fold(expr: &TypedExpr) -> TypedExpr {
    let mut folded = expr.clone();
    fold_in_place(&mut folded);
    folded
}

fn fold_in_place(expr: &mut TypedExpr) {
    expr.children_mut().for_each(fold_in_place);
    let computes = match &expr.kind {
        TypedKind::Not(_) | TypedKind::Neg(_) | TypedKind::IsNull(_) | TypedKind::Binary { .. } => {
            true
        }
        TypedKind::Call { function, .. } => !function.volatile,
        TypedKind::Literal(_)
        | TypedKind::Column(_)
        | TypedKind::EventTime(_)
        | TypedKind::Clock
        | TypedKind::IsMissing(_) => false,
    };
    let constant = |e: &TypedExpr| matches!(e.kind, TypedKind::Literal(_));
    if computes && expr.children().all(constant) {
        // A row expression of literals looks at no row, so the context doesn't matter.
        let context = RowContext { rows: &[], clock: 0, order: 0 };
        let value: Value = RowExpr::lower(expr).value(&context);
        expr.kind = TypedKind::Literal(value);
    }
}
