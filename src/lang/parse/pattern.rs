//! Patterns and sequences.
//!
//! Parentheses without `every` mean nothing here and leave no trace in the tree: their elements
//! join the chain around them. Which of the two kinds a chain is shows at its first separator.

use nom::Parser;
use nom::combinator::{cut, opt};

use super::input::stream_input;
use super::literal::{time, whole};
use super::tokens::{Expected, Nests, P, Tokens, clause, kw, name_as, sym};
use crate::error::{Code, Diagnostic, Span};
use crate::lang::ast::*;
use crate::lang::lexer::{Keyword, Kind, Sym};

/// Elements read so far and what is known about them.
#[derive(Default)]
struct Chain {
    elements: Vec<PatternElement>,
    kind: Option<PatternKind>,
    /// A `*`, `+` or `?`, which only sequences have.
    quantifier: Option<Span>,
    /// An `every` that isn't the first word, which only patterns have.
    late_every: Option<Span>,
}

/// Whether `every` or `not` comes next and isn't the name of a stream.
pub(super) fn at_pattern_word(i: Tokens<'_>) -> bool {
    let next_is_stream =
        |n| i.at_name(n) || matches!(i.peek(n).kind, Kind::Sym(Sym::Hash | Sym::Bang));
    match i.kind() {
        Kind::Keyword(Keyword::Every | Keyword::Not) if i.at_sym(1, Sym::LParen) => true,
        Kind::Keyword(Keyword::Every | Keyword::Not) => {
            next_is_stream(1) && !is_clause_after_name(i)
        }
        _ => false,
    }
}

/// `every select …`, `every#window.…`: here `every` is a name.
fn is_clause_after_name(i: Tokens<'_>) -> bool {
    use Keyword::{Insert, Join, Output, Select};
    match i.peek(1).kind {
        Kind::Keyword(Select | Insert | Output | Join) => i.at_name(2),
        Kind::Sym(Sym::Hash) => {
            i.at_sym(2, Sym::LBracket) || i.at_sym(3, Sym::LParen) || i.at_sym(3, Sym::Dot)
        }
        _ => false,
    }
}

/// A whole pattern or sequence.
pub(super) fn pattern(i: Tokens<'_>) -> P<'_, PatternInput> {
    let (rest, c) = chain(i, true)?;
    finish(rest, c)
}

/// A pattern whose first stream, without a reference, has been read already.
pub(super) fn pattern_after<'a>(
    start: Tokens<'a>,
    i: Tokens<'a>,
    first: StreamInput,
) -> P<'a, PatternInput> {
    let mut c = Chain::default();
    check_handlers(i, &first)?;
    let stream = PatternStream { reference: None, input: first };
    let (rest, element) = atom_after_stream(start, i, stream, &mut c)?;
    c.elements.push(element);
    let (rest, c) = chain_after(rest, c)?;
    finish(rest, c)
}

