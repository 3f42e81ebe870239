//! Golden diagnostics of whole applications: each `tests/check_diagnostics/*.siddhi` with what
//! `check` says of it beside it: names, types, parameters, what isn't built yet; many in one pass.
//!
//! `FORESHOCK_BLESS=1` writes them anew; look at the difference before committing it.

use std::path::{Path, PathBuf};

use foreshock::Severity;
use foreshock::lang::diagnostics::render;

fn inputs() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check_diagnostics");
    let entries = std::fs::read_dir(dir).expect("the folder").map(|e| e.expect("an entry").path());
    let mut inputs: Vec<_> =
        entries.filter(|p| p.extension().is_some_and(|e| e == "siddhi")).collect();
    inputs.sort();
    inputs
}

#[test]
fn findings_are_as_recorded() {
    let bless = std::env::var_os("FORESHOCK_BLESS").is_some();
    let inputs = inputs();
    assert!(inputs.len() >= 6);
    let mut changed = Vec::new();
    for input in inputs {
        let text = std::fs::read_to_string(&input).expect("a readable application");
        let file = input.file_name().expect("a name").to_string_lossy().into_owned();
        let found = match foreshock::compile(&text) {
            Ok((_, warnings)) => warnings,
            Err(found) => found,
        };
        assert!(!found.is_empty(), "{file} is there for its mistakes");
        assert!(found.iter().all(|d| !d.message.ends_with('.')), "{file}: one sentence, no stop");
        let rendered = render(&text, &file, &found);
        let golden = input.with_extension("txt");
        if bless {
            std::fs::write(&golden, &rendered).expect("a writable golden file");
        }
        if rendered != std::fs::read_to_string(&golden).unwrap_or_default() {
            changed.push(format!("{file} now says\n{rendered}"));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

/// Every line of `names`, `types` and `parameters` holds a mistake of its own: one pass finds all.
#[test]
fn one_pass_finds_the_mistakes_of_every_line() {
    for name in ["names", "types", "parameters"] {
        let path = format!("{}/tests/check_diagnostics/{name}.siddhi", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a readable application");
        let found = foreshock::compile(&text).expect_err("it is full of mistakes");
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let end = start + line.len();
            let here = |d: &&foreshock::Diagnostic| {
                d.severity == Severity::Error && (start..end).contains(&(d.span.start as usize))
            };
            if line.contains("into ") {
                assert!(found.iter().any(|d| here(&d)), "{name}: nothing found in {line}");
            }
            start = end;
        }
    }
}

#[test]
fn a_stream_has_as_many_attributes_as_can_be_numbered() {
    let wide = |n: usize| {
        let attributes: Vec<String> = (0..n).map(|i| format!("a{i} int")).collect();
        let define = format!("define stream S ({});", attributes.join(", "));
        let sums: Vec<String> = (0..n).map(|i| format!("sum(1) as s{i}")).collect();
        let select = "define stream S (a int); from S select";
        [define, format!("{select} {} insert into Out;", sums.join(", "))]
    };
    for text in wide(10_001) {
        let found = foreshock::compile(&text).expect_err("there are too many");
        let message = "10001 attributes, the most a stream can have is 10000";
        assert_eq!(found.iter().map(|d| &d.message[..]).collect::<Vec<_>>(), [message]);
    }
    for text in wide(300) {
        assert!(foreshock::compile(&text).is_ok());
    }
}
