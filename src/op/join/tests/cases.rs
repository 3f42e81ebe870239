//! Joins side by side with what they must give, most of them as recorded from Siddhi.

use super::*;
use JoinKind::*;

/// Text in, text out.
macro_rules! gives {
    ($spec:expr, $until:expr, $input:expr, $output:expr) => {
        assert_eq!(run(&$spec, $input, $until), lines($output))
    };
}

#[test]
fn each_pair_appears_when_its_later_row_comes_and_leaves_when_one_leaves() {
    // JoinTestCase.joinTest1: a WSO2 tick, its tweet, an IBM tick, another WSO2 tick.
    gives!(
        join("time 1000", Inner, "time 1000"),
        5000,
        "40 L wso1
         50 R wso2
         80 L ibm3
         580 L wso4",
        "50 +wso1,wso2
         580 +wso4,wso2
         1040 -wso1,wso2
         1050 -wso4,wso2"
    );
}

#[test]
fn left_expires_before_right_at_the_same_time_in_deliveries_of_their_own() {
    // JoinTestCase.joinTest4.
    gives!(
        join("time 2000", Inner, "time 2000"),
        9000,
        "0 L wso1
         0 R wso2
         10 L ibm3
         1010 L wso4",
        "0 +wso1,wso2
         1010 +wso4,wso2
         2000 -wso1,wso2
         2000 -wso4,wso2"
    );
}

#[test]
fn a_sliding_window_lets_the_old_row_find_partners_before_the_new_one() {
    // JoinTestCase.joinTest5: a cross join.
    gives!(
        cross("length 1", Inner, "length 1"),
        10,
        "0 L wso1
         0 R wso2
         0 L ibm3
         0 L wso4",
        "0 +wso1,wso2
         0 -wso1,wso2 / +ibm3,wso2
         0 -ibm3,wso2 / +wso4,wso2"
    );
}

#[test]
fn without_interest_in_expired_rows_they_are_not_joined_but_leave_the_window() {
    let quiet = JoinSpec { expired: false, ..cross("length 1", Inner, "length 1") };
    let input = "0 L a1
                 0 R b2
                 0 L c3
                 0 R d4";
    gives!(quiet, 10, input, "0 +a1,b2\n0 +c3,b2\n0 +c3,d4");
    // Aggregates need them, of sliding windows.
    let counting = JoinSpec { aggregates: true, ..quiet.clone() };
    gives!(counting, 10, input, "0 +a1,b2\n0 -a1,b2 / +c3,b2\n0 -c3,b2 / +c3,d4");
}

#[test]
fn full_outer_rows_without_partner_stay_alone() {
    // OuterJoinTestCase.joinTest1: length(3), length(1).
    gives!(
        join("length 3", Full, "length 1"),
        10,
        "60 L wso1
         110 R wso2
         120 L ibm3
         120 L wso4",
        "60 +wso1,__
         110 +wso1,wso2
         120 +ibm3,__
         120 +wso4,wso2"
    );
}

#[test]
fn left_and_right_outer_keep_their_own_rows_only() {
    // OuterJoinTestCase.joinTest2 and 3.
    gives!(
        join("length 1", Right, "length 2"),
        10,
        "0 R wso1
         10 L bmw2
         10 R ibm3
         10 L wso4",
        "0 +__,wso1
         10 +__,ibm3
         10 +wso4,wso1"
    );
    gives!(
        join("length 2", Left, "length 1"),
        10,
        "0 L wso1
         10 R bmw2
         10 L ibm3
         10 R wso4",
        "0 +wso1,__
         10 +ibm3,__
         10 +wso1,wso4"
    );
}

#[test]
fn an_outer_row_that_leaves_without_partner_leaves_alone() {
    // probes/join: the left row a1 still has its partner, b3 never had one.
    gives!(
        join("length 2", Left, "length 2"),
        100,
        "0 L a1
         10 R a2
         20 L b3
         30 L a4
         40 R b9
         50 L c5
         60 L c6",
        "0 +a1,__
         10 +a1,a2
         20 +b3,__
         30 -a1,a2 / +a4,a2
         40 +b3,b9
         50 -b3,b9 / +c5,__
         60 -a4,a2 / +c6,__"
    );
}

