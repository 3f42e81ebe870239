//! The syntax tree: what the text says, before any name is looked up.
//!
//! Every node carries the byte range it came from. Nothing here depends on Arrow, so the language
//! front end compiles and fuzzes fast. Equality of trees ignores spans (see [`Node`]): that is what
//! `parse(print(tree)) == tree` means.

mod app;
mod expr;
mod pattern;
mod query;

pub use app::*;
pub use expr::*;
pub use pattern::*;
pub use query::*;

use crate::error::Span;

/// A span that never takes part in equality.
#[derive(Debug, Clone, Copy, Default)]
pub struct Node(pub Span);

impl PartialEq for Node {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Node {}

impl From<Span> for Node {
    fn from(s: Span) -> Self {
        Node(s)
    }
}

/// A name as written (without back-ticks).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub span: Node,
}

impl Ident {
    /// Its place in the text.
    pub fn at(&self) -> Span {
        self.span.0
    }
}

/// An attribute type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttrType {
    /// UTF-8 text.
    String,
    /// 32-bit signed integer.
    Int,
    /// 64-bit signed integer.
    Long,
    /// 32-bit floating point.
    Float,
    /// 64-bit floating point.
    Double,
    /// true or false.
    Bool,
    /// Any host value (sets, lists).
    Object,
}

impl std::fmt::Display for AttrType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AttrType::String => "string",
            AttrType::Int => "int",
            AttrType::Long => "long",
            AttrType::Float => "float",
            AttrType::Double => "double",
            AttrType::Bool => "bool",
            AttrType::Object => "object",
        })
    }
}

/// `#` (inner), `!` (fault) or `!!` (late) before a stream name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StreamMark {
    /// None.
    #[default]
    Plain,
    /// `#S`.
    Inner,
    /// `!S`.
    Fault,
    /// `!!S`.
    Late,
}

impl StreamMark {
    /// What stands before the name.
    pub fn text(self) -> &'static str {
        match self {
            StreamMark::Plain => "",
            StreamMark::Inner => "#",
            StreamMark::Fault => "!",
            StreamMark::Late => "!!",
        }
    }
}

/// A stream (or table, window, …) named in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `#`, `!` or `!!`.
    pub mark: StreamMark,
    /// Name.
    pub name: Ident,
}
