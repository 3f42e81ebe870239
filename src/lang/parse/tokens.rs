//! The parser's input: a slice of tokens for nom, with a notebook on the side.
//!
//! nom's errors stay tiny. What a useful message needs, the farthest token that fitted nowhere and
//! everything that was wanted there, is noted in [`Notes`] by the primitives of this file as they
//! fail; a failure that has its own text leaves it there, too, and then stops all alternatives.
//!
//! Invariant: the slice always ends with the end token, which no parser consumes.

use std::cell::{Cell, RefCell};

use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Input, Needed, Parser};

use crate::error::{Code, Diagnostic, Span};
use crate::lang::ast::{Ident, Node};
use crate::lang::lexer::{Keyword, Kind, Sym, Token};

/// How much may be open at once, in units of [`Nests`].
const MAX_NESTING: u32 = 200;

/// What nests, with its share of [`MAX_NESTING`]: about the stack the parser needs for one level, so
/// that half of 2 MiB is enough without any optimisation (6 to 7 KiB a unit).
#[derive(Debug, Clone, Copy)]
pub(super) enum Nests {
    /// Parentheses, groups and annotations: 100 levels.
    Brackets = 2,
    /// Calls: 66 levels.
    Call = 3,
    /// Inner queries: 25 levels.
    Query = 8,
}

/// The rest of the tokens.
#[derive(Clone, Copy)]
pub(super) struct Tokens<'a> {
    rest: &'a [Token],
    notes: &'a Notes<'a>,
}

/// What nom carries; the story is in [`Notes`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fail;

impl<'a> ParseError<Tokens<'a>> for Fail {
    fn from_error_kind(_: Tokens<'a>, _: ErrorKind) -> Self {
        Fail
    }

    fn append(_: Tokens<'a>, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// Result of a parser over tokens.
pub(super) type P<'a, T> = IResult<Tokens<'a>, T, Fail>;

/// Something that would have fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Keyword(Keyword),
    Sym(Sym),
    /// A construct, with its article: "a name".
    What(&'static str),
}

/// What is noted while a statement is parsed.
pub(super) struct Notes<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
    /// Index of the farthest token at which something failed.
    pub(super) furthest: Cell<usize>,
    /// What was wanted there, in order.
    pub(super) expected: RefCell<Vec<Expected>>,
    /// A failure with its own text.
    pub(super) fatal: RefCell<Option<Diagnostic>>,
    pub(super) warnings: RefCell<Vec<Diagnostic>>,
    depth: Cell<u32>,
}

impl<'a> Notes<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Notes {
            text,
            tokens,
            furthest: Cell::new(0),
            expected: RefCell::default(),
            fatal: RefCell::default(),
            warnings: RefCell::default(),
            depth: Cell::new(0),
        }
    }

    /// The tokens from `index` on, with a fresh page.
    pub(super) fn from(&'a self, index: usize) -> Tokens<'a> {
        self.furthest.set(index);
        self.expected.borrow_mut().clear();
        self.fatal.borrow_mut().take();
        self.warnings.borrow_mut().clear();
        self.depth.set(0);
        Tokens { rest: &self.tokens[index.min(self.tokens.len() - 1)..], notes: self }
    }
}

impl<'a> Tokens<'a> {
    pub(super) fn notes(&self) -> &'a Notes<'a> {
        self.notes
    }

    /// Index of the next token.
    pub(super) fn index(&self) -> usize {
        self.notes.tokens.len() - self.rest.len()
    }

    /// The token `n` behind the next one (the end token if there are not so many).
    pub(super) fn peek(&self, n: usize) -> Token {
        *self.rest.get(n).unwrap_or(&self.rest[self.rest.len() - 1])
    }

    pub(super) fn kind(&self) -> Kind {
        self.peek(0).kind
    }

    pub(super) fn at_sym(&self, n: usize, sym: Sym) -> bool {
        self.peek(n).kind == Kind::Sym(sym)
    }

    pub(super) fn at_keyword(&self, n: usize, keyword: Keyword) -> bool {
        self.peek(n).kind == Kind::Keyword(keyword)
    }

    /// Whether the token `n` behind the next one may be a name.
    pub(super) fn at_name(&self, n: usize) -> bool {
        matches!(self.peek(n).kind, Kind::Word | Kind::Keyword(_) | Kind::Quoted)
    }

