//! What the real engine was seen to do with random patterns and sequences, in `recorded.txt`.
//!
//! The cases were drawn by `random.rs` and run through Siddhi; of those on which it agrees with the
//! model, some of every kind were kept. (Where it disagrees on purpose: `docs/deviations.md`.)

use foreshock::event::Value;

use crate::harness::{In, query, show};

const RECORDED: &str = include_str!("recorded.txt");

/// `stream@ts:p,k,v`
fn row(text: &str) -> In {
    let (at, values) = text.split_once(':').unwrap();
    let (stream, ts) = at.split_once('@').unwrap();
    let value = |v: &str| v.parse::<i32>().map_or(Value::Null, Value::Int);
    In {
        stream: stream.parse().unwrap(),
        ts: ts.parse().unwrap(),
        values: values.split(',').map(value).collect(),
    }
}

#[test]
fn random_cases_match_as_the_real_engine_did() {
    let streams: String =
        (0..4).map(|s| format!("define stream S{s} (p int, k int, v int);\n")).collect();
    let cases: Vec<Vec<&str>> = RECORDED
        .split("\n\n")
        .map(|case| case.lines().filter(|l| !l.starts_with('#')).collect::<Vec<_>>())
        .filter(|case| !case.is_empty())
        .collect();
    assert_eq!(cases.len(), 273);
    for case in cases {
        let [text, rows, expected @ ..] = case.as_slice() else { panic!("{case:?}") };
        let app = format!("{streams}{text}");
        let q = query(&app).unwrap_or_else(|d| panic!("{app}\n{d:#?}"));
        let rows: Vec<In> = rows.split(' ').skip(1).map(row).collect();
        let halves = [rows.len() / 2];
        for (cuts, restore) in [(&[][..], false), (&halves[..], true)] {
            let found = q.run(&rows, cuts, |_| restore);
            let found: Vec<String> = found
                .iter()
                .map(|m| {
                    let values: Vec<String> = m.values.iter().map(show).collect();
                    format!("{} {}", m.by, values.join("|"))
                })
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
