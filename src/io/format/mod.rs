//! File formats: which there are, how they are told apart, how they are opened for reading and
//! created for writing. One file per format.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::Source;
use crate::error::{Error, Result, nearest};

mod arrow_ipc;
mod blocks;
mod cast;
mod cells;
mod columnar;
mod csv;
mod csv_split;
mod json;
mod json_scan;
mod parquet;
mod parse;
mod plain;
pub(crate) mod text;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// One JSON object per line.
    Json,
    /// Arrow IPC, file format (either IPC format is read).
    Arrow,
    /// Arrow IPC, stream format (either IPC format is read).
    ArrowStream,
    /// Apache Parquet.
    Parquet,
}

/// Extensions and what they mean.
const EXTENSIONS: &[(&str, Format)] = &[
    ("csv", Format::Csv),
    ("tsv", Format::Csv),
    ("json", Format::Json),
    ("jsonl", Format::Json),
    ("ndjson", Format::Json),
    ("arrow", Format::Arrow),
    ("ipc", Format::Arrow),
    ("feather", Format::Arrow),
    ("arrows", Format::ArrowStream),
    ("parquet", Format::Parquet),
];

impl Format {
    /// Names of the formats, as options take them.
    pub const NAMES: &'static [&'static str] = &["csv", "json", "arrow", "arrows", "parquet"];

    /// The format called so (in any case), if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "csv" => Some(Format::Csv),
            "json" => Some(Format::Json),
            "arrow" => Some(Format::Arrow),
            "arrows" => Some(Format::ArrowStream),
            "parquet" => Some(Format::Parquet),
            _ => None,
        }
    }

    /// The format that goes by the extension of `path`.
    ///
    /// # Errors
    /// A sentence about the extension, with the nearest one that means something.
    pub fn from_path(path: &Path) -> Result<Self> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let extension = extension.unwrap_or_default();
        let known = EXTENSIONS.iter().find(|(e, _)| *e == extension);
        known.map(|(_, format)| *format).ok_or_else(|| {
            let known = EXTENSIONS.iter().map(|(e, _)| *e);
            let hint = match nearest(&extension, known.clone()) {
                Some(near) if !extension.is_empty() => format!("did you mean .{near}?"),
                _ => known.map(|e| format!(".{e}")).collect::<Vec<_>>().join(" ") + " are known",
            };
            Error::Name(format!("the format of `{}` can't be told: {hint}", path.display()))
        })
    }

    /// Whether rows can be followed as they are written, and read from a pipe.
    pub fn is_text(self) -> bool {
        matches!(self, Format::Csv | Format::Json)
    }
}

/// The delimiter of CSV that goes by the extension of `path`.
pub fn default_delimiter(path: &Path) -> u8 {
    match path.extension() {
        Some(e) if e.eq_ignore_ascii_case("tsv") => b'\t',
        _ => b',',
    }
}

/// Where rows come from.
pub enum Input {
    /// A file (or named pipe).
    Path(PathBuf),
    /// Standard input.
    Stdin,
    /// Something else that text can be read from.
    Reader {
        /// Its name in errors.
        name: String,
        /// The text.
        read: Box<dyn Read + Send>,
        /// Whether rows should be handed on as they arrive.
        live: bool,
    },
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl Input {
    fn name(&self) -> String {
        match self {
            Input::Path(path) => format!("`{}`", path.display()),
            Input::Stdin => "standard input".to_string(),
            Input::Reader { name, .. } => name.clone(),
        }
    }

    fn into_text(self) -> Result<TextInput> {
        let name = self.name();
        let (read, total, live): (Box<dyn Read + Send>, _, _) = match self {
            Input::Path(path) => {
                let (file, size) = open_file(&path)?;
                (Box::new(file), size, size.is_none())
            }
            Input::Stdin => (Box::new(std::io::stdin()), None, true),
            Input::Reader { read, live, .. } => (read, None, live),
        };
        Ok(TextInput { blocks: blocks::Blocks::new(name, read), total, live })
    }
}

/// An input of text, opened.
struct TextInput {
    blocks: blocks::Blocks,
    /// Its size in bytes, if known.
    total: Option<u64>,
    /// Whether rows trickle in.
    live: bool,
}

/// A file and, if it is a regular one, its size in bytes.
fn open_file(path: &Path) -> Result<(File, Option<u64>)> {
    let fault = |e| Error::io(format!("can't open `{}`", path.display()), e);
    let file = File::open(path).map_err(fault)?;
    let metadata = file.metadata().map_err(fault)?;
    if metadata.is_dir() {
        return Err(Error::Data(format!("`{}` is a directory", path.display())));
    }
    let size = metadata.is_file().then_some(metadata.len());
    Ok((file, size))
}

/// How to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format.
    pub format: Format,
    /// The column that holds the event time, an attribute of the stream or not.
    pub time: Option<String>,
    /// CSV: whether the first record names the columns.
    pub header: bool,
    /// CSV: what stands between fields.
    pub delimiter: u8,
    /// JSON: whether a missing field is a fault (else a null).
    pub fail_on_missing: bool,
}

