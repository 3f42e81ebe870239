//! Logins of users, some of which fail, and two kinds of attack, labelled and numbered:
//!
//! * `brute force`: 4 to 12 failures of one user from an address nobody knows, half of the time
//!   with a success at the end;
//! * `spraying`: one address fails with 8 to 20 users.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array};
use arrow::datatypes::DataType;

use super::SplitMix;
use super::generate::{Agenda, Options, Simulation, texts};

pub(super) const COLUMNS: [(&str, DataType); 6] = [
    ("time", DataType::Int64),
    ("user", DataType::Utf8View),
    ("ip", DataType::Utf8View),
    ("ok", DataType::Boolean),
    ("label", DataType::Utf8View),
    ("episode", DataType::Int64),
];

const SECOND: u64 = 1_000;

/// Networks of addresses, the upper two bytes: homes, telephones, attackers.
const HOMES: u32 = (10 << 8) << 16;
const TELEPHONES: u32 = ((100 << 8) | 64) << 16;
const ATTACKERS: u32 = ((198 << 8) | 18) << 16;

pub(super) struct Logins {
    random: SplitMix,
    agenda: Agenda<Task>,
    users: u64,
    /// From a login of a user to the next, on average, ms.
    gap: u64,
    start: i64,
    episodes: i64,
}

enum Task {
    /// The user comes.
    Usual(u32),
    /// An attempt planned before.
    Planned(Attempt),
}

#[derive(Clone, Copy)]
pub(super) struct Attempt {
    user: u32,
    ip: u32,
    ok: bool,
    label: &'static str,
    episode: i64,
}

impl Logins {
    pub(super) fn new(o: &Options) -> Self {
        let mut random = SplitMix::new(o.seed);
        let (mut agenda, gap) = (Agenda::default(), o.gap());
        for user in 0..o.keys.max(1) {
            agenda.push(o.start + random.below(gap) as i64, Task::Usual(user as u32));
        }
        let users = o.keys.max(1) as u64;
        Self { random, agenda, users, gap, start: o.start, episodes: 0 }
    }

    fn usual(&mut self, time: i64, user: u32) -> Attempt {
        let network = if self.random.below(10) == 0 { TELEPHONES } else { HOMES };
        let ip = network | (user & 0xffff);
        let ok = self.random.below(12) != 0;
        let attempt = Attempt { user, ip, ok, label: "normal", episode: 0 };
        if !ok {
            // Once more, seldom twice.
            let again = time + (5 * SECOND + self.random.below(15 * SECOND)) as i64;
            let ok = self.random.below(4) != 0;
            self.agenda.push(again, Task::Planned(Attempt { ok, ..attempt }));
            if !ok {
                let last = again + (8 * SECOND) as i64;
                self.agenda.push(last, Task::Planned(Attempt { ok: true, ..attempt }));
            }
        }
        if self.random.below(300) == 0 {
            let begins = time + self.random.below(60 * SECOND) as i64;
            self.attack(begins);
        }
        let next = self.gap / 10 + self.random.below(self.gap * 18 / 10);
        self.agenda.push(time + next as i64, Task::Usual(user));
        attempt
    }

    /// Plans an attack.
    fn attack(&mut self, mut time: i64) {
        self.episodes += 1;
        let ip = ATTACKERS | (self.episodes as u32 & 0xffff);
        let user = self.random.below(self.users) as u32;
        let of = Attempt { user, ip, ok: false, label: "brute force", episode: self.episodes };
        if self.random.below(2) == 0 {
            for _ in 0..4 + self.random.below(9) {
                self.agenda.push(time, Task::Planned(of));
                time += (SECOND + self.random.below(7 * SECOND)) as i64;
            }
            if self.random.below(2) == 0 {
                self.agenda.push(time, Task::Planned(Attempt { ok: true, ..of }));
            }
        } else {
            let many = 8 + self.random.below(13);
            for n in 0..many {
                let user = ((u64::from(user) + n) % self.users) as u32;
                self.agenda.push(time, Task::Planned(Attempt { user, label: "spraying", ..of }));
                time += (2 * SECOND + self.random.below(8 * SECOND)) as i64;
            }
        }
    }
}

impl Simulation for Logins {
    type Row = Attempt;

    fn next(&mut self) -> (i64, Attempt) {
        // Each user always has something on the agenda.
        match self.agenda.pop().unwrap_or((self.start, Task::Usual(0))) {
            (time, Task::Usual(user)) => (time, self.usual(time, user)),
            (time, Task::Planned(attempt)) => (time, attempt),
        }
    }

    fn columns(&self, rows: &[(i64, Attempt)]) -> Vec<ArrayRef> {
        let address = |ip: u32| {
            let [a, b, c, d] = ip.to_be_bytes();
            format!("{a}.{b}.{c}.{d}")
        };
        vec![
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(t, _)| *t))),
            texts(rows.iter().map(|(_, a)| format!("u{:06}", a.user))),
            texts(rows.iter().map(|(_, a)| address(a.ip))),
            Arc::new(BooleanArray::from_iter(rows.iter().map(|(_, a)| Some(a.ok)))),
            texts(rows.iter().map(|(_, a)| a.label)),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, a)| a.episode))),
        ]
    }
}
