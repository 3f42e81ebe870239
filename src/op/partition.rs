//! The entry of a partition: gives each row the dense id of its key.
//!
//! * A row whose key is null goes nowhere, nor does one that is in no range; a row that is in several
//!   ranges goes to each, in their order.
//! * A chunk of several events is cut into runs of equal key, each a chunk of its own.
//! * Streams read inside without a key go to every key that exists by then, in order of creation.
//! * One interner serves all streams of the partition, so that equal keys meet.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringViewBuilder, UInt32Array};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{interleave, take_record_batch};
use arrow::datatypes::SchemaRef;

use crate::error::Result;
use crate::event::{Chunks, EventBatch, KeyId, KeyInterner};
use crate::expr::TypedExpr;
use crate::expr::columnar::ColumnarExpr;
use crate::plan::KeySpec;
use crate::state::{SnapshotReader, SnapshotWriter};

/// The entry of one partition.
pub struct PartitionEntry {
    keys: Vec<Key>,
    shared: usize,
    interner: KeyInterner,
    /// By key id: the order of the event that created it (never falls).
    created: Vec<u64>,
    /// Keys nobody was told of yet, with the clock at which they came into being.
    fresh: Vec<(KeyId, i64)>,
}

/// How the rows of a stream get their key.
enum Key {
    Value(ColumnarExpr),
    Ranges(Vec<(ColumnarExpr, String)>),
    Each(Vec<Key>),
}

impl Key {
    fn new(key: &KeySpec, schema: &SchemaRef) -> Result<Self> {
        Ok(match key {
            KeySpec::Value(e) => Key::Value(ColumnarExpr::compile(e, schema)?),
            KeySpec::Ranges(ranges) => {
                let range = |(e, text): &(TypedExpr, String)| {
                    Ok((ColumnarExpr::compile(e, schema)?, text.clone()))
                };
                Key::Ranges(ranges.iter().map(range).collect::<Result<_>>()?)
            }
            KeySpec::Each(keys) => {
                Key::Each(keys.iter().map(|k| Key::new(k, schema)).collect::<Result<_>>()?)
            }
        })
    }

    /// The rows of a batch once for each of their keys, and the keys.
    fn of(&self, batch: EventBatch) -> Result<(EventBatch, ArrayRef)> {
        let (rows, keys) = match self {
            Key::Value(e) => {
                let keys = e.evaluate(&batch)?;
                return Ok((batch, keys));
            }
            Key::Ranges(_) | Key::Each(_) => self.rows(&batch)?,
        };
        let columns = take_record_batch(&batch.columns, &UInt32Array::from(rows.clone()))?;
        Ok((batch.select(columns, &rows), keys))
    }

    /// The rows once for each of their keys, and the keys; row by row.
    fn rows(&self, batch: &EventBatch) -> Result<(Vec<u32>, ArrayRef)> {
        let ranges = match self {
            Key::Value(e) => return Ok(((0..batch.rows() as u32).collect(), e.evaluate(batch)?)),
            Key::Each(keys) => {
                let each = keys.iter().map(|k| k.rows(batch)).collect::<Result<Vec<_>>>()?;
                let all =
                    |i: usize| each[i].0.iter().enumerate().map(move |(at, row)| (*row, i, at));
                let mut order: Vec<(u32, usize, usize)> = (0..each.len()).flat_map(all).collect();
                order.sort_unstable();
                let columns: Vec<&dyn Array> = each.iter().map(|(_, k)| k.as_ref()).collect();
                let places: Vec<(usize, usize)> =
                    order.iter().map(|(_, i, at)| (*i, *at)).collect();
                let keys = interleave(&columns, &places)?;
                return Ok((order.into_iter().map(|(row, _, _)| row).collect(), keys));
            }
            Key::Ranges(ranges) => ranges,
        };
        let masks = ranges.iter().map(|(e, _)| e.mask(batch)).collect::<Result<Vec<_>>>()?;
        let (mut rows, mut keys) = (Vec::new(), StringViewBuilder::new());
        for row in 0..batch.rows() {
            for (mask, (_, key)) in masks.iter().zip(ranges) {
                if mask.is_valid(row) && mask.value(row) {
                    rows.push(row as u32);
                    keys.append_value(key);
                }
            }
        }
        Ok((rows, Arc::new(keys.finish())))
    }
}

impl PartitionEntry {
    /// For keyed streams with these keys and `shared` further streams without keys.
    pub fn new(keys: &[(SchemaRef, &KeySpec)], shared: usize) -> Result<Self> {
        let keys = keys.iter().map(|(s, key)| Key::new(key, s)).collect::<Result<_>>()?;
        Ok(Self { keys, shared, interner: KeyInterner::default(), created: vec![], fresh: vec![] })
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.interner.len()
    }

    /// Whether no key exists.
    pub fn is_empty(&self) -> bool {
        self.interner.is_empty()
    }

