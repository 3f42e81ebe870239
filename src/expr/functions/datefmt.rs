//! Dates as text in the patterns of Java's `SimpleDateFormat`: `y M d H h k K m s S a E D Z X z` and
//! quoted text. Names are English. Text with a zone is read as that zone's; written, zones are UTC.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};

/// Names of the days of the week.
pub(super) const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A pattern, read.
pub(super) struct DateFormat(Vec<Item>);

#[derive(Debug, Clone, PartialEq)]
enum Item {
    Text(String),
    Field(char, usize),
}

/// What was read of a date.
struct Fields {
    year: i32,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    hour: u32,
    half: Option<(u32, bool)>,
    minute: u32,
    second: u32,
    milli: u32,
    /// Seconds east of UTC.
    offset: i64,
}

impl DateFormat {
    /// Reads a pattern; none if it has letters this doesn't know, or a quote that isn't closed.
    pub fn new(pattern: &str) -> Option<Self> {
        let mut items: Vec<Item> = Vec::new();
        let mut chars = pattern.chars().peekable();
        let text = |items: &mut Vec<Item>, c: char| match items.last_mut() {
            Some(Item::Text(t)) => t.push(c),
            _ => items.push(Item::Text(c.into())),
        };
        while let Some(c) = chars.next() {
            match c {
                '\'' if chars.next_if_eq(&'\'').is_some() => text(&mut items, '\''),
                '\'' => loop {
                    match chars.next()? {
                        '\'' if chars.next_if_eq(&'\'').is_none() => break,
                        c => text(&mut items, c),
                    }
                },
                'y' | 'M' | 'd' | 'H' | 'h' | 'k' | 'K' | 'm' | 's' | 'S' | 'a' | 'E' | 'D'
                | 'Z' | 'X' | 'z' => {
                    let mut count = 1;
                    while chars.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    items.push(Item::Field(c, count));
                }
                c if c.is_ascii_alphabetic() => return None,
                c => text(&mut items, c),
            }
        }
        Some(Self(items))
    }

    /// Appends a point in time (UTC).
    pub fn write(&self, t: NaiveDateTime, out: &mut String) {
        use std::fmt::Write;
        let hour12 = |h: u32| if h.is_multiple_of(12) { 12 } else { h % 12 };
        for item in &self.0 {
            let Item::Field(c, n) = item else {
                if let Item::Text(t) = item {
                    out.push_str(t);
                }
                continue;
            };
            let number = match c {
                'y' if *n == 2 => t.year().rem_euclid(100) as u32,
                'y' => t.year().unsigned_abs(),
                'M' if *n > 3 => {
                    out.push_str(MONTHS[t.month0() as usize]);
                    continue;
                }
                'M' if *n == 3 => {
                    out.push_str(&MONTHS[t.month0() as usize][..3]);
                    continue;
                }
                'M' => t.month(),
                'd' => t.day(),
                'D' => t.ordinal(),
                'H' => t.hour(),
                'k' if t.hour() == 0 => 24,
                'k' => t.hour(),
                'K' => t.hour() % 12,
                'h' => hour12(t.hour()),
                'm' => t.minute(),
                's' => t.second(),
                'S' => t.nanosecond() / 1_000_000 % 1000,
                'a' => {
                    out.push_str(if t.hour() < 12 { "AM" } else { "PM" });
                    continue;
                }
                'E' => {
                    let name = DAYS[t.weekday().num_days_from_monday() as usize];
                    out.push_str(if *n > 3 { name } else { &name[..3] });
                    continue;
                }
                zone => {
                    out.push_str(match zone {
                        'Z' => "+0000",
                        'X' => "Z",
                        _ => "UTC",
                    });
                    continue;
                }
            };
            // Writing to a string can't fail.
            let _ = write!(out, "{number:0n$}", n = *n);
        }
    }

