//! What a query put out, as a count and an order-sensitive hash over every bit of every value.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};

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
    /// For columns of types that no query of the harness puts out.
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

/// A word per row.
fn words(column: &ArrayRef) -> Result<Vec<u64>> {
    if column.null_count() > 0 {
        return Err(Error::Data("the queries of the harness put out no nulls".into()));
    }
    Ok(match column.data_type() {
        DataType::Int64 => {
            column.as_primitive::<Int64Type>().values().iter().map(|v| *v as u64).collect()
        }
        DataType::Float64 => {
            column.as_primitive::<Float64Type>().values().iter().map(|v| v.to_bits()).collect()
        }
        DataType::Utf8View | DataType::Utf8 | DataType::Dictionary(_, _) => {
            let texts = cast(column, &DataType::Utf8View)?;
            let text = |t: Option<&str>| {
                t.unwrap_or_default().bytes().fold(0, |h, b| mix(h, u64::from(b)))
            };
            texts.as_string_view().iter().map(text).collect()
        }
        other => return Err(Error::Data(format!("can't digest values of type {other}"))),
    })
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
}
