//! The core: one thread's graph of operators, run step by step.
//!
//! A step visits the units of the schedule in order. Streams merge what was sent to them with what
//! their writers emitted; queries take the batches of their ports. Nothing is shared, nothing waits.

use std::collections::HashMap;
use std::sync::Arc;

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
}

/// What moves through the graph in one step.
pub(super) struct Flow {
    /// Output of each stream.
    pub(super) streams: Vec<Option<EventBatch>>,
    /// Keyed rows inside partitions.
    pub(super) keyed: HashMap<(PartitionId, StreamId), EventBatch>,
    /// Output of each query.
    pub(super) queries: Vec<Option<EventBatch>>,
    /// What was sent from outside, until the stream takes it.
    pub(super) sent: Vec<Option<EventBatch>>,
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
        let event_time = EventTime::new(&plan, clock);
        let mut core = Self {
            event_time,
            triggers: Triggers::new(&plan),
            begun: false,
            plan,
            readers,
            edges,
            ingress,
            queries,
            partitions,
            stats,
            stream_rows,
            done: clock,
            broken: None,
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

    /// Rows into a partition; its queries are told of keys that come into being.
    pub(super) fn enter_partition(
        &mut self,
        p: PartitionId,
        inputs: Vec<Option<EventBatch>>,
    ) -> Result<Vec<Option<EventBatch>>> {
        let partition = &self.plan.partitions[p];
        let streams = partition.keys.iter().map(|(s, _)| s).chain(&partition.shared);
        let inputs = streams
            .zip(inputs)
            .map(|(s, b)| b.map(|b| self.readable(*s, b)).transpose())
            .collect::<Result<_>>()?;
        let outputs = self.partitions[p].process(inputs)?;
        for (key, at) in self.partitions[p].take_fresh() {
            for q in &self.plan.partitions[p].queries {
                self.queries[*q].begin(key, at);
            }
        }
        Ok(outputs)
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
        let (timeline, sent, chunked) = self.ingress.step()?;
        self.done = timeline.end();
        if !self.begun {
            self.begin(timeline.points().next().map_or(timeline.end(), |(_, clock)| clock));
        }
        let result = self.run(&timeline, sent, chunked);
        match &result {
            Err(e) => self.broken = Some(e.to_string()),
            Ok(flow) => {
                for (count, batch) in self.stream_rows.iter_mut().zip(&flow.streams) {
                    *count += batch.as_ref().map_or(0, |b| b.rows() as u64);
                }
            }
        }
        result
    }

    fn run(
        &mut self,
        timeline: &Timeline,
        sent: Vec<Option<EventBatch>>,
        chunked: bool,
    ) -> Result<Flow> {
        let step = Step { timeline };
        let mut sent = sent;
        for (s, fired) in self.triggers.fire(timeline)? {
            let all = std::iter::once(fired).chain(sent[s].take()).collect();
            sent[s] = merge(&self.plan.streams[s].schema, all)?;
        }
        let mut flow = Flow {
            streams: vec![None; sent.len()],
            keyed: HashMap::new(),
            queries: vec![None; self.queries.len()],
            sent,
        };
        let plan = Arc::clone(&self.plan);
        for unit in &plan.schedule {
            match unit {
                Unit::Columnar(node) => self.columnar(*node, &step, &mut flow)?,
                Unit::RowByRow { nodes, reason: Coupling::ReconvergenceOfChunks } if !chunked => {
                    for node in nodes {
                        self.columnar(*node, &step, &mut flow)?;
                    }
                }
                Unit::RowByRow { nodes, .. } => group::run(self, nodes, &step, &mut flow)?,
            }
        }
        Ok(flow)
    }

    fn columnar(&mut self, node: Node, step: &Step<'_>, flow: &mut Flow) -> Result<()> {
        match node {
            Node::Stream(s) => {
                let stream = &self.plan.streams[s];
                let mut parts: Vec<EventBatch> = flow.sent[s].take().into_iter().collect();
                for q in &stream.writers {
                    parts.extend(flow.queries[*q].clone().map(|b| self.enter(s, b)));
                }
                flow.streams[s] = merge(&stream.schema, parts)?;
            }
            Node::Partition(p) => {
                let plan = Arc::clone(&self.plan);
                let partition = &plan.partitions[p];
                let streams: Vec<StreamId> = partition
                    .keys
                    .iter()
                    .map(|(s, _)| *s)
                    .chain(partition.shared.iter().copied())
                    .collect();
                let inputs = streams.iter().map(|s| flow.streams[*s].clone()).collect();
                let outputs = self.enter_partition(p, inputs)?;
                for (s, batch) in streams.into_iter().zip(outputs) {
                    if let Some(batch) = batch.filter(|b| !b.is_empty()) {
                        flow.keyed.insert((p, s), batch);
                    }
                }
            }
            Node::Query(q) => {
                let plan = &self.plan.queries[q];
                let mut inputs: Vec<Option<EventBatch>> = plan
                    .input
                    .streams()
                    .iter()
                    .map(|s| match (plan.partition, flow.streams[*s].as_ref()) {
                        (Some(p), _) if self.plan.streams[*s].partition.is_none() => {
                            flow.keyed.get(&(p, *s)).cloned()
                        }
                        (_, batch) => batch.cloned(),
                    })
                    .collect();
                flow.queries[q] = self.query(q, step, &mut inputs)?;
            }
        }
        Ok(())
    }

    /// Runs one query over its inputs.
    pub(super) fn query(
        &mut self,
        q: usize,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
    ) -> Result<Option<EventBatch>> {
        self.read_windows(q, inputs)?;
        let stats = &mut self.stats[q];
        stats.rows_in += inputs.iter().flatten().map(|b| b.rows() as u64).sum::<u64>();
        let out = self.queries[q].process(step, inputs)?;
        stats.rows_out += out.as_ref().map_or(0, |b| b.rows() as u64);
        Ok(out)
    }

    /// What readers of stream `s` get of its rows: of a named window, what it puts out.
    pub(super) fn readable(&self, s: StreamId, batch: EventBatch) -> Result<EventBatch> {
        match self.plan.window_at(s) {
            Some(w) => emitted(w, w.events, batch),
            None => Ok(batch),
        }
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
    pub(super) fn enter(&self, s: StreamId, batch: EventBatch) -> EventBatch {
        let stream = &self.plan.streams[s];
        if matches!(stream.window, Some(WindowEnd::Exit(_))) {
            return batch;
        }
        let keys = batch.keys.clone().filter(|_| stream.partition.is_some());
        EventBatch { kinds: None, keys, resets: vec![], ..batch }
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
