//! Rows of several sources in one sequence.
//!
//! In event time the row whose time is smallest among the heads of all sources goes next; ties go to
//! the source that stands first. A row that could not be read goes right behind the rows before it in
//! its source. So the sequence depends on the contents of the sources alone: before a row is chosen,
//! every source that hasn't ended shows its head.
//!
//! Rows are not touched: what is cut off is a slice per source and the order in which to take them.

use std::collections::VecDeque;

use arrow::array::RecordBatch;
use arrow::buffer::ScalarBuffer;

use crate::io::{RejectedRow, SourceBatch};

/// What has been read of one source and not yet taken.
#[derive(Debug, Default)]
pub(super) struct Lane {
    batches: VecDeque<Waiting>,
    pub(super) ended: bool,
}

#[derive(Debug)]
struct Waiting {
    batch: SourceBatch,
    /// The next good row, and the next bad one.
    row: usize,
    rejected: usize,
}

impl Waiting {
    fn exhausted(&self) -> bool {
        self.row == self.batch.rows.num_rows() && self.rejected == self.batch.rejected.len()
    }

    /// The bad row that comes before the next good one.
    fn due_rejected(&mut self) -> Option<RejectedRow> {
        let row = self.batch.rejected.get(self.rejected).filter(|r| r.before <= self.row)?;
        self.rejected += 1;
        Some(row.clone())
    }

    /// One past the last good row before the next bad one.
    fn run_end(&self) -> usize {
        let end = self.batch.rows.num_rows();
        self.batch.rejected.get(self.rejected).map_or(end, |r| r.before.min(end))
    }

    /// Time of a row; without times (then there is but one lane) all are alike.
    fn time(&self, row: usize) -> i64 {
        self.batch.time.as_ref().map_or(i64::MIN, |t| t[row])
    }
}

impl Lane {
    pub(super) fn push(&mut self, batch: SourceBatch) {
        let waiting = Waiting { batch, row: 0, rejected: 0 };
        if !waiting.exhausted() {
            self.batches.push_back(waiting);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Whether nothing can be said about its next row yet.
    pub(super) fn wants_more(&self) -> bool {
        self.batches.is_empty() && !self.ended
    }
}

/// A piece of the sequence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The next rows of a lane's slice.
    Rows {
        /// Whose.
        lane: usize,
        /// How many.
        count: usize,
    },
    /// A row that could not be read.
    Rejected {
        /// Whose.
        lane: usize,
        /// Which.
        row: RejectedRow,
    },
}

/// The rows of one lane in a cut.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) lane: usize,
    pub(super) rows: RecordBatch,
    pub(super) time: Option<ScalarBuffer<i64>>,
}

/// A piece of the sequence that is known for certain.
#[derive(Debug, Default)]
pub(super) struct Cut {
    pub(super) slices: Vec<Slice>,
    pub(super) items: Vec<Item>,
    /// Rows in it, bad ones included.
    pub(super) rows: usize,
    /// Lanes of which a batch was used up.
    pub(super) used_up: Vec<usize>,
}

/// Cuts off what comes next of the lanes `among` (all of which show their heads or have ended): at
/// most `limit` rows, or more if bad ones stand behind the last, and no more than one batch of each.
pub(super) fn cut(lanes: &mut [Lane], among: &[usize], limit: usize) -> Cut {
    let mut cut = Cut::default();
    let among: Vec<usize> = among.iter().copied().filter(|l| !lanes[*l].is_empty()).collect();
    let starts: Vec<usize> = among.iter().map(|l| lanes[*l].batches[0].row).collect();
    loop {
        for l in &among {
            while let Some(row) = lanes[*l].batches[0].due_rejected() {
                cut.items.push(Item::Rejected { lane: *l, row });
                cut.rows += 1;
            }
        }
        let exhausted = |l: &usize| lanes[*l].batches[0].exhausted();
        if cut.rows >= limit || among.is_empty() || among.iter().any(exhausted) {
            break;
        }
        let (lane, count) = next_run(lanes, &among, limit - cut.rows);
        lanes[lane].batches[0].row += count;
        cut.rows += count;
        match cut.items.last_mut() {
            Some(Item::Rows { lane: last, count: n }) if *last == lane => *n += count,
            _ => cut.items.push(Item::Rows { lane, count }),
        }
    }
    for (l, start) in among.into_iter().zip(starts) {
        let front = &lanes[l].batches[0];
        let (count, batch) = (front.row - start, &front.batch);
        if count > 0 {
            let time = batch.time.as_ref().map(|t| t.slice(start, count));
            cut.slices.push(Slice { lane: l, rows: batch.rows.slice(start, count), time });
        }
        if front.exhausted() {
            lanes[l].batches.pop_front();
            cut.used_up.push(l);
        }
    }
    cut
}

