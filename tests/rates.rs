//! Output rates against a slow model, and what neither the model nor the recorded cases show.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use foreshock::{App, AppOptions, Code, Events, Kind, Value, compile};
use proptest::prelude::*;

/// A result: time, whether it left, and its attributes as text.
type Row = (i64, bool, Vec<String>);
/// Chunks with the clock at which each came.
type Chunks = Vec<(i64, Vec<Row>)>;

fn listen(app: &App, query: &str) -> Arc<Mutex<Chunks>> {
    let told: Arc<Mutex<Chunks>> = Arc::default();
    let sink = Arc::clone(&told);
    let note = move |e: &Events| {
        for chunk in e.chunk_ranges() {
            let at = e.batch().at[chunk.start];
            let row = |i| {
                let data = e.row(i).iter().map(ToString::to_string).collect();
                (e.ts(i), e.kind(i) == Kind::Expired, data)
            };
            sink.lock().expect("no panic").push((at, chunk.map(row).collect()));
        }
    };
    app.subscribe_query(query, note).expect("a query of this name");
    told
}

/// What leaves a query, one line per chunk: `at: row, row`.
fn lines(chunks: &Chunks) -> Vec<String> {
    let row = |(_, left, data): &Row| format!("{}{}", if *left { "-" } else { "" }, data.join(" "));
    let line = |(at, rows): &(i64, Vec<Row>)| {
        format!("{at}: {}", rows.iter().map(row).collect::<Vec<_>>().join(", "))
    };
    chunks.iter().map(line).collect()
}

/// Sends `(at, row)`s, moves the clock to `end`, and gives what left query `q`.
fn outcome(text: &str, events: &[(i64, Vec<Value>)], end: i64) -> Vec<String> {
    let app = App::from_text(text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    let told = listen(&app, "q");
    let input = app.input("S").expect("a stream S");
    for (at, row) in events {
        app.advance_to(*at).expect("a step");
        input.send_at(*at, row.clone()).expect("a step");
    }
    app.advance_to(end).expect("a step");
    let told = told.lock().expect("no panic");
    lines(&told)
}

fn row(k: &str, v: i32) -> Vec<Value> {
    vec![k.into(), Value::Int(v)]
}

const S: &str = "define stream S (k string, v int); @info(name='q') ";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Keep {
    All,
    First,
    Last,
    Snapshot,
}

#[derive(Debug, Clone, Copy)]
enum Every {
    Events(u32),
    Time(i64),
}

/// The obvious limiter: a list of results for each partition key.
struct Model {
    keep: Keep,
    every: Every,
    grouped: bool,
    windowed: bool,
    /// By partition key, in order of creation: when it began, and its next tick.
    keys: Vec<(String, i64)>,
    held: BTreeMap<String, Vec<Row>>,
    counts: BTreeMap<(String, String), u32>,
    times: BTreeMap<(String, String), i64>,
    out: Chunks,
}

impl Model {
    fn group(&self, row: &Row) -> String {
        if self.grouped { row.2[1].clone() } else { String::new() }
    }

    /// Replaces the result of the same group, or adds one.
    fn put(&mut self, key: &str, row: Row) {
        let group = self.group(&row);
        let grouped = self.grouped;
        let held = self.held.entry(key.to_string()).or_default();
        let same = |r: &&mut Row| !grouped || r.2[1] == group;
        match held.iter_mut().find(same) {
            Some(old) => *old = row,
            None => held.push(row),
        }
    }

    fn ticks(&mut self, clock: i64) {
        let Every::Time(period) = self.every else { return };
        if self.keep == Keep::First {
            return;
        }
        loop {
            let next = (0..self.keys.len()).min_by_key(|i| (self.keys[*i].1, *i));
            let Some(i) = next.filter(|i| self.keys[*i].1 <= clock) else { return };
            let (key, due) = self.keys[i].clone();
            self.keys[i].1 += period;
            let rows = match self.keep {
                Keep::Snapshot => self.held.get(&key).cloned().unwrap_or_default(),
                _ => self.held.remove(&key).unwrap_or_default(),
            };
            if !rows.is_empty() {
                self.out.push((due, rows));
            }
        }
    }

    fn chunk(&mut self, at: i64, rows: &[Row]) {
        self.ticks(at);
        let key = rows[0].2[0].clone();
        let mut leaves = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            let place = (key.clone(), self.group(row));
            match (self.keep, self.every) {
                (Keep::Snapshot, _) if self.windowed && row.1 => {
                    let held = self.held.entry(key.clone()).or_default();
                    if let Some(i) = held.iter().position(|r| r.2 == row.2) {
                        held.remove(i);
                    }
                }
                (Keep::Snapshot, _) if self.windowed => {
                    self.held.entry(key.clone()).or_default().push(row.clone());
                }
                (Keep::All, Every::Time(_)) => {
                    self.held.entry(key.clone()).or_default().push(row.clone());
                }
                (Keep::Snapshot, _) | (Keep::Last, Every::Time(_)) => self.put(&key, row.clone()),
                (Keep::First, Every::Events(n)) => {
                    let count = self.counts.entry(place).or_default();
                    if *count % n == 0 {
                        leaves.push(row.clone());
                    }
                    *count += 1;
                }
                (Keep::First, Every::Time(t)) => {
                    let last = self.times.get(&place);
                    if (self.grouped || i == 0) && last.is_none_or(|last| last + t <= at) {
                        self.times.insert(place, at);
                        leaves.push(row.clone());
                    }
                }
                (Keep::All | Keep::Last, Every::Events(n)) => {
                    match self.keep {
                        Keep::All => self.held.entry(key.clone()).or_default().push(row.clone()),
                        _ => self.put(&key, row.clone()),
                    }
                    let count = self.counts.entry((key.clone(), String::new())).or_default();
                    *count += 1;
                    if *count % n == 0 {
                        leaves.append(&mut self.held.remove(&key).unwrap_or_default());
                    }
                }
            }
        }
        if !leaves.is_empty() {
            self.out.push((at, leaves));
        }
    }
}

