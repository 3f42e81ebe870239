//! Rows as they go into columnar files: text as plain UTF-8 columns and `object` attributes as JSON
//! text, which every reader of these formats understands.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::text::push_json;
use crate::error::Result;
use crate::event::object;

/// The schema of a file for rows of `schema`.
pub(super) fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8View | DataType::BinaryView => {
            Arc::new(Field::new(field.name(), DataType::Utf8, true))
        }
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rows, with columns of `plain_schema`.
pub(super) fn plain_rows(rows: &RecordBatch, plain: &SchemaRef) -> Result<RecordBatch> {
    let columns = rows.columns().iter().map(|column| -> Result<ArrayRef> {
        Ok(match column.data_type() {
            DataType::Utf8View => cast(column, &DataType::Utf8)?,
            DataType::BinaryView => {
                let (mut builder, mut text) = (StringBuilder::new(), String::new());
                for value in column.as_binary_view() {
                    text.clear();
                    if let Some(bytes) = value {
                        push_json(&mut text, &object::decode(bytes));
                    }
                    builder.append_option(value.map(|_| &text));
                }
                Arc::new(builder.finish())
            }
            _ => Arc::clone(column),
        })
    });
    let columns = columns.collect::<Result<_>>()?;
    Ok(RecordBatch::try_new(Arc::clone(plain), columns)?)
}
