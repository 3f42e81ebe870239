//! The operators of a query in the order in which rows meet them.

use arrow::datatypes::SchemaRef;

use super::names::Columns;
use super::{Op, join, pattern, window};
use crate::expr::types::attr_type;
use crate::lang::ast::EventType;
use crate::plan::graph::{InputPlan, Plan, QueryPlan};
use crate::plan::spec::{Every, HandlerSpec, LogSpec, RateKeeps, RateSpec, SelectSpec, SnapshotOf};

/// What a query does, from its input to its output.
pub(super) fn operators(plan: &Plan, q: &QueryPlan) -> Vec<Op> {
    let keyed = q.partition.is_some();
    let mut ops = match &q.input {
        InputPlan::Stream { stream, chain } => handlers(chain, plan.attributes(*stream), keyed),
        InputPlan::Join { streams, spec } => vec![join::join(plan, *streams, spec)],
        InputPlan::Pattern { spec, .. } => vec![pattern::pattern(plan, spec)],
    };
    if let Some(w) = q.window.map(|w| &plan.windows[w]) {
        ops.push(Op::new("output", format!("{} to its readers", events(w.events))));
        return ops;
    }
    select(plan, q, &mut ops);
    ops.extend(q.rate.as_ref().map(|r| rate(r, q)));
    ops.push(output(plan, q));
    ops
}

/// Handlers of a chain that begins with rows of `schema`.
pub(super) fn handlers(chain: &[HandlerSpec], schema: &SchemaRef, keyed: bool) -> Vec<Op> {
    let mut schema = schema.clone();
    let mut ops = Vec::with_capacity(chain.len());
    for h in chain {
        let columns = Columns::of(&schema);
        ops.push(match h {
            HandlerSpec::Filter(e) => Op::new("filter", columns.describe(e)),
            HandlerSpec::Append { name, columns: added, schema: wide } => {
                let kept = schema.fields().len();
                let names = wide.fields()[kept..].iter().zip(added);
                let added: Vec<String> = names
                    .map(|(f, e)| format!("{} as {}", columns.describe(e), f.name()))
                    .collect();
                schema = wide.clone();
                Op::new(format!("#{name}"), format!("appends {}", added.join(", ")))
            }
            HandlerSpec::Project { schema: narrow, .. } => {
                schema = narrow.clone();
                let kept = Columns::of(narrow).0.join(", ");
                let kept = if kept.is_empty() { "no column".to_string() } else { kept };
                Op::new("narrow", format!("to {kept} (nothing else is read from here on)"))
            }
            HandlerSpec::Log(l) => log(l, &columns),
            HandlerSpec::Window { call, expired, .. } => {
                window::window(call, &columns, *expired, keyed)
            }
        });
    }
    ops
}

fn log(l: &LogSpec, columns: &Columns) -> Op {
    let message = l.message.as_ref().map(|m| columns.describe(m));
    let what = [message, l.event.then(|| "the event".to_string())];
    let what: Vec<String> = what.into_iter().flatten().collect();
    Op::new("#log", format!("{} {}", l.priority, what.join(", ")))
}

/// Whether the rows a selector sees leave again one by one (a sliding window), in batches, or never.
fn comes_from(plan: &Plan, q: &QueryPlan) -> &'static str {
    let window = |chain: &[HandlerSpec]| {
        chain.iter().find_map(|h| match h {
            HandlerSpec::Window { call, .. } => Some(call.spec.sliding),
            _ => None,
        })
    };
    if q.select.aggregates.iter().all(|a| a.spec.forever) {
        return "running over all rows since the start, whatever leaves";
    }
    match &q.input {
        InputPlan::Stream { stream, .. } if plan.window_at(*stream).is_some() => {
            "running: a row counts from when it enters the window until it leaves"
        }
        InputPlan::Stream { chain, .. } => match window(chain) {
            Some(true) => "running: a row counts from when it enters the window until it leaves",
            Some(false) => "starts afresh with each batch of the window",
            None => "running over all rows since the start",
        },
        InputPlan::Join { .. } => "running: a joined row counts until one of its rows leaves",
        InputPlan::Pattern { .. } => "running over all matches since the start",
    }
}

