//! Golden explanations: each `tests/explain/*.siddhi` with its text beside it, and of some the graph
//! and the JSON; and no application that compiles breaks any of the three.
//!
//! `FORESHOCK_BLESS=1` writes them anew; look at the difference before committing it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use foreshock::plan::Plan;
use serde_json::Value as Json;

/// Those whose graph and JSON are recorded, too.
const ALL_FORMS: &[&str] = &["feedback", "partitions", "patterns", "watermark"];

fn plan(text: &str) -> Plan {
    foreshock::compile(text).unwrap_or_else(|d| panic!("{text}\n{d:?}")).0
}

fn golden(file: &Path, now: &str, changed: &mut Vec<String>) {
    if std::env::var_os("FORESHOCK_BLESS").is_some() {
        std::fs::write(file, now).expect("a writable golden file");
    }
    if std::fs::read_to_string(file).unwrap_or_default() != now {
        changed.push(format!("{} is now\n{now}", file.display()));
    }
}

fn inputs() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain");
    let entries = std::fs::read_dir(dir).expect("the folder").map(|e| e.expect("an entry").path());
    let mut inputs: Vec<_> =
        entries.filter(|p| p.extension().is_some_and(|e| e == "siddhi")).collect();
    inputs.sort();
    inputs
}

#[test]
fn explanations_are_as_recorded() {
    let inputs = inputs();
    assert!(inputs.len() >= 8);
    let mut changed = Vec::new();
    for input in inputs {
        let text = std::fs::read_to_string(&input).expect("a readable application");
        let plan = plan(&text);
        let told = plan.explain_text();
        assert!(told.lines().all(|l| l.trim_end() == l), "white space at the end of a line");
        golden(&input.with_extension("txt"), &told, &mut changed);
        if ALL_FORMS.iter().any(|f| input.file_stem().is_some_and(|s| s == *f)) {
            golden(&input.with_extension("dot"), &plan.explain_dot(), &mut changed);
            let json = format!("{:#}\n", plan.explain_json());
            golden(&input.with_extension("json"), &json, &mut changed);
        }
        check_dot(&plan);
        check_json(&plan);
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

/// A token of the dot language.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

/// Reads dot as Graphviz does; panics where that would complain.
fn tokens(dot: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut chars = dot.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '"' => {
                let mut text = String::new();
                loop {
                    match chars.next().expect("a string that is closed") {
                        '"' => break,
                        '\\' => {
                            let escaped = chars.next().expect("something escaped");
                            assert!("\"\\l".contains(escaped), "an escape nobody means");
                            text.extend(['\\', escaped]);
                        }
                        c => {
                            assert!(!c.is_control(), "a control character in a label");
                            text.push(c);
                        }
                    }
                }
                out.push(Token::Text(text));
            }
            '-' => {
                assert_eq!(chars.next(), Some('>'), "an arrow");
                out.push(Token::Sign("->".into()));
            }
            '{' | '}' | '[' | ']' | '=' | ';' | ',' => out.push(Token::Sign(c.into())),
            c if c.is_ascii_alphanumeric() || c == '_' => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                out.push(Token::Word(word));
            }
            c => panic!("`{c}` outside of a string"),
        }
    }
    out
}

/// The graph is well-formed, has a node for each stream and query, and edges between them only.
fn check_dot(plan: &Plan) {
    let dot = plan.explain_dot();
    let tokens = tokens(&dot);
    let mut depth = 0;
    let mut nodes = BTreeSet::new();
    let mut ends = BTreeSet::new();
    for (i, t) in tokens.iter().enumerate() {
        let next = tokens.get(i + 1);
        let sign = |s: &str| next == Some(&Token::Sign(s.into()));
        match t {
            Token::Sign(s) if s == "{" || s == "[" => depth += 1,
            Token::Sign(s) if s == "}" || s == "]" => depth -= 1,
            Token::Word(w) if sign("[") && tokens[i - 1] != Token::Sign("->".into()) => {
                nodes.insert(w.clone());
            }
            Token::Sign(s) if s == "->" => {
                for end in [&tokens[i - 1], &tokens[i + 1]] {
                    let Token::Word(end) = end else { panic!("an edge to {end:?}") };
                    ends.insert(end.clone());
                }
            }
            _ => {}
        }
        assert!(depth >= 0, "{dot}");
    }
    assert_eq!(depth, 0, "{dot}");
    assert!(ends.is_subset(&nodes), "edges of nodes that aren't there\n{dot}");
    for s in 0..plan.streams.len() {
        assert!(nodes.contains(&format!("s{s}")), "{dot}");
    }
    for q in 0..plan.queries.len() {
        assert!(ends.contains(&format!("q{q}")), "{dot}");
    }
}

