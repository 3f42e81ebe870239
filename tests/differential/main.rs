//! Random applications over random events: however the events are cut into batches, sent in columns
//! or one by one, run row by row or in columns, with or without restarts, the output is the same.
//!
//! `PROPTEST_CASES=50000 cargo test --test differential random` runs longer.

mod apps;
mod events;
mod exprs;
mod fused;
mod regressions;
mod shapes;
mod shards;
#[path = "../support/mod.rs"]
mod support;
mod tape;

use foreshock::ClockMode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestError, TestRunner};

use support::ways::disagreement;

/// Cases by default; about fifteen seconds.
const CASES: u32 = 150;

type Plain = (Vec<Vec<u16>>, Vec<events::Raw>, bool, u64);

fn anything() -> impl Strategy<Value = Plain> {
    let tape = prop::collection::vec(any::<u16>(), 1..60);
    let event = any::<events::Raw>();
    (
        prop::collection::vec(tape, 1..6),
        prop::collection::vec(event, 0..40),
        any::<bool>(),
        any::<u64>(),
    )
}

fn clock(live: bool) -> ClockMode {
    if live { ClockMode::Live } else { ClockMode::Playback }
}

/// What went wrong, if anything.
fn check((tapes, raw, live, seed): &Plain) -> Option<String> {
    let text = apps::app(tapes);
    let acts = events::acts(raw, clock(*live));
    disagreement(&text, Some(clock(*live)), &acts, *seed)
}

#[test]
fn random_applications_put_out_the_same_whatever_way_they_run() {
    let set = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let cases = set("PROPTEST_CASES").map_or(CASES, |n| n as u32);
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 3_000,
        rng_seed: proptest::test_runner::RngSeed::Fixed(set("DIFFERENTIAL_SEED").unwrap_or(1)),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&anything(), |case| match check(&case) {
        None => Ok(()),
        Some(why) => Err(TestCaseError::fail(why)),
    });
    if let Err(TestError::Fail(why, case)) = result {
        let (tapes, raw, live, seed) = &case;
        let text = apps::app(tapes);
        let acts: Vec<String> =
            events::acts(raw, clock(*live)).iter().map(|a| format!("{a:?}")).collect();
        panic!("{why}\nlive: {live}, seed: {seed}\n{text}{}", acts.join("\n"));
    } else if let Err(e) = result {
        panic!("{e}");
    }
}

/// Most of what is generated must be valid, or the test would say nothing.
#[test]
fn generated_applications_are_valid() {
    let mut runner = TestRunner::deterministic();
    let (mut refused, all) = (Vec::new(), 300);
    for _ in 0..all {
        let (tapes, ..) =
            anything().new_tree(&mut runner).expect("a case can always be made").current();
        let text = apps::app(&tapes);
        if let Err(found) = foreshock::compile(&text) {
            let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
            refused.push(format!("{text}{messages:?}"));
        }
    }
    let shown = refused.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(refused.len() * 20 < all, "{} of {all} refused\n{shown}", refused.len());
}
