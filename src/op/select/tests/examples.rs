//! The reference's examples and tables (§3.4, Appendix C, D), text in and text out.

use arrow::array::Array;

use super::harness::*;
use crate::expr::TypedKind;
use crate::expr::types::AttrType::{self, Bool, Double, Long, String};
use crate::lang::ast::{BinaryOp, EventType};

const KV: &[AttrType] = &[String, Long];

/// `select sum(v) as t`.
fn sum_of_v() -> Query {
    Query::over(KV).aggregate("sum", Some(1)).select(&[2])
}

/// `select k, sum(v) as t group by k`.
fn sum_by_k() -> Query {
    Query::over(KV).aggregate("sum", Some(1)).select(&[0, 2]).group_by(&[0])
}

const LENGTH_2: &str = "
    C a 1
    C b 2
    E a 1; C c 3";

#[test]
fn c1_one_by_one_only_the_current_row_survives() {
    assert_lines(&sum_of_v().all().run(LENGTH_2), "C 1 \n C 3 \n C 5");
}

#[test]
fn c2_an_array_is_one_chunk_with_one_result() {
    let out = sum_of_v().all().run("C a 1; C b 2; E a 1; C c 3");
    assert_lines(&out, "C 5");
}

#[test]
fn c3_without_aggregate_every_row_leaves() {
    let out = Query::over(KV).select(&[1]).all().run(LENGTH_2);
    assert_lines(&out, "C 1 \n C 2 \n E 1; C 3");
    let out = Query::over(KV).select(&[1]).run(LENGTH_2);
    assert_lines(&out, "C 1 \n C 2 \n C 3");
}

const LENGTH_BATCH_2: &str = "
    R; C a 1; C b 2
    R; C a 3; C a 4";

#[test]
fn c4_groups_of_a_batch() {
    assert_lines(&sum_by_k().run(LENGTH_BATCH_2), "C a 1; C b 2 \n C a 7");
}

#[test]
fn c5_having_is_asked_of_every_row() {
    assert_lines(&sum_by_k().having_above(2, 3).run(LENGTH_BATCH_2), "C a 7");
}

#[test]
fn c6_the_last_expired_row_sees_an_empty_group() {
    let query = Query::over(KV).aggregate("count", None).select(&[2]);
    let text = "C a 1; C a 2 \n E a 1; E a 2; R";
    assert_lines(&query.clone().events(EventType::Expired).run(text), "E 0");
    assert_lines(&query.all().run(text), "C 2 \n E 0");
}

#[test]
fn c8_a_reset_between_triggers_starts_afresh() {
    let query = Query::over(KV).aggregate("count", None).select(&[0, 2]);
    let text = "C a 1; C a 2; C a 3 \n R \n C a 1; C a 2; C a 3 \n R";
    assert_lines(&query.run(text), "C a 3 \n C a 3");
    let text = "C a 1; C a 2; C a 3 \n C a 1; C a 2; C a 3";
    assert_lines(&query.run(text), "C a 3 \n C a 6");
}

/// Recorded (probe `lb`; D.10): the expired row of a vanished group and the current one both leave, in
/// order of the groups' first rows.
#[test]
fn d10_all_events_of_a_grouped_length_batch() {
    let query = Query::over(KV).aggregate("sum", Some(1)).aggregate("count", None);
    let out = query.select(&[0, 2, 3]).group_by(&[0]).all().run(
        "R; C a 1; C b 2; C a 3
         E a 1; E b 2; E a 3; R; C b 5; C b 6; C b 7",
    );
    assert_lines(&out, "C a 4 2; C b 2 1 \n E a null 0; C b 18 3");
}

#[test]
fn a_group_whose_rows_differ_in_kind_keeps_the_last() {
    let out = sum_by_k().all().run("C a 1 \n E a 1; C a 2 \n E a 2; C b 3");
    assert_lines(&out, "C a 1 \n C a 2 \n E a null; C b 3");
    let out = sum_by_k().events(EventType::Expired).run("C a 1 \n E a 1; C a 2 \n E a 2; C b 3");
    assert_lines(&out, "E a null \n E a null");
}

