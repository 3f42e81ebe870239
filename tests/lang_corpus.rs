//! The recorded corpus of the real engine: what it parses we parse, what it refuses we refuse, and
//! every tree survives the formatter.

#![allow(clippy::unwrap_used)] // helpers of tests

#[path = "grammar/ebnf.rs"]
#[allow(dead_code, reason = "only its grammar is used here")]
mod ebnf;
#[path = "grammar/recognise.rs"]
mod recognise;

use std::path::{Path, PathBuf};

use ebnf::Grammar;
use foreshock::error::Severity;
use foreshock::lang::{lexer::lex, parse, print};
use recognise::Recogniser;
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

#[test]
fn every_application_survives_the_formatter() {
    let Some(dir) = corpus() else { return };
    let mut checked = 0;
    for case in cases(&dir) {
        let app = case["app"].as_str().unwrap();
        let parsed = parse::parse_app(app);
        if parsed.has_errors() {
            continue;
        }
        let tree = parsed.tree.unwrap();
        let printed = print::print_app(&tree);
        let again = parse::parse_app(&printed);
        assert_eq!(errors(&again.diagnostics), [""; 0], "{printed}");
        let again = again.tree.unwrap();
        assert!(again == tree, "{}: another tree\n{app}\n---\n{printed}", case["id"]);
        assert_eq!(print::print_app(&again), printed, "{}", case["id"]);
        checked += 1;
    }
    assert!(checked > 1700, "the corpus is smaller than it should be");
}

/// One in twelve, to save time; `FORESHOCK_FUZZ` takes all.
#[test]
fn applications_are_in_the_normative_grammar() {
    let Some(dir) = corpus() else { return };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/grammar/foreshock.ebnf");
    let recogniser = Recogniser::new(&Grammar::read(&std::fs::read_to_string(path).unwrap()));
    let step = if std::env::var_os("FORESHOCK_FUZZ").is_some() { 1 } else { 12 };
    for case in cases(&dir).iter().step_by(step) {
        let app = case["app"].as_str().unwrap();
        let lexed = lex(app);
        if !parse::parse_app(app).has_errors() {
            assert!(recogniser.derives("app", app, &lexed), "not in the grammar: {app}");
        }
    }
}

/// Recorded as refused by Siddhi's parser; here it is the plan that finds duplicate names.
const DUPLICATES: [&str; 2] = [
    "define stream StockStream ( symbol string, symbol int",
    "avg(price) as price, price as price",
];

/// Parses with the entry point that Siddhi's test used; prints and parses again if that works.
fn accepts(op: &str, text: &str) -> Option<bool> {
    macro_rules! round_trip {
        ($parse:expr, $print:expr) => {{
            let parsed = $parse(text);
            let ok = !parsed.has_errors();
            if let (true, Some(tree)) = (ok, &parsed.tree) {
                let printed = $print(tree);
                let again = $parse(&printed).into_result();
                assert_eq!(again.as_ref(), Ok(tree), "{text}\n---\n{printed}");
            }
            Some(ok)
        }};
    }
    match op {
        "parse" => round_trip!(parse::parse_app, print::print_app),
        "parseQuery" => round_trip!(parse::parse_query, print::print_query),
        "parsePartition" => round_trip!(parse::parse_partition, print::print_partition),
        "parseStreamDefinition" => {
            round_trip!(parse::parse_stream_definition, print::print_definition)
        }
        "parseTableDefinition" => {
            round_trip!(parse::parse_table_definition, print::print_definition)
        }
        "parseAggregationDefinition" => {
            round_trip!(parse::parse_aggregation_definition, print::print_definition)
        }
        "parseFunctionDefinition" => {
            round_trip!(parse::parse_function_definition, print::print_definition)
        }
        "parseOnDemandQuery" | "parseStoreQuery" => {
            round_trip!(parse::parse_on_demand, print::print_on_demand)
        }
        _ => None,
    }
}

#[test]
fn the_compiler_tests_parse_as_recorded() {
    let Some(dir) = corpus() else { return };
    let records = std::fs::read_to_string(dir.join("compiler/parse.jsonl")).unwrap();
    let mut checked = 0;
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let (op, text) = (record["op"].as_str().unwrap(), record["text"].as_str().unwrap());
        let accepted = match op {
            "updateVariables" => {
                // The tests of Siddhi set these two variables.
                let lookup = |n: &str| (n == "foo" || n == "JAVA_HOME").then(|| "Foo".to_string());
                let replaced = foreshock::lang::substitute(text, lookup);
                assert_eq!(
                    replaced.as_ref().ok().map(|r| r.text.as_str()),
                    record["result"].as_str()
                );
                replaced.is_ok()
            }
            _ => accepts(op, text).unwrap_or_else(|| panic!("unknown entry point {op}")),
        };
        let later = DUPLICATES.iter().any(|d| text.contains(d));
        assert_eq!(accepted, record["error"].is_null() || later, "{op}: {text}");
        checked += 1;
    }
    assert_eq!(checked, 51);
}

#[test]
fn every_on_demand_query_survives_the_formatter() {
    let Some(dir) = corpus() else { return };
    let mut checked = 0;
    for case in cases(&dir) {
        for step in case["steps"].as_array().into_iter().flatten() {
            let Some(text) = step["query"].as_str() else { continue };
            let class = step["error"]["class"].as_str().unwrap_or_default();
            let expected = !class.ends_with("SiddhiParserException");
            let accepted = accepts("parseOnDemandQuery", text);
            assert_eq!(accepted, Some(expected), "{}: {text}", case["id"]);
            checked += 1;
        }
    }
    assert!(checked > 200, "only {checked} queries");
}
