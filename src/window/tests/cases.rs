//! Text in, text out. Input: `clock: rows | rows` is one cause with its chunks; output: a line per
//! chunk, `E` leaves, `C` enters, `R` aggregates start afresh. See `harness`.

use super::harness::{Item, Run, call as parse_call, parse, show};

/// Runs a script, one batch and cause by cause, with and without saving; all must agree.
fn run(call: &str, expired: bool, script: &str, end: i64) -> String {
    items(call, expired, script, end).0
}

fn items(call: &str, expired: bool, script: &str, end: i64) -> (String, Vec<Item>) {
    let causes = parse(script);
    let keyed = script.contains('/');
    let every = vec![true; causes.len()];
    let call = &parse_call(call);
    let run = |cuts, restore| Run { call, expired, keyed, cuts, restore }.of(&causes, end);
    let whole = run(&[], false);
    assert_eq!(whole, run(&every, false), "cause by cause");
    assert_eq!(whole, run(&every, true), "saved and restored");
    (show(&whole), whole)
}

#[track_caller]
pub fn check(call: &str, expired: bool, script: &str, end: i64, expected: &str) {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|l| l.trim().to_string()).filter(|l| !l.is_empty()).collect()
    };
    assert_eq!(lines(&run(call, expired, script, end)), lines(expected), "{call}");
}

#[test]
fn length_expires_before_the_row_that_enters() {
    check(
        "length(2)",
        true,
        "10: a \n 20: b \n 30: c \n 40: d",
        99,
        "
        10: C a
        20: C b
        30: E a C c
        40: E b C d",
    );
}

#[test]
fn length_keeps_chunks() {
    check(
        "length(2)",
        true,
        "10: a b c | d \n 20: e",
        99,
        "
        10: C a C b E a C c
        10: E b C d
        20: E c C e",
    );
}

#[test]
fn length_zero_lets_each_row_in_and_out_and_resets() {
    check("length(0)", true, "10: a@7 b", 99, "10: C a@7 E a@7 R C b E b \n R");
}

#[test]
fn sliding_windows_pass_rows_if_nobody_wants_expired_ones() {
    for call in ["length(1)", "time(5)", "timeLength(5, 1)"] {
        check(call, false, "10: a b \n 20: c", 99, "10: C a C b \n 20: C c");
    }
}

#[test]
fn every_key_has_its_own_window() {
    check(
        "length(1)",
        true,
        "10: a/1 \n 20: b/2 \n 30: c/1 \n 40: d/2 \n 50: e/0",
        99,
        "
        10: C a/1
        20: C b/2
        30: E a/1 C c/1
        40: E b/2 C d/2
        50: C e",
    );
    check(
        "lengthBatch(2)",
        true,
        "10: a/1 b/2 c/2 \n 20: d/1 \n 30: e/2 f/2",
        99,
        "
        10: R/2 C b/2 C c/2
        20: R/1 C a/1@10 C d/1
        30: E b/2 E c/2 R/2 C e/2 C f/2",
    );
}

#[test]
fn length_batch_is_silent_until_full() {
    let script = "10: a \n 20: b \n 30: c d e f g";
    check(
        "lengthBatch(3)",
        true,
        script,
        99,
        "
        30: R C a@10 C b@20 C c
        30: E a E b E c R C d C e C f",
    );
    check(
        "lengthBatch(3)",
        false,
        script,
        99,
        "
        30: R C a@10 C b@20 C c
        30: R C d C e C f",
    );
}

#[test]
fn length_batch_streams_currents() {
    // 9 rows by 4: counts 1 2 3 4 1 2 3 4 1 (recorded), so a reset before rows 5 and 9.
    let script = "1: a b c d e \n 2: f \n 3: g h i";
    check(
        "lengthBatch(4, true)",
        true,
        script,
        99,
        "
        1: C a
        1: C b
        1: C c
        1: C d
        1: E a E b E c E d R C e
        2: C f
        3: C g
        3: C h
        3: E e E f E g E h R C i",
    );
    check(
        "lengthBatch(4, true)",
        false,
        "1: a b c d e",
        99,
        "
        1: C a \n 1: C b \n 1: C c \n 1: C d \n 1: R C e",
    );
}

