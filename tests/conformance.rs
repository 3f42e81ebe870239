//! Replays what was recorded from the real Siddhi engine and compares, exactly.
//!
//! * `FORESHOCK_CONFORMANCE`: the corpus (default `../shared/conformance`; absent = skipped, visibly).
//! * `FORESHOCK_CONFORMANCE_REPORT`: file to write the verdicts to, as JSON.
//! * `FORESHOCK_CONFORMANCE_ONLY`: only cases whose id contains this; differences are shown in full.
//! * `FORESHOCK_CONFORMANCE_SHOW`: how many differences are shown in full (default 3).
//! * `FORESHOCK_CONFORMANCE_BLESS=1`: adds newly passing cases to `tests/conformance_passing.txt`
//!   and files our outcomes for the deviations that `docs/deviations.md` lists.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use support::compare::side_by_side;
use support::corpus::{self, Case};
use support::deviations::Deviations;
use support::judge::{Judgement, Tally, Verdict, by_area, judge};
use support::{driver, say, scope, workers};

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

fn passing_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance_passing.txt")
}

fn passing() -> BTreeSet<String> {
    let text = std::fs::read_to_string(passing_path()).unwrap_or_default();
    text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_string).collect()
}

/// The corpus, or a visible skip.
fn cases() -> Option<Vec<Case>> {
    let Some(dir) = corpus::directory() else {
        say("SKIPPED: no conformance corpus (set FORESHOCK_CONFORMANCE)");
        return None;
    };
    let only = variable("FORESHOCK_CONFORMANCE_ONLY").unwrap_or_default();
    Some(corpus::load(&dir).into_iter().filter(|c| c.id.contains(&only)).collect())
}

