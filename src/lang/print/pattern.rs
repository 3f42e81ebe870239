//! Patterns and sequences: on one line if they fit and hold no comments, else an element a line.

use super::expr::time;
use super::names::name;
use super::query::stream_input;
use super::writer::Writer;
use crate::error::Span;
use crate::lang::ast::*;

/// A pattern with its `within`.
pub(super) fn pattern(w: &mut Writer<'_>, p: &PatternInput) {
    let elements = elements(&p.element);
    let within = p.within.as_ref().map(|t| {
        let mut line = String::from("within ");
        time(&mut line, t);
        (t.span.0, line)
    });
    // A lone stream would be read back as an ordinary input.
    let lone = matches!(elements, [PatternElement::Stream(s)] if s.reference.is_none());
    let end = within.as_ref().map(|(at, _)| *at);
    let tail = within.as_ref().map_or(0, |(_, line)| line.len() + 1);
    let one_line = fits(w, elements, p.kind, end, tail);
    w.text(if lone { "(" } else { "" });
    chain(w, elements, p.kind, (!one_line).then_some(2));
    w.text(if lone { ")" } else { "" });
    if let Some((at, line)) = within {
        if one_line {
            w.text(" ");
        } else {
            w.newline(2);
        }
        w.at(at);
        w.text(&line);
    }
}

fn elements(e: &PatternElement) -> &[PatternElement] {
    match e {
        PatternElement::Chain(list) => list,
        one => std::slice::from_ref(one),
    }
}

/// Whether a chain fits on the line, with `tail` columns behind it and no comments before `end`.
fn fits(
    w: &Writer<'_>,
    elements: &[PatternElement],
    kind: PatternKind,
    end: Option<Span>,
    tail: usize,
) -> bool {
    let (Some(first), Some(last)) = (elements.first(), elements.last()) else { return true };
    if w.comment_between(element_at(first), end.unwrap_or(element_at(last))) {
        return false;
    }
    let mut flat = Writer::one_line();
    chain(&mut flat, elements, kind, None);
    let flat = flat.finish();
    let flat = flat.trim_end();
    !flat.contains('\n') && w.fits(flat.chars().count() + tail)
}

/// Elements with what separates them; `broken` is the indentation of all but the first.
fn chain(
    w: &mut Writer<'_>,
    elements: &[PatternElement],
    kind: PatternKind,
    broken: Option<usize>,
) {
    for (n, e) in elements.iter().enumerate() {
        match (n, broken, kind) {
            (0, ..) => w.at(element_at(e)),
            (_, None, PatternKind::Pattern) => w.text(" -> "),
            (_, None, PatternKind::Sequence) => w.text(", "),
            (_, Some(indent), kind) => {
                w.text(if kind == PatternKind::Sequence { "," } else { "" });
                w.newline(indent);
                w.at(element_at(e));
                w.text(if kind == PatternKind::Pattern { "-> " } else { "" });
            }
        }
        element(w, e, kind, broken);
    }
}

fn element_at(e: &PatternElement) -> Span {
    match e {
        PatternElement::Stream(s) | PatternElement::Count { stream: s, .. } => {
            s.reference.as_ref().map_or(s.input.span.0, Ident::at)
        }
        PatternElement::Logical { span, .. }
        | PatternElement::Absent { span, .. }
        | PatternElement::Every { span, .. } => span.0,
        PatternElement::Chain(list) => list.first().map(element_at).unwrap_or_default(),
    }
}

fn element(w: &mut Writer<'_>, e: &PatternElement, kind: PatternKind, broken: Option<usize>) {
    match e {
        PatternElement::Stream(s) => pattern_stream(w, s),
        PatternElement::Count { stream, min, max, .. } => {
            pattern_stream(w, stream);
            w.text(&count(*min, *max, kind));
        }
        PatternElement::Logical { left, op, right, .. } => {
            element(w, left, kind, broken);
            w.text(match op {
                LogicalOp::And => " and ",
                LogicalOp::Or => " or ",
            });
            w.at(element_at(right));
            element(w, right, kind, broken);
        }
        PatternElement::Absent { stream, waiting, .. } => {
            w.text("not ");
            pattern_stream(w, stream);
            if let Some(t) = waiting {
                let mut out = String::from(" for ");
                time(&mut out, t);
                w.text(&out);
            }
        }
        PatternElement::Chain(list) => chain(w, list, kind, broken),
        PatternElement::Every { inner, .. } => every(w, inner, kind, broken),
    }
}

fn every(w: &mut Writer<'_>, inner: &PatternElement, kind: PatternKind, broken: Option<usize>) {
    // The tree keeps no brackets without meaning, so `every` needs them around a chain only.
    if !matches!(inner, PatternElement::Chain(_) | PatternElement::Every { .. }) {
        w.text("every ");
        w.at(element_at(inner));
        return element(w, inner, kind, broken);
    }
    w.text("every (");
    let list = elements(inner);
    match broken.filter(|_| !fits(w, list, kind, None, 1)) {
        None => chain(w, list, kind, None),
        Some(indent) => {
            w.newline(indent + 2);
            chain(w, list, kind, Some(indent + 2));
            w.newline(indent);
        }
    }
    w.text(")");
}

fn pattern_stream(w: &mut Writer<'_>, s: &PatternStream) {
    if let Some(r) = &s.reference {
        let mut out = String::new();
        name(&mut out, r);
        w.text(&(out + "="));
    }
    stream_input(w, &s.input);
}

fn count(min: u32, max: Option<u32>, kind: PatternKind) -> String {
    match (min, max, kind) {
        (0, None, PatternKind::Sequence) => "*".to_string(),
        (1, None, PatternKind::Sequence) => "+".to_string(),
        (0, Some(1), PatternKind::Sequence) => "?".to_string(),
        (_, Some(max), _) if max == min => format!("<{min}>"),
        (_, Some(max), _) => format!("<{min}:{max}>"),
        (_, None, _) => format!("<{min}:>"),
    }
}
