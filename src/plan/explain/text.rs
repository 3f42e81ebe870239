//! The explanation for people: streams, queries as trees, and the order of a step.

use std::fmt::Write;

use super::names::signature;
use super::{Mode, Op, time};
use crate::lang::ast::StreamMark;
use crate::plan::graph::{Node, Plan, QueryPlan};
use crate::plan::named::WindowEnd;

/// The column lines should not pass.
const WIDTH: usize = 100;

/// A space at which no line is broken.
const GLUE: char = '\u{a0}';

/// The whole plan.
pub(super) fn draw(plan: &Plan) -> String {
    let mut out = String::new();
    let clock = if plan.has_watermark() {
        "the watermark (@watermark)"
    } else if plan.playback {
        "the largest event time seen (@app:playback)"
    } else {
        "told by the host (live)"
    };
    let _ = writeln!(out, "application {}", plan.name.as_deref().unwrap_or("(without a name)"));
    block(&mut out, vec![Op::new("clock", clock)]);
    for s in 0..plan.streams.len() {
        stream(plan, s, &mut out);
    }
    for p in 0..plan.partitions.len() {
        partition(plan, p, &mut out);
    }
    let written = plan.queries.iter().enumerate().filter(|(_, q)| q.window.is_none());
    for (q, query) in written {
        self::query(plan, q, query, &mut out);
    }
    order(plan, &mut out);
    out
}

/// The branches below a title line.
fn block(out: &mut String, ops: Vec<Op>) {
    branches(out, "", &ops);
    out.push('\n');
}

fn stream(plan: &Plan, s: usize, out: &mut String) {
    let p = &plan.streams[s];
    match p.window {
        Some(WindowEnd::Entrance(_)) => return,
        Some(WindowEnd::Exit(w)) => return window(plan, w, out),
        None => {}
    }
    let inferred = if p.defined.is_some() { "" } else { ", inferred from what is inserted" };
    let head = format!("stream {} ", p.full_name());
    wrapped(out, &head, &format!("({}){inferred}", signature(&p.schema)));
    let mut ops = Vec::new();
    let sources = plan.endpoints(s, "source");
    if !sources.is_empty() {
        ops.push(Op::new("sources", sources.join(", ")));
    }
    ops.extend(time::waits(plan, s));
    ops.extend(time::at_once(plan, s));
    let trigger = plan.trigger(s);
    let fires = trigger.is_some();
    ops.extend(trigger.map(|when| Op::new("trigger", format!("fires {when}"))));
    ops.push(match plan.query_names(&p.writers).as_slice() {
        [] if p.mark == StreamMark::Fault => {
            Op::new("written by", format!("bad events of {}", p.name))
        }
        [] if p.mark == StreamMark::Late => {
            Op::new("written by", format!("late rows of {}", p.name))
        }
        [] if fires => Op::new("written by", "the trigger"),
        [] => Op::new("written by", "no query: an input"),
        [one] => Op::new("written by", one),
        many => {
            Op::new("written by", many.join(", ")).remark("merged", "by event, then in this order")
        }
    });
    ops.push(match plan.reader_names(s).as_slice() {
        [] => Op::new("read by", "no query: an output"),
        some => Op::new("read by", some.join(", ")),
    });
    let sinks = plan.endpoints(s, "sink");
    if !sinks.is_empty() {
        ops.push(Op::new("sinks", sinks.join(", ")));
    }
    if let Some(fault) = p.fault {
        ops.push(Op::new("bad events", format!("go to {}", plan.streams[fault].full_name())));
    }
    block(out, ops);
}

/// A named window: its two streams and the query between them as one.
fn window(plan: &Plan, w: usize, out: &mut String) {
    let window = &plan.windows[w];
    wrapped(out, &format!("window {} ", window.name), &format!("({})", signature(&window.schema)));
    let mut ops = Vec::new();
    for (q, query) in plan.queries.iter().enumerate().filter(|(_, q)| q.window == Some(w)) {
        ops.push(Op::new("mode", plan.mode(Node::Query(q)).sentence()));
        ops.extend(super::query::operators(plan, query));
    }
    ops.push(match plan.query_names(&plan.streams[window.input].writers).as_slice() {
        [] => Op::new("written by", "no query: it stays empty"),
        some => Op::new("written by", some.join(", ")),
    });
    ops.push(match plan.reader_names(window.output).as_slice() {
        [] => Op::new("read by", "no query"),
        some => Op::new("read by", some.join(", ")),
    });
    if window.searched {
        let kept = "each join keeps the columns it needs of the rows that are in";
        ops.push(Op::new("searched", "by joins").remark("how", kept));
    }
    block(out, ops);
}

