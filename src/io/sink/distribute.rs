//! `@distribution`: one stream's events over several destinations of a sink.
//!
//! Which destination gets an event depends on the events before it alone, never on batches.

use crate::error::Result;
use crate::event::{EventBatch, Value};
use crate::io::Sink;

/// How events are spread over destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Every event goes to all.
    Broadcast,
    /// Events go to one after the other.
    RoundRobin,
    /// Events go by the hash of the attribute of this index.
    Partitioned(usize),
}

/// A sink over several destinations.
pub struct Distributed {
    destinations: Vec<Box<dyn Sink>>,
    strategy: Strategy,
    /// Where the next event goes, in turn.
    turn: usize,
}

impl Distributed {
    /// Spreads events over `destinations`, of which there is at least one.
    pub fn new(destinations: Vec<Box<dyn Sink>>, strategy: Strategy) -> Self {
        Self { destinations, strategy, turn: 0 }
    }

    /// The destination of each row.
    fn places(&mut self, batch: &EventBatch) -> Vec<usize> {
        let n = self.destinations.len();
        match self.strategy {
            Strategy::Partitioned(column) => {
                let column = batch.columns.column(column);
                let hash = |row| java_hash(&Value::from_array(column.as_ref(), row));
                (0..batch.rows()).map(|r| hash(r).unsigned_abs() as usize % n).collect()
            }
            _ => {
                let first = self.turn;
                self.turn = (first + batch.rows()) % n;
                (0..batch.rows()).map(|r| (first + r) % n).collect()
            }
        }
    }
}

impl Sink for Distributed {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        if self.strategy == Strategy::Broadcast {
            return self.destinations.iter_mut().try_for_each(|d| d.write(batch));
        }
        let places = self.places(batch);
        for (i, destination) in self.destinations.iter_mut().enumerate() {
            let all = places.iter().enumerate();
            let rows: Vec<u32> = all.filter(|(_, p)| **p == i).map(|(r, _)| r as u32).collect();
            if !rows.is_empty() {
                destination.write(&batch.take(&rows)?)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.destinations.iter_mut().try_for_each(|d| d.flush())
    }

    fn close(self: Box<Self>) -> Result<()> {
        // All are closed, whatever becomes of the first.
        let closed: Vec<Result<()>> = self.destinations.into_iter().map(|d| d.close()).collect();
        closed.into_iter().collect()
    }
}

/// Java's `hashCode`, by which Siddhi spreads events; 0 for null and objects.
fn java_hash(value: &Value) -> i32 {
    let folded = |bits: u64| (bits ^ (bits >> 32)) as i32;
    match value {
        Value::Int(v) => *v,
        Value::Long(v) => folded(*v as u64),
        Value::Float(v) => v.to_bits() as i32,
        Value::Double(v) => folded(v.to_bits()),
        Value::Bool(v) => {
            if *v {
                1231
            } else {
                1237
            }
        }
        Value::String(s) => {
            s.encode_utf16().fold(0, |h: i32, c| h.wrapping_mul(31).wrapping_add(c.into()))
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::{batch, values};
    use arrow::datatypes::{DataType, Field, Schema};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Sink for Kept {
        fn write(&mut self, batch: &EventBatch) -> Result<()> {
            for row in values(&batch.columns) {
                self.0.lock().unwrap().push(row[0].to_string());
            }
            Ok(())
        }
        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
        fn close(self: Box<Self>) -> Result<()> {
            Ok(())
        }
    }

    /// What each of two destinations gets of `rows`, cut into batches of `size`.
    fn spread(strategy: Strategy, rows: &[&str], size: usize) -> [Vec<String>; 2] {
        let (a, b) = (Kept::default(), Kept::default());
        let mut sink = Distributed::new(vec![Box::new(a.clone()), Box::new(b.clone())], strategy);
        let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8View, true)]));
        for part in rows.chunks(size) {
            let part: Vec<Vec<Value>> = part.iter().map(|r| vec![(*r).into()]).collect();
            let ts = vec![0i64; part.len()];
            let order: Vec<u64> = (0..part.len() as u64).map(|i| 2 * i + 1).collect();
            let columns = batch(&schema, &part);
            sink.write(&EventBatch::new(columns, ts.clone().into(), ts.into(), order.into()))
                .unwrap();
        }
        [a, b].map(|k| k.0.lock().unwrap().clone())
    }

    #[test]
    fn events_are_spread_alike_in_any_batches() {
        let rows = ["a", "b", "a", "c", "b"];
        for size in [1, 2, 5] {
            let all = spread(Strategy::Broadcast, &rows, size);
            assert_eq!(all, [rows, rows]);
            let turns = spread(Strategy::RoundRobin, &rows, size);
            assert_eq!(turns, [vec!["a", "a", "b"], vec!["b", "c"]]);
            // The codes of the letters are 97, 98 and 99.
            let keys = spread(Strategy::Partitioned(0), &rows, size);
            assert_eq!(keys, [vec!["b", "b"], vec!["a", "a", "c"]]);
        }
    }

    #[test]
    fn hashes_are_javas() {
        assert_eq!(java_hash(&"WSO2".into()), 2_674_079);
        assert_eq!(java_hash(&"polygenelubricants".into()), i32::MIN);
        assert_eq!(java_hash(&Value::Long(-1)), 0);
        assert_eq!(java_hash(&Value::Double(1.5)), 0x3ff8_0000);
        assert_eq!(java_hash(&Value::Null), 0);
    }
}
