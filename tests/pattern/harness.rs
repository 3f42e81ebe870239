//! Runs one pattern query over rows written as text, with the results beside the rows.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use foreshock::error::Diagnostic;
use foreshock::event::{EventBatch, KeyInterner, SINGLE_KEY, Value};
use foreshock::expr::types::{arrow_type, schema_of};
use foreshock::expr::{ColumnarExpr, TypedExpr, bind};
use foreshock::lang::ast::*;
use foreshock::lang::parse::parse_app;
use foreshock::op::pattern::PatternOp;
use foreshock::op::{Operator, Output};
use foreshock::pattern::PatternSpec;
use foreshock::plan::pattern::plan_pattern;
use foreshock::registry::FUNCTIONS;
use foreshock::state::{SnapshotReader, SnapshotWriter};
use foreshock::time::{Step, Timeline};

/// A pattern query ready to run.
pub struct Query {
    pub streams: Vec<(String, Vec<(String, AttrType)>)>,
    pub spec: PatternSpec,
    pub items: Vec<TypedExpr>,
    pub warnings: Vec<Diagnostic>,
    /// Column of the partition key, per stream.
    keys: Option<BTreeMap<usize, usize>>,
}

/// An input row.
#[derive(Debug, Clone)]
pub struct In {
    pub stream: usize,
    pub ts: i64,
    pub values: Vec<Value>,
}

/// The stream of a row that is none: the clock moves.
pub const TICK: usize = usize::MAX;

/// A match: which row completed it, or is the first behind the timer that did, and what was selected.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    pub by: usize,
    /// It was completed by a timer.
    pub timer: bool,
    pub ts: i64,
    pub chunk: usize,
    pub values: Vec<Value>,
}

/// The pattern query of an application.
pub fn query(app: &str) -> Result<Query, Vec<Diagnostic>> {
    let app = parse_app(app).into_result()?;
    let mut streams: Vec<(String, Vec<(String, AttrType)>)> = vec![];
    let (mut found, mut with) = (None, vec![]);
    for item in &app.items {
        match item {
            Item::Definition(d) => {
                if let DefinitionKind::Stream(attributes) = &d.kind {
                    let list = attributes.iter().map(|a| (a.name.name.clone(), a.ty)).collect();
                    streams.push((d.name.name.clone(), list));
                }
            }
            Item::Query(q) => found = Some((**q).clone()),
            Item::Partition(p) => (found, with) = (p.queries.first().cloned(), p.with.clone()),
        }
    }
    let q = found.expect("the application has a query");
    let Input::Pattern(input) = &q.input else { panic!("the query is no pattern") };
    let schema =
        |i: usize| -> SchemaRef { schema_of(streams[i].1.iter().map(|(n, t)| (n.as_str(), *t))) };
    let position = |s: &Source| streams.iter().position(|(n, _)| *n == s.name.name);
    let mut lookup = |s: &Source| match position(s) {
        Some(i) => Ok((i, schema(i))),
        None => Err(Diagnostic::not_supported(s.name.at(), "no such stream")),
    };
    let mut builder = plan_pattern(input, &mut lookup, FUNCTIONS)?;
    let items = match &q.select.items {
        None => builder.all_attributes(q.span.0)?.into_iter().map(|(_, e)| e).collect(),
        Some(items) => {
            items.iter().map(|i| bind(&i.expr, &mut builder)).collect::<Result<Vec<_>, _>>()?
        }
    };
    let keys = (!with.is_empty()).then(|| {
        let column = |w: &PartitionWith| {
            let stream = position(&w.stream).unwrap();
            let PartitionKey::Value(Expr { kind: ExprKind::Attr(a), .. }) = &w.key else {
                panic!("partition by an attribute")
            };
            (stream, schema(stream).index_of(&a.name.name).unwrap())
        };
        with.iter().map(column).collect()
    });
    let warnings = builder.warnings().to_vec();
    let spec = builder.finish(keys.is_some());
    Ok(Query { streams, spec, items, warnings, keys })
}

impl Query {
    /// The matches of `rows`, in steps that end before the rows at `cuts`. The operator is replaced by
    /// one restored from its snapshot at every cut for which `restore` holds.
    pub fn run(&self, rows: &[In], cuts: &[usize], restore: impl Fn(usize) -> bool) -> Vec<Match> {
        let mut op = PatternOp::new(&self.spec).unwrap_or_else(|e| panic!("{e}: {:?}", self.spec));
        let mut interner = KeyInterner::default();
        let mut out = vec![];
        if self.keys.is_none() {
            op.begin(SINGLE_KEY, 0);
        }
        let mut from = 0;
        for to in cuts.iter().copied().chain([rows.len()]) {
            self.step(&mut op, &mut interner, rows, from..to, &mut out);
            from = to;
            if restore(to) {
                let mut w = SnapshotWriter::new();
                op.snapshot(&mut w).unwrap();
                let bytes = w.finish();
                op = PatternOp::new(&self.spec).unwrap();
                let mut r = SnapshotReader::new(&bytes);
                op.restore(&mut r).unwrap();
                assert!(r.is_empty());
            }
        }
        out
    }

