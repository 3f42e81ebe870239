//! The applications of `queries/`: their inputs, the expected output beside them, and runs of them
//! through the library, cut into batches and restored on the way in any manner.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use foreshock::io::format::{Format, Input, ReadOptions, open};
use foreshock::{App, AppOptions, Kind, Times, Value};

/// An application and where its events come from.
#[derive(Debug, Clone, Copy)]
pub struct AppCase {
    /// `queries/<name>.siddhi`; its data lie in `queries/<name>/`.
    pub name: &'static str,
    /// Stream, file in that folder, column of the event time.
    pub inputs: &'static [(&'static str, &'static str, &'static str)],
}

/// An event of an output stream: its time and values.
pub type Row = (i64, Vec<Value>);
/// What came out, by stream.
pub type Output = BTreeMap<String, Vec<Row>>;

/// `queries/`.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("queries")
}

impl AppCase {
    /// The application.
    pub fn path(&self) -> PathBuf {
        folder().join(format!("{}.siddhi", self.name))
    }

    /// The application's text.
    pub fn text(&self) -> String {
        let path = self.path();
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Where its data lie.
    pub fn data(&self) -> PathBuf {
        folder().join(self.name)
    }

    /// All its events, in order.
    pub fn feed(&self) -> Feed {
        let app = App::from_text(&self.text()).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let read = |(stream, file, time): &(&str, &str, &str)| {
            let schema = app.input(stream).expect("a stream of the application").schema().clone();
            let (rows, ts) = read(&self.data().join(file), schema, time);
            (stream.to_string(), rows, ts)
        };
        Feed::merged(self.inputs.iter().map(read).collect())
    }

    /// The attributes of every stream.
    fn schemas(&self) -> BTreeMap<String, SchemaRef> {
        let app = App::from_text(&self.text()).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        app.streams().into_iter().map(|s| (s.name, s.schema)).collect()
    }

    /// The expected output, which an oracle has written; types are the streams'.
    pub fn expected(&self) -> Output {
        let schemas = self.schemas();
        let files = std::fs::read_dir(self.data().join("expected")).expect("expected output");
        let mut output = Output::new();
        for file in files {
            let path = file.expect("a directory entry").path();
            let stream = path.file_stem().expect("a name").to_string_lossy().to_string();
            let schema = schemas.get(&stream).unwrap_or_else(|| panic!("no stream `{stream}`"));
            output.insert(stream, rows_of(&path, schema, true));
        }
        assert!(!output.is_empty(), "{}: nothing is expected", self.name);
        output
    }

    /// The events of a stream that were written to a file, which has no times: they are 0.
    pub fn written(&self, stream: &str, path: &Path) -> Vec<Row> {
        rows_of(path, &self.schemas()[stream], false)
    }
}

/// The rows of a CSV file in these types; `timed`: after the event time in the column `@time`.
fn rows_of(path: &Path, schema: &SchemaRef, timed: bool) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).expect("a readable file");
    let header: Vec<String> = reader.headers().expect("a header").iter().map(Into::into).collect();
    let time = timed.then_some("@time");
    let attributes: Vec<&str> =
        time.into_iter().chain(schema.fields().iter().map(|f| f.name().as_str())).collect();
    assert_eq!(header, attributes, "{}", path.display());
    let row = |record: csv::StringRecord| {
        let ts = if timed { record[0].parse().expect("a time") } else { 0 };
        let values = record.iter().skip(usize::from(timed)).zip(schema.fields());
        (ts, values.map(|(text, field)| value(text, field.data_type())).collect())
    };
    reader.records().map(|r| row(r.expect("a record"))).collect()
}

fn value(text: &str, ty: &DataType) -> Value {
    let wrong = |e: &dyn std::fmt::Display| -> ! { panic!("`{text}` is no {ty}: {e}") };
    match ty {
        _ if text.is_empty() => Value::Null,
        DataType::Int32 => Value::Int(text.parse().unwrap_or_else(|e| wrong(&e))),
        DataType::Int64 => Value::Long(text.parse().unwrap_or_else(|e| wrong(&e))),
        DataType::Float32 => Value::Float(text.parse().unwrap_or_else(|e| wrong(&e))),
        DataType::Float64 => Value::Double(text.parse().unwrap_or_else(|e| wrong(&e))),
        DataType::Boolean => Value::Bool(text.parse().unwrap_or_else(|e| wrong(&e))),
        DataType::Utf8View => Value::String(text.into()),
        other => panic!("no expected output of type {other}"),
    }
}

