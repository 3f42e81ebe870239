//! Against sorting everything again each time.

use super::*;
use arrow::array::{AsArray, Int64Array, StringViewArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use proptest::prelude::*;
use std::sync::Arc;

fn schema() -> SchemaRef {
    let fields = [("n", DataType::Int64), ("s", DataType::Utf8View)];
    Arc::new(Schema::new(fields.map(|(n, t)| Field::new(n, t, true)).to_vec()))
}

/// Rows whose attributes are the arrival number, as number and as text.
fn columns(from: u64, n: usize) -> RecordBatch {
    let numbers = from as i64..from as i64 + n as i64;
    let texts = numbers.clone().map(|n| format!("row number {n}"));
    let columns: [ArrayRef; 2] = [
        Arc::new(numbers.clone().collect::<Int64Array>()),
        Arc::new(texts.map(Some).collect::<StringViewArray>()),
    ];
    RecordBatch::try_new(schema(), columns.to_vec()).unwrap()
}

fn batch(from: u64, ts: &[i64]) -> Rows {
    Rows::new(columns(from, ts.len()), ts.to_vec().into(), Arrivals::From(from))
}

fn values(n: u64) -> Vec<Value> {
    vec![Value::Long(n as i64), Value::String(format!("row number {n}").into())]
}

/// What left as `(ts, attribute)`; texts agree with numbers.
fn shown(released: Option<Released>) -> Vec<(i64, i64)> {
    match released {
        None => vec![],
        Some(Released::Units(units)) => units
            .into_iter()
            .flat_map(|u| u.rows)
            .map(|(ts, values)| match values[0] {
                Value::Long(n) => (ts, n),
                _ => unreachable!("numbers only"),
            })
            .collect(),
        Some(Released::Runs(runs)) => {
            runs.into_iter().flat_map(|rows| shown(Some(Released::Rows(rows)))).collect()
        }
        Some(Released::Rows(rows)) => {
            let numbers = rows.columns.column(0).as_primitive::<Int64Type>();
            let texts = rows.columns.column(1).as_string_view();
            let row = |(i, ts): (usize, &i64)| {
                assert_eq!(texts.value(i), format!("row number {}", numbers.value(i)));
                (*ts, numbers.value(i))
            };
            rows.ts.iter().enumerate().map(row).collect()
        }
    }
}

#[test]
fn what_came_in_order_leaves_without_being_touched() {
    let mut r = Reorder::new(schema());
    let rows = batch(0, &[1, 2, 2, 5]);
    let memory = rows.ts.inner().as_ptr();
    r.push(rows);
    assert_eq!((r.rows(), r.least()), (4, 1));
    let Some(Released::Rows(out)) = r.release(2, false).unwrap() else { panic!("rows") };
    assert_eq!((out.ts.to_vec(), out.ts.inner().as_ptr()), (vec![1, 2, 2], memory));
    assert!(r.release(4, false).unwrap().is_none());
    assert_eq!(shown(r.release(5, false).unwrap()), [(5, 3)]);
    assert_eq!((r.rows(), r.least()), (0, i64::MAX));
}

#[test]
fn large_batches_in_order_leave_apart() {
    let mut r = Reorder::new(schema());
    let times: Vec<i64> = (0..6000).map(|i| i / 3).collect();
    (0..3).for_each(|i| r.push(batch(i * 2000, &times[i as usize * 2000..][..2000])));
    let Some(Released::Runs(runs)) = r.release(1332, false).unwrap() else { panic!("runs") };
    assert_eq!(runs.iter().map(|r| r.ts.len()).collect::<Vec<_>>(), [2000, 1999]);
    // Small parts are put together with what stands before them.
    let Some(Released::Rows(rest)) = r.release(i64::MAX, false).unwrap() else { panic!("rows") };
    assert_eq!((rest.ts.len(), r.rows()), (2001, 0));
}

#[test]
fn chunks_stay_together_at_their_latest_row() {
    let mut r = Reorder::new(schema());
    let unit = |arrival, rows: &[(i64, u64)]| Unit {
        key: rows.iter().map(|r| r.0).max().unwrap(),
        arrival,
        rows: rows.iter().map(|(ts, n)| (*ts, values(*n))).collect(),
    };
    r.push_unit(unit(0, &[(9, 0), (1, 1)]));
    r.push(batch(2, &[8, 9, 10]));
    r.push_unit(unit(5, &[(3, 5), (4, 6)]));
    assert_eq!(shown(r.release(4, true).unwrap()), [(3, 5), (4, 6)]);
    let rest = r.contents().unwrap().unwrap();
    assert!(rest.chunked());
    assert_eq!(rest.keys.to_vec(), [8, 9, 9, 9, 10]);
    let out = r.release(9, true).unwrap();
    assert_eq!(shown(out), [(8, 2), (9, 0), (1, 1), (9, 3)]);
}

#[test]
fn a_million_waiting_rows_take_little_more_than_themselves() {
    let mut r = Reorder::new(schema());
    let mut random = 1u64;
    let mut plain = 0;
    for i in 0..128 {
        let next = |_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 40) as i64
        };
        let ts: Vec<i64> = (0..8192).map(next).collect();
        let rows = batch(i * 8192, &ts);
        plain += rows.columns.get_array_memory_size() + ts.len() * 8;
        r.push(rows);
        // A few leave of every run, so that all are indexed.
        r.release(i as i64, false).unwrap();
    }
    assert!(r.rows() > 1_000_000);
    let share = r.bytes() as f64 / plain as f64;
    assert!(share < 1.5, "{share}");
}

