//! Ordered fan-in: several batches of the same stream into one, by `(order, at)`; ties go to the
//! batch that stands first in the list (the caller ranks writers as Siddhi would call them). Rows of
//! one chunk stay together: a chunk is placed by its first row.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;

use super::{Chunks, EventBatch, Reset};
use crate::error::Result;

/// Merges batches of one schema in order; `None` when there is nothing.
pub fn merge(schema: &SchemaRef, mut batches: Vec<EventBatch>) -> Result<Option<EventBatch>> {
    batches.retain(|b| !b.is_empty());
    match batches.len() {
        0 => return Ok(None),
        1 => return Ok(batches.pop()),
        _ => {}
    }
    let in_sequence = batches.windows(2).all(|w| last_key(&w[0]) <= first_key(&w[1]));
    let runs = if in_sequence {
        batches.iter().enumerate().map(|(b, x)| (b, 0, x.rows())).collect()
    } else {
        merged_runs(&batches)
    };
    assemble(schema, &batches, &runs).map(Some)
}

/// Concatenates batches that already stand in order.
pub fn concat(schema: &SchemaRef, mut batches: Vec<EventBatch>) -> Result<Option<EventBatch>> {
    batches.retain(|b| !b.is_empty());
    if batches.len() < 2 {
        return Ok(batches.pop());
    }
    let runs: Vec<_> = batches.iter().enumerate().map(|(b, x)| (b, 0, x.rows())).collect();
    assemble(schema, &batches, &runs).map(Some)
}

fn first_key(b: &EventBatch) -> (u64, i64) {
    if b.rows() == 0 { (u64::MAX, i64::MAX) } else { (b.order[0], b.at[0]) }
}

fn last_key(b: &EventBatch) -> (u64, i64) {
    match b.rows() {
        0 => (0, i64::MIN),
        n => (b.order[n - 1], b.at[n - 1]),
    }
}

/// Chunk-wise k-way merge as `(batch, first row, one past the last row)`.
fn merged_runs(batches: &[EventBatch]) -> Vec<(usize, usize, usize)> {
    let mut next = vec![0usize; batches.len()];
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    loop {
        let mut best: Option<(u64, i64, usize)> = None;
        for (i, b) in batches.iter().enumerate() {
            if next[i] < b.chunk_count() {
                let row = b.chunk(next[i]).start;
                let key = (b.order[row], b.at[row], i);
                if best.is_none_or(|k| key < k) {
                    best = Some(key);
                }
            }
        }
        let Some((_, _, i)) = best else { return runs };
        let chunk = batches[i].chunk(next[i]);
        next[i] += 1;
        match runs.last_mut() {
            Some(r) if r.0 == i => r.2 = chunk.end,
            _ => runs.push((i, chunk.start, chunk.end)),
        }
    }
}

fn assemble(
    schema: &SchemaRef,
    batches: &[EventBatch],
    runs: &[(usize, usize, usize)],
) -> Result<EventBatch> {
    let rows: usize = runs.iter().map(|(_, a, b)| b - a).sum();
    if batches.iter().any(EventBatch::is_coded) {
        let plain = batches.iter().map(|b| b.clone().plain()).collect::<Result<Vec<_>>>()?;
        return assemble(&plain[0].columns.schema(), &plain, runs);
    }
    let indices: Vec<(usize, usize)> =
        runs.iter().flat_map(|(b, from, to)| (*from..*to).map(move |r| (*b, r))).collect();
    let columns: Vec<ArrayRef> = (0..schema.fields().len())
        .map(|c| {
            let arrays: Vec<_> = batches.iter().map(|b| b.columns.column(c).as_ref()).collect();
            interleave(&arrays, &indices)
        })
        .collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let columns = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?;
    let mut resets: Vec<Reset> = Vec::new();
    let mut offsets = vec![0u32];
    let mut deliveries = vec![0u32];
    let mut base = 0usize;
    for (b, from, to) in runs {
        let batch = &batches[*b];
        let whole_tail = *to == batch.rows();
        for r in &batch.resets {
            let p = r.before as usize;
            if p >= *from && (p < *to || (whole_tail && p == *to)) {
                resets.push(Reset { before: (base + p - from) as u32, key: r.key });
            }
        }
        let moved = |ends: &[u32], out: &mut Vec<u32>| {
            let ends = ends.iter().map(|o| *o as usize).filter(|o| o > from && o < to);
            out.extend(ends.map(|o| (base + o - from) as u32));
            out.extend((to > from).then_some((base + to - from) as u32));
        };
        match &batch.chunks {
            None => {
                offsets.extend((0..to - from).map(|i| (base + i + 1) as u32));
                deliveries.extend((0..to - from).map(|i| (base + i + 1) as u32));
            }
            Some(c) => {
                moved(c.offsets(), &mut offsets);
                moved(c.deliveries(), &mut deliveries);
            }
        }
        base += to - from;
    }
    let joined = deliveries.len() != offsets.len();
    let chunks = (joined || offsets.len() != rows + 1).then(|| match Chunks::new(offsets) {
        chunks if joined => chunks.with_deliveries(deliveries),
        chunks => chunks,
    });
    let pick = |i: &(usize, usize)| (&batches[i.0], i.1);
    Ok(EventBatch {
        columns,
        ts: indices.iter().map(|i| pick(i).0.ts[i.1]).collect(),
        at: indices.iter().map(|i| pick(i).0.at[i.1]).collect(),
        order: indices.iter().map(|i| pick(i).0.order[i.1]).collect(),
        kinds: batches
            .iter()
            .any(|b| b.kinds.is_some())
            .then(|| indices.iter().map(|i| pick(i).0.kind(i.1)).collect()),
        chunks,
        resets,
        keys: batches
            .iter()
            .any(|b| b.keys.is_some())
            .then(|| indices.iter().map(|i| pick(i).0.key(i.1)).collect()),
    })
}
