//! What the front end lets through is safe in the planner and when it runs, on a stack of 2 MiB.

#![allow(clippy::unwrap_used)] // helpers of tests

#[path = "grammar/ebnf.rs"]
#[allow(dead_code, reason = "only its random numbers are used here")]
mod ebnf;

use std::sync::{Arc, Mutex};

use ebnf::Chance;
use foreshock::{App, Value, compile};

/// Runs a check on a stack of 2 MiB, which is what threads get by default.
fn on_small_stack(check: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(check).unwrap();
    thread.join().unwrap();
}

/// The ids that pass a query, of the rows `(id, 3 * id)` for ids below 3,000 and of `(7, null)`.
fn passing(query: &str) -> Vec<i32> {
    let app = App::from_text(&format!("define stream S (id int, x int); {query}")).unwrap();
    let ids = Arc::new(Mutex::new(Vec::new()));
    let sink = ids.clone();
    app.subscribe("Out", move |events| {
        for row in 0..events.rows() {
            match events.value(row, "id") {
                Value::Int(id) => sink.lock().unwrap().push(id),
                other => panic!("{other:?} is no id"),
            }
        }
    })
    .unwrap();
    let rows = (0..3_000).map(|id| [Value::Int(id), Value::Int(3 * id)]);
    let rows = rows.chain([[Value::Int(7), Value::Null]]);
    app.input("S").unwrap().send_chunk(rows.map(|r| (1_000, r))).unwrap();
    app.shutdown().unwrap();
    let ids = ids.lock().unwrap();
    ids.clone()
}

fn row(op: &str, terms: usize, term: impl Fn(usize) -> String) -> String {
    (0..terms).map(term).collect::<Vec<_>>().join(op)
}

#[test]
fn a_thousand_alternatives_run() {
    on_small_stack(|| {
        let even: Vec<i32> = (0..2_000).filter(|id| id % 2 == 0).collect();
        let any = row(" or ", 1_000, |n| format!("x == {}", 6 * n));
        assert_eq!(passing(&format!("from S[{any}] select id insert into Out;")), even);
        // Null differs from everything, so the last row passes, too.
        let odd: Vec<i32> =
            (0..3_000).filter(|id| id % 2 == 1 || *id >= 2_000).chain([7]).collect();
        let none = row(" and ", 1_000, |n| format!("x != {}", 6 * n));
        assert_eq!(passing(&format!("from S[{none}] select id insert into Out;")), odd);
        // In a pattern each row is looked at alone, against the first event.
        let later = row(" or ", 1_000, |n| format!("x == e1.x + {}", 6 * (n + 1)));
        let query = format!("from e1=S[id == 0] -> e2=S[{later}] select e2.id insert into Out;");
        assert_eq!(passing(&query), [2]);
        let having = format!("from S select id, x having {any} insert into Out;");
        assert_eq!(passing(&having), even);
    });
}

#[test]
fn ten_thousand_alternatives_compile() {
    on_small_stack(|| {
        let any = row(" or ", 10_000, |n| format!("(x == {n} and id > {n})"));
        compile(&format!(
            "define stream S (id int, x int); from S[{any}] select id insert into Out;"
        ))
        .unwrap();
    });
}

#[test]
fn what_is_deep_runs_or_is_refused_as_too_deep() {
    type Shape = fn(usize) -> String;
    const SHAPES: [Shape; 10] = [
        |n| row(" + ", n, |_| "x".into()) + " > 0",
        |n| row(" * ", n, |_| "x".into()) + " > 0",
        |n| format!("{}x > 0", "-".repeat(n).replace('-', "- ")),
        |n| format!("{}x > 0{}", "not (".repeat(n), ")".repeat(n)),
        |n| format!("{}x > 0{}", "(x == 5 or x > 7 and (".repeat(n), "))".repeat(n)),
        |n| format!("{}x{} > 0", "(1 + ".repeat(n), ")".repeat(n)),
        |n| format!("{}x{} > 0", "coalesce(x, ".repeat(n), ")".repeat(n)),
        |n| format!("{}x{} > 0", "ifThenElse(x > 5, 7, ".repeat(n), ")".repeat(n)),
        |n| format!("{}x{} > 0", "maximum(1, -(2 * ".repeat(n), "))".repeat(n)),
        |n| format!("{}x{} > 0", "convert(cast(".repeat(n), ", 'int'), 'int')".repeat(n)),
    ];
    on_small_stack(|| {
        for (number, shape) in SHAPES.iter().enumerate() {
            let (mut ran, mut refused) = (0, 0);
            for n in [5, 20, 30, 40, 60, 64, 98, 120, 126, 300, 5_000] {
                let query = format!("from S[{}] select id insert into Out;", shape(n));
                let text = format!("define stream S (id int, x int); {query}");
                match compile(&text) {
                    Ok(_) => {
                        passing(&query);
                        passing(&format!(
                            "from e1=S -> e2=S[e1.id == 3 and {}] select e2.id insert into Out;",
                            shape(n)
                        ));
                        ran += 1;
                    }
                    Err(found) => {
                        let deep = |m: &str| m.contains("deep");
                        assert!(found.iter().all(|d| deep(&d.message)), "{found:?}");
                        refused += 1;
                    }
                }
            }
            assert!(ran > 2 && refused > 1, "shape {number}: {ran} ran, {refused} refused");
        }
    });
}

