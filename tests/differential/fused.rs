//! Random applications of the shapes that have operators of their own: windows with their selectors
//! (`op::select::{slide, tumble}`), patterns and sequences of two events (`pattern::{pairs, adjacent}`)
//! and joins of two length windows (`op::join::length`). Whatever those do has to be what the plain
//! operators do.

use foreshock::{AppOptions, ClockMode, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

use super::exprs::{Scope, boolean};
use super::tape::Tape;
use crate::support::ways::{Act, Way, disagreement_of};

/// Cases by default; about ten seconds.
const CASES: u32 = 150;

const COLUMNS: &str = "(k string, a int, b double, t long, f float, g bool)";

/// An application of up to three queries.
pub fn app(tapes: &[Vec<u16>]) -> String {
    let mut text = String::from("@app:name('fused')\n");
    for s in ["S", "R", "T"] {
        text += &format!("define stream {s} {COLUMNS};\n");
    }
    let mut from = vec!["S", "S", "R"];
    for (i, tape) in tapes.iter().enumerate() {
        let mut tape = Tape::new(tape);
        // What the first query gives may be what the others get.
        let into_t = i == 0 && tape.chance(1, 3);
        let query = query(&mut tape, &from, into_t, i);
        if tape.chance(1, 5) {
            let streams: Vec<&str> = from.iter().copied().filter(|s| query.contains(s)).collect();
            text += &partition(&mut tape, &streams, &query);
        } else {
            text += &query;
            text += ";\n";
        }
        if into_t {
            from.extend(["T", "T"]);
        }
    }
    text
}

fn partition(tape: &mut Tape, streams: &[&str], query: &str) -> String {
    let key = tape.pick(&["k", "a", "g"]);
    let read = |s: &&str| {
        ["from ", "=", "join "].iter().any(|before| query.contains(&format!("{before}{s}")))
    };
    let mut streams: Vec<&str> = streams.iter().copied().filter(read).collect();
    streams.sort_unstable();
    streams.dedup();
    let with: Vec<String> = streams.iter().map(|s| format!("{key} of {s}")).collect();
    format!("partition with ({}) begin\n  {query};\nend;\n", with.join(", "))
}

fn query(tape: &mut Tape, from: &[&str], into_t: bool, number: usize) -> String {
    let (input, scope, aggregates) = match tape.below(6) {
        0 => (window(tape, from, sliding), vec![String::new()], true),
        1 => (window(tape, from, tumbling), vec![String::new()], true),
        2 | 3 => (pairs(tape, from), vec!["e1.".into(), "e2.".into()], tape.chance(1, 6)),
        4 => (neighbours(tape, from), vec!["e1.".into(), "e2.".into()], tape.chance(1, 6)),
        _ => (join(tape, from), vec!["l.".into(), "r.".into()], tape.chance(1, 6)),
    };
    let events = match scope.len() {
        2 if !input.contains("join") => "",
        _ => tape.pick(&["", "", "", "", "current events ", "all events ", "expired events "]),
    };
    let (items, target) = if into_t {
        (base(tape, &scope, aggregates), "T".to_string())
    } else {
        (own(tape, &scope, aggregates, input.contains("e1=")), format!("O{number}"))
    };
    let names: Vec<&str> = match into_t {
        true => vec!["a", "b", "t"],
        false => (0..items.len()).map(|i| ["x", "y", "z", "u", "v"][i]).collect(),
    };
    let section = section(tape, &scope, &names);
    let items = items.join(", ");
    format!(
        "@info(name='q{number}') from {input} select {items}{section} insert {events}into {target}"
    )
}

fn filter(tape: &mut Tape, prefix: &str, of: usize) -> String {
    match tape.chance(1, of) {
        true => format!("[{}]", boolean(&Scope::new(&[prefix]), tape, 1)),
        false => String::new(),
    }
}

fn window(tape: &mut Tape, from: &[&str], which: fn(&mut Tape) -> String) -> String {
    let source = tape.pick(from);
    let before = filter(tape, "", 4);
    let after = filter(tape, "", 12);
    format!("{source}{before}#window.{}{after}", which(tape))
}

fn sliding(tape: &mut Tape) -> String {
    let n = tape.pick(&["3", "1", "2", "5", "9", "0"]);
    let ms = tape.pick(&["10", "1", "30", "100", "1 sec"]);
    match tape.below(3) {
        0 => format!("length({n})"),
        1 => format!("time({ms})"),
        _ => format!("timeLength({ms}, {n})"),
    }
}

fn tumbling(tape: &mut Tape) -> String {
    let ms = tape.pick(&["10", "1", "30", "100", "1 sec"]);
    let rest = tape.pick(&["", "", "", ", 0", ", 7", ", -3", ", 0, 60"]);
    format!("externalTimeBatch(t, {ms}{rest})")
}

fn within(tape: &mut Tape) -> &'static str {
    tape.pick(&[
        "",
        "",
        " within 10 millisec",
        " within 1 millisec",
        " within 100 millisec",
        " within 1 sec",
    ])
}

