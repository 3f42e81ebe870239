//! Random applications whose state is apart by key: in any number of shards they put out what they
//! put out on one thread, with late rows, missing keys, batches of any size, and restarts. And every
//! other random application, of which perhaps nothing is sharded, does too.

use foreshock::{AppOptions, ClockMode, Error, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

use super::exprs::{Scope, boolean, double, int, string};
use super::tape::Tape;
use super::{apps, events, fused};
use crate::support::ways::{Act, Way, disagreement_of};

/// Cases by default; about ten seconds.
const CASES: u32 = 120;

type Case = (Vec<Vec<u16>>, Vec<events::Raw>, bool, u64);

fn anything() -> impl Strategy<Value = Case> {
    let tape = prop::collection::vec(any::<u16>(), 1..60);
    (
        prop::collection::vec(tape, 1..5),
        prop::collection::vec(any::<events::Raw>(), 0..70),
        any::<bool>(),
        any::<u64>(),
    )
}

/// An application of queries that can all be sharded.
fn app(tapes: &[Vec<u16>]) -> String {
    let mut text = String::from("@app:name('shards')\n");
    for s in apps::STREAMS {
        text += &format!("define stream {s} (k string, a int, b double, t long);\n");
    }
    // What one event gives at most one row of may be told apart again.
    text += "from S2[a != 3] select k, a, b, t insert into M2;\n";
    for (i, tape) in tapes.iter().enumerate() {
        text += &query(&mut Tape::new(tape), i);
    }
    text
}

fn source(tape: &mut Tape) -> &'static str {
    tape.pick(&["S0", "S0", "S1", "S2", "M2"])
}

fn query(tape: &mut Tape, i: usize) -> String {
    match tape.below(6) {
        0 | 1 => groups(tape, i),
        2 | 3 => pattern(tape, i),
        _ => partition(tape, i),
    }
}

fn aggregated(tape: &mut Tape) -> (String, String) {
    let mut scope = Scope::new(&[""]);
    scope.aggregates = true;
    let key = tape.pick(&["k", "a", "t"]);
    let second = tape.pick(&["", "", ", b", ", k"]);
    let items = format!(
        "{key} as x, {} as y, {} as z, avg(b) as m, {} as s",
        int(&scope, tape, 2),
        double(&scope, tape, 1),
        string(&scope, tape, 1)
    );
    let having = tape.pick(&["", "", " having y > 1", " having m < 2.0"]);
    let limit = tape.pick(&["", "", "", " limit 1"]);
    (items, format!(" group by {key}{second}{having}{limit}"))
}

/// Aggregates by group, over the last rows by time or over all.
fn groups(tape: &mut Tape, i: usize) -> String {
    let s = source(tape);
    let (items, section) = aggregated(tape);
    let filter = format!("[{}]", boolean(&Scope::new(&[""]), tape, 1));
    let from = match tape.below(4) {
        0 => format!("{s}{filter}"),
        1 => format!("{s}#window.time({})[a != 2]", tape.pick(&["100", "1 sec", "10"])),
        _ => format!("{s}#window.time({})", tape.pick(&["100", "1 sec", "10", "0"])),
    };
    format!("@info(name='q{i}') from {from} select {items}{section} insert into O{i};\n")
}

fn pattern(tape: &mut Tape, i: usize) -> String {
    let key = tape.pick(&["k", "a"]);
    let (one, two) = (source(tape), source(tape));
    let first = match tape.chance(1, 2) {
        true => format!("[{}]", boolean(&Scope::new(&[""]), tape, 1)),
        false => String::new(),
    };
    let more = |tape: &mut Tape, e: &str| {
        let with = tape.pick(&["", " and b > {e}b", " and b <= {e}b", " and t != {e}t"]);
        with.replace("{e}", e)
    };
    let second = format!("[{key} == e1.{key}{}]", more(tape, "e1."));
    let within = tape.pick(&["", " within 1 sec", " within 100 millisec", " within 10 millisec"]);
    let (third, item) = match tape.below(3) {
        0 => {
            let other = tape.pick(&["e1.", "e2."]);
            let third = source(tape);
            let every = tape.pick(&["", "every "]);
            (format!(" -> {every}e3={third}[{key} == {other}{key}{}]", more(tape, "e2.")), "e3.b")
        }
        _ => (String::new(), "e2.b"),
    };
    format!(
        "@info(name='q{i}') from every e1={one}{first} -> e2={two}{second}{third}{within} \
         select e1.k as k, e1.{key} as x, e1.b as p, {item} as q, e2.t as t insert into O{i};\n"
    )
}

