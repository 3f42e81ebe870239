//! Annotations and definitions.

use super::WIDTH;
use super::expr::{attr, call, time};
use super::names::{annotation_name, key, mark, name, strict_name, string};
use super::query::{event_type, selection, stream_input};
use super::writer::Writer;
use crate::lang::ast::*;

/// An annotation: on one line if it fits, else one element a line.
pub(super) fn annotation(w: &mut Writer<'_>, a: &Annotation) {
    let flat = flat_annotation(a);
    if w.fits(flat.chars().count()) {
        return w.text(&flat);
    }
    let mut head = String::from("@");
    annotation_name(&mut head, &a.name.name);
    if a.elements.is_empty() && a.nested.is_empty() {
        return w.text(&head);
    }
    w.text(&(head + "("));
    let parts = a.elements.len() + a.nested.len();
    w.indented(2, |w| {
        for (n, e) in a.elements.iter().enumerate() {
            w.newline(0);
            w.at(e.span.0);
            let mut line = String::new();
            element(&mut line, e);
            line.push_str(if n + 1 < parts { "," } else { "" });
            w.text(&line);
        }
        for (n, nested) in a.nested.iter().enumerate() {
            w.newline(0);
            w.at(nested.span.0);
            annotation(w, nested);
            w.text(if a.elements.len() + n + 1 < parts { "," } else { "" });
        }
    });
    w.newline(0);
    w.text(")");
}

fn flat_annotation(a: &Annotation) -> String {
    let mut out = String::from("@");
    annotation_name(&mut out, &a.name.name);
    if a.elements.is_empty() && a.nested.is_empty() {
        return out;
    }
    out.push('(');
    for (n, e) in a.elements.iter().enumerate() {
        out.push_str(if n > 0 { ", " } else { "" });
        element(&mut out, e);
    }
    for (n, nested) in a.nested.iter().enumerate() {
        out.push_str(if n > 0 || !a.elements.is_empty() { ", " } else { "" });
        out.push_str(&flat_annotation(nested));
    }
    out.push(')');
    out
}

fn element(out: &mut String, e: &AnnotationElement) {
    if let Some(k) = &e.key {
        key(out, &k.name);
        out.push('=');
    }
    string(out, &e.value);
}

/// The annotations of a statement, one a line.
pub(super) fn annotations(w: &mut Writer<'_>, annotations: &[Annotation]) {
    for a in annotations {
        w.statement(a.span.0);
        annotation(w, a);
        w.newline(0);
    }
}

/// Whether the definition fits on one line.
pub(super) fn is_short(d: &Definition) -> bool {
    match &d.kind {
        DefinitionKind::Stream(a) | DefinitionKind::Table(a) => {
            let width: usize = a.iter().map(|a| a.name.name.len() + 8).sum();
            width + d.name.name.len() + 20 < WIDTH
        }
        DefinitionKind::Trigger(_) | DefinitionKind::Window { .. } => true,
        DefinitionKind::Function { .. } | DefinitionKind::Aggregation(_) => false,
    }
}

/// A definition with its annotations.
pub(super) fn definition(w: &mut Writer<'_>, d: &Definition) {
    annotations(w, &d.annotations);
    w.statement(d.span.0);
    let mut head = String::from("define ");
    let keyword = match &d.kind {
        DefinitionKind::Stream(_) => "stream",
        DefinitionKind::Table(_) => "table",
        DefinitionKind::Window { .. } => "window",
        DefinitionKind::Trigger(_) => "trigger",
        DefinitionKind::Function { .. } => "function",
        DefinitionKind::Aggregation(_) => "aggregation",
    };
    head.extend([keyword, " "]);
    mark(&mut head, d.mark);
    match &d.kind {
        DefinitionKind::Stream(list) | DefinitionKind::Table(list) => {
            name(&mut head, &d.name);
            w.text(&head);
            attributes(w, list, 1);
        }
        DefinitionKind::Window { attributes: list, function, output } => {
            name(&mut head, &d.name);
            w.text(&head);
            let mut tail = String::from(" ");
            call(&mut tail, function);
            if let Some(events) = output {
                tail.push_str(" output ");
                event_type(&mut tail, *events);
            }
            attributes(w, list, tail.chars().count() + 1);
            w.at(function.span.0);
            w.text(&tail);
        }
        DefinitionKind::Trigger(at) => {
            strict_name(&mut head, &d.name);
            head.push_str(" at ");
            match at {
                TriggerAt::Every(t) => {
                    head.push_str("every ");
                    time(&mut head, t);
                }
                TriggerAt::Text(t) => string(&mut head, t),
            }
            w.text(&head);
        }
        DefinitionKind::Function { language, returns, body } => {
            strict_name(&mut head, &d.name);
            head.push('[');
            strict_name(&mut head, language);
            head.push_str(&format!("] return {returns} {{{body}}}"));
            w.text(&head);
        }
        DefinitionKind::Aggregation(a) => {
            strict_name(&mut head, &d.name);
            w.text(&head);
            aggregation(w, a);
        }
    }
}

/// `(name type, …)`, one a line if they don't fit, `tail` columns behind them included.
fn attributes(w: &mut Writer<'_>, list: &[Attribute], tail: usize) {
    let one = |a: &Attribute| {
        let mut out = String::new();
        name(&mut out, &a.name);
        format!("{out} {}", a.ty)
    };
    let flat = format!(" ({})", list.iter().map(one).collect::<Vec<_>>().join(", "));
    let ends = list.first().zip(list.last());
    let commented = ends.is_some_and(|(a, b)| w.comment_between(a.name.at(), b.name.at()));
    if w.fits(flat.chars().count() + tail) && !commented {
        if let Some(first) = list.first() {
            w.at(first.name.at());
        }
        return w.text(&flat);
    }
    w.text(" (");
    for (n, a) in list.iter().enumerate() {
        w.newline(2);
        w.at(a.name.at());
        w.text(&one(a));
        w.text(if n + 1 < list.len() { "," } else { "" });
    }
    w.newline(0);
    w.text(")");
}

fn aggregation(w: &mut Writer<'_>, a: &AggregationDef) {
    w.newline(0);
    w.at(a.from.span.0);
    w.text("from ");
    stream_input(w, &a.from);
    selection(w, &a.select);
    w.newline(0);
    let mut line = String::from("aggregate ");
    if let Some(by) = &a.by {
        w.at(by.span.0);
        line.push_str("by ");
        attr(&mut line, by);
        line.push(' ');
    }
    line.push_str("every ");
    match &a.every {
        Durations::Range(from, to) => line.extend([from.name.as_str(), " ... ", &to.name]),
        Durations::List(list) => {
            let names: Vec<&str> = list.iter().map(|d| d.name.as_str()).collect();
            line.push_str(&names.join(", "));
        }
    }
    w.text(&line);
}
