//! Diagnostics for people: `file:line:column`, the source line and a caret under the fault.
//!
//! Any span may be given, also one behind the end of the text or inside a character: rendering
//! never fails. The work per finding is bounded, however long the lines are.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::error::{Diagnostic, Severity, Span};

/// Longest piece of a line that is shown on either side of the start of a span, in bytes.
const MOST_CONTEXT: usize = 300;

/// Most lines of a span that are shown.
const MOST_LINES: usize = 8;

/// Renders findings about `text` without colours, one after the other.
///
/// ```
/// use foreshock::lang::{diagnostics::render, parse_app};
///
/// let text = "form S select a insert into Out;";
/// let shown = render(text, "app.siddhi", &parse_app(text).diagnostics);
/// assert!(shown.contains("--> app.siddhi:1:1"));
/// assert!(shown.contains("help: did you mean `from`?"));
/// ```
pub fn render(text: &str, file: &str, diagnostics: &[Diagnostic]) -> String {
    render_with(&Renderer::plain().decor_style(DecorStyle::Ascii), text, file, diagnostics)
}

/// [`render`] with ANSI colours, for a terminal.
pub fn render_coloured(text: &str, file: &str, diagnostics: &[Diagnostic]) -> String {
    render_with(&Renderer::styled().decor_style(DecorStyle::Ascii), text, file, diagnostics)
}

/// Line and column of a byte offset, both counted from one, the column in characters.
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let offset = floor(text, offset);
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

fn render_with(renderer: &Renderer, text: &str, file: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for d in diagnostics {
        out.push_str(&renderer.render(&[group(text, file, d)]));
        out.push_str("\n\n");
    }
    out
}

fn group<'a>(text: &'a str, file: &'a str, d: &'a Diagnostic) -> Group<'a> {
    let level = match d.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let span = shown_span(text, d.span);
    let (line, column) = line_column(text, span.start);
    let window = window(text, &span);
    let caret = span.start - window.start..span.end.min(window.end) - window.start;
    let annotation = AnnotationKind::Primary.span(caret);
    let annotation = match d.label.as_str() {
        "" => annotation,
        label => annotation.label(label),
    };
    let whole_line = column == 1 + text[window.start..span.start].chars().count();
    let source = Snippet::source(&text[window]).line_start(line).annotation(annotation);
    let title = level.primary_title(d.message.as_str()).id(d.code.to_string());
    let group = match whole_line {
        true => title.element(source.path(file)),
        // The snippet doesn't know how much of its line was cut off.
        false => title.element(Origin::path(file).line(line).char_column(column)).element(source),
    };
    match &d.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    }
}

/// The span inside the text, on character boundaries. The end of the text is shown right behind
/// its last character that isn't white space.
fn shown_span(text: &str, span: Span) -> Range<usize> {
    let start = floor(text, span.start as usize);
    let end = floor(text, span.end as usize).max(start);
    if start == text.len() {
        let last = text.trim_end().len();
        return last..last;
    }
    start..end
}

/// What is shown of the text: the lines of the span, cut where there is too much of them.
fn window(text: &str, span: &Range<usize>) -> Range<usize> {
    let line_start = text[..span.start].rfind('\n').map_or(0, |n| n + 1);
    let start = line_start.max(floor(text, span.start.saturating_sub(MOST_CONTEXT)));
    let limit = floor(text, span.start.saturating_add(MOST_CONTEXT));
    let mut lines = text[span.start..].match_indices('\n').map(|(n, _)| span.start + n);
    let mut end = text.len();
    for n in lines.by_ref().take(MOST_LINES) {
        end = n;
        if n >= span.end {
            break;
        }
    }
    start..end.min(limit.max(span.start))
}

/// The largest character boundary that is not behind `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
