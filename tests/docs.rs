//! What the documentation shows is true: every ```` ```siddhi ```` block of `docs/*.md` and `README.md` is
//! compiled, and run where a table of input and output follows it.
//!
//! * `siddhi`: compiles without any finding. A table `| at | in | out |` right behind the block is run:
//!   at each time (ms) the clock moves there, the events of `in` are sent (`a + b` is one chunk), and the
//!   streams named anywhere in `out` must put out what `out` says, no more.
//! * `siddhi,not-yet`: every paragraph is refused, with "not supported yet" among the findings and no
//!   syntax error.
//! * `siddhi,error`: every paragraph is refused.
//! * `siddhi,on-demand`: every paragraph parses as an on-demand query.
//!
//! In refused blocks, a first paragraph that compiles belongs to all others.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::sync::{Arc, Mutex};

use foreshock::event::Value;
use foreshock::lang::{diagnostics, parse_on_demand};
use foreshock::{App, Code, Diagnostic, compile, registry};

struct Block {
    /// `docs/language.md:12`.
    place: String,
    info: String,
    text: String,
    /// Cells of the table that follows.
    table: Vec<[String; 3]>,
}

fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|e| e.unwrap().path());
    let mut paths: Vec<_> = docs.filter(|p| p.extension().is_some_and(|e| e == "md")).collect();
    paths.push(root.join("README.md"));
    paths.sort();
    let existing = paths.iter().filter(|p| p.is_file());
    existing
        .map(|p| {
            let name = p.strip_prefix(root).unwrap().display().to_string();
            (name, std::fs::read_to_string(p).unwrap())
        })
        .collect()
}

