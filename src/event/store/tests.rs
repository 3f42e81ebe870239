//! The row store against plain vectors of rows.

use arrow::datatypes::{Field, Schema};
use proptest::prelude::*;

use super::*;

fn schema() -> SchemaRef {
    use DataType::*;
    let types = [Int32, Int64, Float32, Float64, Boolean, Utf8View, BinaryView];
    let fields = types.into_iter().enumerate().map(|(i, ty)| Field::new(format!("c{i}"), ty, true));
    Schema::new(fields.collect::<Vec<_>>()).into()
}

/// A row made of a number; every `hole`-th column is null.
fn row(n: i64, hole: usize) -> Vec<Value> {
    let values = [
        Value::Int(n as i32),
        Value::Long(n),
        Value::Float(n as f32),
        Value::Double(n as f64 / 2.0),
        Value::Bool(n % 2 == 0),
        Value::String(format!("a text longer than inline strings are, number {n}").into()),
        Value::List(vec![Value::Long(n)]),
    ];
    values.into_iter().enumerate().map(|(c, v)| if c == hole { Value::Null } else { v }).collect()
}

fn record_batch(rows: &[Vec<Value>]) -> RecordBatch {
    let column =
        |(c, f): (usize, &Arc<Field>)| Value::to_array(f.data_type(), rows.iter().map(|r| &r[c]));
    let columns = schema().fields().iter().enumerate().map(column).collect();
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn read(store: &RowStore, slot: Slot) -> Vec<Value> {
    (0..schema().fields().len()).map(|c| store.value(c, slot)).collect()
}

#[test]
fn slots_are_used_again_oldest_first() {
    let mut store = RowStore::new(schema()).unwrap();
    let slots: Vec<_> = (0..4).map(|n| store.insert_values(&row(n, 9), n)).collect();
    store.release(slots[2]);
    store.release(slots[0]);
    assert_eq!(read(&store, slots[2]), row(2, 9), "readable until reclaimed");
    store.reclaim();
    assert_eq!(store.len(), 2);
    let mut new = vec![];
    let rows: Vec<_> = (10..13).map(|n| row(n, 9)).collect();
    store.insert_range(&record_batch(&rows), 0..3, &[10, 11, 12], &mut new);
    assert_eq!(new, [2, 0, 4]);
    assert_eq!((store.len(), store.bound()), (5, 5));
    assert_eq!(store.ts(0), 11);
}

#[test]
fn an_empty_store_starts_from_slot_0() {
    let mut store = RowStore::new(schema()).unwrap();
    for n in 0..5000 {
        let slot = store.insert_values(&row(n, 3), n);
        store.release(slot);
    }
    assert_eq!((store.len(), store.bound()), (0, 5000));
    store.reclaim();
    assert_eq!(store.bound(), 0);
    let slot = store.insert_values(&row(7, 9), 7);
    assert_eq!((slot, read(&store, slot)), (0, row(7, 9)));
}

#[test]
fn no_slot_gathers_as_null_also_where_no_value_is() {
    let mut store = RowStore::new(schema()).unwrap();
    let slot = store.insert_values(&row(7, 9), 7);
    for column in store.gather_all(&[NO_SLOT, slot]) {
        assert!(column.is_null(0) && column.is_valid(1));
    }
    assert!(store.gather(1, &[slot, NO_SLOT]).is_null(1));
}

#[test]
fn duplicates_and_overwritten_values_stand_alone() {
    let mut store = RowStore::new(schema()).unwrap();
    let slot = store.insert_values(&row(7, 5), 70);
    let copy = store.duplicate(slot);
    assert_eq!((read(&store, copy), store.ts(copy)), (row(7, 5), 70));
    store.set_long(1, copy, 8);
    store.set_long(0, copy, 9);
    assert_eq!(store.value(1, copy), Value::Long(8));
    assert_eq!(read(&store, slot), row(7, 5));
    assert_eq!(store.value(0, copy), Value::Int(7), "not a long column");
    assert_eq!(store.longs(1).map(|(v, _)| v[copy as usize]), Some(8));
    assert!(store.longs(0).is_none());
}

proptest! {
    /// Rows put in by range, one by one and by value, released and reclaimed at random, saved and
    /// restored, always read back as they were.
    #[test]
    fn what_is_put_in_comes_out(
        ops in prop::collection::vec((0u8..5, 0usize..9, 0usize..5), 1..40),
    ) {
        let mut store = RowStore::new(schema()).unwrap();
        let mut live: Vec<(Slot, Vec<Value>, i64)> = vec![];
        let mut n = 0;
        for (op, hole, len) in ops {
            let rows: Vec<_> = (0..len as i64 + 2).map(|i| row(n + i, hole)).collect();
            let ts: Vec<i64> = (0..rows.len() as i64).map(|i| 100 + n + i).collect();
            n += rows.len() as i64;
            match op {
                0 => {
                    // All but the first row, behind slots that are there already.
                    let mut slots = vec![77];
                    let range = 1..rows.len();
                    store.insert_range(&record_batch(&rows), range, &ts[1..], &mut slots);
                    prop_assert_eq!(slots.len(), rows.len());
                    for (i, slot) in slots.into_iter().enumerate().skip(1) {
                        live.push((slot, rows[i].clone(), ts[i]));
                    }
                }
                1 => live.push((store.insert(&record_batch(&rows), 1, ts[1]), rows[1].clone(), ts[1])),
                2 => live.push((store.insert_values(&rows[0], ts[0]), rows[0].clone(), ts[0])),
                3 => live.drain(..len.min(live.len())).for_each(|(slot, ..)| store.release(slot)),
                _ => {
                    store.reclaim();
                    let bytes = postcard::to_allocvec(&store).unwrap();
                    let mut fresh = RowStore::new(schema()).unwrap();
                    fresh.load(&mut postcard::Deserializer::from_bytes(&bytes)).unwrap();
                    store = fresh;
                }
            }
            prop_assert_eq!(store.len(), live.len());
            let slots: Vec<Slot> = live.iter().map(|l| l.0).collect();
            let columns = store.gather_all(&slots);
            for (i, (slot, values, ts)) in live.iter().enumerate() {
                let gathered: Vec<_> = columns.iter().map(|c| Value::from_array(c, i)).collect();
                prop_assert_eq!(&gathered, values);
                prop_assert_eq!(store.ts(*slot), *ts);
            }
        }
    }
}
