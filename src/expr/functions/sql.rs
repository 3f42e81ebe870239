//! `sql:…`: the scalar functions of DataFusion (the feature `sql`).
//!
//! Types are ours on both sides: arguments are coerced as in SQL, results come back as the nearest
//! type SiddhiQL has (points in time as ms since the epoch). Only immutable functions are there: a
//! result depends on nothing but the arguments. Where a call fails for a row, the row's result is null.
//!
//! [`FunctionSpec`]s are made once per process and never go away: they stand for code.

use std::sync::{Arc, OnceLock};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result as Done, ScalarValue};
use datafusion_expr::type_coercion::functions::fields_with_udf;
use datafusion_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, Volatility};

use super::{Arg, Calls, Eval, FunctionSpec, Kernel, Scalar, Site, type_list};
use crate::error::Result;
use crate::event::Value;
use crate::expr::types::arrow_type;
use crate::lang::ast::AttrType;

/// The namespace.
pub const NAMESPACE: &str = "sql";

struct Function {
    spec: &'static FunctionSpec,
    udf: Arc<ScalarUDF>,
}

fn all() -> &'static [Function] {
    static ALL: OnceLock<Vec<Function>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut functions: Vec<Function> = datafusion_functions::all_default_functions()
            .into_iter()
            .filter(|udf| udf.signature().volatility == Volatility::Immutable)
            .map(|udf| Function { spec: Box::leak(Box::new(spec(&udf))), udf })
            .collect();
        functions.sort_by_key(|f| f.spec.name);
        functions.dedup_by_key(|f| f.spec.name);
        functions
    })
}

/// All functions, by name.
pub fn functions() -> impl Iterator<Item = &'static FunctionSpec> {
    all().iter().map(|f| f.spec)
}

fn find(name: &str) -> Option<&'static Arc<ScalarUDF>> {
    let all = all();
    all.binary_search_by_key(&name, |f| f.spec.name).ok().map(|i| &all[i].udf)
}

fn spec(udf: &ScalarUDF) -> FunctionSpec {
    let keep = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let told = udf.documentation();
    let syntax = told.map_or_else(|| format!("{}(...)", udf.name()), |d| d.syntax_example.clone());
    let doc = told.map_or("A function of DataFusion.".into(), |d| d.description.trim().to_string());
    FunctionSpec {
        name: keep(udf.name().to_string()),
        namespace: Some(NAMESPACE),
        signature: keep(format!("{NAMESPACE}:{syntax}")),
        doc: keep(doc),
        example: "",
        // `returns` below is asked instead, which is told the name.
        returns: |args| Err(format!("a function of SQL does not take {}", type_list(args))),
        volatile: false,
        eval: Eval::Calls(Calls { kernel, columns: Some(columns) }),
    }
}

