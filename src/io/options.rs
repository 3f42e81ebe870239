//! Options of sources and sinks: declared once by each kind's `SPEC`, checked here.
//!
//! Whoever has the text of an application passes names and values with their spans; the command line
//! passes default spans. All faults are found in one pass, each with the nearest valid name.

use crate::error::{Code, Diagnostic, Span, nearest};

/// An option as given.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// Name as written.
    pub name: &'a str,
    /// Value as written.
    pub value: &'a str,
    /// Where it stands.
    pub span: Span,
}

/// What values an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionType {
    /// Any text.
    Text,
    /// `true` or `false`.
    Bool,
    /// One character below U+0080, or `\t`.
    Char,
    /// One of these words, in any case.
    OneOf(&'static [&'static str]),
}

/// An option a kind of source or sink has.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// Its name.
    pub name: &'static str,
    /// Other names it goes by.
    pub aliases: &'static [&'static str],
    /// What values it takes.
    pub ty: OptionType,
    /// Whether it must be given.
    pub required: bool,
    /// Its value if it isn't given (shown in the documentation).
    pub default: Option<&'static str>,
    /// What it does.
    pub doc: &'static str,
}

/// Checked options: values by canonical name, defaults filled in.
#[derive(Debug, Clone, Default)]
pub struct Options(Vec<(&'static str, String, Option<Span>)>);

impl Options {
    /// The value of an option, or its default.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _, _)| *n == name).map(|(_, v, _)| v.as_str())
    }

    /// Gives an option another value, as if it had not been written in the text.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.retain(|(n, _, _)| *n != name);
        self.0.push((name, value.into(), None));
    }

    /// Whether a boolean option is `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    /// The byte of a character option.
    pub fn byte(&self, name: &str) -> Option<u8> {
        self.get(name).and_then(char_value)
    }

    /// Where an option stands, if it was given.
    pub fn span(&self, name: &str) -> Option<Span> {
        self.0.iter().find(|(n, _, _)| *n == name).and_then(|(_, _, s)| *s)
    }
}

fn char_value(value: &str) -> Option<u8> {
    match value.as_bytes() {
        [b] if b.is_ascii() => Some(*b),
        b"\\t" => Some(b'\t'),
        _ => None,
    }
}

