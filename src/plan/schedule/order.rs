//! Groups made disjoint, and everything put in an order to run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::meet::Group;
use super::walk::{Graph, Id, components};
use crate::plan::graph::{Coupling, Node, Plan, Unit};

/// The groups and the nodes outside them, as units.
pub(super) struct Units {
    /// Unit of each node.
    of: Vec<usize>,
    nodes: Vec<Vec<Id>>,
    /// Why a unit runs row by row.
    why: Vec<Option<Coupling>>,
}

/// Joins groups that overlap, and adds nodes on paths from a group back into it.
pub(super) fn close(graph: &Graph, groups: &[Group]) -> Units {
    let mut sets = Sets((0..graph.len()).collect());
    for (nodes, _) in groups {
        nodes.windows(2).for_each(|w| sets.join(w[0], w[1]));
    }
    // With every group as one node, what is on a way back is in its strongly connected component.
    let mut contracted: Vec<Vec<Id>> = vec![vec![]; graph.len()];
    for from in 0..graph.len() {
        let at = sets.find(from);
        contracted[at].extend(graph.next[from].iter().map(|to| sets.find(*to)));
    }
    let component = components(&contracted);
    let of: Vec<usize> = (0..graph.len()).map(|n| component[sets.find(n)]).collect();
    let count = component.iter().max().map_or(0, |c| c + 1);
    let mut units = Units { of, nodes: vec![vec![]; count], why: vec![None; count] };
    for n in 0..graph.len() {
        units.nodes[units.of[n]].push(n);
    }
    for (nodes, why) in groups {
        if let Some(n) = nodes.first() {
            let unit = &mut units.why[units.of[*n]];
            *unit = Some(unit.map_or(*why, |w| stronger(w, *why)));
        }
    }
    units
}

/// Disjoint sets of nodes.
struct Sets(Vec<Id>);

impl Sets {
    fn find(&mut self, mut n: Id) -> Id {
        while self.0[n] != n {
            self.0[n] = self.0[self.0[n]];
            n = self.0[n];
        }
        n
    }

    fn join(&mut self, a: Id, b: Id) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
    }
}

fn stronger(a: Coupling, b: Coupling) -> Coupling {
    use Coupling::{Feedback, Reconvergence, ReconvergenceOfChunks};
    match (a, b) {
        (Feedback, _) | (_, Feedback) => Feedback,
        (Reconvergence, _) | (_, Reconvergence) => Reconvergence,
        _ => ReconvergenceOfChunks,
    }
}

/// Topological order of the units; ties by definition order.
pub(super) fn order(plan: &Plan, graph: &Graph, units: &Units) -> Vec<Unit> {
    let count = units.nodes.len();
    let mut waiting = vec![0usize; count];
    let rank = |u: usize| units.nodes[u].iter().map(|n| position(plan, graph.nodes[*n])).min();
    let edges = |u: usize| {
        let targets = units.nodes[u].iter().flat_map(|n| &graph.next[*n]);
        targets.map(|m| units.of[*m]).filter(move |v| *v != u)
    };
    for u in 0..count {
        edges(u).for_each(|v| waiting[v] += 1);
    }
    let used = |u: &usize| !units.nodes[*u].is_empty();
    let mut ready: BinaryHeap<_> =
        (0..count).filter(|u| waiting[*u] == 0 && used(u)).map(|u| Reverse((rank(u), u))).collect();
    let mut schedule = Vec::new();
    while let Some(Reverse((_, u))) = ready.pop() {
        for v in edges(u) {
            waiting[v] -= 1;
            if waiting[v] == 0 {
                ready.push(Reverse((rank(v), v)));
            }
        }
        schedule.push(match (units.nodes[u].as_slice(), units.why[u]) {
            ([n], None) => Unit::Columnar(graph.nodes[*n]),
            (nodes, why) => {
                // Only feedback makes a unit of several nodes without a group.
                let reason = why.unwrap_or(Coupling::Feedback);
                Unit::RowByRow { nodes: sorted(plan, graph, nodes), reason }
            }
        });
    }
    schedule
}

/// The nodes of a group in topological order as far as there is one, ties by definition order.
fn sorted(plan: &Plan, graph: &Graph, nodes: &[Id]) -> Vec<Node> {
    let mut left = nodes.to_vec();
    left.sort_by_key(|n| position(plan, graph.nodes[*n]));
    let mut place = vec![None; graph.len()];
    left.iter().enumerate().for_each(|(i, n)| place[*n] = Some(i));
    let mut waiting = vec![0usize; left.len()];
    let inside = |n: Id| graph.next[n].iter().filter_map(|m| place[*m]);
    for n in &left {
        inside(*n).for_each(|i| waiting[i] += 1);
    }
    let mut ready: BinaryHeap<_> =
        (0..left.len()).filter(|i| waiting[*i] == 0).map(Reverse).collect();
    let mut taken = vec![false; left.len()];
    let mut stuck = 0;
    let mut done = Vec::with_capacity(left.len());
    while done.len() < left.len() {
        // In a circle the one that was written first begins.
        let i = ready.pop().map_or_else(
            || {
                while taken[stuck] {
                    stuck += 1;
                }
                stuck
            },
            |Reverse(i)| i,
        );
        if std::mem::replace(&mut taken[i], true) {
            continue;
        }
        done.push(graph.nodes[left[i]]);
        for j in inside(left[i]) {
            waiting[j] -= 1;
            if waiting[j] == 0 && !taken[j] {
                ready.push(Reverse(j));
            }
        }
    }
    done
}

/// Streams first, then partitions and queries as they stand in the text.
fn position(plan: &Plan, n: Node) -> (u32, u32, usize) {
    match n {
        Node::Stream(s) => (0, 0, s),
        Node::Partition(p) => (1, plan.partitions[p].span.start, 0),
        Node::Query(q) => (1, plan.queries[q].span.start, 1 + q),
    }
}