fn finish(i: Tokens<'_>, c: Chain) -> P<'_, PatternInput> {
    let kind = c.kind.unwrap_or(PatternKind::Pattern);
    let wrong = match kind {
        PatternKind::Pattern => c.quantifier.map(|at| {
            let d = Diagnostic::error(Code::Syntax, at, "`*`, `+` and `?` belong to sequences");
            d.with_help("separate the elements by `,`, or write a count such as `<1:>`")
        }),
        PatternKind::Sequence => c.late_every.map(|at| {
            Diagnostic::error(Code::Syntax, at, "in a sequence `every` may only stand at the start")
                .with_help("patterns (`->`) have it anywhere")
        }),
    };
    if let Some(d) = wrong {
        return i.fatal(d);
    }
    if c.elements.len() > 1 && !c.elements.iter().any(arrives) {
        return i.fatal_here(
            "a chain needs a stream that arrives, not only absent ones",
            "join two absent streams by `and`: `not A for 1 sec and not B for 1 sec`",
        );
    }
    let (rest, within) = opt(clause(Keyword::Within, time)).parse(i)?;
    Ok((rest, PatternInput { kind, element: flat(c.elements), within }))
}

/// Whether the element is more than an absent stream.
fn arrives(e: &PatternElement) -> bool {
    match e {
        PatternElement::Absent { .. } => false,
        PatternElement::Every { inner, .. } => arrives(inner),
        PatternElement::Chain(list) => list.iter().any(arrives),
        _ => true,
    }
}

fn flat(mut elements: Vec<PatternElement>) -> PatternElement {
    match elements.len() {
        1 => elements.swap_remove(0),
        _ => PatternElement::Chain(elements),
    }
}

/// One element or more.
fn chain(i: Tokens<'_>, at_start: bool) -> P<'_, Chain> {
    let mut c = Chain::default();
    let (rest, ()) = element(i, &mut c, at_start)?;
    chain_after(rest, c)
}

fn chain_after(i: Tokens<'_>, mut c: Chain) -> P<'_, Chain> {
    let mut rest = i;
    loop {
        let kind = match rest.kind() {
            Kind::Sym(Sym::Arrow) => PatternKind::Pattern,
            Kind::Sym(Sym::Comma) => PatternKind::Sequence,
            _ => break,
        };
        set_kind(rest, &mut c, kind)?;
        rest = element(rest.advance().0, &mut c, false)?.0;
    }
    if c.kind != Some(PatternKind::Sequence) {
        rest.want(Expected::Sym(Sym::Arrow));
    }
    if c.kind != Some(PatternKind::Pattern) {
        rest.want(Expected::Sym(Sym::Comma));
    }
    Ok((rest, c))
}

fn set_kind(
    at: Tokens<'_>,
    c: &mut Chain,
    kind: PatternKind,
) -> Result<(), nom::Err<super::tokens::Fail>> {
    if c.kind.is_some_and(|k| k != kind) {
        at.refuse_here(
            "`->` and `,` can't be mixed",
            "a pattern is separated by `->` throughout, a sequence by `,`",
        )?;
    }
    c.kind = Some(kind);
    Ok(())
}

/// `every`, then a group or an atom.
fn element<'a>(i: Tokens<'a>, c: &mut Chain, at_start: bool) -> P<'a, ()> {
    let is_every = i.at_keyword(0, Keyword::Every) && at_pattern_word(i);
    let rest = if is_every { i.advance().0 } else { i };
    if is_every && !at_start {
        c.late_every.get_or_insert(i.peek(0).span);
    }
    let (rest, inner) = if rest.at_sym(0, Sym::LParen) {
        let (rest, group) = rest.nested(Nests::Brackets, group)?;
        c.quantifier = c.quantifier.or(group.quantifier);
        c.late_every = c.late_every.or(group.late_every);
        if let Some(kind) = group.kind {
            set_kind(rest, c, kind)?;
        }
        (rest, group.elements)
    } else {
        let (rest, atom) = cut(|i| atom(i, c)).parse(rest)?;
        (rest, vec![atom])
    };
    if is_every {
        let inner = Box::new(flat(inner));
        c.elements.push(PatternElement::Every { inner, span: i.span_to(rest) });
    } else {
        c.elements.extend(inner);
    }
    Ok((rest, ()))
}

fn group(i: Tokens<'_>) -> P<'_, Chain> {
    let (rest, c) = cut(|i| chain(i, false)).parse(i.advance().0)?;
    let (rest, _) = cut(sym(Sym::RParen)).parse(rest)?;
    Ok((rest, c))
}

/// A stream, counted or not, an absent stream, or two of them joined by `and` or `or`.
fn atom<'a>(i: Tokens<'a>, c: &mut Chain) -> P<'a, PatternElement> {
    let is_not = i.at_keyword(0, Keyword::Not) && at_pattern_word(i);
    if is_not {
        let (rest, absent) = absent(i)?;
        return logical(i, rest, absent);
    }
    let (rest, stream) = pattern_stream(i)?;
    atom_after_stream(i, rest, stream, c)
}

fn atom_after_stream<'a>(
    start: Tokens<'a>,
    i: Tokens<'a>,
    stream: PatternStream,
    c: &mut Chain,
) -> P<'a, PatternElement> {
    let (rest, bounds) = match i.kind() {
        Kind::Sym(Sym::Lt) => count(i)?,
        Kind::Sym(Sym::Star) => (i.advance().0, (0, None)),
        Kind::Sym(Sym::Plus) => (i.advance().0, (1, None)),
        Kind::Sym(Sym::Question) => (i.advance().0, (0, Some(1))),
        _ => {
            i.want(Expected::Sym(Sym::Lt));
            return logical(start, i, PatternElement::Stream(stream));
        }
    };
    let span = i.span_to(rest);
    if !i.at_sym(0, Sym::Lt) {
        c.quantifier.get_or_insert(span.0);
    }
    Ok((rest, PatternElement::Count { stream, min: bounds.0, max: bounds.1, span }))
}