#[test]
fn null_equals_nothing_not_even_null() {
    // probes/joinuni, second query (and the expired rows it doesn't ask for).
    gives!(
        join("length 2", Full, "length 2"),
        100,
        "0 L a1
         10 R a2
         20 R a3
         30 L a4
         40 R b9
         50 L _5
         60 R _6",
        "0 +a1,__
         10 +a1,a2
         20 +a1,a3
         30 +a4,a2 +a4,a3
         40 -a1,a2 -a4,a2 / +__,b9
         50 -a1,a3 / +_5,__
         60 -a4,a3 / +__,_6"
    );
}

#[test]
fn the_matches_of_a_trigger_are_a_chunk_in_order_of_entry() {
    gives!(
        cross("length 3", Inner, "length 5"),
        10,
        "0 R c3
         0 R a1
         0 R b2
         0 L x9
         0 R d4 e5
         0 L y8 z7",
        "0 +x9,c3 +x9,a1 +x9,b2
         0 +x9,d4 / +x9,e5
         0 +y8,c3 +y8,a1 +y8,b2 +y8,d4 +y8,e5 / +z7,c3 +z7,a1 +z7,b2 +z7,d4 +z7,e5"
    );
}

#[test]
fn a_side_without_window_is_never_found_and_resets_the_aggregates() {
    let spec = cross("", Inner, "length 1");
    let input = "0 L wso1
                 0 R wso2
                 0 L ibm3
                 0 L wso4";
    // JoinTestCase.joinTest10 and 11.
    gives!(
        JoinSpec { expired: false, aggregates: true, ..spec.clone() },
        10,
        input,
        "0 R0 +ibm3,wso2
         0 R0 +wso4,wso2
         R0"
    );
    gives!(
        spec,
        10,
        input,
        "0 R0 +ibm3,wso2 / -ibm3,wso2
         0 R0 +wso4,wso2 / -wso4,wso2
         R0"
    );
    // joinTest9: neither side is ever found.
    gives!(cross("", Inner, ""), 10, input, "R0 R0 R0 R0");
}

#[test]
fn the_rows_of_a_chunk_pass_a_side_without_window_one_by_one() {
    gives!(
        cross("", Inner, "length 2"),
        10,
        "0 R a1
         0 L x5 y6
         0 R b2",
        "0 +x5,a1 / -x5,a1 / R0 +y6,a1 / -y6,a1
         R0"
    );
}

#[test]
fn an_outer_side_without_window_keeps_its_rows() {
    gives!(
        JoinSpec { expired: false, ..join("", Full, "length 1") },
        10,
        "0 L a1
         0 R b2
         0 L b3",
        "0 +a1,__
         0 R0 +__,b2
         0 +b3,b2
         R0"
    );
}

#[test]
fn only_one_side_triggers_if_unidirectional() {
    // probes/joinuni, first query.
    let mut spec = join("length 2", Inner, "length 2");
    spec.right.triggers = false;
    let input = "0 L a1
                 10 R a2
                 20 R a3
                 30 L a4
                 40 R b9
                 50 L b5";
    gives!(spec, 100, input, "30 +a4,a2 +a4,a3\n50 -a1,a3 / +b5,b9");
    // The passive side of an outer join keeps nothing by itself, nor does it reset anything.
    let mut spec = join("length 2", Full, "");
    spec.right.triggers = false;
    gives!(
        spec,
        100,
        input,
        "0 +a1,__
         30 +a4,__
         50 -a1,__ / +b5,__"
    );
}

#[test]
fn a_batch_is_found_when_it_is_complete_until_the_next_one_is() {
    // LengthBatchWindowTestCase 8 and 9.
    let spec = join("lengthBatch 2", Inner, "lengthBatch 2");
    let input = "0 L wso1
                 0 L ibm2
                 0 R wso3
                 0 R wso4
                 10 L ibm5
                 10 L wso6";
    gives!(
        spec,
        10,
        input,
        "0 R0 R0 +wso1,wso3 / +wso1,wso4
         10 -wso1,wso3 -wso1,wso4 / R0 +wso6,wso3 +wso6,wso4"
    );
    // With current events only, earlier batches are no longer found either (Siddhi finds them all).
    let input = format!("{input}\n20 R wso7\n20 R ibm8");
    gives!(
        JoinSpec { expired: false, aggregates: true, ..spec },
        10,
        &input,
        "0 R0 R0 +wso1,wso3 / +wso1,wso4
         10 R0 +wso6,wso3 +wso6,wso4
         20 R0 +wso6,wso7 / +ibm5,ibm8"
    );
}