/// All rows of a file in the schema, with their event times; no row may be bad.
pub fn read(path: &Path, schema: SchemaRef, time: &str) -> (RecordBatch, Vec<i64>) {
    let format = Format::from_path(path).expect("a known extension");
    let options = ReadOptions { time: Some(time.to_string()), ..ReadOptions::new(format) };
    let mut source = open(Input::Path(path.into()), schema.clone(), &options)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (mut batches, mut times) = (Vec::new(), Vec::new());
    while let Some(batch) = source.next(8192).expect("readable rows") {
        assert!(batch.rejected.is_empty(), "{}: {:?}", path.display(), batch.rejected[0]);
        times.extend_from_slice(&batch.time.expect("event times"));
        batches.push(batch.rows);
    }
    assert!(times.is_sorted(), "{} is sorted by `{time}`", path.display());
    (concat_batches(&schema, &batches).expect("one schema"), times)
}

/// Events of several streams in the order of their times (of equal ones, the first stream's first).
#[derive(Debug, Clone)]
pub struct Feed {
    streams: Vec<(String, RecordBatch, Vec<i64>)>,
    /// Which stream, and which of its rows.
    runs: Vec<(usize, Range<usize>)>,
}

impl Feed {
    fn merged(streams: Vec<(String, RecordBatch, Vec<i64>)>) -> Self {
        let mut at = vec![0; streams.len()];
        let mut runs: Vec<(usize, Range<usize>)> = Vec::new();
        let head = |s: usize, at: &[usize]| streams[s].2.get(at[s]).map(|ts| (*ts, s));
        while let Some((_, s)) = (0..at.len()).filter_map(|s| head(s, &at)).min() {
            match runs.last_mut() {
                Some((last, rows)) if *last == s => rows.end += 1,
                _ => runs.push((s, at[s]..at[s] + 1)),
            }
            at[s] += 1;
        }
        Feed { streams, runs }
    }

    /// The events' times, in order.
    pub fn times(&self) -> Vec<i64> {
        let run = |(s, rows): &(usize, Range<usize>)| self.streams[*s].2[rows.clone()].to_vec();
        self.runs.iter().flat_map(run).collect()
    }

    /// The same events in another order: where they stand in this one.
    pub fn in_order(&self, places: &[usize]) -> Feed {
        let each = |(s, rows): &(usize, Range<usize>)| {
            let s = *s;
            rows.clone().map(move |r| (s, r))
        };
        let all: Vec<(usize, usize)> = self.runs.iter().flat_map(each).collect();
        let mut streams = self.streams.clone();
        let mut taken: Vec<Vec<u32>> = vec![vec![]; streams.len()];
        let mut runs: Vec<(usize, Range<usize>)> = Vec::new();
        for (s, row) in places.iter().map(|p| all[*p]) {
            let at = taken[s].len();
            taken[s].push(row as u32);
            match runs.last_mut() {
                Some((last, rows)) if *last == s => rows.end += 1,
                _ => runs.push((s, at..at + 1)),
            }
        }
        for ((_, batch, times), rows) in streams.iter_mut().zip(taken) {
            *times = rows.iter().map(|r| times[*r as usize]).collect();
            let rows = arrow::array::UInt32Array::from(rows);
            *batch = arrow::compute::take_record_batch(batch, &rows).expect("rows of the batch");
        }
        Feed { streams, runs }
    }

    /// Number of events.
    pub fn rows(&self) -> usize {
        self.runs.iter().map(|(_, rows)| rows.len()).sum()
    }
}

/// How an application is run. None of it may change the output.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Rows gathered before a step runs; the events are sent in slices of at most so many.
    pub batch_rows: usize,
    /// Seed of random slices, with steps in between.
    pub cuts: Option<u64>,
    /// At about so many places the application is replaced by one restored from its snapshot.
    pub restarts: usize,
    /// Everything row by row, as Siddhi does.
    pub row_by_row: bool,
    /// Threads for what is apart by key.
    pub shards: usize,
}

impl Manner {
    /// Batches of so many rows.
    pub fn rows(batch_rows: usize) -> Self {
        Manner { batch_rows, cuts: None, restarts: 0, row_by_row: false, shards: 1 }
    }

    fn options(self) -> AppOptions {
        let Manner { batch_rows, row_by_row, shards, .. } = self;
        AppOptions { batch_rows, row_by_row, shards, ..AppOptions::default() }
    }
}