impl ReadOptions {
    /// The usual for a format.
    pub fn new(format: Format) -> Self {
        Self { format, time: None, header: true, delimiter: b',', fail_on_missing: true }
    }
}

/// Opens an input whose rows are to have the given schema (the engine's types).
///
/// # Errors
/// If it can't be read, or its columns don't fit the schema; for live inputs that shows later.
pub fn open(input: Input, schema: SchemaRef, options: &ReadOptions) -> Result<Box<dyn Source>> {
    let name = input.name();
    match (options.format, input) {
        (Format::Csv, input) => Ok(Box::new(csv::CsvSource::open(input, schema, options)?)),
        (Format::Json, input) => Ok(Box::new(json::JsonSource::open(input, schema, options)?)),
        (format, Input::Path(path)) => {
            let time = options.time.as_deref();
            let source = columnar::contained(&name, || match format {
                Format::Parquet => parquet::open(&path, schema, time),
                _ => arrow_ipc::open(&path, schema, time),
            });
            Ok(Box::new(source?))
        }
        _ => Err(Error::Data(format!("{name} can be csv or json, not a columnar format"))),
    }
}

/// Where rows go.
pub enum Target {
    /// A file, made anew, or appended to if it is text.
    Path {
        /// Where.
        path: PathBuf,
        /// Whether what is there stays.
        append: bool,
    },
    /// Standard output.
    Stdout,
    /// Something else that takes bytes.
    Writer {
        /// Its name in errors.
        name: String,
        /// Takes the bytes.
        write: Box<dyn Write + Send>,
    },
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Path { path, .. } => write!(f, "`{}`", path.display()),
            Target::Stdout => f.write_str("standard output"),
            Target::Writer { name, .. } => f.write_str(name),
        }
    }
}

/// How to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// The format.
    pub format: Format,
    /// CSV: whether the first record names the columns.
    pub header: bool,
    /// CSV: what stands between fields.
    pub delimiter: u8,
}

impl WriteOptions {
    /// The usual for a format.
    pub fn new(format: Format) -> Self {
        Self { format, header: true, delimiter: b',' }
    }
}

/// Writes rows of one schema in some format.
pub trait RecordWriter: Send {
    /// Writes rows.
    ///
    /// # Errors
    /// If they can't be written.
    fn write(&mut self, rows: &RecordBatch) -> Result<()>;

    /// Hands on what can be handed on now.
    ///
    /// # Errors
    /// If it can't be written.
    fn flush(&mut self) -> Result<()>;

    /// Writes what is left, footers included.
    ///
    /// # Errors
    /// If it can't be written.
    fn close(self: Box<Self>) -> Result<()>;
}

/// Creates an output for rows of the given schema (the engine's types).
///
/// # Errors
/// If it can't be created.
pub fn create(
    target: Target,
    schema: SchemaRef,
    options: &WriteOptions,
) -> Result<Box<dyn RecordWriter>> {
    let (output, empty) = Output::open(target, options.format)?;
    Ok(match options.format {
        Format::Csv => {
            let header = options.header && empty;
            Box::new(csv::CsvWriter::new(output, schema, header, options.delimiter))
        }
        Format::Json => Box::new(json::JsonWriter::new(output, &schema)),
        Format::Arrow => Box::new(arrow_ipc::writer(output, &schema, false)?),
        Format::ArrowStream => Box::new(arrow_ipc::writer(output, &schema, true)?),
        Format::Parquet => Box::new(parquet::writer(output, &schema)?),
    })
}

