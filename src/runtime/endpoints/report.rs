//! What a run has read and written.

use std::time::Duration;

use crate::io::{Progress, RejectedRow};

/// Bad rows of a source that a report keeps.
pub const REJECTED_KEPT: usize = 10;

/// What became of one source.
#[derive(Debug, Clone, Default)]
pub struct SourceReport {
    /// The stream it feeds.
    pub stream: String,
    /// What was read: a path, or what else it is called.
    pub name: String,
    /// Rows that became events.
    pub rows: u64,
    /// Rows that could not be read.
    pub rejected: u64,
    /// The first [`REJECTED_KEPT`] of those.
    pub first_rejected: Vec<RejectedRow>,
    /// In event time: rows that came when the clock was past their time. They were processed at the
    /// clock's time, as in Siddhi.
    pub out_of_order: u64,
    /// By how many ms the clock was past their time, at most.
    pub furthest_behind: i64,
    /// How far it was read.
    pub progress: Progress,
}

/// What became of one sink.
#[derive(Debug, Clone)]
pub struct SinkReport {
    /// The stream whose events it gets.
    pub stream: String,
    /// Its type.
    pub kind: String,
    /// Events written.
    pub rows: u64,
}

/// What a run has read and written.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    /// Sources in the order in which ties between their rows are broken.
    pub sources: Vec<SourceReport>,
    /// Sinks in the order they were connected.
    pub sinks: Vec<SinkReport>,
    /// Whether event time moved the clock (else it was the wall's).
    pub event_time: bool,
    /// The clock at the end, ms since the epoch.
    pub clock: i64,
    /// The first timer that was still to fire, ms since the epoch.
    pub next_timer: Option<i64>,
    /// Whether it was stopped before its sources had ended.
    pub stopped: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl RunReport {
    /// Rows that became events.
    pub fn rows(&self) -> u64 {
        self.sources.iter().map(|s| s.rows).sum()
    }

    /// Rows that could not be read.
    pub fn rejected(&self) -> u64 {
        self.sources.iter().map(|s| s.rejected).sum()
    }

    /// How far all sources were read; the total is known if it is of each.
    pub fn progress(&self) -> Progress {
        let each = || self.sources.iter().map(|s| s.progress);
        Progress {
            bytes_read: each().map(|p| p.bytes_read).sum(),
            total: each().map(|p| p.total).sum(),
        }
    }
}
