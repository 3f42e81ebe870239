//! `${variables}`, replaced before a text is parsed.

use crate::error::{Code, Diagnostic, Span};

/// A text with its variables replaced, and where its pieces come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substituted {
    /// The new text.
    pub text: String,
    /// Replaced pieces in order: where in the new text, and where in the old one.
    pieces: Vec<(Span, Span)>,
}

impl Substituted {
    /// Where in the old text a span of the new one comes from. What lies in a replacement comes from
    /// its whole variable.
    pub fn original(&self, span: Span) -> Span {
        Span { start: self.origin(span.start).start, end: self.origin(span.end).end }
    }

    fn origin(&self, at: u32) -> Span {
        let behind = self.pieces.partition_point(|(new, _)| new.start < at);
        match behind.checked_sub(1).map(|i| self.pieces[i]) {
            None => Span { start: at, end: at },
            Some((new, old)) if at < new.end => old,
            Some((new, old)) => {
                let at = at - new.end + old.end;
                Span { start: at, end: at }
            }
        }
    }
}

/// Replaces every `${name}` in `text` by what `lookup` knows for `name` (letters, digits and
/// underscores). The replacement is textual: it happens inside strings and comments, too, and what
/// it brings in is not searched again.
///
/// # Errors
/// One diagnostic, pointing into the old text, for every name that `lookup` doesn't know.
pub fn substitute(
    text: &str,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Substituted, Vec<Diagnostic>> {
    let mut out = String::with_capacity(text.len());
    let (mut unknown, mut pieces) = (vec![], vec![]);
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let name_end = from[2..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name_end = name_end.map_or(from.len(), |n| n + 2);
        if name_end == 2 || !from[name_end..].starts_with('}') {
            out.push_str("${");
            rest = &from[2..];
            continue;
        }
        let name = &from[2..name_end];
        let start = text.len() - from.len();
        let span = Span::new(start, start + name_end + 1);
        match lookup(name) {
            Some(value) => {
                let start = out.len();
                out.push_str(&value);
                pieces.push((Span::new(start, out.len()), span));
            }
            None => {
                let message = format!("no value is known for `${{{name}}}`");
                unknown.push(
                    Diagnostic::error(Code::Name, span, message)
                        .with_help(format!("set the environment variable `{name}`")),
                );
            }
        }
        rest = &from[name_end + 1..];
    }
    out.push_str(rest);
    if unknown.is_empty() { Ok(Substituted { text: out, pieces }) } else { Err(unknown) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Option<String> {
        (name == "foo").then(|| "Foo ${foo}".to_string())
    }

    #[test]
    fn replaces_known_names_once_and_everywhere() {
        let text = "define stream ${foo} -- ${foo} '${foo}'";
        let expected = "define stream Foo ${foo} -- Foo ${foo} 'Foo ${foo}'";
        assert_eq!(substitute(text, known).unwrap().text, expected);
    }

    #[test]
    fn leaves_alone_what_is_no_variable() {
        for text in ["", "$", "${", "${}", "${a b}", "${foo", "$foo}", "${ä}", "$${"] {
            assert_eq!(substitute(text, known).unwrap().text, text);
        }
    }

    #[test]
    fn spans_lead_back_to_the_old_text() {
        let (old, new) = ("a '${foo}' b ${foo}${foo} c", "a 'Foo ${foo}' b Foo ${foo}Foo ${foo} c");
        let done = substitute(old, known).unwrap();
        assert_eq!(done.text, new);
        let of = |piece: &str| {
            let start = new.find(piece).unwrap();
            &old[done.original(Span::new(start, start + piece.len())).range()]
        };
        assert_eq!(of("a "), "a ");
        assert_eq!(of("b"), "b");
        assert_eq!(of(" c"), " c");
        assert_eq!(of("' b "), "' b ");
        assert_eq!(of("oo"), "${foo}");
        assert_eq!(of("'Foo ${foo}'"), "'${foo}'");
    }

    #[test]
    fn reports_every_unknown_name_where_it_stands() {
        let errors = substitute("a ${x} ${foo} ${yy}", known).unwrap_err();
        let spans: Vec<_> = errors.iter().map(|d| (d.span.start, d.span.end)).collect();
        assert_eq!(spans, [(2, 6), (14, 19)]);
        assert!(errors[0].message.contains("${x}"));
    }
}
