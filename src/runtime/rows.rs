//! [`Rows`]: rows that come one by one, kept in columns from the start.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryViewBuilder, BooleanBuilder, PrimitiveArray,
    StringViewBuilder,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, FieldRef, Float32Type, Float64Type, Int32Type, Int64Type, SchemaRef,
};

use crate::event::{Value, object};

/// Rows of one stream on their way in.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Vec<Column>,
}

#[derive(Debug)]
enum Column {
    Int(Numbers<Int32Type>),
    Long(Numbers<Int64Type>),
    Float(Numbers<Float32Type>),
    Double(Numbers<Float64Type>),
    Bool(BooleanBuilder),
    Text(StringViewBuilder),
    Object(BinaryViewBuilder),
}

/// Numbers, mostly not null.
#[derive(Debug)]
struct Numbers<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    /// Whether each is one; empty before the first null.
    valid: Vec<bool>,
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    fn new() -> Self {
        Self { values: vec![], valid: vec![] }
    }

    #[inline]
    fn append_value(&mut self, value: T::Native) {
        self.values.push(value);
        if !self.valid.is_empty() {
            self.valid.push(true);
        }
    }

    fn append_null(&mut self) {
        self.valid.resize(self.values.len(), true);
        self.values.push(T::Native::default());
        self.valid.push(false);
    }

    /// Takes all, and makes room for as many.
    fn finish(&mut self) -> PrimitiveArray<T> {
        let room = Vec::with_capacity(self.values.len());
        let valid = std::mem::take(&mut self.valid);
        let nulls = (!valid.is_empty()).then(|| NullBuffer::from(valid));
        PrimitiveArray::new(std::mem::replace(&mut self.values, room).into(), nulls)
    }
}

impl Rows {
    /// For rows of `schema` (engine types only).
    pub(super) fn new(schema: &SchemaRef) -> Self {
        Self { columns: schema.fields().iter().map(|f| Column::new(f.data_type())).collect() }
    }

    /// Adds a row: one value per column, each of which [`fits`].
    #[inline]
    pub(super) fn push(&mut self, values: &[Value]) {
        debug_assert_eq!(values.len(), self.columns.len());
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
    }

    /// Takes all rows.
    pub(super) fn take(&mut self) -> Vec<ArrayRef> {
        self.columns.iter_mut().map(Column::take).collect()
    }
}

impl Column {
    fn new(ty: &DataType) -> Self {
        match ty {
            DataType::Int32 => Column::Int(Numbers::new()),
            DataType::Int64 => Column::Long(Numbers::new()),
            DataType::Float32 => Column::Float(Numbers::new()),
            DataType::Float64 => Column::Double(Numbers::new()),
            DataType::Boolean => Column::Bool(BooleanBuilder::with_capacity(0)),
            DataType::Utf8View => Column::Text(StringViewBuilder::with_capacity(0)),
            _ => Column::Object(BinaryViewBuilder::with_capacity(0)),
        }
    }

    /// Adds a value, widened; what doesn't fit is null.
    #[inline]
    fn push(&mut self, value: &Value) {
        match (self, value) {
            (Column::Int(to), Value::Int(v)) => to.append_value(*v),
            (Column::Long(to), Value::Long(v)) => to.append_value(*v),
            (Column::Float(to), Value::Float(v)) => to.append_value(*v),
            (Column::Double(to), Value::Double(v)) => to.append_value(*v),
            (Column::Bool(to), Value::Bool(v)) => to.append_value(*v),
            (Column::Text(to), Value::String(v)) => to.append_value(v),
            (column, value) => column.push_other(value),
        }
    }

    #[cold]
    fn push_other(&mut self, value: &Value) {
        match (self, value) {
            (Column::Long(to), Value::Int(v)) => to.append_value((*v).into()),
            (Column::Float(to), Value::Int(v)) => to.append_value(*v as f32),
            (Column::Double(to), Value::Int(v)) => to.append_value((*v).into()),
            (Column::Double(to), Value::Long(v)) => to.append_value(*v as f64),
            (Column::Double(to), Value::Float(v)) => to.append_value((*v).into()),
            (Column::Object(to), Value::Null) => to.append_null(),
            (Column::Object(to), v) => to.append_value(object::encode(v)),
            (Column::Int(to), _) => to.append_null(),
            (Column::Long(to), _) => to.append_null(),
            (Column::Float(to), _) => to.append_null(),
            (Column::Double(to), _) => to.append_null(),
            (Column::Bool(to), _) => to.append_null(),
            (Column::Text(to), _) => to.append_null(),
        }
    }