/// What happens to it.
#[derive(Debug, Clone)]
enum Op {
    Batch(Vec<i64>),
    Unit(Vec<i64>),
    Release(i64),
    Restore,
}

fn ops(width: i64) -> impl Strategy<Value = Vec<Op>> {
    let times = move |n: std::ops::Range<usize>| prop::collection::vec(0..width, n);
    let op = prop_oneof![
        3 => times(1..40).prop_map(Op::Batch),
        1 => times(1..40).prop_map(|mut t| { t.sort_unstable(); Op::Batch(t) }),
        3 => times(1..3).prop_map(Op::Unit),
        3 => (0..width).prop_map(Op::Release),
        1 => Just(Op::Restore),
    ];
    prop::collection::vec(op, 0..60)
}

/// Time, arrival, and the times and numbers of the rows of what waits.
type Waits = (i64, u64, Vec<(i64, i64)>);

/// The model sorts everything again each time.
fn agrees(ops: Vec<Op>) {
    let mut r = Reorder::new(schema());
    let mut model: Vec<Waits> = vec![];
    let (mut arrival, mut row) = (0, 0u64);
    for op in ops.into_iter().chain([Op::Release(i64::MAX)]) {
        match op {
            Op::Batch(ts) => {
                let rows = Rows { arrivals: Arrivals::From(arrival), ..batch(row, &ts) };
                r.push(rows);
                for t in ts {
                    model.push((t, arrival, vec![(t, row as i64)]));
                    (arrival, row) = (arrival + 1, row + 1);
                }
            }
            Op::Unit(ts) => {
                let key = ts.iter().copied().max().unwrap();
                let own = |(i, t): (usize, &i64)| (*t, values(row + i as u64));
                r.push_unit(Unit { key, arrival, rows: ts.iter().enumerate().map(own).collect() });
                let own = |(i, t): (usize, &i64)| (*t, (row + i as u64) as i64);
                model.push((key, arrival, ts.iter().enumerate().map(own).collect()));
                (arrival, row) = (arrival + 1, row + ts.len() as u64);
            }
            Op::Release(key) => {
                model.sort();
                let n = model.partition_point(|m| m.0 <= key);
                let expected: Vec<_> = model.drain(..n).flat_map(|m| m.2).collect();
                assert_eq!(shown(r.release(key, true).unwrap()), expected);
            }
            Op::Restore => {
                let rows = r.contents().unwrap();
                r = Reorder::new(schema());
                r.extend_with(rows);
            }
        }
        assert_eq!(r.rows(), model.iter().map(|m| m.2.len()).sum::<usize>());
        assert_eq!(r.least(), model.iter().map(|m| m.0).min().unwrap_or(i64::MAX));
    }
}

impl Reorder {
    fn extend_with(&mut self, rows: Option<Rows>) {
        if let Some(rows) = rows {
            self.push(rows);
        }
    }
}

proptest! {
    #[test]
    fn same_as_sorting(ops in ops(60)) {
        agrees(ops);
    }

    #[test]
    fn same_as_sorting_far_apart(ops in ops(1 << 40)) {
        agrees(ops);
    }

    #[test]
    fn indexes_are_stable(keys in prop::collection::vec(-50i64..50, 1..300), far in any::<bool>()) {
        let scale = if far { 1 << 50 } else { 1 };
        let keys: Vec<i64> = keys.into_iter().map(|k| k * scale).collect();
        let mut model: Vec<u32> = (0..keys.len() as u32).collect();
        model.sort_by_key(|r| keys[*r as usize]);
        prop_assert_eq!(sorted_index(&keys), model);
    }
}

#[test]
fn many_small_runs_become_few() {
    let mut r = Reorder::new(schema());
    let mut expected = vec![];
    for i in 0..5000u64 {
        let ts = (i as i64 * 7919) % 5003;
        r.push(batch(i, &[ts]));
        expected.push((ts, i as i64));
    }
    assert!(r.runs.len() <= MANY_RUNS + 1, "{}", r.runs.len());
    expected.sort();
    assert_eq!(shown(r.release(i64::MAX, false).unwrap()), expected);
}
