//! `time:…`: dates as text, in the patterns of Java's `SimpleDateFormat`, and as ms since the epoch.
//! Where nothing else is said, text is in UTC; the current time is the application's clock.

use chrono::{DateTime, Datelike, Months, NaiveDateTime, TimeDelta, Timelike};

use super::datefmt::{DAYS, DateFormat};
use super::kit::{Ty, arg, fit, function, int, long, text};
use super::{Arg, Kernel, Scalar, Site, type_list};
use crate::event::Value;
use crate::lang::ast::AttrType;

type Checked = Result<AttrType, String>;

/// The format of text where none is given.
const DEFAULT: &str = "yyyy-MM-dd HH:mm:ss.SSS";

const UNITS: [&str; 8] = ["YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "QUARTER"];

/// A format that is an argument, read once if it is a constant; without the argument, the default.
enum Format {
    Fixed(Option<DateFormat>),
    Argument(usize),
}

impl Format {
    fn new(site: &Site<'_>, place: usize) -> Self {
        match site.args.get(place) {
            None => Self::Fixed(DateFormat::new(DEFAULT)),
            Some(Arg { constant: Some(Value::String(text)), .. }) => {
                Self::Fixed(DateFormat::new(text))
            }
            Some(_) => Self::Argument(place),
        }
    }

    fn with<R>(&self, args: &[Scalar<'_>], f: impl FnOnce(&DateFormat) -> Option<R>) -> Option<R> {
        match self {
            Self::Fixed(format) => f(format.as_ref()?),
            Self::Argument(i) => f(&DateFormat::new(arg(args, *i).text()?)?),
        }
    }

    fn parse(&self, args: &[Scalar<'_>], place: usize) -> Option<NaiveDateTime> {
        let text = arg(args, place).text()?;
        self.with(args, |f| f.parse(text))
    }

    fn write(&self, args: &[Scalar<'_>], t: NaiveDateTime, out: &mut String) -> Option<()> {
        self.with(args, |f| {
            f.write(t, out);
            Some(())
        })
    }
}

fn at(ms: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_millis(ms).map(|t| t.naive_utc())
}

/// The clock, which volatile kernels are given behind the declared arguments, after the order.
fn clock(args: &[Scalar<'_>]) -> Option<NaiveDateTime> {
    at(arg(args, args.len().checked_sub(2)?).integer()?)
}

/// Checks constant formats and units.
fn constants(
    name: &str,
    args: &[Arg<'_>],
    formats: &[usize],
    unit: Option<usize>,
) -> Result<(), String> {
    let constant = |i: usize| match args.get(i).and_then(|a| a.constant) {
        Some(Value::String(text)) => Some(text.as_str()),
        _ => None,
    };
    for text in formats.iter().filter_map(|i| constant(*i)) {
        if DateFormat::new(text).is_none() {
            return Err(format!("`{text}` is no date format that `{name}` reads"));
        }
    }
    match unit.and_then(constant) {
        Some(unit) if !UNITS.contains(&unit.to_uppercase().as_str()) => {
            Err(format!("`{unit}` is no unit of `{name}`: {}", UNITS.join(", ")))
        }
        _ => Ok(()),
    }
}

fn is_long(args: &[Arg<'_>], i: usize) -> bool {
    args.get(i).is_some_and(|a| a.ty == AttrType::Long)
}

function!(volatile CURRENT_DATE = "time" "currentDate" "()" -> "string";
    "The date of the application's clock, as `yyyy-MM-dd`."; "time:currentDate()";
    |name, args| fit(name, args, &[], &[], AttrType::String); |_| now("yyyy-MM-dd"));
function!(volatile CURRENT_TIME = "time" "currentTime" "()" -> "string";
    "The time of day of the application's clock, as `HH:mm:ss`."; "time:currentTime()";
    |name, args| fit(name, args, &[], &[], AttrType::String); |_| now("HH:mm:ss"));
function!(volatile CURRENT_TIMESTAMP = "time" "currentTimestamp" "()" -> "string";
    "The application's clock, as `yyyy-MM-dd HH:mm:ss`."; "time:currentTimestamp()";
    |name, args| fit(name, args, &[], &[], AttrType::String); |_| now("yyyy-MM-dd HH:mm:ss"));
function!(volatile UTC_TIMESTAMP = "time" "utcTimestamp" "([format string])" -> "string";
"The application's clock in a format, `yyyy-MM-dd HH:mm:ss` if none is given; null if it is null.";
"time:utcTimestamp('yyyy')";
|name: &str, args: &[Arg<'_>]| {
    constants(name, args, &[0], None)?;
    fit(name, args, &[], &[Ty::Text], AttrType::String)
};
|site| {
    let given = !site.args.is_empty();
    let format = Format::new(site, 0);
    text(move |a, out| {
        let now = clock(a)?;
        match given {
            true => format.write(a, now, out),
            false => { DateFormat::new("yyyy-MM-dd HH:mm:ss")?.write(now, out); Some(()) }
        }
    })
});
function!(DATE = "time" "date" "(date string [, format string])" -> "string";
    "The date of a point in time, as `yyyy-MM-dd`; null if the text doesn't fit the format, or an \
     argument is null."; "time:date('2014-11-11 13:23:44', 'yyyy-MM-dd HH:mm:ss')";
    |name: &str, args: &[Arg<'_>]| {
        constants(name, args, &[1], None)?;
        fit(name, args, &[Ty::Text], &[Ty::Text], AttrType::String)
    };
    |site| { let format = Format::new(site, 1); text(move |a, out| {
        let t = format.parse(a, 0)?;
        DateFormat::new("yyyy-MM-dd")?.write(t, out);
        Some(())
    }) });
function!(DATE_ADD = "time" "dateAdd" "(date string|long, count int, unit string [, format string])" -> "string";
    "A point in time (text, or ms) so many units later, as text in the format; the last day of a \
     month that is too short. Null if the text doesn't fit, or an argument is null.";
    "time:dateAdd(at, 2, 'day')"; moved; |site| move_by(site, 1));
function!(DATE_SUB = "time" "dateSub" "(date string|long, count int, unit string [, format string])" -> "string";
    "A point in time (text, or ms) so many units earlier, as text in the format; the last day of a \
     month that is too short. Null if the text doesn't fit, or an argument is null.";
    "time:dateSub(at, 2, 'day')"; moved; |site| move_by(site, -1));
function!(DATE_DIFF = "time" "dateDiff" "(a string, b string [, format of a string, format of b string]) or (a long, b long)" -> "int";
"The whole days from `b` to `a`, negative if `b` is the later; null if a text doesn't fit its \
 format, or an argument is null."; "time:dateDiff(at, 0L)"; diff_type;
|site| match site.args.first() {
    Some(a) if a.ty == AttrType::Long => int(|a| {
        let days = |i| Some(at(arg(a, i).integer()?)?.date());
        i32::try_from((days(0)? - days(1)?).num_days()).ok()
    }),
    _ => {
        let (fa, fb) = (Format::new(site, 2), Format::new(site, 3));
        int(move |a| {
            let days = fa.parse(a, 0)?.date() - fb.parse(a, 1)?.date();
            i32::try_from(days.num_days()).ok()
        })
    }
});
function!(DATE_FORMAT = "time" "dateFormat" "(date string, format string [, its format string]) or (ms long, format string)" -> "string";
"A point in time (text, or ms) as text in a format; null if the text doesn't fit its own, or an \
 argument is null."; "time:dateFormat(at, 'HH:mm')";
|name: &str, args: &[Arg<'_>]| {
    constants(name, args, &[1, 2], None)?;
    match is_long(args, 0) {
        true => fit(name, args, &[Ty::Any, Ty::Text], &[], AttrType::String),
        false => fit(name, args, &[Ty::Text, Ty::Text], &[Ty::Text], AttrType::String),
    }
};
|site| {
    let (target, source) = (Format::new(site, 1), Format::new(site, 2));
    text(move |a, out| target.write(a, moment(&source, a)?, out))
});
function!(DAY_OF_WEEK = "time" "dayOfWeek" "(date string [, format string])" -> "string";
    "The English name of the day of the week; null if the text doesn't fit the format, or an argument \
     is null."; "time:dayOfWeek('2014-12-11', 'yyyy-MM-dd')";
    |name: &str, args: &[Arg<'_>]| {
        constants(name, args, &[1], None)?;
        fit(name, args, &[Ty::Text], &[Ty::Text], AttrType::String)
    };
    |site| { let format = Format::new(site, 1); text(move |a, out| {
        let day = format.parse(a, 0)?.weekday().num_days_from_monday() as usize;
        out.push_str(DAYS[day]);
        Some(())
    }) });
function!(EXTRACT = "time" "extract" "(unit string, date string [, format string]) or (ms long, unit string)" -> "int";
"A part of a point in time (text, or ms): YEAR, MONTH (from 1), WEEK (of the year, from Sunday on; \
 the one with January 1 is 1), DAY (of the month), HOUR (of the day), MINUTE, SECOND or QUARTER. \
 Null if the text doesn't fit the format, or an argument is null."; "time:extract(at, 'year')";
|name: &str, args: &[Arg<'_>]| {
    if is_long(args, 0) {
        constants(name, args, &[], Some(1))?;
        return fit(name, args, &[Ty::Any, Ty::Text], &[], AttrType::Int);
    }
    constants(name, args, &[2], Some(0))?;
    fit(name, args, &[Ty::Text, Ty::Text], &[Ty::Text], AttrType::Int)
};
|site| match site.args.first() {
    Some(a) if a.ty == AttrType::Long => {
        int(|a| part(at(arg(a, 0).integer()?)?, arg(a, 1).text()?))
    }
    _ => {
        let format = Format::new(site, 2);
        int(move |a| part(format.parse(a, 1)?, arg(a, 0).text()?))
    }
});
function!(volatile TIMESTAMP_IN_MILLISECONDS = "time" "timestampInMilliseconds" "([date string [, format string]])" -> "long";
"The ms since the epoch of a point in time, or of the application's clock; null if the text \
 doesn't fit the format, or an argument is null.";
"time:timestampInMilliseconds('2007-11-30', 'yyyy-MM-dd')";
|name: &str, args: &[Arg<'_>]| {
    constants(name, args, &[1], None)?;
    fit(name, args, &[], &[Ty::Text, Ty::Text], AttrType::Long)
};
|site| {
    let (format, now) = (Format::new(site, 1), site.args.is_empty());
    long(move |a| {
        let t = if now { clock(a)? } else { format.parse(a, 0)? };
        Some(t.and_utc().timestamp_millis())
    })
});

fn now(format: &'static str) -> Kernel {
    let format = DateFormat::new(format);
    text(move |a, out| {
        format.as_ref()?.write(clock(a)?, out);
        Some(())
    })
}

/// Argument 0: text in a format, or ms.
fn moment(format: &Format, args: &[Scalar<'_>]) -> Option<NaiveDateTime> {
    match arg(args, 0) {
        Scalar::Long(ms) => at(*ms),
        _ => format.parse(args, 0),
    }
}

fn moved(name: &str, args: &[Arg<'_>]) -> Checked {
    constants(name, args, &[3], Some(2))?;
    match is_long(args, 0) {
        true => fit(name, args, &[Ty::Any, Ty::Int, Ty::Text], &[Ty::Text], AttrType::String),
        false => fit(name, args, &[Ty::Text, Ty::Int, Ty::Text], &[Ty::Text], AttrType::String),
    }
}

fn diff_type(name: &str, args: &[Arg<'_>]) -> Checked {
    constants(name, args, &[2, 3], None)?;
    match (is_long(args, 0), args.len()) {
        (true, _) if is_long(args, 1) && args.len() == 2 => Ok(AttrType::Int),
        (false, 2 | 4) => {
            fit(name, args, &[Ty::Text, Ty::Text], &[Ty::Text, Ty::Text], AttrType::Int)
        }
        _ => Err(format!("`{name}` does not take {}", type_list(args))),
    }
}

fn move_by(site: &Site<'_>, sign: i64) -> Kernel {
    let format = Format::new(site, 3);
    text(move |a, out| {
        let t = moment(&format, a)?;
        let count = arg(a, 1).integer()?.checked_mul(sign)?;
        format.write(a, shift(t, count, arg(a, 2).text()?)?, out)
    })
}

fn shift(t: NaiveDateTime, count: i64, unit: &str) -> Option<NaiveDateTime> {
    let months = |each: i64| {
        let months = count.checked_mul(each)?;
        let size = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        if months < 0 { t.checked_sub_months(size) } else { t.checked_add_months(size) }
    };
    let seconds =
        |each: i64| t.checked_add_signed(TimeDelta::try_seconds(count.checked_mul(each)?)?);
    match unit.to_uppercase().as_str() {
        "YEAR" => months(12),
        "QUARTER" => months(3),
        "MONTH" => months(1),
        "WEEK" => seconds(7 * 86_400),
        "DAY" => seconds(86_400),
        "HOUR" => seconds(3_600),
        "MINUTE" => seconds(60),
        "SECOND" => seconds(1),
        _ => None,
    }
}

fn part(t: NaiveDateTime, unit: &str) -> Option<i32> {
    let of = |v: u32| i32::try_from(v).ok();
    match unit.to_uppercase().as_str() {
        "YEAR" => Some(t.year()),
        "QUARTER" => of(t.month0() / 3 + 1),
        "MONTH" => of(t.month()),
        "WEEK" => week(t),
        "DAY" => of(t.day()),
        "HOUR" => of(t.hour()),
        "MINUTE" => of(t.minute()),
        "SECOND" => of(t.second()),
        _ => None,
    }
}

/// The week of the year as in Java's calendar of the USA.
fn week(t: NaiveDateTime) -> Option<i32> {
    let date = t.date();
    let weekday = date.weekday().num_days_from_sunday();
    let saturday = date.checked_add_days(chrono::Days::new(u64::from(6 - weekday)))?;
    if saturday.year() > date.year() {
        return Some(1);
    }
    i32::try_from((date.ordinal0() + 6 - weekday) / 7 + 1).ok()
}
