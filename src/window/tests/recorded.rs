//! What the real engine did: single queries of the conformance corpus with one of these windows and
//! a plain `select` (attributes, `sum`, `count`, `group by`), replayed against a virtual clock.
//!
//! `recorded.jsonl` holds one query a line: the window call, the attribute it reads (`t`), the events
//! asked for, the select list, the group key, the steps `[at, [[ts, data]..]]` and the outputs
//! `[at, [[expired, data]..]]`, one entry per chunk. Times count from [`BASE`]. With `kinds`, a chunk
//! lists its current events first; without, it is in order and all count as current.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::harness::{Cause, Item, RowIn, Run, call};
use crate::event::Kind;

const BASE: i64 = 1_000_000_000_000;

/// The attributes of an event.
type Data = Vec<Json>;

/// An event time and attributes.
type Event = (i64, Data);

/// Chunks of results: when, and the rows with whether they are expired.
type Outputs = Vec<(i64, Vec<(bool, Data)>)>;

#[derive(Deserialize)]
struct Recorded {
    case: String,
    call: String,
    t: Option<usize>,
    events: String,
    select: Vec<(String, i64)>,
    group: Option<usize>,
    steps: Vec<(i64, Vec<Event>)>,
    end: i64,
    outputs: Outputs,
    kinds: bool,
}

/// An aggregate of one group: sum and number of rows.
type Totals = BTreeMap<(String, usize), (f64, i64)>;

impl Recorded {
    fn aggregated(&self) -> bool {
        self.select.iter().any(|(what, _)| what != "attr")
    }

    /// What came in, and the data of each row by its number, which is its `x`.
    fn causes(&self) -> (Vec<Cause>, Vec<&[Json]>) {
        let mut data: Vec<&[Json]> = vec![];
        let mut causes = vec![];
        for (at, rows) in &self.steps {
            let mut chunk = vec![];
            for (ts, values) in rows {
                let t = self.t.and_then(|t| values[t].as_i64());
                let x = data.len().to_string();
                chunk.push(RowIn { x, t, g: t, ts: BASE + ts, key: 0 });
                data.push(values);
            }
            causes.push(Cause { at: BASE + at, timer: false, chunks: vec![chunk] });
        }
        (causes, data)
    }

    /// The selected values of a row, after it has been counted.
    fn select(&self, data: &[Json], t: Option<i64>, kind: Kind, totals: &mut Totals) -> Vec<Json> {
        let group = self.group.map_or(String::new(), |g| data[g].to_string());
        let sign = if kind == Kind::Current { 1 } else { -1 };
        let value = |(i, (what, c)): (usize, &(String, i64))| {
            let column = usize::try_from(*c).ok();
            if what == "attr" {
                let now = column.filter(|c| self.t == Some(*c)).and(t);
                return now.map_or_else(|| data[column.unwrap()].clone(), Json::from);
            }
            let (sum, count) = totals.entry((group.clone(), i)).or_default();
            *count += sign;
            *sum += sign as f64 * column.map_or(0.0, |c| data[c].as_f64().unwrap_or(0.0));
            match what.as_str() {
                "count" => Json::from(*count),
                _ if *count == 0 => Json::Null,
                _ => Json::from(*sum),
            }
        };
        self.select.iter().enumerate().map(value).collect()
    }

    /// What the selector makes of a chunk's wanted rows.
    fn kept(&self, rows: Vec<(String, bool, Vec<Json>)>) -> Vec<(bool, Vec<Json>)> {
        let mut kept: Vec<(String, bool, Vec<Json>)> = vec![];
        for row in rows {
            let grouped = self.group.is_some() || self.aggregated();
            match kept.iter_mut().find(|k| grouped && k.0 == row.0) {
                Some(old) => *old = row,
                None => kept.push(row),
            }
        }
        if self.kinds {
            kept.sort_by_key(|k| k.1);
        }
        kept.into_iter().map(|(_, expired, data)| (self.kinds && expired, data)).collect()
    }

    fn outputs(&self, items: &[Item], data: &[&[Json]]) -> Outputs {
        let mut totals = Totals::new();
        let mut chunks = vec![];
        let mut chunk = vec![];
        let mut clock = 0;
        for item in items {
            match item {
                Item::Reset(_) => totals.clear(),
                Item::Row { x, t, at, kind, .. } => {
                    let row = data[x.parse::<usize>().unwrap()];
                    let selected = self.select(row, *t, *kind, &mut totals);
                    let expired = *kind == Kind::Expired;
                    let group = self.group.map_or(String::new(), |g| row[g].to_string());
                    clock = at - BASE;
                    let wanted = match self.events.as_str() {
                        "all" => true,
                        "expired" => expired,
                        _ => !expired,
                    };
                    if wanted {
                        chunk.push((group, expired, selected));
                    }
                }
                Item::EndChunk => {
                    let kept = self.kept(std::mem::take(&mut chunk));
                    if !kept.is_empty() {
                        chunks.push((clock, kept));
                    }
                }
            }
        }
        chunks
    }
}

/// Numbers as floats, so that 3 and 3.0 are equal.
fn plain(outputs: Outputs) -> Outputs {
    let number = |v: Json| v.as_f64().map_or(v, Json::from);
    let row = |(e, data): (bool, Vec<Json>)| (e, data.into_iter().map(number).collect());
    outputs.into_iter().map(|(at, rows)| (at, rows.into_iter().map(row).collect())).collect()
}

#[test]
fn as_recorded() {
    let mut seen = 0;
    for line in include_str!("recorded.jsonl").lines() {
        let r: Recorded = serde_json::from_str(line).unwrap();
        let (causes, data) = r.causes();
        let call = call(&r.call);
        let sliding = call.spec.sliding;
        let expired = r.events != "current" || (sliding && r.aggregated());
        for cuts in [vec![], vec![true; causes.len()]] {
            let run = Run { call: &call, expired, keyed: false, cuts: &cuts, restore: true };
            let items = run.of(&causes, BASE + r.end);
            let got = plain(r.outputs(&items, &data));
            assert_eq!(got, plain(r.outputs.clone()), "{} {}", r.case, r.call);
        }
        seen += 1;
    }
    assert!(seen >= 60, "only {seen} recorded queries");
}
