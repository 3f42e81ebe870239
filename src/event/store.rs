//! [`RowStore`]: a slab of rows in typed columns, which windows, joins and patterns keep their rows
//! in.
//!
//! Invariants:
//! * A [`Slot`] is valid from `insert` until [`RowStore::reclaim`] after its `release`: rows released
//!   in a step stay readable to the end of the step, so that outputs can be gathered at once.
//! * Released slots are used again, oldest released first: a sliding window of n rows stays in n
//!   slots (and the rows released since the last `reclaim`). When no row is live, slots start from 0.
//! * `nullable[c]` is set from the first null in column `c` until the store is empty again.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewBuilder, BooleanArray, PrimitiveArray, RecordBatch,
    StringViewBuilder,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int32Type, Int64Type, SchemaRef,
};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::Value;
use super::coded::text_at;
use crate::error::{Error, Result};

/// A row of a [`RowStore`].
pub type Slot = u32;

/// No row (gathers as nulls).
pub const NO_SLOT: Slot = u32::MAX;

/// One typed column of a [`RowStore`], indexed by slot.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum StoreColumn {
    Int { values: Vec<i32>, valid: Vec<bool> },
    Long { values: Vec<i64>, valid: Vec<bool> },
    Float { values: Vec<f32>, valid: Vec<bool> },
    Double { values: Vec<f64>, valid: Vec<bool> },
    Bool { values: Vec<bool>, valid: Vec<bool> },
    Str(Vec<Option<CompactString>>),
    Object(Vec<Option<Box<[u8]>>>),
}

/// Rows in typed columns, addressed by slot.
#[derive(Debug, Clone)]
pub struct RowStore {
    schema: SchemaRef,
    columns: Vec<StoreColumn>,
    nullable: Vec<bool>,
    ts: Vec<i64>,
    free: Vec<Slot>,
    released: Vec<Slot>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    columns: Vec<StoreColumn>,
    ts: Vec<i64>,
    free: Vec<Slot>,
    released: Vec<Slot>,
}

impl RowStore {
    /// An empty store for rows of `schema` (engine types only).
    pub fn new(schema: SchemaRef) -> Result<Self> {
        let columns = schema
            .fields()
            .iter()
            .map(|f| StoreColumn::new(f.data_type()))
            .collect::<Result<Vec<_>>>()?;
        let nullable = vec![false; columns.len()];
        Ok(Self { schema, columns, nullable, ts: vec![], free: vec![], released: vec![] })
    }

    /// The schema of its rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Live rows (released ones not counted).
    pub fn len(&self) -> usize {
        self.ts.len() - self.free.len() - self.released.len()
    }

    /// Whether no row is live.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One past the largest slot ever used.
    pub fn bound(&self) -> usize {
        self.ts.len()
    }

    /// Copies row `row` of `rows` (same schema) in.
    pub fn insert(&mut self, rows: &RecordBatch, row: usize, ts: i64) -> Slot {
        let slot = self.allocate(ts);
        for (c, column) in self.columns.iter_mut().enumerate() {
            let array = rows.column(c);
            self.nullable[c] |= array.null_count() > 0;
            column.set(slot as usize, array.as_ref(), row);
        }
        slot
    }

    /// Copies rows `range` of `rows` (same schema) in, a column at a time, and appends their slots to
    /// `slots`; `ts` holds one time per row of the range.
    pub fn insert_range(
        &mut self,
        rows: &RecordBatch,
        range: Range<usize>,
        ts: &[i64],
        slots: &mut Vec<Slot>,
    ) {
        debug_assert_eq!(range.len(), ts.len());
        let first = slots.len();
        let old = self.ts.len();
        let reused = self.free.len().min(range.len());
        slots.extend(self.free.drain(self.free.len() - reused..).rev());
        slots.extend(old as Slot..(old + range.len() - reused) as Slot);
        let new = &slots[first..];
        self.ts.resize(old + range.len() - reused, 0);
        for (slot, ts) in new.iter().zip(ts) {
            self.ts[*slot as usize] = *ts;
        }
        for (c, column) in self.columns.iter_mut().enumerate() {
            let array = rows.column(c);
            self.nullable[c] |= array.null_count() > 0;
            column.resize(self.ts.len());
            column.set_range(new, array.as_ref(), range.start);
        }
    }

