//! One example by hand for each shape that has an operator of its own: what comes out, and what must
//! not, made one and kept apart.

use foreshock::{ClockMode, Value};

use crate::support::ways::{Act, Way, run};

const STREAMS: &str = "define stream S (k string, a int, b double, t long);
    define stream R (k string, a int, b double, t long);";

fn row(ts: i64, k: &str, a: i32, b: f64) -> (i64, Vec<Value>) {
    (ts, vec![k.into(), Value::Int(a), Value::Double(b), Value::Long(ts)])
}

fn send(stream: &str, ts: i64, k: &str, a: i32, b: f64) -> Act {
    Act::Send(stream.into(), ts, row(ts, k, a, b).1)
}

/// Holds what stream `O` is given, a line per delivery, to `expected`.
fn gives(query: &str, acts: &[Act], expected: &[&str]) {
    let text = format!("{STREAMS}\n{query} insert into O;");
    let apart = [1, 64].map(|batch_rows| Way { apart: true, batch_rows, ..Way::PLAIN });
    for way in Way::fused(7).into_iter().chain(apart) {
        let out = run(&text, Some(ClockMode::Playback), acts, way).expect("the application runs");
        let lines: Vec<&str> =
            out.get("stream O").map_or(vec![], |l| l.iter().map(|l| l.trim_end()).collect());
        assert_eq!(lines, expected, "{way:?}\n{text}");
    }
}

#[test]
fn a_sliding_window_adds_what_is_in_and_no_more() {
    let acts = [
        send("S", 1, "x", 1, 0.5),
        send("S", 2, "y", 10, -0.0),
        send("S", 3, "x", 2, 0.5),
        send("S", 4, "x", 4, 0.5),
        send("S", 5, "y", 20, -0.0),
    ];
    // Of three rows; the 10 of y leaves only with the last one.
    gives(
        "from S#window.length(3) select k, sum(a) as s group by k",
        &acts,
        &[
            "+1 String(\"x\") Long(1);",
            "+2 String(\"y\") Long(10);",
            "+3 String(\"x\") Long(3);",
            "+4 String(\"x\") Long(6);",
            "+5 String(\"y\") Long(20);",
        ],
    );
    // A row is gone 2 ms later, not 1; what `having` keeps back counts all the same.
    gives(
        "from S#window.time(2) select sum(a) as s, avg(b) as m having s != 12L",
        &acts,
        &[
            "+1 Long(1) Double(0.5);",
            "+2 Long(11) Double(0.25);",
            "+4 Long(6) Double(0.5);",
            "+5 Long(24) Double(0.25);",
        ],
    );
}

#[test]
fn a_tumbling_window_gives_closed_batches_only() {
    gives(
        "from S#window.externalTimeBatch(t, 10, 0) select k, a, sum(a) as s group by k",
        &[
            send("S", 11, "x", 1, 0.0),
            send("S", 12, "y", 2, 0.0),
            send("S", 19, "x", 4, 0.0),
            // Late, so it counts for the batch that is open.
            Act::Send("S".into(), 19, row(3, "y", 8, 0.0).1),
            send("S", 20, "y", 16, 0.0),
            // Two batches are skipped, the last one never closes.
            send("S", 45, "x", 32, 0.0),
        ],
        &[
            "+19 String(\"x\") Int(4) Long(5); +19 String(\"y\") Int(8) Long(10);",
            "+20 String(\"y\") Int(16) Long(16);",
        ],
    );
}

#[test]
fn pairs_need_their_key_their_bar_and_their_time() {
    gives(
        "from every e1=S[a > 0] -> e2=S[k == e1.k and b > e1.b] within 10 millisec
         select e1.a as x, e2.a as y",
        &[
            send("S", 100, "x", 1, 1.0),
            send("S", 101, "y", 2, 1.0),
            // Not above: equal, and 0.0 isn't above -0.0 either.
            send("S", 102, "x", 3, 1.0),
            send("S", 103, "z", 4, -0.0),
            send("S", 104, "z", 0, 0.0),
            send("S", 104, "x", 0, f64::NAN),
            // Both of x, in one delivery; y is another key.
            send("S", 105, "x", 0, 2.0),
            // In time to the millisecond, then no more: the 4 of z has waited for 11.
            send("S", 111, "y", 0, 9.0),
            send("S", 114, "z", 0, 9.0),
        ],
        &["+105 Int(1) Int(0); +105 Int(3) Int(0);", "+111 Int(2) Int(0);"],
    );
}

/// Whether it lies above or below what waits.
#[test]
fn a_row_too_late_for_a_pair_neither_fits_nor_ends_it() {
    for late in [0.25, 0.5] {
        gives(
            "from every e1=R -> e2=S[b <= e1.b] within 10 millisec select e1.t as x, e2.t as y",
            &[
                send("R", 1_000, "x", 0, 0.3),
                send("S", 960, "x", 0, late),
                send("S", 1_000, "x", 0, -1.0),
                send("S", 1_001, "x", 0, -1.0),
            ],
            &["+1000 Long(1000) Long(1000);"],
        );
    }
}

#[test]
fn neighbours_are_next_to_each_other() {
    gives(
        "from every e1=S[a > 0], e2=S[b > e1.b] within 10 millisec select e1.a as x, e2.a as y",
        &[
            send("S", 100, "x", 1, 1.0),
            send("S", 101, "x", 2, 1.0),
            send("S", 102, "x", 3, 2.0),
            // Begins nothing.
            send("S", 103, "x", 0, 0.0),
            send("S", 104, "x", 4, 5.0),
            // Too late.
            send("S", 115, "x", 5, 9.0),
            send("S", 116, "x", 6, f64::NAN),
            send("S", 117, "x", 7, 1.0),
        ],
        &["+102 Int(2) Int(3);"],
    );
}

#[test]
fn a_join_finds_what_both_windows_hold() {
    let chunk = Act::Chunk("S".into(), vec![row(6, "x", 4, 0.0), row(6, "x", 5, 0.0)]);
    gives(
        "from R#window.length(1) as l join S#window.length(2) as r on l.k == r.k
         select l.a as x, r.a as y",
        &[
            send("S", 1, "x", 1, 0.0),
            send("S", 2, "x", 2, 0.0),
            // The 1 has left.
            send("S", 3, "x", 3, 0.0),
            send("R", 4, "x", 10, 0.0),
            // Finds nothing, and takes the place of what would have been found.
            send("R", 5, "y", 11, 0.0),
            chunk.clone(),
            send("R", 7, "x", 12, 0.0),
            send("S", 8, "x", 6, 0.0),
            chunk,
        ],
        &[
            "+4 Int(10) Int(2); +4 Int(10) Int(3);",
            "+7 Int(12) Int(4); +7 Int(12) Int(5);",
            "+8 Int(12) Int(6);",
            "+6 Int(12) Int(4); +6 Int(12) Int(5);",
        ],
    );
}

#[test]
fn deliveries_hold_what_sorting_and_cutting_left() {
    gives(
        "from R#window.length(1) as l left outer join S#window.length(3) as r on l.k == r.k
         select r.a as y, count() as n group by r.a order by y desc limit 2",
        &[
            send("S", 1, "x", 1, 0.0),
            send("S", 2, "x", 2, 0.0),
            send("S", 3, "x", 3, 0.0),
            send("R", 4, "x", 10, 0.0),
            send("R", 5, "x", 11, 0.0),
        ],
        &["+4 Int(3) Long(1); +4 Int(2) Long(1);", "+5 Int(3) Long(1); +5 Int(2) Long(1);"],
    );
}