/// What the second event must fulfil.
fn second(tape: &mut Tape) -> String {
    let mut conditions: Vec<String> = Vec::new();
    if tape.chance(2, 3) {
        let keys: &[&str] = &["k == e1.k", "e1.k == k", "a == e1.a", "g == e1.g", "t == e1.t"];
        for _ in 0..1 + tape.below(2) {
            conditions.push(tape.pick(keys).into());
        }
        if tape.chance(1, 8) {
            conditions
                .push(tape.pick(&["b == e1.b", "f == e1.f", "a == e1.t", "b == e1.a"]).into());
        }
    }
    if tape.chance(1, 2) {
        let op = tape.pick(&[">", "<", ">=", "<="]);
        conditions.push(match tape.below(6) {
            0..=2 => format!("b {op} e1.b"),
            3 => format!("e1.b {op} b"),
            4 => format!("a {op} e1.a"),
            _ => format!("f {op} e1.f + 1"),
        });
    }
    if tape.chance(1, 4) {
        conditions.push(boolean(&Scope::new(&[""]), tape, 1));
    }
    if tape.chance(1, 8) {
        conditions.push("(k != e1.k or b is null)".into());
    }
    if conditions.is_empty() { String::new() } else { format!("[{}]", conditions.join(" and ")) }
}

fn pairs(tape: &mut Tape, from: &[&str]) -> String {
    let one = tape.pick(from);
    let two = if tape.chance(1, 2) { one } else { tape.pick(from) };
    let every = if tape.chance(1, 10) { "" } else { "every " };
    let first = filter(tape, "", 2);
    format!("{every}e1={one}{first} -> e2={two}{}{}", second(tape), within(tape))
}

fn neighbours(tape: &mut Tape, from: &[&str]) -> String {
    let one = tape.pick(from);
    let two = if tape.chance(1, 8) { tape.pick(from) } else { one };
    let every = if tape.chance(1, 10) { "" } else { "every " };
    let first = filter(tape, "", 2);
    format!("{every}e1={one}{first}, e2={two}{}{}", second(tape), within(tape))
}

fn join(tape: &mut Tape, from: &[&str]) -> String {
    let side = |tape: &mut Tape, alias: &str| {
        let source = tape.pick(from);
        let before = filter(tape, "", 4);
        let n = tape.pick(&["3", "1", "2", "5", "9"]);
        // Of few rows, as joins of joins are many.
        let window = match tape.chance(1, 12) {
            true => format!("timeLength(100, {n})"),
            false => format!("length({n})"),
        };
        format!("{source}{before}#window.{window} as {alias}")
    };
    let (left, right) = (side(tape, "l"), side(tape, "r"));
    let kind = tape.pick(&["join", "join", "join", "join", "join", "left outer join"]);
    let one = tape.pick(&["", "", "", "", "", " unidirectional"]);
    let on = tape.pick(&[
        "l.k == r.k",
        "l.k == r.k and l.a == r.a",
        "r.a == l.a",
        "l.b == r.b",
        "l.f == r.f",
        "l.g == r.g and l.k == r.k",
        "l.a == r.t",
        "l.a == r.b",
        "l.k == r.k and l.b < r.b",
    ]);
    format!("{left}{one} {kind} {right} on {on}")
}

fn aggregate(tape: &mut Tape, prefix: &str) -> String {
    let text = tape.pick(&[
        "sum(a)",
        "sum(b)",
        "avg(b)",
        "avg(a)",
        "count()",
        "sum(t)",
        "sum(f)",
        "avg(f)",
        "avg(t)",
        "sum(a + 1)",
        "sum(b * 2.0)",
        "avg(ifThenElse(g, b, 0.5))",
        "min(b)",
        "max(b)",
        "min(a)",
        "max(t)",
        "max(f)",
        "stdDev(b)",
        "stdDev(a)",
        "distinctCount(k)",
        "and(g)",
        "or(g)",
        "maxForever(b)",
        "minForever(a)",
    ]);
    let mut out = String::new();
    let bytes = text.as_bytes();
    for (i, c) in text.chars().enumerate() {
        let alone = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_none_or(|b| !b.is_ascii_alphanumeric())
        };
        if "kabtfg".contains(c) && alone(i.checked_sub(1)) && alone(Some(i + 1)) {
            out += prefix;
        }
        out.push(c);
    }
    out
}

