//! Types and findings of the binder, and the text form of bound expressions.

use super::{TestScope, bind_condition, bound, describe, names, schema, try_bind};
use crate::error::Code;
use crate::event::Value;
use crate::expr::constant;
use crate::lang::ast::AttrType;
use crate::lang::parse::parse_expression;

/// The findings as `message @ text under the caret`.
fn findings(text: &str) -> Vec<String> {
    let found = try_bind(text).expect_err(text);
    found.iter().map(|d| format!("{} @ {}", d.message, &text[d.span.range()])).collect()
}

#[test]
fn types_follow_the_operands() {
    let table = [
        ("i + j", AttrType::Int),
        ("i + l", AttrType::Long),
        ("l + f", AttrType::Float),
        ("f % d", AttrType::Double),
        ("1 sec", AttrType::Long),
        ("-f", AttrType::Float),
        ("i < d", AttrType::Bool),
        ("s == t", AttrType::Bool),
        ("o is null", AttrType::Bool),
        ("coalesce(s, t)", AttrType::String),
        ("createSet(i)", AttrType::Object),
        ("cast(o, 'LONG')", AttrType::Long),
        ("eventTimestamp()", AttrType::Long),
        ("sum(i)", AttrType::Long),
    ];
    for (text, ty) in table {
        assert_eq!(bound(text).ty, ty, "{text}");
    }
}

#[test]
fn operands_that_do_not_fit_are_refused_where_they_stand() {
    let table = [
        ("i + s", "`+` needs numbers, but this is string @ s"),
        ("1 + (b)", "`+` needs numbers, but this is bool @ b"),
        ("s > t", "`>` compares numbers, but this is string @ s"),
        ("i > s", "`>` compares numbers, but this is string @ s"),
        ("b <= i", "`<=` compares numbers, but this is bool @ b"),
        ("i == s", "int can't be compared with string @ i == s"),
        ("b != i", "bool can't be compared with int @ b != i"),
        ("s == b", "string can't be compared with bool @ s == b"),
        ("o == p", "`==` can't compare objects @ o"),
        ("i > 50 and l", "`and` needs a bool, but this is long @ l"),
        ("f or i > 50", "`or` needs a bool, but this is float @ f"),
        ("not i", "`not` needs a bool, but this is int @ i"),
        ("i in T", "`in T` is not supported yet @ i in T"),
        ("x + 1", "there is no attribute `x` @ x"),
        ("null", "there is no attribute `null` @ null"),
        ("eventTimestamp(s)", "`s` is not an event @ s"),
    ];
    for (text, expected) in table {
        assert_eq!(findings(text), [expected], "{text}");
    }
    assert_eq!(try_bind("i in T").unwrap_err()[0].code, Code::NotSupported);
    assert_eq!(try_bind("i + s").unwrap_err()[0].code, Code::Type);
}

#[test]
fn all_findings_are_reported_at_once() {
    let found = findings("(x + s) > y and not i and coalesce(z, 1)");
    assert_eq!(
        found,
        [
            "there is no attribute `x` @ x",
            "there is no attribute `y` @ y",
            "`not` needs a bool, but this is int @ i",
            "there is no attribute `z` @ z",
        ]
    );
    assert_eq!(findings("s * b").len(), 2);
}

#[test]
fn unknown_functions_get_the_nearest_name() {
    let found = &try_bind("i + coalesc(i)").unwrap_err()[0];
    assert_eq!(found.message, "there is no function `coalesc`");
    assert_eq!(found.help.as_deref(), Some("did you mean `coalesce`?"));
    assert_eq!(found.span.range(), 4..11);
    let found = &try_bind("elsewhere:unheard(s, t)").unwrap_err()[0];
    assert_eq!(found.message, "there is no function `elsewhere:unheard`");
    assert_eq!(found.help, None);
}

#[test]
fn conditions_must_be_bools() {
    let check = |text: &str| {
        let tree = parse_expression(text).into_result().unwrap();
        bind_condition(&tree, "a filter", &mut TestScope(schema()))
    };
    assert!(check("i > 1").is_ok());
    assert!(check("b").is_ok());
    let found = check("l + 1").unwrap_err();
    assert_eq!(found[0].message, "a filter must be a bool, but this is long");
}

