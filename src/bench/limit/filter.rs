//! q1: row numbers of the rows that pass, without a branch, then two gathers.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};

use super::{Limit, PRICE, SYMBOL, double_array, doubles, finish, gather, output_schema};
use crate::bench::workload::Symbols;
use crate::error::Result;

pub(super) struct Filter {
    schema: SchemaRef,
}

impl Filter {
    pub fn new(symbols: Symbols) -> Self {
        Self { schema: output_schema(symbols, &[("price", DataType::Float64)]) }
    }
}

impl Limit for Filter {
    fn push(&mut self, step: &[(usize, RecordBatch)]) -> Result<Option<RecordBatch>> {
        let batch = &step[0].1;
        let prices = doubles(batch, PRICE);
        let mut rows = vec![0u32; prices.len()];
        let mut passed = 0;
        for (i, price) in prices.iter().enumerate() {
            rows[passed] = i as u32;
            passed += usize::from(*price > 50.0);
        }
        rows.truncate(passed);
        if rows.is_empty() {
            return Ok(None);
        }
        let kept = rows.iter().map(|r| prices[*r as usize]).collect();
        let symbols = gather(batch.column(SYMBOL), rows)?;
        finish(&self.schema, vec![symbols, double_array(kept)])
    }
}
