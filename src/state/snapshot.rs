//! The snapshot reader and writer.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Writes operator state.
#[derive(Debug, Default)]
pub struct SnapshotWriter {
    bytes: Vec<u8>,
}

impl SnapshotWriter {
    /// An empty snapshot.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a value.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(value, bytes)
            .map_err(|e| Error::Snapshot(format!("can't write state: {e}")))?;
        Ok(())
    }

    /// Appends a section: what `f` writes, with its length in front.
    pub fn section(&mut self, f: impl FnOnce(&mut SnapshotWriter) -> Result<()>) -> Result<()> {
        let mut inner = SnapshotWriter::new();
        f(&mut inner)?;
        self.bytes.extend_from_slice(&(inner.bytes.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(&inner.bytes);
        Ok(())
    }

    /// The bytes written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads operator state.
#[derive(Debug)]
pub struct SnapshotReader<'a> {
    bytes: &'a [u8],
}

impl<'a> SnapshotReader<'a> {
    /// Reads from the bytes of a [`SnapshotWriter`].
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The next value.
    pub fn value<T: DeserializeOwned>(&mut self) -> Result<T> {
        let (value, rest) = postcard::take_from_bytes(self.bytes).map_err(damaged)?;
        self.bytes = rest;
        Ok(value)
    }

    /// The next value, read by `load` (for types that restore in place).
    pub fn with<T>(
        &mut self,
        load: impl FnOnce(
            &mut postcard::Deserializer<'a, postcard::de_flavors::Slice<'a>>,
        ) -> Result<T, postcard::Error>,
    ) -> Result<T> {
        let mut d = postcard::Deserializer::from_bytes(self.bytes);
        let value = load(&mut d).map_err(damaged)?;
        self.bytes = d.finalize().map_err(damaged)?;
        Ok(value)
    }

    /// The next section; everything in it must be read by `f`.
    pub fn section<T>(
        &mut self,
        f: impl FnOnce(&mut SnapshotReader<'_>) -> Result<T>,
    ) -> Result<T> {
        let (head, rest) = self
            .bytes
            .split_first_chunk::<8>()
            .ok_or_else(|| Error::Snapshot("the snapshot ends early".into()))?;
        let len = u64::from_le_bytes(*head) as usize;
        let (body, rest) = rest
            .split_at_checked(len)
            .ok_or_else(|| Error::Snapshot("the snapshot ends early".into()))?;
        self.bytes = rest;
        let mut inner = SnapshotReader::new(body);
        let value = f(&mut inner)?;
        if !inner.bytes.is_empty() {
            return Err(Error::Snapshot("a section holds more than its operator reads".into()));
        }
        Ok(value)
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Appends a checksum, so that [`unseal`] finds out any damage.
pub fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// The bytes that were sealed.
///
/// # Errors
/// [`Error::Snapshot`] if they aren't the bytes that were sealed.
pub fn unseal(bytes: &[u8]) -> Result<&[u8]> {
    match bytes.split_last_chunk::<8>() {
        Some((body, sum)) if checksum(body) == u64::from_le_bytes(*sum) => Ok(body),
        _ => Err(Error::Snapshot("the snapshot is damaged: its checksum is wrong".into())),
    }
}

/// Word by word, each step reversible: a change within one word always changes the sum. The same in
/// every version and on every machine.
fn checksum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut sum = bytes.len() as u64;
    for word in words.iter().chain([&last]) {
        sum = (sum ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        sum ^= sum >> 32;
    }
    sum
}

fn damaged(e: postcard::Error) -> Error {
    Error::Snapshot(format!("the snapshot is damaged or of another application: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_breaks_the_seal() {
        for n in [0usize, 1, 7, 8, 9, 40] {
            let body: Vec<u8> = (0..n as u8).collect();
            let sealed = seal(body.clone());
            assert_eq!(unseal(&sealed).unwrap(), body);
            for at in 0..sealed.len() {
                for bit in 0..8 {
                    let mut other = sealed.clone();
                    other[at] ^= 1 << bit;
                    assert!(unseal(&other).is_err(), "{n} {at} {bit}");
                }
                assert!(unseal(&sealed[..at]).is_err());
            }
            assert!(unseal(&[&sealed[..], &[0]].concat()).is_err());
        }
    }
}
