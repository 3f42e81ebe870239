//! Scalar functions over columns: whole arrays where the function can, else its kernel in a loop.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryViewArray, BinaryViewBuilder, BooleanArray,
    BooleanBuilder, Float32Array, Float64Array, Int32Array, Int64Array, PrimitiveBuilder,
    RecordBatch, StringViewArray, StringViewBuilder,
};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, Schema};
use datafusion_common::{DataFusionError, Result, ScalarValue};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;

use crate::error::Span;
use crate::event::Value;
use crate::expr::bind::arguments;
use crate::expr::functions::{
    Arg, BufferKernel, Calls, FunctionSpec, Kernel, Scalar, ScalarKernel, Site,
};
use crate::expr::tree::TypedExpr;
use crate::expr::types::arrow_type;
use crate::lang::ast::AttrType;

/// A call of a function made of a kernel.
#[derive(Clone)]
pub(super) struct CallNode {
    function: &'static FunctionSpec,
    calls: &'static Calls,
    kernel: Kernel,
    /// What is known of the declared arguments.
    known: Vec<(AttrType, Option<Value>)>,
    /// The arguments; for a volatile function the hidden ones follow.
    args: Vec<Arc<dyn PhysicalExpr>>,
    returns: AttrType,
    span: Span,
}

impl CallNode {
    pub(super) fn new(
        function: &'static FunctionSpec,
        calls: &'static Calls,
        args: &[TypedExpr],
        lowered: Vec<Arc<dyn PhysicalExpr>>,
        call: &TypedExpr,
    ) -> Self {
        let args = arguments(args);
        let (name, returns, span) = (function.name, call.ty, call.span);
        let kernel = (calls.kernel)(&Site { name, args: &args, returns, span });
        let known = args.iter().map(|a| (a.ty, a.constant.cloned())).collect();
        Self { function, calls, kernel, known, args: lowered, returns, span }
    }
}

impl fmt::Debug for CallNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CallNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function.full_name())?;
        for (i, arg) in self.args.iter().take(self.known.len()).enumerate() {
            write!(f, "{}{arg}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str(")")
    }
}

impl PartialEq for CallNode {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.function, other.function)
            && self.span == other.span
            && self.returns == other.returns
            && self.args == other.args
    }
}

impl Eq for CallNode {}

impl Hash for CallNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
        self.span.hash(state);
        self.args.hash(state);
    }
}

impl PhysicalExpr for CallNode {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(arrow_type(self.returns))
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let args = self.args.iter().map(|a| a.evaluate(batch)).collect::<Result<Vec<_>>>()?;
        if let Some(columns) = self.calls.columns {
            let known: Vec<Arg<'_>> = self
                .known
                .iter()
                .map(|(ty, constant)| Arg { ty: *ty, constant: constant.as_ref() })
                .collect();
            let (name, returns, span) = (self.function.name, self.returns, self.span);
            let site = Site { name, args: &known, returns, span };
            let done = columns(&site, &args, batch.num_rows())
                .map_err(|e| DataFusionError::External(Box::new(e)))?;
            if let Some(value) = done {
                return Ok(value);
            }
        }
        if args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_))) {
            let one = run(&self.kernel, &args, 1);
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?));
        }
        Ok(ColumnarValue::Array(run(&self.kernel, &args, batch.num_rows())))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.args.iter().collect()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self { args: children, ..(*self).clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }

    fn is_volatile_node(&self) -> bool {
        self.function.volatile
    }
}

/// The kernel for every row.
fn run(kernel: &Kernel, args: &[ColumnarValue], rows: usize) -> ArrayRef {
    let mut reader = Rows::new(args);
    match kernel {
        Kernel::Int(f) => primitives::<Int32Type>(f, &mut reader, rows),
        Kernel::Long(f) => primitives::<Int64Type>(f, &mut reader, rows),
        Kernel::Float(f) => primitives::<Float32Type>(f, &mut reader, rows),
        Kernel::Double(f) => primitives::<Float64Type>(f, &mut reader, rows),
        Kernel::Bool(f) => {
            let mut out = BooleanBuilder::with_capacity(rows);
            (0..rows).for_each(|row| out.append_option(f(reader.row(row))));
            Arc::new(out.finish())
        }
        Kernel::Str(f) => {
            let mut out = StringViewBuilder::with_capacity(rows);
            buffered(f, &mut reader, rows, String::clear, |v| {
                out.append_option(v.map(String::as_str));
            });
            Arc::new(out.finish())
        }
        Kernel::Object(f) => {
            let mut out = BinaryViewBuilder::with_capacity(rows);
            buffered(f, &mut reader, rows, Vec::clear, |v| {
                out.append_option(v.map(Vec::as_slice));
            });
            Arc::new(out.finish())
        }
    }
}

