//! The core: one thread's graph of operators, run step by step.
//!
//! A step visits the units of the schedule in order. Streams merge what was sent to them with what
//! their writers emitted; queries take the batches of their ports. Nothing is shared, nothing waits.

use std::collections::HashMap;
use std::sync::Arc;

use hashbrown::HashMap as FastMap;

use super::build::{QueryNode, build_partition, build_query};
use super::engine::Services;
use super::event_time::{Entrance, EventTime};
use super::group;
use super::ingress::Ingress;
use super::stats::QueryStats;
use super::triggers::Triggers;
use crate::error::{Error, Result};
use crate::event::{EventBatch, SINGLE_KEY, merge};
use crate::op::named::{currents, emitted};
use crate::op::partition::PartitionEntry;
use crate::plan::{Coupling, InputPlan, Node, PartitionId, Plan, StreamId, Unit, WindowEnd};
use crate::state::{SnapshotReader, SnapshotWriter, seal, unseal};
use crate::time::{Step, Timeline};

/// Format of snapshots.
const SNAPSHOT_VERSION: u32 = 5;

pub(super) struct Core {
    pub(super) plan: Arc<Plan>,
    /// What reads each stream.
    pub(super) readers: Arc<Vec<Vec<Node>>>,
    /// See [`group::edges`].
    pub(super) edges: HashMap<(Node, Node), usize>,
    handing: Handing,
    pub(super) ingress: Ingress,
    /// What stands in front of it, if a stream has a watermark.
    pub(super) event_time: Option<Box<EventTime>>,
    pub(super) queries: Vec<QueryNode>,
    pub(super) partitions: Vec<PartitionEntry>,
    pub(super) stats: Vec<QueryStats>,
    triggers: Triggers,
    /// Whether the clock's start is known, and operators and triggers were told of it.
    begun: bool,
    /// Rows that passed each stream.
    pub(super) stream_rows: Vec<u64>,
    /// Clock up to which timers have fired.
    done: i64,
    /// Set when a step failed: the state is no longer that of a whole step.
    broken: Option<String>,
    /// The memory of the last step's flow.
    spare: Flow,
}

/// What moves through the graph in one step. A batch is handed on, not copied, to the last who wants it
/// (see [`Handing`]): of streams and queries nobody subscribed to, nothing need be left at the end.
#[derive(Default)]
pub(super) struct Flow {
    /// Output of each stream.
    pub(super) streams: Vec<Option<EventBatch>>,
    /// Keyed rows inside partitions.
    pub(super) keyed: Keyed,
    /// Output of each query.
    pub(super) queries: Vec<Option<EventBatch>>,
    /// What was sent from outside, until the stream takes it.
    pub(super) sent: Vec<Option<EventBatch>>,
}

/// Batches by partition and stream.
type Keyed = FastMap<(PartitionId, StreamId), EventBatch, foldhash::fast::FixedState>;

impl Flow {
    /// Gives up what is left.
    fn clear(&mut self) {
        self.streams.iter_mut().for_each(|b| *b = None);
        self.queries.iter_mut().for_each(|b| *b = None);
        self.sent.iter_mut().for_each(|b| *b = None);
        self.keyed.clear();
    }
}

/// Who is the only one to want a batch.
struct Handing {
    /// Streams and queries somebody subscribed to.
    watched_streams: Vec<bool>,
    watched_queries: Vec<bool>,
    /// By query, whether no other query or port reads its port's stream.
    alone: Vec<Vec<bool>>,
    /// By partition, its streams in the order of its ports, and whether nobody else reads them.
    entries: Vec<Vec<(StreamId, bool)>>,
}

