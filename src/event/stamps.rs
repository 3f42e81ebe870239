//! [`Stamps`]: a number per row beside its attributes (event time, clock, order), made when somebody
//! looks at it.
//!
//! Most batches are filtered or handed on without anybody asking for the order or time of their
//! rows. So what can be worked out later is kept as how to do that: numbers in steps of two (the order
//! of rows that came together), or some rows of other stamps. Whoever reads the slice has it made, once.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use arrow::array::ArrowNativeTypeOp;
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::ArrowNativeType;

/// Fewer rows than this are made at once: working them out is cheaper than remembering how.
const FEW: usize = 64;

/// A number per row.
#[derive(Debug, Clone)]
pub struct Stamps<T: ArrowNativeType>(Form<T>);

#[derive(Debug, Clone)]
enum Form<T: ArrowNativeType> {
    Ready(ScalarBuffer<T>),
    Later(Arc<Later<T>>),
}

#[derive(Debug)]
struct Later<T: ArrowNativeType> {
    recipe: Recipe<T>,
    made: OnceLock<ScalarBuffer<T>>,
}

#[derive(Debug)]
enum Recipe<T: ArrowNativeType> {
    /// `first`, `first + 2`, and so on.
    Steps { first: T, len: usize },
    /// Some rows of others.
    Picked { from: Stamps<T>, rows: ScalarBuffer<u32> },
}

impl<T: ArrowNativeTypeOp> Stamps<T> {
    /// `len` numbers: `first`, `first + 2`, and so on.
    pub fn steps(first: T, len: usize) -> Self {
        Self::made_later(Recipe::Steps { first, len })
    }

    /// Those of `rows`, in that order.
    pub fn pick(&self, rows: &ScalarBuffer<u32>) -> Self {
        Self::made_later(Recipe::Picked { from: self.clone(), rows: rows.clone() })
    }

    /// Rows `start..start + len`.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        let later = match &self.0 {
            Form::Ready(values) => return values.slice(start, len).into(),
            Form::Later(later) => later,
        };
        match (later.made.get(), &later.recipe) {
            (Some(values), _) => values.slice(start, len).into(),
            (None, Recipe::Steps { first, len: all }) => {
                assert!(start + len <= *all, "a slice lies within the rows");
                Self::steps(step(*first, start), len)
            }
            (None, Recipe::Picked { from, rows }) => from.pick(&rows.slice(start, len)),
        }
    }

    fn made_later(recipe: Recipe<T>) -> Self {
        if recipe.len() < FEW {
            return recipe.make().into();
        }
        Self(Form::Later(Arc::new(Later { recipe, made: OnceLock::new() })))
    }
}

impl<T: ArrowNativeTypeOp> Stamps<T> {
    /// All of them.
    #[inline]
    pub fn values(&self) -> &ScalarBuffer<T> {
        match &self.0 {
            Form::Ready(values) => values,
            Form::Later(later) => later.made.get_or_init(|| later.recipe.make()),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Ready(values) => values.len(),
            Form::Later(later) => later.recipe.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one of a row, without making the others.
    pub fn one(&self, row: usize) -> T {
        match &self.0 {
            Form::Ready(values) => values[row],
            Form::Later(later) => match (later.made.get(), &later.recipe) {
                (Some(values), _) => values[row],
                (None, Recipe::Steps { first, len }) => {
                    assert!(row < *len, "the row is one of them");
                    step(*first, row)
                }
                (None, Recipe::Picked { from, rows }) => from.one(rows[row] as usize),
            },
        }
    }

    /// The last one.
    pub fn last_one(&self) -> Option<T> {
        self.len().checked_sub(1).map(|row| self.one(row))
    }

    /// Whether both are known to be the same, made or not.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::Ready(a), Form::Ready(b)) => a.ptr_eq(b),
            (Form::Later(a), Form::Later(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl<T: ArrowNativeTypeOp> Recipe<T> {
    fn len(&self) -> usize {
        match self {
            Recipe::Steps { len, .. } => *len,
            Recipe::Picked { rows, .. } => rows.len(),
        }
    }

    fn make(&self) -> ScalarBuffer<T> {
        match self {
            Recipe::Steps { first, len } => {
                (0..*len).map(|i| step(*first, i)).collect::<Vec<T>>().into()
            }
            Recipe::Picked { from, rows } => {
                let values: &[T] = from.values();
                rows.iter().map(|r| values[*r as usize]).collect::<Vec<T>>().into()
            }
        }
    }
}

#[inline]
fn step<T: ArrowNativeTypeOp>(first: T, i: usize) -> T {
    first.add_wrapping(T::usize_as(2 * i))
}

impl<T: ArrowNativeTypeOp> Deref for Stamps<T> {
    type Target = ScalarBuffer<T>;

    #[inline]
    fn deref(&self) -> &ScalarBuffer<T> {
        self.values()
    }
}

impl<T: ArrowNativeTypeOp> PartialEq for Stamps<T> {
    fn eq(&self, other: &Self) -> bool {
        self.ptr_eq(other) || self.values() == other.values()
    }
}

impl<T: ArrowNativeType> From<ScalarBuffer<T>> for Stamps<T> {
    fn from(values: ScalarBuffer<T>) -> Self {
        Self(Form::Ready(values))
    }
}

impl<T: ArrowNativeType> From<Vec<T>> for Stamps<T> {
    fn from(values: Vec<T>) -> Self {
        Self(Form::Ready(values.into()))
    }
}

impl<T: ArrowNativeType> FromIterator<T> for Stamps<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        values.into_iter().collect::<Vec<T>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_later_is_what_is_made_at_once() {
        for len in [0, 1, FEW - 1, FEW, 500] {
            let made: Vec<u64> = (0..len as u64).map(|i| 7 + 2 * i).collect();
            let steps = Stamps::steps(7u64, len);
            let rows: Vec<u32> = (0..len as u32).filter(|r| r % 3 != 1).collect();
            let kept: Vec<u64> = rows.iter().map(|r| made[*r as usize]).collect();
            let picked = steps.pick(&rows.into());
            assert_eq!((steps.len(), picked.len()), (made.len(), kept.len()));
            // Before and after the others are made.
            for _ in 0..2 {
                assert_eq!(steps.last_one(), made.last().copied());
                assert_eq!((0..kept.len()).map(|r| picked.one(r)).collect::<Vec<_>>(), kept);
                let (start, some) = (kept.len() / 3, kept.len() / 2);
                assert_eq!(picked.slice(start, some).values()[..], kept[start..start + some]);
                assert_eq!(steps.slice(start, some).values()[..], made[start..start + some]);
                assert_eq!(picked.values()[..], kept);
                assert_eq!(steps.values()[..], made);
            }
        }
    }

    #[test]
    fn shared_stamps_are_known_to_be_the_same() {
        let steps = Stamps::steps(1u64, 100);
        assert!(steps.ptr_eq(&steps.clone()));
        assert!(!steps.ptr_eq(&Stamps::steps(1, 100)));
        assert_eq!(steps, Stamps::steps(1, 100));
        assert_ne!(steps, Stamps::steps(3, 100));
    }
}
