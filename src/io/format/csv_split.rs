//! Splitting CSV text into records and fields (RFC 4180, strictly).
//!
//! A field is quoted if its first character is a quote; within quotes, a doubled quote means one, and
//! delimiters and line ends are text. A closing quote must be followed by a delimiter or the end of
//! the line. Elsewhere a quote is an ordinary character. Lines end with `\n` or `\r\n`.
//!
//! A stray quote would swallow everything up to the next one. So a record that is malformed, or that
//! spans lines and has the wrong number of fields, counts as bad only to the end of its first line,
//! and reading resumes on the next. The number of expected fields bounds how far a scan can go over
//! lines that open quotes of their own, so no input makes this quadratic.

use super::blocks::{MAX_RECORD, first_line};

/// How far into a record a quote may be closed, bytes. One that isn't closed by then is a stray one.
const MAX_QUOTED: usize = 1024 * 1024;

/// A field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    start: u32,
    end: u32,
    /// Whether it stands in quotes (which `start..end` leaves out).
    pub(super) quoted: bool,
    escaped: bool,
}

impl Field {
    /// Its text within its record, quotes still doubled.
    fn raw<'a>(&self, record: &'a str) -> &'a str {
        &record[self.start as usize..self.end as usize]
    }

    /// Appends what it means.
    pub(super) fn append_to(&self, record: &str, out: &mut String) {
        if !self.escaped {
            out.push_str(self.raw(record));
            return;
        }
        let mut pieces = self.raw(record).split("\"\"");
        out.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            out.push('"');
            out.push_str(piece);
        }
    }

    /// Whether it is nothing at all, not even a pair of quotes.
    pub(super) fn is_absent(&self) -> bool {
        self.start == self.end && !self.quoted
    }
}

/// What stands at the beginning of some text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A record; its length without and with the line end, and how many line ends are in it.
    Record { text: usize, length: usize, lines: u64 },
    /// An empty line of this length.
    Blank(usize),
    /// A line that is no record, its length without and with the line end, and why.
    Bad { text: usize, length: usize, why: String },
    /// More text is needed to tell (there is none at all if the input is at its end).
    Incomplete,
}

/// Finds the first record of `data`. Its fields go to `fields`. `expected`: how many there must be.
pub(super) fn first_record(
    data: &[u8],
    eof: bool,
    delimiter: u8,
    expected: Option<usize>,
    fields: &mut Vec<Field>,
) -> Found {
    if data.is_empty() {
        return Found::Incomplete;
    }
    let blank = match data {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => 0,
    };
    if blank > 0 {
        return Found::Blank(blank);
    }
    match scan(data, eof, delimiter, expected, fields) {
        Scan::Incomplete => Found::Incomplete,
        Scan::Record { text, length, lines } => match expected {
            Some(n) if n != fields.len() => {
                let why = format!("{} where {n} were expected", count(fields.len()));
                first_line_bad(data, eof, if lines > 1 { None } else { Some((text, length)) }, why)
            }
            _ => Found::Record { text, length, lines },
        },
        Scan::TooMany => {
            let why = format!("more than {} where so many were expected", count(fields.len() - 1));
            first_line_bad(data, eof, None, why)
        }
        Scan::Bad(why) => first_line_bad(data, eof, None, why.to_string()),
    }
}

fn count(fields: usize) -> String {
    format!("{fields} field{}", if fields == 1 { "" } else { "s" })
}

fn first_line_bad(data: &[u8], eof: bool, line: Option<(usize, usize)>, why: String) -> Found {
    match line.or_else(|| first_line(data, eof).map(|(text, length)| (text.len(), length))) {
        Some((text, length)) => Found::Bad { text, length, why },
        None => Found::Incomplete,
    }
}