#[test]
fn constants_are_literals_with_or_without_a_sign() {
    let table = [
        ("5", Some(Value::Int(5))),
        ("-5", Some(Value::Int(-5))),
        ("-(5)", Some(Value::Int(-5))),
        ("2 sec", Some(Value::Long(2000))),
        ("-(1.5)", Some(Value::Double(-1.5))),
        ("'x'", Some("x".into())),
        ("1 / 2", None),
        ("i", None),
    ];
    for (text, value) in table {
        assert_eq!(constant(&bound(text)), value, "{text}");
    }
}

#[test]
fn long_chains_are_bound_and_deep_nesting_is_refused() {
    let chain = (0..900).map(|n| format!("i == {n}")).collect::<Vec<_>>().join(" or ");
    assert_eq!(super::eval(&chain, "i=899"), "true");
    assert_eq!(super::eval(&chain, "i=900"), "false");
    assert_eq!(super::eval(&vec!["i"; 120].join(" + "), "i=2"), "240");
    let nested = (0..60).fold("i".to_string(), |e, n| format!("ifThenElse(j == {n}, {n}, {e})"));
    assert_eq!(super::eval(&nested, "i=-1 j=1000"), "-1");
    assert_eq!(super::eval(&nested, "i=-1 j=7"), "7");
    let sum = vec!["i"; 300].join(" + ");
    let found = try_bind(&sum).unwrap_err();
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("nested"), "{}", found[0].message);
}

#[test]
fn expressions_are_described_as_they_would_be_written() {
    let same = [
        "i + j * 2 > l",
        "(i + j) * 2 > l",
        "i - (j - 1)",
        "i - j - 1",
        "i / (j * 2)",
        "not b and c",
        "not (b and c)",
        "b and c or i > 1",
        "b and (c or i > 1)",
        "b and c and i > 1 and j > 1 and l > 1",
        "s == 'x' and f > 1.5f and d < 2.0 and l == 5L",
        "coalesce(i, j + 1, 3) is null",
        "ifThenElse(b, 'y', 'n')",
        "eventTimestamp() + currentTimeMillis()",
        "-(i + j)",
        "i > 1 == b",
        "i > (j + 1) * 2 != (b == c)",
    ];
    for text in same {
        assert_eq!(describe(&bound(text), &*names()).to_string(), text);
    }
    assert_eq!(describe(&bound("e1.i > i"), &*names()).to_string(), "row 1.0 > i");
    assert_eq!(describe(&bound("e1 is null"), &*names()).to_string(), "row 1 is null");
    assert_eq!(describe(&bound("1 min"), &*names()).to_string(), "60000L");
}

#[test]
fn conjuncts_come_apart_in_order() {
    let text = "b and (i > 1 or c) and not b and s == 'x'";
    let parts: Vec<String> =
        bound(text).conjuncts().iter().map(|e| describe(e, &*names()).to_string()).collect();
    assert_eq!(parts, ["b", "i > 1 or c", "not b", "s == 'x'"]);
    let whole = super::TypedExpr::all(bound(text).conjuncts()).unwrap();
    assert_eq!(describe(&whole, &*names()).to_string(), text);
}

#[test]
fn columns_and_sources_are_found_and_can_be_moved() {
    let mut e = bound("e1.i > i and e1 is null or eventTimestamp() > l");
    let mut seen = vec![];
    e.each_column(&mut |c| seen.push((c.source, c.column)));
    assert_eq!(seen, [(1, 0), (0, 0), (0, 2)]);
    let mut sources = vec![];
    e.each_source(&mut |s| sources.push(s));
    assert_eq!(sources, [1, 0, 1, 0, 0]);
    assert!(!e.is_pure());
    e.visit_mut(&mut |n| {
        if let super::TypedKind::Column(c) = &mut n.kind {
            c.source += 1;
        }
    });
    let mut moved = vec![];
    e.each_column(&mut |c| moved.push(c.source));
    assert_eq!(moved, [2, 1, 1]);
}
