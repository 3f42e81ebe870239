//! The rules one by one: references, keys and hashes, chunks, limits.

use foreshock::error::Error;
use foreshock::op::pattern::PatternOp;
use foreshock::op::{Operator, Output};
use foreshock::time::{Step, Timeline};

use crate::harness::{In, LETTERS, STOCKS, check, letters, query, stocks};

#[test]
fn count_and_the_second_round_of_it() {
    letters(
        "from every a=A<2:3> -> b=B select a[0].x, a[1].x, a[2].x, a[last].x, b.x",
        "A 1
         B 9
         A 2
         A 3
         A 4
         B 5      -> 1,2,3,3,5 | 3,4,null,4,5
         B 6",
    );
}

#[test]
fn every_before_what_may_be_skipped_matches_once() {
    letters(
        "from every a=A<0:2> -> b=B select a[0].x, a[1].x, b.x",
        "B 9      -> null,null,9
         A 1
         A 2
         A 3
         B 5",
    );
    let app = format!("{LETTERS} from every (a=A<0:2> -> b=B) select b.x insert into Out;");
    let q = query(&app).unwrap();
    assert_eq!(q.warnings.len(), 1);
}

#[test]
fn every_at_the_end_repeats_the_last_element() {
    letters(
        "from a=A -> every b=B select a.x, b.x",
        "A 1
         A 2
         B 3      -> 1,3
         B 4      -> 1,4
         A 5
         B 6      -> 1,6",
    );
    // Beyond `within`, its repetition has nothing left to add to.
    letters(
        "from a=A -> every b=B within 1 sec select a.x, b.x",
        "A 1 @0
         B 3 @500     -> 1,3
         B 4 @1000    -> 1,4
         B 6 @1001
         A 7 @1002
         B 8 @1003",
    );
}

#[test]
fn and_or_with_every() {
    letters(
        "from every a=A and b=B -> c=C select a.x, b.x, c.x",
        "B 1
         A 2
         C 3      -> 2,1,3
         A 4
         C 5
         B 6
         C 7      -> 4,6,7",
    );
    letters(
        "from every a=A or b=B -> c=C select a.x, b.x, c.x",
        "B 1
         A 2
         C 3      -> null,1,3 | 2,null,3
         A 4
         C 5      -> 4,null,5",
    );
}

#[test]
fn a_skippable_last_element_is_not_waited_for() {
    letters(
        "from every a=A -> b=B -> c=C<0:3> select a.x, b.x, c.x",
        "A 1
         C 2
         B 3      -> 1,3,[]
         C 4
         A 5
         B 6      -> 5,6,[]",
    );
}

#[test]
fn a_skippable_element_in_the_middle() {
    letters(
        "from every a=A -> b=B<0:2> -> c=C select a.x, b.x, c.x",
        "A 1
         C 2      -> 1,[],2
         A 3
         B 4
         B 5
         B 6
         C 7      -> 3,[4 5],7
         B 8
         C 9",
    );
    letters(
        "from every (a=A -> b=B<0:2>) -> c=C select a.x, b.x, c.x",
        "A 1
         B 2
         A 3
         B 4
         C 5      -> 1,[2 4],5 | 3,[4],5",
    );
}

#[test]
fn a_group_with_within_never_doubles() {
    // Stock Siddhi begins a group anew a second time when what is left of a finished match expires.
    letters(
        "from every a=A<2:> -> b=B within 1 sec select a.x, b.x",
        "A 1 @0
         A 2 @1
         B 3 @2       -> [1 2],3
         A 4 @5000
         A 5 @5001
         B 6 @5002    -> [4 5],6
         A 7 @5003",
    );
    letters(
        "from every (a=A<2:> -> b=B) within 1 sec select a.x, b.x",
        "A 1 @0
         A 2 @1
         A 3 @2
         A 4 @5000
         B 5 @5001
         A 6 @5002
         B 7 @5003    -> [4 6],7",
    );
}

