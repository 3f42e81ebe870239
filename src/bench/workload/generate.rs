//! Generated input of a kind: which kinds there are, and rows of them in batches.
//!
//! Invariants: rows come in the order of their event times unless disorder is asked for, and depend
//! on the options alone, not on the size of the batches or the machine (no floating-point function
//! but the four operations and rounding is used).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{Delays, cards, logins, sensors, ticks};
use crate::error::{Result, nearest};

/// A kind of workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Prices and volumes of symbols, independent of each other: what q1 to q8 read.
    Ticks,
    /// Payments with cards, with labelled fraud.
    Cards,
    /// Logins of users, with labelled attacks.
    Logins,
    /// Temperatures of sensors, with labelled faults.
    Sensors,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Ticks, Kind::Cards, Kind::Logins, Kind::Sensors];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ticks => "ticks",
            Kind::Cards => "cards",
            Kind::Logins => "logins",
            Kind::Sensors => "sensors",
        }
    }

    /// The column that holds the event time, ms since the epoch.
    pub fn time(self) -> &'static str {
        if self == Kind::Ticks { "ts" } else { "time" }
    }

    /// How many symbols, cards, users or sensors there are unless told otherwise.
    pub fn keys(self) -> usize {
        match self {
            Kind::Ticks | Kind::Sensors => 100,
            Kind::Cards | Kind::Logins => 1000,
        }
    }

    /// Events per second of event time unless told otherwise: 10,000 ticks, a payment of each card
    /// in 250 minutes, a login of each user in two hours, a reading of each sensor in 30 seconds.
    pub fn rate(self, keys: usize) -> f64 {
        match self {
            Kind::Ticks => 10_000.0,
            Kind::Cards => keys as f64 / 15_000.0,
            Kind::Logins => keys as f64 / 7_200.0,
            Kind::Sensors => keys as f64 / 30.0,
        }
    }

    /// The columns.
    pub fn schema(self) -> SchemaRef {
        let columns: &[(&str, DataType)] = match self {
            Kind::Ticks => &ticks::COLUMNS,
            Kind::Cards => &cards::COLUMNS,
            Kind::Logins => &logins::COLUMNS,
            Kind::Sensors => &sensors::COLUMNS,
        };
        let fields = columns.iter().map(|(name, ty)| Field::new(*name, ty.clone(), false));
        Schema::new(fields.collect::<Vec<_>>()).into()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let found = Kind::ALL.into_iter().find(|k| k.name() == s.to_ascii_lowercase());
        let names = Kind::ALL.map(Kind::name);
        found.ok_or_else(|| match nearest(s, names) {
            Some(near) => format!("there is no workload `{s}`; did you mean `{near}`?"),
            None => format!("there is no workload `{s}`; they are {}", names.join(", ")),
        })
    }
}

/// What to generate.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kind.
    pub kind: Kind,
    /// Number of rows.
    pub events: usize,
    /// Number of symbols, cards, users or sensors; at least 1.
    pub keys: usize,
    /// Seed.
    pub seed: u64,
    /// Events per second of event time (for all kinds but ticks: on average, about).
    pub rate: f64,
    /// Event time at the start, ms since the epoch.
    pub start: i64,
    /// How late rows may arrive, ms: their order is that of event time plus a delay of up to so much.
    pub disorder: u64,
}

impl Options {
    /// The defaults for a kind.
    pub fn new(kind: Kind, events: usize) -> Self {
        let keys = kind.keys();
        let rate = kind.rate(keys);
        Self { kind, events, keys, seed: 42, rate, start: START, disorder: 0 }
    }

    /// Milliseconds from one event of a key to the next, on average; at least 25.
    pub(super) fn gap(&self) -> u64 {
        (self.keys.max(1) as f64 * 1000.0 / self.rate).clamp(25.0, 1e12) as u64
    }
}

/// Where event time starts unless told otherwise: November 2023.
const START: i64 = 1_700_000_000_000;

/// Rows in batches.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch>>>;

/// The rows in batches of `batch_rows` (the last may be shorter), all with the kind's schema.
pub fn generate(options: &Options, batch_rows: usize) -> Batches {
    match options.kind {
        Kind::Ticks => cut(ticks::Ticks::new(options), options, batch_rows),
        Kind::Cards => cut(cards::Cards::new(options), options, batch_rows),
        Kind::Logins => cut(logins::Logins::new(options), options, batch_rows),
        Kind::Sensors => cut(sensors::Sensors::new(options), options, batch_rows),
    }
}

/// A simulation that never ends.
pub(super) trait Simulation {
    /// What happens.
    type Row;

    /// The next event and its time, ms since the epoch; times never fall.
    fn next(&mut self) -> (i64, Self::Row);

    /// Events in columns.
    fn columns(&self, rows: &[(i64, Self::Row)]) -> Vec<ArrayRef>;
}

fn cut<S>(source: S, options: &Options, batch_rows: usize) -> Batches
where
    S: Simulation + 'static,
{
    let schema = options.kind.schema();
    let mut rows = Arrivals {
        source,
        left: options.events,
        waiting: Agenda::default(),
        delays: (options.disorder > 0).then(|| Delays::new(options.disorder, options.seed)),
    };
    Box::new(std::iter::from_fn(move || {
        let batch: Vec<(i64, S::Row)> = rows.by_ref().take(batch_rows.max(1)).collect();
        if batch.is_empty() {
            return None;
        }
        let columns = rows.source.columns(&batch);
        Some(RecordBatch::try_new(Arc::clone(&schema), columns).map_err(Into::into))
    }))
}

