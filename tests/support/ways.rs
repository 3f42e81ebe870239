//! One application and one sequence of events, run in many ways that must put out the same.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use foreshock::{App, AppOptions, ClockMode, Events, Kind, Times, Value};

/// Something that happens to an application.
#[derive(Debug, Clone)]
pub enum Act {
    /// A single event.
    Send(String, i64, Vec<Value>),
    /// Several events as one chunk.
    Chunk(String, Vec<(i64, Vec<Value>)>),
    /// The clock moves.
    Advance(i64),
}

/// How an application is run. None of it may change the output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Way {
    /// Rows gathered before a step runs; 0 is 1.
    pub batch_rows: usize,
    /// Everything row by row.
    pub row_by_row: bool,
    /// Operators that could be one are kept apart.
    pub apart: bool,
    /// Shards; 0 is 1.
    pub shards: usize,
    /// Seed of flushes between acts.
    pub cuts: Option<u64>,
    /// After every so many acts the application is replaced by one restored from its snapshot.
    pub restore_every: Option<usize>,
    /// Runs of single events of one stream are sent as record batches.
    pub columns: bool,
    /// And strings in those as dictionaries, one for all of them.
    pub coded: bool,
}

impl Way {
    /// Event by event.
    pub const PLAIN: Way = Way {
        batch_rows: 1,
        row_by_row: false,
        apart: false,
        shards: 1,
        cuts: None,
        restore_every: None,
        columns: false,
        coded: false,
    };

    /// Ways to compare with [`Way::PLAIN`].
    pub fn others(seed: u64) -> Vec<Way> {
        let every = (seed % 5 + 1) as usize;
        let rows = |batch_rows| Way { batch_rows, ..Way::PLAIN };
        vec![
            Way { row_by_row: true, ..Way::PLAIN },
            rows(2),
            rows(7),
            rows(64),
            Way { cuts: Some(seed), ..rows(8192) },
            Way { columns: true, ..rows(8192) },
            Way { columns: true, cuts: Some(seed), ..rows(3) },
            Way { restore_every: Some(every), ..Way::PLAIN },
            Way { restore_every: Some(every + 3), ..rows(7) },
            Way { row_by_row: true, restore_every: Some(every + 1), ..rows(64) },
            Way { apart: true, columns: true, ..rows(64) },
        ]
    }

    /// Ways of operators made one, to compare with the same ones kept apart.
    pub fn fused(seed: u64) -> Vec<Way> {
        let every = (seed % 11 + 1) as usize;
        let rows = |batch_rows| Way { batch_rows, ..Way::PLAIN };
        vec![
            rows(1),
            rows(seed as usize % 6 + 2),
            Way { cuts: Some(seed), ..rows(64) },
            Way { columns: true, ..rows(8192) },
            Way { columns: true, cuts: Some(seed), restore_every: Some(every), ..rows(9) },
            Way { apart: true, columns: true, restore_every: Some(every + 2), ..rows(64) },
        ]
    }
}

impl Way {
    /// Ways of strings that come dictionary-coded.
    pub fn coded(seed: u64) -> Vec<Way> {
        let every = (seed % 30 + 1) as usize;
        let coded = |batch_rows| Way { batch_rows, columns: true, coded: true, ..Way::PLAIN };
        vec![
            coded(8192),
            Way { cuts: Some(seed), ..coded(1) },
            Way { cuts: Some(seed), restore_every: Some(every), ..coded(40) },
            Way { cuts: Some(seed), apart: true, ..coded(1) },
            Way { row_by_row: true, ..coded(64) },
        ]
    }
}

/// What each callback was given: one line per chunk.
pub type Outcome = BTreeMap<String, Vec<String>>;

/// Runs `acts` through the application; `clock` as in [`AppOptions`].
pub fn run(
    text: &str,
    clock: Option<ClockMode>,
    acts: &[Act],
    way: Way,
) -> Result<Outcome, String> {
    let outcome = Arc::new(Mutex::new(Outcome::new()));
    let options = AppOptions {
        batch_rows: way.batch_rows.max(1),
        clock,
        row_by_row: way.row_by_row,
        apart: way.apart,
        shards: way.shards,
        ..AppOptions::default()
    };
    let err = |e: foreshock::Error| e.to_string();
    let mut app = App::from_text_with(text, options.clone()).map_err(err)?;
    listen(&app, &outcome)?;
    let mut random = way.cuts.unwrap_or(0) | 1;
    let mut texts = Dictionary::default();
    let mut at = 0;
    while at < acts.len() {
        if way.cuts.is_some() && next(&mut random).is_multiple_of(3) {
            app.flush().map_err(err)?;
        }
        let from = at;
        at += match &acts[at] {
            Act::Send(stream, _, _) if way.columns => {
                let most = match way.cuts {
                    Some(_) if way.coded => next(&mut random) as usize % 60 + 1,
                    Some(_) => next(&mut random) as usize % 9 + 1,
                    None => 9999,
                };
                send_columns(&app, stream, &acts[at..], most, way.coded.then_some(&mut texts))?
            }
            Act::Send(stream, ts, row) => {
                app.input(stream).and_then(|i| i.send_at(*ts, row)).map_err(err)?;
                1
            }
            Act::Chunk(stream, rows) => {
                app.input(stream).and_then(|i| i.send_chunk(rows.clone())).map_err(err)?;
                1
            }
            Act::Advance(ts) => {
                app.advance_to(*ts).map_err(err)?;
                1
            }
        };
        if way.restore_every.is_some_and(|k| at / k > from / k) {
            let snapshot = app.snapshot().map_err(err)?;
            drop(app);
            app = App::restore(text, options.clone(), &snapshot).map_err(err)?;
            listen(&app, &outcome)?;
        }
    }
    app.shutdown().map_err(err)?;
    drop(app);
    let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(outcome.clone())
}

