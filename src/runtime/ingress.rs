//! Ingress: rows from outside get their order and clock here, and wait for the next step.
//!
//! Every chunk gets the next sequence number over all streams; its rows share the order
//! `2 * seq + 1`. In playback the clock is the largest event time seen (of a chunk: its largest, before
//! its first row); otherwise the clock is what it was told.

use std::collections::VecDeque;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, SchemaRef};

use super::rows::Rows;
use crate::error::{Error, Result};
use crate::event::{Chunks, Dictionaries, EventBatch, Stamps, Value, merge, record_batch};
use crate::time::Timeline;

/// Rows of all streams that wait for the next step.
#[derive(Debug)]
pub(super) struct Ingress {
    queues: Vec<Queue>,
    timeline: Timeline,
    clock: i64,
    /// Number of the next chunk.
    seq: u64,
    playback: bool,
    waiting: usize,
    /// Steps that were cut off, with their rows, which `waiting` counts.
    ready: VecDeque<(Ready, usize)>,
    ready_rows: usize,
    /// Whether a chunk of several rows waits.
    chunked: bool,
    /// The stream whose single rows are all that came since the last step, and not yet points of
    /// `timeline`: if nothing else comes, their batch will say it all.
    alone: Option<usize>,
    orders: Orders,
}

/// The orders of rows to come.
#[derive(Debug)]
struct Orders {
    /// Some of them, of which batches of few rows share the memory.
    block: ScalarBuffer<u64>,
}

/// Orders made at once.
const BLOCK: usize = 512;
/// Batches of fewer rows share a block.
const FEW: usize = 64;

impl Orders {
    /// `first`, `first + 2`, and so on.
    fn of(&mut self, first: u64, rows: usize) -> Stamps<u64> {
        if rows >= FEW {
            return Stamps::steps(first, rows);
        }
        let known = self.block.first().and_then(|from| first.checked_sub(*from));
        let mut at = known.map_or(BLOCK, |ahead| usize::try_from(ahead / 2).unwrap_or(BLOCK));
        if at.saturating_add(rows) > self.block.len() {
            self.block = (0..BLOCK as u64).map(|i| first + 2 * i).collect();
            at = 0;
        }
        self.block.slice(at, rows).into()
    }
}

/// A step's timeline, a batch per stream, and whether it has chunks of several rows.
type Ready = (Timeline, Vec<Option<EventBatch>>, bool);

/// Rows of one stream: batches, then single rows.
#[derive(Debug)]
struct Queue {
    schema: SchemaRef,
    full: Vec<EventBatch>,
    rows: Rows,
    ts: Vec<i64>,
    /// Empty while it is the events' own time.
    at: Vec<i64>,
    /// Order of the first row.
    first: u64,
    /// Empty while it goes up from the first by two.
    order: Vec<u64>,
    /// Where chunks begin and the last one ends; empty while each row is one.
    offsets: Vec<u32>,
}

impl Ingress {
    pub(super) fn new(
        schemas: impl Iterator<Item = SchemaRef>,
        playback: bool,
        clock: i64,
    ) -> Self {
        let queue = |schema: SchemaRef| Queue {
            rows: Rows::new(&schema),
            schema,
            full: vec![],
            ts: vec![],
            at: vec![],
            first: 0,
            order: vec![],
            offsets: vec![],
        };
        let queues = schemas.map(queue).collect();
        Self {
            queues,
            timeline: Timeline::new(0, clock),
            clock,
            seq: 0,
            playback,
            waiting: 0,
            ready: VecDeque::new(),
            ready_rows: 0,
            chunked: false,
            alone: None,
            orders: Orders { block: vec![].into() },
        }
    }

    pub(super) fn clock(&self) -> i64 {
        self.clock
    }

    pub(super) fn position(&self) -> (i64, u64) {
        (self.clock, self.seq)
    }

    pub(super) fn set_position(&mut self, (clock, seq): (i64, u64)) {
        (self.clock, self.seq) = (clock, seq);
        self.alone = None;
        self.timeline = Timeline::new(2 * seq, clock);
    }

    pub(super) fn set_playback(&mut self, playback: bool) {
        self.playback = playback;
    }

    /// Rows that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether time moved or rows wait.
    pub(super) fn is_due(&self, done: i64) -> bool {
        self.waiting > 0 || self.clock > done
    }

    pub(super) fn advance_to(&mut self, clock: i64) {
        self.clock = self.clock.max(clock);
        self.timeline.advance(self.clock);
    }

