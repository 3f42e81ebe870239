//! Batches from text and back.
//!
//! A line is a chunk, its rows stand between semicolons: `E a 1; R; C b 2` is an expired row, a reset
//! and a current row. `C@3 a 1` has partition key 3 (`R@3` resets it). Values follow the schema;
//! `null` is null and `'null'` the text. Every line has a cause of its own; a line that begins with
//! `+` has the cause of the line before.

use std::fmt::Write;

use crate::aggregate::{count, max_forever, sum};
use crate::error::Span;
use crate::event::{BatchBuilder, EventBatch, Kind, Value};
use crate::expr::types::{AttrType, attr_type, schema_of};
use crate::expr::{ColumnRef, TypedExpr, TypedKind};
use crate::lang::ast::{BinaryOp, EventType};
use crate::op::select::SelectOp;
use crate::op::{Operator, Output};
use crate::plan::spec::{AggregateCall, OrderKey, SelectSpec};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::{Step, Timeline};

pub(super) fn typed(kind: TypedKind, ty: AttrType) -> TypedExpr {
    TypedExpr { kind, ty, span: Span::default() }
}

pub(super) fn column(column: usize, ty: AttrType) -> TypedExpr {
    typed(TypedKind::Column(ColumnRef { source: 0, column: column as u16 }), ty)
}

pub(super) fn long(x: i64) -> TypedExpr {
    typed(TypedKind::Literal(Value::Long(x)), AttrType::Long)
}

pub(super) fn binary(op: BinaryOp, left: TypedExpr, right: TypedExpr, ty: AttrType) -> TypedExpr {
    typed(TypedKind::Binary { op, left: Box::new(left), right: Box::new(right) }, ty)
}

/// A selector under test. Columns are named by place: first the input's, then the aggregates'.
#[derive(Clone)]
pub(super) struct Query {
    pub(super) spec: SelectSpec,
    types: Vec<AttrType>,
    /// Chunks of one cause and key (`+` lines) are one delivery.
    rejoin: bool,
}

impl Query {
    /// Over rows of these types; selects nothing yet.
    pub(super) fn over(types: &[AttrType]) -> Self {
        let names: Vec<String> = (0..types.len()).map(|i| format!("c{i}")).collect();
        let input = schema_of(names.iter().map(String::as_str).zip(types.iter().copied()));
        let spec = SelectSpec {
            input: input.clone(),
            aggregates: vec![],
            group_by: vec![],
            items: vec![],
            having: None,
            order_by: vec![],
            limit: None,
            offset: None,
            events: EventType::Current,
            output: input,
            keyed: false,
            windowed: true,
            every: false,
            joined: false,
        };
        Self { spec, types: types.to_vec(), rejoin: false }
    }

    /// Adds an aggregate of an input column (none: `count()`).
    pub(super) fn aggregate(mut self, name: &str, of: Option<usize>) -> Self {
        let known = [&count::SPEC, &max_forever::SPEC, &sum::SPEC];
        let spec = known.into_iter().find(|s| s.name == name).unwrap();
        let args: Vec<_> = of.iter().map(|c| column(*c, self.types[*c])).collect();
        let types: Vec<_> = args.iter().map(|a| a.ty).collect();
        let ty = (spec.returns)(&types).unwrap();
        self.types.push(ty);
        self.spec.aggregates.push(AggregateCall { spec, args, ty, span: Span::default() });
        self
    }

    /// Selects columns as they are.
    pub(super) fn select(self, columns: &[usize]) -> Self {
        let items = columns.iter().map(|c| column(*c, self.types[*c])).collect();
        self.items(items)
    }

    pub(super) fn items(mut self, items: Vec<TypedExpr>) -> Self {
        let names: Vec<String> = (0..items.len()).map(|i| format!("o{i}")).collect();
        self.spec.output =
            schema_of(names.iter().map(String::as_str).zip(items.iter().map(|i| i.ty)));
        self.spec.items = items;
        self
    }

    pub(super) fn group_by(mut self, columns: &[usize]) -> Self {
        self.spec.group_by = columns.iter().map(|c| column(*c, self.types[*c])).collect();
        self
    }

    /// `having <column> > x` (a long).
    pub(super) fn having_above(mut self, c: usize, x: i64) -> Self {
        let left = column(c, self.types[c]);
        self.spec.having = Some(binary(BinaryOp::Gt, left, long(x), AttrType::Bool));
        self
    }

    pub(super) fn order_by(mut self, column: usize, descending: bool) -> Self {
        self.spec.order_by.push(OrderKey { column, descending });
        self
    }

    pub(super) fn limit(mut self, n: u64) -> Self {
        self.spec.limit = Some(n);
        self
    }

    pub(super) fn offset(mut self, n: u64) -> Self {
        self.spec.offset = Some(n);
        self
    }

    pub(super) fn events(mut self, events: EventType) -> Self {
        self.spec.events = events;
        self
    }

    pub(super) fn all(self) -> Self {
        self.events(EventType::All)
    }

    pub(super) fn keyed(mut self) -> Self {
        self.spec.keyed = true;
        self
    }

    pub(super) fn rejoin(mut self) -> Self {
        self.rejoin = true;
        self
    }

    pub(super) fn unwindowed(mut self) -> Self {
        self.spec.windowed = false;
        self
    }

    pub(super) fn op(&self) -> SelectOp {
        SelectOp::new(&self.spec).unwrap()
    }

    /// The input as one batch.
    pub(super) fn batch(&self, text: &str) -> EventBatch {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        let types = &self.types[..self.spec.input.fields().len()];
        batch(types, &self.spec.input, &lines, 0, (self.spec.keyed, self.rejoin))
    }

