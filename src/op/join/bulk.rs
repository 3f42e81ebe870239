//! Steps that bring many rows to a join of `length` windows: more than they hold.
//!
//! Then most rows come and go within the step, and are not worth storing. Rows are numbered as they
//! stand, those held before first; a row's partners are found along a chain of the rows of its key,
//! back to where the other window begins; what leaves is gathered from the batches themselves.
//! Of each batch its last rows are kept as they are ([`Tail`]), until a small step needs them stored.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;

use super::index::NO_KEY;
use super::length::{Coming, Side};
use crate::error::Result;
use crate::event::{Chunks, EventBatch, KeyId, concat_columns, record_batch};
use crate::op::Output;

/// Results held before they are built, so that a step with many needs bounded memory.
const FULL: usize = 1 << 16;

/// The rows of a window as they came.
pub(super) struct Tail {
    pub columns: RecordBatch,
    pub ts: Vec<i64>,
    /// Join key of each.
    pub ids: Vec<KeyId>,
}

impl Tail {
    /// The last `most` rows of a batch, which has as many.
    pub fn of(coming: &Coming, most: usize) -> Result<Self> {
        let n = coming.batch.rows();
        let rows = UInt32Array::from_iter_values((n - most) as u32..n as u32);
        // A copy: a slice would keep the whole batch.
        let columns = coming.batch.columns.columns().iter().map(|c| take(c, &rows, None));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let columns = record_batch(&coming.batch.columns.schema(), columns, most)?;
        let (ts, ids) = (coming.batch.ts[n - most..].to_vec(), coming.ids[n - most..].to_vec());
        Ok(Self { columns, ts, ids })
    }
}

/// One side in a step, its rows numbered from those held before.
struct Local<'a> {
    side: &'a Side,
    coming: Option<&'a Coming>,
    most: u32,
    /// Number of rows held before.
    held: u32,
    /// Rows that have entered.
    entered: u32,
    /// By row, the one of its key before it, from 1; 0 = none.
    before: Vec<u32>,
    /// By key, its last row, from 1; 0 = none.
    last: Vec<u32>,
    /// Columns of all rows, as somebody asked for them.
    columns: Vec<Option<ArrayRef>>,
}

impl<'a> Local<'a> {
    fn new(side: &'a Side, coming: Option<&'a Coming>, keys: usize) -> Self {
        let held = side.held_ids();
        let rows = held.len() + coming.map_or(0, |c| c.ids.len());
        let mut local = Self {
            side,
            coming,
            most: side.most as u32,
            held: held.len() as u32,
            entered: 0,
            before: vec![0; rows],
            last: vec![0; keys],
            columns: vec![None; side.schema().fields().len()],
        };
        held.into_iter().for_each(|key| local.enter(key));
        local
    }

    #[inline(always)]
    fn enter(&mut self, key: KeyId) {
        let row = self.entered as usize;
        self.entered += 1;
        if key != NO_KEY {
            let last = std::mem::replace(&mut self.last[key as usize], self.entered);
            self.before[row] = last;
        }
    }

    /// Appends the rows in the window that have this key, oldest first.
    #[inline(always)]
    fn find(&self, key: KeyId, found: &mut Vec<u32>) {
        if key == NO_KEY {
            return;
        }
        let gone = self.entered.saturating_sub(self.most);
        let from = found.len();
        let mut row = self.last[key as usize];
        while row > gone {
            found.push(row - 1);
            row = self.before[row as usize - 1];
        }
        if found.len() - from > 1 {
            found[from..].reverse();
        }
    }

    /// A column of all rows.
    fn column(&mut self, c: usize) -> Result<ArrayRef> {
        if let Some(column) = &self.columns[c] {
            return Ok(Arc::clone(column));
        }
        let come = self.coming.map(|coming| coming.batch.columns.column(c));
        let column = match (self.held, come) {
            (0, Some(come)) => Arc::clone(come),
            (_, None) => self.side.held_column(c),
            (_, Some(come)) => concat_columns(&self.side.held_column(c), come)?,
        };
        self.columns[c] = Some(Arc::clone(&column));
        Ok(column)
    }
}

/// Matches so far.
#[derive(Default)]
struct Found {
    /// Rows of the two sides.
    rows: [Vec<u32>; 2],
    ts: Vec<i64>,
    /// Nothing where the clock is the time of the rows.
    at: Vec<i64>,
    order: Vec<u64>,
    /// Where the matches of one row end.
    ends: Vec<u32>,
}

