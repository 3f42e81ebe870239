//! Text that grows line by line, and the comments that wait for their place in it.
//!
//! Line ends are lazy: a wanted one is written only when text follows, so that a comment can still
//! join the line before it. Comments wait in the order of the source; [`Writer::at`] lets out those
//! that stood before the given place. Where they go depends only on their layout in the source and
//! on what is printed around them, both of which printing reproduces: hence idempotence.

use super::WIDTH;
use crate::error::Span;
use crate::lang::ast::Comment;

/// How much deeper a line broken by a comment goes on.
const CONTINUATION: usize = 4;

pub(super) struct Writer<'a> {
    out: String,
    /// Columns of the current line.
    column: usize,
    /// Indentation of the current statement.
    base: usize,
    wanted: Option<LineEnd>,
    /// A `--` comment ends the current line.
    closed: bool,
    /// A `/* */` comment is the last thing written: a space must follow.
    gap: bool,
    comments: &'a [Comment],
    /// Lines may be of any length.
    unbounded: bool,
}

#[derive(Clone, Copy)]
struct LineEnd {
    indent: usize,
    blank: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(comments: &'a [Comment]) -> Self {
        let (out, wanted) = (String::new(), None);
        let (column, base, closed, gap, unbounded) = (0, 0, false, false, false);
        Writer { out, column, base, wanted, closed, gap, comments, unbounded }
    }

    /// A writer that puts everything on one line, to see how long it gets.
    pub(super) fn one_line() -> Self {
        Writer { unbounded: true, ..Writer::new(&[]) }
    }

    /// Writes text without line ends of its own (but for those inside strings).
    pub(super) fn text(&mut self, text: &str) {
        self.end_line();
        if self.gap && !text.starts_with(' ') {
            self.raw(" ");
        }
        self.gap = false;
        self.raw(text);
    }

    /// Wants a line end, and on the next line `extra` columns more than the statement has.
    pub(super) fn newline(&mut self, extra: usize) {
        let blank = self.wanted.is_some_and(|w| w.blank);
        self.wanted = Some(LineEnd { indent: self.base + extra, blank });
    }

    /// Wants a blank line, if anything stands before it.
    pub(super) fn blank_line(&mut self) {
        self.wanted = Some(LineEnd { indent: self.base, blank: true });
    }

    /// Runs `print` with statements indented by `extra` more.
    pub(super) fn indented(&mut self, extra: usize, print: impl FnOnce(&mut Self)) {
        self.base += extra;
        print(self);
        self.base -= extra;
    }

    /// The column the next text starts at.
    pub(super) fn column(&self) -> usize {
        self.wanted.map_or(self.column, |w| w.indent)
    }

    /// Whether `width` more columns fit on the line.
    pub(super) fn fits(&self, width: usize) -> bool {
        self.unbounded || self.column() + width <= WIDTH
    }

    /// Whether a comment waits that stood between the two places.
    pub(super) fn comment_between(&self, from: Span, to: Span) -> bool {
        let first = self.comments.partition_point(|c| c.span.0.start < from.start);
        self.comments.get(first).is_some_and(|c| c.span.0.start < to.start)
    }

    /// Lets out the comments that stood before `place`.
    pub(super) fn at(&mut self, place: Span) {
        self.comments_before(place.start, false);
    }

    /// [`Self::at`] at the start of a statement, where blank lines around comments are kept.
    pub(super) fn statement(&mut self, place: Span) {
        self.comments_before(place.start, true);
    }

    /// The text, with all comments and one line end behind.
    pub(super) fn finish(mut self) -> String {
        self.comments_before(u32::MAX, true);
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }

    fn comments_before(&mut self, place: u32, keep_blank: bool) {
        while let Some((first, rest)) = self.comments.split_first()
            && first.span.0.start < place
        {
            self.comments = rest;
            self.comment(first, keep_blank);
        }
    }

    fn comment(&mut self, c: &Comment, keep_blank: bool) {
        let deeper = if self.out.is_empty() { 0 } else { CONTINUATION };
        let continued = LineEnd { indent: self.base + deeper, blank: false };
        let to_line_end = c.text.starts_with("--");
        if c.layout.own_line || self.closed || self.out.is_empty() {
            let mut before = self.wanted.unwrap_or(continued);
            before.blank |= keep_blank && c.layout.blank_before;
            self.wanted = Some(before);
            self.end_line();
            self.raw(&c.text);
            let blank = keep_blank && c.layout.blank_after;
            self.wanted = Some(LineEnd { indent: before.indent, blank });
        } else {
            if !self.out.ends_with(' ') {
                self.raw(" ");
            }
            self.raw(&c.text);
            self.gap = !to_line_end;
            match &mut self.wanted {
                Some(wanted) => wanted.blank |= keep_blank && c.layout.blank_after,
                None if to_line_end => self.wanted = Some(continued),
                None => {}
            }
        }
        self.closed = to_line_end;
    }

    /// Writes the wanted line end.
    fn end_line(&mut self) {
        let Some(LineEnd { indent, blank }) = self.wanted.take() else { return };
        if !self.out.is_empty() {
            self.out.truncate(self.out.trim_end_matches(' ').len());
            self.out.push_str(if blank { "\n\n" } else { "\n" });
        }
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
        self.closed = false;
        self.gap = false;
    }

    fn raw(&mut self, text: &str) {
        self.out.push_str(text);
        match text.rfind('\n') {
            Some(n) => self.column = text[n + 1..].chars().count(),
            None => self.column += text.chars().count(),
        }
    }
}
