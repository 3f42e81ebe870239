//! `instanceOfBoolean`, … `instanceOfString`: tests of a value's class. They matter for objects;
//! everything else has the class of its type or is null.

use std::sync::Arc;

use arrow::compute::is_not_null;
use datafusion_common::ScalarValue;
use datafusion_expr::ColumnarValue;

use super::{Arg, Calls, Eval, FunctionSpec, Kernel, Scalar, Site, no_overload};
use crate::error::Result;
use crate::event::{Value, object};
use crate::lang::ast::AttrType;

macro_rules! instance_of {
    ($spec:ident, $name:literal, $ty:ident, $text:literal) => {
        #[doc = concat!("`", $name, "(x)`.")]
        pub static $spec: FunctionSpec = FunctionSpec {
            name: $name,
            namespace: None,
            signature: concat!($name, "(x any) -> bool"),
            doc: concat!("Whether the value is a ", $text, "; false for null."),
            example: concat!(
                "define stream Readings (id string, value object);\n",
                "from Readings select id, ",
                $name,
                "(value) as fits insert into Out;"
            ),
            returns: |args| one_argument($name, args),
            volatile: false,
            eval: Eval::Calls(Calls {
                kernel: |_| kernel(AttrType::$ty),
                columns: Some(|site, args, _| columns(AttrType::$ty, site, args)),
            }),
        };
    };
}

instance_of!(INSTANCE_OF_BOOLEAN, "instanceOfBoolean", Bool, "bool");
instance_of!(INSTANCE_OF_DOUBLE, "instanceOfDouble", Double, "double");
instance_of!(INSTANCE_OF_FLOAT, "instanceOfFloat", Float, "float");
instance_of!(INSTANCE_OF_INTEGER, "instanceOfInteger", Int, "int");
instance_of!(INSTANCE_OF_LONG, "instanceOfLong", Long, "long");
instance_of!(INSTANCE_OF_STRING, "instanceOfString", String, "string");

fn one_argument(name: &str, args: &[Arg<'_>]) -> std::result::Result<AttrType, String> {
    if args.len() == 1 { Ok(AttrType::Bool) } else { Err(no_overload(name, args)) }
}

fn kernel(class: AttrType) -> Kernel {
    Kernel::Bool(Arc::new(move |args| Some(args.first().is_some_and(|x| is_a(x, class)))))
}

fn is_a(x: &Scalar<'_>, class: AttrType) -> bool {
    match x {
        Scalar::Null => false,
        Scalar::Int(_) => class == AttrType::Int,
        Scalar::Long(_) => class == AttrType::Long,
        Scalar::Float(_) => class == AttrType::Float,
        Scalar::Double(_) => class == AttrType::Double,
        Scalar::Bool(_) => class == AttrType::Bool,
        Scalar::Str(_) => class == AttrType::String,
        Scalar::Object(bytes) => match object::decode(bytes) {
            Value::Null | Value::Set(_) | Value::List(_) | Value::Map(_) => false,
            plain => is_a(&Scalar::of(&plain), class),
        },
    }
}

fn columns(
    class: AttrType,
    site: &Site<'_>,
    args: &[ColumnarValue],
) -> Result<Option<ColumnarValue>> {
    let (Some(arg), Some(value)) = (site.args.first(), args.first()) else { return Ok(None) };
    Ok(match value {
        _ if arg.ty == AttrType::Object => None,
        _ if arg.ty != class => Some(ColumnarValue::Scalar(ScalarValue::Boolean(Some(false)))),
        ColumnarValue::Array(a) => Some(ColumnarValue::Array(Arc::new(is_not_null(a)?))),
        ColumnarValue::Scalar(_) => None,
    })
}
