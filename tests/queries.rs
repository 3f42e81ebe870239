//! The applications of `queries/` against what their oracles expect, at all batch sizes, cut at
//! random, row by row, and restored on the way.

mod support;

use support::apps::{AppCase, Manner, any_difference, difference, run};

/// Batch sizes at which the output must be the same.
const SIZES: [usize; 5] = [1, 2, 7, 64, 8192];

/// Runs an application in all manners and compares with what is expected.
fn hold(case: &AppCase) {
    let (text, feed, expected) = (case.text(), case.feed(), case.expected());
    let streams: Vec<&str> = expected.keys().map(String::as_str).collect();
    for (stream, rows) in &expected {
        assert!(!rows.is_empty(), "{}: no alert of `{stream}` is expected", case.name);
    }
    let plain = run(&text, &feed, &streams, Manner::rows(1));
    if let Some(difference) = difference(&expected, &plain) {
        panic!("{}: {difference}", case.name);
    }
    let sizes = SIZES[1..].iter().map(|n| Manner::rows(*n));
    let cuts = (1..=3).map(|seed| Manner { cuts: Some(seed * 7919), ..Manner::rows(8192) });
    let restored = [(1, 9), (64, 5)].map(|(n, restarts)| Manner { restarts, ..Manner::rows(n) });
    let both = Manner { cuts: Some(42), restarts: 7, ..Manner::rows(8192) };
    let slow = Manner { row_by_row: true, ..Manner::rows(64) };
    for manner in sizes.chain(cuts).chain(restored).chain([both, slow]) {
        let got = run(&text, &feed, &streams, manner);
        if let Some(difference) = any_difference(&plain, &got) {
            panic!("{}, {manner:?}: {difference}", case.name);
        }
    }
}

#[test]
fn earthquakes() {
    hold(&AppCase { name: "earthquakes", inputs: &[("Catalogue", "quakes.csv", "time")] });
}

#[test]
fn flights() {
    hold(&AppCase { name: "flights", inputs: &[("Flights", "sample.csv", "date")] });
}

#[test]
fn card_fraud() {
    hold(&AppCase { name: "card_fraud", inputs: &[("Payments", "payments.csv", "time")] });
}

#[test]
fn login_bruteforce() {
    let inputs = &[("Logins", "logins.csv", "time"), ("Changes", "changes.csv", "time")];
    hold(&AppCase { name: "login_bruteforce", inputs });
}

#[test]
fn sensor_anomaly() {
    hold(&AppCase { name: "sensor_anomaly", inputs: &[("Readings", "readings.csv", "time")] });
}
