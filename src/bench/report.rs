//! Results as a table for people and as JSON for programs.
//!
//! Invariant: every object in the JSON has the same fields; what wasn't measured is null.

use serde_json::{Value as Json, json};

use super::closed::{Outcome, Spread};
use super::machine::Machine;
use super::open::OpenOutcome;

/// Everything one invocation measured.
#[derive(Debug, Clone)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// What.
    pub results: Vec<Measured>,
}

/// One line of a report.
#[derive(Debug, Clone)]
pub enum Measured {
    /// A closed loop.
    Closed(Outcome),
    /// An open loop.
    Open(OpenOutcome),
}

impl Report {
    /// As JSON.
    pub fn json(&self) -> String {
        let results: Vec<Json> = self.results.iter().map(Measured::json).collect();
        format!("{:#}\n", json!({ "machine": self.machine, "results": results }))
    }

    /// As a table.
    pub fn table(&self) -> String {
        let mut out = header(&self.machine);
        let mut heads = (false, false);
        for result in &self.results {
            let (seen, head) = match result {
                Measured::Closed(_) => (&mut heads.0, CLOSED),
                Measured::Open(_) => (&mut heads.1, OPEN),
            };
            if !std::mem::replace(seen, true) {
                out.push_str(head);
            }
            out.push_str(&result.line());
            out.push('\n');
        }
        out
    }
}

impl Measured {
    /// The line of the table.
    pub fn line(&self) -> String {
        match self {
            Measured::Closed(o) => closed_line(o),
            Measured::Open(o) => open_line(o),
        }
    }

    fn json(&self) -> Json {
        match self {
            Measured::Closed(o) => json!({
                "query": o.query,
                "mode": "closed",
                "batch_rows": o.batch_rows,
                "symbols": o.symbols.label(),
                "keys": o.keys,
                "events": o.events,
                "rows_out": o.rows_out,
                "checked": o.checked,
                "events_per_s_cpu": o.events_per_s_cpu(),
                "events_per_s_wall": o.events_per_s_wall(),
                "cpu_ns_per_event": o.cpu_ns_per_event,
                "wall_ns_per_event": o.wall_ns_per_event,
                "limit_ns_per_event": o.limit_ns_per_event,
                "ratio_to_limit": o.ratio_to_limit.map(|r| r.median),
                "ratio_spread": o.ratio_to_limit,
                "latency_us": null,
                "latency_curve_us": null,
                "rate": null,
                "sends": null,
                "state_bytes": o.state_bytes,
                "peak_bytes": o.peak_bytes,
            }),
            Measured::Open(o) => json!({
                "query": o.query,
                "mode": "open",
                "batch_rows": o.batch_rows,
                "symbols": o.symbols.label(),
                "keys": o.keys,
                "events": o.events,
                "rows_out": o.rows_out,
                "checked": null,
                "events_per_s_cpu": null,
                "events_per_s_wall": o.events_per_s_wall,
                "cpu_ns_per_event": null,
                "wall_ns_per_event": null,
                "limit_ns_per_event": null,
                "ratio_to_limit": null,
                "ratio_spread": null,
                "latency_us": o.latency_us,
                "latency_curve_us": o.curve,
                "rate": o.rate,
                "sends": o.sends,
                "state_bytes": o.state_bytes,
                "peak_bytes": o.peak_bytes,
            }),
        }
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
fn closed_line(o: &Outcome) -> String {
    let range = |s: &Spread, digits: usize| {
        format!("{:.digits$} ({:.digits$}-{:.digits$})", s.median, s.min, s.max)
    };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    format!(
        "{:<5} {:>6} {:<10} {:>8} {:>12}   {:>9.3} ({:>9.3})   {:<24} {:>8}  {:<20} {:>9} {:>9}",
        o.query,
        o.batch_rows,
        o.symbols.label(),
        o.events,
        o.rows_out,
        o.events_per_s_cpu() / 1e6,
        o.events_per_s_wall() / 1e6,
        range(&o.cpu_ns_per_event, 1),
        or_dash(o.limit_ns_per_event.map(|s| format!("{:.2}", s.median))),
        or_dash(o.ratio_to_limit.as_ref().map(|s| range(s, 3))),
        o.state_bytes / 1024,
        or_dash(o.peak_bytes.map(|b| (b / 1024).to_string())),
    )
}

/// A line under [`OPEN`].
fn open_line(o: &OpenOutcome) -> String {
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
