//! Patterns (`->`) and sequences (`,`): matches of events in order.
//!
//! [`Automaton`] takes the rows of a step, port by port and in order, and gives one row per match. It
//! follows the engine model of Siddhi, in which every state has partial matches that wait for it and
//! an event is offered to the states from the last to the first. [`flow`] runs patterns, [`sequence`]
//! runs sequences; both stand on [`core`]. That an event does *not* come is known when a timer fires:
//! a partial that waits for a stream to be quiet has one, which an event of that stream makes void.
//!
//! Invariants:
//! * The result depends on the order of rows only, never on how they were cut into batches.
//! * Matches leave in the order in which they were completed; those completed by one event in the
//!   order in which their partials began to wait.
//! * A row of a match has the time, clock and order of the event or timer that completed it. If several states
//!   read that event's stream, the matches it completes at one state form one chunk, else each match
//!   is a chunk (as Siddhi delivers them). In both cases each is selected by itself.

mod adjacent;
mod automaton;
mod bar;
mod core;
mod events;
mod expiry;
mod flow;
mod lists;
mod machine;
mod matches;
mod pairs;
mod partial;
mod predicate;
mod sequence;
pub mod spec;

pub use automaton::Automaton;
pub use spec::PatternSpec;

use arrow::buffer::BooleanBuffer;

use crate::event::{EventBatch, KeyId};

/// A row being offered.
#[derive(Debug, Clone, Copy)]
struct Row<'a> {
    port: usize,
    batch: &'a EventBatch,
    index: usize,
    key: KeyId,
    ts: i64,
    at: i64,
    order: u64,
}

/// What moves a partial on: a row, or a timer.
#[derive(Debug, Clone, Copy)]
struct Cause {
    ts: i64,
    at: i64,
    order: u64,
    /// The matches it completes at one side form one chunk.
    joined: bool,
    /// It is no row.
    timer: bool,
}

impl Cause {
    fn row(row: &Row<'_>, m: &machine::Machine) -> Self {
        Self { ts: row.ts, at: row.at, order: row.order, joined: m.joined[row.port], timer: false }
    }

    /// Something of no row, at a point in time.
    fn at(clock: i64, order: u64) -> Self {
        Self { ts: clock, at: clock, order, joined: false, timer: true }
    }
}

/// Which rows of a port's batch each side accepts, as far as the event alone tells.
#[derive(Debug)]
struct Masks {
    /// By side; none = all rows.
    bits: Vec<Option<BooleanBuffer>>,
}

impl Masks {
    #[inline]
    fn accepts(&self, side: usize, row: usize) -> bool {
        self.bits[side].as_ref().is_none_or(|b| b.value(row))
    }
}
