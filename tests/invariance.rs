//! Batches and restarts are invisible: every conformance case that passes puts out the same, to the
//! last bit, however its rows are cut into batches, and when the application is replaced on the way
//! by one restored from its snapshot.

mod support;

use std::path::Path;

use support::compare::identical;
use support::corpus::{self, Case};
use support::replay::{Mode, replay};
use support::{say, workers};

/// Batch sizes at which the output must be the same as at one.
const SIZES: [usize; 4] = [2, 7, 64, 8192];
/// Most restarts of one case in a run (snapshots of long cases are taken every k-th step).
const RESTARTS: usize = 12;

/// The cases that pass, or a visible skip.
fn passing() -> Option<Vec<Case>> {
    let Some(dir) = corpus::directory() else {
        say("SKIPPED: no conformance corpus (set FORESHOCK_CONFORMANCE)");
        return None;
    };
    let only = std::env::var("FORESHOCK_CONFORMANCE_ONLY").unwrap_or_default();
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance_passing.txt");
    let list = std::fs::read_to_string(list).expect("the list of passing cases");
    let mut cases = corpus::load(&dir);
    cases.retain(|c| c.replay.is_some() && c.id.contains(&only) && list.lines().any(|l| l == c.id));
    Some(cases)
}

/// Replays every case plainly and in all modes `modes` gives for it; all must agree.
fn agree(modes: impl Fn(&Case) -> Vec<Mode> + Sync) {
    let Some(cases) = passing() else { return };
    let faults = workers::each(
        &cases,
        |c| c.id.clone(),
        |case| {
            let mut faults = Vec::new();
            let plain = match workers::guarded(|| replay(case, Mode::PLAIN)) {
                Ok(Ok(plain)) => plain,
                other => return vec![format!("{}: plainly: {other:?}", case.id)],
            };
            for mode in modes(case) {
                match workers::guarded(|| replay(case, mode)) {
                    Ok(Ok(got)) => {
                        if let Err(difference) = identical(&plain, &got) {
                            faults.push(format!("{}: {mode:?}: {difference}", case.id));
                        }
                    }
                    other => faults.push(format!("{}: {mode:?}: {other:?}", case.id)),
                }
            }
            faults
        },
    );
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    let shown = faults.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(faults.is_empty(), "{} faults in {} cases\n{shown}", faults.len(), cases.len());
}

/// The same cuts in every run, others for every case.
fn seed(case: &Case) -> u64 {
    case.id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn batches_are_invisible() {
    agree(|case| {
        let cuts = Mode { batch_rows: 8192, cuts: Some(seed(case)), restore_every: None };
        SIZES.iter().map(|n| Mode::rows(*n)).chain([cuts]).collect()
    });
}

#[test]
fn restarts_are_invisible() {
    agree(|case| {
        let steps = case.replay.as_ref().map_or(0, |r| r.steps.len());
        let k = steps.div_ceil(RESTARTS).max(1);
        let every = |batch_rows, k| Mode { batch_rows, cuts: None, restore_every: Some(k) };
        vec![every(1, k), every(7, k + 1)]
    });
}