#[derive(Debug, Clone)]
struct Case {
    keep: Keep,
    every: Every,
    grouped: bool,
    window: &'static str,
    events: &'static str,
    partition: bool,
    /// Time since the one before; chunks of `(p, k, v)`.
    sent: Vec<(i64, Vec<(u8, u8, i32)>)>,
    batch_rows: usize,
    restore_at: usize,
}

fn case() -> impl Strategy<Value = Case> {
    let keep =
        prop_oneof![Just(Keep::All), Just(Keep::First), Just(Keep::Last), Just(Keep::Snapshot)];
    let every = prop_oneof![
        (1u32..5).prop_map(Every::Events),
        prop_oneof![Just(10i64), Just(25), Just(100)].prop_map(Every::Time)
    ];
    let window = prop::sample::select(vec![
        "",
        "#window.length(2)",
        "#window.time(30)",
        "#window.lengthBatch(2)",
        "#window.timeBatch(20)",
    ]);
    let events = prop::sample::select(vec!["", "all events ", "expired events "]);
    let sent = (0i64..40, prop::collection::vec((0u8..2, 0u8..3, 0i32..3), 1..3));
    let sent = prop::collection::vec(sent, 0..25);
    (keep, every, any::<bool>(), window, events, any::<bool>(), sent, 1usize..9, 0usize..25)
        .prop_map(
            |(keep, every, grouped, window, events, partition, sent, batch_rows, restore_at)| {
                let every = match (keep, every) {
                    (Keep::Snapshot, Every::Events(n)) => Every::Time(i64::from(n) * 10),
                    (_, every) => every,
                };
                let events = if keep == Keep::Snapshot { "all events " } else { events };
                Case {
                    keep,
                    every,
                    grouped,
                    window,
                    events,
                    partition,
                    sent,
                    batch_rows,
                    restore_at,
                }
            },
        )
}

impl Case {
    fn text(&self) -> String {
        let Case { window, events, .. } = self;
        let every = match self.every {
            Every::Events(n) => format!("{n} events"),
            Every::Time(t) => format!("{t} millisec"),
        };
        let word = match self.keep {
            Keep::All => "",
            Keep::First => "first ",
            Keep::Last => "last ",
            Keep::Snapshot => "snapshot ",
        };
        let by = if self.grouped { " group by k" } else { "" };
        // A snapshot looks at each event by itself, as a selection without groups does.
        let raw_by = if self.keep == Keep::Snapshot { "" } else { by };
        let queries = format!(
            "@info(name='raw') from S{window} select p, k, v{raw_by} insert {events}into Raw;\n\
             @info(name='q') from S{window} select p, k, v{by} output {word}every {every} \
             insert {events}into Out;"
        );
        let define = "define stream S (p string, k string, v int);\n";
        match self.partition {
            true => format!("{define}partition with (p of S) begin {queries} end;"),
            false => format!("{define}{queries}"),
        }
    }

