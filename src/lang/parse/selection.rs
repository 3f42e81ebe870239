//! `select` and what may follow it.

use nom::Parser;
use nom::combinator::{cut, map, opt};

use super::expr::{attr_ref, expr};
use super::tokens::{Expected, P, Tokens, clause, commas, kw, name_as};
use crate::error::{Code, Diagnostic};
use crate::lang::ast::*;
use crate::lang::lexer::{Keyword, Sym};

/// The whole select section; an unwritten one where there is no `select`.
pub(super) fn selection(i: Tokens<'_>) -> P<'_, Selection> {
    let (rest, written) = opt(kw(Keyword::Select)).parse(i)?;
    if written.is_none() {
        return Ok((rest, Selection { span: i.span_to(rest), ..Selection::default() }));
    }
    let (rest, items) = cut(select_list).parse(rest)?;
    let by = |first| nom::sequence::preceded(kw(first), cut(kw(Keyword::By)));
    let (rest, group_by) =
        opt(nom::sequence::preceded(by(Keyword::Group), cut(commas(attr_ref)))).parse(rest)?;
    let (rest, having) = opt(clause(Keyword::Having, expr)).parse(rest)?;
    let (rest, order_by) =
        opt(nom::sequence::preceded(by(Keyword::Order), cut(commas(order)))).parse(rest)?;
    let (rest, limit) = opt(clause(Keyword::Limit, constant)).parse(rest)?;
    let (rest, offset) = opt(clause(Keyword::Offset, constant)).parse(rest)?;
    let selection = Selection {
        items,
        written: true,
        group_by: group_by.unwrap_or_default(),
        having,
        order_by: order_by.unwrap_or_default(),
        limit,
        offset,
        span: i.span_to(rest),
    };
    Ok((rest, selection))
}

/// `*` or items.
fn select_list(i: Tokens<'_>) -> P<'_, Option<Vec<SelectItem>>> {
    if i.at_sym(0, Sym::Star) {
        return Ok((i.advance().0, None));
    }
    i.want(Expected::Sym(Sym::Star));
    map(commas(item), Some).parse(i)
}

/// `expr as name`, or an attribute, which brings its own name.
fn item(i: Tokens<'_>) -> P<'_, SelectItem> {
    let (rest, expr) = expr(i)?;
    let name = |i| name_as(i, "the name of the column");
    let (rest, alias) = opt(clause(Keyword::As, name)).parse(rest)?;
    if alias.is_none() && !matches!(expr.kind, ExprKind::Attr(_)) {
        return rest.stop_only(Expected::What("`as` and a name for this column"));
    }
    Ok((rest, SelectItem { expr, alias }))
}

fn order(i: Tokens<'_>) -> P<'_, OrderBy> {
    let (rest, attr) = attr_ref(i)?;
    let (rest, asc) = opt(kw(Keyword::Asc)).parse(rest)?;
    let (rest, desc) = match asc {
        Some(_) => (rest, None),
        None => opt(kw(Keyword::Desc)).parse(rest)?,
    };
    Ok((rest, OrderBy { attr, descending: desc.is_some() }))
}

/// The constant behind `limit` and `offset`.
fn constant(i: Tokens<'_>) -> P<'_, Expr> {
    let (rest, e) = expr(i)?;
    if !matches!(e.kind, ExprKind::Literal(_)) {
        return i.fatal(
            Diagnostic::error(Code::Syntax, e.at(), "`limit` and `offset` take a constant")
                .with_help("write a whole number"),
        );
    }
    Ok((rest, e))
}
