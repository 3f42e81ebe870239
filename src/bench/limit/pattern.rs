//! q5: open matches per symbol, with the lowest price that waits as a guard. q6: each row against the
//! one before it.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::{DataType, SchemaRef};

use super::codes::Codes;
use super::{
    Limit, PRICE, SYMBOL, TS, double_array, doubles, finish, gather, longs, output_schema,
};
use crate::bench::workload::Symbols;
use crate::error::Result;

const WITHIN: i64 = 1000;
/// How often what is too old is thrown away, ms.
const SWEEP: i64 = 100;

fn pair_schema(symbols: Symbols) -> SchemaRef {
    output_schema(symbols, &[("p1", DataType::Float64), ("p2", DataType::Float64)])
}

struct Waiting {
    lowest: f64,
    rows: Vec<(i64, f64)>,
}

/// q5.
pub(super) struct Higher {
    codes: Codes,
    schema: SchemaRef,
    waiting: Vec<Waiting>,
    swept: i64,
}

impl Higher {
    pub fn new(symbols: Symbols, keys: usize) -> Self {
        let none = || Waiting { lowest: f64::INFINITY, rows: vec![] };
        Self {
            codes: Codes::new(symbols, keys),
            schema: pair_schema(symbols),
            waiting: (0..keys).map(|_| none()).collect(),
            swept: 0,
        }
    }
}

impl Limit for Higher {
    fn push(&mut self, step: &[(usize, RecordBatch)]) -> Result<Option<RecordBatch>> {
        let batch = &step[0].1;
        let codes = self.codes.of(batch.column(SYMBOL));
        let times = longs(batch, TS);
        let (mut rows, mut first, mut second) = (vec![], vec![], vec![]);
        for (row, ((code, price), now)) in
            codes.iter().zip(doubles(batch, PRICE)).zip(times).enumerate()
        {
            let w = &mut self.waiting[*code as usize];
            if *price > w.lowest {
                let mut lowest = f64::INFINITY;
                w.rows.retain(|(since, waiting)| {
                    if now - since > WITHIN {
                        return false;
                    }
                    if waiting < price {
                        rows.push(row as u32);
                        first.push(*waiting);
                        second.push(*price);
                        return false;
                    }
                    lowest = lowest.min(*waiting);
                    true
                });
                w.lowest = lowest;
            }
            if *price > 90.0 {
                w.rows.push((*now, *price));
                w.lowest = w.lowest.min(*price);
            }
        }
        let now = times[times.len() - 1];
        if now - self.swept >= SWEEP {
            self.swept = now;
            for w in &mut self.waiting {
                w.rows.retain(|(since, _)| now - since <= WITHIN);
                w.lowest = w.rows.iter().fold(f64::INFINITY, |low, (_, p)| low.min(*p));
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let symbols = gather(batch.column(SYMBOL), rows)?;
        finish(&self.schema, vec![symbols, double_array(first), double_array(second)])
    }
}

/// q6.
pub(super) struct NextHigher {
    schema: SchemaRef,
    /// Price and symbol of the last row.
    last: Option<(f64, ArrayRef)>,
}

impl NextHigher {
    pub fn new(symbols: Symbols) -> Self {
        Self { schema: pair_schema(symbols), last: None }
    }
}

impl Limit for NextHigher {
    fn push(&mut self, step: &[(usize, RecordBatch)]) -> Result<Option<RecordBatch>> {
        let batch = &step[0].1;
        let prices = doubles(batch, PRICE);
        let n = prices.len();
        let mut rows = vec![0u32; n];
        let mut found = 0;
        for (i, pair) in prices.windows(2).enumerate() {
            rows[found] = i as u32;
            found += usize::from(pair[1] > pair[0]);
        }
        rows.truncate(found);
        let across = self.last.take().filter(|(price, _)| prices[0] > *price);
        self.last = Some((prices[n - 1], batch.column(SYMBOL).slice(n - 1, 1)));
        let pairs = found + usize::from(across.is_some());
        if pairs == 0 {
            return Ok(None);
        }
        let (mut first, mut second) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs));
        first.extend(across.iter().map(|(price, _)| *price));
        second.extend(across.iter().map(|_| prices[0]));
        first.extend(rows.iter().map(|r| prices[*r as usize]));
        second.extend(rows.iter().map(|r| prices[*r as usize + 1]));
        let symbols = match (across, rows.is_empty()) {
            (None, _) => gather(batch.column(SYMBOL), rows)?,
            (Some((_, symbol)), true) => symbol,
            (Some((_, symbol)), false) => {
                let rest = gather(batch.column(SYMBOL), rows)?;
                concat(&[symbol.as_ref(), rest.as_ref()])?
            }
        };
        finish(&self.schema, vec![Arc::clone(&symbols), double_array(first), double_array(second)])
    }
}