    pub(super) fn text_of(&self, token: Token) -> &'a str {
        &self.notes.text[token.span.range()]
    }

    /// The next token and what follows it. The end is never passed.
    pub(super) fn advance(self) -> (Tokens<'a>, Token) {
        let token = self.peek(0);
        let rest = if self.rest.len() > 1 { &self.rest[1..] } else { self.rest };
        (Tokens { rest, notes: self.notes }, token)
    }

    /// First byte of the next token.
    pub(super) fn start(&self) -> usize {
        self.peek(0).span.start as usize
    }

    /// From the start of this input's first token to the end of the last one before `after`.
    pub(super) fn span_to(&self, after: Tokens<'a>) -> Node {
        let start = self.start();
        let end = match after.index() {
            n if n > self.index() => self.notes.tokens[n - 1].span.end as usize,
            _ => start,
        };
        Node(Span::new(start, end))
    }

    /// Notes that `what` would have fitted here.
    pub(super) fn want(&self, what: Expected) {
        let at = self.index();
        let furthest = self.notes.furthest.get();
        if at < furthest {
            return;
        }
        let mut expected = self.notes.expected.borrow_mut();
        if at > furthest {
            self.notes.furthest.set(at);
            expected.clear();
        }
        if !expected.contains(&what) {
            expected.push(what);
        }
    }

    /// Fails: `what` was wanted here.
    pub(super) fn fail<T>(self, what: Expected) -> P<'a, T> {
        self.want(what);
        Err(nom::Err::Error(Fail))
    }

    /// Fails for good: `what` was wanted here.
    pub(super) fn stop<T>(self, what: Expected) -> P<'a, T> {
        self.want(what);
        Err(nom::Err::Failure(Fail))
    }

    /// [`Self::stop`], and nothing else that would fit is worth telling.
    pub(super) fn stop_only<T>(self, what: Expected) -> P<'a, T> {
        self.want(what);
        if self.notes.furthest.get() == self.index() {
            self.notes.expected.replace(vec![what]);
        }
        Err(nom::Err::Failure(Fail))
    }

    /// Fails for good, with a report of its own.
    pub(super) fn fatal<T>(self, diagnostic: Diagnostic) -> P<'a, T> {
        self.notes.fatal.borrow_mut().get_or_insert(diagnostic);
        Err(nom::Err::Failure(Fail))
    }

    /// Fails for good at the next token.
    pub(super) fn fatal_here<T>(self, message: impl Into<String>, help: &str) -> P<'a, T> {
        let d = Diagnostic::error(Code::Syntax, self.peek(0).span, message).with_help(help);
        self.fatal(d)
    }

    /// [`Self::fatal`] where nothing is parsed.
    pub(super) fn refuse(self, diagnostic: Diagnostic) -> Result<(), nom::Err<Fail>> {
        self.fatal::<()>(diagnostic).map(|_| ())
    }

    /// [`Self::fatal_here`] where nothing is parsed.
    pub(super) fn refuse_here(self, message: &str, help: &str) -> Result<(), nom::Err<Fail>> {
        self.fatal_here::<()>(message, help).map(|_| ())
    }

    pub(super) fn warn(&self, diagnostic: Diagnostic) {
        let mut warnings = self.notes.warnings.borrow_mut();
        if !warnings.iter().any(|w| w.span == diagnostic.span) {
            warnings.push(diagnostic);
        }
    }

    /// Runs a parser one level deeper.
    pub(super) fn nested<T>(
        self,
        what: Nests,
        parser: impl FnOnce(Tokens<'a>) -> P<'a, T>,
    ) -> P<'a, T> {
        let outer = self.notes.depth.get();
        let depth = outer + what as u32;
        if depth > MAX_NESTING {
            return self.fatal_here("nested too deeply", "split it into several queries");
        }
        self.notes.depth.set(depth);
        let result = parser(self);
        self.notes.depth.set(outer);
        result
    }
}

/// A keyword.
pub(super) fn kw<'a>(keyword: Keyword) -> impl Parser<Tokens<'a>, Output = Token, Error = Fail> {
    move |i: Tokens<'a>| match i.at_keyword(0, keyword) {
        true => Ok(i.advance()),
        false => i.fail(Expected::Keyword(keyword)),
    }
}

/// Punctuation.
pub(super) fn sym<'a>(sym: Sym) -> impl Parser<Tokens<'a>, Output = Token, Error = Fail> {
    move |i: Tokens<'a>| match i.at_sym(0, sym) {
        true => Ok(i.advance()),
        false => i.fail(Expected::Sym(sym)),
    }
}

