//! Numbers, strings and times.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::map;

use super::tokens::{Expected, P, Tokens, kw, string};
use crate::error::{Code, Diagnostic};
use crate::lang::ast::{Bits, Literal, TimeLiteral, TimeUnit};
use crate::lang::lexer::{Keyword, Kind, Sym, Token};

/// Any constant.
pub(super) fn literal(i: Tokens<'_>) -> P<'_, Literal> {
    if at_time(i) {
        return map(time, Literal::Time).parse(i);
    }
    if at_number(i) {
        return number(i);
    }
    alt((
        map(kw(Keyword::True), |_| Literal::Bool(true)),
        map(kw(Keyword::False), |_| Literal::Bool(false)),
        map(string, Literal::String),
    ))
    .parse(i)
}

/// Whether a time literal starts here.
pub(super) fn at_time(i: Tokens<'_>) -> bool {
    i.kind() == Kind::Int && unit_of(i.peek(1)).is_some()
}

/// Whether a number starts here, with its sign.
pub(super) fn at_number(i: Tokens<'_>) -> bool {
    let signed = matches!(i.kind(), Kind::Sym(Sym::Plus | Sym::Minus));
    matches!(i.peek(usize::from(signed)).kind, Kind::Int | Kind::Long | Kind::Float | Kind::Double)
}

fn unit_of(token: Token) -> Option<TimeUnit> {
    match token.kind {
        Kind::Keyword(k) => k.unit(),
        _ => None,
    }
}

fn number(i: Tokens<'_>) -> P<'_, Literal> {
    let (digits, sign) = match i.kind() {
        Kind::Sym(Sym::Minus) => (i.advance().0, "-"),
        Kind::Sym(Sym::Plus) => (i.advance().0, ""),
        _ => (i, ""),
    };
    let (rest, token) = digits.advance();
    let text = digits.text_of(token);
    let bare = text.trim_end_matches(['l', 'L', 'f', 'F', 'd', 'D']);
    let signed = format!("{sign}{bare}");
    let literal = match token.kind {
        Kind::Int => signed.parse().map(Literal::Int).ok(),
        Kind::Long => signed.parse().map(Literal::Long).ok(),
        Kind::Float => signed.parse().map(|v| Literal::Float(Bits(v))).ok(),
        _ => signed.parse().map(|v| Literal::Double(Bits(v))).ok(),
    };
    match (literal, token.kind) {
        (Some(l), _) => Ok((rest, l)),
        (None, Kind::Int) => {
            let d = Diagnostic::error(
                Code::Syntax,
                i.span_to(rest).0,
                "this number doesn't fit an int",
            );
            let fits = signed.parse::<i64>().is_ok();
            i.fatal(if fits { d.with_help(format!("write `{signed}L` for a long")) } else { d })
        }
        _ => i.fatal_here("this number doesn't fit a long", "a double (`1e19`) reaches farther"),
    }
}

/// A count in a place where only a whole number without sign may stand.
pub(super) fn whole<T: std::str::FromStr>(i: Tokens<'_>) -> P<'_, T> {
    if i.kind() != Kind::Int {
        return i.fail(Expected::What("a whole number"));
    }
    let (rest, token) = i.advance();
    match i.text_of(token).parse() {
        Ok(n) => Ok((rest, n)),
        Err(_) => i.fatal_here("this number is too large here", "use a smaller one"),
    }
}

/// `1 min 30 sec`: units from large to small, each at most once.
pub(super) fn time(i: Tokens<'_>) -> P<'_, TimeLiteral> {
    let mut rest = i;
    let mut parts: Vec<(i64, TimeUnit)> = Vec::new();
    let mut millis = 0i64;
    while parts.is_empty() || at_time(rest) {
        let unit_at = rest.advance().0;
        if rest.kind() != Kind::Int {
            return rest.fail(Expected::What("a time such as `5 sec`"));
        }
        let Some(unit) = unit_of(rest.peek(1)) else {
            return unit_at.fail(Expected::What("a unit of time"));
        };
        // `TimeUnit` is ordered from the largest unit to the smallest.
        if parts.last().is_some_and(|(_, last)| *last >= unit) {
            return unit_at.fatal_here(
                "units of time go from large to small, each at most once",
                "write for example `1 min 30 sec`",
            );
        }
        let (after, count) = whole::<i64>(rest)?;
        let sum = count.checked_mul(unit.millis()).and_then(|ms| millis.checked_add(ms));
        let Some(sum) = sum else {
            return rest
                .fatal_here("this time doesn't fit 64 bits of milliseconds", "use a smaller one");
        };
        millis = sum;
        parts.push((count, unit));
        rest = after.advance().0;
    }
    Ok((rest, TimeLiteral { parts, span: i.span_to(rest) }))
}
