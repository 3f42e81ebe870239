//! Random patterns over random rows, against the slow model.

use foreshock::event::Value;
use proptest::prelude::*;

use crate::harness::{In, Query, query, show};
use crate::model::{Absent, Cond, Ev, Index, Op, Pattern, Side, State, run};

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![Just(Op::Eq), Just(Op::Ne), Just(Op::Lt), Just(Op::Ge)]
}

fn index() -> impl Strategy<Value = Index> {
    prop_oneof![
        3 => Just(Index::None),
        1 => (0..3usize).prop_map(Index::At),
        1 => (0..3usize).prop_map(Index::Last),
    ]
}

/// A conjunct; sides are taken modulo their number later.
fn cond() -> impl Strategy<Value = Cond> {
    prop_oneof![
        3 => (op(), 0..5i32).prop_map(|(o, c)| Cond::Const(o, c)),
        3 => (0..6usize, index()).prop_map(|(j, i)| Cond::SameKey(j, i)),
        2 => (op(), 0..6usize, index()).prop_map(|(o, j, i)| Cond::Other(o, j, i)),
        1 => (op(), 0..6usize, index()).prop_map(|(o, j, i)| Cond::NullOr(o, j, i)),
        1 => (0..6usize).prop_map(Cond::Missing),
    ]
}

fn side() -> impl Strategy<Value = Side> {
    let conds = prop::collection::vec(cond(), 0..3);
    let stream = prop_oneof![3 => Just(0usize), 2 => Just(1usize), 1 => Just(2usize)];
    (stream, conds).prop_map(|(stream, conds)| Side { stream, conds, absent: None })
}

/// A side of which no event may come.
fn absent() -> impl Strategy<Value = Side> {
    (side(), 50..600i64).prop_map(|(s, time)| Side { absent: Some(Absent::For(time)), ..s })
}

/// A state with an absent side.
fn quiet() -> impl Strategy<Value = State> {
    prop_oneof![
        4 => absent().prop_map(State::Not),
        1 => (absent(), side()).prop_map(|(a, b)| State::And(a, b)),
        1 => (side(), absent()).prop_map(|(a, b)| State::And(a, b)),
        1 => (absent(), absent()).prop_map(|(a, b)| State::And(a, b)),
        1 => (absent(), side()).prop_map(|(a, b)| State::Or(a, b)),
        1 => (side(), absent()).prop_map(|(a, b)| State::Or(a, b)),
        1 => (absent(), absent()).prop_map(|(a, b)| State::Or(a, b)),
        2 => (side(), side(), any::<bool>()).prop_map(|(a, b, left)| {
            let meanwhile = |s| Side { absent: Some(Absent::Meanwhile), ..s };
            if left { State::And(meanwhile(a), b) } else { State::And(a, meanwhile(b)) }
        }),
    ]
}

/// A state of events that come.
fn state() -> impl Strategy<Value = State> {
    let count = (side(), 0..3usize, prop_oneof![Just(None), (1..3usize).prop_map(Some)]);
    prop_oneof![
        5 => side().prop_map(State::One),
        3 => count.prop_map(|(s, min, more)| State::Count(s, min, more.map(|m| min.max(m)))),
        1 => (side(), side()).prop_map(|(a, b)| State::And(a, b)),
        1 => (side(), side()).prop_map(|(a, b)| State::Or(a, b)),
    ]
}

/// Patterns of such states.
fn pattern<S: Strategy<Value = State>>(state: S) -> impl Strategy<Value = Pattern> {
    let groups = prop::collection::vec((0..2usize, 1..3usize), 0..3);
    (
        any::<bool>(),
        prop::collection::vec(state, 1..5),
        groups,
        prop::option::of(100..1500i64),
        prop::bool::weighted(0.3),
    )
        .prop_map(|(sequence, states, groups, within, partitioned)| {
            // One element alone is a pattern.
            let sequence = sequence && states.len() > 1;
            let mut p = Pattern { sequence, states, groups: vec![], within, partitioned };
            if (0..p.states.len()).all(|s| p.optional(s))
                && let State::Count(_, min, _) = &mut p.states[0]
            {
                *min = 1;
            }
            let mut next = 0;
            for (gap, len) in groups {
                let first = next + gap;
                if first < p.states.len() && !sequence {
                    let last = (first + len - 1).min(p.states.len() - 1);
                    p.groups.push((first, last));
                    next = last + 1;
                } else if sequence && gap == 0 && p.groups.is_empty() {
                    p.groups.push((0, 0));
                }
            }
            make_sound(&mut p);
            p
        })
}

