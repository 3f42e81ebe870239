//! Expressions over several rows, and what columnar evaluation promises beside values.

use std::sync::Arc;

use super::*;
use crate::event::NO_SLOT;

#[test]
fn rows_of_batches_and_stores_mix() {
    let now = batch(&[row("i=1 s=x"), row("i=5 s=a-text-of-more-than-twelve-bytes")]);
    let then = stored(&batch(&[row("i=3 s=a-text-of-more-than-twelve-bytes"), row("")]));
    let test = |text: &str, at: usize, slot: u32| {
        let rows = [RowRef::Batch { batch: &now, row: at }, RowRef::Stored { store: &then, slot }];
        RowExpr::compile(&bound(text)).test(&RowContext { rows: &rows, clock: 0, order: 1 })
    };
    assert!(!test("i > e1.i", 0, 0));
    assert!(test("i > e1.i", 1, 0));
    assert!(!test("i > e1.i", 1, 1), "null");
    assert!(test("i != e1.i", 1, 1));
    assert!(test("s == e1.s", 1, 0));
    assert!(!test("s == e1.s", 0, 0));
    assert!(test("eventTimestamp(e1) < eventTimestamp()", 1, 0));
    assert!(!test("e1 is null", 0, 1), "the row is there, though all of it is null");
}

#[test]
fn a_missing_row_is_all_null() {
    let now = batch(&[row("i=1")]);
    let store = stored(&now);
    let missing = [
        vec![RowRef::Batch { batch: &now, row: 0 }, RowRef::Missing],
        vec![
            RowRef::Batch { batch: &now, row: 0 },
            RowRef::Stored { store: &store, slot: NO_SLOT },
        ],
        vec![RowRef::Batch { batch: &now, row: 0 }],
    ];
    for rows in missing {
        let context = RowContext { rows: &rows, clock: 0, order: 1 };
        let value = |text: &str| RowExpr::compile(&bound(text)).value(&context);
        assert_eq!(value("e1 is null"), Value::Bool(true));
        assert_eq!(value("e1.s is null and e1.o is null and e1.b is null"), Value::Bool(true));
        assert_eq!(value("e1.i"), Value::Null);
        assert_eq!(value("eventTimestamp(e1)"), Value::Null);
        assert_eq!(value("i == e1.i"), Value::Bool(false));
        assert_eq!(value("i != e1.i"), Value::Bool(true));
        assert_eq!(value("instanceOfInteger(e1.i)"), Value::Bool(false));
        assert_eq!(value("coalesce(e1.i, i)"), Value::Int(1));
    }
}

#[test]
fn a_plain_column_is_shared() {
    let rows = batch(&[row("s=x"), row("s=y")]);
    let e = ColumnarExpr::compile(&bound("s"), &schema()).unwrap();
    assert_eq!(e.as_column(), Some(8));
    assert!(Arc::ptr_eq(&e.evaluate(&rows).unwrap(), rows.columns.column(8)));
    let computed = ColumnarExpr::compile(&bound("i + 1"), &schema()).unwrap();
    assert_eq!(computed.as_column(), None);
}

#[test]
fn columnar_expressions_look_at_one_row_of_their_schema() {
    let other = ColumnarExpr::compile(&bound("i > e1.i"), &schema());
    assert!(matches!(other, Err(crate::error::Error::Query(d)) if d[0].span.range() == (4..8)));
    assert!(ColumnarExpr::compile(&bound("eventTimestamp(e1)"), &schema()).is_err());
    let narrow = schema_of([("i", AttrType::Long)]);
    assert!(ColumnarExpr::compile(&bound("i"), &narrow).is_err(), "another type");
    assert!(ColumnarExpr::compile(&bound("l"), &narrow).is_err(), "no such column");
}

#[test]
fn constants_and_empty_batches_have_as_many_values_as_rows() {
    for rows in [vec![], vec![row("")], vec![row(""); 70]] {
        let batch = batch(&rows);
        for text in ["1 + 2", "'x'", "true", "1 / 0", "i + 1", "b", "UUID()", "i > 1 and true"] {
            let e = ColumnarExpr::compile(&bound(text), &schema()).unwrap();
            assert_eq!(e.evaluate(&batch).unwrap().len(), rows.len(), "{text}");
        }
        let mask = ColumnarExpr::compile(&bound("1 > 0"), &schema()).unwrap();
        assert_eq!(mask.mask(&batch).unwrap().true_count(), rows.len());
    }
    let not_a_condition = ColumnarExpr::compile(&bound("i"), &schema()).unwrap();
    assert!(not_a_condition.mask(&batch(&[row("")])).is_err());
}

#[test]
fn sliced_batches_are_read_where_they_begin() {
    let rows: Vec<_> = (0..200).map(|n| row(&format!("i={n} s=k{}", n % 3))).collect();
    let all = batch(&rows);
    for text in ["i > 100", "s == 'k1'", "i != 7 and s != 'k2'", "not (i < 50)", "100 / i"] {
        let e = ColumnarExpr::compile(&bound(text), &schema()).unwrap();
        let whole = e.evaluate(&all).unwrap();
        for (start, len) in [(1, 64), (63, 100), (130, 70), (5, 0)] {
            let part = e.evaluate(&all.slice(start, len)).unwrap();
            assert_eq!(&part, &whole.slice(start, len), "{text} {start}+{len}");
        }
    }
}
