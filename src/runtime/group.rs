//! Row by row: the nodes of one [`crate::plan::Unit::RowByRow`] run as Siddhi does, chunk by chunk,
//! depth first, with timers in due order between chunks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::core::{Core, Flow};
use crate::error::{Error, Result};
use crate::event::{EventBatch, concat};
use crate::plan::{Node, PartitionId, Plan, QueryId, StreamId};
use crate::time::{Step, Timeline};

/// How many chunks one event may cause inside a group before it is taken for an endless loop.
const MAX_CHUNKS_PER_CAUSE: usize = 1_000_000;

/// A chunk on its way to a node.
enum Task {
    /// To the readers of a stream.
    Stream(StreamId, EventBatch),
    /// All readers of a stream inside the group have seen this chunk.
    Seen(StreamId, EventBatch),
    /// To the queries of a partition.
    Keyed(PartitionId, StreamId, EventBatch),
    /// To one query.
    Query(QueryId, Entry, EventBatch),
}

/// Where a query takes a chunk in: the ports that read this stream.
type Entry = StreamId;

struct Run<'a> {
    core: &'a mut Core,
    inside: HashSet<Node>,
    queries: Vec<QueryId>,
    streams: Vec<Vec<EventBatch>>,
    outputs: Vec<Vec<EventBatch>>,
    /// Keyed rows that leave the group towards queries outside of it.
    keyed: Vec<(PartitionId, StreamId, EventBatch)>,
    /// What reads each stream.
    readers: Arc<Vec<Vec<Node>>>,
}

/// Runs the group over one step.
pub(super) fn run(core: &mut Core, nodes: &[Node], step: &Step<'_>, flow: &mut Flow) -> Result<()> {
    let inside: HashSet<Node> = nodes.iter().copied().collect();
    let queries: Vec<QueryId> =
        nodes.iter().filter_map(|n| if let Node::Query(q) = n { Some(*q) } else { None }).collect();
    let arrivals = arrivals(core, &inside, flow)?;
    let (s, q) = (flow.streams.len(), flow.queries.len());
    let readers = Arc::clone(&core.readers);
    let mut run = Run {
        core,
        inside,
        queries,
        streams: vec![vec![]; s],
        outputs: vec![vec![]; q],
        keyed: vec![],
        readers,
    };
    let mut last = (0, i64::MIN);
    for (_, _, _, task) in arrivals {
        let (order, at) = task.place();
        // Timers that a row arms fire behind everything of the row's cause.
        if (order, at) != last {
            run.timers(step, at, last.0)?;
        }
        last = (order, at);
        run.deliver(task)?;
    }
    run.timers(step, step.timeline.end(), last.0)?;
    let Run { core, inside, streams, outputs, keyed, .. } = run;
    for (s, batches) in streams.into_iter().enumerate() {
        if inside.contains(&Node::Stream(s)) {
            flow.streams[s] = concat(&core.plan.streams[s].schema, batches)?;
            core.stream_rows[s] += flow.streams[s].as_ref().map_or(0, |b| b.rows() as u64);
        }
    }
    for (q, batches) in outputs.into_iter().enumerate() {
        if inside.contains(&Node::Query(q)) {
            flow.queries[q] = concat(&core.plan.queries[q].select.output, batches)?;
        }
    }
    let mut parts: std::collections::BTreeMap<(PartitionId, StreamId), Vec<EventBatch>> =
        Default::default();
    for (p, s, b) in keyed {
        parts.entry((p, s)).or_default().push(b);
    }
    for ((p, s), batches) in parts {
        if let Some(b) = concat(core.plan.attributes(s), batches)? {
            flow.keyed.insert((p, s), b);
        }
    }
    Ok(())
}

impl Task {
    fn place(&self) -> (u64, i64) {
        match self {
            Task::Stream(_, b) | Task::Seen(_, b) | Task::Keyed(_, _, b) | Task::Query(_, _, b) => {
                (b.order[0], b.at[0])
            }
        }
    }
}

