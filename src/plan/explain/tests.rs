//! What is only visible from inside: spans of time, and shapes that tell operators apart.

use super::names::duration;
use super::shape;

#[test]
fn spans_of_time_are_written_in_units() {
    let cases = [
        (0, "0 millisec"),
        (1, "1 millisec"),
        (1_500, "1 sec 500 millisec"),
        (60_000, "1 min"),
        (90_061_001, "1 day 1 hour 1 min 1 sec 1 millisec"),
        (-5, "-5 millisec"),
    ];
    for (ms, text) in cases {
        assert_eq!(duration(ms), text);
    }
}

fn shape_of(query: &str) -> String {
    let text = format!("define stream S (a string, b int, c int);\n{query}");
    let (plan, _) = crate::plan::compile(&text).expect("the query compiles");
    shape(&plan, &plan.queries[0])
}

#[test]
fn queries_with_different_state_have_different_shapes() {
    let queries = [
        "from S#window.length(2) select sum(b) as t insert into O;",
        "from S#window.length(3) select sum(b) as t insert into O;",
        "from S#window.length(2) select sum(c) as t insert into O;",
        "from S#window.length(2) select a, sum(b) as t group by a insert into O;",
        "from S#window.length(2) select sum(b) as t insert all events into O;",
        "from S[b > 1]#window.length(2) select sum(b) as t insert into O;",
        "from every e1=S -> e2=S[b > e1.b] select e2.a insert into O;",
        "from e1=S -> e2=S[b > e1.b] select e2.a insert into O;",
        "from every e1=S, e2=S[b > e1.b] select e2.a insert into O;",
        "from every e1=S -> e2=S[b > e1.c] select e2.a insert into O;",
        "from every e1=S -> e2=S[b == e1.b] select e2.a insert into O;",
        "from every e1=S -> e2=S[b > e1.b] within 1 sec select e2.a insert into O;",
        "from every e1=S -> e2=S[b > e1.b]<2:> select e2.a insert into O;",
        "from S#window.length(1) as l join S#window.length(2) as r on l.a == r.a select l.b insert into O;",
        "from S#window.length(1) as l left outer join S#window.length(2) as r on l.a == r.a select l.b insert into O;",
        "from S#window.length(1) as l join S#window.length(3) as r on l.a == r.a select l.b insert into O;",
        "from S#window.length(1) as l join S#window.length(2) as r on l.b == r.b select l.b insert into O;",
        "from S#window.length(1) as l unidirectional join S#window.length(2) as r on l.a == r.a select l.b insert into O;",
    ];
    for (i, a) in queries.iter().enumerate() {
        assert_eq!(shape_of(a), shape_of(a));
        for b in &queries[i + 1..] {
            assert_ne!(shape_of(a), shape_of(b), "{a}\n{b}");
        }
    }
}
