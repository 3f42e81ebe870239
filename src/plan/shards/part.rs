//! The plan of one region by itself: what each shard runs.

use super::Region;
use crate::lang::ast::StreamMark;
use crate::plan::graph::{
    InputPlan, KeySpec, Node, PartitionPlan, Plan, QueryId, QueryPlan, StreamId, StreamPlan, Unit,
};
use crate::plan::shards::Sharding;

/// A region as a plan of its own.
#[derive(Debug, Clone)]
pub struct Part {
    /// The plan. Its first streams are the entries of the region, in their order; queries insert into
    /// inner streams only.
    pub plan: Plan,
    /// By query of this plan, the query of the whole one.
    pub queries: Vec<QueryId>,
}

/// The plan of `region` by itself.
pub fn part(plan: &Plan, region: &Region) -> Part {
    let inner = |s: &StreamId| {
        let stream = &plan.streams[*s];
        stream.mark == StreamMark::Inner && stream.partition == region.partition
    };
    let entries = region.entries.iter().map(|e| e.stream);
    let streams: Vec<StreamId> =
        entries.chain((0..plan.streams.len()).filter(|s| inner(s))).collect();
    let maps = Maps { streams, queries: region.queries.clone() };
    // Entries are handed in, however they come to be; all that is behind them runs in columns.
    let entries = (0..region.entries.len()).map(Node::Stream);
    let of = |n: &Node| maps.node(region, *n).filter(|n| !entries.clone().any(|e| e == *n));
    let behind = plan.schedule.iter().filter_map(|u| match u {
        Unit::Columnar(n) => of(n),
        Unit::RowByRow { .. } => None,
    });
    let schedule = entries.clone().chain(behind).map(Unit::Columnar).collect();
    let part = Plan {
        streams: maps.streams.iter().map(|s| maps.stream(&plan.streams[*s])).collect(),
        triggers: vec![],
        windows: vec![],
        queries: maps.queries.iter().map(|q| maps.query(&plan.queries[*q])).collect(),
        partitions: region.partition.iter().map(|p| maps.partition(&plan.partitions[*p])).collect(),
        schedule,
        shards: Sharding::default(),
        ..plan.clone()
    };
    Part { plan: part, queries: maps.queries }
}

/// Numbers of the whole plan by those of the part.
struct Maps {
    streams: Vec<StreamId>,
    queries: Vec<QueryId>,
}

impl Maps {
    fn stream_id(&self, s: StreamId) -> Option<StreamId> {
        self.streams.iter().position(|x| *x == s)
    }

    fn query_id(&self, q: QueryId) -> Option<QueryId> {
        self.queries.iter().position(|x| *x == q)
    }

    fn node(&self, region: &Region, n: Node) -> Option<Node> {
        match n {
            Node::Stream(s) => self.stream_id(s).map(Node::Stream),
            Node::Query(q) => self.query_id(q).map(Node::Query),
            Node::Partition(p) => (region.partition == Some(p)).then_some(Node::Partition(0)),
        }
    }

    fn stream(&self, s: &StreamPlan) -> StreamPlan {
        StreamPlan {
            partition: s.partition.map(|_| 0),
            endpoints: vec![],
            sources: vec![],
            sinks: vec![],
            fault: None,
            // What queries outside of the region insert is handed in.
            writers: s.writers.iter().filter_map(|q| self.query_id(*q)).collect(),
            ..s.clone()
        }
    }

    fn query(&self, q: &QueryPlan) -> QueryPlan {
        let new = |s: &mut StreamId| *s = self.stream_id(*s).unwrap_or_default();
        let mut input = q.input.clone();
        match &mut input {
            InputPlan::Stream { stream, .. } => new(stream),
            InputPlan::Join { streams, .. } => streams.iter_mut().for_each(new),
            InputPlan::Pattern { streams, spec } => {
                streams.iter_mut().for_each(new);
                spec.ports.iter_mut().for_each(|p| new(&mut p.stream));
            }
        }
        QueryPlan {
            partition: q.partition.map(|_| 0),
            input,
            target: q.target.and_then(|t| self.stream_id(t)),
            ..q.clone()
        }
    }

    fn partition(&self, p: &PartitionPlan) -> PartitionPlan {
        let key = |(s, k): &(StreamId, KeySpec)| Some((self.stream_id(*s)?, k.clone()));
        PartitionPlan {
            keys: p.keys.iter().filter_map(key).collect(),
            shared: vec![],
            queries: p.queries.iter().filter_map(|q| self.query_id(*q)).collect(),
            ..p.clone()
        }
    }
}
