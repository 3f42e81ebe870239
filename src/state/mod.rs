//! Saving and restoring operator state.
//!
//! A snapshot is a version, a fingerprint of the application's structure, and one length-prefixed
//! section per operator in plan order, so that a reader that consumes too little or too much of a
//! section is found out at once, and a checksum over all of it. Values are written with serde (postcard).

mod lists;
mod snapshot;

pub use lists::KeyedLists;
pub use snapshot::{SnapshotReader, SnapshotWriter, seal, unseal};
