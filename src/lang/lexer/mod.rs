//! Text to tokens.
//!
//! Invariants: the tokens lie in the text in order and don't overlap; the last one, and only the
//! last one, is [`Kind::End`]. Every byte belongs to a token, a comment or white space. What is no
//! token becomes a [`Kind::Bad`] one together with a diagnostic, so the parser needs no report of
//! its own there. Time and memory are linear in the text, whatever it holds.

mod keyword;
mod scan;

pub use keyword::Keyword;
pub use scan::lex;

use super::ast::Comment;
use crate::error::{Diagnostic, Span};

/// A token: what it is and where. Its text is looked up by the span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word that is no keyword.
    Word,
    /// A keyword, which may still stand for a name.
    Keyword(Keyword),
    /// A name in back-ticks.
    Quoted,
    /// `10`
    Int,
    /// `10L`
    Long,
    /// `1.5f`
    Float,
    /// `1.5`
    Double,
    /// A string in `'` or `"`.
    Str,
    /// A string in `"""`.
    LongStr,
    /// `{ … }`, the body of a script function.
    Script,
    /// Punctuation.
    Sym(Sym),
    /// No token; the lexer has reported it.
    Bad,
    /// The end of the text.
    End,
}

macro_rules! symbols {
    ($($name:ident $text:literal),* $(,)?) => {
        /// Punctuation and operators.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each variant is the sign it stands for")]
        pub enum Sym { $($name),* }

        impl Sym {
            /// All symbols; one that begins another comes after it.
            pub const ALL: &'static [Sym] = &[$(Sym::$name),*];

            /// The symbol as written.
            pub const fn text(self) -> &'static str {
                match self { $(Sym::$name => $text),* }
            }
        }
    };
}

symbols! {
    Ellipsis "...", Arrow "->", LtEq "<=", GtEq ">=", EqEq "==", NotEq "!=", Colon ":", Semi ";",
    Dot ".", LParen "(", RParen ")", LBracket "[", RBracket "]", Comma ",", Assign "=", Star "*",
    Plus "+", Question "?", Minus "-", Slash "/", Percent "%", Lt "<", Gt ">", At "@", Hash "#",
    Bang "!",
}

/// What the lexer makes of a text.
#[derive(Debug)]
pub struct Lexed {
    /// The tokens, the end included.
    pub tokens: Vec<Token>,
    /// The comments, in order.
    pub comments: Vec<Comment>,
    /// What is wrong with the text at this level.
    pub diagnostics: Vec<Diagnostic>,
}
