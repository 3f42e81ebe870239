//! Definitions.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt};
use nom::sequence::delimited;

use super::expr::{attr_ref, call, mark};
use super::input::stream_input;
use super::literal::time;
use super::output::event_type;
use super::selection::selection;
use super::tokens::{
    Expected, P, Tokens, clause, commas, commit, kw, name_as, parens, strict_name, string, sym,
};
use crate::lang::ast::*;
use crate::lang::lexer::{Keyword, Kind, Sym};

/// Words that may follow `define`.
pub(super) const DEFINABLE: [Keyword; 6] = [
    Keyword::Stream,
    Keyword::Table,
    Keyword::Window,
    Keyword::Trigger,
    Keyword::Function,
    Keyword::Aggregation,
];

/// `define …`.
pub(super) fn definition(i: Tokens<'_>, annotations: Vec<Annotation>) -> P<'_, Definition> {
    let (rest, _) = kw(Keyword::Define).parse(i)?;
    let body = match rest.kind() {
        Kind::Keyword(Keyword::Stream) => stream,
        Kind::Keyword(Keyword::Table) => table,
        Kind::Keyword(Keyword::Window) => window,
        Kind::Keyword(Keyword::Trigger) => trigger,
        Kind::Keyword(Keyword::Function) => function,
        Kind::Keyword(Keyword::Aggregation) => aggregation,
        _ => {
            DEFINABLE.iter().for_each(|k| rest.want(Expected::Keyword(*k)));
            return Err(nom::Err::Failure(super::tokens::Fail));
        }
    };
    let (rest, (source, kind)) = commit(body).parse(rest.advance().0)?;
    let span = i.span_to(rest);
    Ok((rest, Definition { annotations, name: source.name, mark: source.mark, kind, span }))
}

type Body = (Source, DefinitionKind);

fn stream(i: Tokens<'_>) -> P<'_, Body> {
    let (rest, name) = source(i, "the name of the stream")?;
    let (rest, attributes) = attributes(rest)?;
    Ok((rest, (name, DefinitionKind::Stream(attributes))))
}

fn table(i: Tokens<'_>) -> P<'_, Body> {
    let (rest, name) = source(i, "the name of the table")?;
    let (rest, attributes) = attributes(rest)?;
    Ok((rest, (name, DefinitionKind::Table(attributes))))
}

fn window(i: Tokens<'_>) -> P<'_, Body> {
    let (rest, name) = source(i, "the name of the window")?;
    let (rest, attributes) = attributes(rest)?;
    let (rest, function) = call(rest)?;
    let (rest, output) = opt(clause(Keyword::Output, event_type)).parse(rest)?;
    Ok((rest, (name, DefinitionKind::Window { attributes, function, output })))
}

fn trigger(i: Tokens<'_>) -> P<'_, Body> {
    let (rest, name) = strict(i, "the name of the trigger")?;
    let (rest, _) = kw(Keyword::At).parse(rest)?;
    let every = map(clause(Keyword::Every, time), TriggerAt::Every);
    let (rest, at) = alt((every, map(string, TriggerAt::Text))).parse(rest)?;
    Ok((rest, (name, DefinitionKind::Trigger(at))))
}

fn function(i: Tokens<'_>) -> P<'_, Body> {
    let (rest, name) = strict(i, "the name of the function")?;
    let language = |i| strict_name(i, "the name of a script language");
    let (rest, language) =
        delimited(sym(Sym::LBracket), language, sym(Sym::RBracket)).parse(rest)?;
    let (rest, _) = kw(Keyword::Return).parse(rest)?;
    let (rest, returns) = attr_type(rest)?;
    if rest.kind() != Kind::Script {
        return rest.fail(Expected::What("the body in `{ … }`"));
    }
    let (after, script) = rest.advance();
    let text = rest.text_of(script);
    let body = text[1..text.len() - 1].to_string();
    Ok((after, (name, DefinitionKind::Function { language, returns, body })))
}

fn aggregation(i: Tokens<'_>) -> P<'_, Body> {
    let (rest, name) = strict(i, "the name of the aggregation")?;
    let (rest, _) = kw(Keyword::From).parse(rest)?;
    let (rest, from) = stream_input(rest)?;
    let (rest, select) = selection(rest)?;
    if !select.written {
        return rest.fail(Expected::Keyword(Keyword::Select));
    }
    let plain = select.having.is_none()
        && select.order_by.is_empty()
        && select.limit.is_none()
        && select.offset.is_none();
    if !plain {
        return i.fatal(crate::error::Diagnostic::error(
            crate::error::Code::Syntax,
            select.span.0,
            "an aggregation takes only `select` and `group by`",
        ));
    }
    let (rest, _) = kw(Keyword::Aggregate).parse(rest)?;
    let (rest, by) = opt(clause(Keyword::By, attr_ref)).parse(rest)?;
    let (rest, every) = clause(Keyword::Every, durations).parse(rest)?;
    let def = AggregationDef { from, select, by, every };
    Ok((rest, (name, DefinitionKind::Aggregation(Box::new(def)))))
}

/// `sec ... year` or `sec, day`.
fn durations(i: Tokens<'_>) -> P<'_, Durations> {
    let (rest, first) = duration(i)?;
    let (rest, last) =
        opt(nom::sequence::preceded(sym(Sym::Ellipsis), cut(duration))).parse(rest)?;
    if let Some(last) = last {
        return Ok((rest, Durations::Range(first, last)));
    }
    let more = nom::multi::many0(nom::sequence::preceded(sym(Sym::Comma), cut(duration)));
    map(more, |more| Durations::List(std::iter::once(first.clone()).chain(more).collect()))
        .parse(rest)
}

/// A unit an aggregation can keep, in lower case.
fn duration(i: Tokens<'_>) -> P<'_, Ident> {
    let unit = match i.kind() {
        Kind::Keyword(k) => k.unit().map(|u| (k, u)),
        _ => None,
    };
    match unit {
        None => i.fail(Expected::What("a unit of time")),
        Some((_, TimeUnit::Week | TimeUnit::Millisecond)) => i.fatal_here(
            "an aggregation keeps no such duration",
            "use seconds, minutes, hours, days, months or years",
        ),
        Some((k, _)) => {
            let (rest, token) = i.advance();
            Ok((rest, Ident { name: k.text().to_string(), span: token.span.into() }))
        }
    }
}

/// A name with the mark that may stand before it.
fn source<'a>(i: Tokens<'a>, what: &'static str) -> P<'a, Source> {
    let (rest, mark) = mark(i)?;
    let (rest, name) = name_as(rest, what)?;
    Ok((rest, Source { mark, name }))
}

fn strict<'a>(i: Tokens<'a>, what: &'static str) -> P<'a, Source> {
    let (rest, name) = strict_name(i, what)?;
    Ok((rest, Source { mark: StreamMark::Plain, name }))
}

/// `(name type, …)`.
fn attributes(i: Tokens<'_>) -> P<'_, Vec<Attribute>> {
    parens(commas(attribute)).parse(i)
}

fn attribute(i: Tokens<'_>) -> P<'_, Attribute> {
    let (rest, name) = name_as(i, "the name of an attribute")?;
    let (rest, ty) = cut(attr_type).parse(rest)?;
    Ok((rest, Attribute { name, ty }))
}

fn attr_type(i: Tokens<'_>) -> P<'_, AttrType> {
    match i.kind() {
        Kind::Keyword(k) if k.attr_type().is_some() => {
            let ty = k.attr_type().unwrap_or(AttrType::Object);
            Ok((i.advance().0, ty))
        }
        _ => i.fail(Expected::What("a type")),
    }
}
