//! How much work and memory a pattern takes, counted.

use foreshock::event::EventBatch;
use foreshock::event::SINGLE_KEY;
use foreshock::op::pattern::PatternOp;
use foreshock::op::{Operator, Output};
use foreshock::state::SnapshotWriter;
use foreshock::time::{Step, Timeline};

use crate::harness::{In, LETTERS, Query, query};

fn letters(pattern: &str) -> (Query, PatternOp) {
    let q = query(&format!("{LETTERS}from {pattern} insert into Out;")).unwrap();
    let op = PatternOp::new(&q.spec).unwrap();
    (q, op)
}

fn rows(q: &Query, script: impl IntoIterator<Item = String>) -> Vec<In> {
    script.into_iter().map(|l| q.row(&l, 0)).collect()
}

/// The number of matches of one step.
fn step(op: &mut PatternOp, mut inputs: Vec<Option<EventBatch>>) -> usize {
    let timeline = Timeline::new(0, 0);
    let mut out = Output::default();
    op.process(&Step { timeline: &timeline }, &mut inputs, &mut out).unwrap();
    out.take().iter().map(|b| b.rows()).sum()
}

#[test]
fn equal_partials_are_found_without_looking_at_others() {
    let (q, mut op) = letters("every a=A -> b=B[x == a.x] select a.x");
    let a = rows(&q, (0..1000).map(|i| format!("A {i} @{i}")));
    assert_eq!(step(&mut op, q.inputs(&a)), 0);
    assert_eq!((op.open_partials(), op.visited_partials()), (1000, 0));
    let b = rows(&q, (500..1500).map(|i| format!("B {i} @{}", 1000 + i)));
    assert_eq!(step(&mut op, q.inputs(&b)), 500);
    assert_eq!((op.open_partials(), op.visited_partials()), (500, 500));
}

#[test]
fn events_that_reach_no_partial_look_at_none() {
    let (q, mut op) = letters("every a=A -> b=B[x > a.x] select a.x");
    let a = rows(&q, (0..1000).map(|i| format!("A {} @{i}", 100 + i)));
    step(&mut op, q.inputs(&a));
    let low = rows(&q, (0..1000).map(|i| format!("B {} @2000", i % 100)));
    assert_eq!((step(&mut op, q.inputs(&low)), op.visited_partials()), (0, 0));
    // Of the partials, those are looked at that the event reaches: 100 itself doesn't exceed 100.
    let some = rows(&q, ["B 100 @2001", "B 109 @2001", "B 109 @2001"].map(String::from));
    assert_eq!((step(&mut op, q.inputs(&some)), op.visited_partials()), (9, 1 + 10 + 1));
    let (q, mut op) = letters("every a=A -> b=B[a.x >= x] select a.x");
    let a = rows(&q, ["A 5 @1", "A null @1", "A 7 @1"].map(String::from));
    step(&mut op, q.inputs(&a));
    let b = rows(&q, ["B 8 @2", "B null @2", "B 6 @2", "B 5 @2"].map(String::from));
    assert_eq!((step(&mut op, q.inputs(&b)), op.visited_partials()), (2, 2));
}

#[test]
fn events_no_filter_accepts_look_at_none() {
    let (q, mut op) = letters("every a=A[x < 5] -> b=A[x > 900] select a.x");
    let a = rows(&q, (0..1000).map(|i| format!("A {} @{i}", i % 900)));
    assert_eq!(step(&mut op, q.inputs(&a)), 0);
    assert_eq!((op.open_partials(), op.held_events(), op.visited_partials()), (10, 10, 0));
}

#[test]
fn within_frees_even_if_no_event_matters_any_more() {
    let (q, mut op) = letters("every a=A -> b=B[x > 900] -> c=C within 1 sec select a.x");
    let a = rows(&q, (0..500).map(|i| format!("A {i} @{i}")));
    step(&mut op, q.inputs(&a));
    assert_eq!((op.open_partials(), op.held_events()), (500, 500));
    step(&mut op, q.inputs(&rows(&q, ["B 1 @1100".to_string()])));
    assert_eq!((op.open_partials(), op.held_events()), (400, 400));
    step(&mut op, q.inputs(&rows(&q, ["B 1 @9000".to_string()])));
    assert_eq!((op.open_partials(), op.held_events()), (0, 0));
}

