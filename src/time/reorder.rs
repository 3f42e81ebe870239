//! The rows of one stream that wait until the watermark passes them.
//!
//! Rows come in *units* (single rows, or chunks that stay together) with a key (the event time, of a
//! chunk the latest of its rows) and an arrival number, which rises. They leave sorted by `(key, arrival)`.
//!
//! Batches are kept as they came, as *runs*: a row is copied once, when it leaves, and not even then
//! if it came in order. A run of which only a part can leave gets an index of four bytes a row. Single
//! units wait in a heap of bounded size and become a run when there are too many.
//!
//! Invariants: all arrivals of a run are below those of later runs, and those of the heap above all
//! of them, so that stability is order of arrival. `least` is the least key that waits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::buffer::ScalarBuffer;
use arrow::compute::concat;
use arrow::datatypes::SchemaRef;

use crate::error::Result;
use crate::event::Value;

mod gather;

use gather::{gather, merged, sorted_index};

/// Rows of single units after which they become a run.
const HEAP_ROWS: usize = 32_768;
/// Rows from which on a part of what leaves in order is left as it is, not copied behind another.
const LARGE_PART: usize = 1024;
/// Runs after which small ones are put together.
const MANY_RUNS: usize = 256;
/// Rows below which a run is small.
const SMALL_RUN: usize = 4096;

/// Rows that belong together.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its place in event time.
    pub key: i64,
    /// Its number among all arrivals of the application.
    pub arrival: u64,
    /// Event times and values (of the stream's types).
    pub rows: Vec<(i64, Vec<Value>)>,
}

impl PartialEq for Unit {
    fn eq(&self, other: &Self) -> bool {
        self.arrival == other.arrival
    }
}
impl Eq for Unit {}
impl PartialOrd for Unit {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Unit {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.key, self.arrival).cmp(&(other.key, other.arrival))
    }
}

/// The arrival numbers of rows; rows of one chunk share theirs.
#[derive(Debug, Clone)]
pub enum Arrivals {
    /// One after the other from here.
    From(u64),
    /// Row by row.
    Each(ScalarBuffer<u64>),
}

impl Arrivals {
    /// That of a row.
    #[inline]
    pub fn of(&self, row: usize) -> u64 {
        match self {
            Arrivals::From(first) => first + row as u64,
            Arrivals::Each(each) => each[row],
        }
    }
}

/// Rows in columns.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Their attributes.
    pub columns: RecordBatch,
    /// Their event times.
    pub ts: ScalarBuffer<i64>,
    /// Their keys: the event times, in the same memory, unless there are chunks.
    pub keys: ScalarBuffer<i64>,
    /// Their arrival numbers.
    pub arrivals: Arrivals,
}

impl Rows {
    /// Rows that are each a unit.
    pub fn new(columns: RecordBatch, ts: ScalarBuffer<i64>, arrivals: Arrivals) -> Self {
        Self { columns, keys: ts.clone(), ts, arrivals }
    }

    /// Whether there are chunks.
    pub fn chunked(&self) -> bool {
        !self.keys.ptr_eq(&self.ts)
    }

    fn slice(&self, start: usize, len: usize) -> Rows {
        let ts = self.ts.slice(start, len);
        Rows {
            columns: self.columns.slice(start, len),
            keys: if self.chunked() { self.keys.slice(start, len) } else { ts.clone() },
            ts,
            arrivals: match &self.arrivals {
                Arrivals::From(first) => Arrivals::From(first + start as u64),
                Arrivals::Each(each) => Arrivals::Each(each.slice(start, len)),
            },
        }
    }
}

/// What has left, in order.
#[derive(Debug)]
pub enum Released {
    /// Single units.
    Units(Vec<Unit>),
    /// Rows in columns.
    Rows(Rows),
    /// Rows in columns as they came, one batch behind the other; only where arrival numbers weren't
    /// asked for.
    Runs(Vec<Rows>),
}

/// Rows that came together.
#[derive(Debug, Clone)]
struct Run {
    rows: Rows,
    /// Least and greatest key of those that wait.
    least: i64,
    greatest: i64,
    /// Whether the rows themselves are in order.
    sorted: bool,
    /// The rows in order, once that had to be known.
    index: Option<Vec<u32>>,
    /// How many have left (from the front of the order; if there is none, none have).
    next: usize,
}