    /// What leaves, as text, one chunk a line: the same at once, chunk by chunk, and with a snapshot
    /// restored between any two chunks.
    pub(super) fn run(&self, text: &str) -> String {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        let cuts: Vec<usize> = (1..lines.len()).filter(|i| !lines[*i].starts_with('+')).collect();
        let whole = self.run_cut(&lines, &[], false);
        assert_eq!(whole, self.run_cut(&lines, &cuts, false), "chunk by chunk");
        assert_eq!(whole, self.run_cut(&lines, &cuts, true), "restored after every chunk");
        whole
    }

    pub(super) fn run_cut(&self, lines: &[&str], cuts: &[usize], restore: bool) -> String {
        let types = &self.types[..self.spec.input.fields().len()];
        let mut op = self.op();
        let mut text = String::new();
        let mut from = 0;
        for to in cuts.iter().copied().chain([lines.len()]) {
            let batch = batch(
                types,
                &self.spec.input,
                &lines[from..to],
                from,
                (self.spec.keyed, self.rejoin),
            );
            process(&mut op, batch).iter().for_each(|b| print(b, &mut text));
            from = to;
            if restore {
                op = restored(&op, self);
            }
        }
        text
    }
}

pub(super) fn restored(op: &SelectOp, query: &Query) -> SelectOp {
    let mut w = SnapshotWriter::new();
    op.snapshot(&mut w).unwrap();
    let bytes = w.finish();
    let mut fresh = query.op();
    let mut r = SnapshotReader::new(&bytes);
    fresh.restore(&mut r).unwrap();
    assert!(r.is_empty());
    fresh
}

pub(super) fn process(op: &mut SelectOp, batch: EventBatch) -> Vec<EventBatch> {
    let timeline = Timeline::default();
    let mut out = Output::default();
    op.process(&Step { timeline: &timeline }, &mut [Some(batch)], &mut out).unwrap();
    out.take()
}

fn batch(
    types: &[AttrType],
    schema: &arrow::datatypes::SchemaRef,
    lines: &[&str],
    first: usize,
    (keyed, rejoin): (bool, bool),
) -> EventBatch {
    let mut rows = BatchBuilder::default();
    let mut columns: Vec<Vec<Value>> = vec![vec![]; types.len()];
    let mut cause = first;
    let mut last_key = 0;
    for (i, line) in lines.iter().enumerate() {
        let body = line.strip_prefix('+');
        if body.is_none() {
            cause = first + i;
        }
        for (n, row) in body.unwrap_or(line).split(';').enumerate() {
            let mut words = row.split_whitespace();
            let head = words.next().unwrap();
            let (kind, key) = head.split_once('@').unwrap_or((head, "0"));
            let key = key.parse().unwrap();
            if rejoin && (body.is_none() || key != last_key) && n == 0 {
                rows.end_delivery();
            }
            last_key = key;
            if kind == "R" {
                rows.reset(key);
                continue;
            }
            let kind = if kind == "E" { Kind::Expired } else { Kind::Current };
            let at = cause as i64 * 1000;
            rows.push(at + n as i64, at, cause as u64 * 2 + 1, kind, key);
            for (c, ty) in types.iter().enumerate() {
                columns[c].push(value(*ty, words.next().unwrap()));
            }
            assert_eq!(words.next(), None, "{line}");
        }
        rows.end_chunk();
    }
    let columns = schema
        .fields()
        .iter()
        .zip(&columns)
        .map(|(f, v)| Value::to_array(f.data_type(), v.iter()))
        .collect();
    rows.finish(schema.clone(), columns, keyed).unwrap()
}

fn value(ty: AttrType, word: &str) -> Value {
    match ty {
        _ if word == "null" => Value::Null,
        AttrType::Int => Value::Int(word.parse().unwrap()),
        AttrType::Long => Value::Long(word.parse().unwrap()),
        AttrType::Float => Value::Float(word.parse().unwrap()),
        AttrType::Double => Value::Double(word.parse().unwrap()),
        AttrType::Bool => Value::Bool(word.parse().unwrap()),
        _ => Value::String(word.trim_matches('\'').into()),
    }
}

fn print(batch: &EventBatch, out: &mut String) {
    assert!(batch.resets.is_empty(), "resets end in the selector");
    for chunk in batch.chunk_ranges() {
        for row in chunk.clone() {
            let kind = if batch.kind(row) == Kind::Current { "C" } else { "E" };
            write!(out, "{}{kind}", if row > chunk.start { "; " } else { "" }).unwrap();
            if let Some(keys) = &batch.keys {
                write!(out, "@{}", keys[row]).unwrap();
            }
            for (c, field) in batch.columns.schema().fields().iter().enumerate() {
                assert!(attr_type(field.data_type()).is_some());
                let text = match Value::from_array(batch.columns.column(c).as_ref(), row) {
                    Value::Null => "null".to_string(),
                    Value::Int(x) => x.to_string(),
                    Value::Long(x) => x.to_string(),
                    Value::Float(x) => x.to_string(),
                    Value::Double(x) => x.to_string(),
                    Value::Bool(x) => x.to_string(),
                    Value::String(x) if x == "null" => "'null'".to_string(),
                    Value::String(x) => x.to_string(),
                    other => format!("{other:?}"),
                };
                write!(out, " {text}").unwrap();
            }
        }
        out.push('\n');
    }
}

/// Asserts that two texts have the same lines, however they are indented.
#[track_caller]
pub(super) fn assert_lines(got: &str, want: &str) {
    let lines = |s: &str| {
        s.lines().map(|l| l.trim().to_string()).filter(|l| !l.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(lines(got), lines(want), "\n{got}");
}