fn partition(plan: &Plan, p: usize, out: &mut String) {
    let partition = &plan.partitions[p];
    let _ = writeln!(out, "partition {}", partition.name);
    let keys = plan.partition_keys(p).into_iter();
    let keys: Vec<String> =
        keys.map(|(e, s)| format!("{e} of {}", plan.streams[s].full_name())).collect();
    let mut ops = vec![Op::new("key", keys.join(", "))];
    if !partition.shared.is_empty() {
        let shared = plan.stream_names(&partition.shared).join(", ");
        ops.push(
            Op::new("to all keys", shared).remark("meaning", "a row goes to every key there is"),
        );
    }
    ops.push(Op::new("queries", plan.query_names(&partition.queries).join(", ")));
    ops.push(Op::new("mode", plan.mode(Node::Partition(p)).sentence()));
    block(out, ops);
}

fn query(plan: &Plan, q: usize, query: &QueryPlan, out: &mut String) {
    let from = plan.stream_names(query.input.streams()).join(", ");
    let to = query.target.map_or("(callbacks)".into(), |t| plan.streams[t].full_name());
    let _ = writeln!(out, "query {}: {from} -> {to}", query.name);
    let mut ops = vec![Op::new("mode", plan.mode(Node::Query(q)).sentence())];
    if let Some(p) = query.partition {
        let name = &plan.partitions[p].name;
        ops.push(Op::new("state", format!("by the key of {name}")));
    }
    ops.extend(super::query::operators(plan, query));
    ops.extend(query.notes.iter().map(|n| Op::new("note", n)));
    block(out, ops);
}

fn order(plan: &Plan, out: &mut String) {
    let _ = writeln!(out, "order of a step");
    // Columnar units one after the other are told together.
    let mut runs: Vec<(Mode, Vec<String>)> = Vec::new();
    for (nodes, mode) in plan.units() {
        // Lines break between nodes only.
        let names = nodes.iter().map(|n| plan.node_name(*n).replace(' ', &GLUE.to_string()));
        match runs.last_mut() {
            Some((Mode::Columnar, run)) if mode == Mode::Columnar => run.extend(names),
            _ => runs.push((mode, names.collect())),
        }
    }
    let ops: Vec<Op> = runs
        .into_iter()
        .map(|(mode, names)| Op::new(mode.word(), names.join(", ")).maybe("why", mode.reason()))
        .collect();
    branches(out, "", &ops);
}

/// Operators as branches of a tree, their kinds and details aligned.
fn branches(out: &mut String, indent: &str, ops: &[Op]) {
    let width = ops.iter().map(|o| o.kind.chars().count()).max().unwrap_or(0);
    for (i, op) in ops.iter().enumerate() {
        let last = i + 1 == ops.len();
        let (branch, stem) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let below = format!("{indent}{stem}");
        // Lines under an operator with parts keep the stem to these.
        let inner = if op.parts.is_empty() { "   " } else { "│  " };
        let head = format!("{indent}{branch}{:<width$}", op.kind);
        let hang = format!("{below}{inner}");
        hanging(out, &head, &hang, &op.detail);
        let names = op.facts.iter().map(|f| f.name.chars().count()).max().unwrap_or(0);
        for f in &op.facts {
            let head = format!("{below}{inner}{:<names$}", f.name);
            hanging(out, &head, &format!("{below}{inner}"), &f.value);
        }
        branches(out, &below, &op.parts);
    }
}

/// A line that begins with `head`; what doesn't fit goes on under the text.
fn wrapped(out: &mut String, head: &str, text: &str) {
    lines(out, head, &" ".repeat(head.chars().count()), text);
}

/// As [`wrapped`], with the stems of the tree in front of what goes on.
fn hanging(out: &mut String, head: &str, stems: &str, text: &str) {
    let fill = (head.chars().count() + 2).saturating_sub(stems.chars().count());
    lines(out, &format!("{head}  "), &format!("{stems}{}", " ".repeat(fill)), text);
}

fn lines(out: &mut String, head: &str, indent: &str, text: &str) {
    let room = WIDTH.saturating_sub(head.chars().count()).max(30);
    // A line end can only come from a string literal.
    let text = text.replace(['\n', '\r'], " ");
    for (i, line) in broken(&text, room).into_iter().enumerate() {
        let line = format!("{}{line}", if i == 0 { head } else { indent });
        let _ = writeln!(out, "{}", line.replace(GLUE, " ").trim_end());
    }
}

/// Text in lines of at most `room` characters, broken at spaces; a longer word has its own line.
fn broken(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        let line = lines.len() - 1;
        if used == 0 {
            lines[line].push_str(word);
            used = length;
        } else if used + 1 + length <= room {
            lines[line].push(' ');
            lines[line].push_str(word);
            used += 1 + length;
        } else {
            lines.push(word.to_string());
            used = length;
        }
    }
    lines
}