impl Handing {
    fn new(plan: &Plan, readers: &[Vec<Node>]) -> Self {
        let alone = plan.queries.iter().map(|q| {
            let streams = q.input.streams();
            let alone = |s: &StreamId| {
                let keyed = q.partition.filter(|_| plan.streams[*s].partition.is_none());
                let others = match keyed {
                    Some(p) => plan.partition_readers(p, *s).len(),
                    None => readers[*s].len(),
                };
                others == 1 && streams.iter().filter(|t| *t == s).count() == 1
            };
            streams.iter().map(alone).collect()
        });
        let entries = plan.partitions.iter().map(|p| {
            let streams = || p.keys.iter().map(|(s, _)| *s).chain(p.shared.iter().copied());
            let alone =
                |s: StreamId| readers[s].len() == 1 && streams().filter(|t| *t == s).count() == 1;
            streams().map(|s| (s, alone(s))).collect()
        });
        Self {
            watched_streams: vec![false; plan.streams.len()],
            watched_queries: vec![false; plan.queries.len()],
            alone: alone.collect(),
            entries: entries.collect(),
        }
    }
}

/// The batch, left where it is unless `last` wants it.
fn hand(batch: &mut Option<EventBatch>, last: bool) -> Option<EventBatch> {
    if last { batch.take() } else { batch.clone() }
}

impl Core {
    pub(super) fn new(
        plan: Arc<Plan>,
        services: &Services,
        clock: i64,
        playback: bool,
    ) -> Result<Self> {
        let queries = plan
            .queries
            .iter()
            .map(|q| build_query(&plan, q, services))
            .collect::<Result<Vec<_>>>()?;
        let partitions =
            plan.partitions.iter().map(|p| build_partition(&plan, p)).collect::<Result<_>>()?;
        let schemas = plan.streams.iter().map(|s| s.schema.clone());
        let ingress = Ingress::new(schemas, playback, clock);
        let stats = vec![QueryStats::default(); queries.len()];
        let readers = Arc::new(plan.all_readers());
        let stream_rows = vec![0; plan.streams.len()];
        let edges = group::edges(&plan, &readers);
        let handing = Handing::new(&plan, &readers);
        let event_time = EventTime::new(&plan, clock);
        let mut core = Self {
            event_time,
            triggers: Triggers::new(&plan),
            begun: false,
            plan,
            readers,
            handing,
            edges,
            ingress,
            queries,
            partitions,
            stats,
            stream_rows,
            done: clock,
            broken: None,
            spare: Flow::default(),
        };
        // In playback without a start, the first event is the start.
        if !(playback && clock == 0) {
            core.begin(clock);
        }
        Ok(core)
    }

    /// The application starts.
    fn begin(&mut self, at: i64) {
        self.begun = true;
        self.triggers.begin(at);
        for (query, plan) in self.queries.iter_mut().zip(&self.plan.queries) {
            if plan.partition.is_none() {
                query.begin(SINGLE_KEY, at);
            }
        }
    }

    /// Has event time move the clock, or what is told. Where nothing has happened and no start was
    /// given, the application starts with the first event, or now.
    pub(super) fn set_playback(&mut self, playback: bool, now: i64) {
        self.ingress.set_playback(playback);
        if self.ingress.position() != (0, 0) {
            return;
        }
        self.begun = false;
        self.triggers.stop();
        if !playback {
            self.ingress.advance_to(now);
            self.begin(now);
        }
    }

    /// Somebody wants what passes a stream, beside those who read it.
    pub(super) fn watch_stream(&mut self, s: StreamId) {
        self.handing.watched_streams[s] = true;
    }

    /// Somebody wants what a query puts out, beside the stream it inserts into.
    pub(super) fn watch_query(&mut self, q: usize) {
        self.handing.watched_queries[q] = true;
    }

    /// Rows into a partition, in place; its queries are told of keys that come into being.
    pub(super) fn enter_partition(
        &mut self,
        p: PartitionId,
        batches: &mut [Option<EventBatch>],
    ) -> Result<()> {
        for (batch, (s, _)) in batches.iter_mut().zip(&self.handing.entries[p]) {
            self.make_readable(*s, batch)?;
        }
        self.partitions[p].process(batches)?;
        for (key, at) in self.partitions[p].take_fresh() {
            for q in &self.plan.partitions[p].queries {
                self.queries[*q].begin(key, at);
            }
        }
        Ok(())
    }

