//! q2, q3, q4 and q8: running sums per symbol. The symbol column passes through untouched wherever a
//! row comes out for each that goes in.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};

use super::codes::Codes;
use super::{
    Limit, PRICE, SYMBOL, TS, VOLUME, double_array, doubles, finish, gather, longs, output_schema,
};
use crate::bench::workload::Symbols;
use crate::error::Result;

#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    #[inline(always)]
    fn add(&mut self, value: f64) -> f64 {
        self.sum += value;
        self.count += 1;
        self.sum / self.count as f64
    }

    #[inline(always)]
    fn remove(&mut self, value: f64) {
        self.count -= 1;
        // What rounding left behind goes with the last value.
        self.sum = if self.count == 0 { 0.0 } else { self.sum - value };
    }
}

fn mean_schema(symbols: Symbols) -> SchemaRef {
    output_schema(symbols, &[("ap", DataType::Float64)])
}

/// q2: a ring of the last 1000 rows.
pub(super) struct LastRows {
    codes: Codes,
    schema: SchemaRef,
    ring: Vec<(i32, f64)>,
    at: usize,
    means: Vec<Mean>,
}

const ROWS: usize = 1000;

impl LastRows {
    pub fn new(symbols: Symbols, keys: usize) -> Self {
        Self {
            codes: Codes::new(symbols, keys),
            schema: mean_schema(symbols),
            ring: Vec::with_capacity(ROWS),
            at: 0,
            means: vec![Mean::default(); keys],
        }
    }
}

impl Limit for LastRows {
    fn push(&mut self, step: &[(usize, RecordBatch)]) -> Result<Option<RecordBatch>> {
        let batch = &step[0].1;
        let codes = self.codes.of(batch.column(SYMBOL));
        let Self { ring, at, means, .. } = self;
        let mut out = Vec::with_capacity(codes.len());
        out.extend(codes.iter().zip(doubles(batch, PRICE)).map(|(code, price)| {
            if ring.len() < ROWS {
                ring.push((*code, *price));
            } else {
                let (old, value) = std::mem::replace(&mut ring[*at], (*code, *price));
                means[old as usize].remove(value);
                *at = if *at + 1 == ROWS { 0 } else { *at + 1 };
            }
            means[*code as usize].add(*price)
        }));
        finish(&self.schema, vec![Arc::clone(batch.column(SYMBOL)), double_array(out)])
    }
}

/// q3: a ring of the rows of the last second.
pub(super) struct LastSecond {
    codes: Codes,
    schema: SchemaRef,
    /// A power of two.
    ring: Vec<(i64, f64, i32)>,
    head: usize,
    tail: usize,
    means: Vec<Mean>,
}

impl LastSecond {
    pub fn new(symbols: Symbols, keys: usize) -> Self {
        Self {
            codes: Codes::new(symbols, keys),
            schema: mean_schema(symbols),
            ring: vec![(0, 0.0, 0); 1 << 15],
            head: 0,
            tail: 0,
            means: vec![Mean::default(); keys],
        }
    }

    fn make_room(&mut self, rows: usize) {
        while self.tail - self.head + rows > self.ring.len() {
            let old = std::mem::take(&mut self.ring);
            self.ring = vec![(0, 0.0, 0); old.len() * 2];
            for i in self.head..self.tail {
                let at = i & (self.ring.len() - 1);
                self.ring[at] = old[i & (old.len() - 1)];
            }
        }
    }
}

impl Limit for LastSecond {
    fn push(&mut self, step: &[(usize, RecordBatch)]) -> Result<Option<RecordBatch>> {
        let batch = &step[0].1;
        let (times, prices) = (longs(batch, TS), doubles(batch, PRICE));
        self.make_room(times.len());
        let codes = self.codes.of(batch.column(SYMBOL));
        let Self { ring, head, tail, means, .. } = self;
        let ring = &mut ring[..];
        let mask = ring.len() - 1;
        let mut out = Vec::with_capacity(codes.len());
        let mut oldest = if head < tail { ring[*head & mask].0 } else { i64::MAX };
        out.extend(codes.iter().zip(times).zip(prices).map(|((code, now), price)| {
            while oldest <= now - 1000 {
                let (_, value, old) = ring[*head & mask];
                means[old as usize].remove(value);
                *head += 1;
                oldest = if head < tail { ring[*head & mask].0 } else { i64::MAX };
            }
            if head == tail {
                oldest = *now;
            }
            ring[*tail & mask] = (*now, *price, *code);
            *tail += 1;
            means[*code as usize].add(*price)
        }));
        finish(&self.schema, vec![Arc::clone(batch.column(SYMBOL)), double_array(out)])
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    volume: i64,
    price: f64,
    count: u64,
}

/// q4: sums of the present second; those of it that have rows, in order of their first.
pub(super) struct EachSecond {
    symbols: Symbols,
    codes: Codes,
    schema: SchemaRef,
    end: i64,
    sums: Vec<Sums>,
    /// Symbols of this second in order of appearance.
    seen: Vec<i32>,
    /// A symbol column with a row for each code, and the first code it lacks.
    names: Option<ArrayRef>,
    named: usize,
}

impl EachSecond {
    pub fn new(symbols: Symbols, keys: usize) -> Self {
        let others = [("v", DataType::Int64), ("ap", DataType::Float64)];
        Self {
            symbols,
            codes: Codes::new(symbols, keys),
            schema: output_schema(symbols, &others),
            end: i64::MIN,
            sums: vec![Sums::default(); keys],
            seen: Vec::with_capacity(keys),
            names: None,
            named: 0,
        }
    }

