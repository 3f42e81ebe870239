//! From the raw cells of one text record at a time to columns: [`Cells`] and [`Columns`].
//!
//! Invariants: all columns of [`Columns`] have the same number of rows between calls; a record goes
//! into all of them or into none.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewBuilder, BooleanArray, BooleanBufferBuilder, NullBufferBuilder,
    PrimitiveArray, RecordBatch, StringViewBuilder,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int32Type, Int64Type, SchemaRef,
};

use super::json_scan;
use super::parse::{self, Misfit};
use crate::error::{Error, Result};
use crate::event::{Value, object};

/// What a raw cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellKind {
    /// The record has no such field.
    Missing,
    /// No value.
    Null,
    /// Text of no particular type (CSV).
    Text,
    /// A JSON string.
    String,
    /// A JSON number.
    Number,
    /// A JSON boolean.
    Bool,
    /// A JSON object or list.
    Nested,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    kind: CellKind,
    start: u32,
    end: u32,
}

/// The raw cells of one record, by slot; slot = column of the stream, one more for the event time if
/// that isn't one of them.
#[derive(Debug)]
pub(super) struct Cells {
    text: String,
    cells: Vec<Cell>,
}

impl Cells {
    pub(super) fn new(slots: usize) -> Self {
        let none = Cell { kind: CellKind::Missing, start: 0, end: 0 };
        Self { text: String::new(), cells: vec![none; slots] }
    }

    /// Forgets the record.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.cells.fill(Cell { kind: CellKind::Missing, start: 0, end: 0 });
    }

    /// Sets a cell.
    pub(super) fn set(&mut self, slot: usize, kind: CellKind, text: &str) {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        self.cells[slot] = Cell { kind, start, end: self.text.len() as u32 };
    }

    /// Sets a cell to what `write` appends. (Records are shorter than 4 GiB, see `MAX_RECORD`.)
    pub(super) fn set_with<E>(
        &mut self,
        slot: usize,
        kind: CellKind,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.text.len() as u32;
        write(&mut self.text)?;
        self.cells[slot] = Cell { kind, start, end: self.text.len() as u32 };
        Ok(())
    }

    fn get(&self, slot: usize) -> (CellKind, &str) {
        let cell = self.cells[slot];
        (cell.kind, &self.text[cell.start as usize..cell.end as usize])
    }
}

struct Primitive<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    valid: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> Primitive<T> {
    fn new() -> Self {
        Self { values: vec![], valid: NullBufferBuilder::new(0) }
    }

    fn push(&mut self, value: Option<T::Native>) {
        self.values.push(value.unwrap_or_default());
        self.valid.append(value.is_some());
    }

    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.valid.truncate(rows);
    }

    fn finish(&mut self) -> ArrayRef {
        let values = std::mem::take(&mut self.values);
        Arc::new(PrimitiveArray::<T>::new(values.into(), self.valid.finish()))
    }
}

/// A column under construction. Text comes last in a row, as it can't be taken back.
enum Column {
    Int(Primitive<Int32Type>),
    Long(Primitive<Int64Type>),
    Float(Primitive<Float32Type>),
    Double(Primitive<Float64Type>),
    Bool { values: BooleanBufferBuilder, valid: NullBufferBuilder },
    Text(StringViewBuilder),
    Object(Vec<Option<Vec<u8>>>),
}

/// Columns of a batch under construction.
pub(super) struct Columns {
    schema: SchemaRef,
    columns: Vec<Column>,
    time: Option<(usize, String)>,
    times: Vec<i64>,
    rows: usize,
}

