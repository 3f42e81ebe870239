//! `#function(…)`: columns appended to each row.

use arrow::datatypes::SchemaRef;

use super::Stateless;
use crate::error::Result;
use crate::event::EventBatch;
use crate::expr::TypedExpr;
use crate::expr::columnar::ColumnarExpr;

/// Appends computed columns.
pub struct Append {
    columns: Vec<ColumnarExpr>,
    schema: SchemaRef,
}

impl Append {
    /// Appends `columns`, expressions over rows of `input`; `output` is the schema with them.
    pub fn new(columns: &[TypedExpr], input: &SchemaRef, output: SchemaRef) -> Result<Self> {
        let columns =
            columns.iter().map(|e| ColumnarExpr::compile(e, input)).collect::<Result<_>>()?;
        Ok(Self { columns, schema: output })
    }
}

impl Stateless for Append {
    fn apply(&self, batch: &mut EventBatch) -> Result<bool> {
        let mut columns = batch.columns.columns().to_vec();
        for e in &self.columns {
            columns.push(e.evaluate(batch)?);
        }
        batch.set_columns(self.schema.clone(), columns)?;
        Ok(true)
    }

    fn reads_codes(&self) -> bool {
        true
    }
}
