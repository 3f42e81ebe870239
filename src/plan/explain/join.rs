//! Joins: both sides, and how partners are found.

use super::names::Columns;
use super::query::events;
use super::{Op, query, window};
use crate::lang::ast::JoinKind;
use crate::plan::graph::{Plan, StreamId};
use crate::plan::spec::{JoinSideSpec, JoinSpec};

/// A windowed join.
pub(super) fn join(plan: &Plan, streams: [StreamId; 2], spec: &JoinSpec) -> Op {
    let kind = match spec.kind {
        JoinKind::Inner => "join",
        JoinKind::Left => "left outer join",
        JoinKind::Right => "right outer join",
        JoinKind::Full => "full outer join",
    };
    let [left, right] = streams.map(|s| plan.streams[s].full_name());
    let width = spec.left.schema.fields().len();
    let left = called(&left, &spec.left, spec, 0);
    let right = called(&right, &spec.right, spec, width);
    let mut op = Op::new(kind, format!("{left}, {right}"));
    op = lookup(op, spec);
    if let Some(r) = &spec.residual {
        op = op
            .fact("residual", Columns::of(&spec.output).describe(r))
            .remark("evaluated", "columnar, over all candidates of a step at once");
    }
    if spec.aggregates && !spec.expired {
        op = op.fact("leaving rows", "look for partners once more, for the aggregates");
    }
    if spec.self_join {
        op = op.fact("self join", "each event goes through the left side, then the right");
    }
    if spec.right_first {
        op = op.fact("ties", "of rows with one cause, the right side's come first");
    }
    op.parts.push(side("left", &left, &spec.left, spec));
    op.parts.push(side("right", &right, &spec.right, spec));
    op
}

/// `S as s`: what a side goes by stands in front of its columns in the joined row.
fn called(stream: &str, side: &JoinSideSpec, spec: &JoinSpec, first: usize) -> String {
    let own = side.schema.fields().first();
    let joined = spec.output.fields().get(first);
    let name = own.zip(joined).and_then(|(own, joined)| {
        joined.name().strip_suffix(own.name().as_str())?.strip_suffix('.')
    });
    match name {
        Some(name) if name != stream => format!("{stream} as {name}"),
        _ => stream.to_string(),
    }
}

fn lookup(op: Op, spec: &JoinSpec) -> Op {
    let mut left = Columns::of(&spec.output);
    let right = Columns(left.0.split_off(spec.left.schema.fields().len().min(left.0.len())));
    let mut keys: Vec<String> = spec
        .equal
        .iter()
        .map(|k| format!("{} == {} ({})", left.describe(&k.left), right.describe(&k.right), k.ty))
        .collect();
    if spec.keyed {
        keys.insert(0, "partition key".into());
    }
    if keys.is_empty() {
        op.fact("lookup", "every row of the other window is a candidate: no equality to index")
    } else {
        op.fact("lookup", format!("hash of {}", keys.join(", ")))
    }
}

fn side(which: &str, stream: &str, s: &JoinSideSpec, spec: &JoinSpec) -> Op {
    let mut op = Op::new(which, stream);
    op = op.fact("finds", if s.triggers { "partners for its rows" } else { "nothing: passive" });
    op.parts = query::handlers(&s.handlers, &s.input, spec.keyed);
    if let Some(shared) = &s.shared {
        let kept = Columns::of(&s.schema).0.join(", ");
        op.parts.push(
            Op::new("named window", format!("{stream}, whatever is in it"))
                .fact("output", events(shared.events))
                .fact("keeps", format!("{kept} of its rows")),
        );
        return op;
    }
    op.parts.push(match &s.window {
        Some(call) => window::window(call, &Columns::of(&s.schema), true, spec.keyed),
        None => Op::new("no window", "the other side never finds its rows"),
    });
    op
}