/// The keys `docs/explain.md` promises are there, and names lead where they should.
fn check_json(plan: &Plan) {
    let json = plan.explain_json();
    let list = |v: &Json, key: &str| v[key].as_array().expect(key).clone();
    assert_eq!(json["version"], 1);
    let streams: BTreeSet<String> =
        list(&json, "streams").iter().map(|s| name(s, "name")).collect();
    let mut queries = BTreeSet::new();
    for q in list(&json, "queries") {
        queries.insert(name(&q, "name"));
        for s in list(&q, "from") {
            assert!(streams.contains(s.as_str().expect("a name")), "{q}");
        }
        assert!(q["into"].is_null() || streams.contains(&name(&q, "into")), "{q}");
        let row_by_row = q["mode"] == "row by row" || q["mode"] == "mixed";
        assert!(row_by_row || q["mode"] == "columnar", "{q}");
        assert_eq!(row_by_row, q["reason"].is_string(), "{q}");
        let operators = list(&q, "operators");
        assert!(operators.len() >= 2, "select and output at least: {q}");
        operators.iter().for_each(check_operator);
    }
    let mut scheduled = BTreeSet::new();
    for unit in list(&json, "schedule") {
        for node in list(&unit, "nodes") {
            if node["query"].is_string() {
                assert!(scheduled.insert(name(&node, "query")), "a query runs twice");
            }
        }
    }
    assert_eq!(scheduled, queries);
    for s in list(&json, "streams") {
        for q in list(&s, "writers").iter().chain(&list(&s, "readers")) {
            assert!(queries.contains(q.as_str().expect("a name")), "{s}");
        }
    }
}

fn check_operator(op: &Json) {
    assert!(!name(op, "operator").is_empty());
    assert!(op["detail"].is_string() && op["facts"].is_object(), "{op}");
    op["parts"].as_array().expect("parts").iter().for_each(check_operator);
}

fn name(v: &Json, key: &str) -> String {
    v[key].as_str().unwrap_or_else(|| panic!("{key} of {v}")).to_string()
}

#[test]
fn labels_are_escaped() {
    let text = "@app:name('a \\ b & c')\ndefine stream S (a string);\n\
                from S[a == \"\"\"say \"x\"\n \\ & <b>\"\"\"] select a insert into Out;";
    let plan = plan(text);
    check_dot(&plan);
    let dot = plan.explain_dot();
    assert!(dot.contains(r#"label="a \\ b &amp; c""#), "{dot}");
    assert!(dot.contains(r#"say \"x\"  \\ &amp; <b>"#), "{dot}");
}

#[test]
fn a_query_says_why_it_runs_row_by_row() {
    let text = "define stream S (n int);
                from S select n insert into L;
                from L[n > 0] select n - 1 as n insert into L;";
    let told = plan(text).explain_text();
    assert!(told.contains("mode    row by row: a stream feeds itself"), "{told}");
    let straight = plan("define stream S (n int); from S select n insert into L;").explain_text();
    assert!(!straight.contains("row by row"), "{straight}");
}

#[test]
fn every_application_of_the_corpus_can_be_explained() {
    let Some(apps) = corpus() else { return };
    let mut explained = 0;
    for app in apps {
        let Ok((plan, _)) = foreshock::compile(&app) else { continue };
        let told = plan.explain_text();
        for q in &plan.queries {
            let head = match q.window {
                Some(_) => format!("{} (", q.name),
                None => format!("query {}: ", q.name),
            };
            assert!(told.contains(&head), "{app}\n{told}");
        }
        check_dot(&plan);
        check_json(&plan);
        explained += 1;
    }
    println!("{explained} applications explained");
    assert!(explained > 500, "the corpus is smaller than it should be");
}

/// The texts of the recorded applications, or a visible skip.
fn corpus() -> Option<Vec<String>> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let dir = std::env::var_os("FORESHOCK_CONFORMANCE").map_or(default, PathBuf::from);
    if !dir.is_dir() {
        println!("SKIPPED: there is no corpus at {}", dir.display());
        return None;
    }
    let mut files = Vec::new();
    json_files(&dir, &mut files);
    files.sort();
    let text = |f: &PathBuf| -> Option<String> {
        let case: Json = serde_json::from_slice(&std::fs::read(f).expect("a file")).expect("JSON");
        Some(case["app"].as_str()?.to_string())
    };
    Some(files.iter().filter_map(text).collect())
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