/// Makes the pattern one that is accepted: filters read no event that comes later, or never (the other
/// side of `and`, `or` they can), and a sequence does not begin with what may be skipped before quiet.
fn make_sound(p: &mut Pattern) {
    let begins = (0..p.states.len()).find(|s| !p.optional(*s)).unwrap_or(0);
    if p.sequence
        && p.watches(begins)
        && begins > 0
        && let State::Count(_, min, _) = &mut p.states[0]
    {
        *min = 1;
    }
    // An attempt that is too old can still stand in the way of one without events: rare, and not modelled.
    if p.sequence && p.clocked() {
        p.within = None;
    }
    if p.states.len() > 1 && p.states.iter().all(|s| matches!(s, State::Not(_))) {
        let State::Not(Side { stream, conds, .. }) = p.states[0].clone() else { unreachable!() };
        p.states[0] = State::One(Side { stream, conds, absent: None });
    }
    let absent: Vec<bool> = p.sides().iter().map(|(_, s)| s.absent.is_some()).collect();
    let mut sides = 0;
    for s in &mut p.states {
        let both: Vec<&mut Side> = match s {
            State::One(a) | State::Not(a) | State::Count(a, ..) => vec![a],
            State::And(a, b) | State::Or(a, b) => vec![a, b],
        };
        sides += both.len();
        for c in both.into_iter().flat_map(|s| &mut s.conds) {
            let read = match c {
                Cond::Const(..) => continue,
                Cond::SameKey(j, _)
                | Cond::Other(_, j, _)
                | Cond::NullOr(_, j, _)
                | Cond::Missing(j) => j,
            };
            *read %= sides;
            if absent[*read] {
                *c = Cond::Const(Op::Ne, 2);
            }
        }
    }
}

fn row() -> impl Strategy<Value = (Ev, i64)> {
    let null = |s: std::ops::Range<i32>| prop::option::weighted(0.93, s);
    let stream = prop_oneof![6 => Just(0usize), 4 => Just(1), 2 => Just(2), 1 => Just(3)];
    (stream, 0..2i32, null(0..2), null(0..5), prop_oneof![Just(0i64), 1..300i64])
        .prop_map(|(stream, part, k, v, dt)| (Ev { number: 0, stream, part, k, v, ts: 0 }, dt))
}

fn rows() -> impl Strategy<Value = Vec<Ev>> {
    prop::collection::vec(row(), 1..60).prop_map(|list| {
        let mut ts = 0;
        list.into_iter()
            .enumerate()
            .map(|(number, (e, dt))| {
                ts += dt;
                Ev { number, ts, ..e }
            })
            .collect()
    })
}

fn op_text(o: Op) -> &'static str {
    match o {
        Op::Eq => "==",
        Op::Ne => "!=",
        Op::Lt => "<",
        Op::Ge => ">=",
    }
}

fn event_text(j: usize, i: Index) -> String {
    match i {
        Index::None => format!("e{j}"),
        Index::At(i) => format!("e{j}[{i}]"),
        Index::Last(0) => format!("e{j}[last]"),
        Index::Last(i) => format!("e{j}[last-{i}]"),
    }
}

fn cond_text(c: &Cond) -> String {
    match c {
        Cond::Const(o, c) => format!("v {} {c}", op_text(*o)),
        Cond::SameKey(j, i) => format!("k == {}.k", event_text(*j, *i)),
        Cond::Other(o, j, i) => format!("v {} {}.v", op_text(*o), event_text(*j, *i)),
        Cond::NullOr(o, j, i) => {
            let e = event_text(*j, *i);
            format!("({e}.v is null or v {} {e}.v)", op_text(*o))
        }
        Cond::Missing(j) => format!("e{j} is null"),
    }
}

