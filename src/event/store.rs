//! [`RowStore`]: a slab of rows in typed columns, which windows, joins and patterns keep their rows
//! in.
//!
//! Invariants:
//! * A [`Slot`] is valid from `insert` until [`RowStore::reclaim`] after its `release`: rows released
//!   in a step stay readable to the end of the step, so that outputs can be gathered at once.
//! * Released slots are used again, last released first: a sliding window of n rows stays in n slots.

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
            .collect::<Result<_>>()?;
        Ok(Self { schema, columns, ts: vec![], free: vec![], released: vec![] })
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
            column.set(slot as usize, rows.column(c).as_ref(), row);
        }
        slot
    }

    /// Copies single values (one per column; null where the type differs) in; for the edges.
    pub fn insert_values(&mut self, values: &[Value], ts: i64) -> Slot {
        let slot = self.allocate(ts);
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.set_value(slot as usize, value);
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
                self.columns.iter_mut().for_each(StoreColumn::grow);
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
        // Reversed, so that the oldest released row's slot is handed out first.
        while let Some(s) = self.released.pop() {
            self.free.push(s);
        }
        if self.free.len() == self.ts.len() && self.ts.len() > 1024 {
            // Everything is free: return the memory.
            if let Ok(fresh) = Self::new(Arc::clone(&self.schema)) {
                *self = fresh;
            }
        }
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
        self.columns[c].gather(slots)
    }

    /// All columns at `slots`.
    pub fn gather_all(&self, slots: &[Slot]) -> Vec<ArrayRef> {
        self.columns.iter().map(|c| c.gather(slots)).collect()
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

    fn grow(&mut self) {
        each_primitive!(self, values, valid, _T => { values.push(Default::default()); valid.push(false) },
            { values.push(false); valid.push(false) },
            StoreColumn::Str(v) => v.push(None), StoreColumn::Object(v) => v.push(None));
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
            v[slot] = present.then(|| CompactString::from(array.as_string_view().value(row)));
        },
        StoreColumn::Object(v) => {
            v[slot] = present.then(|| array.as_binary_view().value(row).into());
        });
    }

    fn set_value(&mut self, slot: usize, value: &Value) {
        let array = Value::to_array(&self.data_type(), std::iter::once(value));
        self.set(slot, array.as_ref(), 0);
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
