//! Random valid applications.
//!
//! All defined streams have the attributes `k string, a int, b double, t long`, so that every query
//! can read and write any of them. Where streams feed themselves, `a` only falls on the way, and the
//! way back is open only while it is positive: every loop ends.

use super::exprs::{Scope, boolean, double, int, long, string};
use super::tape::Tape;

/// Streams that take events and that queries may write; later ones are rarely sent to.
pub const STREAMS: [&str; 6] = ["S0", "S1", "S2", "M0", "M1", "M2"];

/// An application from the tapes of its queries.
pub fn app(tapes: &[Vec<u16>]) -> String {
    let mut text = String::from("@app:name('random')\n");
    for s in STREAMS {
        text += &format!("define stream {s} (k string, a int, b double, t long);\n");
    }
    let mut number = 0;
    for tape in tapes {
        let mut tape = Tape::new(tape);
        number += 1;
        if tape.chance(1, 6) {
            text += &partition(&mut tape, number);
        } else {
            text += &query(&mut tape, number, &STREAMS, &STREAMS, "O");
            text += ";\n";
        }
    }
    text
}

/// A partition of up to three queries, with streams of its own.
fn partition(tape: &mut Tape, number: usize) -> String {
    let (a, b) = (tape.below(6), tape.below(6));
    let key = tape.pick(&["k", "a"]);
    let with = match (a == b, tape.chance(2, 3)) {
        (false, true) => format!("{key} of {}, {key} of {}", STREAMS[a], STREAMS[b]),
        _ => format!("{key} of {}", STREAMS[a]),
    };
    let with = match tape.chance(1, 4) {
        true => format!("a < 3 as 'few' or a > 1 as 'many' or b > 1 as 'some' of {}", STREAMS[a]),
        false => with,
    };
    let mut text = format!("partition with ({with}) begin\n");
    let mut from: Vec<&str> = vec![STREAMS[a], STREAMS[b], STREAMS[a]];
    let mut to: Vec<&str> = vec!["#I0", "#I1"];
    to.extend(STREAMS.iter().filter(|s| rank(s) > rank(STREAMS[a]).max(rank(STREAMS[b]))));
    for i in 0..=tape.below(3) {
        text += "  ";
        text += &query(tape, number * 10 + i, &from, &to, "P");
        text += ";\n";
        // Only what is written so far can be read for certain.
        if i == 0 && text.contains("into #I0") {
            from.push("#I0");
        }
    }
    text + "end;\n"
}

/// Later streams may be written without making a circle.
fn rank(stream: &str) -> usize {
    STREAMS.iter().position(|s| *s == stream).unwrap_or(0)
}

/// What a query selects from.
struct Input {
    text: String,
    scope: Scope,
    /// The stream that feeds it last (its `a` is what `falling` gives).
    last: usize,
    /// An expression for `a` that is never more than that of what caused the row.
    falling: String,
    pattern: bool,
}

fn query(tape: &mut Tape, number: usize, from: &[&str], to: &[&str], out: &str) -> String {
    let input = match tape.below(8) {
        0..=3 => stream(tape, from),
        4 | 5 => join(tape, from),
        _ => pattern(tape, from),
    };
    let events = match input.pattern {
        true => "",
        false => tape.pick(&["", "", "current events ", "all events ", "expired events "]),
    };
    // Sometimes into one of the streams all share, else into one of its own.
    if tape.chance(1, 2) {
        let target = to[tape.below(to.len())];
        let inner = target.starts_with('#');
        if !inner && rank(target) <= input.last {
            let source = from[tape.below(from.len())];
            return format!(
                "@info(name='q{number}') from {source}[a > 0 and a < 5] select k, a - 1 as a, b, t \
                 insert {events}into {target}"
            );
        }
        let (items, section) = base_selection(tape, &input);
        let rate = rate(tape, events);
        return format!(
            "@info(name='q{number}') from {} select {items}{section}{rate} \
             insert {events}into {target}",
            input.text
        );
    }
    let (items, section) = own_selection(tape, &input);
    let rate = rate(tape, events);
    format!(
        "@info(name='q{number}') from {} select {items}{section}{rate} \
         insert {events}into {out}{number}",
        input.text
    )
}

/// Sometimes an output rate.
fn rate(tape: &mut Tape, events: &str) -> String {
    if !tape.chance(1, 4) {
        return String::new();
    }
    let time = tape.pick(&["100 millisec", "10 millisec", "1 sec", "35 millisec"]);
    let count = tape.pick(&["2 events", "3 events", "1 events"]);
    let word = tape.pick(&["", "all ", "first ", "last ", "snapshot "]);
    let every = match word {
        "snapshot " if !matches!(events, "" | "all events ") => return String::new(),
        // All that is there, again and again: not too often.
        "snapshot " => tape.pick(&["1 sec", "700 millisec", "5 sec"]),
        _ => tape.pick(&[time, count]),
    };
    format!(" output {word}every {every}")
}