fn side_text(number: usize, s: &Side) -> String {
    let conds: Vec<String> = s.conds.iter().map(cond_text).collect();
    let filter =
        if conds.is_empty() { String::new() } else { format!("[{}]", conds.join(" and ")) };
    match s.absent {
        None => format!("e{number}=S{}{filter}", s.stream),
        Some(Absent::Meanwhile) => format!("not S{}{filter}", s.stream),
        Some(Absent::For(ms)) => format!("not S{}{filter} for {ms} milliseconds", s.stream),
    }
}

/// The pattern as an application.
fn text(p: &Pattern) -> String {
    let mut number = 0;
    let mut next = |s: &Side| {
        number += 1;
        side_text(number - 1, s)
    };
    let mut parts: Vec<String> = p
        .states
        .iter()
        .map(|s| match s {
            State::One(a) | State::Not(a) => next(a),
            State::Count(a, min, max) => {
                format!("{}<{min}:{}>", next(a), max.map_or(String::new(), |m| m.to_string()))
            }
            State::And(a, b) => format!("{} and {}", next(a), next(b)),
            State::Or(a, b) => format!("{} or {}", next(a), next(b)),
        })
        .collect();
    for (first, last) in &p.groups {
        parts[*first].insert_str(0, if p.sequence { "every " } else { "every (" });
        if !p.sequence {
            parts[*last].push(')');
        }
    }
    let chain = parts.join(if p.sequence { ", " } else { " -> " });
    let within = p.within.map_or(String::new(), |w| format!(" within {w} milliseconds"));
    let present = |s: &usize| p.sides()[*s].1.absent.is_none();
    let items: Vec<String> = (0..p.sides().len())
        .filter(present)
        .flat_map(|s| {
            let mut list = vec![format!("e{s}.v")];
            if p.is_count(s) {
                list.extend(["[0]", "[1]", "[last]"].map(|i| format!("e{s}{i}.v")));
            }
            list
        })
        .enumerate()
        .map(|(i, e)| format!("{e} as c{i}"))
        .chain(["1 as one".to_string()])
        .collect();
    let streams: String =
        (0..4).map(|s| format!("define stream S{s} (p int, k int, v int);\n")).collect();
    let query = format!("from {chain}{within} select {} insert into Out;", items.join(", "));
    if p.partitioned {
        let keys: Vec<String> = (0..4).map(|s| format!("p of S{s}")).collect();
        format!("{streams}partition with ({}) begin {query} end;", keys.join(", "))
    } else {
        format!("{streams}{query}")
    }
}

/// A match: the row that completed it or came behind, the time of the timer that did, what is selected.
type Shown = (usize, Option<i64>, Vec<String>);

/// The matches of the model as the query selects them.
fn expected(p: &Pattern, rows: &[Ev]) -> Vec<Shown> {
    let number = |v: Option<i32>| v.map_or("null".to_string(), |v| v.to_string());
    run(p, rows)
        .into_iter()
        .map(|(by, due, events)| {
            let present = |(s, _): &(usize, &Vec<Ev>)| p.sides()[*s].1.absent.is_none();
            let values = events.iter().enumerate().filter(present).flat_map(|(s, list)| {
                let at = |e: Option<&Ev>| number(e.and_then(|e| e.v));
                if !p.is_count(s) {
                    return vec![at(list.first())];
                }
                let all: Vec<String> = list.iter().map(|e| number(e.v)).collect();
                vec![
                    format!("[{}]", all.join(" ")),
                    at(list.first()),
                    at(list.get(1)),
                    at(list.last()),
                ]
            });
            (by, due, values.chain(["1".to_string()]).collect())
        })
        .collect()
}

fn input(e: &Ev) -> In {
    let values = vec![Value::Int(e.part), e.k.into(), e.v.into()];
    In { stream: e.stream, ts: e.ts, values }
}

