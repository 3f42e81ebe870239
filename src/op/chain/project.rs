//! Narrowing: only the columns somebody behind still needs.

use arrow::datatypes::SchemaRef;

use super::Stateless;
use crate::error::Result;
use crate::event::EventBatch;

/// Keeps some columns.
pub struct Project {
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl Project {
    /// Keeps `columns`, in that order, as `schema`.
    pub fn new(columns: Vec<usize>, schema: SchemaRef) -> Self {
        Self { columns, schema }
    }
}

impl Stateless for Project {
    fn apply(&self, batch: &mut EventBatch) -> Result<bool> {
        let columns = self.columns.iter().map(|c| batch.columns.column(*c).clone()).collect();
        batch.set_columns(self.schema.clone(), columns)?;
        Ok(true)
    }

    fn reads_codes(&self) -> bool {
        true
    }
}
