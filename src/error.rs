//! Errors and diagnostics.
//!
//! A [`Diagnostic`] is for the person who wrote a query: it points at source text by byte range and
//! says what was expected. An [`Error`] is what fallible operations of the library return. Neither
//! ever holds a reference to the source text; rendering joins the two (`lang::diagnostics`).

use std::fmt;

/// A half-open byte range of the application's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The smallest range that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// As a range usable to slice the text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// How grave a diagnostic is. Only [`Severity::Error`] refuses the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The application can't be created.
    Error,
    /// The application runs, but probably not as its author thinks.
    Warning,
}

/// What kind of fault a diagnostic reports; stable, machine-readable, printed in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The text is not SiddhiQL.
    Syntax,
    /// A name that is not defined, or ambiguous, or defined twice.
    Name,
    /// Operand, argument or attribute types that don't fit.
    Type,
    /// A parameter of a window, function, source or sink that is missing, misplaced or out of range.
    Parameter,
    /// The construct is SiddhiQL, but this version of Foreshock doesn't run it yet.
    NotSupported,
    /// The construct can never be right where it stands.
    Invalid,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Code::Syntax => "syntax",
            Code::Name => "name",
            Code::Type => "type",
            Code::Parameter => "parameter",
            Code::NotSupported => "not supported yet",
            Code::Invalid => "invalid",
        })
    }
}

/// One finding about the text of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Kind of fault.
    pub code: Code,
    /// One sentence, without a full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// A short text beside the caret; may be empty.
    pub label: String,
    /// What to do about it, e.g. "did you mean `price`?".
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span,
            label: String::new(),
            help: None,
        }
    }

    /// A construct that parses and isn't built yet; `what` names it, e.g. "`#window.cron`".
    pub fn not_supported(span: Span, what: impl fmt::Display) -> Self {
        Self::error(Code::NotSupported, span, format!("{what} is not supported yet"))
    }

    /// A warning.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Sets the text beside the caret.
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Sets the advice.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds "did you mean …?" with the candidate nearest to `name`, if one is near enough.
    pub fn with_nearest<'a>(
        self,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        match nearest(name, candidates) {
            Some(n) => {
                let help = format!("did you mean `{n}`?");
                self.with_help(help)
            }
            None => self,
        }
    }
}

/// The candidate nearest to `name` by Damerau-Levenshtein distance, ignoring case, if the distance
/// is at most a third of the length (and at least one edit is always allowed).
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// What an operation of the library can fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The application's text is wrong; all findings of one pass.
    #[error("{}", summary(.0))]
    Query(Vec<Diagnostic>),
    /// A name given to the library (stream, query, column) doesn't exist.
    #[error("{0}")]
    Name(String),
    /// Data handed in doesn't fit the stream it was sent to.
    #[error("{0}")]
    Data(String),
    /// Reading or writing failed.
    #[error("{context}: {source}")]
    Io {
        /// What was being read or written.
        context: String,
        /// The cause.
        source: std::io::Error,
    },
    /// An operation of Arrow, Parquet or DataFusion failed. (Boxed, so that the language front end
    /// doesn't depend on them.)
    #[error("{0}")]
    Columnar(Box<dyn std::error::Error + Send + Sync>),
    /// A snapshot can't be restored here.
    #[error("snapshot: {0}")]
    Snapshot(String),
    /// The application broke a limit it runs under.
    #[error("{0}")]
    Limit(String),
    /// The application was shut down.
    #[error("the application is shut down")]
    Closed,
}

impl Error {
    /// An I/O error with what was being done.
    pub fn io(context: impl Into<String>, source: std::io::Error) -> Self {
        Error::Io { context: context.into(), source }
    }
}

fn summary(diagnostics: &[Diagnostic]) -> String {
    let errors: Vec<&Diagnostic> =
        diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    match errors.as_slice() {
        [] => "the application was refused".to_string(),
        [one] => one.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
    }
}

/// Result of a library operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;
