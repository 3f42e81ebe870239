//! `[condition]`: rows for which the condition is true, current or expired. Resets always pass: they
//! stand between rows, so no condition can lose them.

use arrow::datatypes::SchemaRef;

use super::Stateless;
use crate::error::Result;
use crate::event::EventBatch;
use crate::expr::TypedExpr;
use crate::expr::columnar::ColumnarExpr;

/// Keeps the rows for which an expression is true.
pub struct Filter {
    condition: ColumnarExpr,
}

impl Filter {
    /// A filter by `condition`, an expression over rows of `schema`.
    pub fn new(condition: &TypedExpr, schema: &SchemaRef) -> Result<Self> {
        Ok(Self { condition: ColumnarExpr::compile(condition, schema)? })
    }
}

impl Stateless for Filter {
    fn apply(&self, batch: EventBatch) -> Result<EventBatch> {
        if batch.rows() == 0 {
            return Ok(batch);
        }
        batch.filter(&self.condition.mask(&batch)?)
    }
}
