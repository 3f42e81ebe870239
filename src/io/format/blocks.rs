//! [`Blocks`]: the bytes of a text input, read block by block, with line numbers.
//!
//! Invariants: `start..end` of the buffer is what was read and not yet consumed; the buffer grows beyond a block only
//! while one record is longer than that, up to [`MAX_RECORD`]. `line` is the number of the first
//! unconsumed line.

use std::io::Read;

use crate::error::{Error, Result};

/// How much is asked for in one read, bytes.
const BLOCK: usize = 256 * 1024;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The longest line that is taken for a record, bytes; a longer one is rejected (in pieces).
pub(super) const MAX_RECORD: usize = 16 * 1024 * 1024;

/// A text input, read block by block.
pub(super) struct Blocks {
    input: Box<dyn Read + Send>,
    name: String,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    eof: bool,
    begun: bool,
    consumed: u64,
    line: u64,
}

impl Blocks {
    /// Over an input called `name` in errors.
    pub(super) fn new(name: String, input: Box<dyn Read + Send>) -> Self {
        Self {
            input,
            name,
            buffer: vec![],
            start: 0,
            end: 0,
            eof: false,
            begun: false,
            consumed: 0,
            line: 1,
        }
    }

    /// What was read and not consumed.
    pub(super) fn data(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether nothing follows [`Blocks::data`].
    pub(super) fn at_end(&self) -> bool {
        self.eof
    }

    /// Number of the line that [`Blocks::data`] begins with (or continues).
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Bytes consumed so far.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// The input's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Consumes bytes with `lines` line ends among them.
    pub(super) fn consume(&mut self, bytes: usize, lines: u64) {
        debug_assert!(bytes <= self.data().len());
        self.start += bytes;
        self.consumed += bytes as u64;
        self.line += lines;
    }

    /// Consumes what [`Blocks::first_line`] found.
    pub(super) fn consume_line(&mut self, length: usize) {
        // A piece of an overlong line ends no line.
        let lines = u64::from(self.data()[..length].ends_with(b"\n"));
        self.consume(length, lines);
    }

    /// Reads on: one read of the input, at most a block. Afterwards there is more data, or
    /// [`Blocks::at_end`] holds.
    pub(super) fn fill(&mut self) -> Result<()> {
        if self.eof {
            return Ok(());
        }
        self.read()?;
        if !self.begun {
            // A byte order mark, as Windows programs write it, is no text.
            while !self.eof && self.data().len() < BOM.len() && BOM.starts_with(self.data()) {
                self.read()?;
            }
            if self.data().starts_with(BOM) {
                self.consume(BOM.len(), 0);
            }
            self.begun = true;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        // Doubling, so that a long record is searched for its end a few times only.
        let wanted = self.end + self.end.max(BLOCK);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let read = loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                other => break other,
            }
        };
        let count = read.map_err(|e| Error::io(format!("can't read {}", self.name), e))?;
        self.end += count;
        self.eof = count == 0;
        Ok(())
    }

    /// The first line without its end, and its length with the end; none if its end wasn't read yet.
    /// A line longer than [`MAX_RECORD`] comes in pieces.
    pub(super) fn first_line(&self) -> Option<(&[u8], usize)> {
        first_line(self.data(), self.eof)
    }
}

/// The first line of `data` without its end (`\n` or `\r\n`), and its length with the end; none if
/// the end isn't there and more data follows.
pub(super) fn first_line(data: &[u8], eof: bool) -> Option<(&[u8], usize)> {
    match data.iter().take(MAX_RECORD).position(|b| *b == b'\n') {
        Some(end) => Some((data[..end].strip_suffix(b"\r").unwrap_or(&data[..end]), end + 1)),
        None if data.len() > MAX_RECORD => Some((&data[..MAX_RECORD], MAX_RECORD)),
        None if eof && !data.is_empty() => Some((data, data.len())),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::Dribble;

    fn lines(text: &str, piece: usize) -> Vec<(u64, String)> {
        let mut blocks = Blocks::new("test".into(), Box::new(Dribble::new(text, piece)));
        let mut out = vec![];
        loop {
            match blocks.first_line() {
                Some((line, length)) => {
                    out.push((blocks.line(), String::from_utf8(line.to_vec()).unwrap()));
                    blocks.consume_line(length);
                }
                None if blocks.at_end() => return out,
                None => blocks.fill().unwrap(),
            }
        }
    }

    #[test]
    fn lines_do_not_depend_on_how_bytes_arrive() {
        let text = "\u{feff}a\r\nbc\n\nlast";
        let expected = vec![(1, "a".into()), (2, "bc".into()), (3, "".into()), (4, "last".into())];
        for piece in [1, 2, 3, 100] {
            assert_eq!(lines(text, piece), expected, "pieces of {piece}");
        }
    }

    #[test]
    fn an_endless_line_comes_in_pieces() {
        let text = "x".repeat(MAX_RECORD + 10) + "\ny";
        let got = lines(&text, usize::MAX);
        let lengths: Vec<(u64, usize)> = got.iter().map(|(n, l)| (*n, l.len())).collect();
        assert_eq!(lengths, [(1, MAX_RECORD), (1, 10), (2, 1)]);
    }
}
