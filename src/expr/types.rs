//! Attribute types as Arrow types.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

pub use crate::lang::ast::AttrType;

/// The Arrow type of an attribute type.
pub fn arrow_type(ty: AttrType) -> DataType {
    match ty {
        AttrType::String => DataType::Utf8View,
        AttrType::Int => DataType::Int32,
        AttrType::Long => DataType::Int64,
        AttrType::Float => DataType::Float32,
        AttrType::Double => DataType::Float64,
        AttrType::Bool => DataType::Boolean,
        AttrType::Object => DataType::BinaryView,
    }
}

/// The attribute type of one of the engine's Arrow types.
pub fn attr_type(ty: &DataType) -> Option<AttrType> {
    Some(match ty {
        DataType::Utf8View => AttrType::String,
        DataType::Int32 => AttrType::Int,
        DataType::Int64 => AttrType::Long,
        DataType::Float32 => AttrType::Float,
        DataType::Float64 => AttrType::Double,
        DataType::Boolean => AttrType::Bool,
        DataType::BinaryView => AttrType::Object,
        _ => return None,
    })
}

/// A schema of nullable attributes.
pub fn schema_of<'a>(attributes: impl IntoIterator<Item = (&'a str, AttrType)>) -> SchemaRef {
    let fields: Vec<Field> =
        attributes.into_iter().map(|(name, ty)| Field::new(name, arrow_type(ty), true)).collect();
    Schema::new(fields).into()
}

/// Whether arithmetic is defined.
pub fn is_numeric(ty: AttrType) -> bool {
    matches!(ty, AttrType::Int | AttrType::Long | AttrType::Float | AttrType::Double)
}
