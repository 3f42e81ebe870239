//! Text forms of values as Java writes and reads them.

use std::fmt::Write;

use compact_str::CompactString;

use crate::event::Value;

/// Appends a double as `Double.toString` does: `1.0`, `1.0E7`, `1.0E-4`, `NaN`, `-Infinity`; the
/// shortest digits that read back to the same double.
pub fn write_double(out: &mut String, v: f64) {
    match special(v.is_nan(), v.is_infinite(), v < 0.0) {
        Some(text) => out.push_str(text),
        None => {
            let mut digits = CompactString::const_new("");
            // Writing to a string can't fail.
            let _ = write!(digits, "{v:e}");
            layout(out, &digits);
        }
    }
}

/// Appends a float as `Float.toString` does.
pub fn write_float(out: &mut String, v: f32) {
    match special(v.is_nan(), v.is_infinite(), v < 0.0) {
        Some(text) => out.push_str(text),
        None => {
            let mut digits = CompactString::const_new("");
            let _ = write!(digits, "{v:e}");
            layout(out, &digits);
        }
    }
}

fn special(nan: bool, infinite: bool, negative: bool) -> Option<&'static str> {
    match (nan, infinite, negative) {
        (true, ..) => Some("NaN"),
        (_, true, true) => Some("-Infinity"),
        (_, true, false) => Some("Infinity"),
        _ => None,
    }
}

/// Lays out `[-]d[.ddd]e[-]x` in Java's way: plain from 10^-3 up to but not including 10^7, else with
/// an exponent; always a digit on both sides of the point.
fn layout(out: &mut String, scientific: &str) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    out.push_str(sign);
    let zeros = |out: &mut String, n: usize| out.extend(std::iter::repeat_n('0', n));
    match exponent {
        0..7 => {
            let whole = exponent as usize;
            out.push_str(first);
            out.push_str(&rest[..whole.min(rest.len())]);
            zeros(out, whole.saturating_sub(rest.len()));
            out.push('.');
            let fraction = rest.get(whole..).unwrap_or("");
            out.push_str(if fraction.is_empty() { "0" } else { fraction });
        }
        -3..0 => {
            out.push_str("0.");
            zeros(out, (-exponent - 1) as usize);
            out.push_str(first);
            out.push_str(rest);
        }
        _ => {
            out.push_str(first);
            out.push('.');
            out.push_str(if rest.is_empty() { "0" } else { rest });
            out.push('E');
            let _ = write!(out, "{exponent}");
        }
    }
}

/// Appends a value as Java's `toString` does; collections as `[a, b]`, null as `null`.
pub fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Int(v) => {
            let _ = write!(out, "{v}");
        }
        Value::Long(v) => {
            let _ = write!(out, "{v}");
        }
        Value::Float(v) => write_float(out, *v),
        Value::Double(v) => write_double(out, *v),
        Value::Bool(v) => out.push_str(if *v { "true" } else { "false" }),
        Value::String(v) => out.push_str(v),
        Value::Set(items) | Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (i, (key, item)) in entries.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write_value(out, key);
                out.push('=');
                write_value(out, item);
            }
            out.push('}');
        }
    }
}

/// Reads a double as `Double.parseDouble` does (white space around it, a suffix `d` or `f`, `NaN`,
/// `Infinity`); hexadecimal floating point is not read.
pub fn parse_double(text: &str) -> Option<f64> {
    parse_float_with(text, f64::NAN, f64::INFINITY)
}

/// Reads a float as `Float.parseFloat` does.
pub fn parse_float(text: &str) -> Option<f32> {
    parse_float_with(text, f32::NAN, f32::INFINITY)
}

fn parse_float_with<T>(text: &str, nan: T, infinity: T) -> Option<T>
where
    T: std::str::FromStr + std::ops::Neg<Output = T>,
{
    let text = text.trim_matches(|c| c <= ' ');
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let value = match unsigned {
        "NaN" => nan,
        "Infinity" => infinity,
        _ => {
            let number = unsigned.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(unsigned);
            // Rust also reads signs twice stripped, `inf` and `nan`, which Java does not.
            let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-');
            if number.starts_with(['+', '-']) || !number.bytes().all(plain) {
                return None;
            }
            number.parse().ok()?
        }
    };
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(v: f64) -> String {
        let mut s = String::new();
        write_double(&mut s, v);
        s
    }

    #[test]
    fn doubles_are_written_as_java_does() {
        let table = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-2.7, "-2.7"),
            (100.0, "100.0"),
            (123456.75, "123456.75"),
            (9999999.0, "9999999.0"),
            (10000000.0, "1.0E7"),
            (12345678.9, "1.23456789E7"),
            (0.001, "0.001"),
            (0.00123, "0.00123"),
            (0.0001, "1.0E-4"),
            (0.00001234, "1.234E-5"),
            (1.0 / 3.0, "0.3333333333333333"),
            (1e300, "1.0E300"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (v, text) in table {
            assert_eq!(double(v), text);
        }
    }

    #[test]
    fn floats_have_their_own_shortest_form() {
        let table = [(0.1f32, "0.1"), (0.333333, "0.333333"), (1e10, "1.0E10"), (1e-5, "1.0E-5")];
        for (v, text) in table {
            let mut s = String::new();
            write_float(&mut s, v);
            assert_eq!(s, text);
        }
    }

    #[test]
    fn collections_are_written_in_brackets() {
        let mut s = String::new();
        let inner = Value::Set(vec![Value::Double(1e7), Value::Null]);
        write_value(&mut s, &Value::List(vec!["Mohan".into(), Value::Int(34), inner]));
        assert_eq!(s, "[Mohan, 34, [1.0E7, null]]");
    }

    #[test]
    fn doubles_are_read_as_java_does() {
        let good = [
            ("1", 1.0),
            (" 1.5\t", 1.5),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("-1e3", -1000.0),
            ("1E-2", 0.01),
            ("2f", 2.0),
            ("2.5D", 2.5),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e999", f64::INFINITY),
        ];
        for (text, v) in good {
            assert_eq!(parse_double(text), Some(v), "{text:?}");
        }
        assert!(parse_double("NaN").is_some_and(f64::is_nan));
        let bad =
            ["", " ", "x", "1 2", "inf", "nan", "infinity", "--1", "+-1", ".", "e5", "1e", "1ff"];
        for text in bad {
            assert_eq!(parse_double(text), None, "{text:?}");
        }
    }
}
