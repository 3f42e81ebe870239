//! Columns of files to columns of streams.
//!
//! What is lossless, or well defined by everybody's understanding, is done: integers widen and narrow
//! where they fit, integers become floats, floats without a fraction become integers, timestamps and
//! dates become ms since the epoch (rounded down), dictionaries are resolved, anything simple becomes
//! text, text is parsed as in CSV. A value that doesn't fit is reported, never made null. Pairs of
//! types without such a rule are refused when the file is opened.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewBuilder, BooleanBuilder, PrimitiveBuilder, StringViewArray,
    new_null_array,
};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, Float32Type, Float64Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

use super::json_scan;
use super::parse::{self, Misfit};
use crate::error::Result;
use crate::event::{Value, object};

/// How a column of a file becomes a column of one of the engine's types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    /// It is one.
    Same,
    /// It has nothing but nulls.
    Nulls,
    /// Arrow's cast; what it can't cast is a misfit of this kind.
    Cast(Misfit),
    /// Doubles and floats to integers.
    Integral,
    /// Doubles to floats.
    Narrow,
    /// Timestamps and dates to ms.
    Millis,
    /// Text, parsed.
    Text,
    /// Text, parsed as an event time.
    TimeText,
}

/// The column, and the rows whose values don't fit (null in the column).
pub(super) type Converted = (ArrayRef, Vec<(usize, Misfit)>);

fn resolved(from: &DataType) -> &DataType {
    match from {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}

impl Conversion {
    /// How `from` becomes the engine's type `to`; none if there is no rule.
    pub(super) fn plan(from: &DataType, to: &DataType) -> Option<Self> {
        use DataType as T;
        let from = resolved(from);
        let rule = match (from, to) {
            (T::Null, _) => Conversion::Nulls,
            (T::Utf8 | T::LargeUtf8 | T::Utf8View, T::Utf8View) => Conversion::Cast(Misfit::NotA),
            (T::Utf8 | T::LargeUtf8 | T::Utf8View, _) => Conversion::Text,
            (_, T::BinaryView) => return None,
            (from, to) if from == to => Conversion::Same,
            (T::Timestamp(..) | T::Date32 | T::Date64, T::Int64) => Conversion::Millis,
            (T::Float32 | T::Float64, T::Int32 | T::Int64) => Conversion::Integral,
            (T::Float64, T::Float32) => Conversion::Narrow,
            (from, T::Int32 | T::Int64) if from.is_integer() => {
                Conversion::Cast(Misfit::OutOfRange)
            }
            (from, T::Float32 | T::Float64) if from.is_numeric() => {
                Conversion::Cast(Misfit::OutOfRange)
            }
            (from, T::Utf8View) if !from.is_nested() && can_cast_types(from, to) => {
                Conversion::Cast(Misfit::NotA)
            }
            _ => return None,
        };
        Some(rule)
    }

    /// How `from` becomes an event time in ms; none if there is no rule.
    pub(super) fn plan_time(from: &DataType) -> Option<Self> {
        match Self::plan(from, &DataType::Int64)? {
            Conversion::Text => Some(Conversion::TimeText),
            other => Some(other),
        }
    }

    /// Converts a column to `to`.
    pub(super) fn apply(self, column: &ArrayRef, to: &DataType) -> Result<Converted> {
        let column = match column.data_type() {
            DataType::Dictionary(_, values) => &arrow_cast(column, values)?,
            _ => column,
        };
        Ok(match self {
            Conversion::Same => (Arc::clone(column), vec![]),
            Conversion::Nulls => (new_null_array(to, column.len()), vec![]),
            Conversion::Cast(misfit) => {
                let cast = arrow_cast(column, to)?;
                let lost = |row: &usize| column.is_valid(*row) && cast.is_null(*row);
                let bad = match cast.null_count() > column.null_count() {
                    true => (0..column.len()).filter(lost).map(|r| (r, misfit)).collect(),
                    false => vec![],
                };
                (cast, bad)
            }
            Conversion::Integral => {
                let doubles = arrow_cast(column, &DataType::Float64)?;
                let doubles = doubles.as_primitive::<Float64Type>();
                match to {
                    DataType::Int32 => collect::<Int32Type, _>(doubles.iter(), |v| {
                        i32::try_from(parse::integral(v)?).map_err(|_| Misfit::OutOfRange)
                    }),
                    _ => collect::<Int64Type, _>(doubles.iter(), parse::integral),
                }
            }
            Conversion::Narrow => {
                let doubles = column.as_primitive::<Float64Type>();
                collect::<Float32Type, _>(doubles.iter(), |v| match v as f32 {
                    f if f.is_infinite() && v.is_finite() => Err(Misfit::OutOfRange),
                    f => Ok(f),
                })
            }
            Conversion::Millis => millis(column),
            Conversion::Text => text(column, to)?,
            Conversion::TimeText => {
                let strings = arrow_cast(column, &DataType::Utf8View)?;
                collect::<Int64Type, _>(strings.as_string_view().iter(), parse::event_time)
            }
        })
    }
}

fn arrow_cast(column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: true, ..Default::default() };
    Ok(cast_with_options(column, to, &options)?)
}

