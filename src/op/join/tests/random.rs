//! Random joins over random arrivals, against the model, at random cuts, with restarts anywhere.

use proptest::prelude::*;

use super::model::{Model, Shape, Win};
use super::*;

fn window() -> impl Strategy<Value = Win> {
    prop_oneof![
        1 => Just(Win::None),
        4 => (0usize..4).prop_map(Win::Length),
        4 => (1i64..40).prop_map(Win::Time),
        2 => (0usize..4, any::<bool>()).prop_map(|(n, stream)| Win::Batch(n, stream)),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    let kind = prop_oneof![
        Just(JoinKind::Inner),
        Just(JoinKind::Left),
        Just(JoinKind::Right),
        Just(JoinKind::Full)
    ];
    let triggers =
        prop_oneof![3 => Just([true, true]), 1 => Just([true, false]), 1 => Just([false, true])];
    let flags = (
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.4),
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.2),
    );
    ([window(), window()], kind, triggers, flags).prop_map(
        |(windows, kind, triggers, (equal, greater, expired, aggregates, keyed, s, r))| Shape {
            windows,
            kind,
            triggers,
            equal,
            greater,
            expired,
            aggregates,
            keyed,
            self_join: s,
            right_first: r && !s,
        },
    )
}

/// Types of the keys left and right, and values in them that may be equal.
#[derive(Debug, Clone, Copy)]
enum Keys {
    Text,
    IntAndDouble,
    Doubles,
}

impl Keys {
    fn types(self) -> [AttrType; 2] {
        match self {
            Keys::Text => [AttrType::String; 2],
            Keys::IntAndDouble => [AttrType::Int, AttrType::Double],
            Keys::Doubles => [AttrType::Double; 2],
        }
    }

    fn value(self, n: u8, right: bool) -> Value {
        match (self, n) {
            (_, 0) => Value::Null,
            (Keys::Text, n) => ["a", "b", "c"][n as usize % 3].into(),
            (Keys::IntAndDouble, n) if !right => Value::Int(i32::from(n % 3)),
            (_, 1) => Value::Double(f64::NAN),
            (_, 2) => Value::Double(0.0),
            (_, 3) => Value::Double(-0.0),
            (_, n) => Value::Double(f64::from(n % 3)),
        }
    }
}

#[derive(Debug, Clone)]
struct Draft {
    after: i64,
    side: u8,
    key: u8,
    rows: Vec<(u8, Option<i32>)>,
    cut: bool,
    restart: bool,
}

fn draft() -> impl Strategy<Value = Draft> {
    let row = (0u8..7, prop::option::weighted(0.9, 0i32..4));
    let rows = prop_oneof![3 => prop::collection::vec(row.clone(), 1), 1 => prop::collection::vec(row, 1..5)];
    let after = prop_oneof![2 => Just(0i64), 3 => 0i64..12, 1 => 0i64..60];
    (after, 0u8..5, 0u8..3, rows, any::<bool>(), prop::bool::weighted(0.2)).prop_map(
        |(after, side, key, rows, cut, restart)| Draft { after, side, key, rows, cut, restart },
    )
}

fn arrivals(drafts: &[Draft], shape: &Shape, keys: Keys) -> Vec<Arrival> {
    let mut at = 100;
    let of = |d: &Draft| {
        at += d.after;
        // One stream that both sides read has one type of key.
        let right = match d.side {
            _ if shape.self_join => None,
            0 | 1 => Some(false),
            2 | 3 => Some(true),
            _ => matches!(keys, Keys::IntAndDouble).then_some(true),
        };
        let key = if shape.keyed { KeyId::from(d.key) } else { 0 };
        let row = |(k, v): &(u8, Option<i32>)| {
            let value = keys.value(*k, right.unwrap_or_default());
            (vec![value, v.map_or(Value::Null, Value::Int)], key)
        };
        Arrival { at, right, rows: d.rows.iter().map(row).collect() }
    };
    drafts.iter().map(of).collect()
}

fn spec(shape: &Shape, keys: Keys) -> JoinSpec {
    let [left, right] = keys.types();
    let schemas = [left, right].map(|k| schema_of([("k", k), ("v", AttrType::Int)]));
    let [mut left_side, mut right_side] =
        [0, 1].map(|i| side(&schemas[i], &shape.windows[i].text()));
    left_side.triggers = shape.triggers[0];
    right_side.triggers = shape.triggers[1];
    let key = JoinKey { left: column(0, left), right: column(0, right), ty: keys.types()[1] };
    let greater = binary(BinaryOp::Gt, column(1, AttrType::Int), column(3, AttrType::Int));
    let names = [("k", left), ("v", AttrType::Int), ("k", right), ("v", AttrType::Int)];
    JoinSpec {
        left: left_side,
        right: right_side,
        kind: shape.kind,
        equal: if shape.equal { vec![key] } else { vec![] },
        residual: shape.greater.then_some(greater),
        output: schema_of(names),
        expired: shape.expired,
        aggregates: shape.aggregates,
        keyed: shape.keyed,
        self_join: shape.self_join,
        right_first: shape.right_first,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_join_is_the_model_at_any_cut_and_after_any_restart(
        shape in shape(),
        keys in prop_oneof![2 => Just(Keys::Text), 1 => Just(Keys::IntAndDouble), 1 => Just(Keys::Doubles)],
        drafts in prop::collection::vec(draft(), 0..40),
        rest in 0i64..60,
    ) {
        let keys = if shape.self_join && matches!(keys, Keys::IntAndDouble) { Keys::Text } else { keys };
        let arrivals = arrivals(&drafts, &shape, keys);
        let end = arrivals.last().map_or(0, |a| a.at) + rest;
        let mut model = Model::new(&shape);
        arrivals.iter().for_each(|a| model.arrive(a));
        model.advance(end);
        let expected = model.finish();

        let mut rig = Rig::new(&spec(&shape, keys));
        let mut step = Vec::new();
        for (d, a) in drafts.iter().zip(&arrivals) {
            step.push(a.clone());
            if d.cut {
                rig.step(&std::mem::take(&mut step), a.at);
                if d.restart {
                    rig.restart();
                }
            }
        }
        rig.step(&step, end);
        prop_assert_eq!(rig.output(), expected);
    }
}
