//! Annotations.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt};
use nom::multi::{many0, separated_list1};

use super::tokens::{Expected, Nests, P, Tokens, name_as, string, sym};
use crate::error::Span;
use crate::lang::ast::{Annotation, AnnotationElement, Ident, Node};
use crate::lang::lexer::{Kind, Sym};

/// What stands between the parentheses.
enum Inside {
    Element(AnnotationElement),
    Nested(Annotation),
}

/// All annotations before a statement.
pub(super) fn annotations(i: Tokens<'_>) -> P<'_, Vec<Annotation>> {
    many0(annotation).parse(i)
}

/// `@name(key='value', 'positional', @nested(…))`.
pub(super) fn annotation(i: Tokens<'_>) -> P<'_, Annotation> {
    let (rest, _) = sym(Sym::At).parse(i)?;
    let (rest, name) = cut(annotation_name).parse(rest)?;
    let mut a =
        Annotation { name, elements: Vec::new(), nested: Vec::new(), span: Node::default() };
    let (rest, inside) = opt(parenthesised).parse(rest)?;
    for part in inside.into_iter().flatten() {
        match part {
            Inside::Element(e) => a.elements.push(e),
            Inside::Nested(n) => a.nested.push(n),
        }
    }
    a.span = i.span_to(rest);
    Ok((rest, a))
}

fn parenthesised(i: Tokens<'_>) -> P<'_, Vec<Inside>> {
    i.nested(Nests::Brackets, inside)
}

fn inside(i: Tokens<'_>) -> P<'_, Vec<Inside>> {
    let inside = alt((map(annotation, Inside::Nested), map(element, Inside::Element)));
    super::tokens::parens(separated_list1(sym(Sym::Comma), inside)).parse(i)
}

/// `name` or `app:name`.
fn annotation_name(i: Tokens<'_>) -> P<'_, Ident> {
    let (rest, first) = name_as(i, "the name of an annotation")?;
    let prefixed = nom::sequence::preceded(sym(Sym::Colon), cut(|i| name_as(i, "a name")));
    let (rest, second) = opt(prefixed).parse(rest)?;
    let name = match second {
        Some(second) => {
            Ident { name: format!("{}:{}", first.name, second.name), span: i.span_to(rest) }
        }
        None => first,
    };
    Ok((rest, name))
}

/// `key='value'` or `'value'`.
fn element(i: Tokens<'_>) -> P<'_, AnnotationElement> {
    let keyed = i.at_name(0) || i.at_sym(1, Sym::Assign);
    let (rest, key) = if keyed {
        let (rest, key) = key(i)?;
        let (rest, _) = cut(sym(Sym::Assign)).parse(rest)?;
        (rest, Some(key))
    } else {
        i.want(Expected::What("a key"));
        (i, None)
    };
    let (rest, value) = string(rest)?;
    Ok((rest, AnnotationElement { key, value, span: i.span_to(rest) }))
}

/// `buffer.size`, `my-key`, `'any text'`.
fn key(i: Tokens<'_>) -> P<'_, Ident> {
    if matches!(i.kind(), Kind::Str | Kind::LongStr) {
        let (rest, name) = string(i)?;
        return Ok((rest, Ident { name, span: i.span_to(rest) }));
    }
    let (mut rest, first) = name_as(i, "a key")?;
    let mut name = first.name;
    while let Kind::Sym(s @ (Sym::Dot | Sym::Minus | Sym::Colon)) = rest.kind() {
        let (after, part) = cut(|i| name_as(i, "a name")).parse(rest.advance().0)?;
        name.push_str(s.text());
        name.push_str(&part.name);
        rest = after;
    }
    let span: Span = i.span_to(rest).0;
    Ok((rest, Ident { name, span: span.into() }))
}