/// Items for the columns of all streams.
fn base(tape: &mut Tape, scope: &[String], aggregates: bool) -> Vec<String> {
    let p = tape.below(scope.len());
    let p = &scope[p];
    let b = match aggregates {
        true => format!("{}({p}b)", tape.pick(&["sum", "avg", "max"])),
        false => format!("{p}b"),
    };
    vec![
        format!("{p}k as k"),
        format!("{p}a as a"),
        format!("{b} as b"),
        format!("{p}t as t"),
        format!("{p}f as f"),
        format!("{p}g as g"),
    ]
}

/// Up to five items of any kind.
fn own(tape: &mut Tape, scope: &[String], aggregates: bool, times: bool) -> Vec<String> {
    let count = 1 + tape.below(5);
    let item = |(i, name): (usize, &&str)| {
        let p = tape.below(scope.len());
        let p = &scope[p];
        let text = match tape.below(4) {
            0 | 1 if aggregates => aggregate(tape, p),
            0 if times => format!("eventTimestamp({})", p.trim_end_matches('.')),
            1 => format!("({p}a + {i})"),
            _ => format!("{p}{}", tape.pick(&["k", "a", "b", "t", "f", "g"])),
        };
        format!("{text} as {name}")
    };
    ["x", "y", "z", "u", "v"].iter().take(count).enumerate().map(item).collect()
}

fn section(tape: &mut Tape, scope: &[String], names: &[&str]) -> String {
    let mut text = String::new();
    if tape.chance(1, 2) {
        let p = tape.below(scope.len());
        let p = &scope[p];
        let by = tape.pick(&[&["k"][..], &["k"], &["a"], &["k", "a"], &["g"], &["f"], &["b", "k"]]);
        let by: Vec<String> = by.iter().map(|c| format!("{p}{c}")).collect();
        text += &format!(" group by {}", by.join(", "));
    }
    let name = tape.pick(names);
    match tape.below(12) {
        8 | 9 => text += &format!(" having not ({name} is null)"),
        10 => text += &format!(" order by {name} limit 2"),
        11 => text += &format!(" order by {name} desc"),
        _ => {}
    }
    text
}

type Raw = (u8, u8, u8, u8, u8, u8, u8, u8);
type Case = (Vec<Vec<u16>>, Vec<Raw>, bool, u64);

fn anything() -> impl Strategy<Value = Case> {
    (
        prop::collection::vec(prop::collection::vec(any::<u16>(), 1..50), 1..4),
        prop::collection::vec(any::<Raw>(), 0..120),
        any::<bool>(),
        any::<u64>(),
    )
}

/// What happens: many events at the same time, few values, some of them strange.
fn acts(raw: &[Raw], clock: ClockMode) -> Vec<Act> {
    let (mut acts, mut now, mut at) = (Vec::new(), 1_000_i64, 0);
    while at < raw.len() {
        let (stream, gap, .., how) = raw[at];
        now += [0, 0, 1, 0, 3, 0, 10, 1, 0, 30, 0, 110][usize::from(gap) % 12];
        if gap == 255 {
            now += 2_000;
        }
        if clock == ClockMode::Live {
            acts.push(Act::Advance(now));
        }
        let stream = ["S", "S", "S", "R", "R", "T"][usize::from(stream) % 6].to_string();
        let most = match how % 16 {
            14 => 2,
            15 => 2 + usize::from(how / 32),
            _ => 1,
        };
        let rows: Vec<_> = raw[at..].iter().take(most).map(|r| row(r, now)).collect();
        at += rows.len();
        match (rows.len(), rows.first()) {
            (1, Some((ts, row))) => acts.push(Act::Send(stream, *ts, row.clone())),
            _ => acts.push(Act::Chunk(stream, rows)),
        }
    }
    if clock == ClockMode::Live {
        acts.push(Act::Advance(now + 2_000));
    }
    acts
}

