//! Expressions: on one line, or broken at the `and`s and `or`s of their top level.

use std::fmt::Write;

use super::names::{index, mark, name, source, string};
use super::writer::Writer;
use crate::lang::ast::*;

/// An expression on one line, with no more parentheses than it needs (and a few that keep the
/// reader from doubt: around a `not` in a comparison, around a comparison before `in`).
pub fn print_expr(e: &Expr) -> String {
    let mut out = String::new();
    expr(&mut out, e);
    out
}

/// How tightly the outermost operator binds; as in the parser.
fn strength(e: &Expr) -> u8 {
    match &e.kind {
        ExprKind::Logical { op, .. } => op_strength((*op).into()),
        ExprKind::Binary { op, .. } => op_strength(*op),
        ExprKind::In { .. } => 3,
        ExprKind::Not(_) | ExprKind::Neg(_) => 8,
        ExprKind::Literal(_) | ExprKind::Attr(_) | ExprKind::Call(_) | ExprKind::IsNull(_) => 9,
    }
}

fn op_strength(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Eq | BinaryOp::NotEq => 4,
        BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Gt | BinaryOp::GtEq => 5,
        BinaryOp::Add | BinaryOp::Sub => 6,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => 7,
    }
}

pub(super) fn expr(out: &mut String, e: &Expr) {
    match &e.kind {
        ExprKind::Literal(l) => literal(out, l),
        ExprKind::Attr(a) => attr(out, a),
        ExprKind::Call(c) => call(out, c),
        ExprKind::Not(inner) => {
            out.push_str("not ");
            bracketed(out, inner, strength(inner) < 8);
        }
        ExprKind::Neg(inner) => {
            out.push('-');
            // `-5` is a literal and `--` starts a comment.
            let number = matches!(&inner.kind, ExprKind::Literal(l) if !is_time(l));
            let minus = matches!(inner.kind, ExprKind::Neg(_));
            bracketed(out, inner, number || minus || strength(inner) < 8);
        }
        ExprKind::Logical { op, operands } => {
            for (n, operand) in operands.iter().enumerate() {
                if n > 0 {
                    let _ = write!(out, " {op} ");
                }
                bracketed(out, operand, in_chain_needs_brackets(*op, operand));
            }
        }
        ExprKind::Binary { op, left, right } => {
            let own = op_strength(*op);
            let is_not = |e: &Expr| matches!(e.kind, ExprKind::Not(_));
            bracketed(out, left, strength(left) < own || is_not(left));
            let _ = write!(out, " {op} ");
            bracketed(out, right, strength(right) <= own || is_not(right));
        }
        ExprKind::IsNull(inner) => {
            expr(out, inner);
            out.push_str(" is null");
        }
        ExprKind::In { expr: inner, table } => {
            bracketed(out, inner, strength(inner) < 9 && strength(inner) != 3);
            out.push_str(" in ");
            source(out, table);
        }
    }
}

/// Whether an operand of a chain of `op` needs brackets. A chain of the same operator in brackets
/// keeps them.
fn in_chain_needs_brackets(op: LogicalOp, operand: &Expr) -> bool {
    strength(operand) <= op_strength(op.into())
}

fn bracketed(out: &mut String, e: &Expr, brackets: bool) {
    if brackets {
        out.push('(');
    }
    expr(out, e);
    if brackets {
        out.push(')');
    }
}

fn is_time(l: &Literal) -> bool {
    matches!(l, Literal::Time(_))
}

fn literal(out: &mut String, l: &Literal) {
    // Writing to a `String` can't fail.
    let _ = match l {
        Literal::Int(v) => write!(out, "{v}"),
        Literal::Long(v) => write!(out, "{v}L"),
        // No digits are lost; what overflowed when it was read overflows again.
        Literal::Float(Bits(v)) if v.is_infinite() => write!(out, "{}1e999f", sign(*v < 0.0)),
        Literal::Double(Bits(v)) if v.is_infinite() => write!(out, "{}1e999", sign(*v < 0.0)),
        Literal::Float(Bits(v)) => write!(out, "{v:?}f"),
        Literal::Double(Bits(v)) => write!(out, "{v:?}"),
        Literal::Bool(v) => write!(out, "{v}"),
        Literal::String(v) => {
            string(out, v);
            Ok(())
        }
        Literal::Time(t) => {
            time(out, t);
            Ok(())
        }
    };
}

fn sign(negative: bool) -> &'static str {
    if negative { "-" } else { "" }
}

/// `2 hours 1 min`.
pub(super) fn time(out: &mut String, t: &TimeLiteral) {
    for (n, (count, unit)) in t.parts.iter().enumerate() {
        let plural = if *count == 1 { "" } else { "s" };
        let (word, plural) = match unit {
            TimeUnit::Year => ("year", plural),
            TimeUnit::Month => ("month", plural),
            TimeUnit::Week => ("week", plural),
            TimeUnit::Day => ("day", plural),
            TimeUnit::Hour => ("hour", plural),
            TimeUnit::Minute => ("min", ""),
            TimeUnit::Second => ("sec", ""),
            TimeUnit::Millisecond => ("millisec", ""),
        };
        let space = if n > 0 { " " } else { "" };
        let _ = write!(out, "{space}{count} {word}{plural}");
    }
}

pub(super) fn attr(out: &mut String, a: &AttrRef) {
    mark(out, a.mark);
    if let Some(s) = &a.source {
        mark(out, s.mark);
        name(out, &s.name);
        index(out, s.index);
        if let Some(second) = &a.second {
            out.push('#');
            name(out, &second.name);
            index(out, second.index);
        }
        out.push('.');
    }
    name(out, &a.name);
    index(out, a.index);
}

pub(super) fn call(out: &mut String, c: &Call) {
    if let Some(ns) = &c.namespace {
        name(out, ns);
        out.push(':');
    }
    name(out, &c.name);
    out.push('(');
    if c.star {
        out.push('*');
    }
    for (n, arg) in c.args.iter().enumerate() {
        if n > 0 {
            out.push_str(", ");
        }
        expr(out, arg);
    }
    out.push(')');
}

/// Writes an expression; `tail` columns will follow on its last line. If it is a chain of `and`s or
/// `or`s that doesn't fit, or that has comments between its operands, each operand goes on a line.
pub(super) fn block(w: &mut Writer<'_>, e: &Expr, indent: usize, tail: usize) {
    w.at(e.at());
    chain(w, e, "", indent, tail);
}

fn chain(w: &mut Writer<'_>, e: &Expr, lead: &str, indent: usize, tail: usize) {
    let flat = format!("{lead}{}", print_expr(e));
    let (op, operands, last) = match &e.kind {
        ExprKind::Logical { op, operands } => match operands.as_slice() {
            all @ [.., last] => (*op, all, last.at()),
            [] => return,
        },
        _ => return w.text(&flat),
    };
    if w.fits(flat.chars().count() + tail) && !w.comment_between(e.at(), last) {
        return w.text(&flat);
    }
    for (n, operand) in operands.iter().enumerate() {
        let mut before = lead.to_string();
        if n > 0 {
            w.newline(indent);
            w.at(operand.at());
            before = format!("{op} ");
        }
        let brackets = in_chain_needs_brackets(op, operand);
        before.push_str(if brackets { "(" } else { "" });
        let tail = if n + 1 < operands.len() { 0 } else { tail } + usize::from(brackets);
        chain(w, operand, &before, indent + 2, tail);
        w.text(if brackets { ")" } else { "" });
    }
}
