//! Holds the sources to the layout: which module may import which, no file over 600 lines, one
//! clock, no `unsafe`, a head on every file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Most lines of a source file.
const MOST_LINES: usize = 600;
/// The only file that reads a clock.
const CLOCK: &str = "src/time/wall.rs";

/// What each module of `src` may import from the others (itself always, `error` too). A `::`
/// narrows it to a path and what lies under it.
const LAYOUT: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("lang", &[]),
    ("event", &[]),
    ("time", &["event"]),
    ("expr", &["lang", "event", "time"]),
    ("state", &["event"]),
    ("table", &["event", "expr", "state"]),
    ("aggregate", &["event", "expr", "state", "time"]),
    ("window", &["event", "expr", "state", "time"]),
    ("pattern", &["event", "expr", "state", "time", "lang::ast"]),
    (
        "op",
        &[
            "event",
            "expr",
            "state",
            "time",
            "aggregate",
            "window",
            "pattern",
            "table",
            // Specs: plain data that says what to build.
            "plan",
            "lang::ast",
        ],
    ),
    // The plan is made of specs and chosen from the registry's, but never runs anything.
    (
        "plan",
        &[
            "lang",
            "event",
            "expr",
            "aggregate",
            "window",
            "pattern",
            "registry",
            "io::options",
            "io::source::SourceSpec",
            "io::sink::SinkSpec",
            "io::sink::distribute::Strategy",
            // Cron expressions are checked, and kept as what they say.
            "time::Cron",
        ],
    ),
    ("io", &["event", "state"]),
    (
        "runtime",
        &[
            "lang", "event", "time", "expr", "state", "plan", "op", "io", "registry", "window",
            // Text to plan, at the root because nothing below needs both.
            "compile",
        ],
    ),
    ("registry", &["event", "expr", "aggregate", "window", "pattern", "table", "op", "io", "lang"]),
    ("bench", &["lib", "time"]),
    ("cli", &["lib"]),
    ("lib", &["*"]),
    ("main", &["lib", "cli"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files under the folders, as paths from the root, with their text.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut files);
    }
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a readable source file");
            let name = path.strip_prefix(root()).expect("under the root");
            (name.to_string_lossy().replace('\\', "/"), text)
        })
        .collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// The text with comments, strings and character literals blanked out (newlines stay).
fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = skip(&chars, i);
        if end == i {
            out.push(chars[i]);
            i += 1;
        } else {
            out.extend(chars[i..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            i = end;
        }
    }
    out
}

/// Where the comment or literal that starts at `i` ends; `i` if none does.
fn skip(chars: &[char], i: usize) -> usize {
    let at = |k: usize| chars.get(k).copied().unwrap_or('\0');
    let word = |c: char| c.is_alphanumeric() || c == '_';
    match at(i) {
        '/' if at(i + 1) == '/' => (i..chars.len()).find(|&k| at(k) == '\n').unwrap_or(chars.len()),
        '/' if at(i + 1) == '*' => {
            let close = (i + 2..chars.len()).find(|&k| at(k) == '*' && at(k + 1) == '/');
            close.map_or(chars.len(), |k| k + 2)
        }
        'r' if (i == 0 || !word(at(i - 1))) && matches!(at(i + 1), '"' | '#') => {
            let hashes = (i + 1..chars.len()).take_while(|&k| at(k) == '#').count();
            if at(i + 1 + hashes) != '"' {
                return i; // a raw identifier
            }
            let closes = |k: usize| at(k) == '"' && (1..=hashes).all(|h| at(k + h) == '#');
            let close = (i + 2 + hashes..chars.len()).find(|&k| closes(k));
            close.map_or(chars.len(), |k| k + 1 + hashes)
        }
        '"' => quoted(chars, i, '"'),
        '\'' if at(i + 1) == '\\' => quoted(chars, i, '\''),
        '\'' if at(i + 2) == '\'' => i + 3,
        _ => i,
    }
}

fn quoted(chars: &[char], open: usize, quote: char) -> usize {
    let mut k = open + 1;
    while k < chars.len() && chars[k] != quote {
        k += if chars[k] == '\\' { 2 } else { 1 };
    }
    (k + 1).min(chars.len())
}

/// Every path after `crate::` in the code, with `{…}` groups spelt out.
fn crate_paths(text: &str) -> BTreeSet<String> {
    let code = code_only(text);
    let mut paths = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            spell_out("", &code[at + found.len()..], &mut paths);
        }
    }
    paths
}