#[test]
fn length_batch_zero_resets_behind_each_row() {
    check("lengthBatch(0)", true, "1: a b@0", 99, "1: C a E a \n 1: R C b@0 E b \n R");
    check("lengthBatch(0)", false, "1: a b", 99, "1: C a \n 1: R C b \n R");
}

#[test]
fn batch_is_the_chunk() {
    let script = "1: a b | c \n 2: d e f";
    check(
        "batch()",
        true,
        script,
        99,
        "
        1: R C a C b
        1: E a E b R C c
        2: E c R C d C e C f",
    );
    check(
        "batch(2)",
        true,
        script,
        99,
        "
        1: R C a C b
        1: E a E b R C c
        2: E c R C d C e
        2: R C f",
    );
    check("batch(2)", false, script, 99, "1: R C a C b \n 1: R C c \n 2: R C d C e \n 2: R C f");
}

#[test]
fn time_expires_when_due_and_not_when_seen() {
    let script = "0: a \n 500: b \n 1000: c \n 1500: d \n 4000: e";
    // The recorded probe `timewin`, after a playback gap of 2.5 s as well.
    check(
        "time(1000)",
        true,
        script,
        7000,
        "
        0: C a
        500: C b
        1000: E a
        1000: C c
        1500: E b
        1500: C d
        2000: E c
        2500: E d
        4000: C e
        5000: E e",
    );
}

#[test]
fn time_expires_rows_of_one_time_together() {
    check(
        "time(10)",
        true,
        "1: a b \n 1: c \n 5: d",
        12,
        "
        1: C a C b
        1: C c
        5: C d
        11: E a E b E c",
    );
}

#[test]
fn late_rows_leave_behind_those_before_them_or_at_once() {
    // b is behind a; c comes when its time is over, and leaves behind its cause; d finds e in front.
    check(
        "time(10)",
        true,
        "100: a b@95 \n 120: c@105 | e \n 125: d@100",
        140,
        "
        100: C a C b@95
        110: E a E b
        120: C c@105
        120: E c C e
        125: C d@100
        130: E e E d",
    );
    check(
        "time(10)",
        true,
        "100: a@50 \n 100: b",
        105,
        "
        100: C a@50
        100: E a
        100: C b",
    );
}

#[test]
fn keys_due_together_leave_as_a_chunk_each_lowest_key_first() {
    check(
        "time(10)",
        true,
        "1: a/2 \n 1: b/1 \n 1: c/2",
        20,
        "
        1: C a/2
        1: C b/1
        1: C c/2
        11: E b/1
        11: E a/2 E c/2",
    );
}

#[test]
fn timers_stand_between_the_rows_of_operators_before() {
    // `~12` is a timer of an operator before: it sorts behind what is due at 11.
    let (text, items) = items("time(10)", true, "1: a \n ~12: b \n 12: c", 30);
    assert_eq!(text, "1: C a\n11: E a\n12: C b\n12: C c\n22: E b E c\n");
    let orders = items.iter().filter_map(|i| match i {
        Item::Row { order, .. } => Some(*order),
        _ => None,
    });
    assert_eq!(orders.collect::<Vec<_>>(), [1, 2, 2, 3, 4, 4]);
}

#[test]
fn time_length_bounds_both() {
    let script = "0: a \n 200: b \n 400: c \n 1500: d";
    check(
        "timeLength(1000, 2)",
        true,
        script,
        3000,
        "
        0: C a
        200: C b
        400: E a C c
        1200: E b
        1400: E c
        1500: C d
        2500: E d",
    );
    check("timeLength(10, 0)", true, "1: a b", 99, "1: C a C b");
    // A late row that moves to the front leaves at its own time, not at that of the row it replaced.
    check(
        "timeLength(10, 1)",
        true,
        "1: a b@-4 \n 20: c",
        20,
        "1: C a E a C b@-4 \n 6: E b \n 20: C c",
    );
}

