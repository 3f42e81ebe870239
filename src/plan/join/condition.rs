//! The condition of a join: equalities between one side and the other become hash keys.

use super::super::spec::JoinKey;
use super::super::visit;
use crate::expr::rules::comparison_type;
use crate::expr::{TypedExpr, TypedKind};
use crate::lang::ast::BinaryOp;

/// Which side's columns an expression looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    Nothing,
    Left,
    Right,
    Both,
}

fn reads(e: &TypedExpr, left: usize) -> Reads {
    let mut reads = Reads::Nothing;
    e.each_column(&mut |c| {
        let side = if usize::from(c.column) < left { Reads::Left } else { Reads::Right };
        reads = match reads {
            Reads::Nothing => side,
            r if r == side => r,
            _ => Reads::Both,
        };
    });
    reads
}

/// Splits a condition over the joined row, of which `left` columns come from the left side, into keys
/// and the rest. Only what depends on nothing but columns can be a key: a key is computed once for a
/// row, the rest anew for each pair.
pub(super) fn split(condition: TypedExpr, left: usize) -> (Vec<JoinKey>, Option<TypedExpr>) {
    let (mut keys, mut rest) = (Vec::new(), Vec::new());
    for e in condition.conjuncts() {
        match key(&e, left) {
            Some(key) => keys.push(key),
            None => rest.push(e),
        }
    }
    (keys, TypedExpr::all(rest))
}

fn key(e: &TypedExpr, width: usize) -> Option<JoinKey> {
    let TypedKind::Binary { op: BinaryOp::Eq, left, right } = &e.kind else { return None };
    if !e.is_pure() {
        return None;
    }
    let ty = comparison_type(BinaryOp::Eq, left.ty, right.ty)?;
    let (left, right) = match (reads(left, width), reads(right, width)) {
        (Reads::Left, Reads::Right) => (left, right),
        (Reads::Right, Reads::Left) => (right, left),
        _ => return None,
    };
    let mut right = (**right).clone();
    visit::columns(&mut right, &mut |c| c.column -= width as u16);
    Some(JoinKey { left: (**left).clone(), right, ty })
}
