//! Values to text: cells of CSV and JSON, and events as Siddhi prints them.

use std::fmt::Write;

use arrow::array::{
    Array, AsArray, BinaryViewArray, BooleanArray, Float32Array, Float64Array, Int32Array,
    Int64Array, RecordBatch, StringViewArray,
};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};

use crate::error::{Error, Result};
use crate::event::{Value, object};

/// A column of one of the engine's types, ready to be written row by row.
pub(crate) enum CellColumn<'a> {
    Int(&'a Int32Array),
    Long(&'a Int64Array),
    Float(&'a Float32Array),
    Double(&'a Float64Array),
    Bool(&'a BooleanArray),
    Text(&'a StringViewArray),
    Object(&'a BinaryViewArray),
}

impl<'a> CellColumn<'a> {
    /// The columns of a batch.
    ///
    /// # Errors
    /// If one is of a type that is none of the engine's.
    pub(crate) fn of(rows: &'a RecordBatch) -> Result<Vec<Self>> {
        rows.columns()
            .iter()
            .map(|column| {
                Ok(match column.data_type() {
                    DataType::Int32 => CellColumn::Int(column.as_primitive::<Int32Type>()),
                    DataType::Int64 => CellColumn::Long(column.as_primitive::<Int64Type>()),
                    DataType::Float32 => CellColumn::Float(column.as_primitive::<Float32Type>()),
                    DataType::Float64 => CellColumn::Double(column.as_primitive::<Float64Type>()),
                    DataType::Boolean => CellColumn::Bool(column.as_boolean()),
                    DataType::Utf8View => CellColumn::Text(column.as_string_view()),
                    DataType::BinaryView => CellColumn::Object(column.as_binary_view()),
                    other => return Err(Error::Data(format!("streams hold no {other}"))),
                })
            })
            .collect()
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            CellColumn::Int(a) => a.is_null(row),
            CellColumn::Long(a) => a.is_null(row),
            CellColumn::Float(a) => a.is_null(row),
            CellColumn::Double(a) => a.is_null(row),
            CellColumn::Bool(a) => a.is_null(row),
            CellColumn::Text(a) => a.is_null(row),
            CellColumn::Object(a) => a.is_null(row),
        }
    }
}

/// Appends a value that isn't null: numbers with as many digits as it takes to read them back, text
/// as it is, objects as JSON.
pub(super) fn push_cell(out: &mut String, column: &CellColumn<'_>, row: usize) {
    // Writing to a string can't fail.
    let _ = match column {
        CellColumn::Int(a) => write!(out, "{}", a.value(row)),
        CellColumn::Long(a) => write!(out, "{}", a.value(row)),
        CellColumn::Float(a) => write!(out, "{:?}", a.value(row)),
        CellColumn::Double(a) => write!(out, "{:?}", a.value(row)),
        CellColumn::Bool(a) => write!(out, "{}", a.value(row)),
        CellColumn::Text(a) => {
            out.push_str(a.value(row));
            Ok(())
        }
        CellColumn::Object(a) => {
            push_json(out, &object::decode(a.value(row)));
            Ok(())
        }
    };
}

/// Appends text as a JSON string.
pub(super) fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (at, b) in text.bytes().enumerate() {
        if b >= 0x20 && b != b'"' && b != b'\\' {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        match b {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                // Writing to a string can't fail.
                let _ = write!(out, "\\u{b:04x}");
            }
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// Appends a JSON number, or one of the strings `"NaN"`, `"Infinity"`, `"-Infinity"`.
pub(super) fn push_json_float(out: &mut String, finite: bool, nan: bool, shortest: &str) {
    match (finite, nan) {
        (true, _) => out.push_str(shortest),
        (false, true) => out.push_str("\"NaN\""),
        (false, false) if shortest.starts_with('-') => out.push_str("\"-Infinity\""),
        (false, false) => out.push_str("\"Infinity\""),
    }
}

/// Appends a value as JSON; sets become lists.
pub(super) fn push_json(out: &mut String, value: &Value) {
    // Writing to a string can't fail.
    let _ = match value {
        Value::Null => write!(out, "null"),
        Value::Int(v) => write!(out, "{v}"),
        Value::Long(v) => write!(out, "{v}"),
        Value::Float(v) => {
            push_json_float(out, v.is_finite(), v.is_nan(), &format!("{v:?}"));
            Ok(())
        }
        Value::Double(v) => {
            push_json_float(out, v.is_finite(), v.is_nan(), &format!("{v:?}"));
            Ok(())
        }
        Value::Bool(v) => write!(out, "{v}"),
        Value::String(v) => {
            push_json_string(out, v);
            Ok(())
        }
        Value::Set(items) | Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                push_json(out, item);
            }
            out.push(']');
            Ok(())
        }
        Value::Map(entries) => {
            out.push('{');
            for (i, (key, item)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                push_json_string(out, &key.to_string());
                out.push(':');
                push_json(out, item);
            }
            out.push('}');
            Ok(())
        }
    };
}

/// Appends a value as Java prints it: `null`, `1.0E10`, lists in brackets.
pub(crate) fn push_java(out: &mut String, value: &Value) {
    // Writing to a string can't fail.
    let _ = match value {
        Value::Null => write!(out, "null"),
        Value::Int(v) => write!(out, "{v}"),
        Value::Long(v) => write!(out, "{v}"),
        Value::Float(v) => {
            push_java_float(out, f64::from(*v), &format!("{v:e}"));
            Ok(())
        }
        Value::Double(v) => {
            push_java_float(out, *v, &format!("{v:e}"));
            Ok(())
        }
        Value::Bool(v) => write!(out, "{v}"),
        Value::String(v) => write!(out, "{v}"),
        Value::Set(items) | Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                push_java(out, item);
            }
            out.push(']');
            Ok(())
        }
        Value::Map(_) => write!(out, "{value}"),
    };
}

/// Java's `Double.toString` (and `Float.toString`): plain between 1e-3 and 1e7, else `d.dE±n`; always
/// a digit after the point. `shortest` is the number in Rust's scientific form.
fn push_java_float(out: &mut String, value: f64, shortest: &str) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let (digits, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let magnitude = value.abs();
    if value != 0.0 && !(1e-3..1e7).contains(&magnitude) {
        out.push_str(digits);
        if !digits.contains('.') {
            out.push_str(".0");
        }
        out.push('E');
        return out.push_str(exponent);
    }
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if digits.starts_with('-') { "-" } else { "" };
    let all: String = digits.chars().filter(char::is_ascii_digit).collect();
    let point = exponent + 1;
    out.push_str(sign);
    if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
        return out.push_str(&all);
    }
    let whole = point.unsigned_abs() as usize;
    out.push_str(&all[..whole.min(all.len())]);
    out.extend(std::iter::repeat_n('0', whole.saturating_sub(all.len())));
    out.push('.');
    out.push_str(if all.len() > whole { &all[whole..] } else { "0" });
}

/// An event as Siddhi prints it: `Event{timestamp=…, data=[…], isExpired=false}`.
pub(crate) fn push_event(out: &mut String, rows: &RecordBatch, row: usize, ts: i64, expired: bool) {
    // Writing to a string can't fail.
    let _ = write!(out, "Event{{timestamp={ts}, data=[");
    for (i, column) in rows.columns().iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        push_java(out, &Value::from_array(column.as_ref(), row));
    }
    let _ = write!(out, "], isExpired={expired}}}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java(value: impl Into<Value>) -> String {
        let mut out = String::new();
        push_java(&mut out, &value.into());
        out
    }

    #[test]
    fn floats_as_java_prints_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-75.6, "-75.6"),
            (100.0, "100.0"),
            (123456.789, "123456.789"),
            (9999999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.25e10, "1.25E10"),
            (0.001, "0.001"),
            (0.0123, "0.0123"),
            (0.00012, "1.2E-4"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(java(value), text);
        }
        assert_eq!(java(0.1f32), "0.1");
        assert_eq!(java(16777216f32), "1.6777216E7");
    }

    #[test]
    fn json_strings_are_escaped() {
        let text = "q\" b\\ n\n t\t r\r bell\u{7} é😀";
        let mut out = String::new();
        push_json_string(&mut out, text);
        assert_eq!(out, r#""q\" b\\ n\n t\t r\r bell\u0007 é😀""#);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }

    #[test]
    fn json_of_objects() {
        let mut out = String::new();
        let nan = Value::Float(f32::NAN);
        push_json(&mut out, &Value::Set(vec![1.into(), 2.5.into(), "x".into(), Value::Null, nan]));
        assert_eq!(out, r#"[1,2.5,"x",null,"NaN"]"#);
    }
}
