//! `expression` and `expressionBatch` against slow models, and the conditions themselves. (They stand
//! here because conditions are made of what lies above the windows: parser, binder, aggregators.)

use proptest::prelude::*;

use crate::aggregate::{self, AggregateSpec};
use crate::event::{Kind, Value};
use crate::expr::types::AttrType;
use crate::plan::held::prepare;
use crate::window::tests::harness::{RowIn, Run, call, parse, schema, show};
use crate::window::tests::model::{Emit, Model};
use crate::window::tests::properties::{check, few};
use crate::window::{RunningSpec, WindowCall};

/// A call with its condition compiled, as the plan does it.
fn prepared(text: &str) -> WindowCall {
    let mut call = call(text);
    (call.spec.check)(&call.args, call.span).expect("good arguments");
    prepare(call.spec.reads, &mut call.args, &schema(), call.span).expect("a good condition");
    call
}

/// Conditions whose truth is plain to see.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Test {
    Count(i64),
    Span(i64),
    Sum(i64),
    Largest(i64),
    Own(i64),
}

impl Test {
    fn text(self) -> String {
        match self {
            Test::Count(n) => format!("count() <= {n}"),
            Test::Span(n) => format!("eventTimestamp(last) - eventTimestamp(first) < {n}"),
            Test::Sum(n) => format!("not(sum(g) >= {n}L)"),
            Test::Largest(n) => format!("max(g) - first.g <= {n}"),
            Test::Own(n) => format!("g < {n}L"),
        }
    }

    /// Whether it holds for these rows once `row` entered or left.
    fn holds(self, held: &[RowIn], row: &RowIn, first: &RowIn, last: &RowIn) -> bool {
        let values: Vec<i64> = held.iter().filter_map(|r| r.g).collect();
        match self {
            Test::Count(n) => held.len() as i64 <= n,
            Test::Span(n) => last.ts - first.ts < n,
            Test::Sum(n) => values.is_empty() || values.iter().sum::<i64>() < n,
            Test::Largest(n) => {
                first.g.zip(values.iter().max()).is_some_and(|(first, max)| max - first <= n)
            }
            Test::Own(n) => row.g.is_some_and(|g| g < n),
        }
    }
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        (-1i64..5).prop_map(Test::Count),
        (-5i64..60).prop_map(Test::Span),
        (-2i64..12).prop_map(Test::Sum),
        (-1i64..4).prop_map(Test::Largest),
        (-1i64..4).prop_map(Test::Own),
    ]
}

/// The condition of each row: always the same, or by its `x`.
#[derive(Debug, Clone)]
enum By {
    Same(Test),
    X(Vec<(String, Test)>),
}

impl By {
    fn of(&self, r: &RowIn) -> Option<Test> {
        match self {
            By::Same(test) => Some(*test),
            By::X(tests) => tests.iter().find(|(text, _)| *text == r.x).map(|(_, test)| *test),
        }
    }
}

#[derive(Default)]
struct Sliding {
    held: Vec<RowIn>,
    test: Option<Test>,
}

impl Sliding {
    fn enter(&mut self, r: &RowIn, test: Test, out: &mut Emit<'_>) {
        self.held.push(r.clone());
        let mut holds = test.holds(&self.held, r, &self.held[0], r);
        while !holds && !self.held.is_empty() {
            let gone = self.held.remove(0);
            out.expire(&gone);
            holds = test.holds(&self.held, &gone, self.held.first().unwrap_or(&gone), r);
        }
    }
}

impl Model for Sliding {
    type Params = By;
    fn chunk(&mut self, by: &By, rows: &[RowIn], out: &mut Emit<'_>) {
        for r in rows {
            let Some(test) = by.of(r) else { continue };
            if self.test.replace(test) != Some(test) {
                let old = std::mem::take(&mut self.held);
                old.iter().for_each(|o| self.enter(o, test, out));
            }
            self.enter(r, test, out);
            out.current(r);
        }
    }
}

#[derive(Default)]
struct Batch {
    open: Vec<RowIn>,
    sent: Vec<RowIn>,
    test: Option<Test>,
}

struct BatchParams {
    by: By,
    /// Whether the row that ends a batch belongs to it: always, or if its `t` is even.
    include: bool,
    stream: bool,
}

impl Batch {
    /// Whether the row ends the batch: then the batch, unless the row is alone.
    fn ends(&self, r: &RowIn, test: Test) -> bool {
        let mut all = self.open.clone();
        all.push(r.clone());
        !test.holds(&all, r, &all[0], r)
    }

    fn collect(&mut self, r: &RowIn, test: Test, p: &BatchParams, out: &mut Emit<'_>) {
        if !self.ends(r, test) {
            self.open.push(r.clone());
            return;
        }
        let at = out.at;
        if out.expired {
            self.sent.iter().for_each(|r| out.expire(r));
        }
        self.sent = std::mem::take(&mut self.open);
        self.sent.iter().for_each(|r| out.current_as(r, at));
        if self.sent.is_empty() {
            if out.expired {
                out.expire(r);
            }
            out.current_as(r, at);
        } else if p.include {
            out.current(r);
            self.sent.push(r.clone());
        } else {
            self.open.push(r.clone());
        }
        out.end();
    }

