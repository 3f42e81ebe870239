//! Every window, aggregator and function of the registry has documentation and an example that
//! compiles, puts something out, puts out the same in batches of any size, and survives restarts.

mod support;

use foreshock::registry::{AGGREGATES, FUNCTIONS, WINDOWS, function, window_names};
use foreshock::{App, ClockMode, Value};

use arrow::datatypes::DataType;
use support::ways::{Act, Way, disagreement, run};

/// An entry of the registry.
struct Entry {
    name: String,
    signature: &'static str,
    doc: &'static str,
    example: &'static str,
}

fn entries() -> Vec<Entry> {
    let windows = WINDOWS.iter().map(|s| Entry {
        name: s.name.into(),
        signature: s.signature,
        doc: s.doc,
        example: s.example,
    });
    let aggregates = AGGREGATES.iter().map(|s| Entry {
        name: s.name.into(),
        signature: s.signature,
        doc: s.doc,
        example: s.example,
    });
    let functions = FUNCTIONS.iter().map(|s| Entry {
        name: s.full_name(),
        signature: s.signature,
        doc: s.doc,
        example: s.example,
    });
    windows.chain(aggregates).chain(functions).collect()
}

/// Events for every stream the example defines, with values of every kind its types have.
fn acts(app: &App, clock: ClockMode) -> Vec<Act> {
    let mut acts = Vec::new();
    for i in 0..60i64 {
        let now = 1_000 + i * 400 + i % 3;
        if clock == ClockMode::Live {
            acts.push(Act::Advance(now));
        }
        for stream in app.streams().iter().filter(|s| s.defined) {
            let row = |j: i64| -> Vec<Value> {
                stream.schema.fields().iter().map(|f| value(f.data_type(), now, j)).collect()
            };
            acts.push(match i % 11 {
                10 => Act::Chunk(stream.name.clone(), vec![(now, row(i)), (now, row(i + 1))]),
                _ => Act::Send(stream.name.clone(), now, row(i)),
            });
        }
    }
    acts.push(Act::Advance(120_000));
    acts
}

fn value(ty: &DataType, now: i64, i: i64) -> Value {
    match ty {
        _ if i % 13 == 12 => Value::Null,
        DataType::Int32 => Value::Int((i * 7 % 10) as i32 - 3),
        DataType::Int64 => Value::Long(now),
        DataType::Float32 => Value::Float(i as f32 * 1.5),
        DataType::Float64 => Value::Double((i * 31 % 17) as f64 * 1.1),
        DataType::Boolean => Value::Bool(i % 3 == 0),
        DataType::Utf8View => Value::String(["a", "b", "12"][(i % 3) as usize].into()),
        _ => Value::Long(i),
    }
}

#[test]
fn every_entry_is_documented() {
    let entries = entries();
    for (i, e) in entries.iter().enumerate() {
        assert!(e.signature.starts_with(&format!("{}(", e.name)), "{}: {}", e.name, e.signature);
        assert!(e.doc.len() > 40 && e.doc.ends_with('.'), "{}: {}", e.name, e.doc);
        assert!(e.doc.starts_with(|c: char| c.is_uppercase() || c == '`'), "{}: {}", e.name, e.doc);
        assert!(e.example.contains(&format!("{}(", e.name)), "{}: {}", e.name, e.example);
        assert!(entries[..i].iter().all(|o| o.name != e.name), "{} is there twice", e.name);
    }
    assert!(window_names().len() > WINDOWS.len());
    assert!(function(None, "coalesce").is_some() && function(Some("x"), "coalesce").is_none());
}

#[test]
fn every_example_runs() {
    for e in entries() {
        let app = App::from_text(e.example).unwrap_or_else(|f| panic!("{}: {f}", e.name));
        assert!(app.warnings().is_empty(), "{}: {:?}", e.name, app.warnings());
        assert!(!app.plan().explain_text().is_empty());
        let acts = acts(&app, ClockMode::Live);
        let out = run(e.example, Some(ClockMode::Live), &acts, Way::PLAIN)
            .unwrap_or_else(|f| panic!("{}: {f}", e.name));
        let lines = out.iter().filter(|(name, _)| name.starts_with("query "));
        assert!(lines.map(|(_, l)| l.len()).sum::<usize>() > 0, "{} puts nothing out", e.name);
    }
}

#[test]
fn no_example_depends_on_batches_or_restarts() {
    for e in entries() {
        let app = App::from_text(e.example).unwrap_or_else(|f| panic!("{}: {f}", e.name));
        for (seed, clock) in [(1, ClockMode::Live), (7, ClockMode::Playback)] {
            let acts = acts(&app, clock);
            assert_eq!(disagreement(e.example, Some(clock), &acts, seed), None, "{}", e.name);
        }
    }
}
