//! Seeded input: the stream `S(ts, symbol, price, volume)` all eight queries read.
//!
//! Invariant: the same seed gives the same events on every machine, however they are cut into batches
//! and however symbols are represented.

mod cards;
pub mod generate;
mod logins;
mod sensors;
mod ticks;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    StringViewArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::Value;
use crate::error::Result;

/// The splitmix64 generator: one word of state, good enough for data, the same in every language.
#[derive(Debug, Clone)]
pub struct SplitMix(u64);

impl SplitMix {
    /// A generator that begins at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `bound`.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        (self.bits() >> 33) % bound
    }

    /// A number from 0 up to 1.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

/// How late rows arrive, ms: each from 0 to `most`, uniformly, as the seed says.
#[derive(Debug, Clone)]
pub struct Delays {
    random: SplitMix,
    most: u64,
}

impl Delays {
    /// Delays of up to `most` ms.
    pub fn new(most: u64, seed: u64) -> Self {
        // Another sequence than that of the rows' values.
        Self { random: SplitMix::new(seed ^ 0xd150_12de_0000_0001), most }
    }

    /// The delay of the next row, ms. (No iterator: it never ends.)
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> i64 {
        self.random.below(self.most.min(1 << 30) + 1) as i64
    }
}

/// How the column `symbol` is represented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Symbols {
    /// String views, the engine's own representation (six bytes, held in the view).
    View,
    /// Views of 17 bytes, too long to be held in the view.
    LongView,
    /// Offsets and bytes.
    Utf8,
    /// Codes into a dictionary, the same one in every batch.
    Dictionary,
}

impl Symbols {
    /// The Arrow type.
    pub fn data_type(self) -> DataType {
        match self {
            Symbols::View | Symbols::LongView => DataType::Utf8View,
            Symbols::Utf8 => DataType::Utf8,
            Symbols::Dictionary => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
        }
    }

    /// The name of symbol `code`.
    pub fn name(self, code: usize) -> String {
        match self {
            Symbols::LongView => format!("EXCHANGE-SYM-{code:05}"),
            _ => format!("S{code:05}"),
        }
    }

    /// The name on the command line.
    pub fn label(self) -> &'static str {
        match self {
            Symbols::View => "view",
            Symbols::LongView => "long-view",
            Symbols::Utf8 => "utf8",
            Symbols::Dictionary => "dictionary",
        }
    }

    fn column(self, names: &[String], dictionary: &ArrayRef, codes: &[i32]) -> Result<ArrayRef> {
        let texts = codes.iter().map(|c| &names[*c as usize]);
        Ok(match self {
            Symbols::View | Symbols::LongView => Arc::new(StringViewArray::from_iter_values(texts)),
            Symbols::Utf8 => Arc::new(StringArray::from_iter_values(texts)),
            Symbols::Dictionary => {
                let codes = Int32Array::from(codes.to_vec());
                Arc::new(DictionaryArray::try_new(codes, Arc::clone(dictionary))?)
            }
        })
    }
}

/// The batches of one send: which of the query's streams, and its rows.
pub type Step = Vec<(usize, RecordBatch)>;

/// Events in columns.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Event time, ms.
    pub ts: Vec<i64>,
    /// Symbol, from 0 to the number of keys.
    pub code: Vec<i32>,
    /// Price, uniform from 0 to 100.
    pub price: Vec<f64>,
    /// Volume, uniform from 1 to 1000.
    pub volume: Vec<i64>,
    /// Number of symbols.
    pub keys: usize,
    /// The place of each event when they were made, if it isn't its own: says which stream it goes to.
    place: Option<Vec<usize>>,
}

impl Workload {
    /// `events` events over `keys` symbols, `per_ms` of them in each millisecond of event time.
    pub fn new(events: usize, keys: usize, per_ms: usize, seed: u64) -> Self {
        let mut random = SplitMix::new(seed);
        let mut w = Self {
            ts: Vec::with_capacity(events),
            code: Vec::with_capacity(events),
            price: Vec::with_capacity(events),
            volume: Vec::with_capacity(events),
            keys,
            place: None,
        };
        for i in 0..events {
            w.ts.push((i / per_ms) as i64);
            w.code.push(random.below(keys as u64) as i32);
            w.price.push(random.unit() * 100.0);
            w.volume.push(1 + random.below(1000) as i64);
        }
        w
    }

    /// The events one by one as values: stream, event time, attributes; event `i` goes to stream
    /// `i % streams`.
    pub fn rows(&self, symbols: Symbols, streams: usize) -> Vec<(usize, i64, Vec<Value>)> {
        let names: Vec<String> = (0..self.keys).map(|c| symbols.name(c)).collect();
        let row = |i: usize| {
            let symbol = names[self.code[i] as usize].as_str().into();
            let (ts, price, volume) = (self.ts[i], self.price[i], self.volume[i]);
            let row = [Value::Long(ts), symbol, Value::Double(price), Value::Long(volume)];
            (self.place_of(i) % streams, ts, row.to_vec())
        };
        (0..self.len()).map(row).collect()
    }

