//! Strings that came dictionary-coded and stay so as long as nobody reads them as strings.
//!
//! The type of a string attribute is `Utf8View`; in a batch its column may be a dictionary instead,
//! always of `Int32` codes into `Utf8View` values of which none is null. Such a batch has a schema of
//! its own that says so. Operators that don't know of this are given [`EventBatch::plain`] batches
//! (see `op::Operator::reads_codes`), and so are subscriptions, unless they ask.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, RecordBatchOptions,
    StringViewArray,
};
use arrow::compute::{CastOptions, cast_with_options, concat, take};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};

use super::EventBatch;
use crate::error::Result;

/// Codes are kept in batches of at least so many rows.
const LEAST: usize = 16;

/// Codes and the strings they stand for, if the column is coded.
#[inline]
pub fn coded(column: &dyn Array) -> Option<(&Int32Array, &StringViewArray)> {
    let dictionary = column.as_any().downcast_ref::<DictionaryArray<Int32Type>>()?;
    Some((dictionary.keys(), dictionary.values().as_string_view_opt()?))
}

fn is_dictionary(ty: &DataType) -> bool {
    matches!(ty, DataType::Dictionary(_, _))
}

fn is_coded(column: &ArrayRef) -> bool {
    is_dictionary(column.data_type())
}

/// The column as one of the engine's types.
///
/// # Errors
/// If Arrow can't gather it, which it has no reason to.
pub fn plain_column(column: &ArrayRef) -> Result<ArrayRef> {
    match coded(column) {
        Some((codes, _)) => Ok(take(column.as_any_dictionary().values(), codes, None)?),
        None => Ok(Arc::clone(column)),
    }
}

/// The string in a row of a string column, coded or not.
#[inline]
pub(super) fn text_at(column: &dyn Array, row: usize) -> Option<&str> {
    if let Some((codes, texts)) = coded(column) {
        return codes.is_valid(row).then(|| texts.value(codes.value(row) as usize));
    }
    let texts = column.as_string_view();
    texts.is_valid(row).then(|| texts.value(row))
}

