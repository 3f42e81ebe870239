//! Queries, partitions and on-demand queries.

use super::definition::annotations;
use super::expr::{attr, block, call, expr, print_expr, time};
use super::names::{name, source, string};
use super::pattern::pattern;
use super::writer::Writer;
use crate::lang::ast::*;

/// A query with its annotations.
pub(super) fn query(w: &mut Writer<'_>, q: &Query) {
    annotations(w, &q.annotations);
    w.statement(q.span.0);
    body(w, q);
}

fn body(w: &mut Writer<'_>, q: &Query) {
    w.text("from ");
    input(w, &q.input);
    selection(w, &q.select);
    if let Some(r) = &q.rate {
        w.newline(0);
        w.at(r.span.0);
        rate(w, r);
    }
    w.newline(0);
    output(w, &q.output);
}

fn input(w: &mut Writer<'_>, input: &Input) {
    match input {
        Input::Stream(s) => {
            w.at(s.span.0);
            stream_input(w, s);
        }
        Input::Join(j) => join(w, j),
        Input::Pattern(p) => pattern(w, p),
        Input::Anonymous(a) => {
            w.text("(");
            w.indented(2, |w| {
                w.newline(0);
                w.at(a.query.span.0);
                body(w, &a.query);
            });
            w.newline(0);
            w.text(")");
            handlers(w, &a.handlers);
        }
    }
}

/// A stream with its handlers and alias.
pub(super) fn stream_input(w: &mut Writer<'_>, s: &StreamInput) {
    let mut head = String::new();
    source(&mut head, &s.source);
    w.text(&head);
    handlers(w, &s.handlers);
    if let Some(alias) = &s.alias {
        w.at(alias.at());
        let mut out = String::from(" as ");
        name(&mut out, alias);
        w.text(&out);
    }
}

fn handlers(w: &mut Writer<'_>, handlers: &[Handler]) {
    for h in handlers {
        let mut out = String::new();
        match h {
            Handler::Filter(e) => {
                w.text("[");
                block(w, e, 4, 1);
                w.text("]");
                continue;
            }
            Handler::Function(c) => {
                w.at(c.span.0);
                out.push('#');
                call(&mut out, c);
            }
            Handler::Window(c) => {
                w.at(c.span.0);
                out.push_str("#window.");
                call(&mut out, c);
            }
        }
        w.text(&out);
    }
}

fn join(w: &mut Writer<'_>, j: &JoinInput) {
    let only = |side| if j.unidirectional == Some(side) { " unidirectional" } else { "" };
    w.at(j.left.span.0);
    stream_input(w, &j.left);
    w.text(only(JoinSide::Left));
    w.newline(2);
    w.at(j.right.span.0);
    w.text(match j.kind {
        JoinKind::Inner => "join ",
        JoinKind::Left => "left outer join ",
        JoinKind::Right => "right outer join ",
        JoinKind::Full => "full outer join ",
    });
    stream_input(w, &j.right);
    w.text(only(JoinSide::Right));
    range(w, j.on.as_ref(), j.within.as_ref(), j.per.as_ref());
}

/// `on`, `within` and `per`, a line each.
fn range(
    w: &mut Writer<'_>,
    on: Option<&Expr>,
    within: Option<&(Expr, Option<Expr>)>,
    per: Option<&Expr>,
) {
    if let Some(on) = on {
        w.newline(2);
        w.at(on.at());
        w.text("on ");
        block(w, on, 4, 0);
    }
    if let Some((from, to)) = within {
        w.newline(2);
        w.at(from.at());
        let mut line = format!("within {}", print_expr(from));
        if let Some(to) = to {
            line.push_str(", ");
            expr(&mut line, to);
        }
        w.text(&line);
    }
    if let Some(per) = per {
        w.newline(2);
        w.at(per.at());
        w.text(&format!("per {}", print_expr(per)));
    }
}

/// The select section, a clause a line; nothing if it wasn't written.
pub(super) fn selection(w: &mut Writer<'_>, s: &Selection) {
    if !s.written {
        return;
    }
    w.newline(0);
    w.at(s.span.0);
    match &s.items {
        None => w.text("select *"),
        Some(items) => select_items(w, items),
    }
    let list = |refs: &[AttrRef]| {
        let mut out = String::new();
        for (n, a) in refs.iter().enumerate() {
            out.push_str(if n > 0 { ", " } else { "" });
            attr(&mut out, a);
        }
        out
    };
    if let Some(first) = s.group_by.first() {
        w.newline(0);
        w.at(first.span.0);
        w.text(&format!("group by {}", list(&s.group_by)));
    }
    if let Some(having) = &s.having {
        w.newline(0);
        w.at(having.at());
        w.text("having ");
        block(w, having, 2, 0);
    }
    if let Some(first) = s.order_by.first() {
        w.newline(0);
        w.at(first.attr.span.0);
        let keys = s
            .order_by
            .iter()
            .map(|o| list(std::slice::from_ref(&o.attr)) + if o.descending { " desc" } else { "" });
        w.text(&format!("order by {}", keys.collect::<Vec<_>>().join(", ")));
    }
    for (word, value) in [("limit", &s.limit), ("offset", &s.offset)] {
        if let Some(e) = value {
            w.newline(0);
            w.at(e.at());
            w.text(&format!("{word} {}", print_expr(e)));
        }
    }
}