/// Checks the options given to `kind` (e.g. "source `file`", written at `at`) against its
/// declaration.
///
/// # Errors
/// Unknown, doubled, missing and malformed options, all of them.
pub fn resolve(
    kind: &str,
    specs: &'static [OptionSpec],
    given: &[Given<'_>],
    at: Span,
) -> Result<Options, Vec<Diagnostic>> {
    let mut faults = vec![];
    let mut found: Vec<(&'static str, String, Option<Span>)> = vec![];
    for option in given {
        match specs.iter().find(|s| s.name == option.name || s.aliases.contains(&option.name)) {
            None => faults.push(unknown(kind, specs, option)),
            Some(spec) if found.iter().any(|(n, _, _)| *n == spec.name) => {
                let message = format!("{kind} has `{}` twice", spec.name);
                faults.push(Diagnostic::error(Code::Parameter, option.span, message));
            }
            Some(spec) => {
                faults.extend(bad_value(spec, option));
                found.push((spec.name, option.value.to_string(), Some(option.span)));
            }
        }
    }
    for spec in specs {
        match spec.default {
            _ if found.iter().any(|(n, _, _)| *n == spec.name) => {}
            Some(default) => found.push((spec.name, default.to_string(), None)),
            None if spec.required => {
                let message = format!("{kind} needs the option `{}`", spec.name);
                faults.push(Diagnostic::error(Code::Parameter, at, message).with_help(spec.doc));
            }
            None => {}
        }
    }
    if faults.is_empty() { Ok(Options(found)) } else { Err(faults) }
}

fn unknown(kind: &str, specs: &[OptionSpec], option: &Given<'_>) -> Diagnostic {
    let names = || specs.iter().flat_map(|s| std::iter::once(&s.name).chain(s.aliases)).copied();
    let message = format!("{kind} has no option `{}`", option.name);
    let help = match nearest(option.name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let all: Vec<String> = specs.iter().map(|s| format!("`{}`", s.name)).collect();
            format!("its options are {}", all.join(", "))
        }
    };
    Diagnostic::error(Code::Parameter, option.span, message).with_help(help)
}

fn bad_value(spec: &OptionSpec, option: &Given<'_>) -> Option<Diagnostic> {
    let value = option.value;
    let (expected, help) = match spec.ty {
        OptionType::Text => return None,
        OptionType::Bool if ["true", "false"].iter().any(|b| b.eq_ignore_ascii_case(value)) => {
            return None;
        }
        OptionType::Bool => ("`true` or `false`".to_string(), None),
        OptionType::Char if char_value(value).is_some() => return None,
        OptionType::Char => ("one ASCII character, or `\\t` for a tab".to_string(), None),
        OptionType::OneOf(words) if words.iter().any(|w| w.eq_ignore_ascii_case(value)) => {
            return None;
        }
        OptionType::OneOf(words) => {
            let all: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
            let near = nearest(value, words.iter().copied());
            (format!("one of {}", all.join(", ")), near.map(|n| format!("did you mean `{n}`?")))
        }
    };
    let message = format!("`{}` must be {expected}, not `{value}`", spec.name);
    let fault = Diagnostic::error(Code::Parameter, option.span, message);
    Some(match help {
        Some(help) => fault.with_help(help),
        None => fault,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static SPECS: &[OptionSpec] = &[
        OptionSpec {
            name: "path",
            aliases: &["file.uri"],
            ty: OptionType::Text,
            required: true,
            default: None,
            doc: "The file.",
        },
        OptionSpec {
            name: "header",
            aliases: &[],
            ty: OptionType::Bool,
            required: false,
            default: Some("true"),
            doc: "Names first.",
        },
        OptionSpec {
            name: "delimiter",
            aliases: &[],
            ty: OptionType::Char,
            required: false,
            default: Some(","),
            doc: "Between fields.",
        },
        OptionSpec {
            name: "format",
            aliases: &[],
            ty: OptionType::OneOf(&["csv", "json", "parquet"]),
            required: false,
            default: None,
            doc: "The format.",
        },
    ];

    fn check(given: &[(&str, &str)]) -> Result<Options, Vec<String>> {
        let given: Vec<Given<'_>> = given
            .iter()
            .enumerate()
            .map(|(i, (name, value))| Given { name, value, span: Span::new(i, i + 1) })
            .collect();
        resolve("source `file`", SPECS, &given, Span::default()).map_err(|faults| {
            faults
                .iter()
                .map(|d| match &d.help {
                    Some(help) => format!("{} | {help}", d.message),
                    None => d.message.clone(),
                })
                .collect()
        })
    }

    #[test]
    fn aliases_and_defaults() {
        let options = check(&[("file.uri", "a.csv"), ("delimiter", "\\t")]).unwrap();
        assert_eq!(options.get("path"), Some("a.csv"));
        assert_eq!(options.byte("delimiter"), Some(b'\t'));
        assert!(options.flag("header"));
        assert_eq!(options.get("format"), None);
        assert_eq!(options.span("delimiter"), Some(Span::new(1, 2)));
        assert_eq!(options.span("header"), None);
    }

    #[test]
    fn all_faults_in_one_pass() {
        let faults = check(&[
            ("fromat", "csv"),
            ("header", "yes"),
            ("delimiter", "ab"),
            ("format", "parkuet"),
            ("zzz", "1"),
        ]);
        assert_eq!(
            faults.unwrap_err(),
            [
                "source `file` has no option `fromat` | did you mean `format`?",
                "`header` must be `true` or `false`, not `yes`",
                "`delimiter` must be one ASCII character, or `\\t` for a tab, not `ab`",
                "`format` must be one of `csv`, `json`, `parquet`, not `parkuet` | did you mean `parquet`?",
                "source `file` has no option `zzz` | its options are `path`, `header`, `delimiter`, `format`",
                "source `file` needs the option `path` | The file.",
            ]
        );
    }

    #[test]
    fn the_same_option_twice_even_by_an_alias() {
        let faults = check(&[("path", "a"), ("file.uri", "b")]).unwrap_err();
        assert_eq!(faults, ["source `file` has `path` twice"]);
    }
}
