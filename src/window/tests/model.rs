//! Slow and obvious models: every window as a list of rows per key, and a driver that fires one
//! deadline after the other.

use std::collections::BTreeMap;

use super::harness::{Cause, Item, RowIn};
use crate::event::{KeyId, Kind};

/// One key's window.
pub trait Model: Default {
    type Params;
    /// When it wants to be woken next.
    fn due(&self, _p: &Self::Params) -> Option<i64> {
        None
    }
    /// Its deadline has come; the clock is `out.at`.
    fn wake(&mut self, _p: &Self::Params, _out: &mut Emit<'_>) {}
    /// A chunk comes in.
    fn chunk(&mut self, p: &Self::Params, rows: &[RowIn], out: &mut Emit<'_>);
}

/// Where a model writes to.
pub struct Emit<'a> {
    items: &'a mut Vec<Item>,
    pub at: i64,
    order: u64,
    key: KeyId,
    /// Whether the batch windows are to let expired rows out.
    pub expired: bool,
}

impl Emit<'_> {
    fn row(&mut self, r: &RowIn, ts: i64, kind: Kind) {
        let (x, t) = (r.x.clone(), r.t);
        self.items.push(Item::Row {
            x,
            t,
            ts,
            at: self.at,
            order: self.order,
            kind,
            key: self.key,
        });
    }
    pub fn current(&mut self, r: &RowIn) {
        self.row(r, r.ts, Kind::Current);
    }
    pub fn current_as(&mut self, r: &RowIn, ts: i64) {
        self.row(r, ts, Kind::Current);
    }
    pub fn expire(&mut self, r: &RowIn) {
        self.expire_as(r, self.at);
    }
    pub fn expire_as(&mut self, r: &RowIn, ts: i64) {
        self.row(r, ts, Kind::Expired);
    }
    pub fn reset(&mut self) {
        self.items.push(Item::Reset(self.key));
    }
    /// Ends a chunk. Resets behind its last row stand behind the end.
    pub fn end(&mut self) {
        let behind = self.items.iter().rev().take_while(|i| matches!(i, Item::Reset(_))).count();
        let at = self.items.len() - behind;
        if at > 0 && matches!(self.items[at - 1], Item::Row { .. }) {
            self.items.insert(at, Item::EndChunk);
        }
    }
}

/// What the model makes of the causes.
pub fn run<M: Model>(p: &M::Params, expired: bool, causes: &[Cause], end: i64) -> Vec<Item> {
    let mut keys: BTreeMap<KeyId, M> = BTreeMap::new();
    let mut items = vec![];
    let mut clock = i64::MIN;
    let mut seq = 0;
    let nothing = Cause { at: end, timer: true, chunks: vec![] };
    for cause in causes.iter().chain([&nothing]) {
        // Deadlines up to here, earliest first, lowest key first; never before the clock.
        let next = |keys: &BTreeMap<KeyId, M>, clock: i64| {
            let due = |(k, m): (&KeyId, &M)| m.due(p).map(|d| (d.max(clock), *k));
            keys.iter().filter_map(due).min().filter(|(due, _)| *due <= cause.at)
        };
        while let Some((at, key)) = next(&keys, clock) {
            clock = at;
            let mut out = Emit { items: &mut items, at, order: 2 * seq, key, expired };
            keys.entry(key).or_default().wake(p, &mut out);
            out.end();
        }
        clock = cause.at;
        let order = 2 * seq + u64::from(!cause.timer);
        for chunk in &cause.chunks {
            for run in chunk.chunk_by(|a, b| a.key == b.key) {
                let key = run[0].key;
                let mut out = Emit { items: &mut items, at: cause.at, order, key, expired };
                keys.entry(key).or_default().chunk(p, run, &mut out);
                out.end();
            }
        }
        seq += u64::from(!cause.timer);
    }
    items
}

#[derive(Default)]
pub struct Length(Vec<RowIn>);

impl Model for Length {
    type Params = usize;
    fn chunk(&mut self, n: &usize, rows: &[RowIn], out: &mut Emit<'_>) {
        for r in rows {
            if *n == 0 {
                out.current(r);
                out.expire_as(r, r.ts);
                out.reset();
                continue;
            }
            if self.0.len() == *n {
                out.expire(&self.0.remove(0));
            }
            self.0.push(r.clone());
            out.current(r);
        }
    }
}

/// `time` and `timeLength`.
#[derive(Default)]
pub struct Time(Vec<RowIn>);

impl Time {
    fn expire(&mut self, t: i64, out: &mut Emit<'_>) {
        while self.0.first().is_some_and(|r| r.ts + t <= out.at) {
            out.expire(&self.0.remove(0));
        }
    }
}

impl Model for Time {
    type Params = (i64, usize);
    fn due(&self, (t, _): &Self::Params) -> Option<i64> {
        self.0.first().map(|r| r.ts + t)
    }
    fn wake(&mut self, (t, _): &Self::Params, out: &mut Emit<'_>) {
        self.expire(*t, out);
    }
    fn chunk(&mut self, (t, n): &Self::Params, rows: &[RowIn], out: &mut Emit<'_>) {
        for r in rows {
            self.expire(*t, out);
            if *n > 0 {
                if self.0.len() == *n {
                    out.expire(&self.0.remove(0));
                }
                self.0.push(r.clone());
            }
            out.current(r);
        }
    }
}

#[derive(Default)]
pub struct LengthBatch {
    open: Vec<RowIn>,
    before: Vec<RowIn>,
}

