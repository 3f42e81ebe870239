//! Where results of one cause meet again, and which nodes must run chunk by chunk for it.

use std::collections::HashMap;

use super::walk::{Graph, Id, components};
use crate::plan::graph::{
    Coupling, InputPlan, KeySpec, Node, PartitionPlan, Plan, QueryId, StreamId,
};
use crate::plan::spec::{Every, HandlerSpec, RateKeeps};
use crate::window::WindowCall;

/// Nodes that have to run together, and why.
pub(super) type Group = (Vec<Id>, Coupling);

/// The windows of a query.
fn windows(plan: &Plan, q: QueryId) -> impl Iterator<Item = &WindowCall> {
    let (chain, sides): (&[HandlerSpec], _) = match &plan.queries[q].input {
        InputPlan::Pattern { .. } => (&[], None),
        InputPlan::Join { spec, .. } => (&[], Some([&spec.left, &spec.right])),
        InputPlan::Stream { chain, .. } => (chain, None),
    };
    let in_chain = chain.iter().filter_map(|h| match h {
        HandlerSpec::Window { call, .. } => Some(call),
        _ => None,
    });
    in_chain.chain(sides.into_iter().flatten().filter_map(|s| s.window.as_ref()))
}

/// Whether a query has a window (or two).
fn windowed(plan: &Plan, q: QueryId) -> bool {
    matches!(plan.queries[q].input, InputPlan::Join { .. }) || windows(plan, q).next().is_some()
}

/// Whether a query has a window or an output rate that looks at the clock.
fn timed(plan: &Plan, q: QueryId) -> bool {
    let rate = plan.queries[q].rate.as_ref();
    rate.is_some_and(|r| matches!(r.every, Every::Time(_)) && r.keeps != RateKeeps::First)
        || windows(plan, q).any(|w| !CLOCKLESS.contains(&w.spec.name))
}

/// Windows whose rows move only when others arrive.
const CLOCKLESS: &[&str] = &["length", "lengthBatch", "batch", "externalTime"];

/// Streams that feed themselves, with everything that reads them: depth first, a reader behind the
/// loop sees what an event causes in it before the event itself.
pub(super) fn cycles(graph: &Graph) -> Vec<Group> {
    let loops = loops(graph).into_iter();
    let with_readers = |mut nodes: Vec<Id>| {
        let readers: Vec<Id> = nodes.iter().flat_map(|n| &graph.next[*n]).copied().collect();
        nodes.extend(readers.into_iter().filter(|n| !matches!(graph.nodes[*n], Node::Stream(_))));
        nodes
    };
    loops.map(|nodes| (with_readers(nodes), Coupling::Feedback)).collect()
}

/// Strongly connected components of more than one node.
fn loops(graph: &Graph) -> Vec<Vec<Id>> {
    let component = components(&graph.next);
    let mut members: Vec<Vec<Id>> = vec![vec![]; graph.len()];
    for (n, c) in component.iter().enumerate() {
        members[*c].push(n);
    }
    members.retain(|m| m.len() > 1);
    members
}

/// Groups of nodes between a stream that can carry several chunks of one cause and the places where
/// its readers' results meet again.
pub(super) fn reconvergences(plan: &Plan, graph: &Graph) -> Vec<Group> {
    let (mut always, mut chunks) = (vec![false; graph.len()], vec![false; graph.len()]);
    graph.flood(&graph.next, many_always(plan, graph), &mut always);
    graph.flood(&graph.next, many_by_chunks(plan, graph), &mut chunks);
    let component = components(&graph.next);
    let mut groups = Vec::new();
    for m in (0..graph.len()).filter(|m| graph.next[*m].len() > 1 && (always[*m] || chunks[*m])) {
        let first = first_meetings(graph, &component, m);
        if !first.is_empty() {
            let why = match always[m] {
                true => Coupling::Reconvergence,
                false => Coupling::ReconvergenceOfChunks,
            };
            groups.push((graph.between(&[m], &first), why));
        }
    }
    groups
}

