//! The recorded cases, turned to event time: every stream from outside gets a watermark.

use std::collections::BTreeSet;
use std::path::Path;

use super::annotate::with_watermark;
use super::arrivals::{disorder, moved};
use super::support::compare::identical;
use super::support::corpus::{self, Action, Callback, Case, Recording};
use super::support::datum::Datum;
use super::support::driver::{Session, Setup};
use super::support::{say, workers};

/// What was sent together.
struct Unit {
    stream: String,
    rows: Vec<(i64, Vec<Datum>)>,
    chunk: bool,
}

/// A case as sorted input of one application.
struct Sorted {
    text: String,
    units: Vec<Unit>,
    times: Vec<i64>,
    callbacks: Vec<Callback>,
}

/// None: the case does more than send, or a query writes a stream that is sent to.
fn sorted(case: &Case) -> Option<Sorted> {
    let replay = case.replay.as_ref()?;
    let mut units: Vec<(i64, Unit)> = vec![];
    for step in &replay.steps {
        match &step.action {
            Action::Send { stream, rows, chunk } => {
                let at = |(ts, row): &(i64, Vec<Datum>)| match replay.live {
                    true => (replay.base + step.at, row.clone()),
                    false => (*ts, row.clone()),
                };
                let rows: Vec<_> = rows.iter().map(at).collect();
                let parts: Vec<Vec<_>> = match chunk {
                    true => vec![rows],
                    false => rows.into_iter().map(|r| vec![r]).collect(),
                };
                for rows in parts.into_iter().filter(|p| !p.is_empty()) {
                    let key = rows.iter().map(|r| r.0).max()?;
                    units.push((key, Unit { stream: stream.clone(), rows, chunk: *chunk }));
                }
            }
            Action::Op(op) if op == "create" || op == "start" || op == "shutdown" => {}
            Action::Op(_) | Action::Query => return None,
        }
        if step.app != replay.app_index {
            return None;
        }
    }
    if units.len() < 2 {
        return None;
    }
    units.sort_by_key(|u| u.0);
    let (times, units) = units.into_iter().unzip();
    let callbacks = replay.outputs.keys().cloned().collect();
    Some(Sorted { text: replay.app.clone(), units, times, callbacks })
}

/// Sends units in an order of arrival; `restore`: to another application after every so many.
fn run(
    text: &str,
    case: &Sorted,
    order: &[usize],
    batch_rows: usize,
    restore: Option<usize>,
) -> Result<Recording, String> {
    let setup = Setup { live: false, start: 0, batch_rows };
    let told = |e| format!("{e:?}");
    let mut session = Session::create(text, setup, &case.callbacks).map_err(told)?;
    for (n, p) in order.iter().enumerate() {
        let unit = &case.units[*p];
        session.send(&unit.stream, &unit.rows, unit.chunk)?;
        if restore.is_some_and(|k| (n + 1) % k == 0) {
            session.flush()?;
            session = session.reborn().map_err(told)?;
        }
    }
    session.finish()
}

/// What became of a case.
enum Outcome {
    /// It can't be turned to event time.
    Left(&'static str),
    /// It agrees; how many rows had moved, and whether there was output.
    Agrees(usize, bool),
    Differs(String),
}

fn hold(case: &Case) -> Outcome {
    let Some(input) = sorted(case) else { return Outcome::Left("it does more than send") };
    let playback = match input.text.to_lowercase().contains("@app:playback") {
        true => input.text.clone(),
        false => format!("@app:playback {}", input.text),
    };
    let all: Vec<usize> = (0..input.units.len()).collect();
    let Ok(plain) = run(&playback, &input, &all, 1, None) else {
        return Outcome::Left("it doesn't run in playback");
    };
    let streams: BTreeSet<String> = input.units.iter().map(|u| u.stream.clone()).collect();
    let seed = case.id.bytes().fold(7, |h: u64, b| h.wrapping_mul(31) + u64::from(b));
    let span = input.times[input.times.len() - 1] - input.times[0];
    let mut all_moved = 0;
    for (n, delay) in [0, 100, span / 4 + 1, span.min(10_000_000)].into_iter().enumerate() {
        let arguments = format!("delay='{delay} millisec', late='drop'");
        let Some(text) = with_watermark(&playback, &streams, &arguments) else {
            return Outcome::Left("a query defines what is sent to");
        };
        // Of a few orders the one that moves most: many cases have but two or three rows.
        let orders = (0..8).map(|i| disorder(&input.times, delay, seed + 8 * n as u64 + i));
        let order = orders.max_by_key(|order| moved(order)).expect("eight orders");
        all_moved += moved(&order);
        for (batch_rows, restore) in [(1, None), (7, Some(input.units.len().div_ceil(4)))] {
            match run(&text, &input, &order, batch_rows, restore) {
                Err(e) if e.contains("is for rows from outside") => {
                    return Outcome::Left("a query writes what is sent to");
                }
                Err(e) => return Outcome::Differs(format!("{}: {delay}: {e}", case.id)),
                Ok(got) => {
                    if let Err(difference) = identical(&plain, &got) {
                        let how = format!("delay {delay}, {batch_rows} rows, restore {restore:?}");
                        return Outcome::Differs(format!("{}: {how}: {difference}", case.id));
                    }
                }
            }
        }
    }
    Outcome::Agrees(all_moved, plain.values().any(|groups| !groups.is_empty()))
}

#[test]
fn recorded_cases_in_any_order_within_the_delay() {
    let Some(dir) = corpus::directory() else {
        say("SKIPPED: no conformance corpus (set FORESHOCK_CONFORMANCE)");
        return;
    };
    let only = std::env::var("FORESHOCK_CONFORMANCE_ONLY").unwrap_or_default();
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance_passing.txt");
    let list = std::fs::read_to_string(list).expect("the list of passing cases");
    let mut cases = corpus::load(&dir);
    cases.retain(|c| c.replay.is_some() && c.id.contains(&only) && list.lines().any(|l| l == c.id));
    let outcomes = workers::each(
        &cases,
        |c| c.id.clone(),
        |case| {
            workers::guarded(|| hold(case))
                .unwrap_or_else(|panic| Outcome::Differs(format!("{}: {panic}", case.id)))
        },
    );
    let (mut held, mut disordered, mut faults) = (0, 0, vec![]);
    let mut left = std::collections::BTreeMap::<&str, usize>::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Left(why) => *left.entry(why).or_default() += 1,
            Outcome::Agrees(moved, any) => {
                held += 1;
                disordered += usize::from(moved > 0 && any);
            }
            Outcome::Differs(difference) => faults.push(difference),
        }
    }
    say(&format!("{held} cases in event time, {disordered} in real disorder; left out: {left:?}"));
    let shown = faults.iter().take(15).cloned().collect::<Vec<_>>().join("\n");
    assert!(faults.is_empty(), "{} differ\n{shown}", faults.len());
    assert!(
        !only.is_empty() || (held >= 500 && disordered >= 300),
        "only {disordered} cases in disorder"
    );
}