fn select(plan: &Plan, q: &QueryPlan, ops: &mut Vec<Op>) {
    let s = &q.select;
    let (input, all) = (Columns::of(&s.input), Columns::of_select(s));
    if !s.group_by.is_empty() {
        let forgets = s.windowed && s.aggregates.iter().all(|a| !a.spec.forever);
        let state = match (s.aggregates.is_empty(), forgets) {
            (true, _) => "nothing is kept of a group",
            (_, true) => "a group is forgotten when its last row has left",
            (_, false) => "a group is kept for ever",
        };
        ops.push(Op::new("group by", input.list(&s.group_by)).remark("state", state));
    }
    if !s.aggregates.is_empty() {
        let calls = all.0[input.0.len()..].iter().zip(&s.aggregates);
        let calls: Vec<String> = calls.map(|(text, a)| format!("{text} {}", a.ty)).collect();
        let keyed = if s.keyed { ", by partition key" } else { "" };
        let op = Op::new("aggregate", calls.join(", "));
        ops.push(op.remark("rows", format!("{}{keyed}", comes_from(plan, q))));
    }
    if let Some(h) = &s.having {
        ops.push(Op::new("having", all.describe(h)));
    }
    let snapshot = q.rate.as_ref().is_some_and(|r| matches!(r.keeps, RateKeeps::Snapshot(_)));
    ops.push(projection(s, &all, snapshot));
    let chunk = if snapshot { "snapshot" } else { "chunk" };
    if !s.order_by.is_empty() {
        let key = |o: &crate::plan::spec::OrderKey| {
            let way = if o.descending { "desc" } else { "asc" };
            format!("{} {way}", s.output.field(o.column).name())
        };
        let keys: Vec<String> = s.order_by.iter().map(key).collect();
        ops.push(
            Op::new("order by", keys.join(", ")).remark("of", format!("each {chunk} by itself")),
        );
    }
    for (what, n) in [("offset", s.offset), ("limit", s.limit)] {
        if let Some(n) = n {
            ops.push(Op::new(what, format!("{n} rows of each {chunk}")));
        }
    }
}

fn projection(s: &SelectSpec, all: &Columns, snapshot: bool) -> Op {
    let item = |(e, f): (&crate::expr::TypedExpr, &arrow::datatypes::FieldRef)| {
        let text = all.describe(e);
        let ty = attr_type(f.data_type()).map_or(String::new(), |t| format!(" {t}"));
        if text == *f.name() {
            format!("{text}{ty}")
        } else {
            format!("{text} as {}{ty}", f.name())
        }
    };
    let items: Vec<String> = s.items.iter().zip(s.output.fields()).map(item).collect();
    let rows = match (s.group_by.is_empty(), s.aggregates.is_empty()) {
        _ if snapshot => None,
        (false, _) => Some("the last row of each group of a chunk"),
        (true, false) => Some("the last row of a chunk"),
        (true, true) => None,
    };
    Op::new("select", items.join(", ")).maybe("of", rows)
}

/// Which results leave, and when.
fn rate(r: &RateSpec, q: &QueryPlan) -> Op {
    let each = match (r.grouped, q.partition) {
        (false, None) => "",
        (true, None) => ", of each group",
        (false, Some(_)) => ", of each partition key",
        (true, Some(_)) => ", of each group of each partition key",
    };
    let every = match r.every {
        Every::Events(n) => format!("{n} events"),
        Every::Time(t) => format!("{t} ms"),
    };
    let (what, state) = match r.keeps {
        RateKeeps::All => ("all", "results are held until they leave"),
        RateKeeps::First => ("first", "a number, no result, is held"),
        RateKeeps::Last => ("last", "the last result is held until it leaves"),
        RateKeeps::Snapshot(SnapshotOf::Last) => ("last result again", "a result is held for ever"),
        RateKeeps::Snapshot(SnapshotOf::Rows) => {
            ("rows in the window", "results are held while their rows are in the window")
        }
        RateKeeps::Snapshot(SnapshotOf::Filled) => (
            "rows in the window with the latest aggregates",
            "results are held while their rows are in the window",
        ),
        RateKeeps::Snapshot(SnapshotOf::Totals) => {
            ("latest aggregates", "a result is held while there are rows in the window")
        }
    };
    Op::new("output rate", format!("{what} every {every}{each}")).remark("state", state)
}

/// Which rows of a named window its readers get.
pub(super) fn events(events: EventType) -> &'static str {
    match events {
        EventType::Current => "current events",
        EventType::Expired => "expired events",
        EventType::All => "current and expired events",
    }
}

fn output(plan: &Plan, q: &QueryPlan) -> Op {
    let events = match q.select.events {
        EventType::Current => "current events",
        EventType::Expired => "expired events, as current ones,",
        EventType::All => "current and expired events, all as current ones,",
    };
    let Some(target) = q.target else {
        let events = events.split(',').next().unwrap_or(events);
        return Op::new("return", format!("{events} to callbacks of the query only"));
    };
    let stream = &plan.streams[target];
    let rank = stream.writers.iter().position(|w| plan.queries[*w].name == q.name);
    let op = Op::new("insert", format!("{events} into {}", stream.full_name()));
    let rank = rank
        .filter(|_| stream.writers.len() > 1)
        .map(|r| format!("{} of {} writers for results of one event", r + 1, stream.writers.len()));
    op.maybe("rank", rank)
}
