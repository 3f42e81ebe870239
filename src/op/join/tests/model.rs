//! The slow and obvious join: one event after the other, every window a list, every search a loop
//! over all rows of the other side.

use super::*;

/// A window of the model.
#[derive(Debug, Clone, Copy)]
pub(super) enum Win {
    None,
    Length(usize),
    Time(i64),
    Batch(usize, bool),
}

impl Win {
    pub fn text(self) -> String {
        match self {
            Win::None => String::new(),
            Win::Length(n) => format!("length {n}"),
            Win::Time(t) => format!("time {t}"),
            Win::Batch(n, false) => format!("lengthBatch {n}"),
            Win::Batch(n, true) => format!("lengthBatch {n} true"),
        }
    }

    fn sliding(self) -> bool {
        matches!(self, Win::Length(_) | Win::Time(_))
    }
}

/// A join of the model.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub windows: [Win; 2],
    pub kind: JoinKind,
    pub triggers: [bool; 2],
    /// Whether `l.k == r.k` is part of the condition.
    pub equal: bool,
    /// Whether `l.v > r.v` is part of the condition.
    pub greater: bool,
    pub expired: bool,
    pub aggregates: bool,
    pub keyed: bool,
    pub self_join: bool,
    pub right_first: bool,
}

#[derive(Debug, Clone)]
struct Row {
    values: Vec<Value>,
    ts: i64,
}

/// The window of one side for one partition key.
#[derive(Debug, Clone, Default)]
struct State {
    held: Vec<Row>,
    open: Vec<Row>,
    count: usize,
}

#[derive(Debug)]
enum Emitted {
    Row(Kind, Row, i64),
    Reset,
}

pub(super) struct Model {
    shape: Shape,
    states: [std::collections::BTreeMap<KeyId, State>; 2],
    /// Due, when armed, side, key.
    timers: Vec<(i64, u64, usize, KeyId)>,
    armed: u64,
    resets: String,
    pub lines: Vec<String>,
}

impl Model {
    pub fn new(shape: &Shape) -> Self {
        let states = Default::default();
        let shape = shape.clone();
        Self { shape, states, timers: vec![], armed: 0, resets: String::new(), lines: vec![] }
    }

    pub fn arrive(&mut self, a: &Arrival) {
        self.advance(a.at);
        let key = a.rows[0].1;
        let row = |r: &(Vec<Value>, KeyId)| Row { values: r.0.clone(), ts: a.at };
        let rows: Vec<Row> = a.rows.iter().map(row).collect();
        let sides = if self.shape.right_first { [1, 0] } else { [0, 1] };
        match a.right {
            Some(right) => self.chunk(usize::from(right), key, &rows, a.at),
            None if self.shape.self_join => {
                for r in rows {
                    self.chunk(0, key, std::slice::from_ref(&r), a.at);
                    self.chunk(1, key, std::slice::from_ref(&r), a.at);
                }
            }
            None => sides.into_iter().for_each(|s| self.chunk(s, key, &rows, a.at)),
        }
    }

    pub fn advance(&mut self, clock: i64) {
        let right_first = self.shape.right_first;
        loop {
            let due = self.timers.iter().enumerate().filter(|(_, t)| t.0 <= clock);
            let rank = |side: usize| if right_first { 1 - side } else { side };
            let Some((i, _)) = due.min_by_key(|(_, t)| (t.0, rank(t.2), t.3, t.1)) else { return };
            let (due, _, side, key) = self.timers.remove(i);
            let Win::Time(t) = self.shape.windows[side] else { unreachable!() };
            let held = &mut self.states[side].entry(key).or_default().held;
            let left = held.iter().filter(|r| r.ts + t <= due).count();
            let emitted: Vec<Emitted> =
                held.drain(..left).map(|r| Emitted::Row(Kind::Expired, r, due)).collect();
            if let Some(first) = held.first() {
                self.armed += 1;
                self.timers.push((first.ts + t, self.armed, side, key));
            }
            self.deliver(side, key, emitted, due);
        }
    }

    pub fn finish(mut self) -> Vec<String> {
        if !self.resets.is_empty() {
            self.lines.push(self.resets.trim_end().to_string());
        }
        self.lines
    }

