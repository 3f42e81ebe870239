//! JSON lines: one object per line.
//!
//! Reading: fields are found by name in any order, others ignored; of a field that comes twice the
//! last counts. A null is written `null`; a field that isn't there is a fault, unless the option
//! `fail.on.missing.attribute` is `false`, then a null. Types must fit (`"5"` is no int), except that
//! a long may be a date and time, and a float or double `"NaN"`, `"Infinity"`, `"-Infinity"`. Blank
//! lines are skipped.
//!
//! Writing: all attributes in order, nulls as `null`, `object` attributes as lists and values.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hashbrown::HashMap;

use super::blocks::Blocks;
use super::cells::{CellKind, Cells, Columns};
use super::json_scan::{Fault, Scanner, Token};
use super::text::{CellColumn, push_cell, push_json_float, push_json_string};
use super::{Input, Output, ReadOptions, RecordWriter, TextInput, time_slot};
use crate::error::{Error, Result};
use crate::io::{Progress, RejectedRow, Source, SourceBatch};

/// Rows of JSON lines.
pub(super) struct JsonSource {
    blocks: Blocks,
    total: Option<u64>,
    live: bool,
    columns: Columns,
    record: Record,
    started: bool,
}

/// What reading one line takes.
struct Record {
    slots: HashMap<String, usize, foldhash::fast::FixedState>,
    missing_is_null: bool,
    cells: Cells,
    /// The slots seen in this record.
    seen: Vec<bool>,
    key: String,
    scratch: String,
}

impl JsonSource {
    /// Opens an input.
    pub(super) fn open(input: Input, schema: SchemaRef, options: &ReadOptions) -> Result<Self> {
        let slot = time_slot(&schema, options.time.as_deref());
        let mut slots: HashMap<String, usize, _> = HashMap::default();
        slots.extend(schema.fields().iter().enumerate().map(|(i, f)| (f.name().clone(), i)));
        slots.extend(slot.iter().map(|(slot, name)| (name.clone(), *slot)));
        let count = slots.len();
        let TextInput { blocks, total, live } = input.into_text()?;
        Ok(Self {
            blocks,
            total,
            live,
            columns: Columns::new(schema, slot)?,
            record: Record {
                slots,
                missing_is_null: !options.fail_on_missing,
                cells: Cells::new(count),
                seen: vec![false; count],
                key: String::new(),
                scratch: String::new(),
            },
            started: false,
        })
    }

    /// Says what to do about a file that is one JSON list.
    fn refuse_list(&mut self) -> Result<()> {
        let first = |b: &u8| !b.is_ascii_whitespace();
        while !self.started {
            match self.blocks.data().iter().find(|b| first(b)) {
                Some(b'[') => {
                    return Err(Error::Data(format!(
                        "{} is a JSON list; one object per line is expected (`jq -c '.[]'` makes \
                         that of a list)",
                        self.blocks.name()
                    )));
                }
                None if !self.blocks.at_end() => self.blocks.fill()?,
                _ => self.started = true,
            }
        }
        Ok(())
    }
}

impl Record {
    /// Reads a line into the cells.
    fn read(&mut self, line: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(line)
            .map_err(|e| format!("not UTF-8 text (byte {})", e.valid_up_to() + 1))?;
        self.cells.clear();
        self.seen.fill(false);
        self.object(text).map_err(|Fault { at, what }| {
            format!("not a JSON object: {what} at character {}", text[..at].chars().count() + 1)
        })?;
        if self.missing_is_null {
            for slot in (0..self.seen.len()).filter(|s| !self.seen[*s]) {
                self.cells.set(slot, CellKind::Null, "");
            }
        }
        Ok(())
    }

    fn object(&mut self, text: &str) -> Result<(), Fault> {
        let mut scanner = Scanner::new(text);
        scanner.expect(b'{', "`{` was expected")?;
        if !scanner.eat(b'}') {
            loop {
                scanner.peek();
                self.key.clear();
                scanner.string(&mut self.key)?;
                scanner.expect(b':', "`:` was expected")?;
                match self.slots.get(&self.key) {
                    Some(slot) => {
                        self.seen[*slot] = true;
                        read_cell(&mut scanner, *slot, &mut self.cells, &mut self.scratch)?;
                    }
                    None => {
                        scanner.skip(&mut self.scratch)?;
                    }
                }
                if !scanner.eat(b',') {
                    scanner.expect(b'}', "`,` or `}` was expected")?;
                    break;
                }
            }
        }
        scanner.end()
    }
}

