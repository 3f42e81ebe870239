//! Text in, text out, as in `cases`, for the windows that tell rows apart by their attributes or by the
//! calendar.

use super::cases::check;

#[test]
fn sessions_close_by_the_clock_and_keys_are_apart() {
    check(
        "session(10, x)",
        true,
        "0: a=1 \n 5: b=2 \n 9: a=3 \n 25: a=4 b=5 \n 40: c=6",
        99,
        "
        0: C a=1
        5: C b=2
        9: C a=3
        15: E b=2@5
        19: E a=1@0 E a=3@9
        25: C a=4 C b=5
        35: E a=4@25 E b=5@25
        40: C c=6
        50: E c=6@40",
    );
}

#[test]
fn late_rows_connect_sessions_or_are_dropped() {
    // 12 is the gap away from 2 and from 22, 13 connects; 0 is too late, as its session has closed.
    check(
        "session(10, x, 10)",
        true,
        "2: a=1 \n 22: a=2 b=3 \n 22: a=4@12 \n 22: a=5@13 \n 45: a=6 \n 46: a=7@0",
        99,
        "
        2: C a=1
        22: E a=1@2
        22: C a=2 C b=3
        22: C a=4@12
        22: C a=5@13
        42: E a=4@12 E a=5@13 E a=2@22 E b=3@22
        45: C a=6
        65: E a=6@45",
    );
}

#[test]
fn delay_lets_rows_in_later_and_in_order() {
    check(
        "delay(10)",
        true,
        "0: a \n 5: b@3 c@1 \n 40: d@20",
        99,
        "
        10: C a
        13: C b C c
        40: C d",
    );
}

#[test]
fn sort_lets_the_last_in_order_leave_perhaps_the_new_row() {
    check(
        "sort(2, t)",
        true,
        "10: a=5 \n 20: b=3 \n 30: c=4 \n 40: d=4 \n 50: e \n 60: f=1",
        99,
        "
        10: C a=5
        20: C b=3
        30: C c=4 E a=5
        40: C d=4 E d=4
        50: C e E e
        60: C f=1 E c=4",
    );
}

#[test]
fn frequent_tracks_at_most_so_many_values() {
    check(
        "frequent(2, x)",
        true,
        "1: a=1 \n 2: b=2 \n 3: a=3 \n 4: c=4 \n 5: d=5 \n 6: a=6",
        99,
        "
        1: C a=1
        2: C b=2
        3: C a=3
        4: E b=2 C c=4
        5: E a=3 E c=4 C d=5
        6: C a=6",
    );
}

#[test]
fn lossy_frequent_forgets_at_the_end_of_buckets() {
    check(
        "lossyFrequent(0.6, 0.25, x)",
        true,
        "1: a=1 b=2 a=3 \n 2: a=4 \n 3: b=5 a=6",
        99,
        "
        1: C a=1 C b=2 C a=3
        2: C a=4 E b=2
        3: C a=6",
    );
}

#[test]
fn cron_lets_batches_in_at_its_points_only() {
    check(
        "cron('*/2 * * * * ?')",
        true,
        "100: a \n 1900: b \n 2000: c \n 7000: d",
        9000,
        "
        2000: C a@100 C b@1900
        4000: E a E b C c@2000
        8000: E c C d@7000",
    );
    check("cron('0 0 0 1 1 ? 1980')", true, "400000000000: a", i64::MAX, "");
}
