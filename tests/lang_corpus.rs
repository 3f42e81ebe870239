//! The recorded corpus of the real engine: what it parses we parse, what it refuses we refuse, and
//! every tree survives the formatter.

use std::path::{Path, PathBuf};

use foreshock::error::Severity;
use foreshock::lang::parse;
use serde_json::Value;

/// Recorded as refused by Siddhi's parser, yet right here.
const ACCEPTED: &[(&str, &str)] = &[
    ("managment/PlaybackTestCase.playbackTest10", "the value of an annotation is judged later"),
    ("managment/PlaybackTestCase.playbackTest9", "the value of an annotation is judged later"),
    (
        "aggregation/Aggregation1TestCase.incrementalStreamProcessorTest19",
        "an undefined name is found later",
    ),
    ("probes/order", "definitions may stand after queries"),
    ("query/table/DefineTableTestCase.testQuery8", "definitions may stand after queries"),
];

fn corpus() -> Option<PathBuf> {
    let dir = std::env::var_os("FORESHOCK_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance"),
        PathBuf::from,
    );
    if !dir.is_dir() {
        println!("SKIPPED: there is no corpus at {}", dir.display());
        return None;
    }
    Some(dir)
}

fn json_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "json") {
            found.push(path);
        }
    }
}

fn cases(dir: &Path) -> Vec<Value> {
    let mut files = Vec::new();
    json_files(dir, &mut files);
    files.sort();
    let parsed =
        files.iter().map(|f| serde_json::from_str::<Value>(&std::fs::read_to_string(f).unwrap()));
    parsed.map(Result::unwrap).filter(|c| c["app"].is_string()).collect()
}

/// Whether Siddhi's parser, not a later stage, refused the application.
fn refused_by_parser(case: &Value) -> bool {
    case["expect_error"]["class"].as_str().is_some_and(|c| c.ends_with("SiddhiParserException"))
}

fn errors(diagnostics: &[foreshock::error::Diagnostic]) -> Vec<String> {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    errors.map(|d| d.message.clone()).collect()
}

#[test]
fn every_application_parses_or_is_refused_as_recorded() {
    let Some(dir) = corpus() else { return };
    let mut wrong = Vec::new();
    let (mut parsed, mut refused) = (0, 0);
    for case in cases(&dir) {
        let id = case["id"].as_str().unwrap();
        let app = case["app"].as_str().unwrap();
        let result = parse::parse_app(app);
        let expected = refused_by_parser(&case) && !ACCEPTED.iter().any(|(a, _)| *a == id);
        match (expected, result.has_errors()) {
            (false, false) => parsed += 1,
            (true, true) => refused += 1,
            (false, true) => {
                wrong.push(format!("{id}: {:?}\n  {app}", errors(&result.diagnostics)))
            }
            (true, false) => wrong.push(format!("{id}: parsed, but Siddhi refused it\n  {app}")),
        }
    }
    println!("{parsed} parsed, {refused} refused");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(parsed > 1700 && refused > 5, "the corpus is smaller than it should be");
}
