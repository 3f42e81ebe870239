//! q7: per side a ring of 100 rows, chained by symbol; rows of both sides in order of time.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, SchemaRef};

use super::codes::Codes;
use super::{Limit, PRICE, SYMBOL, TS, double_array, doubles, finish, longs, output_schema};
use crate::bench::workload::Symbols;
use crate::error::Result;

const KEPT: u32 = 100;
/// Places of a ring: a power of two not less than `KEPT`.
const PLACES: usize = 128;

struct Side {
    price: [f64; PLACES],
    /// The row of the same symbol before, from 1; 0 = none.
    before: [u32; PLACES],
    /// The last row of each symbol, from 1; 0 = none.
    last: Vec<u32>,
    rows: u32,
}

impl Side {
    fn new(keys: usize) -> Self {
        Self { price: [0.0; PLACES], before: [0; PLACES], last: vec![0; keys], rows: 0 }
    }

    #[inline(always)]
    fn add(&mut self, code: i32, price: f64) {
        let place = self.rows as usize & (PLACES - 1);
        self.rows += 1;
        self.price[place] = price;
        self.before[place] = std::mem::replace(&mut self.last[code as usize], self.rows);
    }

    /// The prices of a symbol, oldest first.
    #[inline(always)]
    fn find(&self, code: i32, found: &mut Vec<f64>) {
        let gone = self.rows.saturating_sub(KEPT);
        let mut row = self.last[code as usize];
        while row > gone {
            let place = (row - 1) as usize & (PLACES - 1);
            found.push(self.price[place]);
            row = self.before[place];
        }
    }
}

/// q7.
pub(super) struct Join {
    codes: Codes,
    schema: SchemaRef,
    sides: [Side; 2],
}

/// The pairs so far.
#[derive(Default)]
struct Pairs {
    /// Row in the two columns of symbols, put behind one another.
    rows: Vec<u32>,
    prices: [Vec<f64>; 2],
}

impl Join {
    pub fn new(symbols: Symbols, keys: usize) -> Self {
        let others = [("pa", DataType::Float64), ("pb", DataType::Float64)];
        Self {
            codes: Codes::new(symbols, keys),
            schema: output_schema(symbols, &others),
            sides: [Side::new(keys), Side::new(keys)],
        }
    }

    #[inline(always)]
    fn row(&mut self, side: usize, code: i32, price: f64, row: u32, out: &mut Pairs) {
        self.sides[side].add(code, price);
        let [a, b] = &mut out.prices;
        let (own, other) = if side == 0 { (a, b) } else { (b, a) };
        let from = other.len();
        self.sides[1 - side].find(code, other);
        if other.len() - from > 1 {
            other[from..].reverse();
        }
        own.resize(other.len(), price);
        out.rows.resize(other.len(), row);
    }
}

impl Limit for Join {
    fn push(&mut self, step: &[(usize, RecordBatch)]) -> Result<Option<RecordBatch>> {
        let part = |side: usize| step.iter().find(|(s, _)| *s == side).map(|(_, b)| b);
        let (a, b) = (part(0), part(1));
        let codes = |join: &mut Self, batch: Option<&RecordBatch>| {
            batch.map_or(vec![], |batch| join.codes.of(batch.column(SYMBOL)).into_owned())
        };
        let (codes_a, codes_b) = (codes(self, a), codes(self, b));
        let (ts_a, ts_b) =
            (a.map_or(&[][..], |b| longs(b, TS)), b.map_or(&[][..], |b| longs(b, TS)));
        let (price_a, price_b) =
            (a.map_or(&[][..], |b| doubles(b, PRICE)), b.map_or(&[][..], |b| doubles(b, PRICE)));
        let mut out = Pairs::default();
        let (mut i, mut j) = (0, 0);
        let offset = codes_a.len();
        while i < ts_a.len() || j < ts_b.len() {
            let left = j == ts_b.len() || (i < ts_a.len() && ts_a[i] <= ts_b[j]);
            if left {
                self.row(0, codes_a[i], price_a[i], i as u32, &mut out);
                i += 1;
            } else {
                self.row(1, codes_b[j], price_b[j], (offset + j) as u32, &mut out);
                j += 1;
            }
        }
        if out.rows.is_empty() {
            return Ok(None);
        }
        let rows = arrow::array::UInt32Array::from(out.rows);
        let columns: Vec<&ArrayRef> =
            [a, b].into_iter().flatten().map(|b| b.column(SYMBOL)).collect();
        let symbols = match columns[..] {
            [one] => take(one, &rows, None)?,
            _ => {
                let both: Vec<&dyn arrow::array::Array> =
                    columns.iter().map(|c| c.as_ref()).collect();
                take(&concat(&both)?, &rows, None)?
            }
        };
        let [pa, pb] = out.prices;
        finish(&self.schema, vec![symbols, double_array(pa), double_array(pb)])
    }
}
