//! Plan to operators.

use arrow::datatypes::SchemaRef;

use super::engine::Services;
use crate::error::Result;
use crate::event::{EventBatch, KeyId};
use crate::op::chain::build_chain;
use crate::op::join::{JoinOp, LengthJoin};
use crate::op::named::NamedWindowOp;
use crate::op::partition::PartitionEntry;
use crate::op::pattern::PatternOp;
use crate::op::rate::RateOp;
use crate::op::select::{SelectOp, SlideOp, TumbleOp};
use crate::op::{Operator, Output};
use crate::plan::spec::{HandlerSpec, JoinSpec, SelectSpec};
use crate::plan::{InputPlan, PartitionPlan, Plan, QueryPlan};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;

/// A query at work: its operators in a row. The first has the query's ports, the others one.
pub(super) struct QueryNode {
    ops: Vec<Box<dyn Operator>>,
    output: SchemaRef,
}

/// Makes the operators of a query.
pub(super) fn build_query(plan: &Plan, q: &QueryPlan, services: &Services) -> Result<QueryNode> {
    if let Some(w) = q.window {
        let op = NamedWindowOp::new(&plan.windows[w])?;
        return Ok(QueryNode { ops: vec![Box::new(op)], output: q.select.output.clone() });
    }
    let mut ops = selected(plan, q, services)?;
    if let Some(rate) = &q.rate {
        ops.push(Box::new(RateOp::new(rate, &q.select)?));
    }
    if let Some(profile) = &services.profile {
        ops = profile.watch(&q.name, ops);
    }
    Ok(QueryNode { ops, output: q.select.output.clone() })
}

/// The operators up to the selection.
fn selected(plan: &Plan, q: &QueryPlan, services: &Services) -> Result<Vec<Box<dyn Operator>>> {
    let keyed = q.partition.is_some();
    let limited = q.rate.as_ref().map(|rate| q.select.before(rate));
    let select = limited.as_ref().unwrap_or(&q.select);
    let mut ops: Vec<Box<dyn Operator>> = match &q.input {
        InputPlan::Stream { stream, chain } => {
            let schema = plan.attributes(*stream).clone();
            if let Some((HandlerSpec::Window { call, expired, .. }, before)) = chain.split_last()
                && plan.fused
            {
                let (narrowing, rest) = narrowing(before, &schema);
                if let Some(op) = SlideOp::new(call, *expired, select, narrowing)? {
                    let mut ops = build_chain(rest, &schema, keyed, &services.log)?;
                    ops.push(Box::new(op));
                    return Ok(ops);
                }
                if let Some(op) = TumbleOp::new(call, *expired, select)? {
                    let mut ops = build_chain(before, &schema, keyed, &services.log)?;
                    ops.push(Box::new(op));
                    return Ok(ops);
                }
            }
            build_chain(chain, &schema, keyed, &services.log)?
        }
        InputPlan::Join { spec, .. } => {
            let fused = if plan.fused {
                LengthJoin::new(spec, used(spec, select), &services.log)?
            } else {
                None
            };
            match fused {
                Some(join) => vec![Box::new(join)],
                None => vec![Box::new(JoinOp::new(spec, &services.log)?)],
            }
        }
        InputPlan::Pattern { spec, .. } if plan.fused => vec![Box::new(PatternOp::new(spec)?)],
        InputPlan::Pattern { spec, .. } => vec![Box::new(PatternOp::general(spec)?)],
    };
    ops.push(Box::new(SelectOp::new(select)?));
    Ok(ops)
}

/// Which columns of a join's output the selector reads.
fn used(join: &JoinSpec, select: &SelectSpec) -> Vec<bool> {
    let mut used = vec![false; join.output.fields().len()];
    select.each_column(&mut |c| {
        if let Some(used) = used.get_mut(usize::from(c)) {
            *used = true;
        }
    });
    used
}

/// Columns of rows of a schema.
type Narrowing<'a> = Option<(&'a [usize], &'a SchemaRef)>;

/// What narrows all rows of a stream before anything else is done with them, and what is done then: an
/// operator that keeps no rows can look for its columns itself.
fn narrowing<'a>(
    chain: &'a [HandlerSpec],
    stream: &'a SchemaRef,
) -> (Narrowing<'a>, &'a [HandlerSpec]) {
    match chain {
        [HandlerSpec::Project { columns, .. }] => (Some((columns, stream)), &[]),
        _ => (None, chain),
    }
}

/// Makes the entry of a partition.
pub(super) fn build_partition(plan: &Plan, p: &PartitionPlan) -> Result<PartitionEntry> {
    let keys: Vec<_> = p.keys.iter().map(|(s, e)| (plan.attributes(*s).clone(), e)).collect();
    PartitionEntry::new(&keys, p.shared.len())
}

impl QueryNode {
    /// Runs the query over one step; `output` is none, or what is left for the stream behind it.
    pub(super) fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        output: &mut Option<EventBatch>,
    ) -> Result<()> {
        let mut out = Output::default();
        let carried = std::slice::from_mut(output);
        for (i, op) in self.ops.iter_mut().enumerate() {
            let ports = if i == 0 { &mut *inputs } else { &mut *carried };
            let nothing = ports.iter().all(Option::is_none);
            if nothing && op.next_timer().is_none_or(|t| t > step.timeline.end()) {
                continue;
            }
            if !op.reads_codes() {
                for port in
                    ports.iter_mut().filter(|p| p.as_ref().is_some_and(EventBatch::is_coded))
                {
                    *port = port.take().map(EventBatch::plain).transpose()?;
                }
            }
            op.process(step, ports, &mut out)?;
            out.take_into(&mut carried[0])?;
        }
        if output.as_ref().is_some_and(|b| b.rows() == 0) {
            *output = None;
        }
        debug_assert!(
            output.as_ref().is_none_or(|b| b.is_coded() || b.columns.schema() == self.output)
        );
        Ok(())
    }

    /// See [`Operator::begin`].
    pub(super) fn begin(&mut self, key: KeyId, at: i64) {
        self.ops.iter_mut().for_each(|op| op.begin(key, at));
    }

    /// When the next timer is due, ms.
    pub(super) fn next_timer(&self) -> Option<i64> {
        self.ops.iter().filter_map(|op| op.next_timer()).min()
    }

    /// Bytes of each operator's state.
    pub(super) fn state_bytes(&self) -> Result<Vec<u64>> {
        let bytes = |op: &dyn Operator| {
            let mut w = SnapshotWriter::new();
            op.snapshot(&mut w)?;
            Ok(w.finish().len() as u64)
        };
        self.ops.iter().map(|op| bytes(op.as_ref())).collect()
    }

    /// Open partial matches.
    pub(super) fn open_partials(&self) -> usize {
        self.ops.iter().map(|op| op.open_partials()).sum()
    }

    pub(super) fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.ops.iter().try_for_each(|op| w.section(|w| op.snapshot(w)))
    }

    pub(super) fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.ops.iter_mut().try_for_each(|op| r.section(|r| op.restore(r)))
    }
}
