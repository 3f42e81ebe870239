//! The only file of the tests that knows the engine's API: creates an application, feeds it,
//! records what its callbacks are given.
//!
//! Siddhi takes values of any Java class for any attribute; ours are typed. The driver adapts what
//! the recorded tests sent: missing values are null, surplus ones are cut off, numbers are converted
//! to the attribute's type, any scalar becomes text for a string attribute. A row whose values
//! can't be converted is not sent (Siddhi fails when it uses it).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, SchemaRef};
use foreshock::error::{Code, Diagnostic, Severity};
use foreshock::{App, AppOptions, ClockMode, Error, Events, Kind, Value};

use super::corpus::{Callback, Event, Group, Recording};
use super::datum::Datum;

/// Why an application was not created.
#[derive(Debug)]
pub enum Refusal {
    /// It uses something that is not built yet.
    Unsupported(String),
    /// The text is wrong, says the engine; the codes of its findings and the first message.
    Wrong { codes: Vec<String>, message: String },
    /// Anything else.
    Broken(String),
}

/// How the application is run.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// The virtual wall clock drives the application, whatever its annotations say.
    pub live: bool,
    /// The clock at the start, ms.
    pub start: i64,
    /// Rows gathered before a step runs.
    pub batch_rows: usize,
}

impl Setup {
    fn options(self) -> AppOptions {
        AppOptions {
            batch_rows: self.batch_rows,
            clock: self.live.then_some(ClockMode::Live),
            start: self.start,
            ..AppOptions::default()
        }
    }
}

type Shared = Arc<Mutex<BTreeMap<Callback, Vec<Group>>>>;

/// A running application and what it has put out so far.
pub struct Session {
    app: App,
    setup: Setup,
    text: String,
    schemas: BTreeMap<String, SchemaRef>,
    callbacks: Vec<Callback>,
    recorded: Shared,
}

/// Says whether the application can be created.
pub fn check(text: &str) -> Result<(), Refusal> {
    let setup = Setup { live: false, start: 0, batch_rows: 1 };
    App::from_text_with(text, setup.options()).map(|_| ()).map_err(refusal)
}

impl Session {
    /// Creates an application and listens to `callbacks`.
    pub fn create(text: &str, setup: Setup, callbacks: &[Callback]) -> Result<Self, Refusal> {
        let app = App::from_text_with(text, setup.options()).map_err(refusal)?;
        Self::over(app, text, setup, callbacks, Shared::default())
    }

    /// Creates an application in the state of a snapshot and listens to `callbacks`.
    pub fn restore(
        text: &str,
        setup: Setup,
        callbacks: &[Callback],
        snapshot: &[u8],
    ) -> Result<Self, Refusal> {
        let app = App::restore(text, setup.options(), snapshot).map_err(refusal)?;
        Self::over(app, text, setup, callbacks, Shared::default())
    }

    /// Goes on in a fresh application that is in the state of this one; the record goes on, too.
    pub fn reborn(self) -> Result<Self, Refusal> {
        let snapshot = self.snapshot().map_err(Refusal::Broken)?;
        let Session { app, setup, text, callbacks, recorded, .. } = self;
        drop(app);
        let app = App::restore(&text, setup.options(), &snapshot).map_err(refusal)?;
        Self::over(app, &text, setup, &callbacks, recorded)
    }

    fn over(
        app: App,
        text: &str,
        setup: Setup,
        callbacks: &[Callback],
        recorded: Shared,
    ) -> Result<Self, Refusal> {
        for callback in callbacks {
            let (to, key) = (Arc::clone(&recorded), callback.clone());
            let listen = move |e: &Events| record(&to, &key, e);
            let subscribed = match callback {
                Callback::Stream(name) => app.subscribe(name, listen),
                Callback::Query(name) => app.subscribe_query(name, listen),
            };
            subscribed.map_err(|e| Refusal::Broken(format!("{callback}: {e}")))?;
        }
        let schemas = app.streams().into_iter().map(|s| (s.name, s.schema)).collect();
        let (text, callbacks) = (text.to_string(), callbacks.to_vec());
        Ok(Self { app, setup, text, schemas, callbacks, recorded })
    }

    /// Sends rows, one by one or as one chunk.
    pub fn send(
        &mut self,
        stream: &str,
        rows: &[(i64, Vec<Datum>)],
        chunk: bool,
    ) -> Result<(), String> {
        let schema = self.schemas.get(stream).ok_or(format!("no stream `{stream}`"))?;
        let typed: Vec<(i64, Vec<Value>)> =
            rows.iter().filter_map(|(ts, row)| Some((*ts, adapt(row, schema)?))).collect();
        let input = self.app.input(stream).map_err(|e| e.to_string())?;
        if chunk {
            return input.send_chunk(typed).map_err(|e| e.to_string());
        }
        typed.iter().try_for_each(|(ts, row)| input.send_at(*ts, row).map_err(|e| e.to_string()))
    }

