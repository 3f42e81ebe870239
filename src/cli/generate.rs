//! `foreshock generate`: seeded workloads as files.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use foreshock::bench::Kind;
use foreshock::bench::workload::generate::{Options, generate};
use foreshock::io::format::{self, Format, Target, WriteOptions};
use foreshock::{Error, Result};

use super::bench::rate;
use super::run::TextFormat;
use super::text;

/// Writes seeded rows of a workload: ticks, cards, logins or sensors.
///
/// The same arguments give the same rows on every machine. Cards, logins and sensors have a column
/// `label` that says what a row is meant to be: fraud, attack, fault or `normal`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The workload: ticks, cards, logins or sensors.
    #[arg(value_name = "WORKLOAD")]
    kind: Kind,
    /// The file; `-` is standard output. The format follows the extension: csv, tsv, json, jsonl,
    /// ndjson, arrow, ipc, feather, arrows, parquet.
    file: PathBuf,
    /// Number of rows.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    events: usize,
    /// Number of symbols, cards, users or sensors; by default 100 symbols or sensors, 1000 cards or
    /// users.
    #[arg(long, value_name = "N")]
    keys: Option<NonZeroUsize>,
    /// Seed.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Rows per second of event time (but for ticks: about); by default 10000 ticks, and for each card
    /// one payment in 250 minutes, for each user one login in two hours, for each sensor one reading
    /// in 30 seconds.
    #[arg(long, value_name = "R", value_parser = rate)]
    rate: Option<f64>,
    /// Event time at the start, ms since the epoch.
    #[arg(long, value_name = "MS", default_value_t = 1_700_000_000_000)]
    start: i64,
    /// Rows come in the order of their event times plus a delay of up to so much.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    disorder: u64,
    /// The format of standard output.
    #[arg(long, value_enum)]
    format: Option<TextFormat>,
}

/// Rows written at once.
const BATCH_ROWS: usize = 1 << 16;

/// Runs the command; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    match write(arguments) {
        Ok(()) => 0,
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(Error::Name(message)) => {
            eprintln!("foreshock: {message}");
            eprintln!("For more, try 'foreshock generate --help'.");
            super::USAGE
        }
        Err(e) => text::complain(&e.to_string()),
    }
}

fn write(a: &Arguments) -> Result<()> {
    let keys = a.keys.map_or(a.kind.keys(), NonZeroUsize::get);
    let options = Options {
        kind: a.kind,
        events: a.events,
        keys,
        seed: a.seed,
        rate: a.rate.unwrap_or_else(|| a.kind.rate(keys)),
        start: a.start,
        disorder: a.disorder,
    };
    let (format, target) = match a.file == Path::new("-") {
        false => {
            let target = Target::Path { path: a.file.clone(), append: false };
            (Format::from_path(&a.file)?, target)
        }
        true => {
            let missing = || Error::Name("`-` needs --format csv or --format json".into());
            (a.format.ok_or_else(missing)?.into(), Target::Stdout)
        }
    };
    let delimiter = format::default_delimiter(&a.file);
    let how = WriteOptions { delimiter, ..WriteOptions::new(format) };
    let mut writer = format::create(target, a.kind.schema(), &how)?;
    for batch in generate(&options, BATCH_ROWS) {
        writer.write(&batch?)?;
    }
    writer.close()
}
