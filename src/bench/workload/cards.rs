//! Payments with cards. On each day one merchant in a hundred leaks: one in three of the cards used there is
//! copied, and misused 2 to 10 hours later in one of three ways, each payment of which is labelled with it
//! and with the number of the episode:
//!
//! * `velocity`: 3 to 8 payments within a minute or so;
//! * `travel`: a large payment on another continent;
//! * `testing`: 2 to 4 payments of next to nothing, then a large one.
//!
//! Everything else is `normal`, also what looks a bit like fraud: trips, a few quick payments in a row,
//! one small payment before a large one, five payments in exactly a minute.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::datatypes::DataType;

use super::SplitMix;
use super::generate::{Agenda, Options, Simulation, texts};

pub(super) const COLUMNS: [(&str, DataType); 10] = [
    ("time", DataType::Int64),
    ("id", DataType::Utf8View),
    ("card", DataType::Utf8View),
    ("amount", DataType::Float64),
    ("merchant", DataType::Utf8View),
    ("city", DataType::Utf8View),
    ("latitude", DataType::Float64),
    ("longitude", DataType::Float64),
    ("label", DataType::Utf8View),
    ("episode", DataType::Int64),
];

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR as i64;

/// Cities: the first five are homes, the first six are travelled to, thieves are in the last five.
const CITIES: [(&str, f64, f64); 11] = [
    ("Berlin", 52.52, 13.405),
    ("Hamburg", 53.551, 9.994),
    ("Munich", 48.137, 11.575),
    ("Cologne", 50.938, 6.96),
    ("Dresden", 51.05, 13.737),
    ("Paris", 48.857, 2.352),
    ("Lisbon", 38.722, -9.139),
    ("New York", 40.713, -74.006),
    ("Sao Paulo", -23.55, -46.633),
    ("Singapore", 1.352, 103.82),
    ("Sydney", -33.869, 151.209),
];
const HOMES: u64 = 5;
const TRAVELLED: u64 = 6;

pub(super) struct Cards {
    random: SplitMix,
    agenda: Agenda<Task>,
    cards: Vec<Card>,
    merchants: u64,
    /// From a payment of a card to the next, on average, ms.
    gap: u64,
    start: i64,
    seed: u64,
    payments: u64,
    episodes: i64,
}

struct Card {
    /// Where it is.
    city: u8,
    /// Where it was paid with last.
    paid_in: u8,
}

enum Task {
    /// The owner pays.
    Usual(u32),
    /// A thief begins.
    Theft(u32),
    /// A payment planned before.
    Planned(Planned),
}

#[derive(Clone, Copy)]
struct Planned {
    card: u32,
    cents: u64,
    city: u8,
    label: &'static str,
    episode: i64,
}

pub(super) struct Payment {
    id: u64,
    merchant: u64,
    latitude: f64,
    longitude: f64,
    of: Planned,
}

impl Cards {
    pub(super) fn new(o: &Options) -> Self {
        let mut random = SplitMix::new(o.seed);
        let (mut agenda, mut cards, gap) = (Agenda::default(), vec![], o.gap());
        for card in 0..o.keys.max(1) {
            let home = random.below(HOMES) as u8;
            cards.push(Card { city: home, paid_in: home });
            agenda.push(o.start + random.below(gap) as i64, Task::Usual(card as u32));
        }
        Self {
            random,
            agenda,
            merchants: (o.keys as u64 / 10).max(100),
            cards,
            gap,
            start: o.start,
            seed: o.seed,
            payments: 0,
            episodes: 0,
        }
    }

    /// Cents: mostly small sums, seldom large; one in 25 below 2.
    fn price(&mut self) -> u64 {
        if self.random.below(25) == 0 {
            return self.cents(0.5, 1.4);
        }
        ((3.0 + 4.0 / (0.01 + self.random.unit())) * 100.0) as u64
    }

    /// Cents, from `least` up to `range` more.
    fn cents(&mut self, least: f64, range: f64) -> u64 {
        ((least + range * self.random.unit()) * 100.0) as u64
    }

    /// Whether the merchant leaks on the day of `time`.
    fn leaks(&self, merchant: u64, time: i64) -> bool {
        let day = (time - self.start) / DAY;
        merchant % 100 == SplitMix::new(self.seed ^ (day as u64) << 32).below(100)
    }

    fn usual(&mut self, time: i64, card: u32) -> Payment {
        let cents = self.price();
        let city = self.cards[card as usize].city;
        let of = Planned { card, cents, city, label: "normal", episode: 0 };
        let payment = self.pay(of);
        if self.leaks(payment.merchant, time) && self.random.below(3) == 0 {
            let later = 2 * HOUR + self.random.below(8 * HOUR);
            self.agenda.push(time + later as i64, Task::Theft(card));
        } else if self.random.below(400) == 0 {
            self.look_alike(time + (2 * MINUTE) as i64, of);
        }
        self.next_usual(time, of);
        payment
    }

