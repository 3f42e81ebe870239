//! Interning against a map, and what ids promise.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::event::Value;

fn texts() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[ab]{0,2}", "[ab]{9,16}", "\0{0,3}"];
    proptest::option::weighted(0.9, text).prop_map(Value::from)
}

fn longs() -> impl Strategy<Value = Value> {
    proptest::option::weighted(0.9, -3..4i64).prop_map(Value::from)
}

/// A prefix and the values of the columns.
type Row = (u32, Vec<Value>);

/// Column types, whether the prefix counts, and rows.
fn keys() -> impl Strategy<Value = (Vec<DataType>, bool, Vec<Row>)> {
    let columns = prop_oneof![
        Just(vec![DataType::Utf8View]),
        Just(vec![DataType::Int64]),
        Just(vec![DataType::Utf8View, DataType::Utf8View]),
        Just(vec![DataType::Int64, DataType::Utf8View]),
        Just(vec![DataType::Utf8View, DataType::Int64]),
        Just(vec![]),
    ];
    (columns, any::<bool>()).prop_flat_map(|(types, prefixed)| {
        let values: Vec<_> = types
            .iter()
            .map(|t| if *t == DataType::Int64 { longs().boxed() } else { texts().boxed() })
            .collect();
        let rows = proptest::collection::vec((0..3u32, values), 0..40);
        (Just(types), Just(prefixed), rows)
    })
}

fn columns(types: &[DataType], rows: &[Row]) -> Vec<ArrayRef> {
    let column = |(c, t)| Value::to_array(t, rows.iter().map(|r: &Row| &r.1[c]));
    types.iter().enumerate().map(column).collect()
}

proptest! {
    #[test]
    fn equal_keys_and_only_they_have_equal_ids(
        (types, prefixed, rows) in keys(),
        cut in 0..40usize,
        release in proptest::collection::vec(0..20u32, 0..6),
    ) {
        let mut interner = KeyInterner::default();
        let mut model: BTreeMap<String, KeyId> = BTreeMap::new();
        let cut = cut.min(rows.len());
        for (i, part) in [&rows[..cut], &rows[cut..]].into_iter().enumerate() {
            let prefix: Vec<u32> = part.iter().map(|r| r.0).collect();
            let arrays = columns(&types, part);
            let ids = interner
                .intern(&arrays, prefixed.then_some(&prefix[..]), part.len())
                .unwrap();
            prop_assert_eq!(ids.len(), part.len());
            for (id, (prefix, values)) in ids.iter().zip(part) {
                let key = format!("{} {values:?}", if prefixed { *prefix } else { 0 });
                prop_assert_eq!(*model.entry(key).or_insert(*id), *id);
            }
            let different: BTreeSet<_> = model.values().collect();
            prop_assert_eq!(different.len(), model.len());
            prop_assert_eq!(interner.len(), model.len());
            let known = |i: &mut KeyInterner| {
                i.lookup(&arrays, prefixed.then_some(&prefix[..]), part.len()).unwrap()
            };
            let all: Vec<_> = ids.iter().copied().map(Some).collect();
            prop_assert_eq!(known(&mut interner), all);
            prop_assert!(known(&mut KeyInterner::default()).iter().all(Option::is_none));
            if i == 0 {
                release.iter().for_each(|id| interner.release(*id));
                model.retain(|_, id| !release.contains(id));
                let saved = postcard::to_allocvec(&interner).unwrap();
                interner = postcard::from_bytes(&saved).unwrap();
            }
        }
    }
}

#[test]
fn ids_are_dense_and_the_last_released_is_used_first() {
    let mut i = KeyInterner::default();
    let long = [7u8; 40];
    assert_eq!([i.intern_bytes(b"a"), i.intern_bytes(&long), i.intern_bytes(b"c")], [0, 1, 2]);
    i.release(0);
    i.release(1);
    i.release(1);
    i.release(99);
    assert_eq!((i.len(), i.bound()), (1, 3));
    assert_eq!([i.intern_bytes(b"d"), i.intern_bytes(&long), i.intern_bytes(b"f")], [1, 0, 3]);
    assert_eq!(i.intern_bytes(&long), 0);
}

#[test]
fn zeros_are_one_key_and_so_are_nans() {
    let values = [0.0, -0.0, f64::NAN, -f64::NAN, 1.0].map(Value::Double);
    let array = Value::to_array(&DataType::Float64, values.iter());
    let ids = KeyInterner::default().intern(&[array], None, 5).unwrap();
    assert_eq!(ids, [0, 0, 1, 1, 2]);
}

#[test]
fn ints_keep_their_sign_and_slices_their_rows() {
    let values = [9, -1, i32::MAX, -1, i32::MIN].map(Value::Int);
    let array = Value::to_array(&DataType::Int32, values.iter()).slice(1, 4);
    let prefix = [5, 5, 5, 6];
    let mut i = KeyInterner::default();
    assert_eq!(i.intern(std::slice::from_ref(&array), Some(&prefix), 4).unwrap(), [0, 1, 0, 2]);
    assert_eq!(i.intern(&[array], Some(&[5; 4]), 4).unwrap(), [0, 1, 0, 3]);
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let key = || Some(Box::from(*b"a"));
    for (keys, free) in [(vec![key(), None], vec![0]), (vec![key(), key()], vec![])] {
        let bytes = postcard::to_allocvec(&Saved { keys, free }).unwrap();
        assert!(postcard::from_bytes::<KeyInterner>(&bytes).is_err());
    }
}

#[test]
fn compacting_keeps_some_keys_and_their_order() {
    let mut i = KeyInterner::default();
    let keys: Vec<String> = (0..100).map(|k| format!("{k} {}", "x".repeat(k % 30))).collect();
    for key in &keys {
        i.intern_bytes(key.as_bytes());
    }
    i.release(10);
    let kept = i.compact(|id| id % 5 == 0);
    let expected: Vec<KeyId> = (0..100).step_by(5).filter(|id| *id != 10).collect();
    assert_eq!(kept, expected);
    assert_eq!((i.len(), i.bound()), (kept.len(), kept.len()));
    for (new, old) in kept.iter().enumerate() {
        assert_eq!(i.intern_bytes(keys[*old as usize].as_bytes()), new as KeyId);
    }
    assert_eq!(i.intern_bytes(b"another"), kept.len() as KeyId);
}
