//! Typed expressions as text, for `explain`.

use std::fmt;

use arrow::datatypes::Schema;

use crate::event::Value;
use crate::lang::ast::BinaryOp;

use super::functions::java;
use super::tree::{ColumnRef, TypedExpr, TypedKind};

/// How columns and rows are called.
pub trait Names {
    /// A column.
    fn column(&self, column: ColumnRef) -> String;

    /// A row, by its ordinal.
    fn source(&self, source: u16) -> String {
        format!("row {source}")
    }
}

/// The columns of one batch.
impl Names for Schema {
    fn column(&self, column: ColumnRef) -> String {
        match self.fields().get(column.column as usize) {
            Some(field) if column.source == 0 => field.name().clone(),
            _ => format!("{}.{}", self.source(column.source), column.column),
        }
    }
}

/// An expression as SiddhiQL would write it, with as few parentheses as precedence allows.
pub fn describe<'a>(expr: &'a TypedExpr, names: &'a dyn Names) -> impl fmt::Display + 'a {
    Described { expr, names }
}

struct Described<'a> {
    expr: &'a TypedExpr,
    names: &'a dyn Names,
}

/// How tightly an operator binds; larger binds tighter.
fn binding(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Eq | BinaryOp::NotEq => 3,
        BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Gt | BinaryOp::GtEq => 4,
        BinaryOp::Add | BinaryOp::Sub => 5,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => 6,
    }
}

const PRIMARY: u8 = 8;
const PREFIX: u8 = 7;

fn strength(e: &TypedExpr) -> u8 {
    match &e.kind {
        TypedKind::Binary { op, .. } => binding(*op),
        TypedKind::Not(_) | TypedKind::Neg(_) => PREFIX,
        _ => PRIMARY,
    }
}

impl Described<'_> {
    fn operand(&self, f: &mut fmt::Formatter<'_>, e: &TypedExpr, at_least: u8) -> fmt::Result {
        let inner = Described { expr: e, names: self.names };
        if strength(e) < at_least { write!(f, "({inner})") } else { write!(f, "{inner}") }
    }
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expr.kind {
            TypedKind::Literal(v) => literal(f, v),
            TypedKind::Column(c) => f.write_str(&self.names.column(*c)),
            TypedKind::EventTime(0) => f.write_str("eventTimestamp()"),
            TypedKind::EventTime(s) => write!(f, "eventTimestamp({})", self.names.source(*s)),
            TypedKind::Clock => f.write_str("currentTimeMillis()"),
            TypedKind::IsMissing(s) => write!(f, "{} is null", self.names.source(*s)),
            TypedKind::Not(e) => {
                f.write_str("not ")?;
                self.operand(f, e, PREFIX)
            }
            TypedKind::Neg(e) => {
                f.write_str("-")?;
                self.operand(f, e, PRIMARY)
            }
            TypedKind::IsNull(e) => {
                self.operand(f, e, PRIMARY)?;
                f.write_str(" is null")
            }
            TypedKind::Binary { op, left, right } => {
                let b = binding(*op);
                let associative = matches!(op, BinaryOp::And | BinaryOp::Or);
                self.operand(f, left, b)?;
                write!(f, " {op} ")?;
                self.operand(f, right, if associative { b } else { b + 1 })
            }
            TypedKind::Call { function, args } => {
                write!(f, "{}(", function.full_name())?;
                for (i, arg) in args.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    self.operand(f, arg, 0)?;
                }
                f.write_str(")")
            }
        }
    }
}

fn literal(f: &mut fmt::Formatter<'_>, v: &Value) -> fmt::Result {
    let mut text = String::new();
    java::write_value(&mut text, v);
    match v {
        Value::Long(_) => write!(f, "{text}L"),
        Value::Float(_) => write!(f, "{text}f"),
        Value::String(_) if !text.contains(['\'', '"', '\n']) => write!(f, "'{text}'"),
        Value::String(_) => write!(f, "\"\"\"{text}\"\"\""),
        _ => f.write_str(&text),
    }
}