#[test]
fn null_and_missing_events() {
    letters(
        "from every a=A or b=B -> c=C select a is null as n1, b is null as n2,
         a.x is null as n3, eventTimestamp(a) as t1, eventTimestamp(c) as t2",
        "A null @5
         C 1 @6       -> false,true,true,5,6
         B 1 @7
         C 1 @8       -> true,false,true,null,8",
    );
    letters(
        "from every a=A<:2> -> b=B[a is null or x > a[last].x] -> c=C[not (b.x is null)]
         select a[0] is null as n, b.x, c.x",
        "B 1
         C 2      -> true,1,2",
    );
    // Null equals nothing, not even null; `!=` with null is true.
    letters("from every a=A -> b=B[x == a.x] select a.x, b.x", "A null\nA 1\nB null\nB 1 -> 1,1");
    letters("from every a=A -> b=B[x != a.x] select a.x, b.x", "A null\nB null -> null,null");
}

#[test]
fn filters_read_their_own_and_other_events() {
    letters(
        "from every a=A -> b=A[b.x > a.x and x > 1] -> c=B[x > a.x and b.x == 2] select a.x, b.x, c.x",
        "A 1\nA 2\nB 1\nA 3\nB 9 -> 1,2,9\nB 2",
    );
}

#[test]
fn equalities_of_mixed_types() {
    check(
        "define stream L (k long, v int); define stream R (k float, w double, v int);
         from every e1=L -> e2=R[k == e1.k and e1.v == w] select e1.v, e2.v insert into Out;",
        "L 5,7
         L 6,7
         R 5,7,1      -> 7,1
         R 5,7,2
         R 6,7.5,3
         R 6.0,7.0,4  -> 7,4
         L -0,0
         R 0,-0.0,5   -> 0,5",
    );
    check(
        "define stream L (k string, b bool); define stream R (k string, b bool, v int);
         from every e1=L -> e2=R[e1.k == k and b == e1.b] select e1.k, e2.v insert into Out;",
        "L x,true\nL y,true\nL x,false\nR x,false,1 -> x,1\nR z,true,2\nR y,true,3 -> y,3",
    );
}

#[test]
fn matches_of_one_event_come_oldest_first_whatever_the_hash() {
    letters(
        "from every a=A -> b=B[x == a.x] -> c=C select a.x, b.x, c.x",
        "A 2
         A 1
         A 2
         B 1
         B 2
         C 9      -> 1,1,9 | 2,2,9 | 2,2,9",
    );
}

#[test]
fn partitions_are_apart() {
    let app = |pattern: &str| {
        format!(
            "define stream F (id int, user string); define stream S (id int, user string);
             partition with (user of F, user of S) begin
               from {pattern} insert into Out;
             end;"
        )
    };
    check(
        &app("every (e1=F<3:> -> e2=S) select e1[0].id, e2.user"),
        "F 1,hans
         F 2,hans
         F 11,werner
         F 12,werner
         F 13,werner
         F 3,hans
         F 4,hans
         S 7,hans     -> 1,hans
         F 19,hans
         F 14,werner
         S 16,werner  -> 11,werner
         F 20,hans
         S 17,hans
         F 21,hans
         S 23,hans    -> 19,hans",
    );
    check(
        &app("every (e1=F<3:> -> e2=S) within 2 sec select e1[0].id, e2.user"),
        "F 1,hans @1
         F 2,hans @2
         F 3,hans @3
         F 8,werner @7
         F 9,werner @8
         F 10,werner @9
         S 16,werner @15  -> 8,werner
         F 17,hans @3016
         F 18,hans @3017
         F 19,hans @3018
         S 23,hans @3022  -> 17,hans",
    );
    check(
        &app("e1=F -> e2=S select e1.id, e2.id"),
        "F 1,a\nF 2,b\nS 3,a -> 1,3\nF 4,a\nS 5,a\nS 6,b -> 2,6",
    );
    check(
        &app("every e1=F, e2=S select e1.id, e2.id"),
        "F 1,a\nF 2,b\nS 3,a -> 1,3\nF 4,b\nS 5,b -> 4,5",
    );
}

