//! What is said at the end of a run, on standard error.

use std::fmt::Write;
use std::time::Duration;

use foreshock::{App, EventTimeStats, RunReport, SourceReport, Stall};

/// Characters of a bad row's text that are shown.
const SHOWN: usize = 200;

/// Rows that could not be read, and rows out of order.
pub fn rejected(report: &RunReport) {
    let mut out = String::new();
    for source in &report.sources {
        rejected_of(source, &mut out);
        if source.out_of_order > 0 {
            // Writing to a string can't fail.
            let _ = writeln!(
                out,
                "{}: {} rows of `{}` came out of order, by up to {}; they were processed at the \
                 time of the latest row before them",
                source.name,
                number(source.out_of_order),
                source.stream,
                duration(Duration::from_millis(source.furthest_behind.unsigned_abs())),
            );
        }
    }
    eprint!("{out}");
}

fn rejected_of(source: &SourceReport, out: &mut String) {
    for row in &source.first_rejected {
        let mut text: String = row.text.chars().take(SHOWN).collect();
        if text.len() < row.text.len() {
            text.push_str(" …");
        }
        let _ = writeln!(out, "{}:{}: {}: {text}", source.name, row.line, row.reason);
    }
    let more = source.rejected - source.first_rejected.len() as u64;
    if more > 0 {
        let _ = writeln!(out, "{}: {} more rows could not be read", source.name, number(more));
    }
}

/// One line.
pub fn totals(app: &App, report: &RunReport) {
    let mut line = format!("{} rows in", number(report.rows()));
    let results: u64 = report.sinks.iter().map(|s| s.rows).sum();
    let _ = write!(line, ", {} events out", number(results));
    if report.rejected() > 0 {
        let _ = write!(line, ", {} rows could not be read", number(report.rejected()));
    }
    let _ = write!(line, ", {}", duration(report.elapsed));
    if report.stopped {
        line.push_str(", stopped before the end");
    }
    let name = app.plan().name.as_deref().unwrap_or("foreshock");
    eprintln!("{name}: {line}");
}

/// Counts of streams and queries, and times.
pub fn stats(app: &App, report: &RunReport) {
    let stats = app.stats();
    let mut out = String::new();
    for s in &report.sources {
        let _ = writeln!(
            out,
            "source  {:<24} {:>12} rows  {:>8} rejected  {:>8} out of order  {}",
            s.stream,
            number(s.rows),
            number(s.rejected),
            number(s.out_of_order),
            s.name
        );
    }
    for (name, rows) in &stats.streams {
        let _ = writeln!(out, "stream  {name:<24} {:>12} events", number(*rows));
    }
    for (name, q) in &stats.queries {
        let (rows_in, rows_out) = (number(q.rows_in), number(q.rows_out));
        let open = match q.open_partials {
            0 => String::new(),
            n => format!("  {} open matches", number(n)),
        };
        let _ = writeln!(out, "query   {name:<24} {rows_in:>12} in  {rows_out:>12} out{open}");
    }
    for s in &report.sinks {
        let _ = writeln!(out, "sink    {:<24} {:>12} events  {}", s.stream, number(s.rows), s.kind);
    }
    stats.event_time.iter().for_each(|t| event_time(t, &mut out));
    let l = stats.latency;
    let _ = writeln!(
        out,
        "steps   {} of {} rows on average: p50 {}, p99 {}, p99.9 {}, longest {}",
        number(stats.steps),
        number(stats.events.checked_div(stats.steps).unwrap_or(0)),
        duration(l.p50),
        duration(l.p99),
        duration(l.p999),
        duration(l.max)
    );
    let seconds = report.elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { report.rows() as f64 / seconds } else { 0.0 };
    let _ = writeln!(out, "total   {} in {}", per_second(rate), duration(report.elapsed));
    if let Some(due) = report.next_timer {
        let _ = writeln!(
            out,
            "timers  the next was due {} after the last event; it did not fire",
            duration(Duration::from_millis(due.saturating_sub(report.clock).max(0) as u64))
        );
    }
    eprint!("{out}");
}

/// How far event time is, who holds it back, what waits and what was late.
fn event_time(time: &EventTimeStats, out: &mut String) {
    let ms = |ms: u64| duration(Duration::from_millis(ms));
    for s in &time.streams {
        let held = time.held_by.as_ref() == Some(&s.stream);
        let active = s.inputs.iter().filter(|i| i.active).count();
        let _ = writeln!(
            out,
            "time    {:<24} {:>12} late  {:>12} ahead  {:>8} without time  {:>8} wait in {:.1} MB  \
             lag {}  {active} of {} inputs active{}",
            s.stream,
            number(s.late),
            number(s.ahead),
            number(s.untimed),
            number(s.waiting as u64),
            s.waiting_bytes as f64 / 1e6,
            s.lag.map_or("unknown".into(), |l| ms(l.max(0).unsigned_abs())),
            s.inputs.len(),
            if held { ", holds the watermark back" } else { "" }
        );
        if s.late > 0 {
            let l = s.lateness;
            let _ = writeln!(
                out,
                "late    {:<24} {:>12} by p50 {}, p99 {}, at most {}",
                s.stream,
                s.policy,
                ms(l.p50),
                ms(l.p99),
                ms(l.max)
            );
        }
    }
}

/// The watermark stands still while rows wait for it.
pub fn stalled(stall: &Stall) {
    let why = match &stall.held_by {
        Some(stream) => format!("it waits for `{stream}`"),
        None => "all inputs are idle".into(),
    };
    eprintln!(
        "foreshock: the watermark has not moved for {}: {why}; {} rows wait (`idle` limits that)",
        duration(stall.still_for),
        number(stall.waiting as u64),
    );
}

/// Rows that came too late: never silently.
pub fn late(app: &App) {
    let stats = app.stats();
    for s in stats.event_time.iter().flat_map(|t| &t.streams) {
        let all = s.late + s.ahead + s.untimed;
        if all > 0 {
            let what = match s.policy {
                "drop" => "were dropped",
                "adjust" => "took the time of the watermark",
                _ => "went to the late stream",
            };
            eprintln!(
                "{}: {} rows could not be put in order ({} late by up to {}, {} ahead of time, {} \
                 without a time); they {what}",
                s.stream,
                number(all),
                number(s.late),
                duration(Duration::from_millis(s.lateness.max)),
                number(s.ahead),
                number(s.untimed),
            );
        }
    }
}

fn per_second(rate: f64) -> String {
    format!("{} rows/s", number(rate as u64))
}

/// `1,234,567`.
fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A duration in the unit that fits.
fn duration(d: Duration) -> String {
    let s = d.as_secs_f64();
    match d.as_secs() {
        0 if d.as_millis() == 0 => format!("{:.1} µs", s * 1e6),
        0 => format!("{:.1} ms", s * 1e3),
        1..120 => format!("{s:.2} s"),
        120..7_200 => format!("{:.1} min", s / 60.0),
        7_200..172_800 => format!("{:.1} h", s / 3_600.0),
        _ => format!("{:.1} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_readable() {
        assert_eq!(
            [0, 12, 123, 1_234, 1_234_567].map(number),
            ["0", "12", "123", "1,234", "1,234,567"]
        );
        let shown = [1, 2_500, 1_500_000, 90_000_000, 600_000_000, 90_000_000_000, 900_000_000_000]
            .map(|us| duration(Duration::from_micros(us)));
        assert_eq!(
            shown,
            ["1.0 µs", "2.5 ms", "1.50 s", "90.00 s", "10.0 min", "25.0 h", "10.4 days"]
        );
    }
}
