//! Extreme numbers: times, parameters, values; and batches that don't fit.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema};
use foreshock::{App, AppOptions, ClockMode, Error, Times, Value};

use super::support::ways::{Act, Way, disagreement, run};

const STREAM: &str = "define stream S (k string, a int, b double, t long, f float, l long);";

/// Queries with a place for a duration or count.
const QUERIES: &[&str] = &[
    "from S#window.time($) select sum(a) as s insert all events into O;",
    "from S#window.timeBatch($) select sum(a) as s insert all events into O;",
    "from S#window.timeBatch($, 5) select k, sum(a) as s group by k insert all events into O;",
    "from S#window.timeLength($, 3) select sum(a) as s insert all events into O;",
    "from S#window.externalTime(t, $) select count() as s insert all events into O;",
    "from S#window.externalTimeBatch(t, $) select count() as s insert all events into O;",
    "from S#window.externalTimeBatch(t, $, 0, $) select count() as s insert all events into O;",
    "from S#window.externalTimeBatch(t, 10, 0, $) select count() as s insert all events into O;",
    "from S#window.time($) as x full outer join S#window.time($) as y on x.a == y.a
     select x.a as p, y.a as q insert all events into O;",
    "from every e1=S -> e2=S[a == e1.a] within $ select e1.a as p insert into O;",
    "from every e1=S, e2=S+ within $ select e1.a as p insert into O;",
    "partition with (k of S) begin from S#window.time($) select sum(a) as s insert into O; end;",
    "partition with (k of S) begin from S#window.timeBatch($) select sum(a) as s insert into O; end;",
    "from S#window.length($) select sum(a) as s insert all events into O;",
    "from S#window.lengthBatch($) select sum(a) as s insert all events into O;",
    "from S#window.batch($) select sum(a) as s insert all events into O;",
    "from S#window.timeLength(1 sec, $) select sum(a) as s insert all events into O;",
    "from S select a limit $ offset $ insert into O;",
    "from e1=S<1:$> -> e2=S select e2.a as p insert into O;",
    "from e1=S<$:> -> e2=S select e1[last].a as p, e1[$].a as q insert into O;",
];

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2147483647",
    "2147483648",
    "-2147483648",
    "4294967295L",
    "9223372036854775807L",
    "-9223372036854775807L",
    "9223372036854775807",
    "0 sec",
    "292471208 year",
    "1.5",
    "'x'",
    "a",
    "t",
];

fn event(ts: i64, i: i64) -> Act {
    let pick = |of: [i64; 6]| of[(i as usize) % 6];
    let row = vec![
        Value::String(["a", "b", ""][(i as usize) % 3].into()),
        Value::Int(pick([0, 1, -1, i32::MAX.into(), i32::MIN.into(), 7]) as i32),
        Value::Double([0.0, -0.0, f64::NAN, f64::INFINITY, f64::MIN, 1e-310][(i as usize) % 6]),
        Value::Long(pick([ts, i64::MAX, i64::MIN, 0, -1, ts])),
        Value::Float([f32::NAN, f32::MAX, 0.0, -0.0, f32::NEG_INFINITY, 1.0][(i as usize) % 6]),
        Value::Long(pick([i64::MIN, i64::MAX, 0, -1, 1, i64::MIN])),
    ];
    Act::Send("S".into(), ts, row)
}

#[test]
fn extreme_times_and_parameters_neither_panic_nor_depend_on_batches() {
    let times = [0, 5, 1_000, i64::MAX / 2, i64::MAX - 1, i64::MAX, i64::MAX, i64::MIN, -5];
    let falling = [i64::MIN, i64::MIN + 1, -1, 0, 1, 1_000, i64::MAX];
    for query in QUERIES {
        for number in NUMBERS {
            let text = format!("{STREAM}\n{}", query.replace('$', number));
            if foreshock::compile(&text).is_err() {
                continue;
            }
            for (i, times) in [&times[..], &falling[..]].into_iter().enumerate() {
                let acts: Vec<Act> =
                    times.iter().enumerate().map(|(i, ts)| event(*ts, i as i64)).collect();
                let found = disagreement(&text, Some(ClockMode::Playback), &acts, i as u64);
                assert_eq!(found, None, "{text}\n{times:?}");
                let live = times.iter().enumerate();
                let live = live.flat_map(|(i, ts)| [Act::Advance(*ts), event(*ts, i as i64)]);
                let live: Vec<Act> = live.chain([Act::Advance(i64::MAX)]).collect();
                let found = disagreement(&text, Some(ClockMode::Live), &live, i as u64);
                assert_eq!(found, None, "{text}\n{times:?}");
            }
        }
    }
}

