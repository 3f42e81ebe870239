//! What runs, in words, as a graph (dot) and as JSON.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::graph::{Coupling, InputPlan, Node, Plan, QueryPlan, Unit};
use super::spec::{HandlerSpec, SelectSpec};
use crate::expr::ColumnRef;
use crate::expr::TypedExpr;
use crate::expr::describe::{self, Names};
use crate::expr::types::attr_type;
use crate::lang::ast::EventType;
use arrow::datatypes::SchemaRef;

/// One line about a query's structure; equal lines mean equal state (snapshots rely on it).
pub(crate) fn shape(q: &QueryPlan) -> String {
    let steps: Vec<String> =
        steps(q).into_iter().map(|(what, detail)| format!("{what} {detail}")).collect();
    format!("query {}: {}", q.name, steps.join(" | "))
}

/// Column names by number.
struct Columns<'a>(&'a [String]);

impl Names for Columns<'_> {
    fn column(&self, c: ColumnRef) -> String {
        self.0.get(c.column as usize).cloned().unwrap_or_else(|| format!("column {}", c.column))
    }
}

fn describe(e: &TypedExpr, names: &[String]) -> String {
    describe::describe(e, &Columns(names)).to_string()
}

/// Names of the columns of a schema, with aggregates behind them.
fn names(schema: &SchemaRef, select: Option<&SelectSpec>) -> Vec<String> {
    let columns = schema.fields().iter().map(|f| f.name().clone());
    let aggregates = select.into_iter().flat_map(|s| &s.aggregates).map(|a| {
        let args: Vec<String> =
            a.args.iter().map(|e| describe(e, &names(&s_input(select), None))).collect();
        format!("{}({})", a.spec.name, args.join(", "))
    });
    columns.chain(aggregates).collect()
}

fn s_input(select: Option<&SelectSpec>) -> SchemaRef {
    select.map_or_else(|| arrow::datatypes::Schema::empty().into(), |s| s.input.clone())
}

fn list(exprs: &[TypedExpr], names: &[String]) -> String {
    exprs.iter().map(|e| describe(e, names)).collect::<Vec<_>>().join(", ")
}

/// The operators of a query in order, as (kind, detail).
fn steps(q: &QueryPlan) -> Vec<(String, String)> {
    let mut steps = Vec::new();
    match &q.input {
        InputPlan::Stream { chain, .. } => handlers(chain, &mut steps, &q.select.input),
        InputPlan::Join { spec, .. } => {
            for (side, s) in [("left", &spec.left), ("right", &spec.right)] {
                handlers(&s.handlers, &mut steps, &s.schema);
                let window = match &s.window {
                    None => "no window".to_string(),
                    Some(w) => format!("window {}{}", w.spec.name, window_args(w)),
                };
                let trigger = if s.triggers { "" } else { ", passive" };
                steps.push((format!("{side} side"), format!("{window}{trigger}")));
            }
            let (left, right) = (names(&spec.left.schema, None), names(&spec.right.schema, None));
            let keys: Vec<String> = spec
                .equal
                .iter()
                .map(|k| format!("{} == {}", describe(&k.left, &left), describe(&k.right, &right)))
                .collect();
            let how = if keys.is_empty() {
                "every pair of rows is looked at (no equality to index)".to_string()
            } else {
                format!("hash index on {}", keys.join(" and "))
            };
            let kind = format!("{:?} join", spec.kind).to_lowercase();
            steps.push((kind, how));
            if let Some(r) = &spec.residual {
                steps.push(("residual".into(), describe(r, &names(&spec.output, None))));
            }
        }
        InputPlan::Pattern { .. } => steps.push(("pattern".into(), String::new())),
    }
    select(&q.select, &mut steps);
    steps
}

fn window_args(call: &crate::window::WindowCall) -> String {
    use crate::window::WindowArg;
    let args: Vec<String> = call
        .args
        .iter()
        .map(|a| match a {
            WindowArg::Const { value, .. } => value.to_string(),
            WindowArg::Column { index, .. } => format!("column {index}"),
            WindowArg::Expr(e) => describe(e, &[]),
        })
        .collect();
    format!("({})", args.join(", "))
}

