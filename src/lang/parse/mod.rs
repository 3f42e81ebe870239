//! Text to syntax tree.
//!
//! `lexer` makes tokens of the text; nom parsers over the tokens make the tree. Where the text can
//! go on in one way only, the parser is committed to it, so no input is read more than a few times
//! and the work is linear. Nothing here panics or recurses deeper than [`tokens::Nests`]
//! allows.
//!
//! ```
//! use foreshock::lang::parse::parse_app;
//!
//! let parsed = parse_app("define stream S (a int); from S[a > 1] select a insert into Out;");
//! assert_eq!(parsed.into_result().unwrap().items.len(), 2);
//! let wrong = parse_app("form S select a insert into Out;");
//! assert_eq!(wrong.diagnostics[0].help.as_deref(), Some("did you mean `from`?"));
//! ```

mod annotation;
mod app;
mod definition;
mod expr;
mod input;
mod literal;
mod output;
mod pattern;
mod query;
mod report;
mod selection;
mod tokens;

use nom::Parser;

use self::app::{Driver, in_order, single, whole_definition, whole_query};
use self::tokens::{Fail, Notes, Tokens};
use super::ast::{App, Definition, DefinitionKind, Expr, Item, OnDemandQuery, Partition, Query};
use super::lexer::lex;
use crate::error::{Code, Diagnostic, Severity, Span};

/// A tree, as far as there is one, and all that was found on the way.
#[derive(Debug, Clone)]
pub struct Parsed<T> {
    /// The tree. An application holds the statements that parsed, even if others didn't.
    pub tree: Option<T>,
    /// Errors and warnings in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Parsed<T> {
    /// Whether anything was wrong; warnings don't count.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }

    /// The tree.
    ///
    /// # Errors
    /// All findings, if there is an error among them.
    pub fn into_result(self) -> Result<T, Vec<Diagnostic>> {
        let failed = self.has_errors();
        match self.tree {
            Some(tree) if !failed => Ok(tree),
            _ => Err(self.diagnostics),
        }
    }
}

/// Parses an application. `${variables}` must have been replaced ([`super::substitute`]).
pub fn parse_app(text: &str) -> Parsed<App> {
    if let Some(refused) = too_long(text) {
        return Parsed { tree: None, diagnostics: vec![refused] };
    }
    let lexed = lex(text);
    let notes = Notes::new(text, &lexed.tokens);
    let mut driver = Driver::new(&notes);
    driver.run();
    let Driver { mut app, mut diagnostics, .. } = driver;
    diagnostics.extend(lexed.diagnostics);
    app.comments = lexed.comments;
    Parsed { tree: Some(app), diagnostics: in_order(diagnostics) }
}

/// Parses one query with its annotations.
pub fn parse_query(text: &str) -> Parsed<Query> {
    parse_single(text, whole_query)
}

/// Parses one definition of any kind with its annotations.
pub fn parse_definition(text: &str) -> Parsed<Definition> {
    parse_single(text, whole_definition)
}

/// Parses one `define stream`.
pub fn parse_stream_definition(text: &str) -> Parsed<Definition> {
    of_kind(text, "define stream", |k| matches!(k, DefinitionKind::Stream(_)))
}

/// Parses one `define table`.
pub fn parse_table_definition(text: &str) -> Parsed<Definition> {
    of_kind(text, "define table", |k| matches!(k, DefinitionKind::Table(_)))
}

/// Parses one `define aggregation`.
pub fn parse_aggregation_definition(text: &str) -> Parsed<Definition> {
    of_kind(text, "define aggregation", |k| matches!(k, DefinitionKind::Aggregation(_)))
}

/// Parses one `define function`.
pub fn parse_function_definition(text: &str) -> Parsed<Definition> {
    of_kind(text, "define function", |k| matches!(k, DefinitionKind::Function { .. }))
}

/// Parses one partition with its annotations.
pub fn parse_partition(text: &str) -> Parsed<Partition> {
    let Parsed { tree, mut diagnostics } = parse_app(text);
    let app = tree.unwrap_or_default();
    let only = app.items.len() == 1;
    let tree = match app.items.into_iter().next() {
        Some(Item::Partition(mut p)) if only => {
            p.annotations.splice(0..0, app.annotations);
            Some(p)
        }
        _ => {
            if diagnostics.iter().all(|d| d.severity != Severity::Error) {
                let span = Span::new(0, text.len());
                diagnostics.push(Diagnostic::error(Code::Syntax, span, "expected one `partition`"));
            }
            None
        }
    };
    Parsed { tree, diagnostics }
}

/// Parses one expression.
pub fn parse_expression(text: &str) -> Parsed<Expr> {
    parse_single(text, expr::expr)
}

/// Parses one on-demand (store) query.
pub fn parse_on_demand(text: &str) -> Parsed<OnDemandQuery> {
    parse_single(text, query::on_demand)
}

fn of_kind(text: &str, what: &str, is: impl Fn(&DefinitionKind) -> bool) -> Parsed<Definition> {
    let mut parsed = parse_definition(text);
    if let Some(d) = parsed.tree.take_if(|d| !is(&d.kind)) {
        let message = format!("expected `{what}`");
        parsed.diagnostics.push(Diagnostic::error(Code::Syntax, d.span.0, message));
    }
    parsed
}

fn parse_single<T>(
    text: &str,
    parser: impl for<'a> Parser<Tokens<'a>, Output = T, Error = Fail>,
) -> Parsed<T> {
    if let Some(refused) = too_long(text) {
        return Parsed { tree: None, diagnostics: vec![refused] };
    }
    let lexed = lex(text);
    let notes = Notes::new(text, &lexed.tokens);
    let (tree, mut diagnostics) = single(&notes, parser);
    diagnostics.extend(lexed.diagnostics);
    Parsed { tree, diagnostics: in_order(diagnostics) }
}

/// Spans are 32 bits wide.
fn too_long(text: &str) -> Option<Diagnostic> {
    (text.len() > u32::MAX as usize)
        .then(|| Diagnostic::error(Code::Syntax, Span::default(), "the text is longer than 4 GiB"))
}
