//! Named windows: a window that queries write, read and join is the same window as one inside a query.

mod support;

use foreshock::{ClockMode, Code, Value, compile};
use proptest::prelude::*;

use support::ways::{Act, Outcome, Way, disagreement, run};

/// A window of each kind.
const WINDOWS: [&str; 18] = [
    "length(3)",
    "lengthBatch(3)",
    "lengthBatch(3, true)",
    "batch()",
    "time(1 sec)",
    "timeBatch(1 sec)",
    "timeBatch(1 sec, true)",
    "timeLength(1 sec, 2)",
    "externalTime(t, 1 sec)",
    "externalTimeBatch(t, 1 sec)",
    "session(1 sec, k)",
    "delay(1 sec)",
    "sort(2, v)",
    "frequent(2, k)",
    "lossyFrequent(0.5, 0.1, k)",
    "expression('count() < 3')",
    "expressionBatch('count() < 3')",
    "cron('*/2 * * * * ?')",
];

const STREAMS: &str =
    "define stream S (t long, k string, v int); define stream T (k string, w int); ";

fn act() -> impl Strategy<Value = (bool, i64, u8, i32)> {
    (any::<bool>(), 0..700i64, 0..3u8, -5..5i32)
}

/// Single events, each its own chunk, whose times go up.
fn acts(given: &[(bool, i64, u8, i32)]) -> Vec<Act> {
    let mut now = 1_000;
    let mut acts = Vec::new();
    for (right, after, k, v) in given {
        now += after;
        let key = Value::String(["a", "b", "c"][usize::from(*k)].into());
        acts.push(Act::Advance(now));
        acts.push(if *right {
            Act::Send("T".into(), now, vec![key, Value::Int(*v)])
        } else {
            Act::Send("S".into(), now, vec![Value::Long(now), key, Value::Int(*v)])
        });
    }
    acts.push(Act::Advance(now + 5_000));
    acts
}