    /// `again`: the row had entered when the condition was another.
    fn pass(&mut self, r: &RowIn, test: Test, p: &BatchParams, again: bool, out: &mut Emit<'_>) {
        let at = out.at;
        if !self.ends(r, test) {
            self.open.push(r.clone());
            if !again {
                out.current(r);
            }
        } else if self.open.is_empty() {
            if out.expired {
                out.expire_as(r, if again { r.ts } else { at });
            }
            if !again {
                out.current_as(r, at);
            }
        } else {
            if p.include && !again {
                out.current(r);
            }
            let over = std::mem::take(&mut self.open);
            if out.expired {
                over.iter().for_each(|r| out.expire(r));
            }
            if p.include {
                if out.expired {
                    out.expire_as(r, if again { r.ts } else { at });
                }
            } else {
                self.open.push(r.clone());
                if !again {
                    out.current(r);
                }
            }
        }
        if !again {
            out.end();
        }
    }
}

impl Model for Batch {
    type Params = BatchParams;
    fn chunk(&mut self, p: &BatchParams, rows: &[RowIn], out: &mut Emit<'_>) {
        for r in rows {
            let Some(test) = p.by.of(r) else { continue };
            if self.test.replace(test) != Some(test) {
                let old = std::mem::take(&mut self.open);
                for o in &old {
                    if p.stream {
                        self.pass(o, test, p, true, out);
                    } else {
                        self.collect(o, test, p, out);
                    }
                }
            }
            if p.stream {
                self.pass(r, test, p, false, out);
            } else {
                self.collect(r, test, p, out);
            }
        }
    }
}

type Script = (Vec<crate::window::tests::harness::Cause>, Vec<bool>, i64);

/// Writes conditions into `x`; every fourth text is none.
fn with_texts((mut causes, cuts, end): Script, tests: [Test; 3]) -> (Script, By) {
    let rows = causes.iter_mut().flat_map(|c| &mut c.chunks).flatten();
    for (n, r) in rows.enumerate() {
        let i = "abc".find(&r.x).unwrap_or(0);
        r.x = if n % 7 == 6 { "count(".into() } else { tests[i].text() };
    }
    let by = By::X(tests.map(|t| (t.text(), t)).into());
    ((causes, cuts, end), by)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn expression(test in test(), s in few(3)) {
        let call = prepared(&format!("expression('{}')", test.text()));
        check::<Sliding>(&call, &By::Same(test), 3, s)?;
    }

    #[test]
    fn expression_of_an_attribute(a in test(), b in test(), c in test(), s in few(2)) {
        let (s, by) = with_texts(s, [a, b, c]);
        check::<Sliding>(&prepared("expression(x)"), &by, 2, s)?;
    }

    #[test]
    fn expression_batch(test in test(), include: bool, stream: bool, s in few(3)) {
        let call = prepared(&format!("expressionBatch('{}', {include}, {stream})", test.text()));
        check::<Batch>(&call, &BatchParams { by: By::Same(test), include, stream }, 3, s)?;
    }

    #[test]
    fn expression_batch_of_an_attribute(
        tests in [test(), test(), test()], include: bool, stream: bool, s in few(2),
    ) {
        let (s, by) = with_texts(s, tests);
        let call = prepared(&format!("expressionBatch(x, {include}, {stream})"));
        check::<Batch>(&call, &BatchParams { by, include, stream }, 2, s)?;
    }

    /// Row by row gives what a batch gives, with and without the short way.
    #[test]
    fn aggregators_step_as_they_update(rows in prop::collection::vec(
        (prop::option::of(-3i32..4), 0u32..3, prop::bool::weighted(0.7)), 0..40,
    )) {
        for spec in SPECS {
            let mut live: Vec<(Option<i32>, u32)> = vec![];
            let mut running = spec.start(&[AttrType::Int]);
            let mut batch = (spec.create)(&[AttrType::Int]);
            for (value, key, enters) in &rows {
                // What leaves is the oldest row of the key.
                let oldest = live.iter().position(|l| l.1 == *key);
                let (value, kind) = match oldest {
                    Some(at) if !enters => (live.remove(at).0, Kind::Expired),
                    _ => {
                        live.push((*value, *key));
                        (*value, Kind::Current)
                    }
                };
                let value = Value::from(value);
                let args = [Value::to_array(&arrow::datatypes::DataType::Int32, [&value].into_iter())];
                let input = aggregate::AggregateInput {
                    args: &args, groups: &[*key], kinds: Some(&[kind]), resets: &[],
                };
                let expected = Value::from_array(batch.update(&input).unwrap().as_ref(), 0);
                prop_assert_eq!(running.step(&[value], *key, kind), expected, "{}", spec.name);
            }
        }
    }
}

