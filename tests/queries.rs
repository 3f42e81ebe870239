//! The applications of `queries/` against what their oracles expect, at all batch sizes, cut at
//! random, row by row, and restored on the way.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use foreshock::io::format::{Format, Input, ReadOptions, open};
use foreshock::{App, AppOptions, Events, Times};
use support::apps::{AppCase, Manner, any_difference, difference, folder, run};
use support::say;

/// Batch sizes at which the output must be the same.
const SIZES: [usize; 5] = [1, 2, 7, 64, 8192];

const EARTHQUAKES: AppCase =
    AppCase { name: "earthquakes", inputs: &[("Catalogue", "quakes.csv", "time")] };
const SAMPLE: AppCase = AppCase { name: "flights", inputs: &[("Flights", "sample.csv", "date")] };
const CARD_FRAUD: AppCase =
    AppCase { name: "card_fraud", inputs: &[("Payments", "payments.csv", "time")] };
const LOGINS: AppCase = AppCase {
    name: "login_bruteforce",
    inputs: &[("Logins", "logins.csv", "time"), ("Changes", "changes.csv", "time")],
};
const SENSORS: AppCase =
    AppCase { name: "sensor_anomaly", inputs: &[("Readings", "readings.csv", "time")] };

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
    let restored = [(3, 9), (64, 5)].map(|(n, restarts)| Manner { restarts, ..Manner::rows(n) });
    let both = Manner { cuts: Some(42), restarts: 7, ..Manner::rows(8192) };
    let slow = Manner { row_by_row: true, ..Manner::rows(64) };
    let sharded = [(2, 8192, 0), (3, 997, 4)].map(|(shards, n, restarts)| Manner {
        shards,
        restarts,
        ..Manner::rows(n)
    });
    for manner in sizes.chain(cuts).chain(restored).chain([both, slow]).chain(sharded) {
        let got = run(&text, &feed, &streams, manner);
        if let Some(difference) = any_difference(&plain, &got) {
            panic!("{}, {manner:?}: {difference}", case.name);
        }
    }
}

#[test]
fn earthquakes() {
    hold(&EARTHQUAKES);
}

#[test]
fn flights() {
    hold(&SAMPLE);
}

#[test]
fn card_fraud() {
    hold(&CARD_FRAUD);
}

#[test]
fn login_bruteforce() {
    hold(&LOGINS);
}

#[test]
fn sensor_anomaly() {
    hold(&SENSORS);
}

#[test]
fn all_applications_are_tested() {
    let tested = [EARTHQUAKES, SAMPLE, CARD_FRAUD, LOGINS, SENSORS].map(|case| case.name);
    for entry in std::fs::read_dir(folder()).expect("queries") {
        let path = entry.expect("a directory entry").path();
        if path.extension().is_some_and(|e| e == "siddhi") {
            let name = path.file_stem().expect("a name").to_string_lossy();
            assert!(tested.iter().any(|t| *t == name), "{name} is not tested");
        }
    }
}

#[test]
fn all_applications_are_formatted() {
    for case in [EARTHQUAKES, SAMPLE, CARD_FRAUD, LOGINS, SENSORS] {
        let (program, path) = (env!("CARGO_BIN_EXE_foreshock"), case.path());
        let check = Command::new(program).args(["fmt", "--check"]).arg(&path).output();
        let said = check.expect("the program");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    }
}

/// `foreshock run` with these arguments; what it says on standard output.
fn command(case: &AppCase, arguments: &[String]) -> String {
    let mut run = Command::new(env!("CARGO_BIN_EXE_foreshock"));
    run.arg("run").arg(case.path()).args(arguments);
    let output = run.output().expect("the program");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", case.name);
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_command_prints_every_alert_once() {
    for case in [EARTHQUAKES, CARD_FRAUD, LOGINS, SENSORS] {
        let alerts: usize = case.expected().values().map(Vec::len).sum();
        let said = command(&case, &[]);
        // The log has the alerts of one chunk in one line; what is printed without a sink, has not.
        let logged = said.matches("Event{").count();
        let said = if logged > 0 { logged } else { said.lines().count() };
        assert_eq!(said, alerts, "{}", case.name);
    }
}

#[test]
fn the_command_writes_what_is_expected() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    for case in [EARTHQUAKES, SAMPLE, CARD_FRAUD, LOGINS, SENSORS] {
        let expected = case.expected();
        let file = |stream: &str| folder.path().join(format!("{stream}.csv"));
        let mut arguments = vec!["--quiet".to_string(), "--batch-rows=100".to_string()];
        if case.name == SAMPLE.name {
            let sample = case.data().join("sample.csv");
            arguments.push(format!("--input=Flights={}", sample.display()));
            arguments.push("--time=Flights=date".to_string());
        }
        for stream in expected.keys() {
            arguments.push(format!("--output={stream}={}", file(stream).display()));
        }
        command(&case, &arguments);
        for (stream, rows) in expected {
            let got = case.written(&stream, &file(&stream));
            let values: Vec<_> = rows.into_iter().map(|(_, values)| (0, values)).collect();
            let one = |rows| [(stream.clone(), rows)].into();
            if let Some(difference) = difference(&one(values), &one(got)) {
                panic!("{}: {difference}", case.name);
            }
        }
    }
}

