//! Absent streams, rule by rule. The clock starts at 0; a row's time is behind `@`.

use crate::harness::{check, letters};

#[test]
fn at_the_end_it_ends_when_the_time_is_over() {
    let q = "from every a=A -> not B[x > a.x] for 1 sec select a.x";
    letters(q, "A 1 @100\nA 5 @200\nB 3 @900\n@5000 -> 5 @1200");
    // Exactly at the deadline the timer comes first.
    letters(q, "A 1 @100\nB 3 @1100 -> 1 @1100");
    letters(q, "A 1 @100\nB 3 @1099\n@5000");
    letters(q, "A 1 @100\nB 1 @500\n@5000 -> 1 @1100");
    letters("from a=A -> not B for 1 sec select a.x", "A 1 @0\nA 2 @5\n@9000 -> 1 @1000");
}

#[test]
fn in_the_middle_the_next_element_opens_when_the_time_is_over() {
    let q = "from every a=A -> not B for 1 sec -> c=C select a.x, c.x";
    letters(q, "A 1 @0\nC 2 @999\nC 3 @1000 -> 1,3\nC 4 @1001");
    letters(q, "A 1 @0\nB 9 @500\nC 2 @2000");
    letters(q, "A 1 @0\nA 2 @500\nB 9 @1200\nC 3 @1300 -> 1,3\nC 4 @9000");
}

#[test]
fn at_the_start_an_event_lets_the_time_begin_anew() {
    let once = "from not A[x > 5] for 1 sec -> b=B select b.x";
    letters(once, "B 1 @500\nB 2 @1000 -> 2\nB 3 @1001\nB 4 @9000");
    letters(once, "A 9 @500\nB 1 @1400\nB 2 @1500 -> 2");
    letters(once, "A 1 @500\nB 1 @1400 -> 1");
    // What comes once the time is over means nothing.
    letters(once, "A 9 @1000\nB 1 @1001 -> 1");
    let every = "from every not A for 1 sec -> b=B select b.x";
    letters(
        every,
        "B 1 @2500 -> 1 | 1\nB 2 @2600\nA 0 @2900\nB 3 @3000\nB 4 @3899\nB 5 @3900 -> 5",
    );
    letters(
        "from every not A for 1 sec select 7 as n",
        "@2500 -> 7 @1000 | 7 @2000\nA 1 @2999\n@3998\n@3999 -> 7 @3999",
    );
    letters("from not A for 1 sec select *", "@2500 -> null @1000\n@9000");
}

#[test]
fn repeated_behind_another_it_is_stopped_for_good() {
    let q = "from a=A -> every not B for 1 sec select a.x";
    letters(q, "A 1 @0\n@2500 -> 1 @1000 | 1 @2000\nB 0 @2999\n@9999");
    letters(
        "from a=A -> every not B for 900 milliseconds within 2 sec select a.x",
        "A 1 @0\n@9999 -> 1 @900 | 1 @1800",
    );
}

#[test]
fn a_group_begins_anew_when_it_is_disturbed() {
    let q = "from every (a=A -> not B for 1 sec) select a.x";
    letters(q, "A 1 @0\nA 2 @10\nB 0 @500\nA 3 @600\n@9999 -> 3 @1600");
    let lead = "from every (not A for 1 sec -> b=B) select b.x";
    letters(
        lead,
        "B 1 @1500 -> 1\nB 2 @2400\nB 3 @2500 -> 3\nA 0 @3000\nB 4 @3999\nB 5 @4000 -> 5",
    );
}

#[test]
fn a_leading_group_that_within_ends_begins_anew_then() {
    let q = "from every (not A for 1 sec -> b=B -> c=C) within 500 milliseconds select b.x, c.x";
    // The first attempt ends at 1701, so that the next is open from 2701 on.
    letters(q, "B 1 @1200\nB 2 @2700\nB 3 @2701\nC 4 @2702 -> 3,4");
    letters(q, "B 1 @1200\nC 2 @1701\nB 3 @2701\nC 4 @3201 -> 3,4");
    letters(q, "B 1 @1200\nC 2 @1700 -> 1,2");
}

