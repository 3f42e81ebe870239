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
//!   stream or query F along different paths: F must see all that chunk 1 caused before chunk 2.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::graph::{Coupling, InputPlan, Node, Plan, QueryId, StreamId, Unit};
use super::spec::HandlerSpec;

/// Fills in `plan.schedule` and ranks the writers of every stream.
pub(super) fn schedule(plan: &mut Plan) {
    let graph = Graph::new(plan);
    let arrivals = rank_writers(plan, &graph);
    let ports = rank_ports(plan, &graph, &arrivals);
    let mut groups: Vec<(BTreeSet<Node>, Coupling)> =
        graph.cycles().into_iter().map(|c| (c, Coupling::Feedback)).collect();
    groups.extend(ports.into_iter().map(|p| (p, Coupling::Reconvergence)));
    for (nodes, always) in reconvergences(plan, &graph) {
        let why = if always { Coupling::Reconvergence } else { Coupling::ReconvergenceOfChunks };
        groups.push((nodes, why));
    }
    let groups = close(&graph, groups);
    plan.schedule = order(plan, &graph, groups);
}

/// Edges between nodes, in Siddhi's order of subscription.
struct Graph {
    nodes: Vec<Node>,
    next: HashMap<Node, Vec<Node>>,
}

impl Graph {
    fn new(plan: &Plan) -> Self {
        let mut nodes = Vec::new();
        let mut next: HashMap<Node, Vec<Node>> = HashMap::new();
        for s in 0..plan.streams.len() {
            nodes.push(Node::Stream(s));
            next.insert(Node::Stream(s), plan.readers(s));
        }
        for (p, partition) in plan.partitions.iter().enumerate() {
            nodes.push(Node::Partition(p));
            let outer = |q: &usize| {
                plan.queries[*q].input.streams().iter().any(|s| {
                    partition.keys.iter().any(|(k, _)| k == s) || partition.shared.contains(s)
                })
            };
            let readers = partition.queries.iter().filter(|q| outer(q)).map(|q| Node::Query(*q));
            next.insert(Node::Partition(p), readers.collect());
        }
        for (q, query) in plan.queries.iter().enumerate() {
            nodes.push(Node::Query(q));
            next.insert(Node::Query(q), query.target.map(Node::Stream).into_iter().collect());
        }
        Self { nodes, next }
    }

    fn after(&self, n: Node) -> &[Node] {
        self.next.get(&n).map_or(&[], Vec::as_slice)
    }

    fn reach(&self, from: Node) -> HashSet<Node> {
        let mut seen = HashSet::new();
        let mut todo = vec![from];
        while let Some(n) = todo.pop() {
            if seen.insert(n) {
                todo.extend(self.after(n));
            }
        }
        seen
    }

    /// Strongly connected components of more than one node (streams and queries alternate, so a
    /// query that feeds itself makes one of two nodes).
    fn cycles(&self) -> Vec<BTreeSet<Node>> {
        let reach: HashMap<Node, HashSet<Node>> =
            self.nodes.iter().map(|n| (*n, self.reach(*n))).collect();
        let mut cycles: Vec<BTreeSet<Node>> = Vec::new();
        for n in &self.nodes {
            if cycles.iter().any(|c| c.contains(n)) {
                continue;
            }
            let with: BTreeSet<Node> =
                reach[n].iter().filter(|m| reach[*m].contains(n)).copied().collect();
            if with.len() > 1 {
                cycles.push(with);
            }
        }
        cycles
    }
}

/// Orders the writers of each stream as a depth-first walk from the streams in front would first
/// call them, and tells in which order one event first comes to the ports of a query.
fn rank_writers(plan: &mut Plan, graph: &Graph) -> HashMap<(StreamId, QueryId), usize> {
    let mut writers: Vec<Vec<usize>> = vec![vec![]; plan.streams.len()];
    let mut arrivals = HashMap::new();
    let mut seen = HashSet::new();
    let fed: HashSet<usize> = plan.queries.iter().filter_map(|q| q.target).collect();
    let (inner, outer): (Vec<usize>, Vec<usize>) =
        (0..plan.streams.len()).partition(|s| fed.contains(s));
    for root in outer.into_iter().chain(inner) {
        let mut todo = vec![(None, Node::Stream(root))];
        while let Some((from, n)) = todo.pop() {
            let time = arrivals.len();
            match (from, n) {
                (Some(Node::Stream(s)), Node::Query(q)) => {
                    arrivals.entry((s, q)).or_insert(time);
                }
                (Some(Node::Stream(s)), Node::Partition(p)) => {
                    for q in plan.partition_readers(p, s) {
                        arrivals.entry((s, q)).or_insert(time);
                    }
                }
                _ => {}
            }
            if !seen.insert(n) {
                continue;
            }
            if let Node::Query(q) = n
                && let Some(t) = plan.queries[q].target
            {
                writers[t].push(q);
            }
            todo.extend(graph.after(n).iter().rev().map(|m| (Some(n), *m)));
        }
    }
    for (s, w) in plan.streams.iter_mut().zip(writers) {
        s.writers = w;
    }
    arrivals
}

