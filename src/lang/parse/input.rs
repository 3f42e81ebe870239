//! What a query reads: a stream, a join, a pattern or another query.

use nom::Parser;
use nom::combinator::{cut, map, opt};
use nom::sequence::{delimited, preceded};

use super::expr::{call, expr};
use super::output::{on, rate, returns, target};
use super::pattern::{at_pattern_word, pattern, pattern_after};
use super::selection::selection;
use super::tokens::{Expected, Nests, P, Tokens, clause, kw, name_as, sym};
use crate::error::{Code, Diagnostic};
use crate::lang::ast::*;
use crate::lang::lexer::{Keyword, Kind, Sym};

/// Everything between `from` and `select`.
pub(super) fn input(i: Tokens<'_>) -> P<'_, Input> {
    if at_anonymous(i) {
        return map(anonymous, |a| Input::Anonymous(Box::new(a))).parse(i);
    }
    let reference = i.at_name(0) && i.at_sym(1, Sym::Assign);
    if reference || i.at_sym(0, Sym::LParen) || at_pattern_word(i) {
        return map(pattern, |p| Input::Pattern(Box::new(p))).parse(i);
    }
    let (rest, stream) = stream_input(i)?;
    match rest.kind() {
        Kind::Sym(Sym::Arrow | Sym::Comma | Sym::Lt | Sym::Star | Sym::Plus | Sym::Question)
        | Kind::Keyword(Keyword::And | Keyword::Or | Keyword::Within) => {
            let (rest, p) = pattern_after(i, rest, stream)?;
            Ok((rest, Input::Pattern(Box::new(p))))
        }
        Kind::Keyword(k) if k == Keyword::As || JOIN_WORDS.contains(&k) => {
            let (rest, join) = join_after(rest, stream)?;
            Ok((rest, Input::Join(Box::new(join))))
        }
        _ => {
            rest.want(Expected::Keyword(Keyword::Join));
            rest.want(Expected::Sym(Sym::Arrow));
            Ok((rest, Input::Stream(stream)))
        }
    }
}

/// Whether `from …`, perhaps in parentheses, comes next.
fn at_anonymous(i: Tokens<'_>) -> bool {
    let mut n = 0;
    while i.at_sym(n, Sym::LParen) {
        n += 1;
    }
    if !i.at_keyword(n, Keyword::From) {
        return false;
    }
    // A stream called `from`.
    !matches!(
        i.peek(n + 1).kind,
        Kind::Sym(Sym::Arrow | Sym::Comma | Sym::Lt | Sym::LBracket | Sym::RParen | Sym::Assign)
            | Kind::Keyword(Keyword::Select | Keyword::Insert | Keyword::And | Keyword::Or)
    )
}

/// `(from … return …) handlers`, or the same without parentheses.
fn anonymous(i: Tokens<'_>) -> P<'_, AnonymousInput> {
    if !i.at_sym(0, Sym::LParen) {
        let (rest, query) = i.nested(Nests::Query, inner_query)?;
        return Ok((rest, AnonymousInput { query, handlers: Vec::new() }));
    }
    let mut rest = i;
    let mut open = 0;
    while rest.at_sym(0, Sym::LParen) {
        open += 1;
        rest = rest.advance().0;
    }
    let (mut rest, query) = rest.nested(Nests::Query, inner_query)?;
    for _ in 0..open {
        rest = cut(sym(Sym::RParen)).parse(rest)?.0;
    }
    let (rest, handlers) = handlers(rest)?;
    Ok((rest, AnonymousInput { query, handlers }))
}

/// A query that gives its result to the one around it.
fn inner_query(i: Tokens<'_>) -> P<'_, Query> {
    let (rest, input) = clause(Keyword::From, input).parse(i)?;
    let (rest, select) = selection(rest)?;
    let (rest, rate) = opt(rate).parse(rest)?;
    let (rest, output) = cut(returns).parse(rest)?;
    let annotations = Vec::new();
    Ok((rest, Query { annotations, input, select, rate, output, span: i.span_to(rest) }))
}

/// A stream and its handlers.
pub(super) fn stream_input(i: Tokens<'_>) -> P<'_, StreamInput> {
    let (rest, source) = target_of_from(i)?;
    let (rest, handlers) = handlers(rest)?;
    Ok((rest, StreamInput { source, handlers, alias: None, span: i.span_to(rest) }))
}

fn target_of_from(i: Tokens<'_>) -> P<'_, Source> {
    if i.at_name(0) || matches!(i.kind(), Kind::Sym(Sym::Hash | Sym::Bang)) {
        return target(i);
    }
    i.want(Expected::Sym(Sym::LParen));
    i.fail(Expected::What("the name of a stream"))
}

/// Filters, functions and at most one window.
fn handlers(i: Tokens<'_>) -> P<'_, Vec<Handler>> {
    let mut handlers: Vec<Handler> = Vec::new();
    let mut rest = i;
    while matches!(rest.kind(), Kind::Sym(Sym::Hash | Sym::LBracket)) {
        let (after, h) = handler(rest)?;
        let windows = |h: &Handler| matches!(h, Handler::Window(_));
        if windows(&h) && handlers.iter().any(windows) {
            return rest.fatal(
                Diagnostic::error(
                    Code::Syntax,
                    rest.span_to(after).0,
                    "a stream takes at most one window",
                )
                .with_help("insert into a stream of its own and window that"),
            );
        }
        handlers.push(h);
        rest = after;
    }
    rest.want(Expected::Sym(Sym::LBracket));
    rest.want(Expected::Sym(Sym::Hash));
    Ok((rest, handlers))
}

fn handler(i: Tokens<'_>) -> P<'_, Handler> {
    let (rest, hash) = opt(sym(Sym::Hash)).parse(i)?;
    if rest.at_sym(0, Sym::LBracket) {
        let condition = delimited(sym(Sym::LBracket), cut(expr), cut(sym(Sym::RBracket)));
        return map(condition, Handler::Filter).parse(rest);
    }
    debug_assert!(hash.is_some(), "handlers start with `#` or `[`");
    rest.want(Expected::Sym(Sym::LBracket));
    rest.want(Expected::Keyword(Keyword::Window));
    if rest.at_keyword(0, Keyword::Window) && rest.at_sym(1, Sym::Dot) {
        let window = |i| {
            let (rest, _) = name_as(i, "the name of a window")?;
            rest.want(Expected::Sym(Sym::LParen));
            call(i)
        };
        return map(cut(window), Handler::Window).parse(rest.advance().0.advance().0);
    }
    map(cut(call), Handler::Function).parse(rest)
}

const JOIN_WORDS: [Keyword; 7] = [
    Keyword::Join,
    Keyword::Inner,
    Keyword::Left,
    Keyword::Right,
    Keyword::Full,
    Keyword::Outer,
    Keyword::Unidirectional,
];

/// The rest of a join behind its left stream.
fn join_after(i: Tokens<'_>, left: StreamInput) -> P<'_, JoinInput> {
    let (rest, left) = join_side(i, left)?;
    let (rest, left_only) = opt(kw(Keyword::Unidirectional)).parse(rest)?;
    let (rest, kind) = cut(join_kind).parse(rest)?;
    let (rest, right) = cut(stream_input).parse(rest)?;
    let (rest, right) = join_side(rest, right)?;
    let (rest, right_only) = match left_only {
        Some(_) => (rest, None),
        None => opt(kw(Keyword::Unidirectional)).parse(rest)?,
    };
    let unidirectional = left_only.map(|_| JoinSide::Left).or(right_only.map(|_| JoinSide::Right));
    let (rest, on) = on(rest)?;
    let (rest, within) = opt(within).parse(rest)?;
    let (rest, per) = match within {
        Some(_) => map(cut(clause(Keyword::Per, expr)), Some).parse(rest)?,
        None => (rest, None),
    };
    Ok((rest, JoinInput { left, right, kind, unidirectional, on, within, per }))
}

/// Checks a side of a join and reads its alias.
fn join_side(i: Tokens<'_>, mut side: StreamInput) -> P<'_, StreamInput> {
    let window = side.handlers.iter().position(|h| matches!(h, Handler::Window(_)));
    if let Some(late) = window.and_then(|w| side.handlers.get(w + 1)) {
        let at = match late {
            Handler::Filter(e) => e.at(),
            Handler::Function(c) | Handler::Window(c) => c.span.0,
        };
        return i.fatal(
            Diagnostic::error(Code::Syntax, at, "in a join nothing may follow the window")
                .with_help("put the filter before the window, or into `on`"),
        );
    }
    let alias = |i| name_as(i, "an alias");
    let (rest, alias) = opt(clause(Keyword::As, alias)).parse(i)?;
    if let Some(alias) = alias {
        side.span = side.span.0.to(alias.at()).into();
        side.alias = Some(alias);
    }
    Ok((rest, side))
}

fn join_kind(i: Tokens<'_>) -> P<'_, JoinKind> {
    if i.at_keyword(0, Keyword::Outer) {
        return i.fatal_here(
            "`outer join` does not say which side is kept",
            "write `left outer join`, `right outer join` or `full outer join`",
        );
    }
    let outer = [
        (Keyword::Left, JoinKind::Left),
        (Keyword::Right, JoinKind::Right),
        (Keyword::Full, JoinKind::Full),
    ];
    for (word, kind) in outer {
        if i.at_keyword(0, word) {
            let rest = cut(kw(Keyword::Outer)).parse(i.advance().0)?.0;
            return map(cut(kw(Keyword::Join)), |_| kind).parse(rest);
        }
    }
    if i.at_keyword(0, Keyword::Inner) {
        return map(cut(kw(Keyword::Join)), |_| JoinKind::Inner).parse(i.advance().0);
    }
    map(kw(Keyword::Join), |_| JoinKind::Inner).parse(i)
}

/// `within x` or `within x, y` (aggregations).
pub(super) fn within(i: Tokens<'_>) -> P<'_, (Expr, Option<Expr>)> {
    let (rest, from) = clause(Keyword::Within, expr).parse(i)?;
    let (rest, to) = opt(preceded(sym(Sym::Comma), cut(expr))).parse(rest)?;
    Ok((rest, (from, to)))
}
