//! `foreshock functions`: what can be called, in short or one entry in full.

use foreshock::registry::{Entry, entries};

use super::text;

/// Lists all windows, aggregators, functions, sources and sinks, or tells all about some.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Names, or parts of names, as `str:concat`, `concat` or `unique:`; all, if there is none.
    names: Vec<String>,
}

/// Runs the command; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    let all = entries();
    if arguments.names.is_empty() {
        return text::print(&list(&all)).err().unwrap_or(0);
    }
    let mut out = String::new();
    for name in &arguments.names {
        let exact: Vec<&Entry> = all.iter().filter(|e| e.name == *name).collect();
        let found = match exact.is_empty() {
            false => exact,
            true => all.iter().filter(|e| e.name.contains(name.as_str())).collect(),
        };
        if found.is_empty() {
            let near = foreshock::error::nearest(name, all.iter().map(|e| e.name.as_str()));
            let hint = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            eprintln!("error: nothing is called `{name}`{hint}");
            return super::USAGE;
        }
        found.iter().for_each(|e| out.push_str(&tell(e)));
    }
    text::print(&out).err().unwrap_or(0)
}

/// One line each.
fn list(all: &[Entry]) -> String {
    all.iter().map(|e| format!("{:<10}  {}\n", e.kind, e.signature)).collect()
}

/// All about one.
fn tell(e: &Entry) -> String {
    let example: String = e.example.lines().map(|l| format!("    {}\n", l.trim())).collect();
    format!("{} {}\n{}\n\n{example}\n", e.kind, e.signature, e.doc)
}