#[test]
fn without_a_time_it_lasts_until_the_other_side_comes() {
    let q = "from every a=A -> not B and c=C select a.x, c.x";
    letters(q, "A 1 @0\nC 2 @1 -> 1,2\nA 3 @2\nB 0 @3\nC 4 @4\nA 5 @5\nC 6 @6 -> 5,6");
    // At the start: for good without `every`, else until the next event of the other side.
    letters("from not A and b=B -> c=C select b.x", "A 1 @0\nB 2 @1\nB 3 @2\nC 4 @3");
    let every = "from every (not A and b=B) -> c=C select b.x";
    letters(
        every,
        "A 1 @0\nB 2 @1\nB 3 @2\nC 4 @3 -> 3\nB 5 @4\nA 6 @5\nC 7 @6 -> 5\nB 8 @7\nC 9 @8",
    );
    letters("from b=B and not A select b.x", "B 1 @0 -> 1\nB 2 @1");
    letters("from not A[x == 1] and a=A[x == 2] select a.x", "A 1 @0\nA 2 @1");
    letters("from not A[x == 1] and a=A[x == 2] select a.x", "A 3 @0\nA 2 @1 -> 2");
}

#[test]
fn and_needs_the_event_and_the_quiet() {
    let q = "from every a=A -> not B for 1 sec and c=C select a.x, c.x";
    letters(q, "A 1 @0\nC 2 @500\n@1500 -> 1,2 @1000\nC 3 @1600");
    letters(q, "A 1 @0\nC 2 @1500 -> 1,2");
    letters(q, "A 1 @0\nC 2 @100\nB 0 @999\n@5000");
    letters(q, "A 1 @0\nB 0 @999\nC 2 @1500");
    letters(q, "A 1 @0\nB 0 @1001\nC 2 @1500 -> 1,2");
    let start = "from not A for 1 sec and b=B -> c=C select b.x";
    letters(start, "B 1 @500\nC 2 @999\nC 3 @1000 -> 1");
    letters(start, "A 0 @500\nB 1 @1100\nC 2 @1400\nC 3 @1500 -> 1");
    let both = "from every a=A -> not B for 1 sec and not C for 2 sec select a.x";
    letters(both, "A 1 @0\nB 0 @1500\n@5000 -> 1 @2000");
    letters(both, "A 1 @0\nC 0 @1500\n@5000");
}

#[test]
fn or_needs_one_of_them() {
    let q = "from every a=A -> not B for 1 sec or c=C select a.x, c.x";
    letters(q, "A 1 @0\nC 2 @500 -> 1,2\n@5000");
    letters(q, "A 1 @0\n@5000 -> 1,null @1000\nC 2 @5001");
    // An event of the absent stream leaves the other side open.
    letters(q, "A 1 @0\nB 0 @500\nC 2 @5000 -> 1,2");
    let both = "from every a=A -> not B for 1 sec or not C for 2 sec select a.x";
    letters(both, "A 1 @0\n@5000 -> 1 @1000");
    letters(both, "A 1 @0\nB 0 @500\n@5000 -> 1 @2000");
    letters(both, "A 1 @0\nB 0 @500\nC 0 @600\n@5000");
    let every = "from every (not A for 1 sec or b=B) select b.x";
    letters(every, "B 1 @400 -> 1\n@2500 -> null @1400 | null @2400\nA 0 @3000\nB 2 @3900 -> 2");
}

#[test]
fn behind_a_count_the_time_runs_from_the_last_event() {
    let q = "from a=A<2:3> -> not B for 1 sec select a[0].x, a[last].x";
    letters(q, "A 1 @0\nA 2 @100\nA 3 @900\nA 4 @1000\n@1899\n@1900 -> 1,3 @1900");
    letters(q, "A 1 @0\nA 2 @100\nA 3 @900\nB 0 @1200\n@9000");
    letters("from a=A<0:2> -> not B for 1 sec select a[0].x", "@900\n@5000 -> null @1000");
    letters("from a=A<0:2> -> not B for 1 sec select a[0].x", "A 7 @900\n@5000 -> 7 @1900");
}

#[test]
fn within_counts_from_the_first_event() {
    // A quiet start has no time of its own.
    letters("from not A for 1 sec -> b=B within 2 sec select b.x", "B 1 @9000 -> 1");
    letters("from every a=A -> not B for 3 sec within 2 sec select a.x", "A 1 @0\n@9000");
    letters(
        "from every a=A -> not B for 2 sec within 2 sec select a.x",
        "A 1 @0\n@9000 -> 1 @2000",
    );
}

#[test]
fn a_time_that_is_over_when_it_begins_is_over_at_once() {
    // The row is late: its time is past when it comes.
    let q = "from every a=A -> not B for 1 sec select a.x, a.x";
    letters(q, "B 0 @5000\nA 1 @3000\nA 2 @4500 -> 1,1 @5000\n@5499\n@6000 -> 2,2 @5500");
}

