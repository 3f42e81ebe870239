//! The command line: one module per command. Exit codes: 0 done, 1 the query is wrong, 2 wrong
//! usage (clap's own), 3 data or I/O.

mod bench;
mod check;
mod docs;
mod explain;
mod fmt;
mod functions;
mod generate;
mod run;
mod text;
mod timeline;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code of a wrong application.
const WRONG_QUERY: u8 = 1;
/// Exit code of arguments that name what isn't there.
const USAGE: u8 = 2;
/// Exit code of unreadable files and bad data.
const DATA: u8 = 3;

/// Runs fraud and anomaly rules, written in a Siddhi-like language, over streams of events.
#[derive(Debug, Parser)]
#[command(name = "foreshock", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Arguments>),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Fmt(fmt::Arguments),
    Functions(functions::Arguments),
    Docs(docs::Arguments),
    Bench(Box<bench::Arguments>),
    Generate(generate::Arguments),
}

/// Parses the arguments and runs the command they name.
pub fn main() -> ExitCode {
    let code = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Functions(arguments) => functions::run(&arguments),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
    };
    ExitCode::from(code)
}