    /// Reads a point in time (UTC); none if the text doesn't fit, or names no day there is.
    pub fn parse(&self, text: &str) -> Option<NaiveDateTime> {
        let mut f = Fields {
            year: 1970,
            month: 1,
            day: 1,
            day_of_year: None,
            hour: 0,
            half: None,
            minute: 0,
            second: 0,
            milli: 0,
            offset: 0,
        };
        let mut rest = text;
        for (i, item) in self.0.iter().enumerate() {
            rest = match item {
                Item::Text(t) => rest.strip_prefix(t.as_str())?,
                Item::Field(c, n) => {
                    // Digits of fields that touch can only be told by their number.
                    let touches = matches!(self.0.get(i + 1), Some(Item::Field(..)));
                    f.read(*c, *n, touches, rest)?
                }
            };
        }
        f.finish()
    }
}

/// A number at the beginning of a text, and what is behind it.
fn number(text: &str, most: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

/// Which of some names, or their first three letters, the text begins with.
fn named<'a>(text: &'a str, names: &[&str]) -> Option<(usize, &'a str)> {
    let begins = |name: &str| text.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name));
    let long = names.iter().position(|n| begins(n)).map(|i| (i, names[i].len()));
    let (i, length) =
        long.or_else(|| names.iter().position(|n| begins(&n[..3])).map(|i| (i, 3)))?;
    Some((i, &text[length..]))
}

/// Seconds east of UTC: `Z`, `UTC`, `GMT`, `+0530`, `+05:30`, `+05`.
fn zone(text: &str) -> Option<(i64, &str)> {
    for name in ["UTC", "GMT", "Z"] {
        if let Some(rest) = text.strip_prefix(name) {
            return Some((0, rest));
        }
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = number(&text[1..], 2)?;
    let (minutes, rest) = number(rest.strip_prefix(':').unwrap_or(rest), 2).unwrap_or((0, rest));
    Some((sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60), rest))
}

impl Fields {
    /// Reads a field; what is behind it.
    fn read<'a>(&mut self, c: char, n: usize, touches: bool, text: &'a str) -> Option<&'a str> {
        let most = if touches { n } else { 9 };
        let (value, rest) = match c {
            'M' if n >= 3 => {
                let (month, rest) = named(text, &MONTHS)?;
                (month as u32 + 1, rest)
            }
            'E' => return named(text, &DAYS).map(|(_, rest)| rest),
            'a' => {
                let (half, rest) = (text.get(..2)?, &text[2..]);
                let pm = half.eq_ignore_ascii_case("pm");
                (pm || half.eq_ignore_ascii_case("am")).then_some(())?;
                self.half = Some((self.half.map_or(0, |h| h.0), pm));
                return Some(rest);
            }
            'Z' | 'X' | 'z' => {
                let (offset, rest) = zone(text)?;
                self.offset = offset;
                return Some(rest);
            }
            _ => number(text, most)?,
        };
        match c {
            // Two digits are a year of this century, or of the last.
            'y' if n == 2 && text.len() - rest.len() == 2 => {
                self.year = value as i32 + if value < 70 { 2000 } else { 1900 };
            }
            'y' => self.year = i32::try_from(value).ok()?,
            'M' => self.month = value,
            'd' => self.day = value,
            'D' => self.day_of_year = Some(value),
            'H' => self.hour = value,
            'k' => self.hour = value % 24,
            'h' | 'K' => self.half = Some((value % 12, self.half.is_some_and(|h| h.1))),
            'm' => self.minute = value,
            's' => self.second = value,
            _ => self.milli = value,
        }
        Some(rest)
    }

    fn finish(self) -> Option<NaiveDateTime> {
        let date = match self.day_of_year {
            Some(day) => NaiveDate::from_yo_opt(self.year, day),
            None => NaiveDate::from_ymd_opt(self.year, self.month, self.day),
        }?;
        let hour = self.half.map_or(self.hour, |(h, pm)| h + if pm { 12 } else { 0 });
        let t = date.and_hms_milli_opt(hour, self.minute, self.second, self.milli)?;
        t.checked_sub_signed(TimeDelta::try_seconds(self.offset)?)
    }
}
