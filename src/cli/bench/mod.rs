//! `foreshock bench`.
//!
//! Exit codes: 1 the application is wrong, 2 an argument names something that isn't there, 3 the
//! output isn't what it must be, or a file can't be read or written.

mod app;
mod arguments;

use std::num::NonZeroUsize;
use std::path::Path;

use foreshock::bench::closed::{self, Setup};
use foreshock::bench::machine::Machine;
use foreshock::bench::report::{self, Measured, Report};
use foreshock::bench::{Query, open, plot};
use foreshock::{Error, Result};

pub use arguments::{Arguments, rate};

use super::text;

/// Runs the command; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    match measure(arguments) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

fn measure(arguments: &Arguments) -> Result<(), u8> {
    if arguments.disorder > 0 && arguments.app.is_none() {
        return Err(usage("--disorder is for applications (--app)"));
    }
    let mut report = Report { machine: Machine::this(), results: vec![] };
    let loaded = match &arguments.app {
        Some(path) => Some(app::load(path, arguments)?),
        None => None,
    };
    text::print(&report::header(&report.machine))?;
    text::print(if arguments.rate.is_some() { report::OPEN } else { report::CLOSED })?;
    let mut add = |measured: Result<Measured>| {
        let measured = measured.map_err(refused)?;
        text::print(&format!("{}\n", measured.line()))?;
        report.results.push(measured);
        Ok(())
    };
    match loaded {
        Some(loaded) => loaded.measure(arguments, &mut add)?,
        None => queries(arguments, &mut add)?,
    }
    if let Some(path) = &arguments.json {
        write(path, &report.json())?;
    }
    if let Some(path) = &arguments.plot {
        write(path, &plot::svg(&report))?;
    }
    Ok(())
}

/// Takes results as they come.
type Add<'a> = &'a mut dyn FnMut(Result<Measured>) -> Result<(), u8>;

fn queries(arguments: &Arguments, add: Add<'_>) -> Result<(), u8> {
    let queries = match &arguments.query[..] {
        [] => &Query::ALL[..],
        some => some,
    };
    for batch_rows in &arguments.batch_rows {
        for query in queries {
            let setup = setup(arguments, *query, batch_rows.get());
            add(match arguments.rate {
                Some(rate) => open::run(&setup, rate).map(Measured::Open),
                None => closed::run(&setup).map(Measured::Closed),
            })?;
        }
    }
    Ok(())
}

fn setup(arguments: &Arguments, query: Query, batch_rows: usize) -> Setup {
    let defaults = Setup::new(query, batch_rows);
    Setup {
        events: arguments.events.map_or(defaults.events, NonZeroUsize::get),
        keys: arguments.keys.map_or(defaults.keys, NonZeroUsize::get),
        per_ms: arguments.event_rate.map_or(defaults.per_ms, |r| (r / 1000.0).max(1.0) as usize),
        symbols: arguments.symbols.into(),
        seed: arguments.seed,
        repetitions: repetitions(arguments),
        limit: arguments.limit,
        singly: arguments.singly,
        ..defaults
    }
}

fn repetitions(arguments: &Arguments) -> usize {
    let usual = if arguments.rate.is_some() { 1 } else { 7 };
    arguments.repetitions.map_or(usual, NonZeroUsize::get)
}

fn write(path: &Path, text: &str) -> Result<(), u8> {
    std::fs::write(path, text)
        .map_err(|e| text::complain(&format!("can't write `{}`: {e}", path.display())))
}

/// Says what is wrong; the exit code.
fn refused(error: Error) -> u8 {
    match error {
        Error::Name(message) => usage(&message),
        other => text::complain(&other.to_string()),
    }
}

fn usage(message: &str) -> u8 {
    eprintln!("foreshock: {message}");
    eprintln!("For more, try 'foreshock bench --help'.");
    super::USAGE
}
