//! Which rows go to which shard: by the hash of a key, and what late rows ask for.

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type, Int64Type};

use crate::error::{Error, Result};
use crate::event::EventBatch;
use crate::expr::ColumnarExpr;
use crate::plan::shards::{Late, Region};
use crate::plan::{Plan, StreamId};
use crate::state::{SnapshotReader, SnapshotWriter};

/// Tells the rows of a region's streams apart.
pub(super) struct Exchange {
    entries: Vec<Entry>,
    late: Late,
    /// The largest event time so far.
    newest: i64,
    /// By shard, the largest event time it knows of.
    known: Vec<i64>,
}

struct Entry {
    stream: StreamId,
    key: ColumnarExpr,
    reads: Vec<bool>,
    /// Stand-ins for the columns nobody reads, as long as the longest batch so far.
    nothing: Vec<Option<ArrayRef>>,
}

/// A step's rows, told apart.
pub(super) struct Split {
    /// By entry, all rows.
    pub whole: Vec<Option<EventBatch>>,
    /// By shard and entry, until they are taken.
    shares: Vec<Vec<Option<Share>>>,
}

impl Split {
    /// The rows of one shard, by entry.
    pub fn take(&mut self, shard: usize) -> Vec<Option<Share>> {
        std::mem::take(&mut self.shares[shard])
    }
}

/// The rows of one entry that are one shard's.
pub(super) struct Share {
    /// All rows of the entry, with stand-ins for what isn't read.
    batch: EventBatch,
    /// Which of them, strictly rising.
    pub rows: Vec<u32>,
    /// Before which of `rows` the shard is told of which time.
    told: Vec<(usize, i64)>,
}

impl Share {
    /// The rows as the shard gets them.
    pub fn gather(&self) -> Result<EventBatch> {
        if self.told.is_empty() {
            if self.rows.len() == self.batch.rows() {
                return Ok(self.batch.clone());
            }
            let indices = UInt32Array::from(self.rows.clone());
            return Ok(self.batch.select(self.columns(&indices)?, &self.rows));
        }
        let n = self.rows.len() + self.told.len();
        let mut indices: Vec<Option<u32>> = Vec::with_capacity(n);
        let (mut ts, mut at, mut order) =
            (Vec::with_capacity(n), Vec::with_capacity(n), Vec::with_capacity(n));
        let mut told = self.told.iter().peekable();
        for (i, r) in self.rows.iter().enumerate() {
            let row = *r as usize;
            if let Some((_, newest)) = told.next_if(|(before, _)| *before == i) {
                indices.push(None);
                ts.push(*newest);
                at.push(self.batch.at[row]);
                order.push(self.batch.order[row]);
            }
            indices.push(Some(*r));
            ts.push(self.batch.ts[row]);
            at.push(self.batch.at[row]);
            order.push(self.batch.order[row]);
        }
        let columns = self.columns(&UInt32Array::from(indices))?;
        Ok(EventBatch::new(columns, ts.into(), at.into(), order.into()))
    }

    fn columns(&self, indices: &UInt32Array) -> Result<RecordBatch> {
        let column = |c: &ArrayRef| -> Result<ArrayRef> {
            // Stand-ins are all alike.
            if c.null_count() == c.len() {
                return Ok(c.slice(0, indices.len().min(c.len())));
            }
            Ok(take(c, indices, None)?)
        };
        let enough = indices.len() <= self.batch.rows();
        let columns = self.batch.columns.columns().iter();
        let columns = match enough {
            true => columns.map(column).collect::<Result<Vec<_>>>()?,
            false => columns.map(|c| Ok(take(c, indices, None)?)).collect::<Result<_>>()?,
        };
        let options = RecordBatchOptions::new().with_row_count(Some(indices.len()));
        Ok(RecordBatch::try_new_with_options(self.batch.columns.schema(), columns, &options)?)
    }
}

impl Exchange {
    pub fn new(plan: &Plan, region: &Region, shards: usize) -> Result<Self> {
        let entry = |e: &crate::plan::shards::Entry| {
            let key = ColumnarExpr::compile(&e.key, &plan.streams[e.stream].schema)?;
            let nothing = vec![None; e.reads.len()];
            Ok(Entry { stream: e.stream, key, reads: e.reads.clone(), nothing })
        };
        let entries = region.entries.iter().map(entry).collect::<Result<_>>()?;
        Ok(Self { entries, late: region.late, newest: i64::MIN, known: vec![i64::MIN; shards] })
    }

