//! Golden diagnostics: each `tests/lang_diagnostics/*.siddhi` with its rendering beside it.
//!
//! `FORESHOCK_BLESS=1` writes the renderings anew; look at the difference before committing it.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::{Path, PathBuf};

use foreshock::error::{Code, Diagnostic, Span};
use foreshock::lang::diagnostics::{line_column, render, render_coloured};
use foreshock::lang::parse_app;
use proptest::prelude::*;

fn inputs() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lang_diagnostics");
    let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let mut inputs: Vec<_> =
        entries.filter(|p| p.extension().is_some_and(|e| e == "siddhi")).collect();
    inputs.sort();
    inputs
}

#[test]
fn renderings_are_as_recorded() {
    let bless = std::env::var_os("FORESHOCK_BLESS").is_some();
    let inputs = inputs();
    assert!(inputs.len() >= 6);
    for input in inputs {
        let text = std::fs::read_to_string(&input).unwrap();
        let file = input.file_name().unwrap().to_str().unwrap();
        let rendered = render(&text, file, &parse_app(&text).diagnostics);
        let golden = input.with_extension("txt");
        if bless {
            std::fs::write(&golden, &rendered).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert!(rendered == expected, "{file} now renders as\n{rendered}");
    }
}

fn at(start: usize, end: usize) -> Diagnostic {
    Diagnostic::error(Code::Syntax, Span::new(start, end), "wrong").with_label("here")
}

#[test]
fn lines_and_columns_count_characters_from_one() {
    let text = "ab\nä€c\r\n\tx";
    assert_eq!(line_column(text, 0), (1, 1));
    assert_eq!(line_column(text, 2), (1, 3));
    assert_eq!(line_column(text, text.find('c').unwrap()), (2, 3));
    assert_eq!(line_column(text, text.find('x').unwrap()), (3, 2));
    assert_eq!(line_column(text, 4), (2, 1), "inside a character");
    assert_eq!(line_column(text, 1000), (3, 3));
}

#[test]
fn a_fault_at_the_end_is_shown_behind_the_last_word() {
    let text = "from S select a\n\n\n";
    let shown = render(text, "f", &[at(text.len(), text.len())]);
    assert!(shown.contains("--> f:1:16"), "{shown}");
    assert!(shown.contains("1 | from S select a\n"), "{shown}");
    assert!(render("", "f", &[at(0, 0)]).contains("f:1:1"));
}

#[test]
fn colours_are_only_in_the_coloured_rendering() {
    let text = "form S";
    let diagnostics = parse_app(text).diagnostics;
    assert!(!render(text, "f", &diagnostics).contains('\u{1b}'));
    assert!(render_coloured(text, "f", &diagnostics).contains('\u{1b}'));
}

#[test]
fn a_long_line_is_cut_but_its_column_is_right() {
    let text = format!("{}@{}", "ä".repeat(50_000), "b".repeat(500_000));
    let start = text.find('@').unwrap();
    let shown = render(&text, "f", &[at(start, start + 1)]);
    assert!(shown.contains("f:1:50001"), "{shown}");
    assert!(shown.len() < 5_000);
}

proptest! {
    #[test]
    fn any_span_can_be_rendered(text in "[a-z\t\n\r é€𝄞]{0,60}", start in 0..80usize, length in 0..80usize) {
        let shown = render(&text, "f", &[at(start, start + length)]);
        prop_assert!(shown.contains("error[syntax]: wrong"));
        prop_assert!(shown.contains("f:"));
    }
}
