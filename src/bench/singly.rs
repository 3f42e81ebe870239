//! Rows as values, one send each: how sources that decode events one by one feed an application.
//!
//! The application runs a step when so many rows wait as the other mode sends together, and when all
//! have been sent: with one row that is a step per event, with thousands what happens under load.

use super::query::Query;
use super::subject::Running;
use super::workload::{Symbols, Workload};
use crate::error::{Error, Result};

/// A workload to be sent row by row.
#[derive(Debug)]
pub(super) struct Singly {
    rows: Workload,
    names: Vec<String>,
    streams: usize,
}

impl Singly {
    pub(super) fn new(rows: Workload, symbols: Symbols, query: Query) -> Self {
        let names = (0..rows.keys).map(|c| symbols.name(c)).collect();
        Self { rows, names, streams: query.streams().len() }
    }

    /// Sends all rows, event `i` to stream `i % streams`.
    pub(super) fn send(&self, to: &Running<'_>) -> Result<()> {
        let Workload { ts, code, price, volume, .. } = &self.rows;
        for i in 0..self.rows.len() {
            let name = self.names[code[i] as usize].as_str();
            let input = to.inputs.get(i % self.streams);
            let input = input.ok_or_else(|| Error::Data("the query has no such stream".into()))?;
            input.send_at(ts[i], (ts[i], name, price[i], volume[i]))?;
        }
        to.app.flush()
    }
}