    /// The streams, in the order in which [`Exchange::split`] takes their rows.
    pub fn streams(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.entries.iter().map(|e| e.stream)
    }

    /// Tells the rows of a step apart.
    pub fn split(&mut self, inputs: Vec<Option<EventBatch>>) -> Result<Split> {
        let count = self.known.len();
        let mut whole = Vec::with_capacity(inputs.len());
        let mut rows: Vec<Vec<Vec<u32>>> = Vec::with_capacity(inputs.len());
        for (entry, input) in self.entries.iter_mut().zip(inputs) {
            let input = input.filter(|b| b.rows() > 0);
            if input.as_ref().is_some_and(|b| b.chunks.is_some()) {
                let what = "a chunk of several events reached queries that run in shards";
                return Err(Error::Limit(what.into()));
            }
            rows.push(match &input {
                None => vec![vec![]; count],
                Some(batch) => apart(&entry.key.evaluate(batch)?, count)?,
            });
            whole.push(input);
        }
        let mut shares: Vec<Vec<Option<Share>>> = vec![];
        shares.resize_with(count, Vec::new);
        let handed = self.handed(&whole)?;
        for (batch, rows) in handed.into_iter().zip(rows) {
            for (shares, rows) in shares.iter_mut().zip(rows) {
                shares.push(match &batch {
                    Some(batch) if !rows.is_empty() => {
                        Some(Share { batch: batch.clone(), rows, told: vec![] })
                    }
                    _ => None,
                });
            }
        }
        if self.late == Late::Told {
            self.tell(&whole, &mut shares);
        }
        Ok(Split { whole, shares })
    }

    /// The rows as shards see them: without columns that nobody reads, and with times that never fall
    /// if they must not.
    fn handed(&mut self, whole: &[Option<EventBatch>]) -> Result<Vec<Option<EventBatch>>> {
        let mut handed = Vec::with_capacity(whole.len());
        for (entry, batch) in self.entries.iter_mut().zip(whole) {
            let Some(batch) = batch else {
                handed.push(None);
                continue;
            };
            let mut batch = entry.narrow(batch)?;
            if self.late == Late::Raised {
                if !in_order(&batch, self.newest) {
                    let newest = &mut self.newest;
                    let raise = |ts: &i64| {
                        *newest = (*newest).max(*ts);
                        *newest
                    };
                    batch.ts = batch.ts.iter().map(raise).collect::<Vec<i64>>().into();
                }
                self.newest = batch.ts.last().map_or(self.newest, |ts| self.newest.max(*ts));
            }
            handed.push(Some(batch));
        }
        Ok(handed)
    }

    /// Tells the shards of late rows how late they are.
    fn tell(&mut self, whole: &[Option<EventBatch>], shares: &mut [Vec<Option<Share>>]) {
        let mut batches = whole.iter().flatten();
        if let (Some(batch), None) = (batches.next(), batches.next())
            && in_order(batch, self.newest)
        {
            self.newest = batch.ts.last().map_or(self.newest, |ts| self.newest.max(*ts));
            for (known, shares) in self.known.iter_mut().zip(shares) {
                for share in shares.iter().flatten() {
                    let last = share.rows.last().map(|r| share.batch.ts[*r as usize]);
                    *known = last.map_or(*known, |ts| ts.max(*known));
                }
            }
            return;
        }
        // By entry and row, its shard and its place among that shard's rows.
        let mut of: Vec<Vec<(usize, usize)>> =
            whole.iter().map(|b| vec![(0, 0); b.as_ref().map_or(0, EventBatch::rows)]).collect();
        for (shard, shares) in shares.iter().enumerate() {
            for (of, share) in of.iter_mut().zip(shares) {
                let rows = share.iter().flat_map(|s| &s.rows).enumerate();
                rows.for_each(|(place, r)| of[*r as usize] = (shard, place));
            }
        }
        let mut next = vec![0; whole.len()];
        loop {
            let head = |(e, b): (usize, &Option<EventBatch>)| {
                let (b, row) = (b.as_ref()?, next[e]);
                (row < b.rows()).then(|| (b.order[row], b.at[row], e, b.ts[row]))
            };
            let Some((_, _, e, ts)) = whole.iter().enumerate().filter_map(head).min() else {
                return;
            };
            let (shard, place) = of[e][next[e]];
            next[e] += 1;
            if ts < self.newest && self.known[shard] < self.newest {
                if let Some(share) = &mut shares[shard][e] {
                    share.told.push((place, self.newest));
                }
                self.known[shard] = self.newest;
            }
            self.newest = self.newest.max(ts);
            self.known[shard] = self.known[shard].max(ts);
        }
    }

    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.newest)?;
        w.value(&self.known)
    }

    pub fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.newest = r.value()?;
        let known: Vec<i64> = r.value()?;
        if known.len() != self.known.len() {
            return Err(Error::Snapshot("it has another number of shards".into()));
        }
        self.known = known;
        Ok(())
    }
}

