//! The explanation as JSON, for tools. `docs/explain.md` describes it; keys are only ever added.

use serde_json::{Map, Value as Json, json};

use super::Op;
use super::names::attributes;
use crate::plan::graph::{Node, Plan, QueryPlan};

/// Raised when a key changes its meaning or goes away.
const VERSION: u32 = 1;

/// The whole plan.
pub(super) fn draw(plan: &Plan) -> Json {
    let streams: Vec<Json> = (0..plan.streams.len()).map(|s| stream(plan, s)).collect();
    let partitions: Vec<Json> = (0..plan.partitions.len()).map(|p| partition(plan, p)).collect();
    let queries = plan.queries.iter().enumerate();
    let queries: Vec<Json> = queries.map(|(q, query)| self::query(plan, q, query)).collect();
    let schedule: Vec<Json> = plan
        .units()
        .map(|(nodes, mode)| {
            let nodes: Vec<Json> = nodes.iter().map(|n| node(plan, *n)).collect();
            json!({ "mode": mode.word(), "reason": mode.reason(), "nodes": nodes })
        })
        .collect();
    json!({
        "version": VERSION,
        "application": plan.name,
        "playback": plan.playback,
        "streams": streams,
        "partitions": partitions,
        "queries": queries,
        "schedule": schedule,
    })
}

fn stream(plan: &Plan, s: usize) -> Json {
    let p = &plan.streams[s];
    let attributes: Vec<Json> = attributes(plan.attributes(s))
        .into_iter()
        .map(|(name, ty)| json!({ "name": name, "type": ty }))
        .collect();
    json!({
        "name": p.full_name(),
        "attributes": attributes,
        "inferred": p.defined.is_none(),
        "partition": p.partition.map(|p| plan.partitions[p].name.clone()),
        "sources": plan.endpoints(s, "source"),
        "sinks": plan.endpoints(s, "sink"),
        "writers": plan.query_names(&p.writers),
        "readers": plan.reader_names(s),
        "trigger": plan.trigger(s),
        "watermark": super::time::json(plan, s),
        "window": plan.window_at(s).map(|w| w.name.clone()),
        "fault_stream": p.fault.map(|f| plan.streams[f].full_name()),
    })
}

fn partition(plan: &Plan, p: usize) -> Json {
    let keys: Vec<Json> = plan
        .partition_keys(p)
        .into_iter()
        .map(|(e, s)| json!({ "stream": plan.streams[s].full_name(), "key": e }))
        .collect();
    json!({
        "name": plan.partitions[p].name,
        "keys": keys,
        "shared": plan.stream_names(&plan.partitions[p].shared),
        "queries": plan.query_names(&plan.partitions[p].queries),
    })
}

fn query(plan: &Plan, q: usize, query: &QueryPlan) -> Json {
    let mode = plan.mode(Node::Query(q));
    let operators: Vec<Json> = super::query::operators(plan, query).iter().map(op).collect();
    json!({
        "name": query.name,
        "from": plan.stream_names(query.input.streams()),
        "into": query.target.map(|t| plan.streams[t].full_name()),
        "partition": query.partition.map(|p| plan.partitions[p].name.clone()),
        "mode": mode.word(),
        "reason": mode.reason(),
        "operators": operators,
        "notes": query.notes,
    })
}

fn op(op: &Op) -> Json {
    let facts: Map<String, Json> =
        op.facts.iter().map(|f| (f.name.replace(' ', "_"), Json::from(f.value.clone()))).collect();
    let parts: Vec<Json> = op.parts.iter().map(self::op).collect();
    json!({ "operator": op.kind, "detail": op.detail, "facts": facts, "parts": parts })
}

fn node(plan: &Plan, n: Node) -> Json {
    match n {
        Node::Stream(s) => json!({ "stream": plan.streams[s].full_name() }),
        Node::Partition(p) => json!({ "partition": plan.partitions[p].name }),
        Node::Query(q) => json!({ "query": plan.queries[q].name }),
    }
}