#[test]
fn arithmetic_never_fails() {
    let mut items = Vec::new();
    for (x, y) in
        [("a", "a"), ("l", "l"), ("b", "b"), ("f", "f"), ("a", "l"), ("l", "f"), ("a", "b")]
    {
        for op in ["+", "-", "*", "/", "%"] {
            let n = items.len();
            items.push(format!("{x} {op} {y} as x{n}"));
            items.push(format!("{x} {op} (0 - {y}) as y{n}"));
            items.push(format!("{y} {op} (0 * {x} - 1) as z{n}"));
        }
    }
    for (i, call) in [
        "sum(a)",
        "sum(l)",
        "sum(b)",
        "avg(l)",
        "avg(b)",
        "stdDev(b)",
        "stdDev(l)",
        "max(f)",
        "min(b)",
        "maxForever(b)",
        "minForever(f)",
        "distinctCount(b)",
        "distinctCount(f)",
        "count(b)",
        "maximum(a, l)",
        "minimum(f, f)",
        "convert(b, 'int')",
        "convert(b, 'long')",
        "convert(f, 'int')",
        "convert(l, 'float')",
        "convert(k, 'long')",
        "convert(l, 'string')",
        "ifThenElse(b > f, a, 0)",
        "-9223372036854775807L - 1 - l",
        "sizeOfSet(unionSet(createSet(b)))",
    ]
    .iter()
    .enumerate()
    {
        let text = format!("{STREAM} from S#window.length(2) select {call} as c{i} insert into O;");
        if foreshock::compile(&text).is_ok() {
            items.push(format!("{call} as c{i}"));
        }
    }
    let acts: Vec<Act> = (0..40).map(|i| event(i, i * 7 + i / 6)).collect();
    let text = format!(
        "{STREAM} from S#window.length(3) select {} insert all events into O;
         from S[a / l > b or a % l == 0 or l / a < f] select a order by a insert into P;",
        items.join(", ")
    );
    assert_eq!(disagreement(&text, None, &acts, 3), None);
    assert!(run(&text, None, &acts, Way::PLAIN).is_ok_and(|o| !o["query query_1"].is_empty()));
}

#[test]
fn batches_that_do_not_fit_are_refused_and_change_nothing() {
    let app = App::from_text(&format!("{STREAM} from S select sum(a) as s insert into O;"))
        .expect("a valid application");
    let input = app.input("S").expect("S");
    let schema = input.schema().clone();
    let of = |fields: Vec<Field>, columns: Vec<ArrayRef>| {
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a batch")
    };
    let wrong =
        of(vec![Field::new("a", DataType::Int32, true)], vec![Arc::new(Int32Array::from(vec![1]))]);
    assert!(matches!(input.send_batch(&wrong, Times::Now), Err(Error::Data(_))));
    let empty = RecordBatch::new_empty(schema.clone());
    assert!(input.send_batch(&empty, Times::Now).is_ok());
    assert!(input.send_batch(&empty, Times::Each(&[1])).is_err());
    assert!(input.send_batch(&empty, Times::Column("k")).is_err());
    assert!(input.send_batch(&empty, Times::Column("nothing")).is_err());
    let nulls: Vec<ArrayRef> =
        schema.fields().iter().map(|f| new_null_array(f.data_type(), 5)).collect();
    let nulls = RecordBatch::try_new(schema.clone(), nulls).expect("a batch");
    assert!(input.send_batch(&nulls, Times::Now).is_ok());
    assert!(input.send_batch(&nulls, Times::Column("t")).is_err());
    // A number that doesn't fit the narrower type, and a text that is no number.
    for (i, column) in [
        Arc::new(Int64Array::from(vec![i64::MAX])) as ArrayRef,
        Arc::new(StringArray::from(vec!["x"])) as ArrayRef,
    ]
    .into_iter()
    .enumerate()
    {
        let mut columns: Vec<ArrayRef> =
            schema.fields().iter().map(|f| new_null_array(f.data_type(), 1)).collect();
        let mut fields: Vec<Field> = schema.fields().iter().map(|f| f.as_ref().clone()).collect();
        fields[1] = Field::new("a", column.data_type().clone(), true);
        columns[1] = column;
        assert!(input.send_batch(&of(fields, columns), Times::Now).is_err(), "{i}");
    }
    assert!(input.send(("x",)).is_err());
    assert!(input.send_chunk(Vec::<(i64, Vec<Value>)>::new()).is_ok());
    assert_eq!(app.stats().events, 5);
}

#[test]
fn huge_and_odd_texts_pass_through() {
    let app = App::from_text_with(
        &format!(
            "{STREAM} from S#window.length(2) select k, convert(k, 'int') as i, count() as n
             group by k insert all events into O;
             partition with (k of S) begin from S select k insert into P; end;"
        ),
        AppOptions { batch_rows: 3, ..AppOptions::default() },
    )
    .expect("a valid application");
    let input = app.input("S").expect("S");
    let huge = "x".repeat(3_000_000);
    for k in [huge.as_str(), "", "\0", "\u{10ffff}", "2147483648", huge.as_str(), " 1"] {
        let row = [k.into(), Value::Null, Value::Null, Value::Null, Value::Null, Value::Null];
        input.send_at(1, row).expect("it fits");
    }
    app.flush().expect("it runs");
    let stats = app.stats();
    assert_eq!(stats.events, 7);
}
