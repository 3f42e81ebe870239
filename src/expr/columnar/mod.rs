//! Columnar evaluation: a typed expression over the rows of one batch, lowered to DataFusion physical
//! expressions where their semantics are SiddhiQL's and to our own nodes where they are not.
//!
//! What a row knows beside its attributes (event time, clock, order) is passed as hidden columns
//! behind the batch's own, and only those an expression uses.
//!
//! Batches of up to [`FEW`] rows are evaluated row by row: what preparing a kernel costs is more than
//! they take altogether. Both ways agree bit by bit (`expr/tests/agreement.rs`).

mod call;
mod compare;
mod divide;
mod lower;
mod nodes;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;

use crate::error::{Error, Result};
use crate::event::{EventBatch, coded, plain_column, record_batch};
use crate::lang::ast::AttrType;

use super::fold::fold;
use super::row::RowExpr;
use super::tree::{TypedExpr, TypedKind};

/// Batches of so many rows are evaluated row by row.
pub const FEW: usize = 16;

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
        /// The string columns it looks at.
        texts: Vec<usize>,
        /// The same for few rows; none if a row must know of those before it.
        few: Option<Arc<Few>>,
    },
}

/// An expression by row, and the text columns it looks at.
#[derive(Debug)]
struct Few {
    expr: RowExpr,
    texts: Vec<usize>,
}

impl Few {
    fn new(e: &TypedExpr) -> Self {
        let mut texts = vec![];
        e.visit(&mut |e| match e.kind {
            TypedKind::Column(c) if e.ty == AttrType::String => texts.push(c.column.into()),
            _ => {}
        });
        Self { expr: RowExpr::lower(e), texts }
    }

    /// The expression, if the batch has few rows, with texts as rows are read.
    #[inline]
    fn of(&self, batch: &EventBatch) -> Option<&RowExpr> {
        let columns = batch.columns.columns();
        let is_text = |c: &usize| *columns[*c].data_type() == DataType::Utf8View;
        (batch.rows() <= FEW && self.texts.iter().all(is_text)).then_some(&self.expr)
    }
}

/// Where a condition is true.
#[derive(Debug, Clone, PartialEq)]
pub enum Truths {
    /// In all rows (there may be none).
    All,
    /// Nowhere.
    None,
    /// In these rows, neither none nor all.
    Some(BooleanBuffer),
}

impl Truths {
    /// From a bit per row.
    pub fn of(bits: BooleanBuffer) -> Self {
        match bits.count_set_bits() {
            n if n == bits.len() => Truths::All,
            0 => Truths::None,
            _ => Truths::Some(bits),
        }
    }

    /// Whether it is true in a row.
    pub fn at(&self, row: usize) -> bool {
        match self {
            Truths::All => true,
            Truths::None => false,
            Truths::Some(bits) => bits.value(row),
        }
    }

