//! Whatever is written in a format is read back as it was, for every type, however it is cut.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;

use super::format::{Format, Input, ReadOptions, Target, WriteOptions, create, open};
use super::testing::{Everything, batch, read_all, values};
use crate::event::Value;

fn schema() -> SchemaRef {
    let types = [
        ("i", DataType::Int32),
        ("l", DataType::Int64),
        ("f", DataType::Float32),
        ("d", DataType::Float64),
        ("b", DataType::Boolean),
        ("s", DataType::Utf8View),
        ("o", DataType::BinaryView),
    ];
    let fields = types.into_iter().map(|(name, ty)| Field::new(name, ty, true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

const FILES: &[&str] =
    &["a.csv", "a.tsv", "a.jsonl", "a.arrow", "a.feather", "a.arrows", "a.parquet"];

fn write(path: &Path, rows: &[Vec<Value>], cut: usize) {
    let format = Format::from_path(path).unwrap();
    let delimiter = super::format::default_delimiter(path);
    let options = WriteOptions { delimiter, ..WriteOptions::new(format) };
    let target = Target::Path { path: path.into(), append: false };
    let mut writer = create(target, schema(), &options).unwrap();
    for part in rows.chunks(cut.max(1)) {
        writer.write(&batch(&schema(), part)).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
}

fn read(path: &Path, schema: SchemaRef, time: Option<&str>, max_rows: usize) -> Everything {
    let delimiter = super::format::default_delimiter(path);
    let format = Format::from_path(path).unwrap();
    let time = time.map(str::to_string);
    let options = ReadOptions { delimiter, time, ..ReadOptions::new(format) };
    let mut source = open(Input::Path(path.into()), schema, &options).unwrap();
    let all = read_all(source.as_mut(), max_rows);
    let progress = source.progress();
    assert!(progress.total.is_some_and(|total| progress.bytes_read <= total || total == 0));
    all
}

/// NaN compares unequal to itself, so rows are compared as text.
fn shown(rows: &[Vec<Value>]) -> Vec<String> {
    rows.iter().map(|r| format!("{r:?}")).collect()
}

fn object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        "[a\"\\\\,\n]{0,3}".prop_map(Value::from),
        Just(Value::Null),
    ];
    let list = prop::collection::vec(leaf, 0..3).prop_map(Value::List);
    prop_oneof![list, any::<i32>().prop_map(Value::Int), any::<bool>().prop_map(Value::Bool)]
}

fn maybe(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 4 => value].boxed()
}

fn row() -> impl Strategy<Value = Vec<Value>> {
    (
        maybe(any::<i32>().prop_map(Value::Int)),
        maybe(any::<i64>().prop_map(Value::Long)),
        maybe(any::<f32>().prop_map(Value::Float)),
        maybe(any::<f64>().prop_map(Value::Double)),
        maybe(any::<bool>().prop_map(Value::Bool)),
        maybe(prop_oneof![".{0,4}", "[a,\t\"\r\n ]{0,4}", ".{13,20}"].prop_map(Value::from)),
        maybe(object()),
    )
        .prop_map(|(i, l, f, d, b, s, o)| vec![i, l, f, d, b, s, o])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_format_keeps_every_value(
        rows in prop::collection::vec(row(), 0..12), cut in 1usize..5, size in 1usize..6,
    ) {
        let directory = tempfile::tempdir().unwrap();
        for file in FILES {
            let path = directory.path().join(file);
            write(&path, &rows, cut);
            let all = read(&path, schema(), None, size);
            prop_assert!(all.rejected.is_empty(), "{}: {:?}", file, all.rejected);
            prop_assert_eq!(shown(&values(&all.rows)), shown(&rows), "{}", file);
        }
    }
}

fn some_rows(n: i32) -> Vec<Vec<Value>> {
    (0..n)
        .map(|i| {
            vec![
                i.into(),
                i64::from(i * 1000).into(),
                Value::Null,
                f64::from(i).into(),
                (i % 2 == 0).into(),
                format!("text number {i}").into(),
                Value::Null,
            ]
        })
        .collect()
}

#[test]
fn columns_are_found_by_name_and_others_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let fields = vec![Field::new("s", DataType::Utf8View, true), schema().field(3).clone()];
    let wanted: SchemaRef = Arc::new(Schema::new(fields));
    for file in FILES {
        let path = directory.path().join(file);
        write(&path, &some_rows(3), 2);
        // The event time is no attribute of the stream, or is one.
        let all = read(&path, wanted.clone(), Some("l"), 2);
        let expected: Vec<Vec<Value>> =
            some_rows(3).into_iter().map(|r| vec![r[5].clone(), r[3].clone()]).collect();
        assert_eq!(values(&all.rows), expected, "{file}");
        assert_eq!(all.time, [0, 1000, 2000], "{file}");
        assert_eq!(read(&path, schema(), Some("l"), 2).time, [0, 1000, 2000], "{file}");
    }
}