/// The events of a simulation in order of arrival.
struct Arrivals<S: Simulation> {
    source: S,
    left: usize,
    /// Events on their way.
    waiting: Agenda<(i64, S::Row)>,
    delays: Option<Delays>,
}

impl<S: Simulation> Iterator for Arrivals<S> {
    type Item = (i64, S::Row);

    fn next(&mut self) -> Option<Self::Item> {
        let Some(delays) = &mut self.delays else {
            self.left = self.left.checked_sub(1)?;
            return Some(self.source.next());
        };
        while self.left > 0 {
            let (time, row) = self.source.next();
            self.left -= 1;
            self.waiting.push(time.saturating_add(delays.next()), (time, row));
            // Whatever is still to come arrives at `time` or later.
            if self.waiting.first().is_some_and(|arrival| arrival <= time) {
                break;
            }
        }
        self.waiting.pop().map(|(_, event)| event)
    }
}

/// Things to come, in order of time; those of one time in the order in which they were added.
pub(super) struct Agenda<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    added: u64,
}

struct Entry<T> {
    key: (i64, u64),
    what: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), added: 0 }
    }
}

impl<T> Agenda<T> {
    pub(super) fn push(&mut self, time: i64, what: T) {
        self.added += 1;
        self.heap.push(Reverse(Entry { key: (time, self.added), what }));
    }

    pub(super) fn pop(&mut self) -> Option<(i64, T)> {
        self.heap.pop().map(|Reverse(e)| (e.key.0, e.what))
    }

    /// The time of what comes first.
    pub(super) fn first(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse(e)| e.key.0)
    }
}

/// A column of texts.
pub(super) fn texts<T: AsRef<str>>(values: impl Iterator<Item = T>) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

#[cfg(test)]
mod tests {
    use super::super::{Symbols, Workload};
    use super::*;
    use crate::bench::digest::Digest;
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    fn times(options: &Options) -> Vec<i64> {
        let batches = generate(options, 100).map(|b| b.unwrap());
        let of = |b: RecordBatch| b.column(0).as_primitive::<Int64Type>().values().to_vec();
        batches.flat_map(of).collect()
    }

    fn digest(options: &Options, batch_rows: usize) -> Digest {
        let mut digest = Digest::default();
        for batch in generate(options, batch_rows) {
            digest.add(&batch.unwrap()).unwrap();
        }
        digest
    }

    #[test]
    fn the_rows_of_a_seed_are_always_the_same() {
        let golden = Kind::ALL.map(|kind| digest(&Options::new(kind, 20_000), 4096));
        let hashes = golden.map(|d| format!("{:016x}", d.hash));
        assert_eq!(
            hashes,
            ["e9cf3c9bf91f3fe5", "9e7c46865c607ed0", "e956a5ec174189b7", "1b527daf89089e88"]
        );
        for (kind, golden) in Kind::ALL.into_iter().zip(golden) {
            let options = Options::new(kind, 20_000);
            assert_eq!(golden.rows, 20_000);
            assert_eq!(digest(&options, 7), golden, "{kind}");
            assert_ne!(digest(&Options { seed: 43, ..options.clone() }, 7), golden, "{kind}");
            let late = Options { disorder: 60_000, ..options };
            assert_ne!(digest(&late, 4096), golden, "{kind}");
            assert_eq!(digest(&late, 4096), digest(&late, 1), "{kind}");
        }
    }

    #[test]
    fn rows_come_in_order_unless_disorder_is_asked_for_which_is_bounded() {
        for kind in Kind::ALL {
            let options = Options::new(kind, 5_000);
            let ordered = times(&options);
            assert!(ordered.is_sorted() && ordered[0] >= START, "{kind}");
            let span = (ordered[4_999] - ordered[0]) as u64;
            let most = span / 50;
            let mut late = times(&Options { disorder: most, ..options });
            let (mut latest, mut count) = (i64::MIN, 0);
            for time in &late {
                assert!(*time >= latest.saturating_sub(most as i64), "{kind}: {time}, {latest}");
                count += u32::from(*time < latest);
                latest = latest.max(*time);
            }
            assert!(count > 2_000, "{kind}: {count} are late");
            late.sort_unstable();
            assert_eq!(late, ordered, "{kind}");
        }
    }

    #[test]
    fn rows_come_at_the_rate_asked_for() {
        for kind in Kind::ALL {
            for speed in [1.0, 3.0] {
                let rate = kind.rate(kind.keys()) * speed;
                let times = times(&Options { rate, ..Options::new(kind, 30_000) });
                let seconds = (times[29_999] - times[0]) as f64 / 1000.0;
                let found = 30_000.0 / seconds / rate;
                assert!((0.75..1.3).contains(&found), "{kind}: {found} of the rate");
            }
        }
    }

    #[test]
    fn ticks_are_the_rows_of_the_queries() {
        let ticks = Options { start: 0, ..Options::new(Kind::Ticks, 2_000) };
        let steps = Workload::new(2_000, 100, 10, 42).steps(Symbols::View, 64, 1).unwrap();
        let mut expected = Digest::default();
        steps.iter().flatten().for_each(|(_, b)| expected.add(b).unwrap());
        assert_eq!(digest(&ticks, 500), expected);
    }

    #[test]
    fn names_are_told_or_the_nearest() {
        assert_eq!("Cards".parse(), Ok(Kind::Cards));
        let said = |s: &str| s.parse::<Kind>().unwrap_err();
        assert_eq!(said("sensor"), "there is no workload `sensor`; did you mean `sensors`?");
        assert_eq!(said("x"), "there is no workload `x`; they are ticks, cards, logins, sensors");
    }
}