    /// What leaves both queries, chunk by chunk; the application is replaced on the way.
    fn run(&self) -> (Chunks, Chunks, Vec<(String, i64)>) {
        let text = self.text();
        let options = AppOptions { batch_rows: self.batch_rows, ..AppOptions::default() };
        let mut app = App::from_text_with(&text, options.clone()).expect("a valid application");
        let (mut raw, mut out) = (vec![], vec![]);
        let mut told = (listen(&app, "raw"), listen(&app, "q"));
        let mut keys: Vec<(String, i64)> = vec![];
        if !self.partition {
            keys.push((String::new(), 0));
        }
        let mut at = 0;
        for (i, (since, rows)) in self.sent.iter().enumerate() {
            at += since;
            app.advance_to(at).expect("a step");
            let mut chunk = vec![];
            for (p, k, v) in rows {
                let p = if self.partition { p.to_string() } else { String::new() };
                if keys.iter().all(|(known, _)| *known != p) {
                    keys.push((p.clone(), at));
                }
                let k = k.to_string();
                chunk.push((at, vec![p.as_str().into(), k.as_str().into(), Value::Int(*v)]));
            }
            app.input("S").expect("S").send_chunk(chunk).expect("a step");
            if i == self.restore_at {
                let snapshot = app.snapshot().expect("a snapshot");
                app = App::restore(&text, options.clone(), &snapshot).expect("its own snapshot");
                let new = (listen(&app, "raw"), listen(&app, "q"));
                let old = std::mem::replace(&mut told, new);
                raw.append(&mut *old.0.lock().expect("no panic"));
                out.append(&mut *old.1.lock().expect("no panic"));
            }
        }
        app.advance_to(at + 150).expect("a step");
        app.flush().expect("a step");
        raw.append(&mut *told.0.lock().expect("no panic"));
        out.append(&mut *told.1.lock().expect("no panic"));
        (raw, out, keys)
    }

    fn end(&self) -> i64 {
        self.sent.iter().map(|(since, _)| since).sum::<i64>() + 150
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]
    /// What a rate lets out of a query is what the model lets out of the query without it.
    #[test]
    fn rates_do_what_the_model_does(case in case()) {
        let (raw, out, mut keys) = case.run();
        if let Every::Time(period) = case.every {
            keys.iter_mut().for_each(|(_, at)| *at += period);
        }
        let windowed = !case.window.is_empty();
        let (keep, every, grouped) = (case.keep, case.every, case.grouped);
        let (held, counts, times, model) = Default::default();
        let mut model =
            Model { keep, every, grouped, windowed, keys, held, counts, times, out: model };
        for (at, rows) in &raw {
            model.chunk(*at, rows);
        }
        model.ticks(case.end());
        prop_assert_eq!(lines(&out), lines(&model.out), "{}", case.text());
        let times = |c: &Chunks| c.iter().flat_map(|c| &c.1).map(|r| r.0).collect::<Vec<_>>();
        prop_assert_eq!(times(&out), times(&model.out));
    }
}

#[test]
fn snapshots_of_aggregates_follow_the_window() {
    let events = [(100, row("a", 1)), (150, row("b", 2)), (1200, row("a", 4))];
    let totals = "from S#window.time(1 sec) select sum(v) as t output snapshot every 500 millisec insert into O;";
    // As long as a row is in the window there is a total, whatever left it last.
    let expected = ["500: 3", "1000: 3", "1500: 4", "2000: 4"];
    assert_eq!(outcome(&format!("{S}{totals}"), &events, 4000), expected);

    let filled = "from S#window.time(1 sec) select k, sum(v) as t output snapshot every 500 millisec insert into O;";
    let expected = ["500: a 3, b 3", "1000: a 3, b 3", "1500: a 4", "2000: a 4"];
    assert_eq!(outcome(&format!("{S}{filled}"), &events, 4000), expected);

    let grouped = "from S#window.length(3) select k, sum(v) as t group by k output snapshot every 1 sec insert into O;";
    let events = [(1, row("a", 1)), (2, row("b", 2)), (3, row("a", 4)), (1500, row("c", 8))];
    let expected = ["1000: a 5, b 2", "2000: b 2, a 4, c 8"];
    assert_eq!(outcome(&format!("{S}{grouped}"), &events, 2000), expected);

    // A group without a row is gone; one that comes again stands last.
    let totals = "from S#window.length(2) select sum(v) as t group by k output snapshot every 1 sec insert into O;";
    let events = [(1, row("a", 1)), (2, row("b", 2)), (1500, row("c", 4)), (2500, row("a", 8))];
    let expected = ["1000: 1, 2", "2000: 2, 4", "3000: 4, 8"];
    assert_eq!(outcome(&format!("{S}{totals}"), &events, 3000), expected);

    // An expression over aggregates is one.
    let mean = "from S#window.length(2) select sum(v) / count() as m output snapshot every 1 sec insert into O;";
    let events = [(1, row("a", 1)), (2, row("a", 3)), (3, row("a", 5))];
    assert_eq!(outcome(&format!("{S}{mean}"), &events, 1000), ["1000: 4"]);
}