fn read_cell(
    scanner: &mut Scanner<'_>,
    slot: usize,
    cells: &mut Cells,
    scratch: &mut String,
) -> Result<(), Fault> {
    match scanner.token()? {
        Token::String => {
            return cells.set_with(slot, CellKind::String, |out| scanner.string(out));
        }
        Token::Number => cells.set(slot, CellKind::Number, scanner.number()?),
        Token::True => {
            scanner.literal("true")?;
            cells.set(slot, CellKind::Bool, "true");
        }
        Token::False => {
            scanner.literal("false")?;
            cells.set(slot, CellKind::Bool, "false");
        }
        Token::Null => {
            scanner.literal("null")?;
            cells.set(slot, CellKind::Null, "");
        }
        Token::Object | Token::List => {
            let text = scanner.skip(scratch)?;
            cells.set(slot, CellKind::Nested, text);
        }
    }
    Ok(())
}

impl Source for JsonSource {
    fn next(&mut self, max_rows: usize) -> Result<Option<SourceBatch>> {
        self.refuse_list()?;
        let mut rejected = vec![];
        loop {
            let taken = self.columns.rows() + rejected.len();
            let done = match self.blocks.first_line() {
                _ if taken >= max_rows.max(1) => true,
                Some((line, length)) => {
                    if !line.trim_ascii().is_empty() {
                        let read = self.record.read(line);
                        let taken = read.and_then(|()| self.columns.push(&self.record.cells));
                        if let Err(why) = taken {
                            let (number, before) = (self.blocks.line(), self.columns.rows());
                            rejected.push(RejectedRow::new(number, line, why, before));
                        }
                    }
                    self.blocks.consume_line(length);
                    false
                }
                None if self.blocks.at_end() && taken == 0 => return Ok(None),
                None if self.blocks.at_end() || (self.live && taken > 0) => true,
                None => {
                    self.blocks.fill()?;
                    false
                }
            };
            if done {
                let (rows, time) = self.columns.finish()?;
                return Ok(Some(SourceBatch { rows, time, rejected }));
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

/// Writes JSON lines.
pub(super) struct JsonWriter {
    output: Output,
    /// `{"a":`, `,"b":`, …
    keys: Vec<String>,
    text: String,
}

impl JsonWriter {
    pub(super) fn new(output: Output, schema: &SchemaRef) -> Self {
        let keys = schema.fields().iter().enumerate().map(|(i, field)| {
            let mut key = String::from(if i == 0 { "{" } else { "," });
            push_json_string(&mut key, field.name());
            key.push(':');
            key
        });
        Self { output, keys: keys.collect(), text: String::new() }
    }
}

impl RecordWriter for JsonWriter {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let columns = CellColumn::of(rows)?;
        let out = &mut self.text;
        let mut number = String::new();
        for row in 0..rows.num_rows() {
            for (key, column) in self.keys.iter().zip(&columns) {
                out.push_str(key);
                number.clear();
                match column {
                    _ if column.is_null(row) => out.push_str("null"),
                    CellColumn::Text(a) => push_json_string(out, a.value(row)),
                    CellColumn::Float(a) => {
                        push_cell(&mut number, column, row);
                        let v = a.value(row);
                        push_json_float(out, v.is_finite(), v.is_nan(), &number);
                    }
                    CellColumn::Double(a) => {
                        push_cell(&mut number, column, row);
                        let v = a.value(row);
                        push_json_float(out, v.is_finite(), v.is_nan(), &number);
                    }
                    _ => push_cell(out, column, row),
                }
            }
            out.push_str("}\n");
        }
        self.output.put(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.output.flush_all()
    }

    fn close(mut self: Box<Self>) -> Result<()> {
        self.output.flush_all()
    }
}