    fn chunk(&mut self, side: usize, key: KeyId, rows: &[Row], at: i64) {
        let window = self.shape.windows[side];
        let s = self.states[side].entry(key).or_default();
        let mut out = Vec::new();
        let current = |r: &Row| Emitted::Row(Kind::Current, r.clone(), r.ts);
        let gone = |r: Row| Emitted::Row(Kind::Expired, r, at);
        for r in rows {
            match window {
                Win::None | Win::Length(0) | Win::Batch(0, _) => {
                    out.extend([current(r), gone(r.clone()), Emitted::Reset]);
                }
                Win::Length(n) => {
                    if s.held.len() == n {
                        out.push(gone(s.held.remove(0)));
                    }
                    s.held.push(r.clone());
                    out.push(current(r));
                }
                Win::Time(t) => {
                    if s.held.is_empty() {
                        self.armed += 1;
                        self.timers.push((at + t, self.armed, side, key));
                    }
                    s.held.push(r.clone());
                    out.push(current(r));
                }
                Win::Batch(n, false) => {
                    s.open.push(r.clone());
                    if s.open.len() == n {
                        out.extend(s.held.drain(..).map(gone));
                        out.push(Emitted::Reset);
                        out.extend(s.open.iter().map(current));
                        s.held = std::mem::take(&mut s.open);
                    }
                }
                Win::Batch(n, true) => {
                    if s.count == n {
                        out.extend(s.held.drain(..).map(gone));
                        out.push(Emitted::Reset);
                        s.count = 0;
                    }
                    s.count += 1;
                    s.held.push(r.clone());
                    out.push(current(r));
                }
            }
        }
        self.deliver(side, key, out, at);
    }

    fn deliver(&mut self, side: usize, key: KeyId, emitted: Vec<Emitted>, at: i64) {
        if !self.shape.triggers[side] {
            return;
        }
        let window = self.shape.windows[side];
        let expired = self.shape.expired || (self.shape.aggregates && window.sliding());
        let outer = match self.shape.kind {
            JoinKind::Inner => false,
            JoinKind::Left => side == 0,
            JoinKind::Right => side == 1,
            JoinKind::Full => true,
        };
        let none = State::default();
        let others = &self.states[1 - side].get(&key).unwrap_or(&none).held;
        let mut line = String::new();
        for e in emitted {
            let (kind, row, ts) = match e {
                Emitted::Reset => {
                    self.resets.push_str(&format!("R{key} "));
                    continue;
                }
                Emitted::Row(kind, row, ts) => (kind, row, ts),
            };
            if kind == Kind::Expired && !expired {
                continue;
            }
            let null = Row { values: vec![Value::Null; 2], ts: 0 };
            let mut found: Vec<&Row> =
                others.iter().filter(|o| self.shape.holds(side, &row, o)).collect();
            if found.is_empty() && outer {
                found.push(&null);
            }
            for (i, o) in found.iter().enumerate() {
                let head = if line.is_empty() { format!("{at} ") } else { String::new() };
                let next = if i == 0 && !line.is_empty() { "/ " } else { "" };
                let shown = self.shape.show(side, kind, &row, o, (ts, at), key);
                let resets = std::mem::take(&mut self.resets);
                line.push_str(&format!("{head}{next}{resets}{shown} "));
            }
        }
        if !line.is_empty() {
            self.lines.push(line.trim_end().to_string());
        }
    }
}

impl Shape {
    fn holds(&self, side: usize, row: &Row, other: &Row) -> bool {
        let (l, r) = if side == 0 { (row, other) } else { (other, row) };
        let equal = match (&l.values[0], &r.values[0]) {
            (Value::String(l), Value::String(r)) => l == r,
            (Value::Int(l), Value::Double(r)) => f64::from(*l) == *r,
            (Value::Double(l), Value::Double(r)) => l == r,
            _ => false,
        };
        let greater = match (&l.values[1], &r.values[1]) {
            (Value::Int(l), Value::Int(r)) => l > r,
            _ => false,
        };
        (equal || !self.equal) && (greater || !self.greater)
    }

    fn show(
        &self,
        side: usize,
        kind: Kind,
        row: &Row,
        other: &Row,
        (ts, at): (i64, i64),
        key: KeyId,
    ) -> String {
        let (l, r) = if side == 0 { (row, other) } else { (other, row) };
        let sign = if kind == Kind::Current { '+' } else { '-' };
        let time = if ts == at { String::new() } else { format!("@{ts}") };
        let key = if self.keyed { format!("#{key}") } else { String::new() };
        format!("{sign}{},{}{time}{key}", values(&l.values), values(&r.values))
    }
}

fn values(values: &[Value]) -> String {
    values.iter().map(text).collect()
}
