//! `cast` and `convert`: values as another type.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};
use datafusion_expr::ColumnarValue;

use super::{Arg, Calls, Eval, FunctionSpec, Kernel, Scalar, Site, java, no_overload};
use crate::error::Result;
use crate::event::{Value, object};
use crate::expr::types::is_numeric;
use crate::lang::ast::AttrType;

/// `convert(x, 'type')`.
pub static CONVERT: FunctionSpec = FunctionSpec {
    name: "convert",
    namespace: None,
    signature: "convert(x any, type const string) -> type",
    doc: "The value as `int`, `long`, `float`, `double`, `bool` or `string`. Numbers are narrowed as \
          in Java (fractions dropped, floating point held at the limits, long to int keeping the low \
          bits); true is 1; a number is true if it is 1; a text is true if it says `true`; a text \
          that is no number, and null, are null. Objects become strings only.",
    example: "define stream Rooms (room int, temp double);\n\
              from Rooms select convert(room, 'string') as room, convert(temp, 'int') as degrees \
              insert into Out;",
    returns: |args| match args {
        [x, _] => match target("convert", args)? {
            ty if x.ty == AttrType::Object && ty != AttrType::String => {
                Err(format!("`convert` turns an object into a string only, not into {ty}"))
            }
            ty => Ok(ty),
        },
        _ => Err(no_overload("convert", args)),
    },
    volatile: false,
    eval: Eval::Calls(Calls { kernel: |site| kernel(site.returns), columns: Some(columns) }),
};

/// `cast(x, 'type')`.
///
/// In Siddhi the value itself is left alone and only called by another type, except that an int called
/// a long becomes one. A column here has the type of its values, so a value whose type is known keeps
/// it; an object is taken for what it is called, and null if it holds something else.
pub static CAST: FunctionSpec = FunctionSpec {
    name: "cast",
    namespace: None,
    signature: "cast(x any, type const string) -> type of x, or type if x is an object",
    doc: "An object as the `int`, `long`, `float`, `double`, `bool` or `string` it holds (numbers of \
          another type are narrowed or widened to it); one that holds something else, and null, are \
          null. An int becomes a long; any other value stays as it is: to change a value's type use \
          `convert`.",
    example: "define stream Readings (id string, value object);\n\
              from Readings select id, cast(value, 'double') as value insert into Out;",
    returns: |args| match args {
        [x, _] => Ok(match (x.ty, target("cast", args)?) {
            (AttrType::Object, ty) => ty,
            (AttrType::Int, AttrType::Long) => AttrType::Long,
            (ty, _) => ty,
        }),
        _ => Err(no_overload("cast", args)),
    },
    volatile: false,
    eval: Eval::Calls(Calls { kernel: cast_kernel, columns: Some(columns) }),
};