#[test]
fn an_earlier_row_that_satisfied_having_wins() {
    let query = Query::over(KV).aggregate("sum", Some(1)).select(&[0, 2]).having_above(2, 5);
    assert_lines(&query.run("C a 7; C b -4; C c 1"), "C a 7");
    assert_lines(&query.run("C a 2; C b 1"), "");
    assert_lines(&query.group_by(&[0]).run("C a 7; C b 6; C a -4; C b 1"), "C a 7; C b 7");
}

/// The place of a group is that of its first *kept* row.
#[test]
fn a_group_stands_where_its_first_kept_row_stood() {
    let out = sum_by_k().having_above(2, 5).run("C a 1; C b 6; C a 6; C b 1");
    assert_lines(&out, "C b 7; C a 7");
}

#[test]
fn group_by_without_aggregate_picks_too() {
    let query = Query::over(KV).select(&[0, 1]).group_by(&[0]);
    assert_lines(
        &query.run("C a 1; C b 2; C a 3 \n C a 4 \n C a 5"),
        "C a 3; C b 2 \n C a 4 \n C a 5",
    );
}

/// D.11: stock Siddhi puts both into one group.
#[test]
fn null_and_the_text_null_are_two_groups() {
    let text = "C null 1 \n C 'null' 2 \n C null 3 \n C a 4";
    assert_lines(&sum_by_k().unwindowed().run(text), "C null 1 \n C 'null' 2 \n C null 4 \n C a 4");
    let out = sum_by_k().run("C null 1; C 'null' 2; C null 3");
    assert_lines(&out, "C null 4; C 'null' 2");
}

#[test]
fn group_keys_are_tuples_not_joined_text() {
    let query = Query::over(&[String, String, Long]).aggregate("sum", Some(2)).group_by(&[0, 1]);
    let out = query.select(&[3]).run("C a: b 1 \n C a :b 2 \n C a:-: b 3 \n C a :-:b 4");
    assert_lines(&out, "C 1 \n C 2 \n C 3 \n C 4");
}

#[test]
fn resets_clear_their_partition_key_only() {
    let query = Query::over(KV).aggregate("sum", Some(1)).aggregate("maxForever", Some(1)).keyed();
    let text = "
        C@1 a 1; C@1 b 2
        C@2 a 10
        R@1; C@1 a 3
        C@2 a 20
        C@1 b 4
        R@2
        C@2 b 5";
    let grouped = query.clone().select(&[0, 2, 3]).group_by(&[0]);
    assert_lines(
        &grouped.run(text),
        "C@1 a 1 1; C@1 b 2 2
         C@2 a 10 10
         C@1 a 3 3
         C@2 a 30 20
         C@1 b 4 4
         C@2 b 5 5",
    );
    assert_lines(
        &query.select(&[2, 3]).run(text),
        "C@1 3 2
         C@2 10 10
         C@1 3 3
         C@2 30 20
         C@1 7 4
         C@2 5 20",
    );
}

#[test]
fn order_by_is_stable_and_puts_nulls_last_both_ways() {
    // Recorded (probe `orderby`).
    let rows = "C a 3; C b 1; C c null; C d 1; C e 2; C f 9";
    let query = Query::over(KV).select(&[0, 1]);
    let out = query.clone().order_by(1, false).order_by(0, true).limit(4).offset(1).run(rows);
    assert_lines(&out, "C b 1; C e 2; C a 3; C f 9");
    let out = query.clone().order_by(1, false).run(rows);
    assert_lines(&out, "C b 1; C d 1; C e 2; C a 3; C f 9; C c null");
    let out = query.order_by(1, true).run(rows);
    assert_lines(&out, "C f 9; C a 3; C e 2; C b 1; C d 1; C c null");
}

/// Recorded (probe `having`).
#[test]
fn groups_having_order_limit_together() {
    let query = sum_by_k().having_above(2, 3).order_by(1, true).limit(2).offset(0);
    assert_lines(&query.run("R; C a 1; C b 2; C a 3; C b 5"), "C b 7; C a 4");
}

