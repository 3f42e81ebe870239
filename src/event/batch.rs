//! [`EventBatch`]: rows of one stream in order, for one step.
//!
//! Invariants:
//! * `order` never falls, and where two rows have the same `order`, `at` never falls: `(order, at)`
//!   is the total order of causes. `order` is odd for what an input event caused (`2 * seq + 1`) and
//!   even (`2 * seq`) for what timers caused before that event.
//! * Rows with equal `(order, at)` stand in the order in which Siddhi would deliver them.
//! * A chunk (Siddhi's unit of delivery) is a run of rows; [`Chunks`] says where runs begin. The
//!   physical end of a batch means nothing: it always is also the end of a chunk.
//! * `resets` stand between rows, sorted by position.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::buffer::ScalarBuffer;
use arrow::compute::take;
use arrow::datatypes::{ArrowNativeType, SchemaRef};

use super::bits::set_rows;
use super::{KeyId, Stamps, record_batch};
use crate::error::Result;

/// The key of everything outside `partition`.
pub const SINGLE_KEY: KeyId = 0;

/// Siddhi's kind of a row. Timers are calls and resets stand between rows, so there are only two.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[repr(u8)]
pub enum Kind {
    /// The row enters.
    #[default]
    Current,
    /// The row leaves a window; its data is the original's, its time that of leaving.
    Expired,
}

/// A position between rows at which the aggregates of one partition key start afresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// Before this row (may equal the number of rows).
    pub before: u32,
    /// The partition key whose aggregates are cleared ([`SINGLE_KEY`] outside `partition`).
    pub key: KeyId,
}

/// Where chunks begin: `offsets[i]..offsets[i + 1]` is chunk `i`; first 0, last the row count,
/// strictly increasing.
///
/// A chunk is what the selector looks at as one. Several chunks in a row may be handed on together
/// (a join's matches of each trigger are a chunk, those of one arrival leave together): such a run
/// is a *delivery*, what a callback sees at once. Unless said otherwise each chunk is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunks {
    offsets: Arc<[u32]>,
    deliveries: Option<Arc<[u32]>>,
}

impl Chunks {
    /// From offsets (first 0, last the row count, strictly increasing).
    pub fn new(offsets: impl Into<Arc<[u32]>>) -> Self {
        let offsets = offsets.into();
        debug_assert!(offsets.first() == Some(&0) && offsets.windows(2).all(|w| w[0] < w[1]));
        Self { offsets, deliveries: None }
    }

    /// The same chunks in deliveries that begin at these rows (some of the offsets: first 0, last
    /// the row count, strictly increasing).
    pub fn with_deliveries(self, rows: impl Into<Arc<[u32]>>) -> Self {
        let rows = rows.into();
        debug_assert!(rows.iter().all(|r| self.offsets.binary_search(r).is_ok()));
        debug_assert!(rows.first() == self.offsets.first() && rows.last() == self.offsets.last());
        Self { deliveries: Some(rows), ..self }
    }

    /// The offsets.
    pub fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// [`Chunks::deliveries`], if they are anything else than the chunks.
    pub fn joined(&self) -> Option<&[u32]> {
        self.deliveries.as_deref()
    }

    /// The rows at which deliveries begin, and the row count at the end.
    pub fn deliveries(&self) -> &[u32] {
        self.deliveries.as_deref().unwrap_or(&self.offsets)
    }

    /// The chunks and deliveries, with every list of offsets put through `f`.
    fn map(&self, f: impl Fn(&[u32]) -> Vec<u32>) -> Self {
        Self {
            offsets: f(&self.offsets).into(),
            deliveries: self.deliveries.as_deref().map(|d| f(d).into()),
        }
    }
}

/// A place in the total order of everything that happens in an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Order of the cause: an input event's number, or that of the timers before it.
    pub order: u64,
    /// The clock, ms since the epoch.
    pub at: i64,
}