/// The type the second argument names.
fn target(name: &str, args: &[Arg<'_>]) -> std::result::Result<AttrType, String> {
    let [_, ty] = args else { return Err(no_overload(name, args)) };
    if ty.ty != AttrType::String {
        return Err(no_overload(name, args));
    }
    let Some(Value::String(text)) = ty.constant else {
        return Err(format!("the second argument of `{name}` must be a constant string"));
    };
    let known = [AttrType::Int, AttrType::Long, AttrType::Float, AttrType::Double, AttrType::Bool]
        .into_iter()
        .chain([AttrType::String])
        .find(|ty| ty.to_string().eq_ignore_ascii_case(text));
    known.ok_or_else(|| {
        format!("`{name}` knows int, long, float, double, bool and string, not '{text}'")
    })
}

macro_rules! number {
    ($kind:ident, $t:ty, $parse:expr) => {
        Kernel::$kind(Arc::new(|args| match args.first()? {
            Scalar::Null | Scalar::Object(_) => None,
            Scalar::Int(v) => Some(*v as $t),
            Scalar::Long(v) => Some(*v as $t),
            Scalar::Float(v) => Some(*v as $t),
            Scalar::Double(v) => Some(*v as $t),
            Scalar::Bool(v) => Some(u8::from(*v) as $t),
            Scalar::Str(s) => $parse(s),
        }))
    };
}

fn kernel(to: AttrType) -> Kernel {
    match to {
        AttrType::Int => number!(Int, i32, |s: &str| s.parse().ok()),
        AttrType::Long => number!(Long, i64, |s: &str| s.parse().ok()),
        AttrType::Float => number!(Float, f32, java::parse_float),
        AttrType::Double => number!(Double, f64, java::parse_double),
        AttrType::Bool => Kernel::Bool(Arc::new(|args| match args.first()? {
            Scalar::Null | Scalar::Object(_) => None,
            Scalar::Int(v) => Some(*v == 1),
            Scalar::Long(v) => Some(*v == 1),
            Scalar::Float(v) => Some(*v == 1.0),
            Scalar::Double(v) => Some(*v == 1.0),
            Scalar::Bool(v) => Some(*v),
            Scalar::Str(s) => Some(s.eq_ignore_ascii_case("true")),
        })),
        AttrType::String | AttrType::Object => {
            Kernel::Str(Arc::new(|args, out| args.first().is_some_and(|x| write_text(x, out))))
        }
    }
}

fn write_text(x: &Scalar<'_>, out: &mut String) -> bool {
    match x {
        Scalar::Null => return false,
        Scalar::Int(v) => {
            // Writing to a string can't fail.
            let _ = write!(out, "{v}");
        }
        Scalar::Long(v) => {
            let _ = write!(out, "{v}");
        }
        Scalar::Float(v) => java::write_float(out, *v),
        Scalar::Double(v) => java::write_double(out, *v),
        Scalar::Bool(v) => out.push_str(if *v { "true" } else { "false" }),
        Scalar::Str(s) => out.push_str(s),
        Scalar::Object(bytes) => java::write_value(out, &object::decode(bytes)),
    }
    true
}

fn cast_kernel(site: &Site<'_>) -> Kernel {
    let to = site.returns;
    let convert = kernel(to);
    if site.args.first().is_none_or(|x| x.ty != AttrType::Object) {
        return convert;
    }
    macro_rules! unboxed {
        ($kind:ident, $f:ident) => {
            Kernel::$kind(Arc::new(move |args| {
                let value = unbox(args, to)?;
                $f(&[Scalar::of(&value)])
            }))
        };
    }
    match convert {
        Kernel::Int(f) => unboxed!(Int, f),
        Kernel::Long(f) => unboxed!(Long, f),
        Kernel::Float(f) => unboxed!(Float, f),
        Kernel::Double(f) => unboxed!(Double, f),
        Kernel::Bool(f) => unboxed!(Bool, f),
        Kernel::Str(f) => Kernel::Str(Arc::new(move |args, out| {
            unbox(args, to).is_some_and(|value| f(&[Scalar::of(&value)], out))
        })),
        object @ Kernel::Object(_) => object,
    }
}

/// What the object holds, if it may be called a `to`.
fn unbox(args: &[Scalar<'_>], to: AttrType) -> Option<Value> {
    let value = args.first()?.to_value();
    let fits = match &value {
        Value::Int(_) | Value::Long(_) | Value::Float(_) | Value::Double(_) => is_numeric(to),
        Value::Bool(_) => to == AttrType::Bool,
        Value::String(_) => to == AttrType::String,
        Value::Null | Value::Set(_) | Value::List(_) | Value::Map(_) => false,
    };
    fits.then_some(value)
}

/// Number to number over whole arrays; a value of the right type passes without a copy.
fn columns(site: &Site<'_>, args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    let (Some(from), Some(value)) = (site.args.first(), args.first()) else { return Ok(None) };
    if from.ty == site.returns {
        return Ok(Some(value.clone()));
    }
    let ColumnarValue::Array(array) = value else { return Ok(None) };
    macro_rules! to {
        ($from:ty, $to:ty, $t:ty) => {{
            let out: PrimitiveArray<$to> = array.as_primitive::<$from>().unary(|v| v as $t);
            Arc::new(out) as ArrayRef
        }};
    }
    macro_rules! from {
        ($from:ty) => {
            match site.returns {
                AttrType::Int => to!($from, Int32Type, i32),
                AttrType::Long => to!($from, Int64Type, i64),
                AttrType::Float => to!($from, Float32Type, f32),
                AttrType::Double => to!($from, Float64Type, f64),
                _ => return Ok(None),
            }
        };
    }
    Ok(Some(ColumnarValue::Array(match array.data_type() {
        DataType::Int32 => from!(Int32Type),
        DataType::Int64 => from!(Int64Type),
        DataType::Float32 => from!(Float32Type),
        DataType::Float64 => from!(Float64Type),
        _ => return Ok(None),
    })))
}
