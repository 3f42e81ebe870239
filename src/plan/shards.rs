//! Which queries can run in shards: by the hash of a key, each shard with the state of its own keys.
//!
//! A *region* is a group of queries that read the same streams, whose rows are told apart by the same
//! keys. Its queries may run N times over, each time with the rows of other keys, and what they put
//! out, merged by `order`, is what one would have put out. For that, three things must be proven:
//!
//! * **state is apart**: no row of one key changes what comes of another key's rows;
//! * **events cause all results**: what a timer causes has an order among the keys which no shard
//!   knows, so queries with such results run on one thread;
//! * **an event is one row**: each event gives at most one row of the streams read (the *plain*
//!   streams, `plain`), so that no two shards have results of one cause. Chunks of several events
//!   (`send_chunk`) are refused where they would reach a region.
//!
//! Event times need one more thought, because late rows reach across keys even where their values
//! don't: see [`Late`]. Whatever isn't proven runs on one thread, with the reason in `explain`.

mod part;
mod partition;
mod pattern;
mod plain;
mod reads;
mod stream;

use std::collections::HashSet;

use super::graph::{InputPlan, Node, PartitionId, Plan, QueryId, StreamId, Unit};
use crate::expr::types::AttrType;
use crate::expr::{TypedExpr, describe};

pub use part::{Part, part};

/// What of an application can run in shards.
#[derive(Debug, Clone, Default)]
pub struct Sharding {
    /// Groups of queries that run in shards together.
    pub regions: Vec<Region>,
    /// By query: its region, or why it runs on one thread.
    pub queries: Vec<Result<usize, String>>,
    /// By stream: whether its events may come one by one only, because they reach a region.
    pub singly: Vec<bool>,
}

/// Queries that run in shards together.
#[derive(Debug, Clone)]
pub struct Region {
    /// Its queries, in definition order.
    pub queries: Vec<QueryId>,
    /// The partition they are, if they are one.
    pub partition: Option<PartitionId>,
    /// The streams they read.
    pub entries: Vec<Entry>,
    /// What late rows ask for.
    pub late: Late,
}

/// A stream that a region reads.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Which.
    pub stream: StreamId,
    /// Rows of equal value go to the same shard; a string, int, long or bool.
    pub key: TypedExpr,
    /// Which columns anybody reads.
    pub reads: Vec<bool>,
}

/// What must be done for shards about rows whose event time lies before that of a row that came
/// earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// Nothing: other keys' times have no influence.
    Alone,
    /// A row can't leave a time window before those in front of it, whatever their keys: it leaves as
    /// if its time were the largest so far, which is the time that shards are given. Results get the
    /// time of their row back.
    Raised,
    /// Time passes for a pattern with every row of its streams: the shard of a late row is told of
    /// the largest time so far by a row without values, which fits nothing.
    Told,
}

/// A query's answer: the streams it reads with their keys, and what late rows ask for.
type Keyed = (Vec<(StreamId, TypedExpr)>, Late);

