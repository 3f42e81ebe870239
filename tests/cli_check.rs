//! `check`, `fmt` and `explain` as processes: exit codes, standard input, what is written where.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

const GOOD: &str = "define stream S (a int);\n\nfrom S[a > 1]\nselect a\ninsert into Out;\n";
const UGLY: &str = "-- kept\ndefine stream S(a int);   from S[a>1] select a insert into Out;\n";
const WRONG: &str = "define stream S (a int);\nfrom S[b > 1] select a insert into O;\nfrom T select a insert into P;\n";
const BROKEN: &str = "define stream S (a int);\nform S select a insert into Out;\n";
const WARNED: &str =
    "define stream S (a int);\nfrom every e1=S<0:2> -> e2=S select e2.a insert into Out;\n";

const VARIABLE: &str = "define stream S (a int);\nfrom S[a > ${LIMIT}] select a insert into Out;\n";

#[test]
fn variables_are_set_on_the_command_line() {
    for (args, code, told) in [
        (vec!["check", "-", "--set", "LIMIT=5"], 0, ""),
        (vec!["check", "-", "--set", "LIMIT='x'"], 1, ">"),
        (vec!["check", "-"], 1, "LIMIT"),
        (vec!["check", "-", "--set", "LIMIT"], 2, "NAME=VALUE"),
        (vec!["check", "-", "--set", "a b=1"], 2, "no name"),
    ] {
        let run = foreshock(&args, VARIABLE.as_bytes());
        assert_eq!(run.code, code, "{args:?}: {}", run.err);
        assert!(run.err.contains(told), "{args:?}: {}", run.err);
    }
    // The last one counts.
    let run =
        foreshock(&["explain", "-", "--set", "LIMIT=5", "--set", "LIMIT=6"], VARIABLE.as_bytes());
    assert!(run.out.contains("a > 6"), "{}", run.out);
}

#[test]
fn what_can_be_called_is_told() {
    let all = foreshock(&["functions"], b"");
    assert!(all.out.contains("function    str:concat(") && all.out.contains("window      length("));
    let one = foreshock(&["functions", "str:concat"], b"");
    assert!(
        one.out.contains("nulls are skipped") && one.out.contains("define stream"),
        "{}",
        one.out
    );
    let part = foreshock(&["functions", "unique:"], b"");
    assert!(part.out.contains("unique:ever(") && !part.out.contains("str:"), "{}", part.out);
    let none = foreshock(&["functions", "str:concta"], b"");
    assert_eq!(none.code, 2);
    assert!(none.err.contains("did you mean `str:concat`?"), "{}", none.err);
    let docs = foreshock(&["docs"], b"");
    assert!(docs.out.starts_with("# Reference") && docs.out.contains("### `sum("));
}

/// What a run of the binary gave.
struct Run {
    code: i32,
    out: String,
    err: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshock"));
    command.args(args).env_remove("NO_COLOR");
    command
}

