//! Recorded against replayed output.

use std::fmt::Write;

use super::corpus::{Event, Group, Recording};

/// The first difference, in a line.
pub type Difference = String;

/// How to compare.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// Only the multiset of each callback's events counts.
    pub unordered: bool,
    /// Recorded numbers of a foreign class are converted (see `Datum::admits`).
    pub converted: bool,
}

/// Compares kind, data with types, order and chunks of every recorded callback.
pub fn matches(expected: &Recording, got: &Recording, rules: Rules) -> Result<(), Difference> {
    for (callback, expected) in expected {
        let none = Vec::new();
        let got = got.get(callback).unwrap_or(&none);
        let result = if rules.unordered {
            same_multiset(expected, got, rules)
        } else {
            same_groups(expected, got, rules)
        };
        result.map_err(|d| format!("{callback}: {d}"))?;
    }
    Ok(())
}

/// Whether the timestamps agree, too; for recordings that match.
pub fn same_timestamps(expected: &Recording, got: &Recording) -> bool {
    expected.iter().all(|(callback, expected)| {
        let expected = expected.iter().flatten().map(|e| e.ts);
        let got = got.get(callback).into_iter().flatten().flatten().map(|e| e.ts);
        expected.eq(got)
    })
}

/// Compares two replays of ours to the last bit, timestamps included.
pub fn identical(a: &Recording, b: &Recording) -> Result<(), Difference> {
    let same = |a: &Event, b: &Event| {
        a.ts == b.ts
            && a.expired == b.expired
            && a.data.len() == b.data.len()
            && a.data.iter().zip(&b.data).all(|(a, b)| a.identical(b))
    };
    if a.keys().ne(b.keys()) {
        return Err("other callbacks".into());
    }
    for (callback, a) in a {
        let b = &b[callback];
        for i in 0..a.len().max(b.len()) {
            let (x, y) = (a.get(i), b.get(i));
            let equal = matches!((x, y), (Some(x), Some(y))
                if x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)));
            if !equal {
                return Err(format!("{callback}: {}", differ(i, x, y, true)));
            }
        }
    }
    Ok(())
}

fn admits(e: &Event, g: &Event, rules: Rules) -> bool {
    e.expired == g.expired
        && e.data.len() == g.data.len()
        && e.data.iter().zip(&g.data).all(|(e, g)| e.admits(g, rules.converted))
}

fn same_groups(expected: &[Group], got: &[Group], rules: Rules) -> Result<(), Difference> {
    for i in 0..expected.len().max(got.len()) {
        let (e, g) = (expected.get(i), got.get(i));
        let equal = matches!((e, g), (Some(e), Some(g))
            if e.len() == g.len() && e.iter().zip(g).all(|(e, g)| admits(e, g, rules)));
        if !equal {
            return Err(differ(i, e, g, false));
        }
    }
    Ok(())
}

fn same_multiset(expected: &[Group], got: &[Group], rules: Rules) -> Result<(), Difference> {
    let mut rest: Vec<&Event> = got.iter().flatten().collect();
    for e in expected.iter().flatten() {
        match rest.iter().position(|g| admits(e, g, rules)) {
            Some(at) => drop(rest.remove(at)),
            None => return Err(format!("expected {}, which isn't there", line(e, false))),
        }
    }
    match rest.first() {
        Some(g) => Err(format!("unexpected {}", line(g, false))),
        None => Ok(()),
    }
}

fn differ(i: usize, expected: Option<&Group>, got: Option<&Group>, ts: bool) -> Difference {
    let show = |g: Option<&Group>| match g {
        None => "nothing".to_string(),
        Some(g) => g.iter().map(|e| line(e, ts)).collect::<Vec<_>>().join(" "),
    };
    format!("call {i}: expected {}, got {}", show(expected), show(got))
}

fn line(e: &Event, ts: bool) -> String {
    let data: Vec<String> = e.data.iter().map(ToString::to_string).collect();
    let ts = if ts { format!("@{} ", e.ts) } else { String::new() };
    format!("{ts}{}({})", if e.expired { "E" } else { "C" }, data.join(", "))
}

/// One line an event: callback, number of the call, kind and data.
pub fn render(recording: &Recording) -> Vec<String> {
    let mut lines = Vec::new();
    for (callback, groups) in recording {
        for (i, group) in groups.iter().enumerate() {
            lines.extend(group.iter().map(|e| format!("{callback} #{i} {}", line(e, false))));
        }
    }
    lines
}