/// A partition of one or two queries.
fn partition(tape: &mut Tape, i: usize) -> String {
    let key = tape.pick(&["k", "a", "t", "b > 1.0"]);
    let (one, two) = (source(tape), source(tape));
    let with = match one == two {
        true => format!("{key} of {one}"),
        false => format!("{key} of {one}, {key} of {two}"),
    };
    let window = tape.pick(&[
        "#window.length(3)",
        "#window.time(100)",
        "#window.lengthBatch(2)",
        "#window.externalTime(t, 50)",
        "#window.sort(2, b)",
        "",
    ]);
    let rate = tape.pick(&["", "", " output last every 2 events", " output all every 3 events"]);
    let select = "select k, count() as a, sum(b) as b, max(t) as t";
    let query = match tape.below(5) {
        0 => format!(
            "from {one}#window.length(2) as l join {two}#window.time(1 sec) as r on l.a == r.a \
             select l.k as k, l.b as x, r.b as y insert into O{i}"
        ),
        1 => format!(
            "from every e1={one}, e2={two}[b > e1.b] select e1.k as k, e2.b as y insert into O{i}"
        ),
        2 => format!(
            "from e1={one} -> e2={two}[b > e1.b]<1:2> -> e3={one} \
             select e1.k as k, e2[0].b as y insert into O{i}"
        ),
        3 => format!(
            "from {one}{window} {select} insert into #I;\n  \
             from #I#window.length(2) select k, sum(a) as s, max(t) as l insert into O{i}"
        ),
        _ => format!("from {one}{window} {select}{rate} insert into O{i}"),
    };
    // A stream that isn't read needs a key all the same.
    format!("partition with ({with}) begin\n  {query};\nend;\n")
}

/// Chunks of several events are refused where there are shards: these events come one by one.
fn acts(raw: &[events::Raw], clock: ClockMode) -> Vec<Act> {
    singly(events::acts(raw, clock))
}

fn singly(acts: Vec<Act>) -> Vec<Act> {
    let one = |act| match act {
        Act::Chunk(s, rows) => {
            rows.into_iter().map(|(ts, row)| Act::Send(s.clone(), ts, row)).collect()
        }
        other => vec![other],
    };
    acts.into_iter().flat_map(one).collect()
}

fn clock(live: bool) -> ClockMode {
    if live { ClockMode::Live } else { ClockMode::Playback }
}

fn ways(seed: u64) -> Vec<Way> {
    let every = (seed % 7 + 1) as usize;
    let shards = |shards, batch_rows| Way { shards, batch_rows, ..Way::PLAIN };
    vec![
        shards(2, 1),
        shards(3, 7),
        Way { columns: true, ..shards(2, 8192) },
        Way { columns: true, cuts: Some(seed), ..shards(4, 64) },
        Way { restore_every: Some(every), ..shards(2, 5) },
        Way { apart: true, columns: true, restore_every: Some(every + 3), ..shards(3, 64) },
    ]
}

/// Holds random cases to one thread.
fn hold(cases: u32, app: impl Fn(&[Vec<u16>]) -> String) {
    let set = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let config = Config {
        cases: set("PROPTEST_CASES").map_or(cases, |n| n as u32),
        failure_persistence: None,
        max_shrink_iters: 3_000,
        rng_seed: RngSeed::Fixed(set("DIFFERENTIAL_SEED").unwrap_or(1)),
        ..Config::default()
    };
    let check = |(tapes, raw, live, seed): &Case| {
        let (clock, text) = (clock(*live), app(tapes));
        disagreement_of(Way::PLAIN, &ways(*seed), &text, Some(clock), &acts(raw, clock))
    };
    let result = TestRunner::new(config).run(&anything(), |case| match check(&case) {
        None => Ok(()),
        Some(why) => Err(TestCaseError::fail(why)),
    });
    if let Err(TestError::Fail(why, (tapes, raw, live, seed))) = result {
        let acts: Vec<String> = acts(&raw, clock(live)).iter().map(|a| format!("{a:?}")).collect();
        panic!("{why}\nlive: {live}, seed: {seed}\n{}{}", app(&tapes), acts.join("\n"));
    } else if let Err(e) = result {
        panic!("{e}");
    }
}

#[test]
fn shards_put_out_what_one_thread_does() {
    hold(CASES, app);
}

#[test]
fn any_application_runs_in_shards() {
    hold(CASES / 3, apps::app);
}

#[test]
fn shapes_with_operators_of_their_own_run_in_shards() {
    // The generator's streams have two attributes more: only the texts are held here.
    let mut runner = TestRunner::deterministic();
    let mut sharded = 0;
    for _ in 0..100 {
        let tree = anything().new_tree(&mut runner).expect("a case can always be made");
        let text = fused::app(&tree.current().0);
        if let Ok((plan, _)) = foreshock::compile(&text) {
            sharded += usize::from(!plan.shards.regions.is_empty());
        }
    }
    assert!(sharded > 0, "none of them can be sharded");
}