/// Rows of a run that leave.
struct Piece<'a> {
    rows: &'a Rows,
    /// Which, as places in `index`, or as rows where there is none.
    places: std::ops::Range<usize>,
    index: Option<&'a [u32]>,
    sorted: bool,
}

impl Run {
    fn new(rows: Rows) -> Self {
        let keys: &[i64] = &rows.keys;
        let sorted = keys.is_sorted();
        let (least, greatest) = if sorted {
            (keys[0], keys[keys.len() - 1])
        } else {
            keys.iter().fold((i64::MAX, i64::MIN), |(a, b), k| (a.min(*k), b.max(*k)))
        };
        Self { rows, least, greatest, sorted, index: None, next: 0 }
    }

    fn len(&self) -> usize {
        self.rows.ts.len() - self.next
    }

    /// The rows up to `key`.
    fn cut(&mut self, key: i64) -> Piece<'_> {
        let n = self.rows.ts.len();
        let keys: &[i64] = &self.rows.keys;
        let from = self.next;
        let end = if self.greatest <= key {
            n
        } else if self.sorted {
            from + keys[from..].partition_point(|k| *k <= key)
        } else {
            let index = self.index.get_or_insert_with(|| sorted_index(keys));
            from + index[from..].partition_point(|r| keys[*r as usize] <= key)
        };
        self.next = end;
        if end < n {
            let row = self.index.as_ref().map_or(end, |index| index[end] as usize);
            self.least = keys[row];
        }
        let index = self.index.as_deref();
        Piece { rows: &self.rows, places: from..end, index, sorted: self.sorted }
    }

    /// What still waits of it, in order if that is known.
    fn rest(&self) -> Piece<'_> {
        let places = self.next..self.rows.ts.len();
        Piece { rows: &self.rows, places, index: self.index.as_deref(), sorted: self.sorted }
    }
}

impl Piece<'_> {
    fn in_order(&self) -> bool {
        self.sorted || self.index.is_some()
    }

    /// The rows as they stand.
    fn slice(&self) -> Rows {
        self.rows.slice(self.places.start, self.places.len())
    }

    fn row(&self, place: usize) -> usize {
        self.index.map_or(place, |index| index[place] as usize)
    }

    fn key(&self, place: usize) -> i64 {
        self.rows.keys[self.row(place)]
    }
}

/// Rows of one stream that wait.
#[derive(Debug, Clone)]
pub struct Reorder {
    schema: SchemaRef,
    runs: VecDeque<Run>,
    heap: BinaryHeap<Reverse<Unit>>,
    heap_rows: usize,
    rows: usize,
    least: i64,
}

