//! Drives one window over a script, cut into steps at will, with snapshots where wanted, and flattens
//! what comes out so that neither cuts nor batches show.

use std::fmt::Write;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, SchemaRef};

use crate::error::Span;
use crate::event::{BatchBuilder, EventBatch, KeyId, Kind, RowStore, Value};
use crate::expr::types::{AttrType, schema_of};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::{Step, Timeline};
use crate::window::{self, Window, WindowArg, WindowCall, WindowContext, WindowOutput, WindowSpec};

/// The windows under test (the registry stands above this module).
pub const WINDOWS: [&WindowSpec; 16] = [
    &window::length::SPEC,
    &window::length_batch::SPEC,
    &window::batch::SPEC,
    &window::time::SPEC,
    &window::time_batch::SPEC,
    &window::time_length::SPEC,
    &window::external_time::SPEC,
    &window::external_time_batch::SPEC,
    &window::session::SPEC,
    &window::delay::SPEC,
    &window::sort::SPEC,
    &window::frequent::SPEC,
    &window::lossy_frequent::SPEC,
    &window::expression::SPEC,
    &window::expression_batch::SPEC,
    &window::cron::SPEC,
];

/// A row of the stream `S (x string, t long, g long)`.
#[derive(Clone, PartialEq, Default)]
pub struct RowIn {
    pub x: String,
    pub t: Option<i64>,
    pub g: Option<i64>,
    pub ts: i64,
    pub key: KeyId,
}

/// What one cause brings: chunks of rows at a clock. `timer`: it is a timer of an operator before.
#[derive(Clone, Default)]
pub struct Cause {
    pub at: i64,
    pub timer: bool,
    pub chunks: Vec<Vec<RowIn>>,
}

impl std::fmt::Debug for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = |v: Option<i64>| v.map_or("_".to_string(), |v| v.to_string());
        let row = |r: &RowIn| format!(" {}/{}={},{}@{}", r.x, r.key, value(r.t), value(r.g), r.ts);
        let chunks: Vec<String> = self.chunks.iter().map(|c| c.iter().map(row).collect()).collect();
        write!(f, "{}{}:{}", if self.timer { "~" } else { "" }, self.at, chunks.join(" |"))
    }
}

/// What comes out, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Row { x: String, t: Option<i64>, ts: i64, at: i64, order: u64, kind: Kind, key: KeyId },
    Reset(KeyId),
    EndChunk,
}

pub fn schema() -> SchemaRef {
    schema_of([("x", AttrType::String), ("t", AttrType::Long), ("g", AttrType::Long)])
}

/// Reads a call such as `timeBatch(1000, 0, true)`; `t` and `g` are the attributes.
pub fn call(text: &str) -> WindowCall {
    let (name, args) = text.trim_end_matches(')').split_once('(').expect("a call");
    let spec = *WINDOWS.iter().find(|s| s.name == name).expect("a window");
    let span = Span::default();
    let args = args.split(',').map(str::trim).filter(|a| !a.is_empty()).map(|a| match a {
        "x" => WindowArg::Column { index: 0, ty: AttrType::String, span },
        "t" => WindowArg::Column { index: 1, ty: AttrType::Long, span },
        "g" => WindowArg::Column { index: 2, ty: AttrType::Long, span },
        "true" | "false" => constant(Value::Bool(a == "true"), AttrType::Bool),
        a if a.starts_with('\'') => constant(a.trim_matches('\'').into(), AttrType::String),
        a if a.contains('.') => constant(Value::Double(a.parse().unwrap()), AttrType::Double),
        a => match a.strip_suffix('L') {
            Some(a) => constant(Value::Long(a.parse().unwrap()), AttrType::Long),
            None => constant(Value::Int(a.parse().unwrap()), AttrType::Int),
        },
    });
    WindowCall { spec, args: args.collect(), span }
}

pub fn constant(value: Value, ty: AttrType) -> WindowArg {
    WindowArg::Const { value, ty, span: Span::default() }
}

/// How a script is run.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    pub call: &'a WindowCall,
    pub expired: bool,
    pub keyed: bool,
    /// A step ends behind cause `i` where `cuts[i]` (and always behind the last).
    pub cuts: &'a [bool],
    /// Whether the window is saved and restored into a fresh one between steps.
    pub restore: bool,
}