fn select_items(w: &mut Writer<'_>, items: &[SelectItem]) {
    let one = |item: &SelectItem| {
        let mut out = print_expr(&item.expr);
        if let Some(alias) = &item.alias {
            out.push_str(" as ");
            name(&mut out, alias);
        }
        out
    };
    let flat = format!("select {}", items.iter().map(one).collect::<Vec<_>>().join(", "));
    let ends = items.first().zip(items.last());
    let commented = ends.is_some_and(|(a, b)| w.comment_between(a.expr.at(), b.expr.at()));
    if w.fits(flat.chars().count()) && !commented {
        return w.text(&flat);
    }
    w.text("select");
    for (n, item) in items.iter().enumerate() {
        w.newline(2);
        w.at(item.expr.at());
        w.text(&one(item));
        w.text(if n + 1 < items.len() { "," } else { "" });
    }
}

fn rate(w: &mut Writer<'_>, r: &OutputRate) {
    let mut line = String::from(match r.kind {
        RateKind::All => "output every ",
        RateKind::First => "output first every ",
        RateKind::Last => "output last every ",
        RateKind::Snapshot => "output snapshot every ",
    });
    match &r.every {
        RateEvery::Events(n) => line.push_str(&format!("{n} events")),
        RateEvery::Time(t) => time(&mut line, t),
    }
    w.text(&line);
}

/// `all events`.
pub(super) fn event_type(out: &mut String, events: EventType) {
    out.push_str(match events {
        EventType::Current => "current events",
        EventType::Expired => "expired events",
        EventType::All => "all events",
    });
}

fn output(w: &mut Writer<'_>, action: &OutputAction) {
    let mut line = String::new();
    match action {
        OutputAction::Insert { events, target } => {
            w.at(target.name.at());
            line.push_str("insert ");
            if let Some(events) = events {
                event_type(&mut line, *events);
                line.push(' ');
            }
            line.push_str("into ");
            source(&mut line, target);
            w.text(&line);
        }
        OutputAction::Delete { target, events, on } => {
            change(w, "delete ", target, *events, &[], on.as_ref());
        }
        OutputAction::Update { target, events, set, on } => {
            change(w, "update ", target, *events, set, Some(on));
        }
        OutputAction::UpdateOrInsert { target, events, set, on } => {
            change(w, "update or insert into ", target, *events, set, Some(on));
        }
        OutputAction::Return { explicit: false, .. } => {}
        OutputAction::Return { events, .. } => {
            line.push_str("return");
            if let Some(events) = events {
                line.push(' ');
                event_type(&mut line, *events);
            }
            w.text(&line);
        }
    }
}

/// A change of a table; `set` and `on` on lines of their own.
fn change(
    w: &mut Writer<'_>,
    verb: &str,
    target: &Source,
    events: Option<EventType>,
    set: &[SetItem],
    on: Option<&Expr>,
) {
    w.at(target.name.at());
    let mut line = verb.to_string();
    source(&mut line, target);
    if let Some(events) = events {
        line.push_str(" for ");
        event_type(&mut line, events);
    }
    w.text(&line);
    for (n, item) in set.iter().enumerate() {
        w.newline(if n == 0 { 2 } else { 6 });
        w.at(item.target.span.0);
        let mut line = String::from(if n == 0 { "set " } else { "" });
        attr(&mut line, &item.target);
        line.push_str(" = ");
        expr(&mut line, &item.value);
        line.push_str(if n + 1 < set.len() { "," } else { "" });
        w.text(&line);
    }
    if let Some(on) = on {
        w.newline(2);
        w.at(on.at());
        w.text("on ");
        block(w, on, 4, 0);
    }
}

/// A partition with its annotations.
pub(super) fn partition(w: &mut Writer<'_>, p: &Partition) {
    annotations(w, &p.annotations);
    w.statement(p.span.0);
    w.text("partition with (");
    let flat: Vec<String> = p.with.iter().map(partition_with).collect();
    let fits = w.fits(flat.iter().map(|k| k.chars().count() + 2).sum::<usize>());
    for (n, key) in flat.iter().enumerate() {
        if !fits {
            w.newline(2);
        }
        w.text(key);
        w.text(match (n + 1 < flat.len(), fits) {
            (false, _) => "",
            (true, true) => ", ",
            (true, false) => ",",
        });
    }
    if !fits {
        w.newline(0);
    }
    w.text(")");
    w.newline(0);
    w.text("begin");
    w.indented(2, |w| {
        for (n, q) in p.queries.iter().enumerate() {
            if n > 0 {
                w.blank_line();
            } else {
                w.newline(0);
            }
            query(w, q);
            w.text(";");
        }
        // Comments behind the last query belong to the body.
        w.newline(0);
        let end = p.span.0.end.saturating_sub(1);
        w.at(crate::error::Span { start: end, end });
    });
    w.newline(0);
    w.text("end");
}

fn partition_with(p: &PartitionWith) -> String {
    let mut out = String::new();
    match &p.key {
        PartitionKey::Value(e) => expr(&mut out, e),
        PartitionKey::Ranges(ranges) => {
            for (n, (condition, key)) in ranges.iter().enumerate() {
                out.push_str(if n > 0 { " or " } else { "" });
                expr(&mut out, condition);
                out.push_str(" as ");
                string(&mut out, key);
            }
        }
    }
    out.push_str(" of ");
    source(&mut out, &p.stream);
    out
}

/// An on-demand query.
pub(super) fn on_demand(w: &mut Writer<'_>, q: &OnDemandQuery) {
    if let Some(from) = &q.from {
        let mut head = String::from("from ");
        source(&mut head, &from.source);
        if let Some(alias) = &from.alias {
            head.push_str(" as ");
            name(&mut head, alias);
        }
        w.text(&head);
        range(w, from.on.as_ref(), from.within.as_ref(), from.per.as_ref());
    }
    selection(w, &q.select);
    w.newline(0);
    output(w, &q.output);
}