    /// The order and clock of a new chunk whose largest event time is `ts`.
    pub(super) fn admit(&mut self, ts: i64) -> (u64, i64) {
        self.settle();
        let (order, clock) = self.number(ts);
        self.timeline.push(order, clock);
        (order, clock)
    }

    #[inline]
    fn number(&mut self, ts: i64) -> (u64, i64) {
        if self.playback {
            self.clock = self.clock.max(ts);
        }
        let order = 2 * self.seq + 1;
        self.seq += 1;
        (order, self.clock)
    }

    /// Makes the rows of a stream that came alone points of the timeline.
    fn settle(&mut self) {
        if let Some(stream) = self.alone.take() {
            self.queues[stream].each_moment(|order, at| self.timeline.push(order, at));
        }
    }

    /// One row, of which each value [`super::rows::fits`] its attribute.
    #[inline]
    pub(super) fn row(&mut self, stream: usize, ts: i64, values: &[Value]) {
        if self.waiting == self.ready_rows && self.timeline.is_empty() {
            self.alone = Some(stream);
        }
        if self.alone.is_some_and(|s| s != stream) {
            self.settle();
        }
        let (order, at) = self.number(ts);
        if self.alone.is_none() {
            self.timeline.push(order, at);
        }
        self.waiting += 1;
        self.queues[stream].push_row(ts, at, order, values);
    }

    /// One chunk of rows, of which each value [`super::rows::fits`] its attribute.
    pub(super) fn chunk(&mut self, stream: usize, rows: Vec<(i64, Vec<Value>)>) {
        let Some(ts) = rows.iter().map(|(ts, _)| *ts).max() else { return };
        let (order, at) = self.admit(ts);
        self.waiting += rows.len();
        self.chunked |= rows.len() > 1;
        let q = &mut self.queues[stream];
        if rows.len() > 1 {
            q.spell_chunks();
        }
        for (ts, values) in rows {
            q.push(ts, at, order, &values);
        }
        q.end_chunk();
    }

    /// Rows in columns (already of the stream's schema), each its own chunk.
    pub(super) fn batch(&mut self, stream: usize, columns: RecordBatch, ts: ScalarBuffer<i64>) {
        let Some(last) = ts.last().copied() else { return };
        self.settle();
        let first = 2 * self.seq + 1;
        let order = self.orders.of(first, ts.len());
        let ts = Stamps::from(ts);
        let at = if !self.playback {
            vec![self.clock; ts.len()].into()
        } else if ts[0] >= self.clock && in_order(&ts) {
            // The clock is the events' own time, in the same buffer.
            self.clock = last;
            ts.clone()
        } else {
            let clock = &mut self.clock;
            let advance = |t: &i64| {
                *clock = (*clock).max(*t);
                *clock
            };
            ts.iter().map(advance).collect()
        };
        self.seq += ts.len() as u64;
        self.timeline.extend(&order, &at);
        self.waiting += ts.len();
        let q = &mut self.queues[stream];
        q.seal(&mut self.orders);
        q.full.push(EventBatch::new(columns, ts, at, order));
    }

    /// Rows of several streams, those with the smaller time first, of equal time those of the part
    /// that stands first; each its own chunk.
    pub(super) fn interleave(&mut self, parts: Vec<(usize, RecordBatch, ScalarBuffer<i64>)>) {
        self.settle();
        let rows: usize = parts.iter().map(|(_, _, ts)| ts.len()).sum();
        let first = 2 * self.seq + 1;
        let mut orders: Vec<Vec<u64>> =
            parts.iter().map(|(_, _, ts)| Vec::with_capacity(ts.len())).collect();
        // Of all rows, the clock at each.
        let mut clocks = Vec::with_capacity(rows);
        // Whether the clock is the time of every row.
        let mut own_time = self.playback;
        let times: Vec<&[i64]> = parts.iter().map(|(_, _, ts)| &ts[..]).collect();
        merge_times(&times, |part, ts| {
            own_time &= ts >= self.clock;
            if self.playback {
                self.clock = self.clock.max(ts);
            }
            orders[part].push(first + 2 * clocks.len() as u64);
            clocks.push(self.clock);
        });
        self.seq += rows as u64;
        let clocks = Stamps::from(clocks);
        self.timeline.extend(&Stamps::steps(first, rows), &clocks);
        self.waiting += rows;
        for ((stream, columns, ts), order) in parts.into_iter().zip(orders) {
            if ts.is_empty() {
                continue;
            }
            let ts = Stamps::from(ts);
            let at = match own_time {
                true => ts.clone(),
                false => order.iter().map(|o| clocks[((o - first) / 2) as usize]).collect(),
            };
            let q = &mut self.queues[stream];
            q.seal(&mut self.orders);
            q.full.push(EventBatch::new(columns, ts, at, order.into()));
        }
    }

