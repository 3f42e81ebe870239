//! The typed graph: streams, queries and partitions as plain data.

use arrow::datatypes::SchemaRef;

use super::endpoints::{SinkPlan, SourcePlan};
use super::named::{NamedWindow, WindowEnd};
use super::spec::{HandlerSpec, JoinSpec, RateSpec, SelectSpec};
use super::watermark::WatermarkPlan;
use crate::error::Span;
use crate::expr::TypedExpr;
use crate::lang::ast::{Annotation, StreamMark};
use crate::pattern::PatternSpec;
use crate::time::Cron;

/// Index of a stream in [`Plan::streams`].
pub type StreamId = usize;
/// Index of a query in [`Plan::queries`].
pub type QueryId = usize;
/// Index of a partition in [`Plan::partitions`].
pub type PartitionId = usize;
/// Index of a named window in [`Plan::windows`].
pub type WindowId = usize;

/// A compiled application.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `@app:name`.
    pub name: Option<String>,
    /// Whether time is the largest event timestamp seen (`@app:playback`), else it is told.
    pub playback: bool,
    /// All streams.
    pub streams: Vec<StreamPlan>,
    /// All triggers, in definition order.
    pub triggers: Vec<TriggerPlan>,
    /// All named windows, in definition order.
    pub windows: Vec<NamedWindow>,
    /// The queries of the named windows, then those of the text, in definition order.
    pub queries: Vec<QueryPlan>,
    /// All partitions, in definition order.
    pub partitions: Vec<PartitionPlan>,
    /// What runs in which order and mode.
    pub schedule: Vec<Unit>,
    /// Whether operators that can be one are made one (a window with its selector, …).
    pub fused: bool,
}

/// A stream.
#[derive(Debug, Clone)]
pub struct StreamPlan {
    /// Name without its mark.
    pub name: String,
    /// Plain, `#inner`, `!fault` or `!!late`.
    pub mark: StreamMark,
    /// The partition an inner stream belongs to.
    pub partition: Option<PartitionId>,
    /// Attributes.
    pub schema: SchemaRef,
    /// Where it was defined; none if it was inferred from the query that inserts into it.
    pub defined: Option<Span>,
    /// `@source` and `@sink` annotations.
    pub endpoints: Vec<Annotation>,
    /// What feeds it, checked, in the order written.
    pub sources: Vec<SourcePlan>,
    /// What takes its events, checked, in the order written.
    pub sinks: Vec<SinkPlan>,
    /// The fault stream that takes events which can't be read (`@OnError(action='STREAM')`).
    pub fault: Option<StreamId>,
    /// How its rows wait for their turn (`@watermark`).
    pub watermark: Option<Box<WatermarkPlan>>,
    /// Queries that write it, with the rank in which Siddhi would have called them for one event.
    pub writers: Vec<QueryId>,
    /// The end of a named window it is.
    pub window: Option<WindowEnd>,
}

impl StreamPlan {
    /// A stream that nothing writes, feeds or takes from yet.
    pub(super) fn new(
        name: String,
        mark: StreamMark,
        schema: SchemaRef,
        defined: Option<Span>,
    ) -> Self {
        Self {
            name,
            mark,
            partition: None,
            schema,
            defined,
            endpoints: vec![],
            sources: vec![],
            sinks: vec![],
            fault: None,
            watermark: None,
            writers: vec![],
            window: None,
        }
    }

    /// The name as written in queries; that of a named window is its exit's.
    pub fn full_name(&self) -> String {
        match self.window {
            Some(WindowEnd::Entrance(_)) => format!("{} (entrance)", self.name),
            _ => format!("{}{}", self.mark.text(), self.name),
        }
    }
}

/// `define trigger`.
#[derive(Debug, Clone)]
pub struct TriggerPlan {
    /// The stream that gets its events, `(triggered_time long)`.
    pub stream: StreamId,
    /// When it fires.
    pub at: TriggerSpec,
}

