//! Slow and obvious models of the windows that tell rows apart by their attributes or by the calendar.

use super::harness::RowIn;
use super::model::{Emit, Model};

/// `session(gap, x, latency)`.
#[derive(Default)]
pub struct Session {
    /// Number and rows of each open session.
    open: Vec<(u64, Vec<RowIn>)>,
    opened: u64,
}

pub struct SessionParams {
    pub gap: i64,
    pub latency: i64,
    pub keyed: bool,
}

impl SessionParams {
    fn close(&self, session: &[RowIn]) -> i64 {
        session.iter().map(|r| r.ts).max().unwrap() + self.gap + self.latency
    }
}

impl Model for Session {
    type Params = SessionParams;
    fn due(&self, p: &SessionParams) -> Option<i64> {
        self.open.iter().map(|s| p.close(&s.1)).min()
    }
    fn wake(&mut self, p: &SessionParams, out: &mut Emit<'_>) {
        let (mut over, open): (Vec<_>, Vec<_>) =
            self.open.drain(..).partition(|s| p.close(&s.1) <= out.at);
        self.open = open;
        over.sort_by_key(|s| (p.close(&s.1), s.0));
        for (_, mut rows) in over {
            rows.sort_by_key(|r| r.ts);
            rows.iter().for_each(|r| out.expire_as(r, r.ts));
        }
    }
    fn chunk(&mut self, p: &SessionParams, rows: &[RowIn], out: &mut Emit<'_>) {
        for r in rows {
            let same = |s: &[RowIn]| !p.keyed || s[0].x == r.x;
            let near = |s: &[RowIn]| same(s) && s.iter().any(|o| (o.ts - r.ts).abs() < p.gap);
            let newer = |s: &[RowIn]| same(s) && s.iter().any(|o| o.ts > r.ts);
            let (mut touched, mut open): (Vec<_>, Vec<_>) =
                self.open.drain(..).partition(|s| near(&s.1));
            touched.sort_by_key(|s| s.1.iter().map(|r| r.ts).max());
            let late = touched.is_empty()
                && open.iter().any(|s| newer(&s.1))
                && r.ts + p.gap + p.latency <= out.at;
            if !late {
                out.current(r);
                let number = match touched.last() {
                    Some(newest) => newest.0,
                    None => {
                        self.opened += 1;
                        self.opened
                    }
                };
                let mut all: Vec<RowIn> = touched.into_iter().flat_map(|s| s.1).collect();
                all.push(r.clone());
                open.push((number, all));
            }
            self.open = open;
        }
    }
}

#[derive(Default)]
pub struct Delay(Vec<RowIn>);

impl Delay {
    fn release(&mut self, t: i64, out: &mut Emit<'_>) {
        while self.0.first().is_some_and(|r| r.ts + t <= out.at) {
            let at = out.at;
            out.current_as(&self.0.remove(0), at);
        }
    }
}

impl Model for Delay {
    type Params = i64;
    fn due(&self, t: &i64) -> Option<i64> {
        self.0.first().map(|r| r.ts + t)
    }
    fn wake(&mut self, t: &i64, out: &mut Emit<'_>) {
        self.release(*t, out);
    }
    fn chunk(&mut self, t: &i64, rows: &[RowIn], out: &mut Emit<'_>) {
        for r in rows {
            self.release(*t, out);
            self.0.push(r.clone());
        }
    }
}

/// `sort(n, g, 'desc', x)`.
#[derive(Default)]
pub struct Sort(Vec<RowIn>);

impl Model for Sort {
    type Params = usize;
    fn chunk(&mut self, n: &usize, rows: &[RowIn], out: &mut Emit<'_>) {
        for r in rows {
            out.current(r);
            self.0.push(r.clone());
            self.0.sort_by_key(|r| (r.g.is_none(), r.g.map(|g| -g), r.x.clone()));
            if self.0.len() > *n {
                out.expire(&self.0.pop().unwrap());
            }
        }
    }
}

/// `frequent(n, g)`.
#[derive(Default)]
pub struct Frequent(Vec<(u32, RowIn)>);

impl Model for Frequent {
    type Params = usize;
    fn chunk(&mut self, n: &usize, rows: &[RowIn], out: &mut Emit<'_>) {
        for r in rows {
            let known = self.0.iter_mut().find(|v| v.1.g == r.g);
            if let Some(known) = known {
                *known = (known.0 + 1, r.clone());
                out.current(r);
                continue;
            }
            if self.0.len() == *n {
                self.0.iter_mut().for_each(|v| v.0 -= 1);
                self.0.iter().filter(|v| v.0 == 0).for_each(|v| out.expire(&v.1));
                self.0.retain(|v| v.0 > 0);
            }
            if self.0.len() < *n {
                self.0.push((1, r.clone()));
                out.current(r);
            }
        }
    }
}

/// `lossyFrequent(support, error, g)`.
#[derive(Default)]
pub struct LossyFrequent {
    /// Count, bucket before the first row, last row.
    seen: Vec<(u64, u64, RowIn)>,
    total: u64,
}

impl Model for LossyFrequent {
    type Params = (f64, f64);
    fn chunk(&mut self, (support, error): &Self::Params, rows: &[RowIn], out: &mut Emit<'_>) {
        let width = (1.0 / error).ceil();
        for r in rows {
            self.total += 1;
            let bucket = (self.total as f64 / width).ceil() as u64;
            if !self.seen.iter().any(|v| v.2.g == r.g) {
                self.seen.push((0, bucket - 1, r.clone()));
            }
            let value = self.seen.iter_mut().find(|v| v.2.g == r.g).unwrap();
            value.0 += 1;
            value.2 = r.clone();
            if value.0 as f64 >= (support - error) * self.total as f64 {
                out.current(r);
            }
            if self.total as f64 % width == 0.0 {
                let stays = |v: &(u64, u64, RowIn)| v.0 + v.1 > bucket;
                self.seen.iter().filter(|v| !stays(v)).for_each(|v| out.expire(&v.2));
                self.seen.retain(stays);
            }
        }
    }
}

/// `cron` at every full second.
#[derive(Default)]
pub struct Seconds {
    open: Vec<RowIn>,
    sent: Vec<RowIn>,
    next: Option<i64>,
}

impl Model for Seconds {
    type Params = ();
    fn due(&self, _: &()) -> Option<i64> {
        self.next
    }
    fn wake(&mut self, _: &(), out: &mut Emit<'_>) {
        self.sent.drain(..).for_each(|r| out.expire(&r));
        self.open.iter().for_each(|r| out.current(r));
        self.sent = std::mem::take(&mut self.open);
        self.next = None;
    }
    fn chunk(&mut self, _: &(), rows: &[RowIn], out: &mut Emit<'_>) {
        let next = (out.at + 1..).find(|t| t % 1000 == 0);
        self.next = self.next.or(next);
        self.open.extend_from_slice(rows);
    }
}