/// Sends the run of single events that `acts` begins with in columns; tells how many there were.
fn send_columns(
    app: &App,
    stream: &str,
    acts: &[Act],
    most: usize,
    mut dictionary: Option<&mut Dictionary>,
) -> Result<usize, String> {
    let mut times = Vec::new();
    let mut rows: Vec<&Vec<Value>> = Vec::new();
    for act in acts.iter().take(most) {
        match act {
            Act::Send(s, ts, row) if s == stream => {
                times.push(*ts);
                rows.push(row);
            }
            _ => break,
        }
    }
    let input = app.input(stream).map_err(|e| e.to_string())?;
    let schema = input.schema().clone();
    let mut columns = Vec::new();
    for (i, f) in schema.fields().iter().enumerate() {
        let values = rows.iter().map(|r| &r[i]);
        columns.push(match &mut dictionary {
            Some(d) if *f.data_type() == DataType::Utf8View => (f.name(), d.column(values)),
            _ => (f.name(), Value::to_array(f.data_type(), values)),
        });
    }
    let batch = RecordBatch::try_from_iter(columns).map_err(|e| e.to_string())?;
    input.send_batch(&batch, Times::Each(&times)).map_err(|e| e.to_string())?;
    Ok(times.len())
}

/// Strings seen, in a dictionary that is made anew (another one) when there are more.
#[derive(Default)]
struct Dictionary {
    texts: Vec<String>,
    array: Option<ArrayRef>,
}

impl Dictionary {
    fn column<'a>(&mut self, values: impl Iterator<Item = &'a Value>) -> ArrayRef {
        let mut code = |value: &Value| {
            let Value::String(text) = value else { return None };
            let at = self.texts.iter().position(|t| t == text.as_str()).unwrap_or_else(|| {
                self.texts.push(text.to_string());
                self.array = None;
                self.texts.len() - 1
            });
            Some(at as i32)
        };
        let codes: Int32Array = values.map(&mut code).collect();
        let texts = &self.texts;
        let array = self.array.get_or_insert_with(|| {
            Arc::new(StringArray::from_iter_values(texts.iter().map(String::as_str)))
        });
        Arc::new(DictionaryArray::try_new(codes, Arc::clone(array)).expect("codes are places"))
    }
}

fn listen(app: &App, outcome: &Arc<Mutex<Outcome>>) -> Result<(), String> {
    let to = |name: String| {
        let outcome = Arc::clone(outcome);
        move |events: &Events| record(&outcome, &name, events)
    };
    for s in app.streams() {
        app.subscribe(&s.name, to(format!("stream {}", s.name))).map_err(|e| e.to_string())?;
    }
    for q in app.queries() {
        app.subscribe_query(&q, to(format!("query {q}"))).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn record(outcome: &Mutex<Outcome>, name: &str, events: &Events) {
    let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = outcome.entry(name.to_string()).or_default();
    for chunk in events.chunk_ranges() {
        let mut line = String::new();
        for row in chunk {
            let kind = if events.kind(row) == Kind::Expired { '-' } else { '+' };
            let _ = write!(line, "{kind}{}", events.ts(row));
            for value in events.row(row) {
                let _ = write!(line, " {value:?}");
            }
            line.push_str("; ");
        }
        lines.push(line);
    }
}

/// The first difference between two outcomes.
pub fn difference(a: &Outcome, b: &Outcome) -> Option<String> {
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let none = Vec::new();
    for name in names {
        let (x, y) = (a.get(name).unwrap_or(&none), b.get(name).unwrap_or(&none));
        if x != y {
            let at = x.iter().zip(y).position(|(x, y)| x != y).unwrap_or(x.len().min(y.len()));
            let show = |v: &[String]| v.get(at).map_or("nothing", String::as_str).to_string();
            return Some(format!("{name}, chunk {at}:\n  {}\n  {}", show(x), show(y)));
        }
    }
    None
}

/// Runs plainly and in the other ways; the first way that puts out something else.
pub fn disagreement(
    text: &str,
    clock: Option<ClockMode>,
    acts: &[Act],
    seed: u64,
) -> Option<String> {
    disagreement_of(Way::PLAIN, &Way::others(seed), text, clock, acts)
}

/// Runs in one way and in others; the first of the others that puts out something else.
pub fn disagreement_of(
    plain: Way,
    others: &[Way],
    text: &str,
    clock: Option<ClockMode>,
    acts: &[Act],
) -> Option<String> {
    let plain = run(text, clock, acts, plain);
    for &way in others {
        let got = run(text, clock, acts, way);
        let difference = match (&plain, &got) {
            (Ok(a), Ok(b)) => difference(a, b),
            (Err(_), Err(_)) => None,
            (Ok(_), Err(e)) => Some(format!("it failed: {e}")),
            (Err(e), Ok(_)) => Some(format!("plainly it failed: {e}")),
        };
        if let Some(d) = difference {
            return Some(format!("{way:?}: {d}"));
        }
    }
    None
}

/// xorshift.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
