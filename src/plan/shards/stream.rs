//! Queries over one stream, outside of partitions: aggregates by group.

use super::{Keyed, Late, can_key};
use crate::expr::{TypedExpr, TypedKind};
use crate::lang::ast::EventType;
use crate::plan::graph::{Plan, QueryId, StreamId};
use crate::plan::spec::HandlerSpec;

/// The key of a query over one stream, or why it has none.
pub(super) fn keyed(
    plan: &Plan,
    q: QueryId,
    stream: StreamId,
    chain: &[HandlerSpec],
) -> Result<Keyed, String> {
    let query = &plan.queries[q];
    let select = &query.select;
    let window = chain.iter().position(|h| matches!(h, HandlerSpec::Window { .. }));
    if window.is_none() && select.aggregates.is_empty() {
        return Err("it keeps nothing: handing rows over would cost more than it does".into());
    }
    if chain.iter().any(|h| matches!(h, HandlerSpec::Log(_))) {
        return Err("it logs events in their order".into());
    }
    let late = match window {
        None => Late::Alone,
        Some(at) => {
            separable_window(&chain[at])?;
            if chain[..at].iter().any(|h| matches!(h, HandlerSpec::Filter(_))) {
                return Err("late rows wait in its window for those that its filter let through, \
                            whatever their keys; filter in a query of its own"
                    .into());
            }
            if reads_event_time(chain, select) {
                return Err("it reads event times behind a window that late rows wait in".into());
            }
            Late::Raised
        }
    };
    if select.aggregates.is_empty() || select.group_by.is_empty() {
        return Err("its aggregates are over rows of all keys".into());
    }
    if query.rate.is_some() {
        return Err("its output rate counts results of all keys".into());
    }
    if select.events != EventType::Current {
        return Err("rows that leave together have an order among all keys".into());
    }
    let columns = trace(chain, plan.streams[stream].schema.fields().len());
    let own = |e: &TypedExpr| match e.kind {
        TypedKind::Column(c) if can_key(e.ty) => {
            let column = columns.get(usize::from(c.column)).copied().flatten()?;
            Some(TypedExpr::column(0, column as u16, e.ty, e.span))
        }
        _ => None,
    };
    match select.group_by.iter().find_map(own) {
        Some(key) => Ok((vec![(stream, key)], late)),
        None => Err("no group key is an attribute of the stream that is a string, int, long or \
                     bool"
            .into()),
    }
}

/// Whether rows of one key leave a window whatever the rows of others.
fn separable_window(h: &HandlerSpec) -> Result<(), String> {
    match h {
        HandlerSpec::Window { call, .. } if call.spec.name == "time" => Ok(()),
        HandlerSpec::Window { call, .. } => {
            Err(format!("its window `{}` holds rows of all keys together", call.spec.name))
        }
        _ => Ok(()),
    }
}

/// By column behind the handlers, the column of the stream that it is.
fn trace(chain: &[HandlerSpec], width: usize) -> Vec<Option<usize>> {
    let mut columns: Vec<Option<usize>> = (0..width).map(Some).collect();
    for h in chain {
        match h {
            HandlerSpec::Append { columns: added, .. } => {
                columns.extend(std::iter::repeat_n(None, added.len()));
            }
            HandlerSpec::Project { columns: kept, .. } => {
                columns = kept.iter().map(|c| columns.get(*c).copied().flatten()).collect();
            }
            HandlerSpec::Filter(_) | HandlerSpec::Log(_) | HandlerSpec::Window { .. } => {}
        }
    }
    columns
}

/// Whether anything asks for the event time of a row.
fn reads_event_time(chain: &[HandlerSpec], select: &crate::plan::spec::SelectSpec) -> bool {
    let handlers = chain.iter().flat_map(|h| match h {
        HandlerSpec::Filter(e) => std::slice::from_ref(e),
        HandlerSpec::Append { columns, .. } => columns,
        _ => &[],
    });
    let arguments = select.aggregates.iter().flat_map(|a| &a.args);
    let selected = select.group_by.iter().chain(&select.items).chain(&select.having);
    handlers.chain(arguments).chain(selected).any(|e| {
        let mut reads = false;
        e.visit(&mut |e| reads |= matches!(e.kind, TypedKind::EventTime(_)));
        reads
    })
}
