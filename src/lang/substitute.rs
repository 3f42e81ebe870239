//! `${variables}`, replaced before a text is parsed.

use crate::error::{Code, Diagnostic, Span};

/// Replaces every `${name}` in `text` by what `lookup` knows for `name` (letters, digits and
/// underscores). The replacement is textual: it happens inside strings and comments, too, and what
/// it brings in is not searched again. Spans of later diagnostics refer to the new text.
///
/// # Errors
/// One diagnostic, pointing into the old text, for every name that `lookup` doesn't know.
pub fn substitute(
    text: &str,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<String, Vec<Diagnostic>> {
    let mut out = String::with_capacity(text.len());
    let mut unknown = Vec::new();
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
        match lookup(name) {
            Some(value) => out.push_str(&value),
            None => {
                let start = text.len() - from.len();
                let span = Span::new(start, start + name_end + 1);
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
    if unknown.is_empty() { Ok(out) } else { Err(unknown) }
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
        assert_eq!(substitute(text, known).unwrap(), expected);
    }

    #[test]
    fn leaves_alone_what_is_no_variable() {
        for text in ["", "$", "${", "${}", "${a b}", "${foo", "$foo}", "${ä}", "$${"] {
            assert_eq!(substitute(text, known).unwrap(), text);
        }
    }

    #[test]
    fn reports_every_unknown_name_where_it_stands() {
        let errors = substitute("a ${x} ${foo} ${yy}", known).unwrap_err();
        let spans: Vec<_> = errors.iter().map(|d| (d.span.start, d.span.end)).collect();
        assert_eq!(spans, [(2, 6), (14, 19)]);
        assert!(errors[0].message.contains("${x}"));
    }
}
