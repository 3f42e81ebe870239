//! Cron expressions in Quartz's form, and the points in time they name, in UTC.
//!
//! `second minute hour day-of-month month day-of-week [year]`. A field is a list of values, ranges
//! (which may wrap: `FRI-MON`, `22-2`) and steps (`*/5`, `10/15`, `8-18/2`), or `*` for all. Months and
//! weekdays have names (`JAN`, `MON`; as numbers, weekdays go from 1, Sunday, to 7). Only one of the two
//! day fields may say anything; the other is `?` or `*`. A day of the month may be `L` (the last), `L-3`,
//! `15W` (the weekday nearest to the 15th, within the month) or `LW`; a day of the week `6L` (the last
//! Friday) or `6#3` (the third Friday).

use std::str::FromStr;

use thiserror::Error;

/// Last year an expression may name.
const LAST_YEAR: i64 = 2099;
/// First year an expression may name.
const FIRST_YEAR: i64 = 1970;
/// How many years are searched where the year is left open. All that depends on leap years and
/// weekdays comes again within 40 years.
const FAR: i64 = 40;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CronError {
    /// Not six or seven fields.
    #[error("a cron expression has 6 or 7 fields, not {0}")]
    Fields(usize),
    /// Part of a field can't be read.
    #[error("`{part}` can't be read as {field}")]
    Part {
        /// The field.
        field: &'static str,
        /// What stands there.
        part: String,
    },
    /// A value out of range.
    #[error("{field} goes from {least} to {most}, not to {value}")]
    Range {
        /// The field.
        field: &'static str,
        /// Smallest value.
        least: u32,
        /// Largest value.
        most: u32,
        /// What was found.
        value: u32,
    },
    /// Both day fields say something.
    #[error("only one of day of month and day of week can be given, the other must be `?`")]
    BothDays,
}

/// A cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    seconds: u64,
    minutes: u64,
    hours: u64,
    months: u64,
    days: Days,
    /// None: every year.
    years: Option<Vec<i64>>,
}

/// Which days of a month. Bits count from the first value of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Days {
    All,
    /// Days (bit 1 is the first), days before the last (bit 0 is the last), days of which the nearest
    /// weekday is meant, and whether the month's last weekday is.
    OfMonth {
        days: u64,
        from_last: u64,
        nearest: u64,
        last_weekday: bool,
    },
    /// Weekdays (bit 1 is Sunday), last weekdays of the month, and nth ones by `7 * (n - 1) + weekday`.
    OfWeek {
        days: u64,
        last: u64,
        nth: u64,
    },
}

/// A field: its name, range and the names of its values.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const SECOND: Field = Field { name: "second", least: 0, most: 59, names: &[] };
const MINUTE: Field = Field { name: "minute", least: 0, most: 59, names: &[] };
const HOUR: Field = Field { name: "hour", least: 0, most: 23, names: &[] };
const DAY: Field = Field { name: "day of month", least: 1, most: 31, names: &[] };
const MONTH: Field = Field { name: "month", least: 1, most: 12, names: &MONTHS };
const WEEKDAY: Field = Field { name: "day of week", least: 1, most: 7, names: &WEEKDAYS };
const YEAR: Field =
    Field { name: "year", least: FIRST_YEAR as u32, most: LAST_YEAR as u32, names: &[] };

impl Field {
    fn unreadable(&self, part: &str) -> CronError {
        CronError::Part { field: self.name, part: part.to_string() }
    }

    fn value(&self, text: &str) -> Result<u32, CronError> {
        if let Some(i) = self.names.iter().position(|n| n.eq_ignore_ascii_case(text)) {
            return Ok(self.least + i as u32);
        }
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let value = text.parse::<u32>().ok().filter(|_| digits);
        let value = value.ok_or_else(|| self.unreadable(text))?;
        if (self.least..=self.most).contains(&value) {
            return Ok(value);
        }
        let Field { name: field, least, most, .. } = *self;
        Err(CronError::Range { field, least, most, value })
    }

    /// Calls `f` for every value of a part: `*`, `a`, `a-b`, each perhaps with `/step`.
    fn part(&self, part: &str, f: &mut dyn FnMut(u32)) -> Result<(), CronError> {
        let (range, step) = match part.split_once('/') {
            None => (part, None),
            Some((range, step)) => {
                let step = step.parse::<u32>().ok().filter(|s| *s > 0);
                (range, Some(step.ok_or_else(|| self.unreadable(part))?))
            }
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" || (range.is_empty() && step.is_some()) => (self.least, self.most),
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None => {
                let from = self.value(range)?;
                (from, if step.is_some() { self.most } else { from })
            }
        };
        let values = self.most - self.least + 1;
        let length = if to >= from { to - from } else { to + values - from };
        for i in (0..=length).step_by(step.unwrap_or(1) as usize) {
            f(self.least + (from - self.least + i) % values);
        }
        Ok(())
    }