    /// Rows that were admitted one by one, each its own chunk. Rows of the same stream may have been
    /// admitted between them.
    pub(super) fn admitted(&mut self, stream: usize, rows: EventBatch) {
        self.settle();
        self.waiting += rows.rows();
        self.chunked |= rows.chunks.is_some();
        let q = &mut self.queues[stream];
        q.seal(&mut self.orders);
        q.full.push(rows);
    }

    /// What waits, as one step; what was cut off goes first, by itself. Its timeline, a batch per
    /// stream (into `sent`), and whether it has chunks of several rows.
    pub(super) fn step(&mut self, sent: &mut Vec<Option<EventBatch>>) -> Result<(Timeline, bool)> {
        if let Some(((timeline, batches, chunked), rows)) = self.ready.pop_front() {
            self.waiting -= rows;
            self.ready_rows -= rows;
            *sent = batches;
            return Ok((timeline, chunked));
        }
        self.waiting = 0;
        self.take(sent)
    }

    /// What waits now is a step by itself: rows that come later are not put behind it in one batch,
    /// which would copy them.
    pub(super) fn cut(&mut self) -> Result<()> {
        let rows = self.waiting - self.ready_rows;
        if rows > 0 {
            let mut batches = vec![];
            let (timeline, chunked) = self.take(&mut batches)?;
            self.ready.push_back(((timeline, batches, chunked), rows));
            self.ready_rows += rows;
        }
        Ok(())
    }

    fn take(&mut self, sent: &mut Vec<Option<EventBatch>>) -> Result<(Timeline, bool)> {
        let chunked = std::mem::take(&mut self.chunked);
        sent.resize(self.queues.len(), None);
        for (queue, sent) in self.queues.iter_mut().zip(&mut *sent) {
            queue.take(sent, &mut self.orders)?;
        }
        if let Some(rows) = self.alone.take().and_then(|s| sent[s].as_ref()) {
            self.timeline.extend(&rows.order, &rows.at);
        }
        let next = Timeline::new(2 * self.seq, self.clock);
        Ok((std::mem::replace(&mut self.timeline, next), chunked))
    }
}

impl Queue {
    #[inline]
    fn push_row(&mut self, ts: i64, at: i64, order: u64, values: &[Value]) {
        self.push(ts, at, order, values);
        if !self.offsets.is_empty() {
            self.end_chunk();
        }
    }

    #[inline]
    fn push(&mut self, ts: i64, at: i64, order: u64, values: &[Value]) {
        let n = self.ts.len();
        if n == 0 {
            self.first = order;
        }
        if at != ts || !self.at.is_empty() {
            if self.at.is_empty() {
                self.at.extend_from_slice(&self.ts);
            }
            self.at.push(at);
        }
        if order != self.first + 2 * n as u64 || !self.order.is_empty() {
            if self.order.is_empty() {
                self.order.extend((0..n as u64).map(|i| self.first + 2 * i));
            }
            self.order.push(order);
        }
        self.ts.push(ts);
        self.rows.push(values);
    }

    /// From here on chunks may be of several rows.
    fn spell_chunks(&mut self) {
        if self.offsets.is_empty() {
            self.offsets.extend(0..=self.ts.len() as u32);
        }
    }

    /// The rows since the last chunk are one.
    fn end_chunk(&mut self) {
        if !self.offsets.is_empty() {
            self.offsets.push(self.ts.len() as u32);
        }
    }

    /// Calls `f` with order and clock of each single row that waits.
    fn each_moment(&self, mut f: impl FnMut(u64, i64)) {
        for (i, ts) in self.ts.iter().enumerate() {
            let order = self.order.get(i).copied().unwrap_or(self.first + 2 * i as u64);
            f(order, self.at.get(i).copied().unwrap_or(*ts));
        }
    }

    /// Turns single rows into a batch.
    fn seal(&mut self, orders: &mut Orders) {
        if let Some(batch) = self.single_rows(orders) {
            self.full.push(batch);
        }
    }

