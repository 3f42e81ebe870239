//! The core functions: values, null rules, and what the registry promises of each.

use super::{agreed, batch, bound, eval, row, table, try_bind};
use crate::event::Value;

#[test]
fn coalesce_default_and_if_then_else() {
    table(
        "
        coalesce(i, j) | i=1 j=2 | 1
        coalesce(i, j) | j=2 | 2
        coalesce(i, j) | | null
        coalesce(i, j, 7) | | 7
        coalesce(s, t) | t=a-text-of-more-than-twelve-bytes | a-text-of-more-than-twelve-bytes
        coalesce(s, 'z') | | z
        coalesce(b, c) | c=false | false
        coalesce(o, p) | p='x' | x
        coalesce(d) | d=1 | 1.0
        coalesce(1, i) | i=2 | 1
        default(d, 0.0) | | 0.0
        default(d, 0.0) | d=2 | 2.0
        default(s, 'q') | | q
        default(l, 1 sec) | | 1000
        ifThenElse(i > 3, 'y', 'n') | i=4 | y
        ifThenElse(i > 3, 'y', 'n') | i=3 | n
        ifThenElse(i > 3, 'y', 'n') | | n
        ifThenElse(b, i * 5, i * 10) | b=true i=50 | 250
        ifThenElse(b, i * 5, i * 10) | i=50 | 500
        ifThenElse(b, i, j) | b=true j=1 | null
        ifThenElse(b, s, t) | b=true s=x t=y | x
        ifThenElse(b, o, p) | b=false p=1.5 | 1.5
        ifThenElse(ifThenElse(d > 35, true, false), 'High', 'Low') | d=50.4 | High
        ifThenElse(i == 0, 0, 100 / i) | i=0 | 0
        ifThenElse(true, i, 1) | i=9 | 9
        ifThenElse(b, c, i > 1) | i=2 | true
        ",
    );
}

#[test]
fn convert_to_string_writes_javas_forms() {
    table(
        "
        convert(i, 'string') | i=-5 | -5
        convert(l, 'STRING') | l=9223372036854775807 | 9223372036854775807
        convert(d, 'string') | d=10000000 | 1.0E7
        convert(d, 'string') | d=0.0001 | 1.0E-4
        convert(d, 'string') | d=100 | 100.0
        convert(d, 'string') | d=NaN | NaN
        convert(d, 'string') | d=-Infinity | -Infinity
        convert(f, 'string') | f=0.1 | 0.1
        convert(f, 'string') | f=1e10 | 1.0E10
        convert(b, 'string') | b=true | true
        convert(s, 'string') | s=x | x
        convert(d, 'string') | | null
        convert(o, 'string') | o=5L | 5
        convert(createSet(s), 'string') | s=a | [a]
        ",
    );
}

#[test]
fn convert_between_numbers_narrows_as_java_does() {
    table(
        "
        convert(d, 'int') | d=-2.7 | -2
        convert(d, 'int') | d=1e10 | 2147483647
        convert(d, 'int') | d=-1e10 | -2147483648
        convert(d, 'int') | d=NaN | 0
        convert(d, 'long') | d=1e19 | 9223372036854775807
        convert(f, 'int') | f=2.99 | 2
        convert(l, 'int') | l=4294967297 | 1
        convert(i, 'long') | i=-1 | -1
        convert(l, 'float') | l=16777217 | 1.6777216E7
        convert(f, 'double') | f=0.1 | 0.10000000149011612
        convert(d, 'float') | d=0.1 | 0.1
        convert(d, 'float') | d=1e300 | Infinity
        convert(b, 'int') | b=true | 1
        convert(b, 'double') | b=false | 0.0
        convert(i, 'bool') | i=1 | true
        convert(i, 'bool') | i=2 | false
        convert(d, 'bool') | d=1 | true
        convert(l, 'bool') | | null
        convert(d, 'int') | | null
        convert(i, 'int') | i=3 | 3
        ",
    );
}

#[test]
fn convert_reads_text_or_gives_null() {
    table(
        "
        convert(s, 'int') | s=12 | 12
        convert(s, 'int') | s=+12 | 12
        convert(s, 'int') | s=WSO2 | null
        convert(s, 'int') | s=2147483648 | null
        convert(s, 'int') | s=1.5 | null
        convert(s, 'long') | s=2147483648 | 2147483648
        convert(s, 'double') | s=1e3 | 1000.0
        convert(s, 'double') | s=x | null
        convert(s, 'float') | s=2.5f | 2.5
        convert(s, 'double') | s=Infinity | Infinity
        convert(s, 'bool') | s=TRUE | true
        convert(s, 'bool') | s=1 | false
        convert(s, 'int') | | null
        ",
    );
}

