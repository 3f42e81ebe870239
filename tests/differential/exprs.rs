//! Random expressions over attributes `k string, a int, b double, t long`.

use super::tape::Tape;

/// What an expression may use.
pub struct Scope {
    /// Prefixes of attributes: `""`, `"l."`, `"e1."`.
    pub names: Vec<String>,
    /// Whether aggregates are allowed.
    pub aggregates: bool,
    /// Whether `eventTimestamp()` is.
    pub event_time: bool,
}

impl Scope {
    pub fn new(names: &[&str]) -> Self {
        let names = names.iter().map(ToString::to_string).collect();
        Self { names, aggregates: false, event_time: false }
    }

    fn name(&self, tape: &mut Tape, attribute: char) -> String {
        format!("{}{attribute}", self.names[tape.below(self.names.len())])
    }
}

pub fn int(s: &Scope, tape: &mut Tape, depth: usize) -> String {
    let n = if depth == 0 { 2 } else { 9 };
    match tape.below(n) {
        0 => s.name(tape, 'a'),
        1 => tape.pick(&["1", "2", "0", "-3", "2147483647"]).to_string(),
        2 | 3 if s.aggregates => {
            let f = tape.pick(&["max", "min", "maxForever", "minForever"]);
            format!("{f}({})", int(&plain(s), tape, 0))
        }
        2 | 3 => format!("coalesce({}, {})", int(s, tape, 0), int(s, tape, 0)),
        4 => {
            let (c, x, y) = (boolean(s, tape, depth - 1), int(s, tape, 0), int(s, tape, 0));
            format!("ifThenElse({c}, {x}, {y})")
        }
        5 => format!("minimum({}, {})", int(s, tape, 0), int(s, tape, 0)),
        _ => {
            let op = tape.pick(&["+", "-", "*", "/", "%"]);
            format!("({} {op} {})", int(s, tape, depth - 1), int(s, tape, depth - 1))
        }
    }
}

pub fn long(s: &Scope, tape: &mut Tape, depth: usize) -> String {
    match tape.below(if depth == 0 { 2 } else { 8 }) {
        0 => s.name(tape, 't'),
        1 => tape.pick(&["1L", "1000L", "-7L"]).to_string(),
        2 => "currentTimeMillis()".into(),
        3 if s.event_time => "eventTimestamp()".into(),
        4 | 5 if s.aggregates => match tape.below(4) {
            0 => "count()".into(),
            1 => format!("sum({})", int(&plain(s), tape, depth - 1)),
            2 => format!("distinctCount({})", string(&plain(s), tape, depth - 1)),
            _ => format!("sum({})", s.name(tape, 't')),
        },
        _ => {
            let op = tape.pick(&["+", "-", "*", "/", "%"]);
            format!("({} {op} {})", long(s, tape, depth - 1), int(s, tape, depth - 1))
        }
    }
}

pub fn double(s: &Scope, tape: &mut Tape, depth: usize) -> String {
    match tape.below(if depth == 0 { 2 } else { 7 }) {
        0 => s.name(tape, 'b'),
        1 => tape.pick(&["0.5", "-2.5", "1e300"]).to_string(),
        2 | 3 if s.aggregates => {
            let f = tape.pick(&["sum", "avg", "stdDev", "max", "min"]);
            format!("{f}({})", double(&plain(s), tape, 0))
        }
        _ => {
            let op = tape.pick(&["+", "-", "*", "/", "%"]);
            format!("({} {op} {})", double(s, tape, depth - 1), int(s, tape, depth - 1))
        }
    }
}

pub fn string(s: &Scope, tape: &mut Tape, depth: usize) -> String {
    match tape.below(if depth == 0 { 2 } else { 5 }) {
        0 | 2 => s.name(tape, 'k'),
        1 => tape.pick(&["'a'", "'zzz'"]).to_string(),
        3 => format!("convert({}, 'string')", int(&plain(s), tape, 0)),
        _ => {
            let (c, x, y) = (boolean(s, tape, depth - 1), string(s, tape, 0), string(s, tape, 0));
            format!("ifThenElse({c}, {x}, {y})")
        }
    }
}

pub fn boolean(s: &Scope, tape: &mut Tape, depth: usize) -> String {
    match tape.below(if depth == 0 { 4 } else { 8 }) {
        0 => {
            let op = tape.pick(&[">", ">=", "<", "==", "!="]);
            format!("{} {op} {}", s.name(tape, 'a'), tape.pick(&["1", "2", "0"]))
        }
        1 => format!("{} {} 'a'", s.name(tape, 'k'), tape.pick(&["==", "!="])),
        2 => format!("{} is null", {
            let attribute = tape.pick(&['k', 'a', 'b', 't']);
            s.name(tape, attribute)
        }),
        3 => format!("{} > {}", s.name(tape, 'b'), double(s, tape, 0)),
        4 => format!("({} and {})", boolean(s, tape, depth - 1), boolean(s, tape, depth - 1)),
        5 => format!("({} or {})", boolean(s, tape, depth - 1), boolean(s, tape, depth - 1)),
        6 => format!("(not ({}))", boolean(s, tape, depth - 1)),
        _ => format!("{} <= {}", int(s, tape, depth - 1), long(s, tape, depth - 1)),
    }
}

/// The same scope without aggregates: they aren't nested.
fn plain(s: &Scope) -> Scope {
    Scope { names: s.names.clone(), aggregates: false, event_time: false }
}