impl Run<'_> {
    fn fresh(&self) -> Box<dyn Window> {
        let call = self.call;
        (call.spec.check)(&call.args, call.span).expect("good arguments");
        let (expired, keyed) = (self.expired, self.keyed);
        let context = WindowContext { schema: schema(), expired, keyed, searched: false };
        (call.spec.create)(call, context).unwrap()
    }

    /// What the window makes of the causes; the clock stands at `end` in the end.
    pub fn of(&self, causes: &[Cause], end: i64) -> Vec<Item> {
        self.watch(causes, end, |_| ())
    }

    /// The same; `watch` sees the window after every step.
    pub fn watch(
        &self,
        causes: &[Cause],
        end: i64,
        mut watch: impl FnMut(&dyn Window),
    ) -> Vec<Item> {
        let mut window = self.fresh();
        let mut items = vec![];
        let mut seq = 0;
        let mut clock = 0;
        let mut from = 0;
        while from < causes.len() || from == 0 {
            let len = causes[from..].iter().enumerate();
            let cut = len.clone().find(|(i, _)| self.cuts.get(from + i) == Some(&true));
            let to = cut.map_or(causes.len(), |(i, _)| from + i + 1);
            let step = &causes[from..to];
            let mut timeline = Timeline::new(2 * seq, clock);
            let mut orders = vec![];
            for cause in step {
                if cause.timer {
                    timeline.advance(cause.at);
                    orders.push(2 * seq);
                } else {
                    timeline.push(2 * seq + 1, cause.at);
                    orders.push(2 * seq + 1);
                    seq += 1;
                }
                clock = cause.at;
            }
            if to >= causes.len() {
                timeline.advance(end);
            }
            let mut out = WindowOutput::default();
            let batch = batch(step, &orders, self.keyed);
            let step = Step { timeline: &timeline };
            window.process(&step, &batch, 0..batch.rows(), &mut out).unwrap();
            window.advance(&step, timeline.end(), 0, &mut out).unwrap();
            assert!(window.next_timer().is_none_or(|due| due > timeline.end()));
            let columns = window.store().gather_all(&out.slots);
            flatten(&out.rows.finish(schema(), columns, self.keyed).unwrap(), &mut items);
            window.reclaim();
            watch(window.as_ref());
            if self.restore {
                window = self.restored(window.as_ref());
            }
            from = to.max(1);
        }
        items
    }

    fn restored(&self, window: &dyn Window) -> Box<dyn Window> {
        let mut w = SnapshotWriter::new();
        window.snapshot(&mut w).unwrap();
        let bytes = w.finish();
        let mut r = SnapshotReader::new(&bytes);
        let mut fresh = self.fresh();
        fresh.restore(&mut r).unwrap();
        assert!(r.is_empty());
        fresh
    }
}

/// The batch of what the causes bring.
pub fn batch(causes: &[Cause], orders: &[u64], keyed: bool) -> EventBatch {
    let mut store = RowStore::new(schema()).unwrap();
    let mut rows = BatchBuilder::default();
    let mut slots = vec![];
    for (cause, order) in causes.iter().zip(orders) {
        for chunk in &cause.chunks {
            for r in chunk {
                let values = [Value::from(r.x.as_str()), Value::from(r.t), Value::from(r.g)];
                slots.push(store.insert_values(&values, r.ts));
                rows.push(r.ts, cause.at, *order, Kind::Current, r.key);
            }
            rows.end_chunk();
        }
    }
    rows.finish(schema(), store.gather_all(&slots), keyed).unwrap()
}

/// Appends a batch's rows, resets and chunk ends (a reset at a boundary stands behind it).
fn flatten(batch: &EventBatch, items: &mut Vec<Item>) {
    let x = batch.columns.column(0).as_string_view();
    let t = batch.columns.column(1).as_primitive::<Int64Type>();
    let mut resets = batch.resets.iter().peekable();
    for chunk in batch.chunk_ranges() {
        for row in chunk {
            while let Some(r) = resets.next_if(|r| r.before as usize <= row) {
                items.push(Item::Reset(r.key));
            }
            items.push(Item::Row {
                x: x.value(row).into(),
                t: t.iter().nth(row).flatten(),
                ts: batch.ts[row],
                at: batch.at[row],
                order: batch.order[row],
                kind: batch.kind(row),
                key: batch.key(row),
            });
        }
        items.push(Item::EndChunk);
    }
    items.extend(resets.map(|r| Item::Reset(r.key)));
}

/// A line per chunk: `clock: E a C b`, `@ts` behind rows whose time isn't the clock, `/key` behind
/// rows of other keys than the first, `=t` behind rows that have a `t`.
pub fn show(items: &[Item]) -> String {
    let mut text = String::new();
    let mut line = String::new();
    let mut head = String::new();
    let key = |k: KeyId| if k == 0 { String::new() } else { format!("/{k}") };
    for item in items {
        match item {
            Item::Row { x, t, ts, at, kind, key: k, .. } => {
                head = format!("{at}:");
                let kind = if *kind == Kind::Current { "C" } else { "E" };
                let t = t.map_or(String::new(), |t| format!("={t}"));
                let ts = if ts == at { String::new() } else { format!("@{ts}") };
                write!(line, " {kind} {x}{}{t}{ts}", key(*k)).unwrap();
            }
            Item::Reset(k) => write!(line, " R{}", key(*k)).unwrap(),
            Item::EndChunk => {
                writeln!(text, "{head}{line}").unwrap();
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        writeln!(text, "{}", line.trim()).unwrap();
    }
    text
}

/// Reads causes: a line each, `clock: row row | row` with `|` between chunks; a row is
/// `x[/key][=t[,g]][@ts]`, `_` being null. `~clock:` is a timer of an operator before.
pub fn parse(text: &str) -> Vec<Cause> {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).map(parse_cause).collect()
}

fn parse_cause(line: &str) -> Cause {
    let (at, rows) = line.split_once(':').expect("clock: rows");
    let timer = at.starts_with('~');
    let at: i64 = at.trim_start_matches('~').parse().unwrap();
    let chunk = |text: &str| text.split_whitespace().map(|r| parse_row(r, at)).collect();
    Cause {
        at,
        timer,
        chunks: rows.split('|').map(chunk).filter(|c: &Vec<_>| !c.is_empty()).collect(),
    }
}

fn parse_row(text: &str, at: i64) -> RowIn {
    let number = |t: &str| (t != "_").then(|| t.parse().unwrap());
    let (text, ts) = text.split_once('@').map_or((text, at), |(r, ts)| (r, ts.parse().unwrap()));
    let (text, values) = text.split_once('=').unwrap_or((text, "_"));
    let (t, g) = values.split_once(',').unwrap_or((values, "_"));
    let (x, key) = text.split_once('/').unwrap_or((text, "0"));
    RowIn { x: x.into(), t: number(t), g: number(g), ts, key: key.parse().unwrap() }
}
