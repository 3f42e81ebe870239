//! The chunk rule: which of the kept rows leave.

use arrow::buffer::BooleanBuffer;

use crate::event::EventBatch;

/// What leaves of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Every kept row.
    Every,
    /// The last kept row.
    Last,
    /// The last kept row of each group, in order of the first kept row of the group.
    LastPerGroup,
}

/// Picked rows.
#[derive(Debug)]
pub(super) struct Picked {
    /// The rows; none = all, in order.
    pub(super) rows: Option<Vec<u32>>,
    /// Where the chunks of the picked rows begin, with the number of rows at the end; none = every
    /// row is its own chunk.
    pub(super) offsets: Option<Vec<u32>>,
}

/// Picks rows by one shape.
pub(super) struct Picker {
    shape: Shape,
    /// By group: the chunk it was last seen in, and where it stands among the picked rows.
    seen: Vec<(u64, u32)>,
    /// Chunks so far, so that `seen` need not be cleared.
    chunk: u64,
}

impl Picker {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, seen: Vec::new(), chunk: 0 }
    }

    /// Whether [`Picker::pick`] looks at groups of batches with chunks.
    pub(super) fn needs_groups(&self) -> bool {
        self.shape == Shape::LastPerGroup
    }

    /// Picks rows of `kept` (none = all); `groups` is the group of each row.
    pub(super) fn pick(
        &mut self,
        batch: &EventBatch,
        kept: Option<&BooleanBuffer>,
        groups: &[u32],
    ) -> Picked {
        let Some(chunks) = &batch.chunks else {
            return Picked { rows: kept.map(indices), offsets: None };
        };
        match (self.shape, kept) {
            (Shape::Every, None) => Picked { rows: None, offsets: Some(chunks.offsets().to_vec()) },
            (Shape::Every, Some(kept)) => {
                let rows = indices(kept);
                let offsets = offsets_among(chunks.offsets(), &rows);
                Picked { rows: Some(rows), offsets: Some(offsets) }
            }
            (Shape::Last, None) => {
                let rows = chunks.offsets()[1..].iter().map(|end| end - 1).collect();
                Picked { rows: Some(rows), offsets: None }
            }
            (Shape::Last, Some(kept)) => {
                let last = |mut rows: std::ops::Range<usize>| rows.rfind(|r| kept.value(*r));
                let rows = batch.chunk_ranges().filter_map(last).map(|r| r as u32).collect();
                Picked { rows: Some(rows), offsets: None }
            }
            (Shape::LastPerGroup, kept) => self.last_per_group(batch, kept, groups),
        }
    }

    fn last_per_group(
        &mut self,
        batch: &EventBatch,
        kept: Option<&BooleanBuffer>,
        groups: &[u32],
    ) -> Picked {
        let bound = groups.iter().max().map_or(0, |g| *g as usize + 1);
        self.seen.resize(bound.max(self.seen.len()), (0, 0));
        let mut rows: Vec<u32> = Vec::new();
        let mut offsets = vec![0];
        for chunk in batch.chunk_ranges() {
            self.chunk += 1;
            for row in chunk.filter(|r| kept.is_none_or(|k| k.value(*r))) {
                let seen = &mut self.seen[groups[row] as usize];
                if seen.0 == self.chunk {
                    rows[seen.1 as usize] = row as u32;
                } else {
                    *seen = (self.chunk, rows.len() as u32);
                    rows.push(row as u32);
                }
            }
            if offsets.last() != Some(&(rows.len() as u32)) {
                offsets.push(rows.len() as u32);
            }
        }
        Picked { rows: Some(rows), offsets: Some(offsets) }
    }
}

fn indices(bits: &BooleanBuffer) -> Vec<u32> {
    bits.set_indices().map(|i| i as u32).collect()
}

/// Where chunks that began at `offsets` begin among `rows` (increasing); those without a row vanish.
fn offsets_among(offsets: &[u32], rows: &[u32]) -> Vec<u32> {
    let mut out = vec![0];
    let mut taken = 0;
    for end in &offsets[1..] {
        let from = taken;
        while taken < rows.len() && rows[taken] < *end {
            taken += 1;
        }
        if taken > from {
            out.push(taken as u32);
        }
    }
    out
}