fn row((_, _, k, a, b, t, f, how): &Raw, now: i64) -> (i64, Vec<Value>) {
    let k = match k % 16 {
        0..=6 => "x".into(),
        7..=9 => "y".into(),
        10 => "a string longer than its view".into(),
        11 => "a string longer than its own view".into(),
        12 => "".into(),
        13 => "\0".into(),
        14 => "twelve bytes".into(),
        _ => Value::Null,
    };
    let a = match a % 12 {
        n @ 0..=4 => Value::Int(n.into()),
        5 => Value::Int(-1),
        6 => Value::Int(i32::MAX),
        7 => Value::Int(i32::MIN),
        8 => Value::Null,
        _ => Value::Int(1),
    };
    let b = match b % 16 {
        n @ 0..=6 => Value::Double(f64::from(n) * 0.1),
        7 => Value::Double(-2.25),
        8 => Value::Double(1e17),
        9 => Value::Null,
        10 => Value::Double(-0.0),
        11 => Value::Double(f64::NAN),
        12 => Value::Double(f64::INFINITY),
        13 => Value::Double(f64::NEG_INFINITY),
        _ => Value::Double(0.3),
    };
    let late = [0, 0, 0, 0, 0, 0, 1, -3, -20, -300][usize::from(*t) % 10];
    let t = if *t == 255 { Value::Null } else { Value::Long(now + late) };
    let (f, g) = match f % 8 {
        0 => (Value::Null, Value::Null),
        1 => (Value::Float(-0.0), Value::Bool(true)),
        2 => (Value::Float(f32::NAN), Value::Bool(false)),
        n => (Value::Float(f32::from(n) * 0.7), Value::Bool(n % 2 == 0)),
    };
    let ts = match how / 16 {
        1 => now - 5,
        2 => now - 40,
        _ => now,
    };
    (ts, vec![k, a, b, t, f, g])
}

fn clock(live: bool) -> ClockMode {
    if live { ClockMode::Live } else { ClockMode::Playback }
}

fn check((tapes, raw, live, seed): &Case) -> Option<String> {
    let apart = Way { apart: true, ..Way::PLAIN };
    let acts = acts(raw, clock(*live));
    disagreement_of(apart, &Way::fused(*seed), &app(tapes), Some(clock(*live)), &acts)
}

/// The same events, but in few runs, each of one stream, and one by one.
fn check_coded((tapes, raw, _, seed): &Case) -> Option<String> {
    let mut acts = acts(&in_runs(raw), ClockMode::Playback);
    acts.retain(|act| matches!(act, Act::Send(..)));
    let apart = Way { apart: true, ..Way::PLAIN };
    disagreement_of(apart, &Way::coded(*seed), &app(tapes), Some(ClockMode::Playback), &acts)
}

fn in_runs(raw: &[Raw]) -> Vec<Raw> {
    let one = |(i, r): (usize, &Raw)| {
        let stream = if i % 64 < 40 { 0 } else { 3 };
        (stream, r.1, r.2, r.3, r.4, r.5, r.6, r.7 & 0xf0)
    };
    raw.iter().enumerate().map(one).collect()
}

#[test]
fn operators_made_one_do_what_they_do_apart() {
    run_all(check);
}

#[test]
fn dictionaries_say_what_strings_say() {
    run_all(check_coded);
}

fn run_all(check: fn(&Case) -> Option<String>) {
    let set = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let config = Config {
        cases: set("PROPTEST_CASES").map_or(CASES, |n| n as u32),
        failure_persistence: None,
        max_shrink_iters: 3_000,
        rng_seed: RngSeed::Fixed(set("DIFFERENTIAL_SEED").unwrap_or(1)),
        ..Config::default()
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

/// Snapshots show it: an operator for two has another one than the two.
fn is_fused(text: &str) -> bool {
    let snapshot = |apart| {
        let options = AppOptions { apart, ..AppOptions::default() };
        let app = foreshock::App::from_text_with(text, options).expect("the text is valid");
        app.snapshot().expect("a new application can be saved")
    };
    snapshot(false) != snapshot(true)
}

/// Most of what is generated must be valid, and made one, or the test would say nothing.
#[test]
fn shapes_are_valid_and_mostly_fused() {
    let mut runner = TestRunner::deterministic();
    let (mut refused, mut fused, all) = (Vec::new(), 0, 300);
    for _ in 0..all {
        let tree = anything().new_tree(&mut runner).expect("a case can always be made");
        let text = app(&tree.current().0);
        match foreshock::compile(&text) {
            Ok(_) => fused += usize::from(is_fused(&text)),
            Err(found) => {
                let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
                refused.push(format!("{text}{messages:?}"));
            }
        }
    }
    let shown = refused.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(refused.len() * 20 < all, "{} of {all} refused\n{shown}", refused.len());
    assert!(fused * 2 > all, "only {fused} of {all} have an operator of their own");
}
