//! What a query put out, as a count and an order-sensitive hash over every bit of every value.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};

use crate::error::{Error, Result};

/// Rows and their hash. Batches don't count: the same rows in other batches have the same digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest {
    /// Number of rows.
    pub rows: u64,
    /// Their hash, in order.
    pub hash: u64,
}

impl Digest {
    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// For columns of types that the engine doesn't have.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns: Vec<Vec<u64>> = batch.columns().iter().map(words).collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            for column in &columns {
                self.hash = mix(self.hash, column[row]);
            }
            self.rows += 1;
        }
        Ok(())
    }
}

fn mix(hash: u64, word: u64) -> u64 {
    let product =
        u128::from(hash ^ 0x2545_f491_4f6c_dd1d) * u128::from(word ^ 0x9e37_79b9_7f4a_7c15);
    (product as u64) ^ ((product >> 64) as u64) ^ hash.rotate_left(17)
}

/// What a null is hashed as.
const NULL: u64 = 0x6e75_6c6c_6e75_6c6c;

/// A word per row.
fn words(column: &ArrayRef) -> Result<Vec<u64>> {
    let bytes = |b: &[u8]| b.iter().fold(0, |h, b| mix(h, u64::from(*b)));
    macro_rules! values {
        ($t:ty, $f:expr) => {
            column.as_primitive::<$t>().values().iter().map($f).collect()
        };
    }
    let mut words: Vec<u64> = match column.data_type() {
        DataType::Int32 => values!(Int32Type, |v| *v as u64),
        DataType::Int64 => values!(Int64Type, |v| *v as u64),
        DataType::Float32 => values!(Float32Type, |v| u64::from(v.to_bits())),
        DataType::Float64 => values!(Float64Type, |v| v.to_bits()),
        DataType::Boolean => column.as_boolean().values().iter().map(u64::from).collect(),
        DataType::BinaryView => {
            column.as_binary_view().iter().map(|v| bytes(v.unwrap_or_default())).collect()
        }
        DataType::Utf8View | DataType::Utf8 | DataType::Dictionary(_, _) => {
            let texts = cast(column, &DataType::Utf8View)?;
            let texts = texts.as_string_view().iter();
            texts.map(|t| bytes(t.unwrap_or_default().as_bytes())).collect()
        }
        other => return Err(Error::Data(format!("can't digest values of type {other}"))),
    };
    if let Some(nulls) = column.logical_nulls() {
        let present = nulls.iter();
        words.iter_mut().zip(present).filter(|(_, p)| !p).for_each(|(w, _)| *w = NULL);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, StringViewArray};
    use std::sync::Arc;

    fn batch(rows: &[(&str, f64)]) -> RecordBatch {
        let names: ArrayRef = Arc::new(StringViewArray::from_iter_values(rows.iter().map(|r| r.0)));
        let values: ArrayRef = Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.1)));
        RecordBatch::try_from_iter([("n", names), ("v", values)]).unwrap()
    }

    fn digest(batches: &[&[(&str, f64)]]) -> Digest {
        let mut d = Digest::default();
        batches.iter().for_each(|b| d.add(&batch(b)).unwrap());
        d
    }

    #[test]
    fn rows_count_and_batches_do_not() {
        let whole = digest(&[&[("a", 1.0), ("b", 2.0)]]);
        assert_eq!(whole, digest(&[&[("a", 1.0)], &[("b", 2.0)]]));
        assert_eq!(whole.rows, 2);
        for other in [
            digest(&[&[("b", 2.0), ("a", 1.0)]]),
            digest(&[&[("a", 1.0), ("b", f64::from_bits(2f64.to_bits() + 1))]]),
            digest(&[&[("a", 1.0), ("c", 2.0)]]),
            digest(&[&[("a", 1.0)]]),
        ] {
            assert_ne!(whole, other);
        }
    }

    #[test]
    fn nulls_differ_from_every_value_and_each_type_counts() {
        use arrow::array::{BooleanArray, Float32Array, Int32Array, Int64Array};
        let of = |column: ArrayRef| {
            let mut d = Digest::default();
            d.add(&RecordBatch::try_from_iter([("x", column)]).unwrap()).unwrap();
            d.hash
        };
        let all = [
            of(Arc::new(Int32Array::from(vec![Some(0)]))),
            of(Arc::new(Int32Array::from(vec![None::<i32>]))),
            of(Arc::new(Int64Array::from(vec![Some(7)]))),
            of(Arc::new(Float32Array::from(vec![Some(1.5)]))),
            of(Arc::new(Float64Array::from(vec![Some(1.5)]))),
            of(Arc::new(BooleanArray::from(vec![Some(true)]))),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a != b), "{i}: {all:x?}");
        }
        // All nulls are one.
        assert_eq!(all[1], of(Arc::new(StringViewArray::from(vec![None::<&str>]))));
    }
}