impl Model for LengthBatch {
    type Params = (usize, bool);
    fn chunk(&mut self, (n, stream): &Self::Params, rows: &[RowIn], out: &mut Emit<'_>) {
        for r in rows {
            if *n == 0 {
                out.current(r);
                if out.expired {
                    out.expire(r);
                }
                out.reset();
            } else if *stream {
                if self.open.len() == *n {
                    let open = std::mem::take(&mut self.open);
                    if out.expired {
                        open.iter().for_each(|r| out.expire(r));
                    }
                    out.reset();
                }
                self.open.push(r.clone());
                out.current(r);
            } else {
                self.open.push(r.clone());
                if self.open.len() == *n {
                    if out.expired {
                        self.before.iter().for_each(|r| out.expire(r));
                    }
                    out.reset();
                    self.open.iter().for_each(|r| out.current(r));
                    self.before = std::mem::take(&mut self.open);
                }
            }
            out.end();
        }
    }
}

#[derive(Default)]
pub struct Batch(Vec<RowIn>);

impl Model for Batch {
    type Params = usize;
    fn chunk(&mut self, n: &usize, rows: &[RowIn], out: &mut Emit<'_>) {
        if out.expired {
            self.0.iter().for_each(|r| out.expire(r));
        }
        for piece in rows.chunks(if *n == 0 { rows.len() } else { *n }) {
            out.reset();
            piece.iter().for_each(|r| out.current(r));
            out.end();
        }
        self.0 = rows.to_vec();
    }
}

#[derive(Default)]
pub struct TimeBatch {
    open: Vec<RowIn>,
    before: Vec<RowIn>,
    next: Option<i64>,
}

pub struct TimeBatchParams {
    pub t: i64,
    pub start: Option<i64>,
    pub stream: bool,
}

impl Model for TimeBatch {
    type Params = TimeBatchParams;
    fn due(&self, _p: &Self::Params) -> Option<i64> {
        self.next
    }
    fn wake(&mut self, p: &Self::Params, out: &mut Emit<'_>) {
        // Fires at every point of the grid for ever, whether there is anything to say or not.
        self.next = self.next.map(|n| n + p.t);
        let open = std::mem::take(&mut self.open);
        let leave = if p.stream { &open } else { &self.before };
        if out.expired {
            leave.iter().for_each(|r| out.expire(r));
        }
        if !open.is_empty() {
            out.reset();
        }
        if !p.stream {
            open.iter().for_each(|r| out.current(r));
            self.before = open;
        }
    }
    fn chunk(&mut self, p: &Self::Params, rows: &[RowIn], out: &mut Emit<'_>) {
        if self.next.is_none() {
            let start = p.start.unwrap_or(out.at);
            // The first multiple of t behind start that lies behind the clock.
            let mut next = start + p.t;
            while next <= out.at {
                next += p.t;
            }
            self.next = Some(next);
        }
        self.open.extend_from_slice(rows);
        if p.stream {
            rows.iter().for_each(|r| out.current(r));
        }
    }
}

#[derive(Default)]
pub struct ExternalTime(Vec<RowIn>);

impl Model for ExternalTime {
    type Params = i64;
    fn chunk(&mut self, t: &i64, rows: &[RowIn], out: &mut Emit<'_>) {
        for r in rows.iter().filter(|r| r.t.is_some()) {
            let now = r.t.unwrap();
            while self.0.first().is_some_and(|o| o.t.unwrap() <= now - t) {
                out.expire_as(&self.0.remove(0), now);
            }
            self.0.push(r.clone());
            out.current(r);
        }
    }
}

#[derive(Default)]
pub struct ExternalTimeBatch {
    open: Vec<RowIn>,
    sent: Vec<RowIn>,
    grid: Option<(i64, i64)>,
    last: i64,
    due: Option<i64>,
    timed_out: bool,
}

pub struct ExternalParams {
    pub t: i64,
    pub(in crate::window) start: super::super::args::Start,
    pub timeout: i64,
    pub replace: bool,
}

impl ExternalTimeBatch {
    fn flush(&mut self, out: &mut Emit<'_>) {
        if self.timed_out && self.open.is_empty() {
            return;
        }
        if out.expired {
            self.sent.iter().for_each(|r| out.expire_as(r, self.last));
        }
        if !self.timed_out {
            self.sent.clear();
        }
        if !self.open.is_empty() {
            out.reset();
        }
        self.sent.append(&mut self.open);
        self.sent.iter().for_each(|r| out.current(r));
    }
}

impl Model for ExternalTimeBatch {
    type Params = ExternalParams;
    fn due(&self, _p: &Self::Params) -> Option<i64> {
        self.due
    }
    fn wake(&mut self, p: &Self::Params, out: &mut Emit<'_>) {
        self.flush(out);
        self.timed_out = true;
        self.due = self.due.map(|d| d + p.timeout);
    }
    fn chunk(&mut self, p: &Self::Params, rows: &[RowIn], out: &mut Emit<'_>) {
        use super::super::args::Start;
        let due = (p.timeout > 0).then_some(out.at + p.timeout);
        for r in rows.iter().filter(|r| r.t.is_some()) {
            let v = r.t.unwrap();
            if self.grid.is_none() {
                let (start, end) = match p.start {
                    Start::FirstRow => (v, v + p.t),
                    Start::Const(s) => (s, s + ((v - s) / p.t + 1) * p.t),
                    Start::Column(_) => match r.g {
                        None => continue,
                        Some(g) => (g, g + p.t),
                    },
                };
                self.grid = Some((start, end));
                self.last = i64::MIN;
                self.due = due;
            }
            let (start, mut end) = self.grid.unwrap();
            self.last = self.last.max(v);
            if v >= end {
                self.flush(out);
                out.end();
                self.timed_out = false;
                while end <= v || (end - start) % p.t != 0 {
                    end += 1;
                }
                self.grid = Some((start, end));
                self.due = due;
            }
            let t = if p.replace { Some(end) } else { r.t };
            self.open.push(RowIn { t, ..r.clone() });
        }
    }
}