fn handlers(chain: &[HandlerSpec], steps: &mut Vec<(String, String)>, last: &SchemaRef) {
    // Filters in front of a narrowing see other columns than those behind it.
    let mut schema = chain
        .iter()
        .find_map(|h| match h {
            HandlerSpec::Window { schema, .. } => Some(schema.clone()),
            _ => None,
        })
        .unwrap_or_else(|| last.clone());
    for h in chain {
        steps.push(match h {
            HandlerSpec::Filter(e) => ("filter".into(), describe(e, &names(&schema, None))),
            HandlerSpec::Append { name, schema: s, .. } => {
                schema = s.clone();
                (format!("#{name}"), String::new())
            }
            HandlerSpec::Project { schema: s, .. } => {
                schema = s.clone();
                ("narrow".into(), names(s, None).join(", "))
            }
            HandlerSpec::Log(l) => ("#log".into(), l.priority.clone()),
            HandlerSpec::Window { call, expired, .. } => {
                let kept = if *expired { "" } else { ", expired rows aren't made" };
                ("window".into(), format!("{}{}{kept}", call.spec.name, window_args(call)))
            }
        });
    }
}

fn select(s: &SelectSpec, steps: &mut Vec<(String, String)>) {
    let input = names(&s.input, None);
    let all = names(&s.input, Some(s));
    if !s.group_by.is_empty() {
        steps.push(("group by".into(), list(&s.group_by, &input)));
    }
    if !s.aggregates.is_empty() {
        steps.push(("aggregate".into(), all[input.len()..].join(", ")));
    }
    if let Some(h) = &s.having {
        steps.push(("having".into(), describe(h, &all)));
    }
    for o in &s.order_by {
        let name = s.output.field(o.column).name();
        let way = if o.descending { "desc" } else { "asc" };
        steps.push(("order by".into(), format!("{name} {way}")));
    }
    for (what, n) in [("limit", s.limit), ("offset", s.offset)] {
        if let Some(n) = n {
            steps.push((what.into(), format!("{n} rows of each chunk")));
        }
    }
    let items: Vec<String> = s
        .items
        .iter()
        .zip(s.output.fields())
        .map(|(e, f)| {
            let text = describe(e, &all);
            let ty = attr_type(f.data_type()).map_or(String::new(), |t| format!(" {t}"));
            if text == *f.name() {
                format!("{text}{ty}")
            } else {
                format!("{text} as {}{ty}", f.name())
            }
        })
        .collect();
    let kinds = match s.events {
        EventType::Current => "",
        EventType::Expired => " (expired events)",
        EventType::All => " (all events)",
    };
    steps.push(("select".into(), format!("{}{kinds}", items.join(", "))));
}

fn reason(c: Coupling) -> &'static str {
    match c {
        Coupling::Feedback => "a stream feeds itself",
        Coupling::Reconvergence => {
            "results that one event causes along two paths meet again, several chunks at a time"
        }
        Coupling::ReconvergenceOfChunks => {
            "only in steps with chunks of several events: their pieces meet again along two paths"
        }
    }
}

impl Plan {
    /// The plan as text.
    pub fn explain_text(&self) -> String {
        let mut out = String::new();
        let clock = if self.playback { "largest event time (playback)" } else { "told (live)" };
        let _ =
            writeln!(out, "application {}, clock: {clock}", self.name.as_deref().unwrap_or("-"));
        for unit in &self.schedule {
            match unit {
                Unit::Columnar(n) => self.node_text(*n, "", "columnar", &mut out),
                Unit::RowByRow { nodes, reason: why } => {
                    let _ = writeln!(out, "row by row: {}", reason(*why));
                    nodes.iter().for_each(|n| self.node_text(*n, "  ", "row by row", &mut out));
                }
            }
        }
        out
    }

    fn node_text(&self, node: Node, indent: &str, mode: &str, out: &mut String) {
        match node {
            Node::Stream(s) => {
                let stream = &self.streams[s];
                let fields = stream.schema.fields().iter().map(|f| {
                    let ty = attr_type(f.data_type()).map_or(String::new(), |t| t.to_string());
                    format!("{} {ty}", f.name())
                });
                let inferred = if stream.defined.is_some() { "" } else { "  [inferred]" };
                let fields: Vec<String> = fields.collect();
                let name = stream.full_name();
                let _ = writeln!(out, "{indent}stream {name}({}){inferred}", fields.join(", "));
                if stream.writers.len() > 1 {
                    let names: Vec<&str> =
                        stream.writers.iter().map(|q| self.queries[*q].name.as_str()).collect();
                    let _ =
                        writeln!(out, "{indent}  merged in event order from {}", names.join(", "));
                }
            }
            Node::Partition(p) => {
                let p = &self.partitions[p];
                let keys = p.keys.iter().map(|(s, e)| {
                    let stream = &self.streams[*s];
                    format!(
                        "{} of {}",
                        describe(e, &names(&stream.schema, None)),
                        stream.full_name()
                    )
                });
                let keys: Vec<String> = keys.collect();
                let _ = writeln!(out, "{indent}partition {} by {}", p.name, keys.join(", "));
                if !p.shared.is_empty() {
                    let shared: Vec<String> =
                        p.shared.iter().map(|s| self.streams[*s].full_name()).collect();
                    let _ = writeln!(out, "{indent}  to every key: {}", shared.join(", "));
                }
            }
            Node::Query(q) => {
                let q = &self.queries[q];
                let from: Vec<String> =
                    q.input.streams().iter().map(|s| self.streams[*s].full_name()).collect();
                let to =
                    q.target.map_or("(callbacks only)".into(), |t| self.streams[t].full_name());
                let keyed = if q.partition.is_some() { ", state by partition key" } else { "" };
                let _ = writeln!(
                    out,
                    "{indent}query {}: {} -> {to}  [{mode}{keyed}]",
                    q.name,
                    from.join(", ")
                );
                for (what, detail) in steps(q) {
                    let _ = writeln!(out, "{indent}  {what}: {detail}");
                }
                for note in &q.notes {
                    let _ = writeln!(out, "{indent}  note: {note}");
                }
            }
        }
    }

