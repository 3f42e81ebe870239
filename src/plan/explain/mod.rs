//! What runs, in words, as a graph (dot) and as JSON.
//!
//! Each operator is told once, as an [`Op`] (`query`, `join`, `pattern`, `window`); `text`, `dot` and
//! `json` only draw it. `docs/explain.md` describes the forms for users.
//!
//! Invariant: what an [`Op`] says without its remarks determines the operator, so that equal
//! [`shape`]s mean equal state (snapshots rely on it); remarks are prose and may be reworded.

mod dot;
mod join;
mod json;
mod names;
mod pattern;
mod query;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod time;
mod window;

use super::graph::{
    Coupling, KeySpec, Node, Plan, QueryId, QueryPlan, StreamId, TriggerPlan, TriggerSpec, Unit,
};

/// An operator, or a part of one, with what there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Op {
    /// A word or two: `filter`, `left outer join`, `state 2`.
    kind: String,
    /// The main thing, on one line.
    detail: String,
    facts: Vec<Fact>,
    parts: Vec<Op>,
}

/// A property of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fact {
    name: &'static str,
    value: String,
    /// Whether it is a consequence, told to people, and nothing that distinguishes operators.
    remark: bool,
}

impl Op {
    fn new(kind: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind: kind.into(), detail: detail.into(), facts: vec![], parts: vec![] }
    }

    fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push(Fact { name, value: value.into(), remark: false });
        self
    }

    fn remark(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push(Fact { name, value: value.into(), remark: true });
        self
    }

    /// Adds a remark if there is one.
    fn maybe(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.remark(name, value),
            None => self,
        }
    }

    fn shape(&self, out: &mut String) {
        out.push_str(&format!("{} {}", self.kind, self.detail));
        for f in self.facts.iter().filter(|f| !f.remark) {
            out.push_str(&format!("; {} {}", f.name, f.value));
        }
        for p in &self.parts {
            out.push_str(" {");
            p.shape(out);
            out.push('}');
        }
    }
}

/// One line about a query's structure; equal lines mean equal state (snapshots rely on it).
pub(crate) fn shape(plan: &Plan, q: &QueryPlan) -> String {
    let mut out = format!("query {}", q.name);
    for op in query::operators(plan, q) {
        out.push_str(" | ");
        op.shape(&mut out);
    }
    out
}

/// One line about a trigger, for snapshots.
pub(crate) fn trigger(plan: &Plan, t: &TriggerPlan) -> String {
    format!("trigger {} {}", plan.streams[t.stream].name, when(&t.at))
}

/// When a trigger fires, in words.
fn when(at: &TriggerSpec) -> String {
    match at {
        TriggerSpec::Start => "at the start".into(),
        TriggerSpec::Every(period) => format!("every {period} ms"),
        TriggerSpec::Cron(_, text) => format!("at '{text}' (cron, UTC)"),
    }
}

/// How a node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Columnar,
    RowByRow(Coupling),
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Mode::Columnar => "columnar",
            Mode::RowByRow(Coupling::ReconvergenceOfChunks) => "mixed",
            Mode::RowByRow(_) => "row by row",
        }
    }

    fn reason(self) -> Option<&'static str> {
        match self {
            Mode::Columnar => None,
            Mode::RowByRow(Coupling::Feedback) => Some("a stream feeds itself"),
            Mode::RowByRow(Coupling::Reconvergence) => Some(
                "results that one event causes along two paths meet again, several chunks at a time",
            ),
            Mode::RowByRow(Coupling::ReconvergenceOfChunks) => Some(
                "row by row in steps with chunks of several events, whose pieces meet again along \
                 two paths; columnar in all others",
            ),
        }
    }

    fn sentence(self) -> String {
        match self.reason() {
            None => self.word().to_string(),
            Some(why) => format!("{}: {why}", self.word()),
        }
    }
}

impl Plan {
    /// The plan as text for people.
    pub fn explain_text(&self) -> String {
        text::draw(self)
    }

    /// The plan as a graph for Graphviz.
    pub fn explain_dot(&self) -> String {
        dot::draw(self)
    }

    /// The plan as JSON; `docs/explain.md` describes it.
    pub fn explain_json(&self) -> serde_json::Value {
        json::draw(self)
    }

    /// The nodes of each unit in running order, with their mode.
    fn units(&self) -> impl Iterator<Item = (&[Node], Mode)> {
        self.schedule.iter().map(|u| match u {
            Unit::Columnar(n) => (std::slice::from_ref(n), Mode::Columnar),
            Unit::RowByRow { nodes, reason } => (nodes.as_slice(), Mode::RowByRow(*reason)),
        })
    }

    fn mode(&self, node: Node) -> Mode {
        let unit = self.units().find(|(nodes, _)| nodes.contains(&node));
        unit.map_or(Mode::Columnar, |(_, mode)| mode)
    }

    fn node_name(&self, n: Node) -> String {
        match n {
            Node::Stream(s) => format!("stream {}", self.streams[s].full_name()),
            Node::Partition(p) => format!("partition {}", self.partitions[p].name),
            Node::Query(q) if self.queries[q].window.is_some() => self.queries[q].name.clone(),
            Node::Query(q) => format!("query {}", self.queries[q].name),
        }
    }

    fn query_names(&self, queries: &[QueryId]) -> Vec<String> {
        queries.iter().map(|q| self.queries[*q].name.clone()).collect()
    }

    fn stream_names(&self, streams: &[StreamId]) -> Vec<String> {
        streams.iter().map(|s| self.streams[*s].full_name()).collect()
    }

    /// Names of the queries that read a stream, in the order in which one event reaches them.
    fn reader_names(&self, s: StreamId) -> Vec<String> {
        let queries = |n: Node| match n {
            Node::Query(q) => vec![q],
            Node::Partition(p) => self.partition_readers(p, s),
            Node::Stream(_) => vec![],
        };
        self.query_names(&self.readers(s).into_iter().flat_map(queries).collect::<Vec<_>>())
    }

    /// When the trigger of a stream fires.
    fn trigger(&self, s: StreamId) -> Option<String> {
        self.triggers.iter().find(|t| t.stream == s).map(|t| when(&t.at))
    }

    /// The types of the `@source` and `@sink` annotations of a stream.
    fn endpoints(&self, s: StreamId, annotation: &str) -> Vec<String> {
        let of = |a: &crate::lang::ast::Annotation| a.get("type").unwrap_or("?").to_string();
        self.streams[s].endpoints.iter().filter(|a| a.is(annotation)).map(of).collect()
    }

    /// The keys of a partition: the expression and the stream.
    fn partition_keys(&self, p: usize) -> Vec<(String, StreamId)> {
        fn told(key: &KeySpec, columns: &names::Columns) -> Vec<String> {
            let range = |(e, key): &(_, String)| format!("{} as '{key}'", columns.describe(e));
            match key {
                KeySpec::Value(e) => vec![columns.describe(e)],
                KeySpec::Ranges(ranges) => {
                    vec![ranges.iter().map(range).collect::<Vec<_>>().join(" or ")]
                }
                KeySpec::Each(keys) => keys.iter().flat_map(|k| told(k, columns)).collect(),
            }
        }
        let of = |(s, key): &(StreamId, KeySpec)| {
            let columns = names::Columns::of(self.attributes(*s));
            told(key, &columns).into_iter().map(|key| (key, *s)).collect::<Vec<_>>()
        };
        self.partitions[p].keys.iter().flat_map(of).collect()
    }
}
