//! Columnar evaluation: a typed expression over the rows of one batch, lowered to DataFusion physical
//! expressions where their semantics are SiddhiQL's and to our own nodes where they are not.
//!
//! What a row knows beside its attributes (event time, clock, order) is passed as hidden columns
//! behind the batch's own, and only those an expression uses.

mod call;
mod compare;
mod divide;
mod lower;
mod nodes;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;

use crate::error::{Error, Result};
use crate::event::EventBatch;
use crate::lang::ast::AttrType;

use super::fold::fold;
use super::tree::{TypedExpr, TypedKind};

/// A column behind the batch's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hidden {
    EventTime,
    Clock,
    Order,
    /// Number of the row among the rows of equal order and clock. It does not depend on how the
    /// input was cut into batches: a step holds all rows of one cause.
    Ordinal,
}

/// An expression ready to be evaluated over batches of one schema.
#[derive(Debug, Clone)]
pub struct ColumnarExpr {
    plan: Plan,
    ty: AttrType,
}

#[derive(Debug, Clone)]
enum Plan {
    /// A column as it is.
    Column(usize),
    /// Anything else.
    Expr {
        root: Arc<dyn PhysicalExpr>,
        hidden: Vec<Hidden>,
        /// The batch's columns followed by the hidden ones.
        schema: SchemaRef,
    },
}

impl ColumnarExpr {
    /// Lowers an expression over rows of `schema`.
    ///
    /// # Errors
    /// If it looks at another row than row 0, or at columns that `schema` hasn't got.
    pub fn compile(expr: &TypedExpr, schema: &SchemaRef) -> Result<Self> {
        let folded = fold(expr);
        let mut lowering = lower::Lowering::new(schema);
        let root = lowering.expr(&folded)?;
        let plan = match folded.kind {
            TypedKind::Column(c) => Plan::Column(c.column as usize),
            _ => Plan::Expr {
                root,
                schema: with_hidden(schema, &lowering.hidden),
                hidden: lowering.hidden,
            },
        };
        Ok(Self { plan, ty: expr.ty })
    }

    /// The type of its values.
    pub fn ty(&self) -> AttrType {
        self.ty
    }

    /// The column it is, if it is nothing but a column.
    pub fn as_column(&self) -> Option<usize> {
        match self.plan {
            Plan::Column(c) => Some(c),
            Plan::Expr { .. } => None,
        }
    }

    /// Its values, one per row. A plain column is shared, not copied.
    ///
    /// # Errors
    /// If the batch is not of the schema it was compiled for.
    pub fn evaluate(&self, batch: &EventBatch) -> Result<ArrayRef> {
        match &self.plan {
            Plan::Column(c) => column(batch, *c),
            Plan::Expr { .. } => Ok(self.values(batch)?.into_array(batch.rows())?),
        }
    }

    /// Where it is exactly true; no nulls.
    ///
    /// # Errors
    /// If the batch is not of the schema it was compiled for, or the expression isn't a bool.
    pub fn mask(&self, batch: &EventBatch) -> Result<BooleanArray> {
        let truth = nodes::Truth::of(self.values(batch)?)?;
        let bits = match truth {
            nodes::Truth::Bits(bits) => bits,
            nodes::Truth::Same(true) => BooleanBuffer::new_set(batch.rows()),
            nodes::Truth::Same(false) => BooleanBuffer::new_unset(batch.rows()),
        };
        Ok(BooleanArray::new(bits, None))
    }

    fn values(&self, batch: &EventBatch) -> Result<ColumnarValue> {
        Ok(match &self.plan {
            Plan::Column(c) => ColumnarValue::Array(column(batch, *c)?),
            Plan::Expr { root, hidden, .. } if hidden.is_empty() => {
                root.evaluate(&batch.columns)?
            }
            Plan::Expr { root, hidden, schema } => {
                root.evaluate(&extended(batch, schema, hidden)?)?
            }
        })
    }
}

fn column(batch: &EventBatch, index: usize) -> Result<ArrayRef> {
    let column = batch.columns.columns().get(index);
    column.map(Arc::clone).ok_or_else(|| Error::Data(format!("the batch has no column {index}")))
}

fn with_hidden(schema: &SchemaRef, hidden: &[Hidden]) -> SchemaRef {
    if hidden.is_empty() {
        return Arc::clone(schema);
    }
    let extra = hidden.iter().map(|h| Arc::new(Field::new(h.name(), DataType::Int64, false)));
    Arc::new(Schema::new(schema.fields().iter().cloned().chain(extra).collect::<Vec<_>>()))
}

/// The batch's columns followed by the hidden ones.
fn extended(batch: &EventBatch, schema: &SchemaRef, hidden: &[Hidden]) -> Result<RecordBatch> {
    let columns = batch.columns.columns().iter().cloned();
    let columns = columns.chain(hidden.iter().map(|h| h.values(batch))).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

impl Hidden {
    fn name(self) -> &'static str {
        match self {
            Hidden::EventTime => "eventTimestamp()",
            Hidden::Clock => "currentTimeMillis()",
            Hidden::Order => "order",
            Hidden::Ordinal => "ordinal",
        }
    }

    fn values(self, batch: &EventBatch) -> ArrayRef {
        let values = match self {
            Hidden::EventTime => batch.ts.values().clone(),
            Hidden::Clock => batch.at.values().clone(),
            Hidden::Order => batch.order.iter().map(|o| *o as i64).collect(),
            Hidden::Ordinal => ordinals(batch).into(),
        };
        Arc::new(Int64Array::new(values, None))
    }
}

fn ordinals(batch: &EventBatch) -> Vec<i64> {
    let mut next = 0;
    let mut out = Vec::with_capacity(batch.rows());
    for row in 0..batch.rows() {
        let same = row > 0
            && batch.order[row - 1] == batch.order[row]
            && batch.at[row - 1] == batch.at[row];
        next = if same { next + 1 } else { 0 };
        out.push(next);
    }
    out
}
