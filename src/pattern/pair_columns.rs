//! What leaves of a pair of events ([`super::pairs`]), and what of the first has to be stored for it:
//! nothing that equals a column of the second, nor the value the second was compared with.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, UInt32Array};
use arrow::compute::take;

use super::pairs::{Open, Rest};
use super::spec::{OutputColumn, PatternSpec};
use crate::error::Result;
use crate::event::{EventBatch, RowStore, Slot};

/// Where a column of a match comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// A column of the second event (or one of the first that equals it).
    Second(usize),
    /// What the second event was compared with.
    Bar,
    /// A stored column of the first event.
    Stored(usize),
    /// Time of the first event, or the second.
    Time(usize),
}

impl Column {
    /// The values of this column for matches of `firsts` with rows of `batch`.
    pub fn gather(
        self,
        batch: &EventBatch,
        rows: &UInt32Array,
        firsts: &[Open],
        store: &RowStore,
    ) -> Result<ArrayRef> {
        Ok(match self {
            Column::Second(c) => take(batch.columns.column(c), rows, None)?,
            Column::Bar => Arc::new(Float64Array::from_iter_values(firsts.iter().map(|o| o.bar))),
            Column::Stored(c) => {
                let slots: Vec<Slot> = firsts.iter().map(|o| o.slot).collect();
                store.gather(c, &slots)
            }
            Column::Time(0) => Arc::new(Int64Array::from_iter_values(firsts.iter().map(|o| o.ts))),
            Column::Time(_) => {
                let times = rows.values().iter().map(|r| batch.ts[*r as usize]);
                Arc::new(Int64Array::from_iter_values(times))
            }
        })
    }
}

/// Where the columns of a match come from, and what of the first event has to be stored for them.
pub(super) fn columns(spec: &PatternSpec, rest: &Rest) -> (Vec<Column>, Option<Vec<usize>>) {
    let [one, two] = [&spec.sides[0], &spec.sides[1]];
    let [from, to] = [&spec.ports[one.port], &spec.ports[two.port]];
    // A row expression looks at any of the kept columns, by their places.
    let mut stored = if matches!(rest, Rest::Row(..)) { from.kept.clone() } else { vec![] };
    let mut first = |kept: usize| {
        let column = from.kept[kept];
        let exact = !from.schema.field(column).data_type().is_floating();
        let equal = two.predicate.equal.iter().find(|e| e.column == kept && exact);
        match (equal, rest) {
            (Some(key), _) => Column::Second(key.event),
            (None, Rest::Bar(bar)) if bar.partial == column => Column::Bar,
            _ => {
                let at = stored.iter().position(|c| *c == column).unwrap_or_else(|| {
                    stored.push(column);
                    stored.len() - 1
                });
                Column::Stored(at)
            }
        }
    };
    let columns = spec.columns.iter().map(|c| match *c {
        OutputColumn::Attribute { pick, column } if spec.picks[pick].side == 0 => first(column),
        OutputColumn::Attribute { column, .. } => Column::Second(to.kept[column]),
        OutputColumn::Time { pick } | OutputColumn::All { side: pick, .. } => {
            Column::Time(spec.picks[pick].side)
        }
    });
    let columns = columns.collect();
    let none = stored.is_empty() && !matches!(rest, Rest::Row(..));
    (columns, if none { None } else { Some(stored) })
}
