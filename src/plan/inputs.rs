//! Queries over several streams: joins and patterns.

use super::graph::{InputPlan, StreamId};
use super::handlers::{plan_handlers, plan_window};
use super::query::{Context, Refused, resolve, scope_of};
use super::select::{Bound, bind_selection};
use super::spec::SelectSpec;
use super::{join, named, pattern};
use crate::error::{Code, Diagnostic};
use crate::lang::ast::{EventType, Handler, JoinInput, PatternInput, Query, Source, StreamInput};
use crate::registry;

/// A join.
pub(super) fn plan_join(
    q: &Query,
    j: &JoinInput,
    events: EventType,
    cx: &mut Context<'_>,
) -> Result<(InputPlan, SelectSpec), Refused> {
    let left = resolve(&j.left.source, cx)?;
    let right = resolve(&j.right.source, cx)?;
    for (side, id) in [(&j.left, left), (&j.right, right)] {
        let window = cx.catalog.window_of(id);
        named::no_window_behind(side, window).map_err(|d| vec![d])?;
        if window.is_some() {
            named::only_filters(side).map_err(|d| vec![d])?;
        }
        if window.is_some() && cx.partition.is_some() {
            let what = "a join with a named window inside a partition";
            return Err(vec![Diagnostic::not_supported(side.span.0, what)].into());
        }
    }
    let side = |s: &StreamInput, id: StreamId| {
        let mut scope = scope_of(s, id, cx);
        let (window, handlers): (Vec<_>, Vec<_>) =
            s.handlers.iter().cloned().partition(|h| matches!(h, Handler::Window(_)));
        let planned = plan_handlers(&handlers, &mut scope, cx.app);
        let window = window.first().map(|w| match w {
            Handler::Window(call) => plan_window(call, &mut scope),
            _ => unreachable!("partitioned by kind"),
        });
        join::side(planned, window, scope, cx.catalog.window_of(id).cloned())
    };
    let (left_side, right_side) = match (side(&j.left, left), side(&j.right, right)) {
        (Ok(l), Ok(r)) => (l, r),
        (l, r) => {
            let faults = [l.err(), r.err()].into_iter().flatten().flatten();
            return Err(Refused::Faults(faults.collect()));
        }
    };
    let mut found = Vec::new();
    let Some((mut builder, mut spec)) = join::plan_sides(j, left_side, right_side, &mut found)
    else {
        return Err(found.into());
    };
    let all = if q.select.items.is_none() { builder.all() } else { Ok(vec![]) };
    let bound = all.and_then(|all| bind_selection(&q.select, &mut builder, all, false));
    let bound = without_faults(bound, found)?;
    let aggregated = bound.aggregates() || !q.select.group_by.is_empty();
    let mut select = bound.finish(spec.output.clone(), events);
    spec.expired = events != EventType::Current;
    spec.aggregates = aggregated;
    spec.keyed = cx.partition.is_some();
    select.windowed = true;
    select.joined = true;
    join::narrow(&mut spec, &mut select);
    Ok((InputPlan::Join { streams: [left, right], spec: Box::new(spec) }, select))
}

/// The selection, or the faults found before it and its own.
fn without_faults(
    bound: Result<Bound, Vec<Diagnostic>>,
    mut found: Vec<Diagnostic>,
) -> Result<Bound, Vec<Diagnostic>> {
    match bound {
        Ok(bound) if found.is_empty() => Ok(bound),
        bound => {
            found.extend(bound.err().into_iter().flatten());
            Err(found)
        }
    }
}

/// A pattern or sequence.
pub(super) fn plan_pattern(
    q: &Query,
    p: &PatternInput,
    events: EventType,
    cx: &mut Context<'_>,
) -> Result<(InputPlan, SelectSpec), Refused> {
    let mut waits = None;
    let mut silent = false;
    let functions = registry::functions();
    let planned = {
        let mut lookup = |s: &Source| match resolve(s, cx) {
            Ok(id) => {
                if let Some(window) = cx.catalog.window_of(id) {
                    named::pattern_source(s, window)?;
                }
                Ok((id, cx.catalog.attributes(id)))
            }
            Err(Refused::Waits(s)) => {
                let d = cx.catalog.undefined(&s);
                waits = Some(s);
                Err(d)
            }
            Err(Refused::Faults(mut d)) => Err(d.pop().unwrap_or_else(|| {
                silent = true;
                Diagnostic::error(Code::NotSupported, s.name.at(), "")
            })),
        };
        pattern::plan_elements(p, &mut lookup, &functions)
    };
    if let Some(s) = waits {
        return Err(Refused::Waits(s));
    }
    let (mut builder, found) = match planned {
        Ok(planned) => planned,
        Err(mut d) => {
            if silent {
                d.retain(|d| !d.message.is_empty());
            }
            return Err(d.into());
        }
    };
    let all = match q.select.items {
        None => builder.all_attributes(q.select.span.0),
        Some(_) => Ok(vec![]),
    };
    let bound = all.and_then(|all| bind_selection(&q.select, &mut builder, all, true));
    let bound = without_faults(bound, found)?;
    cx.warnings.extend_from_slice(builder.warnings());
    let spec = builder.finish(cx.partition.is_some());
    let streams = spec.ports.iter().map(|p| p.stream).collect();
    let select = bound.finish(spec.output.clone(), events);
    Ok((InputPlan::Pattern { streams, spec: Box::new(spec) }, select))
}
