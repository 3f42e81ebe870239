//! A stand-in until the columnar evaluator is merged: columns, literals and comparisons of longs.

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::compute::kernels::cmp;
use arrow::datatypes::SchemaRef;
use datafusion_common::ScalarValue;

use super::{TypedExpr, TypedKind};
use crate::error::{Error, Result};
use crate::event::{EventBatch, Value};
use crate::expr::types::arrow_type;
use crate::lang::ast::BinaryOp;

/// An expression over the rows of one batch.
pub struct ColumnarExpr {
    expr: TypedExpr,
}

impl ColumnarExpr {
    /// Compiles an expression over rows of `schema`.
    pub fn compile(expr: &TypedExpr, _schema: &SchemaRef) -> Result<Self> {
        Ok(Self { expr: expr.clone() })
    }

    /// Its value per row.
    pub fn evaluate(&self, batch: &EventBatch) -> Result<ArrayRef> {
        evaluate(&self.expr, batch)
    }

    /// Where it is true.
    pub fn mask(&self, batch: &EventBatch) -> Result<BooleanArray> {
        let array = self.evaluate(batch)?;
        array
            .as_any()
            .downcast_ref::<BooleanArray>()
            .cloned()
            .ok_or_else(|| Error::Data("not a condition".into()))
    }
}

fn evaluate(expr: &TypedExpr, batch: &EventBatch) -> Result<ArrayRef> {
    Ok(match &expr.kind {
        TypedKind::Column(c) => batch.columns.column(c.column as usize).clone(),
        TypedKind::Literal(value) => {
            let values = vec![value.clone(); batch.rows()];
            Value::to_array(&arrow_type(expr.ty), values.iter())
        }
        TypedKind::Binary { op: BinaryOp::Gt, left, right } => {
            let (l, r) = (evaluate(left, batch)?, evaluate(right, batch)?);
            std::sync::Arc::new(cmp::gt(&l, &r)?)
        }
        _ => new_null_array(&ScalarValue::Null.data_type(), batch.rows()),
    })
}