#[test]
fn cast_calls_a_value_by_its_type() {
    table(
        "
        cast(o, 'double') | o=100.3 | 100.3
        cast(o, 'double') | o=true | null
        cast(o, 'double') | o=5 | 5.0
        cast(o, 'long') | o=5 | 5
        cast(o, 'int') | o=7 | 7
        cast(o, 'bool') | o=true | true
        cast(o, 'bool') | o=1 | null
        cast(o, 'string') | o='IBM' | IBM
        cast(o, 'string') | o=5 | null
        cast(o, 'double') | | null
        cast(o, 'double') | o=[] | null
        cast(i, 'long') | i=3 | 3
        cast(i, 'string') | i=3 | 3
        cast(s, 'double') | s=aa | aa
        cast(d, 'Double') | d=1.5 | 1.5
        ",
    );
}

#[test]
fn maximum_and_minimum_skip_nulls() {
    table(
        "
        maximum(i, j, 5) | i=3 j=9 | 9
        maximum(i, j) | i=-3 j=-9 | -3
        minimum(i, j) | i=3 j=9 | 3
        maximum(i, 3) | | 3
        minimum(d, 1.0) | | 1.0
        maximum(i, j) | | null
        maximum(l, m) | l=9223372036854775807 m=9223372036854775806 | 9223372036854775807
        minimum(f, g) | f=2.5 g=1.5 | 1.5
        maximum(d, e) | d=NaN e=1 | 1.0
        minimum(d, e) | d=1 e=NaN | 1.0
        maximum(d, e) | d=NaN | NaN
        maximum(*) | i=4 j=7 | 7
        maximum(i) | i=4 | 4
        maximum(1, 2) | | 2
        ",
    );
}

#[test]
fn instance_of_looks_at_the_class_of_the_value() {
    table(
        "
        instanceOfString(s) | s=x | true
        instanceOfString(s) | | false
        instanceOfInteger(i) | i=1 | true
        instanceOfInteger(l) | l=1 | false
        instanceOfLong(l) | l=1 | true
        instanceOfFloat(f) | f=1 | true
        instanceOfDouble(f) | f=1 | false
        instanceOfDouble(d) | | false
        instanceOfBoolean(b) | b=false | true
        instanceOfLong(o) | o=1L | true
        instanceOfInteger(o) | o=1L | false
        instanceOfString(o) | o='x' | true
        instanceOfFloat(o) | o=1.5f | true
        instanceOfString(o) | o=[] | false
        instanceOfString(o) | | false
        instanceOfInteger(5) | | true
        ",
    );
}

#[test]
fn sets() {
    table(
        "
        createSet(s) | s=a | [a]
        createSet(i) | i=5 | [5]
        createSet(s) | | [null]
        sizeOfSet(createSet(d)) | d=5 | 1
        sizeOfSet(o) | o=[] | 0
        sizeOfSet(o) | | 0
        sizeOfSet(o) | o=5 | null
        ",
    );
}

#[test]
fn time_is_that_of_the_row() {
    // The second of three rows of a batch (see `hidden`).
    let rows = [row(""), row("i=1"), row("")];
    let value = |text: &str| agreed(&bound(text), &batch(&rows))[1].clone();
    assert_eq!(value("eventTimestamp()"), Value::Long(1_010));
    assert_eq!(value("currentTimeMillis()"), Value::Long(2_010));
    assert_eq!(value("currentTimeMillis() - eventTimestamp() > i"), Value::Bool(true));
    assert_eq!(eval("eventTimestamp() is null", ""), "false");
}

