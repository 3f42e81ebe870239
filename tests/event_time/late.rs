//! Against a slow model that takes row by row: which rows are let through when, and what is late.

use std::sync::{Arc, Mutex};

use arrow::array::{Int32Array, Int64Array, RecordBatch};
use foreshock::{App, AppOptions, Events, Input, Times, Value};
use proptest::prelude::*;

/// What arrives.
#[derive(Debug, Clone)]
enum Arrival {
    /// Rows of stream A (0) or B (1), by their times; in one batch, or one by one.
    Rows(usize, Vec<Option<i64>>, bool),
    /// A row of the stream without a watermark.
    Plain,
    /// The arrival clock.
    Tick(i64),
    /// An input ends.
    End(usize),
}

const DELAYS: [i64; 2] = [10, 3];
const IDLE: i64 = 50;
const AHEAD: i64 = 200;

fn text(late: &str) -> String {
    let sink = match late {
        "stream" => {
            "from !!A select n, 'late A' as what, _lateness as by insert into O;
                     from !!B select n, 'late B' as what, _lateness as by insert into O;"
        }
        _ => "",
    };
    format!(
        "@watermark(attribute='ts', delay='10 millisec', late='{late}', idle='50 millisec')
         define stream A (ts long, n int);
         @watermark(attribute='ts', delay='3 millisec', late='{late}', max.ahead='200 millisec')
         define stream B (ts long, n int);
         define stream P (ts long, n int);
         define stream O (n int, what string, by long);
         from A select n, 'A' as what, ts as by insert into O;
         from B select n, 'B' as what, ts as by insert into O;
         from P select n, 'P' as what, ts as by insert into O;
         {sink}"
    )
}

/// `(n, what, by, clock)`.
type Out = (i32, String, Option<i64>, i64);

/// Row by row, with everything sorted again each time.
struct Model {
    late: &'static str,
    waiting: Vec<(i64, u64, i32, usize)>,
    /// With the time they came with.
    early: Vec<(i32, String, Option<i64>, Option<i64>)>,
    largest: [Option<i64>; 2],
    /// Whether time waits for an input, and when it was last heard of.
    active: [bool; 2],
    ended: [bool; 2],
    heard: [Option<i64>; 2],
    arrival: Option<i64>,
    watermark: i64,
    clock: i64,
    begun: bool,
    arrivals: u64,
    out: Vec<Out>,
    dropped: u64,
}

impl Model {
    fn new(late: &'static str) -> Self {
        Self {
            late,
            waiting: vec![],
            early: vec![],
            largest: [None; 2],
            active: [true; 2],
            ended: [false; 2],
            heard: [None; 2],
            arrival: None,
            watermark: i64::MIN,
            clock: 0,
            begun: false,
            arrivals: 0,
            out: vec![],
            dropped: 0,
        }
    }

    fn own(&self, s: usize) -> i64 {
        self.largest[s].map_or(i64::MIN, |l| l - DELAYS[s])
    }

    fn rise(&mut self) {
        let active: Vec<i64> = (0..2).filter(|s| self.active[*s]).map(|s| self.own(s)).collect();
        let quiet = |s: usize| match self.ended[s] {
            true => self.largest[s].unwrap_or(i64::MIN),
            false => self.own(s),
        };
        let to = active.iter().min().copied().unwrap_or_else(|| quiet(0).max(quiet(1)));
        self.watermark = self.watermark.max(to);
        self.waiting.sort();
        while let Some((ts, _, n, s)) = self.waiting.first().copied() {
            if ts > self.watermark {
                break;
            }
            self.waiting.remove(0);
            self.clock = if self.begun { self.clock.max(ts) } else { ts };
            if !std::mem::replace(&mut self.begun, true) {
                for (n, what, by, _) in std::mem::take(&mut self.early) {
                    self.out.push((n, what, by, self.clock));
                }
            }
            self.out.push((n, ["A", "B"][s].into(), Some(ts), self.clock));
        }
        if self.begun {
            self.clock = self.clock.max(self.watermark);
        }
    }