/// A record batch of `schema`, string columns of which may be coded.
///
/// # Errors
/// If the columns are of other types or have another number of rows.
pub fn record_batch(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let same = |(f, c): (&Arc<Field>, &ArrayRef)| is_coded(c) == is_dictionary(f.data_type());
    let schema = if schema.fields().iter().zip(&columns).all(same) {
        Arc::clone(schema)
    } else {
        let field = |(f, c): (&Arc<Field>, &ArrayRef)| match (f.data_type(), is_coded(c)) {
            (DataType::Utf8View, true) => {
                Arc::new(f.as_ref().clone().with_data_type(c.data_type().clone()))
            }
            (ty, false) if is_dictionary(ty) => {
                Arc::new(f.as_ref().clone().with_data_type(DataType::Utf8View))
            }
            _ => Arc::clone(f),
        };
        let fields: Vec<_> = schema.fields().iter().zip(&columns).map(field).collect();
        Schema::new_with_metadata(fields, schema.metadata().clone()).into()
    };
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

/// One column behind the other, coded if both are by the same dictionary.
///
/// # Errors
/// If they are of different types.
pub fn concat_columns(a: &ArrayRef, b: &ArrayRef) -> Result<ArrayRef> {
    let (Some((x, _)), Some((y, _))) = (coded(a), coded(b)) else {
        let (a, b) = (plain_column(a)?, plain_column(b)?);
        return Ok(concat(&[a.as_ref(), b.as_ref()])?);
    };
    let values = (a.as_any_dictionary().values(), b.as_any_dictionary().values());
    if !Arc::ptr_eq(values.0, values.1) {
        let (a, b) = (plain_column(a)?, plain_column(b)?);
        return Ok(concat(&[a.as_ref(), b.as_ref()])?);
    }
    let codes = concat(&[x, y])?.as_primitive::<Int32Type>().clone();
    Ok(Arc::new(DictionaryArray::try_new(codes, Arc::clone(values.1))?))
}

/// The rows with every column of the type of its attribute.
///
/// # Errors
/// If Arrow can't gather the strings, which it has no reason to.
pub fn plain_rows(rows: RecordBatch) -> Result<RecordBatch> {
    if !rows.columns().iter().any(is_coded) {
        return Ok(rows);
    }
    let columns = rows.columns().iter().map(plain_column).collect::<Result<_>>()?;
    record_batch(rows.schema_ref(), columns, rows.num_rows())
}

impl EventBatch {
    /// Whether a string column is coded.
    pub fn is_coded(&self) -> bool {
        self.columns.columns().iter().any(is_coded)
    }

    /// The same rows, every column of the type of its attribute.
    ///
    /// # Errors
    /// If Arrow can't gather the strings, which it has no reason to.
    pub fn plain(self) -> Result<Self> {
        Ok(Self { columns: plain_rows(self.columns)?, ..self })
    }
}

/// The dictionaries that came last, by attribute, with their values as the engine wants them.
#[derive(Debug, Default)]
pub struct Dictionaries {
    columns: Vec<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    /// As it came.
    source: ArrayRef,
    /// As views; none as long as it came but once and is large.
    values: Option<ArrayRef>,
}

impl Dictionaries {
    /// A string column of attribute `place` as a coded one; none if that isn't worth it, or it isn't
    /// a dictionary of strings.
    ///
    /// # Errors
    /// If a code is too large for its type.
    pub fn code(&mut self, place: usize, column: &ArrayRef) -> Result<Option<ArrayRef>> {
        let Some(dictionary) = column.as_any_dictionary_opt() else { return Ok(None) };
        let source = dictionary.values();
        let text =
            matches!(source.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        if !text || source.null_count() > 0 || column.len() < LEAST {
            return Ok(None);
        }
        if self.columns.len() <= place {
            self.columns.resize_with(place + 1, || None);
        }
        let strict = CastOptions { safe: false, ..Default::default() };
        let views = || cast_with_options(source, &DataType::Utf8View, &strict);
        let known = match &mut self.columns[place] {
            Some(known) if is_same(&known.source, source) => {
                if known.values.is_none() {
                    known.values = Some(views()?);
                }
                known
            }
            other => {
                let small = source.len() <= 2 * column.len();
                let values = if small { Some(views()?) } else { None };
                other.insert(Known { source: Arc::clone(source), values })
            }
        };
        let Some(values) = &known.values else { return Ok(None) };
        if let Some(dictionary) = column.as_any().downcast_ref::<DictionaryArray<Int32Type>>() {
            return Ok(Some(Arc::new(dictionary.with_values(Arc::clone(values)))));
        }
        let codes = cast_with_options(dictionary.keys(), &DataType::Int32, &strict)?;
        let codes = codes.as_primitive::<Int32Type>().clone();
        Ok(Some(Arc::new(DictionaryArray::try_new(codes, Arc::clone(values))?)))
    }
}

fn is_same(a: &ArrayRef, b: &ArrayRef) -> bool {
    Arc::ptr_eq(a, b) || (a.len() == b.len() && a.to_data().ptr_eq(&b.to_data()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{StringArray, UInt8Array};
    use arrow::datatypes::UInt8Type;

    fn texts(column: &ArrayRef) -> Vec<Option<String>> {
        (0..column.len()).map(|r| text_at(column.as_ref(), r).map(String::from)).collect()
    }

    fn dictionary(rows: usize) -> ArrayRef {
        let values = StringArray::from_iter_values(["a", "a string longer than a view", ""]);
        let code = |r: usize| (r % 5 != 4).then_some((r % 3) as u8);
        let codes: UInt8Array = (0..rows).map(code).collect();
        Arc::new(DictionaryArray::<UInt8Type>::try_new(codes, Arc::new(values)).unwrap())
    }

    #[test]
    fn a_coded_column_says_what_the_dictionary_said() {
        let column = dictionary(100);
        let expected: Vec<Option<String>> = {
            let cast = arrow::compute::cast(&column, &DataType::Utf8View).unwrap();
            texts(&cast)
        };
        let mut dictionaries = Dictionaries::default();
        let one = dictionaries.code(1, &column).unwrap().unwrap();
        assert_eq!(texts(&one), expected);
        assert_eq!(texts(&plain_column(&one).unwrap()), expected);
        // The same dictionary again is known by its memory.
        let two = dictionaries.code(1, &column.slice(3, 90)).unwrap().unwrap();
        assert_eq!(texts(&two), expected[3..93]);
        let (a, b) = (one.as_any_dictionary().values(), two.as_any_dictionary().values());
        assert!(Arc::ptr_eq(a, b));
        let both = concat_columns(&one, &two).unwrap();
        assert!(coded(&both).is_some());
        assert_eq!(texts(&both), [&expected[..], &expected[3..93]].concat());
        let other = Dictionaries::default().code(0, &column).unwrap().unwrap();
        let both = concat_columns(&one, &other).unwrap();
        assert!(coded(&both).is_none());
        assert_eq!(texts(&both), [&expected[..], &expected[..]].concat());
    }

    #[test]
    fn what_is_not_worth_it_or_no_text_stays_as_it_is() {
        let mut dictionaries = Dictionaries::default();
        assert!(dictionaries.code(0, &dictionary(LEAST - 1)).unwrap().is_none());
        let plain = arrow::compute::cast(&dictionary(99), &DataType::Utf8View).unwrap();
        assert!(dictionaries.code(0, &plain).unwrap().is_none());
        let numbers = Arc::new(Int32Array::from(vec![4, 5]));
        let codes = Int32Array::from(vec![0; 100]);
        let column: ArrayRef = Arc::new(DictionaryArray::try_new(codes, numbers).unwrap());
        assert!(dictionaries.code(0, &column).unwrap().is_none());
        // A dictionary larger than the batch is converted when it comes a second time.
        let large = StringArray::from_iter_values((0..1000).map(|i| i.to_string()));
        let codes = Int32Array::from_iter_values(0..100);
        let column: ArrayRef = Arc::new(DictionaryArray::try_new(codes, Arc::new(large)).unwrap());
        assert!(dictionaries.code(0, &column).unwrap().is_none());
        assert!(dictionaries.code(0, &column).unwrap().is_some());
    }

    #[test]
    fn a_batch_says_of_itself_what_it_holds() {
        let schema: SchemaRef = Schema::new(vec![Field::new("s", DataType::Utf8View, true)]).into();
        let column = Dictionaries::default().code(0, &dictionary(70)).unwrap().unwrap();
        let rows = record_batch(&schema, vec![Arc::clone(&column)], 70).unwrap();
        assert!(is_dictionary(rows.schema().field(0).data_type()));
        let stamps = super::super::Stamps::steps(1, 70);
        let batch =
            EventBatch::new(rows, stamps.clone(), stamps, super::super::Stamps::steps(1, 70));
        assert!(batch.is_coded());
        let plain = batch.plain().unwrap();
        assert!(!plain.is_coded());
        assert_eq!(plain.columns.schema(), schema);
        assert_eq!(texts(plain.columns.column(0)), texts(&column));
    }
}
