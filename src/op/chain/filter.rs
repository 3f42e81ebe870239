//! `[condition]`: rows for which the condition is true, current or expired. Resets always pass: they
//! stand between rows, so no condition can lose them.

use arrow::array::BooleanArray;
use arrow::datatypes::SchemaRef;

use super::{Project, Stateless};
use crate::error::Result;
use crate::event::EventBatch;
use crate::expr::TypedExpr;
use crate::expr::columnar::{ColumnarExpr, Truths};

/// Keeps the rows for which an expression is true, and of those all columns or some.
pub struct Filter {
    condition: ColumnarExpr,
    then: Option<Project>,
}

impl Filter {
    /// A filter by `condition`, an expression over rows of `schema`.
    pub fn new(condition: &TypedExpr, schema: &SchemaRef) -> Result<Self> {
        Ok(Self { condition: ColumnarExpr::compile(condition, schema)?, then: None })
    }

    /// The filter followed by a projection to `columns`, as `schema`.
    pub fn keeping(self, columns: Vec<usize>, schema: SchemaRef) -> Self {
        Self { then: Some(Project::new(columns, schema)), ..self }
    }
}

impl Stateless for Filter {
    fn apply(&self, batch: &mut EventBatch) -> Result<bool> {
        let truths = match batch.rows() {
            0 => Truths::All,
            _ => self.condition.truths(batch)?,
        };
        if truths == Truths::None && batch.resets.is_empty() {
            return Ok(false);
        }
        if let Some(project) = &self.then {
            project.apply(batch)?;
        }
        match truths {
            Truths::All => {}
            Truths::None => *batch = batch.take(&[])?,
            Truths::Some(bits) => *batch = batch.filter(&BooleanArray::new(bits, None))?,
        }
        Ok(true)
    }

    fn reads_codes(&self) -> bool {
        true
    }
}