/// The lane whose head comes next, and how many of its rows come before the head of any other.
fn next_run(lanes: &[Lane], among: &[usize], limit: usize) -> (usize, usize) {
    let head = |l: usize| {
        let front = &lanes[l].batches[0];
        (front.time(front.row), l)
    };
    let first = among.iter().copied().min_by_key(|l| head(*l)).expect("the caller saw a lane");
    let front = &lanes[first].batches[0];
    let end = front.run_end().min(front.row + limit);
    let bound = among.iter().copied().filter(|l| *l != first).map(head).min();
    let end = match bound {
        None => end,
        Some(bound) => {
            let before = |row: &usize| (front.time(*row), first) < bound;
            front.row + (front.row..end).take_while(before).count()
        }
    };
    (first, end - front.row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int32Array;
    use arrow::datatypes::{DataType, Field, Schema};
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Rows numbered from `first`, with bad rows standing behind so many good ones.
    fn batch(first: usize, times: &[i64], rejected: &[usize]) -> SourceBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
        let numbers: Int32Array = (first..first + times.len()).map(|n| n as i32).collect();
        let bad = |before: &usize| RejectedRow {
            line: (first + before) as u64,
            text: String::new(),
            reason: String::new(),
            before: *before,
        };
        SourceBatch {
            rows: RecordBatch::try_new(schema, vec![Arc::new(numbers)]).unwrap(),
            time: Some(times.to_vec().into()),
            rejected: rejected.iter().map(bad).collect(),
        }
    }

    /// The sequence as `(lane, number)`, bad rows as `(lane, -number - 1)`, when each lane's rows
    /// come in batches of `size` and cuts are of `limit` rows.
    fn sequence(
        sources: &[(Vec<i64>, Vec<usize>)],
        size: usize,
        limit: usize,
    ) -> Vec<(usize, i64)> {
        let mut lanes: Vec<Lane> = sources.iter().map(|_| Lane::default()).collect();
        let mut at = vec![0; sources.len()];
        let mut out = vec![];
        let all: Vec<usize> = (0..sources.len()).collect();
        loop {
            for (l, (times, bad)) in sources.iter().enumerate() {
                while lanes[l].wants_more() {
                    let (from, to) = (at[l], (at[l] + size).min(times.len()));
                    // A bad row at the seam may belong to either batch.
                    let last = to == times.len();
                    let mine = |b: &usize| *b >= from && (*b < to || (last && *b == to));
                    let bad: Vec<usize> =
                        bad.iter().filter(|b| mine(b)).map(|b| b - from).collect();
                    lanes[l].push(batch(from, &times[from..to], &bad));
                    at[l] = to;
                    lanes[l].ended = last;
                }
            }
            if lanes.iter().all(Lane::is_empty) {
                return out;
            }
            let cut = cut(&mut lanes, &all, limit);
            assert!(cut.rows > 0 || !cut.used_up.is_empty());
            let mut next = vec![0; sources.len()];
            for item in cut.items {
                match item {
                    Item::Rejected { lane, row } => out.push((lane, -(row.line as i64) - 1)),
                    Item::Rows { lane, count } => {
                        let slice = cut.slices.iter().find(|s| s.lane == lane).unwrap();
                        let numbers = slice.rows.column(0).as_any().downcast_ref::<Int32Array>();
                        for _ in 0..count {
                            out.push((lane, numbers.unwrap().value(next[lane]).into()));
                            next[lane] += 1;
                        }
                    }
                }
            }
            for slice in &cut.slices {
                assert_eq!(slice.rows.num_rows(), next[slice.lane]);
            }
        }
    }

    #[test]
    fn the_smallest_head_goes_first_and_ties_to_the_first_source() {
        let sources = [(vec![1, 5, 5, 2, 9], vec![]), (vec![1, 3, 5], vec![])];
        let expected = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 2), (0, 3), (1, 2), (0, 4)];
        for (size, limit) in [(1, 1), (2, 3), (10, 10)] {
            assert_eq!(sequence(&sources, size, limit), expected);
        }
    }

    #[test]
    fn bad_rows_stay_behind_the_rows_before_them() {
        let sources = [(vec![1, 4], vec![0, 1, 1, 2]), (vec![2], vec![1])];
        let expected = [(0, -1), (0, 0), (0, -2), (0, -2), (1, 0), (1, -2), (0, 1), (0, -3)];
        for (size, limit) in [(1, 1), (2, 2), (10, 10)] {
            assert_eq!(sequence(&sources, size, limit), expected, "{size} {limit}");
        }
    }

    proptest! {
        #[test]
        fn the_sequence_is_the_same_in_any_batches(
            sources in prop::collection::vec(
                (prop::collection::vec(0i64..6, 0..8), prop::collection::vec(0usize..8, 0..4)), 1..4),
            size in 1usize..5,
            limit in 1usize..6,
        ) {
            let sources: Vec<(Vec<i64>, Vec<usize>)> = sources
                .into_iter()
                .map(|(times, mut bad)| {
                    bad.retain(|b| *b <= times.len());
                    bad.sort_unstable();
                    (times, bad)
                })
                .collect();
            // The model: heads are compared one row at a time; bad rows are due when they are reached.
            let mut next = vec![(0usize, 0usize); sources.len()];
            let mut model = vec![];
            loop {
                for (l, (_, bad)) in sources.iter().enumerate() {
                    while bad.get(next[l].1).is_some_and(|b| *b <= next[l].0) {
                        model.push((l, -(bad[next[l].1] as i64) - 1));
                        next[l].1 += 1;
                    }
                }
                let heads = sources.iter().enumerate();
                let heads = heads.filter_map(|(l, (t, _))| t.get(next[l].0).map(|t| (*t, l)));
                let Some((_, l)) = heads.min() else { break };
                model.push((l, next[l].0 as i64));
                next[l].0 += 1;
            }
            prop_assert_eq!(sequence(&sources, size, limit), model);
        }
    }
}
