//! One value as the corpus records it: with the Java class it had.

use foreshock::Value;
use serde_json::Value as Json;
use std::fmt;

/// A value with its class.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    Null,
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Bool(bool),
    Text(String),
    /// A set: the order of its elements means nothing.
    Set(Vec<Datum>),
    List(Vec<Datum>),
    /// An object of a class we have no value for.
    Opaque {
        class: String,
        text: String,
    },
}

impl Datum {
    /// Reads the corpus's encoding; `ty` is the column's type, which says how to read a bare number.
    pub fn read(json: &Json, ty: Option<&str>) -> Result<Datum, String> {
        match json {
            Json::Null => Ok(Datum::Null),
            Json::Bool(b) => Ok(Datum::Bool(*b)),
            Json::String(s) => Ok(Datum::Text(s.clone())),
            Json::Number(_) => Self::number(json, ty.unwrap_or("untyped")),
            Json::Array(_) => Err(format!("a bare array: {json}")),
            Json::Object(o) => {
                let text = |k: &str| o.get(k).and_then(Json::as_str).unwrap_or("").to_string();
                if let Some(items) = o.get("items").and_then(Json::as_array) {
                    let items =
                        items.iter().map(|v| Datum::read(v, None)).collect::<Result<_, _>>()?;
                    let set = text("c").contains("Set");
                    return Ok(if set { Datum::Set(items) } else { Datum::List(items) });
                }
                if o.contains_key("o") {
                    return Ok(Datum::Opaque { class: text("c"), text: text("o") });
                }
                let (tag, value) = o.iter().next().ok_or("an empty object")?;
                let ty = match tag.as_str() {
                    "i" => "int",
                    "l" => "long",
                    "f" => "float",
                    "d" => "double",
                    other => return Err(format!("unknown tag `{other}`")),
                };
                Self::number(value, ty)
            }
        }
    }

    fn number(json: &Json, ty: &str) -> Result<Datum, String> {
        let double = || match json.as_str() {
            Some("NaN") => Some(f64::NAN),
            Some("Infinity") => Some(f64::INFINITY),
            Some("-Infinity") => Some(f64::NEG_INFINITY),
            _ => json.as_f64(),
        };
        match ty {
            "int" => json.as_i64().and_then(|v| i32::try_from(v).ok()).map(Datum::Int),
            "long" => json.as_i64().map(Datum::Long),
            "float" => double().map(|v| Datum::Float(v as f32)),
            "double" => double().map(Datum::Double),
            // Sent for an attribute of no recorded type; the driver converts it.
            _ => json.as_i64().map(Datum::Long).or_else(|| double().map(Datum::Double)),
        }
        .ok_or_else(|| format!("{json} is no {ty}"))
    }

    /// As a number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Datum::Int(v) => Some(f64::from(*v)),
            Datum::Long(v) => Some(*v as f64),
            Datum::Float(v) => Some(f64::from(*v)),
            Datum::Double(v) => Some(*v),
            _ => None,
        }
    }

    /// Whether the engine's value `got` is this recorded value: same class, same value, doubles to
    /// 1e-9 relative, sets in any order. With `converted`, a recorded number of another class than
    /// the attribute's (the test sent it so, and Siddhi passes it through unchecked) is converted
    /// to the attribute's class first, as the driver did when it sent it.
    pub fn admits(&self, got: &Datum, converted: bool) -> bool {
        match (self, got) {
            (Datum::Double(a), Datum::Double(b)) => near(*a, *b),
            (Datum::Float(a), Datum::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Datum::List(a), Datum::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.admits(b, converted))
            }
            (Datum::Set(a), Datum::Set(b)) => {
                a.len() == b.len() && {
                    let mut rest: Vec<&Datum> = b.iter().collect();
                    a.iter().all(|a| {
                        let at = rest.iter().position(|b| a.admits(b, converted));
                        at.map(|at| rest.swap_remove(at)).is_some()
                    })
                }
            }
            (a, b) if a == b => true,
            (a, b) if converted => match (a.as_f64(), b) {
                (Some(a), Datum::Int(b)) => a == f64::from(*b),
                (Some(a), Datum::Long(b)) => a == *b as f64,
                (Some(a), Datum::Float(b)) => a as f32 == *b,
                (Some(a), Datum::Double(b)) => near(a, *b),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether two values of the engine are the same to the last bit.
    pub fn identical(&self, other: &Datum) -> bool {
        match (self, other) {
            (Datum::Double(a), Datum::Double(b)) => a.to_bits() == b.to_bits(),
            (Datum::Float(a), Datum::Float(b)) => a.to_bits() == b.to_bits(),
            (Datum::List(a), Datum::List(b)) | (Datum::Set(a), Datum::Set(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.identical(b))
            }
            (a, b) => a == b,
        }
    }
}

fn near(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

impl From<Value> for Datum {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Datum::Null,
            Value::Int(v) => Datum::Int(v),
            Value::Long(v) => Datum::Long(v),
            Value::Float(v) => Datum::Float(v),
            Value::Double(v) => Datum::Double(v),
            Value::Bool(v) => Datum::Bool(v),
            Value::String(v) => Datum::Text(v.to_string()),
            Value::Set(v) => Datum::Set(v.into_iter().map(Datum::from).collect()),
            Value::List(v) => Datum::List(v.into_iter().map(Datum::from).collect()),
            Value::Map(_) => {
                Datum::Opaque { class: "java.util.HashMap".into(), text: value.to_string() }
            }
        }
    }
}

/// With the class visible: `7`, `7L`, `7.0f`, `7.0`, `'text'`.
impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, open: &str, items: &[Datum], close: &str| {
            f.write_str(open)?;
            for (i, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
            }
            f.write_str(close)
        };
        match self {
            Datum::Null => f.write_str("null"),
            Datum::Int(v) => write!(f, "{v}"),
            Datum::Long(v) => write!(f, "{v}L"),
            Datum::Float(v) => write!(f, "{v:?}f"),
            Datum::Double(v) => write!(f, "{v:?}"),
            Datum::Bool(v) => write!(f, "{v}"),
            Datum::Text(v) => write!(f, "'{v}'"),
            Datum::Set(items) => list(f, "{", items, "}"),
            Datum::List(items) => list(f, "[", items, "]"),
            Datum::Opaque { class, text } => write!(f, "<{class}: {text}>"),
        }
    }
}
