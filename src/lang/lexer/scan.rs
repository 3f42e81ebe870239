//! The scanner: nom parsers over the text, chosen by the first character.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_until, take_while, take_while1};
use nom::character::complete::{anychar, char, digit0, digit1, one_of};
use nom::combinator::{map, not, opt, recognize, value, verify};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::{Kind, Lexed, Sym, Token};
use crate::error::{Code, Diagnostic, Span};
use crate::lang::ast::{Comment, Layout, Node};

type Scan<'a, T> = IResult<&'a str, T, ()>;

/// Splits a text into tokens and comments.
pub fn lex(text: &str) -> Lexed {
    let mut s = Scanner {
        text,
        out: Lexed {
            tokens: Vec::with_capacity(text.len() / 4 + 1),
            comments: Vec::new(),
            diagnostics: Vec::new(),
        },
        unclosed: Unclosed::default(),
        last_line: text.rfind('\n').map_or(text.len(), |n| text.len() - n - 1),
    };
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = 1;
    loop {
        let (after, newlines) = white_space(rest);
        lines += newlines;
        if newlines > 1
            && let Some(c) = s.out.comments.last_mut()
            && s.out.tokens.last().is_none_or(|t| t.span.end <= c.span.0.start)
        {
            c.layout.blank_after = true;
        }
        rest = after;
        if rest.is_empty() {
            break;
        }
        rest = match s.comment(rest, lines) {
            Some(after) => after,
            None => s.token(rest),
        };
        lines = 0;
    }
    s.push(Kind::End, "", "");
    s.out
}

struct Scanner<'a> {
    text: &'a str,
    out: Lexed,
    unclosed: Unclosed,
    /// How many bytes stand behind the last line end.
    last_line: usize,
}

/// Closing signs known not to come any more: looking for them again from every opening one would
/// make the lexer quadratic.
#[derive(Default)]
struct Unclosed(u8);

impl Unclosed {
    const SCRIPT: u8 = 1;
    const PLAIN_SCRIPT: u8 = 2;
    const LONG_STRING: u8 = 4;
    const BACK_TICK: u8 = 8;
}

impl<'a> Scanner<'a> {
    fn span(&self, from: &str, to: &str) -> Span {
        Span::new(self.text.len() - from.len(), self.text.len() - to.len())
    }

    fn push(&mut self, kind: Kind, from: &str, to: &str) {
        let span = self.span(from, to);
        self.out.tokens.push(Token { kind, span });
    }