    fn step(
        &self,
        op: &mut PatternOp,
        interner: &mut KeyInterner,
        rows: &[In],
        range: std::ops::Range<usize>,
        out: &mut Vec<Match>,
    ) {
        let mut timeline = Timeline::new(2 * range.start as u64, i64::MIN);
        let mut per_port: Vec<Vec<(usize, u32)>> = vec![vec![]; self.spec.ports.len()];
        for i in range {
            timeline.push(2 * i as u64 + 1, clock(rows, i));
            if rows[i].stream == TICK {
                continue;
            }
            // Keys are interned in input order, before anything else happens.
            let known = interner.len();
            let key = match &self.keys {
                Some(keys) => {
                    let value = &rows[i].values[keys[&rows[i].stream]];
                    let ty = self.streams[rows[i].stream].1[keys[&rows[i].stream]].1;
                    let array = Value::to_array(&arrow_type(ty), [value].into_iter());
                    interner.intern(&[array], None, 1).unwrap()[0]
                }
                None => 0,
            };
            if interner.len() > known {
                op.begin(key, clock(rows, i));
            }
            if let Some(p) = self.spec.ports.iter().position(|p| p.stream == rows[i].stream) {
                per_port[p].push((i, key));
            }
        }
        let mut inputs: Vec<Option<EventBatch>> = (self.spec.ports.iter().zip(&per_port))
            .map(|(port, list)| {
                (!list.is_empty()).then(|| batch(&port.schema, rows, list, self.keys.is_some()))
            })
            .collect();
        let mut output = Output::default();
        op.process(&Step { timeline: &timeline }, &mut inputs, &mut output).unwrap();
        for b in output.take() {
            self.collect(&b, out);
        }
    }

    fn collect(&self, b: &EventBatch, out: &mut Vec<Match>) {
        let columns: Vec<_> = self
            .items
            .iter()
            .map(|e| ColumnarExpr::compile(e, &self.spec.output).unwrap().evaluate(b).unwrap())
            .collect();
        let base = out.last().map_or(0, |m| m.chunk + 1);
        for (chunk, rows) in b.chunk_ranges().enumerate() {
            for row in rows {
                out.push(Match {
                    by: (b.order[row] / 2) as usize,
                    timer: b.order[row].is_multiple_of(2),
                    ts: b.ts[row],
                    chunk: base + chunk,
                    values: columns.iter().map(|c| Value::from_array(c.as_ref(), row)).collect(),
                });
            }
        }
    }

    /// All rows as one step's input, outside partitions.
    pub fn inputs(&self, rows: &[In]) -> Vec<Option<EventBatch>> {
        let of = |stream: usize| {
            let is = |(_, r): &(usize, &In)| r.stream == stream;
            rows.iter().enumerate().filter(is).map(|(i, _)| (i, 0)).collect::<Vec<_>>()
        };
        let port = |p: &foreshock::pattern::spec::PortSpec| {
            let list = of(p.stream);
            (!list.is_empty()).then(|| batch(&p.schema, rows, &list, false))
        };
        self.spec.ports.iter().map(port).collect()
    }

    /// Rows as text: `Stream value,value @ms`. Without a time, a row comes 1 ms after the one before.
    pub fn row(&self, text: &str, before: i64) -> In {
        let (text, ts) = match text.split_once('@') {
            Some((t, ts)) => (t.trim(), ts.trim().parse().unwrap()),
            None => (text.trim(), before + 1),
        };
        if text.is_empty() {
            return In { stream: TICK, ts, values: vec![] };
        }
        let (name, values) = text.split_once(' ').unwrap_or((text, ""));
        let stream = self.streams.iter().position(|(n, _)| n == name);
        let stream = stream.unwrap_or_else(|| panic!("no stream {name}"));
        let values = values.split(',').zip(&self.streams[stream].1);
        let values = values.map(|(v, (_, ty))| value(v.trim(), *ty)).collect();
        In { stream, ts, values }
    }
}

/// The clock is the latest time of a row so far.
fn clock(rows: &[In], i: usize) -> i64 {
    rows[..=i].iter().map(|r| r.ts).max().unwrap_or(0)
}

