//! Joins from text to text: what goes in as lines, what comes out as lines.

mod cases;
mod edges;
mod model;
mod random;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;

use super::JoinOp;
use crate::error::Span;
use crate::event::{Chunks, EventBatch, KeyId, Kind, Value};
use crate::expr::types::{AttrType, schema_of};
use crate::expr::{TypedExpr, TypedKind};
use crate::lang::ast::{BinaryOp, JoinKind};
use crate::op::chain::LogSink;
use crate::op::{Operator, Output};
use crate::plan::spec::{JoinKey, JoinSideSpec, JoinSpec};
use crate::registry::WINDOWS;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::{Step, Timeline};
use crate::window::{WindowArg, WindowCall};

struct NoLog;
impl LogSink for NoLog {
    fn write(&self, _: crate::event::Moment, _: &str, _: &str) {}
}

/// A window as text, `length 2`, `time 100`, `lengthBatch 2 true`; empty for none.
fn window(text: &str) -> Option<WindowCall> {
    let mut words = text.split_whitespace();
    let name = words.next()?;
    let spec = WINDOWS.iter().find(|s| s.name == name).expect("a window");
    let arg = |w: &str| {
        let (value, ty) = match w {
            "true" => (Value::Bool(true), AttrType::Bool),
            n if name.starts_with("length") => (Value::Int(n.parse().unwrap()), AttrType::Int),
            n => (Value::Long(n.parse().unwrap()), AttrType::Long),
        };
        WindowArg::Const { value, ty, span: Span::default() }
    };
    let args: Vec<_> = words.map(arg).collect();
    (spec.check)(&args, Span::default()).expect("arguments");
    Some(WindowCall { spec, args, span: Span::default() })
}

fn column(index: usize, ty: AttrType) -> TypedExpr {
    TypedExpr::column(0, index as u16, ty, Span::default())
}

fn binary(op: BinaryOp, left: TypedExpr, right: TypedExpr) -> TypedExpr {
    let kind = TypedKind::Binary { op, left: Box::new(left), right: Box::new(right) };
    TypedExpr { kind, ty: AttrType::Bool, span: Span::default() }
}

fn side(schema: &SchemaRef, window_text: &str) -> JoinSideSpec {
    JoinSideSpec {
        input: schema.clone(),
        handlers: vec![],
        window: window(window_text),
        shared: None,
        schema: schema.clone(),
        triggers: true,
    }
}

/// `left window` joined with `right window`; rows of both sides are `(k string, v int)`, equal by k.
fn join(left: &str, kind: JoinKind, right: &str) -> JoinSpec {
    let names = [("k", AttrType::String), ("v", AttrType::Int)];
    let schema = schema_of(names);
    JoinSpec {
        left: side(&schema, left),
        right: side(&schema, right),
        kind,
        equal: vec![JoinKey {
            left: column(0, AttrType::String),
            right: column(0, AttrType::String),
            ty: AttrType::String,
        }],
        residual: None,
        output: schema_of(names.into_iter().chain(names)),
        expired: true,
        aggregates: false,
        keyed: false,
        self_join: false,
        right_first: false,
    }
}

/// Without a condition.
fn cross(left: &str, kind: JoinKind, right: &str) -> JoinSpec {
    JoinSpec { equal: vec![], ..join(left, kind, right) }
}

/// One arrival: the rows of one chunk on one side (`None` = both, a self join).
#[derive(Debug, Clone)]
struct Arrival {
    at: i64,
    right: Option<bool>,
    rows: Vec<(Vec<Value>, KeyId)>,
}

