//! Rate limits and what a query does with its results.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt, value};
use nom::sequence::preceded;

use super::expr::{attr_ref, expr, mark};
use super::literal::{at_time, time, whole};
use super::tokens::{Expected, P, Tokens, clause, commas, commit, kw, name_as, sym};
use crate::lang::ast::*;
use crate::lang::lexer::{Keyword, Sym};

/// `output first every 5 events`.
pub(super) fn rate(i: Tokens<'_>) -> P<'_, OutputRate> {
    let (rest, _) = kw(Keyword::Output).parse(i)?;
    let kinds = alt((
        value(RateKind::All, kw(Keyword::All)),
        value(RateKind::First, kw(Keyword::First)),
        value(RateKind::Last, kw(Keyword::Last)),
        value(RateKind::Snapshot, kw(Keyword::Snapshot)),
    ));
    let (rest, kind) = opt(kinds).parse(rest)?;
    let kind = kind.unwrap_or(RateKind::All);
    let (rest, _) = cut(kw(Keyword::Every)).parse(rest)?;
    let (rest, every) = if kind == RateKind::Snapshot || at_time(rest) {
        map(cut(time), RateEvery::Time).parse(rest)?
    } else {
        rest.want(Expected::What("a time such as `5 sec`"));
        let (rest, count) = cut(whole::<i64>).parse(rest)?;
        rest.want(Expected::What("a unit of time"));
        value(RateEvery::Events(count), cut(kw(Keyword::Events))).parse(rest)?
    };
    Ok((rest, OutputRate { kind, every, span: i.span_to(rest) }))
}

/// `all events`, `expired events`, `current events` or `events`.
pub(super) fn event_type(i: Tokens<'_>) -> P<'_, EventType> {
    let kinds = alt((
        value(EventType::All, kw(Keyword::All)),
        value(EventType::Expired, kw(Keyword::Expired)),
        value(EventType::Current, kw(Keyword::Current)),
    ));
    let (rest, kind) = opt(kinds).parse(i)?;
    let events = kw(Keyword::Events);
    match kind {
        Some(kind) => value(kind, cut(events)).parse(rest),
        None => value(EventType::Current, events).parse(rest),
    }
}

/// A stream, table or window with its mark.
pub(super) fn target(i: Tokens<'_>) -> P<'_, Source> {
    let (rest, mark) = mark(i)?;
    let (rest, name) = name_as(rest, "the name of a stream or table")?;
    Ok((rest, Source { mark, name }))
}

/// What a query must end with.
pub(super) fn output(i: Tokens<'_>) -> P<'_, OutputAction> {
    alt((insert, delete, update, returns)).parse(i)
}

fn insert(i: Tokens<'_>) -> P<'_, OutputAction> {
    let (rest, _) = kw(Keyword::Insert).parse(i)?;
    let (rest, events) = opt(event_type).parse(rest)?;
    let (rest, target) = commit(preceded(kw(Keyword::Into), target)).parse(rest)?;
    Ok((rest, OutputAction::Insert { events, target }))
}

/// `for expired events`.
fn for_events(i: Tokens<'_>) -> P<'_, Option<EventType>> {
    opt(clause(Keyword::For, event_type)).parse(i)
}

/// `on condition`.
pub(super) fn on(i: Tokens<'_>) -> P<'_, Option<Expr>> {
    opt(clause(Keyword::On, expr)).parse(i)
}

fn delete(i: Tokens<'_>) -> P<'_, OutputAction> {
    let (rest, target) = clause(Keyword::Delete, target).parse(i)?;
    let (rest, events) = for_events(rest)?;
    let (rest, on) = on(rest)?;
    Ok((rest, OutputAction::Delete { target, events, on }))
}

/// `update T …` and `update or insert into T …`.
fn update(i: Tokens<'_>) -> P<'_, OutputAction> {
    let (rest, _) = kw(Keyword::Update).parse(i)?;
    let insert = rest.at_keyword(0, Keyword::Or) && rest.at_keyword(1, Keyword::Insert);
    if !insert {
        rest.want(Expected::Keyword(Keyword::Or));
    }
    let rest =
        if insert { cut(kw(Keyword::Into)).parse(rest.advance().0.advance().0)?.0 } else { rest };
    let (rest, target) = cut(target).parse(rest)?;
    let (rest, events) = for_events(rest)?;
    let (rest, set) = opt(clause(Keyword::Set, commas(set_item))).parse(rest)?;
    let set = set.unwrap_or_default();
    let (rest, on) = cut(clause(Keyword::On, expr)).parse(rest)?;
    let action = match insert {
        true => OutputAction::UpdateOrInsert { target, events, set, on },
        false => OutputAction::Update { target, events, set, on },
    };
    Ok((rest, action))
}

fn set_item(i: Tokens<'_>) -> P<'_, SetItem> {
    let (rest, target) = attr_ref(i)?;
    let (rest, value) = preceded(sym(Sym::Assign), cut(expr)).parse(rest)?;
    Ok((rest, SetItem { target, value }))
}

/// `return expired events`.
pub(super) fn returns(i: Tokens<'_>) -> P<'_, OutputAction> {
    let (rest, _) = kw(Keyword::Return).parse(i)?;
    let (rest, events) = opt(event_type).parse(rest)?;
    Ok((rest, OutputAction::Return { events, explicit: true }))
}
