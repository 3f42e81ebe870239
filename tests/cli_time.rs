//! Event time on the command line: files out of order, what is said of late rows, and the picture.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::process::{Command, Output};

fn foreshock(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshock"));
    command.current_dir(folder).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The first application of docs/time.md.
fn documented() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/time.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("```siddhi\n").unwrap();
    rest.split_once("```").unwrap().0.to_string()
}

#[test]
fn the_picture_in_the_documentation_is_what_the_tool_draws() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.siddhi"), documented()).unwrap();
    let run = foreshock(folder.path(), &["explain", "app.siddhi", "--timeline"]);
    assert!(run.status.success());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/time.svg");
    if std::env::var_os("FORESHOCK_BLESS").is_some() {
        std::fs::write(&path, &run.stdout).unwrap();
    }
    let drawn = text(&run.stdout);
    assert_eq!(drawn, std::fs::read_to_string(path).unwrap());
    assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"));
    // Every row has its place: thirteen dots (and one in the legend), but for the late one.
    assert_eq!(drawn.matches("r=\"5\"").count(), 13);
    assert_eq!(drawn.matches("r=\"6\"").count(), 12, "all but the late row are let through");
    std::fs::write(folder.path().join("plain.siddhi"), "define stream S (a int);").unwrap();
    let run = foreshock(folder.path(), &["explain", "plain.siddhi", "--timeline"]);
    assert!(!run.status.success() && text(&run.stderr).contains("no stream has `@watermark`"));
}

const APP: &str = "
    @source(type='file', path='a.csv')
    @watermark(attribute='ts', delay='10 millisec', late='stream')
    define stream A (ts long, n int);
    @source(type='file', path='b.csv', time='at')
    @watermark(delay='0 sec', late='drop')
    define stream B (n int);
    from A select n, 'A' as what insert into Out;
    from B select n, 'B' as what insert into Out;
    from !!A select n, _lateness, _reason insert into Late;";

#[test]
fn files_out_of_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("app.siddhi", APP);
    write("a.csv", "ts,n\n1000,1\n990,2\n1020,3\n1011,4\n1005,5\n,6\n1040,7\n");
    write("b.csv", "at,n\n1001,10\n1015,11\n1014,12\n1100,13\n");
    let mut all: Vec<(String, String)> = vec![];
    for batch_rows in ["1", "3", "8192"] {
        let rows = format!("--batch-rows={batch_rows}");
        let args = [
            "run",
            "app.siddhi",
            "--output=Out=out.csv",
            "--output=Late=late.csv",
            "--stats",
            &rows,
        ];
        let run = foreshock(folder.path(), &args);
        let said = text(&run.stderr);
        assert!(run.status.success(), "{said}");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        all.push((read("out.csv"), read("late.csv")));
        assert!(said.contains("A: 2 rows could not be put in order (1 late by up to"), "{said}");
        assert!(said.contains("1 without a time); they went to the late stream"), "{said}");
        assert!(!said.contains("B: "), "{said}");
        assert!(said.contains("0 of 1 inputs active"), "{said}");
    }
    // Time waits for A, so that the row of B that is out of order is in time.
    let out = "n,what\n2,A\n1,A\n10,B\n4,A\n12,B\n11,B\n3,A\n7,A\n13,B\n";
    assert_eq!(all[0].0, out);
    assert_eq!(all[0].1.lines().count(), 3);
    assert!(all[0].1.contains(",no time"));
    assert!(all.iter().all(|other| *other == all[0]), "{all:?}");
}

#[test]
fn every_source_needs_a_time() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.siddhi"), APP.replace(", time='at'", "")).unwrap();
    std::fs::write(folder.path().join("a.csv"), "ts,n\n").unwrap();
    std::fs::write(folder.path().join("b.csv"), "at,n\n").unwrap();
    let run = foreshock(folder.path(), &["run", "app.siddhi"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("which column holds it?"), "{}", text(&run.stderr));
}