    fn bad(
        &mut self,
        from: &str,
        to: &'a str,
        diagnostic: impl FnOnce(Span) -> Diagnostic,
    ) -> &'a str {
        self.push(Kind::Bad, from, to);
        let span = self.span(from, to);
        self.out.diagnostics.push(diagnostic(span));
        to
    }

    /// A comment, if one starts here, `lines` line ends behind what stands before it.
    fn comment(&mut self, rest: &'a str, lines: usize) -> Option<&'a str> {
        let (after, text) = if rest.starts_with("--") {
            let (after, text) = line_comment(rest).ok()?;
            (after, text.trim_end().to_string())
        } else if let Some(body) = rest.strip_prefix("/*") {
            match block_comment(rest) {
                Ok((after, text)) => (after, text.to_string()),
                Err(_) => {
                    // Siddhi lets the end of the text end a comment.
                    let span = self.span(rest, body);
                    self.out.diagnostics.push(
                        Diagnostic::warning(Code::Syntax, span, "this comment is never closed")
                            .with_help("end it with `*/`"),
                    );
                    ("", format!("{} */", rest.trim_end()))
                }
            }
        } else {
            return None;
        };
        let span = Node(self.span(rest, after));
        let layout = Layout { own_line: lines > 0, blank_before: lines > 1, blank_after: false };
        self.out.comments.push(Comment { text, span, layout });
        Some(after)
    }

    /// One token; returns what follows it.
    fn token(&mut self, rest: &'a str) -> &'a str {
        let first = rest.as_bytes()[0];
        let scanned = match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => word(rest),
            b'0'..=b'9' | b'.' => alt((number, symbol)).parse(rest),
            b'\'' | b'"' => return self.string(rest),
            b'`' => return self.quoted(rest),
            b'{' => return self.script(rest),
            _ => symbol(rest),
        };
        match scanned {
            Ok((after, kind)) => {
                self.push(kind, rest, after);
                after
            }
            Err(_) => self.unexpected(rest),
        }
    }

    fn string(&mut self, rest: &'a str) -> &'a str {
        if rest.starts_with("\"\"\"") && self.unclosed.0 & Unclosed::LONG_STRING == 0 {
            return match long_string(rest) {
                Ok((after, _)) => {
                    self.push(Kind::LongStr, rest, after);
                    after
                }
                Err(_) => {
                    self.unclosed.0 |= Unclosed::LONG_STRING;
                    self.bad(rest, to_line_end(rest), |span| {
                        Diagnostic::error(Code::Syntax, span, "this string is never closed")
                            .with_help("end it with `\"\"\"`")
                    })
                }
            };
        }
        let quote = if rest.starts_with('\'') { '\'' } else { '"' };
        let Ok((after, body)) = short_string(quote, rest) else {
            return self.bad(rest, to_line_end(rest), |span| {
                Diagnostic::error(Code::Syntax, span, "this string is not closed on its line")
                    .with_help(format!(
                        "end it with `{quote}`, or use `\"\"\"…\"\"\"` for several lines"
                    ))
            });
        };
        self.push(Kind::Str, rest, after);
        let wrong = if body.contains(|c: char| c < ' ') {
            Some("a control character (such as a tab)")
        } else if quote == '\'' && body.contains('"') {
            Some("a `\"`")
        } else {
            None
        };
        if let Some(what) = wrong {
            let message = format!("a string in `{quote}` can't contain {what}");
            self.out.diagnostics.push(
                Diagnostic::error(Code::Syntax, self.span(rest, after), message)
                    .with_help("use `\"\"\"…\"\"\"`, which may contain anything"),
            );
        }
        after
    }

    fn quoted(&mut self, rest: &'a str) -> &'a str {
        let hopeless = self.unclosed.0 & Unclosed::BACK_TICK != 0;
        let closed = if hopeless { None } else { back_ticked(rest).ok() };
        match closed {
            Some((after, "")) => self.bad(rest, after, |span| {
                Diagnostic::error(Code::Syntax, span, "a name can't be empty")
            }),
            Some((after, _)) => {
                self.push(Kind::Quoted, rest, after);
                after
            }
            None => {
                self.unclosed.0 |= Unclosed::BACK_TICK;
                self.bad(rest, &rest[1..], |span| {
                    Diagnostic::error(Code::Syntax, span, "this back-tick is never closed")
                })
            }
        }
    }

    fn script(&mut self, rest: &'a str) -> &'a str {
        // A body that has no end when quoted braces don't count (an apostrophe or a slash misled
        // us) is read again with every brace counted.
        let hopeless = self.unclosed.0 & Unclosed::PLAIN_SCRIPT != 0;
        for (skip_quoted, known) in [(true, Unclosed::SCRIPT), (false, Unclosed::PLAIN_SCRIPT)] {
            if self.unclosed.0 & known == 0 {
                if let Some(length) = script_length(rest, skip_quoted, self.last_line) {
                    self.push(Kind::Script, rest, &rest[length..]);
                    return &rest[length..];
                }
                self.unclosed.0 |= known;
            }
        }
        if hopeless {
            self.push(Kind::Bad, rest, &rest[1..]);
            return &rest[1..];
        }
        self.bad(rest, &rest[1..], |span| {
            Diagnostic::error(Code::Syntax, span, "this `{` is never closed")
        })
    }

    /// Characters no token starts with: reported once for a run of them.
    fn unexpected(&mut self, rest: &'a str) -> &'a str {
        if let Ok((after, name)) = variable(rest) {
            let message = format!("`${{{name}}}` has no value here");
            return self.bad(rest, after, |span| {
                Diagnostic::error(Code::Syntax, span, message)
                    .with_help("variables are replaced before the text is parsed")
            });
        }
        let (after, run) = unknown_run(rest).unwrap_or(("", rest));
        if run == "}" && self.unclosed.0 & Unclosed::PLAIN_SCRIPT != 0 {
            self.push(Kind::Bad, rest, after);
            return after;
        }
        self.bad(rest, after, |span| {
            let (message, help) = explain_unknown(run);
            let d = Diagnostic::error(Code::Syntax, span, message);
            match help {
                Some(h) => d.with_help(h),
                None => d,
            }
        })
    }
}

/// Skips white space; says how many line ends it held.
fn white_space(rest: &str) -> (&str, usize) {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{b}' | '\u{c}');
    let space: Scan<&str> = take_while(is_space)(rest);
    match space {
        Ok((after, space)) => {
            let ends = space.matches(['\n', '\r']).count() - space.matches("\r\n").count();
            (after, ends)
        }
        Err(_) => (rest, 0),
    }
}

fn line_comment(i: &str) -> Scan<'_, &str> {
    recognize(preceded(tag("--"), take_till(|c| c == '\r' || c == '\n'))).parse(i)
}

fn block_comment(i: &str) -> Scan<'_, &str> {
    recognize(delimited(tag("/*"), take_until("*/"), tag("*/"))).parse(i)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn word(i: &str) -> Scan<'_, Kind> {
    map(take_while1(is_word), |w| super::Keyword::of(w).map_or(Kind::Word, Kind::Keyword)).parse(i)
}

fn symbol(i: &str) -> Scan<'_, Kind> {
    for s in Sym::ALL {
        if let Some(after) = i.strip_prefix(s.text()) {
            return Ok((after, Kind::Sym(*s)));
        }
    }
    Err(nom::Err::Error(()))
}

/// A number. A suffix counts only where no letter follows it: `5days` is `5 days`.
fn number(i: &str) -> Scan<'_, Kind> {
    let (i, whole) = digit0(i)?;
    let (i, fraction) = opt(preceded(char('.'), digit1)).parse(i)?;
    if whole.is_empty() && fraction.is_none() {
        return Err(nom::Err::Error(()));
    }
    // `5.` is a number only with an exponent or a suffix behind the dot.
    let dotted = verify(preceded(char('.'), tail), |(e, s)| *e || matches!(s, Some('f' | 'd')));
    let (rest, (exponent, suffix)) = match fraction {
        Some(_) => tail(i)?,
        None => alt((dotted, tail)).parse(i)?,
    };
    let fractional = exponent || fraction.is_some() || i.starts_with('.') && rest.len() < i.len();
    Ok(match suffix {
        Some('f') => (rest, Kind::Float),
        Some('d') => (rest, Kind::Double),
        // `1.5L` is no number: the letter is left to the parser's report.
        Some(letter) if fractional => {
            (&i[i.len() - rest.len() - letter.len_utf8()..], Kind::Double)
        }
        Some(_) => (rest, Kind::Long),
        None if fractional => (rest, Kind::Double),
        None => (rest, Kind::Int),
    })
}

