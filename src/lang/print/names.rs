//! Names and strings in the form the parser reads back.

use crate::lang::ast::{EventIndex, Ident, Source, StreamMark};
use crate::lang::lexer::Keyword;

/// A name, in back-ticks where it isn't a word or could be taken for the start of a clause.
pub(super) fn name(out: &mut String, ident: &Ident) {
    ticked(out, &ident.name, is_plain(&ident.name));
}

/// A name where no keyword may stand.
pub(super) fn strict_name(out: &mut String, ident: &Ident) {
    ticked(out, &ident.name, is_word(&ident.name) && Keyword::of(&ident.name).is_none());
}

fn ticked(out: &mut String, name: &str, plain: bool) {
    let tick = if plain { "" } else { "`" };
    out.extend([tick, name, tick]);
}

fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_plain(name: &str) -> bool {
    is_word(name) && Keyword::of(name).is_none_or(|k| !k.is_reserved())
}

/// `info`, `app:name`.
pub(super) fn annotation_name(out: &mut String, name: &str) {
    match name.split_once(':') {
        Some((prefix, rest)) if !prefix.is_empty() && !rest.is_empty() => {
            ticked(out, prefix, is_word(prefix));
            out.push(':');
            ticked(out, rest, is_word(rest));
        }
        _ => ticked(out, name, is_word(name)),
    }
}

/// `buffer.size`; in quotes if it isn't made of words, in back-ticks if no quotes can hold it.
pub(super) fn key(out: &mut String, key: &str) {
    let in_long_quotes = !key.ends_with('"') && !key.contains("\"\"\"");
    if key.split(['.', '-', ':']).all(is_word) {
        out.push_str(key);
    } else if in_long_quotes || key.contains('`') {
        string(out, key);
    } else {
        ticked(out, key, false);
    }
}

/// A string in the simplest quotes that can hold it.
pub(super) fn string(out: &mut String, value: &str) {
    let control = value.contains(|c: char| c < ' ');
    let quote = match (control, value.contains('"'), value.contains('\'')) {
        (false, false, false) => "'",
        (false, false, true) => "\"",
        _ => "\"\"\"",
    };
    out.extend([quote, value, quote]);
}

/// `S` with its mark.
pub(super) fn source(out: &mut String, source: &Source) {
    mark(out, source.mark);
    name(out, &source.name);
}

pub(super) fn mark(out: &mut String, mark: StreamMark) {
    out.push_str(mark.text());
}

pub(super) fn index(out: &mut String, index: Option<EventIndex>) {
    match index {
        None => {}
        Some(EventIndex::At(n)) => out.push_str(&format!("[{n}]")),
        Some(EventIndex::Last(0)) => out.push_str("[last]"),
        Some(EventIndex::Last(n)) => out.push_str(&format!("[last-{n}]")),
    }
}
