//! Shards at work: the regions of a plan ([`crate::plan::shards`]), each run by several cores, one per
//! shard, with the state of the keys that are its own.
//!
//! A region runs within a step like a node: its streams' rows are told apart by key (`exchange`), each
//! shard runs its part of them with the step's whole timeline, and what the shards' queries put out is
//! put together by order (`merge`). The calling thread runs the first shard itself, threads of a
//! `pool` the others; between two steps all cores are at home, so that snapshots and timers are
//! asked for as if there were no threads.
//!
//! Invariant: a row goes to the same shard as every other row of its key, whatever the step.

mod exchange;
mod merge;
mod pool;

use std::sync::Arc;

use self::exchange::{Exchange, Share, Split};
use self::pool::{Job, Pool};
use super::core::Core;
use super::engine::Services;
use super::stats::QueryStats;
use crate::error::{Error, Result};
use crate::event::EventBatch;
use crate::plan::shards::{Late, part};
use crate::plan::{Node, Plan, QueryId, StreamId, Unit};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Timeline;

/// Steps with fewer rows for a region run on the calling thread: waking another takes longer.
const ENOUGH: usize = 512;

/// The regions of a plan at work.
pub(super) struct Shards {
    regions: Vec<Region>,
    pool: Pool,
}

struct Region {
    exchange: Exchange,
    /// By shard; none only if a thread was lost.
    cores: Vec<Option<Box<Core>>>,
    /// By query of the part, the query of the whole plan.
    queries: Vec<QueryId>,
    /// By stream of the part, how many there are.
    streams: usize,
    late: Late,
}

impl Shards {
    /// The regions of `plan` in `count` shards each; none if there is nothing to be gained.
    pub fn new(plan: &Plan, count: usize, services: &Services) -> Result<Option<Self>> {
        if count < 2 || plan.shards.regions.is_empty() {
            return Ok(None);
        }
        let region = |region: &crate::plan::shards::Region| -> Result<Region> {
            let part = part(plan, region);
            let streams = part.plan.streams.len();
            let part_plan = Arc::new(part.plan);
            // In playback without a start a core doesn't begin by itself: it is told.
            let core = |_| -> Result<_> {
                let mut core = Core::new(Arc::clone(&part_plan), services, 0, true, 1)?;
                core.watch_queries();
                Ok(Some(Box::new(core)))
            };
            let cores = (0..count).map(core).collect::<Result<_>>();
            Ok(Region {
                exchange: Exchange::new(plan, region, count)?,
                cores: cores?,
                queries: part.queries,
                streams,
                late: region.late,
            })
        };
        let regions = plan.shards.regions.iter().map(region).collect::<Result<_>>()?;
        Ok(Some(Self { regions, pool: Pool::new(count - 1)? }))
    }

    /// Number of shards.
    pub fn count(&self) -> usize {
        self.regions.first().map_or(1, |r| r.cores.len())
    }

    /// The application starts.
    pub fn begin(&mut self, at: i64) {
        self.cores().for_each(|core| core.begin(at));
    }

    fn cores(&mut self) -> impl Iterator<Item = &mut Core> {
        self.regions.iter_mut().flat_map(|r| r.cores.iter_mut().flatten()).map(|c| c.as_mut())
    }

    /// When the next timer is due, ms.
    pub fn next_timer(&self) -> Option<i64> {
        let cores = self.regions.iter().flat_map(|r| r.cores.iter().flatten());
        cores.filter_map(|c| c.next_timer()).min()
    }