#[test]
fn snapshots_are_sorted_and_cut_as_a_whole() {
    let text = format!(
        "{S}from S#window.length(3) select k, v order by v desc limit 2 \
         output snapshot every 1 sec insert into O;"
    );
    let events = [(1, row("a", 1)), (2, row("b", 9)), (3, row("c", 5)), (4, row("d", 7))];
    assert_eq!(outcome(&text, &events, 1000), ["1000: b 9, d 7"]);
    let text = text.replace("order by v desc limit 2", "limit 1 offset 1");
    assert_eq!(outcome(&text, &events, 2000), ["1000: c 5", "2000: c 5"]);
}

#[test]
fn a_partition_key_ticks_from_its_first_event_on() {
    // The first event of `a` is filtered out, but it is its first.
    let text = "define stream S (k string, v int); partition with (k of S) begin \
                @info(name='q') from S[v > 0] select k, v output last every 1 sec insert into O; end;";
    let events = [(100, row("a", 0)), (900, row("a", 1)), (950, row("b", 2)), (1200, row("a", 3))];
    let expected = ["1100: a 1", "1950: b 2", "2100: a 3"];
    assert_eq!(outcome(text, &events, 5000), expected);
}

#[test]
fn null_groups_count_by_themselves() {
    let text =
        format!("{S}from S select k, v group by k output first every 2 events insert into O;");
    let null = vec![Value::Null, Value::Int(3)];
    let events = [(1, row("null", 1)), (2, null.clone()), (3, null), (4, row("null", 2))];
    assert_eq!(outcome(&text, &events, 9), ["1: null 1", "2: null 3"]);
}

#[test]
fn every_single_event_is_the_first_of_one() {
    for word in ["", "first ", "last "] {
        for by in ["", " group by k"] {
            let text = format!("{S}from S select v{by} output {word}every 1 events insert into O;");
            let events = [(1, row("a", 1)), (2, row("a", 2)), (3, row("b", 3))];
            assert_eq!(outcome(&text, &events, 9), ["1: 1", "2: 2", "3: 3"], "{text}");
        }
    }
}

#[test]
fn playback_without_a_start_begins_with_the_first_event() {
    let text = "@app:playback define stream S (k string, v int); define trigger T at every 1 sec;
                define trigger B at 'start';
                @info(name='q') from S select v output last every 1 sec insert into O;
                @info(name='t') from T select triggered_time insert into P;
                @info(name='b') from B select triggered_time insert into P;";
    for batch_rows in [1, 100] {
        let options = AppOptions { batch_rows, ..AppOptions::default() };
        let app = App::from_text_with(text, options).expect("valid");
        let told = ["q", "t", "b"].map(|q| listen(&app, q));
        let base = 1_700_000_000_123;
        for (at, v) in [(0, 1), (500, 2), (1000, 3), (2600, 4)] {
            app.input("S").expect("S").send_at(base + at, row("a", v)).expect("a step");
        }
        app.flush().expect("a step");
        let [q, t, b] = told.map(|t| lines(&t.lock().expect("no panic")));
        assert_eq!(q, [format!("{}: 2", base + 1000), format!("{}: 3", base + 2000)]);
        assert_eq!(t, [1000, 2000].map(|at| format!("{0}: {0}", base + at)));
        assert_eq!(b, [format!("{base}: {base}")]);
    }
}

/// Codes of what is found, with the text each points at.
fn found(text: &str) -> Vec<(Code, String)> {
    let found = compile(text).err().unwrap_or_default();
    found
        .iter()
        .map(|d| (d.code, text[d.span.start as usize..d.span.end as usize].into()))
        .collect()
}

#[test]
fn senseless_rates_are_refused() {
    for (rate, events, code) in [
        ("output every 0 events", "", Code::Parameter),
        ("output first every 0 sec", "", Code::Parameter),
        ("output snapshot every 0 millisec", "", Code::Parameter),
        ("output snapshot every 1 sec", "current events ", Code::Invalid),
        ("output snapshot every 1 sec", "expired events ", Code::Invalid),
    ] {
        let text = format!("{S}from S select v {rate} insert {events}into O;");
        assert_eq!(found(&text), [(code, rate.to_string())], "{text}");
    }
    let fine = format!("{S}from S select v output snapshot every 1 sec insert all events into O;");
    assert_eq!(found(&fine), []);
}
