//! `object` attributes travel as encoded [`Value`]s in a binary column, so that they survive Arrow
//! files, snapshots and any host without a common heap.

use super::Value;

/// The bytes of a value.
pub fn encode(value: &Value) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_default()
}

/// The value of bytes made by [`encode`]; anything else is null.
pub fn decode(bytes: &[u8]) -> Value {
    postcard::from_bytes(bytes).unwrap_or_default()
}