#[test]
fn unfit_columns_are_refused_when_the_file_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let missing: SchemaRef = Arc::new(Schema::new(vec![Field::new("dd", DataType::Float64, true)]));
    for file in ["a.csv", "a.arrow", "a.arrows", "a.parquet"] {
        let path = directory.path().join(file);
        write(&path, &some_rows(1), 1);
        let options = ReadOptions::new(Format::from_path(&path).unwrap());
        let fault = open(Input::Path(path), missing.clone(), &options).err().unwrap().to_string();
        assert!(
            fault.contains("no column `dd` (did you mean `d`?); its columns are i, l, f, d, b"),
            "{fault}"
        );
    }
    let path = directory.path().join("a.parquet");
    let unfit: SchemaRef = Arc::new(Schema::new(vec![Field::new("b", DataType::Int32, true)]));
    let options = ReadOptions::new(Format::Parquet);
    let fault = open(Input::Path(path), unfit, &options).err().unwrap().to_string();
    assert!(fault.ends_with("column `b` is Boolean, which doesn't become an int"), "{fault}");
}

#[test]
fn values_that_do_not_fit_are_rejected_with_row_and_text() {
    let directory = tempfile::tempdir().unwrap();
    // `d` is read as an int: 0, 1, 2.5, 3, null.
    let mut rows = some_rows(5);
    rows[2][3] = 2.5.into();
    rows[4][3] = Value::Null;
    let fields = vec![Field::new("d", DataType::Int32, true)];
    let ints: SchemaRef = Arc::new(Schema::new(fields));
    for file in FILES {
        let path = directory.path().join(file);
        write(&path, &rows, 3);
        for size in [1, 2, 100] {
            let all = read(&path, ints.clone(), None, size);
            let expected = [0.into(), 1.into(), 3.into(), Value::Null].map(|v| vec![v]);
            assert_eq!(values(&all.rows), expected, "{file}");
            let [rejected] = all.rejected.as_slice() else { panic!("{:?}", all.rejected) };
            assert_eq!(rejected.reason, "`d`: `2.5` is not an int", "{file}");
            assert_eq!(rejected.before, 2);
            let csv = file.ends_with("csv") || file.ends_with("tsv");
            assert_eq!(rejected.line, if csv { 4 } else { 3 }, "{file}");
            assert!(rejected.text.contains("2.5"), "{}", rejected.text);
        }
        // As the event time, the null is rejected, too.
        let all = read(&path, ints.clone(), Some("d"), 2);
        assert_eq!(all.time, [0, 1, 3], "{file}");
        assert_eq!(all.rejected.len(), 2, "{file}");
    }
}

#[test]
fn a_large_file_comes_in_batches() {
    let directory = tempfile::tempdir().unwrap();
    let rows = some_rows(20_000);
    for file in FILES {
        let path = directory.path().join(file);
        write(&path, &rows, 1000);
        let all = read(&path, schema(), None, 777);
        assert_eq!(all.rows.num_rows(), rows.len(), "{file}");
        assert!(all.largest_batch <= 777);
    }
}

#[test]
fn appending_keeps_what_is_there_and_writes_one_header() {
    let directory = tempfile::tempdir().unwrap();
    for (file, lines) in [("a.csv", 3), ("a.jsonl", 2)] {
        let path = directory.path().join(file);
        for i in 0..2 {
            let options = WriteOptions::new(Format::from_path(&path).unwrap());
            let target = Target::Path { path: path.clone(), append: true };
            let mut writer = create(target, schema(), &options).unwrap();
            writer.write(&batch(&schema(), &some_rows(i + 1)[i as usize..])).unwrap();
            writer.close().unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), lines);
        assert_eq!(values(&read(&path, schema(), None, 10).rows), some_rows(2), "{file}");
    }
}

