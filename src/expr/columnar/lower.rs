//! From typed expressions to physical ones.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion_common::ScalarValue;
use datafusion_expr::Operator;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions as df;

use crate::error::{Code, Diagnostic, Error, Result};
use crate::event::{Value, object};
use crate::expr::functions::{Eval, FunctionSpec};
use crate::expr::rules::{comparison_type, widened};
use crate::expr::tree::{ColumnRef, TypedExpr, TypedKind};
use crate::expr::types::arrow_type;
use crate::lang::ast::{AttrType, BinaryOp};

use super::Hidden;
use super::call::CallNode;
use super::nodes::{Node, NodeOp};

/// Lowers one expression and notes which hidden columns it needs.
pub(super) struct Lowering<'a> {
    schema: &'a SchemaRef,
    /// Needed so far; hidden column `i` stands `i` places behind the schema's own.
    pub(super) hidden: Vec<Hidden>,
}

type Physical = Arc<dyn PhysicalExpr>;

impl<'a> Lowering<'a> {
    pub(super) fn new(schema: &'a SchemaRef) -> Self {
        Self { schema, hidden: vec![] }
    }

    pub(super) fn expr(&mut self, e: &TypedExpr) -> Result<Physical> {
        Ok(match &e.kind {
            TypedKind::Literal(v) => literal(v, e.ty),
            TypedKind::Column(c) => self.column(*c, e)?,
            TypedKind::EventTime(source) => {
                self.only_row(*source, e)?;
                self.hidden(Hidden::EventTime)
            }
            TypedKind::Clock => self.hidden(Hidden::Clock),
            TypedKind::IsMissing(source) => {
                self.only_row(*source, e)?;
                // The row under evaluation is there.
                literal(&Value::Bool(false), AttrType::Bool)
            }
            TypedKind::Not(inner) => Node::boxed(NodeOp::Not, vec![self.expr(inner)?]),
            TypedKind::Neg(inner) => negated(self.expr(inner)?, inner.ty),
            TypedKind::IsNull(inner) => Arc::new(df::IsNullExpr::new(self.expr(inner)?)),
            TypedKind::Binary { op, left, right } => self.binary(*op, left, right, e)?,
            TypedKind::Call { function, args } => self.call(function, args, e)?,
        })
    }

    fn only_row(&self, source: u16, e: &TypedExpr) -> Result<()> {
        if source == 0 {
            return Ok(());
        }
        let message = "this looks at another row than the one under evaluation";
        Err(Error::Query(vec![Diagnostic::error(Code::Invalid, e.span, message)]))
    }

    fn column(&self, c: ColumnRef, e: &TypedExpr) -> Result<Physical> {
        self.only_row(c.source, e)?;
        let index = c.column as usize;
        match self.schema.fields().get(index) {
            Some(field) if *field.data_type() == arrow_type(e.ty) => {
                Ok(Arc::new(df::Column::new(field.name(), index)))
            }
            Some(field) => Err(Error::Name(format!(
                "column {index} (`{}`) is {}, not {}",
                field.name(),
                field.data_type(),
                e.ty
            ))),
            None => Err(Error::Name(format!("there is no column {index}"))),
        }
    }

    fn hidden(&mut self, wanted: Hidden) -> Physical {
        let at = self.hidden.iter().position(|h| *h == wanted).unwrap_or_else(|| {
            self.hidden.push(wanted);
            self.hidden.len() - 1
        });
        Arc::new(df::Column::new(wanted.name(), self.schema.fields().len() + at))
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        left: &TypedExpr,
        right: &TypedExpr,
        e: &TypedExpr,
    ) -> Result<Physical> {
        let arithmetic = |l, o, r| Ok(Arc::new(df::BinaryExpr::new(l, o, r)) as Physical);
        match op {
            BinaryOp::And => {
                Ok(Node::boxed(NodeOp::And, vec![self.expr(left)?, self.expr(right)?]))
            }
            BinaryOp::Or => Ok(Node::boxed(NodeOp::Or, vec![self.expr(left)?, self.expr(right)?])),
            // Without overflow checks DataFusion's sums, differences and products wrap, as ours must.
            BinaryOp::Add => {
                arithmetic(self.wide(left, e.ty)?, Operator::Plus, self.wide(right, e.ty)?)
            }
            BinaryOp::Sub => {
                arithmetic(self.wide(left, e.ty)?, Operator::Minus, self.wide(right, e.ty)?)
            }
            BinaryOp::Mul => {
                arithmetic(self.wide(left, e.ty)?, Operator::Multiply, self.wide(right, e.ty)?)
            }
            BinaryOp::Div | BinaryOp::Mod => {
                let args = vec![self.wide(left, e.ty)?, self.wide(right, e.ty)?];
                let kind = if op == BinaryOp::Div { NodeOp::Divide } else { NodeOp::Modulo };
                Ok(Node::typed(kind, args, e.ty))
            }
            comparison => {
                let ty = comparison_type(comparison, left.ty, right.ty).ok_or_else(|| {
                    let message = format!("{} can't be compared with {}", left.ty, right.ty);
                    Error::Query(vec![Diagnostic::error(Code::Type, e.span, message)])
                })?;
                let args = vec![self.wide(left, ty)?, self.wide(right, ty)?];
                Ok(Node::boxed(NodeOp::Compare(comparison), args))
            }
        }
    }

