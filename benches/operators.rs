//! What single operators cost: each window and each aggregator of the registry over its own example,
//! joins, patterns by the number of partial matches that are open, and both evaluators.
//!
//! An application runs on from one measured batch to the next, so that its state is what it
//! comes to hold in the long run: 10,000 rows per second of event time, 100 symbols.
//!
//! `cargo bench --bench operators -- window`

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch};
use arrow::array::{Float32Array, StringViewArray};
use arrow::datatypes::{DataType, SchemaRef};
use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
};
use foreshock::bench::workload::SplitMix;
use foreshock::event::{EventBatch, Value};
use foreshock::expr::{ColumnarExpr, RowContext, RowExpr, RowRef};
use foreshock::registry::{AGGREGATES, WINDOWS};
use foreshock::{App, AppOptions, ClockMode, Input, Times, compile};

/// Rows per send.
const ROWS: usize = 1024;
/// Rows per millisecond of event time.
const PER_MS: i64 = 10;

/// Random rows for the streams of an application, without end.
struct Feed {
    app: App,
    inputs: Vec<Input>,
    random: SplitMix,
    sent: i64,
}

impl Feed {
    fn new(text: &str) -> Self {
        let options = AppOptions { clock: Some(ClockMode::Playback), ..AppOptions::default() };
        let app = App::from_text_with(text, options).unwrap_or_else(|e| panic!("{text}: {e}"));
        let streams = app.streams();
        for s in streams.iter().filter(|s| s.written && !s.read) {
            app.subscribe(&s.name, |events| {
                black_box(events.columns());
            })
            .expect("a stream of the application");
        }
        let read = streams.iter().filter(|s| s.defined && s.read && !s.written);
        let inputs = read.map(|s| app.input(&s.name).expect("a stream of the application"));
        Self { inputs: inputs.collect(), app, random: SplitMix::new(42), sent: 0 }
    }

    /// The next batch of each stream, and the times of its rows.
    fn next(&mut self) -> Vec<(Input, RecordBatch, Vec<i64>)> {
        let times: Vec<i64> = (0..ROWS as i64).map(|i| (self.sent + i) / PER_MS).collect();
        self.sent += ROWS as i64;
        let inputs = self.inputs.clone().into_iter();
        inputs
            .map(|i| (i.clone(), rows(i.schema(), &times, &mut self.random), times.clone()))
            .collect()
    }
}

/// Rows of a schema: longs are times, texts one of 100, all other values random.
fn rows(schema: &SchemaRef, times: &[i64], r: &mut SplitMix) -> RecordBatch {
    let mut column = |ty: &DataType| -> ArrayRef {
        let mut random = |n: u64| times.iter().map(|_| r.below(n)).collect::<Vec<_>>();
        match ty {
            DataType::Int64 => Arc::new(Int64Array::from(times.to_vec())),
            DataType::Int32 => {
                Arc::new(Int32Array::from_iter_values(random(1000).iter().map(|v| *v as i32)))
            }
            DataType::Float32 => {
                Arc::new(Float32Array::from_iter_values(random(1000).iter().map(|v| *v as f32)))
            }
            DataType::Float64 => {
                let values = random(1000);
                Arc::new(Float64Array::from_iter_values(values.iter().map(|v| *v as f64 / 10.0)))
            }
            DataType::Boolean => {
                Arc::new(BooleanArray::from_iter(random(2).iter().map(|v| Some(*v == 1))))
            }
            _ => {
                let texts = random(100).into_iter().map(|v| format!("S{v:05}"));
                Arc::new(StringViewArray::from_iter_values(texts))
            }
        }
    };
    let columns = schema.fields().iter().map(|f| column(f.data_type())).collect();
    RecordBatch::try_new(Arc::clone(schema), columns).expect("columns of the schema")
}

/// Measures sends of an application, after so many that fill its state.
fn steady(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, text: &str, warm_up: usize) {
    group.bench_function(name, |b| {
        let mut feed = Feed::new(text);
        let app = feed.app.clone();
        let send = |batches: Vec<(Input, RecordBatch, Vec<i64>)>| {
            let parts = batches.iter().map(|(i, b, t)| (i, b, Times::Each(t)));
            app.send_batches(&parts.collect::<Vec<_>>()).expect("rows that fit");
        };
        (0..warm_up).for_each(|_| send(feed.next()));
        b.iter_batched(|| feed.next(), send, BatchSize::LargeInput);
    });
}

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(20);
    group
}

fn windows(c: &mut Criterion) {
    let mut group = group(c, "window");
    for spec in WINDOWS {
        // A window of a minute holds 600,000 rows: it is filled only in part.
        steady(&mut group, spec.name, spec.example, 20);
    }
}

