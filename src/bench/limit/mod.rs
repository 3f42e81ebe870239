//! The limits: for each query the best loop we could write by hand for that query alone, in safe Rust,
//! over the same Arrow input and building the same Arrow output, single threaded.
//!
//! They know what an engine can't: that no value is null, which columns exist, how many keys there
//! are, that a dictionary never changes, that symbols of `Symbols::View` fit into their views.

mod averages;
mod codes;
mod filter;
mod join;
mod pattern;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, SchemaRef};

use super::query::Query;
use super::workload::Symbols;
use crate::error::Result;

/// A hand-written loop at work.
pub trait Limit {
    /// Takes one send and gives what it causes; none = no rows.
    ///
    /// # Errors
    /// If Arrow refuses the output.
    fn push(&mut self, step: &[(usize, RecordBatch)]) -> Result<Option<RecordBatch>>;
}

/// The loop for a query over `keys` symbols, with empty state.
pub fn limit(query: Query, symbols: Symbols, keys: usize) -> Box<dyn Limit> {
    match query {
        Query::Q1 => Box::new(filter::Filter::new(symbols)),
        Query::Q2 => Box::new(averages::LastRows::new(symbols, keys)),
        Query::Q3 => Box::new(averages::LastSecond::new(symbols, keys)),
        Query::Q4 => Box::new(averages::EachSecond::new(symbols, keys)),
        Query::Q5 => Box::new(pattern::Higher::new(symbols, keys)),
        Query::Q6 => Box::new(pattern::NextHigher::new(symbols)),
        Query::Q7 => Box::new(join::Join::new(symbols, keys)),
        Query::Q8 => Box::new(averages::PerKey::new(symbols, keys)),
    }
}

const TS: usize = 0;
const SYMBOL: usize = 1;
const PRICE: usize = 2;
const VOLUME: usize = 3;

fn longs(batch: &RecordBatch, column: usize) -> &[i64] {
    batch.column(column).as_primitive::<Int64Type>().values()
}

fn doubles(batch: &RecordBatch, column: usize) -> &[f64] {
    batch.column(column).as_primitive::<Float64Type>().values()
}

fn double_array(values: Vec<f64>) -> ArrayRef {
    Arc::new(Float64Array::new(values.into(), None))
}

/// `symbol` and further columns.
fn output_schema(symbols: Symbols, others: &[(&str, DataType)]) -> SchemaRef {
    let symbol = Field::new("symbol", symbols.data_type(), false);
    let others = others.iter().map(|(n, t)| Field::new(*n, t.clone(), false));
    Schema::new(std::iter::once(symbol).chain(others).collect::<Vec<_>>()).into()
}

fn gather(column: &ArrayRef, rows: Vec<u32>) -> Result<ArrayRef> {
    Ok(take(column, &UInt32Array::new(rows.into(), None), None)?)
}

fn finish(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<Option<RecordBatch>> {
    if columns.first().is_none_or(|c| c.is_empty()) {
        return Ok(None);
    }
    Ok(Some(RecordBatch::try_new(Arc::clone(schema), columns)?))
}