#[test]
fn half_a_year_of_flights() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/flights.parquet");
    if !path.exists() {
        say("SKIPPED: no ../shared/data/flights.parquet");
        return;
    }
    // Small batches of a part and large ones of everything: it must not take long.
    for (rows, batch_rows) in [(150_000, 7), (600_000, 64), (600_000, 8192), (3_000_000, 8192)] {
        let expected = whole(rows);
        assert_eq!(expected.len(), 3, "whole.csv knows {rows} rows");
        let got = tallies(&SAMPLE.text(), &path, rows, batch_rows, expected.keys());
        assert_eq!(expected, got, "{rows} rows in batches of {batch_rows}");
    }
}

/// What the oracle expects of the first `rows` flights.
fn whole(rows: u64) -> BTreeMap<String, Tally> {
    csv::Reader::from_path(SAMPLE.data().join("whole.csv"))
        .expect("what the oracle expects")
        .deserialize::<(u64, String, u64, String)>()
        .map(|line| line.expect("a line of four cells"))
        .filter(|line| line.0 == rows)
        .map(|(_, stream, alerts, hash)| {
            (stream, Tally { alerts, hash: u64::from_str_radix(&hash, 16).expect("a hash") })
        })
        .collect()
}

/// How many alerts, and a hash (FNV-1a) of them as lines, as `flights/oracle.py` makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tally {
    alerts: u64,
    hash: u64,
}

impl Tally {
    fn add(&mut self, events: &Events) {
        let schema = events.schema();
        for row in 0..events.rows() {
            let mut line = events.ts(row).to_string();
            for (field, value) in schema.fields().iter().zip(events.row(row)) {
                if field.name() != "spread" {
                    line.push_str(&format!(",{value}"));
                }
            }
            line.push('\n');
            self.alerts += 1;
            for byte in line.bytes() {
                self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
    }
}

/// Streams the first `rows` rows of a file through an application; only a batch is in memory.
fn tallies<'a>(
    text: &str,
    path: &Path,
    mut rows: u64,
    batch_rows: usize,
    streams: impl Iterator<Item = &'a String>,
) -> BTreeMap<String, Tally> {
    let app = App::from_text_with(text, AppOptions { batch_rows, ..AppOptions::default() });
    let app = app.expect("a right application");
    let empty = |s: &String| (s.clone(), Tally { alerts: 0, hash: 0xcbf2_9ce4_8422_2325 });
    let tallies: Arc<Mutex<BTreeMap<String, Tally>>> =
        Arc::new(Mutex::new(streams.map(empty).collect()));
    for stream in tallies.lock().expect("no panic").keys() {
        let (to, name) = (Arc::clone(&tallies), stream.clone());
        let add = move |events: &Events| {
            to.lock().expect("no panic").get_mut(&name).expect("listed").add(events);
        };
        app.subscribe(stream, add).expect("a stream of the application");
    }
    let input = app.input("Flights").expect("a stream of the application");
    let options = ReadOptions { time: Some("date".into()), ..ReadOptions::new(Format::Parquet) };
    let source = open(Input::Path(path.into()), input.schema().clone(), &options);
    let mut source = source.expect("flights");
    while rows > 0 {
        let most = rows.min(batch_rows as u64) as usize;
        let batch = source.next(most).expect("readable rows").expect("enough rows");
        assert!(batch.rejected.is_empty());
        let times = batch.time.expect("event times");
        input.send_batch(&batch.rows, Times::Each(&times)).expect("sent");
        rows -= batch.rows.num_rows() as u64;
    }
    app.shutdown().expect("the last step");
    std::mem::take(&mut *tallies.lock().expect("no panic"))
}