/// The result type of the function of that name.
pub fn returns(name: &str, args: &[Arg<'_>]) -> std::result::Result<AttrType, String> {
    let refuse = || format!("`{NAMESPACE}:{name}` does not take {}", type_list(args));
    let udf = find(name).ok_or_else(refuse)?;
    let call = Call::new(udf, args).map_err(|_| refuse())?;
    ours(call.returns.data_type()).ok_or_else(|| {
        format!(
            "`{NAMESPACE}:{name}` gives {}, which no attribute can hold",
            call.returns.data_type()
        )
    })
}

/// The type of ours for a value of DataFusion's.
fn ours(ty: &DataType) -> Option<AttrType> {
    use DataType as T;
    Some(match ty {
        T::Int8 | T::Int16 | T::Int32 | T::UInt8 | T::UInt16 => AttrType::Int,
        T::Int64 | T::UInt32 | T::UInt64 | T::Timestamp(_, _) | T::Date32 | T::Date64 => {
            AttrType::Long
        }
        T::Float16 | T::Float32 => AttrType::Float,
        T::Float64 | T::Decimal128(_, _) | T::Decimal256(_, _) => AttrType::Double,
        T::Utf8 | T::LargeUtf8 | T::Utf8View => AttrType::String,
        T::Boolean => AttrType::Bool,
        _ => return None,
    })
}

/// A value of DataFusion's as one of ours.
fn back(value: &ColumnarValue, ty: AttrType) -> Done<ColumnarValue> {
    let moment = matches!(
        value.data_type(),
        DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64
    );
    if moment {
        let ms = value.cast_to(&DataType::Timestamp(TimeUnit::Millisecond, None), None)?;
        return ms.cast_to(&DataType::Int64, None);
    }
    value.cast_to(&arrow_type(ty), None)
}

/// A call whose types are known.
#[derive(Clone)]
struct Call {
    udf: Arc<ScalarUDF>,
    fields: Vec<FieldRef>,
    returns: FieldRef,
    options: Arc<ConfigOptions>,
}

impl Call {
    fn new(udf: &Arc<ScalarUDF>, args: &[Arg<'_>]) -> Done<Self> {
        let field = |a: &Arg<'_>| Arc::new(Field::new("arg", arrow_type(a.ty), true));
        let given: Vec<FieldRef> = args.iter().map(field).collect();
        let fields = fields_with_udf(&given, udf.as_ref())?;
        let constants = args
            .iter()
            .zip(&fields)
            .map(|(a, f)| a.constant.and_then(scalar).map(|v| v.cast_to(f.data_type())).transpose())
            .collect::<Done<Vec<Option<ScalarValue>>>>()?;
        let scalar_arguments: Vec<Option<&ScalarValue>> =
            constants.iter().map(Option::as_ref).collect();
        let returns = udf.return_field_from_args(ReturnFieldArgs {
            arg_fields: &fields,
            scalar_arguments: &scalar_arguments,
        })?;
        Ok(Self { udf: Arc::clone(udf), fields, returns, options: Arc::default() })
    }

    fn of(site: &Site<'_>) -> Option<Self> {
        Call::new(find(site.name)?, site.args).ok()
    }

    fn invoke(&self, args: &[ColumnarValue], rows: usize, ty: AttrType) -> Done<ColumnarValue> {
        let args = args
            .iter()
            .zip(&self.fields)
            .map(|(a, f)| a.cast_to(f.data_type(), None))
            .collect::<Done<Vec<_>>>()?;
        let result = self.udf.invoke_with_args(ScalarFunctionArgs {
            args,
            arg_fields: self.fields.clone(),
            number_rows: rows,
            return_field: Arc::clone(&self.returns),
            config_options: Arc::clone(&self.options),
        })?;
        back(&result, ty)
    }

    /// The result of one row; null if it has none.
    fn row(&self, args: &[Scalar<'_>], ty: AttrType) -> Value {
        let null =
            |f: &FieldRef| ScalarValue::try_new_null(f.data_type()).unwrap_or(ScalarValue::Null);
        let args: Vec<ColumnarValue> = args
            .iter()
            .zip(&self.fields)
            .map(|(a, f)| ColumnarValue::Scalar(scalar(&a.to_value()).unwrap_or_else(|| null(f))))
            .collect();
        let array = self.invoke(&args, 1, ty).and_then(|v| v.into_array(1));
        array.map_or(Value::Null, |a: ArrayRef| Value::from_array(a.as_ref(), 0))
    }
}

fn scalar(value: &Value) -> Option<ScalarValue> {
    Some(match value {
        Value::Int(v) => ScalarValue::Int32(Some(*v)),
        Value::Long(v) => ScalarValue::Int64(Some(*v)),
        Value::Float(v) => ScalarValue::Float32(Some(*v)),
        Value::Double(v) => ScalarValue::Float64(Some(*v)),
        Value::Bool(v) => ScalarValue::Boolean(Some(*v)),
        Value::String(v) => ScalarValue::Utf8View(Some(v.to_string())),
        Value::Null | Value::Set(_) | Value::List(_) | Value::Map(_) => return None,
    })
}

/// Whole columns; none where a row can't be computed, so that the kernel finds out which.
fn columns(site: &Site<'_>, args: &[ColumnarValue], rows: usize) -> Result<Option<ColumnarValue>> {
    let Some(call) = Call::of(site) else { return Ok(None) };
    Ok(call.invoke(args, rows, site.returns).ok())
}

fn kernel(site: &Site<'_>) -> Kernel {
    let (call, ty) = (Call::of(site), site.returns);
    let row = move |args: &[Scalar<'_>]| call.as_ref().map_or(Value::Null, |c| c.row(args, ty));
    macro_rules! primitive {
        ($kind:ident) => {
            Kernel::$kind(Arc::new(move |args| match row(args) {
                Value::$kind(v) => Some(v),
                _ => None,
            }))
        };
    }
    match ty {
        AttrType::Int => primitive!(Int),
        AttrType::Long => primitive!(Long),
        AttrType::Float => primitive!(Float),
        AttrType::Double => primitive!(Double),
        AttrType::Bool => primitive!(Bool),
        AttrType::String | AttrType::Object => {
            Kernel::Str(Arc::new(move |args, out| match row(args) {
                Value::String(s) => {
                    out.push_str(&s);
                    true
                }
                _ => false,
            }))
        }
    }
}
