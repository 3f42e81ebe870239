//! [`Test`]: the predicate of a side at work.
//!
//! Four parts, cheapest first: a mask over the whole batch (what looks at the event alone), a hash
//! that leads to the partials whose equality keys agree with the event's, a bar some number of the
//! event must reach, and a row expression over the event and the partial. The last repeats the
//! equalities and the inequality of the bar, so that hash and bar may let too many through: they must
//! only never keep out what fits.

use std::hash::{BuildHasher, Hasher};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};

use super::Row;
use super::events::Events;
use super::machine::Machine;
use super::partial::{PartialId, Partials};
use super::spec::{Bound, EqualKey, EventRef, KeyClass, PatternSpec, Pick};
use crate::error::Result;
use crate::event::{EventBatch, KeyId, NO_SLOT, StoreColumn};
use crate::expr::columnar::Truths;
use crate::expr::{ColumnarExpr, RowContext, RowExpr, RowRef};

/// The chain of partials that can't be equal to anything: a key of theirs is null.
const UNEQUAL: u64 = 0x6e75_6c6c_6e75_6c6c;

/// Rows of a predicate that fit on the stack.
const FEW: usize = 8;

/// The predicate of a side at work.
#[derive(Debug)]
pub(super) struct Test {
    side: usize,
    event: Option<ColumnarExpr>,
    across: Option<RowExpr>,
    sources: Vec<EventRef>,
    equal: Vec<EqualKey>,
    bound: Option<Bound>,
}

impl Test {
    pub fn new(spec: &PatternSpec, side: usize) -> Result<Self> {
        let predicate = &spec.sides[side].predicate;
        let schema = &spec.ports[spec.sides[side].port].schema;
        Ok(Self {
            side,
            event: match &predicate.event {
                Some(e) => Some(ColumnarExpr::compile(e, schema)?),
                None => None,
            },
            across: predicate.across.as_ref().map(RowExpr::compile),
            sources: predicate.sources.clone(),
            equal: predicate.equal.clone(),
            bound: predicate.bound,
        })
    }

    /// Which rows it accepts, as far as that can be told from the event alone; none = all.
    pub fn mask(&self, batch: &EventBatch) -> Result<Option<BooleanBuffer>> {
        match &self.event {
            Some(e) => Ok(Some(e.mask(batch)?.values().clone())),
            None => Ok(None),
        }
    }

    /// [`Test::mask`], all and nothing told apart from the rest.
    pub fn truths(&self, batch: &EventBatch) -> Result<Truths> {
        self.event.as_ref().map_or(Ok(Truths::All), |e| e.truths(batch))
    }

    /// Whether the row fits the partial (none: an empty one).
    #[inline]
    pub fn passes(
        &self,
        m: &Machine,
        partials: &Partials,
        events: &Events,
        p: Option<PartialId>,
        row: &Row<'_>,
    ) -> bool {
        let Some(across) = &self.across else { return true };
        let event = RowRef::Batch { batch: row.batch, row: row.index };
        let source = |r: &EventRef| match p {
            Some(p) => self.source(m, partials, events, p, row, *r),
            None if r.side == self.side && r.pick == Pick::First(0) => own(events, row),
            None => RowRef::Missing,
        };
        let test = |rows: &[RowRef<'_>]| {
            across.test(&RowContext { rows, clock: row.at, order: row.order })
        };
        if self.sources.len() < FEW {
            let mut rows = [RowRef::Missing; FEW];
            rows[0] = event;
            for (to, r) in rows[1..].iter_mut().zip(&self.sources) {
                *to = source(r);
            }
            test(&rows[..=self.sources.len()])
        } else {
            let rows: Vec<RowRef<'_>> =
                std::iter::once(event).chain(self.sources.iter().map(source)).collect();
            test(&rows)
        }
    }