/// `10 L a1 b2`: at 10 ms, on the left, one chunk of two rows. A row is key and number; `_` is null.
fn arrivals(text: &str) -> Vec<Arrival> {
    text.lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .map(|line| {
            let mut words = line.split_whitespace();
            let at = words.next().unwrap().parse().unwrap();
            let right = match words.next().unwrap() {
                "L" => Some(false),
                "R" => Some(true),
                _ => None,
            };
            let row = |w: &str| {
                let (k, v) = w.split_at(w.find(|c: char| c.is_ascii_digit()).unwrap_or(w.len()));
                let k = if k == "_" { Value::Null } else { k.into() };
                (vec![k, v.parse::<i32>().map_or(Value::Null, Value::Int)], 0)
            };
            Arrival { at, right, rows: words.map(row).collect() }
        })
        .collect()
}

/// A join that is fed arrivals and keeps what leaves, a line per delivery.
struct Rig {
    spec: JoinSpec,
    op: JoinOp,
    seq: u64,
    clock: i64,
    /// Resets since the last delivery stand at the head of the next line.
    lines: Vec<String>,
}

impl Rig {
    fn new(spec: &JoinSpec) -> Self {
        let logs: Arc<dyn LogSink> = Arc::new(NoLog);
        let op = JoinOp::new(spec, &logs).expect("a join");
        Self { spec: spec.clone(), op, seq: 0, clock: 0, lines: vec![] }
    }

    /// One step with these arrivals, after which the clock stands at `end` at least.
    fn step(&mut self, arrivals: &[Arrival], end: i64) {
        let mut timeline = Timeline::new(2 * self.seq, self.clock);
        let mut rows: [Rows; 2] = Default::default();
        for a in arrivals {
            let order = 2 * self.seq + 1;
            timeline.push(order, a.at);
            for (port, rows) in rows.iter_mut().enumerate() {
                if a.right.is_none_or(|right| port == usize::from(right)) {
                    rows.push(a, order);
                }
            }
            self.seq += 1;
            self.clock = a.at;
        }
        self.clock = self.clock.max(end);
        timeline.advance(self.clock);
        let [left, right] = rows;
        let mut inputs = [
            left.batch(&self.spec.left.input, self.spec.keyed),
            right.batch(&self.spec.right.input, self.spec.keyed),
        ];
        let mut out = Output::default();
        self.op.process(&Step { timeline: &timeline }, &mut inputs, &mut out).expect("a step");
        assert!(self.op.next_timer().is_none_or(|due| due > self.clock), "a timer was left behind");
        out.take().iter().for_each(|b| self.print(b));
    }

    fn print(&mut self, b: &EventBatch) {
        assert_eq!(b.columns.schema(), self.spec.output);
        let resets = |row: usize| {
            let here = b.resets.iter().filter(move |r| r.before as usize == row);
            here.map(|r| format!("R{} ", r.key)).collect::<String>()
        };
        let chunks = b.chunks.clone();
        let offsets: Vec<u32> = (0..=b.rows() as u32).collect();
        let of = |f: fn(&Chunks) -> &[u32]| chunks.as_ref().map_or(&offsets[..], f).to_vec();
        let (chunks, deliveries) = (of(Chunks::offsets), of(Chunks::deliveries));
        for d in deliveries.windows(2) {
            let mut line = format!("{} ", b.at[d[0] as usize]);
            for row in d[0]..d[1] {
                if row > d[0] && chunks.contains(&row) {
                    line.push_str("/ ");
                }
                line.push_str(&resets(row as usize));
                line.push_str(&show(b, row as usize));
                line.push(' ');
            }
            self.lines.push(line.trim_end().to_string());
        }
        let last = resets(b.rows());
        if !last.is_empty() {
            self.lines.push(last.trim_end().to_string());
        }
    }

    /// Saves the state and goes on with a fresh operator.
    fn restart(&mut self) {
        let mut w = SnapshotWriter::new();
        self.op.snapshot(&mut w).expect("a snapshot");
        let bytes = w.finish();
        let fresh = Rig::new(&self.spec);
        self.op = fresh.op;
        let mut r = SnapshotReader::new(&bytes);
        self.op.restore(&mut r).expect("restores");
        assert!(r.is_empty());
    }