/// Chunks that come into the group from outside, in order: `(order, at, rank, task)`.
fn arrivals(
    core: &Core,
    inside: &HashSet<Node>,
    flow: &mut Flow,
) -> Result<Vec<(u64, i64, usize, Task)>> {
    let mut found: Vec<(u64, i64, usize, Task)> = Vec::new();
    // Of one cause, what comes first on a depth-first way through the graph goes first.
    let rank = |from: Node, to: Node| core.edges.get(&(from, to)).map_or(0, |time| time + 1);
    let mut add = |rank: usize, batch: &EventBatch, task: &dyn Fn(EventBatch) -> Task| {
        for chunk in batch.chunk_ranges() {
            let piece = batch.slice(chunk.start, chunk.len());
            found.push((piece.order[0], piece.at[0], rank, task(piece)));
        }
    };
    for s in 0..core.plan.streams.len() {
        if inside.contains(&Node::Stream(s)) {
            if let Some(b) = flow.sent[s].take() {
                add(0, &b, &|b| Task::Stream(s, b));
            }
            for q in &core.plan.streams[s].writers {
                if !inside.contains(&Node::Query(*q))
                    && let Some(mut b) = flow.queries[*q].clone()
                {
                    let rank = rank(Node::Query(*q), Node::Stream(s));
                    core.enter(s, &mut b);
                    add(rank, &b, &|b| Task::Stream(s, b));
                }
            }
            continue;
        }
        let Some(batch) = flow.streams[s].clone() else { continue };
        for reader in core.readers[s].iter().copied() {
            let rank = rank(Node::Stream(s), reader);
            match reader {
                Node::Query(q) if inside.contains(&reader) => {
                    add(rank, &batch, &|b| Task::Query(q, s, b));
                }
                Node::Partition(p) if inside.contains(&reader) => {
                    add(rank, &batch, &|b| Task::Keyed(p, s, b));
                }
                _ => {}
            }
        }
    }
    for (p, partition) in core.plan.partitions.iter().enumerate() {
        if inside.contains(&Node::Partition(p)) {
            continue;
        }
        for q in &partition.queries {
            let streams = core.plan.queries[*q].input.streams();
            for (port, s) in streams.iter().enumerate() {
                if streams[..port].contains(s) {
                    continue; // one chunk goes to all ports that read its stream
                }
                let keyed = flow.keyed.get(&(p, *s));
                if let Some(b) = keyed.filter(|_| inside.contains(&Node::Query(*q))) {
                    let rank = rank(Node::Partition(p), Node::Query(*q));
                    add(rank, b, &|b| Task::Query(*q, *s, b));
                }
            }
        }
    }
    found.sort_by_key(|(order, at, rank, _)| (*order, *at, *rank));
    Ok(found)
}

/// When a depth-first walk from the streams in front first takes each edge of the graph.
pub(super) fn edges(plan: &Plan, readers: &[Vec<Node>]) -> HashMap<(Node, Node), usize> {
    let fed: HashSet<StreamId> = plan.queries.iter().filter_map(|q| q.target).collect();
    let (inner, outer): (Vec<StreamId>, Vec<StreamId>) =
        (0..plan.streams.len()).partition(|s| fed.contains(s));
    let (mut times, mut seen) = (HashMap::new(), HashSet::new());
    for root in outer.into_iter().chain(inner) {
        let mut todo = vec![(None, Node::Stream(root))];
        while let Some((from, n)) = todo.pop() {
            if let Some(from) = from {
                let time = times.len();
                times.entry((from, n)).or_insert(time);
            }
            if !seen.insert(n) {
                continue;
            }
            let next: Vec<Node> = match n {
                Node::Stream(s) => readers[s].clone(),
                Node::Partition(p) => {
                    plan.partitions[p].queries.iter().map(|q| Node::Query(*q)).collect()
                }
                Node::Query(q) => plan.queries[q].target.map(Node::Stream).into_iter().collect(),
            };
            todo.extend(next.into_iter().rev().map(|m| (Some(n), m)));
        }
    }
    times
}

