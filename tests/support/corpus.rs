//! The recorded cases, read from the directory that `FORESHOCK_CONFORMANCE` names (default
//! `../shared/conformance` beside the repository). Its README is the format.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

use super::datum::Datum;

/// One recorded application with what went in and what came out.
#[derive(Debug)]
pub struct Case {
    pub id: String,
    pub area: String,
    pub app: String,
    /// What the real engine said when it refused the application.
    pub refusal: Option<String>,
    /// Whether the application needs Java classes of Siddhi's tests.
    pub custom_extension: bool,
    pub flags: Vec<String>,
    /// The replay to compare with, if there is a usable one.
    pub replay: Option<Replay>,
}

impl Case {
    /// Whether the case carries this flag.
    pub fn flagged(&self, flag: &str) -> bool {
        self.flags.iter().any(|f| f == flag)
    }

    /// Whether only the multiset of events is recorded truth.
    pub fn unordered(&self) -> bool {
        self.flagged("hash_order") || self.flagged("order_unstable")
    }

    /// Whether this corpus case says anything we can test.
    pub fn usable(&self) -> bool {
        !self.custom_extension && (self.refusal.is_some() || self.replay.is_some())
    }
}

/// A deterministic run in virtual time.
#[derive(Debug)]
pub struct Replay {
    /// The application as replayed (a `playback` replay adds a tick stream).
    pub app: String,
    /// When the virtual wall clock starts, ms.
    pub base: i64,
    /// When the replay stopped, ms after `base`.
    pub end: i64,
    /// The clock of the application when it starts, ms.
    pub start: i64,
    /// The virtual wall clock drives the application (otherwise the events' timestamps do).
    pub live: bool,
    /// Which application of the group the outputs belong to.
    pub app_index: usize,
    pub steps: Vec<Step>,
    /// What the test listened to, and the other streams with output (`extra`).
    pub outputs: Recording,
    pub extra: BTreeSet<Callback>,
}

/// One thing that happened, `at` ms after the start of the virtual wall clock.
#[derive(Debug)]
pub struct Step {
    pub at: i64,
    pub app: usize,
    pub action: Action,
}

/// What happened.
#[derive(Debug)]
pub enum Action {
    /// Rows were sent; as one chunk or one by one.
    Send { stream: String, rows: Vec<(i64, Vec<Datum>)>, chunk: bool },
    /// An operation of the host: start, shutdown, persist..
    Op(String),
    /// An on-demand query.
    Query,
}

/// What events were given to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Callback {
    Stream(String),
    Query(String),
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Callback::Stream(name) => write!(f, "stream:{name}"),
            Callback::Query(name) => write!(f, "query:{name}"),
        }
    }
}

/// An output event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub ts: i64,
    pub expired: bool,
    pub data: Vec<Datum>,
}

/// The events of one call of a callback (one chunk).
pub type Group = Vec<Event>;

/// All calls of all callbacks.
pub type Recording = BTreeMap<Callback, Vec<Group>>;

/// Where the corpus is, if it is there.
pub fn directory() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let dir = std::env::var_os("FORESHOCK_CONFORMANCE").map_or(default, PathBuf::from);
    dir.is_dir().then_some(dir)
}

/// Reads all cases under `dir`, sorted by id.
pub fn load(dir: &Path) -> Vec<Case> {
    let mut files = Vec::new();
    collect(dir, &mut files);
    let mut cases: Vec<Case> = files
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).expect("a readable case");
            let raw: RawCase =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            raw.case().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        })
        .collect();
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    cases
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a readable directory") {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "json") {
            files.push(path);
        }
    }
}

#[derive(Deserialize)]
struct RawCase {
    id: String,
    area: String,
    app: String,
    expect_error: Option<RawError>,
    #[serde(default)]
    definitions: HashMap<String, Vec<(String, String)>>,
    #[serde(default)]
    flags: RawFlags,
    #[serde(default)]
    types: HashMap<String, Vec<Option<String>>>,
    sim: Option<RawReplay>,
    playback: Option<RawReplay>,
}

#[derive(Deserialize, Default)]
struct RawFlags {
    #[serde(default)]
    custom_extension: bool,
    #[serde(default)]
    other: Vec<String>,
}

#[derive(Deserialize)]
struct RawError {
    class: String,
    message: Option<String>,
}

#[derive(Deserialize)]
struct RawReplay {
    app: Option<String>,
    deterministic: Option<bool>,
    same_data_as_wallclock: Option<bool>,
    #[serde(default)]
    native_playback: bool,
    base: Option<i64>,
    end: Option<i64>,
    app_index: Option<usize>,
    steps: Option<Vec<RawStep>>,
    #[serde(default)]
    outputs: BTreeMap<String, Vec<RawEvent>>,
    #[serde(default)]
    extra_outputs: BTreeMap<String, Vec<RawEvent>>,
}

#[derive(Deserialize)]
struct RawStep {
    #[serde(default)]
    at: i64,
    app: Option<usize>,
    op: Option<String>,
    send: Option<RawSend>,
    batch: Option<RawBatch>,
    ticks: Option<RawTicks>,
    query: Option<String>,
}

#[derive(Deserialize)]
struct RawSend {
    stream: String,
    timestamp: i64,
    data: Vec<Json>,
}

#[derive(Deserialize)]
struct RawBatch {
    stream: String,
    events: Vec<RawRow>,
}

