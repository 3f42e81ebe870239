//! `createSet` and `sizeOfSet`: sets as object values.

use std::sync::Arc;

use super::{Calls, Eval, FunctionSpec, Kernel, Scalar, Site, no_overload};
use crate::event::{Value, object};
use crate::lang::ast::AttrType;

/// `createSet(x)`.
pub static CREATE_SET: FunctionSpec = FunctionSpec {
    name: "createSet",
    namespace: None,
    signature: "createSet(x string|int|long|float|double|bool) -> object",
    doc: "A set that holds the one value (which may be null).",
    example: "define stream Trades (symbol string, price float);\n\
              from Trades select createSet(symbol) as symbols insert into Out;",
    returns: |args| match args {
        [x] if x.ty != AttrType::Object => Ok(AttrType::Object),
        _ => Err(no_overload("createSet", args)),
    },
    volatile: false,
    eval: Eval::Calls(Calls { kernel: create, columns: None }),
};

/// `sizeOfSet(set)`.
pub static SIZE_OF_SET: FunctionSpec = FunctionSpec {
    name: "sizeOfSet",
    namespace: None,
    signature: "sizeOfSet(set object) -> int",
    doc: "The number of elements of a set; 0 for null, null for an object that is not a set.",
    example: "define stream Trades (symbol string, price float);\n\
              from Trades select sizeOfSet(createSet(symbol)) as n insert into Out;",
    returns: |args| match args {
        [x] if x.ty == AttrType::Object => Ok(AttrType::Int),
        _ => Err(no_overload("sizeOfSet", args)),
    },
    volatile: false,
    eval: Eval::Calls(Calls { kernel: size, columns: None }),
};

fn create(_: &Site<'_>) -> Kernel {
    Kernel::Object(Arc::new(|args, out| {
        let item = args.first().map(Scalar::to_value).unwrap_or_default();
        out.extend_from_slice(&object::encode(&Value::Set(vec![item])));
        true
    }))
}

fn size(_: &Site<'_>) -> Kernel {
    Kernel::Int(Arc::new(|args| match args.first().map(Scalar::to_value) {
        None | Some(Value::Null) => Some(0),
        // A set of more than i32::MAX elements would not have fitted a value.
        Some(Value::Set(items)) => i32::try_from(items.len()).ok(),
        Some(_) => None,
    }))
}