/// Rows of one stream in order, for one step.
#[derive(Debug, Clone)]
pub struct EventBatch {
    /// The stream's attributes.
    pub columns: RecordBatch,
    /// Event time, ms since the epoch.
    pub ts: Stamps<i64>,
    /// The application's clock when the row came to be, ms since the epoch; never falls.
    pub at: Stamps<i64>,
    /// Total order of causes over the whole application.
    pub order: Stamps<u64>,
    /// Kind per row; none = all current.
    pub kinds: Option<Arc<[Kind]>>,
    /// Chunk boundaries; none = every row is its own chunk.
    pub chunks: Option<Chunks>,
    /// Where aggregates start afresh.
    pub resets: Vec<Reset>,
    /// Partition key per row; none outside `partition`.
    pub keys: Option<ScalarBuffer<KeyId>>,
}

impl EventBatch {
    /// All rows current, each its own chunk, no keys.
    pub fn new(columns: RecordBatch, ts: Stamps<i64>, at: Stamps<i64>, order: Stamps<u64>) -> Self {
        debug_assert_eq!(columns.num_rows(), ts.len());
        debug_assert_eq!(ts.len(), at.len());
        debug_assert_eq!(ts.len(), order.len());
        Self { columns, ts, at, order, kinds: None, chunks: None, resets: vec![], keys: None }
    }

    /// No rows.
    pub fn empty(schema: SchemaRef) -> Self {
        let none = Stamps::from(vec![]);
        Self::new(RecordBatch::new_empty(schema), none.clone(), none, vec![].into())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.ts.len()
    }

    /// Whether there is neither a row nor a reset.
    pub fn is_empty(&self) -> bool {
        self.rows() == 0 && self.resets.is_empty()
    }

    /// The kind of a row.
    pub fn kind(&self, row: usize) -> Kind {
        self.kinds.as_ref().map_or(Kind::Current, |k| k[row])
    }

    /// Where a row stands among everything that happens.
    pub fn moment(&self, row: usize) -> Moment {
        Moment { order: self.order.one(row), at: self.at.one(row) }
    }

    /// The partition key of a row.
    pub fn key(&self, row: usize) -> KeyId {
        self.keys.as_ref().map_or(SINGLE_KEY, |k| k[row])
    }

    /// Number of chunks.
    pub fn chunk_count(&self) -> usize {
        self.chunks.as_ref().map_or(self.rows(), |c| c.offsets().len() - 1)
    }

    /// The rows of chunk `i`.
    pub fn chunk(&self, i: usize) -> std::ops::Range<usize> {
        match &self.chunks {
            None => i..i + 1,
            Some(c) => c.offsets()[i] as usize..c.offsets()[i + 1] as usize,
        }
    }