#[test]
fn time_batch_of_two_rows_then_nothing() {
    // Recorded: one current result at 1 s, one expired at 2 s, then silence.
    check(
        "timeBatch(1000)",
        true,
        "100: a \n 200: b",
        9000,
        "
        1100: R C a@100 C b@200
        2100: E a E b",
    );
    check("timeBatch(1000)", false, "100: a \n 200: b", 9000, "1100: R C a@100 C b@200");
}

#[test]
fn time_batch_keeps_its_grid_over_idle_periods() {
    check(
        "timeBatch(1000)",
        true,
        "100: a \n 7500: b \n 8100: c \n 99999: d",
        99999,
        "
        1100: R C a@100
        2100: E a
        8100: R C b@7500
        9100: E b R C c@8100
        10100: E c",
    );
}

#[test]
fn a_row_at_the_end_of_a_batch_opens_the_next() {
    check(
        "timeBatch(10)",
        true,
        "0: a \n 9: b \n 10: c d \n 20: e",
        20,
        "
        10: R C a@0 C b@9
        20: E a E b R C c@10 C d@10",
    );
}

#[test]
fn time_batch_with_a_start_time() {
    check(
        "timeBatch(10, 3)",
        true,
        "1234: a \n 1243: b",
        1254,
        "
        1243: R C a@1234
        1253: E a R C b@1243",
    );
    // A start to come: Siddhi's formula leaves out the points before the one that follows it.
    check("timeBatch(10, 32)", true, "5: a", 40, "22: R C a@5 \n 32: E a");
}

#[test]
fn time_batch_streams_currents() {
    let script = "0: a \n 1110: b c \n 2220: d";
    check(
        "timeBatch(1000, true)",
        true,
        script,
        3440,
        "
        0: C a
        1000: E a
        1110: R C b C c
        2000: E b E c
        2220: R C d
        3000: E d
        R",
    );
    check(
        "timeBatch(1000, true)",
        false,
        script,
        3440,
        "0: C a \n 1110: R C b C c \n 2220: R C d \n R",
    );
}

#[test]
fn every_key_has_its_own_grid() {
    check(
        "timeBatch(10)",
        false,
        "0: a/1 \n 4: b/2 \n 12: c/1 \n 13: d/2",
        30,
        "
        10: R/1 C a/1@0
        14: R/2 C b/2@4 C d/2@13
        20: R/1 C c/1@12",
    );
}

#[test]
fn external_time_ignores_the_clock() {
    check(
        "externalTime(t, 5)",
        true,
        "900: a=1 \n 901: b=3 \n 990: c=6 d=8 \n 5000: e=8",
        9999,
        "
        900: C a=1
        901: C b=3
        990: E a=1@6 C c=6 E b=3@8 C d=8
        5000: C e=8",
    );
}

#[test]
fn external_time_stops_at_the_first_row_that_stays_and_drops_rows_without_a_time() {
    check(
        "externalTime(t, 5)",
        true,
        "1: a=10 \n 2: b=2 \n 3: c=12 \n 4: n=_ \n 5: d=15",
        9,
        "
        1: C a=10
        2: C b=2
        3: C c=12
        5: E a=10@15 E b=2@15 C d=15",
    );
    check("externalTime(t, 5)", false, "1: a=10 n=_ \n 2: b=20", 9, "1: C a=10 \n 2: C b=20");
}

#[test]
fn external_time_batch_skips_empty_batches_and_takes_late_rows() {
    let script = "1: a=100 \n 2: b=95 \n 3: c=110 \n 4: d=109 \n 5: e=155 \n 6: f=160";
    check(
        "externalTimeBatch(t, 10)",
        true,
        script,
        9,
        "
        3: R C a=100@1 C b=95@2
        5: E a=100@155 E b=95@155 R C c=110@3 C d=109@4
        6: E c=110@160 E d=109@160 R C e=155@5",
    );
}