    /// The events in order of arrival, each up to `disorder` ms late.
    pub fn arriving(&self, disorder: u64, seed: u64) -> Self {
        let mut delays = Delays::new(disorder, seed);
        let arrival: Vec<i64> = self.ts.iter().map(|t| t.saturating_add(delays.next())).collect();
        self.sorted_by(|row| arrival[row])
    }

    /// The events in order of event time; those of one time stay as they are.
    pub fn in_order(&self) -> Self {
        self.sorted_by(|row| self.ts[row])
    }

    fn sorted_by(&self, key: impl Fn(usize) -> i64) -> Self {
        let mut rows: Vec<usize> = (0..self.len()).collect();
        rows.sort_by_key(|row| key(*row));
        Self {
            ts: rows.iter().map(|r| self.ts[*r]).collect(),
            code: rows.iter().map(|r| self.code[*r]).collect(),
            price: rows.iter().map(|r| self.price[*r]).collect(),
            volume: rows.iter().map(|r| self.volume[*r]).collect(),
            keys: self.keys,
            place: Some(rows.iter().map(|r| self.place_of(*r)).collect()),
        }
    }

    /// The place of an event when it was made.
    pub(super) fn place_of(&self, row: usize) -> usize {
        self.place.as_ref().map_or(row, |p| p[row])
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.ts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }

    /// The schema of the batches.
    pub fn schema(symbols: Symbols) -> SchemaRef {
        Schema::new(vec![
            Field::new("ts", DataType::Int64, false),
            Field::new("symbol", symbols.data_type(), false),
            Field::new("price", DataType::Float64, false),
            Field::new("volume", DataType::Int64, false),
        ])
        .into()
    }

    /// The events in sends of `batch_rows` rows; event `i` (of those made) goes to
    /// stream `i % streams`.
    ///
    /// # Errors
    /// If Arrow refuses the columns, which it has no reason to.
    pub fn steps(&self, symbols: Symbols, batch_rows: usize, streams: usize) -> Result<Vec<Step>> {
        let schema = Self::schema(symbols);
        let names: Vec<String> = (0..self.keys).map(|c| symbols.name(c)).collect();
        let dictionary: ArrayRef = Arc::new(StringArray::from_iter_values(&names));
        let part = |rows: &[usize]| -> Result<RecordBatch> {
            let codes: Vec<i32> = rows.iter().map(|r| self.code[*r]).collect();
            let longs = |v: &[i64]| -> ArrayRef {
                Arc::new(
                    rows.iter()
                        .map(|r| v[*r])
                        .collect::<Vec<i64>>()
                        .into_iter()
                        .collect::<Int64Array>(),
                )
            };
            let prices: Vec<f64> = rows.iter().map(|r| self.price[*r]).collect();
            let columns = vec![
                longs(&self.ts),
                symbols.column(&names, &dictionary, &codes)?,
                Arc::new(Float64Array::from(prices)),
                longs(&self.volume),
            ];
            Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
        };
        let mut steps = Vec::with_capacity(self.len().div_ceil(batch_rows.max(1)));
        let mut start = 0;
        while start < self.len() {
            let end = (start + batch_rows.max(1)).min(self.len());
            let mut step = Vec::with_capacity(streams);
            for stream in 0..streams {
                let rows: Vec<usize> =
                    (start..end).filter(|i| self.place_of(*i) % streams == stream).collect();
                if !rows.is_empty() {
                    step.push((stream, part(&rows)?));
                }
            }
            steps.push(step);
            start = end;
        }
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int64Type;

    #[test]
    fn the_generator_is_splitmix64() {
        // The first outputs for seed 0 of the published algorithm.
        let mut r = SplitMix::new(0);
        assert_eq!(
            [r.bits(), r.bits(), r.bits()],
            [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]
        );
    }

    #[test]
    fn batches_hold_each_event_once_in_order() {
        let w = Workload::new(10, 3, 2, 42);
        for (rows, streams) in [(4, 1), (4, 2), (1, 2), (100, 1)] {
            let steps = w.steps(Symbols::View, rows, streams).unwrap();
            let mut seen: Vec<Vec<i64>> = vec![vec![]; streams];
            for (stream, batch) in steps.into_iter().flatten() {
                seen[stream].extend(batch.column(3).as_primitive::<Int64Type>().values());
            }
            for (s, got) in seen.iter().enumerate() {
                let expected: Vec<i64> =
                    w.volume.iter().skip(s).step_by(streams).copied().collect();
                assert_eq!(got, &expected, "{rows} rows, stream {s}");
            }
        }
    }

    #[test]
    fn every_representation_says_the_same() {
        let w = Workload::new(50, 7, 10, 1);
        for symbols in [Symbols::View, Symbols::Utf8, Symbols::Dictionary] {
            let steps = w.steps(symbols, 50, 1).unwrap();
            let texts = arrow::compute::cast(steps[0][0].1.column(1), &DataType::Utf8).unwrap();
            let texts = texts.as_string::<i32>();
            assert!((0..50).all(|i| texts.value(i) == symbols.name(w.code[i] as usize)));
            assert_eq!(texts.null_count(), 0);
        }
    }
}
