//! `foreshock bench` as a process: queries and applications, table, JSON and picture.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use tempfile::TempDir;

/// Exit code, standard output and standard error.
fn bench(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshock"));
    let output = command.arg("bench").args(arguments).current_dir(directory).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// The results of a run with `--json`, which must do.
fn results(directory: &Path, arguments: &[&str]) -> Vec<Json> {
    let arguments = [arguments, &["--json", "out.json", "--plot", "out.svg"]].concat();
    let (code, out, err) = bench(directory, &arguments);
    assert_eq!(code, 0, "{arguments:?}: {err}");
    let json = std::fs::read_to_string(directory.join("out.json")).unwrap();
    let json: Json = serde_json::from_str(&json).unwrap();
    assert!(json["machine"]["cores"].as_u64().unwrap() >= 1);
    let results = json["results"].as_array().unwrap().clone();
    // A heading of the machine (with a warning if the build is slow), one of the table, and a line each.
    assert!(out.lines().count() >= results.len() + 2, "{out}");
    let fields = |j: &Json| j.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert!(results.iter().all(|r| fields(r) == fields(&results[0])));
    results
}

fn svg(directory: &Path) -> String {
    let svg = std::fs::read_to_string(directory.join("out.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    svg
}

const SMALL: [&str; 4] = ["--events", "3000", "--repetitions", "2"];

#[test]
fn queries_are_measured_beside_their_limits() {
    let dir = TempDir::new().unwrap();
    let arguments =
        [&["--query", "q1,q5", "--batch-rows", "64,512", "--limit"][..], &SMALL].concat();
    let results = results(dir.path(), &arguments);
    let shape: Vec<_> =
        results.iter().map(|r| (r["query"].as_str(), r["batch_rows"].as_u64())).collect();
    let (q1, q5) = (Some("q1"), Some("q5"));
    assert_eq!(shape, [(q1, Some(64)), (q5, Some(64)), (q1, Some(512)), (q5, Some(512))]);
    for r in &results {
        for field in ["events_per_s_cpu", "events_per_s_wall", "ratio_to_limit", "state_bytes"] {
            assert!(r[field].as_f64().unwrap() > 0.0, "{field}: {r}");
        }
        assert_eq!((r["events"].as_u64(), r["checked"].as_str()), (Some(3000), Some("limit")));
        assert!(r["latency_us"].is_null());
        let spread = &r["cpu_ns_per_event"];
        assert!(spread["min"].as_f64() <= spread["median"].as_f64());
        assert!(spread["median"].as_f64() <= spread["max"].as_f64());
        if cfg!(target_os = "linux") {
            assert!(r["peak_bytes"].is_u64(), "{r}");
        }
    }
    // About half the prices are above 50.
    assert!((1_400..1_600).contains(&results[0]["rows_out"].as_u64().unwrap()));
    let svg = svg(dir.path());
    for text in ["Throughput", "rows per send", ">64<", ">512<", ">q5<", ">q1 by hand<"] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    assert!(!svg.contains("Latency"));
}

#[test]
fn disorder_is_put_in_order_by_a_watermark() {
    let dir = TempDir::new().unwrap();
    let arguments = [&["--query", "q3,q7", "--batch-rows", "100", "--limit"][..], &SMALL].concat();
    let ordered = results(dir.path(), &arguments);
    let late = results(dir.path(), &[&arguments[..], &["--disorder", "30"]].concat());
    // What is put out differs where rows of one millisecond changed places; how much doesn't.
    for (a, b) in ordered.iter().zip(&late) {
        assert_eq!(a["rows_out"], b["rows_out"]);
        assert_eq!(b["checked"], "limit");
    }
}

#[test]
fn latencies_are_those_of_an_open_loop() {
    let dir = TempDir::new().unwrap();
    let arguments =
        [&["--query", "q2", "--batch-rows", "1", "--rate", "100000"][..], &SMALL].concat();
    let results = results(dir.path(), &arguments);
    let latency = &results[0]["latency_us"];
    let at = |q: &str| latency[q].as_f64().unwrap();
    assert!(at("p50") > 0.0 && at("p50") <= at("p99") && at("p99") <= at("p999"));
    assert!(at("p999") <= at("max"));
    assert_eq!(results[0]["events"], 6000);
    assert_eq!(results[0]["rows_out"], 6000);
    let svg = svg(dir.path());
    assert!(svg.contains("Latency") && svg.contains(">q2, 1 a send, 100k/s<"), "{svg}");
    assert!(svg.contains(">99 %<") && !svg.contains("Throughput"), "{svg}");
}

/// Two streams, one that no workload fits, and an output that something else reads.
const APP: &str = "
    define stream Prices (symbol string, price float, volume int);
    define stream Logins (user string, ok bool);
    define stream Limits (symbol string, most double);
    @sink(type='log') define stream High (symbol string, price float);
    from Prices[price > 90f] select symbol, price insert into High;
    from every h=High, g=High[symbol == h.symbol] select g.symbol, g.price insert into Twice;
    from Logins#window.length(5) select user, count() as n group by user insert into Counts;
    from Limits select * insert into Unused;
";

fn with_app() -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("app.siddhi"), APP).unwrap();
    dir
}

#[test]
fn an_application_gets_the_workloads_that_fit_it() {
    let dir = with_app();
    let arguments = [&["--app", "app.siddhi", "--batch-rows", "1,64"][..], &SMALL].concat();
    let all = results(dir.path(), &arguments);
    assert_eq!(all.len(), 2);
    for r in &all {
        assert_eq!((r["query"].as_str(), r["checked"].as_str()), (Some("app"), Some("batches")));
        // Every second event is a login, which is counted; a tenth of the prices is high.
        assert_eq!(r["events"], 3000);
        assert!((1_600..1_800).contains(&r["rows_out"].as_u64().unwrap()), "{r}");
        assert_eq!(r["rows_out"], all[0]["rows_out"]);
    }
    let ticks = [&arguments[..], &["--workload", "Prices=ticks"]].concat();
    let ticks = results(dir.path(), &ticks);
    assert!((250..450).contains(&ticks[0]["rows_out"].as_u64().unwrap()), "{}", ticks[0]);
    // Disorder moves prices, not their number: what passes the filter is the same.
    let late = [&arguments[..], &["--workload", "ticks", "--disorder", "50"]].concat();
    let late = results(dir.path(), &late);
    assert_eq!(late[0]["rows_out"], late[1]["rows_out"]);
    let open = [&arguments[..], &["--rate", "200000"]].concat();
    let open = results(dir.path(), &open);
    assert_eq!(open[0]["rows_out"].as_u64(), all[0]["rows_out"].as_u64().map(|n| n * 2));
}

#[test]
fn an_application_gets_rows_of_files() {
    let dir = with_app();
    let rows = "at,symbol,price,volume\n5,a,95.5,1\n1,b,91,2\n7,a,90,3\n9,b,99,x\n";
    std::fs::write(dir.path().join("p.csv"), rows).unwrap();
    std::fs::write(dir.path().join("l.csv"), "t,user,ok\n6,ann,true\n").unwrap();
    let arguments = ["--app", "app.siddhi", "--input", "Prices=p.csv", "--time", "Prices=at"];
    let arguments = [&arguments[..], &["--input", "Logins=l.csv", "--time", "Logins=t"]].concat();
    let all = results(dir.path(), &arguments);
    assert_eq!(all.len(), 3);
    // Two high prices (not of one symbol) and a count; the last price can't be read.
    assert!(all.iter().all(|r| r["events"] == 4 && r["rows_out"] == 3), "{all:?}");
    let (_, _, err) = bench(dir.path(), &arguments);
    assert!(err.contains("1 rows of `p.csv` can't be read"), "{err}");
}

#[test]
fn queries_are_shown_as_applications_that_run() {
    let dir = TempDir::new().unwrap();
    let (code, all, _) = bench(dir.path(), &["--show"]);
    assert_eq!((code, all.matches("@app:playback").count()), (0, 8));
    let (_, q2, _) = bench(dir.path(), &["--show", "--query", "q2"]);
    assert!(all.contains(&q2) && q2.contains("#window.length(1000)"), "{q2}");
    std::fs::write(dir.path().join("q2.siddhi"), q2).unwrap();
    let results = results(dir.path(), &[&["--app", "q2.siddhi"][..], &SMALL].concat());
    assert!(results.iter().all(|r| r["rows_out"] == 3000), "{results:?}");
}

#[test]
fn mistakes_are_told() {
    let dir = with_app();
    std::fs::write(dir.path().join("wrong.siddhi"), "from S selct * insert into Out;").unwrap();
    std::fs::write(
        dir.path().join("unfit.siddhi"),
        "define stream S (cards string); from S insert into O;",
    )
    .unwrap();
    std::fs::write(dir.path().join("p.csv"), "symbol,price,volume\n").unwrap();
    let app = |more: &[&'static str]| [&["--app", "app.siddhi"][..], more].concat();
    for (arguments, code, said) in [
        (vec!["--query", "q9"], 2, "there is no query `q9`; did you mean `q"),
        (vec!["--batch-rows", "0"], 2, "--batch-rows"),
        (vec!["--disorder", "5", "--rate", "9"], 2, "results wait for the watermark"),
        (vec!["--rate=-1"], 2, "--rate"),
        (vec!["--app", "none.siddhi"], 3, "none.siddhi"),
        (vec!["--app", "wrong.siddhi"], 1, "wrong.siddhi:1:8"),
        (vec!["--app", "unfit.siddhi"], 2, "no column `cards`"),
        (app(&["--query", "q1"]), 2, "cannot be used with"),
        (app(&["--limit"]), 2, "cannot be used with"),
        (app(&["--workload", "tick"]), 2, "did you mean `ticks`?"),
        (app(&["--workload", "Price=ticks"]), 2, "did you mean `Prices`?"),
        (app(&["--workload", "Prices=logins"]), 2, "has no column `symbol`"),
        (app(&["--workload", "sensors"]), 2, "no workload fits a stream"),
        (app(&["--input", "Prices=p.csv"]), 2, "needs --time Prices=COLUMN"),
        (app(&["--input", "Prices=p.csv", "--time", "Prices=at"]), 2, "no column `at`"),
        (app(&["--input", "Prices=x.csv", "--time", "Prices=at"]), 3, "can't open `x.csv`"),
    ] {
        let (found, out, err) = bench(dir.path(), &arguments);
        assert_eq!((found, out.as_str()), (code, ""), "{arguments:?}: {err}");
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
}
