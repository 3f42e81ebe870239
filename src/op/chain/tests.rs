//! The handler operators, text in and text out.

use std::sync::{Arc, Mutex};

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};

use super::{LogSink, build_chain};
use crate::error::Span;
use crate::event::{BatchBuilder, EventBatch, Kind, Moment, Reset, RowStore, Value};
use crate::expr::types::{AttrType, schema_of};
use crate::expr::{ColumnRef, TypedExpr, TypedKind};
use crate::lang::ast::BinaryOp;
use crate::op::Output;
use crate::plan::spec::{HandlerSpec, LogSpec};
use crate::time::{Step, Timeline};
use crate::window::{WindowArg, WindowCall};

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn write(&self, _when: Moment, priority: &str, line: &str) {
        self.0.lock().unwrap().push(format!("{priority} {line}"));
    }
}

fn schema() -> SchemaRef {
    schema_of([("name", AttrType::String), ("v", AttrType::Long)])
}

fn column(column: u16, ty: AttrType) -> TypedExpr {
    let kind = TypedKind::Column(ColumnRef { source: 0, column });
    TypedExpr { kind, ty, span: Span::default() }
}

fn literal(value: impl Into<Value>, ty: AttrType) -> TypedExpr {
    TypedExpr { kind: TypedKind::Literal(value.into()), ty, span: Span::default() }
}

/// `v > limit`
fn above(limit: i64) -> HandlerSpec {
    let kind = TypedKind::Binary {
        op: BinaryOp::Gt,
        left: Box::new(column(1, AttrType::Long)),
        right: Box::new(literal(limit, AttrType::Long)),
    };
    HandlerSpec::Filter(TypedExpr { kind, ty: AttrType::Bool, span: Span::default() })
}

/// One chunk at clock 1000: a=1, b expired=2, (reset) c=3, d=null.
fn batch() -> EventBatch {
    let mut store = RowStore::new(schema()).unwrap();
    let mut rows = BatchBuilder::default();
    let mut slots = vec![];
    let input: [(&str, Option<i64>, Kind); 4] = [
        ("a", Some(1), Kind::Current),
        ("b", Some(2), Kind::Expired),
        ("c", Some(3), Kind::Current),
        ("d", None, Kind::Current),
    ];
    for (i, (name, v, kind)) in input.into_iter().enumerate() {
        if i == 2 {
            rows.reset(0);
        }
        slots.push(store.insert_values(&[name.into(), v.into()], 990 + i as i64));
        rows.push(990 + i as i64, 1000, 1, kind, 0);
    }
    rows.finish(schema(), store.gather_all(&slots), false).unwrap()
}

/// Runs a chain over one batch in one step that ends at 1000.
fn run(handlers: &[HandlerSpec], batch: EventBatch) -> (Vec<EventBatch>, Vec<String>) {
    let lines = Arc::new(Lines::default());
    let logs: Arc<dyn LogSink> = lines.clone();
    let mut timeline = Timeline::new(0, 0);
    timeline.push(1, 1000);
    let step = Step { timeline: &timeline };
    let mut batches = vec![batch];
    for mut op in build_chain(handlers, &schema(), false, &logs).unwrap() {
        assert_eq!(op.next_timer(), None);
        let mut out = Output::default();
        for batch in batches {
            op.process(&step, &mut [Some(batch)], &mut out).unwrap();
        }
        op.process(&step, &mut [None], &mut out).unwrap();
        batches = out.take();
    }
    let lines = lines.0.lock().unwrap().clone();
    (batches, lines)
}

fn names(batch: &EventBatch) -> Vec<&str> {
    batch.columns.column(0).as_string_view().iter().map(|n| n.unwrap()).collect()
}

#[test]
fn filter_keeps_true_rows_of_any_kind_and_every_reset() {
    let (out, _) = run(&[above(1)], batch());
    assert_eq!(names(&out[0]), ["b", "c"]);
    assert_eq!(out[0].kind(0), Kind::Expired);
    assert_eq!(out[0].resets, [Reset { before: 1, key: 0 }]);
    assert_eq!(out[0].chunk_count(), 1);
    assert_eq!(out[0].ts.as_ref(), [991, 992]);
}

