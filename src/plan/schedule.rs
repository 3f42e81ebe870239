//! The order in which nodes run, and which of them run row by row.
//!
//! Siddhi delivers depth first: one event passes through the first query that reads a stream, and
//! everything behind it, before the second query sees it. Running whole steps through each node in
//! topological order gives the same result wherever results that meet again can be put in order by
//! what caused them and by the path they took (`StreamPlan::writers` is ranked by path). Where that
//! is not enough, the nodes in question run chunk by chunk, depth first ([`Unit::RowByRow`]):
//!
//! * a stream that feeds itself (a strongly connected component);
//! * *reconvergence*: one cause gives several chunks on a stream M, two readers of M lead to one
//!   stream or query F along different paths: F must see all that chunk 1 caused before chunk 2;
//! * *mixed entrances*: what one cause sends along two paths into F comes through F's writers or
//!   ports in another order than theirs.
//!
//! Work is linear in the graph for every node with several readers.

mod meet;
mod order;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::{HashMap, HashSet};

use self::walk::Graph;
use super::graph::{InputPlan, Node, Plan, QueryId, StreamId};

/// Fills in `plan.schedule` and ranks the writers of every stream. Returns how many nodes were
/// visited for it.
pub(super) fn schedule(plan: &mut Plan) -> u64 {
    let graph = Graph::new(plan);
    let arrivals = rank_writers(plan, &graph);
    rank_ports(plan, &arrivals);
    let mut groups = meet::cycles(&graph);
    groups.extend(meet::mixed_entrances(plan, &graph));
    groups.extend(meet::reconvergences(plan, &graph));
    let units = order::close(&graph, &groups);
    plan.schedule = order::order(plan, &graph, &units);
    graph.visits()
}

/// Orders the writers of each stream as a depth-first walk from the streams in front would first
/// call them, and tells in which order one event first comes to the ports of a query.
fn rank_writers(plan: &mut Plan, graph: &Graph) -> HashMap<(StreamId, QueryId), usize> {
    let mut writers: Vec<Vec<usize>> = vec![vec![]; plan.streams.len()];
    let mut arrivals = HashMap::new();
    let mut seen = vec![false; graph.len()];
    let fed: HashSet<usize> = plan.queries.iter().filter_map(|q| q.target).collect();
    let (inner, outer): (Vec<usize>, Vec<usize>) =
        (0..plan.streams.len()).partition(|s| fed.contains(s));
    for root in outer.into_iter().chain(inner) {
        let mut todo = vec![(None, root)];
        while let Some((from, n)) = todo.pop() {
            let time = arrivals.len();
            match (from, graph.nodes[n]) {
                (Some(Node::Stream(s)), Node::Query(q)) => {
                    arrivals.entry((s, q)).or_insert(time);
                }
                (Some(Node::Stream(s)), Node::Partition(p)) => {
                    for q in graph.readers.get(&(p, s)).into_iter().flatten() {
                        arrivals.entry((s, *q)).or_insert(time);
                    }
                }
                _ => {}
            }
            if std::mem::replace(&mut seen[n], true) {
                continue;
            }
            if let Node::Query(q) = graph.nodes[n]
                && let Some(t) = plan.queries[q].target
            {
                writers[t].push(q);
            }
            todo.extend(graph.next[n].iter().rev().map(|m| (Some(graph.nodes[n]), *m)));
        }
    }
    for (s, w) in plan.streams.iter_mut().zip(writers) {
        s.writers = w;
    }
    arrivals
}

/// Ports take rows of one cause in the order of their numbers; a join whose right port is reached
/// first is told so.
fn rank_ports(plan: &mut Plan, arrivals: &HashMap<(StreamId, QueryId), usize>) {
    for (q, query) in plan.queries.iter_mut().enumerate() {
        if let InputPlan::Join { spec, streams: [a, b] } = &mut query.input {
            spec.right_first = a != b && arrivals.get(&(*a, q)) > arrivals.get(&(*b, q));
        }
    }
}
