//! The way from text to a running application: parsing, compiling, and a first batch of rows.
//!
//! `cargo bench --bench front_end`

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use foreshock::lang::parse_app;
use foreshock::{App, Times, compile};

const EARTHQUAKES: &str = include_str!("../queries/earthquakes.siddhi");
const FRAUD: &str = "@app:playback
    define stream Txns (card string, amount double);
    from every e1=Txns[amount < 5.0] -> e2=Txns[card == e1.card and amount > 90.0] within 1 min
    select e1.card, e2.amount insert into Alerts;";
const ROWS: u64 = 8192;

fn front_end(c: &mut Criterion) {
    let mut group = c.benchmark_group("front_end");
    group.throughput(Throughput::Bytes(EARTHQUAKES.len() as u64));
    group.bench_function("parse", |b| b.iter(|| parse_app(black_box(EARTHQUAKES))));
    group.bench_function("compile", |b| b.iter(|| compile(black_box(EARTHQUAKES))));
    group.finish();
}

fn pattern(c: &mut Criterion) {
    let cards = (0..ROWS).map(|i| format!("{:04}", i * 7919 % 1000));
    let amounts = (0..ROWS).map(|i| (i * 104_729 % 1000) as f64 / 10.0);
    let cards: ArrayRef = Arc::new(StringArray::from_iter_values(cards));
    let amounts: ArrayRef = Arc::new(Float64Array::from_iter_values(amounts));
    let rows = RecordBatch::try_from_iter([("card", cards), ("amount", amounts)])
        .expect("columns of one length");
    let times: Vec<i64> = (0..ROWS as i64).collect();
    let mut group = c.benchmark_group("pattern");
    group.throughput(Throughput::Elements(ROWS));
    group.bench_function("small_then_large", |b| {
        b.iter(|| {
            let app = App::from_text(FRAUD).expect("a right application");
            let txns = app.input("Txns").expect("a stream of it");
            txns.send_batch(&rows, Times::Each(&times)).expect("right rows");
        });
    });
    group.finish();
}

criterion_group!(benches, front_end, pattern);
criterion_main!(benches);
