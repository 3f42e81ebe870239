//! Whatever the text: no panic, no endless compilation, no exploding memory.

use foreshock::{App, Value};

use super::mutate::{Random, mutated, noise};
use super::support::workers;
use super::{scaled, seeds};

/// Texts by default (`FORESHOCK_FUZZ` scales all numbers here: 10 is ten times as many).
const TEXTS: usize = 100_000;
/// Texts of one piece of work.
const PIECE: usize = 500;
/// Most seconds one text may take.
const PATIENCE: f64 = 1.0;

#[test]
fn no_text_breaks_the_compiler() {
    let seeds = seeds::all();
    let pieces: Vec<u64> = (0..scaled(TEXTS).div_ceil(PIECE) as u64).collect();
    let faults = workers::each(
        &pieces,
        |piece| format!("piece {piece}"),
        |piece| {
            let mut random = Random::new(*piece + 1);
            (0..PIECE).filter_map(|i| try_text(&seeds, i, &mut random)).collect::<Vec<_>>()
        },
    );
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    let shown = faults.iter().take(10).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(faults.is_empty(), "{} faults\n{shown}", faults.len());
}

fn try_text(seeds: &[String], i: usize, random: &mut Random) -> Option<String> {
    let text = if i.is_multiple_of(10) {
        noise(random)
    } else {
        let (a, b) = (random.below(seeds.len()), random.below(seeds.len()));
        mutated(&seeds[a], &seeds[b], random)
    };
    let run = i.is_multiple_of(8);
    // The machine may be busy: slow is what is slow three times.
    let mut took = f64::MAX;
    for _ in 0..3 {
        let before = now();
        if let Err(why) = workers::guarded(|| compile(&text, run)) {
            return Some(format!("{why}\n{text}"));
        }
        took = took.min(now() - before);
        if took < PATIENCE {
            return None;
        }
    }
    Some(format!("took {took} s\n{text}"))
}

/// Compiles; if it is right, explains it and, where `run`, creates it and sends it something.
fn compile(text: &str, run: bool) {
    let Ok((plan, _)) = foreshock::compile(text) else { return };
    assert!(!plan.explain_text().is_empty());
    if !run {
        return;
    }
    let engine = foreshock::Engine::with_log(drop);
    let Ok(app) = engine.app(text, foreshock::AppOptions::default()) else { return };
    exercise(&app);
}

/// Sends a few events to every stream and moves the clock. What fails, fails with an error.
pub fn exercise(app: &App) {
    for stream in app.streams() {
        // A named window has no entrance.
        let Ok(input) = app.input(&stream.name) else { continue };
        for ts in [1_000, 2_000] {
            let nulls = vec![Value::Null; stream.schema.fields().len()];
            let _ = input.send_at(ts, nulls);
            let _ = input.send_at(ts, vec![Value::Int(7); stream.schema.fields().len()]);
        }
    }
    let _ = app.advance_to(5_000);
    let _ = app.snapshot();
}

/// Seconds on some clock: compilation must be quick, which only a clock can tell.
#[allow(clippy::disallowed_methods, reason = "measures the compiler, not event time")]
fn now() -> f64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

#[test]
fn nesting_is_refused_or_done_in_time() {
    let deep = |open: &str, core: &str, close: &str| {
        let n = 20_000;
        format!(
            "define stream S (a int); from S[{}{core}{} == 1] select a insert into T;",
            open.repeat(n),
            close.repeat(n)
        )
    };
    let long = |one: &str, n: usize| {
        format!("define stream S (a int); from S[a == 1{}] select a insert into T;", one.repeat(n))
    };
    let states = |n: usize| {
        let list = (0..n).map(|i| format!("e{i}=S[a > {i}]")).collect::<Vec<_>>().join(" -> ");
        format!("define stream S (a int); from every {list} select e0.a insert into T;")
    };
    let texts = [
        deep("(", "a", ")"),
        deep("ifThenElse(true, ", "a", ", 1)"),
        deep("not ", "true", ""),
        deep("a + (", "1", ")"),
        long(" and a > 1", 20_000),
        long(" or a + 1 * 2 - 3 / 4 % 5 > 1", 5_000),
        long(" + 1", 20_000),
        states(300),
        states(5_000),
        format!(
            "define stream S (a int); from {} S select a insert into T;",
            "every (".repeat(5_000)
        ),
        format!("{}define stream S (a int);", "@a(".repeat(10_000)),
        format!(
            "define stream S (a int); from S{} select a insert into T;",
            "[a > 1]".repeat(5_000)
        ),
        format!(
            "define stream S (a int); from S select {} insert into T;",
            (0..2_000).map(|i| format!("a + {i} as x{i}")).collect::<Vec<_>>().join(", ")
        ),
    ];
    let found = workers::each(
        &texts,
        |t| t.chars().take(80).collect(),
        |text| {
            let before = now();
            let result = workers::guarded(|| compile(text, true));
            (result, now() - before)
        },
    );
    for (text, (result, took)) in texts.iter().zip(found) {
        let head: String = text.chars().take(80).collect();
        assert!(result.is_ok(), "{head}: {result:?}");
        // A large text may take a while on a busy machine; never minutes.
        assert!(took < 20.0, "{head}: {took} s");
    }
}
