//! Real disorder: flights in order of their actual departure, earthquakes in the order in which the
//! catalogue was told of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::Int32Type;
use foreshock::io::format::{Format, Input, ReadOptions, open};
use foreshock::{App, AppOptions, Events, Times, Value};

use super::annotate::with_watermark;
use super::support::apps::folder;
use super::support::say;

/// What streams put out, as text.
type Output = BTreeMap<String, Vec<String>>;

/// Runs an application over rows in the order in which they stand; also how many rows it counted late.
fn run(
    text: &str,
    stream: &str,
    rows: &RecordBatch,
    times: &[i64],
    watch: &[&str],
) -> (Output, u64) {
    let options = AppOptions { batch_rows: 8192, ..AppOptions::default() };
    let app = App::from_text_with(text, options).expect("a right application");
    let output: Arc<Mutex<Output>> = Arc::default();
    for name in watch {
        let (to, name, stream_name) = (Arc::clone(&output), (*name).to_string(), *name);
        let add = move |e: &Events| {
            let mut to = to.lock().expect("no panic");
            let lines = to.entry(name.clone()).or_default();
            for row in 0..e.rows() {
                let values: Vec<String> = e.row(row).iter().map(Value::to_string).collect();
                lines.push(format!("{} {}", e.ts(row), values.join(",")));
            }
        };
        app.subscribe(stream_name, add).expect("a stream of the application");
    }
    let input = app.input(stream).expect("a stream of the application");
    for start in (0..rows.num_rows()).step_by(8192) {
        let n = 8192.min(rows.num_rows() - start);
        input
            .send_batch(&rows.slice(start, n), Times::Each(&times[start..start + n]))
            .expect("sent");
    }
    app.shutdown().expect("the last step");
    let late = app.stats().event_time.map_or(0, |t| t.streams.iter().map(|s| s.late).sum());
    drop(app);
    let output = std::mem::take(&mut *output.lock().expect("no panic"));
    (output, late)
}

/// All rows of a file with its event times.
fn read(path: &Path, text: &str, stream: &str, time: &str, most: usize) -> (RecordBatch, Vec<i64>) {
    let app = App::from_text(text).expect("a right application");
    let schema = app.input(stream).expect("a stream of the application").schema().clone();
    let format = Format::from_path(path).expect("a known extension");
    let options = ReadOptions { time: Some(time.into()), ..ReadOptions::new(format) };
    let mut source = open(Input::Path(path.into()), schema.clone(), &options).expect("opened");
    let (mut batches, mut times) = (vec![], vec![]);
    while times.len() < most {
        let Some(batch) = source.next(8192).expect("readable rows") else { break };
        assert!(batch.rejected.is_empty());
        times.extend_from_slice(&batch.time.expect("event times"));
        batches.push(batch.rows);
    }
    (concat_batches(&schema, &batches).expect("one schema"), times)
}

fn take(rows: &RecordBatch, times: &[i64], places: &[u32]) -> (RecordBatch, Vec<i64>) {
    let rows = take_record_batch(rows, &UInt32Array::from(places.to_vec())).expect("rows of it");
    (rows, places.iter().map(|p| times[*p as usize]).collect())
}

/// By how much rows are behind the latest before them: a delay that covers a share of them.
fn delay_for(times: &[i64], share: f64) -> i64 {
    let mut latest = i64::MIN;
    let behind = |t: &i64| {
        latest = latest.max(*t);
        latest - t
    };
    let mut behind: Vec<i64> = times.iter().map(behind).collect();
    behind.sort_unstable();
    behind[((behind.len() - 1) as f64 * share) as usize]
}

/// The rows that come too late for a delay, by the definition of a watermark.
fn too_late(times: &[i64], delay: i64) -> Vec<bool> {
    let (mut watermark, mut latest, mut least, mut begun) = (i64::MIN, i64::MIN, i64::MAX, false);
    let late = |t: &i64| {
        if begun && *t < watermark {
            return true;
        }
        latest = latest.max(*t);
        least = least.min(*t);
        watermark = watermark.max(latest - delay);
        begun |= least <= watermark;
        false
    };
    times.iter().map(late).collect()
}

/// In order of arrival the output is that of sorted input, but for the rows that are counted late.
fn hold(text: &str, stream: &str, rows: &RecordBatch, times: &[i64], share: f64, watch: &[&str]) {
    let delay = delay_for(times, share);
    let late = too_late(times, delay);
    let count = late.iter().filter(|l| **l).count();
    let arguments = format!("delay='{delay} millisec', late='drop'");
    let annotated = with_watermark(text, &[stream.to_string()].into(), &arguments);
    let annotated = annotated.expect("it is defined");
    let (got, counted) = run(&annotated, stream, rows, times, watch);
    assert_eq!(counted, count as u64);
    let kept: BooleanArray = late.iter().map(|l| Some(!l)).collect();
    let rows = filter_record_batch(rows, &kept).expect("a mask of it");
    let times: Vec<i64> = times.iter().zip(&late).filter(|(_, l)| !**l).map(|(t, _)| *t).collect();
    let mut places: Vec<u32> = (0..times.len() as u32).collect();
    places.sort_by_key(|p| times[*p as usize]);
    assert!(!places.is_sorted(), "there is disorder");
    let (rows, times) = take(&rows, &times, &places);
    let (expected, _) = run(text, stream, &rows, &times, watch);
    for name in watch {
        let (a, b) = (&expected[*name], &got[*name]);
        let at = (0..a.len().max(b.len())).find(|i| a.get(*i) != b.get(*i));
        assert!(at.is_none(), "{name}: {:?} and {:?}", a.get(at.unwrap()), b.get(at.unwrap()));
        assert!(!a.is_empty(), "{name}");
    }
    let alerts: usize = got.values().map(Vec::len).sum();
    say(&format!(
        "{stream}: {} rows, delay {delay} ms for {share}: {count} late, {alerts} alerts as sorted",
        late.len()
    ));
}

#[test]
fn flights_in_order_of_actual_departure() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/flights.parquet");
    if !path.exists() {
        say("SKIPPED: no ../shared/data/flights.parquet");
        return;
    }
    let text = std::fs::read_to_string(folder().join("flights.siddhi")).expect("the application");
    let most = std::env::var("FORESHOCK_FLIGHTS").ok().and_then(|n| n.parse().ok());
    let (rows, times) = read(&path, &text, "Flights", "date", most.unwrap_or(200_000));
    let delays =
        rows.column_by_name("delay").expect("a column").as_primitive::<Int32Type>().clone();
    let minute = 60_000;
    let mut places: Vec<u32> = (0..times.len() as u32).collect();
    let departed = |p: &u32| {
        let p = *p as usize;
        times[p] + i64::from(delays.value(p)) * minute
    };
    places.sort_by_key(departed);
    let (rows, times) = take(&rows, &times, &places);
    hold(&text, "Flights", &rows, &times, 0.999, &["Jams", "LateHours", "Cascades"]);
}

#[test]
fn earthquakes_in_order_of_arrival() {
    let text =
        std::fs::read_to_string(folder().join("earthquakes.siddhi")).expect("the application");
    let path = folder().join("earthquakes/arrivals.csv");
    let (rows, times) = read(&path, &text, "Catalogue", "time", usize::MAX);
    assert!(times.iter().all(|t| *t > 0));
    for share in [0.9, 0.999] {
        hold(&text, "Catalogue", &rows, &times, share, &["StrongQuakes", "Swarms", "Foreshocks"]);
    }
}