/// When a trigger fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerSpec {
    /// Once, when the application starts.
    Start,
    /// Each so many ms, at least 1, the first time one period after the start.
    Every(i64),
    /// At the points in time of a cron expression, as written.
    Cron(Box<Cron>, String),
}

/// A query.
#[derive(Debug, Clone)]
pub struct QueryPlan {
    /// `@info(name=…)` or `query_<n>`.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// The partition it stands in.
    pub partition: Option<PartitionId>,
    /// What it reads.
    pub input: InputPlan,
    /// What it computes.
    pub select: SelectSpec,
    /// Which results leave, and when; none = all, at once.
    pub rate: Option<RateSpec>,
    /// The stream it inserts into; none = only its callbacks see results.
    pub target: Option<StreamId>,
    /// Remarks for `explain` (windows left out, predicates moved, …).
    pub notes: Vec<String>,
    /// The named window it is the query of.
    pub window: Option<WindowId>,
}

/// What a query reads.
#[derive(Debug, Clone)]
pub enum InputPlan {
    /// One stream.
    Stream {
        /// Which.
        stream: StreamId,
        /// Handlers in order.
        chain: Vec<HandlerSpec>,
    },
    /// Two streams.
    Join {
        /// Left and right.
        streams: [StreamId; 2],
        /// How.
        spec: Box<JoinSpec>,
    },
    /// A pattern or sequence.
    Pattern {
        /// One per input port.
        streams: Vec<StreamId>,
        /// The automaton.
        spec: Box<PatternSpec>,
    },
}

impl InputPlan {
    /// The stream of each input port.
    pub fn streams(&self) -> &[StreamId] {
        match self {
            InputPlan::Stream { stream, .. } => std::slice::from_ref(stream),
            InputPlan::Join { streams, .. } => streams,
            InputPlan::Pattern { streams, .. } => streams,
        }
    }
}

/// `partition with (…)`.
#[derive(Debug, Clone)]
pub struct PartitionPlan {
    /// `@info(name=…)` or `partition_<n>`.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// The key of each keyed stream; all of one type.
    pub keys: Vec<(StreamId, KeySpec)>,
    /// Streams read inside that have no key: their events go to every key that exists.
    pub shared: Vec<StreamId>,
    /// Its queries.
    pub queries: Vec<QueryId>,
}

/// How a row gets its partition key.
#[derive(Debug, Clone)]
pub enum KeySpec {
    /// The value of an expression over the row.
    Value(TypedExpr),
    /// Each of these texts whose condition holds for the row.
    Ranges(Vec<(TypedExpr, String)>),
    /// That of each of these (of a stream that is listed several times).
    Each(Vec<KeySpec>),
}

/// A node of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    /// A stream: merges what was sent to it and what its writers emitted.
    Stream(StreamId),
    /// The entry of a partition: gives rows their key.
    Partition(PartitionId),
    /// A query.
    Query(QueryId),
}

/// A unit of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// One node, whole steps at a time.
    Columnar(Node),
    /// Several nodes, chunk by chunk, depth first.
    RowByRow {
        /// Its nodes, in topological order as far as there is one.
        nodes: Vec<Node>,
        /// Why.
        reason: Coupling,
    },
}

/// Why nodes run row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coupling {
    /// A stream feeds itself.
    Feedback,
    /// Results that one event causes along two paths meet again, and their order depends on single
    /// chunks.
    Reconvergence,
    /// As [`Coupling::Reconvergence`], but only in steps with chunks of several events; other steps
    /// run columnar.
    ReconvergenceOfChunks,
}

impl Plan {
    /// The stream of that name as written (`S`, `!S`); inner streams aren't found.
    pub fn stream(&self, name: &str) -> Option<StreamId> {
        self.streams.iter().position(|s| s.mark != StreamMark::Inner && s.full_name() == name)
    }