    /// Gives the rows their keys, in place: one batch per keyed stream, then one per shared stream.
    pub fn process(&mut self, batches: &mut [Option<EventBatch>]) -> Result<()> {
        debug_assert_eq!(batches.len(), self.keys.len() + self.shared);
        let (keyed, shared) = batches.split_at_mut(self.keys.len());
        if let [batch] = keyed {
            if let Some(rows) = batch.take() {
                let (rows, column) = self.keys[0].of(rows)?;
                *batch = Some(self.assign(rows, column)?);
            }
        } else {
            let rows = keyed.iter_mut().zip(&self.keys);
            let rows: Vec<Option<(EventBatch, ArrayRef)>> =
                rows.map(|(b, k)| b.take().map(|b| k.of(b)).transpose()).collect::<Result<_>>()?;
            if rows.iter().flatten().count() > 1 {
                self.create_in_order(&rows)?;
            }
            for (batch, rows) in keyed.iter_mut().zip(rows) {
                *batch = rows.map(|(rows, column)| self.assign(rows, column)).transpose()?;
            }
        }
        for batch in shared.iter_mut().filter_map(|b| b.as_mut()) {
            *batch = self.broadcast(batch)?;
        }
        Ok(())
    }

    /// Creates keys in the order of events over all streams: who is told of an event without a key
    /// depends on it, and keys whose timers are due together fire in order of creation.
    fn create_in_order(&mut self, batches: &[Option<(EventBatch, ArrayRef)>]) -> Result<()> {
        let mut new: Vec<(u64, i64, usize, usize)> = Vec::new();
        for (i, batch) in batches.iter().enumerate() {
            let Some((b, column)) = batch else { continue };
            let known = self.interner.lookup(std::slice::from_ref(column), None, b.rows())?;
            let rows = (0..b.rows()).filter(|r| known[*r].is_none() && column.is_valid(*r));
            new.extend(rows.map(|r| (b.order[r], b.at[r], i, r)));
        }
        new.sort_unstable();
        for (order, at, i, row) in new {
            if let Some((_, column)) = &batches[i] {
                self.interner.intern(&[column.slice(row, 1)], None, 1)?;
                if self.created.len() < self.interner.bound() {
                    self.fresh.push((self.created.len() as KeyId, at));
                    self.created.push(order);
                }
            }
        }
        Ok(())
    }

    fn assign(&mut self, batch: EventBatch, column: ArrayRef) -> Result<EventBatch> {
        let (batch, column) = match column.logical_nulls() {
            Some(nulls) if nulls.null_count() > 0 => {
                let rows: Vec<u32> = nulls.valid_indices().map(|i| i as u32).collect();
                let indices = UInt32Array::from(rows.clone());
                (batch.take(&rows)?, arrow::compute::take(&column, &indices, None)?)
            }
            _ => (batch, column),
        };
        let keys = self.interner.intern(&[column], None, batch.rows())?;
        self.note_creation(&keys, &batch);
        let chunks = batch.chunks.as_ref().map(|c| runs(c, &keys));
        let chunks = chunks.filter(|c| c.offsets().len() != batch.rows() + 1);
        Ok(EventBatch { keys: Some(keys.into()), chunks, ..batch })
    }

    fn note_creation(&mut self, keys: &[KeyId], batch: &EventBatch) {
        if self.created.len() == self.interner.bound() {
            return;
        }
        for (row, key) in keys.iter().enumerate() {
            if *key as usize == self.created.len() {
                self.fresh.push((*key, batch.at[row]));
                self.created.push(batch.order[row]);
            }
        }
    }

    /// Each chunk once per existing key.
    fn broadcast(&self, batch: &EventBatch) -> Result<EventBatch> {
        let mut rows: Vec<u32> = Vec::new();
        let mut keys: Vec<KeyId> = Vec::new();
        let mut offsets = vec![0u32];
        for chunk in batch.chunk_ranges() {
            let existing = self.created.partition_point(|o| *o < batch.order[chunk.start]);
            for key in 0..existing {
                rows.extend(chunk.clone().map(|r| r as u32));
                keys.extend(std::iter::repeat_n(key as KeyId, chunk.len()));
                offsets.push(rows.len() as u32);
            }
        }
        let indices = UInt32Array::from(rows.clone());
        let columns = take_record_batch(&batch.columns, &indices)?;
        let pick = |b: &ScalarBuffer<i64>| rows.iter().map(|r| b[*r as usize]).collect();
        let mut out = EventBatch::new(
            columns,
            pick(&batch.ts),
            pick(&batch.at),
            rows.iter().map(|r| batch.order[*r as usize]).collect(),
        );
        out.kinds = batch.kinds.as_ref().map(|k| rows.iter().map(|r| k[*r as usize]).collect());
        out.chunks = (offsets.len() != rows.len() + 1).then(|| Chunks::new(offsets));
        out.keys = Some(keys.into());
        Ok(out)
    }

    /// The keys that came into being since the last call, with the clock at which each did, ms.
    pub fn take_fresh(&mut self) -> Vec<(KeyId, i64)> {
        std::mem::take(&mut self.fresh)
    }

    /// Saves the keys.
    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.interner)?;
        w.value(&self.created)
    }

    /// Restores the keys.
    pub fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.interner = r.value()?;
        self.created = r.value()?;
        Ok(())
    }
}

/// Chunks cut where the key changes.
fn runs(chunks: &Chunks, keys: &[KeyId]) -> Chunks {
    let mut offsets = vec![0u32];
    for w in chunks.offsets().windows(2) {
        for row in w[0] + 1..w[1] {
            if keys[row as usize] != keys[row as usize - 1] {
                offsets.push(row);
            }
        }
        offsets.push(w[1]);
    }
    Chunks::new(offsets)
}