    fn single_rows(&mut self, orders: &mut Orders) -> Option<EventBatch> {
        let rows = self.ts.len();
        if rows == 0 {
            return None;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = self.rows.take();
        let columns = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .expect("the columns were made for this schema");
        let room = || Vec::with_capacity(rows);
        let ts = Stamps::from(std::mem::replace(&mut self.ts, room()));
        let at = match self.at.is_empty() {
            true => ts.clone(),
            false => std::mem::take(&mut self.at).into(),
        };
        let order = match self.order.is_empty() {
            true => orders.of(self.first, rows),
            false => std::mem::take(&mut self.order).into(),
        };
        let mut batch = EventBatch::new(columns, ts, at, order);
        if !self.offsets.is_empty() {
            batch.chunks = Some(Chunks::new(std::mem::take(&mut self.offsets)));
        }
        Some(batch)
    }

    /// Takes all rows, into `to`.
    fn take(&mut self, to: &mut Option<EventBatch>, orders: &mut Orders) -> Result<()> {
        if self.full.is_empty() {
            *to = self.single_rows(orders);
            return Ok(());
        }
        self.seal(orders);
        *to = match self.full.len() {
            1 => self.full.pop(),
            _ => merge(&self.schema, std::mem::take(&mut self.full))?,
        };
        Ok(())
    }
}

/// Calls `each` with the parts and times of all rows, those with the smaller time first, of equal time
/// those of the part that stands first; rows of one part stay in their order.
fn merge_times(parts: &[&[i64]], mut each: impl FnMut(usize, i64)) {
    if let [a, b] = parts {
        let (mut i, mut j) = (0, 0);
        while i < a.len() && j < b.len() {
            if a[i] <= b[j] {
                each(0, a[i]);
                i += 1;
            } else {
                each(1, b[j]);
                j += 1;
            }
        }
        a[i..].iter().for_each(|ts| each(0, *ts));
        b[j..].iter().for_each(|ts| each(1, *ts));
        return;
    }
    let mut next = vec![0; parts.len()];
    let head = |next: &[usize]| {
        let heads = parts.iter().zip(next).enumerate();
        heads.filter_map(|(i, (ts, at))| Some((*ts.get(*at)?, i))).min()
    };
    while let Some((ts, part)) = head(&next) {
        next[part] += 1;
        each(part, ts);
    }
}

/// Whether times never fall: without a branch per row.
fn in_order(ts: &[i64]) -> bool {
    let falls = |ts: &[i64]| ts.windows(2).fold(false, |falls, w| falls | (w[0] > w[1]));
    (0..ts.len()).step_by(256).all(|i| !falls(&ts[i..ts.len().min(i + 257)]))
}

/// Columns of `batch` by the names of `schema`, cast to its types where no value changes; strings that
/// are dictionary-coded stay so where it is worth it.
pub(super) fn conform(
    batch: &RecordBatch,
    schema: &SchemaRef,
    dictionaries: &mut Dictionaries,
) -> Result<RecordBatch> {
    let options = arrow::compute::CastOptions { safe: false, format_options: Default::default() };
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (place, field) in schema.fields().iter().enumerate() {
        let Some(column) = batch.column_by_name(field.name()) else {
            let schema = batch.schema();
            let names = schema.fields().iter().map(|f| f.name().as_str());
            let near = crate::error::nearest(field.name(), names);
            let hint = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return Err(Error::Data(format!("the batch has no column `{}`{hint}", field.name())));
        };
        columns.push(if column.data_type() == field.data_type() {
            column.clone()
        } else if *field.data_type() == DataType::Utf8View
            && let Some(coded) = dictionaries.code(place, column)?
        {
            coded
        } else {
            arrow::compute::cast_with_options(column, field.data_type(), &options)?
        });
    }
    record_batch(schema, columns, batch.num_rows())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_orders_are_what_they_would_be_alone() {
        let mut orders = Orders { block: vec![].into() };
        let mut first = 1;
        for rows in [1, 1, 63, 64, 5, 0, 500, 62, 40, 63, 63, 63, 63, 63, 63, 63, 63, 63, 1] {
            assert_eq!(orders.of(first, rows), Stamps::steps(first, rows), "{rows} from {first}");
            first += 2 * rows as u64;
        }
        // Another snapshot may lie before or far behind.
        for first in [1, u64::from(u32::MAX) * 8 + 1, 3, 5, 2 * BLOCK as u64 + 1] {
            assert_eq!(orders.of(first, 7), Stamps::steps(first, 7));
        }
    }
}