    fn at_once(&mut self, n: i32, what: String, by: Option<i64>, ts: Option<i64>) {
        match self.begun {
            true => self.out.push((n, what, by, self.clock)),
            false => self.early.push((n, what, by, ts)),
        }
    }

    fn row(&mut self, s: usize, ts: Option<i64>, n: i32) {
        self.active[s] = true;
        self.ended[s] = false;
        self.heard[s] = self.arrival;
        let now = self.arrival.or(self.largest[0].max(self.largest[1]));
        let by = match (ts, now) {
            (None, _) => Some(None),
            (Some(t), _) if self.begun && t < self.watermark => Some(Some(self.watermark - t)),
            (Some(t), Some(now)) if s == 1 && t - now > AHEAD => Some(Some(now - t)),
            _ => None,
        };
        match (by, self.late) {
            (None, _) => {
                let ts = ts.expect("judged above");
                self.waiting.push((ts, self.arrivals, n, s));
                self.arrivals += 1;
                self.largest[s] = self.largest[s].max(Some(ts));
            }
            (Some(_), "drop") => self.dropped += 1,
            (Some(_), "adjust") => self.at_once(n, ["A", "B"][s].into(), ts, None),
            (Some(by), _) => self.at_once(n, ["late A", "late B"][s].into(), by, ts),
        }
        self.rise();
    }

    fn tick(&mut self, now: i64) {
        let now = self.arrival.map_or(now, |a| a.max(now));
        self.arrival = Some(now);
        for s in 0..2 {
            let heard = *self.heard[s].get_or_insert(now);
            self.active[s] &= s == 1 || now - heard < IDLE;
        }
        self.rise();
    }

    fn end(&mut self, s: usize) {
        self.active[s] = false;
        self.ended[s] = true;
        self.rise();
    }

    fn finish(&mut self) {
        (0..2).for_each(|s| self.end(s));
        for (n, what, by, ts) in std::mem::take(&mut self.early) {
            // Nothing else tells the time.
            self.clock = self.clock.max(ts.unwrap_or(i64::MIN));
            self.out.push((n, what, by, self.clock));
        }
    }
}

/// The engine, restarted after every so many arrivals.
struct Engine {
    text: String,
    options: AppOptions,
    app: App,
    inputs: Vec<Input>,
    out: Arc<Mutex<Vec<Out>>>,
    dropped: u64,
}

impl Engine {
    fn new(text: &str, batch_rows: usize) -> Self {
        let options = AppOptions { batch_rows, ..AppOptions::default() };
        let app = App::from_text_with(text, options.clone()).unwrap();
        let out = Arc::default();
        let mut engine = Self { text: text.into(), options, app, inputs: vec![], out, dropped: 0 };
        engine.connect();
        engine
    }

    fn connect(&mut self) {
        self.inputs = ["A", "B", "P"].map(|s| self.app.input(s).unwrap()).to_vec();
        let to = Arc::clone(&self.out);
        let add = move |e: &Events| {
            let mut to = to.lock().unwrap();
            for r in 0..e.rows() {
                let row = e.row(r);
                let (Value::Int(n), Value::String(what)) = (&row[0], &row[1]) else { panic!() };
                let by = if let Value::Long(by) = row[2] { Some(by) } else { None };
                to.push((*n, what.to_string(), by, e.batch().moment(r).at));
            }
        };
        self.app.subscribe("O", add).unwrap();
    }

    fn restart(&mut self) {
        let bytes = self.app.snapshot().unwrap();
        self.count();
        self.app = App::restore(&self.text, self.options.clone(), &bytes).unwrap();
        self.connect();
    }

    fn count(&mut self) {
        let time = self.app.stats().event_time.unwrap();
        let dropped = time.streams.iter().filter(|s| s.policy == "drop");
        self.dropped += dropped.map(|s| s.late + s.ahead + s.untimed).sum::<u64>();
    }
}

