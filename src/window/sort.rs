//! `sort(n, attribute [, order] [, attribute …])`: the n rows that come first in an order.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::keyed::{Arrival, Keyed, Logic, Rows};
use super::{About, Reads, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec};
use crate::error::{Diagnostic, Error, Result, Span};
use crate::event::{Kind, RowStore, Slot, StoreColumn, Value};
use crate::expr::types::AttrType;

/// `sort(n int, attribute [, 'asc'|'desc'] [, attribute [, 'asc'|'desc']] …)`.
pub static SPEC: WindowSpec = WindowSpec {
    name: "sort",
    signature: "sort(window.length int, attribute int|long|float|double|string [, order 'asc'|'desc' = \
                'asc'] [, attribute [, order]] ...)",
    doc: "The `window.length` rows that come first when ordered by the attributes, each ascending or \
          descending; among equals the older comes first. Every row enters; if that makes one too \
          many, the last in order leaves just after it (perhaps the row itself). Nulls come last \
          whatever the order.",
    example: "define stream S (symbol string, price double);\n\
              from S#window.sort(5, price, 'desc', symbol) select symbol, price \
              insert expired events into NotInTheTopFive;",
    sliding: true,
    passes: true,
    reads: Reads::Arguments,
    findable: true,
    about: |args, _| About {
        holds: format!("the first {} rows in order", About::rows(args, 0)),
        timer: None,
    },
    check: |args, span| parse(args, span).map(drop),
    create,
};

/// A column and whether it is descending.
type Key = (usize, bool);

const SORTABLE: [AttrType; 5] =
    [AttrType::Int, AttrType::Long, AttrType::Float, AttrType::Double, AttrType::String];

fn parse(args: &[WindowArg], span: Span) -> Result<(usize, Vec<Key>), Diagnostic> {
    let args = Args::new(SPEC.signature, args, span, 2, usize::MAX)?;
    let n = args.rows(0, "window.length")?;
    let mut keys = vec![];
    let mut i = 1;
    while i < args.len() {
        let (column, _) = args.column_of(i, "attribute", &SORTABLE)?;
        i += 1;
        let mut descending = false;
        if matches!(args.get(i), Some(WindowArg::Const { value: Value::String(_), .. })) {
            let order = args.text(i, "order")?;
            descending = order.eq_ignore_ascii_case("desc");
            if !descending && !order.eq_ignore_ascii_case("asc") {
                let found = format!("must be 'asc' or 'desc', found '{order}'");
                return Err(args.invalid(i, "order", found));
            }
            i += 1;
        }
        keys.push((column, descending));
    }
    Ok((n as usize, keys))
}

fn create(call: &WindowCall, context: WindowContext) -> Result<Box<dyn Window>> {
    let (n, keys) = parse(&call.args, call.span).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(Keyed::new(Sort { n, keys, expired: context.expired }, context)?))
}

struct Sort {
    n: usize,
    keys: Vec<Key>,
    expired: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// In order.
    held: Vec<Slot>,
}

impl Sort {
    fn compare(&self, rows: &RowStore, a: Slot, b: Slot) -> Ordering {
        let (a, b) = (a as usize, b as usize);
        for (column, descending) in &self.keys {
            let ordering = compare(rows.column(*column), *descending, a, b);
            if ordering.is_ne() {
                return ordering;
            }
        }
        Ordering::Equal
    }
}

/// The order of two values: numbers by Java's total order, texts by UTF-16 code unit, nulls last.
fn compare(column: &StoreColumn, descending: bool, a: usize, b: usize) -> Ordering {
    let turned = |ordering: Ordering| if descending { ordering.reverse() } else { ordering };
    macro_rules! numbers {
        ($values:ident, $valid:ident, $cmp:expr) => {
            match ($valid[a], $valid[b]) {
                (true, true) => turned($cmp(&$values[a], &$values[b])),
                (a, b) => b.cmp(&a),
            }
        };
    }
    match column {
        StoreColumn::Int { values, valid } => numbers!(values, valid, i32::cmp),
        StoreColumn::Long { values, valid } => numbers!(values, valid, i64::cmp),
        StoreColumn::Float { values, valid } => {
            numbers!(values, valid, |a: &f32, b: &f32| java32(*a).total_cmp(&java32(*b)))
        }
        StoreColumn::Double { values, valid } => {
            numbers!(values, valid, |a: &f64, b: &f64| java64(*a).total_cmp(&java64(*b)))
        }
        StoreColumn::Bool { values, valid } => numbers!(values, valid, bool::cmp),
        StoreColumn::Str(values) => match (&values[a], &values[b]) {
            (Some(a), Some(b)) if a.is_ascii() && b.is_ascii() => turned(a.cmp(b)),
            (Some(a), Some(b)) => turned(a.encode_utf16().cmp(b.encode_utf16())),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
        StoreColumn::Object(values) => values[a].cmp(&values[b]),
    }
}

/// Java knows one NaN, above all numbers.
fn java32(x: f32) -> f32 {
    if x.is_nan() { f32::NAN } else { x }
}

/// Java knows one NaN, above all numbers.
fn java64(x: f64) -> f64 {
    if x.is_nan() { f64::NAN } else { x }
}

impl Logic for Sort {
    type State = State;

    fn arrive(&self, s: &mut State, run: &Arrival<'_>, rows: &mut Rows, out: &mut WindowOutput) {
        let c = run.cause;
        for (slot, ts) in run.rows() {
            run.pass(slot, ts, out);
            if !self.expired {
                rows.store.release(slot);
                continue;
            }
            let at = s.held.partition_point(|h| self.compare(&rows.store, *h, slot).is_le());
            s.held.insert(at, slot);
            if s.held.len() > self.n
                && let Some(last) = s.held.pop()
            {
                out.push(last, c.at, c.at, c.order, Kind::Expired, c.key);
                rows.store.release(last);
            }
        }
    }

    fn passes(&self) -> bool {
        !self.expired
    }
}
