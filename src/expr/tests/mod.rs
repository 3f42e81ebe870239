//! Tests of the expression layer: text in, text out. Every value is computed four ways (columnar and
//! by row, over a batch and over stored rows, alone and among other rows), which must agree.

mod agreement;
mod binding;
mod functions;
mod operators;
mod random;
mod rows;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};

use super::functions::{FunctionSpec, java};
use super::types::{arrow_type, attr_type, schema_of};
use super::*;
use crate::error::{Code, Diagnostic, Span};
use crate::event::{EventBatch, RowStore, Value, object};
use crate::lang::ast::{AttrRef, AttrType, Call};
use crate::lang::parse::parse_expression;

/// One attribute of each type, twice.
pub fn schema() -> SchemaRef {
    use AttrType::*;
    schema_of([
        ("i", Int),
        ("j", Int),
        ("l", Long),
        ("m", Long),
        ("f", Float),
        ("g", Float),
        ("d", Double),
        ("e", Double),
        ("s", String),
        ("t", String),
        ("b", Bool),
        ("c", Bool),
        ("o", Object),
        ("p", Object),
    ])
}

/// Attributes of one input, and of `e1`, which is row 1 with the same attributes.
pub struct TestScope(pub SchemaRef);

impl Scope for TestScope {
    fn attribute(&mut self, name: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let source = match &name.source {
            None => 0,
            Some(s) if s.name.name == "e1" => 1,
            Some(s) => {
                let message = format!("there is no input `{}`", s.name.name);
                return Err(Diagnostic::error(Code::Name, s.name.at(), message));
            }
        };
        match self.0.index_of(&name.name.name) {
            Ok(c) => {
                let ty = attr_type(self.0.field(c).data_type()).expect("an engine type");
                Ok(TypedExpr::column(source, c as u16, ty, name.span.0))
            }
            Err(_) => {
                let message = format!("there is no attribute `{}`", name.name.name);
                Err(Diagnostic::error(Code::Name, name.span.0, message))
            }
        }
    }

    fn event(&mut self, name: &AttrRef) -> Option<TypedExpr> {
        (name.source.is_none() && name.name.name == "e1").then(|| TypedExpr {
            kind: TypedKind::IsMissing(1),
            ty: AttrType::Bool,
            span: name.span.0,
        })
    }

    fn event_time(&mut self, event: Option<&AttrRef>, at: Span) -> Result<TypedExpr, Diagnostic> {
        let source = match event {
            None => 0,
            Some(e) if e.name.name == "e1" => 1,
            Some(e) => {
                let message = format!("`{}` is not an event", e.name.name);
                return Err(Diagnostic::error(Code::Name, e.span.0, message));
            }
        };
        Ok(TypedExpr { kind: TypedKind::EventTime(source), ty: AttrType::Long, span: at })
    }