    /// The values of a list as bits.
    fn bits(&self, text: &str) -> Result<u64, CronError> {
        let mut bits = 0;
        text.split(',').try_for_each(|part| self.part(part, &mut |v| bits |= 1 << v))?;
        Ok(bits)
    }
}

/// Strips a suffix, whatever its case.
fn without_end(text: &str, end: char) -> Option<&str> {
    text.strip_suffix(end).or_else(|| text.strip_suffix(end.to_ascii_lowercase()))
}

fn days_of_month(text: &str) -> Result<Days, CronError> {
    let (mut days, mut from_last, mut nearest, mut last_weekday) = (0, 0, 0, false);
    for part in text.split(',') {
        let upper = part.to_ascii_uppercase();
        if upper == "L" {
            from_last |= 1;
        } else if upper == "LW" {
            last_weekday = true;
        } else if let Some(offset) = upper.strip_prefix("L-") {
            let offset = offset.parse::<u32>().ok().filter(|o| *o <= 30);
            from_last |= 1 << offset.ok_or_else(|| DAY.unreadable(part))?;
        } else if let Some(day) = without_end(part, 'W') {
            nearest |= 1 << DAY.value(day)?;
        } else {
            DAY.part(part, &mut |d| days |= 1 << d)?;
        }
    }
    Ok(Days::OfMonth { days, from_last, nearest, last_weekday })
}

fn days_of_week(text: &str) -> Result<Days, CronError> {
    let (mut days, mut last, mut nth) = (0, 0, 0);
    for part in text.split(',') {
        if part.eq_ignore_ascii_case("L") {
            days |= 1 << WEEKDAY.most;
        } else if let Some((day, n)) = part.split_once('#') {
            let n = n.parse::<u32>().ok().filter(|n| (1..=5).contains(n));
            let n = n.ok_or_else(|| WEEKDAY.unreadable(part))?;
            nth |= 1 << (7 * (n - 1) + WEEKDAY.value(day)?);
        } else if let Some(day) = without_end(part, 'L') {
            last |= 1 << WEEKDAY.value(day)?;
        } else {
            WEEKDAY.part(part, &mut |d| days |= 1 << d)?;
        }
    }
    Ok(Days::OfWeek { days, last, nth })
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [second, minute, hour, day, month, weekday, rest @ ..] = fields.as_slice() else {
            return Err(CronError::Fields(fields.len()));
        };
        let open = |field: &str| field == "?" || field == "*";
        let days = match (open(day), open(weekday)) {
            (true, true) => Days::All,
            (false, true) => days_of_month(day)?,
            (true, false) => days_of_week(weekday)?,
            (false, false) => return Err(CronError::BothDays),
        };
        let years = match rest {
            [] | ["*"] => None,
            [years] => {
                let mut named = vec![];
                let mut name = |y: u32| named.push(i64::from(y));
                years.split(',').try_for_each(|part| YEAR.part(part, &mut name))?;
                named.sort_unstable();
                named.dedup();
                Some(named)
            }
            _ => return Err(CronError::Fields(fields.len())),
        };
        Ok(Self {
            seconds: SECOND.bits(second)?,
            minutes: MINUTE.bits(minute)?,
            hours: HOUR.bits(hour)?,
            months: MONTH.bits(month)?,
            days,
            years,
        })
    }
}

/// The smallest set bit at or above `from`.
fn next_bit(bits: u64, from: u32) -> Option<u32> {
    let left = if from < 64 { bits >> from << from } else { 0 };
    (left != 0).then(|| left.trailing_zeros())
}

/// Days since the epoch of a date of the Gregorian calendar.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = i64::from((153 * ((month + 9) % 12) + 2) / 5 + day - 1);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day since the epoch.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let of = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of + of / 4 - of / 100);
    let mp = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (era * 400 + of + i64::from(month <= 2), month, day)
}

/// 1 is Sunday.
fn weekday(days: i64) -> u32 {
    (days + 4).rem_euclid(7) as u32 + 1
}

