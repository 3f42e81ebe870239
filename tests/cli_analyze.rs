//! `foreshock explain --analyze`: what passed each operator, whatever the number of shards.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::process::{Command, Output};

const APP: &str = "
    @app:playback
    define stream S (ts long, name string, n int);
    @info(name='large') from S[n > 2] select name, n insert into Large;
    partition with (name of S) begin
        @info(name='means') from S#window.length(2) select name, avg(n) as mean insert into Means;
    end;";

fn analyze(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshock"));
    let args = ["explain", "app.siddhi", "--analyze", "--time", "S=ts", "--format", "json"];
    command.current_dir(folder).args(args).args(more).output().unwrap()
}

#[test]
fn rows_are_counted_where_they_pass() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("app.siddhi", APP);
    write("s.csv", "ts,name,n\n1,a,1\n2,b,2\n3,a,3\n4,b,4\n5,a,5\n");
    for shards in ["1", "2"] {
        let run = analyze(folder.path(), &["--input", "S=s.csv", "--shards", shards]);
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let told: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        let queries = told["analysis"]["queries"].as_array().unwrap();
        let rows = |query: &str, end: &str| {
            let found = queries.iter().find(|q| q["name"] == query).unwrap();
            let operators = found["operators"].as_array().unwrap();
            match end {
                "in" => operators.first().unwrap()["rows_in"].as_u64(),
                _ => operators.last().unwrap()["rows_out"].as_u64(),
            }
        };
        assert_eq!((rows("large", "in"), rows("large", "out")), (Some(5), Some(3)));
        assert_eq!((rows("means", "in"), rows("means", "out")), (Some(5), Some(5)));
    }
}

#[test]
fn without_an_input_that_exists_it_fails() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.siddhi"), APP).unwrap();
    let run = analyze(folder.path(), &["--input", "S=missing.csv"]);
    assert_eq!(run.status.code(), Some(3));
    assert!(run.stdout.is_empty() && String::from_utf8_lossy(&run.stderr).contains("missing.csv"));
}