fn blocks(file: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((n, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```siddhi") else { continue };
        let body: Vec<&str> = lines.by_ref().map(|(_, l)| l).take_while(|l| *l != "```").collect();
        while lines.next_if(|(_, l)| l.is_empty()).is_some() {}
        let mut table = Vec::new();
        if lines.next_if(|(_, l)| *l == "| at | in | out |").is_some() {
            lines.next();
            while let Some((_, row)) = lines.next_if(|(_, l)| l.starts_with('|')) {
                let cells: Vec<String> =
                    row.trim_matches('|').split('|').map(|c| c.trim().to_string()).collect();
                table.push(cells.try_into().expect("three cells"));
            }
        }
        let place = format!("{file}:{}", n + 1);
        let info = info.trim_start_matches(',').to_string();
        blocks.push(Block { place, info, text: body.join("\n"), table });
    }
    blocks
}

fn all_blocks() -> Vec<Block> {
    documents().iter().flat_map(|(file, text)| blocks(file, text)).collect()
}

fn show(block: &Block, text: &str, found: &[Diagnostic]) -> String {
    format!("{}\n{}", block.place, diagnostics::render(text, &block.place, found))
}

fn paragraphs(block: &Block) -> Vec<String> {
    let mut all: Vec<&str> = block.text.split("\n\n").filter(|p| !p.trim().is_empty()).collect();
    let common = if all.len() > 1 && compile(all[0]).is_ok() { all.remove(0) } else { "" };
    all.iter().map(|p| format!("{common}\n{p}")).collect()
}

#[test]
fn every_block_compiles_or_is_refused_as_it_says() {
    let mut seen = 0;
    for block in &all_blocks() {
        seen += 1;
        match block.info.as_str() {
            "" => match compile(&block.text) {
                Ok((_, found)) => {
                    assert!(found.is_empty(), "{}", show(block, &block.text, &found));
                }
                Err(found) => panic!("{}", show(block, &block.text, &found)),
            },
            "not-yet" => {
                for text in paragraphs(block) {
                    let found = compile(&text).err().unwrap_or_default();
                    let says = |d: &Diagnostic| d.message.contains("not supported yet");
                    let right =
                        found.iter().any(says) && found.iter().all(|d| d.code != Code::Syntax);
                    assert!(
                        right,
                        "it runs, or is refused for another reason:\n{text}\n{}",
                        show(block, &text, &found)
                    );
                }
            }
            "error" => {
                for text in paragraphs(block) {
                    assert!(compile(&text).is_err(), "{} compiles:\n{text}", block.place);
                }
            }
            "on-demand" => {
                for text in block.text.split("\n\n") {
                    let found = parse_on_demand(text).diagnostics;
                    assert!(found.is_empty(), "{}", show(block, text, &found));
                }
            }
            other => panic!("{}: unknown kind of block `{other}`", block.place),
        }
    }
    assert!(seen > 20, "only {seen} blocks");
}

/// `Name(1, 'a')` in pieces.
struct Event {
    stream: String,
    values: Vec<String>,
}

/// The events in back-ticks of a cell; those joined by `+` are one chunk.
fn chunks(cell: &str) -> Vec<Vec<Event>> {
    let mut chunks: Vec<Vec<Event>> = Vec::new();
    for (n, part) in cell.split('`').enumerate() {
        if n % 2 == 0 {
            if part.trim() != "+" {
                chunks.push(Vec::new());
            }
            continue;
        }
        let (stream, values) = part.split_once('(').expect("`Name(values)`");
        let values = values.strip_suffix(')').expect("`Name(values)`");
        let values = values.split(", ").map(str::to_string).collect();
        chunks.last_mut().unwrap().push(Event { stream: stream.to_string(), values });
    }
    chunks.retain(|c| !c.is_empty());
    chunks
}

fn value(text: &str, ty: &str) -> Value {
    match (text, ty) {
        ("null", _) => Value::Null,
        (_, "Int32") => Value::Int(text.parse().unwrap()),
        (_, "Int64") => Value::Long(text.parse().unwrap()),
        (_, "Float32") => Value::Float(text.parse().unwrap()),
        (_, "Float64") => Value::Double(text.parse().unwrap()),
        (_, "Boolean") => Value::Bool(text.parse().unwrap()),
        (_, "Utf8View") => Value::from(text.trim_matches('\'')),
        other => panic!("no value can be written for {other:?}"),
    }
}

fn shown(v: &Value) -> String {
    match v {
        Value::String(s) => format!("'{s}'"),
        Value::Double(d) => format!("{d:?}"),
        Value::Float(d) => format!("{d:?}"),
        other => other.to_string(),
    }
}

/// Runs the table of a block; says where the output is another one.
fn run(block: &Block) -> Vec<String> {
    let mut wrong = Vec::new();
    let app = App::from_text(&block.text).unwrap();
    let out = Arc::new(Mutex::new(Vec::<String>::new()));
    let mut watched: Vec<String> = Vec::new();
    for event in block.table.iter().flat_map(|row| chunks(&row[2])).flatten() {
        if watched.contains(&event.stream) {
            continue;
        }
        watched.push(event.stream.clone());
        let (sink, stream) = (out.clone(), event.stream.clone());
        app.subscribe(&event.stream, move |events| {
            for row in 0..events.rows() {
                let values: Vec<String> = events.row(row).iter().map(shown).collect();
                sink.lock().unwrap().push(format!("{stream}({})", values.join(", ")));
            }
        })
        .unwrap();
    }
    assert!(!watched.is_empty(), "{}: the table has no output", block.place);
    for [at, sent, expected] in &block.table {
        let at: i64 = at.parse().unwrap();
        if !app.plan().playback {
            app.advance_to(at).unwrap();
        }
        for chunk in chunks(sent) {
            let input = app.input(&chunk[0].stream).unwrap();
            let rows = chunk.iter().map(|e| {
                assert_eq!(e.stream, chunk[0].stream, "a chunk is of one stream");
                let types = input.schema().fields().iter().map(|f| f.data_type().to_string());
                let values: Vec<Value> =
                    e.values.iter().zip(types).map(|(v, ty)| value(v, &ty)).collect();
                (at, values)
            });
            input.send_chunk(rows.collect::<Vec<_>>()).unwrap();
        }
        let expected: Vec<String> = chunks(expected)
            .iter()
            .flatten()
            .map(|e| format!("{}({})", e.stream, e.values.join(", ")))
            .collect();
        let found = std::mem::take(&mut *out.lock().unwrap());
        if found != expected {
            let place = &block.place;
            wrong.push(format!("{place} at {at}, {sent}: {found:?}, not {expected:?}"));
        }
    }
    wrong
}

#[test]
fn every_table_is_what_the_engine_does() {
    let blocks = all_blocks();
    let with_table: Vec<&Block> = blocks.iter().filter(|b| !b.table.is_empty()).collect();
    assert!(with_table.len() > 12, "only {} tables", with_table.len());
    let wrong: Vec<String> = with_table.into_iter().flat_map(run).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn everything_in_the_registry_is_described() {
    let documents = documents();
    let (_, text) = documents.iter().find(|(file, _)| file == "docs/language.md").unwrap();
    let windows = registry::window_names().into_iter().map(|n| format!("`{n}"));
    let core = registry::function_names().into_iter().filter(|n| !n.contains(':'));
    for name in windows.chain(core.map(|n| format!("`{n}("))) {
        assert!(text.contains(&name), "docs/language.md does not mention {name}");
    }
}

#[test]
fn the_reference_is_that_of_the_registry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let reference = registry::reference();
    if std::env::var_os("FORESHOCK_BLESS").is_some() {
        std::fs::write(&path, &reference).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == reference, "docs/reference.md isn't what `foreshock docs` prints");
}
