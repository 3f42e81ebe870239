//! Projection: the columns that the output needs are gathered once, for the rows that leave, and the
//! items are computed over those.

use std::collections::BTreeSet;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Schema, SchemaRef};

use crate::error::Result;
use crate::event::{EventBatch, record_batch};
use crate::expr::columnar::ColumnarExpr;
use crate::expr::{TypedExpr, TypedKind};

/// The items of a selector.
pub(super) struct Projection {
    /// Columns that items read, as places in the rows before; sorted.
    needed: Vec<usize>,
    /// Schema of those.
    narrow: SchemaRef,
    items: Vec<Item>,
    output: SchemaRef,
}

enum Item {
    /// A needed column as it is.
    Column(usize),
    /// Computed over the needed columns.
    Computed(ColumnarExpr),
}

impl Projection {
    /// `items` over rows of schema `input`, giving rows of schema `output`.
    pub(super) fn new(items: &[TypedExpr], input: &SchemaRef, output: &SchemaRef) -> Result<Self> {
        let mut needed = BTreeSet::new();
        for item in items {
            item.each_column(&mut |c| {
                needed.insert(c.column);
            });
        }
        let needed: Vec<u16> = needed.into_iter().collect();
        let fields: Vec<_> =
            needed.iter().map(|c| input.fields()[usize::from(*c)].clone()).collect();
        let narrow: SchemaRef = Schema::new(fields).into();
        let items = items.iter().map(|i| Item::new(i, &needed, &narrow)).collect::<Result<_>>()?;
        let needed = needed.into_iter().map(usize::from).collect();
        Ok(Self { needed, narrow, items, output: output.clone() })
    }

    /// Columns that items read, as places in the rows before; sorted.
    pub(super) fn needed(&self) -> &[usize] {
        &self.needed
    }

    /// The rows it makes.
    pub(super) fn output(&self) -> &SchemaRef {
        &self.output
    }

    /// The items for `rows` of `batch` (none = all rows), whose hidden fields come along; chunks are
    /// the caller's.
    pub(super) fn project(&self, batch: &EventBatch, rows: Option<&[u32]>) -> Result<EventBatch> {
        let columns = self.needed.iter().map(|c| batch.columns.column(*c).clone()).collect();
        let mut narrow = batch.clone();
        narrow.chunks = None;
        narrow.columns = record_batch(&self.narrow, columns, batch.rows())?;
        if let Some(rows) = rows {
            narrow = gather(&narrow, rows)?;
        }
        let columns = self.items.iter().map(|i| i.evaluate(&narrow)).collect::<Result<Vec<_>>>()?;
        narrow.columns = record_batch(&self.output, columns, narrow.rows())?;
        Ok(narrow)
    }
}

impl Item {
    fn new(item: &TypedExpr, needed: &[u16], narrow: &SchemaRef) -> Result<Self> {
        let mut item = item.clone();
        item.visit_mut(&mut |e| {
            if let TypedKind::Column(c) = &mut e.kind {
                // `needed` was made of these very columns, so the place is always found.
                c.column = needed.binary_search(&c.column).unwrap_or_default() as u16;
            }
        });
        Ok(match item.kind {
            TypedKind::Column(c) => Item::Column(usize::from(c.column)),
            _ => Item::Computed(ColumnarExpr::compile(&item, narrow)?),
        })
    }

    fn evaluate(&self, narrow: &EventBatch) -> Result<ArrayRef> {
        match self {
            Item::Column(c) => Ok(narrow.columns.column(*c).clone()),
            Item::Computed(e) => e.evaluate(narrow),
        }
    }
}

/// Rows of `batch` in any order, without chunks and resets.
pub(super) fn gather(batch: &EventBatch, rows: &[u32]) -> Result<EventBatch> {
    let indices = UInt32Array::from(rows.to_vec());
    let columns = batch
        .columns
        .columns()
        .iter()
        .map(|c| take(c, &indices, None))
        .collect::<Result<Vec<_>, _>>()?;
    let rows = || rows.iter().map(|r| *r as usize);
    Ok(EventBatch {
        columns: record_batch(&batch.columns.schema(), columns, rows().len())?,
        ts: rows().map(|r| batch.ts[r]).collect(),
        at: rows().map(|r| batch.at[r]).collect(),
        order: rows().map(|r| batch.order[r]).collect(),
        kinds: batch.kinds.as_ref().map(|k| rows().map(|r| k[r]).collect()),
        chunks: None,
        resets: Vec::new(),
        keys: batch.keys.as_ref().map(|k| rows().map(|r| k[r]).collect()),
    })
}