fn got(q: &Query, rows: &[Ev], cuts: &[usize], restore: bool) -> Vec<Shown> {
    let rows: Vec<In> = rows.iter().map(input).collect();
    q.run(&rows, cuts, |_| restore)
        .into_iter()
        .map(|m| (m.by, m.timer.then_some(m.ts), m.values.iter().map(show).collect()))
        .collect()
}

/// The model has no word on the order of matches that different timers complete at the same time.
fn by_time(mut matches: Vec<Shown>) -> Vec<Shown> {
    for same in matches.chunk_by_mut(|a, b| a.1.is_some() && (a.0, a.1) == (b.0, b.1)) {
        if same[0].1.is_some() {
            same.sort();
        }
    }
    matches
}

/// What the automaton makes of `rows`, whole and cut at `cuts`, is what the model says.
fn compare(p: &Pattern, rows: &[Ev], cuts: &[usize], restore: bool) -> Result<(), TestCaseError> {
    let app = text(p);
    let q = query(&app).map_err(|d| TestCaseError::fail(format!("{app}\n{d:#?}")))?;
    let expected = expected(p, rows);
    let cuts: Vec<usize> = cuts.iter().copied().filter(|c| *c < rows.len()).collect();
    let mut outputs = vec![];
    for (cuts, restore) in [(&cuts, restore), (&vec![], false)] {
        let got = got(&q, rows, cuts, restore);
        prop_assert_eq!(&by_time(got.clone()), &by_time(expected.clone()), "{}", app);
        outputs.push(got);
    }
    prop_assert_eq!(&outputs[0], &outputs[1], "{}", app);
    Ok(())
}

proptest! {
    // More: PROPTEST_CASES=30000.
    #[test]
    fn random_patterns_match_as_the_model_says(
        p in pattern(state()),
        rows in rows(),
        cuts in prop::collection::btree_set(0..60usize, 0..8),
        restore in any::<bool>(),
    ) {
        compare(&p, &rows, &cuts.into_iter().collect::<Vec<_>>(), restore)?;
    }

    #[test]
    fn random_patterns_with_absent_streams_match_as_the_model_says(
        p in pattern(prop_oneof![1 => quiet(), 1 => state()]),
        rows in rows(),
        cuts in prop::collection::btree_set(0..60usize, 0..8),
        restore in any::<bool>(),
    ) {
        compare(&p, &rows, &cuts.into_iter().collect::<Vec<_>>(), restore)?;
    }
}

/// Writes random cases and what the model says of them to the file `FORESHOCK_PATTERN_DUMP` names.
#[test]
#[ignore = "only to compare with the real Siddhi"]
fn dump() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{RngSeed, TestRunner};
    use std::fmt::Write;
    let path = std::env::var("FORESHOCK_PATTERN_DUMP").unwrap();
    let number = |n: &str, d| std::env::var(n).map_or(d, |v| v.parse().unwrap());
    let (n, seed) = (number("CASES", 1000), number("SEED", 1));
    let config = ProptestConfig { rng_seed: RngSeed::Fixed(seed), ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let (mut cases, mut model) = (String::new(), String::new());
    for _ in 0..n {
        let (p, rows) = (pattern(state()), rows()).new_tree(&mut runner).unwrap().current();
        writeln!(cases, "app\t{}", text(&p).replace('\n', " ")).unwrap();
        for e in &rows {
            let show = |v: Option<i32>| v.map_or("null".into(), |v| v.to_string());
            let Ev { stream, ts, part, .. } = e;
            let (k, v) = (show(e.k), show(e.v));
            writeln!(cases, "row\tS{stream}\t{}\t{part}\t{k}\t{v}", ts + 1000).unwrap();
        }
        cases.push_str("end\n");
        model.push_str("case\n");
        for (by, _, values) in expected(&p, &rows) {
            writeln!(model, "{by}\t{}", values.join("|")).unwrap();
        }
    }
    std::fs::write(&path, cases).unwrap();
    std::fs::write(format!("{path}.model"), model).unwrap();
}
