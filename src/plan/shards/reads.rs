//! Which columns of a stream anybody in a region reads: only those are handed to shards.

use super::Entry;
use crate::expr::TypedExpr;
use crate::pattern::PatternSpec;
use crate::plan::graph::{InputPlan, Plan, QueryId};
use crate::plan::spec::{HandlerSpec, SelectSpec};

/// Marks what the queries read of an entry.
pub(super) fn reads(plan: &Plan, queries: &[QueryId], entry: &mut Entry) {
    let used = &mut entry.reads;
    mark(&entry.key, used);
    for query in queries.iter().map(|q| &plan.queries[*q]) {
        match &query.input {
            InputPlan::Stream { stream, chain } if *stream == entry.stream => {
                chained(chain, false, Some(&query.select), used);
            }
            InputPlan::Join { streams, spec } => {
                for (s, side) in streams.iter().zip([&spec.left, &spec.right]) {
                    if *s == entry.stream {
                        chained(&side.handlers, true, None, used);
                    }
                }
            }
            InputPlan::Pattern { streams, spec } => {
                let ports = streams.iter().enumerate().filter(|(_, s)| **s == entry.stream);
                ports.for_each(|(port, _)| pattern(spec, port, used));
            }
            InputPlan::Stream { .. } => {}
        }
    }
}

fn set(used: &mut [bool], column: usize) {
    if let Some(u) = used.get_mut(column) {
        *u = true;
    }
}

fn mark(e: &TypedExpr, used: &mut [bool]) {
    e.each_column(&mut |c| set(used, usize::from(c.column)));
}

/// What a chain reads, and all that is left behind it: of `select`, what that reads.
fn chained(chain: &[HandlerSpec], held: bool, select: Option<&SelectSpec>, used: &mut [bool]) {
    // By column, the one of the stream that it is.
    let mut columns: Vec<Option<usize>> = (0..used.len()).map(Some).collect();
    let mut own = |columns: &[Option<usize>], c: usize| {
        if let Some(Some(c)) = columns.get(c) {
            set(used, *c);
        }
    };
    let each = |e: &TypedExpr, f: &mut dyn FnMut(usize)| {
        e.each_column(&mut |c| f(usize::from(c.column)));
    };
    for h in chain {
        match h {
            HandlerSpec::Filter(e) => each(e, &mut |c| own(&columns, c)),
            HandlerSpec::Append { columns: added, .. } => {
                added.iter().for_each(|e| each(e, &mut |c| own(&columns, c)));
                columns.extend(std::iter::repeat_n(None, added.len()));
            }
            HandlerSpec::Project { columns: kept, .. } => {
                columns = kept.iter().map(|c| columns.get(*c).copied().flatten()).collect();
            }
            // Rows were narrowed in front of a window.
            HandlerSpec::Window { .. } | HandlerSpec::Log(_) => {
                (0..columns.len()).for_each(|c| own(&columns, c));
            }
        }
    }
    if held {
        (0..columns.len()).for_each(|c| own(&columns, c));
    }
    if let Some(select) = select {
        select.each_column(&mut |c| own(&columns, usize::from(c)));
    }
}

fn pattern(spec: &PatternSpec, port: usize, used: &mut [bool]) {
    spec.ports[port].kept.iter().for_each(|c| set(used, *c));
    for side in spec.sides.iter().filter(|s| s.port == port) {
        let predicate = &side.predicate;
        for e in predicate.event.iter().chain(&predicate.across) {
            e.each_column(&mut |c| {
                if c.source == 0 {
                    set(used, usize::from(c.column));
                }
            });
        }
        predicate.equal.iter().for_each(|k| set(used, k.event));
        predicate.bound.iter().for_each(|b| set(used, b.event));
    }
}