#[test]
fn runs_of_kind_are_sorted_each_by_itself() {
    let query = Query::over(KV).select(&[1]).order_by(0, false).all();
    assert_lines(&query.run("E a 3; E a 1; C a 2; C a 0; E a 1"), "E 1; E 3; C 0; C 2; E 1");
}

/// In code points U+10000 stands behind U+FF61, in UTF-16 before it.
#[test]
fn texts_are_ordered_by_utf16_code_unit() {
    let query = Query::over(KV).select(&[0]).order_by(0, false);
    let out = query.run("C \u{ff61} 1; C \u{10000} 2; C z 3; C ab 4; C a 5");
    assert_lines(&out, "C a; C ab; C z; C \u{10000}; C \u{ff61}");
}

#[test]
fn doubles_and_bools_are_ordered_as_in_java() {
    let query = Query::over(&[Double, Bool]).select(&[0, 1]);
    let rows = "C NaN true; C 0 false; C -0 true; C inf false; C -inf null";
    let out = query.clone().order_by(0, false).run(rows);
    assert_lines(&out, "C -inf null; C -0 true; C 0 false; C inf false; C NaN true");
    let out = query.order_by(1, false).run(rows);
    assert_lines(&out, "C 0 false; C inf false; C NaN true; C -0 true; C -inf null");
}

#[test]
fn limit_and_offset_count_per_chunk() {
    let query = Query::over(KV).select(&[1]);
    let text = "C a 1; C a 2; C a 3 \n C a 4 \n C a 5; C a 6";
    assert_lines(&query.clone().limit(2).run(text), "C 1; C 2 \n C 4 \n C 5; C 6");
    assert_lines(&query.clone().offset(1).run(text), "C 2; C 3 \n C 6");
    assert_lines(&query.clone().offset(1).limit(1).run(text), "C 2 \n C 6");
    assert_lines(&query.clone().limit(0).run(text), "");
    assert_lines(&query.clone().offset(u64::MAX).limit(u64::MAX).run(text), "");
    assert_lines(&query.clone().order_by(0, true).limit(1).run(text), "C 3 \n C 4 \n C 6");
    // Only rows that may leave are counted.
    let text = "E a 1; C a 2; C a 3";
    assert_lines(&query.limit(1).run(text), "C 2");
}

#[test]
fn one_row_chunks_are_all_or_nothing() {
    let text = "C a 1 \n C a 2";
    assert_lines(&sum_of_v().limit(1).run(text), "C 1 \n C 3");
    assert_lines(&sum_of_v().limit(0).run(text), "");
    assert_lines(&sum_of_v().offset(1).run(text), "");
    assert_lines(&sum_of_v().offset(1).run("C a 1; C a 2"), "");
}

/// D.5; unlike stock Siddhi, `limit 0` and a second expired row are cut, too.
#[test]
fn d5_limit_counts_expired_rows() {
    let query = Query::over(KV).select(&[1]).all();
    assert_lines(&query.clone().limit(1).run("E a 1; C b 2"), "E 1");
    assert_lines(&query.clone().limit(1).run("E a 1; E b 2; C b 3"), "E 1");
    assert_lines(&query.limit(0).run("E a 1; C b 2"), "");
}

/// D.4, and joins: chunks of one cause are selected each by itself and leave together.
#[test]
fn d4_chunks_of_one_cause_are_rejoined() {
    let query = Query::over(KV).aggregate("count", None).select(&[0, 2]).unwindowed();
    let text = "C a 1 \n + C b 2 \n + C c 3 \n C d 4";
    assert_lines(&query.clone().rejoin().run(text), "C a 1; C b 2; C c 3 \n C d 4");
    assert_lines(&query.clone().run(text), "C a 1 \n C b 2 \n C c 3 \n C d 4");
    // Recorded (JoinTestCase.joinTest11): one trigger row as current, expired, reset.
    let text = "C a 1; C b 2 \n + E a 1; E b 2 \n + R \n C c 1 \n + E c 1 \n + R";
    assert_lines(&query.clone().all().rejoin().run(text), "C b 2; E b 0 \n C c 1; E c 0");
    // Another partition key is another cause.
    let text = "C@1 a 1 \n + C@1 a 2 \n + C@2 a 3";
    assert_lines(&query.keyed().rejoin().run(text), "C@1 a 1; C@1 a 2 \n C@2 a 1");
}