#[test]
fn external_time_batch_starts_where_it_is_told() {
    check(
        "externalTimeBatch(t, 10, 3)",
        false,
        "1: a=100 \n 2: b=103 \n 3: c=112 d=113",
        9,
        "
        2: R C a=100@1
        3: R C b=103@2 C c=112",
    );
    check(
        "externalTimeBatch(t, 10, g)",
        false,
        "1: a=100,95 \n 2: b=104,7 \n 3: c=105,7",
        9,
        "
        3: R C a=100@1 C b=104@2",
    );
    // An attribute that lies far before: the first row ends an empty batch.
    check(
        "externalTimeBatch(t, 10, g)",
        false,
        "1: a=100,5 \n 2: b=104,7 \n 3: c=105,7",
        9,
        "
        3: R C a=100@1 C b=104@2",
    );
    // Nothing to start from: dropped.
    check(
        "externalTimeBatch(t, 10, g)",
        false,
        "1: a=100 n=_,5 \n 2: b=104,100 \n 3: c=110",
        9,
        "
        3: R C b=104@2",
    );
}

#[test]
fn a_timeout_lets_a_batch_out_and_late_rows_let_it_out_again() {
    let script =
        "0: a=100 \n 10: b=101 \n 60: c=102 \n 70: d=103 \n 200: e=104 \n 210: f=115 \n 211: g=120";
    check("externalTimeBatch(t, 10, 0, 50)", true, script, 230, "
        50: R C a=100@0 C b=101@10
        100: E a=100@103 E b=101@103 R C a=100@0 C b=101@10 C c=102@60 C d=103@70
        210: E a=100@115 E b=101@115 E c=102@115 E d=103@115 R C a=100@0 C b=101@10 C c=102@60 C d=103@70 C e=104@200
        211: E a=100@120 E b=101@120 E c=102@120 E d=103@120 E e=104@120 R C f=115@210");
    // Nobody wants expired rows: the same without them.
    check(
        "externalTimeBatch(t, 10, 0, 50)",
        false,
        script,
        230,
        "
        50: R C a=100@0 C b=101@10
        100: R C a=100@0 C b=101@10 C c=102@60 C d=103@70
        210: R C a=100@0 C b=101@10 C c=102@60 C d=103@70 C e=104@200
        211: R C f=115@210",
    );
}

#[test]
fn a_timeout_counts_from_the_opening_of_the_batch() {
    check(
        "externalTimeBatch(t, 10, 0, 50)",
        false,
        "0: a=100 \n 40: b=110 \n 70: c=111",
        200,
        "
        40: R C a=100@0
        90: R C b=110@40 C c=111@70",
    );
}

#[test]
fn the_end_of_the_batch_can_replace_the_attribute() {
    check(
        "externalTimeBatch(t, 10, 0, 0, true)",
        true,
        "1: a=101 b=102 \n 2: c=115 \n 3: d=120",
        9,
        "
        2: R C a=110@1 C b=110@1
        3: E a=110@120 E b=110@120 R C c=120@2",
    );
}

#[test]
fn slots_are_used_again() {
    let rows = |i: i64| format!("{i}: a={i} b={i} c={i}");
    let script: Vec<String> = (0..600).map(rows).collect();
    let causes = parse(&script.join("\n"));
    let cuts = vec![true; causes.len()];
    for (call, bound) in [
        ("length(7)", 10),
        ("lengthBatch(10)", 23),
        ("lengthBatch(10, true)", 13),
        ("batch()", 6),
        ("time(9)", 33),
        ("timeLength(9, 5)", 8),
        ("timeBatch(10)", 63),
        ("timeBatch(10, true)", 36),
        ("externalTime(t, 9)", 33),
        ("externalTimeBatch(t, 10)", 66),
        ("externalTimeBatch(t, 10, 0, 4)", 120),
    ] {
        for (expired, restore) in [(true, false), (true, true), (false, false)] {
            let run = Run { call: &parse_call(call), expired, keyed: false, cuts: &cuts, restore };
            let mut most = 0;
            run.watch(&causes, 600, |w| most = most.max(w.store().bound()));
            assert!(most <= bound, "{call}: {most} slots");
        }
    }
}