    /// A bit for each of `rows` rows.
    pub fn bits(self, rows: usize) -> BooleanBuffer {
        match self {
            Truths::All => BooleanBuffer::new_set(rows),
            Truths::None => BooleanBuffer::new_unset(rows),
            Truths::Some(bits) => bits,
        }
    }
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
                texts: texts(&folded),
                schema: with_hidden(schema, &lowering.hidden),
                few: (!lowering.hidden.contains(&Hidden::Ordinal))
                    .then(|| Arc::new(Few::new(&folded))),
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
        plain_column(&self.evaluate_coded(batch)?)
    }

    /// [`ColumnarExpr::evaluate`]; a column that is dictionary-coded stays so.
    ///
    /// # Errors
    /// As [`ColumnarExpr::evaluate`].
    pub fn evaluate_coded(&self, batch: &EventBatch) -> Result<ArrayRef> {
        match &self.plan {
            Plan::Column(c) => column(batch, *c),
            Plan::Expr { .. } => match self.by_row(batch) {
                Some(few) => Ok(few.column(batch, 0..batch.rows())),
                None => self.evaluate_columns(batch),
            },
        }
    }

    /// What to evaluate the batch by, if that is by row.
    #[inline]
    fn by_row(&self, batch: &EventBatch) -> Option<&RowExpr> {
        match &self.plan {
            Plan::Expr { few: Some(few), .. } => few.of(batch),
            _ => None,
        }
    }

    /// [`ColumnarExpr::evaluate`] by kernels, however few the rows.
    pub(super) fn evaluate_columns(&self, batch: &EventBatch) -> Result<ArrayRef> {
        Ok(self.values(batch)?.into_array(batch.rows())?)
    }

    /// Where it is exactly true; no nulls.
    ///
    /// # Errors
    /// If the batch is not of the schema it was compiled for, or the expression isn't a bool.
    pub fn mask(&self, batch: &EventBatch) -> Result<BooleanArray> {
        Ok(BooleanArray::new(self.truths(batch)?.bits(batch.rows()), None))
    }

    /// Where it is exactly true, all and nothing told apart from the rest.
    ///
    /// # Errors
    /// As [`ColumnarExpr::mask`].
    pub fn truths(&self, batch: &EventBatch) -> Result<Truths> {
        Ok(match (self.by_row(batch), batch.rows()) {
            (Some(few), 1) if few.holds(batch, 0) => Truths::All,
            (Some(_), 1) => Truths::None,
            (Some(few), rows) => {
                Truths::of(BooleanBuffer::collect_bool(rows, |row| few.holds(batch, row)))
            }
            (None, _) => return self.truths_of_columns(batch),
        })
    }

    /// [`ColumnarExpr::truths`] by kernels, however few the rows.
    pub(super) fn truths_of_columns(&self, batch: &EventBatch) -> Result<Truths> {
        Ok(match nodes::Truth::of(self.values(batch)?)? {
            nodes::Truth::Bits(bits) => Truths::of(bits),
            nodes::Truth::Same(true) => Truths::All,
            nodes::Truth::Same(false) => Truths::None,
        })
    }

    /// [`ColumnarExpr::truths`] over columns alone.
    ///
    /// # Errors
    /// As [`ColumnarExpr::mask`], and if it looks at a row's time or place.
    pub fn truths_of_values(&self, columns: &RecordBatch) -> Result<Truths> {
        let value = match &self.plan {
            Plan::Expr { root, hidden, texts, .. } if hidden.is_empty() => {
                match decoded(columns, texts)? {
                    None => root.evaluate(columns)?,
                    Some(columns) => root.evaluate(&columns)?,
                }
            }
            Plan::Column(c) if *c < columns.num_columns() => {
                ColumnarValue::Array(Arc::clone(columns.column(*c)))
            }
            _ => return Err(Error::Data("a condition looks at more than values".into())),
        };
        Ok(match nodes::Truth::of(value)? {
            nodes::Truth::Bits(bits) => Truths::of(bits),
            nodes::Truth::Same(true) => Truths::All,
            nodes::Truth::Same(false) => Truths::None,
        })
    }

    fn values(&self, batch: &EventBatch) -> Result<ColumnarValue> {
        Ok(match &self.plan {
            Plan::Column(c) => ColumnarValue::Array(column(batch, *c)?),
            Plan::Expr { root, hidden, texts, .. } if hidden.is_empty() => {
                match decoded(&batch.columns, texts)? {
                    None => root.evaluate(&batch.columns)?,
                    Some(columns) => root.evaluate(&columns)?,
                }
            }
            Plan::Expr { root, hidden, schema, texts, .. } => {
                let columns = decoded(&batch.columns, texts)?;
                let columns = columns.unwrap_or_else(|| batch.columns.clone());
                root.evaluate(&extended(batch, &columns, schema, hidden)?)?
            }
        })
    }
}

/// The string columns an expression looks at.
fn texts(e: &TypedExpr) -> Vec<usize> {
    let mut columns = vec![];
    e.visit(&mut |e| {
        if let (TypedKind::Column(c), AttrType::String) = (&e.kind, e.ty) {
            columns.push(usize::from(c.column));
        }
    });
    columns
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
fn extended(
    batch: &EventBatch,
    columns: &RecordBatch,
    schema: &SchemaRef,
    hidden: &[Hidden],
) -> Result<RecordBatch> {
    let columns = columns.columns().iter().cloned();
    let columns = columns.chain(hidden.iter().map(|h| h.values(batch))).collect();
    record_batch(schema, columns, batch.rows())
}

/// The columns, those of `texts` among them as strings; none if they are so already.
fn decoded(rows: &RecordBatch, texts: &[usize]) -> Result<Option<RecordBatch>> {
    let is_coded = |c: &usize| rows.columns().get(*c).is_some_and(|c| coded(c).is_some());
    if !texts.iter().any(is_coded) {
        return Ok(None);
    }
    let mut columns = rows.columns().to_vec();
    for c in texts.iter().copied().filter(is_coded) {
        columns[c] = plain_column(&columns[c])?;
    }
    record_batch(rows.schema_ref(), columns, rows.num_rows()).map(Some)
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
