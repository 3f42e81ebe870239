//! Which batches of a step may be handed on instead of copied: those that nobody else wants.

use crate::event::EventBatch;
use crate::plan::{Node, Plan, StreamId};

/// Who is the only one to want a batch.
pub(super) struct Handing {
    /// Streams and queries somebody subscribed to.
    pub watched_streams: Vec<bool>,
    pub watched_queries: Vec<bool>,
    /// By query, whether no other query or port reads its port's stream.
    pub alone: Vec<Vec<bool>>,
    /// By partition, its streams in the order of its ports, and whether nobody else reads them.
    pub entries: Vec<Vec<(StreamId, bool)>>,
}

impl Handing {
    pub fn new(plan: &Plan, readers: &[Vec<Node>]) -> Self {
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
pub(super) fn hand(batch: &mut Option<EventBatch>, last: bool) -> Option<EventBatch> {
    if last { batch.take() } else { batch.clone() }
}