#[test]
fn only_wanted_kinds_leave_but_all_are_counted() {
    let text = "C a 1 \n C a 2; E a 1 \n E a 2 \n C a 5";
    assert_lines(&sum_of_v().run(text), "C 1 \n C 3 \n C 5");
    assert_lines(&sum_of_v().events(EventType::Expired).run(text), "E 2 \n E null");
    assert_lines(&sum_of_v().events(EventType::Expired).run("C a 1 \n C b 2"), "");
}

#[test]
fn resets_alone_are_heard() {
    let out = sum_by_k().run("C a 1 \n R \n C a 2 \n R \n R \n C b 3 \n C a 4");
    assert_lines(&out, "C a 1 \n C a 2 \n C b 3 \n C a 4");
    let query = sum_of_v();
    assert!(process(&mut query.op(), query.batch("R")).is_empty());
}

#[test]
fn items_are_computed_over_columns_aggregates_and_times() {
    let query = Query::over(&[String, Long, Long]).aggregate("sum", Some(1));
    let total = binary(BinaryOp::Add, column(3, Long), column(2, Long), Long);
    let items = vec![
        total,
        typed(TypedKind::EventTime(0), Long),
        typed(TypedKind::Clock, Long),
        long(42),
        column(0, String),
    ];
    let out = query.items(items).run("C a 1 10 \n C b 2 20; C c 3 30");
    assert_lines(&out, "C 11 0 0 42 a \n C 36 1001 1000 42 c");
}

#[test]
fn hidden_fields_come_along() {
    let query = sum_by_k().keyed().all();
    let batch = query.batch("C@1 a 1 \n E@2 b 1; C@2 a 2; C@2 c 3; C@2 a 4");
    let out = process(&mut query.op(), batch).remove(0);
    assert_eq!(out.ts[..], [0, 1000, 1003, 1002]);
    assert_eq!(out.at[..], [0, 1000, 1000, 1000]);
    assert_eq!(out.order[..], [1, 3, 3, 3]);
    assert_eq!(out.keys.unwrap()[..], [1, 2, 2, 2]);
    assert_eq!(out.columns.schema(), query.spec.output);
}

#[test]
fn columns_of_plain_rows_pass_through_untouched() {
    let query = Query::over(KV).aggregate("count", None).select(&[1, 0]).unwindowed();
    let batch = query.batch("C a 1 \n C b 2");
    let (k, v) = (batch.columns.column(0).to_data(), batch.columns.column(1).to_data());
    let out = process(&mut query.op(), batch).remove(0);
    assert!(out.kinds.is_none() && out.chunks.is_none());
    assert!(out.columns.column(0).to_data().ptr_eq(&v));
    assert!(out.columns.column(1).to_data().ptr_eq(&k));
}

#[test]
fn groups_without_rows_are_forgotten() {
    let query = sum_by_k();
    let mut op = query.op();
    let known = |op: &mut crate::op::select::SelectOp, text: &str| {
        process(op, query.batch(text));
        op.groups.len()
    };
    assert_eq!(known(&mut op, "C a 1 \n C b 2 \n C a 3"), 2);
    assert_eq!(known(&mut op, "E a 1 \n E b 2"), 1);
    assert_eq!(known(&mut op, "E a 3; C c 1"), 1);
    assert_eq!(known(&mut op, "E c 1; C c 2; C d 1"), 2);
    assert_eq!(known(&mut op, "R"), 0);
    assert_eq!(known(&mut op, "C e 1; R; C f 1"), 1);

    let forever = sum_by_k().aggregate("maxForever", Some(1));
    let mut op = forever.op();
    process(&mut op, forever.batch("C a 1 \n E a 1 \n R"));
    assert_eq!(op.groups.len(), 1);
}