fn stream(tape: &mut Tape, from: &[&str]) -> Input {
    let source = tape.pick(from);
    let plain = Scope::new(&[""]);
    let mut text = source.to_string();
    if tape.chance(1, 3) {
        text += &format!("[{}]", boolean(&plain, tape, 2));
    }
    if tape.chance(2, 3) {
        text += &window(tape);
    }
    if tape.chance(1, 4) {
        text += &format!("[{}]", boolean(&plain, tape, 1));
    }
    let mut scope = Scope::new(&[""]);
    scope.aggregates = tape.chance(1, 2);
    scope.event_time = true;
    Input { text, scope, last: rank(source), falling: "a".into(), pattern: false }
}

fn window(tape: &mut Tape) -> String {
    let n = tape.pick(&["2", "1", "3", "5", "0"]);
    let some = tape.pick(&["2", "1", "3"]);
    let ms = tape.pick(&["100", "10", "50 millisec", "1 sec", "5 sec"]);
    let start = tape.pick(&["0", "30", "7"]);
    let streaming = if tape.chance(1, 3) { ", true" } else { "" };
    let text = match tape.below(10) {
        0 => format!("length({n})"),
        1 => format!("lengthBatch({n}{streaming})"),
        2 => "batch()".into(),
        3 => format!("batch({some})"),
        4 => format!("time({ms})"),
        5 => format!("timeBatch({ms}{streaming})"),
        6 => format!("timeBatch({ms}, {start}{streaming})"),
        7 => format!("timeLength({ms}, {some})"),
        8 => format!("externalTime(t, {ms})"),
        _ => match tape.below(3) {
            0 => format!("externalTimeBatch(t, {ms})"),
            1 => format!("externalTimeBatch(t, {ms}, {start})"),
            _ => format!("externalTimeBatch(t, {ms}, {start}, {})", tape.pick(&["60", "500"])),
        },
    };
    format!("#window.{text}")
}

fn join(tape: &mut Tape, from: &[&str]) -> Input {
    let side = |tape: &mut Tape, alias: &str| {
        let source = tape.pick(from);
        let mut text = source.to_string();
        if tape.chance(1, 4) {
            text += &format!("[{}]", boolean(&Scope::new(&[""]), tape, 1));
        }
        if tape.chance(4, 5) {
            text += &window(tape);
        }
        (source, format!("{text} as {alias}"))
    };
    let (left, l) = side(tape, "l");
    let (right, r) = side(tape, "r");
    let kind =
        tape.pick(&["join", "join", "left outer join", "right outer join", "full outer join"]);
    let one = tape.below(6);
    let (ul, ur) = (
        if one == 4 { " unidirectional" } else { "" },
        if one == 5 { " unidirectional" } else { "" },
    );
    let both = Scope::new(&["l.", "r."]);
    let on = match tape.below(5) {
        0 => " on l.k == r.k".to_string(),
        1 => " on l.k == r.k and l.a < r.a".into(),
        2 => " on l.a == r.a".into(),
        3 => String::new(),
        _ => format!(" on {}", boolean(&both, tape, 1)),
    };
    let mut scope = both;
    scope.aggregates = tape.chance(1, 3);
    Input {
        text: format!("{l}{ul} {kind} {r}{ur}{on}"),
        scope,
        last: rank(left).max(rank(right)),
        falling: "minimum(l.a, r.a)".into(),
        pattern: false,
    }
}

