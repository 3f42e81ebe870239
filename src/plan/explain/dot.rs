//! The explanation as a graph for Graphviz: streams are ellipses, queries boxes, partitions frames;
//! what runs row by row has a dashed border.

use std::fmt::Write;

use super::{Mode, Op};
use crate::lang::ast::EventType;
use crate::plan::graph::{Node, Plan, QueryPlan};

/// Longest line of a label, in characters.
const LONGEST: usize = 70;

/// The whole plan.
pub(super) fn draw(plan: &Plan) -> String {
    let mut out = String::from("digraph foreshock {\n");
    let name = plan.name.as_deref().unwrap_or("");
    let _ = writeln!(out, "  graph [rankdir=LR, fontname=\"sans-serif\", label={}];", quote(name));
    out.push_str("  node [fontname=\"sans-serif\"]; edge [fontname=\"sans-serif\"];\n");
    for s in 0..plan.streams.len() {
        stream(plan, s, &mut out);
    }
    for (q, query) in plan.queries.iter().enumerate().filter(|(_, q)| q.partition.is_none()) {
        self::query(plan, q, query, "  ", &mut out);
    }
    for p in 0..plan.partitions.len() {
        partition(plan, p, &mut out);
    }
    for (q, query) in plan.queries.iter().enumerate() {
        edges(plan, q, query, &mut out);
    }
    out.push_str("}\n");
    out
}

fn style(mode: Mode) -> &'static str {
    if mode == Mode::Columnar { "solid" } else { "dashed" }
}

fn stream(plan: &Plan, s: usize, out: &mut String) {
    let style = style(plan.mode(Node::Stream(s)));
    let name = plan.streams[s].full_name();
    let label = match plan.trigger(s) {
        Some(when) => quote_lines(&[name, format!("fires {when}")]),
        None => match super::time::label(plan, s) {
            Some(waits) => quote_lines(&[name, waits]),
            None => quote(&name),
        },
    };
    let _ = writeln!(out, "  s{s} [shape=ellipse, style={style}, label={label}];");
}

fn partition(plan: &Plan, p: usize, out: &mut String) {
    let keys = plan.partition_keys(p).into_iter();
    let keys: Vec<String> =
        keys.map(|(e, s)| format!("{e} of {}", plan.streams[s].full_name())).collect();
    let label = format!("{} by {}", plan.partitions[p].name, keys.join(", "));
    let _ = writeln!(out, "  subgraph cluster_p{p} {{\n    label={};", quote(&label));
    for q in &plan.partitions[p].queries {
        query(plan, *q, &plan.queries[*q], "    ", out);
    }
    out.push_str("  }\n");
}

fn query(plan: &Plan, q: usize, query: &QueryPlan, indent: &str, out: &mut String) {
    let mode = plan.mode(Node::Query(q));
    let mut lines = vec![query.name.clone()];
    if let Some(why) = mode.reason() {
        lines.push(format!("{}: {why}", mode.word()));
    }
    super::query::operators(plan, query).iter().for_each(|op| describe(op, 0, &mut lines));
    let _ = writeln!(
        out,
        "{indent}q{q} [shape=box, style={}, label={}];",
        style(mode),
        quote_lines(&lines)
    );
}

/// An operator's lines; remarks are left to the other forms.
fn describe(op: &Op, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    lines.push(format!("{indent}{}: {}", op.kind, op.detail));
    let facts = op.facts.iter().filter(|f| !f.remark);
    lines.extend(facts.map(|f| format!("{indent}  {}: {}", f.name, f.value)));
    op.parts.iter().for_each(|p| describe(p, depth + 1, lines));
}

fn edges(plan: &Plan, q: usize, query: &QueryPlan, out: &mut String) {
    let mut streams = query.input.streams().to_vec();
    streams.dedup();
    for s in streams {
        let _ = writeln!(out, "  s{s} -> q{q};");
    }
    let Some(t) = query.target else { return };
    let kind = match query.select.events {
        EventType::Current => "",
        EventType::Expired => "expired",
        EventType::All => "all",
    };
    let writers = &plan.streams[t].writers;
    let rank = writers.iter().position(|w| *w == q).filter(|_| writers.len() > 1);
    let label = match (rank, kind) {
        (None, kind) => kind.to_string(),
        (Some(r), "") => format!("{}.", r + 1),
        (Some(r), kind) => format!("{}. {kind}", r + 1),
    };
    let _ = match label.as_str() {
        "" => writeln!(out, "  q{q} -> s{t};"),
        label => writeln!(out, "  q{q} -> s{t} [label={}];", quote(label)),
    };
}

/// A string of the dot language, on one line.
fn quote(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// A label of several lines, each on the left.
fn quote_lines(lines: &[String]) -> String {
    let lines: String = lines.iter().map(|l| format!("{}\\l", escape(&cut(l)))).collect();
    format!("\"{lines}\"")
}

fn cut(line: &str) -> String {
    if line.chars().count() <= LONGEST {
        return line.to_string();
    }
    let kept: String = line.chars().take(LONGEST - 1).collect();
    format!("{kept}…")
}

/// Graphviz reads `\n`, `\N`, `&amp;` and the like in labels.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