enum Scan {
    Record { text: usize, length: usize, lines: u64 },
    TooMany,
    Bad(&'static str),
    Incomplete,
}

fn scan(
    data: &[u8],
    eof: bool,
    delimiter: u8,
    expected: Option<usize>,
    fields: &mut Vec<Field>,
) -> Scan {
    fields.clear();
    let mut at = 0;
    let mut lines = 1;
    loop {
        let field = if data.get(at) == Some(&b'"') {
            match quoted(data, at + 1, &mut lines) {
                Quoted::Closed { end, escaped } => {
                    let field =
                        Field { start: at as u32 + 1, end: end as u32, quoted: true, escaped };
                    at = end + 1;
                    field
                }
                Quoted::TooLong => return Scan::Bad("a quote isn't closed"),
                Quoted::Open if eof => return Scan::Bad("a quote isn't closed"),
                Quoted::Open => return Scan::Incomplete,
            }
        } else {
            let start = at;
            while data.get(at).is_some_and(|b| *b != delimiter && *b != b'\n') {
                at += 1;
            }
            if at > MAX_RECORD {
                return Scan::Bad("the line is too long");
            }
            let mut end = at;
            if end > start && data[end - 1] == b'\r' && data.get(end).is_none_or(|b| *b == b'\n') {
                end -= 1;
            }
            Field { start: start as u32, end: end as u32, quoted: false, escaped: false }
        };
        fields.push(field);
        if expected.is_some_and(|n| fields.len() > n) && lines > 1 {
            return Scan::TooMany;
        }
        match (data.get(at), data.get(at + 1)) {
            (Some(b), _) if *b == delimiter => at += 1,
            (Some(b'\n'), _) => return record(at, at + 1, data, lines),
            (Some(b'\r'), Some(b'\n')) => return record(at, at + 2, data, lines),
            (None, _) | (Some(b'\r'), None) if eof => return record(at, data.len(), data, lines),
            (None, _) | (Some(b'\r'), None) => return Scan::Incomplete,
            _ => return Scan::Bad("a closing quote is followed by text"),
        }
    }
}

fn record(mut text: usize, length: usize, data: &[u8], lines: u64) -> Scan {
    // An unquoted last field stops at `\n`; its `\r` belongs to the line end.
    if text > 0 && data[text - 1] == b'\r' {
        text -= 1;
    }
    Scan::Record { text, length, lines }
}

enum Quoted {
    Closed {
        end: usize,
        escaped: bool,
    },
    /// The text ends before.
    Open,
    /// Not within [`MAX_QUOTED`].
    TooLong,
}

/// The end of a quoted field's text that begins at `at`.
fn quoted(data: &[u8], mut at: usize, lines: &mut u64) -> Quoted {
    let mut escaped = false;
    loop {
        if at > MAX_QUOTED {
            return Quoted::TooLong;
        }
        match data.get(at) {
            Some(b'"') if data.get(at + 1) == Some(&b'"') => {
                escaped = true;
                at += 1;
            }
            Some(b'"') => return Quoted::Closed { end: at, escaped },
            Some(b'\n') => *lines += 1,
            Some(_) => {}
            None => return Quoted::Open,
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All records as unescaped fields, bad lines as their text, with line numbers.
    fn split(text: &str, expected: Option<usize>) -> Vec<(u64, Result<Vec<String>, String>)> {
        let (mut out, mut fields) = (vec![], vec![]);
        let (mut at, mut line) = (0, 1);
        loop {
            let data = &text.as_bytes()[at..];
            match first_record(data, true, b',', expected, &mut fields) {
                Found::Record { text: end, length, lines } => {
                    let record = &text[at..at + end];
                    let row = fields.iter().map(|f| {
                        let mut s = String::new();
                        f.append_to(record, &mut s);
                        s
                    });
                    out.push((line, Ok(row.collect())));
                    at += length;
                    line += lines;
                }
                Found::Blank(length) => {
                    at += length;
                    line += 1;
                }
                Found::Bad { text: end, length, why } => {
                    out.push((line, Err(format!("{} | {why}", &text[at..at + end]))));
                    at += length;
                    line += 1;
                }
                Found::Incomplete => return out,
            }
            if at == text.len() {
                return out;
            }
        }
    }

    fn row(fields: &[&str]) -> Result<Vec<String>, String> {
        Ok(fields.iter().map(|f| f.to_string()).collect())
    }

    #[test]
    fn fields_quotes_and_line_ends() {
        let text = "a,b\r\n\"x,y\",\"say \"\"hi\"\"\"\n\n,\n\"two\nlines\",\"\"\nin\"ner,z";
        assert_eq!(
            split(text, Some(2)),
            [
                (1, row(&["a", "b"])),
                (2, row(&["x,y", "say \"hi\""])),
                (4, row(&["", ""])),
                (5, row(&["two\nlines", ""])),
                (7, row(&["in\"ner", "z"])),
            ]
        );
    }

    #[test]
    fn a_bad_line_costs_only_itself() {
        let text = "1,2\n1,\"stray\n3,4\n5,\"x\"y\n6,7\n8\n9,9,9\n\"a\nb\"\n1,1\n\"unclosed,1\n2,2";
        let bad = |line, text: &str, why: &str| (line, Err(format!("{text} | {why}")));
        assert_eq!(
            split(text, Some(2)),
            [
                (1, row(&["1", "2"])),
                bad(2, "1,\"stray", "a closing quote is followed by text"),
                (3, row(&["3", "4"])),
                bad(4, "5,\"x\"y", "a closing quote is followed by text"),
                (5, row(&["6", "7"])),
                bad(6, "8", "1 field where 2 were expected"),
                bad(7, "9,9,9", "3 fields where 2 were expected"),
                bad(8, "\"a", "1 field where 2 were expected"),
                bad(9, "b\"", "1 field where 2 were expected"),
                (10, row(&["1", "1"])),
                bad(11, "\"unclosed,1", "a quote isn't closed"),
                (12, row(&["2", "2"])),
            ]
        );
    }

    #[test]
    fn lines_that_open_quotes_do_not_make_it_quadratic() {
        // Each line opens a quote whether it is read from its start or from within quotes.
        let text = "a\",\"b\n".repeat(200_000);
        assert_eq!(split(&text, Some(3)).len(), 200_000);
    }

    proptest! {
        /// Whatever the csv crate writes is read back.
        #[test]
        fn reads_what_is_written(
            rows in prop::collection::vec(prop::collection::vec("[ab,\"\n\r ]{0,4}", 3), 0..6)
        ) {
            let mut writer = csv::WriterBuilder::new()
                .quote_style(csv::QuoteStyle::NonNumeric).from_writer(vec![]);
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read: Vec<Vec<String>> =
                split(&text, Some(3)).into_iter().map(|(_, r)| r.unwrap()).collect();
            prop_assert_eq!(read, rows);
        }

        /// Any text is cut into pieces that cover it, however it arrives.
        #[test]
        fn cuts_do_not_matter(text in "[a,\"\n\r]{0,40}", cut in 0usize..40) {
            let bytes = text.as_bytes();
            let mut fields = vec![];
            let whole = first_record(bytes, true, b',', Some(2), &mut fields);
            let part = &bytes[..cut.min(bytes.len())];
            let early = first_record(part, false, b',', Some(2), &mut fields);
            prop_assert!(early == Found::Incomplete || early == whole, "{:?} {:?}", early, whole);
        }
    }
}
