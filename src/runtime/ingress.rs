//! Ingress: rows from outside get their order and clock here, and wait for the next step.
//!
//! Every chunk gets the next sequence number over all streams; its rows share the order
//! `2 * seq + 1`. In playback the clock is the largest event time seen (of a chunk: its largest, before
//! its first row); otherwise the clock is what it was told.

use std::collections::VecDeque;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, SchemaRef};

use crate::error::{Error, Result};
use crate::event::{Chunks, EventBatch, Stamps, Value, merge};
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
}

/// A step's timeline, a batch per stream, and whether it has chunks of several rows.
type Ready = (Timeline, Vec<Option<EventBatch>>, bool);

/// Rows of one stream.
#[derive(Debug)]
struct Queue {
    schema: SchemaRef,
    full: Vec<EventBatch>,
    rows: Vec<Vec<Value>>,
    ts: Vec<i64>,
    at: Vec<i64>,
    order: Vec<u64>,
    offsets: Vec<u32>,
}

impl Ingress {
    pub(super) fn new(
        schemas: impl Iterator<Item = SchemaRef>,
        playback: bool,
        clock: i64,
    ) -> Self {
        let queue = |schema: SchemaRef| Queue {
            rows: vec![vec![]; schema.fields().len()],
            schema,
            full: vec![],
            ts: vec![],
            at: vec![],
            order: vec![],
            offsets: vec![0],
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
        if self.playback {
            self.clock = self.clock.max(ts);
        }
        let order = 2 * self.seq + 1;
        self.seq += 1;
        self.timeline.push(order, self.clock);
        (order, self.clock)
    }

    /// One chunk of rows (already of the stream's types).
    pub(super) fn chunk(&mut self, stream: usize, rows: Vec<(i64, Vec<Value>)>) {
        let Some(ts) = rows.iter().map(|(ts, _)| *ts).max() else { return };
        let (order, at) = self.admit(ts);
        self.waiting += rows.len();
        self.chunked |= rows.len() > 1;
        let q = &mut self.queues[stream];
        for (ts, values) in rows {
            q.ts.push(ts);
            q.at.push(at);
            q.order.push(order);
            for (column, value) in q.rows.iter_mut().zip(values) {
                column.push(value);
            }
        }
        q.offsets.push(q.ts.len() as u32);
    }

    /// Rows in columns (already of the stream's schema), each its own chunk.
    pub(super) fn batch(&mut self, stream: usize, columns: RecordBatch, ts: ScalarBuffer<i64>) {
        let Some(last) = ts.last().copied() else { return };
        let first = 2 * self.seq + 1;
        let order = Stamps::steps(first, ts.len());
        let ts = Stamps::from(ts);
        let at = if !self.playback {
            vec![self.clock; ts.len()].into()
        } else if ts[0] >= self.clock && ts.is_sorted() {
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
        q.seal();
        q.full.push(EventBatch::new(columns, ts, at, order));
    }

    /// Rows of several streams, those with the smaller time first, of equal time those of the part
    /// that stands first; each its own chunk.
    pub(super) fn interleave(&mut self, parts: Vec<(usize, RecordBatch, ScalarBuffer<i64>)>) {
        let rows = parts.iter().map(|(_, _, ts)| ts.len()).sum();
        let room = |part: &(usize, RecordBatch, ScalarBuffer<i64>)| {
            (Vec::with_capacity(part.2.len()), Vec::with_capacity(part.2.len()))
        };
        let mut admitted: Vec<(Vec<u64>, Vec<i64>)> = parts.iter().map(room).collect();
        let mut orders = Vec::with_capacity(rows);
        let mut clocks = Vec::with_capacity(rows);
        for _ in 0..rows {
            let mut next: Option<(i64, usize)> = None;
            for (i, ((_, _, ts), (taken, _))) in parts.iter().zip(&admitted).enumerate() {
                if let Some(t) = ts.get(taken.len())
                    && next.is_none_or(|(least, _)| *t < least)
                {
                    next = Some((*t, i));
                }
            }
            let Some((ts, i)) = next else { break };
            if self.playback {
                self.clock = self.clock.max(ts);
            }
            let order = 2 * self.seq + 1;
            self.seq += 1;
            orders.push(order);
            clocks.push(self.clock);
            admitted[i].0.push(order);
            admitted[i].1.push(self.clock);
        }
        self.timeline.extend(&orders.into(), &clocks.into());
        self.waiting += rows;
        for ((stream, columns, ts), (order, at)) in parts.into_iter().zip(admitted) {
            if !ts.is_empty() {
                let q = &mut self.queues[stream];
                q.seal();
                q.full.push(EventBatch::new(columns, ts.into(), at.into(), order.into()));
            }
        }
    }

    /// Rows that were admitted one by one, each its own chunk. Rows of the same stream may have been
    /// admitted between them.
    pub(super) fn admitted(&mut self, stream: usize, rows: EventBatch) {
        self.waiting += rows.rows();
        self.chunked |= rows.chunks.is_some();
        let q = &mut self.queues[stream];
        q.seal();
        q.full.push(rows);
    }

    /// What waits, as one step; what was cut off goes first, by itself.
    pub(super) fn step(&mut self) -> Result<Ready> {
        if let Some((step, rows)) = self.ready.pop_front() {
            self.waiting -= rows;
            self.ready_rows -= rows;
            return Ok(step);
        }
        self.waiting = 0;
        self.take()
    }

    /// What waits now is a step by itself: rows that come later are not put behind it in one batch,
    /// which would copy them.
    pub(super) fn cut(&mut self) -> Result<()> {
        let rows = self.waiting - self.ready_rows;
        if rows > 0 {
            let step = self.take()?;
            self.ready.push_back((step, rows));
            self.ready_rows += rows;
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Ready> {
        let next = Timeline::new(2 * self.seq, self.clock);
        let timeline = std::mem::replace(&mut self.timeline, next);
        let chunked = std::mem::take(&mut self.chunked);
        let batches = self.queues.iter_mut().map(Queue::take).collect::<Result<_>>()?;
        Ok((timeline, batches, chunked))
    }
}

impl Queue {
    /// Turns single rows into a batch.
    fn seal(&mut self) {
        let rows = self.ts.len();
        if rows == 0 {
            return;
        }
        let columns: Vec<ArrayRef> = self
            .schema
            .fields()
            .iter()
            .zip(&mut self.rows)
            .map(|(f, values)| {
                let array = Value::to_array(f.data_type(), values.iter());
                values.clear();
                array
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .expect("values were coerced to the schema's types on entry");
        let mut batch = EventBatch::new(
            columns,
            std::mem::take(&mut self.ts).into(),
            std::mem::take(&mut self.at).into(),
            std::mem::take(&mut self.order).into(),
        );
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        batch.chunks = (offsets.len() != rows + 1).then(|| Chunks::new(offsets));
        self.full.push(batch);
    }

    fn take(&mut self) -> Result<Option<EventBatch>> {
        self.seal();
        merge(&self.schema, std::mem::take(&mut self.full))
    }
}

/// A value as the type of `field`: numbers widen (int to long, float and double; long and float to
/// double), nothing narrows.
pub(super) fn coerce(value: Value, ty: &DataType) -> Result<Value, Value> {
    Ok(match (value, ty) {
        (Value::Null, _) => Value::Null,
        (v @ Value::Int(_), DataType::Int32)
        | (v @ Value::Long(_), DataType::Int64)
        | (v @ Value::Float(_), DataType::Float32)
        | (v @ Value::Double(_), DataType::Float64)
        | (v @ Value::Bool(_), DataType::Boolean)
        | (v @ Value::String(_), DataType::Utf8View)
        | (v, DataType::BinaryView) => v,
        (Value::Int(v), DataType::Int64) => Value::Long(v.into()),
        (Value::Int(v), DataType::Float32) => Value::Float(v as f32),
        (Value::Int(v), DataType::Float64) => Value::Double(v.into()),
        (Value::Long(v), DataType::Float64) => Value::Double(v as f64),
        (Value::Float(v), DataType::Float64) => Value::Double(v.into()),
        (v, _) => return Err(v),
    })
}

/// Columns of `batch` by the names of `schema`, cast to its types where no value changes.
pub(super) fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = arrow::compute::CastOptions { safe: false, format_options: Default::default() };
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let Some(column) = batch.column_by_name(field.name()) else {
            let schema = batch.schema();
            let names = schema.fields().iter().map(|f| f.name().as_str());
            let near = crate::error::nearest(field.name(), names);
            let hint = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return Err(Error::Data(format!("the batch has no column `{}`{hint}", field.name())));
        };
        columns.push(if column.data_type() == field.data_type() {
            column.clone()
        } else {
            arrow::compute::cast_with_options(column, field.data_type(), &options)?
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}