impl Reorder {
    /// Nothing waits.
    pub fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            runs: VecDeque::new(),
            heap: BinaryHeap::new(),
            heap_rows: 0,
            rows: 0,
            least: i64::MAX,
        }
    }

    /// The attributes of its rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows that wait.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that waiting rows take, as far as Arrow knows; what they share with others is counted.
    pub fn bytes(&self) -> usize {
        let run = |r: &Run| {
            let hidden = if r.rows.chunked() { 16 } else { 8 };
            let each = matches!(r.rows.arrivals, Arrivals::Each(_)) as usize * 8;
            r.rows.columns.get_array_memory_size()
                + r.rows.ts.len() * (hidden + each)
                + r.index.as_ref().map_or(0, |i| i.capacity() * size_of::<u32>())
        };
        let row = self.schema.fields().len() * size_of::<Value>() + size_of::<Unit>() + 32;
        self.runs.iter().map(run).sum::<usize>() + self.heap_rows * row
    }

    /// The least key that waits; the greatest there is, if none does.
    #[inline]
    pub fn least(&self) -> i64 {
        self.least
    }

    /// A unit comes.
    pub fn push_unit(&mut self, unit: Unit) {
        self.rows += unit.rows.len();
        self.heap_rows += unit.rows.len();
        self.least = self.least.min(unit.key);
        self.heap.push(Reverse(unit));
        if self.heap_rows >= HEAP_ROWS {
            self.seal();
        }
    }

    /// Rows come.
    pub fn push(&mut self, rows: Rows) {
        if rows.ts.is_empty() {
            return;
        }
        self.seal();
        self.rows += rows.ts.len();
        let run = Run::new(rows);
        self.least = self.least.min(run.least);
        self.runs.push_back(run);
        if self.runs.len() > MANY_RUNS {
            self.put_small_runs_together();
        }
    }

    /// Units become a run.
    fn seal(&mut self) {
        if !self.heap.is_empty() {
            let units = std::mem::take(&mut self.heap).into_sorted_vec();
            // A heap of reversed units sorts from the last to the first.
            let units = units.into_iter().rev().map(|u| u.0).collect();
            self.runs.push_back(Run::new(columns_of(&self.schema, units)));
            self.heap_rows = 0;
        }
    }

    fn put_small_runs_together(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        let mut group: Vec<Run> = vec![];
        let mut rows = 0;
        for run in runs {
            if rows + run.len() > SMALL_RUN {
                self.runs.extend(self.together(std::mem::take(&mut group)));
                rows = 0;
            }
            rows += run.len();
            group.push(run);
        }
        self.runs.extend(self.together(group));
    }

    fn together(&self, mut group: Vec<Run>) -> Option<Run> {
        if group.len() < 2 {
            return group.pop();
        }
        let pieces: Vec<Piece<'_>> = group.iter().map(Run::rest).collect();
        // The types are those of the schema, so arrow has nothing to refuse; if it did, nothing is lost
        // by keeping the rows where they are, but there is no way to keep many runs as one.
        let rows =
            gather(&self.schema, &pieces, None, true).expect("rows of one schema fit together");
        Some(Run::new(rows))
    }

    /// Takes out everything up to `key`, in order. Arrival numbers of rows that are not in chunks mean
    /// nothing unless they are asked for.
    ///
    /// # Errors
    /// What Arrow fails with (strings of more than 4 GiB in one batch).
    pub fn release(&mut self, key: i64, arrivals: bool) -> Result<Option<Released>> {
        if self.least > key {
            return Ok(None);
        }
        let units = self.due_units(key);
        let mut extra = None;
        let any = self.runs.iter().any(|r| r.least <= key);
        if !any {
            self.settle();
            return Ok(Some(Released::Units(units)));
        }
        if !units.is_empty() {
            extra = Some(Run::new(columns_of(&self.schema, units)));
        }
        let runs = self.runs.iter_mut().chain(&mut extra).filter(|r| r.least <= key);
        let pieces: Vec<Piece<'_>> = runs.map(|r| r.cut(key)).collect();
        let in_sequence = pieces.iter().all(Piece::in_order)
            && pieces
                .windows(2)
                .all(|w| w[0].key(w[0].places.end - 1) <= w[1].key(w[1].places.start));
        let large = |p: &Piece<'_>| p.sorted && p.places.len() >= LARGE_PART;
        let apart = in_sequence && !arrivals && pieces.len() > 1 && pieces.iter().all(large);
        let order = if in_sequence { None } else { Some(merged(&pieces)) };
        let (released, taken) = if apart && !pieces.iter().any(|p| p.rows.chunked()) {
            let runs: Vec<Rows> = pieces.iter().map(Piece::slice).collect();
            let taken = runs.iter().map(|r| r.ts.len()).sum::<usize>();
            (Released::Runs(runs), taken)
        } else {
            let rows = gather(&self.schema, &pieces, order, arrivals)?;
            let taken = rows.ts.len();
            (Released::Rows(rows), taken)
        };
        self.rows -= taken - extra.as_ref().map_or(0, |r| r.rows.ts.len());
        self.settle();
        Ok(Some(released))
    }

    fn due_units(&mut self, key: i64) -> Vec<Unit> {
        let mut units = vec![];
        while self.heap.peek().is_some_and(|u| u.0.key <= key) {
            let Some(Reverse(unit)) = self.heap.pop() else { break };
            self.rows -= unit.rows.len();
            self.heap_rows -= unit.rows.len();
            units.push(unit);
        }
        units
    }

    /// Lets go of runs that have left, and of the memory of those that nearly have.
    fn settle(&mut self) {
        self.runs.retain(|r| r.len() > 0);
        for i in 0..self.runs.len() {
            let run = &self.runs[i];
            let (left, all) = (run.len(), run.rows.ts.len());
            if !run.sorted && all >= 1024 && left * 4 < all {
                let rest = gather(&self.schema, &[run.rest()], None, true);
                // Memory is all that is lost if it fails.
                if let Ok(rows) = rest {
                    self.runs[i] = Run::new(rows);
                }
            }
        }
        let runs = self.runs.iter().map(|r| r.least);
        let heap = self.heap.peek().map(|u| u.0.key);
        self.least = runs.chain(heap).min().unwrap_or(i64::MAX);
    }

    /// All that waits, in order, for a snapshot.
    ///
    /// # Errors
    /// As [`Reorder::release`].
    pub fn contents(&self) -> Result<Option<Rows>> {
        let mut copy = self.clone();
        copy.seal();
        match copy.release(i64::MAX, true)? {
            Some(Released::Rows(rows)) => Ok(Some(rows)),
            Some(Released::Units(_) | Released::Runs(_)) | None => Ok(None),
        }
    }
}

