//! `hopping` and the windows with unique keys against a slow and obvious model.

mod support;

use foreshock::{ClockMode, Value};
use proptest::prelude::*;

use support::ways::{Act, Way, disagreement, run};

/// Time (of the clock, of the event, and of its attribute), key, value.
type Row = (i64, u8, i32);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Ever,
    First,
    Length(usize),
    Time(i64),
    /// First row of a key, keys, time.
    Batch(bool, Option<usize>, Option<i64>),
    ExternalTimeBatch(i64),
    Hopping(i64, i64),
}

const KINDS: [(&str, Kind); 12] = [
    ("unique:ever(k)", Kind::Ever),
    ("unique:first(k)", Kind::First),
    ("unique:length(k, 2)", Kind::Length(2)),
    ("unique:time(k, 1 sec)", Kind::Time(1000)),
    ("unique:lengthBatch(k, 2)", Kind::Batch(false, Some(2), None)),
    ("unique:firstLengthBatch(k, 2)", Kind::Batch(true, Some(2), None)),
    ("unique:timeBatch(k, 1 sec)", Kind::Batch(false, None, Some(1000))),
    ("unique:firstTimeBatch(k, 1 sec)", Kind::Batch(true, None, Some(1000))),
    ("unique:timeLengthBatch(k, 1 sec, 2)", Kind::Batch(false, Some(2), Some(1000))),
    ("unique:externalTimeBatch(k, t, 1 sec)", Kind::ExternalTimeBatch(1000)),
    ("hopping(1 sec, 300)", Kind::Hopping(1000, 300)),
    ("hopping(200, 700)", Kind::Hopping(200, 700)),
];

struct Model {
    kind: Kind,
    held: Vec<Row>,
    sent: Vec<Row>,
    next: Option<i64>,
    out: Vec<String>,
}

impl Model {
    fn chunk(&mut self, at: i64, left: &[Row], entered: &[Row]) {
        let line = |sign: char, ts: i64, (_, k, v): &Row| format!("{sign}{ts} {k} {v}");
        let left = left.iter().map(|r| line('-', at, r));
        let all: Vec<String> = left.chain(entered.iter().map(|r| line('+', r.0, r))).collect();
        if !all.is_empty() {
            self.out.push(all.join(", "));
        }
    }

    fn flush(&mut self, at: i64) {
        let sent = std::mem::take(&mut self.sent);
        self.sent = std::mem::take(&mut self.held);
        let held = self.sent.clone();
        self.chunk(at, &sent, &held);
    }

    /// Everything that is due by `clock`.
    fn tick(&mut self, clock: i64) {
        loop {
            match self.kind {
                Kind::Time(t) => {
                    let Some(due) = self.held.first().map(|r| r.0 + t) else { return };
                    if due > clock {
                        return;
                    }
                    let left = self.held.iter().take_while(|r| r.0 + t <= due).count();
                    let left: Vec<Row> = self.held.drain(..left).collect();
                    self.chunk(due, &left, &[]);
                }
                Kind::Batch(_, _, Some(t)) => {
                    let Some(next) = self.next.filter(|n| *n <= clock) else { return };
                    self.flush(next);
                    self.next = Some(next + t);
                }
                Kind::Hopping(t, hop) => {
                    let Some(next) = self.next.filter(|n| *n <= clock) else { return };
                    self.held.retain(|r| r.0 >= next - t);
                    let held = self.held.clone();
                    let sent = std::mem::replace(&mut self.sent, held.clone());
                    self.chunk(next, &sent, &held);
                    self.next = Some(next + hop);
                }
                _ => return,
            }
        }
    }

    fn row(&mut self, row: Row) {
        let at = row.0;
        self.tick(at);
        let same = self.held.iter().position(|r| r.1 == row.1);
        match self.kind {
            Kind::First => {
                if same.is_none() {
                    self.held.push(row);
                    self.chunk(at, &[], &[row]);
                }
            }
            Kind::Ever | Kind::Length(_) | Kind::Time(_) => {
                let full = matches!(self.kind, Kind::Length(n) if self.held.len() == n);
                let left = same.or(full.then_some(0)).map(|i| self.held.remove(i));
                self.held.push(row);
                self.chunk(at, left.as_slice(), &[row]);
            }
            Kind::Batch(first, keys, time) => {
                if self.next.is_none() {
                    self.next = time.map(|t| at + t);
                }
                match same {
                    Some(_) if first => {}
                    Some(i) => self.held[i] = row,
                    None => self.held.push(row),
                }
                if keys == Some(self.held.len()) {
                    self.flush(at);
                    self.next = time.map(|t| at + t);
                }
            }
            Kind::ExternalTimeBatch(t) => {
                let end = *self.next.get_or_insert(at + t);
                if at >= end {
                    self.flush(at);
                    self.next = Some(end + ((at - end) / t + 1) * t);
                    return self.held.push(row);
                }
                match same {
                    Some(i) => self.held[i] = row,
                    None => self.held.push(row),
                }
            }
            Kind::Hopping(_, hop) => {
                self.next.get_or_insert(at + hop);
                self.held.push(row);
            }
        }
    }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0..500i64, 0..4u8, -9..9i32), 1..50).prop_map(|given| {
        let mut now = 1_000;
        let next = |(after, k, v)| {
            now += after;
            (now, k, v)
        };
        given.into_iter().map(next).collect()
    })
}

