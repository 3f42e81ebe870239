//! The graph the scheduler walks: nodes as dense numbers, edges both ways.
//!
//! Nodes are numbered streams first, then partitions, then queries. Every walk visits a node at most
//! once and counts its visits, so that tests can hold compilation to an amount of work.

use std::cell::Cell;
use std::collections::HashMap;

use crate::plan::graph::{Node, PartitionId, Plan, QueryId, StreamId};

/// A node's number.
pub(super) type Id = usize;

/// Nodes and edges; the edges of a node stand in Siddhi's order of subscription.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) next: Vec<Vec<Id>>,
    pub(super) prev: Vec<Vec<Id>>,
    /// The queries of a partition that read an outer stream.
    pub(super) readers: HashMap<(PartitionId, StreamId), Vec<QueryId>>,
    streams: usize,
    partitions: usize,
    visits: Cell<u64>,
}

impl Graph {
    pub(super) fn new(plan: &Plan) -> Self {
        let (streams, partitions) = (plan.streams.len(), plan.partitions.len());
        let nodes: Vec<Node> = (0..streams)
            .map(Node::Stream)
            .chain((0..partitions).map(Node::Partition))
            .chain((0..plan.queries.len()).map(Node::Query))
            .collect();
        let mut graph = Self {
            next: vec![vec![]; nodes.len()],
            prev: vec![vec![]; nodes.len()],
            nodes,
            readers: HashMap::new(),
            streams,
            partitions,
            visits: Cell::new(0),
        };
        for (s, readers) in plan.all_readers().into_iter().enumerate() {
            graph.next[s] = readers.into_iter().map(|n| graph.id(n)).collect();
        }
        for (p, partition) in plan.partitions.iter().enumerate() {
            for q in &partition.queries {
                let mut outer = false;
                for s in plan.queries[*q].input.streams() {
                    let keyed = partition.keys.iter().any(|(k, _)| k == s);
                    if keyed || partition.shared.contains(s) {
                        outer = true;
                        let readers = graph.readers.entry((p, *s)).or_default();
                        if readers.last() != Some(q) {
                            readers.push(*q);
                        }
                    }
                }
                if outer {
                    let (from, to) = (graph.id(Node::Partition(p)), graph.id(Node::Query(*q)));
                    graph.next[from].push(to);
                }
            }
        }
        for (q, query) in plan.queries.iter().enumerate() {
            let from = graph.id(Node::Query(q));
            graph.next[from].extend(query.target);
        }
        for from in 0..graph.nodes.len() {
            for to in graph.next[from].clone() {
                graph.prev[to].push(from);
            }
        }
        graph
    }

    pub(super) fn id(&self, node: Node) -> Id {
        match node {
            Node::Stream(s) => s,
            Node::Partition(p) => self.streams + p,
            Node::Query(q) => self.streams + self.partitions + q,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Node visits of all walks so far.
    pub(super) fn visits(&self) -> u64 {
        self.visits.get()
    }

    /// Marks everything that can be reached from `starts` over `edges`, the starts included. What is
    /// marked already is passed by.
    pub(super) fn flood(
        &self,
        edges: &[Vec<Id>],
        starts: impl IntoIterator<Item = Id>,
        marked: &mut [bool],
    ) {
        self.spread(edges, starts, |n| !std::mem::replace(&mut marked[n], true));
    }

    /// Walks from `starts` over `edges`, going on from every node of which `enter` says so.
    pub(super) fn spread(
        &self,
        edges: &[Vec<Id>],
        starts: impl IntoIterator<Item = Id>,
        mut enter: impl FnMut(Id) -> bool,
    ) {
        let mut todo: Vec<Id> = starts.into_iter().collect();
        while let Some(n) = todo.pop() {
            self.visits.set(self.visits.get() + 1);
            if enter(n) {
                todo.extend(&edges[n]);
            }
        }
    }

    /// The nodes between `from` and `to`, both included.
    pub(super) fn between(&self, from: &[Id], to: &[Id]) -> Vec<Id> {
        let (mut ahead, mut back) = (vec![false; self.len()], vec![false; self.len()]);
        self.flood(&self.next, from.iter().copied(), &mut ahead);
        self.flood(&self.prev, to.iter().copied(), &mut back);
        (0..self.len()).filter(|n| ahead[*n] && back[*n]).collect()
    }
}

/// Strongly connected components (Tarjan): the component of each node, numbered so that edges between
/// components lead from higher to lower numbers.
pub(super) fn components(next: &[Vec<Id>]) -> Vec<usize> {
    const NEW: usize = usize::MAX;
    let n = next.len();
    let (mut index, mut low) = (vec![NEW; n], vec![0; n]);
    let mut component = vec![NEW; n];
    let (mut open, mut path): (Vec<Id>, Vec<(Id, usize)>) = (vec![], vec![]);
    let (mut clock, mut found) = (0, 0);
    for root in 0..n {
        if index[root] != NEW {
            continue;
        }
        path.push((root, 0));
        while let Some((v, edge)) = path.last_mut() {
            let v = *v;
            if *edge == 0 {
                (index[v], low[v]) = (clock, clock);
                clock += 1;
                open.push(v);
            }
            if let Some(w) = next[v].get(*edge).copied() {
                *edge += 1;
                if index[w] == NEW {
                    path.push((w, 0));
                } else if component[w] == NEW {
                    low[v] = low[v].min(index[w]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[v]);
            }
            if low[v] == index[v] {
                while let Some(w) = open.pop() {
                    component[w] = found;
                    if w == v {
                        break;
                    }
                }
                found += 1;
            }
        }
    }
    component
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn components_of_a_graph() {
        // 0 -> 1 <-> 2 -> 3, 3 -> 4 -> 5 -> 3, 6 alone
        let c = components(&[vec![1], vec![2], vec![1, 3], vec![4], vec![5], vec![3], vec![]]);
        assert_eq!(c[1], c[2]);
        assert!(c[3] == c[4] && c[4] == c[5]);
        assert!(c[0] > c[1] && c[1] > c[3]);
        assert!([c[0], c[1], c[3], c[6]].iter().enumerate().all(|(i, a)| {
            [c[0], c[1], c[3], c[6]].iter().enumerate().all(|(j, b)| i == j || a != b)
        }));
        let chain: Vec<Vec<usize>> = (0..100_000).map(|i| vec![(i + 1) % 100_000]).collect();
        assert!(components(&chain).iter().all(|c| *c == 0));
    }
}
