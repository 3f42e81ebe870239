//! Random sequences of events.

use foreshock::{ClockMode, Value};

use super::apps::STREAMS;
use crate::support::ways::Act;

/// One event: which stream, how much later, its values, how it is sent.
pub type Raw = (u8, u8, u8, u8, u8, u8, u8);

const GAPS: [i64; 12] = [0, 0, 0, 10, 1, 50, 100, 0, 500, 1000, 5000, 90];

/// What happens, under this clock.
pub fn acts(raw: &[Raw], clock: ClockMode) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut now: i64 = 1_000;
    let mut at = 0;
    while at < raw.len() {
        let (stream, gap, .., how) = raw[at];
        now += GAPS[usize::from(gap) % GAPS.len()];
        if clock == ClockMode::Live {
            acts.push(Act::Advance(now));
        }
        let stream = STREAMS[[0, 1, 0, 2, 1, 0, 3, 4, 2, 5][usize::from(stream) % 10]].to_string();
        // Mostly single events, sometimes a chunk of the next few.
        let most = match how % 8 {
            6 => 2,
            7 => 2 + usize::from(how / 64),
            _ => 1,
        };
        let rows: Vec<(i64, Vec<Value>)> =
            raw[at..].iter().take(most).map(|r| row(r, now)).collect();
        at += rows.len();
        match (rows.len(), rows.first()) {
            (1, Some((ts, row))) => acts.push(Act::Send(stream, *ts, row.clone())),
            _ => acts.push(Act::Chunk(stream, rows)),
        }
    }
    if clock == ClockMode::Live {
        acts.push(Act::Advance(now + 2_000));
    }
    acts
}

fn row((_, _, k, a, b, t, how): &Raw, now: i64) -> (i64, Vec<Value>) {
    let k = match k % 9 {
        0..=3 => "a".into(),
        4 | 5 => "b".into(),
        6 => "a key that is longer than a word".into(),
        7 => "".into(),
        _ => Value::Null,
    };
    let a = match a % 10 {
        n @ 0..=4 => Value::Int(n.into()),
        5 => Value::Int(-1),
        6 => Value::Int(i32::MAX),
        7 => Value::Int(i32::MIN),
        8 => Value::Null,
        _ => Value::Int(2),
    };
    let b = match b % 12 {
        n @ 0..=5 => Value::Double(f64::from(n) * 0.1),
        6 => Value::Double(-2.25),
        7 => Value::Double(1e17),
        8 => Value::Null,
        9 => Value::Double(-0.0),
        10 => Value::Double(f64::NAN),
        _ => Value::Double(f64::INFINITY),
    };
    // The time column is the clock, now and then late, ahead or missing.
    let t = match t % 10 {
        0..=4 => Value::Long(now),
        5 => Value::Long(now - 60),
        6 => Value::Long(now + 40),
        7 => Value::Long(now / 100 * 100),
        8 => Value::Null,
        _ => Value::Long(now - 1_000),
    };
    let ts = match how % 16 {
        1 => now - 20,
        9 => now - 700,
        _ => now,
    };
    (ts, vec![k, a, b, t])
}