impl Columns {
    /// For the rows of a stream; `time` is the slot and the name of the event-time column.
    ///
    /// # Errors
    /// If the schema has a type that is none of the engine's.
    pub(super) fn new(schema: SchemaRef, time: Option<(usize, String)>) -> Result<Self> {
        let columns = schema
            .fields()
            .iter()
            .map(|field| {
                Ok(match field.data_type() {
                    DataType::Int32 => Column::Int(Primitive::new()),
                    DataType::Int64 => Column::Long(Primitive::new()),
                    DataType::Float32 => Column::Float(Primitive::new()),
                    DataType::Float64 => Column::Double(Primitive::new()),
                    DataType::Boolean => Column::Bool {
                        values: BooleanBufferBuilder::new(0),
                        valid: NullBufferBuilder::new(0),
                    },
                    DataType::Utf8View => Column::Text(StringViewBuilder::new()),
                    DataType::BinaryView => Column::Object(vec![]),
                    other => {
                        let message = format!("`{}`: streams hold no {other}", field.name());
                        return Err(Error::Data(message));
                    }
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { schema, columns, time, times: vec![], rows: 0 })
    }

    /// Number of rows taken since the last [`Columns::finish`].
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The schema of the rows.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Takes a record, or says why not and takes nothing of it.
    pub(super) fn push(&mut self, cells: &Cells) -> Result<(), String> {
        let time = match &self.time {
            Some((slot, name)) => Some(event_time(name, cells.get(*slot))?),
            None => None,
        };
        for (slot, column) in self.columns.iter_mut().enumerate() {
            let (kind, text) = cells.get(slot);
            if let Err(misfit) = column.push(kind, text) {
                let field = self.schema.field(slot);
                let reason = misfit.reason(field.name(), kind, text, field.data_type());
                self.columns[..slot].iter_mut().for_each(|c| c.truncate(self.rows));
                return Err(reason);
            }
        }
        for (slot, column) in self.columns.iter_mut().enumerate() {
            if let Column::Text(builder) = column {
                match cells.get(slot) {
                    (CellKind::Null, _) => builder.append_null(),
                    (_, text) => builder.append_value(text),
                }
            }
        }
        self.times.extend(time);
        self.rows += 1;
        Ok(())
    }

    /// The rows taken, with their event times; starts afresh.
    pub(super) fn finish(&mut self) -> Result<(RecordBatch, Option<ScalarBuffer<i64>>)> {
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let times = std::mem::take(&mut self.times);
        self.rows = 0;
        let rows = RecordBatch::try_new(self.schema.clone(), columns)?;
        Ok((rows, self.time.as_ref().map(|_| times.into())))
    }
}

/// Why a cell doesn't go into a column.
enum Fault {
    Value(Misfit),
    Kind,
    Missing,
    Json(String),
}

impl From<Misfit> for Fault {
    fn from(misfit: Misfit) -> Self {
        Fault::Value(misfit)
    }
}

impl Fault {
    fn reason(self, column: &str, kind: CellKind, text: &str, ty: &DataType) -> String {
        let (wanted, text_shown) = (parse::a_type(ty), parse::shown(text));
        match self {
            Fault::Value(misfit) => misfit.reason(column, text, ty),
            Fault::Missing => format!("field `{column}` is missing"),
            Fault::Json(why) => format!("`{column}`: `{text_shown}` is no value: {why}"),
            Fault::Kind => {
                let what = match kind {
                    CellKind::String => "a string",
                    CellKind::Number => "a number",
                    CellKind::Bool => "a boolean",
                    _ => "nested",
                };
                format!("`{column}`: `{text_shown}` is {what}, not {wanted}")
            }
        }
    }
}

impl Column {
    /// Appends a cell; of text columns only checks it.
    fn push(&mut self, kind: CellKind, text: &str) -> Result<(), Fault> {
        if kind == CellKind::Missing {
            return Err(Fault::Missing);
        }
        match self {
            Column::Int(c) => c.push(number(kind, text, parse::int)?),
            Column::Long(c) => c.push(long(kind, text)?),
            Column::Float(c) => c.push(float(kind, text, parse::float)?),
            Column::Double(c) => c.push(float(kind, text, parse::double)?),
            Column::Bool { values, valid } => {
                let value = match kind {
                    CellKind::Bool => Some(text == "true"),
                    CellKind::Null => None,
                    CellKind::Text if text.trim_ascii().is_empty() => None,
                    CellKind::Text => Some(parse::boolean(text)?),
                    _ => return Err(Fault::Kind),
                };
                values.append(value.unwrap_or(false));
                valid.append(value.is_some());
            }
            Column::Text(_) => match kind {
                CellKind::Null | CellKind::Text | CellKind::String => {}
                _ => return Err(Fault::Kind),
            },
            Column::Object(values) => values.push(object_value(kind, text)?),
        }
        Ok(())
    }

    fn truncate(&mut self, rows: usize) {
        match self {
            Column::Int(c) => c.truncate(rows),
            Column::Long(c) => c.truncate(rows),
            Column::Float(c) => c.truncate(rows),
            Column::Double(c) => c.truncate(rows),
            Column::Bool { values, valid } => {
                values.truncate(rows);
                valid.truncate(rows);
            }
            Column::Text(_) => {}
            Column::Object(values) => values.truncate(rows),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Int(c) => c.finish(),
            Column::Long(c) => c.finish(),
            Column::Float(c) => c.finish(),
            Column::Double(c) => c.finish(),
            Column::Bool { values, valid } => {
                Arc::new(BooleanArray::new(values.finish(), valid.finish()))
            }
            Column::Text(builder) => Arc::new(builder.finish()),
            Column::Object(values) => {
                let mut builder = BinaryViewBuilder::with_capacity(values.len());
                values.drain(..).for_each(|v| builder.append_option(v));
                Arc::new(builder.finish())
            }
        }
    }
}

/// Blank CSV text is no number but a null.
fn number<T>(
    kind: CellKind,
    text: &str,
    parse: fn(&str) -> Result<T, Misfit>,
) -> Result<Option<T>, Fault> {
    match kind {
        CellKind::Null => Ok(None),
        CellKind::Number => Ok(Some(parse(text)?)),
        CellKind::Text => match parse(text) {
            Ok(value) => Ok(Some(value)),
            Err(_) if text.trim_ascii().is_empty() => Ok(None),
            Err(misfit) => Err(misfit.into()),
        },
        _ => Err(Fault::Kind),
    }
}

/// A long may also be written as a date and time.
fn long(kind: CellKind, text: &str) -> Result<Option<i64>, Fault> {
    match kind {
        CellKind::String => parse::timestamp(text).map(Some).ok_or(Fault::Kind),
        _ => match number(kind, text, parse::long) {
            Err(fault) => parse::timestamp(text).map(Some).ok_or(fault),
            fine => fine,
        },
    }
}

/// JSON has no numbers for these three; they come as strings, as in Protocol Buffers' JSON mapping.
fn float<T>(
    kind: CellKind,
    text: &str,
    parse: fn(&str) -> Result<T, Misfit>,
) -> Result<Option<T>, Fault> {
    match (kind, text) {
        (CellKind::String, "NaN" | "Infinity" | "-Infinity") => Ok(Some(parse(text)?)),
        _ => number(kind, text, parse),
    }
}

fn object_value(kind: CellKind, text: &str) -> Result<Option<Vec<u8>>, Fault> {
    let value = match kind {
        CellKind::Null => Value::Null,
        CellKind::String => Value::String(text.into()),
        _ => json_scan::value(text).map_err(Fault::Json)?,
    };
    Ok((value != Value::Null).then(|| object::encode(&value)))
}

fn event_time(name: &str, (kind, text): (CellKind, &str)) -> Result<i64, String> {
    let time = match kind {
        CellKind::Missing => return Err(format!("field `{name}` (the event time) is missing")),
        CellKind::Null => return Err(format!("`{name}` (the event time) is empty")),
        CellKind::Text | CellKind::String | CellKind::Number => parse::event_time(text).ok(),
        CellKind::Bool | CellKind::Nested => None,
    };
    let expected = parse::TIME_FORMS;
    time.ok_or_else(|| {
        format!("`{name}`: `{}` is no event time; expected {expected}", parse::shown(text))
    })
}