    /// Copies a live or released row to a slot of its own.
    pub fn duplicate(&mut self, slot: Slot) -> Slot {
        let copy = self.allocate(self.ts(slot));
        for column in &mut self.columns {
            column.copy(slot as usize, copy as usize);
        }
        copy
    }

    /// Overwrites a value of a long column (does nothing for columns of other types).
    pub fn set_long(&mut self, c: usize, slot: Slot, value: i64) {
        if let StoreColumn::Long { values, valid } = &mut self.columns[c] {
            values[slot as usize] = value;
            valid[slot as usize] = true;
        }
    }

    /// Overwrites a value; one of another type than the column's becomes null.
    pub fn set_value(&mut self, c: usize, slot: Slot, value: &Value) {
        self.nullable[c] |= !self.columns[c].put(slot as usize, value);
    }

    /// The values of a long column with their validity, indexed by slot; `None` for other types.
    #[inline]
    pub fn longs(&self, c: usize) -> Option<(&[i64], &[bool])> {
        match &self.columns[c] {
            StoreColumn::Long { values, valid } => Some((values, valid)),
            _ => None,
        }
    }

    /// Copies single values (one per column; null where the type differs) in; for the edges.
    pub fn insert_values(&mut self, values: &[Value], ts: i64) -> Slot {
        let slot = self.allocate(ts);
        for (c, (column, value)) in self.columns.iter_mut().zip(values).enumerate() {
            self.nullable[c] |= !column.set_value(slot as usize, value);
        }
        slot
    }

    fn allocate(&mut self, ts: i64) -> Slot {
        match self.free.pop() {
            Some(s) => {
                self.ts[s as usize] = ts;
                s
            }
            None => {
                self.ts.push(ts);
                let rows = self.ts.len();
                self.columns.iter_mut().for_each(|c| c.resize(rows));
                (self.ts.len() - 1) as Slot
            }
        }
    }

    /// Gives a row up. Its data stays readable until [`RowStore::reclaim`].
    pub fn release(&mut self, slot: Slot) {
        self.released.push(slot);
    }

    /// Makes the slots released since the last call usable again. Call at the end of a step, when
    /// outputs have been gathered.
    pub fn reclaim(&mut self) {
        if self.free.len() + self.released.len() == self.ts.len() {
            self.clear();
            return;
        }
        // Reversed, so that the oldest released row's slot is handed out first.
        while let Some(s) = self.released.pop() {
            self.free.push(s);
        }
    }

    /// Starts from slot 0 again (no row is live), and returns memory held since a far larger peak.
    fn clear(&mut self) {
        let used = self.ts.len();
        if self.ts.capacity() > 4 * used.max(1024) {
            self.ts.shrink_to(used);
            self.free.shrink_to(used);
            self.released.shrink_to(used);
            self.columns.iter_mut().for_each(|c| c.shrink_to(used));
        }
        self.ts.clear();
        self.free.clear();
        self.released.clear();
        self.columns.iter_mut().for_each(StoreColumn::clear);
        self.nullable.fill(false);
    }

    /// Gives a row another event time, ms.
    pub fn set_ts(&mut self, slot: Slot, ts: i64) {
        self.ts[slot as usize] = ts;
    }

    /// Event time of a row, ms.
    #[inline]
    pub fn ts(&self, slot: Slot) -> i64 {
        self.ts[slot as usize]
    }

    /// A column, indexed by slot.
    pub fn column(&self, c: usize) -> &StoreColumn {
        &self.columns[c]
    }

