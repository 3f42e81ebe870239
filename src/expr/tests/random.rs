//! Random well-typed expressions as text, and random rows with many nulls and edge values.

use proptest::prelude::*;

use crate::event::Value;
use crate::lang::ast::AttrType;

fn pick(options: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(options).prop_map(str::to_string).boxed()
}

/// An expression of type `ty`, up to `depth` operators deep.
pub fn expression(ty: AttrType, depth: u32) -> BoxedStrategy<String> {
    let leaf = leaf(ty);
    if depth == 0 {
        return leaf;
    }
    let node = match ty {
        AttrType::Bool => bools(depth - 1),
        AttrType::Object => prop_oneof![
            plain_type()
                .prop_flat_map(move |t| expression(t, depth - 1))
                .prop_map(|e| format!("createSet({e})")),
            choices(ty, depth - 1),
        ]
        .boxed(),
        AttrType::String => prop_oneof![
            choices(ty, depth - 1),
            any_type()
                .prop_flat_map(move |t| expression(t, depth - 1))
                .prop_map(|e| format!("convert({e}, 'string')")),
            expression(AttrType::Object, depth - 1).prop_map(|e| format!("cast({e}, 'string')")),
            Just("UUID()".to_string()),
        ]
        .boxed(),
        number => numbers(number, depth - 1),
    };
    prop_oneof![1 => leaf, 4 => node].boxed()
}

fn leaf(ty: AttrType) -> BoxedStrategy<String> {
    match ty {
        AttrType::Int => pick(&["i", "j", "0", "1", "-1", "7", "2147483647"]),
        AttrType::Long => pick(&[
            "l",
            "m",
            "0L",
            "3L",
            "-9223372036854775807L",
            "eventTimestamp()",
            "currentTimeMillis()",
        ]),
        AttrType::Float => pick(&["f", "g", "0f", "1.5f", "-2.25f", "16777217f"]),
        AttrType::Double => pick(&["d", "e", "0.0", "0.1", "-3.75", "1e300"]),
        AttrType::Bool => pick(&["b", "c", "true", "false"]),
        AttrType::String => pick(&["s", "t", "'x'", "'12'", "'a text of more than twelve bytes'"]),
        AttrType::Object => pick(&["o", "p"]),
    }
}

fn any_type() -> BoxedStrategy<AttrType> {
    use AttrType::*;
    prop::sample::select(vec![Int, Long, Float, Double, Bool, String, Object]).boxed()
}

fn plain_type() -> BoxedStrategy<AttrType> {
    use AttrType::*;
    prop::sample::select(vec![Int, Long, Float, Double, Bool, String]).boxed()
}

/// Numeric types that widen to `ty` at most, one of them `ty` itself.
fn narrower(ty: AttrType) -> BoxedStrategy<(AttrType, AttrType)> {
    use AttrType::*;
    let order = [Int, Long, Float, Double];
    let upto = order.iter().position(|t| *t == ty).expect("a numeric type");
    (0..=upto, any::<bool>())
        .prop_map(move |(n, first)| if first { (order[n], ty) } else { (ty, order[n]) })
        .boxed()
}

fn number() -> BoxedStrategy<AttrType> {
    use AttrType::*;
    prop::sample::select(vec![Int, Long, Float, Double]).boxed()
}

/// Functions that give one of several expressions of type `ty`.
fn choices(ty: AttrType, depth: u32) -> BoxedStrategy<String> {
    let two = (expression(ty, depth), expression(ty, depth));
    let if_then_else = (expression(AttrType::Bool, depth), two.clone())
        .prop_map(|(c, (a, b))| format!("ifThenElse({c}, {a}, {b})"));
    let coalesce = prop::collection::vec(expression(ty, depth), 1..4)
        .prop_map(|all| format!("coalesce({})", all.join(", ")));
    prop_oneof![if_then_else, coalesce].boxed()
}

