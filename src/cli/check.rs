//! `foreshock check`: every error and warning of applications, all that one pass finds.

use std::path::PathBuf;

use foreshock::lang::diagnostics::line_column;
use foreshock::{Diagnostic, Severity};
use serde_json::{Value as Json, json};

use super::text::{self, AppText};

/// Prints every error and warning of applications; runs nothing.
///
/// Exits with 1 if there is an error, with 3 if a file can't be read.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The applications; `-` is standard input.
    #[arg(required = true, value_name = "APP")]
    apps: Vec<PathBuf>,
    /// Take warnings for errors.
    #[arg(long)]
    deny_warnings: bool,
    /// How findings are written: for people on standard error, or as JSON on standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    variables: text::Variables,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Findings so far.
#[derive(Default)]
struct Totals {
    errors: usize,
    warnings: usize,
    unreadable: bool,
    json: Vec<Json>,
}

/// Runs the command; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    let mut totals = Totals::default();
    for path in &arguments.apps {
        match text::read(path) {
            Ok(app) => check(&app, arguments, &mut totals),
            Err(_) => totals.unreadable = true,
        }
    }
    let written = match arguments.format {
        Format::Text => {
            eprintln!("{}", summary(&totals, arguments.apps.len()));
            Ok(())
        }
        Format::Json => text::print(&format!("{:#}\n", Json::from(totals.json))),
    };
    if totals.unreadable || written.is_err() {
        super::DATA
    } else if totals.errors > 0 || (arguments.deny_warnings && totals.warnings > 0) {
        super::WRONG_QUERY
    } else {
        0
    }
}

fn check(app: &AppText, arguments: &Arguments, totals: &mut Totals) {
    let found = match foreshock::compile_with(&app.text, &arguments.variables.set) {
        Ok((_, warnings)) => warnings,
        Err(found) => found,
    };
    let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
    totals.errors += errors;
    totals.warnings += found.len() - errors;
    match arguments.format {
        Format::Text => text::show(app, &found),
        Format::Json => totals.json.extend(found.iter().map(|d| finding(app, d))),
    }
}

fn summary(totals: &Totals, apps: usize) -> String {
    let count = |n: usize, what: &str| match n {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    };
    format!(
        "checked {}: {}, {}",
        count(apps, "application"),
        count(totals.errors, "error"),
        count(totals.warnings, "warning")
    )
}

/// A finding for an editor: lines and columns count from one, columns in characters; `start` and
/// `end` are bytes from zero.
fn finding(app: &AppText, d: &Diagnostic) -> Json {
    let (line, column) = line_column(&app.text, d.span.start as usize);
    let (end_line, end_column) = line_column(&app.text, d.span.end as usize);
    json!({
        "file": app.name,
        "severity": if d.severity == Severity::Error { "error" } else { "warning" },
        "code": d.code.to_string(),
        "message": d.message,
        "label": d.label,
        "help": d.help,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "start": d.span.start,
        "end": d.span.end,
    })
}
