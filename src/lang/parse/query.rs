//! Queries, partitions and on-demand queries.

use nom::Parser;
use nom::combinator::{cut, map, opt};

use super::expr::expr;
use super::input::{input, within};
use super::output::{on, output, rate, target};
use super::selection::selection;
use super::tokens::{Expected, P, Tokens, clause, kw, name_as, string};
use crate::lang::ast::*;
use crate::lang::lexer::Keyword;

/// `from …`.
pub(super) fn query(i: Tokens<'_>, annotations: Vec<Annotation>) -> P<'_, Query> {
    let (rest, input) = clause(Keyword::From, input).parse(i)?;
    let (rest, select) = selection(rest)?;
    let (rest, rate) = opt(rate).parse(rest)?;
    let (rest, output) = cut(output).parse(rest)?;
    Ok((rest, Query { annotations, input, select, rate, output, span: i.span_to(rest) }))
}

/// `a of S` or `a > 1 as 'x' or … of S`.
pub(super) fn partition_with(i: Tokens<'_>) -> P<'_, PartitionWith> {
    let (mut rest, value) = expr(i)?;
    let key = if rest.at_keyword(0, Keyword::As) {
        let mut ranges = Vec::new();
        let mut condition = value;
        loop {
            let (after, name) = clause(Keyword::As, string).parse(rest)?;
            ranges.push((condition, name));
            let (after, next) = opt(clause(Keyword::Or, expr)).parse(after)?;
            rest = after;
            match next {
                Some(next) => condition = next,
                None => break,
            }
        }
        PartitionKey::Ranges(ranges)
    } else {
        rest.want(Expected::Keyword(Keyword::As));
        PartitionKey::Value(value)
    };
    let stream = |i| name_as(i, "the name of a stream");
    let (rest, name) = cut(clause(Keyword::Of, stream)).parse(rest)?;
    Ok((rest, PartitionWith { key, stream: Source { mark: StreamMark::Plain, name } }))
}

/// An on-demand query.
pub(super) fn on_demand(i: Tokens<'_>) -> P<'_, OnDemandQuery> {
    let (rest, from) = opt(clause(Keyword::From, store)).parse(i)?;
    let (rest, select) = selection(rest)?;
    let done = |i: Tokens<'_>| {
        i.kind() == crate::lang::lexer::Kind::End || i.at_sym(0, crate::lang::lexer::Sym::Semi)
    };
    let (rest, output) = if from.is_some() {
        (rest, OutputAction::Return { events: None, explicit: false })
    } else {
        if !select.written {
            i.want(Expected::Keyword(Keyword::From));
            i.want(Expected::Keyword(Keyword::Select));
        }
        let (after, output) = output(rest)?;
        check_on_demand(rest, &output, select.written)?;
        (after, output)
    };
    debug_assert!(from.is_none() || done(rest) || !done(i));
    Ok((rest, OnDemandQuery { from, select, output, span: i.span_to(rest) }))
}

/// Store queries know neither kinds of event nor `return`, and values to insert must be selected.
fn check_on_demand(
    i: Tokens<'_>,
    output: &OutputAction,
    selected: bool,
) -> Result<(), nom::Err<super::tokens::Fail>> {
    let events = match output {
        OutputAction::Return { .. } => {
            return i.refuse_here(
                "an on-demand query returns its rows by itself",
                "write `from T select …` without an output, or one that changes a table",
            );
        }
        OutputAction::Insert { events, .. }
        | OutputAction::Delete { events, .. }
        | OutputAction::Update { events, .. }
        | OutputAction::UpdateOrInsert { events, .. } => events,
    };
    let inserts =
        matches!(output, OutputAction::Insert { .. } | OutputAction::UpdateOrInsert { .. });
    if events.is_some() {
        return i.refuse_here(
            "an on-demand query has no current or expired events",
            "leave the kind out",
        );
    }
    if inserts && !selected {
        return i.refuse_here(
            "there is nothing to insert",
            "select the values first: `select 'x' as a insert into T`",
        );
    }
    Ok(())
}

/// `T as t on … within … per …`.
fn store(i: Tokens<'_>) -> P<'_, OnDemandInput> {
    let (rest, source) = target(i)?;
    let alias = |i| name_as(i, "an alias");
    let (rest, alias) = opt(clause(Keyword::As, alias)).parse(rest)?;
    let (rest, on) = on(rest)?;
    let (rest, within) = opt(within).parse(rest)?;
    let (rest, per) = match within {
        Some(_) => map(cut(clause(Keyword::Per, expr)), Some).parse(rest)?,
        None => (rest, None),
    };
    Ok((rest, OnDemandInput { source, alias, on, within, per }))
}

/// `partition with ( … )`, up to `begin`.
pub(super) fn partition_head(i: Tokens<'_>) -> P<'_, Vec<PartitionWith>> {
    let (rest, _) = kw(Keyword::Partition).parse(i)?;
    let (rest, _) = cut(kw(Keyword::With)).parse(rest)?;
    let (rest, with) =
        cut(super::tokens::parens(super::tokens::commas(partition_with))).parse(rest)?;
    let (rest, _) = cut(kw(Keyword::Begin)).parse(rest)?;
    Ok((rest, with))
}
