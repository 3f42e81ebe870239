//! Expressions.
//!
//! Binary operators are read with an explicit stack, so that one level of brackets costs three
//! stack frames however many operators it holds. Nesting is limited by the parser's depth and the
//! height of every tree by [`MAX_HEIGHT`], because whoever walks (or drops) a tree recurses, too.

use nom::Parser;
use nom::combinator::{cut, map, opt};

use super::literal::{at_number, at_time, literal, whole};
use super::tokens::{Expected, Fail, Nests, P, Tokens, clause, commas, kw, name, name_as, sym};
use crate::error::{Code, Diagnostic, Span};
use crate::lang::ast::*;
use crate::lang::lexer::{Keyword, Kind, Sym};

/// How high the tree of an expression may grow, e.g. how many `+` may stand in a row. A row of `and`s
/// or of `or`s has no limit: it is one node.
pub(crate) const MAX_HEIGHT: u32 = 400;

/// How many `not`s and minus signs may stand before an operand.
const MOST_PREFIXES: usize = 100;

/// An expression while it is put together.
struct Operand {
    expr: Expr,
    height: u32,
    /// Stands in parentheses.
    closed: bool,
}

impl Operand {
    fn at(&self) -> Span {
        self.expr.at()
    }
}

/// An expression.
pub(super) fn expr(i: Tokens<'_>) -> P<'_, Expr> {
    map(operand, |o| o.expr).parse(i)
}

/// How tightly an operator binds; `in` lies between equality and `and`.
fn strength(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Eq | BinaryOp::NotEq => 4,
        BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Gt | BinaryOp::GtEq => 5,
        BinaryOp::Add | BinaryOp::Sub => 6,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => 7,
    }
}
const IN_STRENGTH: u8 = 3;

fn binary_op(kind: Kind) -> Option<BinaryOp> {
    Some(match kind {
        Kind::Keyword(Keyword::Or) => BinaryOp::Or,
        Kind::Keyword(Keyword::And) => BinaryOp::And,
        Kind::Sym(s) => match s {
            Sym::EqEq => BinaryOp::Eq,
            Sym::NotEq => BinaryOp::NotEq,
            Sym::Lt => BinaryOp::Lt,
            Sym::LtEq => BinaryOp::LtEq,
            Sym::Gt => BinaryOp::Gt,
            Sym::GtEq => BinaryOp::GtEq,
            Sym::Plus => BinaryOp::Add,
            Sym::Minus => BinaryOp::Sub,
            Sym::Star => BinaryOp::Mul,
            Sym::Slash => BinaryOp::Div,
            Sym::Percent => BinaryOp::Mod,
            _ => return None,
        },
        _ => return None,
    })
}

