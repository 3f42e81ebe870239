//! CSV.
//!
//! Reading: with a header, columns are found by name and others ignored; without, the fields are the
//! stream's attributes in order. An empty field without quotes is a null; `""` is an empty string (a
//! null where a number is wanted). White space around numbers doesn't count, around text it does.
//! Blank lines are skipped. See `parse` for what values may look like, `csv_split` for quoting.
//!
//! Writing: nulls as empty fields, empty strings as `""`, so that every value of every type comes
//! back as it was (but for a stream of one attribute, whose nulls are blank lines).

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::blocks::Blocks;
use super::cells::{CellKind, Cells, Columns};
use super::csv_split::{Field, Found, first_record};
use super::text::{CellColumn, push_cell};
use super::{Input, Output, ReadOptions, RecordWriter, TextInput, columns_of, time_slot};
use crate::error::{Error, Result};
use crate::io::{Progress, RejectedRow, Source, SourceBatch};

/// Rows of a CSV text.
pub(super) struct CsvSource {
    blocks: Blocks,
    total: Option<u64>,
    live: bool,
    delimiter: u8,
    header: bool,
    time: Option<String>,
    layout: Option<Layout>,
    columns: Columns,
    cells: Cells,
    fields: Vec<Field>,
}

/// Where things are in a record.
struct Layout {
    fields: usize,
    /// Field of each slot of the cells.
    slots: Vec<usize>,
}

impl CsvSource {
    /// Opens an input. The header is read at once unless the input is live.
    pub(super) fn open(input: Input, schema: SchemaRef, options: &ReadOptions) -> Result<Self> {
        let slot = time_slot(&schema, options.time.as_deref());
        let slots = schema.fields().len().max(slot.as_ref().map_or(0, |(s, _)| s + 1));
        let TextInput { blocks, total, live } = input.into_text()?;
        let mut source = Self {
            blocks,
            total,
            live,
            delimiter: options.delimiter,
            header: options.header,
            time: options.time.clone(),
            layout: None,
            columns: Columns::new(schema, slot)?,
            cells: Cells::new(slots),
            fields: vec![],
        };
        if !live {
            source.read_header()?;
        }
        Ok(source)
    }

    /// Makes the layout, if there is anything to make it from.
    fn read_header(&mut self) -> Result<()> {
        if self.layout.is_some() {
            return Ok(());
        }
        let attributes = self.columns.schema().fields().len();
        if !self.header {
            if attributes < self.cells_wanted() {
                let time = self.time.as_deref().unwrap_or_default();
                return Err(Error::Name(format!(
                    "{} is read without a header, so the event time can't be its column `{time}`, \
                     which is no attribute of the stream",
                    self.blocks.name()
                )));
            }
            self.layout = Some(Layout { fields: attributes, slots: (0..attributes).collect() });
            return Ok(());
        }
        loop {
            match self.first(None) {
                Found::Incomplete if self.blocks.at_end() => return Ok(()),
                Found::Incomplete => self.blocks.fill()?,
                Found::Blank(length) => self.blocks.consume(length, 1),
                Found::Bad { why, .. } => {
                    return Err(Error::Data(format!("{}: header: {why}", self.blocks.name())));
                }
                Found::Record { text, length, lines } => {
                    let names = self.header_names(text)?;
                    self.blocks.consume(length, lines);
                    let wanted = self.wanted();
                    let slots = columns_of(self.blocks.name(), &names, &wanted)?;
                    self.layout = Some(Layout { fields: names.len(), slots });
                    return Ok(());
                }
            }
        }
    }

    fn cells_wanted(&self) -> usize {
        self.wanted().len()
    }

    /// The columns wanted, by slot.
    fn wanted(&self) -> Vec<String> {
        let mut wanted: Vec<String> =
            self.columns.schema().fields().iter().map(|f| f.name().clone()).collect();
        wanted.extend(self.time.clone().filter(|t| !wanted.contains(t)));
        wanted
    }

    fn header_names(&self, text: usize) -> Result<Vec<String>> {
        let bytes = &self.blocks.data()[..text];
        let record = std::str::from_utf8(bytes).map_err(|_| {
            Error::Data(format!("{}: the header is not UTF-8 text", self.blocks.name()))
        })?;
        let names = self.fields.iter().map(|field| {
            let mut name = String::new();
            field.append_to(record, &mut name);
            name.trim().to_string()
        });
        Ok(names.collect())
    }

    fn first(&mut self, expected: Option<usize>) -> Found {
        let eof = self.blocks.at_end();
        first_record(self.blocks.data(), eof, self.delimiter, expected, &mut self.fields)
    }

