//! [`Value`]: one attribute value, for the edges (sending single rows, tests, text). Never on hot
//! paths.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::object;

/// One attribute value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// 32-bit integer.
    Int(i32),
    /// 64-bit integer.
    Long(i64),
    /// 32-bit float.
    Float(f32),
    /// 64-bit float.
    Double(f64),
    /// Boolean.
    Bool(bool),
    /// Text.
    String(CompactString),
    /// A set in insertion order (`createSet`, `unionSet`).
    Set(Vec<Value>),
    /// A list (all values of a count state).
    List(Vec<Value>),
    /// A map: entries in the order in which their keys came in, each key once.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// The value in row `row` of `array` (one of the engine's column types).
    pub fn from_array(array: &dyn Array, row: usize) -> Value {
        if array.is_null(row) {
            return Value::Null;
        }
        match array.data_type() {
            DataType::Int32 => Value::Int(array.as_primitive::<Int32Type>().value(row)),
            DataType::Int64 => Value::Long(array.as_primitive::<Int64Type>().value(row)),
            DataType::Float32 => Value::Float(array.as_primitive::<Float32Type>().value(row)),
            DataType::Float64 => Value::Double(array.as_primitive::<Float64Type>().value(row)),
            DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
            DataType::Utf8View => Value::String(array.as_string_view().value(row).into()),
            DataType::BinaryView => object::decode(array.as_binary_view().value(row)),
            _ => Value::Null,
        }
    }

    /// An array of the engine's type `ty` from values. A value of another type becomes null (the
    /// edges check types before they come here).
    pub fn to_array<'a>(ty: &DataType, values: impl Iterator<Item = &'a Value>) -> ArrayRef {
        use arrow::array::{
            BinaryViewBuilder, BooleanBuilder, PrimitiveBuilder, StringViewBuilder,
        };
        use std::sync::Arc;
        macro_rules! primitive {
            ($t:ty, $v:ident) => {{
                let mut b = PrimitiveBuilder::<$t>::new();
                for v in values {
                    match v {
                        Value::$v(x) => b.append_value(*x),
                        _ => b.append_null(),
                    }
                }
                Arc::new(b.finish())
            }};
        }
        match ty {
            DataType::Int32 => primitive!(Int32Type, Int),
            DataType::Int64 => primitive!(Int64Type, Long),
            DataType::Float32 => primitive!(Float32Type, Float),
            DataType::Float64 => primitive!(Float64Type, Double),
            DataType::Boolean => {
                let mut b = BooleanBuilder::new();
                for v in values {
                    match v {
                        Value::Bool(x) => b.append_value(*x),
                        _ => b.append_null(),
                    }
                }
                Arc::new(b.finish())
            }
            DataType::Utf8View => {
                let mut b = StringViewBuilder::new();
                for v in values {
                    match v {
                        Value::String(x) => b.append_value(x),
                        _ => b.append_null(),
                    }
                }
                Arc::new(b.finish())
            }
            _ => {
                let mut b = BinaryViewBuilder::new();
                for v in values {
                    match v {
                        Value::Null => b.append_null(),
                        v => b.append_value(object::encode(v)),
                    }
                }
                Arc::new(b.finish())
            }
        }
    }
}

impl From<i32> for Value {
    fn from(v: i32) -> Self {
        Value::Int(v)
    }
}
impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Value::Long(v)
    }
}
impl From<f32> for Value {
    fn from(v: f32) -> Self {
        Value::Float(v)
    }
}
impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Value::Double(v)
    }
}
impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Value::Bool(v)
    }
}
impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Value::String(v.into())
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Value::String(v.into())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Value::Null, Into::into)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |f: &mut std::fmt::Formatter<'_>, items: &[Value]| {
            f.write_str("[")?;
            for (i, v) in items.iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                write!(f, "{v}")?;
            }
            f.write_str("]")
        };
        match self {
            Value::Null => f.write_str("null"),
            Value::Int(v) => write!(f, "{v}"),
            Value::Long(v) => write!(f, "{v}"),
            Value::Float(v) => write!(f, "{v:?}"),
            Value::Double(v) => write!(f, "{v:?}"),
            Value::Bool(v) => write!(f, "{v}"),
            Value::String(v) => f.write_str(v),
            Value::Set(items) | Value::List(items) => list(f, items),
            Value::Map(entries) => {
                f.write_str("{")?;
                for (i, (k, v)) in entries.iter().enumerate() {
                    write!(f, "{}{k}={v}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}