/// [`gather`] where all rows of all pieces stand as they should.
fn in_sequence(schema: &SchemaRef, pieces: &[Piece<'_>], arrivals: bool) -> Result<Rows> {
    let slices: Vec<Rows> = pieces.iter().map(Piece::slice).collect();
    let slices = match <[Rows; 1]>::try_from(slices) {
        Ok([one]) => return Ok(one),
        Err(slices) => slices,
    };
    let columns = (0..schema.fields().len())
        .map(|c| concat(&slices.iter().map(|s| s.columns.column(c).as_ref()).collect::<Vec<_>>()))
        .collect::<Result<Vec<_>, _>>()?;
    let joined = |of: fn(&Rows) -> &ScalarBuffer<i64>| -> ScalarBuffer<i64> {
        slices.iter().map(|s| -> &[i64] { of(s) }).collect::<Vec<_>>().concat().into()
    };
    let ts = joined(|s| &s.ts);
    let chunked = slices.iter().any(Rows::chunked);
    let keys = if chunked { joined(|s| &s.keys) } else { ts.clone() };
    let each = || slices.iter().flat_map(|s| (0..s.ts.len()).map(|r| s.arrivals.of(r))).collect();
    let arrivals = if arrivals || chunked { Arrivals::Each(each()) } else { Arrivals::From(0) };
    rows(schema, columns, ts.len(), ts, keys, arrivals)
}

fn rows(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    n: usize,
    ts: ScalarBuffer<i64>,
    keys: ScalarBuffer<i64>,
    arrivals: Arrivals,
) -> Result<Rows> {
    let options = RecordBatchOptions::new().with_row_count(Some(n));
    let columns = RecordBatch::try_new_with_options(schema.clone(), columns, &options)?;
    Ok(Rows { columns, ts, keys, arrivals })
}

/// Units, in order, as columns.
fn columns_of(schema: &SchemaRef, units: Vec<Unit>) -> Rows {
    let all = || units.iter().flat_map(|u| &u.rows);
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(c, f)| Value::to_array(f.data_type(), all().map(|(_, values)| &values[c])))
        .collect();
    let ts: ScalarBuffer<i64> = all().map(|(ts, _)| *ts).collect();
    let per_row = |u: &Unit| std::iter::repeat_n((u.key, u.arrival), u.rows.len());
    let (keys, arrivals): (Vec<i64>, Vec<u64>) = units.iter().flat_map(per_row).unzip();
    let chunked = units.iter().any(|u| u.rows.len() > 1);
    let keys = if chunked { keys.into() } else { ts.clone() };
    rows(schema, columns, ts.len(), ts, keys, Arrivals::Each(arrivals.into()))
        .expect("values were coerced to the schema's types on entry")
}

#[cfg(test)]
mod tests;