fn columns(input: &Input, times: &[Option<i64>], first: i32) -> RecordBatch {
    let numbers: Int32Array = (first..first + times.len() as i32).collect();
    let times = Int64Array::from(times.to_vec());
    RecordBatch::try_new(input.schema().clone(), vec![Arc::new(times), Arc::new(numbers)]).unwrap()
}

fn hold(arrivals: &[Arrival], late: &'static str, batch_rows: usize, restart: Option<usize>) {
    let mut model = Model::new(late);
    let mut engine = Engine::new(&text(late), batch_rows);
    let (mut n, mut rows) = (0, 0);
    for (i, arrival) in arrivals.iter().enumerate() {
        match arrival {
            Arrival::Rows(s, times, together) => {
                let input = &engine.inputs[*s];
                if *together {
                    let batch = columns(input, times, n);
                    input.send_batch(&batch, Times::Now).unwrap();
                }
                for ts in times {
                    if !together {
                        let ts = ts.map_or(Value::Null, Value::Long);
                        input.send_at(0, [ts, Value::Int(n)]).unwrap();
                    }
                    model.row(*s, *ts, n);
                    n += 1;
                }
                rows += times.len();
            }
            Arrival::Plain => {
                engine.inputs[2].send_at(5, (Value::Long(5), n)).unwrap();
                model.at_once(n, "P".into(), Some(5), Some(5));
                (n, rows) = (n + 1, rows + 1);
            }
            Arrival::Tick(at) => {
                engine.app.advance_to(*at).unwrap();
                model.tick(*at);
            }
            Arrival::End(s) => {
                engine.inputs[*s].end().unwrap();
                model.end(*s);
            }
        }
        if restart.is_some_and(|k| i % k == 0) {
            engine.restart();
        }
    }
    engine.app.shutdown().unwrap();
    model.finish();
    engine.count();
    let out = engine.out.lock().unwrap();
    assert_eq!(*out, model.out);
    // Every row is in exactly one place.
    assert_eq!(engine.dropped, model.dropped);
    assert_eq!(out.len() as u64 + engine.dropped, rows as u64);
    let mut numbers: Vec<i32> = out.iter().map(|o| o.0).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), out.len());
}

fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let far = prop_oneof![8 => Just(0i64), 1 => Just(300), 1 => Just(-40)];
    let times = prop::collection::vec((0i64..12, far, 0u8..30), 1..9);
    let rows = (0usize..2, times, any::<bool>());
    let step = prop_oneof![
        10 => rows.prop_map(|(s, t, b)| (0u8, s, t, b)),
        2 => Just((1, 0, vec![], false)),
        1 => (0i64..40).prop_map(|t| (2, 0, vec![(t, 0, 0)], false)),
        1 => (0usize..2, 0u8..4).prop_map(|(s, x)| (if x == 0 { 3 } else { 1 }, s, vec![], false)),
    ];
    // Time goes on with the arrivals, rows are behind or ahead of it.
    prop::collection::vec(step, 1..40).prop_map(|steps| {
        let (mut at, mut tick) = (1000, 1000);
        let mut out = vec![];
        for (what, s, times, together) in steps {
            at += 4;
            out.push(match what {
                0 => {
                    let time = |(t, far, null): (i64, i64, u8)| (null > 0).then_some(at + t + far);
                    Arrival::Rows(s, times.into_iter().map(time).collect(), together)
                }
                1 => Arrival::Plain,
                2 => {
                    tick += times[0].0;
                    Arrival::Tick(tick)
                }
                _ => Arrival::End(s),
            });
        }
        out
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn same_as_row_by_row(
        arrivals in arrivals(),
        late in prop_oneof![Just("drop"), Just("adjust"), Just("stream")],
        batch_rows in prop_oneof![Just(1usize), Just(3), Just(1000)],
        restart in prop_oneof![Just(None), (1usize..6).prop_map(Some)],
    ) {
        hold(&arrivals, late, batch_rows, restart);
    }
}