    /// The values of column `c` at `slots`; [`NO_SLOT`] gives null.
    pub fn gather(&self, c: usize, slots: &[Slot]) -> ArrayRef {
        if self.nullable[c] || slots.contains(&NO_SLOT) {
            self.columns[c].gather(slots)
        } else {
            self.columns[c].gather_present(slots)
        }
    }

    /// All columns at `slots`.
    pub fn gather_all(&self, slots: &[Slot]) -> Vec<ArrayRef> {
        let missing = slots.contains(&NO_SLOT);
        let gather = |(c, nullable): (&StoreColumn, &bool)| {
            if *nullable || missing { c.gather(slots) } else { c.gather_present(slots) }
        };
        self.columns.iter().zip(&self.nullable).map(gather).collect()
    }

    /// One value, for the edges.
    pub fn value(&self, c: usize, slot: Slot) -> Value {
        Value::from_array(self.gather(c, &[slot]).as_ref(), 0)
    }
}

impl Serialize for RowStore {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        (&self.columns, &self.ts, &self.free, &self.released).serialize(s)
    }
}

impl RowStore {
    /// Replaces the contents by what serialising a store of the same schema wrote.
    pub fn load<'de, D: serde::Deserializer<'de>>(&mut self, d: D) -> Result<(), D::Error> {
        let Saved { columns, ts, free, released } = Saved::deserialize(d)?;
        let same = columns.len() == self.columns.len()
            && columns.iter().zip(&self.columns).all(|(a, b)| {
                std::mem::discriminant(a) == std::mem::discriminant(b) && a.len() == ts.len()
            });
        if !same {
            return Err(serde::de::Error::custom("the saved rows have another schema"));
        }
        self.nullable = columns.iter().map(StoreColumn::has_null).collect();
        (self.columns, self.ts, self.free, self.released) = (columns, ts, free, released);
        Ok(())
    }
}

macro_rules! each_primitive {
    ($self:expr, $values:ident, $valid:ident, $t:ident => $prim:expr, $bool:expr, $str:pat => $on_str:expr, $obj:pat => $on_obj:expr) => {
        match $self {
            StoreColumn::Int { values: $values, valid: $valid } => {
                type $t = Int32Type;
                $prim
            }
            StoreColumn::Long { values: $values, valid: $valid } => {
                type $t = Int64Type;
                $prim
            }
            StoreColumn::Float { values: $values, valid: $valid } => {
                type $t = Float32Type;
                $prim
            }
            StoreColumn::Double { values: $values, valid: $valid } => {
                type $t = Float64Type;
                $prim
            }
            StoreColumn::Bool { values: $values, valid: $valid } => $bool,
            $str => $on_str,
            $obj => $on_obj,
        }
    };
}

impl StoreColumn {
    fn new(ty: &DataType) -> Result<Self> {
        Ok(match ty {
            DataType::Int32 => StoreColumn::Int { values: vec![], valid: vec![] },
            DataType::Int64 => StoreColumn::Long { values: vec![], valid: vec![] },
            DataType::Float32 => StoreColumn::Float { values: vec![], valid: vec![] },
            DataType::Float64 => StoreColumn::Double { values: vec![], valid: vec![] },
            DataType::Boolean => StoreColumn::Bool { values: vec![], valid: vec![] },
            DataType::Utf8View => StoreColumn::Str(vec![]),
            DataType::BinaryView => StoreColumn::Object(vec![]),
            other => return Err(Error::Data(format!("rows can't hold values of type {other}"))),
        })
    }

    fn len(&self) -> usize {
        match self {
            StoreColumn::Int { valid, .. }
            | StoreColumn::Long { valid, .. }
            | StoreColumn::Float { valid, .. }
            | StoreColumn::Double { valid, .. }
            | StoreColumn::Bool { valid, .. } => valid.len(),
            StoreColumn::Str(v) => v.len(),
            StoreColumn::Object(v) => v.len(),
        }
    }