/// The first nodes (but entries of partitions) that are reached from two readers of `m`.
fn first_meetings(graph: &Graph, component: &[usize], m: Id) -> Vec<Id> {
    let spans = spans(graph, &graph.next[m]);
    let meets = |n: Id| {
        spans[n].is_some_and(|(lo, hi)| lo < hi) && !matches!(graph.nodes[n], Node::Partition(_))
    };
    let mut behind = vec![false; graph.len()];
    for n in (0..graph.len()).filter(|n| meets(*n)) {
        let later = graph.next[n].iter().copied().filter(|f| component[*f] != component[n]);
        graph.flood(&graph.next, later, &mut behind);
    }
    (0..graph.len()).filter(|n| meets(*n) && !behind[*n]).collect()
}

/// Of a list of starts: the first and the last from which each node is reached.
fn spans(graph: &Graph, starts: &[Id]) -> Vec<Option<(usize, usize)>> {
    let mut spans: Vec<Option<(usize, usize)>> = vec![None; graph.len()];
    for (i, start) in starts.iter().enumerate() {
        graph.spread(&graph.next, [*start], |n| {
            spans[n].is_none() && {
                spans[n] = Some((i, i));
                true
            }
        });
    }
    let mut seen = vec![false; graph.len()];
    for (i, start) in starts.iter().enumerate().rev() {
        graph.spread(&graph.next, [*start], |n| {
            !std::mem::replace(&mut seen[n], true) && {
                spans[n] = spans[n].map(|(first, _)| (first, i));
                true
            }
        });
    }
    spans
}

/// Nodes that emit several chunks for one cause, whatever the input chunks are: streams that two
/// queries write because of one event (or of timers and triggers due together), or that feed
/// themselves; queries that one event enters
/// twice, or whose two windows can be due together; partitions, where an event without a key goes to
/// every key, one in several ranges to each, and where windows of several keys can be due together.
fn many_always(plan: &Plan, graph: &Graph) -> Vec<Id> {
    let mut many: Vec<Id> = loops(graph).into_iter().flatten().collect();
    let mut triggered = vec![false; graph.len()];
    let triggers = plan.triggers.iter().map(|t| graph.id(Node::Stream(t.stream)));
    graph.flood(&graph.next, triggers, &mut triggered);
    for (s, stream) in plan.streams.iter().enumerate() {
        let by_time = |q: &&QueryId| timed(plan, **q) || triggered[graph.id(Node::Query(**q))];
        let due = stream.writers.iter().filter(by_time).count() > 1;
        let writers = || stream.writers.iter().map(|q| graph.id(Node::Query(*q)));
        if stream.writers.len() > 1 && (due || related(graph, writers())) {
            many.push(graph.id(Node::Stream(s)));
        }
    }
    for (q, query) in plan.queries.iter().enumerate() {
        let streams = query.input.streams();
        let itself = matches!(&query.input, InputPlan::Join { spec, .. } if spec.self_join);
        let due = timed(plan, q) && (query.partition.is_some() || windows(plan, q).count() > 1);
        let twice = streams.len() > 1
            && !itself
            && (related(graph, streams.iter().map(|s| graph.id(Node::Stream(*s))))
                || streams.iter().filter(|s| triggered[graph.id(Node::Stream(**s))]).count() > 1);
        if itself || due || twice {
            many.push(graph.id(Node::Query(q)));
        }
    }
    let many_keys = |p: &PartitionPlan| {
        !p.shared.is_empty() || p.keys.iter().any(|(_, key)| !matches!(key, KeySpec::Value(_)))
    };
    let told = plan.partitions.iter().enumerate().filter(|(_, p)| many_keys(p));
    many.extend(told.map(|(p, _)| graph.id(Node::Partition(p))));
    many
}

/// Whether one event can reach two of these nodes.
fn related(graph: &Graph, nodes: impl Iterator<Item = Id>) -> bool {
    let mut reached: Vec<Option<Id>> = vec![None; graph.len()];
    for node in nodes {
        let mut met = false;
        // What an earlier node was reached from is not walked again: they meet there.
        graph.spread(&graph.prev, [node], |n| {
            met |= reached[n].is_some_and(|other| other != node);
            reached[n].is_none() && {
                reached[n] = Some(node);
                true
            }
        });
        if met {
            return true;
        }
    }
    false
}