#[test]
fn keys_have_clocks_of_their_own() {
    let app = |pattern: &str| {
        format!(
            "define stream S (k string, x int); define stream T (k string, x int);
         partition with (k of S, k of T) begin from {pattern} insert into Out; end;"
        )
    };
    let lead = app("every not S for 1 sec -> t=T select t.k, t.x");
    // A key's clock starts with its first event, which here is of the absent stream itself, or isn't.
    check(
        &lead,
        "S a,1 @100\nT b,2 @600\nT a,3 @1099\nT a,4 @1100 -> a,4\nT b,5 @1599\nT b,6 @1600 -> b,6",
    );
    let end = app("every s=S -> not T[x > s.x] for 1 sec select s.k, s.x");
    check(
        &end,
        "S a,1 @0\nS b,1 @100\nT a,9 @200\n@1099\n@1100 -> b,1 @1100\nS a,2 @2000\n@3000 -> a,2 @3000",
    );
}

#[test]
fn in_a_sequence_nothing_else_may_come() {
    let q = "from every a=A, not B[x > a.x] for 1 sec select a.x";
    letters(q, "A 1 @0\n@5000 -> 1 @1000");
    letters(q, "A 1 @0\nB 9 @500\n@5000");
    // An event of the absent stream that doesn't fit is none; every other is one too many.
    letters(q, "A 1 @0\nB 0 @500\nB 1 @600\n@5000 -> 1 @1000");
    letters(q, "A 1 @0\nA 2 @500\n@5000 -> 2 @1500");
    let once = "from a=A, not B for 1 sec, c=C select a.x, c.x";
    letters(once, "A 1 @0\nC 2 @1500 -> 1,2");
    letters(once, "A 1 @0\nC 2 @900\nC 3 @1500");
    letters(once, "A 1 @0\nB 2 @100\nA 3 @200\nC 4 @5000");
    // Attempts don't hinder each other where the events in between belong to the absent stream.
    letters(
        "from every a=A, not A[x < 0] for 1 sec, b=B select a.x, b.x",
        "A 1 @0\nA 2 @100\nB 3 @2000 -> 1,3 | 2,3",
    );
}

#[test]
fn at_the_start_of_a_sequence_it_goes_on_whatever_comes() {
    let every = "from every not A for 1 sec, b=B select b.x";
    letters(
        every,
        "B 1 @2500 -> 1\nB 2 @2600\nB 3 @3100 -> 3\nA 0 @3500\nB 4 @4499\nB 5 @4500 -> 5",
    );
    let once = "from not A for 1 sec, b=B select b.x";
    letters(once, "B 1 @500\nB 2 @1500 -> 2\nB 3 @9000");
    letters(once, "A 1 @500\nB 2 @5000");
    letters(
        "from every not A[x > 5] for 1 sec, b=B select b.x",
        "A 1 @500\nA 2 @1500\nB 1 @1600\nB 3 @2500 -> 3",
    );
}

#[test]
fn and_or_of_absence_in_a_sequence() {
    let and = "from every a=A, not B for 1 sec and c=C select a.x, c.x";
    letters(and, "A 1 @0\nC 2 @500\n@5000 -> 1,2 @1000");
    letters(and, "A 1 @0\n@1200\nC 2 @1500 -> 1,2");
    letters(and, "A 1 @0\nB 0 @500\nC 2 @1500");
    let or = "from every a=A, not B for 1 sec or c=C select a.x, c.x";
    letters(or, "A 1 @0\nC 2 @500 -> 1,2\nA 3 @1000\n@5000 -> 3,null @2000");
    // Not as in a pattern: the event is one too many.
    letters(or, "A 1 @0\nB 0 @500\nC 2 @600\n@5000");
    let spoilt = "from every (not A and b=B), c=C select b.x";
    letters(spoilt, "A 0 @0\nB 1 @100\nB 2 @200\nC 3 @300 -> 2");
    letters(spoilt, "B 1 @100\nB 2 @200\nC 3 @300 -> 2\nC 4 @400");
    letters("from not A and b=B, c=C select b.x", "A 0 @0\nB 1 @100\nC 2 @200");
    let many = "from a=A+, not B for 1 sec select a[0].x, a[last].x";
    letters(many, "A 1 @0\nA 2 @100\nA 3 @200\n@5000 -> 1,3 @1200");
}