/// Exponent and suffix of a number: whether there is an exponent, and the suffix in lower case.
fn tail(i: &str) -> Scan<'_, (bool, Option<char>)> {
    let (i, exponent) = opt((one_of("eE"), opt(one_of("+-")), digit1)).parse(i)?;
    let suffix = terminated(one_of("fFdDlL"), not(verify(anychar, |c| is_word(*c))));
    let (i, suffix) = opt(suffix).parse(i)?;
    Ok((i, (exponent.is_some(), suffix.map(|c| c.to_ascii_lowercase()))))
}

fn short_string(quote: char, i: &str) -> Scan<'_, &str> {
    let body = take_till(|c| c == quote || c == '\n' || c == '\r');
    delimited(char(quote), body, char(quote)).parse(i)
}

fn long_string(i: &str) -> Scan<'_, &str> {
    delimited(tag("\"\"\""), take_until("\"\"\""), tag("\"\"\"")).parse(i)
}

fn back_ticked(i: &str) -> Scan<'_, &str> {
    delimited(char('`'), take_till(|c| c == '`'), char('`')).parse(i)
}

fn variable(i: &str) -> Scan<'_, &str> {
    delimited(tag("${"), take_while1(is_word), char('}')).parse(i)
}

fn to_line_end(i: &str) -> &str {
    i.find(['\n', '\r']).map_or("", |n| &i[n..])
}

/// Characters none of which can start a token.
fn unknown_run(i: &str) -> Scan<'_, &str> {
    let known = |c: char| {
        c.is_ascii_alphanumeric()
            || c.is_ascii_whitespace()
            || c == '\u{b}'
            || "_'\"`{;:.()[],=*+?-/%<>@#!".contains(c)
    };
    let (_, first) = anychar(i)?;
    if first == '$' {
        return value("$", char('$')).parse(i);
    }
    take_while1(|c| !known(c) && c != '$')(i)
}

fn explain_unknown(run: &str) -> (String, Option<&'static str>) {
    let first = run.chars().next().unwrap_or(' ');
    let help = match first {
        '&' => Some("write `and`"),
        '|' => Some("write `or`"),
        '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => {
            Some("strings stand in straight quotes: '…'")
        }
        '}' => Some("only the body of a script function stands in braces"),
        '$' => Some("variables are written `${name}`"),
        '\\' => Some("strings have no escapes, and nothing else uses a backslash"),
        '\u{a0}' | '\u{200b}' | '\u{feff}' => Some("this is an invisible character: delete it"),
        _ => None,
    };
    let message = if first.is_control()
        || first.is_whitespace()
        || first == '\u{200b}'
        || first == '\u{feff}'
    {
        format!("unexpected character U+{:04X}", u32::from(first))
    } else if run.chars().count() > 20 {
        format!("unexpected text `{}…`", run.chars().take(20).collect::<String>())
    } else {
        format!("unexpected `{run}`")
    };
    (message, help)
}

/// The length of the script body at the start of `i`, which starts with `{`: up to the brace that
/// closes it. With `skip_quoted`, braces inside `"…"` and `// …` don't count.
/// `tail` bytes of the text stand behind its last line end (which spares a search per comment).
fn script_length(i: &str, skip_quoted: bool, tail: usize) -> Option<usize> {
    let bytes = i.as_bytes();
    let mut depth = 0usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' if skip_quoted => at += string_tail(&bytes[at + 1..]),
            b'/' if skip_quoted && bytes.len() - at > tail && bytes.get(at + 1) == Some(&b'/') => {
                at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(0);
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// How far the `"` is that closes a string on the same line; 0 if none does.
fn string_tail(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|b| matches!(b, b'"' | b'\n'));
    end.filter(|n| bytes[*n] == b'"').map_or(0, |n| n + 1)
}
