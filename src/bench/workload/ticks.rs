//! Stock ticks: the rows of q1 to q8.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::datatypes::DataType;

use super::generate::{Options, Simulation, texts};
use super::{SplitMix, Symbols};

pub(super) const COLUMNS: [(&str, DataType); 4] = [
    ("ts", DataType::Int64),
    ("symbol", DataType::Utf8View),
    ("price", DataType::Float64),
    ("volume", DataType::Int64),
];

pub(super) struct Ticks {
    random: SplitMix,
    names: Vec<String>,
    start: i64,
    rate: f64,
    made: u64,
}

pub(super) struct Tick {
    symbol: usize,
    price: f64,
    volume: i64,
}

impl Ticks {
    pub(super) fn new(o: &Options) -> Self {
        let names = (0..o.keys.max(1)).map(|c| Symbols::View.name(c)).collect();
        Self { random: SplitMix::new(o.seed), names, start: o.start, rate: o.rate, made: 0 }
    }
}

impl Simulation for Ticks {
    type Row = Tick;

    fn next(&mut self) -> (i64, Tick) {
        let time = self.start.saturating_add((self.made as f64 * 1000.0 / self.rate) as i64);
        self.made += 1;
        let symbol = self.random.below(self.names.len() as u64) as usize;
        let price = self.random.unit() * 100.0;
        (time, Tick { symbol, price, volume: 1 + self.random.below(1000) as i64 })
    }

    fn columns(&self, rows: &[(i64, Tick)]) -> Vec<ArrayRef> {
        vec![
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(t, _)| *t))),
            texts(rows.iter().map(|(_, r)| &self.names[r.symbol])),
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|(_, r)| r.price))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, r)| r.volume))),
        ]
    }
}
