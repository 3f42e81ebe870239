//! Temperatures, two sensors in each rack, with labelled faults: `outlier` (one reading far off),
//! `stuck` (12 to 20 times the same), `heat` (8 to 15 readings that rise by half a degree each) and
//! `silent` (the first reading after 12 to 30 that didn't come).

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::datatypes::DataType;

use super::SplitMix;
use super::generate::{Agenda, Options, Simulation, texts};

pub(super) const COLUMNS: [(&str, DataType); 5] = [
    ("time", DataType::Int64),
    ("sensor", DataType::Utf8View),
    ("rack", DataType::Utf8View),
    ("temperature", DataType::Float64),
    ("label", DataType::Utf8View),
];

pub(super) struct Sensors {
    random: SplitMix,
    agenda: Agenda<u32>,
    sensors: Vec<Sensor>,
    /// From a reading of a sensor to the next, on average, ms.
    gap: u64,
    start: i64,
}

struct Sensor {
    /// What it tends to.
    usual: f64,
    /// How far off it is now.
    off: f64,
    /// The last reading.
    last: f64,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Well,
    /// For so many more readings.
    Stuck(u64),
    /// For so many more readings.
    Heat(u64),
    /// The next reading is the first after a silence.
    Silent,
}

pub(super) struct Reading {
    sensor: u32,
    temperature: f64,
    label: &'static str,
}

impl Sensors {
    pub(super) fn new(o: &Options) -> Self {
        let mut random = SplitMix::new(o.seed);
        let (mut agenda, mut sensors, gap) = (Agenda::default(), vec![], o.gap());
        let mut usual = 20.0;
        for sensor in 0..o.keys.max(1) {
            if sensor % 2 == 0 {
                usual = 18.0 + random.below(80) as f64 / 10.0;
            }
            sensors.push(Sensor { usual, off: 0.0, last: usual, state: State::Well });
            agenda.push(o.start + random.below(gap) as i64, sensor as u32);
        }
        Self { random, agenda, sensors, gap, start: o.start }
    }

    fn reading(&mut self, sensor: u32) -> Reading {
        let s = &mut self.sensors[sensor as usize];
        s.off = s.off * 0.98 + (self.random.unit() - 0.5) * 0.2;
        let trembles = (self.random.unit() - 0.5) * 0.3;
        let well = ((s.usual + s.off + trembles) * 100.0).round() / 100.0;
        let (temperature, label) = match s.state {
            State::Stuck(_) => (s.last, "stuck"),
            State::Heat(_) => (((s.last + 0.5) * 100.0).round() / 100.0, "heat"),
            State::Silent => (well, "silent"),
            State::Well => match self.random.below(2000) {
                0 => (well + 5.0 + self.random.below(10) as f64, "outlier"),
                _ => (well, "normal"),
            },
        };
        s.last = temperature;
        s.state = match s.state {
            State::Stuck(more) if more > 1 => State::Stuck(more - 1),
            State::Heat(more) if more > 1 => State::Heat(more - 1),
            _ => match self.random.below(10_000) {
                0..2 => State::Stuck(11 + self.random.below(9)),
                2..4 => State::Heat(8 + self.random.below(8)),
                4..6 => State::Silent,
                _ => State::Well,
            },
        };
        Reading { sensor, temperature, label }
    }
}

impl Simulation for Sensors {
    type Row = Reading;

    fn next(&mut self) -> (i64, Reading) {
        // Each sensor is always on the agenda.
        let (time, sensor) = self.agenda.pop().unwrap_or((self.start, 0));
        let reading = self.reading(sensor);
        let mut next = self.gap * 9 / 10 + self.random.below(self.gap / 5 + 1);
        if let State::Silent = self.sensors[sensor as usize].state {
            next += (12 + self.random.below(19)) * self.gap;
        }
        self.agenda.push(time + next as i64, sensor);
        (time, reading)
    }

    fn columns(&self, rows: &[(i64, Reading)]) -> Vec<ArrayRef> {
        vec![
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(t, _)| *t))),
            texts(rows.iter().map(|(_, r)| format!("t{:05}", r.sensor))),
            texts(rows.iter().map(|(_, r)| format!("r{:05}", r.sensor / 2))),
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|(_, r)| r.temperature))),
            texts(rows.iter().map(|(_, r)| r.label)),
        ]
    }
}