/// Nearly all that is generated must be valid and sharded, or the test would say nothing.
#[test]
fn generated_queries_are_sharded() {
    let mut runner = TestRunner::deterministic();
    let (mut queries, mut others) = (0, Vec::new());
    for _ in 0..200 {
        let tree = anything().new_tree(&mut runner).expect("a case can always be made");
        let text = app(&tree.current().0);
        let (plan, _) = foreshock::compile(&text).unwrap_or_else(|e| panic!("{text}{e:?}"));
        for (q, shards) in plan.shards.queries.iter().enumerate().skip(1) {
            queries += 1;
            if let Err(why) = shards {
                others.push(format!("{}: {why}\n{text}", plan.queries[q].name));
            }
        }
    }
    let shown = others.iter().take(3).cloned().collect::<Vec<_>>().join("\n");
    assert!(others.len() * 4 < queries, "{} of {queries} not sharded\n{shown}", others.len());
}

/// Enough rows a step for threads of their own, all but the last in order.
#[test]
fn threads_put_out_what_one_does() {
    let text = "@app:playback
        define stream S0 (k string, a int, b double, t long);
        @info(name='means') from S0#window.time(1 sec) select k, avg(b) as m, count() as n
            group by k insert into Means;
        @info(name='pairs') from every e1=S0[b > 8.0] -> e2=S0[k == e1.k and b > e1.b] within 1 sec
            select e1.k as k, e1.b as x, e2.b as y insert into Pairs;
        partition with (k of S0) begin
            @info(name='last') from S0#window.length(5) select k, sum(b) as s insert into Last;
        end;";
    let row = |i: i64| {
        let key = i * 7919 % 97;
        let late = if i % 1_500 == 1_499 { 700 } else { 0 };
        let k = if key == 5 { Value::Null } else { format!("key {key}").as_str().into() };
        let b = Value::Double((i * 31 % 100) as f64 / 10.0);
        Act::Send("S0".into(), i / 3 - late, vec![k, Value::Int(key as i32), b, Value::Long(i)])
    };
    let acts: Vec<Act> = (0..6_000).map(row).collect();
    let columns = Way { columns: true, batch_rows: 8192, ..Way::PLAIN };
    let in_shards = [2, 3, 8].map(|shards| Way { shards, ..columns });
    let cut = Way { cuts: Some(5), restore_every: Some(2_500), batch_rows: 2_000, ..in_shards[0] };
    let others = in_shards.into_iter().chain([Way { columns: false, ..cut }]).collect::<Vec<_>>();
    let difference = disagreement_of(columns, &others, text, None, &acts);
    assert_eq!(difference, None);
}

#[test]
fn chunks_of_several_events_are_refused_where_shards_are() {
    let text = "define stream S (k string, v int); define stream R (k string);
        from S[v > 0] select k, v insert into T;
        from T select k, sum(v) as s group by k insert into O;
        from R#window.length(2) select count() as n insert into N;";
    let app = |shards| {
        let options = AppOptions { shards, ..AppOptions::default() };
        foreshock::App::from_text_with(text, options).expect("the text is valid")
    };
    let rows = || [(1, ("a", 1)), (1, ("b", 2))];
    let sharded = app(2);
    let refused = sharded.input("S").expect("a stream").send_chunk(rows());
    let Err(Error::Data(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("one by one"), "{why}");
    let single = sharded.input("S").expect("a stream").send_chunk(rows().into_iter().take(1));
    single.expect("a chunk of one is an event");
    let elsewhere = sharded.input("R").expect("a stream").send_chunk([(1, ("a",)), (1, ("b",))]);
    elsewhere.expect("nothing that reads it is sharded");
    app(1).input("S").expect("a stream").send_chunk(rows()).expect("there are no shards");
}

#[test]
fn a_snapshot_goes_with_its_number_of_shards() {
    let text = "define stream S (k string, v int);
        from S select k, sum(v) as s group by k insert into O;";
    let options = |shards| AppOptions { shards, ..AppOptions::default() };
    let app = foreshock::App::from_text_with(text, options(2)).expect("the text is valid");
    let snapshot = app.snapshot().expect("a snapshot");
    let restored = |shards| foreshock::App::restore(text, options(shards), &snapshot).err();
    assert!(restored(2).is_none());
    for other in [1, 3] {
        let why = restored(other).expect("another number of shards").to_string();
        assert!(why.contains("2 shards"), "{why}");
    }
}