    /// The lines; resets of a line of their own move to the head of the next one, so that lines
    /// don't depend on where steps end.
    fn output(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut head = String::new();
        for line in &self.lines {
            if line.starts_with('R') {
                head.push_str(line);
                head.push(' ');
                continue;
            }
            let (at, rest) = line.split_once(' ').unwrap_or((line, ""));
            lines.push(format!("{at} {}{rest}", std::mem::take(&mut head)));
        }
        if !head.is_empty() {
            lines.push(head.trim_end().to_string());
        }
        lines
    }
}

/// `+a1,a2@5`: kind, values, and the event time if it isn't the clock; nulls as `_`.
fn show(b: &EventBatch, row: usize) -> String {
    let value = |c: usize| text(&Value::from_array(b.columns.column(c).as_ref(), row));
    let values = |from: usize| format!("{}{}", value(from), value(from + 1));
    let sign = if b.kind(row) == Kind::Current { '+' } else { '-' };
    let time = if b.ts[row] == b.at[row] { String::new() } else { format!("@{}", b.ts[row]) };
    let key = b.keys.as_ref().map_or(String::new(), |k| format!("#{}", k[row]));
    format!("{sign}{},{}{time}{key}", values(0), values(2))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "_".to_string(),
        Value::Int(v) => v.to_string(),
        Value::Double(v) => format!("{v:?}:"),
        Value::String(s) => s.to_string(),
        other => format!("{other:?}"),
    }
}

#[derive(Default)]
struct Rows {
    values: Vec<Vec<Value>>,
    at: Vec<i64>,
    order: Vec<u64>,
    keys: Vec<KeyId>,
    ends: Vec<u32>,
}

impl Rows {
    fn push(&mut self, a: &Arrival, order: u64) {
        for (values, key) in &a.rows {
            self.values.push(values.clone());
            self.at.push(a.at);
            self.order.push(order);
            self.keys.push(*key);
        }
        self.ends.push(self.values.len() as u32);
    }

    fn batch(self, schema: &SchemaRef, keyed: bool) -> Option<EventBatch> {
        if self.values.is_empty() {
            return None;
        }
        let array = |c: usize| -> ArrayRef {
            Value::to_array(schema.field(c).data_type(), self.values.iter().map(|r| &r[c]))
        };
        let columns = (0..schema.fields().len()).map(array).collect();
        let columns = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let at = self.at;
        let mut batch = EventBatch::new(columns, at.clone().into(), at.into(), self.order.into());
        if self.ends.len() < self.values.len() {
            batch.chunks = Some(Chunks::new([vec![0], self.ends].concat()));
        }
        batch.keys = keyed.then(|| self.keys.into());
        Some(batch)
    }
}

/// What leaves, with every arrival a step of its own, and the clock moved to `until` at the end. Checks
/// that one step, and restarts after each arrival, give the same.
fn run_all(spec: &JoinSpec, arrivals: &[Arrival], until: i64) -> Vec<String> {
    let mut single = Rig::new(spec);
    for a in arrivals {
        single.step(std::slice::from_ref(a), a.at);
    }
    single.step(&[], until);
    let mut restarted = Rig::new(spec);
    for a in arrivals {
        restarted.step(std::slice::from_ref(a), a.at);
        restarted.restart();
    }
    restarted.step(&[], until);
    assert_eq!(single.output(), restarted.output(), "with restarts");
    let mut whole = Rig::new(spec);
    whole.step(arrivals, until);
    assert_eq!(single.output(), whole.output(), "in one step");
    single.output()
}

/// What leaves as text, one delivery a line: `<clock> [R<key>] <rows> [/ <rows of the next chunk>]`.
fn run(spec: &JoinSpec, text: &str, until: i64) -> String {
    run_all(spec, &arrivals(text), until).join("\n")
}

fn lines(text: &str) -> String {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
}
