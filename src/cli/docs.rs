//! `foreshock docs`: the reference of everything in the registry, as Markdown.

use super::text;

/// Prints the reference of all windows, aggregators, functions, sources and sinks, as Markdown.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the command; the exit code.
pub fn run(_: &Arguments) -> u8 {
    text::print(&foreshock::registry::reference()).err().unwrap_or(0)
}
