//! `foreshock bench`.

use std::path::PathBuf;

use foreshock::bench::closed::{self, Setup};
use foreshock::bench::machine::Machine;
use foreshock::bench::report::{self, Measured, Report};
use foreshock::bench::{Query, Symbols, open};

/// Measures how fast the engine is, beside hand-written loops for the same queries.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Queries, q1 to q8; all by default.
    #[arg(long, value_delimiter = ',')]
    query: Vec<Query>,
    /// Rows per send.
    #[arg(long, value_delimiter = ',', default_value = "1,64,8192", value_name = "N,...")]
    batch_rows: Vec<usize>,
    /// Events per repetition; by default what fits the batch size.
    #[arg(long)]
    events: Option<usize>,
    /// Number of symbols; by default 100, for q8 10000.
    #[arg(long)]
    keys: Option<usize>,
    /// Representation of symbols.
    #[arg(long, value_enum, default_value_t = Representation::View)]
    symbols: Representation,
    /// Seed of the input.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Measured repetitions; by default 7, with --rate 1.
    #[arg(long)]
    repetitions: Option<usize>,
    /// Runs the hand-written loops along and prints the ratios.
    #[arg(long)]
    limit: bool,
    /// Open loop: this many events per second are due, and how late their results come is measured.
    #[arg(long)]
    rate: Option<f64>,
    /// Writes the results as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Representation {
    View,
    LongView,
    Utf8,
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

/// Runs the command; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    match measure(arguments) {
        Ok(()) => 0,
        Err(e) => {
            eprintln!("foreshock: {e}");
            super::DATA
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let queries = match &arguments.query[..] {
        [] => &Query::ALL[..],
        some => some,
    };
    let mut report = Report { machine: Machine::this(), results: vec![] };
    print!("{}", report::header(&report.machine));
    print!("{}", if arguments.rate.is_some() { report::OPEN } else { report::CLOSED });
    for batch_rows in &arguments.batch_rows {
        for query in queries {
            let setup = setup(arguments, *query, *batch_rows);
            let measured = match arguments.rate {
                Some(rate) => Measured::Open(open::run(&setup, rate)?),
                None => Measured::Closed(closed::run(&setup)?),
            };
            println!("{}", measured.line());
            report.results.push(measured);
        }
    }
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.json())?;
    }
    Ok(())
}

fn setup(arguments: &Arguments, query: Query, batch_rows: usize) -> Setup {
    let defaults = Setup::new(query, batch_rows);
    Setup {
        events: arguments.events.unwrap_or(defaults.events),
        keys: arguments.keys.unwrap_or(defaults.keys),
        symbols: arguments.symbols.into(),
        seed: arguments.seed,
        repetitions: arguments.repetitions.unwrap_or(if arguments.rate.is_some() { 1 } else { 7 }),
        limit: arguments.limit,
        ..defaults
    }
}