/// An application with something of everything the planner knows.
const APPLICATION: &str = "define stream S (a int, b string, c double); define stream T (a int, b string);
    @info(name='q1') from S[a > 1 and not (b == 'x')]#log('seen')#window.time(1 min)[c < 2.5]
    select b, sum(c) as total, count() as n group by b having n > 2 order by total desc limit 5 insert all events into Sums;
    from S#window.length(4) as s left outer join T#window.lengthBatch(2) as t on s.a == t.a and s.c > 1
    select s.a, t.b insert into Joined;
    from every e1=S[a > 1] -> e2=S[a > e1.a]<2:5> -> e3=T[b == e1.b] within 10 min
    select e1.a as first, e2[last].c as last_, e3.b insert into Found;
    from e1=S+, e2=T[a > e1[last].a] select e1[0].a as x, e2.a as y insert into Runs;
    partition with (b of S, b of T) begin from S select a, sum(c) as s insert into #I;
    from #I#window.lengthBatch(2) select max(s) as m, ifThenElse(a > 5, 'big', convert(a, 'string')) as k insert into Tops; end;";

#[test]
fn damaged_applications_are_refused_without_a_panic() {
    assert!(compile(APPLICATION).is_ok(), "{:?}", compile(APPLICATION));
    let tokens: Vec<&str> = foreshock::lang::lexer::lex(APPLICATION)
        .tokens
        .iter()
        .map(|t| &APPLICATION[t.span.range()])
        .collect();
    let times = std::env::var("FORESHOCK_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut chance = Chance(4);
    let mut compiled = 0;
    for _ in 0..600 * times {
        let mut tokens = tokens.clone();
        for _ in 0..1 + chance.below(2) {
            let (a, b) = (chance.below(tokens.len()), chance.below(tokens.len()));
            match chance.below(4) {
                0 => drop(tokens.remove(a)),
                1 => tokens.swap(a, b),
                2 => tokens.insert(a, tokens[b]),
                _ => tokens[a] = tokens[b],
            }
        }
        compiled += usize::from(compile(&tokens.join(" ")).is_ok());
    }
    assert!(
        compiled < 300 * times,
        "most damage should be noticed, not {compiled} of {times} × 600"
    );
}

/// Whatever is wide or many: refused or compiled, but no panic.
#[test]
fn what_is_wide_or_many_is_harmless() {
    on_small_stack(|| {
        let stream = "define stream S (id int, x int);";
        let many = |n: usize, f: &dyn Fn(usize) -> String| row(" ", n, f);
        for (what, text) in [
            (
                "attributes",
                format!("define stream W ({});", row(", ", 2_000, |n| format!("a{n} int"))),
            ),
            (
                "items",
                format!(
                    "{stream} from S select {} insert into Out;",
                    row(", ", 10_000, |n| format!("x as a{n}"))
                ),
            ),
            (
                "aggregates",
                format!(
                    "{stream} from S select {} insert into Out;",
                    row(", ", 2_000, |n| format!("sum(x + {n}) as a{n}"))
                ),
            ),
            (
                "filters",
                format!(
                    "{stream} from S{} select id insert into Out;",
                    many(5_000, &|n| format!("[x > {n}]"))
                ),
            ),
            (
                "queries",
                format!(
                    "{stream} {}",
                    many(2_000, &|n| format!("from S[x > {n}] select id insert into O{n};"))
                ),
            ),
            (
                "chained queries, last first",
                format!(
                    "{} {stream}",
                    many(500, &|n| {
                        if n == 499 {
                            "from S select id insert into T500;".into()
                        } else {
                            format!("from T{} select id insert into T{};", n + 2, n + 1)
                        }
                    })
                ),
            ),
            (
                "elements",
                format!(
                    "{stream} from {} select e0.id insert into Out;",
                    row(" -> ", 2_000, |n| format!("e{n}=S[x > {n}]"))
                ),
            ),
            ("streams", many(5_000, &|n| format!("define stream S{n} (a int);"))),
            (
                "arguments",
                format!(
                    "{stream} from S select coalesce({}) as c insert into Out;",
                    vec!["x"; 20_000].join(", ")
                ),
            ),
            (
                "groups",
                format!(
                    "{stream} from S select id, count() as n group by {} insert into Out;",
                    vec!["id"; 5_000].join(", ")
                ),
            ),
            (
                "partitions",
                format!(
                    "{stream} {}",
                    many(300, &|n| format!(
                        "partition with (id of S) begin from S select id insert into P{n}; end;"
                    ))
                ),
            ),
        ] {
            eprintln!("{what}");
            if let Err(found) = compile(&text) {
                assert!(found.iter().all(|d| !d.message.is_empty()), "{what}");
            }
        }
    });
}