/// Nodes that can cut a chunk of several events in pieces.
fn many_by_chunks(plan: &Plan, graph: &Graph) -> Vec<Id> {
    let entries = (0..plan.partitions.len()).map(Node::Partition);
    let windows = (0..plan.queries.len()).filter(|q| windowed(plan, *q)).map(Node::Query);
    entries.chain(windows).map(|n| graph.id(n)).collect()
}

/// Where results of one cause come to a stream or query through several entrances (writers of the
/// stream, ports of the query): columnar, all that comes through the first goes before all that
/// comes through the second. Where Siddhi's depth-first order is another one, or mixes them, everything
/// from the branching on runs chunk by chunk.
pub(super) fn mixed_entrances(plan: &Plan, graph: &Graph) -> Vec<Group> {
    let meetings = meetings(plan, graph);
    if meetings.is_empty() {
        return vec![];
    }
    let mut groups = Vec::new();
    for m in (0..graph.len()).filter(|m| graph.next[*m].len() > 1) {
        let bad = mixed(graph, &meetings, Some(m), &graph.next[m]);
        if !bad.is_empty() {
            groups.push((graph.between(&[m], &bad), Coupling::Reconvergence));
        }
    }
    // Timers that are due together fire in definition order.
    // Triggers due with them fire behind them.
    let timed = (0..plan.queries.len()).filter(|q| timed(plan, *q)).map(Node::Query);
    let triggers = plan.triggers.iter().map(|t| Node::Stream(t.stream));
    let timed: Vec<Id> = timed.chain(triggers).map(|n| graph.id(n)).collect();
    let bad = mixed(graph, &meetings, None, &timed);
    if !bad.is_empty() {
        groups.push((graph.between(&timed, &bad), Coupling::Reconvergence));
    }
    groups
}

/// A node with several entrances, in the order in which columnar execution takes them: the node each
/// comes from, and the node it leads to.
struct Meeting {
    place: Id,
    entrances: Vec<(Id, Id)>,
}

fn meetings(plan: &Plan, graph: &Graph) -> Vec<Meeting> {
    let mut found = Vec::new();
    for (s, stream) in plan.streams.iter().enumerate() {
        let place = graph.id(Node::Stream(s));
        let writers = stream.writers.iter().map(|q| (graph.id(Node::Query(*q)), place));
        found.push(Meeting { place, entrances: writers.collect() });
    }
    for (q, query) in plan.queries.iter().enumerate() {
        let place = graph.id(Node::Query(q));
        let entry = |s: &StreamId| match query.partition {
            Some(p) if plan.streams[*s].partition.is_none() => graph.id(Node::Partition(p)),
            _ => place,
        };
        let mut streams: Vec<StreamId> = Vec::new();
        for s in query.input.streams() {
            if !streams.contains(s) {
                streams.push(*s);
            }
        }
        if matches!(&query.input, InputPlan::Join { spec, .. } if spec.right_first) {
            streams.reverse();
        }
        let ports = streams.iter().map(|s| (graph.id(Node::Stream(*s)), entry(s)));
        found.push(Meeting { place, entrances: ports.collect() });
    }
    found.retain(|m| m.entrances.len() > 1);
    found
}

/// The meetings whose entrances what `starts` emit for one cause, one after the other, comes through
/// in another order. `from` is the node in front of the starts.
fn mixed(graph: &Graph, meetings: &[Meeting], from: Option<Id>, starts: &[Id]) -> Vec<Id> {
    let spans = spans(graph, starts);
    let place: HashMap<Id, usize> = starts.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    let span = |(a, to): &(Id, Id)| match place.get(to) {
        Some(i) if Some(*a) == from => Some((*i, *i)),
        _ => spans[*a],
    };
    let mixes = |m: &&Meeting| {
        let mut last = 0;
        m.entrances.iter().filter_map(span).any(|(lo, hi)| {
            let mixed = lo < last;
            last = last.max(hi);
            mixed
        })
    };
    meetings.iter().filter(mixes).map(|m| m.place).collect()
}
