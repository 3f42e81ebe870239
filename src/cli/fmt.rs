//! `foreshock fmt`: applications in their canonical form.

use std::io::Write;
use std::path::{Path, PathBuf};

use foreshock::lang::ast::App;
use foreshock::lang::{parse_app, print::print_app};

use super::text::{self, AppText};

/// Most lines of either side of a difference that `--check` shows.
const SHOWN: usize = 5;

/// Formats applications in place; `-` formats standard input to standard output.
///
/// A text with syntax errors is left alone, and the exit code is 1.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The applications; `-` is standard input.
    #[arg(required = true, value_name = "APP")]
    apps: Vec<PathBuf>,
    /// Change nothing: show where texts differ from their canonical form, and exit with 1 if they do.
    #[arg(long)]
    check: bool,
}

/// Runs the command; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    let codes = arguments.apps.iter().map(|path| match format(path, arguments.check) {
        Ok(()) => 0,
        Err(code) => code,
    });
    codes.max().unwrap_or(0)
}

fn format(path: &Path, check: bool) -> Result<(), u8> {
    let app = text::read(path)?;
    let formatted = formatted(&app)?;
    match (check, text::is_stdin(path)) {
        (true, _) if formatted == app.text => Ok(()),
        (true, _) => {
            text::print(&difference(&app, &formatted))?;
            Err(super::WRONG_QUERY)
        }
        (false, true) => text::print(&formatted),
        (false, false) if formatted == app.text => Ok(()),
        (false, false) => {
            replace(path, &formatted).map_err(|e| text::complain(&format!("{}: {e}", app.name)))
        }
    }
}

/// The canonical form, or the exit code after the findings were shown.
fn formatted(app: &AppText) -> Result<String, u8> {
    let parsed = parse_app(&app.text);
    let tree = match parsed.tree {
        Some(tree) if !parsed.diagnostics.iter().any(is_error) => tree,
        _ => {
            text::show(app, &parsed.diagnostics);
            return Err(super::WRONG_QUERY);
        }
    };
    let formatted = print_app(&tree);
    // Whoever has a text formatted trusts that it still means the same.
    if !parse_app(&formatted).tree.is_some_and(|again| same(&tree, &again)) {
        let message = "the formatted text would mean something else, so nothing was changed; \
                       please report this";
        return Err(text::complain(&format!("{}: {message}", app.name)));
    }
    Ok(formatted)
}

/// Whether two trees mean the same and have the same comments.
fn same(a: &App, b: &App) -> bool {
    let comments = |app: &App| -> Vec<String> {
        app.comments.iter().map(|c| c.text.trim_end().to_string()).collect()
    };
    a.annotations == b.annotations && a.items == b.items && comments(a) == comments(b)
}

fn is_error(d: &foreshock::Diagnostic) -> bool {
    d.severity == foreshock::Severity::Error
}

/// Puts the text in the place of the file at once: nobody ever sees half of it.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // A link goes on leading to the file.
    let path = path.canonicalize()?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = write(&path, &temporary, text);
    if written.is_err() {
        // What went wrong first is what matters.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

fn write(path: &Path, temporary: &Path, text: &str) -> std::io::Result<()> {
    let permissions = std::fs::metadata(path)?.permissions();
    if permissions.readonly() {
        return Err(std::io::ErrorKind::PermissionDenied.into());
    }
    let mut file = std::fs::File::create_new(temporary)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(permissions)?;
    file.sync_all()?;
    std::fs::rename(temporary, path)
}

/// Where the texts first differ, and the lines of both there.
fn difference(app: &AppText, formatted: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (app.text.split('\n').collect(), formatted.split('\n').collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - same;
    let tail = |i: &usize| old[old.len() - 1 - i] == new[new.len() - 1 - i];
    let behind = (0..most).take_while(tail).count();
    let mut out = format!("{}:{}: not in canonical form\n", app.name, same + 1);
    for (sign, lines) in
        [('-', &old[same..old.len() - behind]), ('+', &new[same..new.len() - behind])]
    {
        for line in lines.iter().take(SHOWN) {
            out.push_str(format!("{sign} {}", shown(line)).trim_end());
            out.push('\n');
        }
        if lines.len() > SHOWN {
            out.push_str(&format!("{sign} … {} more lines\n", lines.len() - SHOWN));
        }
    }
    out
}

/// A line with what can't be seen at its end made visible.
fn shown(line: &str) -> String {
    let kept = line.trim_end();
    let rest: String = line[kept.len()..]
        .chars()
        .map(|c| match c {
            '\r' => "\\r".to_string(),
            '\t' => "\\t".to_string(),
            _ => "·".to_string(),
        })
        .collect();
    format!("{kept}{rest}")
}