    /// The streams a region reads.
    pub fn streams(&self, region: usize) -> impl Iterator<Item = StreamId> + '_ {
        self.regions[region].exchange.streams()
    }

    /// Runs a region over one step: what each of its queries puts out.
    pub fn run(
        &mut self,
        region: usize,
        timeline: &Timeline,
        inputs: Vec<Option<EventBatch>>,
    ) -> Result<Vec<(QueryId, Option<EventBatch>)>> {
        let region = &mut self.regions[region];
        let rows: usize = inputs.iter().flatten().map(EventBatch::rows).sum();
        let mut split = region.exchange.split(inputs)?;
        let mut jobs = region.jobs(&mut split, timeline)?;
        let mut done = Vec::with_capacity(jobs.len());
        if rows < ENOUGH {
            done.extend(jobs.into_iter().map(|job| job.run(timeline)));
        } else if !jobs.is_empty() {
            // The caller takes the last one itself, once the others are at work.
            let own = jobs.pop();
            done = self.pool.run(jobs, own, timeline)?;
        }
        let mut outputs = Vec::with_capacity(done.len());
        let mut failed = None;
        done.sort_by_key(|d| d.shard);
        for d in done {
            region.cores[d.shard] = Some(d.core);
            match d.result {
                Ok(flow) => outputs.push((d.shares, d.gathered, flow)),
                Err(e) => failed = failed.or(Some(e)),
            }
        }
        match failed {
            Some(e) => Err(e),
            None => region.put_together(&split, outputs),
        }
    }

    /// Counters of the queries in regions.
    pub fn stats(&self) -> impl Iterator<Item = (QueryId, QueryStats)> + '_ {
        self.regions.iter().flat_map(|r| {
            r.queries.iter().enumerate().map(|(i, q)| {
                let cores = r.cores.iter().flatten();
                let sum = cores.fold(QueryStats::default(), |sum, core| QueryStats {
                    rows_in: sum.rows_in + core.stats[i].rows_in,
                    rows_out: sum.rows_out + core.stats[i].rows_out,
                    ..sum
                });
                (*q, sum)
            })
        })
    }

    /// Adds the partial matches that are open in shards, by query.
    pub fn add_open_partials(&self, open: &mut [u64]) {
        for region in &self.regions {
            for core in region.cores.iter().flatten() {
                let own = region.queries.iter().zip(core.open_partials());
                own.for_each(|(q, own)| open[*q] += own);
            }
        }
    }

    /// Replaces the bytes of the queries in regions, by query and operator, by those of all shards.
    pub fn add_state_bytes(&self, bytes: &mut [Vec<u64>]) -> Result<()> {
        for region in &self.regions {
            region.queries.iter().for_each(|q| bytes[*q].fill(0));
            for core in region.cores.iter().flatten() {
                for (q, own) in region.queries.iter().zip(core.state_bytes()?) {
                    bytes[*q].iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
                }
            }
        }
        Ok(())
    }

    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        for region in &self.regions {
            region.exchange.snapshot(w)?;
            for core in region.cores.iter().flatten() {
                w.value(&core.snapshot()?)?;
            }
        }
        Ok(())
    }

    pub fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        for region in &mut self.regions {
            region.exchange.restore(r)?;
            for core in region.cores.iter_mut().flatten() {
                let bytes: Vec<u8> = r.value()?;
                core.restore(&bytes)?;
            }
        }
        Ok(())
    }
}

/// What a shard was given and what came of it: rows as they stand in the entries, as they were handed
/// over, and the outputs of its queries.
type Outcome = (Vec<Option<Share>>, Vec<Option<EventBatch>>, Vec<Option<EventBatch>>);

impl Region {
    /// What the shards have to do in this step; those with neither rows nor timers do nothing.
    fn jobs(&mut self, split: &mut Split, timeline: &Timeline) -> Result<Vec<Job>> {
        let mut jobs = Vec::with_capacity(self.cores.len());
        for (shard, core) in self.cores.iter_mut().enumerate() {
            let shares = split.take(shard);
            let timer = core.as_ref().and_then(|c| c.next_timer());
            let due = timer.is_some_and(|due| due <= timeline.end());
            if shares.iter().all(Option::is_none) && !due {
                continue;
            }
            let lost = || Error::Limit("a shard's thread was lost".into());
            let core = core.take().ok_or_else(lost)?;
            jobs.push(Job { shard, core, shares, streams: self.streams });
        }
        Ok(jobs)
    }

    fn put_together(
        &self,
        split: &Split,
        mut outputs: Vec<Outcome>,
    ) -> Result<Vec<(QueryId, Option<EventBatch>)>> {
        let mut merged = Vec::with_capacity(self.queries.len());
        for (i, q) in self.queries.iter().enumerate() {
            let parts: Vec<merge::Output<'_>> = outputs
                .iter_mut()
                .map(|(shares, gathered, flow)| merge::Output {
                    shares,
                    gathered,
                    out: flow[i].take(),
                })
                .collect();
            merged.push((*q, merge::merge(split, parts, self.late)?));
        }
        Ok(merged)
    }
}

/// The plan that is left for the application's own thread: of each region one node, in whose place
/// the region runs. By node, the region that runs in its place.
pub(super) fn lead(plan: &mut Plan) -> Vec<(Node, usize)> {
    let mut leads: Vec<(Node, usize)> = Vec::new();
    let regions = &plan.shards.regions;
    let region = |n: &Node| match n {
        Node::Query(q) => regions.iter().position(|r| r.queries.contains(q)),
        Node::Partition(p) => regions.iter().position(|r| r.partition == Some(*p)),
        Node::Stream(s) => {
            let of = plan.streams[*s].partition?;
            regions.iter().position(|r| r.partition == Some(of))
        }
    };
    let mut schedule = Vec::with_capacity(plan.schedule.len());
    for unit in plan.schedule.drain(..) {
        match &unit {
            Unit::Columnar(n) => match region(n) {
                None => schedule.push(unit),
                Some(r) if leads.iter().any(|(_, led)| *led == r) => {}
                Some(r) => {
                    leads.push((*n, r));
                    schedule.push(unit);
                }
            },
            Unit::RowByRow { .. } => schedule.push(unit),
        }
    }
    plan.schedule = schedule;
    leads
}
