//! Application texts in, results out: what `check`, `explain` and `fmt` share.

use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::path::Path;

use foreshock::Diagnostic;
use foreshock::lang::diagnostics::{line_column, render, render_coloured};

/// The text of an application and what it is called in messages.
pub(super) struct AppText {
    pub name: String,
    pub text: String,
}

/// Variables of an application's text.
#[derive(Debug, clap::Args)]
pub struct Variables {
    /// Gives the variable `${NAME}` of the application a value, before the environment's.
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub set: Vec<(String, String)>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(word) {
        return Err(format!("`{name}` is no name: letters, digits and `_`"));
    }
    Ok((name.into(), value.into()))
}

/// Whether the path means standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads an application (`-`: standard input), or says why it can't be read and gives the exit code.
pub(super) fn read(path: &Path) -> Result<AppText, u8> {
    let name = match is_stdin(path) {
        true => "<stdin>".to_string(),
        false => path.display().to_string(),
    };
    let bytes = match is_stdin(path) {
        true => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        }
        false => std::fs::read(path),
    };
    let bytes = bytes.map_err(|e| complain(&format!("{name}: {e}")))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(AppText { name, text }),
        Err(e) => {
            let valid = e.utf8_error().valid_up_to();
            let byte = e.as_bytes()[valid];
            let before = String::from_utf8_lossy(&e.as_bytes()[..valid]);
            let (line, column) = line_column(&before, valid);
            Err(complain(&format!(
                "{name}:{line}:{column}: this is not UTF-8 text (byte 0x{byte:02x})"
            )))
        }
    }
}

/// Says on standard error what is wrong with data, a file or a stream; the exit code.
pub(super) fn complain(message: &str) -> u8 {
    eprintln!("foreshock: {message}");
    super::DATA
}

/// Shows findings on standard error, coloured on a terminal unless `NO_COLOR` is set.
pub(super) fn show(app: &AppText, diagnostics: &[Diagnostic]) {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let coloured = std::io::stderr().is_terminal() && !no_colour;
    let render = if coloured { render_coloured } else { render };
    eprint!("{}", render(&app.text, &app.name, diagnostics));
}

/// Writes to standard output; the exit code if that fails. A reader that has seen enough (`| head`)
/// is no failure.
pub(super) fn print(text: &str) -> Result<(), u8> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(complain(&format!("<stdout>: {e}"))),
        _ => Ok(()),
    }
}
