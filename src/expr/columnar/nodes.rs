//! Our own physical expressions: where SiddhiQL's null, zero and comparison rules are not SQL's.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::is_not_null;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Schema};
use datafusion_common::{Result, ScalarValue, exec_err};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;

use crate::expr::types::arrow_type;
use crate::lang::ast::{AttrType, BinaryOp};

use super::{compare, divide};

/// What a [`Node`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum NodeOp {
    /// A comparison of two values of one type; never null.
    Compare(BinaryOp),
    /// True where both are true; never null.
    And,
    /// True where one is true; never null.
    Or,
    /// True unless the operand is true; never null.
    Not,
    /// Quotient; null for a zero divisor.
    Divide,
    /// Remainder; null for a zero divisor.
    Modulo,
    /// The first operand that is not null.
    FirstNonNull,
}

/// An expression with SiddhiQL's semantics.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Node {
    op: NodeOp,
    args: Vec<Arc<dyn PhysicalExpr>>,
    ty: DataType,
}

impl Node {
    /// A node that gives bools.
    pub(super) fn boxed(op: NodeOp, args: Vec<Arc<dyn PhysicalExpr>>) -> Arc<dyn PhysicalExpr> {
        Self::typed(op, args, AttrType::Bool)
    }

    /// A node that gives values of type `ty`.
    pub(super) fn typed(
        op: NodeOp,
        args: Vec<Arc<dyn PhysicalExpr>>,
        ty: AttrType,
    ) -> Arc<dyn PhysicalExpr> {
        Arc::new(Self { op, args, ty: arrow_type(ty) })
    }

    fn arg(&self, i: usize, batch: &RecordBatch) -> Result<ColumnarValue> {
        match self.args.get(i) {
            Some(arg) => arg.evaluate(batch),
            None => exec_err!("{:?} lacks operand {i}", self.op),
        }
    }

    fn first_non_null(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let mut value = self.arg(0, batch)?;
        for i in 1..self.args.len() {
            value = match value {
                ColumnarValue::Scalar(s) if s.is_null() => self.arg(i, batch)?,
                ColumnarValue::Scalar(_) => break,
                ColumnarValue::Array(a) if a.null_count() == 0 => {
                    return Ok(ColumnarValue::Array(a));
                }
                ColumnarValue::Array(a) => {
                    let present = is_not_null(&a)?;
                    ColumnarValue::Array(match self.arg(i, batch)? {
                        ColumnarValue::Array(next) => zip(&present, &a, &next)?,
                        ColumnarValue::Scalar(next) => zip(&present, &a, &next.to_scalar()?)?,
                    })
                }
            };
        }
        Ok(value)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}(", self.op)?;
        for (i, arg) in self.args.iter().enumerate() {
            write!(f, "{}{arg}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str(")")
    }
}

impl PhysicalExpr for Node {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.ty.clone())
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(matches!(self.op, NodeOp::Divide | NodeOp::Modulo | NodeOp::FirstNonNull))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        match self.op {
            NodeOp::Compare(op) => compare::compare(op, &self.arg(0, batch)?, &self.arg(1, batch)?),
            NodeOp::And => match Truth::of(self.arg(0, batch)?)? {
                Truth::Same(false) => Ok(constant(false)),
                left => Ok(left.and(Truth::of(self.arg(1, batch)?)?).into_value()),
            },
            NodeOp::Or => match Truth::of(self.arg(0, batch)?)? {
                Truth::Same(true) => Ok(constant(true)),
                left => Ok(left.or(Truth::of(self.arg(1, batch)?)?).into_value()),
            },
            NodeOp::Not => Ok(Truth::of(self.arg(0, batch)?)?.not().into_value()),
            NodeOp::Divide | NodeOp::Modulo => {
                let (left, right) = (self.arg(0, batch)?, self.arg(1, batch)?);
                divide::divide(self.op == NodeOp::Modulo, &self.ty, &left, &right)
            }
            NodeOp::FirstNonNull => self.first_non_null(batch),
        }
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.args.iter().collect()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self { op: self.op, args: children, ty: self.ty.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which rows are exactly true. A result that is the same for all rows is always [`Truth::Same`], so
/// that `and` and `or` can skip their second operand.
#[derive(Debug, Clone)]
pub(super) enum Truth {
    Same(bool),
    Bits(BooleanBuffer),
}

impl Truth {
    /// Null counts as false.
    pub(super) fn of(value: ColumnarValue) -> Result<Truth> {
        match value {
            ColumnarValue::Scalar(ScalarValue::Boolean(v)) => Ok(Truth::Same(v == Some(true))),
            ColumnarValue::Scalar(other) => exec_err!("{other} is not a bool"),
            ColumnarValue::Array(array) => match array.as_boolean_opt() {
                Some(array) => Ok(Truth::from_array(array)),
                None => exec_err!("{} is not a bool", array.data_type()),
            },
        }
    }

    fn from_array(array: &BooleanArray) -> Truth {
        let bits = match array.nulls() {
            Some(nulls) if nulls.null_count() > 0 => array.values() & nulls.inner(),
            _ => array.values().clone(),
        };
        match bits.count_set_bits() {
            0 => Truth::Same(false),
            n if n == bits.len() => Truth::Same(true),
            _ => Truth::Bits(bits),
        }
    }

    fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::Bits(a), Truth::Bits(b)) => Truth::Bits(&a & &b),
            (Truth::Same(true), x) | (x, Truth::Same(true)) => x,
            _ => Truth::Same(false),
        }
    }

    fn or(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::Bits(a), Truth::Bits(b)) => Truth::Bits(&a | &b),
            (Truth::Same(false), x) | (x, Truth::Same(false)) => x,
            _ => Truth::Same(true),
        }
    }

    fn not(self) -> Truth {
        match self {
            Truth::Same(v) => Truth::Same(!v),
            Truth::Bits(bits) => Truth::Bits(!&bits),
        }
    }

    fn into_value(self) -> ColumnarValue {
        match self {
            Truth::Same(v) => constant(v),
            Truth::Bits(bits) => ColumnarValue::Array(Arc::new(BooleanArray::new(bits, None))),
        }
    }
}

fn constant(v: bool) -> ColumnarValue {
    ColumnarValue::Scalar(ScalarValue::Boolean(Some(v)))
}