    /// The way in.
    pub(super) fn entrance(&mut self) -> Entrance<'_> {
        Entrance { ingress: &mut self.ingress, event_time: self.event_time.as_deref_mut() }
    }

    /// Whether a step would do anything.
    pub(super) fn is_due(&self) -> bool {
        let fires = self.triggers.next_due().is_some_and(|due| due <= self.ingress.clock());
        self.broken.is_none() && (fires || self.ingress.is_due(self.done))
    }

    /// Why the application stopped.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.as_ref().map(|why| format!("the application stopped: {why}"))
    }

    /// When the next timer is due, ms.
    pub(super) fn next_timer(&self) -> Option<i64> {
        let timers = self.queries.iter().filter_map(QueryNode::next_timer);
        timers.chain(self.triggers.next_due()).min()
    }

    /// Runs everything that waits as one step.
    pub(super) fn step(&mut self) -> Result<Flow> {
        if let Some(why) = &self.broken {
            return Err(Error::Limit(format!("the application stopped: {why}")));
        }
        let mut flow = std::mem::take(&mut self.spare);
        let (timeline, chunked) = self.ingress.step(&mut flow.sent)?;
        self.done = timeline.end();
        if !self.begun {
            self.begin(timeline.points().next().map_or(timeline.end(), |(_, clock)| clock));
        }
        match self.run(&timeline, &mut flow, chunked) {
            Ok(()) => Ok(flow),
            Err(e) => {
                self.broken = Some(e.to_string());
                Err(e)
            }
        }
    }

    /// Takes back the flow of a step, of which nothing is needed any more.
    pub(super) fn recycle(&mut self, mut flow: Flow) {
        flow.clear();
        self.spare = flow;
    }

    fn run(&mut self, timeline: &Timeline, flow: &mut Flow, chunked: bool) -> Result<()> {
        let step = Step { timeline };
        for (s, fired) in self.triggers.fire(timeline)? {
            let all = std::iter::once(fired).chain(flow.sent[s].take()).collect();
            flow.sent[s] = merge(&self.plan.streams[s].schema, all)?;
        }
        flow.streams.resize(self.plan.streams.len(), None);
        flow.queries.resize(self.queries.len(), None);
        let plan = Arc::clone(&self.plan);
        for unit in &plan.schedule {
            match unit {
                Unit::Columnar(node) => self.columnar(*node, &step, flow)?,
                Unit::RowByRow { nodes, reason: Coupling::ReconvergenceOfChunks } if !chunked => {
                    for node in nodes {
                        self.columnar(*node, &step, flow)?;
                    }
                }
                Unit::RowByRow { nodes, .. } => group::run(self, nodes, &step, flow)?,
            }
        }
        Ok(())
    }

    fn columnar(&mut self, node: Node, step: &Step<'_>, flow: &mut Flow) -> Result<()> {
        match node {
            Node::Stream(s) => self.stream(s, flow),
            Node::Partition(p) => match &self.handing.entries[p][..] {
                [_] => self.partition(p, &mut [None], flow),
                several => self.partition(p, &mut vec![None; several.len()], flow),
            },
            Node::Query(q) => match self.plan.queries[q].input.streams() {
                [s] => self.query_of_one(q, *s, step, flow),
                streams => {
                    let ports = streams.iter().enumerate();
                    let mut inputs: Vec<Option<EventBatch>> =
                        ports.map(|(port, s)| self.port(q, port, *s, flow)).collect();
                    self.query(q, step, &mut inputs, &mut flow.queries[q])
                }
            },
        }
    }

    /// A query with one port. (Batches are large to move, so they are left where they are.)
    fn query_of_one(
        &mut self,
        q: usize,
        s: StreamId,
        step: &Step<'_>,
        flow: &mut Flow,
    ) -> Result<()> {
        let keyed =
            self.plan.queries[q].partition.is_some() && self.plan.streams[s].partition.is_none();
        if !keyed && self.handing.alone[q][0] && !self.handing.watched_streams[s] {
            let input = std::slice::from_mut(&mut flow.streams[s]);
            return self.query(q, step, input, &mut flow.queries[q]);
        }
        let mut input = [self.port(q, 0, s, flow)];
        self.query(q, step, &mut input, &mut flow.queries[q])
    }

    /// Merges what was sent to a stream with what its writers put out.
    fn stream(&mut self, s: StreamId, flow: &mut Flow) -> Result<()> {
        let stream = &self.plan.streams[s];
        let Flow { streams, queries, sent, .. } = flow;
        let mut writers = stream.writers.iter().copied().filter(|q| queries[*q].is_some());
        match (sent[s].is_some(), writers.next(), writers.next()) {
            (false, None, _) => {}
            (true, None, _) => std::mem::swap(&mut streams[s], &mut sent[s]),
            (false, Some(q), None) => {
                if self.handing.watched_queries[q] {
                    streams[s].clone_from(&queries[q]);
                } else {
                    std::mem::swap(&mut streams[s], &mut queries[q]);
                }
                streams[s].iter_mut().for_each(|b| self.enter(s, b));
            }
            _ => {
                let mut parts: Vec<EventBatch> = sent[s].take().into_iter().collect();
                for q in &stream.writers {
                    parts.extend(hand(&mut queries[*q], !self.handing.watched_queries[*q]).map(
                        |mut b| {
                            self.enter(s, &mut b);
                            b
                        },
                    ));
                }
                streams[s] = merge(&stream.schema, parts)?;
            }
        }
        match &streams[s] {
            Some(batch) if batch.is_empty() => streams[s] = None,
            Some(batch) => self.stream_rows[s] += batch.rows() as u64,
            None => {}
        }
        Ok(())
    }

    fn partition(
        &mut self,
        p: PartitionId,
        batches: &mut [Option<EventBatch>],
        flow: &mut Flow,
    ) -> Result<()> {
        let Handing { entries, watched_streams, .. } = &self.handing;
        for (batch, (s, alone)) in batches.iter_mut().zip(&entries[p]) {
            *batch = hand(&mut flow.streams[*s], *alone && !watched_streams[*s]);
        }
        self.enter_partition(p, batches)?;
        for (batch, (s, _)) in batches.iter_mut().zip(&self.handing.entries[p]) {
            if let Some(batch) = batch.take().filter(|b| !b.is_empty()) {
                flow.keyed.insert((p, *s), batch);
            }
        }
        Ok(())
    }

    /// What comes to a port of a query.
    fn port(&self, q: usize, port: usize, s: StreamId, flow: &mut Flow) -> Option<EventBatch> {
        let alone = self.handing.alone[q][port];
        match self.plan.queries[q].partition {
            Some(p) if self.plan.streams[s].partition.is_none() => match alone {
                true => flow.keyed.remove(&(p, s)),
                false => flow.keyed.get(&(p, s)).cloned(),
            },
            _ => hand(&mut flow.streams[s], alone && !self.handing.watched_streams[s]),
        }
    }

    /// Runs one query over its inputs; what it puts out goes to `output`.
    pub(super) fn query(
        &mut self,
        q: usize,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        output: &mut Option<EventBatch>,
    ) -> Result<()> {
        self.read_windows(q, inputs)?;
        let stats = &mut self.stats[q];
        stats.rows_in += inputs.iter().flatten().map(|b| b.rows() as u64).sum::<u64>();
        self.queries[q].process(step, inputs, output)?;
        stats.rows_out += output.as_ref().map_or(0, |b| b.rows() as u64);
        Ok(())
    }

    /// Makes of the rows of stream `s` what its readers get of them: of a named window, what it puts
    /// out.
    pub(super) fn make_readable(&self, s: StreamId, batch: &mut Option<EventBatch>) -> Result<()> {
        if let Some(w) = self.plan.window_at(s)
            && let Some(rows) = batch.take()
        {
            *batch = Some(emitted(w, w.events, rows)?);
        }
        Ok(())
    }

    /// Ports that read named windows get what these put out; joins follow all of it, and patterns
    /// read current events only. What comes through the entry of a partition is readable already.
    fn read_windows(&self, q: usize, inputs: &mut [Option<EventBatch>]) -> Result<()> {
        let query = &self.plan.queries[q];
        let pattern = match query.input {
            InputPlan::Join { .. } => return Ok(()),
            InputPlan::Pattern { .. } => true,
            InputPlan::Stream { .. } => false,
        };
        for (input, s) in inputs.iter_mut().zip(query.input.streams()) {
            let Some(w) = self.plan.window_at(*s) else { continue };
            let Some(batch) = input.take() else { continue };
            let batch = match (pattern, query.partition) {
                (true, Some(_)) => currents(batch)?,
                (true, None) => currents(emitted(w, w.events, batch)?)?,
                (false, Some(_)) => batch,
                (false, None) => emitted(w, w.events, batch)?,
            };
            *input = Some(batch).filter(|b| b.rows() > 0);
        }
        Ok(())
    }

    /// A query's output as it enters stream `s`: every event is current there, and only inner streams
    /// keep the key. What a named window emits stays current or expired.
    pub(super) fn enter(&self, s: StreamId, batch: &mut EventBatch) {
        let stream = &self.plan.streams[s];
        if matches!(stream.window, Some(WindowEnd::Exit(_))) {
            return;
        }
        batch.kinds = None;
        batch.resets.clear();
        if stream.partition.is_none() {
            batch.keys = None;
        }
    }

    pub(super) fn snapshot(&self) -> Result<Vec<u8>> {
        if let Some(why) = &self.broken {
            return Err(Error::Snapshot(format!("the application stopped: {why}")));
        }
        let mut w = SnapshotWriter::new();
        w.value(&SNAPSHOT_VERSION)?;
        w.value(&fingerprint(&self.plan))?;
        w.value(&self.ingress.position())?;
        w.value(&self.done)?;
        w.value(&self.begun)?;
        self.triggers.snapshot(&mut w)?;
        if let Some(stage) = &self.event_time {
            w.section(|w| stage.snapshot(w))?;
        }
        for p in &self.partitions {
            w.section(|w| p.snapshot(w))?;
        }
        for q in &self.queries {
            w.section(|w| q.snapshot(w))?;
        }
        Ok(seal(w.finish()))
    }

    pub(super) fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut r = SnapshotReader::new(unseal(bytes)?);
        let version: u32 = r.value()?;
        if version != SNAPSHOT_VERSION {
            return Err(Error::Snapshot(format!(
                "the snapshot has format {version}, this version reads {SNAPSHOT_VERSION}"
            )));
        }
        let saved: Vec<String> = r.value()?;
        let ours = fingerprint(&self.plan);
        if saved != ours {
            let at = saved.iter().zip(&ours).find(|(a, b)| a != b);
            let what = at.map_or_else(
                || format!("{} elements, not {}", saved.len(), ours.len()),
                |(a, b)| format!("`{a}` where this one has `{b}`"),
            );
            return Err(Error::Snapshot(format!("it is of another application: it has {what}")));
        }
        self.ingress.set_position(r.value()?);
        self.done = r.value()?;
        self.begun = r.value()?;
        self.triggers.restore(&mut r)?;
        if let Some(stage) = &mut self.event_time {
            r.section(|r| stage.restore(r))?;
        }
        for p in &mut self.partitions {
            r.section(|r| p.restore(r))?;
        }
        for q in &mut self.queries {
            r.section(|r| q.restore(r))?;
        }
        if !r.is_empty() {
            return Err(Error::Snapshot("the snapshot holds more than this application".into()));
        }
        Ok(())
    }
}

/// The structure a snapshot belongs to, in words.
fn fingerprint(plan: &Plan) -> Vec<String> {
    let streams = plan.streams.iter().map(|s| {
        let of = |f: &arrow::datatypes::FieldRef| format!("{} {}", f.name(), f.data_type());
        let attributes: Vec<String> = s.schema.fields().iter().map(of).collect();
        format!("stream {} ({})", s.full_name(), attributes.join(", "))
    });
    let queries = plan.queries.iter().map(|q| crate::plan::explain::shape(plan, q));
    let triggers = plan.triggers.iter().map(|t| crate::plan::explain::trigger(plan, t));
    let watermarks = 0..plan.streams.len();
    let watermarks = watermarks.filter_map(|s| crate::plan::explain::time::watermark(plan, s));
    streams.chain(triggers).chain(watermarks).chain(queries).collect()
}