#[test]
fn all_attributes() {
    check(
        "define stream A (x int); define stream B (y int); define stream C (z int);
         from every a=A -> b=B and c=C select * insert into Out;",
        "A 1\nB 2\nC 3 -> 1,3,2",
    );
}

fn rows(q: &crate::harness::Query, script: &str) -> Vec<In> {
    let mut ts = 0;
    script
        .lines()
        .map(|l| {
            let row = q.row(l.trim(), ts);
            ts = row.ts;
            row
        })
        .collect()
}

#[test]
fn matches_of_one_event_form_a_chunk_if_its_stream_is_read_twice() {
    let chunks = |pattern: &str, script: &str| {
        let q = query(&format!("{LETTERS} from {pattern} insert into Out;")).unwrap();
        let matches = q.run(&rows(&q, script), &[2], |_| false);
        matches.iter().map(|m| m.chunk).collect::<Vec<_>>()
    };
    assert_eq!(chunks("every a=A -> b=B select b.x", "A 1\nA 2\nB 3"), [0, 1]);
    let twice = "every a=A[x<5] -> b=A[x>5] select b.x";
    assert_eq!(chunks(twice, "A 1\nA 2\nA 6\nA 1\nA 6"), [0, 0, 1]);
}

#[test]
fn open_matches_can_be_limited() {
    let app = format!("{LETTERS} from every a=A -> b=B select b.x insert into Out;");
    let mut q = query(&app).unwrap();
    q.spec.max_partials = Some(3);
    let fine = rows(&q, "A 1\nA 2\nA 3\nB 4\nA 5");
    assert_eq!(q.run(&fine, &[], |_| false).len(), 3);
    let mut op = PatternOp::new(&q.spec).unwrap();
    let timeline = Timeline::new(0, 0);
    let step = Step { timeline: &timeline };
    let mut inputs = q.inputs(&rows(&q, "A 1\nA 2\nA 3\nA 4"));
    let result = op.process(&step, &mut inputs, &mut Output::default());
    assert!(matches!(result, Err(Error::Limit(_))), "{result:?}");
}

#[test]
fn within_frees_what_it_ends() {
    let app = format!(
        "{STOCKS} from every a=S1 -> b=S1[symbol == a.symbol and volume < a.volume] within 1 sec
         select a.volume, b.volume insert into Out;"
    );
    let q = query(&app).unwrap();
    let mut op = PatternOp::new(&q.spec).unwrap();
    let timeline = Timeline::new(0, 0);
    for i in 0..50 {
        // Rows of ever new symbols, one per 100 ms: nobody comes back for the old ones.
        let script: Vec<String> =
            (0..20).map(|j| format!("S1 N{i}-{j},1.0,1 @{}", (i * 20 + j) * 100)).collect();
        let mut inputs = q.inputs(&rows(&q, &script.join("\n")));
        op.process(&Step { timeline: &timeline }, &mut inputs, &mut Output::default()).unwrap();
        assert!(op.open_partials() <= 12, "{} after step {i}", op.open_partials());
    }
    stocks(
        "from every a=S1 -> b=S2[symbol == a.symbol] within 1 sec select a.volume, b.volume",
        "S1 A,1,1 @0\nS1 A,1,2 @500\nS1 B,1,3 @900\nS2 A,1,4 @1200 -> 2,4\nS2 B,1,5 @1900 -> 3,5",
    );
}

#[test]
fn expired_rows_are_not_events() {
    let app = format!("{LETTERS} from every a=A -> b=B select a.x, b.x insert into Out;");
    let q = query(&app).unwrap();
    let mut op = PatternOp::new(&q.spec).unwrap();
    let timeline = Timeline::new(0, 0);
    let mut inputs = q.inputs(&rows(&q, "A 1\nA 2\nB 3"));
    let kinds = [foreshock::event::Kind::Expired, foreshock::event::Kind::Current];
    inputs[0].as_mut().unwrap().kinds = Some(kinds.into());
    let mut out = Output::default();
    op.process(&Step { timeline: &timeline }, &mut inputs, &mut out).unwrap();
    assert_eq!(out.take().iter().map(|b| b.rows()).sum::<usize>(), 1);
}
