//! q1 to q8, engine and hand-written loop side by side, at 8192 rows a send. Outputs are held to be equal
//! first. For ratios use `foreshock bench --limit`, which runs the two in turns.
//!
//! `cargo bench --bench limits -- q5`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use foreshock::Events;
use foreshock::bench::closed::{self, Setup};
use foreshock::bench::limit::limit;
use foreshock::bench::subject::Subject;
use foreshock::bench::{Query, Symbols, Workload};

const EVENTS: usize = 200_000;
const ROWS: usize = 8192;

fn count(events: &Events) {
    black_box(events.columns());
}

fn limits(c: &mut Criterion) {
    for query in Query::ALL {
        let setup = Setup { events: EVENTS, repetitions: 1, ..Setup::new(query, ROWS) };
        closed::run(&setup).unwrap_or_else(|e| panic!("{e}"));
        let workload = Workload::new(EVENTS, query.keys(), query.events_per_ms(), setup.seed);
        let steps = workload.steps(Symbols::View, ROWS, query.streams().len());
        let steps = steps.expect("columns of one length");
        let subject = Subject::of_query(query, 0);
        let mut group = c.benchmark_group(query.name());
        group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(10);
        group.bench_function("engine", |b| {
            b.iter(|| {
                let running = subject.start().expect("a right application");
                running.on_output(count).expect("its output");
                running.send(&steps).expect("right rows");
            });
        });
        group.bench_function("by hand", |b| {
            b.iter(|| {
                let mut by_hand = limit(query, Symbols::View, query.keys());
                for step in &steps {
                    black_box(by_hand.push(step).expect("right rows"));
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, limits);
criterion_main!(benches);
