//! Access to the rows of a side by slot, and evaluation over only the columns an expression needs.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Schema, SchemaRef};

use crate::error::Result;
use crate::event::{NO_SLOT, RowStore, Slot, record_batch};
use crate::expr::{ColumnarExpr, TypedExpr, TypedKind};

/// Where the rows of a side are.
pub(super) enum Rows<'a> {
    /// In its window.
    Store(&'a RowStore),
    /// In the batch at hand (a side without window); slots are row numbers.
    Batch(&'a RecordBatch),
}

impl Rows<'_> {
    /// The values of a column at `slots`; [`NO_SLOT`] gives null.
    pub fn gather(&self, column: usize, slots: &[Slot]) -> Result<ArrayRef> {
        match self {
            Rows::Store(store) => Ok(store.gather(column, slots)),
            Rows::Batch(batch) => {
                let at: UInt32Array = slots.iter().map(|s| (*s != NO_SLOT).then_some(*s)).collect();
                Ok(take(batch.column(column), &at, None)?)
            }
        }
    }
}

/// Some of the columns of a schema: those that expressions need.
pub(super) struct Narrowed {
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl Narrowed {
    /// All columns.
    pub fn all(schema: &SchemaRef) -> Self {
        Self { columns: (0..schema.fields().len()).collect(), schema: Arc::clone(schema) }
    }

    /// The columns that the expressions look at.
    pub fn for_exprs<'a>(&self, exprs: impl Iterator<Item = &'a TypedExpr>) -> Self {
        let mut columns: Vec<usize> = Vec::new();
        for e in exprs {
            e.each_column(&mut |c| columns.push(usize::from(c.column)));
        }
        columns.sort_unstable();
        columns.dedup();
        let fields: Vec<_> =
            columns.iter().map(|c| Arc::clone(&self.schema.fields()[*c])).collect();
        Self { columns, schema: Schema::new(fields).into() }
    }

    /// Compiles an expression over the whole schema to one over the narrowed rows.
    pub fn compile(&self, expr: &TypedExpr) -> Result<ColumnarExpr> {
        let mut expr = expr.clone();
        expr.visit_mut(&mut |e| {
            if let TypedKind::Column(c) = &mut e.kind {
                // Never absent: `for_exprs` collected the columns of the same expressions.
                let at = self.columns.binary_search(&usize::from(c.column)).unwrap_or_default();
                c.column = at as u16;
            }
        });
        ColumnarExpr::compile(&expr, &self.schema)
    }

    /// The narrowed rows, column by column.
    pub fn gather(
        &self,
        rows: usize,
        column: impl FnMut(usize) -> Result<ArrayRef>,
    ) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> =
            self.columns.iter().copied().map(column).collect::<Result<_>>()?;
        record_batch(&self.schema, columns, rows)
    }
}
