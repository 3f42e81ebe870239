//! What must hold besides the results: memory, bounds, damaged snapshots.

use super::*;
use crate::error::Error;

#[test]
fn keys_are_forgotten_with_the_last_row_that_has_them() {
    let mut rig = Rig::new(&join("length 2", JoinKind::Inner, "time 10"));
    for i in 0..1000i64 {
        let text = format!("{i} L k{}x{i}\n{i} R other{}x1", "a".repeat((i % 7) as usize), i % 5);
        rig.step(&arrivals(&text), i);
        assert!(rig.op.keys.len() <= 2 + 11, "{} keys", rig.op.keys.len());
    }
    rig.step(&[], 5000);
    assert!(rig.op.keys.len() <= 2);
}

#[test]
fn keys_nobody_holds_are_looked_up_without_being_kept() {
    let mut rig = Rig::new(&join("", JoinKind::Left, "length 1"));
    for key in ["a", "b", "c", "d"] {
        rig.step(&arrivals(&format!("0 L {key}1\n0 R x1")), 0);
        assert_eq!(rig.op.keys.len(), 1);
    }
}

#[test]
fn a_step_with_very_many_matches_is_built_in_pieces() {
    let rows =
        |side: &str, n: usize| -> String { (0..n).map(|i| format!("0 {side} a{i}\n")).collect() };
    let spec = cross("length 400", JoinKind::Inner, "length 400");
    let mut rig = Rig::new(&spec);
    rig.step(&arrivals(&rows("R", 400)), 0);
    rig.step(&arrivals(&rows("L", 400)), 0);
    assert_eq!(rig.lines.len(), 400);
    assert!(rig.lines.iter().all(|l| l.matches('+').count() == 400));
    let mut one = Rig::new(&spec);
    one.step(&arrivals(&(rows("R", 400) + &rows("L", 400))), 0);
    assert_eq!(one.output(), rig.output());
}

#[test]
fn handlers_stand_before_the_window() {
    let mut spec = join("length 1", JoinKind::Inner, "length 1");
    let limit = TypedExpr::literal(Value::Int(2), Span::default());
    let filter = binary(BinaryOp::Gt, column(1, AttrType::Int), limit);
    spec.left.handlers = vec![crate::plan::spec::HandlerSpec::Filter(filter)];
    // a1 never enters, so that it doesn't push a5 out.
    let output = run(&spec, "0 L a5\n0 L a1\n0 R a1 a2\n0 L a2", 10);
    assert_eq!(output, "0 +a5,a1 / -a5,a1 / +a5,a2");
}

#[test]
fn a_damaged_snapshot_is_an_error() {
    let spec = join("length 2", JoinKind::Inner, "length 2");
    let mut rig = Rig::new(&spec);
    rig.step(&arrivals("0 L a1\n0 R a2"), 0);
    let mut w = SnapshotWriter::new();
    rig.op.snapshot(&mut w).unwrap();
    let bytes = w.finish();
    for len in 0..bytes.len() {
        let restored = Rig::new(&spec).op.restore(&mut SnapshotReader::new(&bytes[..len]));
        assert!(matches!(restored, Err(Error::Snapshot(_))), "{len} of {} bytes", bytes.len());
    }
    let mut other = Rig::new(&JoinSpec { keyed: true, ..cross("length 1", JoinKind::Inner, "") });
    assert!(other.op.restore(&mut SnapshotReader::new(&bytes[..10])).is_err());
}

#[test]
fn a_batch_without_rows_changes_nothing() {
    let spec = join("length 1", JoinKind::Full, "length 1");
    let mut rig = Rig::new(&spec);
    let timeline = Timeline::new(0, 0);
    let empty = EventBatch::empty(spec.left.input.clone());
    let mut out = Output::default();
    let mut inputs = [Some(empty.clone()), Some(empty)];
    rig.op.process(&Step { timeline: &timeline }, &mut inputs, &mut out).unwrap();
    assert!(out.take().is_empty());
}
