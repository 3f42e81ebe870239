//! `foreshock bench --app`: the application's input, generated or from files.

use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int64Type, SchemaRef};
use foreshock::bench::feed::{Feed, fit};
use foreshock::bench::report::Measured;
use foreshock::bench::subject::Subject;
use foreshock::bench::workload::generate::{Options, generate};
use foreshock::bench::{Kind, closed, open};
use foreshock::io::format::{self, Format, Input, ReadOptions};
use foreshock::{App, AppOptions, ClockMode, Error, Result, StreamInfo};

use super::{Add, Arguments, refused, usage};
use crate::cli::text;

/// Events unless told otherwise.
const EVENTS: usize = 200_000;

/// An application and its input.
pub(super) struct Loaded {
    subject: Subject,
    feed: Feed,
    keys: Option<usize>,
}

/// Where the rows of a stream come from.
enum Origin<'a> {
    File(&'a Path),
    Generated(Kind),
}

/// Compiles the application and reads or generates its input; says what is wrong, and gives the exit
/// code.
pub(super) fn load(path: &Path, arguments: &Arguments) -> Result<Loaded, u8> {
    let app_text = text::read(path)?;
    let options = AppOptions { clock: Some(ClockMode::Playback), ..AppOptions::default() };
    let app = match App::from_text_with(&app_text.text, options) {
        Ok(app) => app,
        Err(Error::Query(found)) => {
            text::show(&app_text, &found);
            return Err(crate::cli::WRONG_QUERY);
        }
        Err(e) => return Err(refused(e)),
    };
    text::show(&app_text, app.warnings());
    let origins = origins(&app, arguments)?;
    let generated = origins.iter().filter(|(_, o)| matches!(o, Origin::Generated(_))).count();
    let mut streams = vec![];
    let mut keys = None;
    for (i, (stream, origin)) in origins.into_iter().enumerate() {
        let (rows, times) = match origin {
            Origin::File(path) => read(&app, &stream, path, arguments)?,
            Origin::Generated(kind) => {
                let options = generation(arguments, kind, i, generated);
                keys = keys.max(Some(options.keys));
                rows(&stream, &options).map_err(refused)?
            }
        };
        streams.push((stream.name, rows, times));
    }
    // Files are taken whole unless told otherwise.
    let events = arguments.events.map(|n| n.get());
    let feed = Feed::new(streams, arguments.disorder, arguments.seed, events).map_err(refused)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut subject = Subject::of_app(&name, &app_text.text, feed.streams()).map_err(refused)?;
    subject.options.shards = arguments.shards.get();
    Ok(Loaded { subject: Subject { merged: feed.merges(), ..subject }, feed, keys })
}

/// The streams that get rows, and from where.
fn origins<'a>(app: &App, a: &'a Arguments) -> Result<Vec<(StreamInfo, Origin<'a>)>, u8> {
    let files = a.input.iter().map(|i| i.stream.as_str());
    let kinds = a.workload.iter().filter_map(|w| w.stream.as_deref());
    for stream in files.chain(kinds).chain(a.time.iter().map(|t| t.stream.as_str())) {
        app.input(stream).map_err(refused)?;
    }
    let default = a.input.is_empty() && a.workload.is_empty();
    let mut origins = vec![];
    let mut misfit = None;
    for stream in app.streams() {
        let file = a.input.iter().find(|i| i.stream == stream.name);
        let named = a.workload.iter().find(|w| w.stream.as_deref() == Some(&stream.name));
        let origin = match (file, named) {
            (Some(file), _) => match &file.path {
                Some(path) => Some(Origin::File(path)),
                None => return Err(usage("bench reads files, not standard input")),
            },
            (None, Some(w)) => Some(Origin::Generated(w.kind)),
            (None, None) if stream.defined && stream.read && !stream.written => {
                let given = a.workload.iter().filter(|w| w.stream.is_none()).map(|w| w.kind);
                let any = Kind::ALL.into_iter().filter(|_| default);
                let kind = given.chain(any).find(|kind| match fits(*kind, &stream.schema) {
                    Ok(()) => true,
                    Err(e) => {
                        misfit.get_or_insert(e);
                        false
                    }
                });
                kind.map(Origin::Generated)
            }
            _ => None,
        };
        origins.extend(origin.map(|o| (stream, o)));
    }
    match (origins.is_empty(), misfit) {
        (false, _) => Ok(origins),
        (true, Some(e)) => {
            let hint = if default { "; name files with --input STREAM=PATH" } else { "" };
            Err(usage(&format!("no workload fits a stream of the application: {e}{hint}")))
        }
        (true, None) => Err(usage("the application reads no stream that nothing else writes")),
    }
}

