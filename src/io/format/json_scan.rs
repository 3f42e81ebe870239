//! A scanner of JSON text that keeps numbers as they are written.
//!
//! It knows the grammar of RFC 8259 and nothing of types: whether `1.50` is a float or a double, and
//! with how many digits, is decided by the column it goes to. Nesting is limited to [`MAX_DEPTH`].

use crate::event::Value;

/// How deep lists and objects may stand in each other.
const MAX_DEPTH: usize = 64;

/// A fault in JSON text: what, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

/// What a value begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    String,
    Number,
    True,
    False,
    Null,
    Object,
    List,
}

/// Reads along a text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn fault<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err(Fault { at: self.at, what })
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Takes `byte` if it is next (after white space).
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Takes `byte`, which must be next.
    pub(super) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { self.fault(what) }
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fault("nothing more was expected"),
        }
    }

    /// What comes next.
    pub(super) fn token(&mut self) -> Result<Token, Fault> {
        Ok(match self.peek() {
            Some(b'"') => Token::String,
            Some(b'-' | b'0'..=b'9') => Token::Number,
            Some(b't') => Token::True,
            Some(b'f') => Token::False,
            Some(b'n') => Token::Null,
            Some(b'{') => Token::Object,
            Some(b'[') => Token::List,
            _ => return self.fault("a value was expected"),
        })
    }

    /// Takes one of the literals.
    pub(super) fn literal(&mut self, word: &'static str) -> Result<(), Fault> {
        if !self.text[self.at..].starts_with(word) {
            return self.fault("a value was expected");
        }
        self.at += word.len();
        Ok(())
    }

    /// Takes a number, as it is written.
    pub(super) fn number(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.fault("a digit was expected"),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { self.fault("a digit was expected") }
    }

    /// Takes a string and appends what it means.
    pub(super) fn string(&mut self, out: &mut String) -> Result<(), Fault> {
        self.expect(b'"', "a string was expected")?;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.bytes().position(|b| b == b'"' || b == b'\\' || b < 0x20);
            let Some(plain) = plain else {
                self.at = self.text.len();
                return self.fault("the string isn't closed");
            };
            // A position of an ASCII byte is a character boundary.
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return self.fault("a control character must be escaped"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let escaped = match self.byte() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return self.fault("no such escape"),
        };
        self.at += 1;
        Ok(escaped)
    }

    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.hex()?;
        let code = match first {
            0xD800..=0xDBFF => {
                if !self.text[self.at..].starts_with("\\u") {
                    return self.fault("the second half of a surrogate pair was expected");
                }
                self.at += 2;
                match self.hex()? {
                    second @ 0xDC00..=0xDFFF => {
                        0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                    }
                    _ => return self.fault("the second half of a surrogate pair was expected"),
                }
            }
            code => code,
        };
        match char::from_u32(code) {
            Some(c) => Ok(c),
            None => self.fault("half a surrogate pair"),
        }
    }

    fn hex(&mut self) -> Result<u32, Fault> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let digits = digits.filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else {
            return self.fault("four hexadecimal digits were expected");
        };
        let code =
            digits.iter().fold(0, |n, d| n * 16 + char::from(*d).to_digit(16).unwrap_or_default());
        self.at += 4;
        Ok(code)
    }

    /// Takes a value and gives its text.
    pub(super) fn skip(&mut self, scratch: &mut String) -> Result<&'a str, Fault> {
        self.peek();
        let start = self.at;
        self.skip_nested(scratch, 0)?;
        Ok(&self.text[start..self.at])
    }

    fn skip_nested(&mut self, scratch: &mut String, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return self.fault("nested too deeply");
        }
        match self.token()? {
            Token::String => {
                scratch.clear();
                self.string(scratch)
            }
            Token::Number => self.number().map(|_| ()),
            Token::True => self.literal("true"),
            Token::False => self.literal("false"),
            Token::Null => self.literal("null"),
            Token::Object => {
                self.expect(b'{', "`{` was expected")?;
                if self.eat(b'}') {
                    return Ok(());
                }
                loop {
                    self.peek();
                    scratch.clear();
                    self.string(scratch)?;
                    self.expect(b':', "`:` was expected")?;
                    self.skip_nested(scratch, depth + 1)?;
                    if !self.eat(b',') {
                        return self.expect(b'}', "`,` or `}` was expected");
                    }
                }
            }
            Token::List => {
                self.expect(b'[', "`[` was expected")?;
                if self.eat(b']') {
                    return Ok(());
                }
                loop {
                    self.skip_nested(scratch, depth + 1)?;
                    if !self.eat(b',') {
                        return self.expect(b']', "`,` or `]` was expected");
                    }
                }
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        if depth > MAX_DEPTH {
            return self.fault("nested too deeply");
        }
        Ok(match self.token()? {
            Token::String => {
                let mut text = String::new();
                self.string(&mut text)?;
                text.into()
            }
            Token::Number => number_value(self.number()?),
            Token::True => self.literal("true").map(|()| Value::Bool(true))?,
            Token::False => self.literal("false").map(|()| Value::Bool(false))?,
            Token::Null => self.literal("null").map(|()| Value::Null)?,
            Token::Object => {
                return self.fault("objects within `object` attributes aren't supported yet");
            }
            Token::List => {
                self.expect(b'[', "`[` was expected")?;
                let mut items = vec![];
                if self.eat(b']') {
                    return Ok(Value::List(items));
                }
                loop {
                    items.push(self.value(depth + 1)?);
                    if !self.eat(b',') {
                        self.expect(b']', "`,` or `]` was expected")?;
                        return Ok(Value::List(items));
                    }
                }
            }
        })
    }
}