fn foreshock(args: &[&str], stdin: &[u8]) -> Run {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A process that doesn't read its input closes it: that is no failure of the test.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin);
    let done = child.wait_with_output().expect("it ends");
    Run {
        code: done.status.code().expect("it wasn't killed"),
        out: String::from_utf8(done.stdout).expect("text"),
        err: String::from_utf8(done.stderr).expect("text"),
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path of text").to_string()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).expect("a file")
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("the folder");
        let name = |e: std::io::Result<std::fs::DirEntry>| e.expect("an entry").file_name();
        let mut names: Vec<String> =
            entries.map(|e| name(e).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn check_accepts_a_right_application_in_silence() {
    let folder = Folder::new();
    let run = foreshock(&["check", &folder.file("good.siddhi", GOOD)], b"");
    assert_eq!((run.code, run.out.as_str()), (0, ""));
    assert_eq!(run.err, "checked 1 application: no errors, no warnings\n");
}

#[test]
fn check_shows_all_findings_with_their_places() {
    let folder = Folder::new();
    let wrong = folder.file("wrong.siddhi", WRONG);
    let run = foreshock(&["check", &wrong], b"");
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains(&format!("--> {wrong}:2:8")), "{}", run.err);
    assert!(run.err.contains(&format!("--> {wrong}:3:6")), "{}", run.err);
    assert!(run.err.ends_with("checked 1 application: 2 errors, no warnings\n"), "{}", run.err);
    assert!(!run.err.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn check_takes_several_applications_and_the_worst_counts() {
    let folder = Folder::new();
    let good = folder.file("good.siddhi", GOOD);
    let wrong = folder.file("wrong.siddhi", WRONG);
    let broken = folder.file("broken.siddhi", BROKEN);
    let run = foreshock(&["check", &wrong, &good, &broken], b"");
    assert_eq!(run.code, 1);
    assert!(run.err.contains("help: did you mean `from`?"), "{}", run.err);
    assert!(run.err.contains("checked 3 applications: 3 errors, no warnings"), "{}", run.err);
    let run = foreshock(&["check", &wrong, "no/such.siddhi"], b"");
    assert_eq!(run.code, 3);
    assert!(run.err.contains("foreshock: no/such.siddhi: "), "{}", run.err);
    assert!(run.err.contains("2 errors"), "the readable one was checked: {}", run.err);
}

#[test]
fn warnings_are_shown_and_refuse_only_on_demand() {
    let folder = Folder::new();
    let warned = folder.file("warned.siddhi", WARNED);
    let run = foreshock(&["check", &warned], b"");
    assert_eq!(run.code, 0);
    assert!(run.err.contains("warning"), "{}", run.err);
    assert!(run.err.contains("no errors, 1 warning"), "{}", run.err);
    assert_eq!(foreshock(&["check", "--deny-warnings", &warned], b"").code, 1);
}

#[test]
fn check_reads_standard_input() {
    let run = foreshock(&["check", "-"], WRONG.as_bytes());
    assert_eq!(run.code, 1);
    assert!(run.err.contains("--> <stdin>:2:8"), "{}", run.err);
    assert_eq!(foreshock(&["check", "-"], GOOD.as_bytes()).code, 0);
    assert_eq!(foreshock(&["check", "-"], b"").code, 0, "an empty application does nothing");
}

#[test]
fn check_gives_json_to_editors() {
    let run = foreshock(&["check", "--format", "json", "-"], WRONG.as_bytes());
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    let found: Json = serde_json::from_str(&run.out).expect("JSON");
    let found = found.as_array().expect("a list");
    assert_eq!(found.len(), 2);
    let first = &found[0];
    assert_eq!(
        (first["file"].as_str(), first["severity"].as_str()),
        (Some("<stdin>"), Some("error"))
    );
    assert_eq!((first["code"].as_str(), first["line"].as_u64()), (Some("name"), Some(2)));
    assert_eq!((first["column"].as_u64(), first["end_column"].as_u64()), (Some(8), Some(9)));
    let run = foreshock(&["check", "--format", "json", "-"], GOOD.as_bytes());
    assert_eq!((run.code, run.out.as_str()), (0, "[]\n"));
}

#[test]
fn text_that_is_not_utf8_is_refused_by_its_place() {
    let folder = Folder::new();
    let path = folder.file("latin.siddhi", b"define stream S (a int);\n-- caf\xe9\n");
    for args in [vec!["check"], vec!["fmt"], vec!["fmt", "--check"], vec!["explain"]] {
        let run = foreshock(&[args.as_slice(), &[path.as_str()]].concat(), b"");
        assert_eq!(run.code, 3, "{args:?}");
        let message = format!("foreshock: {path}:2:7: this is not UTF-8 text (byte 0xe9)\n");
        assert!(run.err.starts_with(&message), "{}", run.err);
    }
    assert_eq!(foreshock(&["check", "-"], b"\xff\xfe").code, 3);
}

#[test]
fn wrong_usage_exits_with_2() {
    for args in [&["check"][..], &["fmt"], &["explain"], &["explain", "--format", "svg", "-"]] {
        assert_eq!(foreshock(args, b"").code, 2, "{args:?}");
    }
}

#[test]
fn fmt_writes_in_place_and_once_is_enough() {
    let folder = Folder::new();
    let path = folder.file("app.siddhi", UGLY);
    let run = foreshock(&["fmt", &path], b"");
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "", ""));
    let once = folder.read("app.siddhi");
    assert_eq!(once, format!("-- kept\n{GOOD}"));
    assert_eq!(foreshock(&["fmt", &path], b"").code, 0);
    assert_eq!(folder.read("app.siddhi"), once);
    assert_eq!(foreshock(&["fmt", "--check", &path], b"").code, 0);
    assert_eq!(folder.names(), ["app.siddhi"], "nothing else is left behind");
}

#[test]
fn fmt_check_tells_the_first_difference_and_changes_nothing() {
    let folder = Folder::new();
    let path = folder.file("app.siddhi", UGLY);
    let run = foreshock(&["fmt", "--check", &path], b"");
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    let expected = format!(
        "{path}:2: not in canonical form\n\
         - define stream S(a int);   from S[a>1] select a insert into Out;\n\
         + define stream S (a int);\n\
         +\n\
         + from S[a > 1]\n\
         + select a\n\
         + insert into Out;\n"
    );
    assert_eq!(run.out, expected);
    assert_eq!(folder.read("app.siddhi"), UGLY);
    let trailing = GOOD.replace("select a\n", "select a \t\r\n");
    let run = foreshock(&["fmt", "--check", "-"], trailing.as_bytes());
    assert_eq!(run.code, 1);
    assert!(
        run.out.contains("<stdin>:4: ") && run.out.contains("- select a·\\t\\r\n"),
        "{}",
        run.out
    );
}

#[test]
fn fmt_formats_standard_input_to_standard_output() {
    let run = foreshock(&["fmt", "-"], UGLY.as_bytes());
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(run.out, format!("-- kept\n{GOOD}"));
    let again = foreshock(&["fmt", "-"], run.out.as_bytes());
    assert_eq!(again.out, run.out);
}

#[test]
fn fmt_leaves_a_text_with_syntax_errors_alone() {
    let folder = Folder::new();
    let broken = folder.file("broken.siddhi", BROKEN);
    let ugly = folder.file("ugly.siddhi", UGLY);
    let run = foreshock(&["fmt", &broken, &ugly], b"");
    assert_eq!(run.code, 1);
    assert!(run.err.contains(&format!("--> {broken}:2:1")), "{}", run.err);
    assert_eq!(folder.read("broken.siddhi"), BROKEN);
    assert_ne!(folder.read("ugly.siddhi"), UGLY, "the others are formatted");
    let run = foreshock(&["fmt", "-"], BROKEN.as_bytes());
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    // What is wrong only in meaning can be formatted.
    assert_eq!(foreshock(&["fmt", "-"], WRONG.as_bytes()).code, 0);
}

#[cfg(unix)]
#[test]
fn fmt_keeps_links_and_permissions_and_obeys_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let target = folder.file("target.siddhi", UGLY);
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).expect("a mode");
    let link = folder.0.path().join("link.siddhi");
    std::os::unix::fs::symlink("target.siddhi", &link).expect("a link");
    assert_eq!(foreshock(&["fmt", link.to_str().expect("text")], b"").code, 0);
    assert!(link.symlink_metadata().expect("it is there").is_symlink());
    assert_eq!(folder.read("target.siddhi"), format!("-- kept\n{GOOD}"));
    let mode = std::fs::metadata(&target).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let fixed = folder.file("fixed.siddhi", UGLY);
    std::fs::set_permissions(&fixed, std::fs::Permissions::from_mode(0o440)).expect("a mode");
    let run = foreshock(&["fmt", &fixed], b"");
    assert_eq!(run.code, 3);
    assert!(run.err.starts_with(&format!("foreshock: {fixed}: ")), "{}", run.err);
    assert_eq!(folder.read("fixed.siddhi"), UGLY);
}