    /// Plans what the owner does next.
    fn next_usual(&mut self, time: i64, of: Planned) {
        let mut next = time + (self.gap / 25 + self.random.below(self.gap * 48 / 25)) as i64;
        if self.random.below(12) == 0 {
            // A trip; there is time enough for it.
            self.cards[of.card as usize].city = self.random.below(TRAVELLED) as u8;
            next += (3 * HOUR) as i64;
        } else if self.random.below(40) == 0 {
            // A few things in a row: not yet too many.
            for _ in 0..2 + self.random.below(3) {
                let cents = self.price();
                self.agenda.push(next, Task::Planned(Planned { cents, ..of }));
                next += (5 * SECOND + self.random.below(20 * SECOND)) as i64;
            }
            next += (20 * MINUTE) as i64;
        }
        self.agenda.push(next, Task::Usual(of.card));
    }

    /// Plans payments that are no fraud.
    fn look_alike(&mut self, time: i64, of: Planned) {
        let planned: &[(u64, u64)] = match self.random.below(3) {
            // The fifth comes when the first is exactly a minute old.
            0 => &[(0, 2_000), (15, 2_500), (30, 1_900), (45, 3_000), (60, 2_200)],
            1 => &[(0, 100), (60, 70_000)],
            // Not a hundred times as much.
            _ => &[(0, 190), (60, 180), (120, 36_900)],
        };
        for (seconds, cents) in planned {
            let at = time + (seconds * SECOND) as i64;
            self.agenda.push(at, Task::Planned(Planned { cents: *cents, ..of }));
        }
    }

    /// Plans an episode of fraud.
    fn theft(&mut self, mut time: i64, card: u32) {
        self.episodes += 1;
        let (episode, city) = (self.episodes, self.cards[card as usize].paid_in);
        let of = Planned { card, cents: 0, city, label: "velocity", episode };
        match self.random.below(3) {
            0 => {
                for _ in 0..3 + self.random.below(6) {
                    let cents = self.cents(30.0, 60.0);
                    self.agenda.push(time, Task::Planned(Planned { cents, ..of }));
                    time += (2 * SECOND + self.random.below(9 * SECOND)) as i64;
                }
            }
            1 => {
                let cents = self.cents(400.0, 500.0);
                let far = CITIES.len() as u64 - TRAVELLED;
                let city = (TRAVELLED + self.random.below(far)) as u8;
                let payment = Planned { cents, city, label: "travel", ..of };
                self.agenda.push(time, Task::Planned(payment));
            }
            _ => {
                let of = Planned { label: "testing", ..of };
                for _ in 0..2 + self.random.below(3) {
                    let cents = self.cents(0.5, 1.0);
                    self.agenda.push(time, Task::Planned(Planned { cents, ..of }));
                    time += (20 * SECOND + self.random.below(40 * SECOND)) as i64;
                }
                let cents = self.cents(400.0, 900.0);
                self.agenda.push(time, Task::Planned(Planned { cents, ..of }));
            }
        }
    }

    fn pay(&mut self, of: Planned) -> Payment {
        self.cards[of.card as usize].paid_in = of.city;
        let (_, latitude, longitude) = CITIES[of.city as usize];
        let mut near = |v: f64| ((v + (self.random.unit() - 0.5) / 10.0) * 1e4).round() / 1e4;
        let (latitude, longitude) = (near(latitude), near(longitude));
        let merchant = self.random.below(self.merchants);
        self.payments += 1;
        Payment { id: self.payments, merchant, latitude, longitude, of }
    }
}

impl Simulation for Cards {
    type Row = Payment;

    fn next(&mut self) -> (i64, Payment) {
        loop {
            // Each card always has something on the agenda.
            let (time, task) = self.agenda.pop().unwrap_or((self.start, Task::Usual(0)));
            match task {
                Task::Usual(card) => return (time, self.usual(time, card)),
                Task::Planned(of) => return (time, self.pay(of)),
                Task::Theft(card) => self.theft(time, card),
            }
        }
    }

    fn columns(&self, rows: &[(i64, Payment)]) -> Vec<ArrayRef> {
        let doubles = |f: fn(&Payment) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|(_, p)| f(p))))
        };
        vec![
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(t, _)| *t))),
            texts(rows.iter().map(|(_, p)| format!("p{:07}", p.id))),
            texts(rows.iter().map(|(_, p)| format!("c{:06}", p.of.card))),
            doubles(|p| p.of.cents as f64 / 100.0),
            texts(rows.iter().map(|(_, p)| format!("m{:04}", p.merchant))),
            texts(rows.iter().map(|(_, p)| CITIES[p.of.city as usize].0)),
            doubles(|p| p.latitude),
            doubles(|p| p.longitude),
            texts(rows.iter().map(|(_, p)| p.of.label)),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, p)| p.of.episode))),
        ]
    }
}