    /// The plan as a graph for Graphviz.
    pub fn explain_dot(&self) -> String {
        let mut out =
            String::from("digraph foreshock {\n  rankdir=LR; node [fontname=\"sans-serif\"];\n");
        let quote = |s: &str| format!("{:?}", s);
        for (i, s) in self.streams.iter().enumerate() {
            let _ = writeln!(out, "  s{i} [shape=ellipse, label={}];", quote(&s.full_name()));
        }
        for (i, q) in self.queries.iter().enumerate() {
            let mut label = q.name.clone();
            for (what, detail) in steps(q) {
                let _ = write!(label, "\n{what}: {detail}");
            }
            let _ = writeln!(out, "  q{i} [shape=box, label={}];", quote(&label));
            for s in q.input.streams() {
                let _ = writeln!(out, "  s{s} -> q{i};");
            }
            if let Some(t) = q.target {
                let _ = writeln!(out, "  q{i} -> s{t};");
            }
        }
        for (i, p) in self.partitions.iter().enumerate() {
            let members: Vec<String> = p.queries.iter().map(|q| format!("q{q};")).collect();
            let _ = writeln!(
                out,
                "  subgraph cluster_{i} {{ label={}; {} }}",
                quote(&p.name),
                members.join(" ")
            );
        }
        out.push_str("}\n");
        out
    }

    /// The plan as JSON.
    pub fn explain_json(&self) -> Json {
        let streams: Vec<Json> = self
            .streams
            .iter()
            .map(|s| {
                let attribute = |f: &arrow::datatypes::FieldRef| {
                    let ty = attr_type(f.data_type()).map_or(String::new(), |t| t.to_string());
                    json!({ "name": f.name(), "type": ty })
                };
                let attributes: Vec<Json> = s.schema.fields().iter().map(attribute).collect();
                json!({ "name": s.full_name(), "attributes": attributes, "inferred": s.defined.is_none() })
            })
            .collect();
        let queries: Vec<Json> = self.queries.iter().map(|q| self.query_json(q)).collect();
        let schedule: Vec<Json> = self
            .schedule
            .iter()
            .map(|u| match u {
                Unit::Columnar(n) => json!({ "mode": "columnar", "nodes": [self.node_name(*n)] }),
                Unit::RowByRow { nodes, reason: why } => {
                    let nodes: Vec<String> = nodes.iter().map(|n| self.node_name(*n)).collect();
                    json!({ "mode": "row by row", "reason": reason(*why), "nodes": nodes })
                }
            })
            .collect();
        json!({
            "application": self.name,
            "playback": self.playback,
            "streams": streams,
            "queries": queries,
            "schedule": schedule,
        })
    }

    fn query_json(&self, q: &QueryPlan) -> Json {
        let from: Vec<String> =
            q.input.streams().iter().map(|s| self.streams[*s].full_name()).collect();
        let operators: Vec<Json> = steps(q)
            .into_iter()
            .map(|(what, detail)| json!({ "operator": what, "detail": detail }))
            .collect();
        json!({
            "name": q.name,
            "from": from,
            "into": q.target.map(|t| self.streams[t].full_name()),
            "partition": q.partition.map(|p| self.partitions[p].name.clone()),
            "operators": operators,
            "notes": q.notes,
        })
    }

    fn node_name(&self, n: Node) -> String {
        match n {
            Node::Stream(s) => format!("stream {}", self.streams[s].full_name()),
            Node::Partition(p) => format!("partition {}", self.partitions[p].name),
            Node::Query(q) => format!("query {}", self.queries[q].name),
        }
    }
}