fn aggregates(c: &mut Criterion) {
    let mut group = group(c, "aggregate");
    for spec in AGGREGATES {
        steady(&mut group, spec.name, spec.example, 20);
    }
}

/// Joins by their windows and conditions.
const JOINS: [(&str, &str, &str); 4] = [
    ("length(100), hash", "length(100)", "A.symbol == B.symbol"),
    ("length(10000), hash", "length(10000)", "A.symbol == B.symbol and A.x == B.x"),
    ("time(1 sec), hash", "time(1 sec)", "A.symbol == B.symbol and A.x == B.x"),
    ("length(100), no equality", "length(100)", "A.price > B.price + 95.0"),
];

fn joins(c: &mut Criterion) {
    let mut group = group(c, "join");
    group.throughput(Throughput::Elements(2 * ROWS as u64));
    for (name, window, condition) in JOINS {
        let text = format!(
            "define stream A (symbol string, price double, x int);
             define stream B (symbol string, price double, x int);
             from A#window.{window} join B#window.{window} on {condition}
             select A.symbol, A.price as pa, B.price as pb insert into Out;"
        );
        steady(&mut group, name, &text, 20);
    }
}

/// Patterns none of which is ever completed, so that what `within` lets live is open: a condition and
/// numbers of partial matches. Without an equality each row meets them all.
const PATTERNS: [(&str, &str, &[i64]); 3] = [
    ("equality", "symbol == e1.symbol and price > e1.price + 1000.0", &[100, 10_000, 100_000]),
    ("no equality", "price > e1.price + 1000.0", &[100, 10_000]),
    ("other column", "price > 1000.0", &[100, 10_000, 100_000]),
];

fn patterns(c: &mut Criterion) {
    let mut group = group(c, "pattern");
    for (name, condition, sizes) in PATTERNS {
        for open in sizes {
            let within = open / PER_MS;
            let text = format!(
                "define stream S (symbol string, price double);
                 from every e1=S -> e2=S[{condition}] within {within} millisec
                 select e1.symbol, e2.price insert into Out;"
            );
            let warm_up = *open as usize / ROWS + 1;
            steady(&mut group, &format!("{name}, {open} open"), &text, warm_up);
        }
    }
}

/// Expressions over one row.
const EXPRESSIONS: [(&str, &str); 5] = [
    ("comparison", "price > 50.0"),
    ("arithmetic", "price * 2.0 + x > 150.0"),
    ("text", "symbol == 'S00042'"),
    ("logic", "price > 50.0 and (symbol != 'S00042' or not (x < 10))"),
    ("function", "ifThenElse(price > 50.0, price, 50.0) > 70.0"),
];

fn evaluators(c: &mut Criterion) {
    let mut group = group(c, "evaluator");
    let define = "define stream S (symbol string, price double, x int);";
    for (name, text) in EXPRESSIONS {
        let app = format!("{define} from S select {text} as it insert into Out;");
        let (plan, _) = compile(&app).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        let expr = &plan.queries[0].select.items[0];
        let schema = &plan.streams[plan.stream("S").expect("it is defined")].schema;
        let times: Vec<i64> = (0..ROWS as i64).collect();
        let columns = rows(schema, &times, &mut SplitMix::new(42));
        let orders: Vec<u64> = (0..ROWS as u64).collect();
        let batch = EventBatch::new(columns, times.clone().into(), times.into(), orders.into());
        let columnar = ColumnarExpr::compile(expr, schema).expect("it looks at one row");
        group.bench_function(format!("{name}, columnar"), |b| {
            b.iter(|| black_box(columnar.mask(black_box(&batch)).expect("values")));
        });
        let by_row = RowExpr::compile(expr);
        assert_eq!(by_row.value(&context(&[row(&batch, 0)])), first(&columnar, &batch), "{text}");
        group.bench_function(format!("{name}, by row"), |b| {
            b.iter(|| {
                let fits = |i: &usize| by_row.test(&context(&[row(&batch, *i)]));
                black_box((0..batch.rows()).filter(fits).count())
            });
        });
    }
}

fn row(batch: &EventBatch, row: usize) -> RowRef<'_> {
    RowRef::Batch { batch, row }
}

fn context<'a>(rows: &'a [RowRef<'a>]) -> RowContext<'a> {
    RowContext { rows, clock: 0, order: 0 }
}

/// The value of the first row.
fn first(expr: &ColumnarExpr, batch: &EventBatch) -> Value {
    Value::from_array(&expr.evaluate(batch).expect("values"), 0)
}

criterion_group!(benches, windows, aggregates, joins, patterns, evaluators);
criterion_main!(benches);
