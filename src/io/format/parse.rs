//! Text to values, the same for every text format, and names for error messages.
//!
//! Numbers are read by the standard library (exactly rounded), times by Arrow. On top of that: white
//! space around doesn't count, integers may be written as floats without a fraction (`12.0`, as pandas
//! writes a column with gaps), `1` and `0` are booleans, and numbers beyond a type's range are faults,
//! never infinities.

use std::num::{IntErrorKind, ParseFloatError};

use arrow::array::timezone::Tz;
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::datatypes::DataType;

/// Why a text is no value of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is something else.
    NotA,
    /// It is a number the type can't hold.
    OutOfRange,
}

/// Integers up to here are exact in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A double that is an integer no larger than 2^53.
pub(super) fn integral(value: f64) -> Result<i64, Misfit> {
    match value.fract() == 0.0 {
        true if value.abs() <= EXACT => Ok(value as i64),
        true => Err(Misfit::OutOfRange),
        false if value.is_infinite() => Err(Misfit::OutOfRange),
        false => Err(Misfit::NotA),
    }
}

/// A 32-bit integer.
pub(super) fn int(text: &str) -> Result<i32, Misfit> {
    match text.trim_ascii().parse() {
        Ok(value) => Ok(value),
        Err(_) => i32::try_from(long(text)?).map_err(|_| Misfit::OutOfRange),
    }
}

/// A 64-bit integer.
pub(super) fn long(text: &str) -> Result<i64, Misfit> {
    match text.trim_ascii().parse::<i64>() {
        Ok(value) => Ok(value),
        Err(e) => match e.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => Err(Misfit::OutOfRange),
            _ => integral(double(text)?),
        },
    }
}

/// A 32-bit float.
pub(super) fn float(text: &str) -> Result<f32, Misfit> {
    finite_or_meant(text.trim_ascii().parse(), f32::is_infinite, text)
}

/// A 64-bit float.
pub(super) fn double(text: &str) -> Result<f64, Misfit> {
    finite_or_meant(text.trim_ascii().parse(), f64::is_infinite, text)
}

/// An infinity counts only if it was written as one.
fn finite_or_meant<T: Copy>(
    value: Result<T, ParseFloatError>,
    infinite: fn(T) -> bool,
    text: &str,
) -> Result<T, Misfit> {
    match value {
        Ok(v) if infinite(v) && text.bytes().any(|b| b.is_ascii_digit()) => Err(Misfit::OutOfRange),
        Ok(v) => Ok(v),
        Err(_) => Err(Misfit::NotA),
    }
}

/// A boolean: `true`, `false` in any case, `1`, `0`.
pub(super) fn boolean(text: &str) -> Result<bool, Misfit> {
    match text.trim_ascii() {
        "1" => Ok(true),
        "0" => Ok(false),
        t if t.eq_ignore_ascii_case("true") => Ok(true),
        t if t.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Misfit::NotA),
    }
}

/// A point in time as ms since the epoch: a date, or a date and time after ISO 8601 with `T` or a
/// blank between them, UTC unless an offset follows. What is finer than a millisecond is cut off.
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    if !text.is_ascii() {
        return None;
    }
    let utc: Tz = "+00:00".parse().ok()?;
    string_to_datetime(&utc, text).ok().map(|t| t.timestamp_millis())
}

/// An event time: ms since the epoch, or a [`timestamp`].
pub(super) fn event_time(text: &str) -> Result<i64, Misfit> {
    match long(text) {
        Ok(ms) => Ok(ms),
        Err(misfit) => timestamp(text).ok_or(misfit),
    }
}

/// What an event time may look like, for messages.
pub(super) const TIME_FORMS: &str =
    "ms since the epoch or a date and time such as 2018-01-31 02:18:21.040";

