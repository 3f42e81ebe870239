//! Events in columns: batches with their hidden fields, the row store that windows, joins and
//! patterns keep rows in, key interning, ordered merging, and single values.
//!
//! Arrow types of attributes: int `Int32`, long `Int64`, float `Float32`, double `Float64`, bool
//! `Boolean`, string `Utf8View`, object `BinaryView` (an encoded [`Value`], see [`object`]).

mod batch;
mod interner;
mod merge;
pub mod object;
mod stamps;
mod store;
mod value;
mod views;

pub use batch::{BatchBuilder, Chunks, EventBatch, Kind, Moment, Reset, SINGLE_KEY};
pub use interner::{KeyId, KeyInterner};
pub use merge::{concat, merge};
pub use stamps::Stamps;
pub use store::{NO_SLOT, RowStore, Slot, StoreColumn};
pub use value::Value;

use crate::error::Error;

impl From<arrow::error::ArrowError> for Error {
    fn from(e: arrow::error::ArrowError) -> Self {
        Error::Columnar(Box::new(e))
    }
}

impl From<datafusion_common::DataFusionError> for Error {
    fn from(e: datafusion_common::DataFusionError) -> Self {
        Error::Columnar(Box::new(e))
    }
}
