//! The driver: statement after statement, going on after errors.
//!
//! Each statement is parsed on a fresh page of notes. One that fails is reported once and skipped
//! up to a place where the next one can start, so later statements are checked, too.

use nom::Parser;

use super::annotation::annotations;
use super::definition::{DEFINABLE, definition};
use super::query::{partition_head, query};
use super::tokens::{Expected, Fail, Notes, P, Tokens};
use crate::error::{Code, Diagnostic};
use crate::lang::ast::{Annotation, App, Item, Partition, Query};
use crate::lang::lexer::{Keyword, Kind, Sym};

/// What the driver gathers.
pub(super) struct Driver<'a> {
    notes: &'a Notes<'a>,
    pub(super) app: App,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Driver<'a> {
    pub(super) fn new(notes: &'a Notes<'a>) -> Self {
        Driver { notes, app: App::default(), diagnostics: Vec::new() }
    }

    /// Parses the whole text.
    pub(super) fn run(&mut self) {
        let mut at = 0;
        while self.notes.tokens[at].kind != Kind::End {
            at = self.statement(at);
        }
    }

    fn kind(&self, at: usize) -> Kind {
        self.notes.tokens[at].kind
    }

    /// Parses one statement at the token `at`; returns where the next one starts.
    fn statement(&mut self, at: usize) -> usize {
        let start = self.notes.from(at);
        let Ok((i, annotations)) = annotations(start) else { return self.failed(at, false) };
        let (of_app, annotations): (Vec<_>, Vec<_>) = annotations.into_iter().partition(is_of_app);
        let only_app = annotations.is_empty();
        self.app.annotations.extend(of_app);
        let item = match i.kind() {
            Kind::Keyword(Keyword::Define) => {
                definition(i, annotations).map(|(rest, d)| (rest, Item::Definition(d)))
            }
            Kind::Keyword(Keyword::From) => {
                query(i, annotations).map(|(rest, q)| (rest, Item::Query(Box::new(q))))
            }
            Kind::Keyword(Keyword::Partition) => return self.partition(at, i, annotations),
            Kind::End if only_app => return i.index(),
            _ => no_statement(i),
        };
        match item {
            Ok((rest, item)) => {
                self.app.items.push(item);
                self.end_statement(at, rest, false)
            }
            Err(_) => self.failed(at, false),
        }
    }

    /// Behind a statement: a semicolon, or the end of what encloses it.
    fn end_statement(&mut self, start: usize, rest: Tokens<'a>, in_partition: bool) -> usize {
        self.diagnostics.append(&mut self.notes.warnings.borrow_mut());
        match rest.kind() {
            Kind::Sym(Sym::Semi) => rest.index() + 1,
            Kind::End if !in_partition => rest.index(),
            Kind::Keyword(Keyword::End) if in_partition => rest.index(),
            _ => {
                rest.want(Expected::Sym(Sym::Semi));
                if in_partition {
                    rest.want(Expected::Keyword(Keyword::End));
                }
                let (at, diagnostic) = self.notes.report();
                self.diagnostics.extend(diagnostic);
                match rest.kind() {
                    // Only the semicolon is missing.
                    Kind::Keyword(Keyword::Define | Keyword::From | Keyword::Partition)
                    | Kind::Sym(Sym::At)
                        if at == rest.index() =>
                    {
                        at
                    }
                    _ => self.resume(start, at.max(start), in_partition),
                }
            }
        }
    }

    /// Reports why the statement that started at `start` failed; returns where to go on.
    fn failed(&mut self, start: usize, in_partition: bool) -> usize {
        let (at, diagnostic) = self.notes.report();
        self.diagnostics.extend(diagnostic);
        self.resume(start, at.max(start), in_partition)
    }

    /// The first token from `at` on where a statement may start.
    fn resume(&self, start: usize, at: usize, in_partition: bool) -> usize {
        let tokens = &self.notes.tokens;
        let open = |d: i64, k: Kind| match k {
            Kind::Sym(Sym::LParen) => d + 1,
            Kind::Sym(Sym::RParen) => d - 1,
            _ => d,
        };
        let balanced = tokens[start..at].iter().fold(0, |d, t| open(d, t.kind)) <= 0;
        for n in at..tokens.len() {
            let next = tokens.get(n + 1).map_or(Kind::End, |t| t.kind);
            let fresh = n > start;
            match tokens[n].kind {
                Kind::End => return n,
                Kind::Sym(Sym::Semi) => return n + 1,
                Kind::Keyword(Keyword::End) if in_partition && ends_partition(next) => return n,
                Kind::Keyword(Keyword::Define)
                    if fresh && matches!(next, Kind::Keyword(k) if DEFINABLE.contains(&k)) =>
                {
                    return n;
                }
                Kind::Keyword(Keyword::Partition)
                    if fresh && next == Kind::Keyword(Keyword::With) =>
                {
                    return n;
                }
                Kind::Sym(Sym::At) if fresh && balanced && self.first_on_line(n) => return n,
                _ => {}
            }
        }
        tokens.len() - 1
    }

    fn first_on_line(&self, n: usize) -> bool {
        let from = if n == 0 { 0 } else { self.notes.tokens[n - 1].span.end as usize };
        self.notes.text[from..self.notes.tokens[n].span.start as usize].contains('\n')
    }

    fn partition(&mut self, at: usize, i: Tokens<'a>, annotations: Vec<Annotation>) -> usize {
        match partition_head(i) {
            Ok((rest, with)) => {
                let (queries, end) = self.body(rest.index());
                // The end token of the text never counts as part of the partition.
                let last = self.notes.tokens[end.saturating_sub(1).max(i.index())].span;
                let span = i.peek(0).span.to(last).into();
                self.app.items.push(Item::Partition(Partition {
                    annotations,
                    with,
                    queries,
                    span,
                }));
                self.after_partition(end)
            }
            Err(_) => {
                let resumed = self.failed(at, false);
                let begin = (at..resumed).find(|n| self.kind(*n) == Kind::Keyword(Keyword::Begin));
                match begin {
                    // Its queries are checked, but without a head it is no partition.
                    Some(begin) => {
                        let (_, end) = self.body(begin + 1);
                        self.after_partition(end)
                    }
                    None => resumed,
                }
            }
        }
    }

    fn after_partition(&mut self, end: usize) -> usize {
        let rest = self.notes.from(end);
        self.end_statement(end, rest, false)
    }

    /// Queries up to `end`; returns them and the index behind it.
    fn body(&mut self, mut at: usize) -> (Vec<Query>, usize) {
        let mut queries = Vec::new();
        let mut is_empty = true;
        loop {
            let start = self.notes.from(at);
            match start.kind() {
                Kind::Keyword(Keyword::End) if !is_empty => return (queries, at + 1),
                Kind::End => {
                    start.want(Expected::Keyword(Keyword::End));
                    self.failed(at, true);
                    return (queries, at);
                }
                Kind::Keyword(Keyword::End) => {
                    start.want(Expected::Keyword(Keyword::From));
                    self.failed(at, true);
                    return (queries, at + 1);
                }
                _ => {}
            }
            is_empty = false;
            at = match annotated_query(start, queries.is_empty()) {
                Ok((rest, q)) => {
                    queries.push(q);
                    self.end_statement(at, rest, true)
                }
                Err(_) => self.failed(at, true),
            };
        }
    }
}

