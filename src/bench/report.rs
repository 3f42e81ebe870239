//! Results as a table for people and as JSON for programs.

use std::fmt::Write;

use super::closed::{Outcome, Spread};
use super::machine::Machine;
use super::open::OpenOutcome;

/// Everything one invocation measured.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// What.
    pub results: Vec<Measured>,
}

/// One line of a report.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(untagged)]
pub enum Measured {
    /// A closed loop.
    Closed(Outcome),
    /// An open loop.
    Open(OpenOutcome),
}

impl Report {
    /// As JSON.
    ///
    /// # Errors
    /// None that can happen: all of it is plain numbers and text.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// As a table.
    pub fn table(&self) -> String {
        let mut out = header(&self.machine);
        let mut heads = (false, false);
        for result in &self.results {
            // Writing to a string can't fail.
            let _ = match result {
                Measured::Closed(o) => {
                    if !std::mem::replace(&mut heads.0, true) {
                        out.push_str(CLOSED);
                    }
                    writeln!(out, "{}", closed_line(o))
                }
                Measured::Open(o) => {
                    if !std::mem::replace(&mut heads.1, true) {
                        out.push_str(OPEN);
                    }
                    writeln!(out, "{}", open_line(o))
                }
            };
        }
        out
    }
}

/// The lines above a table.
pub fn header(machine: &Machine) -> String {
    let mut out = format!(
        "{} x {} ({}), load {:.1}, foreshock {}\n",
        machine.cores,
        machine.cpu.as_deref().unwrap_or("unknown processor"),
        machine.system,
        machine.load.unwrap_or(f64::NAN),
        machine.version
    );
    if !machine.optimised {
        out.push_str("NOT OPTIMISED: build with --release before believing any of this\n");
    }
    out
}

/// The heading of closed loops.
pub const CLOSED: &str = "query  batch symbols     events     out rows   M events/s cpu (wall)   \
ns/event (range)         limit ns  ratio (range)        state KiB  peak KiB\n";

/// The heading of open loops.
pub const OPEN: &str = "query  batch     rate/s  went through/s     sends   \
p50 us    p90 us    p99 us  p99.9 us    max us\n";

/// A line under [`CLOSED`].
pub fn closed_line(o: &Outcome) -> String {
    let range = |s: &Spread, digits: usize| {
        format!("{:.digits$} ({:.digits$}-{:.digits$})", s.median, s.min, s.max)
    };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    format!(
        "{:<5} {:>6} {:<10} {:>8} {:>12}   {:>9.3} ({:>9.3})   {:<24} {:>8}  {:<20} {:>9} {:>9}",
        o.query,
        o.batch_rows,
        o.symbols,
        o.events,
        o.rows_out,
        o.events_per_s_cpu / 1e6,
        o.events_per_s_wall / 1e6,
        range(&o.cpu_ns_per_event, 1),
        or_dash(o.limit_ns_per_event.map(|s| format!("{:.2}", s.median))),
        or_dash(o.ratio_spread.as_ref().map(|s| range(s, 3))),
        o.state_bytes / 1024,
        or_dash(o.peak_bytes.map(|b| (b / 1024).to_string())),
    )
}

/// A line under [`OPEN`].
pub fn open_line(o: &OpenOutcome) -> String {
    let l = &o.latency_us;
    format!(
        "{:<5} {:>6} {:>10.0} {:>15.0} {:>9} {:>8.1}  {:>8.1}  {:>8.1}  {:>8.1}  {:>8.1}",
        o.query,
        o.batch_rows,
        o.rate,
        o.events_per_s_wall,
        o.sends,
        l.p50,
        l.p90,
        l.p99,
        l.p999,
        l.max
    )
}
