//! Arguments that are refused, and how; and what is accepted.

use super::harness::{WINDOWS, call, constant};
use crate::error::{Code, Diagnostic, Span};
use crate::event::Value;
use crate::expr::types::AttrType;
use crate::expr::{TypedExpr, TypedKind};
use crate::window::WindowArg;

/// Reads an argument; besides those of `call`: strings, floats, `1/2`, int attributes.
fn arg(i: usize, text: &str) -> WindowArg {
    let span = Span::new(10 * i, 10 * i + 5);
    let with_span = |arg| match arg {
        WindowArg::Const { value, ty, .. } => WindowArg::Const { value, ty, span },
        WindowArg::Column { index, ty, .. } => WindowArg::Column { index, ty, span },
        arg => arg,
    };
    let literal = |v: Value, ty| constant(v, ty);
    with_span(match text {
        "1/2" => {
            let kind = TypedKind::Literal(Value::Int(0));
            WindowArg::Expr(TypedExpr { kind, ty: AttrType::Int, span })
        }
        "i" => WindowArg::Column { index: 0, ty: AttrType::Int, span },
        "price" => WindowArg::Column { index: 0, ty: AttrType::Float, span },
        t if t.starts_with('\'') => literal(t.trim_matches('\'').into(), AttrType::String),
        t if t.contains('.') => literal(Value::Double(t.parse().unwrap()), AttrType::Double),
        t => call(&format!("length({t})")).args.remove(0),
    })
}

fn check(text: &str) -> Result<(), Diagnostic> {
    let (name, args) = text.trim_end_matches(')').split_once('(').expect("a call");
    let spec = WINDOWS.iter().find(|s| s.name == name).expect("a window");
    let args = args.split(',').map(str::trim).filter(|a| !a.is_empty()).enumerate();
    let args: Vec<_> = args.map(|(i, a)| arg(i, a)).collect();
    (spec.check)(&args, Span::new(0, 99))
}

#[test]
fn refuses_what_the_real_engine_refuses() {
    // The calls of the recorded cases with `expect_error`.
    for text in [
        "externalTimeBatch(t, 1000L, 0, 100, 100)",
        "externalTimeBatch(t)",
        "externalTimeBatch(t, 1000L, t, 10.5)",
        "externalTimeBatch(t, 1000L, 1.0, 100, true)",
        "externalTimeBatch(t, '1 sec', 123L, 100)",
        "externalTimeBatch(t, 1000L, 1/2, 100)",
        "externalTimeBatch(i, 5000L)",
        "externalTimeBatch('t', 5000L)",
        "externalTime(t)",
        "externalTime(i, 5000L)",
        "externalTime('t', 5000L)",
        "lengthBatch(1, true, 100)",
        "lengthBatch(1/2)",
        "lengthBatch(1, 1/2)",
        "length(2, price)",
        "timeBatch(1000L, 1/2)",
        "timeBatch(2000L, 'string')",
        "timeBatch('2 sec', 0)",
        "timeBatch(1/2, 0)",
        "timeBatch(1000L, true, 100)",
        "timeBatch(1000L, 1/2, 100)",
        "timeBatch(1000L, 0, 1/2)",
        "timeBatch(1000L, 123L, 'true')",
        "timeBatch(1000L, 123L, true, 100)",
        "timeLength(4000L)",
        "timeLength(1/2, 4)",
        "timeLength('4 sec', 4)",
        "time(2000L, 5)",
        "time(t)",
        "time(4.7)",
        "batch(-1)",
        "batch(1.5)",
        "batch(1, 2)",
        "session(5000L, x, 2000L, 1)",
        "session(i, x, 2000L)",
        "session('3', x, 2000L)",
        "session(5000L, 'user', 2000L)",
        "session(5000L, i, 2000L)",
        "session(5000L, x, i)",
        "session(5000L, x, '4')",
        "session(5000L, i)",
        "session(5000L, '5')",
        "session(5000L, 6000L)",
        "delay(2, 3)",
        "delay('abc')",
        "delay(1/2)",
        "sort(2.5)",
        "sort(2, 8)",
        "sort(2, t, 'ecs')",
    ] {
        let d = check(text).expect_err(text);
        assert_eq!(d.code, Code::Parameter, "{text}");
        assert!(d.help.is_some() || d.message.contains("must be"), "{text}: {d:?}");
    }
}