/// Buffered bytes on their way out, with a name for errors.
struct Output {
    name: String,
    write: BufWriter<Box<dyn Write + Send>>,
}

impl Output {
    /// Opens a target; also says whether there is nothing in it yet.
    fn open(target: Target, format: Format) -> Result<(Self, bool)> {
        let name = format!("{target:?}");
        let mut empty = true;
        let write: Box<dyn Write + Send> = match target {
            Target::Path { append: true, .. } if !format.is_text() => {
                return Err(Error::Data(format!("{name}: only csv and json can be appended to")));
            }
            Target::Path { path, append } => {
                let fault = |e| Error::io(format!("can't create {name}"), e);
                let mut options = File::options();
                options.create(true).write(true).append(append).truncate(!append);
                let file = options.open(&path).map_err(fault)?;
                empty = !append || file.metadata().map_err(fault)?.len() == 0;
                Box::new(file)
            }
            Target::Stdout => Box::new(std::io::stdout()),
            Target::Writer { write, .. } => write,
        };
        Ok((Self { name, write: BufWriter::with_capacity(64 * 1024, write) }, empty))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.write.write_all(bytes).map_err(|e| self.fault(e))
    }

    fn flush_all(&mut self) -> Result<()> {
        self.write.flush().map_err(|e| self.fault(e))
    }

    fn fault(&self, e: std::io::Error) -> Error {
        Error::io(format!("can't write {}", self.name), e)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.write.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.write.flush()
    }
}

/// The slot of the event time in the cells of a record: that of the attribute of the name, or one
/// behind them.
fn time_slot(schema: &SchemaRef, time: Option<&str>) -> Option<(usize, String)> {
    let name = time?;
    let slot = schema.fields().iter().position(|f| f.name() == name);
    Some((slot.unwrap_or(schema.fields().len()), name.to_string()))
}

/// Where the wanted columns are among those of the input called `input`.
///
/// # Errors
/// If one isn't there, or is there twice.
fn columns_of(input: &str, columns: &[String], wanted: &[String]) -> Result<Vec<usize>> {
    let (mut found, mut faults) = (vec![], vec![]);
    for name in wanted {
        let mut places = columns.iter().enumerate().filter(|(_, c)| *c == name).map(|(i, _)| i);
        match (places.next(), places.next()) {
            (Some(place), None) => found.push(place),
            (Some(_), Some(_)) => faults.push(format!("the column `{name}` twice")),
            (None, _) => faults.push(match nearest(name, columns.iter().map(String::as_str)) {
                Some(near) => format!("no column `{name}` (did you mean `{near}`?)"),
                None => format!("no column `{name}`"),
            }),
        }
    }
    if faults.is_empty() {
        return Ok(found);
    }
    let mut all = columns.iter().take(40).cloned().collect::<Vec<_>>().join(", ");
    if columns.len() > 40 {
        all.push_str(", …");
    }
    Err(Error::Name(format!("{input} has {}; its columns are {all}", faults.join(" and "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_follow_extensions() {
        let of = |path: &str| Format::from_path(Path::new(path));
        assert_eq!(of("a/b.CSV").unwrap(), Format::Csv);
        assert_eq!(of("x.jsonl").unwrap(), Format::Json);
        assert_eq!(of("x.feather").unwrap(), Format::Arrow);
        assert_eq!(
            of("x.parqet").unwrap_err().to_string(),
            "the format of `x.parqet` can't be told: did you mean .parquet?"
        );
        assert!(of("noextension").unwrap_err().to_string().ends_with(".parquet are known"));
        assert_eq!(default_delimiter(Path::new("x.tsv")), b'\t');
    }

    #[test]
    fn missing_columns_are_named_with_the_nearest() {
        let columns: Vec<String> = ["time", "price", "price2", "id", "id"].map(String::from).into();
        let wanted = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
            columns_of("`a.csv`", &columns, &names).map_err(|e| e.to_string())
        };
        assert_eq!(wanted(&["price2", "time"]), Ok(vec![2, 0]));
        assert_eq!(
            wanted(&["prise", "id", "volume"]).unwrap_err(),
            "`a.csv` has no column `prise` (did you mean `price`?) and the column `id` twice and \
             no column `volume`; its columns are time, price, price2, id, id"
        );
    }
}