    /// Moves a live clock.
    pub fn advance_to(&mut self, ts: i64) -> Result<(), String> {
        self.app.advance_to(ts).map_err(|e| e.to_string())
    }

    /// Runs what waits in the current batch.
    pub fn flush(&mut self) -> Result<(), String> {
        self.app.flush().map_err(|e| e.to_string())
    }

    /// The application's state.
    pub fn snapshot(&self) -> Result<Vec<u8>, String> {
        self.app.snapshot().map_err(|e| e.to_string())
    }

    /// Shuts the application down and gives all it has put out.
    pub fn finish(self) -> Result<Recording, String> {
        self.app.shutdown().map_err(|e| e.to_string())?;
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(recorded.clone())
    }
}

fn record(to: &Shared, callback: &Callback, events: &Events) {
    let mut recorded = to.lock().unwrap_or_else(PoisonError::into_inner);
    let groups = recorded.entry(callback.clone()).or_default();
    for chunk in events.chunk_ranges() {
        let mut group: Group = chunk
            .map(|i| Event {
                ts: events.ts(i),
                expired: events.kind(i) == Kind::Expired,
                data: events.row(i).into_iter().map(Datum::from).collect(),
            })
            .collect();
        // A query callback is given current and expired events as two lists.
        if matches!(callback, Callback::Query(_)) {
            group.sort_by_key(|e| e.expired);
        }
        groups.push(group);
    }
}

fn refusal(error: Error) -> Refusal {
    let Error::Query(diagnostics) = error else {
        return Refusal::Broken(error.to_string());
    };
    let errors: Vec<&Diagnostic> =
        diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    if let Some(d) = errors.iter().find(|d| d.code == Code::NotSupported) {
        let what = d.message.trim_end_matches(" is not supported yet");
        return Refusal::Unsupported(what.to_string());
    }
    let message = errors.first().map_or("refused without a reason", |d| d.message.as_str());
    Refusal::Wrong {
        codes: errors.iter().map(|d| d.code.to_string()).collect(),
        message: message.to_string(),
    }
}

fn adapt(row: &[Datum], schema: &SchemaRef) -> Option<Vec<Value>> {
    let value = |(i, f): (usize, &Arc<arrow::datatypes::Field>)| {
        convert(row.get(i).unwrap_or(&Datum::Null), f.data_type())
    };
    schema.fields().iter().enumerate().map(value).collect()
}

fn convert(datum: &Datum, ty: &DataType) -> Option<Value> {
    let whole = |v: f64| (v.fract() == 0.0).then_some(v);
    Some(match (ty, datum) {
        (_, Datum::Null) => Value::Null,
        (DataType::Int32, Datum::Int(v)) => Value::Int(*v),
        (DataType::Int32, Datum::Long(v)) => Value::Int(i32::try_from(*v).ok()?),
        (DataType::Int32, d) => Value::Int(whole(d.as_f64()?)? as i32),
        (DataType::Int64, Datum::Long(v)) => Value::Long(*v),
        (DataType::Int64, d) => Value::Long(whole(d.as_f64()?)? as i64),
        (DataType::Float32, Datum::Float(v)) => Value::Float(*v),
        (DataType::Float32, d) => Value::Float(d.as_f64()? as f32),
        (DataType::Float64, d) => Value::Double(d.as_f64()?),
        (DataType::Boolean, Datum::Bool(v)) => Value::Bool(*v),
        (DataType::Utf8View, Datum::Text(v)) => Value::String(v.as_str().into()),
        (DataType::Utf8View, d) => Value::String(plain(d)?.into()),
        (DataType::BinaryView, d) => object(d)?,
        _ => return None,
    })
}

fn plain(datum: &Datum) -> Option<String> {
    Some(match datum {
        Datum::Int(v) => v.to_string(),
        Datum::Long(v) => v.to_string(),
        Datum::Float(v) => format!("{v:?}"),
        Datum::Double(v) => format!("{v:?}"),
        Datum::Bool(v) => v.to_string(),
        _ => return None,
    })
}

fn object(datum: &Datum) -> Option<Value> {
    let all = |items: &[Datum]| items.iter().map(object).collect::<Option<Vec<_>>>();
    Some(match datum {
        Datum::Null => Value::Null,
        Datum::Int(v) => Value::Int(*v),
        Datum::Long(v) => Value::Long(*v),
        Datum::Float(v) => Value::Float(*v),
        Datum::Double(v) => Value::Double(*v),
        Datum::Bool(v) => Value::Bool(*v),
        Datum::Text(v) => Value::String(v.as_str().into()),
        Datum::Set(items) => Value::Set(all(items)?),
        Datum::List(items) => Value::List(all(items)?),
        Datum::Opaque { .. } => return None,
    })
}