/// What leaves a join.
pub(super) struct Leaving<'a> {
    pub schema: &'a SchemaRef,
    /// Number of left columns.
    pub left: usize,
    /// Columns that somebody reads.
    pub used: &'a [bool],
    /// Of two rows of one cause the right one comes first.
    pub right_first: bool,
}

/// One row after the other enters its window and looks for partners in the other; `keys` is one past
/// the largest join key. No batch may have chunks.
pub(super) fn meet(
    sides: &[Side; 2],
    coming: &[Option<Coming>; 2],
    keys: usize,
    leaving: &Leaving<'_>,
    out: &mut Output,
) -> Result<()> {
    let [l, r] = coming;
    let mut left = Local::new(&sides[0], l.as_ref(), keys);
    let mut right = Local::new(&sides[1], r.as_ref(), keys);
    let none = EventBatch::empty(Arc::clone(sides[0].schema()));
    let batch = |c: &Option<Coming>| c.as_ref().map_or_else(|| none.clone(), |c| c.batch.clone());
    let (a, b) = (batch(l), batch(r));
    let ids = |c: &'_ Option<Coming>| c.as_ref().map_or_else(Vec::new, |c| c.ids.clone());
    let (a_ids, b_ids) = (ids(l), ids(r));
    let (a_order, a_at, b_order, b_at) = (&a.order[..], &a.at[..], &b.order[..], &b.at[..]);
    let own_time = (a.rows() == 0 || a.at.ptr_eq(&a.ts)) && (b.rows() == 0 || b.at.ptr_eq(&b.ts));
    let (mut i, mut j) = (0, 0);
    let mut found = Found::default();
    while i < a_order.len() || j < b_order.len() {
        let is_right = if i == a_order.len() || j == b_order.len() {
            i == a_order.len()
        } else {
            let (l, r) = ((a_order[i], a_at[i]), (b_order[j], b_at[j]));
            r < l || (r == l && leaving.right_first)
        };
        let [lefts, rights] = &mut found.rows;
        let (row, ts, at, order) = if is_right {
            right.enter(b_ids[j]);
            left.find(b_ids[j], lefts);
            j += 1;
            rights.resize(lefts.len(), right.entered - 1);
            (lefts.len(), b.ts[j - 1], b_at[j - 1], b_order[j - 1])
        } else {
            left.enter(a_ids[i]);
            right.find(a_ids[i], rights);
            i += 1;
            lefts.resize(rights.len(), left.entered - 1);
            (rights.len(), a.ts[i - 1], a_at[i - 1], a_order[i - 1])
        };
        if row > found.ts.len() {
            found.ts.resize(row, ts);
            found.order.resize(row, order);
            if !own_time {
                found.at.resize(row, at);
            }
            found.ends.push(row as u32);
            if row >= FULL {
                emit(std::mem::take(&mut found), [&mut left, &mut right], leaving, out)?;
            }
        }
    }
    emit(found, [&mut left, &mut right], leaving, out)
}

fn emit(
    found: Found,
    [left, right]: [&mut Local<'_>; 2],
    leaving: &Leaving<'_>,
    out: &mut Output,
) -> Result<()> {
    let n = found.ts.len();
    if n == 0 {
        return Ok(());
    }
    let [l, r] = found.rows.map(|rows| UInt32Array::new(rows.into(), None));
    let mut columns = Vec::with_capacity(leaving.used.len());
    for (c, field) in leaving.schema.fields().iter().enumerate() {
        columns.push(match c.checked_sub(leaving.left) {
            _ if !leaving.used[c] => new_null_array(field.data_type(), n),
            None => take(&left.column(c)?, &l, None)?,
            Some(c) => take(&right.column(c)?, &r, None)?,
        });
    }
    let columns = record_batch(leaving.schema, columns, n)?;
    let ts = crate::event::Stamps::from(found.ts);
    let at = if found.at.is_empty() { ts.clone() } else { found.at.into() };
    let mut batch = EventBatch::new(columns, ts, at, found.order.into());
    if found.ends.len() != n {
        batch.chunks = Some(Chunks::new([&[0], &found.ends[..]].concat()));
    }
    out.push(batch);
    Ok(())
}