/// Both recordings beside each other, for a person; only the callbacks that were recorded.
pub fn side_by_side(expected: &Recording, got: &Recording, most: usize) -> String {
    let mut out = String::new();
    for (callback, groups) in expected {
        let only = |g: &[Group]| {
            let lines = g.iter().enumerate().flat_map(|(i, g)| {
                g.iter().map(move |e| format!("#{i} {} {}", e.ts, line(e, false)))
            });
            lines.collect::<Vec<_>>()
        };
        let left = only(groups);
        let right = only(got.get(callback).map_or(&[], Vec::as_slice));
        let width = left.iter().map(String::len).max().unwrap_or(0).clamp(8, 90);
        let _ = writeln!(out, "  {callback}\n    {:width$} | got", "recorded");
        for i in 0..left.len().max(right.len()).min(most) {
            let l = left.get(i).map_or("", String::as_str);
            let r = right.get(i).map_or("", String::as_str);
            let strip = |s: &str| s.splitn(3, ' ').nth(2).map(str::to_string);
            let mark = if strip(l) == strip(r) { ' ' } else { '*' };
            let _ = writeln!(out, "  {mark} {l:width$} | {r}");
        }
        let more = left.len().max(right.len()).saturating_sub(most);
        if more > 0 {
            let _ = writeln!(out, "    ({more} more)");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::corpus::{Callback, Event, Recording};
    use super::super::datum::Datum;
    use super::{Rules, identical, matches};

    fn event(expired: bool, data: &[Datum]) -> Event {
        Event { ts: 5, expired, data: data.to_vec() }
    }

    fn recording(groups: Vec<Vec<Event>>) -> Recording {
        Recording::from([(Callback::Query("q".into()), groups)])
    }

    #[test]
    fn every_difference_is_one() {
        let (a, b) = (event(false, &[Datum::Int(1)]), event(true, &[Datum::Int(2)]));
        let expected = recording(vec![vec![a.clone()], vec![a.clone(), b.clone()]]);
        let strict = Rules::default();
        assert!(matches(&expected, &expected, strict).is_ok());
        let long = event(false, &[Datum::Long(1)]);
        let wide = event(false, &[Datum::Int(1), Datum::Null]);
        for (what, other) in [
            ("a missing call", vec![vec![a.clone()]]),
            ("a call too many", vec![vec![a.clone()], vec![a.clone(), b.clone()], vec![b.clone()]]),
            ("other chunks", vec![vec![a.clone()], vec![a.clone()], vec![b.clone()]]),
            ("another order", vec![vec![a.clone(), b.clone()], vec![a.clone()]]),
            (
                "another kind",
                vec![vec![a.clone()], vec![a.clone(), event(false, &[Datum::Int(2)])]],
            ),
            ("another type", vec![vec![long], vec![a.clone(), b.clone()]]),
            ("another width", vec![vec![wide], vec![a.clone(), b.clone()]]),
            ("nothing", vec![]),
        ] {
            assert!(matches(&expected, &recording(other.clone()), strict).is_err(), "{what}");
            assert!(identical(&expected, &recording(other)).is_err(), "{what}");
        }
    }

    #[test]
    fn a_multiset_counts() {
        let unordered = Rules { unordered: true, ..Rules::default() };
        let (a, b) = (event(false, &[Datum::Int(1)]), event(false, &[Datum::Int(2)]));
        let expected = recording(vec![vec![a.clone()], vec![a.clone(), b.clone()]]);
        let same = recording(vec![vec![b.clone(), a.clone(), a.clone()]]);
        let other = recording(vec![vec![b.clone(), b, a]]);
        assert!(matches(&expected, &same, unordered).is_ok());
        assert!(matches(&expected, &other, unordered).is_err());
    }

    #[test]
    fn numbers_are_compared_by_their_class() {
        let float = |v| Datum::Float(v);
        assert!(Datum::Double(0.1 + 0.2).admits(&Datum::Double(0.3), false));
        assert!(!Datum::Double(0.3).admits(&Datum::Double(0.300_001), false));
        assert!(!Datum::Double(38.12).admits(&float(38.12), false));
        assert!(Datum::Double(38.12).admits(&float(38.12), true));
        assert!(!Datum::Double(38.12).admits(&float(38.13), true));
        assert!(!Datum::Text("1".into()).admits(&Datum::Int(1), true));
        let set = |v: &[i32]| Datum::Set(v.iter().map(|v| Datum::Int(*v)).collect());
        assert!(set(&[1, 2]).admits(&set(&[2, 1]), false));
        assert!(!set(&[1, 1]).admits(&set(&[1, 2]), false));
        assert!(!Datum::Double(0.0).identical(&Datum::Double(-0.0)));
    }
}
