//! [`PatternSpec`]: a planned pattern or sequence as plain data.
//!
//! Vocabulary. A *port* is a distinct source stream. A *state* is an element of the chain. A *side* is
//! a place for events: a stream or count state has one, `a and b` has two. A *partial* is a match in
//! the making; a side of it holds one event, or for a count state a list of events. The side of an
//! *absent* stream holds nothing: what matters is that no event came.
//!
//! Invariants:
//! * Sides stand in chain order, the left side of a logical state before its right one, and the side
//!   of state `i` comes before those of state `i + 1`.
//! * Expressions of a [`Predicate`] see the event under test as source 0, with the columns of the
//!   port's schema, and `sources[i]` as source `i + 1`, with the *kept* columns of that side's port.

use arrow::datatypes::SchemaRef;

use crate::expr::TypedExpr;
use crate::lang::ast::{LogicalOp, PatternKind};

/// A planned pattern or sequence.
#[derive(Debug, Clone)]
pub struct PatternSpec {
    /// Pattern (`->`) or sequence (`,`).
    pub kind: PatternKind,
    /// Distinct source streams, in order of first appearance.
    pub ports: Vec<PortSpec>,
    /// Places for events.
    pub sides: Vec<SideSpec>,
    /// The chain.
    pub states: Vec<StateSpec>,
    /// `every` (they don't nest).
    pub groups: Vec<EveryGroup>,
    /// `within`, ms.
    pub within: Option<i64>,
    /// Events of a match that output columns read.
    pub picks: Vec<EventRef>,
    /// What each output column holds.
    pub columns: Vec<OutputColumn>,
    /// The rows that leave: one per match.
    pub output: SchemaRef,
    /// Whether rows carry partition keys (only rows of one key match).
    pub keyed: bool,
    /// Largest number of open partials; more is an error. None = no limit. (Pairs of single events are
    /// counted at the end of a step, all else at each row.)
    pub max_partials: Option<usize>,
}

/// A source stream of a pattern.
#[derive(Debug, Clone)]
pub struct PortSpec {
    /// The stream, in the numbering of the plan.
    pub stream: usize,
    /// Its rows.
    pub schema: SchemaRef,
    /// Columns that are kept with captured events: those some predicate or output column reads later.
    pub kept: Vec<usize>,
}

/// A place for events.
#[derive(Debug, Clone)]
pub struct SideSpec {
    /// Which port feeds it.
    pub port: usize,
    /// The state it belongs to.
    pub state: usize,
    /// `e1` of `e1=S`, if written.
    pub reference: Option<String>,
    /// What an event must satisfy.
    pub predicate: Predicate,
    /// If no such event may come: for how long.
    pub absent: Option<Absence>,
}

/// For how long no event may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// `not X for t`: so many ms from when the state is reached.
    For(i64),
    /// `not X and Y`: until the event of the other side.
    Meanwhile,
}

/// What an event must satisfy to be taken. All parts must hold.
#[derive(Debug, Clone, Default)]
pub struct Predicate {
    /// Looks at the event alone; evaluated over whole batches.
    pub event: Option<TypedExpr>,
    /// Everything else, the equalities of `equal` included.
    pub across: Option<TypedExpr>,
    /// Equalities among the conjuncts of `across` by which partials are found through a hash.
    pub equal: Vec<EqualKey>,
    /// An inequality among the conjuncts of `across` that rules partials out at a glance.
    pub bound: Option<Bound>,
    /// Events of the partial that `across` reads.
    pub sources: Vec<EventRef>,
}

/// `event.column > partial.column` (or `>=`, `<`, `<=`) of numbers, where the partial's value can't
/// change any more once the partial waits for this side. Both as doubles: what an exact comparison
/// finds true is never outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Column of the event under test, in the port's schema.
    pub event: usize,
    /// Which event of the partial.
    pub partial: EventRef,
    /// Kept column of that event.
    pub column: usize,
    /// The event's value must not be below the partial's (else: not above).
    pub lower: bool,
}

/// `event.column == partial.column`, where the partial's value can't change any more once the partial
/// waits for this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EqualKey {
    /// Column of the event under test, in the port's schema.
    pub event: usize,
    /// Which event of the partial.
    pub partial: EventRef,
    /// Kept column of that event.
    pub column: usize,
    /// How both are compared.
    pub class: KeyClass,
}

/// How values of two columns are compared by `==`: the type both are brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyClass {
    /// int, long: as 64-bit integers.
    Integer,
    /// As 32-bit floats.
    Float,
    /// As doubles.
    Double,
    /// Booleans.
    Bool,
    /// Text.
    Text,
}

/// An event of a partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventRef {
    /// The side that holds it.
    pub side: usize,
    /// Which of its events.
    pub pick: Pick,
}

/// Which event of a side. Sides of single events are lists of at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pick {
    /// From the front, 0 = first. In the predicate of its own side, the event under test counts as
    /// the one behind those collected.
    First(u32),
    /// From the back, 0 = last. In the predicate of its own side, the event under test doesn't count.
    Last(u32),
}

/// An element of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateSpec {
    /// One event.
    Stream {
        /// Its place.
        side: usize,
    },
    /// Several events.
    Count {
        /// Their place.
        side: usize,
        /// Smallest number.
        min: u32,
        /// Largest number; none = unbounded.
        max: Option<u32>,
    },
    /// Two events in any order, or one of two.
    Logical {
        /// `and` or `or`.
        op: LogicalOp,
        /// Left place.
        left: usize,
        /// Right place.
        right: usize,
    },
    /// No event for some time; in a logical state it is one of the sides that is absent.
    Absent {
        /// The side of the stream that must stay quiet.
        side: usize,
    },
}

impl StateSpec {
    /// Whether the state may stay empty.
    pub fn is_optional(&self) -> bool {
        matches!(self, StateSpec::Count { min: 0, .. })
    }

    /// Its sides: the first, and one past the last.
    pub fn sides(&self) -> (usize, usize) {
        match *self {
            StateSpec::Stream { side }
            | StateSpec::Count { side, .. }
            | StateSpec::Absent { side } => (side, side + 1),
            StateSpec::Logical { left, right, .. } => (left, right + 1),
        }
    }
}

/// The states one `every` repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EveryGroup {
    /// First state.
    pub first: usize,
    /// Last state.
    pub last: usize,
}

/// What an output column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputColumn {
    /// An attribute of an event; null if there is no such event.
    Attribute {
        /// Index into [`PatternSpec::picks`].
        pick: usize,
        /// Kept column.
        column: usize,
    },
    /// The time of an event (long, ms); null if there is no such event.
    Time {
        /// Index into [`PatternSpec::picks`].
        pick: usize,
    },
    /// The values of an attribute of all events of a count state (object).
    All {
        /// The side.
        side: usize,
        /// Kept column.
        column: usize,
    },
}
