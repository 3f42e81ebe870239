//! Random input: the window equals its model, however the input is cut, saved and restored.

use proptest::prelude::*;

use super::super::args::Start;
use super::harness::{Cause, Item, RowIn, Run, call, show};
use super::model::{self, ExternalParams, Model, TimeBatchParams};
use crate::event::Kind;
use crate::window::WindowCall;

/// Causes with ties, gaps, late rows, chunks, several chunks of one cause, keys, nulls, timers of
/// operators before; and where to cut.
pub fn script(keys: u32) -> impl Strategy<Value = (Vec<Cause>, Vec<bool>, i64)> {
    let gap = prop_oneof![4 => Just(0i64), 8 => 1..6i64, 2 => 6..40i64, 1 => 100..400i64];
    let late = prop_oneof![6 => Just(0i64), 2 => 1..15i64, 1 => 15..60i64];
    let value =
        (prop_oneof![8 => 0..6i64, 2 => -20..0i64, 1 => 20..60i64], prop::bool::weighted(0.95));
    let row = (late, value, prop::bool::weighted(0.9));
    let chunk = (0..keys, prop::collection::vec(row, 1..5));
    let chunks = prop_oneof![
        8 => prop::collection::vec(chunk.clone(), 1),
        2 => prop::collection::vec(chunk, 0..4)
    ];
    let cause = (gap, prop::bool::weighted(0.15), chunks);
    let causes = prop::collection::vec(cause, 0..30);
    (causes, prop::collection::vec(any::<bool>(), 30), 0..200i64).prop_map(|(raw, cuts, tail)| {
        let (mut at, mut t, mut n) = (1000, 1000, 0);
        let mut causes = vec![];
        for (gap, timer, chunks) in raw {
            // Timers of one clock before one event are one cause.
            let same = timer && causes.last().is_some_and(|c: &Cause| c.timer);
            at += if same { gap.max(1) } else { gap };
            let mut row = |key, (late, (dv, v), g): (i64, (i64, bool), bool)| {
                n += 1;
                t += dv;
                let (x, ts) = (format!("r{n}"), at - late);
                RowIn { x, t: v.then_some(t), g: g.then_some(t - 3), ts, key }
            };
            let chunks = chunks
                .into_iter()
                .map(|(key, rows)| rows.into_iter().map(|r| row(key, r)).collect())
                .collect();
            causes.push(Cause { at, timer, chunks });
        }
        (causes, cuts, at + tail)
    })
}

/// The same with few values: `x` one of three, `g` one of four (or null), and `t` telling rows apart.
pub fn few(keys: u32) -> impl Strategy<Value = (Vec<Cause>, Vec<bool>, i64)> {
    script(keys).prop_map(|(mut causes, cuts, end)| {
        let rows = causes.iter_mut().flat_map(|c| &mut c.chunks).flatten();
        for (n, r) in rows.enumerate() {
            let value = r.t.unwrap_or(7);
            r.x = ["a", "b", "c"][value.rem_euclid(3) as usize].into();
            r.g = r.g.map(|_| value.rem_euclid(4));
            r.t = Some(n as i64);
        }
        (causes, cuts, end)
    })
}

/// Both, in all ways of running it.
pub fn check<M: Model>(
    call: &WindowCall,
    p: &M::Params,
    keys: u32,
    (causes, cuts, end): (Vec<Cause>, Vec<bool>, i64),
) -> Result<(), TestCaseError> {
    let sliding = call.spec.sliding;
    for expired in [true, false] {
        let mut expected = model::run::<M>(p, expired, &causes, end);
        if sliding && !expired {
            expected = currents(expected);
        }
        let run = |cuts, restore| Run { call, expired, keyed: keys > 1, cuts, restore };
        let every = vec![true; causes.len()];
        for (how, run) in [
            ("in one batch", run(&[], false)),
            ("cut", run(&cuts, false)),
            ("saved and restored", run(&cuts, true)),
            ("one by one", run(&every, false)),
        ] {
            let got = run.of(&causes, end);
            prop_assert!(
                got == expected,
                "{how}, expired {expired}:\n{}instead of\n{}",
                show(&got),
                show(&expected)
            );
        }
    }
    Ok(())
}

/// What is left of a sliding window if nobody wants expired rows.
fn currents(items: Vec<Item>) -> Vec<Item> {
    let mut out: Vec<Item> = vec![];
    for item in items {
        match item {
            Item::Row { kind: Kind::Expired, .. } | Item::Reset(_) => {}
            Item::EndChunk if matches!(out.last(), None | Some(Item::EndChunk)) => {}
            item => out.push(item),
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn length(n in 0usize..5, s in script(3)) {
        check::<model::Length>(&call(&format!("length({n})")), &n, 3, s)?;
    }

    #[test]
    fn length_batch(n in 0usize..5, stream: bool, s in script(3)) {
        check::<model::LengthBatch>(&call(&format!("lengthBatch({n}, {stream})")), &(n, stream), 3, s)?;
    }

    #[test]
    fn batch(n in 0usize..4, s in script(3)) {
        check::<model::Batch>(&call(&format!("batch({n})")), &n, 3, s)?;
    }

    #[test]
    fn time(t in 0i64..40, s in script(3)) {
        check::<model::Time>(&call(&format!("time({t})")), &(t, usize::MAX), 3, s)?;
    }

    #[test]
    fn time_of_one_key(t in 0i64..40, s in script(1)) {
        check::<model::Time>(&call(&format!("time({t})")), &(t, usize::MAX), 1, s)?;
    }

    #[test]
    fn time_length(t in 0i64..40, n in 0usize..5, s in script(3)) {
        check::<model::Time>(&call(&format!("timeLength({t}, {n})")), &(t, n), 3, s)?;
    }

    #[test]
    fn time_batch(t in 1i64..40, start in prop::option::of(0i64..40), stream: bool, s in script(3)) {
        let text = match start {
            None => format!("timeBatch({t}, {stream})"),
            Some(start) => format!("timeBatch({t}, {start}, {stream})"),
        };
        check::<model::TimeBatch>(&call(&text), &TimeBatchParams { t, start, stream }, 3, s)?;
    }

    #[test]
    fn external_time(t in 0i64..40, s in script(3)) {
        check::<model::ExternalTime>(&call(&format!("externalTime(t, {t})")), &t, 3, s)?;
    }

    #[test]
    fn external_time_batch(
        t in 1i64..40,
        start in prop_oneof![
            Just(Start::FirstRow), (0i64..400).prop_map(Start::Const), Just(Start::Column(2))
        ],
        timeout in prop_oneof![1 => Just(0i64), 3 => 1i64..40],
        replace: bool,
        s in script(3),
    ) {
        let text = match start {
            Start::FirstRow => format!("externalTimeBatch(t, {t})"),
            Start::Const(c) => format!("externalTimeBatch(t, {t}, {c}L, {timeout}, {replace})"),
            Start::Column(_) => format!("externalTimeBatch(t, {t}, g, {timeout}, {replace})"),
        };
        let (timeout, replace) = match start {
            Start::FirstRow => (0, false),
            _ => (timeout, replace),
        };
        check::<model::ExternalTimeBatch>(&call(&text), &ExternalParams { t, start, timeout, replace }, 3, s)?;
    }
}