/// Reads one path (or group) and gives what follows it.
fn spell_out<'a>(prefix: &str, text: &'a str, paths: &mut BTreeSet<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                return rest;
            }
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            rest = match rest.strip_prefix(',') {
                Some(after) => after,
                None => spell_out(prefix, rest, paths),
            };
        }
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*'));
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    if name.is_empty() {
        // Not a path: skip the character, so that a group goes on.
        return rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or("");
    }
    let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}::{name}") };
    if let Some(after) = rest.strip_prefix("::") {
        return spell_out(&path, after, paths);
    }
    paths.insert(path);
    // `name as other`
    match rest.trim_start().strip_prefix("as ") {
        Some(alias) => {
            alias.trim_start().trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
        }
        None => rest,
    }
}

/// The module of `src` that a file belongs to.
fn module(file: &str) -> String {
    let path = file.strip_prefix("src/").unwrap_or(file);
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs").to_string()
}

fn allowed(module: &str, path: &str, imports: &[&str]) -> bool {
    let target = path.split("::").next().unwrap_or(path);
    let known = LAYOUT.iter().any(|(name, _)| *name == target);
    let within = |import: &&str| path == *import || path.starts_with(&format!("{import}::"));
    target == module
        || target == "error"
        || imports.iter().any(|i| *i == "*" || within(i))
        // A name that is no module is reexported by `lib`.
        || (!known && imports.contains(&"lib"))
}

#[test]
fn imports_follow_the_layout() {
    let mut faults = Vec::new();
    for (file, text) in sources(&["src"]) {
        let module = module(&file);
        let Some((_, imports)) = LAYOUT.iter().find(|(name, _)| *name == module) else {
            faults.push(format!("{file}: module `{module}` is not in the layout"));
            continue;
        };
        // Unit tests look the kinds they use up where everybody does.
        let tests = file.contains("/tests/") || file.ends_with("/tests.rs");
        for path in crate_paths(&text) {
            let looked_up = tests && path.starts_with("registry");
            if !looked_up && !allowed(&module, &path, imports) {
                faults.push(format!("{file}: `{module}` must not import `crate::{path}`"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_are_short() {
    let all = sources(&["src", "tests", "benches", "examples"]);
    assert!(all.len() > 20, "the sources were found");
    let long = all.iter().map(|(file, text)| (file, text.lines().count()));
    let long: Vec<_> = long.filter(|(_, n)| *n >= MOST_LINES).collect();
    assert!(long.is_empty(), "files of {MOST_LINES} lines or more: {long:?}");
}

#[test]
fn one_file_reads_a_clock() {
    for (file, text) in sources(&["src"]) {
        let code = code_only(&text);
        let reads = ["Instant::now", "SystemTime::now", "Utc::now", "Local::now"];
        let found: Vec<_> = reads.iter().filter(|r| code.contains(**r)).collect();
        assert!(found.is_empty() || file == CLOCK, "{file} reads a clock: {found:?}");
    }
    assert!(root().join(CLOCK).exists(), "{CLOCK} has moved");
}

#[test]
fn nothing_is_unsafe() {
    for (file, text) in sources(&["src", "benches", "examples"]) {
        let code = code_only(&text);
        let word = code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|w| w == "unsafe");
        assert!(!word, "{file} has `unsafe`");
    }
}

#[test]
fn files_have_a_head() {
    for (file, text) in sources(&["src", "tests", "benches", "examples"]) {
        let first = text.lines().find(|l| !l.trim().is_empty()).unwrap_or("");
        assert!(first.starts_with("//!"), "{file} doesn't say what it is for");
    }
}

#[test]
fn the_reader_of_imports_reads_them() {
    let text = r##"
        //! crate::comment
        use crate::{event::{Kind, batch as b}, error::Error};
        use other_crate::not_ours;
        fn f() -> crate::expr::types::AttrType { let s = "crate::string"; let r = r#"crate::raw"#; 'c' }
        pub(crate) fn g(x: &'static str) { crate::time::Step::new() }
    "##;
    let paths: Vec<String> = crate_paths(text).into_iter().collect();
    let expected =
        ["error::Error", "event::Kind", "event::batch", "expr::types::AttrType", "time::Step::new"];
    assert_eq!(paths, expected);
    assert!(allowed("op", "lang::ast::Query", &["lang::ast"]));
    assert!(!allowed("op", "lang::parse::app", &["lang::ast"]));
    assert!(!allowed("window", "pattern::Nfa", &["event", "expr"]));
    assert!(allowed("cli", "App", &["lib"]) && !allowed("window", "App", &["event"]));
}