fn days_in_month(year: i64, month: u32) -> u32 {
    let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    (days_from_civil(next_year, next, 1) - days_from_civil(year, month, 1)) as u32
}

/// The Monday to Friday nearest to a day, within its month.
fn nearest_weekday(year: i64, month: u32, day: u32, last: u32) -> u32 {
    match weekday(days_from_civil(year, month, day)) {
        7 if day == 1 => 3,
        7 => day - 1,
        1 if day == last => day - 2,
        1 => day + 1,
        _ => day,
    }
}

impl Days {
    /// The days of a month as bits; bit 1 is the first.
    fn of(self, year: i64, month: u32) -> u64 {
        let last = days_in_month(year, month);
        let all = (1u64 << (last + 1)) - 2;
        match self {
            Days::All => all,
            Days::OfMonth { days, from_last, nearest, last_weekday } => {
                let mut found = days & all;
                let offsets = (0..last).filter(|o| from_last >> o & 1 == 1);
                offsets.for_each(|o| found |= 1 << (last - o));
                let wanted = (1..=last).filter(|d| nearest >> d & 1 == 1);
                wanted.for_each(|d| found |= 1 << nearest_weekday(year, month, d, last));
                if last_weekday {
                    found |= 1 << nearest_weekday(year, month, last, last);
                }
                found
            }
            Days::OfWeek { days, last: lasts, nth } => {
                let first = weekday(days_from_civil(year, month, 1));
                let mut found = 0;
                for day in 1..=last {
                    let of_week = (first + day - 2) % 7 + 1;
                    let n = (day - 1) / 7;
                    let is = days >> of_week & 1 == 1
                        || (day + 7 > last && lasts >> of_week & 1 == 1)
                        || nth >> (7 * n + of_week) & 1 == 1;
                    found |= u64::from(is) << day;
                }
                found
            }
        }
    }
}

impl Cron {
    /// The first point in time behind `clock`, both ms since the epoch; none if there is none any more.
    pub fn next_after(&self, clock: i64) -> Option<i64> {
        let second = clock.div_euclid(1000).checked_add(1)?;
        let (day, of_day) = (second.div_euclid(86_400), second.rem_euclid(86_400) as u32);
        if day.abs() > 100_000_000 {
            return None;
        }
        let (year, month, date) = civil_from_days(day);
        let today = self.months >> month & 1 == 1
            && self.years.as_ref().is_none_or(|y| y.binary_search(&year).is_ok())
            && self.days.of(year, month) >> date & 1 == 1;
        if today && let Some(time) = self.time_from(of_day) {
            return Some((day * 86_400 + i64::from(time)) * 1000);
        }
        let time = self.time_from(0)?;
        let day = self.day_from(day + 1)?;
        Some((day * 86_400 + i64::from(time)) * 1000)
    }

    /// The first second of the day at or behind `from`.
    fn time_from(&self, from: u32) -> Option<u32> {
        let (hour, minute, second) = (from / 3600, from / 60 % 60, from % 60);
        let first = next_bit(self.minutes, 0)? * 60 + next_bit(self.seconds, 0)?;
        let h = next_bit(self.hours, hour)?;
        if h > hour {
            return Some(h * 3600 + first);
        }
        if let Some(m) = next_bit(self.minutes, minute) {
            if m > minute {
                return Some(h * 3600 + m * 60 + next_bit(self.seconds, 0)?);
            }
            if let Some(s) = next_bit(self.seconds, second) {
                return Some(h * 3600 + m * 60 + s);
            }
            if let Some(m) = next_bit(self.minutes, minute + 1) {
                return Some(h * 3600 + m * 60 + next_bit(self.seconds, 0)?);
            }
        }
        Some(next_bit(self.hours, hour + 1)? * 3600 + first)
    }

    /// The first day at or behind `from`, in days since the epoch.
    fn day_from(&self, from: i64) -> Option<i64> {
        let (first, mut month, mut date) = civil_from_days(from);
        let last = self.years.as_ref().map_or(first + FAR, |y| y.last().copied().unwrap_or(first));
        let mut year = first;
        while year <= last {
            let named = self.years.as_ref().is_none_or(|y| y.binary_search(&year).is_ok());
            while named && let Some(m) = next_bit(self.months, month) {
                let from = if m > month { 1 } else { date };
                if let Some(d) = next_bit(self.days.of(year, m), from) {
                    return Some(days_from_civil(year, m, d));
                }
                (month, date) = (m + 1, 1);
            }
            (year, month, date) = (year + 1, 1, 1);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `2024-02-29T12:00:00` as ms.
    fn at(text: &str) -> i64 {
        let n = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
        let day = days_from_civil(n(0..4), n(5..7) as u32, n(8..10) as u32);
        (day * 86_400 + n(11..13) * 3600 + n(14..16) * 60 + n(17..19)) * 1000
    }

    fn show(ms: i64) -> String {
        let (day, s) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000) / 1000);
        let (y, m, d) = civil_from_days(day);
        format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }

    #[track_caller]
    fn points(cron: &str, from: &str, expected: &[&str]) {
        let cron: Cron = cron.parse().unwrap();
        let mut clock = at(from);
        for point in expected {
            clock = cron.next_after(clock).unwrap_or_else(|| panic!("no {point}"));
            assert_eq!(show(clock), *point);
        }
    }

    #[test]
    fn times_of_day() {
        points(
            "*/25 * * * * ?",
            "2001-09-09T01:46:40",
            &["2001-09-09T01:46:50", "2001-09-09T01:47:00", "2001-09-09T01:47:25"],
        );
        points(
            "0 0/15 8,20 * * ?",
            "2024-01-01T08:31:00",
            &["2024-01-01T08:45:00", "2024-01-01T20:00:00", "2024-01-01T20:15:00"],
        );
        points(
            "30 10 22-1 * * ?",
            "2024-12-31T23:10:30",
            &["2025-01-01T00:10:30", "2025-01-01T01:10:30", "2025-01-01T22:10:30"],
        );
    }

    #[test]
    fn strictly_behind_the_clock() {
        let every: Cron = "* * * * * ?".parse().unwrap();
        assert_eq!(every.next_after(999), Some(1000));
        assert_eq!(every.next_after(1000), Some(2000));
        assert_eq!(every.next_after(-1), Some(0));
        assert_eq!(every.next_after(-2500), Some(-2000));
        assert_eq!(every.next_after(i64::MAX), None);
    }

    #[test]
    fn days_of_the_month() {
        points("0 0 0 29 2 ?", "2024-02-29T00:00:00", &["2028-02-29T00:00:00"]);
        points("0 0 12 31 * ?", "2024-01-31T12:00:00", &["2024-03-31T12:00:00"]);
        points(
            "0 0 0 L * ?",
            "2024-02-01T00:00:00",
            &["2024-02-29T00:00:00", "2024-03-31T00:00:00"],
        );
        points("0 0 0 L-2 * ?", "2023-02-01T00:00:00", &["2023-02-26T00:00:00"]);
        // 2024-06-15 is a Saturday, 2024-09-15 a Sunday, 2024-06-01 a Saturday, 2024-06-30 a Sunday.
        points(
            "0 0 0 15W 6,9 ?",
            "2024-01-01T00:00:00",
            &["2024-06-14T00:00:00", "2024-09-16T00:00:00"],
        );
        points("0 0 0 1W JUN ?", "2024-01-01T00:00:00", &["2024-06-03T00:00:00"]);
        points("0 0 0 30W,LW jun ?", "2024-06-04T00:00:00", &["2024-06-28T00:00:00"]);
    }

    #[test]
    fn days_of_the_week() {
        // 2024-05-01 is a Wednesday.
        points(
            "0 0 9 ? * MON-FRI",
            "2024-05-03T09:00:00",
            &["2024-05-06T09:00:00", "2024-05-07T09:00:00"],
        );
        points(
            "0 0 9 ? * 7-1",
            "2024-05-01T00:00:00",
            &["2024-05-04T09:00:00", "2024-05-05T09:00:00", "2024-05-11T09:00:00"],
        );
        points("0 0 0 ? * 6L", "2024-05-01T00:00:00", &["2024-05-31T00:00:00"]);
        points("0 0 0 ? * FRI#3", "2024-05-01T00:00:00", &["2024-05-17T00:00:00"]);
        points("0 0 0 ? * 4#5", "2024-05-30T00:00:00", &["2024-07-31T00:00:00"]);
        points("0 0 0 * * L", "2024-05-01T00:00:00", &["2024-05-04T00:00:00"]);
    }