#[test]
fn explain_tells_text_dot_and_json() {
    let run = foreshock(&["explain", "-"], GOOD.as_bytes());
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(run.out.contains("query query_1: S -> Out"), "{}", run.out);
    let run = foreshock(&["explain", "--format", "dot", "-"], GOOD.as_bytes());
    assert!(run.code == 0 && run.out.starts_with("digraph foreshock {\n"), "{}", run.out);
    let run = foreshock(&["explain", "--format", "json", "-"], GOOD.as_bytes());
    let json: Json = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(json["queries"][0]["into"], "Out");
    let run = foreshock(&["explain", "-"], WRONG.as_bytes());
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("<stdin>:2:8"), "{}", run.err);
    let run = foreshock(&["explain", "-"], WARNED.as_bytes());
    assert!(run.code == 0 && run.err.contains("warning") && !run.out.is_empty());
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let mut child = command(&["explain", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    child.stdin.take().expect("a pipe").write_all(GOOD.as_bytes()).expect("it reads");
    let done = child.wait_with_output().expect("it ends");
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
}

/// Formats every application of the corpus that parses, in files, and finds nothing more to do.
#[test]
fn fmt_settles_every_application_of_the_corpus() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let dir = std::env::var_os("FORESHOCK_CONFORMANCE").map_or(default, PathBuf::from);
    if !dir.is_dir() {
        println!("SKIPPED: there is no corpus at {}", dir.display());
        return;
    }
    let mut cases = Vec::new();
    json_files(&dir, &mut cases);
    cases.sort();
    let folder = Folder::new();
    let mut files = Vec::new();
    for case in &cases {
        let json: Json =
            serde_json::from_slice(&std::fs::read(case).expect("a file")).expect("JSON");
        let Some(app) = json["app"].as_str() else { continue };
        if !foreshock::lang::parse_app(app).has_errors() {
            files.push(folder.file(&format!("{}.siddhi", files.len()), app));
        }
    }
    assert!(files.len() > 1700, "the corpus is smaller than it should be");
    for some in files.chunks(300) {
        let args = |first: &[&'static str]| -> Vec<String> {
            first.iter().map(|s| s.to_string()).chain(some.iter().cloned()).collect()
        };
        for first in [&["fmt"][..], &["fmt", "--check"]] {
            let args = args(first);
            let run = foreshock(&args.iter().map(String::as_str).collect::<Vec<_>>(), b"");
            assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "", ""), "{first:?}");
        }
    }
    println!("{} applications formatted", files.len());
}

fn json_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "json") {
            found.push(path);
        }
    }
}