#[test]
fn refuses_what_can_never_be_right() {
    for text in [
        "length(-1)",
        "length(5L)",
        "length()",
        "lengthBatch(-2)",
        "time(-1)",
        "timeBatch(0)",
        "timeLength(5, -1)",
        "externalTime(t, -5)",
        "externalTime(t, 1/2)",
        "externalTimeBatch(t, 0)",
        "externalTimeBatch(t, 5, 0, -1)",
        "session()",
        "session(-1)",
        "session(5, x, -1)",
        "session(5, x, 6)",
        "delay()",
        "delay(-1)",
        "sort(2)",
        "sort(-1, t)",
        "sort(t, 2)",
        "sort(2, 'asc')",
        "sort(2, t, 'asc', 'desc')",
        "sort(2, t, 1/2)",
        "frequent()",
        "frequent(0)",
        "frequent(-1)",
        "frequent(2.5)",
        "frequent(2, 'x')",
        "frequent(2, 1/2)",
        "lossyFrequent()",
        "lossyFrequent(1)",
        "lossyFrequent(1.5)",
        "lossyFrequent(0.0)",
        "lossyFrequent(0.3, 0.0)",
        "lossyFrequent(0.3, 1.5, x)",
        "lossyFrequent(0.3, 1)",
        "lossyFrequent(0.3, 0.1, 0.1)",
        "expression()",
        "expression(1)",
        "expression(t)",
        "expression(1/2)",
        "expression('count() < 2', true)",
        "expressionBatch(true)",
        "expressionBatch('count() < 2', 1)",
        "expressionBatch('count() < 2', t)",
        "expressionBatch('count() < 2', true, t)",
        "expressionBatch('count() < 2', true, true, true)",
        "cron()",
        "cron(5)",
        "cron(x)",
        "cron('*/5 * * * *')",
        "cron('61 * * * * ?')",
        "cron('0 0 0 1 1 2')",
    ] {
        assert!(check(text).is_err(), "{text}");
    }
}

#[test]
fn accepts() {
    for text in [
        "length(0)",
        "lengthBatch(0)",
        "lengthBatch(4, true)",
        "batch()",
        "batch(3)",
        "time(30)",
        "time(0)",
        "timeBatch(1000L)",
        "timeBatch(1000L, 0)",
        "timeBatch(1000L, 123L)",
        "timeBatch(1000L, true)",
        "timeBatch(1000L, 123L, true)",
        "timeLength(4000L, 10)",
        "externalTime(t, 5000L)",
        "externalTimeBatch(t, 5000L)",
        "externalTimeBatch(t, 5000L, 1200)",
        "externalTimeBatch(t, 1000L, t, 100)",
        "externalTimeBatch(t, 1000L, 0, 6000L)",
        "externalTimeBatch(t, 1000L, 0, 100, true)",
        "session(5)",
        "session(5000L, x)",
        "session(5000L, x, 5000)",
        "delay(0)",
        "delay(1000L)",
        "sort(0, t)",
        "sort(2, t, 'DESC', x, g, 'asc')",
        "frequent(2)",
        "frequent(2, x, t)",
        "lossyFrequent(0.3)",
        "lossyFrequent(0.3, 0.05)",
        "lossyFrequent(0.3, 0.05, x, t)",
        "expression('count() < 2')",
        "expression(x)",
        "expressionBatch('count() < 2')",
        "expressionBatch(x, true)",
        "expressionBatch('count() < 2', false, true)",
        "cron('*/5 * * * * ?')",
    ] {
        check(text).unwrap_or_else(|d| panic!("{text}: {}", d.message));
    }
}

#[test]
fn says_what_was_expected() {
    let d = check("length(2, price)").unwrap_err();
    assert_eq!(d.message, "`length` takes 1 parameter, not 2");
    assert_eq!(d.span, Span::new(10, 15));
    assert_eq!(d.help.as_deref(), Some("use length(window.length int)"));

    let d = check("time(4.7)").unwrap_err();
    let expected = "an int, long or time constant";
    let message =
        format!("parameter `window.time` must be {expected}, found a constant of type double");
    assert_eq!(d.message, message);

    let d = check("lengthBatch(-2)").unwrap_err();
    assert_eq!(d.message, "parameter `window.length` must be zero or more, found -2");
    assert_eq!(check("timeBatch(0)").unwrap_err().label, "must be more than zero");

    let d = check("externalTime(i, 5)").unwrap_err();
    let expected = "an attribute of type long, found an attribute of type int";
    assert_eq!(d.message, format!("parameter `timestamp` must be {expected}"));
    assert_eq!(check("batch(1, 2)").unwrap_err().message, "`batch` takes 0 to 1 parameters, not 2");
}
