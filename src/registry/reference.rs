//! The reference of everything in the registry, as Markdown: `docs/reference.md`.

use std::fmt::Write;

use super::{AGGREGATES, FUNCTIONS, SINKS, SOURCES, WINDOWS};
use crate::expr::functions::FunctionSpec;
use crate::io::options::OptionSpec;

/// What a namespace of functions is about.
const TOPICS: [(&str, &str); 9] = [
    ("", "Core functions"),
    ("str", "Text: `str`"),
    ("regex", "Regular expressions: `regex`"),
    ("math", "Numbers: `math`"),
    ("time", "Dates: `time`"),
    ("json", "JSON: `json`"),
    ("list", "Lists: `list`"),
    ("map", "Maps: `map`"),
    ("unitconversion", "Units: `unitconversion`"),
];

/// One entry of the registry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `window`, `aggregator`, `function`, `source` or `sink`.
    pub kind: &'static str,
    /// Name, with namespace.
    pub name: String,
    /// Parameters and result, on one line.
    pub signature: String,
    /// What it does.
    pub doc: &'static str,
    /// An application (of sources and sinks: a definition) that uses it.
    pub example: &'static str,
    /// Options of sources and sinks.
    options: &'static [OptionSpec],
}

impl Entry {
    fn write(&self, out: &mut String) {
        // Writing to a string can't fail.
        let _ = write!(out, "### `{}`\n\n{}\n\n", self.signature, self.doc);
        for o in self.options {
            let _ = writeln!(out, "* `{}`: {}", o.name, o.doc);
        }
        if !self.options.is_empty() {
            out.push('\n');
        }
        let _ = write!(out, "```siddhi\n{}\n```\n\n", self.example);
    }
}

/// All entries, in the order of the reference.
pub fn entries() -> Vec<Entry> {
    let none: &'static [OptionSpec] = &[];
    let entry = |kind, name: &str, signature: &str, doc, example, options| Entry {
        kind,
        name: name.into(),
        signature: signature.into(),
        doc,
        example,
        options,
    };
    let windows =
        WINDOWS.iter().map(|w| entry("window", w.name, w.signature, w.doc, w.example, none));
    let aggregates =
        AGGREGATES.iter().map(|a| entry("aggregator", a.name, a.signature, a.doc, a.example, none));
    let functions =
        functions().map(|f| entry("function", &f.full_name(), f.signature, f.doc, f.example, none));
    let sources =
        SOURCES.iter().map(|s| entry("source", s.name, s.name, s.doc, s.example, s.options));
    let sinks = SINKS.iter().map(|s| entry("sink", s.name, s.name, s.doc, s.example, s.options));
    windows.chain(aggregates).chain(functions).chain(sources).chain(sinks).collect()
}

/// The functions, by topic.
fn functions() -> impl Iterator<Item = &'static FunctionSpec> {
    TOPICS.iter().flat_map(|(namespace, _)| of(namespace))
}

fn of(namespace: &'static str) -> impl Iterator<Item = &'static FunctionSpec> {
    FUNCTIONS.iter().copied().filter(move |f| f.namespace.unwrap_or_default() == namespace)
}

/// The whole reference.
pub fn reference() -> String {
    let mut out = String::from(
        "# Reference\n\nEvery window, aggregator, function, source and sink, generated from the \
         registry by `foreshock docs`. [language.md](language.md) says how they are used.\n\n",
    );
    let all = entries();
    let section = |out: &mut String, title: &str, kind: &str| {
        let _ = write!(out, "## {title}\n\n");
        all.iter().filter(|e| e.kind == kind).for_each(|e| e.write(out));
    };
    section(&mut out, "Windows", "window");
    section(&mut out, "Aggregators", "aggregator");
    for (namespace, title) in TOPICS {
        let _ = write!(out, "## {title}\n\n");
        if namespace == "unitconversion" {
            units(&mut out);
            continue;
        }
        for f in of(namespace) {
            let name = f.full_name();
            all.iter()
                .filter(|e| e.kind == "function" && e.name == name)
                .for_each(|e| e.write(&mut out));
        }
    }
    section(&mut out, "Sources", "source");
    section(&mut out, "Sinks", "sink");
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// The conversions of units, which are all alike, in a table.
fn units(out: &mut String) {
    out.push_str("All take a number and give a double, null for null.\n\n| function | what |\n| --- | --- |\n");
    for f in of("unitconversion") {
        let doc = f.doc.split(';').next().unwrap_or_default();
        let _ = writeln!(out, "| `{}(x)` | {} |", f.full_name(), doc);
    }
    out.push('\n');
}