#[test]
fn pairs_are_freed_at_the_latest_when_within_has_passed_again() {
    let (q, mut op) = letters("every a=A -> b=B[x > 900] within 1 sec select a.x");
    let a = rows(&q, (0..500).map(|i| format!("A {i} @{i}")));
    step(&mut op, q.inputs(&a));
    assert_eq!((op.open_partials(), op.held_events()), (500, 500));
    step(&mut op, q.inputs(&rows(&q, ["B 1 @1100".to_string()])));
    assert_eq!((op.open_partials(), op.held_events()), (400, 500));
    step(&mut op, q.inputs(&rows(&q, ["B 1 @1300".to_string()])));
    step(&mut op, q.inputs(&rows(&q, ["B 1 @1501".to_string()])));
    assert_eq!((op.open_partials(), op.held_events()), (0, 0));
}

#[test]
fn keys_that_never_come_back_leave_nothing_behind() {
    let pattern = "every a=A -> b=A[x == a.x + 1] -> c=A[x == b.x + 1]";
    let sequence = "every a=A, b=A[x == a.x + 1], c=A[x == b.x + 1]";
    for chain in [pattern, sequence] {
        let app = format!(
            "define stream A (k int, x int);
             partition with (k of A) begin
               from {chain} within 1 sec select a.x insert into Out;
             end;"
        );
        let q = query(&app).unwrap();
        let mut op = PatternOp::new(&q.spec).unwrap();
        let mut most = 0;
        for i in 0..200 {
            // 100 rows per second, each of a key of its own.
            let batch = rows(&q, (i * 50..i * 50 + 50).map(|r| format!("A {r},1 @{}", r * 10)));
            let mut inputs = q.inputs(&batch);
            inputs[0].as_mut().unwrap().keys = Some((i * 50..i * 50 + 50).collect());
            assert_eq!(step(&mut op, inputs), 0);
            assert_eq!(op.open_partials(), op.held_events());
            most = most.max(op.open_partials());
        }
        // Partitions may lie `within` apart in time, so partials are kept for twice as long.
        assert!((100..=202).contains(&most), "{chain}: {most}");
    }
}

#[test]
fn events_of_an_absent_stream_look_at_the_matches_they_end() {
    let (q, mut op) = letters("every a=A -> not B[x == a.x] for 10 sec select a.x");
    let a = rows(&q, (0..1000).map(|i| format!("A {i} @{i}")));
    step(&mut op, q.inputs(&a));
    assert_eq!((op.open_partials(), op.visited_partials()), (1000, 0));
    let b = rows(&q, (500..1500).map(|i| format!("B {i} @{}", 1000 + i)));
    step(&mut op, q.inputs(&b));
    assert_eq!((op.open_partials(), op.visited_partials()), (500, 500));
    // The others are matches when their time is over, and nothing is left of them.
    assert_eq!(op.next_timer(), Some(10_000));
    let timeline = Timeline::new(0, 10_499);
    let mut out = Output::default();
    op.process(&Step { timeline: &timeline }, &mut [None, None], &mut out).unwrap();
    assert_eq!(out.take().iter().map(|b| b.rows()).sum::<usize>(), 500);
    assert_eq!((op.open_partials(), op.held_events()), (0, 0));
}

#[test]
fn a_clock_that_begins_anew_leaves_nothing_behind() {
    for pattern in ["every not A for 1 hour -> b=B", "every not A for 1 hour, b=B"] {
        let (q, mut op) = letters(&format!("{pattern} select b.x"));
        op.begin(SINGLE_KEY, 0);
        step(&mut op, q.inputs(&rows(&q, (0..50_000).map(|i| format!("A {i} @{i}")))));
        assert_eq!(op.open_partials(), 1);
        let mut w = SnapshotWriter::new();
        op.snapshot(&mut w).unwrap();
        assert!(w.finish().len() < 50_000, "{pattern}");
    }
}