/// Converts value by value; misfits become null and are listed.
fn collect<T: ArrowPrimitiveType, V>(
    values: impl Iterator<Item = Option<V>>,
    convert: impl Fn(V) -> Result<T::Native, Misfit>,
) -> Converted {
    let (mut builder, mut bad) = (PrimitiveBuilder::<T>::new(), vec![]);
    for (row, value) in values.enumerate() {
        match value.map(&convert).transpose() {
            Ok(converted) => builder.append_option(converted),
            Err(misfit) => {
                builder.append_null();
                bad.push((row, misfit));
            }
        }
    }
    (Arc::new(builder.finish()), bad)
}

fn millis(column: &ArrayRef) -> Converted {
    fn scaled<T: ArrowPrimitiveType<Native = i64>>(column: &ArrayRef, per_ms: i64) -> Converted {
        collect::<Int64Type, _>(column.as_primitive::<T>().iter(), |v| Ok(v.div_euclid(per_ms)))
    }
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            let seconds = column.as_primitive::<TimestampSecondType>();
            collect::<Int64Type, _>(seconds.iter(), |s| {
                s.checked_mul(1000).ok_or(Misfit::OutOfRange)
            })
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            scaled::<TimestampMillisecondType>(column, 1)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            scaled::<TimestampMicrosecondType>(column, 1000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            scaled::<TimestampNanosecondType>(column, 1_000_000)
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            collect::<Int64Type, _>(days.iter(), |d| Ok(i64::from(d) * 86_400_000))
        }
        _ => scaled::<Date64Type>(column, 1),
    }
}

