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
    /// If no item is computed: their places in the rows before.
    plain: Option<Vec<usize>>,
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
        let items: Vec<Item> =
            items.iter().map(|i| Item::new(i, &needed, &narrow)).collect::<Result<_>>()?;
        let needed: Vec<usize> = needed.into_iter().map(usize::from).collect();
        let plain = |item: &Item| match item {
            Item::Column(c) => Some(needed[*c]),
            Item::Computed(_) => None,
        };
        let plain = items.iter().map(plain).collect();
        Ok(Self { needed, narrow, items, plain, output: output.clone() })
    }

    /// Whether all items are columns as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.plain.is_some()
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
        let column = |c: &usize| batch.columns.column(*c).clone();
        let (places, schema) = match &self.plain {
            Some(places) => (places, &self.output),
            None => (&self.needed, &self.narrow),
        };
        let columns: Vec<ArrayRef> = places.iter().map(column).collect();
        let mut out = match rows {
            Some(rows) => gather_columns(batch, &columns, schema, rows)?,
            None => batch.with_columns(schema.clone(), columns)?,
        };
        out.chunks = None;
        if self.plain.is_some() {
            return Ok(out);
        }
        let columns = self.items.iter().map(|i| i.evaluate(&out)).collect::<Result<Vec<_>>>()?;
        out.set_columns(self.output.clone(), columns)?;
        Ok(out)
    }

    /// The items for all rows of `batch`, in place, if none of them is computed: whether that was so.
    /// `more` are columns behind the batch's own.
    pub(super) fn replace(&self, batch: &mut EventBatch, more: &[ArrayRef]) -> Result<bool> {
        let Some(places) = &self.plain else { return Ok(false) };
        let own = batch.columns.columns();
        let column = |c: &usize| own.get(*c).unwrap_or_else(|| &more[*c - own.len()]).clone();
        let columns = places.iter().map(column).collect();
        batch.set_columns(self.output.clone(), columns)?;
        Ok(true)
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
    gather_columns(batch, batch.columns.columns(), &batch.columns.schema(), rows)
}

/// The hidden fields of rows of `batch` in any order, without chunks and resets, around those rows of
/// other columns.
fn gather_columns(
    batch: &EventBatch,
    columns: &[ArrayRef],
    schema: &SchemaRef,
    rows: &[u32],
) -> Result<EventBatch> {
    let indices = UInt32Array::from(rows.to_vec());
    let columns = columns.iter().map(|c| take(c, &indices, None)).collect::<Result<Vec<_>, _>>()?;
    let rows = || rows.iter().map(|r| *r as usize);
    Ok(EventBatch {
        columns: record_batch(schema, columns, rows().len())?,
        ts: rows().map(|r| batch.ts[r]).collect(),
        at: rows().map(|r| batch.at[r]).collect(),
        order: rows().map(|r| batch.order[r]).collect(),
        kinds: batch.kinds.as_ref().map(|k| rows().map(|r| k[r]).collect()),
        chunks: None,
        resets: Vec::new(),
        keys: batch.keys.as_ref().map(|k| rows().map(|r| k[r]).collect()),
    })
}
