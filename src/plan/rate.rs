//! `output … every …` to a [`RateSpec`].

use super::spec::{Every, RateKeeps, RateSpec, SelectSpec, SnapshotOf};
use crate::error::{Code, Diagnostic};
use crate::lang::ast::{EventType, OutputRate, RateEvery, RateKind};

/// Which events leave a query whose output says `given`: snapshots are made of all, and take no other
/// word.
pub(super) fn events(
    rate: Option<&OutputRate>,
    given: Option<EventType>,
    found: &mut Vec<Diagnostic>,
) -> EventType {
    let Some(rate) = rate.filter(|r| r.kind == RateKind::Snapshot) else {
        return given.unwrap_or_default();
    };
    if given.is_some_and(|g| g != EventType::All) {
        let message = "`output snapshot` shows what is there, made of `all events`";
        found.push(
            Diagnostic::error(Code::Invalid, rate.span.0, message)
                .with_help("insert `all events`, or leave the word out"),
        );
    }
    EventType::All
}

/// The rate limit behind a selection.
pub(super) fn plan_rate(
    rate: &OutputRate,
    select: &SelectSpec,
    found: &mut Vec<Diagnostic>,
) -> Option<RateSpec> {
    let refuse = |message: &str| Diagnostic::error(Code::Parameter, rate.span.0, message);
    let every = match &rate.every {
        RateEvery::Events(n) if *n > 0 => Every::Events(n.unsigned_abs()),
        RateEvery::Time(t) if t.millis() > 0 => Every::Time(t.millis()),
        RateEvery::Events(_) => {
            found.push(refuse("`every` needs 1 event or more"));
            return None;
        }
        RateEvery::Time(_) => {
            found.push(refuse("`every` needs 1 ms or more"));
            return None;
        }
    };
    let width = select.input.fields().len();
    let computed = |e: &crate::expr::TypedExpr| {
        let mut aggregate = false;
        e.each_column(&mut |c| aggregate |= usize::from(c.column) >= width);
        aggregate
    };
    let aggregated: Vec<bool> = select.items.iter().map(computed).collect();
    let keeps = match rate.kind {
        RateKind::All => RateKeeps::All,
        RateKind::First => RateKeeps::First,
        RateKind::Last => RateKeeps::Last,
        RateKind::Snapshot => RateKeeps::Snapshot(shown(select.windowed, &aggregated)),
    };
    let by_group = !matches!(keeps, RateKeeps::All | RateKeeps::Snapshot(SnapshotOf::Rows));
    let grouped = by_group && !select.group_by.is_empty();
    Some(RateSpec { keeps, every, grouped, aggregated })
}

fn shown(windowed: bool, aggregated: &[bool]) -> SnapshotOf {
    let aggregates = aggregated.iter().filter(|a| **a).count();
    match (windowed, aggregates) {
        (false, _) => SnapshotOf::Last,
        (true, 0) => SnapshotOf::Rows,
        (true, n) if n == aggregated.len() => SnapshotOf::Totals,
        (true, _) => SnapshotOf::Filled,
    }
}