/// Parses text as in CSV: blank text is a null where a number or boolean is wanted.
fn text(column: &ArrayRef, to: &DataType) -> Result<Converted> {
    let strings = arrow_cast(column, &DataType::Utf8View)?;
    let strings: &StringViewArray = strings.as_string_view();
    let filled = || strings.iter().map(|s| s.filter(|s| !s.trim_ascii().is_empty()));
    Ok(match to {
        DataType::Int32 => collect::<Int32Type, _>(filled(), parse::int),
        DataType::Int64 => collect::<Int64Type, _>(filled(), |s| {
            parse::long(s).or_else(|misfit| parse::timestamp(s).ok_or(misfit))
        }),
        DataType::Float32 => collect::<Float32Type, _>(filled(), parse::float),
        DataType::Float64 => collect::<Float64Type, _>(filled(), parse::double),
        DataType::Boolean => {
            let (mut builder, mut bad) = (BooleanBuilder::new(), vec![]);
            for (row, value) in filled().enumerate() {
                let parsed = value.map(parse::boolean).transpose();
                bad.extend(parsed.err().map(|misfit| (row, misfit)));
                builder.append_option(parsed.unwrap_or(None));
            }
            (Arc::new(builder.finish()) as ArrayRef, bad)
        }
        _ => {
            let (mut builder, mut bad) = (BinaryViewBuilder::new(), vec![]);
            for (row, value) in strings.iter().enumerate() {
                match value.map(json_scan::value).transpose() {
                    Ok(None | Some(Value::Null)) => builder.append_null(),
                    Ok(Some(value)) => builder.append_value(object::encode(&value)),
                    Err(_) => {
                        builder.append_null();
                        bad.push((row, Misfit::NotA));
                    }
                }
            }
            (Arc::new(builder.finish()) as ArrayRef, bad)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Misfit::{NotA, OutOfRange};
    use arrow::array::{
        Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int64Array,
        ListArray, StringArray, TimestampMicrosecondArray, TimestampSecondArray, UInt64Array,
    };
    use arrow::datatypes::Int8Type;

    fn convert(column: impl Array + 'static, to: DataType) -> (Vec<Value>, Vec<(usize, Misfit)>) {
        let column: ArrayRef = Arc::new(column);
        let rule = Conversion::plan(column.data_type(), &to).expect("there is a rule");
        let (array, bad) = rule.apply(&column, &to).unwrap();
        assert_eq!(array.data_type(), &to);
        ((0..array.len()).map(|r| Value::from_array(array.as_ref(), r)).collect(), bad)
    }

    #[test]
    fn integers_where_they_fit() {
        let column = Int64Array::from(vec![Some(1), None, Some(1 << 40), Some(-2)]);
        let expected = vec![1.into(), Value::Null, Value::Null, (-2).into()];
        assert_eq!(convert(column, DataType::Int32), (expected, vec![(2, OutOfRange)]));
        let column = UInt64Array::from(vec![7, u64::MAX]);
        let expected = vec![7i64.into(), Value::Null];
        assert_eq!(convert(column, DataType::Int64), (expected, vec![(1, OutOfRange)]));
    }

    #[test]
    fn floats_without_a_fraction_are_integers() {
        let column = Float64Array::from(vec![12.0, 12.5, f64::NAN, 1e300, 3e9]);
        let (values, bad) = convert(column, DataType::Int32);
        assert_eq!(values[0], 12.into());
        assert_eq!(bad, [(1, NotA), (2, NotA), (3, OutOfRange), (4, OutOfRange)]);
        let column = Float32Array::from(vec![3e9]);
        assert_eq!(convert(column, DataType::Int64), (vec![3_000_000_000i64.into()], vec![]));
        let column = Float64Array::from(vec![0.1, 1e39, f64::INFINITY]);
        let expected = vec![0.1f32.into(), Value::Null, f32::INFINITY.into()];
        assert_eq!(convert(column, DataType::Float32), (expected, vec![(1, OutOfRange)]));
    }

    #[test]
    fn times_become_milliseconds() {
        let column = TimestampMicrosecondArray::from(vec![Some(1_001_999), None, Some(-1)]);
        let expected = vec![1001i64.into(), Value::Null, (-1i64).into()];
        assert_eq!(convert(column, DataType::Int64), (expected, vec![]));
        let column = TimestampSecondArray::from(vec![2, i64::MAX]);
        let expected = vec![2000i64.into(), Value::Null];
        assert_eq!(convert(column, DataType::Int64), (expected, vec![(1, OutOfRange)]));
        let column = Date32Array::from(vec![1]);
        assert_eq!(convert(column, DataType::Int64), (vec![86_400_000i64.into()], vec![]));
    }

    #[test]
    fn dictionaries_and_text() {
        let column: DictionaryArray<Int8Type> =
            vec![Some("a"), None, Some("b")].into_iter().collect();
        let expected = vec!["a".into(), Value::Null, "b".into()];
        assert_eq!(convert(column, DataType::Utf8View), (expected, vec![]));
        let column = StringArray::from(vec!["1.5", " ", "x"]);
        let expected = vec![1.5.into(), Value::Null, Value::Null];
        assert_eq!(convert(column, DataType::Float64), (expected, vec![(2, NotA)]));
        let column = StringArray::from(vec!["TRUE", "maybe"]);
        let expected = vec![true.into(), Value::Null];
        assert_eq!(convert(column, DataType::Boolean), (expected, vec![(1, NotA)]));
        let column = StringArray::from(vec!["[1]", "[1"]);
        let expected = vec![Value::List(vec![1.into()]), Value::Null];
        assert_eq!(convert(column, DataType::BinaryView), (expected, vec![(1, NotA)]));
    }

    #[test]
    fn numbers_become_text_and_decimals_floats() {
        let column = Int64Array::from(vec![5]);
        assert_eq!(convert(column, DataType::Utf8View), (vec!["5".into()], vec![]));
        let column = Decimal128Array::from(vec![125]).with_precision_and_scale(10, 2).unwrap();
        assert_eq!(convert(column, DataType::Float64), (vec![1.25.into()], vec![]));
    }

    #[test]
    fn pairs_without_a_rule() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
        for (from, to) in [
            (list.data_type(), DataType::Utf8View),
            (list.data_type(), DataType::Int32),
            (&DataType::Boolean, DataType::Int32),
            (&DataType::Int32, DataType::Boolean),
            (&DataType::Timestamp(TimeUnit::Second, None), DataType::Int32),
            (&DataType::Decimal128(10, 2), DataType::Int64),
            (&DataType::Int32, DataType::BinaryView),
        ] {
            assert_eq!(Conversion::plan(from, &to), None, "{from} to {to}");
        }
    }

    #[test]
    fn event_times_from_text() {
        let column: ArrayRef =
            Arc::new(StringArray::from(vec!["5", "1970-01-01 00:00:01", "", "x"]));
        let rule = Conversion::plan_time(column.data_type()).unwrap();
        let (times, bad) = rule.apply(&column, &DataType::Int64).unwrap();
        assert_eq!(times.as_primitive::<Int64Type>().values()[..2], [5, 1000]);
        assert_eq!(bad, [(2, NotA), (3, NotA)]);
        assert_eq!(Conversion::plan_time(&DataType::Boolean), None);
    }
}