    /// All chunks in order.
    pub fn chunk_ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        (0..self.chunk_count()).map(|i| self.chunk(i))
    }

    /// The same rows with other columns (same row count).
    pub fn with_columns(&self, schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<Self> {
        let columns = record_batch(&schema, columns, self.rows())?;
        Ok(self.around(columns))
    }

    /// Puts other columns in the place of these (same row count).
    pub fn set_columns(&mut self, schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<()> {
        self.columns = record_batch(&schema, columns, self.rows())?;
        Ok(())
    }

    /// The hidden fields around other columns.
    fn around(&self, columns: RecordBatch) -> Self {
        Self {
            columns,
            ts: self.ts.clone(),
            at: self.at.clone(),
            order: self.order.clone(),
            kinds: self.kinds.clone(),
            chunks: self.chunks.clone(),
            resets: self.resets.clone(),
            keys: self.keys.clone(),
        }
    }

    /// Rows `start..start + len` without copying. Resets at the start edge are kept, resets at the
    /// end edge only if `start + len` is the end of this batch (so that cutting a batch into slices
    /// keeps each reset exactly once).
    pub fn slice(&self, start: usize, len: usize) -> Self {
        let end = start + len;
        let last = end == self.rows();
        Self {
            columns: self.columns.slice(start, len),
            ts: self.ts.slice(start, len),
            at: self.at.slice(start, len),
            order: self.order.slice(start, len),
            kinds: self.kinds.as_ref().map(|k| k[start..end].into()),
            chunks: self.chunks.as_ref().map(|c| c.map(|o| slice_offsets(o, start, end))),
            resets: self
                .resets
                .iter()
                .filter(|r| {
                    let p = r.before as usize;
                    p >= start && (p < end || (last && p == end))
                })
                .map(|r| Reset { before: r.before - start as u32, key: r.key })
                .collect(),
            keys: self.keys.as_ref().map(|k| k.slice(start, len)),
        }
    }

    /// Keeps the rows whose bit is set (null counts as unset). Chunks that lose all rows vanish;
    /// resets stay, whatever happens to the rows around them.
    pub fn filter(&self, mask: &arrow::array::BooleanArray) -> Result<Self> {
        let kept = mask.true_count();
        if kept == self.rows() {
            return Ok(self.clone());
        }
        self.take_owned(match Array::nulls(mask) {
            None => set_rows(mask.values()),
            Some(nulls) => set_rows(&(mask.values() & nulls.inner())),
        })
    }

    /// The rows at `rows` (strictly increasing), in that order.
    pub fn take(&self, rows: &[u32]) -> Result<Self> {
        if rows.len() == self.rows() {
            return Ok(self.clone());
        }
        self.take_owned(rows.to_vec())
    }

    fn take_owned(&self, rows: Vec<u32>) -> Result<Self> {
        let indices = UInt32Array::from(rows);
        let columns: Vec<ArrayRef> = self
            .columns
            .columns()
            .iter()
            .map(|c| take(c, &indices, None))
            .collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(indices.len()));
        let columns = RecordBatch::try_new_with_options(self.columns.schema(), columns, &options)?;
        Ok(self.picked(columns, indices.values()))
    }

    /// The hidden fields of `rows` (strictly increasing) around the given, already gathered columns.
    pub fn select(&self, columns: RecordBatch, rows: &[u32]) -> Self {
        self.picked(columns, &ScalarBuffer::from(rows.to_vec()))
    }

    fn picked(&self, columns: RecordBatch, rows: &ScalarBuffer<u32>) -> Self {
        debug_assert_eq!(columns.num_rows(), rows.len());
        let ts = self.ts.pick(rows);
        // In playback, and as long as events are in order, the clock is their own time.
        let at = if self.at.ptr_eq(&self.ts) { ts.clone() } else { self.at.pick(rows) };
        Self {
            columns,
            ts,
            at,
            order: self.order.pick(rows),
            kinds: self.kinds.as_ref().map(|k| rows.iter().map(|r| k[*r as usize]).collect()),
            chunks: self.chunks.as_ref().map(|c| c.map(|o| select_offsets(o, rows))),
            resets: self
                .resets
                .iter()
                .map(|r| Reset {
                    before: rows.partition_point(|row| *row < r.before) as u32,
                    key: r.key,
                })
                .collect(),
            keys: self.keys.as_ref().map(|k| pick(k, rows)),
        }
    }
}

fn pick<T: ArrowNativeType>(values: &ScalarBuffer<T>, rows: &[u32]) -> ScalarBuffer<T> {
    let values: &[T] = values;
    rows.iter().map(|r| values[*r as usize]).collect::<Vec<T>>().into()
}

fn slice_offsets(offsets: &[u32], start: usize, end: usize) -> Vec<u32> {
    let from = offsets.partition_point(|o| (*o as usize) <= start);
    let to = offsets.partition_point(|o| (*o as usize) < end);
    let mut out = Vec::with_capacity(to.saturating_sub(from) + 2);
    out.push(0);
    if end > start {
        out.extend(offsets[from..to].iter().map(|o| o - start as u32));
        out.push((end - start) as u32);
    }
    out
}