fn primitives<T: ArrowPrimitiveType>(
    f: &ScalarKernel<T::Native>,
    reader: &mut Rows<'_>,
    rows: usize,
) -> ArrayRef {
    let mut out = PrimitiveBuilder::<T>::with_capacity(rows);
    (0..rows).for_each(|row| out.append_option(f(reader.row(row))));
    Arc::new(out.finish())
}

fn buffered<B: Default>(
    f: &BufferKernel<B>,
    reader: &mut Rows<'_>,
    rows: usize,
    clear: impl Fn(&mut B),
    mut emit: impl FnMut(Option<&B>),
) {
    let mut buffer = B::default();
    for row in 0..rows {
        clear(&mut buffer);
        let present = f(reader.row(row), &mut buffer);
        emit(present.then_some(&buffer));
    }
}

/// The arguments of one row after the other; constants are set once.
struct Rows<'a> {
    columns: Vec<(usize, Column<'a>)>,
    values: Vec<Scalar<'a>>,
}

enum Column<'a> {
    Int(&'a Int32Array),
    Long(&'a Int64Array),
    Float(&'a Float32Array),
    Double(&'a Float64Array),
    Bool(&'a BooleanArray),
    Str(&'a StringViewArray),
    Object(&'a BinaryViewArray),
}

impl<'a> Rows<'a> {
    fn new(args: &'a [ColumnarValue]) -> Self {
        let mut columns = vec![];
        let mut values = vec![];
        for (i, arg) in args.iter().enumerate() {
            values.push(match arg {
                ColumnarValue::Scalar(s) => constant(s),
                ColumnarValue::Array(a) => {
                    // A column of a type the engine hasn't got reads as null.
                    columns.extend(Column::of(a).map(|c| (i, c)));
                    Scalar::Null
                }
            });
        }
        Self { columns, values }
    }

    #[inline]
    fn row(&mut self, row: usize) -> &[Scalar<'a>] {
        for (i, column) in &self.columns {
            self.values[*i] = column.read(row);
        }
        &self.values
    }
}

fn constant(s: &ScalarValue) -> Scalar<'_> {
    match s {
        ScalarValue::Int32(Some(v)) => Scalar::Int(*v),
        ScalarValue::Int64(Some(v)) => Scalar::Long(*v),
        ScalarValue::Float32(Some(v)) => Scalar::Float(*v),
        ScalarValue::Float64(Some(v)) => Scalar::Double(*v),
        ScalarValue::Boolean(Some(v)) => Scalar::Bool(*v),
        ScalarValue::Utf8View(Some(v)) => Scalar::Str(Cow::Borrowed(v)),
        ScalarValue::BinaryView(Some(v)) => Scalar::Object(Cow::Borrowed(v)),
        _ => Scalar::Null,
    }
}

impl<'a> Column<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Int32 => Column::Int(array.as_primitive()),
            DataType::Int64 => Column::Long(array.as_primitive()),
            DataType::Float32 => Column::Float(array.as_primitive()),
            DataType::Float64 => Column::Double(array.as_primitive()),
            DataType::Boolean => Column::Bool(array.as_boolean()),
            DataType::Utf8View => Column::Str(array.as_string_view()),
            DataType::BinaryView => Column::Object(array.as_binary_view()),
            _ => return None,
        })
    }

    #[inline]
    fn read(&self, row: usize) -> Scalar<'a> {
        macro_rules! read {
            ($array:expr, $kind:ident) => {
                if $array.is_null(row) { Scalar::Null } else { Scalar::$kind($array.value(row)) }
            };
        }
        match *self {
            Column::Int(a) => read!(a, Int),
            Column::Long(a) => read!(a, Long),
            Column::Float(a) => read!(a, Float),
            Column::Double(a) => read!(a, Double),
            Column::Bool(a) => read!(a, Bool),
            Column::Str(a) if a.is_valid(row) => Scalar::Str(Cow::Borrowed(a.value(row))),
            Column::Object(a) if a.is_valid(row) => Scalar::Object(Cow::Borrowed(a.value(row))),
            Column::Str(_) | Column::Object(_) => Scalar::Null,
        }
    }
}