    /// `e` widened to `ty`.
    fn wide(&mut self, e: &TypedExpr, ty: AttrType) -> Result<Physical> {
        let inner = self.expr(e)?;
        if e.ty == ty {
            return Ok(inner);
        }
        if let TypedKind::Literal(v) = &e.kind {
            return Ok(literal(&widened(v, ty), ty));
        }
        Ok(Arc::new(df::CastExpr::new(inner, arrow_type(ty), None)))
    }

    fn call(
        &mut self,
        function: &'static FunctionSpec,
        args: &[TypedExpr],
        e: &TypedExpr,
    ) -> Result<Physical> {
        let mut lowered = args.iter().map(|a| self.expr(a)).collect::<Result<Vec<_>>>()?;
        match (&function.eval, lowered.as_slice()) {
            (Eval::EventTime, _) => Ok(self.hidden(Hidden::EventTime)),
            (Eval::Clock, _) => Ok(self.hidden(Hidden::Clock)),
            (Eval::FirstNonNull, _) => Ok(Node::typed(NodeOp::FirstNonNull, lowered, e.ty)),
            (Eval::IfThenElse, [condition, then, otherwise]) => {
                let branch = (Arc::clone(condition), Arc::clone(then));
                let case = df::CaseExpr::try_new(None, vec![branch], Some(Arc::clone(otherwise)))?;
                Ok(Arc::new(case))
            }
            (Eval::IfThenElse, _) => {
                let message = "`ifThenElse` takes three arguments";
                Err(Error::Query(vec![Diagnostic::error(Code::Type, e.span, message)]))
            }
            (Eval::Calls(calls), _) => {
                if function.volatile {
                    let hidden = [Hidden::Order, Hidden::Clock, Hidden::Ordinal];
                    lowered.extend(hidden.map(|h| self.hidden(h)));
                }
                Ok(Arc::new(CallNode::new(function, calls, args, lowered, e)))
            }
        }
    }
}

fn literal(v: &Value, ty: AttrType) -> Physical {
    Arc::new(df::Literal::new(scalar(v, ty)))
}

/// A value of type `ty` as DataFusion's; a value of another type is null.
fn scalar(v: &Value, ty: AttrType) -> ScalarValue {
    match (ty, v) {
        (AttrType::Int, Value::Int(x)) => ScalarValue::Int32(Some(*x)),
        (AttrType::Long, Value::Long(x)) => ScalarValue::Int64(Some(*x)),
        (AttrType::Float, Value::Float(x)) => ScalarValue::Float32(Some(*x)),
        (AttrType::Double, Value::Double(x)) => ScalarValue::Float64(Some(*x)),
        (AttrType::Bool, Value::Bool(x)) => ScalarValue::Boolean(Some(*x)),
        (AttrType::String, Value::String(x)) => ScalarValue::Utf8View(Some(x.to_string())),
        (AttrType::Object, v) if *v != Value::Null => {
            ScalarValue::BinaryView(Some(object::encode(v)))
        }
        _ => null(&arrow_type(ty)),
    }
}

/// The null of one of the engine's types.
pub(super) fn null(ty: &DataType) -> ScalarValue {
    match ty {
        DataType::Int32 => ScalarValue::Int32(None),
        DataType::Int64 => ScalarValue::Int64(None),
        DataType::Float32 => ScalarValue::Float32(None),
        DataType::Float64 => ScalarValue::Float64(None),
        DataType::Boolean => ScalarValue::Boolean(None),
        DataType::Utf8View => ScalarValue::Utf8View(None),
        _ => ScalarValue::BinaryView(None),
    }
}

/// The negative, which wraps: DataFusion's own does so for columns but fails for constants.
fn negated(inner: Physical, ty: AttrType) -> Physical {
    let zero = match ty {
        AttrType::Int => ScalarValue::Int32(Some(0)),
        AttrType::Long => ScalarValue::Int64(Some(0)),
        _ => return Arc::new(df::NegativeExpr::new(inner)),
    };
    Arc::new(df::BinaryExpr::new(Arc::new(df::Literal::new(zero)), Operator::Minus, inner))
}
