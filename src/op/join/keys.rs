//! Join keys: the values that must be equal (and the partition key) as one dense id per row.
//!
//! Both sides share one interner, so equal ids mean equal keys. Ids of keys that no side holds any
//! longer are given back at the end of a step: memory follows the windows, not the stream.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Float32Type, Float64Type};

use super::index::NO_KEY;
use super::rows::{Narrowed, Rows};
use crate::error::Result;
use crate::event::{EventBatch, KeyId, KeyInterner, SINGLE_KEY, Slot, Stamps};
use crate::expr::types::{AttrType, arrow_type};
use crate::expr::{ColumnarExpr, TypedExpr};

/// The key expressions of one side.
pub(super) struct KeyExprs {
    narrowed: Narrowed,
    exprs: Vec<(ColumnarExpr, DataType)>,
}

impl KeyExprs {
    /// Expressions over rows of the side, each widened to a type.
    pub fn new(side: &Narrowed, exprs: &[(&TypedExpr, AttrType)]) -> Result<Self> {
        let narrowed = side.for_exprs(exprs.iter().map(|(e, _)| *e));
        let exprs = exprs
            .iter()
            .map(|(e, ty)| Ok((narrowed.compile(e)?, arrow_type(*ty))))
            .collect::<Result<_>>()?;
        Ok(Self { narrowed, exprs })
    }

    fn evaluate(&self, rows: &Rows<'_>, slots: &[Slot]) -> Result<Vec<ArrayRef>> {
        self.over(self.narrowed.gather(slots.len(), |c| rows.gather(c, slots))?)
    }

    fn over(&self, columns: RecordBatch) -> Result<Vec<ArrayRef>> {
        // Keys never look at time: the plan leaves such conjuncts in the residual.
        let rows = columns.num_rows();
        let none = Stamps::steps(0, rows);
        let batch = EventBatch::new(columns, none.clone(), none, Stamps::steps(0, rows));
        self.exprs
            .iter()
            .map(|(expr, ty)| {
                let values = expr.evaluate(&batch)?;
                Ok(if values.data_type() == ty { values } else { cast(&values, ty)? })
            })
            .collect()
    }
}

/// What rows are told apart by.
enum Mode {
    /// Nothing: all rows have key 0.
    Single,
    /// The partition key.
    Partition,
    /// The values of the equality conjuncts and, in a partition, its key.
    Values,
}

/// The key ids in use.
pub(super) struct Keys {
    mode: Mode,
    keyed: bool,
    interner: KeyInterner,
    /// Rows held per id, both sides together.
    held: Vec<u32>,
    /// Ids that ran empty in this step.
    idle: Vec<KeyId>,
}

impl Keys {
    pub fn new(equal: usize, keyed: bool) -> Self {
        let mode = match (equal, keyed) {
            (0, false) => Mode::Single,
            (0, true) => Mode::Partition,
            _ => Mode::Values,
        };
        Self { mode, keyed, interner: KeyInterner::default(), held: vec![], idle: vec![] }
    }

    /// The key of each row. With `hold` unknown keys get an id, to be followed by [`Keys::held`];
    /// without, they are [`NO_KEY`].
    pub fn ids(
        &mut self,
        exprs: &KeyExprs,
        rows: &Rows<'_>,
        slots: &[Slot],
        partition: &[KeyId],
        hold: bool,
    ) -> Result<Vec<KeyId>> {
        match self.mode {
            Mode::Single => return Ok(vec![SINGLE_KEY; slots.len()]),
            Mode::Partition => return Ok(partition.to_vec()),
            Mode::Values => {}
        }
        let values = exprs.evaluate(rows, slots)?;
        self.of_values(values, slots.len(), partition, hold)
    }

    /// The key of each row of a batch outside of partitions, unknown keys included: to be followed by
    /// [`Keys::entered`].
    pub fn ids_of_batch(&mut self, exprs: &KeyExprs, batch: &EventBatch) -> Result<Vec<KeyId>> {
        let column = |c: usize| Ok(batch.columns.column(c).clone());
        let values = exprs.over(exprs.narrowed.gather(batch.rows(), column)?)?;
        self.of_values(values, batch.rows(), &[], true)
    }

    fn of_values(
        &mut self,
        values: Vec<ArrayRef>,
        rows: usize,
        partition: &[KeyId],
        hold: bool,
    ) -> Result<Vec<KeyId>> {
        let Some(comparable) = comparable(&values) else {
            return self.intern(&values, partition, hold);
        };
        let at: Vec<u32> = comparable.set_indices().map(|i| i as u32).collect();
        let picked: Vec<KeyId> = match partition {
            [] => vec![],
            keys => at.iter().map(|i| keys[*i as usize]).collect(),
        };
        let indices = UInt32Array::from(at.clone());
        let values: Vec<ArrayRef> =
            values.iter().map(|v| take(v, &indices, None)).collect::<Result<_, _>>()?;
        let mut ids = vec![NO_KEY; rows];
        for (i, id) in at.iter().zip(self.intern(&values, &picked, hold)?) {
            ids[*i as usize] = id;
        }
        Ok(ids)
    }

    fn intern(&mut self, values: &[ArrayRef], keys: &[KeyId], hold: bool) -> Result<Vec<KeyId>> {
        let rows = values.first().map_or(0, |v| v.len());
        let prefix = self.keyed.then_some(keys);
        if hold {
            return self.interner.intern(values, prefix, rows);
        }
        let known = self.interner.lookup(values, prefix, rows)?;
        Ok(known.into_iter().map(|id| id.unwrap_or(NO_KEY)).collect())
    }

    /// A row with this key entered a side.
    #[inline]
    pub fn entered(&mut self, key: KeyId) {
        if key == NO_KEY || !matches!(self.mode, Mode::Values) {
            return;
        }
        if self.held.len() <= key as usize {
            self.held.resize(key as usize + 1, 0);
        }
        self.held[key as usize] += 1;
    }

    /// A row with this key left a side.
    #[inline]
    pub fn left(&mut self, key: KeyId) {
        if key == NO_KEY || !matches!(self.mode, Mode::Values) {
            return;
        }
        self.held[key as usize] -= 1;
        if self.held[key as usize] == 0 {
            self.idle.push(key);
        }
    }

    /// Ends a step: keys that no row has any longer are forgotten.
    pub fn settle(&mut self) {
        while let Some(key) = self.idle.pop() {
            if self.held[key as usize] == 0 {
                self.interner.release(key);
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.interner = KeyInterner::default();
        self.held.clear();
        self.idle.clear();
    }

    /// Number of keys known.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.interner.len()
    }
}

/// The rows in which no value is null or NaN; none if that is all of them.
fn comparable(values: &[ArrayRef]) -> Option<BooleanBuffer> {
    let mut all: Option<BooleanBuffer> = None;
    let mut and = |bits: &BooleanBuffer| {
        all = Some(all.as_ref().map_or_else(|| bits.clone(), |a| a & bits));
    };
    for v in values {
        if let Some(nulls) = v.nulls().filter(|n| n.null_count() > 0) {
            and(nulls.inner());
        }
        let numbers = match v.data_type() {
            DataType::Float32 => {
                BooleanArray::from_unary(v.as_primitive::<Float32Type>(), |x| !x.is_nan())
            }
            DataType::Float64 => {
                BooleanArray::from_unary(v.as_primitive::<Float64Type>(), |x| !x.is_nan())
            }
            _ => continue,
        };
        and(numbers.values());
    }
    all.filter(|bits| bits.count_set_bits() < bits.len())
}