/// Ports take rows of one cause in the order of their numbers. Where one event comes to them in
/// another order, a join is told so, and a pattern runs row by row with all between it and the event.
fn rank_ports(
    plan: &mut Plan,
    graph: &Graph,
    arrivals: &HashMap<(StreamId, QueryId), usize>,
) -> Vec<BTreeSet<Node>> {
    let mut groups = Vec::new();
    for q in 0..plan.queries.len() {
        let ports = plan.queries[q].input.streams().to_vec();
        let pairs = (0..ports.len()).flat_map(|i| (i + 1..ports.len()).map(move |j| (i, j)));
        for (i, j) in pairs {
            let (a, b) = (ports[i], ports[j]);
            let late = arrivals.get(&(a, q)) > arrivals.get(&(b, q));
            let roots = |n: &&Node| {
                let reach = graph.reach(**n);
                reach.contains(&Node::Stream(a)) && reach.contains(&Node::Stream(b))
            };
            if a == b || !late || !graph.nodes.iter().any(|n| roots(&n)) {
                continue;
            }
            if let InputPlan::Join { spec, .. } = &mut plan.queries[q].input {
                spec.right_first = true;
                continue;
            }
            let from: Vec<Node> = graph.nodes.iter().filter(roots).copied().collect();
            let between = |n: &&Node| {
                graph.reach(**n).contains(&Node::Query(q))
                    && from.iter().any(|f| graph.reach(*f).contains(*n))
            };
            groups.push(graph.nodes.iter().filter(between).copied().collect());
        }
    }
    groups
}

/// Whether a query has a window (or two).
fn windowed(plan: &Plan, q: usize) -> bool {
    match &plan.queries[q].input {
        InputPlan::Pattern { .. } => false,
        InputPlan::Join { .. } => true,
        InputPlan::Stream { chain, .. } => {
            chain.iter().any(|h| matches!(h, HandlerSpec::Window { .. }))
        }
    }
}

/// Groups of nodes between a stream that can carry several chunks of one cause and the places where
/// its readers' results meet again; and whether chunks of several input events are needed for it.
fn reconvergences(plan: &Plan, graph: &Graph) -> Vec<(BTreeSet<Node>, bool)> {
    let reach: HashMap<Node, HashSet<Node>> =
        graph.nodes.iter().map(|n| (*n, graph.reach(*n))).collect();
    let always = spread(graph, many_always(plan, &reach));
    let chunks = spread(graph, many_by_chunks(plan));
    let mut groups = Vec::new();
    for m in &graph.nodes {
        let readers = graph.after(*m);
        if readers.len() < 2 || !(always.contains(m) || chunks.contains(m)) {
            continue;
        }
        let mut meet: BTreeSet<Node> = BTreeSet::new();
        for (i, a) in readers.iter().enumerate() {
            for b in &readers[i + 1..] {
                let both = reach[a].intersection(&reach[b]);
                meet.extend(both.filter(|f| !matches!(f, Node::Partition(_))));
            }
        }
        if meet.is_empty() {
            continue;
        }
        // What lies between, and the first places of meeting.
        let first: Vec<Node> = meet
            .iter()
            .filter(|f| !meet.iter().any(|g| g != *f && reach[g].contains(f)))
            .copied()
            .collect();
        let between = graph
            .nodes
            .iter()
            .filter(|n| reach[m].contains(n) && first.iter().any(|f| reach[n].contains(f)));
        groups.push((between.copied().collect(), always.contains(m)));
    }
    groups
}

/// Nodes that emit several chunks for one cause, whatever the input chunks are: streams that two
/// queries write because of one event (or of timers due together), and windows of partitions, where
/// several keys can be due together.
fn many_always(plan: &Plan, reach: &HashMap<Node, HashSet<Node>>) -> HashSet<Node> {
    let mut many = HashSet::new();
    for (s, stream) in plan.streams.iter().enumerate() {
        let w = &stream.writers;
        let related = |a: usize, b: usize| {
            let timed = windowed(plan, a) && windowed(plan, b);
            let (a, b) = (Node::Query(a), Node::Query(b));
            timed || reach.values().any(|r| r.contains(&a) && r.contains(&b))
        };
        if w.iter().enumerate().any(|(i, a)| w[i + 1..].iter().any(|b| related(*a, *b))) {
            many.insert(Node::Stream(s));
        }
    }
    let keyed = |q: &usize| plan.queries[*q].partition.is_some() && windowed(plan, *q);
    many.extend((0..plan.queries.len()).filter(keyed).map(Node::Query));
    many
}

