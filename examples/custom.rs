//! A function, an aggregator and a window written in Rust and used in a rule like the built-in ones.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use foreshock::aggregate::{AggregateInput, AggregateSpec, Aggregator};
use foreshock::event::{EventBatch, Kind, RowStore};
use foreshock::expr::functions::{Calls, Eval, FunctionSpec, Kernel, Scalar};
use foreshock::lang::ast::AttrType;
use foreshock::state::{SnapshotReader, SnapshotWriter};
use foreshock::time::Step;
use foreshock::window::{About, Reads, Window, WindowArg, WindowOutput, WindowSpec};
use foreshock::{App, Code, Diagnostic, Result, Value, registry};

/// `geo:distance(lat1, lon1, lat2, lon2)`.
static DISTANCE: FunctionSpec = FunctionSpec {
    name: "distance",
    namespace: Some("geo"),
    signature: "geo:distance(lat1 double, lon1 double, lat2 double, lon2 double) -> double",
    doc: "The distance of two points on earth in km; null if an argument is null.",
    example: "define stream S (a double, b double);
              from S select geo:distance(a, b, 0.0, 0.0) as km insert into Out;",
    returns: |args| match args {
        [_, _, _, _] if args.iter().all(|a| a.ty == AttrType::Double) => Ok(AttrType::Double),
        _ => Err("`geo:distance` takes four doubles".into()),
    },
    volatile: false,
    eval: Eval::Calls(Calls {
        kernel: |_| {
            Kernel::Double(Arc::new(|args| match args {
                [Scalar::Double(a), Scalar::Double(b), Scalar::Double(c), Scalar::Double(d)] => {
                    Some(haversine(*a, *b, *c, *d))
                }
                _ => None,
            }))
        },
        columns: None,
    }),
};

fn haversine(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> f64 {
    let half = |x: f64| (x.to_radians() / 2.0).sin().powi(2);
    let cos = lat1.to_radians().cos() * lat2.to_radians().cos();
    2.0 * 6371.0 * (half(lat2 - lat1) + cos * half(lon2 - lon1)).sqrt().asin()
}

/// `product(x)`: rows that leave are divided out again.
static PRODUCT: AggregateSpec = AggregateSpec {
    name: "product",
    signature: "product(x double) -> double",
    doc: "The product of all values that are in; null values count as 1.",
    example: "define stream S (x double); from S select product(x) as p insert into Out;",
    returns: |types| match types {
        [AttrType::Double] => Ok(AttrType::Double),
        _ => Err("`product` takes a double".into()),
    },
    forever: false,
    create: |_| Box::<Product>::default(),
};

/// The product of each group.
#[derive(Default)]
struct Product(Vec<f64>);

impl Product {
    fn group(&mut self, group: u32) -> &mut f64 {
        if self.0.len() <= group as usize {
            self.0.resize(group as usize + 1, 1.0);
        }
        &mut self.0[group as usize]
    }
}

impl Aggregator for Product {
    fn update(&mut self, input: &AggregateInput<'_>) -> Result<ArrayRef> {
        let values = input.args[0].as_primitive::<Float64Type>();
        let mut resets = input.resets.iter().peekable();
        let mut out = Vec::with_capacity(values.len());
        for (row, group) in input.groups.iter().enumerate() {
            while let Some(reset) = resets.next_if(|r| r.before as usize <= row) {
                *self.group(reset.group) = 1.0;
            }
            let value = if values.is_null(row) { 1.0 } else { values.value(row) };
            let product = self.group(*group);
            match input.kinds.map_or(Kind::Current, |k| k[row]) {
                Kind::Current => *product *= value,
                Kind::Expired => *product /= value,
            }
            out.push(*product);
        }
        resets.for_each(|reset| *self.group(reset.group) = 1.0);
        Ok(Arc::new(Float64Array::from(out)))
    }

    fn forget(&mut self, group: u32) {
        *self.group(group) = 1.0;
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.0)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.0 = r.value()?;
        Ok(())
    }
}

/// `sample(n)`.
static SAMPLE: WindowSpec = WindowSpec {
    name: "sample",
    signature: "sample(n int)",
    doc: "Lets the first of each `n` rows pass. It holds none.",
    example: "define stream S (x double); from S#window.sample(2) select x insert into Out;",
    sliding: true,
    passes: false,
    reads: Reads::Arguments,
    findable: false,
    about: |_, _| About { holds: "a number".into(), timer: None },
    check: |args, span| match args {
        [WindowArg::Const { value: Value::Int(1..), .. }] => Ok(()),
        _ => Err(Diagnostic::error(Code::Parameter, span, "`sample` takes an int above 0")),
    },
    create: |call, context| {
        let n = match call.args.as_slice() {
            [WindowArg::Const { value: Value::Int(n), .. }] => *n,
            _ => 1, // `check` has seen to it
        };
        Ok(Box::new(Sample { n, seen: vec![], store: RowStore::new(context.schema)? }))
    },
};

struct Sample {
    n: i32,
    /// Rows seen, by partition key.
    seen: Vec<i32>,
    store: RowStore,
}

impl Window for Sample {
    fn process(
        &mut self,
        _: &Step<'_>,
        batch: &EventBatch,
        rows: Range<usize>,
        out: &mut WindowOutput,
    ) -> Result<()> {
        for row in rows {
            let key = batch.key(row);
            self.seen.resize(self.seen.len().max(key as usize + 1), 0);
            let seen = &mut self.seen[key as usize];
            if *seen == 0 {
                let slot = self.store.insert(&batch.columns, row, batch.ts[row]);
                let (ts, at, order) = (batch.ts[row], batch.at[row], batch.order[row]);
                out.push(slot, ts, at, order, Kind::Current, key);
                out.rows.end_chunk();
                self.store.release(slot); // readable until `reclaim`
            }
            *seen = (*seen + 1) % self.n;
        }
        Ok(())
    }

    fn advance(&mut self, _: &Step<'_>, _: i64, _: u64, _: &mut WindowOutput) -> Result<()> {
        Ok(()) // no timers
    }

    fn next_timer(&self) -> Option<i64> {
        None
    }

    fn store(&self) -> &RowStore {
        &self.store
    }

    fn reclaim(&mut self) {
        self.store.reclaim();
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.seen)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.seen = r.value()?;
        Ok(())
    }
}

fn main() -> Result<()> {
    registry::register_function(&DISTANCE)?;
    registry::register_aggregate(&PRODUCT)?;
    registry::register_window(&SAMPLE)?;
    let app = App::from_text(
        "define stream Points (lat double, lon double, factor double);
         from Points#window.sample(2)
         select math:round(geo:distance(lat, lon, 52.5, 13.4)) as km, product(factor) as product
         insert into Out;",
    )?;
    app.subscribe("Out", |e| print!("{e}"))?;
    let points = app.input("Points")?;
    for (i, (lat, lon)) in [(48.9, 2.4), (0.0, 0.0), (51.5, -0.1), (0.0, 0.0)].iter().enumerate() {
        points.send_at(i as i64 * 1_000, (*lat, *lon, 3.0))?;
    }
    app.shutdown()
}
