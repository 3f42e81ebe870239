//! Plain streams: each event gives at most one row of them, and no timer does.

use crate::lang::ast::{EventType, StreamMark};
use crate::plan::graph::{InputPlan, Plan, QueryId, QueryPlan, StreamId};
use crate::plan::shards::Region;
use crate::plan::spec::HandlerSpec;
use crate::window::WindowCall;

/// By stream, whether it is plain.
pub(super) fn plain(plan: &Plan) -> Vec<bool> {
    // From the streams that no query writes on; what feeds itself never becomes plain.
    let mut plain = vec![false; plan.streams.len()];
    loop {
        let mut moved = false;
        for (s, stream) in plan.streams.iter().enumerate() {
            let fed = match stream.writers.as_slice() {
                [] => true,
                [one] => plain[source(&plan.queries[*one])] && row_to_row(plan, *one),
                // One event could give a row through each.
                _ => false,
            };
            let own = stream.mark == StreamMark::Plain
                && stream.partition.is_none()
                && stream.window.is_none()
                && plan.triggers.iter().all(|t| t.stream != s);
            if fed && own && !plain[s] {
                plain[s] = true;
                moved = true;
            }
        }
        if !moved {
            return plain;
        }
    }
}

/// That all these streams are plain, or why not.
pub(super) fn check(plan: &Plan, plain: &[bool], streams: &[StreamId]) -> Result<(), String> {
    match streams.iter().find(|s| !plain[**s]) {
        None => Ok(()),
        Some(s) => {
            let name = plan.streams[*s].full_name();
            Err(format!("one event may give several rows of {name}, or a timer some"))
        }
    }
}

fn source(query: &QueryPlan) -> StreamId {
    query.input.streams().first().copied().unwrap_or_default()
}

/// Whether each row of a query's stream gives at most one row, at once.
fn row_to_row(plan: &Plan, q: QueryId) -> bool {
    let query = &plan.queries[q];
    let InputPlan::Stream { stream, chain } = &query.input else { return false };
    let handlers = chain.iter().all(|h| match h {
        HandlerSpec::Window { call, .. } => call.spec.sliding && passes_singly(call),
        HandlerSpec::Filter(_)
        | HandlerSpec::Append { .. }
        | HandlerSpec::Project { .. }
        | HandlerSpec::Log(_) => true,
    });
    let keyed = match query.partition {
        None => true,
        Some(p) => {
            super::partition::values(&plan.partitions[p]) && {
                plan.partitions[p].keys.iter().any(|(s, _)| s == stream)
            }
        }
    };
    handlers && keyed && query.rate.is_none() && query.select.events == EventType::Current
}

/// Whether rows pass a window at once, one by one.
fn passes_singly(call: &WindowCall) -> bool {
    matches!(call.spec.name, "length" | "time" | "timeLength" | "externalTime")
}

/// By stream, whether what is sent to it reaches a region.
pub(super) fn reach(plan: &Plan, regions: &[Region]) -> Vec<bool> {
    let mut reached = vec![false; plan.streams.len()];
    for entry in regions.iter().flat_map(|r| &r.entries) {
        let mut at = Some(entry.stream);
        while let Some(s) = at.filter(|s| !reached[*s]) {
            reached[s] = true;
            // A plain stream has one writer at most.
            at = plan.streams[s].writers.first().map(|q| source(&plan.queries[*q]));
        }
    }
    reached
}