fn batch(schema: &SchemaRef, rows: &[In], list: &[(usize, u32)], keyed: bool) -> EventBatch {
    let columns = schema.fields().iter().enumerate().map(|(c, f)| {
        Value::to_array(f.data_type(), list.iter().map(|(i, _)| &rows[*i].values[c]))
    });
    let columns = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
    let ts: Vec<i64> = list.iter().map(|(i, _)| rows[*i].ts).collect();
    let order: Vec<u64> = list.iter().map(|(i, _)| 2 * *i as u64 + 1).collect();
    let at: Vec<i64> = list.iter().map(|(i, _)| clock(rows, *i)).collect();
    let mut b = EventBatch::new(columns, ts.into(), at.into(), order.into());
    b.keys = keyed.then(|| list.iter().map(|(_, k)| *k).collect());
    b
}

fn value(text: &str, ty: AttrType) -> Value {
    if text == "null" {
        return Value::Null;
    }
    match ty {
        AttrType::String => text.into(),
        AttrType::Int => text.parse::<i32>().unwrap().into(),
        AttrType::Long => text.parse::<i64>().unwrap().into(),
        AttrType::Float => text.parse::<f32>().unwrap().into(),
        AttrType::Double => text.parse::<f64>().unwrap().into(),
        AttrType::Bool => text.parse::<bool>().unwrap().into(),
        AttrType::Object => panic!("no text for objects"),
    }
}

/// A value as text.
pub fn show(v: &Value) -> String {
    match v {
        Value::Null => "null".into(),
        Value::Int(v) => v.to_string(),
        Value::Long(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Double(v) => v.to_string(),
        Value::Bool(v) => v.to_string(),
        Value::String(v) => v.to_string(),
        Value::Set(list) | Value::List(list) => {
            format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(" "))
        }
        Value::Map(_) => v.to_string(),
    }
}

/// Runs a query over a script: one row per line, `-> a,b | c,d` behind it for the matches the row
/// completes (in order), nothing behind it if it must not complete any. A line with a time only moves the
/// clock; matches of timers that fire before a line's row are written with their time, `a,b @900`. Whatever way the rows are cut
/// into steps, and wherever the operator is saved and restored, the matches must be these.
pub fn check(app: &str, script: &str) {
    let q = query(app).unwrap_or_else(|d| panic!("{app}\n{d:#?}"));
    let (mut rows, mut expected) = (vec![], vec![]);
    let mut ts = 0;
    for line in script.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (row, matches) = line.split_once("->").unwrap_or((line, ""));
        let row = q.row(row, ts);
        ts = row.ts;
        rows.push(row);
        let matches = matches.split('|').map(str::trim).filter(|m| !m.is_empty());
        expected.push(matches.map(str::to_string).collect::<Vec<_>>());
    }
    let each: Vec<usize> = (1..rows.len()).collect();
    let thirds: Vec<usize> = (1..rows.len()).filter(|i| i % 3 == 0).collect();
    for (cuts, restore) in [(&each, false), (&each, true), (&thirds, true), (&vec![], false)] {
        let matches = q.run(&rows, cuts, |_| restore);
        let mut got = vec![vec![]; rows.len()];
        for m in &matches {
            let values: Vec<String> = m.values.iter().map(show).collect();
            let at = if m.timer { format!(" @{}", m.ts) } else { String::new() };
            let fits = if m.timer { m.ts <= clock(&rows, m.by) } else { m.ts == rows[m.by].ts };
            assert!(fits, "a match has the time of the event or timer that completed it");
            got[m.by].push(values.join(",") + &at);
        }
        assert_eq!(got, expected, "{app}\nsteps end before {cuts:?}, restored: {restore}");
    }
}

/// Streams `S1`, `S2`, `S3` as in Siddhi's tests.
pub const STOCKS: &str = "
    define stream S1 (symbol string, price float, volume int);
    define stream S2 (symbol string, price float, volume int);
    define stream S3 (symbol string, price float, volume int);
";

/// Streams `A`, `B`, `C`, `D` of one number.
pub const LETTERS: &str = "
    define stream A (x int);
    define stream B (x int);
    define stream C (x int);
    define stream D (x int);
";

/// [`check`] with streams [`STOCKS`].
pub fn stocks(query: &str, script: &str) {
    check(&format!("{STOCKS}{query} insert into Out;"), script);
}

/// [`check`] with streams [`LETTERS`].
pub fn letters(query: &str, script: &str) {
    check(&format!("{LETTERS}{query} insert into Out;"), script);
}