#[test]
fn an_output_without_rows_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    for file in FILES {
        let path = directory.path().join(file);
        write(&path, &[], 1);
        assert_eq!(read(&path, schema(), None, 10).rows.num_rows(), 0, "{file}");
    }
}

#[test]
fn broken_columnar_files_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    for file in ["a.arrow", "a.arrows", "a.parquet"] {
        let path = directory.path().join(file);
        write(&path, &some_rows(100), 10);
        let whole = std::fs::read(&path).unwrap();
        for cut in [0, 3, 7, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let options = ReadOptions::new(Format::from_path(&path).unwrap());
            let outcome = open(Input::Path(path.clone()), schema(), &options).and_then(|mut s| {
                while s.next(10)?.is_some() {}
                Ok(())
            });
            // A stream may end anywhere between messages, its end marker is optional.
            if file != "a.arrows" || cut < whole.len() - 1 {
                let fault = outcome.expect_err(&format!("{file} cut at {cut}")).to_string();
                assert!(fault.contains(file), "{fault}");
            }
        }
    }
}

/// Reads what is in `path` to the end; none if that is an error.
fn survives(path: &Path) -> Option<usize> {
    let options = ReadOptions::new(Format::from_path(path).unwrap());
    let mut source = open(Input::Path(path.into()), schema(), &options).ok()?;
    let mut rows = 0;
    while let Some(batch) = source.next(50).ok()? {
        rows += batch.rows.num_rows();
    }
    Some(rows)
}

#[test]
fn damaged_columnar_files_neither_panic_nor_exhaust_memory() {
    let directory = tempfile::tempdir().unwrap();
    for file in ["a.arrow", "a.arrows", "a.parquet"] {
        let path = directory.path().join(file);
        write(&path, &some_rows(50), 50);
        let whole = std::fs::read(&path).unwrap();
        let (mut seed, mut errors) = (1u64, 0);
        for _ in 0..300 {
            let mut damaged = whole.clone();
            for _ in 0..2 {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                damaged[(seed >> 33) as usize % whole.len()] = (seed >> 20) as u8;
            }
            std::fs::write(&path, &damaged).unwrap();
            errors += usize::from(survives(&path).is_none());
        }
        assert!(errors > 50, "{file}: only {errors} of 300 were noticed");
    }
}

fn shared(file: &str) -> Option<PathBuf> {
    let path = PathBuf::from("/work/shared/data").join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not here", path.display());
    None
}

fn stream(attributes: &[(&str, DataType)]) -> SchemaRef {
    let fields = attributes.iter().map(|(name, ty)| Field::new(*name, ty.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[test]
fn real_flights() {
    let Some(path) = shared("flights.parquet") else { return };
    let schema = stream(&[
        ("date", DataType::Int64),
        ("delay", DataType::Int32),
        ("origin", DataType::Utf8View),
    ]);
    let options = ReadOptions { time: Some("date".into()), ..ReadOptions::new(Format::Parquet) };
    let mut source = open(Input::Path(path), schema, &options).unwrap();
    let mut last = 0;
    for _ in 0..3 {
        let batch = source.next(5000).unwrap().unwrap();
        assert!(batch.rejected.is_empty() && batch.rows.num_rows() <= 5000);
        // 2001, in ms.
        assert!(
            batch.time.unwrap().iter().all(|t| (978_000_000_000..1_010_000_000_000).contains(t))
        );
        let read = source.progress().bytes_read;
        assert!(read > last && read < source.progress().total.unwrap());
        last = read;
    }
}

#[test]
fn real_earthquakes() {
    let Some(path) = shared("earthquakes.csv") else { return };
    let lines = std::fs::read_to_string(&path).unwrap().lines().count();
    let schema = stream(&[
        ("id", DataType::Utf8View),
        ("mag", DataType::Float64),
        ("place", DataType::Utf8View),
        ("nst", DataType::Int32),
    ]);
    let options = ReadOptions { time: Some("time".into()), ..ReadOptions::new(Format::Csv) };
    let mut source = open(Input::Path(path), schema, &options).unwrap();
    let all = read_all(source.as_mut(), 100);
    assert_eq!(all.rows.num_rows(), lines - 1);
    assert_eq!(all.rejected, []);
    assert_eq!(all.time[0], 1_517_365_101_235);
    let place = "81km WNW of Skagway, Alaska";
    assert_eq!(values(&all.rows)[0], ["ak18247005".into(), 2.3.into(), place.into(), Value::Null]);
}