    /// Makes one row-by-row unit of the whole schedule.
    pub fn run_row_by_row(&mut self) {
        let nodes = |u: &Unit| match u {
            Unit::Columnar(n) => vec![*n],
            Unit::RowByRow { nodes, .. } => nodes.clone(),
        };
        let nodes = self.schedule.iter().flat_map(nodes).collect();
        self.schedule = vec![Unit::RowByRow { nodes, reason: Coupling::Reconvergence }];
    }

    /// Keeps operators apart that could be one.
    pub fn keep_apart(&mut self) {
        self.fused = false;
    }

    /// Limits the open partial matches of each pattern and sequence.
    pub fn limit_partials(&mut self, most: usize) {
        for q in &mut self.queries {
            if let InputPlan::Pattern { spec, .. } = &mut q.input {
                spec.max_partials = Some(most);
            }
        }
    }

    /// The query of that name.
    pub fn query(&self, name: &str) -> Option<QueryId> {
        self.queries.iter().position(|q| q.name == name)
    }

    /// What reads a stream from outside partitions or inside its own one, in Siddhi's order of
    /// subscription: queries and partition entries in definition order.
    pub fn readers(&self, stream: StreamId) -> Vec<Node> {
        let mut readers: Vec<(Span, Node)> = Vec::new();
        let inner = self.streams[stream].mark == StreamMark::Inner;
        for (q, query) in self.queries.iter().enumerate() {
            if query.input.streams().contains(&stream) && (inner || query.partition.is_none()) {
                readers.push((query.span, Node::Query(q)));
            }
        }
        for (p, partition) in self.partitions.iter().enumerate() {
            let reads = partition.keys.iter().any(|(s, _)| *s == stream)
                || partition.shared.contains(&stream);
            if !inner && reads {
                readers.push((partition.span, Node::Partition(p)));
            }
        }
        readers.sort_by_key(|(span, _)| span.start);
        readers.into_iter().map(|(_, n)| n).collect()
    }

    /// Whether a stream has a watermark: then that is the application's time.
    pub fn has_watermark(&self) -> bool {
        self.streams.iter().any(|s| s.watermark.is_some())
    }

    /// [`Plan::readers`] of every stream, in one pass.
    pub fn all_readers(&self) -> Vec<Vec<Node>> {
        let mut readers: Vec<Vec<(Span, Node)>> = vec![vec![]; self.streams.len()];
        let mut add = |s: StreamId, span: Span, node: Node| {
            if readers[s].last().is_none_or(|(_, n)| *n != node) {
                readers[s].push((span, node));
            }
        };
        for (q, query) in self.queries.iter().enumerate() {
            for s in query.input.streams() {
                if query.partition.is_none() || self.streams[*s].mark == StreamMark::Inner {
                    add(*s, query.span, Node::Query(q));
                }
            }
        }
        for (p, partition) in self.partitions.iter().enumerate() {
            let keyed = partition.keys.iter().map(|(s, _)| s);
            for s in keyed.chain(&partition.shared) {
                add(*s, partition.span, Node::Partition(p));
            }
        }
        let in_order = |mut readers: Vec<(Span, Node)>| {
            readers.sort_by_key(|(span, _)| span.start);
            readers.into_iter().map(|(_, n)| n).collect()
        };
        readers.into_iter().map(in_order).collect()
    }

    /// The attributes of a stream for those who read it.
    pub fn attributes(&self, s: StreamId) -> &SchemaRef {
        self.window_at(s).map_or(&self.streams[s].schema, |w| &w.schema)
    }

    /// The named window whose exit stream `s` is.
    pub fn window_at(&self, s: StreamId) -> Option<&NamedWindow> {
        match self.streams[s].window {
            Some(WindowEnd::Exit(w)) => Some(&self.windows[w]),
            _ => None,
        }
    }

    /// The queries of partition `p` that read the outer stream `s` through its entry.
    pub fn partition_readers(&self, p: PartitionId, s: StreamId) -> Vec<QueryId> {
        let reads = |q: &&QueryId| self.queries[**q].input.streams().contains(&s);
        self.partitions[p].queries.iter().filter(reads).copied().collect()
    }
}