#[derive(Deserialize)]
struct RawRow {
    timestamp: i64,
    data: Vec<Json>,
}

#[derive(Deserialize)]
struct RawTicks {
    stream: String,
    from: i64,
    to: i64,
    every: usize,
}

#[derive(Deserialize)]
struct RawEvent {
    b: u64,
    timestamp: i64,
    kind: String,
    data: Vec<Json>,
}

impl RawReplay {
    fn usable(&self) -> bool {
        self.deterministic == Some(true)
            && self.same_data_as_wallclock != Some(false)
            && self.steps.is_some()
    }
}

impl RawCase {
    fn case(mut self) -> Result<Case, String> {
        let sim = self.sim.take().filter(RawReplay::usable).map(|r| (r, true));
        let playback = self.playback.take().filter(RawReplay::usable).map(|r| (r, false));
        let replay = match sim.or(playback) {
            Some((raw, sim)) => Some(self.replay(raw, sim)?),
            None => None,
        };
        Ok(Case {
            id: self.id,
            area: self.area,
            app: self.app,
            refusal: self.expect_error.map(|e| {
                format!("{}: {}", e.class, e.message.as_deref().unwrap_or("").replace('\n', " "))
            }),
            custom_extension: self.flags.custom_extension,
            flags: self.flags.other,
            replay,
        })
    }

    fn replay(&self, raw: RawReplay, sim: bool) -> Result<Replay, String> {
        let base = raw.base.ok_or("a replay without base")?;
        let mut steps = Vec::new();
        for step in raw.steps.unwrap_or_default() {
            self.step(step, &mut steps)?;
        }
        let mut outputs = Recording::new();
        let mut extra = BTreeSet::new();
        for (name, events) in raw.outputs {
            let (callback, groups) = self.groups(&name, events)?;
            outputs.insert(callback, groups);
        }
        for (name, events) in raw.extra_outputs {
            let (callback, groups) = self.groups(&name, events)?;
            extra.insert(callback.clone());
            outputs.insert(callback, groups);
        }
        Ok(Replay {
            app: raw.app.unwrap_or_else(|| self.app.clone()),
            base,
            end: raw.end.ok_or("a replay without end")?,
            start: if raw.native_playback { 0 } else { base },
            live: sim && !raw.native_playback,
            app_index: raw.app_index.unwrap_or(0),
            steps,
            outputs,
            extra,
        })
    }

    fn step(&self, raw: RawStep, steps: &mut Vec<Step>) -> Result<(), String> {
        let (at, app) = (raw.at, raw.app.unwrap_or(0));
        let mut push = |action| steps.push(Step { at, app, action });
        if let Some(s) = raw.send {
            let row = (s.timestamp, self.row(&s.stream, &s.data)?);
            push(Action::Send { stream: s.stream, rows: vec![row], chunk: false });
        } else if let Some(b) = raw.batch {
            let rows = b.events.iter().map(|e| Ok((e.timestamp, self.row(&b.stream, &e.data)?)));
            let rows = rows.collect::<Result<_, String>>()?;
            push(Action::Send { stream: b.stream, rows, chunk: true });
        } else if let Some(t) = raw.ticks {
            let ticks = (t.from..=t.to).step_by(t.every.max(1));
            let rows = ticks.map(|ts| (ts, vec![Datum::Int(0)])).collect();
            push(Action::Send { stream: t.stream, rows, chunk: false });
        } else if let Some(op) = raw.op {
            push(Action::Op(op));
        } else if raw.query.is_some() {
            push(Action::Query);
        } else {
            return Err("a step of unknown kind".into());
        }
        Ok(())
    }

    /// A row as sent: bare numbers are of the declared type.
    fn row(&self, stream: &str, data: &[Json]) -> Result<Vec<Datum>, String> {
        let declared = self.definitions.get(stream);
        let seen = self.types.get(&format!("stream:{stream}"));
        let ty = |i: usize| {
            let declared = declared.and_then(|t| t.get(i)).map(|(_, ty)| ty.as_str());
            declared.or_else(|| seen.and_then(|t| t.get(i)).and_then(Option::as_deref))
        };
        data.iter().enumerate().map(|(i, v)| Datum::read(v, ty(i))).collect()
    }

    fn groups(&self, name: &str, events: Vec<RawEvent>) -> Result<(Callback, Vec<Group>), String> {
        let (kind, bare) = name.split_once(':').ok_or("a callback without kind")?;
        let callback = match kind {
            "stream" => Callback::Stream(bare.to_string()),
            _ => Callback::Query(bare.to_string()),
        };
        let seen = self.types.get(name);
        let declared = self.definitions.get(bare).filter(|_| kind == "stream");
        let ty = |i: usize| {
            let seen = seen.and_then(|t| t.get(i)).and_then(Option::as_deref);
            seen.or_else(|| declared.and_then(|d| d.get(i)).map(|(_, ty)| ty.as_str()))
        };
        let mut groups: Vec<Group> = Vec::new();
        let mut last = None;
        for e in events {
            let data = e.data.iter().enumerate().map(|(i, v)| Datum::read(v, ty(i)));
            let data = data.collect::<Result<_, _>>()?;
            if last != Some(e.b) {
                groups.push(Group::new());
                last = Some(e.b);
            }
            let event = Event { ts: e.timestamp, expired: e.kind == "expired", data };
            groups.last_mut().expect("pushed above").push(event);
        }
        Ok((callback, groups))
    }
}