    /// Keeps a name of each code (a dictionary is its own list of names).
    fn name(&mut self, column: &ArrayRef, codes: &[i32]) -> Result<()> {
        if self.symbols == Symbols::Dictionary {
            self.names = Some(Arc::clone(column));
            return Ok(());
        }
        let mut rows = vec![];
        for (row, code) in codes.iter().enumerate() {
            if *code as usize == self.named {
                self.named += 1;
                rows.push(row as u32);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let new = gather(column, rows)?;
        self.names = Some(match &self.names {
            None => new,
            Some(old) => arrow::compute::concat(&[old.as_ref(), new.as_ref()])?,
        });
        Ok(())
    }

    fn column(&self, codes: Vec<i32>) -> Result<Option<ArrayRef>> {
        use arrow::array::{AsArray, DictionaryArray, Int32Array};
        use arrow::datatypes::Int32Type;
        let Some(names) = &self.names else { return Ok(None) };
        Ok(Some(if self.symbols == Symbols::Dictionary {
            let values = names.as_dictionary::<Int32Type>().values();
            Arc::new(DictionaryArray::try_new(Int32Array::from(codes), Arc::clone(values))?)
        } else {
            gather(names, codes.into_iter().map(|c| c as u32).collect())?
        }))
    }
}

impl Limit for EachSecond {
    fn push(&mut self, step: &[(usize, RecordBatch)]) -> Result<Option<RecordBatch>> {
        let batch = &step[0].1;
        let (times, prices, volumes) =
            (longs(batch, TS), doubles(batch, PRICE), longs(batch, VOLUME));
        let codes = self.codes.of(batch.column(SYMBOL));
        self.name(batch.column(SYMBOL), &codes)?;
        let (mut out, mut out_v, mut out_p) = (vec![], vec![], vec![]);
        let (mut row, n) = (0, times.len());
        if self.end == i64::MIN {
            self.end = times[0] + 1000;
        }
        while row < n {
            let end = if times[n - 1] < self.end {
                n
            } else {
                row + times[row..].partition_point(|t| *t < self.end)
            };
            let Self { sums, seen, .. } = self;
            for ((code, price), volume) in
                codes[row..end].iter().zip(&prices[row..end]).zip(&volumes[row..end])
            {
                let s = &mut sums[*code as usize];
                if s.count == 0 {
                    seen.push(*code);
                }
                s.volume += volume;
                s.price += price;
                s.count += 1;
            }
            if end < n {
                for code in seen.drain(..) {
                    let s = std::mem::take(&mut sums[code as usize]);
                    out.push(code);
                    out_v.push(s.volume);
                    out_p.push(s.price / s.count as f64);
                }
                self.end += (times[end] - self.end) / 1000 * 1000 + 1000;
            }
            row = end;
        }
        if out.is_empty() {
            return Ok(None);
        }
        let Some(symbols) = self.column(out)? else { return Ok(None) };
        let volumes: ArrayRef = Arc::new(Int64Array::from(out_v));
        finish(&self.schema, vec![symbols, volumes, double_array(out_p)])
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Ring {
    sum: f64,
    at: u32,
    rows: u32,
}

/// q8: a ring of 100 rows per key.
pub(super) struct PerKey {
    codes: Codes,
    schema: SchemaRef,
    rings: Vec<Ring>,
    values: Vec<[f64; KEPT]>,
}

const KEPT: usize = 100;

impl PerKey {
    pub fn new(symbols: Symbols, keys: usize) -> Self {
        Self {
            codes: Codes::new(symbols, keys),
            schema: mean_schema(symbols),
            rings: vec![Ring::default(); keys],
            values: vec![[0.0; KEPT]; keys],
        }
    }
}

impl Limit for PerKey {
    fn push(&mut self, step: &[(usize, RecordBatch)]) -> Result<Option<RecordBatch>> {
        let batch = &step[0].1;
        let codes = self.codes.of(batch.column(SYMBOL));
        let mut out = Vec::with_capacity(codes.len());
        let Self { rings, values, .. } = self;
        out.extend(codes.iter().zip(doubles(batch, PRICE)).map(|(code, price)| {
            let ring = &mut rings[*code as usize];
            let place = &mut values[*code as usize][ring.at as usize];
            if ring.rows == KEPT as u32 {
                ring.sum -= *place;
            } else {
                ring.rows += 1;
            }
            *place = *price;
            ring.at = if ring.at + 1 == KEPT as u32 { 0 } else { ring.at + 1 };
            ring.sum += *price;
            ring.sum / f64::from(ring.rows)
        }));
        finish(&self.schema, vec![Arc::clone(batch.column(SYMBOL)), double_array(out)])
    }
}