    fn source<'a>(
        &self,
        m: &Machine,
        partials: &Partials,
        events: &'a Events,
        p: PartialId,
        row: &Row<'_>,
        r: EventRef,
    ) -> RowRef<'a> {
        if r.side == self.side
            && let Pick::First(i) = r.pick
            && i as usize == partials.held(m, p, r.side).len()
        {
            return own(events, row);
        }
        match partials.pick(m, p, r) {
            NO_SLOT => RowRef::Missing,
            slot => RowRef::Stored { store: events.store(m.sides[r.side].port), slot },
        }
    }

    /// The chain of the partials the row may fit; none if one of its keys is null.
    #[inline]
    pub fn event_hash(&self, keyed: bool, row: &Row<'_>) -> Option<u64> {
        if self.equal.is_empty() && !keyed {
            return Some(0);
        }
        let mut h = hasher(row.key);
        for e in &self.equal {
            hash_value(&mut h, row.batch.columns.column(e.event), row.index, e.class)?;
        }
        Some(h.finish())
    }

    /// How high the row reaches: it can't fit a partial whose [`Test::bar`] is above that. NaN if it fits
    /// none.
    #[inline]
    pub fn reach(&self, row: &Row<'_>) -> f64 {
        let Some(b) = self.bound else { return f64::INFINITY };
        let array = row.batch.columns.column(b.event);
        if array.is_null(row.index) {
            return f64::NAN;
        }
        let v = match array.data_type() {
            DataType::Int32 => array.as_primitive::<Int32Type>().value(row.index).into(),
            DataType::Int64 => array.as_primitive::<Int64Type>().value(row.index) as f64,
            DataType::Float32 => array.as_primitive::<Float32Type>().value(row.index).into(),
            DataType::Float64 => array.as_primitive::<Float64Type>().value(row.index),
            _ => return f64::INFINITY,
        };
        if b.lower { v } else { -v }
    }

    /// How high a row must reach to fit the partial. NaN if none does.
    pub fn bar(&self, m: &Machine, partials: &Partials, events: &Events, p: PartialId) -> f64 {
        let Some(b) = self.bound else { return f64::NEG_INFINITY };
        let slot = partials.pick(m, p, b.partial);
        if slot == NO_SLOT {
            return f64::NAN;
        }
        let slot = slot as usize;
        let v = match events.store(m.sides[b.partial.side].port).column(b.column) {
            StoreColumn::Int { values, valid } if valid[slot] => values[slot].into(),
            StoreColumn::Long { values, valid } if valid[slot] => values[slot] as f64,
            StoreColumn::Float { values, valid } if valid[slot] => values[slot].into(),
            StoreColumn::Double { values, valid } if valid[slot] => values[slot],
            _ => return f64::NAN,
        };
        if b.lower { v } else { -v }
    }

    /// The chain the partial waits in.
    pub fn waiting_hash(
        &self,
        m: &Machine,
        partials: &Partials,
        events: &Events,
        p: PartialId,
    ) -> u64 {
        if self.equal.is_empty() && !m.keyed {
            return 0;
        }
        let mut h = hasher(partials.key(p));
        for e in &self.equal {
            let slot = partials.pick(m, p, e.partial);
            let store = events.store(m.sides[e.partial.side].port);
            if slot == NO_SLOT
                || hash_stored(&mut h, store.column(e.column), slot as usize, e.class).is_none()
            {
                return UNEQUAL;
            }
        }
        h.finish()
    }
}

/// The event under test, with the kept columns.
fn own<'a>(events: &'a Events, row: &Row<'_>) -> RowRef<'a> {
    match events.rows(row.port) {
        Some(batch) => RowRef::Batch { batch, row: row.index },
        None => RowRef::Missing,
    }
}

fn hasher(key: KeyId) -> foldhash::fast::FoldHasher<'static> {
    let mut h = foldhash::fast::FixedState::with_seed(0x70a7_7e22).build_hasher();
    h.write_u32(key);
    h
}

/// Puts a number into the hash as the type it is compared as. `-0.0` equals `0.0`; NaN equals nothing.
macro_rules! hash_number {
    ($h:expr, $class:expr, $v:expr) => {{
        let v = $v;
        match $class {
            KeyClass::Integer => $h.write_i64(v as i64),
            KeyClass::Float if (v as f32).is_nan() => return None,
            KeyClass::Float => $h.write_u32((v as f32 + 0.0).to_bits()),
            _ if (v as f64).is_nan() => return None,
            _ => $h.write_u64((v as f64 + 0.0).to_bits()),
        }
    }};
}

/// None if the value equals nothing.
fn hash_value(h: &mut impl Hasher, array: &ArrayRef, row: usize, class: KeyClass) -> Option<()> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Int32 => hash_number!(h, class, array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => hash_number!(h, class, array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => hash_number!(h, class, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => hash_number!(h, class, array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => h.write_u8(array.as_boolean().value(row).into()),
        DataType::Utf8View => h.write(array.as_string_view().value(row).as_bytes()),
        _ => return None,
    }
    Some(())
}

/// The same for a stored value.
fn hash_stored(
    h: &mut impl Hasher,
    column: &StoreColumn,
    slot: usize,
    class: KeyClass,
) -> Option<()> {
    match column {
        StoreColumn::Int { values, valid } if valid[slot] => hash_number!(h, class, values[slot]),
        StoreColumn::Long { values, valid } if valid[slot] => hash_number!(h, class, values[slot]),
        StoreColumn::Float { values, valid } if valid[slot] => hash_number!(h, class, values[slot]),
        StoreColumn::Double { values, valid } if valid[slot] => {
            hash_number!(h, class, values[slot])
        }
        StoreColumn::Bool { values, valid } if valid[slot] => h.write_u8(values[slot].into()),
        StoreColumn::Str(values) => h.write(values[slot].as_deref()?.as_bytes()),
        _ => return None,
    }
    Some(())
}
