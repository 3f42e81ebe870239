//! Row evaluation: a typed expression over a few rows, some of which may live in state (join
//! conditions, patterns, table conditions), lowered to closures over typed columns.
//!
//! No value is boxed and nothing is allocated on the way, except for strings a function makes. A
//! comparison of a column with a column or a literal is one closure.

mod call;
mod column;
mod compare;
mod lower;
mod read;
mod text;

use crate::event::{EventBatch, NO_SLOT, RowStore, Slot, Value, object};
use crate::lang::ast::AttrType;

use super::fold::fold;
use super::tree::TypedExpr;
use lower::Compiled;

/// One of the rows an expression looks at.
#[derive(Debug, Clone, Copy, Default)]
pub enum RowRef<'a> {
    /// There is no such row: its columns and its time are null.
    #[default]
    Missing,
    /// A row of a batch.
    Batch {
        /// The batch.
        batch: &'a EventBatch,
        /// Which row of it.
        row: usize,
    },
    /// A row kept in state. ([`NO_SLOT`] is a missing row.)
    Stored {
        /// The store.
        store: &'a RowStore,
        /// Which row of it.
        slot: Slot,
    },
}

impl RowRef<'_> {
    /// Whether there is no such row.
    #[inline]
    pub fn is_missing(&self) -> bool {
        matches!(self, RowRef::Missing | RowRef::Stored { slot: NO_SLOT, .. })
    }

    /// Its event time, ms; none if it is missing.
    #[inline]
    pub fn event_time(&self) -> Option<i64> {
        match self {
            RowRef::Stored { slot: NO_SLOT, .. } | RowRef::Missing => None,
            RowRef::Batch { batch, row } => batch.ts.get(*row).copied(),
            RowRef::Stored { store, slot } => Some(store.ts(*slot)),
        }
    }
}

/// What an expression is evaluated over.
#[derive(Debug, Clone, Copy)]
pub struct RowContext<'a> {
    /// The rows, by the `source` of columns. A source beyond the end is a missing row.
    pub rows: &'a [RowRef<'a>],
    /// The application's clock, ms.
    pub clock: i64,
    /// Order of the cause of the evaluation.
    pub order: u64,
}

/// An expression ready to be evaluated row by row.
pub struct RowExpr {
    compiled: Compiled,
    ty: AttrType,
}

impl std::fmt::Debug for RowExpr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RowExpr({})", self.ty)
    }
}

impl RowExpr {
    /// Lowers an expression.
    pub fn compile(expr: &TypedExpr) -> Self {
        Self::lower(&fold(expr))
    }

    /// Lowers an expression as it is.
    pub(super) fn lower(expr: &TypedExpr) -> Self {
        Self { compiled: lower::lower(expr), ty: expr.ty }
    }

    /// The type of its values.
    pub fn ty(&self) -> AttrType {
        self.ty
    }

    /// Whether it is exactly true.
    #[inline]
    pub fn test(&self, context: &RowContext<'_>) -> bool {
        match &self.compiled {
            Compiled::Test(f) => f(context),
            Compiled::Bool(f) => f(context) == Some(true),
            _ => false,
        }
    }

    /// Its value.
    pub fn value(&self, context: &RowContext<'_>) -> Value {
        match &self.compiled {
            Compiled::Test(f) => Value::Bool(f(context)),
            Compiled::Bool(f) => f(context).into(),
            Compiled::Int(f) => f(context).into(),
            Compiled::Long(f) => f(context).into(),
            Compiled::Float(f) => f(context).into(),
            Compiled::Double(f) => f(context).into(),
            Compiled::Str(f) => f.get(context).map_or(Value::Null, |v| v.as_ref().into()),
            Compiled::Object(f) => f.get(context).map_or(Value::Null, |v| object::decode(&v)),
        }
    }
}