/// Nodes that can cut a chunk of several events in pieces.
fn many_by_chunks(plan: &Plan) -> HashSet<Node> {
    let entries = (0..plan.partitions.len()).map(Node::Partition);
    let windows = (0..plan.queries.len()).filter(|q| windowed(plan, *q)).map(Node::Query);
    entries.chain(windows).collect()
}

/// The nodes and everything behind them.
fn spread(graph: &Graph, mut nodes: HashSet<Node>) -> HashSet<Node> {
    let mut todo: Vec<Node> = nodes.iter().copied().collect();
    while let Some(n) = todo.pop() {
        for m in graph.after(n) {
            if nodes.insert(*m) {
                todo.push(*m);
            }
        }
    }
    nodes
}

/// Joins groups that overlap, and adds nodes on paths from a group back into it.
fn close(
    graph: &Graph,
    groups: Vec<(BTreeSet<Node>, Coupling)>,
) -> Vec<(BTreeSet<Node>, Coupling)> {
    let reach: HashMap<Node, HashSet<Node>> =
        graph.nodes.iter().map(|n| (*n, graph.reach(*n))).collect();
    let mut closed: Vec<(BTreeSet<Node>, Coupling)> = Vec::new();
    for (mut nodes, mut why) in groups {
        loop {
            let mut grown = nodes.clone();
            for n in &graph.nodes {
                let before = nodes.iter().any(|m| reach[m].contains(n));
                let after = nodes.iter().any(|m| reach[n].contains(m));
                if before && after {
                    grown.insert(*n);
                }
            }
            while let Some(i) = closed.iter().position(|(c, _)| !c.is_disjoint(&grown)) {
                let (c, w) = closed.remove(i);
                grown.extend(c);
                why = stronger(why, w);
            }
            if grown == nodes {
                break;
            }
            nodes = grown;
        }
        closed.push((nodes, why));
    }
    closed
}

fn stronger(a: Coupling, b: Coupling) -> Coupling {
    use Coupling::{Feedback, Reconvergence, ReconvergenceOfChunks};
    match (a, b) {
        (Feedback, _) | (_, Feedback) => Feedback,
        (Reconvergence, _) | (_, Reconvergence) => Reconvergence,
        _ => ReconvergenceOfChunks,
    }
}

/// Topological order of the groups and the single nodes outside them; ties by definition order.
fn order(plan: &Plan, graph: &Graph, groups: Vec<(BTreeSet<Node>, Coupling)>) -> Vec<Unit> {
    let unit_of = |n: &Node| groups.iter().position(|(g, _)| g.contains(n));
    let mut waiting: HashMap<Node, usize> = graph.nodes.iter().map(|n| (*n, 0)).collect();
    let same = |a: &Node, b: &Node| unit_of(a).is_some() && unit_of(a) == unit_of(b);
    for n in &graph.nodes {
        for m in graph.after(*n).iter().filter(|m| !same(n, m)) {
            *waiting.entry(*m).or_default() += 1;
        }
    }
    let mut left: Vec<Node> = graph.nodes.clone();
    left.sort_by_key(|n| position(plan, n));
    let mut units = Vec::new();
    while !left.is_empty() {
        let ready = |n: &Node| match unit_of(n) {
            None => waiting[n] == 0,
            Some(g) => groups[g].0.iter().all(|m| waiting[m] == 0),
        };
        let Some(i) = left.iter().position(ready) else {
            debug_assert!(false, "cycles were made groups");
            return units;
        };
        let nodes: Vec<Node> = match unit_of(&left[i]) {
            None => vec![left[i]],
            Some(g) => {
                let nodes = left.iter().filter(|n| groups[g].0.contains(n)).copied().collect();
                sorted(graph, nodes)
            }
        };
        left.retain(|n| !nodes.contains(n));
        for n in &nodes {
            for m in graph.after(*n).iter().filter(|m| !same(n, m)) {
                if let Some(w) = waiting.get_mut(m) {
                    *w -= 1;
                }
            }
        }
        units.push(match unit_of(&nodes[0]) {
            None => Unit::Columnar(nodes[0]),
            Some(g) => Unit::RowByRow { nodes, reason: groups[g].1 },
        });
    }
    units
}

/// The nodes of a group in topological order as far as there is one, ties as they stand.
fn sorted(graph: &Graph, mut left: Vec<Node>) -> Vec<Node> {
    let mut done = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = |n: &Node| !left.iter().any(|m| m != n && graph.after(*m).contains(n));
        let next = left.iter().position(free).unwrap_or(0);
        done.push(left.remove(next));
    }
    done
}

/// Streams first, then partitions and queries as they stand in the text.
fn position(plan: &Plan, n: &Node) -> (u32, u32, usize) {
    match n {
        Node::Stream(s) => (0, 0, *s),
        Node::Partition(p) => (1, plan.partitions[*p].span.start, 0),
        Node::Query(q) => (1, plan.queries[*q].span.start, 1 + *q),
    }
}