/// SiddhiQL's name of one of the engine's types, with its article.
pub(super) fn a_type(ty: &DataType) -> &'static str {
    match ty {
        DataType::Int32 => "an int",
        DataType::Int64 => "a long",
        DataType::Float32 => "a float",
        DataType::Float64 => "a double",
        DataType::Boolean => "a bool",
        DataType::Utf8View => "a string",
        _ => "an object",
    }
}

/// A value as shown in a message: at most 60 characters of it.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

impl Misfit {
    /// The message about a value of `column` that should be of type `ty`.
    pub(super) fn reason(self, column: &str, text: &str, ty: &DataType) -> String {
        let (text, ty) = (shown(text), a_type(ty));
        match self {
            Misfit::NotA => format!("`{column}`: `{text}` is not {ty}"),
            Misfit::OutOfRange => format!("`{column}`: `{text}` is out of range for {ty}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Misfit::{NotA, OutOfRange};

    #[test]
    fn integers() {
        for (text, expected) in [
            ("7", Ok(7)),
            ("-7", Ok(-7)),
            ("+7", Ok(7)),
            (" 7 ", Ok(7)),
            ("7.0", Ok(7)),
            ("7e2", Ok(700)),
            ("2147483647", Ok(i32::MAX)),
            ("2147483648", Err(OutOfRange)),
            ("99999999999999999999", Err(OutOfRange)),
            ("1e300", Err(OutOfRange)),
            ("7.5", Err(NotA)),
            ("7,5", Err(NotA)),
            ("", Err(NotA)),
            ("-", Err(NotA)),
            ("NaN", Err(NotA)),
            ("0x10", Err(NotA)),
            ("seven", Err(NotA)),
        ] {
            assert_eq!(int(text), expected, "{text:?}");
        }
        assert_eq!(long("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(long("9223372036854775808"), Err(OutOfRange));
        assert_eq!(long("9007199254740994.0"), Err(OutOfRange), "not exact in a double");
    }

    #[test]
    fn floats() {
        assert_eq!(double(" 1.5 "), Ok(1.5));
        assert_eq!(double("1e-400"), Ok(0.0));
        assert_eq!(double("1e400"), Err(OutOfRange));
        assert_eq!(double("inf"), Ok(f64::INFINITY));
        assert_eq!(double("-Infinity"), Ok(f64::NEG_INFINITY));
        assert!(double("NaN").is_ok_and(f64::is_nan));
        assert_eq!(double("1.5.2"), Err(NotA));
        assert_eq!(float("3.5e38"), Err(OutOfRange));
        assert_eq!(float("0.1"), Ok(0.1));
    }

    #[test]
    fn booleans() {
        assert_eq!(boolean(" True"), Ok(true));
        assert_eq!(boolean("0"), Ok(false));
        assert_eq!(boolean("yes"), Err(NotA));
        assert_eq!(boolean("2"), Err(NotA));
    }

    #[test]
    fn times() {
        let t = 1_517_365_101_235;
        for text in [
            "1517365101235",
            "2018-01-31T02:18:21.235Z",
            "2018-01-31 02:18:21.235",
            "2018-01-31T03:18:21.235+01:00",
            "2018-01-31 02:18:21.235999",
        ] {
            assert_eq!(event_time(text), Ok(t), "{text}");
        }
        assert_eq!(event_time("1969-12-31 23:59:59.9995"), Ok(-1), "rounds down, before 1970 too");
        assert_eq!(event_time("1970-01-02"), Ok(86_400_000));
        for text in ["", "yesterday", "2018-02-30", "2018-01-31 25:00:00", "2018-01-31Ω02:18:21"] {
            assert_eq!(event_time(text), Err(NotA), "{text}");
        }
    }

    #[test]
    fn long_values_are_cut_in_messages() {
        let text = "é".repeat(100);
        assert_eq!(shown(&text).chars().count(), 61);
        assert_eq!(NotA.reason("x", "abc", &DataType::Int32), "`x`: `abc` is not an int");
    }
}