fn operand(i: Tokens<'_>) -> P<'_, Operand> {
    let (mut rest, first) = unary(i)?;
    let mut operands = vec![first];
    let mut ops: Vec<BinaryOp> = Vec::new();
    loop {
        if rest.at_keyword(0, Keyword::In) {
            reduce(rest, &mut operands, &mut ops, IN_STRENGTH)?;
            let (after, table) = clause(Keyword::In, name_as_table).parse(rest)?;
            let last = operands.pop().expect("one operand more than operators");
            warn_not(rest, &last, "in");
            let span = last.at().to(table.name.at()).into();
            let height = higher(rest, last.height, table.name.at())?;
            let kind = ExprKind::In { expr: Box::new(last.expr), table };
            operands.push(Operand { expr: Expr { kind, span }, height, closed: false });
            rest = after;
            continue;
        }
        let Some(op) = binary_op(rest.kind()) else { break };
        reduce(rest, &mut operands, &mut ops, strength(op))?;
        let (after, right) = cut(unary).parse(rest.advance().0)?;
        ops.push(op);
        operands.push(right);
        rest = after;
    }
    rest.want(Expected::What("an operator"));
    reduce(rest, &mut operands, &mut ops, 0)?;
    Ok((rest, operands.pop().expect("the first operand is never taken away")))
}

fn name_as_table(i: Tokens<'_>) -> P<'_, Source> {
    map(|i| name_as(i, "the name of a table"), |name| Source { mark: StreamMark::Plain, name })
        .parse(i)
}

/// Applies the operators on the stack that bind at least as tightly as `limit`.
fn reduce<'a>(
    at: Tokens<'a>,
    operands: &mut Vec<Operand>,
    ops: &mut Vec<BinaryOp>,
    limit: u8,
) -> Result<(), nom::Err<Fail>> {
    while let Some(op) = ops.pop_if(|op| strength(*op) >= limit) {
        let right = operands.pop().expect("one operand more than operators");
        let left = operands.pop().expect("one operand more than operators");
        operands.push(match op {
            BinaryOp::And => logical(at, LogicalOp::And, left, right)?,
            BinaryOp::Or => logical(at, LogicalOp::Or, left, right)?,
            _ => binary(at, op, left, right)?,
        });
    }
    Ok(())
}

fn binary(
    at: Tokens<'_>,
    op: BinaryOp,
    left: Operand,
    right: Operand,
) -> Result<Operand, nom::Err<Fail>> {
    warn_not(at, &left, &op.to_string());
    let height = higher(at, left.height.max(right.height), right.at())?;
    let span = left.at().to(right.at()).into();
    let kind = ExprKind::Binary { op, left: Box::new(left.expr), right: Box::new(right.expr) };
    Ok(Operand { expr: Expr { kind, span }, height, closed: false })
}

/// `left op right`; joins the chain that `left` is, if no parentheses close it.
fn logical(
    at: Tokens<'_>,
    op: LogicalOp,
    left: Operand,
    right: Operand,
) -> Result<Operand, nom::Err<Fail>> {
    let span = left.at().to(right.at()).into();
    let above_right = higher(at, right.height, right.at())?;
    let (operands, height) = match left.expr.kind {
        ExprKind::Logical { op: of_left, mut operands } if of_left == op && !left.closed => {
            operands.push(right.expr);
            (operands, left.height.max(above_right))
        }
        kind => {
            let height = higher(at, left.height, left.expr.span.0)?;
            (vec![Expr { kind, ..left.expr }, right.expr], height.max(above_right))
        }
    };
    let expr = Expr { kind: ExprKind::Logical { op, operands }, span };
    Ok(Operand { expr, height, closed: false })
}

/// One more than the height of the operands, if that is still allowed.
fn higher(i: Tokens<'_>, height: u32, at: Span) -> Result<u32, nom::Err<Fail>> {
    if height < MAX_HEIGHT {
        return Ok(height + 1);
    }
    let message = format!("this expression is too deep (more than {MAX_HEIGHT} operators)");
    i.refuse(
        Diagnostic::error(Code::Syntax, at, message)
            .with_help("bracket parts of it, or keep the values in a table and use `in`"),
    )?;
    Ok(height)
}

/// `not a > b` means `(not a) > b`, which hardly anybody means.
fn warn_not(at: Tokens<'_>, left: &Operand, op: &str) {
    let ExprKind::Not(inner) = &left.expr.kind else { return };
    if left.closed {
        return;
    }
    let text = &at.notes().text[inner.at().range()];
    let what: String = text.chars().take(30).collect();
    let what = if what.len() < text.len() { format!("{what}…") } else { what };
    at.warn(
        Diagnostic::warning(
            Code::Syntax,
            left.at(),
            "`not` binds tighter than the operator behind it",
        )
        .with_label(format!("applies to `{what}` alone"))
        .with_help(format!(
            "write `not ({what} {op} …)`, or `(not {what}) {op} …` if that is what you mean"
        )),
    );
}

/// A primary with the `not`s and minus signs before it.
fn unary(i: Tokens<'_>) -> P<'_, Operand> {
    let mut rest = i;
    let mut prefixes: Vec<(bool, usize)> = Vec::new();
    loop {
        let is_not = match rest.kind() {
            Kind::Keyword(Keyword::Not) => true,
            Kind::Sym(Sym::Minus) if !at_number(rest) || at_time(rest.advance().0) => false,
            _ => break,
        };
        prefixes.push((is_not, rest.start()));
        rest = rest.advance().0;
    }
    if prefixes.len() > MOST_PREFIXES {
        return i.fatal_here("nested too deeply", "leave out pairs of `not` or `-`");
    }
    let (rest, mut o) = primary(rest)?;
    for (is_not, start) in prefixes.into_iter().rev() {
        let height = higher(rest, o.height, o.at())?;
        let span = Span::new(start, o.at().end as usize).into();
        let inner = Box::new(o.expr);
        let kind = if is_not { ExprKind::Not(inner) } else { ExprKind::Neg(inner) };
        o = Operand { expr: Expr { kind, span }, height, closed: false };
    }
    Ok((rest, o))
}

fn primary(i: Tokens<'_>) -> P<'_, Operand> {
    match i.kind() {
        Kind::Sym(Sym::LParen) => {
            let (rest, mut inner) = i.nested(Nests::Brackets, |i| {
                let (rest, inner) = cut(operand).parse(i.advance().0)?;
                let (rest, _) = cut(sym(Sym::RParen)).parse(rest)?;
                Ok((rest, inner))
            })?;
            refuse_is_null(rest)?;
            inner.closed = true;
            Ok((rest, inner))
        }
        Kind::Sym(Sym::Hash | Sym::Bang) | Kind::Word | Kind::Quoted => named(i),
        Kind::Keyword(Keyword::True | Keyword::False) => constant(i),
        Kind::Keyword(_) => named(i),
        Kind::Str | Kind::LongStr => constant(i),
        _ if at_number(i) => constant(i),
        _ => i.fail(Expected::What("an expression")),
    }
}

fn constant(i: Tokens<'_>) -> P<'_, Operand> {
    let (rest, value) = literal(i)?;
    refuse_is_null(rest)?;
    let expr = Expr { kind: ExprKind::Literal(value), span: i.span_to(rest) };
    Ok((rest, Operand { expr, height: 1, closed: false }))
}

fn refuse_is_null(i: Tokens<'_>) -> Result<(), nom::Err<Fail>> {
    if i.at_keyword(0, Keyword::Is) {
        i.refuse_here(
            "`is null` follows an attribute, an event reference or a function call only",
            "leave out the parentheses, or select the value first and test it in a next query",
        )?;
    }
    Ok(())
}

/// A call or a reference, and `is null` behind it.
fn named(i: Tokens<'_>) -> P<'_, Operand> {
    let is_call = i.at_name(0) && (i.at_sym(1, Sym::LParen) || i.at_sym(1, Sym::Colon));
    let (rest, mut o) = if is_call {
        let (rest, (call, height)) = call_with_height(i)?;
        let span = call.span;
        (rest, Operand { expr: Expr { kind: ExprKind::Call(call), span }, height, closed: false })
    } else {
        let (rest, attr) = reference(i)?;
        if (attr.index.is_some() || attr.mark != StreamMark::Plain)
            && !rest.at_keyword(0, Keyword::Is)
        {
            rest.want(Expected::Sym(Sym::Dot));
            return rest.stop(Expected::Keyword(Keyword::Is));
        }
        let span = attr.span;
        (
            rest,
            Operand { expr: Expr { kind: ExprKind::Attr(attr), span }, height: 1, closed: false },
        )
    };
    let (rest, is_null) = opt(clause(Keyword::Is, kw(Keyword::Null))).parse(rest)?;
    if is_null.is_some() {
        let span = i.span_to(rest);
        let height = higher(rest, o.height, span.0)?;
        let kind = ExprKind::IsNull(Box::new(o.expr));
        o = Operand { expr: Expr { kind, span }, height, closed: false };
    }
    Ok((rest, o))
}

/// `ns:f(args)`.
pub(super) fn call(i: Tokens<'_>) -> P<'_, Call> {
    map(call_with_height, |(call, _)| call).parse(i)
}

fn call_with_height(i: Tokens<'_>) -> P<'_, (Call, u32)> {
    let (rest, first) = name_as(i, "the name of a function")?;
    let (rest, second) = opt(nom::sequence::preceded(sym(Sym::Colon), cut(name))).parse(rest)?;
    let (namespace, name) = match second {
        Some(second) => (Some(first), second),
        None => (None, first),
    };
    let (rest, (star, args, height)) = rest.nested(Nests::Call, arguments)?;
    let height = higher(rest, height, name.at())?;
    Ok((rest, (Call { namespace, name, args, star, span: i.span_to(rest) }, height)))
}

/// `()`, `(*)` or `(a, b)`, and the height of the highest.
fn arguments(i: Tokens<'_>) -> P<'_, (bool, Vec<Expr>, u32)> {
    let (rest, _) = sym(Sym::LParen).parse(i)?;
    if rest.at_sym(0, Sym::RParen) {
        return Ok((rest.advance().0, (false, Vec::new(), 0)));
    }
    if rest.at_sym(0, Sym::Star) {
        let (rest, _) = cut(sym(Sym::RParen)).parse(rest.advance().0)?;
        return Ok((rest, (true, Vec::new(), 0)));
    }
    rest.want(Expected::Sym(Sym::RParen));
    let (rest, operands) = cut(commas(operand)).parse(rest)?;
    let (rest, _) = cut(sym(Sym::RParen)).parse(rest)?;
    let height = operands.iter().map(|o| o.height).max().unwrap_or(0);
    Ok((rest, (false, operands.into_iter().map(|o| o.expr).collect(), height)))
}

/// An attribute with or without what stands before the dot; or a bare event reference.
fn reference(i: Tokens<'_>) -> P<'_, AttrRef> {
    let (rest, first) = ref_source(i)?;
    let (rest, second) = match rest.kind() {
        Kind::Sym(Sym::Hash) if rest.at_name(1) => {
            let (rest, second) = cut(ref_source).parse(rest)?;
            (rest, Some(RefSource { mark: StreamMark::Plain, ..second }))
        }
        _ => (rest, None),
    };
    if second.is_some() || rest.at_sym(0, Sym::Dot) {
        let (rest, _) = cut(sym(Sym::Dot)).parse(rest)?;
        let (rest, name) = cut(|i| name_as(i, "the name of an attribute")).parse(rest)?;
        let (source, mark, index) = (Some(first), StreamMark::Plain, None);
        return Ok((rest, AttrRef { source, second, mark, name, index, span: i.span_to(rest) }));
    }
    let RefSource { mark, name, index } = first;
    Ok((rest, AttrRef { source: None, second, mark, name, index, span: i.span_to(rest) }))
}

/// `#name[i]`.
fn ref_source(i: Tokens<'_>) -> P<'_, RefSource> {
    let (rest, mark) = mark(i)?;
    let (rest, name) = name_as(rest, "an expression")?;
    let (rest, index) = opt(event_index).parse(rest)?;
    Ok((rest, RefSource { mark, name, index }))
}

/// `#`, `!`, `!!` or nothing.
pub(super) fn mark(i: Tokens<'_>) -> P<'_, StreamMark> {
    Ok(match i.kind() {
        Kind::Sym(Sym::Hash) => (i.advance().0, StreamMark::Inner),
        Kind::Sym(Sym::Bang) if i.at_sym(1, Sym::Bang) => {
            (i.advance().0.advance().0, StreamMark::Late)
        }
        Kind::Sym(Sym::Bang) => (i.advance().0, StreamMark::Fault),
        _ => (i, StreamMark::Plain),
    })
}

/// `[0]`, `[last]`, `[last - 1]`.
fn event_index(i: Tokens<'_>) -> P<'_, EventIndex> {
    let (rest, _) = sym(Sym::LBracket).parse(i)?;
    let (rest, index) = if rest.at_keyword(0, Keyword::Last) {
        let minus = nom::sequence::preceded(sym(Sym::Minus), cut(whole::<u32>));
        map(opt(minus), |n| EventIndex::Last(n.unwrap_or(0))).parse(rest.advance().0)?
    } else {
        rest.want(Expected::Keyword(Keyword::Last));
        map(cut(whole::<u32>), EventIndex::At).parse(rest)?
    };
    let (rest, _) = cut(sym(Sym::RBracket)).parse(rest)?;
    Ok((rest, index))
}

/// A reference to an attribute, for `group by`, `order by` and the like.
pub(super) fn attr_ref(i: Tokens<'_>) -> P<'_, AttrRef> {
    if !i.at_name(0) && !matches!(i.kind(), Kind::Sym(Sym::Hash | Sym::Bang)) {
        return i.fail(Expected::What("the name of an attribute"));
    }
    let (rest, attr) = reference(i)?;
    if attr.index.is_some() || attr.mark != StreamMark::Plain {
        return rest.stop(Expected::Sym(Sym::Dot));
    }
    Ok((rest, attr))
}