/// What the application puts out on the streams, fed with everything.
pub fn run(text: &str, feed: &Feed, streams: &[&str], manner: Manner) -> Output {
    let output = Arc::new(Mutex::new(Output::new()));
    for stream in streams {
        locked(&output).insert((*stream).to_string(), Vec::new());
    }
    let mut app = App::from_text_with(text, manner.options()).expect("a right application");
    listen(&app, streams, &output);
    let mut random = Random(manner.cuts.unwrap_or(1) | 1);
    let mut sent = 0;
    let mut reborn = 0;
    for (stream, run) in &feed.runs {
        let mut rows = run.clone();
        while !rows.is_empty() {
            let most = match manner.cuts {
                Some(_) => 1 + (random.next() % 400) as usize,
                None => manner.batch_rows,
            };
            let slice = rows.start..rows.end.min(rows.start + most);
            send(&app, &feed.streams[*stream], slice.clone(), manner);
            if manner.cuts.is_some() && random.next().is_multiple_of(2) {
                app.flush().expect("a step");
            }
            sent += slice.len();
            rows.start = slice.end;
            if sent * (manner.restarts + 1) > feed.rows() * (reborn + 1) {
                reborn += 1;
                let snapshot = app.snapshot().expect("a snapshot");
                app = App::restore(text, manner.options(), &snapshot).expect("restored");
                listen(&app, streams, &output);
            }
        }
    }
    app.shutdown().expect("the last step");
    drop(app);
    std::mem::take(&mut *locked(&output))
}

fn send(app: &App, stream: &(String, RecordBatch, Vec<i64>), rows: Range<usize>, manner: Manner) {
    let (name, batch, times) = stream;
    let input = app.input(name).expect("a stream of the application");
    if manner.batch_rows > 1 {
        let slice = batch.slice(rows.start, rows.len());
        return input.send_batch(&slice, Times::Each(&times[rows])).expect("sent");
    }
    for row in rows {
        let values: Vec<Value> =
            batch.columns().iter().map(|c| Value::from_array(c.as_ref(), row)).collect();
        input.send_at(times[row], values).expect("sent");
    }
}

fn listen(app: &App, streams: &[&str], output: &Arc<Mutex<Output>>) {
    for stream in streams {
        let (to, name) = (Arc::clone(output), (*stream).to_string());
        let record = move |events: &foreshock::Events| {
            let mut to = locked(&to);
            let rows = to.get_mut(&name).expect("listed before");
            for row in 0..events.rows() {
                assert_eq!(events.kind(row), Kind::Current);
                rows.push((events.ts(row), events.row(row)));
            }
        };
        app.subscribe(stream, record).expect("a stream of the application");
    }
}

fn locked(output: &Mutex<Output>) -> std::sync::MutexGuard<'_, Output> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first difference between expected and real output, doubles to 1e-9, or nothing.
pub fn difference(expected: &Output, got: &Output) -> Option<String> {
    compare(expected, got, &|a, b| match (a, b) {
        (Value::Double(a), Value::Double(b)) => {
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
        }
        _ => a == b,
    })
}

/// The first difference to the last bit, or nothing.
pub fn any_difference(a: &Output, b: &Output) -> Option<String> {
    compare(a, b, &|a, b| match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    })
}

fn compare(a: &Output, b: &Output, same: &dyn Fn(&Value, &Value) -> bool) -> Option<String> {
    if a.keys().ne(b.keys()) {
        return Some(format!("other streams: {:?} and {:?}", a.keys(), b.keys()));
    }
    for (stream, a) in a {
        let b = &b[stream];
        for i in 0..a.len().max(b.len()) {
            let equal = matches!((a.get(i), b.get(i)), (Some((at, a)), Some((bt, b)))
                if at == bt && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)));
            if !equal {
                let show = |row: Option<&Row>| row.map_or("nothing".into(), line);
                let (n, m) = (a.len(), b.len());
                let (a, b) = (show(a.get(i)), show(b.get(i)));
                return Some(format!(
                    "{stream}, row {i} ({n} rows expected, {m} came)\n  expected {a}\n  got      {b}"
                ));
            }
        }
    }
    None
}

/// An event as text: time, then values.
pub fn line((ts, values): &Row) -> String {
    let values: Vec<String> = values.iter().map(Value::to_string).collect();
    format!("{ts},{}", values.join(","))
}

/// xorshift: the same cuts in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