impl Run<'_> {
    /// Fires the group's timers due at or before `clock`, earliest first, ties by definition order,
    /// where the step's timeline reaches them behind order `after`.
    fn timers(&mut self, step: &Step<'_>, clock: i64, after: u64) -> Result<()> {
        loop {
            let due = self
                .queries
                .iter()
                .filter_map(|q| self.core.queries[*q].next_timer().map(|t| (t, *q)))
                .min();
            let Some((due, q)) = due.filter(|(due, _)| *due <= clock) else { return Ok(()) };
            let order = step.timeline.timer_order(due, after);
            let timeline = Timeline::new(order, due);
            let ports = self.core.plan.queries[q].input.streams().len();
            let mut inputs = vec![None; ports];
            let mut out = None;
            self.core.query(q, &Step { timeline: &timeline }, &mut inputs, &mut out)?;
            self.emitted(q, out)?;
        }
    }

    /// What a query emitted goes on, chunk by chunk.
    fn emitted(&mut self, q: QueryId, out: Option<EventBatch>) -> Result<()> {
        let Some(out) = out else { return Ok(()) };
        let mut stack = self.onward(q, out);
        self.drain(&mut stack)
    }

    fn deliver(&mut self, task: Task) -> Result<()> {
        let mut stack = vec![task];
        self.drain(&mut stack)
    }

    /// The chunks of a query's output, last first (to be put on the stack).
    fn onward(&mut self, q: QueryId, out: EventBatch) -> Vec<Task> {
        let target = self.core.plan.queries[q].target;
        let tasks = match target.filter(|t| self.inside.contains(&Node::Stream(*t))) {
            None => vec![],
            Some(t) => {
                let mut entered = out.clone();
                self.core.enter(t, &mut entered);
                let chunk =
                    |c: std::ops::Range<usize>| Task::Stream(t, entered.slice(c.start, c.len()));
                let mut tasks: Vec<Task> = entered.chunk_ranges().map(chunk).collect();
                tasks.reverse();
                tasks
            }
        };
        self.outputs[q].push(out);
        tasks
    }

    fn drain(&mut self, stack: &mut Vec<Task>) -> Result<()> {
        let mut left = MAX_CHUNKS_PER_CAUSE;
        while let Some(task) = stack.pop() {
            left -= 1;
            if left == 0 {
                return Err(self.endless());
            }
            match task {
                Task::Stream(s, batch) => {
                    // Callbacks are told last, after what the chunk caused in a loop.
                    stack.push(Task::Seen(s, batch.clone()));
                    let readers = Arc::clone(&self.readers);
                    for reader in readers[s].iter().rev().copied() {
                        if !self.inside.contains(&reader) {
                            continue;
                        }
                        match reader {
                            Node::Query(q) => stack.push(Task::Query(q, s, batch.clone())),
                            Node::Partition(p) => stack.push(Task::Keyed(p, s, batch.clone())),
                            Node::Stream(_) => {}
                        }
                    }
                }
                Task::Seen(s, batch) => self.streams[s].push(batch),
                Task::Keyed(p, s, batch) => self.keyed(p, s, batch, stack)?,
                Task::Query(q, s, batch) => {
                    let (order, at) = (batch.order[0], batch.at[0]);
                    let mut timeline = Timeline::new(order & !1, at);
                    if order % 2 == 1 {
                        timeline.push(order, at);
                    }
                    let mut inputs: Vec<Option<EventBatch>> = self.core.plan.queries[q]
                        .input
                        .streams()
                        .iter()
                        .map(|port| (*port == s).then(|| batch.clone()))
                        .collect();
                    let mut out = None;
                    self.core.query(q, &Step { timeline: &timeline }, &mut inputs, &mut out)?;
                    if let Some(out) = out {
                        let tasks = self.onward(q, out);
                        stack.extend(tasks);
                    }
                }
            }
        }
        Ok(())
    }

    fn keyed(
        &mut self,
        p: PartitionId,
        s: StreamId,
        batch: EventBatch,
        stack: &mut Vec<Task>,
    ) -> Result<()> {
        let plan = std::sync::Arc::clone(&self.core.plan);
        let plan = &plan.partitions[p];
        let streams = plan.keys.iter().map(|(s, _)| s).chain(&plan.shared);
        let mut batches: Vec<Option<EventBatch>> =
            streams.clone().map(|k| (*k == s).then(|| batch.clone())).collect();
        let place = streams.clone().position(|k| *k == s);
        self.core.enter_partition(p, &mut batches)?;
        let Some(out) = place.and_then(|i| batches[i].take()) else {
            return Ok(());
        };
        let readers = self.core.plan.partition_readers(p, s);
        let mut tasks = Vec::new();
        for c in out.chunk_ranges() {
            let piece = out.slice(c.start, c.len());
            for q in readers.iter().filter(|q| self.inside.contains(&Node::Query(**q))) {
                tasks.push(Task::Query(*q, s, piece.clone()));
            }
        }
        tasks.reverse();
        stack.extend(tasks);
        if readers.iter().any(|q| !self.inside.contains(&Node::Query(*q))) {
            self.keyed.push((p, s, out));
        }
        Ok(())
    }

    fn endless(&self) -> Error {
        let names: Vec<String> = self
            .inside
            .iter()
            .filter_map(|n| match n {
                Node::Stream(s) => Some(self.core.plan.streams[*s].full_name()),
                _ => None,
            })
            .collect();
        let mut names = names;
        names.sort();
        Error::Limit(format!(
            "one event caused more than {MAX_CHUNKS_PER_CAUSE} results in a loop of streams ({})",
            names.join(", ")
        ))
    }
}