fn select_offsets(offsets: &[u32], rows: &[u32]) -> Vec<u32> {
    let mut out = vec![0u32];
    let mut chunk = 0;
    for (i, row) in rows.iter().enumerate() {
        let mut crossed = false;
        while offsets[chunk + 1] <= *row {
            chunk += 1;
            crossed = true;
        }
        if crossed && i > 0 {
            out.push(i as u32);
        }
    }
    if !rows.is_empty() {
        out.push(rows.len() as u32);
    }
    out
}

/// Collects the hidden fields of rows an operator emits; columns are gathered afterwards.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    /// Event time per row.
    pub ts: Vec<i64>,
    /// Clock per row.
    pub at: Vec<i64>,
    /// Order per row.
    pub order: Vec<u64>,
    /// Kind per row.
    pub kinds: Vec<Kind>,
    /// Partition key per row.
    pub keys: Vec<KeyId>,
    /// Resets in order.
    pub resets: Vec<Reset>,
    offsets: Vec<u32>,
    deliveries: Option<Vec<u32>>,
    reset_chunks: Vec<u32>,
    any_expired: bool,
}

impl BatchBuilder {
    /// Number of rows so far.
    pub fn rows(&self) -> usize {
        self.ts.len()
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty() && self.resets.is_empty()
    }

    /// Adds a row to the open chunk.
    #[inline]
    pub fn push(&mut self, ts: i64, at: i64, order: u64, kind: Kind, key: KeyId) {
        self.ts.push(ts);
        self.at.push(at);
        self.order.push(order);
        self.kinds.push(kind);
        self.keys.push(key);
        self.any_expired |= kind == Kind::Expired;
    }

    /// Marks that the aggregates of `key` start afresh here. If a chunk is open, the reset belongs to
    /// it (`C E R`), else to the one that comes (`R C`).
    pub fn reset(&mut self, key: KeyId) {
        self.resets.push(Reset { before: self.ts.len() as u32, key });
        self.reset_chunks.push(self.offsets.len() as u32);
    }

    /// The chunk each reset belongs to; matters where chunks of several builders are interleaved.
    pub fn reset_chunks(&self) -> &[u32] {
        &self.reset_chunks
    }

    /// One past the last row of each ended chunk.
    pub fn chunk_ends(&self) -> &[u32] {
        &self.offsets
    }

    /// Ends the open chunk and the open delivery (see [`Chunks`]). A builder that is never told of
    /// deliveries makes each chunk one.
    pub fn end_delivery(&mut self) {
        self.end_chunk();
        let n = self.ts.len() as u32;
        let ends = self.deliveries.get_or_insert_default();
        if n > 0 && ends.last() != Some(&n) {
            ends.push(n);
        }
    }

    /// Ends the open chunk (does nothing if it is empty).
    #[inline]
    pub fn end_chunk(&mut self) {
        let n = self.ts.len() as u32;
        if self.offsets.last().copied().unwrap_or(0) != n {
            self.offsets.push(n);
        }
    }

    /// The batch with the given columns (as many rows as were pushed); `keyed` keeps the keys.
    pub fn finish(
        mut self,
        schema: SchemaRef,
        columns: Vec<ArrayRef>,
        keyed: bool,
    ) -> Result<EventBatch> {
        self.end_chunk();
        let rows = self.ts.len();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = RecordBatch::try_new_with_options(schema, columns, &options)?;
        if self.deliveries.is_some() {
            self.end_delivery();
        }
        let starts = |ends: &[u32]| -> Arc<[u32]> { [0].iter().chain(ends).copied().collect() };
        let joined = self.deliveries.as_ref().is_some_and(|d| d.len() != self.offsets.len());
        let chunks = (joined || self.offsets.len() != rows).then(|| Chunks {
            offsets: starts(&self.offsets),
            deliveries: self.deliveries.as_deref().filter(|_| joined).map(starts),
        });
        Ok(EventBatch {
            columns,
            ts: self.ts.into(),
            at: self.at.into(),
            order: self.order.into(),
            kinds: self.any_expired.then(|| self.kinds.into()),
            chunks,
            resets: self.resets,
            keys: keyed.then(|| self.keys.into()),
        })
    }
}
