//! What random applications brought to light, made small.

use foreshock::{ClockMode, Value};

use crate::support::ways::{Act, disagreement};

const STREAMS: &str = "define stream A (k string, a int, t long);
    define stream B (k string, a int, t long); define stream C (k string, a int, t long);";

fn row(k: &str, a: i32, t: i64) -> Vec<Value> {
    vec![k.into(), Value::Int(a), Value::Long(t)]
}

fn send(stream: &str, ts: i64, k: &str, a: i32) -> Act {
    Act::Send(stream.into(), ts, row(k, a, ts))
}

fn chunk(stream: &str, ts: i64, rows: &[(&str, i32)]) -> Act {
    Act::Chunk(stream.into(), rows.iter().map(|(k, a)| (ts, row(k, *a, ts))).collect())
}

fn agree(queries: &str, acts: &[Act]) {
    let text = format!("{STREAMS}\n{queries}");
    for seed in 0..5 {
        assert_eq!(disagreement(&text, Some(ClockMode::Playback), acts, seed), None, "{text}");
    }
}

#[test]
fn a_reader_behind_a_loop_sees_its_results_first() {
    agree(
        "from A[a > 0] select k, a - 1 as a, t insert into A; from A select a insert into O;",
        &[send("A", 1, "x", 3), send("B", 2, "x", 1), send("A", 3, "x", 2)],
    );
}

#[test]
fn partition_keys_come_to_be_in_the_order_of_events_over_all_streams() {
    agree(
        "partition with (k of A, k of B) begin
           from A#window.timeBatch(100) select a insert into O;
         end;",
        &[
            send("B", 1_000, "x", 0),
            send("A", 1_000, "y", 2),
            chunk("A", 1_000, &[("x", 3), ("x", 4)]),
            send("C", 1_500, "x", 0),
        ],
    );
}

#[test]
fn two_chunks_of_one_cause_are_two_deliveries_of_a_join() {
    agree(
        "from A#window.lengthBatch(0) select k, a, t insert into B;
         from B#window.lengthBatch(0) as l join A#window.length(2) as r on l.k == r.k
         select l.a as x insert into O;",
        &[send("A", 1, "x", 1), chunk("A", 2, &[("x", 2), ("x", 3)]), send("A", 3, "x", 4)],
    );
}

#[test]
fn timers_of_a_group_fire_where_the_clock_reaches_them() {
    agree(
        "from A[a > 0] select k, a - 1 as a, t insert into A;
         from A#window.length(2) as l join B#window.externalTimeBatch(t, 100, 0, 60) as r
           unidirectional on l.a == r.a select l.k as k, r.a as a, l.t as t insert into C;",
        &[
            send("A", 1_000, "x", 2),
            send("B", 1_000, "x", 2),
            send("C", 1_050, "x", 0),
            send("C", 1_100, "x", 0),
            send("B", 1_100, "x", 0),
        ],
    );
}

#[test]
fn timers_of_a_self_join_fire_before_a_chunk_that_its_filter_drops() {
    agree(
        "partition with (k of A) begin
           from A[k != 'x']#window.timeBatch(100) as l right outer join A#window.length(2) as r
             on l.k == r.k select l.a as x insert into O;
         end;",
        &[
            chunk("A", 1_000, &[("x", 0), ("x", 0), ("y", 0)]),
            chunk("A", 1_500, &[("x", 0), ("x", 0)]),
        ],
    );
}

#[test]
fn what_enters_a_group_first_by_its_path_goes_first() {
    agree(
        "from A#window.batch() as l join B as r unidirectional on l.k == r.k
         select l.a as x insert into O;
         from B[a > 0] select k, a - 1 as a, t insert into A;
         from A[a > 0] select k, a - 1 as a, t insert into A;
         from A select a insert into P;",
        &[send("B", 1_000, "x", 2), send("B", 1_001, "x", 1)],
    );
}

#[test]
fn a_self_join_in_a_group_takes_each_event_once() {
    agree(
        "partition with (k of C) begin
           from C as l join C#window.externalTimeBatch(t, 100) as r on l.k == r.k
           select l.k as k, minimum(l.a, r.a) as a, l.t as t insert into O;
         end;
         partition with (k of B, k of A) begin
           from B#window.timeBatch(100) select k, a, t insert into O;
         end;",
        &[
            Act::Send("C".into(), 1_000, row("x", 0, 0)),
            send("A", 1_000, "x", 0),
            send("C", 1_000, "x", 0),
        ],
    );
}