impl Entry {
    /// The rows with stand-ins for the columns nobody reads.
    fn narrow(&mut self, batch: &EventBatch) -> Result<EventBatch> {
        if self.reads.iter().all(|r| *r) {
            return Ok(batch.clone());
        }
        let rows = batch.rows();
        let mut columns = batch.columns.columns().to_vec();
        for ((column, reads), nothing) in columns.iter_mut().zip(&self.reads).zip(&mut self.nothing)
        {
            if !reads {
                let known = nothing.take().filter(|n| n.len() >= rows);
                let all = known.unwrap_or_else(|| new_null_array(column.data_type(), rows));
                *column = all.slice(0, rows);
                *nothing = Some(all);
            }
        }
        batch.with_columns(batch.columns.schema(), columns)
    }
}

/// Whether event times never fall, from `newest` on.
fn in_order(batch: &EventBatch, newest: i64) -> bool {
    let first = batch.ts.first().is_none_or(|ts| *ts >= newest);
    // The clock never falls, and in playback it is the events' own time.
    first && (batch.ts.ptr_eq(&batch.at) || batch.ts.is_sorted())
}

/// The rows of each shard.
fn apart(keys: &ArrayRef, shards: usize) -> Result<Vec<Vec<u32>>> {
    let rows = keys.len();
    let mut lists = vec![vec![0u32; rows]; shards];
    let mut lens = vec![0usize; shards];
    let nulls = keys.nulls().filter(|n| n.null_count() > 0);
    let mut put = |row: usize, hash: u64| {
        let shard = (((hash >> 32) * shards as u64) >> 32) as usize;
        lists[shard][lens[shard]] = row as u32;
        lens[shard] += 1;
    };
    // Rows without a key have no state in common with others; the first shard has them all.
    let valid = |row: usize| nulls.is_none_or(|n| n.is_valid(row));
    match keys.data_type() {
        DataType::Utf8View => {
            let array = keys.as_string_view();
            for (row, view) in array.views().iter().enumerate() {
                put(row, if valid(row) { text_hash(*view, || array.value(row)) } else { 0 });
            }
        }
        DataType::Int32 => {
            for (row, v) in keys.as_primitive::<Int32Type>().values().iter().enumerate() {
                put(row, if valid(row) { mix(i64::from(*v) as u64, 0) } else { 0 });
            }
        }
        DataType::Int64 => {
            for (row, v) in keys.as_primitive::<Int64Type>().values().iter().enumerate() {
                put(row, if valid(row) { mix(*v as u64, 0) } else { 0 });
            }
        }
        DataType::Boolean => {
            let array = keys.as_boolean();
            for row in 0..rows {
                put(row, if valid(row) { mix(u64::from(array.value(row)), 0) } else { 0 });
            }
        }
        other => return Err(Error::Limit(format!("rows can't be sharded by values of {other}"))),
    }
    for (list, len) in lists.iter_mut().zip(lens) {
        list.truncate(len);
    }
    Ok(lists)
}

/// Most bytes of a string that lies in its view.
const INLINE: u32 = 12;

#[inline(always)]
fn text_hash<'a>(view: u128, text: impl FnOnce() -> &'a str) -> u64 {
    if view as u32 <= INLINE {
        return mix(view as u64, (view >> 64) as u64);
    }
    let words = text().as_bytes().chunks(8);
    words.fold(u64::from(view as u32), |hash, word| {
        let mut bytes = [0u8; 8];
        bytes[..word.len()].copy_from_slice(word);
        mix(hash, u64::from_le_bytes(bytes))
    })
}

/// Other constants than those of the tables that keys are looked up in: a shard's keys must not be
/// alike in the bits that choose their places there.
#[inline(always)]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product as u64 ^ (product >> 64) as u64).wrapping_mul(0x8ebc_6af0_9c88_c6e3)
}
