//! The windows of Siddhi's `unique` extension: of all rows with the same key, one counts.
//!
//! The *place* of a key (see [`super::sub_keys`]) is the row that counts for it, as long as there is
//! one. Rows stand in lists from which they are taken anywhere.

mod batch;
pub mod ever;
pub mod external_time_batch;
pub mod first;
pub mod first_length_batch;
pub mod first_time_batch;
pub mod length;
pub mod length_batch;
pub mod time;
pub mod time_batch;
pub mod time_length_batch;

use super::args::Args;
use super::keyed::{Cause, List, Rows};
use super::{WindowArg, WindowOutput};
use crate::error::{Diagnostic, Span};
use crate::event::{Kind, Slot};
use crate::expr::types::AttrType;

/// The types a key may have.
const KEYS: [AttrType; 6] = [
    AttrType::Int,
    AttrType::Long,
    AttrType::Float,
    AttrType::Double,
    AttrType::Bool,
    AttrType::String,
];

/// The attribute that is the key.
fn key(args: &Args<'_>) -> Result<usize, Diagnostic> {
    Ok(args.column_of(0, "unique.key", &KEYS)?.0)
}

/// Several attributes, at least one, that are the key together.
fn keys(signature: &'static str, args: &[WindowArg], span: Span) -> Result<Vec<usize>, Diagnostic> {
    let args = Args::new(signature, args, span, 1, usize::MAX)?;
    (0..args.len()).map(|i| Ok(args.column_of(i, "unique.key", &KEYS)?.0)).collect()
}

/// A number of rows, at least 1.
fn some_rows(args: &Args<'_>, i: usize) -> Result<u32, Diagnostic> {
    match args.rows(i, "window.length")? {
        0 => Err(args.invalid(i, "window.length", "must be more than zero, found 0")),
        n => Ok(n),
    }
}

/// A row leaves a list for good: another of its key came, or it is too old.
fn leave(list: &mut List, slot: Slot, cause: Cause, rows: &mut Rows, out: &mut WindowOutput) {
    rows.unlink(list, slot);
    out.push(slot, cause.at, cause.at, cause.order, Kind::Expired, cause.key);
    rows.store.release(slot);
}

/// No row counts any longer for the keys of a list's rows.
fn vacate(list: List, rows: &mut Rows) {
    let ids: Vec<_> = rows.iter(list).map(|slot| rows.keys.of(slot)).collect();
    ids.into_iter().for_each(|id| rows.keys.vacate(id));
}