fn numbers(ty: AttrType, depth: u32) -> BoxedStrategy<String> {
    let operator = pick(&["+", "-", "*", "/", "%"]);
    let binary = (narrower(ty), operator).prop_flat_map(move |((l, r), op)| {
        (expression(l, depth), expression(r, depth))
            .prop_map(move |(l, r)| format!("({l}) {op} ({r})"))
    });
    let extreme =
        (pick(&["maximum", "minimum"]), prop::collection::vec(expression(ty, depth), 1..6))
            .prop_map(|(f, all)| format!("{f}({})", all.join(", ")));
    let convert = plain_type()
        .prop_flat_map(move |t| expression(t, depth))
        .prop_map(move |e| format!("convert({e}, '{ty}')"));
    let cast = expression(AttrType::Object, depth).prop_map(move |e| format!("cast({e}, '{ty}')"));
    let negative = expression(ty, depth).prop_map(|e| format!("-({e})"));
    let mut all = vec![
        (4, binary.boxed()),
        (2, extreme.boxed()),
        (2, convert.boxed()),
        (1, cast.boxed()),
        (1, negative.boxed()),
        (2, choices(ty, depth)),
    ];
    if ty == AttrType::Int {
        let size = expression(AttrType::Object, depth).prop_map(|e| format!("sizeOfSet({e})"));
        all.push((1, size.boxed()));
    }
    prop::strategy::Union::new_weighted(all).boxed()
}

fn bools(depth: u32) -> BoxedStrategy<String> {
    let comparison = (number(), number(), pick(&["==", "!=", "<", "<=", ">", ">="])).prop_flat_map(
        move |(l, r, op)| {
            (expression(l, depth), expression(r, depth))
                .prop_map(move |(l, r)| format!("({l}) {op} ({r})"))
        },
    );
    let equality =
        (prop::sample::select(vec![AttrType::String, AttrType::Bool]), pick(&["==", "!="]))
            .prop_flat_map(move |(ty, op)| {
                (expression(ty, depth), expression(ty, depth))
                    .prop_map(move |(l, r)| format!("({l}) {op} ({r})"))
            });
    let logic = (
        expression(AttrType::Bool, depth),
        pick(&["and", "or"]),
        expression(AttrType::Bool, depth),
    )
        .prop_map(|(l, op, r)| format!("({l}) {op} ({r})"));
    let not = expression(AttrType::Bool, depth).prop_map(|e| format!("not ({e})"));
    let is_null =
        any_type().prop_flat_map(move |t| choices(t, depth)).prop_map(|e| format!("{e} is null"));
    let instance = (
        pick(&["Boolean", "Double", "Float", "Integer", "Long", "String"]),
        any_type().prop_flat_map(move |t| expression(t, depth)),
    )
        .prop_map(|(class, e)| format!("instanceOf{class}({e})"));
    prop_oneof![
        5 => comparison,
        2 => equality,
        3 => logic,
        2 => not,
        1 => is_null,
        1 => instance,
        1 => choices(AttrType::Bool, depth),
    ]
    .boxed()
}

/// A value of type `ty`, often null or at an edge.
pub fn value(ty: AttrType) -> BoxedStrategy<Value> {
    let some = match ty {
        AttrType::Int => prop_oneof![-3..4i32, Just(i32::MIN), Just(i32::MAX), any::<i32>()]
            .prop_map(Value::Int)
            .boxed(),
        AttrType::Long => {
            prop_oneof![-3..4i64, Just(i64::MIN), Just(i64::MAX), Just(16_777_217), any::<i64>()]
                .prop_map(Value::Long)
                .boxed()
        }
        AttrType::Float => prop_oneof![
            prop::sample::select(vec![0.0, -0.0, 1.0, 1.5, f32::NAN, f32::INFINITY, 16_777_216.0]),
            any::<f32>()
        ]
        .prop_map(Value::Float)
        .boxed(),
        AttrType::Double => prop_oneof![
            prop::sample::select(vec![0.0, -0.0, 1.0, 0.1, f64::NAN, f64::NEG_INFINITY, 1e300]),
            any::<f64>()
        ]
        .prop_map(Value::Double)
        .boxed(),
        AttrType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        AttrType::String => {
            pick(&["", "x", "12", "true", "a text of more than twelve bytes", "Zürich"])
                .prop_map(Value::from)
                .boxed()
        }
        AttrType::Object => prop_oneof![
            plain_type().prop_flat_map(value),
            prop::collection::vec(value(AttrType::Int), 0..3).prop_map(Value::Set),
            prop::collection::vec(value(AttrType::String), 0..3).prop_map(Value::List),
        ]
        .boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 3 => some].boxed()
}
