//! The functions of SQL (feature `sql`).
#![cfg(feature = "sql")]

use std::sync::{Arc, Mutex};

use foreshock::registry::functions;
use foreshock::{App, Value, compile};

const STREAM: &str = "define stream S (text string, n int, big long, x double, no string); ";

/// The value of an expression for three rows: values, nulls, values.
fn values(expression: &str) -> Vec<String> {
    let text = format!("{STREAM} from S select {expression} as r insert into Out;");
    let app = App::from_text(&text).unwrap_or_else(|e| panic!("{expression}: {e}"));
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&told);
    let rows = move |e: &foreshock::Events| {
        (0..e.rows()).for_each(|r| sink.lock().unwrap().push(e.row(r)[0].to_string()));
    };
    app.subscribe("Out", rows).unwrap();
    let row = |text: &str| -> Vec<Value> {
        vec![text.into(), 12.into(), 18i64.into(), 2.25.into(), Value::Null]
    };
    let none = vec![Value::Null; 5];
    let rows = vec![(1, row("12")), (2, none), (3, row("x"))];
    app.input("S").unwrap().send_chunk(rows).unwrap();
    let told = told.lock().unwrap();
    told.clone()
}

#[test]
fn values_and_nulls() {
    for (expression, expected) in [
        ("sql:sqrt(x)", ["1.5", "null", "1.5"]),
        ("sql:upper(text)", ["12", "null", "X"]),
        ("sql:lpad(text, 3, '0')", ["012", "null", "00x"]),
        ("sql:gcd(n, big)", ["6", "null", "6"]),
        ("sql:levenshtein('kitten', 'sitting')", ["3", "3", "3"]),
        ("sql:regexp_like(text, '^[0-9]+$')", ["true", "null", "false"]),
        ("sql:initcap('hello world')", ["Hello World", "Hello World", "Hello World"]),
        ("sql:to_timestamp_millis('1970-01-01T00:00:01Z')", ["1000", "1000", "1000"]),
    ] {
        assert_eq!(values(expression), expected, "{expression}");
    }
}

/// A call that fails for one row gives that row null, and its neighbours their results.
#[test]
fn a_bad_row_harms_no_other() {
    assert_eq!(values("sql:to_timestamp_millis(text) is null")[1], "true");
    let got = values("sql:decode(text, 'hex') is null");
    assert_eq!(got.len(), 3);
}

#[test]
fn only_what_depends_on_its_arguments_alone_is_there() {
    let names: Vec<String> = functions().iter().map(|f| f.full_name()).collect();
    let sql = names.iter().filter(|n| n.starts_with("sql:")).count();
    assert!(sql > 80, "{sql}");
    for volatile in ["sql:now", "sql:random", "sql:uuid", "sql:current_date"] {
        assert!(!names.iter().any(|n| n == volatile), "{volatile}");
    }
    for (expression, part) in [
        ("sql:sqrt('x', 1)", "does not take"),
        ("sql:random()", "no function"),
        ("sql:sqroot(x)", "no function"),
    ] {
        let text = format!("{STREAM} from S select {expression} as r insert into Out;");
        let found = compile(&text).err().unwrap_or_default();
        assert!(found.iter().any(|d| d.message.contains(part)), "{expression}: {found:#?}");
    }
}