/// The narrowest of int, long and double.
fn number_value(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(n) => i32::try_from(n).map_or(Value::Long(n), Value::Int),
        Err(_) => text.parse::<f64>().map_or(Value::Null, Value::Double),
    }
}

/// The value of an `object` attribute from JSON text: numbers become the narrowest of int, long and
/// double, lists become lists.
///
/// # Errors
/// What is wrong, for a message.
pub(super) fn value(text: &str) -> Result<Value, String> {
    let mut scanner = Scanner::new(text);
    let read = |s: &mut Scanner<'_>| {
        let value = s.value(0)?;
        s.end()?;
        Ok(value)
    };
    read(&mut scanner).map_err(|f: Fault| format!("{} at character {}", f.what, f.at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skips(text: &str) -> Result<(), Fault> {
        let mut scanner = Scanner::new(text);
        scanner.skip(&mut String::new())?;
        scanner.end()
    }

    proptest! {
        /// Accepts what serde_json accepts, and nothing else (but for numbers beyond a double, which
        /// here are for the column to refuse).
        #[test]
        fn agrees_with_serde_json(text in r#"([\[\]{},:"\\ ue\.0-9+-]|true|null|"[a-c\\nu0-9]*"|-?[0-9]{1,3}(\.[0-9]+)?(e[0-9])?){0,12}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            prop_assume!(!theirs.as_ref().is_err_and(|e| e.to_string().contains("out of range")));
            prop_assert_eq!(skips(&text).is_ok(), theirs.is_ok(), "{:?}", theirs);
        }

        /// Any string survives.
        #[test]
        fn strings_mean_what_serde_json_says(text in any::<String>()) {
            let written = serde_json::to_string(&text).unwrap();
            let mut read = String::new();
            Scanner::new(&written).string(&mut read).unwrap();
            prop_assert_eq!(read, text);
        }

        /// Damaged text is refused or accepted, never a panic.
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = skips(&text);
            let _ = value(&text);
        }
    }

    #[test]
    fn escapes() {
        let mut out = String::new();
        Scanner::new(r#""a\"\\\/\b\f\n\r\té😀""#).string(&mut out).unwrap();
        assert_eq!(out, "a\"\\/\u{8}\u{c}\n\r\té😀");
        for bad in [r#""\ud83d""#, r#""\ude00""#, r#""\u12g4""#, r#""\x""#, "\"\n\"", "\"abc"] {
            assert!(Scanner::new(bad).string(&mut String::new()).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_of_object_attributes() {
        let list = Value::List(vec![Value::Int(1), Value::Double(2.5), "x".into(), Value::Null]);
        assert_eq!(value(r#"[1, 2.5, "x", null]"#), Ok(list));
        assert_eq!(value("3000000000"), Ok(Value::Long(3_000_000_000)));
        assert_eq!(value("[]"), Ok(Value::List(vec![])));
        assert!(
            value(r#"{"a": 1}"#).unwrap_err().contains("not supported") || value("{}").is_err()
        );
        assert!(value("[1] 2").unwrap_err().contains("at character 5"));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = "[".repeat(100_000);
        assert_eq!(skips(&deep).unwrap_err().what, "nested too deeply");
        assert!(value(&deep).unwrap_err().contains("nested too deeply"));
    }
}