    #[test]
    fn years_end() {
        let cron: Cron = "0 0 0 1 1 ? 2023,2025/40".parse().unwrap();
        assert_eq!(
            cron.next_after(at("2022-05-05T00:00:00")).map(show),
            Some("2023-01-01T00:00:00".into())
        );
        assert_eq!(
            cron.next_after(at("2023-01-01T00:00:00")).map(show),
            Some("2025-01-01T00:00:00".into())
        );
        assert_eq!(
            cron.next_after(at("2025-01-01T00:00:00")).map(show),
            Some("2065-01-01T00:00:00".into())
        );
        assert_eq!(cron.next_after(at("2065-01-01T00:00:00")), None);
        let never: Cron = "0 0 0 31 2 ?".parse().unwrap();
        assert_eq!(never.next_after(0), None);
    }

    #[test]
    fn says_what_is_wrong() {
        let message = |text: &str| text.parse::<Cron>().unwrap_err().to_string();
        assert_eq!(message("* * * * *"), "a cron expression has 6 or 7 fields, not 5");
        assert_eq!(message("1 2 3 4 5 ? 2024 8"), "a cron expression has 6 or 7 fields, not 8");
        assert_eq!(message("61 * * * * ?"), "second goes from 0 to 59, not to 61");
        assert_eq!(message("0 x * * * ?"), "`x` can't be read as minute");
        assert_eq!(message("0 */0 * * * ?"), "`*/0` can't be read as minute");
        assert_eq!(message("0 0 0 1 1 2"), CronError::BothDays.to_string());
        assert_eq!(message("0 0 0 ? * 6#6"), "`6#6` can't be read as day of week");
        assert_eq!(message("0 ? 0 * * ?"), "`?` can't be read as minute");
        assert_eq!(message("0 0 0 +5 * ?"), "`+5` can't be read as day of month");
        for text in
            ["", "0 0 0 , * ?", "0 0 0 L-31 * ?", "0 0 0 32W * ?", "0 0 0 1 13 ?", "0 0 - 1 1 ?"]
        {
            assert!(text.parse::<Cron>().is_err(), "{text}");
        }
    }

    /// A field as text and as a test.
    fn field(least: u32, most: u32) -> impl Strategy<Value = (String, Vec<u32>)> {
        prop_oneof![
            2 => Just(("*".to_string(), (least..=most).collect())),
            2 => prop::collection::vec(least..=most, 1..4).prop_map(|v| {
                (v.iter().map(u32::to_string).collect::<Vec<_>>().join(","), v)
            }),
            1 => (least..=most, 1u32..20).prop_map(move |(from, step)| {
                (format!("{from}/{step}"), (from..=most).step_by(step as usize).collect())
            }),
            1 => (least..=most, least..=most).prop_map(move |(from, to)| {
                let values = if from <= to {
                    (from..=to).collect()
                } else {
                    (from..=most).chain(least..=to).collect()
                };
                (format!("{from}-{to}"), values)
            }),
        ]
    }

    proptest! {
        #[test]
        fn dates_and_days_agree(days in -1_000_000i64..1_000_000) {
            let (y, m, d) = civil_from_days(days);
            prop_assert_eq!(days_from_civil(y, m, d), days);
            prop_assert!((1..=days_in_month(y, m)).contains(&d));
            prop_assert_eq!(weekday(days + 1), weekday(days) % 7 + 1);
        }

        /// The same as trying one second after the other.
        #[test]
        fn same_as_trying_every_second(
            s in field(0, 59), m in field(0, 59), h in field(0, 23),
            d in field(1, 31), w in field(1, 7), by_week: bool, clock in 0i64..4_000_000_000_000,
        ) {
            let days = if by_week { format!("? * {}", w.0) } else { format!("{} * ?", d.0) };
            let cron: Cron = format!("{} {} {} {days}", s.0, m.0, h.0).parse().unwrap();
            let fits = |second: i64| {
                let of_day = second.rem_euclid(86_400) as u32;
                let day = second.div_euclid(86_400);
                let of_month = civil_from_days(day).2;
                s.1.contains(&(of_day % 60)) && m.1.contains(&(of_day / 60 % 60))
                    && h.1.contains(&(of_day / 3600))
                    && if by_week { w.1.contains(&weekday(day)) } else { d.1.contains(&of_month) }
            };
            let first = clock.div_euclid(1000) + 1;
            let expected = (first..first + 90_000).find(|t| fits(*t)).map(|t| t * 1000);
            let got = cron.next_after(clock);
            match expected {
                Some(expected) => prop_assert_eq!(got, Some(expected)),
                None => prop_assert!(got.is_some_and(|g| g / 1000 >= first + 90_000 && fits(g / 1000))),
            }
        }
    }
}