#[test]
fn recorded_cases_replay_as_recorded() {
    let Some(mut cases) = cases() else { return };
    cases.retain(Case::usable);
    let bless = variable("FORESHOCK_CONFORMANCE_BLESS").is_some();
    let mut deviations = Deviations::load().expect("readable deviations");
    let judged = workers::each(&cases, |c| c.id.clone(), |c| judge(c, &deviations));
    let judged: Vec<(&Case, &Judgement)> = cases.iter().zip(&judged).collect();
    print(&judged);
    if let Some(path) = variable("FORESHOCK_CONFORMANCE_REPORT") {
        std::fs::write(&path, report(&judged)).expect("a writable report");
    }
    if bless {
        let differs = |v: &Verdict| matches!(v, Verdict::Failed(_) | Verdict::Deviation(_));
        let outcomes = judged
            .iter()
            .filter(|(c, j)| deviations.number.contains_key(&c.id) && differs(&j.verdict))
            .map(|(c, j)| (c.id.clone(), j.outcome.clone()))
            .collect();
        deviations.bless(outcomes).expect("writable outcomes");
        bless_passing(&judged);
    }
    let faults = faults(&judged, &deviations);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The cases that can't be replayed (no deterministic record, Java extensions) are good for one thing.
#[test]
fn no_other_application_panics() {
    let Some(mut cases) = cases() else { return };
    cases.retain(|c| !c.usable());
    let create = |c: &Case| workers::guarded(|| driver::check(&c.app).is_ok());
    let created = workers::each(&cases, |c| c.id.clone(), create);
    let panics = cases
        .iter()
        .zip(&created)
        .filter_map(|(c, r)| r.as_ref().err().map(|panic| format!("{}: {panic}", c.id)));
    let panics: Vec<String> = panics.collect();
    assert!(panics.is_empty(), "{}", panics.join("\n"));
}

/// What must not be: panics, cases that used to pass, deviations that are none.
fn faults(judged: &[(&Case, &Judgement)], deviations: &Deviations) -> Vec<String> {
    let mut faults = Vec::new();
    let passing = passing();
    let seen: BTreeSet<&str> = judged.iter().map(|(c, _)| c.id.as_str()).collect();
    for (case, j) in judged {
        if j.panicked {
            faults.push(format!("{}: {}", case.id, j.verdict));
        } else if passing.contains(&case.id) && j.verdict != Verdict::Passed {
            faults.push(format!("{} used to pass, now {}", case.id, j.verdict));
        }
        if j.verdict == Verdict::Passed && deviations.number.contains_key(&case.id) {
            faults.push(format!("{} passes, but is listed as a deviation", case.id));
        }
    }
    if variable("FORESHOCK_CONFORMANCE_ONLY").is_none() {
        let listed = passing.iter().chain(deviations.number.keys());
        let gone = listed.filter(|id| !seen.contains(id.as_str()));
        faults.extend(gone.map(|id| format!("{id} is listed, but is no case of this corpus")));
    }
    faults
}

fn bless_passing(judged: &[(&Case, &Judgement)]) {
    let mut all = passing();
    all.extend(
        judged.iter().filter(|(_, j)| j.verdict == Verdict::Passed).map(|(c, _)| c.id.clone()),
    );
    let mut text =
        String::from("# Cases that pass, and must go on passing. This list only grows.\n");
    all.iter().for_each(|id| text += &format!("{id}\n"));
    std::fs::write(passing_path(), text).expect("a writable list");
}

fn print(judged: &[(&Case, &Judgement)]) {
    let row = |name: &str, t: &Tally| {
        let Tally { passed, failed, unsupported, deviation } = t;
        say(&format!("{name:42}{passed:>8}{failed:>8}{unsupported:>13}{deviation:>11}"));
    };
    say(&format!(
        "{:42}{:>8}{:>8}{:>13}{:>11}",
        "area", "passed", "failed", "unsupported", "deviation"
    ));
    let mut all = Tally::default();
    judged.iter().for_each(|(_, j)| all.add(&j.verdict));
    by_area(judged.iter().copied()).iter().for_each(|(area, tally)| row(area, tally));
    row("all", &all);
    print_scope(judged);
    let passed = judged.iter().filter(|(_, j)| j.verdict == Verdict::Passed);
    let inexact: Vec<&str> =
        passed.filter(|(_, j)| !j.timestamps).map(|(c, _)| c.id.as_str()).collect();
    let exact = all.passed - inexact.len();
    say(&format!("of the passed, {exact} have the recorded timestamps, too; not {inexact:?}"));
    print_unsupported(judged);
    print_failures(judged);
}

/// How the cases stand that use only what is built: those about streams without a construct that
/// `scope` knows to be missing.
fn print_scope(judged: &[(&Case, &Judgement)]) {
    for (name, refused) in [("replayed", false), ("refused", true)] {
        let mut tally = Tally::default();
        for (case, j) in judged {
            let area = case.area.split('/').next();
            let inside = matches!(area, Some("query" | "window" | "stream"))
                && case.refusal.is_some() == refused
                && scope::outside(&case.app).is_empty();
            if inside {
                tally.add(&j.verdict);
            }
        }
        let (n, percent) =
            (tally.total(), 100.0 * tally.passed as f64 / tally.total().max(1) as f64);
        say(&format!(
            "in scope, {name}: passed {} of {n} ({percent:.1} %), {tally:?}",
            tally.passed
        ));
    }
}

fn print_unsupported(judged: &[(&Case, &Judgement)]) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, j) in judged {
        if let Verdict::Unsupported(what) = &j.verdict {
            *counts.entry(what).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let top = counts.iter().take(25).map(|(what, n)| format!("{what} ({n})"));
    say(&format!("unsupported: {}", top.collect::<Vec<_>>().join(", ")));
}

fn print_failures(judged: &[(&Case, &Judgement)]) {
    let only = variable("FORESHOCK_CONFORMANCE_ONLY").is_some();
    let show = variable("FORESHOCK_CONFORMANCE_SHOW").and_then(|v| v.parse().ok());
    let show: usize = show.unwrap_or(if only { 10 } else { 3 });
    let failed = judged.iter().filter(|(_, j)| matches!(j.verdict, Verdict::Failed(_)));
    for (i, (case, j)) in failed.enumerate() {
        let inside = if scope::outside(&case.app).is_empty() { "" } else { " (out of scope)" };
        let text = j.verdict.to_string();
        let short: String = text.chars().take(240).collect();
        say(&format!("{}{inside}: {short}", case.id));
        if i < show {
            say(&format!("  {}", case.app.trim()));
            if let (Some(replay), Some(got)) = (&case.replay, &j.got) {
                say(&side_by_side(&replay.outputs, got, 40));
            }
        }
    }
}

fn report(judged: &[(&Case, &Judgement)]) -> String {
    let areas: serde_json::Map<String, serde_json::Value> = by_area(judged.iter().copied())
        .into_iter()
        .map(|(area, t)| {
            let counts = serde_json::json!({
                "passed": t.passed,
                "failed": t.failed,
                "unsupported": t.unsupported,
                "deviation": t.deviation,
            });
            (area.to_string(), counts)
        })
        .collect();
    let cases: BTreeMap<&str, String> =
        judged.iter().map(|(c, j)| (c.id.as_str(), j.verdict.to_string())).collect();
    serde_json::json!({ "areas": areas, "cases": cases }).to_string()
}