    fn call(&mut self, call: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>> {
        // Stands for an aggregator.
        (call.name.name == "sum").then(|| Ok(TypedExpr::literal(Value::Long(0), call.span.0)))
    }

    fn function(&self, namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec> {
        crate::registry::function(namespace, name)
    }

    fn function_names(&self) -> Vec<String> {
        crate::registry::FUNCTIONS.iter().map(|f| f.full_name()).collect()
    }

    fn star(&mut self, at: Span) -> Result<Vec<TypedExpr>, Diagnostic> {
        // The ints, so that `maximum(*)` has something to do.
        Ok((0..2).map(|c| TypedExpr::column(0, c, AttrType::Int, at)).collect())
    }
}

/// Binds a text, or gives its findings.
pub fn try_bind(text: &str) -> Result<TypedExpr, Vec<Diagnostic>> {
    let tree = parse_expression(text).into_result().expect("the text parses");
    bind(&tree, &mut TestScope(schema()))
}

/// Binds a text that is right.
pub fn bound(text: &str) -> TypedExpr {
    try_bind(text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// Reads `name=value` pairs; attributes that are not named are null. Objects are written as a value
/// of their own type, e.g. `o=5L`, `o='x'`.
pub fn row(text: &str) -> Vec<Value> {
    let schema = schema();
    let mut values = vec![Value::Null; schema.fields().len()];
    for pair in text.split_whitespace() {
        let (name, value) = pair.split_once('=').expect("name=value");
        let c = schema.index_of(name).expect("a known attribute");
        let ty = attr_type(schema.field(c).data_type()).expect("an engine type");
        values[c] = if value == "null" { Value::Null } else { value_of(ty, value) };
    }
    values
}

fn value_of(ty: AttrType, text: &str) -> Value {
    match ty {
        AttrType::Int => Value::Int(text.parse().expect("an int")),
        AttrType::Long => Value::Long(text.parse().expect("a long")),
        AttrType::Float => Value::Float(text.parse().expect("a float")),
        AttrType::Double => Value::Double(text.parse().expect("a double")),
        AttrType::Bool => Value::Bool(text.parse().expect("a bool")),
        AttrType::String => text.into(),
        AttrType::Object if text == "[]" => Value::Set(vec![]),
        AttrType::Object => match bound(text).kind {
            TypedKind::Literal(v) => v,
            other => panic!("{other:?} is no literal"),
        },
    }
}

/// A column of values; objects are encoded.
pub fn column(ty: AttrType, values: &[Value]) -> ArrayRef {
    if ty != AttrType::Object {
        return Value::to_array(&arrow_type(ty), values.iter());
    }
    let bytes: Vec<Option<Vec<u8>>> =
        values.iter().map(|v| (*v != Value::Null).then(|| object::encode(v))).collect();
    let bytes = bytes.iter().map(Option::as_deref);
    Arc::new(bytes.collect::<arrow::array::BinaryViewArray>())
}

/// Time, clock and order of row `i` in the batches tests make.
pub fn hidden(i: usize) -> (i64, i64, u64) {
    (1_000 + 10 * i as i64, 2_000 + 10 * i as i64, 2 * i as u64 + 1)
}

/// A batch of rows of [`schema`].
pub fn batch(rows: &[Vec<Value>]) -> EventBatch {
    let schema = schema();
    let columns = schema.fields().iter().enumerate().map(|(c, field)| {
        let ty = attr_type(field.data_type()).expect("an engine type");
        column(ty, &rows.iter().map(|r| r[c].clone()).collect::<Vec<_>>())
    });
    let columns = RecordBatch::try_new(Arc::clone(&schema), columns.collect()).expect("a batch");
    let each = 0..rows.len();
    EventBatch::new(
        columns,
        each.clone().map(|i| hidden(i).0).collect(),
        each.clone().map(|i| hidden(i).1).collect(),
        each.map(|i| hidden(i).2).collect(),
    )
}

/// The same rows in a store; row `i` in slot `i`.
pub fn stored(batch: &EventBatch) -> RowStore {
    let mut store = RowStore::new(batch.columns.schema()).expect("engine types");
    for row in 0..batch.rows() {
        store.insert(&batch.columns, row, batch.ts[row]);
    }
    store
}

/// Equal bit by bit, except that every `NaN` is one.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => {
            a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
        }
        (Value::Double(a), Value::Double(b)) => {
            a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
        }
        (Value::Set(a), Value::Set(b)) | (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (a, b) => a == b,
    }
}

/// Checks that all ways of evaluation agree on every row, and gives the values.
pub fn agreed(expr: &TypedExpr, batch: &EventBatch) -> Vec<Value> {
    let columnar = ColumnarExpr::compile(expr, &schema()).expect("compiles");
    let array = columnar.evaluate_columns(batch).expect("evaluates");
    assert_eq!(array.len(), batch.rows());
    let few = columnar.evaluate(batch).expect("evaluates");
    assert_eq!((few.len(), few.data_type()), (array.len(), array.data_type()));
    assert_eq!(*array.data_type(), arrow_type(expr.ty), "{expr:?}");
    let by_row = RowExpr::compile(expr);
    let store = stored(batch);
    let shown = || describe(expr, &*schema()).to_string();
    let mut values = vec![];
    for row in 0..batch.rows() {
        let value = Value::from_array(array.as_ref(), row);
        let in_few = Value::from_array(few.as_ref(), row);
        assert!(same(&value, &in_few), "{}: {value:?}, of few {in_few:?}", shown());
        let (clock, order) = (batch.at[row], batch.order[row]);
        let in_batch = [RowRef::Batch { batch, row }];
        let in_store = [RowRef::Stored { store: &store, slot: row as u32 }];
        for rows in [&in_batch, &in_store] {
            let context = RowContext { rows, clock, order };
            let other = by_row.value(&context);
            assert!(same(&value, &other), "{}: {value:?} and {other:?}", shown());
            if expr.ty == AttrType::Bool {
                assert_eq!(by_row.test(&context), value == Value::Bool(true), "{}", shown());
            }
        }
        values.push(value);
    }
    if expr.ty == AttrType::Bool {
        let mask = columnar.mask(batch).expect("a mask");
        let truths: Vec<bool> = values.iter().map(|v| *v == Value::Bool(true)).collect();
        assert_eq!(mask.values().iter().collect::<Vec<_>>(), truths);
        let by_kernel = columnar.truths_of_columns(batch).expect("truths");
        assert_eq!(mask.values(), &by_kernel.bits(batch.rows()));
    }
    values
}

/// The value of `text` for a row, written as a literal.
pub fn eval(text: &str, values: &str) -> String {
    let expr = bound(text);
    let alone = agreed(&expr, &batch(&[row(values)]));
    let rows = [row(""), row(values), row("i=1 l=1 f=1 d=1 s=x b=true o=1")];
    let among = agreed(&expr, &batch(&rows));
    if expr.is_pure() {
        assert!(same(&alone[0], &among[1]), "{text}: {alone:?} alone, {among:?} among others");
    }
    let mut out = String::new();
    java::write_value(&mut out, &alone[0]);
    out
}

/// Checks `(expression, row, value)` by line: `expression | row | value`.
pub fn table(lines: &str) {
    for line in lines.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let [text, values, expected] = line.split('|').map(str::trim).collect::<Vec<_>>()[..]
        else {
            panic!("three columns: {line}");
        };
        assert_eq!(eval(text, values), expected, "{line}");
    }
}

/// The schema as names for [`describe`].
pub fn names() -> Arc<Schema> {
    schema()
}