/// From here on there is one way only: the failure of `parser` ends all alternatives.
pub(super) fn commit<'a, T>(
    parser: impl Parser<Tokens<'a>, Output = T, Error = Fail>,
) -> impl Parser<Tokens<'a>, Output = T, Error = Fail> {
    nom::combinator::cut(parser)
}

/// A keyword and what must follow it.
pub(super) fn clause<'a, T>(
    keyword: Keyword,
    parser: impl Parser<Tokens<'a>, Output = T, Error = Fail>,
) -> impl Parser<Tokens<'a>, Output = T, Error = Fail> {
    nom::sequence::preceded(kw(keyword), commit(parser))
}

/// One or more, separated by commas.
pub(super) fn commas<'a, T>(
    parser: impl Parser<Tokens<'a>, Output = T, Error = Fail>,
) -> impl Parser<Tokens<'a>, Output = Vec<T>, Error = Fail> {
    nom::multi::separated_list1(sym(Sym::Comma), parser)
}

/// `what` in parentheses, with no way back behind the first one.
pub(super) fn parens<'a, T>(
    parser: impl Parser<Tokens<'a>, Output = T, Error = Fail>,
) -> impl Parser<Tokens<'a>, Output = T, Error = Fail> {
    nom::sequence::delimited(sym(Sym::LParen), commit(parser), commit(sym(Sym::RParen)))
}

/// A name: a word, a keyword or anything in back-ticks.
pub(super) fn name(i: Tokens<'_>) -> P<'_, Ident> {
    name_as(i, "a name")
}

/// A name; `what` says of what, should it be missing.
pub(super) fn name_as<'a>(i: Tokens<'a>, what: &'static str) -> P<'a, Ident> {
    if !i.at_name(0) || starts_clause(i) {
        return i.fail(Expected::What(what));
    }
    let (rest, token) = i.advance();
    Ok((rest, ident(i, token)))
}

/// A name that may not be a keyword (scripts, triggers, aggregations).
pub(super) fn strict_name<'a>(i: Tokens<'a>, what: &'static str) -> P<'a, Ident> {
    if let Kind::Keyword(k) = i.kind() {
        let message = format!("expected {what}, but `{}` is a keyword", k.text());
        return i.fatal_here(message, "put it in back-ticks");
    }
    name_as(i, what)
}

/// Two keywords that always open a clause: where a name is wanted, it was forgotten.
fn starts_clause(i: Tokens<'_>) -> bool {
    use Keyword::{By, Group, Insert, Into, Order, Partition, With};
    let Kind::Keyword(first) = i.kind() else { return false };
    let Kind::Keyword(second) = i.peek(1).kind else { return false };
    matches!((first, second), (Insert, Into) | (Group | Order, By) | (Partition, With))
}

/// The name a token stands for.
pub(super) fn ident(i: Tokens<'_>, token: Token) -> Ident {
    let text = i.text_of(token);
    let name = match token.kind {
        Kind::Quoted => &text[1..text.len() - 1],
        _ => text,
    };
    Ident { name: name.to_string(), span: Node(token.span) }
}

/// A string of any form, without its quotes.
pub(super) fn string(i: Tokens<'_>) -> P<'_, String> {
    let (rest, token) = i.advance();
    let text = i.text_of(token);
    let quotes = match token.kind {
        Kind::Str => 1,
        Kind::LongStr => 3,
        _ => return i.fail(Expected::What("a string")),
    };
    Ok((rest, text[quotes..text.len() - quotes].to_string()))
}

impl<'a> Input for Tokens<'a> {
    type Item = Token;
    type Iter = std::iter::Copied<std::slice::Iter<'a, Token>>;
    type IterIndices = std::iter::Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        self.rest.len()
    }

    fn take(&self, index: usize) -> Self {
        Tokens { rest: &self.rest[..index], notes: self.notes }
    }

    fn take_from(&self, index: usize) -> Self {
        Tokens { rest: &self.rest[index..], notes: self.notes }
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<F: Fn(Token) -> bool>(&self, predicate: F) -> Option<usize> {
        self.rest.iter().position(|t| predicate(*t))
    }

    fn iter_elements(&self) -> Self::Iter {
        self.rest.iter().copied()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.iter_elements().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        match self.rest.len() {
            n if n >= count => Ok(count),
            n => Err(Needed::new(count - n)),
        }
    }
}
