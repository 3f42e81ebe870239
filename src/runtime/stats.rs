//! Counters. They never take part in results.

/// Counters of one query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueryStats {
    /// Rows read, over all ports.
    pub rows_in: u64,
    /// Rows put out.
    pub rows_out: u64,
}

/// Counters of an application since it was created.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Rows taken in, over all streams.
    pub events: u64,
    /// Steps run.
    pub steps: u64,
    /// Per query, in definition order.
    pub queries: Vec<(String, QueryStats)>,
    /// Rows that could not be read, per stream (those that went to a fault stream included).
    pub rejected: Vec<(String, u64)>,
}