/// Whether a stream can have rows of this kind.
fn fits(kind: Kind, schema: &SchemaRef) -> Result<()> {
    fit(&RecordBatch::new_empty(kind.schema()), schema, &format!("the workload `{kind}`")).map(drop)
}

fn generation(a: &Arguments, kind: Kind, stream: usize, streams: usize) -> Options {
    let keys = a.keys.map_or(kind.keys(), |k| k.get());
    let rate = a.event_rate.unwrap_or_else(|| kind.rate(keys));
    let events = a.events.map_or(EVENTS, |n| n.get());
    Options {
        keys,
        // All streams together have what was asked for.
        rate: rate / streams as f64,
        seed: a.seed.wrapping_add(stream as u64),
        ..Options::new(kind, events.div_ceil(streams))
    }
}

type Rows = (RecordBatch, Vec<i64>);

fn rows(stream: &StreamInfo, options: &Options) -> Result<Rows> {
    let kind = options.kind;
    let batches = generate(options, options.events).collect::<Result<Vec<_>>>()?;
    let all = concat_batches(&kind.schema(), &batches)?;
    let what = format!("the workload `{kind}`");
    let times = all.column_by_name(kind.time()).map(|t| t.as_primitive::<Int64Type>());
    let times = times.map_or(vec![], |t| t.values().to_vec());
    Ok((fit(&all, &stream.schema, &what)?, times))
}

/// All rows of a file.
fn read(app: &App, stream: &StreamInfo, path: &Path, a: &Arguments) -> Result<Rows, u8> {
    let name = &stream.name;
    let given = a.time.iter().find(|t| t.stream == *name).map(|t| t.column.clone());
    let declared = || {
        let plan = app.plan().streams.iter().find(|s| s.full_name() == *name)?;
        plan.sources.iter().find_map(|s| s.options.get("time")).map(String::from)
    };
    let Some(time) = given.or_else(declared) else {
        let message = format!("--input {name}=… needs --time {name}=COLUMN");
        return Err(usage(&message));
    };
    let format = Format::from_path(path).map_err(refused)?;
    let delimiter = format::default_delimiter(path);
    let options = ReadOptions { time: Some(time), delimiter, ..ReadOptions::new(format) };
    let read = || -> Result<(Rows, usize)> {
        let input = Input::Path(path.to_path_buf());
        let mut source = format::open(input, stream.schema.clone(), &options)?;
        let (mut batches, mut times, mut rejected) = (vec![], vec![], 0);
        while let Some(batch) = source.next(1 << 16)? {
            rejected += batch.rejected.len();
            times.extend(batch.time.iter().flat_map(|t| t.iter().copied()));
            batches.push(batch.rows);
        }
        Ok(((concat_batches(&stream.schema, &batches)?, times), rejected))
    };
    let (rows, rejected) = read().map_err(refused)?;
    if rejected > 0 {
        eprintln!(
            "foreshock: {rejected} rows of `{}` can't be read and are left out",
            path.display()
        );
    }
    Ok(rows)
}

impl Loaded {
    /// Measures it with each batch size.
    pub(super) fn measure(&self, a: &Arguments, add: Add<'_>) -> Result<(), u8> {
        let (subject, feed, repetitions) = (&self.subject, &self.feed, super::repetitions(a));
        let expected = match a.rate {
            None => closed::app_digests(subject, feed).map_err(refused)?,
            Some(_) => vec![],
        };
        for rows in a.batch_rows.iter().map(|n| n.get()) {
            add(match a.rate {
                Some(rate) => open::run_app(subject, feed, rows, repetitions, rate)
                    .map(|o| Measured::Open(open::OpenOutcome { keys: self.keys, ..o })),
                None => closed::run_app(subject, feed, &expected, rows, repetitions)
                    .map(|o| Measured::Closed(closed::Outcome { keys: self.keys, ..o })),
            })?;
        }
        Ok(())
    }
}