#[test]
fn a_reset_passes_a_filter_that_no_row_passes() {
    let (out, _) = run(&[above(99), above(99)], batch());
    assert_eq!((out.len(), out[0].rows()), (1, 0));
    assert_eq!(out[0].resets, [Reset { before: 0, key: 0 }]);

    let mut without = batch();
    without.resets.clear();
    assert!(run(&[above(99)], without).0.is_empty());
}

#[test]
fn append_and_project_see_each_other() {
    let wide =
        schema_of([("name", AttrType::String), ("v", AttrType::Long), ("w", AttrType::Long)]);
    let append = HandlerSpec::Append {
        name: "f".into(),
        columns: vec![column(1, AttrType::Long)],
        schema: wide,
    };
    let project = HandlerSpec::Project {
        columns: vec![2, 0],
        schema: schema_of([("w", AttrType::Long), ("name", AttrType::String)]),
    };
    let (out, _) = run(&[append, project], batch());
    let types: Vec<_> = out[0].columns.columns().iter().map(|c| c.data_type().clone()).collect();
    assert_eq!(types, [DataType::Int64, DataType::Utf8View]);
    let w: Vec<_> = out[0].columns.column(0).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(w, [Some(1), Some(2), Some(3), None]);
    assert_eq!(out[0].columns.schema().field(0).name(), "w");
    assert_eq!(out[0].resets.len(), 1);
}

#[test]
fn log_writes_a_line_per_row_and_passes_all() {
    let log = |message: Option<TypedExpr>, event| {
        let (priority, prefix) = ("warn".into(), "App: ".into());
        HandlerSpec::Log(LogSpec { priority, message, event, prefix })
    };
    let hello = Some(literal("hello", AttrType::String));
    let (out, lines) = run(&[log(hello.clone(), true)], batch());
    assert_eq!(names(&out[0]), ["a", "b", "c", "d"]);
    let line = "WARN App: hello, Event{timestamp=991, data=[b, 2], isExpired=true}";
    assert_eq!(lines[1], line);
    assert_eq!(lines[3], "WARN App: hello, Event{timestamp=993, data=[d, null], isExpired=false}");

    let (_, lines) = run(&[log(hello, false)], batch());
    assert_eq!(lines, ["WARN App: hello"; 4]);
    let (_, lines) = run(&[log(None, false)], batch());
    assert_eq!(lines[0], "WARN App: Event Arrived");
    let (_, lines) = run(&[log(None, true)], batch());
    assert_eq!(lines[0], "WARN App: Event{timestamp=990, data=[a, 1], isExpired=false}");

    let message = Some(column(1, AttrType::Long));
    let (_, lines) = run(&[log(message.clone(), false)], batch());
    assert_eq!((lines[0].as_str(), lines[3].as_str()), ("WARN App: 1", "WARN App: null"));

    let off = LogSpec { priority: "OFF".into(), message, event: true, prefix: String::new() };
    assert!(run(&[HandlerSpec::Log(off)], batch()).1.is_empty());
}

#[test]
fn a_window_in_the_chain_holds_what_the_filter_let_through() {
    let call = WindowCall {
        spec: &crate::window::length::SPEC,
        args: vec![WindowArg::Const {
            value: Value::Int(1),
            ty: AttrType::Int,
            span: Span::default(),
        }],
        span: Span::default(),
    };
    let window = HandlerSpec::Window { call, schema: schema(), expired: true };
    let mut input = batch();
    (input.kinds, input.resets) = (None, vec![]);
    let (out, _) = run(&[above(0), window, above(1)], input);
    assert_eq!(names(&out[0]), ["b", "b", "c"]);
    let kinds: Vec<_> = (0..3).map(|i| out[0].kind(i)).collect();
    assert_eq!(kinds, [Kind::Current, Kind::Expired, Kind::Current]);
}