#[test]
fn uuids_differ_by_row_and_place_and_not_by_batch() {
    let rows: Vec<_> = (0..5).map(|_| row("")).collect();
    let mut all = batch(&rows);
    // Rows 1 to 3 have one cause.
    all.order = vec![1, 3, 3, 3, 5].into();
    all.at = vec![7, 9, 9, 9, 9].into();
    let here = super::ColumnarExpr::compile(&bound("UUID()"), &super::schema()).unwrap();
    let there = super::ColumnarExpr::compile(&bound("  UUID()"), &super::schema()).unwrap();
    let ids = |e: &super::ColumnarExpr, b| {
        let array = e.evaluate(&b).unwrap();
        (0..array.len()).map(|i| Value::from_array(&array, i)).collect::<Vec<_>>()
    };
    let once = ids(&here, all.clone());
    let distinct: Vec<_> =
        once.iter().chain(&ids(&there, all.clone())).map(|v| format!("{v:?}")).collect();
    let count = distinct.iter().collect::<std::collections::HashSet<_>>().len();
    assert_eq!(count, 10);
    let mut cut = ids(&here, all.slice(0, 1));
    cut.extend(ids(&here, all.slice(1, 3)));
    cut.extend(ids(&here, all.slice(4, 1)));
    assert_eq!(once, cut);
    // Alone, columnar and by row agree (checked by `eval`).
    assert_eq!(eval("UUID() == 'x'", ""), "false");
}

#[test]
fn overloads_are_exact() {
    let refused = [
        ("coalesce()", "`coalesce` does not take ()"),
        ("coalesce(d, f)", "`coalesce` needs arguments of one type, but has (double, float)"),
        ("default(d, 123)", "`default` needs two arguments of one type, but has (double, int)"),
        ("default(d, 1 / 2)", "the second argument of `default` must be a constant"),
        ("default(d, 0.0, l)", "`default` does not take (double, double, long)"),
        (
            "ifThenElse(d > 35, 'High', 5)",
            "`ifThenElse` chooses between two values of one type, but these are string and int",
        ),
        ("ifThenElse(35, 'High', 'Low')", "`ifThenElse` does not take (int, string, string)"),
        ("ifThenElse(b, 'High')", "`ifThenElse` does not take (bool, string)"),
        ("cast(o, 'double', 'ddd')", "`cast` does not take (object, string, string)"),
        (
            "cast(o, 'newType')",
            "`cast` knows int, long, float, double, bool and string, not 'newType'",
        ),
        ("cast(o, s)", "the second argument of `cast` must be a constant string"),
        ("convert(s, 123)", "`convert` does not take (string, int)"),
        ("convert(s)", "`convert` does not take (string)"),
        (
            "convert(s, 'object')",
            "`convert` knows int, long, float, double, bool and string, not 'object'",
        ),
        ("convert(o, 'int')", "`convert` turns an object into a string only, not into int"),
        ("createSet(o)", "`createSet` does not take (object)"),
        ("createSet(s, l)", "`createSet` does not take (string, long)"),
        ("sizeOfSet(s)", "`sizeOfSet` does not take (string)"),
        ("maximum(i, d)", "`maximum` needs arguments of one type, but has (int, double)"),
        ("maximum(o, d)", "`maximum` does not take (object, double)"),
        ("minimum(s)", "`minimum` does not take (string)"),
        ("maximum()", "`maximum` does not take ()"),
        ("instanceOfLong(l, i)", "`instanceOfLong` does not take (long, int)"),
        ("currentTimeMillis(s)", "`currentTimeMillis` does not take (string)"),
        ("UUID(i)", "`UUID` does not take (int)"),
        ("eventTimestamp(1)", "`eventTimestamp` does not take (int)"),
    ];
    for (text, message) in refused {
        let findings = try_bind(text).expect_err(text);
        assert_eq!(findings.len(), 1, "{text}");
        assert_eq!(findings[0].message, message, "{text}");
        assert_eq!(findings[0].span.range(), 0..text.len(), "{text}");
        assert!(findings[0].help.as_deref().is_some_and(|h| h.starts_with("it is `")), "{text}");
    }
}

#[test]
fn every_function_is_documented_with_an_example_that_uses_it() {
    let core = crate::registry::FUNCTIONS.iter().filter(|f| f.namespace.is_none());
    assert_eq!(core.count(), 18);
    for f in crate::registry::FUNCTIONS {
        assert!(f.signature.starts_with(&f.full_name()), "{f:?}");
        assert!(f.doc.ends_with('.'), "{f:?}");
        assert!(f.example.contains(&format!("{}(", f.full_name())), "{f:?}");
        let app = crate::lang::parse::parse_app(f.example).into_result();
        assert_eq!(app.map(|a| a.items.len()), Ok(2), "{f:?}");
        assert!(std::ptr::eq(crate::registry::function(f.namespace, f.name).unwrap(), *f));
    }
    assert!(crate::registry::function(None, "Coalesce").is_none(), "names are case-sensitive");
}