/// Finds the regions of a scheduled plan.
pub(super) fn sharding(plan: &Plan) -> Sharding {
    let columnar: HashSet<Node> = plan
        .schedule
        .iter()
        .filter_map(|u| if let Unit::Columnar(n) = u { Some(*n) } else { None })
        .collect();
    let plain = plain::plain(plan);
    let mut found =
        Sharding { queries: vec![Err(String::new()); plan.queries.len()], ..Sharding::default() };
    let answer = |q: QueryId, plain: &[bool]| -> Result<Keyed, String> {
        if !columnar.contains(&Node::Query(q)) {
            return Err("it runs row by row".into());
        }
        plain::check(plan, plain, plan.queries[q].input.streams())?;
        match &plan.queries[q].input {
            InputPlan::Stream { stream, chain } => stream::keyed(plan, q, *stream, chain),
            InputPlan::Pattern { streams, spec } => pattern::keyed(plan, q, streams, spec),
            InputPlan::Join { .. } => {
                Err("which rows its windows hold when depends on rows of all keys".into())
            }
        }
    };
    for (q, query) in plan.queries.iter().enumerate() {
        if query.partition.is_none() {
            found.queries[q] = answer(q, &plain).map(|keyed| found.enter(plan, q, keyed));
        }
    }
    for (p, partition) in plan.partitions.iter().enumerate() {
        let keyed = partition::keyed(plan, p, &plain, &columnar);
        let region = keyed.map(|keys| {
            let entries = keys.into_iter().map(|(stream, key)| entry(plan, stream, key)).collect();
            found.regions.push(Region {
                queries: vec![],
                partition: Some(p),
                entries,
                late: Late::Alone,
            });
            found.regions.len() - 1
        });
        for q in &partition.queries {
            found.queries[*q] = region.clone();
            if let Ok(r) = &region {
                found.regions[*r].queries.push(*q);
            }
        }
    }
    for region in &mut found.regions {
        region.queries.sort_unstable();
        for entry in &mut region.entries {
            reads::reads(plan, &region.queries, entry);
        }
    }
    found.singly = plain::reach(plan, &found.regions);
    found
}

impl Sharding {
    /// The region of a query that is keyed like this; a new one if there is none yet.
    fn enter(&mut self, plan: &Plan, q: QueryId, (keys, late): Keyed) -> usize {
        let told = |keys: &[(StreamId, String)]| keys.to_vec();
        let mut wanted: Vec<(StreamId, String)> =
            keys.iter().map(|(s, k)| (*s, text(plan, *s, k))).collect();
        wanted.sort();
        let same = |r: &Region| {
            let mut keys: Vec<(StreamId, String)> =
                r.entries.iter().map(|e| (e.stream, text(plan, e.stream, &e.key))).collect();
            keys.sort();
            r.partition.is_none() && r.late == late && told(&keys) == wanted
        };
        let at = self.regions.iter().position(same).unwrap_or_else(|| {
            let entries = keys.into_iter().map(|(stream, key)| entry(plan, stream, key)).collect();
            self.regions.push(Region { queries: vec![], partition: None, entries, late });
            self.regions.len() - 1
        });
        self.regions[at].queries.push(q);
        at
    }

    /// In words: by which keys a query is sharded, or why it is not.
    pub fn sentence(&self, plan: &Plan, q: QueryId) -> String {
        match self.reason(q) {
            Some(why) => format!("none: {why}"),
            None => format!("by {}", self.keys(plan, q).join(", ")),
        }
    }

    /// The keys by which a query is sharded, each `expression of stream`; none if it is not.
    pub fn keys(&self, plan: &Plan, q: QueryId) -> Vec<String> {
        let key = |e: &Entry| {
            let stream = plan.streams[e.stream].full_name();
            format!("{} of {stream}", text(plan, e.stream, &e.key))
        };
        match self.queries.get(q) {
            Some(Ok(region)) => self.regions[*region].entries.iter().map(key).collect(),
            _ => vec![],
        }
    }

    /// Why a query isn't sharded.
    pub fn reason(&self, q: QueryId) -> Option<&str> {
        match self.queries.get(q) {
            Some(Err(why)) => Some(why),
            _ => None,
        }
    }
}

fn entry(plan: &Plan, stream: StreamId, key: TypedExpr) -> Entry {
    let reads = vec![false; plan.streams[stream].schema.fields().len()];
    Entry { stream, key, reads }
}

/// A key as the query would write it.
fn text(plan: &Plan, stream: StreamId, key: &TypedExpr) -> String {
    describe::describe(key, plan.streams[stream].schema.as_ref()).to_string()
}

/// Whether equal values of this type have equal hashes, and unequal ones tell rows apart.
fn can_key(ty: AttrType) -> bool {
    matches!(ty, AttrType::String | AttrType::Int | AttrType::Long | AttrType::Bool)
}