fn text(window: &str) -> String {
    format!(
        "define stream S (t long, k int, v int);
         @info(name='q') from S#window.{window} select k, v insert all events into Out;"
    )
}

fn acts(rows: &[Row], end: i64) -> Vec<Act> {
    let mut acts = Vec::new();
    for (at, k, v) in rows {
        acts.push(Act::Advance(*at));
        let row = vec![Value::Long(*at), Value::Int(i32::from(*k)), Value::Int(*v)];
        acts.push(Act::Send("S".into(), *at, row));
    }
    acts.push(Act::Advance(end));
    acts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn as_the_model_says(rows in rows()) {
        let end = rows.last().map_or(0, |r| r.0) + 5_000;
        for (window, kind) in KINDS {
            let mut model =
                Model { kind, held: vec![], sent: vec![], next: None, out: vec![] };
            rows.iter().for_each(|r| model.row(*r));
            model.tick(end);
            let got = run(&text(window), Some(ClockMode::Live), &acts(&rows, end), Way::PLAIN)
                .unwrap_or_else(|e| panic!("{window}: {e}"));
            let got: Vec<String> = got.get("query q").map_or(vec![], |lines| {
                let plain = |l: &String| {
                    let l = l.replace("Int(", "").replace(')', "");
                    l.trim_end_matches("; ").replace("; ", ", ")
                };
                lines.iter().map(plain).collect()
            });
            prop_assert_eq!(got, model.out, "{}", window);
        }
    }

    /// With keys of a partition, with an aggregate, and searched by a join.
    #[test]
    fn batches_and_restarts_are_invisible(
        rows in rows(),
        (window, _) in prop::sample::select(KINDS.to_vec()),
        seed in 1..u64::MAX,
    ) {
        let text = format!(
            "define stream S (t long, k int, v int);
             from S#window.{window} select k, sum(v) as total group by k insert all events into A;
             from S#window.{window} as a join S#window.length(1) as b on a.v > b.v
             select a.k, b.v insert all events into B;
             partition with (v of S) begin
             from S#window.{window} select k, v, count() as n insert all events into C;
             end;"
        );
        let end = rows.last().map_or(0, |r| r.0) + 5_000;
        let acts = acts(&rows, end);
        prop_assert_eq!(disagreement(&text, Some(ClockMode::Live), &acts, seed), None, "{}", text);
    }
}

#[test]
fn parameters_are_checked() {
    for (window, part) in [
        ("unique:ever()", "parameters"),
        ("unique:ever(1)", "unique.key"),
        ("unique:first(k, 2)", "unique.key"),
        ("unique:length(k, 0)", "window.length"),
        ("unique:length(2, k)", "unique.key"),
        ("unique:length(k)", "2 parameters"),
        ("unique:time(k, 'x')", "window.time"),
        ("unique:time(k, 0)", "window.time"),
        ("unique:lengthBatch(k, -1)", "window.length"),
        ("unique:firstLengthBatch(k, k)", "window.length"),
        ("unique:timeBatch(k, 1 sec, 'x')", "start.time"),
        ("unique:firstTimeBatch(k)", "2 to 3 parameters"),
        ("unique:timeLengthBatch(k, 1 sec)", "3 to 4 parameters"),
        ("unique:timeLengthBatch(k, 1 sec, 0)", "window.length"),
        ("unique:externalTimeBatch(k, k, 1 sec)", "timestamp"),
        ("unique:externalTimeBatch(k, t, 1 sec, 'x')", "start.time"),
        ("unique:externalTimeBatch(k, t, 1 sec, 0, -1)", "timeout"),
        ("unique:externalTimeBatch(k, t, 1 sec, 0, 0, 1)", "replace.with.batchtime"),
        ("hopping(1 sec)", "2 to 3 parameters"),
        ("hopping(1 sec, 0)", "hop.time"),
        ("hopping(1 sec, 1 sec, 'x')", "start.time"),
        ("unique:deduplicate(k, 1 sec)", "not supported yet"),
    ] {
        let found = foreshock::compile(&text(window)).err().unwrap_or_default();
        assert!(found.iter().any(|d| d.message.contains(part)), "{window}: {found:#?}");
    }
}