const SPECS: [&AggregateSpec; 7] = [
    &aggregate::sum::SPEC,
    &aggregate::avg::SPEC,
    &aggregate::count::SPEC,
    &aggregate::distinct_count::SPEC,
    &aggregate::max::SPEC,
    &aggregate::min_forever::SPEC,
    &aggregate::std_dev::SPEC,
];

/// Runs a script whole, cause by cause and saved in between.
#[track_caller]
fn expect(text: &str, input: &str, expected: &str) {
    let call = prepared(text);
    let causes = parse(input);
    let every = vec![true; causes.len()];
    for (cuts, restore) in [(&vec![], false), (&every, false), (&every, true)] {
        let run = Run { call: &call, expired: true, keyed: input.contains('/'), cuts, restore };
        let got = show(&run.of(&causes, 999));
        let lines = |t: &str| -> Vec<String> {
            t.lines().map(|l| l.trim().to_string()).filter(|l| !l.is_empty()).collect()
        };
        assert_eq!(lines(&got), lines(expected), "{text}");
    }
}

#[test]
fn rows_leave_until_the_condition_holds() {
    expect(
        "expression('count() <= 2')",
        "10: a \n 20: b \n 30: c d",
        "
        10: C a
        20: C b
        30: E a C c E b C d",
    );
    expect(
        "expression('sum(t) < 10')",
        "10: a=5 \n 20: b=3 \n 30: c=4 \n 40: d=12 \n 50: e=1",
        "
        10: C a=5
        20: C b=3
        30: E a=5 C c=4
        40: E b=3 E c=4 E d=12 C d=12
        50: C e=1",
    );
}

#[test]
fn a_row_that_breaks_the_condition_opens_the_next_batch_or_ends_this_one() {
    let input = "10: a \n 20: b \n 30: c \n 40: d \n 50: e";
    expect(
        "expressionBatch('count() <= 2')",
        input,
        "
        30: C a C b
        50: E a E b C c C d",
    );
    expect("expressionBatch('count() <= 2', true)", input, "30: C a C b C c");
    expect(
        "expressionBatch('count() <= 2', false, true)",
        input,
        "
        10: C a
        20: C b
        30: E a E b C c
        40: C d
        50: E c E d C e",
    );
    expect(
        "expressionBatch('count() <= 2', true, true)",
        input,
        "
        10: C a
        20: C b
        30: C c E a E b E c
        40: C d
        50: C e",
    );
}

#[test]
fn partition_keys_have_their_own_aggregates() {
    expect(
        "expression('count() <= 1')",
        "10: a/1 b/2 \n 20: c/1 \n 30: d/0",
        "
        10: C a/1
        10: C b/2
        20: E a/1 C c/1
        30: C d",
    );
}

#[test]
fn conditions_are_refused_where_they_are_wrong() {
    let refused = |text: &str| {
        let mut call = call(&format!("expression('{text}')"));
        let found = prepare(call.spec.reads, &mut call.args, &schema(), call.span).unwrap_err();
        found[0].message.clone()
    };
    for (text, part) in [
        ("count(", "in the window's expression: "),
        ("eventTimestamp(last)", "a window's expression must be a bool"),
        ("nope > 3", "a row of the window has no attribute `nope`"),
        ("last.nope > 3", "a row of the window has no attribute `nope`"),
        ("second.t > 3", "`second` is not a row of the window"),
        ("eventTimestamp(second) > 3", "`second` is not a row of the window"),
        ("sum(x) > 3", "takes an int, long, float or double"),
        ("sum(last.t) > 3", "an aggregator sees one row after the other"),
        ("sum(max(t)) > 3", "can't stand in another"),
        ("last[1].t > 3", "an index in brackets"),
    ] {
        let message = refused(text);
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn texts_that_are_no_conditions_are_not_compiled_again_and_unused_ones_are_dropped() {
    let mut text = String::new();
    for i in 0..50 {
        // One row each of a condition used once, one used always, and none.
        text += &format!("{i}: count()<{}/1 count()<3/2 nonsense({i}/3\n", i + 1);
    }
    let call = prepared("expression(x)");
    let causes = parse(&text);
    let cuts = vec![true; causes.len()];
    let run = Run { call: &call, expired: true, keyed: true, cuts: &cuts, restore: true };
    let mut sizes = vec![];
    run.watch(&causes, 99, |w| {
        let mut writer = crate::state::SnapshotWriter::new();
        w.snapshot(&mut writer).unwrap();
        sizes.push(writer.finish().len());
    });
    // Key 1 holds one row more every time (its condition allows it), and nothing else grows.
    let growth = sizes[49] - sizes[29];
    assert!(growth < 20 * 100, "{growth} bytes in 20 rows");
}