/// `<2:5>`, `<2:>`, `<:5>` or `<2>`.
fn count(i: Tokens<'_>) -> P<'_, (u32, Option<u32>)> {
    let (rest, _) = sym(Sym::Lt).parse(i)?;
    let (rest, min) = opt(whole::<u32>).parse(rest)?;
    let colon = if min.is_some() {
        opt(sym(Sym::Colon)).parse(rest)?
    } else {
        let (rest, token) = cut(sym(Sym::Colon)).parse(rest)?;
        (rest, Some(token))
    };
    let (rest, max) = match colon {
        (rest, None) => (rest, min),
        (rest, Some(_)) if min.is_none() => {
            let (rest, max) = cut(whole::<u32>).parse(rest)?;
            (rest, Some(max))
        }
        (rest, Some(_)) => opt(whole::<u32>).parse(rest)?,
    };
    let (rest, _) = cut(sym(Sym::Gt)).parse(rest)?;
    Ok((rest, (min.unwrap_or(0), max)))
}

/// `e1=S[…]#f(…)`.
fn pattern_stream(i: Tokens<'_>) -> P<'_, PatternStream> {
    let has_reference = i.at_name(0) && i.at_sym(1, Sym::Assign);
    let (rest, reference) = if has_reference {
        let (rest, name) = name_as(i, "a name for the event")?;
        (rest.advance().0, Some(name))
    } else {
        (i, None)
    };
    let (rest, input) = stream_input(rest)?;
    check_handlers(rest, &input)?;
    Ok((rest, PatternStream { reference, input }))
}

fn check_handlers(i: Tokens<'_>, input: &StreamInput) -> Result<(), nom::Err<super::tokens::Fail>> {
    let window = input.handlers.iter().find_map(|h| match h {
        Handler::Window(call) => Some(call.span.0),
        _ => None,
    });
    match window {
        None => Ok(()),
        Some(at) => i.refuse(
            Diagnostic::error(Code::Syntax, at, "a stream in a pattern takes no window")
                .with_help("limit the whole pattern by `within`"),
        ),
    }
}

/// `not S[…]`, with or without `for 5 sec`.
fn absent(i: Tokens<'_>) -> P<'_, PatternElement> {
    let (rest, _) = kw(Keyword::Not).parse(i)?;
    if rest.at_name(0) && rest.at_sym(1, Sym::Assign) {
        return rest.fatal_here(
            "a stream under `not` can't have a reference",
            "there is no event it could name: leave it out",
        );
    }
    let (rest, stream) = cut(pattern_stream).parse(rest)?;
    let (rest, waiting) = opt(clause(Keyword::For, time)).parse(rest)?;
    Ok((rest, PatternElement::Absent { stream, waiting, span: i.span_to(rest) }))
}

/// `left and right`, `left or right`, or `left` alone.
fn logical<'a>(start: Tokens<'a>, i: Tokens<'a>, left: PatternElement) -> P<'a, PatternElement> {
    let op = match i.kind() {
        Kind::Keyword(Keyword::And) => LogicalOp::And,
        Kind::Keyword(Keyword::Or) => LogicalOp::Or,
        _ => {
            if needs_time(&left) {
                return missing_time(i);
            }
            i.want(Expected::Keyword(Keyword::And));
            i.want(Expected::Keyword(Keyword::Or));
            return Ok((i, left));
        }
    };
    let at = i.advance().0;
    let (rest, right) = if at.at_keyword(0, Keyword::Not) && at_pattern_word(at) {
        absent(at)?
    } else {
        let (rest, stream) = cut(pattern_stream).parse(at)?;
        (rest, PatternElement::Stream(stream))
    };
    let timeless =
        |e: &PatternElement| op == LogicalOp::And && matches!(e, PatternElement::Stream(_));
    if needs_time(&left) && !timeless(&right) {
        return missing_time(i);
    }
    if needs_time(&right) && !timeless(&left) {
        return missing_time(rest);
    }
    if matches!(rest.kind(), Kind::Keyword(Keyword::And | Keyword::Or)) {
        return rest.fatal_here(
            "`and` and `or` join exactly two streams",
            "split the condition over several elements",
        );
    }
    let (left, right) = (Box::new(left), Box::new(right));
    Ok((rest, PatternElement::Logical { left, op, right, span: start.span_to(rest) }))
}

/// `not S` without `for`.
fn needs_time(e: &PatternElement) -> bool {
    matches!(e, PatternElement::Absent { waiting: None, .. })
}

fn missing_time<T>(i: Tokens<'_>) -> P<'_, T> {
    i.fatal_here(
        "expected `for` and a time: how long must the stream stay quiet?",
        "without `for`, write `not S and e1=T`",
    )
}