fn put_out(text: &str, acts: &[Act]) -> Outcome {
    run(text, Some(ClockMode::Live), acts, Way::PLAIN).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

/// What query `q` put out, a line a chunk.
fn of_q(text: &str, acts: &[Act]) -> Vec<String> {
    put_out(text, acts).remove("query q").unwrap_or_default()
}

fn named(window: &str, output: &str) -> String {
    format!(
        "{STREAMS} define window W (t long, k string, v int) {window} output {output} events; \
         from S insert into W; "
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    /// Reading a named window is reading the window.
    #[test]
    fn it_emits_what_the_window_emits(given in prop::collection::vec(act(), 1..40)) {
        let acts = acts(&given);
        for window in WINDOWS {
            let select = "select k, v insert all events into Out;";
            let inline = format!("{STREAMS} @info(name='q') from S#window.{window} {select}");
            let apart = format!("{} @info(name='q') from W {select}", named(window, "all"));
            prop_assert_eq!(of_q(&apart, &acts), of_q(&inline, &acts), "{}", window);
        }
    }

    /// Joining one is joining the window: the rows found are those that are in it.
    #[test]
    fn it_is_searched_as_the_window_is(given in prop::collection::vec(act(), 1..40)) {
        let acts = acts(&given);
        for window in WINDOWS.into_iter().filter(|w| !w.starts_with("cron")) {
            for on in ["on l.k == r.k", "on l.v > r.w", ""] {
                let rest = format!("join T#window.length(2) as r {on} \
                                    select l.k, v, w insert all events into Out;");
                let inline = format!("{STREAMS} @info(name='q') from S#window.{window} as l {rest}");
                let apart =
                    format!("{} @info(name='q') from W as l {rest}", named(window, "all"));
                prop_assert_eq!(of_q(&apart, &acts), of_q(&inline, &acts), "{} {}", window, on);
            }
        }
    }

    /// Batches and restarts are invisible, whatever `output` says and however it is read.
    #[test]
    fn batches_are_invisible(
        given in prop::collection::vec(act(), 1..40),
        window in prop::sample::select(WINDOWS.to_vec()),
        output in prop::sample::select(vec!["all", "current", "expired"]),
        seed in 1..u64::MAX,
    ) {
        let mut text = named(window, output);
        text.push_str(
            "from T select 0L as t, k, w as v insert into W;
             from W select k, sum(v) as total group by k insert all events into Totals;
             from W[v > 0] select v insert expired events into Left;
             partition with (k of W) begin from W select k, count() as n insert into Counts; end;
             partition with (k of T) begin from W select v insert into Shared; end;",
        );
        if !window.starts_with("cron") {
            text.push_str(
                "from T left outer join W as w on T.k == w.k select T.k, w.v insert into Found;
                 from W[v > 0] as l unidirectional join T#window.length(1) as r on l.v > r.w
                 select v, w insert all events into More;
                 from W as a join W as b on a.v > b.v select a.v as x, b.v as y insert into Pairs;",
            );
        }
        if output != "expired" {
            text.push_str("from every e1=W -> e2=T[w > e1.v] select e1.v as v, w insert into Rise;");
        }
        let acts = acts(&given);
        prop_assert_eq!(disagreement(&text, Some(ClockMode::Live), &acts, seed), None, "{}", text);
    }
}

fn send(stream: &str, at: i64, row: Vec<Value>) -> Act {
    Act::Send(stream.into(), at, row)
}

fn s(at: i64, k: &str, v: i32) -> Act {
    send("S", at, vec![Value::Long(at), k.into(), Value::Int(v)])
}

#[test]
fn output_says_what_readers_get() {
    let acts = [s(1, "a", 1), s(2, "b", 2), Act::Advance(3), s(3, "c", 3)];
    for (output, expected) in [
        ("all", vec!["+1 Int(1); ", "+2 Int(2); ", "-3 Int(1); +3 Int(3); "]),
        ("current", vec!["+1 Int(1); ", "+2 Int(2); ", "+3 Int(3); "]),
        ("expired", vec!["-3 Int(1); "]),
    ] {
        let text = format!(
            "{} @info(name='q') from W select v insert all events into Out;",
            named("length(2)", output)
        );
        assert_eq!(of_q(&text, &acts), expected, "{output}");
        // Subscribers of the window see the same rows, with all attributes.
        let window = put_out(&text, &acts).remove("stream W").unwrap_or_default();
        assert_eq!(window.len(), expected.len(), "{output}");
    }
}

/// Siddhi's `find` looks into the window, whatever the window puts out.
#[test]
fn a_join_finds_what_is_in_the_window_whatever_it_puts_out() {
    let t = |at, k: &str| send("T", at, vec![k.into(), Value::Int(0)]);
    let acts = [s(1, "a", 1), s(2, "a", 2), t(3, "a"), s(4, "b", 3), t(5, "a"), t(6, "c")];
    for output in ["all", "current", "expired"] {
        let text = format!(
            "{} @info(name='q') from T join W on T.k == W.k select W.v insert into Out;",
            named("length(2)", output)
        );
        let found = ["+3 Int(1); +3 Int(2); ", "+5 Int(2); "];
        assert_eq!(of_q(&text, &acts), found, "{output}");
    }
}

/// The query that fills the window stands before the one that searches it, or behind it.
#[test]
fn a_row_is_in_the_window_for_the_queries_behind_the_one_that_inserts_it() {
    let acts = [s(1, "a", 1), s(2, "a", 2)];
    let define = format!("{STREAMS} define window W (t long, k string, v int) length(5); ");
    let fill = "from S insert into W; ";
    let search = "@info(name='q') from S as s join W as w on s.k == w.k \
                  select s.v as new, w.v as held insert into Out; ";
    let behind = of_q(&format!("{define}{fill}{search}"), &acts);
    let own = "+1 Int(1) Int(1); ";
    assert_eq!(behind, [own, "+2 Int(2) Int(1); +2 Int(2) Int(2); "]);
    let before = of_q(&format!("{define}{search}{fill}"), &acts);
    assert_eq!(before, ["+2 Int(2) Int(1); "]);
}

#[test]
fn patterns_read_what_enters() {
    let acts = [s(1, "a", 1), s(2, "b", 2), s(3, "c", 3)];
    let text = format!(
        "{} @info(name='q') from every e1=W -> e2=W select e1.v as x, e2.v as y insert into Out;",
        named("length(1)", "all")
    );
    assert_eq!(of_q(&text, &acts), ["+2 Int(1) Int(2); ", "+3 Int(2) Int(3); "]);
}

#[test]
fn what_is_wrong_is_told_by_name() {
    let w = named("length(2)", "all");
    for (text, code, part) in [
        ("define window W (a int) lenght(3);".to_string(), Code::Name, "lenght"),
        ("define window W (a int) length('x');".to_string(), Code::Parameter, "window.length"),
        ("define window W (a int, a int) length(3);".to_string(), Code::Name, "`a`"),
        (format!("{w} define stream W (a int);"), Code::Name, "`W`"),
        (format!("{w} from W#window.time(1 sec) select k insert into O;"), Code::Invalid, "`W`"),
        (format!("{w} from S select k insert into W;"), Code::Type, "`W`"),
        (format!("{w} from W select nothing insert into O;"), Code::Name, "nothing"),
        (format!("{w} from V select k insert into O;"), Code::Name, "`V`"),
        (
            format!(
                "{} from T join W on T.k == W.k select v insert into O;",
                named("cron('* * * * * ?')", "all")
            ),
            Code::Invalid,
            "`W`",
        ),
        (
            format!("{} from e1=W -> e2=T select w insert into O;", named("length(1)", "expired")),
            Code::Invalid,
            "`W`",
        ),
        (
            format!("@sink(type='log') {}", &w[w.find("define window").unwrap_or(0)..]),
            Code::Invalid,
            "`@sink`",
        ),
    ] {
        let found = compile(&text).err().unwrap_or_default();
        let told = found.iter().any(|d| d.code == code && d.message.contains(part));
        assert!(told, "{text}\n{found:#?}");
    }
}

#[test]
fn nobody_sends_into_one_from_outside() {
    let app = foreshock::App::from_text(&named("length(2)", "all")).expect("it compiles");
    let error = app.input("W").map(drop).expect_err("a window");
    assert!(error.to_string().contains("is a window"), "{error}");
    let names: Vec<String> = app.streams().into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["S", "T", "W"]);
    let explained = app.plan().explain_text();
    assert!(explained.contains("window W (t long, k string, v int)"), "{explained}");
    assert!(!explained.contains("#held"), "{explained}");
}