    /// Takes the record of `text` bytes that [`CsvSource::first`] found.
    fn take(&mut self, text: usize) -> Result<(), String> {
        let record = std::str::from_utf8(&self.blocks.data()[..text])
            .map_err(|e| format!("not UTF-8 text (byte {})", e.valid_up_to() + 1))?;
        let layout = self.layout.as_ref().ok_or("no header")?;
        self.cells.clear();
        for (slot, field) in layout.slots.iter().map(|f| &self.fields[*f]).enumerate() {
            if field.is_absent() {
                self.cells.set(slot, CellKind::Null, "");
            } else {
                let append = |out: &mut String| {
                    field.append_to(record, out);
                    Ok::<(), String>(())
                };
                self.cells.set_with(slot, CellKind::Text, append)?;
            }
        }
        self.columns.push(&self.cells)
    }

    fn batch(&mut self, rejected: Vec<RejectedRow>) -> Result<Option<SourceBatch>> {
        let (rows, time) = self.columns.finish()?;
        Ok(Some(SourceBatch { rows, time, rejected }))
    }
}

impl Source for CsvSource {
    fn next(&mut self, max_rows: usize) -> Result<Option<SourceBatch>> {
        self.read_header()?;
        let expected = self.layout.as_ref().map(|l| l.fields);
        let mut rejected = vec![];
        loop {
            let taken = self.columns.rows() + rejected.len();
            if taken >= max_rows.max(1) {
                return self.batch(rejected);
            }
            match self.first(expected) {
                Found::Incomplete if self.blocks.at_end() && taken == 0 => return Ok(None),
                Found::Incomplete if self.blocks.at_end() || (self.live && taken > 0) => {
                    return self.batch(rejected);
                }
                Found::Incomplete => self.blocks.fill()?,
                Found::Blank(length) => self.blocks.consume(length, 1),
                Found::Bad { text, length, why } => {
                    let (line, before) = (self.blocks.line(), self.columns.rows());
                    rejected.push(RejectedRow::new(line, &self.blocks.data()[..text], why, before));
                    self.blocks.consume_line(length);
                }
                Found::Record { text, length, lines } => {
                    if let Err(why) = self.take(text) {
                        let (line, before) = (self.blocks.line(), self.columns.rows());
                        let bytes = &self.blocks.data()[..text];
                        rejected.push(RejectedRow::new(line, bytes, why, before));
                    }
                    self.blocks.consume(length, lines);
                }
            }
        }
    }

    fn progress(&self) -> Progress {
        Progress { bytes_read: self.blocks.consumed(), total: self.total }
    }

    fn schema(&self) -> &SchemaRef {
        self.columns.schema()
    }

    fn is_live(&self) -> bool {
        self.live
    }
}

/// Writes CSV.
pub(super) struct CsvWriter {
    output: Output,
    delimiter: u8,
    schema: SchemaRef,
    header: bool,
    text: String,
}

impl CsvWriter {
    pub(super) fn new(output: Output, schema: SchemaRef, header: bool, delimiter: u8) -> Self {
        Self { output, delimiter, schema, header, text: String::new() }
    }

    fn push_header(&mut self) {
        if std::mem::take(&mut self.header) {
            for (i, field) in self.schema.fields().iter().enumerate() {
                if i > 0 {
                    self.text.push(char::from(self.delimiter));
                }
                push_text(&mut self.text, field.name(), self.delimiter);
            }
            self.text.push('\n');
        }
    }

    fn put(&mut self) -> Result<()> {
        self.output.put(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }
}

/// Text, in quotes where it needs them. (A lone `\r` at the end of a line would be taken for a part
/// of the line end; an empty text for a null.)
fn push_text(out: &mut String, text: &str, delimiter: u8) {
    let special = |b: u8| matches!(b, b'"' | b'\n' | b'\r') || b == delimiter;
    if text.is_empty() || text.bytes().any(special) || text.starts_with('\u{feff}') {
        out.push('"');
        for (i, piece) in text.split('"').enumerate() {
            if i > 0 {
                out.push_str("\"\"");
            }
            out.push_str(piece);
        }
        out.push('"');
    } else {
        out.push_str(text);
    }
}

impl RecordWriter for CsvWriter {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.push_header();
        let columns = CellColumn::of(rows)?;
        let mut cell = String::new();
        for row in 0..rows.num_rows() {
            for (i, column) in columns.iter().enumerate() {
                if i > 0 {
                    self.text.push(char::from(self.delimiter));
                }
                match column {
                    _ if column.is_null(row) => {}
                    CellColumn::Text(a) => push_text(&mut self.text, a.value(row), self.delimiter),
                    CellColumn::Object(_) => {
                        cell.clear();
                        push_cell(&mut cell, column, row);
                        push_text(&mut self.text, &cell, self.delimiter);
                    }
                    _ => push_cell(&mut self.text, column, row),
                }
            }
            self.text.push('\n');
        }
        self.put()
    }

    fn flush(&mut self) -> Result<()> {
        self.output.flush_all()
    }

    fn close(mut self: Box<Self>) -> Result<()> {
        self.push_header();
        self.put()?;
        self.output.flush_all()
    }
}
