//! Partitions: all state is by key already. What is left to prove is that events cause all results.

use std::collections::HashSet;

use super::{can_key, plain};
use crate::event::Value;
use crate::expr::TypedExpr;
use crate::lang::ast::EventType;
use crate::pattern::spec::{PatternSpec, StateSpec};
use crate::plan::graph::{
    InputPlan, KeySpec, Node, PartitionId, PartitionPlan, Plan, QueryId, StreamId,
};
use crate::plan::spec::{Every, HandlerSpec, JoinSideSpec};
use crate::window::{WindowArg, WindowCall};

/// Whether every row has at most one key.
pub(super) fn values(partition: &PartitionPlan) -> bool {
    partition.shared.is_empty()
        && partition.keys.iter().all(|(_, key)| matches!(key, KeySpec::Value(_)))
}

/// The keys of a partition, or why it isn't sharded.
pub(super) fn keyed(
    plan: &Plan,
    p: PartitionId,
    plain: &[bool],
    columnar: &HashSet<Node>,
) -> Result<Vec<(StreamId, TypedExpr)>, String> {
    let partition = &plan.partitions[p];
    if let Some(s) = partition.shared.first() {
        let name = plan.streams[*s].full_name();
        return Err(format!("events of {name} go to every key there is, in order of creation"));
    }
    let mut keys = Vec::with_capacity(partition.keys.len());
    for (s, key) in &partition.keys {
        match key {
            KeySpec::Value(e) if can_key(e.ty) => keys.push((*s, e.clone())),
            KeySpec::Value(e) => return Err(format!("its key is of type {}", e.ty)),
            KeySpec::Ranges(_) => return Err("an event may be in several ranges".into()),
            KeySpec::Each(_) => return Err("an event of a stream listed twice has two keys".into()),
        }
    }
    let streams: Vec<StreamId> = keys.iter().map(|(s, _)| *s).collect();
    plain::check(plan, plain, &streams)?;
    let whole = partition.queries.iter().map(|q| Node::Query(*q)).chain([Node::Partition(p)]);
    if !whole.into_iter().all(|n| columnar.contains(&n)) {
        return Err("it runs row by row".into());
    }
    for q in &partition.queries {
        event_driven(plan, *q).map_err(|why| match partition.queries.len() {
            1 => why,
            _ => format!("in query {}, {why}", plan.queries[*q].name),
        })?;
    }
    Ok(keys)
}

/// That events cause all results of a query, each by events of its own key.
fn event_driven(plan: &Plan, q: QueryId) -> Result<(), String> {
    let query = &plan.queries[q];
    if query.rate.as_ref().is_some_and(|r| matches!(r.every, Every::Time(_))) {
        return Err("time lets results out, of all keys together".into());
    }
    let left = query.select.events != EventType::Current;
    match &query.input {
        InputPlan::Stream { chain, .. } => chain.iter().try_for_each(|h| handler(h, left)),
        InputPlan::Join { spec, .. } => {
            let side = |side: &JoinSideSpec| {
                side.handlers.iter().try_for_each(|h| handler(h, left))?;
                side.window.as_ref().map_or(Ok(()), |call| window(call, left))
            };
            side(&spec.left).and_then(|()| side(&spec.right))
        }
        InputPlan::Pattern { spec, .. } => pattern(spec),
    }
}

fn handler(h: &HandlerSpec, left: bool) -> Result<(), String> {
    match h {
        HandlerSpec::Log(_) => Err("it logs events in their order".into()),
        HandlerSpec::Window { call, .. } => window(call, left),
        HandlerSpec::Filter(_) | HandlerSpec::Append { .. } | HandlerSpec::Project { .. } => Ok(()),
    }
}

/// `left`: whether rows that leave are results.
fn window(call: &WindowCall, left: bool) -> Result<(), String> {
    let name = call.spec.name;
    let timed = || {
        Err(format!("the clock makes rows of all keys leave its window `{name}` at the same time"))
    };
    match name {
        "length" | "lengthBatch" | "batch" | "externalTime" | "sort" | "frequent"
        | "lossyFrequent" | "expression" | "expressionBatch" => Ok(()),
        "time" | "timeLength" if !left => Ok(()),
        "externalTimeBatch" if !has_timeout(call) => Ok(()),
        _ => timed(),
    }
}

fn has_timeout(call: &WindowCall) -> bool {
    let never = |a: &WindowArg| match a {
        WindowArg::Const { value: Value::Long(t), .. } => *t <= 0,
        WindowArg::Const { value: Value::Int(t), .. } => *t <= 0,
        _ => false,
    };
    call.args.get(3).is_some_and(|a| !never(a))
}

fn pattern(spec: &PatternSpec) -> Result<(), String> {
    let plain = |s: &StateSpec| {
        matches!(s, StateSpec::Stream { .. } | StateSpec::Count { .. } | StateSpec::Logical { .. })
    };
    if !spec.states.iter().all(plain) || spec.sides.iter().any(|s| s.absent.is_some()) {
        return Err("the clock makes matches of all keys".into());
    }
    if spec.within.is_some() {
        return Err("the latest event of any key ends what is older than twice its `within`".into());
    }
    Ok(())
}
