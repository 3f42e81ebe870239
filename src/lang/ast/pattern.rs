//! Patterns and sequences.

use super::*;

/// A pattern or sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternInput {
    /// `->` or `,`.
    pub kind: PatternKind,
    /// The elements.
    pub element: PatternElement,
    /// `within`.
    pub within: Option<TimeLiteral>,
}

/// Happened-before with or without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternKind {
    /// `->`: other events may lie between.
    Pattern,
    /// `,`: nothing of the query's own streams may lie between.
    Sequence,
}

/// An element of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternElement {
    /// One event.
    Stream(PatternStream),
    /// Several events of one stream.
    Count {
        /// The stream.
        stream: PatternStream,
        /// Minimum, inclusive.
        min: u32,
        /// Maximum, inclusive; absent = unbounded.
        max: Option<u32>,
        /// Where the quantifier stands.
        span: Node,
    },
    /// `a and b`, `a or b`; each side is `Stream` or `Absent`.
    Logical {
        /// Left.
        left: Box<PatternElement>,
        /// and / or.
        op: LogicalOp,
        /// Right.
        right: Box<PatternElement>,
        /// All of it.
        span: Node,
    },
    /// `not X` with or without `for t`.
    Absent {
        /// The stream that must stay quiet.
        stream: PatternStream,
        /// For how long.
        waiting: Option<TimeLiteral>,
        /// All of it.
        span: Node,
    },
    /// `a -> b -> c` (or `a, b, c`), flat, in order, at least two.
    Chain(Vec<PatternElement>),
    /// `every x`, `every (…)`.
    Every {
        /// The repeated part.
        inner: Box<PatternElement>,
        /// All of it.
        span: Node,
    },
}

/// A stream in a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternStream {
    /// `e1=`.
    pub reference: Option<Ident>,
    /// The stream with filters and functions.
    pub input: StreamInput,
}

/// `and` / `or`, between events and between conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogicalOp {
    /// and
    And,
    /// or
    Or,
}

impl std::fmt::Display for LogicalOp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        BinaryOp::from(*self).fmt(f)
    }
}

impl From<LogicalOp> for BinaryOp {
    fn from(op: LogicalOp) -> Self {
        match op {
            LogicalOp::And => BinaryOp::And,
            LogicalOp::Or => BinaryOp::Or,
        }
    }
}
