//! `foreshock run` as a process: files, pipes, exit codes, what is said where.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A directory with files of these names and texts.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshock"));
    command.arg("run").args(arguments).current_dir(directory).env_remove("NOT_SET_ANYWHERE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Exit code, standard output and standard error.
fn outcome(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn run(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    outcome(command(directory, arguments).output().unwrap())
}

fn piped(directory: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = command(directory, arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    outcome(child.wait_with_output().unwrap())
}

fn read(directory: &Path, name: &str) -> String {
    std::fs::read_to_string(directory.join(name)).unwrap()
}

const QUAKES: &str = "\
time,place,mag
2019-07-06T03:19:53.040Z,\"Ridgecrest, CA\",7.1
2019-07-06T03:20:00.000Z,Searles,2.5
2019-07-06T03:22:35.630Z,Ridgecrest,5.5
";

const ALERTS: &str = "
    @source(type='file', path='quakes.csv', time='time')
    define stream Quakes (place string, mag double);
    @info(name='strong') from Quakes[mag >= 5.0] select place, mag insert into Alerts;
";

#[test]
fn alerts_are_printed_and_totals_told() {
    let dir = directory(&[("quakes.csv", QUAKES), ("alerts.siddhi", ALERTS)]);
    let (code, out, err) = run(dir.path(), &["alerts.siddhi"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        out,
        "2019-07-06T03:19:53.040Z Alerts place=\"Ridgecrest, CA\" mag=7.1\n\
         2019-07-06T03:22:35.630Z Alerts place=Ridgecrest mag=5.5\n"
    );
    assert!(err.starts_with("foreshock: 3 rows in, 2 events out, "), "{err}");
    let (code, quiet, err) = run(dir.path(), &["alerts.siddhi", "--quiet"]);
    assert_eq!((code, quiet, err.as_str()), (0, out, ""));
}

#[test]
fn paths_in_the_application_are_relative_to_it_and_variables_are_replaced() {
    let app = ALERTS.replace("quakes.csv", "${QUAKES_OF}.csv")
        + "@sink(type='file', path='out.json') define stream Alerts (place string, mag double);";
    let dir = directory(&[("quakes.csv", QUAKES), ("alerts.siddhi", &app)]);
    let elsewhere = directory(&[]);
    let path = dir.path().join("alerts.siddhi");
    let run = |variable: &str| {
        let mut command = command(elsewhere.path(), &[path.to_str().unwrap(), "-q"]);
        outcome(command.env(variable, "quakes").output().unwrap())
    };
    assert_eq!(run("QUAKES_OF"), (0, String::new(), String::new()));
    let expected =
        "{\"place\":\"Ridgecrest, CA\",\"mag\":7.1}\n{\"place\":\"Ridgecrest\",\"mag\":5.5}\n";
    assert_eq!(read(dir.path(), "out.json"), expected);
    let (code, _, err) = run("NOT_QUAKES_OF");
    assert_eq!(code, 1);
    assert!(err.contains("no value is known for `${QUAKES_OF}`"), "{err}");
    assert!(err.contains("alerts.siddhi:2:32"), "{err}");
    assert!(err.contains("^^^^^^^^^^^^"), "{err}");
}

/// Copies a stream through.
const COPY: &str = "
    define stream In (t long, name string, price double, n int, ok bool);
    from In select * insert into Out;
";

const ROWS: &str = "\
t,name,price,n,ok
1,\"a, \"\"b\"\"\",0.1,-1,true
2,,,,
3,äöü,10000000.0,2147483647,false
";

#[test]
fn every_format_goes_in_and_out() {
    let dir = directory(&[("copy.siddhi", COPY), ("0.csv", ROWS)]);
    let names = ["0.csv", "1.jsonl", "2.arrow", "3.arrows", "4.parquet", "5.tsv", "6.csv"];
    for pair in names.windows(2) {
        let (input, output) = (format!("In={}", pair[0]), format!("Out={}", pair[1]));
        let arguments =
            ["copy.siddhi", "--input", &input, "--output", &output, "--time", "In=t", "-q"];
        assert_eq!(run(dir.path(), &arguments), (0, String::new(), String::new()), "{pair:?}");
    }
    assert_eq!(read(dir.path(), "6.csv"), ROWS);
    assert_eq!(
        read(dir.path(), "1.jsonl").lines().next(),
        Some("{\"t\":1,\"name\":\"a, \\\"b\\\"\",\"price\":0.1,\"n\":-1,\"ok\":true}")
    );
}

#[test]
fn standard_input_to_standard_output() {
    let dir = directory(&[("copy.siddhi", COPY)]);
    let arguments = |format| {
        let fixed = ["copy.siddhi", "--input", "In=-", "--output", "Out=-", "-q"];
        fixed.into_iter().chain(["--format", format]).collect::<Vec<_>>()
    };
    assert_eq!(piped(dir.path(), &arguments("csv"), ROWS), (0, ROWS.into(), String::new()));
    let json = "{\"t\":1,\"name\":\"x\",\"price\":1.5,\"n\":null,\"ok\":true}\n";
    assert_eq!(piped(dir.path(), &arguments("json"), json), (0, json.into(), String::new()));
}

/// A live run: a line in, its results out, before the next line goes in.
struct Live {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Live {
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut child = command(directory, arguments).stdin(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn send(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }
}

#[test]
fn rows_of_a_pipe_give_results_as_they_arrive() {
    let dir = directory(&[("copy.siddhi", COPY)]);
    for output in [&["--output", "Out=-"][..], &[]] {
        let mut arguments = vec!["copy.siddhi", "--input", "In=-", "--format", "csv", "-q"];
        arguments.extend(output);
        let mut live = Live::start(dir.path(), &arguments);
        live.send("t,name,price,n,ok\n1,a,1.5,1,true\n");
        if !output.is_empty() {
            assert_eq!(live.line(), "t,name,price,n,ok\n");
        }
        // The read would block forever if the row waited for others.
        assert!(live.line().contains('a'));
        live.send("2,bcd,1.5,1,true\n3,e");
        assert!(live.line().contains("bcd"));
        live.send("fg,1.5,1,true\n");
        assert!(live.line().contains("efg"));
        drop(live.child.stdin.take());
        assert_eq!(live.line(), "");
        assert!(live.child.wait().unwrap().success());
    }
}

#[test]
fn bad_rows_are_shown_with_line_and_text_and_go_to_the_fault_stream() {
    let app = "@OnError(action='STREAM') define stream In (t long, n int);
        from In select t, n insert into Good;
        from !In select t, n, convert(_error, 'string') as why insert into Bad;";
    let text = "t,n\n1,1\nsoon,2\n3,many\n4,4\n";
    let dir = directory(&[("app.siddhi", app), ("in.csv", text)]);
    let arguments = ["app.siddhi", "--input", "In=in.csv", "--time", "In=t"];
    let (code, out, err) = run(dir.path(), &arguments);
    assert_eq!(code, 0);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 4, "{out}");
    assert_eq!(lines[0], "1970-01-01T00:00:00.001Z Good t=1 n=1");
    for (line, number, text) in [(lines[1], "line 3: ", "soon,2"), (lines[2], "line 4: ", "3,many")]
    {
        assert!(line.starts_with("1970-01-01T00:00:00.001Z Bad t=null n=null why="), "{out}");
        assert!(line.contains(number) && line.contains(text), "{out}");
    }
    assert_eq!(lines[3], "1970-01-01T00:00:00.004Z Good t=4 n=4");
    let shown: Vec<&str> = err.lines().collect();
    assert!(shown[0].starts_with("in.csv:3: ") && shown[0].ends_with("soon,2"), "{err}");
    assert!(shown[1].starts_with("in.csv:4: ") && shown[1].ends_with("3,many"), "{err}");
    assert!(shown[2].contains("2 rows in, 4 events out, 2 rows could not be read"), "{err}");
}

#[test]
fn many_bad_rows_are_counted() {
    let text = format!("t,n\n{}", "x,1\n".repeat(25));
    let app = "define stream In (t long, n int); from In select n insert into Out;";
    let dir = directory(&[("app.siddhi", app), ("in.csv", &text)]);
    let (code, out, err) = run(dir.path(), &["app.siddhi", "--input", "In=in.csv", "-q"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert_eq!(err.lines().count(), 11, "{err}");
    assert!(err.ends_with("in.csv: 15 more rows could not be read\n"), "{err}");
}

const TWO: &str = "
    @app:playback
    @source(type='file', path='a.csv', time='t') define stream A (t long, x string);
    @source(type='file', path='b.jsonl', time='t') define stream B (t long, x string);
    from A select t, x insert into Out; from B select t, x insert into Out;
    from every e1=A -> e2=B[x == e1.x] within 3 milliseconds
    select e1.t as a, e2.t as b insert into Pairs;
    from Out#window.timeBatch(4 milliseconds) select count() as n insert into Counts;
";

#[test]
fn two_files_are_merged_by_time_alike_in_any_batches() {
    let a = "t,x\n1,p\n4,q\n4,r\n9,p\n";
    let b = "{\"t\":1,\"x\":\"q\"}\n{\"t\":4,\"x\":\"p\"}\n{\"t\":4,\"x\":\"q\"}\n{\"t\":20,\"x\":\"p\"}\n";
    let dir = directory(&[("two.siddhi", TWO), ("a.csv", a), ("b.jsonl", b)]);
    let arguments =
        |rows| ["two.siddhi", "-q", "--output", "Out=-", "--format", "csv", "--batch-rows", rows];
    let (code, out, err) = run(dir.path(), &arguments("1"));
    assert_eq!((code, err.as_str()), (0, ""));
    // Ties go to the stream that is defined first.
    assert_eq!(out, "t,x\n1,p\n1,q\n4,q\n4,r\n4,p\n4,q\n9,p\n20,p\n");
    let printed = run(dir.path(), &["two.siddhi", "-q", "--batch-rows", "1"]);
    assert!(
        printed.1.contains("Pairs a=1 b=4") && printed.1.contains("Pairs a=4 b=4"),
        "{printed:?}"
    );
    let app = TWO.replace("from Out#", "from Out#log('x')#")
        + "@sink(type='log') define stream Out (t long, x string);
           @sink(type='log', priority='warn') define stream Pairs (a long, b long);";
    std::fs::write(dir.path().join("logged.siddhi"), app).unwrap();
    let logged = run(dir.path(), &["logged.siddhi", "-q", "--batch-rows", "1"]);
    assert_eq!((logged.0, logged.1.lines().count()), (0, 18), "{logged:?}");
    for rows in ["2", "7", "8192"] {
        assert_eq!(run(dir.path(), &arguments(rows)).1, out, "{rows}");
        let again = run(dir.path(), &["two.siddhi", "-q", "--batch-rows", rows]);
        assert_eq!(again, printed, "{rows}");
        let again = run(dir.path(), &["logged.siddhi", "-q", "--batch-rows", rows]);
        assert_eq!(again, logged, "{rows}");
    }
}

#[test]
fn rows_out_of_order_are_processed_and_told_of() {
    let app = "define stream In (t long); from In select t insert into Out;";
    let dir = directory(&[("app.siddhi", app), ("in.csv", "t\n5\n9000\n7000\n8999\n9001\n")]);
    let arguments =
        ["app.siddhi", "--input", "In=in.csv", "--time", "In=t", "--output", "Out=out.csv"];
    let (code, _, err) = run(dir.path(), &arguments);
    assert_eq!(code, 0);
    assert_eq!(read(dir.path(), "out.csv"), "t\n5\n9000\n7000\n8999\n9001\n");
    assert!(err.contains("in.csv: 2 rows of `In` came out of order, by up to 2.00 s"), "{err}");
}

#[test]
fn log_sinks_and_statistics() {
    let app = "@app:name('L') define stream In (t long);
        @sink(type='log') define stream Out (t long);
        @info(name='q') from In select t insert into Out; from In select t insert into Unread;";
    let dir = directory(&[("app.siddhi", app), ("in.csv", "t\n5\n6\n")]);
    let arguments = ["app.siddhi", "--input", "In=in.csv", "--time", "In=t"];
    let (code, out, _) = run(dir.path(), &arguments);
    assert_eq!(code, 0);
    let line = |t| format!("L : Out : Event{{timestamp={t}, data=[{t}], isExpired=false}}\n");
    assert_eq!(out, line(5) + &line(6));
    // Rows on standard output: the log keeps out of them.
    let with = [&arguments[..], &["--output", "Unread=-", "--format", "csv", "--stats"]].concat();
    let (code, out, err) = run(dir.path(), &with);
    assert_eq!((code, out.as_str()), (0, "t\n5\n6\n"));
    assert!(err.contains(&line(6)), "{err}");
    let says = |parts: &[&str]| err.lines().any(|l| parts.iter().all(|p| l.contains(p)));
    for parts in [
        &["source", "In", "2 rows", "in.csv"][..],
        &["stream", "Out", "2 events"],
        &["query", "q", "2 in", "2 out"],
        &["sink", "Unread", "2 events", "stdout"],
        &["steps", "p99"],
        &["total", "rows/s"],
        &["L: 2 rows in, 4 events out"],
    ] {
        assert!(says(parts), "{parts:?}: {err}");
    }
}

#[test]
fn wrong_applications_exit_with_1() {
    let good = "define stream S (a int); from S select a insert into T;";
    let dir = directory(&[("s.csv", "a\n1\n")]);
    for (app, message, place) in [
        (good.replace("select a", "select b"), "`b`", "app.siddhi:1:"),
        (format!("@source(type='fil') {good}"), "did you mean `file`?", "app.siddhi:1:9"),
        (
            format!("@source(type='file', path='s.csv', tme='a') {good}"),
            "source `file` has no option `tme`",
            "app.siddhi:1:36",
        ),
        (format!("@sink(type='kafka') {good}"), "not supported yet", "app.siddhi:1:7"),
        (
            format!("@app:playback @source(type='file', path='s.csv') {good}"),
            "which column holds it?",
            "app.siddhi:1:15",
        ),
    ] {
        std::fs::write(dir.path().join("app.siddhi"), &app).unwrap();
        let (code, out, err) = run(dir.path(), &["app.siddhi"]);
        assert_eq!((code, out.as_str()), (1, ""), "{app}: {err}");
        assert!(err.contains(message) && err.contains(place) && err.contains('^'), "{err}");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let app = "define stream S (a int); from S select a insert into Alerts;";
    let dir = directory(&[("app.siddhi", app), ("s.csv", "a,b\n1,2\n")]);
    let input = ["--input", "S=s.csv"];
    for (arguments, message) in [
        (&["--input", "s=s.csv"][..], "did you mean `S`?"),
        (&["--input", "S"], "STREAM=PATH"),
        (&["--input", "S=s.cvs"], "did you mean .csv?"),
        (&["--input", "S=-"], "--format"),
        (&["--input", "S=-", "--input", "Alerts=-", "--format", "csv"], "only one stream"),
        (&[input[0], input[1], "--time", "S=c"], "no column `c`"),
        (&[input[0], input[1], "--time", "X=a"], "there is no stream `X`"),
        (&[input[0], input[1], "--time", "Alerts=a"], "`Alerts` is not read from anywhere"),
        (&[input[0], input[1], "--output", "Alert=x.csv"], "did you mean `Alerts`?"),
        (&[input[0], input[1], "--output", "Alerts=x"], "the format of `x` can't be told"),
        (&[input[0], input[1], "--output", "Alerts=s.csv"], "can't be read and written at once"),
        (&[input[0], input[1], "--batch-rows", "0"], "--batch-rows"),
        (&[input[0], input[1], "--frob"], "--frob"),
        (&[], "nothing to read; try --input S=FILE"),
    ] {
        let arguments: Vec<&str> = ["app.siddhi"].iter().chain(arguments).copied().collect();
        let (code, out, err) = run(dir.path(), &arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(message), "{arguments:?}: {err}");
    }
    std::fs::write(dir.path().join("app.siddhi"), format!("@app:playback {app}")).unwrap();
    let (code, _, err) = run(dir.path(), &["app.siddhi", "--input", "S=s.csv"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("`S` is read in event time"), "{err}");
}

#[test]
fn unreadable_and_unwritable_files_exit_with_3() {
    let app = "define stream S (a int); from S select a insert into T;";
    let dir = directory(&[
        ("app.siddhi", app),
        ("s.csv", "b\n1\n"),
        ("t.csv", "a\n1\n"),
        ("x.parquet", "no"),
    ]);
    for (arguments, message) in [
        (&["app.siddhi", "--input", "S=none.csv"][..], "none.csv"),
        (&["app.siddhi", "--input", "S=s.csv"], "no column `a`"),
        (&["app.siddhi", "--input", "S=x.parquet"], "x.parquet"),
        (&["app.siddhi", "--input", "S=t.csv", "--output", "T=no/dir/x.csv"], "no/dir/x.csv"),
        (&["none.siddhi"], "none.siddhi"),
    ] {
        let (code, out, err) = run(dir.path(), arguments);
        assert_eq!((code, out.as_str()), (3, ""), "{arguments:?}: {err}");
        assert!(err.contains(message), "{arguments:?}: {err}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let app = "define stream In (t long); from In select t insert into Out;";
    let rows: String = (0..200_000).map(|n| format!("{n}\n")).collect();
    let dir = directory(&[("app.siddhi", app), ("in.csv", &format!("t\n{rows}"))]);
    for output in [&["--output", "Out=-", "--format", "csv"][..], &[]] {
        let arguments = [&["app.siddhi", "--input", "In=in.csv", "--time", "In=t"][..], output];
        let mut child = command(dir.path(), &arguments.concat()).spawn().unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let (code, _, err) = outcome(child.wait_with_output().unwrap());
        assert_eq!(code, 0, "{err}");
        assert!(!err.contains("roken pipe"), "{err}");
    }
}
