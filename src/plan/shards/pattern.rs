//! Patterns outside of partitions: those whose events are all linked by equality.

use super::{Keyed, Late};
use crate::expr::TypedExpr;
use crate::expr::types::attr_type;
use crate::lang::ast::PatternKind;
use crate::pattern::spec::{EqualKey, KeyClass, PatternSpec, Pick, StateSpec};
use crate::plan::graph::{Plan, QueryId, StreamId};

/// The keys of a pattern, or why it has none.
pub(super) fn keyed(
    plan: &Plan,
    q: QueryId,
    streams: &[StreamId],
    spec: &PatternSpec,
) -> Result<Keyed, String> {
    let query = &plan.queries[q];
    if spec.kind != PatternKind::Pattern {
        return Err("an event of any key may break a sequence".into());
    }
    let single = spec.states.iter().all(|s| matches!(s, StateSpec::Stream { .. }));
    if !single || spec.sides.iter().any(|s| s.absent.is_some()) {
        return Err("its states aren't all of single events".into());
    }
    if !spec.groups.iter().any(|g| g.first == 0 && g.last == 0) {
        return Err("without `every` on its first state a match of one key ends it for all".into());
    }
    if !query.select.aggregates.is_empty() {
        return Err("its aggregates are over matches of all keys".into());
    }
    if query.rate.is_some() {
        return Err("its output rate counts results of all keys".into());
    }
    let width = spec.ports[spec.sides[0].port].schema.fields().len();
    let columns = (0..width).find_map(|column| linked(spec, column));
    let Some(columns) = columns else {
        return Err("its events aren't all linked by equality on one attribute (a string, int, \
                    long or bool)"
            .into());
    };
    let key = |(port, column): (usize, usize)| {
        let field = spec.ports[port].schema.field(column);
        let ty = attr_type(field.data_type())?;
        Some((streams[port], TypedExpr::column(0, column as u16, ty, query.span)))
    };
    let keys: Option<Vec<_>> = columns.into_iter().enumerate().map(key).collect();
    Ok((keys.ok_or("a key has no type")?, Late::Told))
}

/// The column of each port that all events of a match have in common, beginning with `column` of the
/// first event.
fn linked(spec: &PatternSpec, column: usize) -> Option<Vec<usize>> {
    let mut of_side = vec![column];
    for side in &spec.sides[1..] {
        let same = |key: &&EqualKey| {
            let partner = key.partial.side;
            let kept = &spec.ports[spec.sides[partner].port].kept;
            matches!(key.class, KeyClass::Text | KeyClass::Integer | KeyClass::Bool)
                && matches!(key.partial.pick, Pick::First(0) | Pick::Last(0))
                && of_side.get(partner).is_some_and(|c| kept.get(key.column) == Some(c))
        };
        of_side.push(side.predicate.equal.iter().find(same)?.event);
    }
    let mut of_port: Vec<Option<usize>> = vec![None; spec.ports.len()];
    for (side, column) in spec.sides.iter().zip(of_side) {
        if of_port[side.port].replace(column).is_some_and(|other| other != column) {
            return None;
        }
    }
    of_port.into_iter().collect()
}