#[test]
fn several_batches_of_one_chunk_are_one_delivery() {
    gives!(
        cross("lengthBatch 2", Inner, "length 1"),
        10,
        "0 R a1
         0 L b2 c3 d4 e5",
        "0 R0 +b2,a1 / +c3,a1 / -b2,a1 / -c3,a1 / R0 +d4,a1 / +e5,a1"
    );
}

#[test]
fn streaming_batches_are_found_at_once() {
    // LengthBatchWindowTestCase 14.
    gives!(
        join("lengthBatch 2 true", Inner, "lengthBatch 2 true"),
        20,
        "10 L wso1
         10 L ibm2
         10 R wso3
         10 R wso4
         10 L ibm5
         20 L wso6",
        "10 +wso1,wso3
         10 +wso1,wso4
         10 -wso1,wso3 -wso1,wso4
         20 R0 +wso6,wso3 +wso6,wso4"
    );
}

#[test]
fn time_batches_meet_at_their_ends() {
    // TimeBatchWindowTestCase 5: the left flushes first and finds the right's batch before.
    gives!(
        join("timeBatch 1000", Inner, "timeBatch 1000"),
        9000,
        "0 L wso1
         0 R wso2
         0 L ibm3
         1110 L wso4",
        "1000 R0 R0 +wso1,wso2@0
         2000 -wso1,wso2 / R0 +wso4,wso2@1110
         2000 -wso4,wso2"
    );
}

#[test]
fn an_empty_length_window_holds_nothing() {
    gives!(
        cross("length 0", Inner, "length 1"),
        10,
        "0 R a1
         0 L b2
         0 R c3
         0 L d4",
        "0 +b2,a1 / -b2,a1
         0 R0 +d4,c3 / -d4,c3
         R0"
    );
}

#[test]
fn one_event_of_a_self_join_after_the_other_goes_left_then_right() {
    // JoinTestCase.joinTest3 and 3_1: also the events of one chunk.
    let spec = JoinSpec { self_join: true, ..join("time 500", Inner, "time 500") };
    gives!(
        spec,
        9000,
        "0 S ibm1
         10 S wso2",
        "0 +ibm1,ibm1
         10 +wso2,wso2
         500 -ibm1,ibm1
         510 -wso2,wso2"
    );
    gives!(
        spec,
        9000,
        "0 S ibm1 wso2",
        "0 +ibm1,ibm1
         0 +wso2,wso2
         500 -ibm1,ibm1 / -wso2,wso2"
    );
}

#[test]
fn a_self_join_finds_each_pair_of_new_and_old_once() {
    let spec = JoinSpec { self_join: true, ..join("length 2", Inner, "length 2") };
    let output = "0 +a1,a1
                  0 +a2,a1
                  0 +a1,a2 +a2,a2
                  0 -a1,a1 -a1,a2 / +a3,a1 +a3,a2
                  0 -a2,a1 -a3,a1 / +a2,a3 +a3,a3";
    gives!(spec, 10, "0 S a1\n0 S a2\n0 S a3", output);
    gives!(spec, 10, "0 S a1 a2 a3", output);
    gives!(spec, 10, "0 S a1 a2\n0 S a3", output);
}

#[test]
fn one_cause_on_both_sides_reaches_the_left_first_unless_told_otherwise() {
    let spec = cross("length 1", Inner, "length 1");
    // Not a self join: two streams that happen to get rows of the same cause, chunk by chunk.
    let input = "5 S a1 a2";
    gives!(spec, 5, input, "5 +a2,a1 / -a2,a1 / +a2,a2");
    let spec = JoinSpec { right_first: true, ..spec };
    gives!(spec, 5, input, "5 +a1,a2 / -a1,a2 / +a2,a2");
}

#[test]
fn timers_of_one_side_count_for_the_rows_of_the_other() {
    // The right's row is gone when the left's comes, though the right gets no row to notice.
    gives!(
        cross("time 10", Left, "time 10"),
        100,
        "0 R a1
         9 L b2
         10 L c3
         30 R d4",
        "9 +b2,a1
         10 -b2,a1
         10 +c3,__
         19 -b2,__
         20 -c3,__"
    );
}
