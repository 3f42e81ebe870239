//! `str:…`: text. Positions and lengths count characters.

use std::borrow::Cow;

use super::java::write_value;
use super::kit::{Pattern, Ty, arg, bool, fit, fit_many, function, int, long, regular, text};
use super::{Arg, Kernel, Scalar, Site};
use crate::event::Value;
use crate::lang::ast::AttrType;

type Checked = Result<AttrType, String>;

fn one(name: &str, args: &[Arg<'_>]) -> Checked {
    fit(name, args, &[Ty::Text], &[], AttrType::String)
}

/// A kernel from text to text.
fn of_text(f: fn(&str, &mut String)) -> Kernel {
    text(move |a, out| {
        f(arg(a, 0).text()?, out);
        Some(())
    })
}

function!(CHAR_AT = "str" "charAt" "(text string, index int)" -> "string";
"The character at `index`, counted from 0; null if there is none, or an argument is null.";
"str:charAt(text, 0)";
|name, args| fit(name, args, &[Ty::Text, Ty::Int], &[], AttrType::String);
|_| text(|a, out| {
    let index = usize::try_from(arg(a, 1).integer()?).ok()?;
    out.push(arg(a, 0).text()?.chars().nth(index)?);
    Some(())
}));
function!(CHAR_FREQUENCY = "str" "charFrequency" "(text string, part string)" -> "long";
"How often `part` occurs in the text, without overlaps; null if an argument is null.";
"str:charFrequency(text, 'a')";
|name, args| fit(name, args, &[Ty::Text, Ty::Text], &[], AttrType::Long);
|_| long(|a| {
    let (text, part) = (arg(a, 0).text()?, arg(a, 1).text()?);
    Some(if part.is_empty() { 0 } else { text.matches(part).count() as i64 })
}));
function!(COALESCE = "str" "coalesce" "(text string, ...)" -> "string";
    "The first argument that is not null; null if all are."; "str:coalesce(text, 'none')";
    |name, args| fit_many(name, args, &[], (Ty::Text, 1), AttrType::String);
    |_| text(|a, out| { out.push_str(a.iter().find_map(Scalar::text)?); Some(()) }));
function!(CONCAT = "str" "concat" "(value any, ...)" -> "string";
"The arguments as one text; nulls are skipped."; "str:concat(text, '-', n)";
|name, args| fit_many(name, args, &[], (Ty::Any, 1), AttrType::String);
|_| text(|a, out| {
    a.iter().for_each(|v| match v {
        Scalar::Null => {}
        Scalar::Str(s) => out.push_str(s),
        other => write_value(out, &other.to_value()),
    });
    Some(())
}));
function!(CONTAINS = "str" "contains" "(text string, part string)" -> "bool";
"Whether `part` occurs in the text; false if an argument is null."; "str:contains(text, 'a')";
|name, args| fit(name, args, &[Ty::Text, Ty::Text], &[], AttrType::Bool);
|_| bool(|a| Some(match (arg(a, 0).text(), arg(a, 1).text()) {
    (Some(text), Some(part)) => text.contains(part),
    _ => false,
})));
function!(EQUALS_IGNORE_CASE = "str" "equalsIgnoreCase" "(a string, b string)" -> "bool";
    "Whether two texts are equal, letters of any case being the same; null if an argument is null.";
    "str:equalsIgnoreCase(text, 'A')";
    |name, args| fit(name, args, &[Ty::Text, Ty::Text], &[], AttrType::Bool);
    |_| bool(|a| Some(arg(a, 0).text()?.to_lowercase() == arg(a, 1).text()?.to_lowercase())));
function!(FILL_TEMPLATE = "str" "fillTemplate" "(template string, value any, ...)" -> "string";
    "The template with `{{1}}`, `{{2}}`, … replaced by the values, or with `{{key}}` replaced by the \
     values of a map that is the only value. Null values leave the place as it is; null if the \
     template is null."; "str:fillTemplate('{{1}}: {{2}}', text, n)";
    |name, args| fit_many(name, args, &[Ty::Text], (Ty::Any, 1), AttrType::String);
    |_| text(fill));
function!(HEX = "str" "hex" "(text string)" -> "string";
"The bytes of the text (UTF-8) in hexadecimal form; null if it is null."; "str:hex(text)"; one;
|_| of_text(|s, out| s.bytes().for_each(|b| {
    out.extend([b >> 4, b & 15].map(|d| char::from_digit(u32::from(d), 16).unwrap_or('0')));
})));
function!(LENGTH = "str" "length" "(text string)" -> "int";
    "The number of characters of the text; null if it is null."; "str:length(text)";
    |name, args| fit(name, args, &[Ty::Text], &[], AttrType::Int);
    |_| int(|a| i32::try_from(arg(a, 0).text()?.chars().count()).ok()));
function!(LOCATE = "str" "locate" "(part string, text string [, from int])" -> "int";
    "Where `part` first occurs in the text, at `from` or behind, counted from 0; -1 if it doesn't, \
     null if an argument is null."; "str:locate('a', text)";
    |name, args| fit(name, args, &[Ty::Text, Ty::Text], &[Ty::Int], AttrType::Int);
    locate);
function!(LOWER = "str" "lower" "(text string)" -> "string";
    "The text in lower case; null if it is null."; "str:lower(text)"; one;
    |_| of_text(|s, out| out.push_str(&s.to_lowercase())));
function!(REGEXP = "str" "regexp" "(text string, expression string)" -> "bool";
    "Whether all of the text matches a regular expression (without look-around and back-references); \
     null if an argument is null."; "str:regexp(text, '[a-z]+')";
    |name: &str, args: &[Arg<'_>]| {
        regular(name, args, 1)?;
        fit(name, args, &[Ty::Text, Ty::Text], &[], AttrType::Bool)
    };
    |site| { let re = Pattern::new(site, 1, true); bool(move |a| {
        let text = arg(a, 0).text()?;
        re.with(a, |re| Some(re.is_match(text)))
    }) });
function!(REPEAT = "str" "repeat" "(text string, times int)" -> "string";
"The text so many times (none if `times` is below 1, null if the result had more than a million \
 characters); null if an argument is null."; "str:repeat(text, 2)";
|name, args| fit(name, args, &[Ty::Text, Ty::Int], &[], AttrType::String);
|_| text(|a, out| {
    let (s, n) = (arg(a, 0).text()?, usize::try_from(arg(a, 1).integer()?).unwrap_or(0));
    if s.len().checked_mul(n)? > 1_000_000 {
        return None;
    }
    (0..n).for_each(|_| out.push_str(s));
    Some(())
}));
function!(REPLACE_ALL = "str" "replaceAll" "(text string, expression string, by string)" -> "string";
    "The text with all matches of a regular expression replaced; `$1` in `by` stands for the first \
     group, `\\\\$` for the sign itself; null if an argument is null.";
    "str:replaceAll(text, '[0-9]', '#')"; replaced; |site| replace(site, 0));
function!(REPLACE_FIRST = "str" "replaceFirst" "(text string, expression string, by string)" -> "string";
    "The text with the first match of a regular expression replaced; `$1` in `by` stands for the \
     first group; null if an argument is null."; "str:replaceFirst(text, '[0-9]', '#')"; replaced;
    |site| replace(site, 1));
function!(REVERSE = "str" "reverse" "(text string)" -> "string";
    "The characters of the text from the last to the first; null if it is null."; "str:reverse(text)";
    one; |_| of_text(|s, out| out.extend(s.chars().rev())));
function!(SPLIT = "str" "split" "(text string, expression string, index int)" -> "string";
    "The part at `index` of the text cut at the matches of a regular expression; null if there is no \
     such part, or an argument is null."; "str:split(text, ',', 0)";
    |name: &str, args: &[Arg<'_>]| {
        regular(name, args, 1)?;
        fit(name, args, &[Ty::Text, Ty::Text, Ty::Int], &[], AttrType::String)
    };
    |site| { let re = Pattern::new(site, 1, false); text(move |a, out| {
        let index = usize::try_from(arg(a, 2).integer()?).ok()?;
        let s = arg(a, 0).text()?;
        re.with(a, |re| { out.push_str(re.split(s).nth(index)?); Some(()) })
    }) });
function!(STRCMP = "str" "strcmp" "(a string, b string)" -> "int";
    "Below 0 if `a` comes before `b` by code units, above if it comes after, 0 if they are equal; the \
     number is Java's. Null if an argument is null."; "str:strcmp(text, 'a')";
    |name, args| fit(name, args, &[Ty::Text, Ty::Text], &[], AttrType::Int);
    |_| int(|a| Some(compare(arg(a, 0).text()?, arg(a, 1).text()?))));
function!(SUBSTR = "str" "substr" "(text string, from int [, length int]) or (text string, expression string [, group int])" -> "string";
    "The characters from `from` (counted from 0) on, at most `length`; or what the first match of a \
     regular expression, or one of its groups, holds, empty if there is no match. Null where `from` is \
     outside the text, or an argument is null."; "str:substr(text, 0, 1)"; substr_type; substr);
function!(TRIM = "str" "trim" "(text string)" -> "string";
    "The text without white space at both ends; null if it is null."; "str:trim(text)"; one;
    |_| of_text(|s, out| out.push_str(s.trim())));
function!(UNHEX = "str" "unhex" "(digits string)" -> "string";
    "The text whose bytes (UTF-8) are given in hexadecimal form; null if it is none, or null.";
    "str:unhex('4d')"; one; |_| text(unhex));
function!(UPPER = "str" "upper" "(text string)" -> "string";
    "The text in upper case; null if it is null."; "str:upper(text)"; one;
    |_| of_text(|s, out| out.push_str(&s.to_uppercase())));

function!(FIND = "regex" "find" "(expression string, text string [, from int])" -> "bool";
    "Whether a regular expression (without look-around and back-references) matches somewhere in the \
     text, at character `from` or behind; null if an argument is null."; "regex:find('[a-z]+', text)";
    |name: &str, args: &[Arg<'_>]| {
        regular(name, args, 0)?;
        fit(name, args, &[Ty::Text, Ty::Text], &[Ty::Int], AttrType::Bool)
    };
    |site| { let re = Pattern::new(site, 0, false); bool(move |a| {
        let text = arg(a, 1).text()?;
        let from = match a.get(2) {
            None => 0,
            Some(from) => place(text, from.integer()?)?,
        };
        re.with(a, |re| Some(re.is_match_at(text, from)))
    }) });
function!(GROUP = "regex" "group" "(expression string, text string, group int)" -> "string";
    "What a group (0: all) of the first match of a regular expression holds; null if there is no \
     match or no such group, or an argument is null."; "regex:group('([a-z])', text, 1)";
    |name: &str, args: &[Arg<'_>]| {
        regular(name, args, 0)?;
        fit(name, args, &[Ty::Text, Ty::Text, Ty::Int], &[], AttrType::String)
    };
    |site| { let re = Pattern::new(site, 0, false); text(move |a, out| {
        let (s, group) = (arg(a, 1).text()?, usize::try_from(arg(a, 2).integer()?).ok()?);
        re.with(a, |re| { out.push_str(re.captures(s)?.get(group)?.as_str()); Some(()) })
    }) });
function!(LOOKING_AT = "regex" "lookingAt" "(expression string, text string)" -> "bool";
    "Whether the text begins with a match of a regular expression; null if an argument is null.";
    "regex:lookingAt('[a-z]', text)";
    |name: &str, args: &[Arg<'_>]| {
        regular(name, args, 0)?;
        fit(name, args, &[Ty::Text, Ty::Text], &[], AttrType::Bool)
    };
    |site| { let re = Pattern::new(site, 0, false); bool(move |a| {
        let text = arg(a, 1).text()?;
        re.with(a, |re| Some(re.find(text).is_some_and(|m| m.start() == 0)))
    }) });
function!(MATCHES = "regex" "matches" "(expression string, text string)" -> "bool";
    "Whether all of the text matches a regular expression; null if an argument is null.";
    "regex:matches('[a-z]+', text)";
    |name: &str, args: &[Arg<'_>]| {
        regular(name, args, 0)?;
        fit(name, args, &[Ty::Text, Ty::Text], &[], AttrType::Bool)
    };
    |site| { let re = Pattern::new(site, 0, true); bool(move |a| {
        let text = arg(a, 1).text()?;
        re.with(a, |re| Some(re.is_match(text)))
    }) });

/// The byte at which character `index` begins; the end of the text has an index, too.
fn place(text: &str, index: i64) -> Option<usize> {
    let index = usize::try_from(index).ok()?;
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(index)
}

fn locate(_: &Site<'_>) -> Kernel {
    int(|a| {
        let (part, text) = (arg(a, 0).text()?, arg(a, 1).text()?);
        let from = match a.get(2) {
            None => 0,
            Some(from) => match place(text, from.integer()?.max(0)) {
                Some(from) => from,
                None => return Some(-1),
            },
        };
        match text[from..].find(part) {
            None => Some(-1),
            Some(at) => i32::try_from(text[..from + at].chars().count()).ok(),
        }
    })
}

fn replaced(name: &str, args: &[Arg<'_>]) -> Checked {
    regular(name, args, 1)?;
    fit(name, args, &[Ty::Text, Ty::Text, Ty::Text], &[], AttrType::String)
}

/// Replaces the first `limit` matches (0: all).
fn replace(site: &Site<'_>, limit: usize) -> Kernel {
    let re = Pattern::new(site, 1, false);
    text(move |a, out| {
        let (s, by) = (arg(a, 0).text()?, replacement(arg(a, 2).text()?));
        re.with(a, |re| {
            out.push_str(&re.replacen(s, limit, by.as_ref()));
            Some(())
        })
    })
}

/// A replacement as Java writes it, as the regex crate does.
fn replacement(by: &str) -> Cow<'_, str> {
    if !by.contains(['$', '\\']) {
        return Cow::Borrowed(by);
    }
    let mut out = String::with_capacity(by.len() + 4);
    let mut chars = by.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('$') => out.push_str("$$"),
                Some(c) => out.push(c),
                None => {}
            },
            '$' => {
                out.push_str("${");
                match chars.peek() {
                    Some('{') => drop(chars.next()),
                    _ => {
                        out.extend(std::iter::from_fn(|| chars.next_if(char::is_ascii_digit)));
                        out.push('}');
                    }
                }
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// As Java's `compareTo`: the difference of the first code units that differ, or of the lengths.
fn compare(a: &str, b: &str) -> i32 {
    let pairs = || a.encode_utf16().zip(b.encode_utf16());
    match pairs().find(|(x, y)| x != y) {
        Some((x, y)) => i32::from(x) - i32::from(y),
        None => a.encode_utf16().count() as i32 - b.encode_utf16().count() as i32,
    }
}

fn unhex(args: &[Scalar<'_>], out: &mut String) -> Option<()> {
    let digits = arg(args, 0).text()?;
    let digit = |b: &u8| char::from(*b).to_digit(16);
    let pairs = digits.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|p| match p {
            [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        })
        .collect();
    out.push_str(std::str::from_utf8(&bytes?).ok()?);
    Some(())
}

fn substr_type(name: &str, args: &[Arg<'_>]) -> Checked {
    if args.get(1).is_some_and(|a| a.ty == AttrType::String) {
        regular(name, args, 1)?;
        return fit(name, args, &[Ty::Text, Ty::Text], &[Ty::Int], AttrType::String);
    }
    fit(name, args, &[Ty::Text, Ty::Int], &[Ty::Int], AttrType::String)
}

fn substr(site: &Site<'_>) -> Kernel {
    if site.args.get(1).is_some_and(|a| a.ty == AttrType::String) {
        let re = Pattern::new(site, 1, false);
        return text(move |a, out| {
            let s = arg(a, 0).text()?;
            let group = match a.get(2) {
                None => 0,
                Some(group) => usize::try_from(group.integer()?).ok()?,
            };
            re.with(a, |re| {
                let held = re.captures(s).and_then(|c| c.get(group).map(|m| m.as_str()));
                out.push_str(held.unwrap_or_default());
                Some(())
            })
        });
    }
    text(|a, out| {
        let s = arg(a, 0).text()?;
        let rest = &s[place(s, arg(a, 1).integer()?)?..];
        match a.get(2) {
            None => out.push_str(rest),
            Some(n) => out.extend(rest.chars().take(usize::try_from(n.integer()?).ok()?)),
        }
        Some(())
    })
}

fn fill(args: &[Scalar<'_>], out: &mut String) -> Option<()> {
    let mut rest = arg(args, 0).text()?;
    let map = match args.get(1) {
        Some(v @ Scalar::Object(_)) => match v.to_value() {
            Value::Map(entries) => Some(entries),
            _ => None,
        },
        _ => None,
    };
    let value = |key: &str| -> Option<Value> {
        let found = match &map {
            Some(entries) => entries
                .iter()
                .find(|(k, _)| matches!(k, Value::String(k) if k == key))
                .map(|(_, v)| v.clone()),
            None => key
                .parse::<usize>()
                .ok()
                .filter(|n| *n > 0)
                .and_then(|n| args.get(n).map(Scalar::to_value)),
        };
        found.filter(|v| *v != Value::Null)
    };
    while let Some(open) = rest.find("{{") {
        let Some(close) = rest[open..].find("}}").map(|at| open + at) else { break };
        out.push_str(&rest[..open]);
        match value(rest[open + 2..close].trim()) {
            Some(v) => write_value(out, &v),
            None => out.push_str(&rest[open..close + 2]),
        }
        rest = &rest[close + 2..];
    }
    out.push_str(rest);
    Some(())
}
