//! Aggregators against a slow and obvious model, and the facts of the reference one by one.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef};
use proptest::prelude::*;

use super::{AggregateInput, AggregateSpec, Aggregator, GroupReset};
use super::{and, avg, count, distinct_count, max, max_forever, min, min_forever};
use super::{or, std_dev, sum, union_set};
use crate::event::{Kind, Value};
use crate::expr::types::{AttrType, arrow_type};
use crate::state::{SnapshotReader, SnapshotWriter};

use AttrType::{Bool, Double, Float, Int, Long, Object, String};

const AGGREGATES: [&AggregateSpec; 12] = [
    &sum::SPEC,
    &avg::SPEC,
    &count::SPEC,
    &distinct_count::SPEC,
    &max::SPEC,
    &min::SPEC,
    &max_forever::SPEC,
    &min_forever::SPEC,
    &std_dev::SPEC,
    &and::SPEC,
    &or::SPEC,
    &union_set::SPEC,
];

fn spec(name: &str) -> &'static AggregateSpec {
    AGGREGATES.iter().find(|s| s.name == name).unwrap()
}

/// What happens to a group.
#[derive(Debug, Clone)]
enum Op {
    Row(Kind, u32, Value),
    Reset(u32),
}

fn add(group: u32, value: impl Into<Value>) -> Op {
    Op::Row(Kind::Current, group, value.into())
}

fn remove(group: u32, value: impl Into<Value>) -> Op {
    Op::Row(Kind::Expired, group, value.into())
}

/// Feeds `ops` as one batch; the result of every row.
fn feed(aggregator: &mut dyn Aggregator, types: &[AttrType], ops: &[Op]) -> Vec<Value> {
    let (mut groups, mut kinds, mut values, mut resets) = (vec![], vec![], vec![], vec![]);
    for op in ops {
        match op {
            Op::Row(kind, group, value) => {
                kinds.push(*kind);
                groups.push(*group);
                values.push(value.clone());
            }
            Op::Reset(group) => {
                resets.push(GroupReset { before: groups.len() as u32, group: *group });
            }
        }
    }
    let args: Vec<ArrayRef> =
        types.iter().map(|t| Value::to_array(&arrow_type(*t), values.iter())).collect();
    let all_current = kinds.iter().all(|k| *k == Kind::Current);
    let input = AggregateInput {
        args: &args,
        groups: &groups,
        kinds: (!all_current).then_some(&kinds[..]),
        resets: &resets,
    };
    let out = aggregator.update(&input).unwrap();
    assert_eq!(out.len(), groups.len());
    (0..out.len()).map(|row| Value::from_array(out.as_ref(), row)).collect()
}

fn run(name: &str, ty: AttrType, ops: &[Op]) -> Vec<Value> {
    let mut aggregator = (spec(name).create)(&[ty]);
    feed(aggregator.as_mut(), &[ty], ops)
}

fn restored(
    aggregator: &dyn Aggregator,
    spec: &AggregateSpec,
    ty: AttrType,
) -> Box<dyn Aggregator> {
    let mut w = SnapshotWriter::new();
    aggregator.snapshot(&mut w).unwrap();
    let bytes = w.finish();
    let mut fresh = (spec.create)(&[ty]);
    let mut r = SnapshotReader::new(&bytes);
    fresh.restore(&mut r).unwrap();
    assert!(r.is_empty());
    fresh
}

/// Every aggregator with every argument type it takes.
fn combinations() -> Vec<(&'static AggregateSpec, AttrType)> {
    let types = [Int, Long, Float, Double, Bool, String, Object];
    AGGREGATES
        .iter()
        .flat_map(|s| types.iter().map(move |t| (*s, *t)))
        .filter(|(s, t)| (s.returns)(&[*t]).is_ok())
        .collect()
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Int(x) => f64::from(*x),
        Value::Long(x) => *x as f64,
        Value::Float(x) => f64::from(*x),
        Value::Double(x) => *x,
        other => panic!("{other:?} is no number"),
    }
}