fn is_of_app(a: &Annotation) -> bool {
    a.name.name.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("app:"))
}

fn ends_partition(next: Kind) -> bool {
    matches!(
        next,
        Kind::End
            | Kind::Sym(Sym::Semi | Sym::At)
            | Kind::Keyword(Keyword::Define | Keyword::From | Keyword::Partition)
    )
}

/// Fails where a statement should start.
fn no_statement<T>(i: Tokens<'_>) -> P<'_, T> {
    i.want(Expected::Keyword(Keyword::Define));
    i.want(Expected::Keyword(Keyword::From));
    i.want(Expected::Keyword(Keyword::Partition));
    Err(nom::Err::Error(Fail))
}

/// A query of a partition with its annotations.
fn annotated_query(i: Tokens<'_>, first: bool) -> P<'_, Query> {
    let (rest, annotations) = annotations(i)?;
    if rest.at_keyword(0, Keyword::Define) {
        return rest.fatal_here(
            "nothing can be defined inside a partition",
            "move it in front of the partition",
        );
    }
    if !first && annotations.is_empty() {
        rest.want(Expected::Keyword(Keyword::End));
    }
    query(rest, annotations)
}

/// Parses a text that holds one construct, perhaps with a semicolon behind it.
pub(super) fn single<'a, T>(
    notes: &'a Notes<'a>,
    mut parser: impl Parser<Tokens<'a>, Output = T, Error = Fail>,
) -> (Option<T>, Vec<Diagnostic>) {
    let Ok((rest, tree)) = parser.parse(notes.from(0)) else {
        return (None, notes.report().1.into_iter().collect());
    };
    let end = if rest.at_sym(0, Sym::Semi) { rest.advance().0 } else { rest };
    if end.kind() == Kind::End {
        return (Some(tree), notes.warnings.take());
    }
    end.want(Expected::What("the end of the text"));
    (None, notes.report().1.into_iter().collect())
}

/// The query of [`single`], with its annotations.
pub(super) fn whole_query(i: Tokens<'_>) -> P<'_, Query> {
    let (rest, annotations) = annotations(i)?;
    query(rest, annotations)
}

/// The definition of [`single`], with its annotations.
pub(super) fn whole_definition(i: Tokens<'_>) -> P<'_, crate::lang::ast::Definition> {
    let (rest, annotations) = annotations(i)?;
    definition(rest, annotations)
}

/// Puts findings in order of the text and bounds their number.
pub(super) fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|d| (d.span, d.severity == crate::error::Severity::Warning));
    if diagnostics.len() > MOST_DIAGNOSTICS {
        let span = diagnostics[MOST_DIAGNOSTICS].span;
        diagnostics.truncate(MOST_DIAGNOSTICS);
        diagnostics.push(Diagnostic::error(Code::Syntax, span, "further findings are not shown"));
    }
    diagnostics
}

/// Most findings of one pass.
const MOST_DIAGNOSTICS: usize = 100;
