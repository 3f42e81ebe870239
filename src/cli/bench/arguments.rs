//! The arguments of `foreshock bench`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use foreshock::bench::{Kind, Query, Symbols};

use crate::cli::run::{Endpoint, TimeColumn};

/// Measures how fast the engine is, beside hand-written loops for the same queries.
///
/// Runs the harness's queries q1 to q8, or any application over generated or preloaded rows. Input is
/// built before the clock starts. The output is checked: that of the queries against the hand-written
/// loops, that of an application against itself in batches of another size.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Queries, q1 to q8; all by default.
    #[arg(long, value_delimiter = ',', conflicts_with = "app")]
    pub query: Vec<Query>,
    /// An application instead. Time is event time; its own sources and sinks stay closed.
    #[arg(long, value_name = "FILE")]
    pub app: Option<PathBuf>,
    /// Generated rows for a stream of the application, or for all that they fit: ticks, cards, logins,
    /// sensors. By default each stream that the application reads gets what fits its attributes.
    #[arg(long, value_name = "[STREAM=]KIND", requires = "app")]
    pub workload: Vec<StreamWorkload>,
    /// Rows of a file for a stream of the application, read before the clock starts.
    #[arg(long, value_name = "STREAM=PATH", requires = "app")]
    pub input: Vec<Endpoint>,
    /// The column that holds the event time of a stream's --input; by default what its @source says.
    #[arg(long, value_name = "STREAM=COLUMN", requires = "input")]
    pub time: Vec<TimeColumn>,
    /// Rows per send.
    #[arg(long, value_delimiter = ',', default_value = "1,64,8192", value_name = "N,...")]
    pub batch_rows: Vec<NonZeroUsize>,
    /// Events per repetition; by default what fits the batch size (of an application: 200000, or
    /// all rows of the files).
    #[arg(long)]
    pub events: Option<NonZeroUsize>,
    /// Number of symbols, cards, users or sensors; by default 100, for q8 10000.
    #[arg(long)]
    pub keys: Option<NonZeroUsize>,
    /// Generated rows per second of event time; by default what is usual for the kind, for q1 to q8 10000
    /// (q7 1000).
    #[arg(long, value_name = "R", value_parser = rate)]
    pub event_rate: Option<f64>,
    /// Rows arrive up to so much late, in event time.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub disorder: u64,
    /// Representation of symbols.
    #[arg(long, value_enum, default_value_t = Representation::View, conflicts_with = "app")]
    pub symbols: Representation,
    /// Seed of the input.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Measured repetitions, after one that isn't measured; by default 7, with --rate 1.
    #[arg(long, value_name = "N")]
    pub repetitions: Option<NonZeroUsize>,
    /// Runs the hand-written loops along and prints the ratios.
    #[arg(long, conflicts_with_all = ["app", "rate"])]
    pub limit: bool,
    /// Sends rows one by one as values; a step runs when --batch-rows of them wait.
    #[arg(long, conflicts_with_all = ["app", "rate", "limit"])]
    pub singly: bool,
    /// Open loop: this many events per second are due, and how late their results come is measured.
    #[arg(long, value_name = "R", value_parser = rate)]
    pub rate: Option<f64>,
    /// Writes the results as JSON, too.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draws throughput against batch size, or with --rate the latencies.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}

/// A positive number.
pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("it must be a number above 0".into()),
    }
}

/// `STREAM=KIND`, or a kind for every stream that it fits.
#[derive(Debug, Clone)]
pub struct StreamWorkload {
    /// The stream, if one is named.
    pub stream: Option<String>,
    /// The kind.
    pub kind: Kind,
}

impl FromStr for StreamWorkload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((stream, kind)) => Ok(Self { stream: Some(stream.into()), kind: kind.parse()? }),
            None => Ok(Self { stream: None, kind: text.parse()? }),
        }
    }
}

/// How symbols are represented.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Representation {
    /// String views, the engine's own.
    View,
    /// Views of strings too long to be held in them.
    LongView,
    /// Offsets and bytes.
    Utf8,
    /// Codes into a dictionary.
    Dictionary,
}

impl From<Representation> for Symbols {
    fn from(r: Representation) -> Self {
        match r {
            Representation::View => Symbols::View,
            Representation::LongView => Symbols::LongView,
            Representation::Utf8 => Symbols::Utf8,
            Representation::Dictionary => Symbols::Dictionary,
        }
    }
}
