//! `foreshock fmt`.

use std::path::PathBuf;

/// Formats an application.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The application.
    app: PathBuf,
}

/// Runs the command; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    match super::read_app(&arguments.app) {
        Ok(text) => u8::from(foreshock::compile(&text).is_err()) * super::WRONG_QUERY,
        Err(code) => code,
    }
}