fn pattern(tape: &mut Tape, from: &[&str]) -> Input {
    let sequence = tape.chance(1, 3);
    let arrow = if sequence { ", " } else { " -> " };
    let count = 2 + tape.below(2);
    let mut elements = Vec::new();
    let (mut names, mut last): (Vec<String>, usize) = (Vec::new(), 0);
    // References to counted elements give lists in a selection, so they need an index.
    let mut usable: Vec<String> = Vec::new();
    for i in 0..count {
        let mut one = |tape: &mut Tape, name: Option<String>, usable: &[String]| {
            let source = tape.pick(from);
            last = last.max(rank(source));
            let condition = match tape.below(4) {
                0 => String::new(),
                1 if !usable.is_empty() => {
                    let other = &usable[tape.below(usable.len())];
                    let op = tape.pick(&["k ==", "k !=", "a <", "a >"]);
                    format!("[{op} {other}{}]", op.as_bytes()[0] as char)
                }
                2 if !usable.is_empty() => {
                    let other = &usable[tape.below(usable.len())];
                    format!("[k == {other}k and b > {other}b]")
                }
                _ => format!("[{}]", boolean(&Scope::new(&[""]), tape, 1)),
            };
            let Some(name) = name else { return format!("not {source}{condition}") };
            names.push(name.clone());
            format!("{name}={source}{condition}")
        };
        let name = format!("e{}", 2 * i);
        let mut text = one(tape, Some(name.clone()), &usable);
        let mut added = vec![format!("{name}.")];
        let mut behind = None;
        match tape.below(8) {
            4 if i + 1 < count || !sequence => {
                let counts: &[&str] = match sequence {
                    true => &["+", "?", "*"],
                    false => &["<1:2>", "<2>", "<0:2>", "<1:>"],
                };
                text += tape.pick(counts);
                added = vec![format!("{name}[0]."), format!("{name}[last].")];
            }
            5 => {
                let op = tape.pick(&["and", "or"]);
                let second = format!("e{}", 2 * i + 1);
                text = format!("{text} {op} {}", one(tape, Some(second.clone()), &usable));
                added.push(format!("{second}."));
            }
            6 => {
                let absent = one(tape, None, &usable);
                let rest = tape.pick(&["and", "for 10 millisec and", "for 1 sec or"]);
                text = match (tape.chance(1, 2), rest.rsplit_once(' ')) {
                    (true, _) => format!("{absent} {rest} {text}"),
                    (false, Some((time, op))) => format!("{text} {op} {absent} {time}"),
                    (false, None) => format!("{text} {rest} {absent}"),
                };
            }
            7 => {
                let absent = one(tape, None, &usable);
                let time = tape.pick(&["10 millisec", "100 millisec", "1 sec"]);
                if i == 0 && tape.chance(1, 3) {
                    elements.push(format!("{}{absent} for {time}", tape.pick(&["", "every "])));
                } else {
                    behind = Some(format!("{absent} for {time}"));
                }
            }
            _ => {}
        }
        usable.extend(added);
        if elements.is_empty() && tape.chance(2, 3) {
            text = format!(
                "every {}",
                if text.contains(" or ") || text.contains(" and ") {
                    format!("({text})")
                } else {
                    text
                }
            );
        }
        elements.push(text);
        elements.extend(behind);
    }
    let mut text = elements.join(arrow);
    if tape.chance(1, 2) {
        text += tape.pick(&[" within 1 sec", " within 100 millisec", " within 10 millisec"]);
    }
    let names: Vec<&str> = usable.iter().map(String::as_str).collect();
    let mut scope = Scope::new(&names);
    scope.aggregates = tape.chance(1, 4);
    Input { text, scope, last, falling: "0".into(), pattern: true }
}

/// `group by` and what comes after, for a selection of these attributes.
fn section(tape: &mut Tape, input: &Input, attributes: &[&str]) -> String {
    let mut text = String::new();
    if tape.chance(1, 3) {
        let name = &input.scope.names[tape.below(input.scope.names.len())];
        if !name.contains('[') {
            text += &format!(" group by {name}{}", tape.pick(&["k", "a"]));
            if tape.chance(1, 4) {
                text += &format!(", {name}{}", tape.pick(&["t", "b"]));
            }
        }
    }
    let numeric: Vec<&str> =
        attributes.iter().copied().filter(|a| *a != "k" && *a != "s").collect();
    if tape.chance(1, 4) && !numeric.is_empty() {
        let name = tape.pick(&numeric);
        text += &format!(" having {name} {} {}", tape.pick(&[">", "<", "!="]), tape.below(4));
    }
    if tape.chance(1, 5) {
        text +=
            &format!(" order by {}{}", tape.pick(attributes), tape.pick(&["", " desc", " asc"]));
        if tape.chance(1, 3) {
            text += &format!(", {}", tape.pick(attributes));
        }
    }
    if tape.chance(1, 6) {
        text += &format!(" limit {}", tape.below(3) + 1);
    }
    if tape.chance(1, 8) {
        text += &format!(" offset {}", tape.below(2));
    }
    text
}

/// A selection of `k, a, b, t`.
fn base_selection(tape: &mut Tape, input: &Input) -> (String, String) {
    let s = &input.scope;
    let items = format!(
        "{} as k, {} as a, {} as b, {} as t",
        string(s, tape, 1),
        input.falling,
        double(s, tape, 1),
        long(s, tape, 1)
    );
    (items, section(tape, input, &["k", "a", "b", "t"]))
}

/// Any selection.
fn own_selection(tape: &mut Tape, input: &Input) -> (String, String) {
    let s = &input.scope;
    if !input.pattern && s.names.len() == 1 && !s.aggregates && tape.chance(1, 3) {
        return ("*".into(), section(tape, input, &["k", "a", "b", "t"]));
    }
    let mut items = vec![];
    let mut names: Vec<&str> = vec![];
    for name in ["x", "y", "z", "s", "w"].into_iter().take(1 + tape.below(5)) {
        items.push(match name {
            "x" => format!("{} as x", int(s, tape, 2)),
            "y" => format!("{} as y", double(s, tape, 2)),
            "z" => format!("{} as z", long(s, tape, 2)),
            "s" => format!("{} as s", string(s, tape, 2)),
            _ => format!("{} as w", int(s, tape, 1)),
        });
        names.push(name);
    }
    let text = section(tape, input, &names);
    (items.join(", "), text)
}