    fn take(&mut self) -> ArrayRef {
        match self {
            Column::Int(from) => Arc::new(from.finish()),
            Column::Long(from) => Arc::new(from.finish()),
            Column::Float(from) => Arc::new(from.finish()),
            Column::Double(from) => Arc::new(from.finish()),
            Column::Bool(from) => Arc::new(from.finish()),
            Column::Text(from) => {
                let texts = from.finish();
                *from = StringViewBuilder::with_capacity(texts.len());
                Arc::new(texts)
            }
            Column::Object(from) => Arc::new(from.finish()),
        }
    }
}

/// Values of a row of `schema`, each of which [`fits`] its attribute, as values of its very type.
pub(super) fn widened(values: &[Value], schema: &SchemaRef) -> Vec<Value> {
    let widen = |(value, field): (&Value, &FieldRef)| match (value, field.data_type()) {
        (Value::Int(v), DataType::Int64) => Value::Long((*v).into()),
        (Value::Int(v), DataType::Float32) => Value::Float(*v as f32),
        (Value::Int(v), DataType::Float64) => Value::Double((*v).into()),
        (Value::Long(v), DataType::Float64) => Value::Double(*v as f64),
        (Value::Float(v), DataType::Float64) => Value::Double((*v).into()),
        _ => value.clone(),
    };
    values.iter().zip(schema.fields()).map(widen).collect()
}

/// Whether a value may stand in a column of type `ty`: numbers widen (int to long, float and double;
/// long and float to double), nothing narrows.
#[inline]
pub(super) fn fits(value: &Value, ty: &DataType) -> bool {
    matches!(
        (value, ty),
        (Value::Null, _)
            | (Value::Int(_), DataType::Int32 | DataType::Int64)
            | (Value::Int(_), DataType::Float32 | DataType::Float64)
            | (Value::Long(_), DataType::Int64 | DataType::Float64)
            | (Value::Float(_), DataType::Float32 | DataType::Float64)
            | (Value::Double(_), DataType::Float64)
            | (Value::Bool(_), DataType::Boolean)
            | (Value::String(_), DataType::Utf8View)
            | (_, DataType::BinaryView)
    )
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Schema};

    use super::*;

    #[test]
    fn values_come_out_as_they_went_in_or_wider() {
        let types = [
            DataType::Int32,
            DataType::Int64,
            DataType::Float32,
            DataType::Float64,
            DataType::Boolean,
            DataType::Utf8View,
            DataType::BinaryView,
        ];
        let fields: Vec<Field> = types.iter().map(|t| Field::new("a", t.clone(), true)).collect();
        let mut rows = Rows::new(&Schema::new(fields).into());
        let values = [
            Value::Int(7),
            Value::Long(8),
            Value::Float(1.5),
            Value::Double(2.5),
            Value::Bool(true),
            Value::from("a text of more than twelve bytes"),
            Value::List(vec![Value::Int(1)]),
        ];
        let wider = |v: &Value, ty: &DataType| {
            let one: SchemaRef = Schema::new(vec![Field::new("a", ty.clone(), true)]).into();
            widened(std::slice::from_ref(v), &one).remove(0)
        };
        assert_eq!(wider(&Value::Int(7), &DataType::Float64), Value::Double(7.0));
        assert_eq!(wider(&Value::Float(1.5), &DataType::Float64), Value::Double(1.5));
        // Twice, so that what was taken is gone.
        for _ in 0..2 {
            rows.push(&values);
            rows.push(&[const { Value::Null }; 7]);
            for v in &values {
                let row: Vec<Value> = types
                    .iter()
                    .map(|ty| if fits(v, ty) { v.clone() } else { Value::Null })
                    .collect();
                rows.push(&row);
            }
            let columns = rows.take();
            for (c, ty) in types.iter().enumerate() {
                let column = columns[c].as_ref();
                assert_eq!((column.len(), column.data_type()), (2 + values.len(), ty));
                assert_eq!(Value::from_array(column, 0), values[c]);
                assert!(column.is_null(1));
                for (i, v) in values.iter().enumerate() {
                    let expected = if fits(v, ty) { wider(v, ty) } else { Value::Null };
                    assert_eq!(Value::from_array(column, 2 + i), expected, "{v:?} as {ty}");
                }
            }
        }
        let narrower = [
            (Value::Long(1), DataType::Int32),
            (Value::Double(1.0), DataType::Float32),
            (Value::Long(1), DataType::Float32),
            (Value::Bool(true), DataType::Int32),
            (Value::Int(1), DataType::Utf8View),
        ];
        assert!(narrower.iter().all(|(v, ty)| !fits(v, ty)));
    }
}
