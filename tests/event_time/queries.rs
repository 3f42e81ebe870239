//! The applications of `queries/`: their output in disorder is their output.

use std::collections::BTreeSet;

use super::annotate::with_watermark;
use super::arrivals::{disorder, moved};
use super::support::apps::{AppCase, Feed, Manner, any_difference, run};

const CASES: [AppCase; 5] = [
    AppCase { name: "earthquakes", inputs: &[("Catalogue", "quakes.csv", "time")] },
    AppCase { name: "flights", inputs: &[("Flights", "sample.csv", "date")] },
    AppCase { name: "card_fraud", inputs: &[("Payments", "payments.csv", "time")] },
    AppCase {
        name: "login_bruteforce",
        inputs: &[("Logins", "logins.csv", "time"), ("Changes", "changes.csv", "time")],
    },
    AppCase { name: "sensor_anomaly", inputs: &[("Readings", "readings.csv", "time")] },
];

/// The feed as it arrives.
fn disordered(feed: &Feed, delay: i64, seed: u64) -> Feed {
    let times = feed.times();
    let order = disorder(&times, delay, seed);
    assert!(moved(&order) > times.len() / 10, "there is disorder");
    feed.in_order(&order)
}

#[test]
fn applications_in_any_order_within_the_delay() {
    for case in CASES {
        let (text, feed, expected) = (case.text(), case.feed(), case.expected());
        let names: Vec<&str> = expected.keys().map(String::as_str).collect();
        let plain = run(&text, &feed, &names, Manner::rows(8192));
        let inputs: BTreeSet<String> = case.inputs.iter().map(|i| i.0.to_string()).collect();
        let minute = 60_000;
        for (seed, delay) in [(3, 10 * minute), (5, 24 * 60 * minute)] {
            let arguments = format!("delay='{delay} millisec', late='stream'");
            let text = with_watermark(&text, &inputs, &arguments).expect("all are defined");
            // What comes in order leaves in the parts in which the watermark cuts it.
            for manner in [Manner::rows(8192), Manner { restarts: 3, ..Manner::rows(2048) }] {
                let got = run(&text, &feed, &names, manner);
                if let Some(difference) = any_difference(&plain, &got) {
                    panic!("{}, sorted, {delay} ms, {manner:?}: {difference}", case.name);
                }
            }
            let arrived = disordered(&feed, delay, seed);
            let cuts = Manner { cuts: Some(seed), restarts: 5, ..Manner::rows(8192) };
            for manner in [Manner::rows(1), Manner::rows(8192), cuts] {
                let got = run(&text, &arrived, &names, manner);
                if let Some(difference) = any_difference(&plain, &got) {
                    panic!("{}, {delay} ms, {manner:?}: {difference}", case.name);
                }
            }
        }
    }
}