/// The result for the values that are in (for `forever` ones: of all values ever).
fn model(name: &str, ty: AttrType, values: &[Value]) -> Value {
    let there: Vec<&Value> = values.iter().filter(|v| **v != Value::Null).collect();
    let numbers = || there.iter().map(|v| number(v));
    let extreme = |first: bool| {
        let mut sorted = there.clone();
        sorted.sort_by(|a, b| number(a).total_cmp(&number(b)));
        let end = if first { sorted.first() } else { sorted.last() };
        end.map_or(Value::Null, |v| (*v).clone())
    };
    let text = |v: &Value| format!("{v:?}");
    let n = there.len() as f64;
    match name {
        "count" => Value::Long(values.len() as i64),
        "distinctCount" => {
            let mut all: Vec<_> = values.iter().map(text).collect();
            all.sort();
            all.dedup();
            Value::Long(all.len() as i64)
        }
        "and" => Value::Bool(!there.is_empty() && there.iter().all(|v| **v == Value::Bool(true))),
        "or" => Value::Bool(there.contains(&&Value::Bool(true))),
        "unionSet" => {
            let mut all = BTreeMap::new();
            for v in there {
                let Value::Set(items) = v else { panic!("{v:?}") };
                all.extend(items.iter().map(|i| (text(i), i.clone())));
            }
            Value::Set(all.into_values().collect())
        }
        _ if there.is_empty() => Value::Null,
        "sum" if matches!(ty, Int | Long) => Value::Long(numbers().sum::<f64>() as i64),
        "sum" => Value::Double(numbers().sum()),
        "avg" => Value::Double(numbers().sum::<f64>() / n),
        "stdDev" => {
            let mean = numbers().sum::<f64>() / n;
            Value::Double((numbers().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
        }
        "max" | "maxForever" => extreme(false),
        "min" | "minForever" => extreme(true),
        other => panic!("no model of {other}"),
    }
}

fn assert_same(name: &str, got: &Value, want: &Value) {
    match (name, got, want) {
        ("stdDev", Value::Double(a), Value::Double(b)) => {
            assert!((a - b).abs() < 1e-6, "{name}: {a} is not {b}");
        }
        // Order of appearance is no matter of the model's.
        ("unionSet", Value::Set(a), Value::Set(b)) => {
            let sorted = |s: &[Value]| {
                let mut s: Vec<_> = s.iter().map(|v| format!("{v:?}")).collect();
                s.sort();
                s
            };
            assert_eq!(sorted(a), sorted(b));
        }
        _ => assert_eq!(got, want, "{name}"),
    }
}

/// A value of type `ty` for a small number; quarters are exact in binary, so that the model may add
/// in any order.
fn value_of(ty: AttrType, x: Option<i8>) -> Value {
    let Some(x) = x else { return Value::Null };
    match ty {
        Int => Value::Int(i32::from(x)),
        Long => Value::Long(i64::from(x)),
        Float => Value::Float(f32::from(x) / 4.0),
        Double => Value::Double(f64::from(x) / 4.0),
        Bool => Value::Bool(x > -3),
        String => Value::String(format!("s{x}").into()),
        Object => Value::Set(
            (0..x.unsigned_abs() % 4).map(|i| Value::Int(i32::from(i) + i32::from(x))).collect(),
        ),
    }
}

/// A step of a random life: a row enters a group; one of its rows leaves (the oldest, or the n-th);
/// it is reset.
#[derive(Debug, Clone)]
enum Step {
    Enter(u32, Option<i8>),
    Leave(u32, usize),
    Reset(u32),
}

fn steps(leave: bool) -> impl Strategy<Value = Vec<Step>> {
    let group = 0..3u32;
    let value = proptest::option::weighted(0.85, -6..6i8);
    let step = prop_oneof![
        6 => (group.clone(), value).prop_map(|(g, v)| Step::Enter(g, v)),
        if leave { 4 } else { 0 } => (group.clone(), prop_oneof![4 => Just(0usize), 1 => 0..9usize])
            .prop_map(|(g, n)| Step::Leave(g, n)),
        1 => group.prop_map(Step::Reset),
    ];
    proptest::collection::vec(step, 1..60)
}

/// The steps as operations on values of one type, with what each row must give.
fn play(name: &str, forever: bool, ty: AttrType, steps: &[Step]) -> (Vec<Op>, Vec<Value>) {
    let mut live: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    let mut ever: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    let (mut ops, mut want) = (vec![], vec![]);
    for step in steps {
        let (kind, group, value) = match step {
            Step::Enter(g, x) => {
                let value = value_of(ty, *x);
                live.entry(*g).or_default().push(value.clone());
                ever.entry(*g).or_default().push(value.clone());
                (Kind::Current, *g, value)
            }
            Step::Leave(g, n) => {
                let rows = live.entry(*g).or_default();
                if rows.is_empty() {
                    continue;
                }
                (Kind::Expired, *g, rows.remove(n % rows.len()))
            }
            Step::Reset(g) => {
                live.remove(g);
                ops.push(Op::Reset(*g));
                continue;
            }
        };
        ops.push(Op::Row(kind, group, value));
        let rows = if forever { &ever[&group] } else { &live[&group] };
        want.push(model(name, ty, rows));
    }
    (ops, want)
}

/// Feeds in batches cut at `cuts`, restoring a snapshot at every cut if asked to.
fn feed_cut(
    spec: &AggregateSpec,
    ty: AttrType,
    ops: &[Op],
    cuts: &[usize],
    restore: bool,
) -> Vec<Value> {
    let mut aggregator = (spec.create)(&[ty]);
    let mut out = vec![];
    let mut from = 0;
    for to in cuts.iter().copied().filter(|c| *c <= ops.len()).chain([ops.len()]) {
        if to < from {
            continue;
        }
        out.extend(feed(aggregator.as_mut(), &[ty], &ops[from..to]));
        from = to;
        if restore {
            aggregator = restored(aggregator.as_ref(), spec, ty);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_aggregator_agrees_with_the_model(
        steps in steps(true),
        mut cuts in proptest::collection::vec(0..60usize, 0..6),
    ) {
        cuts.sort_unstable();
        for (spec, ty) in combinations() {
            let (ops, want) = play(spec.name, spec.forever, ty, &steps);
            let whole = feed_cut(spec, ty, &ops, &[], false);
            prop_assert_eq!(whole.len(), want.len());
            for (got, want) in whole.iter().zip(&want) {
                assert_same(spec.name, got, want);
            }
            prop_assert_eq!(&whole, &feed_cut(spec, ty, &ops, &cuts, false), "{} cut", spec.name);
            prop_assert_eq!(&whole, &feed_cut(spec, ty, &ops, &cuts, true), "{} restored", spec.name);
        }
    }

    #[test]
    fn append_only_changes_nothing_where_no_row_leaves(steps in steps(false)) {
        for (spec, ty) in combinations() {
            let (ops, want) = play(spec.name, spec.forever, ty, &steps);
            let mut aggregator = (spec.create)(&[ty]);
            aggregator.append_only();
            for (got, want) in feed(aggregator.as_mut(), &[ty], &ops).iter().zip(&want) {
                assert_same(spec.name, got, want);
            }
        }
    }

    #[test]
    fn a_forgotten_group_is_a_new_one(steps in steps(true)) {
        for (spec, ty) in combinations() {
            let (ops, _) = play(spec.name, spec.forever, ty, &steps);
            let mut aggregator = (spec.create)(&[ty]);
            let first = feed(aggregator.as_mut(), &[ty], &ops);
            (0..5).for_each(|g| aggregator.forget(g));
            prop_assert_eq!(first, feed(aggregator.as_mut(), &[ty], &ops), "{}", spec.name);
        }
    }
}

#[test]
fn long_sums_wrap_and_are_exact_where_doubles_are_not() {
    let big = (1i64 << 53) + 1;
    let ops = [add(0, i64::MAX), add(0, 1i64), remove(0, i64::MAX), add(0, big), remove(0, 1i64)];
    let want = [i64::MAX, i64::MIN, 1, big + 1, big].map(Value::Long);
    assert_eq!(run("sum", Long, &ops), want);
    let ops = [add(0, i32::MAX), add(0, i32::MAX)];
    let want = [i64::from(i32::MAX), 2 * i64::from(i32::MAX)].map(Value::Long);
    assert_eq!(run("sum", Int, &ops), want);
}

#[test]
fn double_sums_run_in_order_of_arrival_and_leave_no_residue() {
    let ops = [
        add(0, 0.1),
        add(0, 0.2),
        add(0, 1e17),
        remove(0, 0.1),
        remove(0, 0.2),
        remove(0, 1e17),
        add(0, 0.5),
    ];
    let running = 0.1 + 0.2 + 1e17;
    let want = [
        Value::Double(0.1),
        Value::Double(0.1 + 0.2),
        Value::Double(running),
        Value::Double(running - 0.1),
        Value::Double(running - 0.1 - 0.2),
        Value::Null,
        Value::Double(0.5),
    ];
    assert_eq!(run("sum", Double, &ops), want);
    let avg = run("avg", Double, &ops);
    assert_eq!(avg[2], Value::Double(running / 3.0));
    assert_eq!(avg[5..], [Value::Null, Value::Double(0.5)]);
    assert_eq!(run("stdDev", Double, &ops)[5..], [Value::Null, Value::Double(0.0)]);
}

#[test]
fn a_float_is_widened_before_it_is_added() {
    let ops = [add(0, 0.1f32), add(0, 0.1f32)];
    let want = f64::from(0.1f32) + f64::from(0.1f32);
    assert_eq!(run("sum", Float, &ops)[1], Value::Double(want));
}

#[test]
fn nulls_are_skipped_but_counted() {
    let ops = [add(0, Value::Null), add(0, 7), add(0, Value::Null), remove(0, Value::Null)];
    let null_then = |v: Value| vec![Value::Null, v.clone(), v.clone(), v];
    assert_eq!(run("sum", Int, &ops), null_then(Value::Long(7)));
    assert_eq!(run("avg", Int, &ops), null_then(Value::Double(7.0)));
    assert_eq!(run("max", Int, &ops), null_then(Value::Int(7)));
    assert_eq!(run("minForever", Int, &ops), null_then(Value::Int(7)));
    assert_eq!(run("stdDev", Int, &ops), null_then(Value::Double(0.0)));
    assert_eq!(run("count", Int, &ops), [1, 2, 3, 2].map(Value::Long));
    assert_eq!(run("distinctCount", Int, &ops), [1, 2, 2, 2].map(Value::Long));
    let ops = [add(0, Value::Null), add(0, true), add(0, Value::Null), add(0, false)];
    assert_eq!(run("and", Bool, &ops), [false, true, true, false].map(Value::Bool));
    assert_eq!(run("or", Bool, &ops), [false, true, true, true].map(Value::Bool));
}

#[test]
fn count_takes_no_argument_or_many() {
    for types in [&[][..], &[Int, Int]] {
        let mut count = (spec("count").create)(types);
        let ops = [add(0, 1), add(0, 2), remove(0, 1), Op::Reset(0), add(0, 1)];
        assert_eq!(feed(count.as_mut(), types, &ops), [1, 2, 1, 1].map(Value::Long));
    }
}

/// Stock Siddhi loses the younger 5 together with the older one here, and then answers 2.
#[test]
fn an_equal_value_that_is_still_in_counts() {
    let ops = [add(0, 5), add(0, 7), add(0, 5), remove(0, 5), add(0, 1), remove(0, 7), add(0, 2)];
    assert_eq!(run("max", Int, &ops), [5, 7, 7, 7, 7, 5, 5].map(Value::Int));
}

#[test]
fn nan_never_wins_and_signs_of_zero_are_kept() {
    let ops = [add(0, f64::NAN), add(0, 1.0), add(0, -0.0), remove(0, f64::NAN), remove(0, 1.0)];
    for name in ["max", "min"] {
        let got = run(name, Double, &ops);
        assert!(matches!(got[0], Value::Double(x) if x.is_nan()), "{name}: {got:?}");
        assert_eq!(got[1], Value::Double(1.0), "{name}");
        assert!(matches!(got[4], Value::Double(x) if x == 0.0 && x.is_sign_negative()), "{name}");
    }
    let ops = [f64::NEG_INFINITY, -1.5, f64::INFINITY].map(|x| add(0, x));
    assert_eq!(run("max", Double, &ops)[2], Value::Double(f64::INFINITY));
    assert_eq!(run("min", Double, &ops)[2], Value::Double(f64::NEG_INFINITY));
    let ops = [-2.5f32, f32::NEG_INFINITY, 2.5].map(|x| add(0, x));
    assert_eq!(run("minForever", Float, &ops)[2], Value::Float(f32::NEG_INFINITY));
}

#[test]
fn forever_survives_leaving_rows_and_resets() {
    let ops = [add(0, 5), remove(0, 9), Op::Reset(0), add(0, 1), add(1, 2)];
    assert_eq!(run("maxForever", Int, &ops), [5, 9, 9, 2].map(Value::Int));
    assert_eq!(run("minForever", Int, &ops), [5, 5, 1, 2].map(Value::Int));
}

/// A named window with `output expired events` only tells of rows that leave.
#[test]
fn rows_that_leave_without_having_entered_do_no_harm() {
    let ops = [remove(0, 3), remove(0, 4), add(0, 5)];
    assert_eq!(run("count", Int, &ops), [-1, -2, -1].map(Value::Long));
    assert_eq!(run("sum", Int, &ops), [-3, -7, -2].map(Value::Long));
    assert_eq!(run("distinctCount", Int, &ops), [0, 0, 1].map(Value::Long));
    assert_eq!(run("max", Int, &ops), [Value::Null, Value::Null, Value::Int(5)]);
    let set = |x: i32| Value::Set(vec![Value::Int(x)]);
    assert_eq!(run("unionSet", Object, &[remove(0, set(3)), add(0, set(3))])[1], set(3));
}

#[test]
fn sets_keep_the_order_of_appearance() {
    let set = |items: &[i32]| Value::Set(items.iter().map(|x| Value::Int(*x)).collect());
    let ops = [
        add(0, set(&[3, 1])),
        add(0, set(&[1, 2])),
        remove(0, set(&[3, 1])),
        add(0, set(&[3])),
        add(0, Value::Null),
        remove(0, set(&[1, 2])),
        remove(0, set(&[3])),
    ];
    let want = [&[3, 1][..], &[3, 1, 2], &[1, 2], &[1, 2, 3], &[1, 2, 3], &[3], &[]].map(set);
    assert_eq!(run("unionSet", Object, &ops), want);
}

#[test]
fn what_the_specs_refuse() {
    let refused = |name: &str, types: &[AttrType]| (spec(name).returns)(types).unwrap_err();
    assert_eq!(refused("sum", &[String]), "`sum` takes an int, long, float or double, not string");
    assert_eq!(refused("avg", &[]), "`avg` takes exactly one argument, not 0");
    assert_eq!(refused("max", &[Int, Int]), "`max` takes exactly one argument, not 2");
    assert_eq!(refused("and", &[Int]), "`and` takes a bool, not int");
    assert_eq!(refused("unionSet", &[String]), "`unionSet` takes a set (an object), not string");
    assert_eq!((spec("sum").returns)(&[Float]), Ok(Double));
    assert_eq!((spec("sum").returns)(&[Int]), Ok(Long));
    assert_eq!((spec("minForever").returns)(&[Float]), Ok(Float));
    assert_eq!((spec("count").returns)(&[String, Bool]), Ok(Long));
}

#[test]
fn specs_describe_themselves() {
    for s in AGGREGATES {
        assert!(s.doc.ends_with('.') && s.signature.starts_with(s.name), "{}", s.name);
        assert!(s.example.contains(&format!("{}(", s.name)), "{}", s.name);
    }
}