    fn resize(&mut self, rows: usize) {
        each_primitive!(self, values, valid, _T => {
                values.resize(rows, Default::default());
                valid.resize(rows, false);
            },
            { values.resize(rows, false); valid.resize(rows, false) },
            StoreColumn::Str(v) => v.resize(rows, None),
            StoreColumn::Object(v) => v.resize(rows, None));
    }

    #[inline]
    fn set(&mut self, slot: usize, array: &dyn Array, row: usize) {
        let present = array.is_valid(row);
        each_primitive!(self, values, valid, T => {
            valid[slot] = present;
            values[slot] = array.as_primitive::<T>().value(row);
        }, {
            valid[slot] = present;
            values[slot] = array.as_boolean().value(row);
        },
        StoreColumn::Str(v) => {
            v[slot] = text_at(array, row).map(CompactString::from);
        },
        StoreColumn::Object(v) => {
            v[slot] = present.then(|| array.as_binary_view().value(row).into());
        });
    }

    /// Sets a single value, without detours where it is a number, bool or text; whether it was present
    /// (and of this type).
    fn put(&mut self, slot: usize, value: &Value) -> bool {
        macro_rules! put {
            ($values:ident, $valid:ident, $x:ident) => {{
                $values[slot] = *$x;
                $valid[slot] = true;
                true
            }};
        }
        match (self, value) {
            (StoreColumn::Int { values, valid }, Value::Int(x)) => put!(values, valid, x),
            (StoreColumn::Long { values, valid }, Value::Long(x)) => put!(values, valid, x),
            (StoreColumn::Float { values, valid }, Value::Float(x)) => put!(values, valid, x),
            (StoreColumn::Double { values, valid }, Value::Double(x)) => put!(values, valid, x),
            (StoreColumn::Bool { values, valid }, Value::Bool(x)) => put!(values, valid, x),
            (StoreColumn::Str(values), Value::String(x)) => {
                values[slot] = Some(x.clone());
                true
            }
            (column, value) => column.set_value(slot, value),
        }
    }

    /// Sets a single value; whether it was present (and of this type).
    fn set_value(&mut self, slot: usize, value: &Value) -> bool {
        let array = Value::to_array(&self.data_type(), std::iter::once(value));
        self.set(slot, array.as_ref(), 0);
        array.is_valid(0)
    }

    /// Sets `slots[i]` to row `start + i` of `array`.
    fn set_range(&mut self, slots: &[Slot], array: &dyn Array, start: usize) {
        each_primitive!(self, values, valid, T => {
            let source = &array.as_primitive::<T>().values()[start..start + slots.len()];
            for (slot, value) in slots.iter().zip(source) {
                values[*slot as usize] = *value;
            }
            set_valid(valid, slots, array, start);
        }, {
            let source = array.as_boolean();
            for (i, slot) in slots.iter().enumerate() {
                values[*slot as usize] = source.value(start + i);
            }
            set_valid(valid, slots, array, start);
        },
        StoreColumn::Str(v) => {
            for (i, slot) in slots.iter().enumerate() {
                v[*slot as usize] = text_at(array, start + i).map(CompactString::from);
            }
        },
        StoreColumn::Object(v) => {
            let source = array.as_binary_view();
            for (i, slot) in slots.iter().enumerate() {
                let row = start + i;
                v[*slot as usize] = source.is_valid(row).then(|| source.value(row).into());
            }
        });
    }

    fn copy(&mut self, from: usize, to: usize) {
        each_primitive!(self, values, valid, _T => {
            values[to] = values[from];
            valid[to] = valid[from];
        }, {
            values[to] = values[from];
            valid[to] = valid[from];
        },
        StoreColumn::Str(v) => v[to] = v[from].clone(),
        StoreColumn::Object(v) => v[to] = v[from].clone());
    }

    fn has_null(&self) -> bool {
        each_primitive!(self, _values, valid, _T => !valid.iter().all(|v| *v), !valid.iter().all(|v| *v),
            StoreColumn::Str(v) => v.iter().any(Option::is_none),
            StoreColumn::Object(v) => v.iter().any(Option::is_none))
    }

