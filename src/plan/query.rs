//! One query: input, selection, target.

use super::catalog::{Catalog, Unknown};
use super::graph::{InputPlan, PartitionId, QueryPlan, StreamId};
use super::handlers::{narrow, plan_handlers};
use super::inputs;
use super::named;
use super::rate;
use super::scope::{StreamScope, column};
use super::select::bind_selection;
use super::spec::{HandlerSpec, SelectSpec};
use crate::error::Diagnostic;
use crate::expr::TypedExpr;
use crate::expr::types::{AttrType, attr_type};
use crate::lang::ast::{EventType, Handler, Input, OutputAction, Query, Source, StreamInput};

/// What a query is planned in.
pub(super) struct Context<'a> {
    pub(super) catalog: &'a mut Catalog,
    pub(super) app: &'a str,
    pub(super) partition: Option<PartitionId>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// Why a query isn't planned (yet).
pub(super) enum Refused {
    /// It reads a stream nothing defines so far.
    Waits(Source),
    /// Its faults (maybe none, if they were reported elsewhere).
    Faults(Vec<Diagnostic>),
}

impl From<Vec<Diagnostic>> for Refused {
    fn from(d: Vec<Diagnostic>) -> Self {
        Refused::Faults(d)
    }
}

/// Plans a query; defines its target if nothing else does.
pub(super) fn plan_query(
    q: &Query,
    name: String,
    cx: &mut Context<'_>,
) -> Result<QueryPlan, Refused> {
    let mut found = Vec::new();
    let events = events_of(q, &mut found);
    let mut notes = Vec::new();
    let planned = match &q.input {
        Input::Stream(s) => plan_stream(q, s, events, cx, &mut notes),
        Input::Join(j) => inputs::plan_join(q, j, events, cx),
        Input::Pattern(p) => inputs::plan_pattern(q, p, events, cx),
        // Unfolded before.
        Input::Anonymous(a) => {
            Err(vec![Diagnostic::not_supported(a.query.span.0, "an inner query here")].into())
        }
    };
    let (input, mut select) = match planned {
        Ok(p) => p,
        Err(Refused::Waits(s)) => return Err(Refused::Waits(s)),
        Err(Refused::Faults(d)) => {
            found.extend(d);
            return Err(found.into());
        }
    };
    select.keyed = cx.partition.is_some();
    let rate = q.rate.as_ref().and_then(|r| rate::plan_rate(r, &select, &mut found));
    let target = match &q.output {
        OutputAction::Insert { target, .. } => {
            match cx.catalog.target(target, cx.partition, &select.output) {
                Ok(id) => Some(id),
                Err(d) => {
                    found.extend(d);
                    return Err(found.into());
                }
            }
        }
        _ => None,
    };
    if !found.is_empty() {
        return Err(found.into());
    }
    let span = q.span.0;
    let partition = cx.partition;
    Ok(QueryPlan { name, span, partition, input, select, rate, target, notes, window: None })
}

/// Which events leave. A snapshot is made of all events.
fn events_of(q: &Query, found: &mut Vec<Diagnostic>) -> EventType {
    let table = |what: &str, t: &Source| Diagnostic::not_supported(t.name.at(), what);
    match &q.output {
        OutputAction::Insert { events, .. } | OutputAction::Return { events, .. } => {
            return rate::events(q.rate.as_ref(), *events, found);
        }
        OutputAction::Delete { target, .. } => found.push(table("`delete` from a table", target)),
        OutputAction::Update { target, .. } => found.push(table("`update` of a table", target)),
        OutputAction::UpdateOrInsert { target, .. } => {
            found.push(table("`update or insert into` a table", target));
        }
    }
    EventType::Current
}

/// The stream a source names.
pub(super) fn resolve(s: &Source, cx: &Context<'_>) -> Result<StreamId, Refused> {
    cx.catalog.source(s, cx.partition).map_err(|u| match u {
        Unknown::NotYet => Refused::Waits(s.clone()),
        Unknown::Reported => Refused::Faults(vec![]),
        Unknown::Fault(d) => Refused::Faults(vec![d]),
    })
}

/// The names of one stream.
pub(super) fn scope_of(s: &StreamInput, stream: StreamId, cx: &Context<'_>) -> StreamScope {
    StreamScope {
        name: s.source.name.name.clone(),
        mark: s.source.mark,
        alias: s.alias.as_ref().map(|a| a.name.clone()),
        schema: cx.catalog.attributes(stream),
    }
}

fn plan_stream(
    q: &Query,
    s: &StreamInput,
    events: EventType,
    cx: &mut Context<'_>,
    notes: &mut Vec<String>,
) -> Result<(InputPlan, SelectSpec), Refused> {
    let stream = resolve(&s.source, cx)?;
    let window = cx.catalog.window_of(stream);
    named::no_window_behind(s, window).map_err(|d| vec![d])?;
    let named = window.is_some();
    let mut scope = scope_of(s, stream, cx);
    let planned = plan_handlers(&s.handlers, &mut scope, cx.app);
    let all = if q.select.items.is_none() { all_columns(&scope.schema) } else { vec![] };
    let bound = bind_selection(&q.select, &mut scope, all, false);
    let (mut chain, bound) = match (planned, bound) {
        (Ok(chain), Ok(bound)) => (chain, bound),
        (Err(mut d), bound) => {
            // What a refused stream function would have appended isn't held against the selection.
            let appends = s.handlers.iter().any(|h| matches!(h, Handler::Function(_)));
            d.extend(bound.err().into_iter().flatten().filter(|_| !appends));
            return Err(d.into());
        }
        (_, Err(d)) => return Err(d.into()),
    };
    let mut aggregated = bound.aggregates();
    let mut select = bound.finish(scope.schema.clone(), events);
    aggregated |= !select.group_by.is_empty();
    narrow(&mut chain, &mut select);
    want_expired(&mut chain, aggregated, events, notes);
    select.windowed = named || chain.iter().any(|h| matches!(h, HandlerSpec::Window { .. }));
    Ok((InputPlan::Stream { stream, chain }, select))
}

/// All columns as `select *` puts them out.
pub(super) fn all_columns(schema: &arrow::datatypes::SchemaRef) -> Vec<(String, TypedExpr)> {
    let of = |(i, f): (usize, &arrow::datatypes::FieldRef)| {
        let ty = attr_type(f.data_type()).unwrap_or(AttrType::Object);
        (f.name().clone(), column(i, ty, crate::error::Span::default()))
    };
    schema.fields().iter().enumerate().map(of).collect()
}

/// Tells the window whether anybody wants its expired rows; a sliding window nobody wants them of
/// changes nothing and is left out.
fn want_expired(
    chain: &mut Vec<HandlerSpec>,
    aggregated: bool,
    events: EventType,
    notes: &mut Vec<String>,
) {
    let Some(at) = chain.iter().position(|h| matches!(h, HandlerSpec::Window { .. })) else {
        return;
    };
    let seen = chain[at + 1..].iter().any(|h| matches!(h, HandlerSpec::Log(_)));
    let output = events != EventType::Current;
    let HandlerSpec::Window { call, expired, .. } = &mut chain[at] else { return };
    let sliding = call.spec.sliding;
    *expired = output || seen || (sliding && aggregated);
    if call.spec.passes && !*expired {
        notes.push(format!(
            "#window.{} is left out: only current events leave and nothing is aggregated",
            call.spec.name
        ));
        chain.remove(at);
    }
}
