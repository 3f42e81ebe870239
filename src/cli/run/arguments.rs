//! The arguments of `foreshock run`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use foreshock::io::format::Format;

/// Runs an application over its inputs.
///
/// Inputs and outputs are the application's own @source and @sink annotations, changed by --input and
/// --output. Without any output, events of the streams that nothing reads are printed.
///
/// If the application says @app:playback, or any input has an event-time column, rows are taken in the
/// order of their event times, and time is the largest seen. Else time is the wall clock's.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The application's file.
    pub app: PathBuf,
    /// Reads a stream from a file instead of its sources; `-` is standard input. The format follows
    /// the extension: csv, tsv, json, jsonl, ndjson, arrow, ipc, feather, arrows, parquet.
    #[arg(long, value_name = "STREAM=PATH")]
    pub input: Vec<Endpoint>,
    /// Writes a stream to a file; `-` is standard output.
    #[arg(long, value_name = "STREAM=PATH")]
    pub output: Vec<Endpoint>,
    /// The column that holds the event time of a stream's input: ms since the epoch, a timestamp, or
    /// a date and time as text.
    #[arg(long, value_name = "STREAM=COLUMN")]
    pub time: Vec<TimeColumn>,
    /// The format of standard input and output.
    #[arg(long, value_enum)]
    pub format: Option<TextFormat>,
    #[command(flatten)]
    pub variables: crate::cli::text::Variables,
    /// Rows that are run at once. Changes speed, never results.
    #[arg(long, value_name = "N", default_value = "8192")]
    pub batch_rows: NonZeroUsize,
    /// Prints counts and times of streams and queries at the end, on standard error.
    #[arg(long)]
    pub stats: bool,
    /// No progress, warnings and totals.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `STREAM=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The stream.
    pub stream: String,
    /// The file; none for standard input or output.
    pub path: Option<PathBuf>,
}

/// `STREAM=COLUMN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeColumn {
    /// The stream.
    pub stream: String,
    /// The column.
    pub column: String,
}

fn pair<'a>(text: &'a str, second: &str) -> Result<(&'a str, &'a str), String> {
    match text.split_once('=') {
        Some((a, b)) if !a.is_empty() && !b.is_empty() => Ok((a, b)),
        _ => Err(format!("it must be STREAM={second}")),
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (stream, path) = pair(text, "PATH")?;
        Ok(Self { stream: stream.into(), path: (path != "-").then(|| path.into()) })
    }
}

impl FromStr for TimeColumn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (stream, column) = pair(text, "COLUMN")?;
        Ok(Self { stream: stream.into(), column: column.into() })
    }
}

/// A format that can be read and written as it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TextFormat {
    /// Comma-separated values, names first.
    Csv,
    /// A JSON object per line.
    Json,
}

impl From<TextFormat> for Format {
    fn from(format: TextFormat) -> Self {
        match format {
            TextFormat::Csv => Format::Csv,
            TextFormat::Json => Format::Json,
        }
    }
}
