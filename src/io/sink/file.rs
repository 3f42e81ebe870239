//! `@sink(type='file', …)`: the events of a stream as rows of a file.

use arrow::datatypes::SchemaRef;

use super::{SinkContext, SinkSpec};
use crate::error::{Code, Diagnostic, Error, Result};
use crate::event::EventBatch;
use crate::io::Sink;
use crate::io::format::{self, RecordWriter, Target, WriteOptions};
use crate::io::options::{OptionSpec, OptionType, Options};
use crate::io::source::file::{DELIMITER, FORMAT, PATH, beneath, format_of, path_of};

/// The kind.
pub static SPEC: SinkSpec = SinkSpec {
    name: "file",
    doc: "Writes the attributes of a stream's events to a CSV, JSON lines, Arrow IPC or Parquet file, \
          a row each.",
    example: "@sink(type='file', path='alerts.csv')\n\
              define stream Alerts (id string, mag double);",
    options: OPTIONS,
    maps: &["passThrough", "csv", "json"],
    check,
    open,
};

static OPTIONS: &[OptionSpec] = &[
    PATH,
    FORMAT,
    OptionSpec {
        name: "header",
        aliases: &[],
        ty: OptionType::Bool,
        required: false,
        default: Some("true"),
        doc: "CSV: whether the first record names the columns.",
    },
    DELIMITER,
    OptionSpec {
        name: "append",
        aliases: &[],
        ty: OptionType::Bool,
        required: false,
        default: Some("false"),
        doc: "CSV and JSON: whether what is in the file stays. (In Siddhi, it does by default.)",
    },
];

fn check(options: &Options, _schema: &SchemaRef) -> Result<(), Diagnostic> {
    let (format, _) = format_of(options)?;
    if options.flag("append") && !format.is_text() {
        let span = options.span("append").unwrap_or_default();
        let message = "only csv and json files can be appended to";
        return Err(Diagnostic::error(Code::Parameter, span, message));
    }
    Ok(())
}

fn open(options: &Options, context: &SinkContext) -> Result<Box<dyn Sink>> {
    let (format, delimiter) = format_of(options).map_err(|d| Error::Query(vec![d]))?;
    let write = WriteOptions { format, header: options.flag("header"), delimiter };
    let path = beneath(&context.directory, path_of(options));
    let target = Target::Path { path, append: options.flag("append") };
    let writer = format::create(target, context.schema.clone(), &write)?;
    Ok(Box::new(FileSink::new(writer)))
}

/// Writes the attributes of events, a row each.
pub struct FileSink {
    writer: Box<dyn RecordWriter>,
}

impl FileSink {
    /// Writes to `writer`.
    pub fn new(writer: Box<dyn RecordWriter>) -> Self {
        Self { writer }
    }
}

impl Sink for FileSink {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        match batch.rows() {
            0 => Ok(()),
            _ => self.writer.write(&batch.columns),
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.writer.flush()
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.writer.close()
    }
}