    fn clear(&mut self) {
        each_primitive!(self, values, valid, _T => { values.clear(); valid.clear() },
            { values.clear(); valid.clear() },
            StoreColumn::Str(v) => v.clear(), StoreColumn::Object(v) => v.clear());
    }

    fn shrink_to(&mut self, rows: usize) {
        each_primitive!(self, values, valid, _T => { values.shrink_to(rows); valid.shrink_to(rows) },
            { values.shrink_to(rows); valid.shrink_to(rows) },
            StoreColumn::Str(v) => v.shrink_to(rows), StoreColumn::Object(v) => v.shrink_to(rows));
    }

    /// The Arrow type of the column.
    pub fn data_type(&self) -> DataType {
        match self {
            StoreColumn::Int { .. } => DataType::Int32,
            StoreColumn::Long { .. } => DataType::Int64,
            StoreColumn::Float { .. } => DataType::Float32,
            StoreColumn::Double { .. } => DataType::Float64,
            StoreColumn::Bool { .. } => DataType::Boolean,
            StoreColumn::Str(_) => DataType::Utf8View,
            StoreColumn::Object(_) => DataType::BinaryView,
        }
    }

    /// The values at `slots`; [`NO_SLOT`] gives null.
    pub fn gather(&self, slots: &[Slot]) -> ArrayRef {
        each_primitive!(self, values, valid, T => gather_primitive::<T>(values, valid, slots), {
            let bits: BooleanBuffer =
                slots.iter().map(|s| *s != NO_SLOT && values[*s as usize]).collect();
            Arc::new(BooleanArray::new(bits, validity(valid, slots)))
        },
        StoreColumn::Str(v) => {
            let mut b = StringViewBuilder::with_capacity(slots.len());
            for s in slots {
                b.append_option(v.get(*s as usize).and_then(|x| x.as_deref()));
            }
            Arc::new(b.finish())
        },
        StoreColumn::Object(v) => {
            let mut b = BinaryViewBuilder::with_capacity(slots.len());
            for s in slots {
                b.append_option(v.get(*s as usize).and_then(|x| x.as_deref()));
            }
            Arc::new(b.finish())
        })
    }

    /// The values at `slots`, all of which are live and not null.
    fn gather_present(&self, slots: &[Slot]) -> ArrayRef {
        each_primitive!(self, values, _valid, T => {
            let out: Vec<_> = slots.iter().map(|s| values[*s as usize]).collect();
            Arc::new(PrimitiveArray::<T>::new(out.into(), None))
        }, {
            let bits: BooleanBuffer = slots.iter().map(|s| values[*s as usize]).collect();
            Arc::new(BooleanArray::new(bits, None))
        },
        StoreColumn::Str(_) => self.gather(slots),
        StoreColumn::Object(_) => self.gather(slots))
    }
}

fn set_valid(valid: &mut [bool], slots: &[Slot], array: &dyn Array, start: usize) {
    match array.nulls() {
        None => slots.iter().for_each(|s| valid[*s as usize] = true),
        Some(nulls) => {
            for (i, slot) in slots.iter().enumerate() {
                valid[*slot as usize] = nulls.is_valid(start + i);
            }
        }
    }
}

fn gather_primitive<T: ArrowPrimitiveType>(
    values: &[T::Native],
    valid: &[bool],
    slots: &[Slot],
) -> ArrayRef {
    let out: Vec<T::Native> =
        slots.iter().map(|s| values.get(*s as usize).copied().unwrap_or_default()).collect();
    Arc::new(PrimitiveArray::<T>::new(out.into(), validity(valid, slots)))
}

fn validity(valid: &[bool], slots: &[Slot]) -> Option<NullBuffer> {
    let bits: BooleanBuffer =
        slots.iter().map(|s| valid.get(*s as usize).copied().unwrap_or(false)).collect();
    let nulls = NullBuffer::new(bits);
    (nulls.null_count() > 0).then_some(nulls)
}

#[cfg(test)]
mod tests;
