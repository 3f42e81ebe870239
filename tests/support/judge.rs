//! What a case's replay is worth.

use std::collections::BTreeMap;
use std::fmt;

use super::compare::{self, Rules};
use super::corpus::{Case, Recording};
use super::deviations::Deviations;
use super::driver::{Refusal, check};
use super::replay::{Mode, Trouble, replay};
use super::workers::guarded;

/// The verdict on one case.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Passed,
    Failed(String),
    /// Something that isn't built yet, by name.
    Unsupported(String),
    /// Differs only by the deviation of this number.
    Deviation(u32),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Passed => f.write_str("passed"),
            Verdict::Failed(why) => write!(f, "failed: {why}"),
            Verdict::Unsupported(what) => write!(f, "unsupported: {what}"),
            Verdict::Deviation(number) => write!(f, "deviation: {number}"),
        }
    }
}

/// A verdict with what a report needs to explain it.
#[derive(Debug)]
pub struct Judgement {
    pub verdict: Verdict,
    pub panicked: bool,
    /// A passed case's timestamps agree, too.
    pub timestamps: bool,
    /// What we put out, where that differs from the record.
    pub got: Option<Recording>,
    /// The same in the form that is filed for deviations.
    pub outcome: Vec<String>,
}

impl Judgement {
    fn plain(verdict: Verdict) -> Self {
        Self { verdict, panicked: false, timestamps: false, got: None, outcome: Vec::new() }
    }
}

/// Replays a case, one row at a time, and compares.
pub fn judge(case: &Case, deviations: &Deviations) -> Judgement {
    let judged = guarded(|| match &case.refusal {
        Some(refusal) => refused(case, refusal),
        None => replayed(case, deviations.extra.contains(&case.id)),
    });
    match judged {
        Ok(judgement) => deviate(case, judgement, deviations),
        Err(panic) => Judgement { panicked: true, ..Judgement::plain(Verdict::Failed(panic)) },
    }
}

/// The rules under which this case's output is compared.
pub fn rules(case: &Case) -> Rules {
    Rules { unordered: case.unordered(), converted: case.flagged("type_mismatch") }
}

fn refused(case: &Case, refusal: &str) -> Judgement {
    match check(&case.app) {
        Ok(()) => Judgement {
            outcome: vec!["accepted".into()],
            ..Judgement::plain(Verdict::Failed(format!("accepted; recorded: {refusal}")))
        },
        Err(Refusal::Wrong { .. }) => {
            Judgement { timestamps: true, ..Judgement::plain(Verdict::Passed) }
        }
        Err(Refusal::Unsupported(what)) => Judgement::plain(Verdict::Unsupported(what)),
        Err(Refusal::Broken(why)) => Judgement::plain(Verdict::Failed(why)),
    }
}

fn replayed(case: &Case, without_extra: bool) -> Judgement {
    let Some(recorded) = &case.replay else {
        return Judgement::plain(Verdict::Unsupported("no replay was recorded".into()));
    };
    let mut expected = recorded.outputs.clone();
    if without_extra {
        expected.retain(|callback, _| !recorded.extra.contains(callback));
    }
    let got = match replay(case, Mode::PLAIN) {
        Ok(got) => got,
        Err(Trouble::Unsupported(what)) => return Judgement::plain(Verdict::Unsupported(what)),
        Err(Trouble::Failed(why)) => return Judgement::plain(Verdict::Failed(why)),
        Err(Trouble::Refused { codes, message }) => {
            return Judgement {
                outcome: vec![format!("refused: {}", codes.join(", "))],
                ..Judgement::plain(Verdict::Failed(format!("refused: {message}")))
            };
        }
    };
    match compare::matches(&expected, &got, rules(case)) {
        Ok(()) => Judgement {
            timestamps: compare::same_timestamps(&expected, &got),
            got: Some(got),
            ..Judgement::plain(Verdict::Passed)
        },
        Err(difference) => Judgement {
            outcome: compare::render(&got),
            got: Some(got),
            ..Judgement::plain(Verdict::Failed(difference))
        },
    }
}

/// A case that fails as filed under a documented deviation deviates; any other way it fails.
fn deviate(case: &Case, judgement: Judgement, deviations: &Deviations) -> Judgement {
    let Some(number) = deviations.number.get(&case.id) else { return judgement };
    let Verdict::Failed(why) = &judgement.verdict else { return judgement };
    let verdict = if deviations.filed.get(&case.id) == Some(&judgement.outcome) {
        Verdict::Deviation(*number)
    } else {
        Verdict::Failed(format!("not as filed for deviation {number}: {why}"))
    };
    Judgement { verdict, ..judgement }
}

/// How many cases got which verdict.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub unsupported: usize,
    pub deviation: usize,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(_) => self.failed += 1,
            Verdict::Unsupported(_) => self.unsupported += 1,
            Verdict::Deviation(_) => self.deviation += 1,
        }
    }

    /// All together.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.unsupported + self.deviation
    }
}

/// A tally for each area.
pub fn by_area<'a>(
    judged: impl Iterator<Item = (&'a Case, &'a Judgement)>,
) -> BTreeMap<&'a str, Tally> {
    let mut areas: BTreeMap<&str, Tally> = BTreeMap::new();
    for (case, judgement) in judged {
        areas.entry(&case.area).or_default().add(&judgement.verdict);
    }
    areas
}
