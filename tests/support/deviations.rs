//! Deliberate deviations: numbered sections of `docs/deviations.md`, each with the list of the
//! cases it changes, and for each such case what we do instead, in
//! `tests/conformance/deviations.txt`.
//!
//! A section is `## <number>. <title>`; its cases stand one a line in a block fenced as
//! ```` ```cases ````. A case so listed must do exactly what is on file, or it fails.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What deviates, and how.
#[derive(Debug, Default)]
pub struct Deviations {
    /// Case to number of the deviation.
    pub number: BTreeMap<String, u32>,
    /// Case to our outcome, in lines.
    pub filed: BTreeMap<String, Vec<String>>,
}

/// The file of our outcomes.
pub fn outcomes_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/deviations.txt")
}

impl Deviations {
    /// Reads both files.
    pub fn load() -> Result<Self, String> {
        let doc = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deviations.md");
        let doc = std::fs::read_to_string(&doc).map_err(|e| format!("{}: {e}", doc.display()))?;
        let filed = std::fs::read_to_string(outcomes_path()).unwrap_or_default();
        Ok(Self { number: numbers(&doc)?, filed: outcomes(&filed) })
    }

    /// Writes `outcomes` over what is on file for the same cases; drops cases no longer listed.
    pub fn bless(&mut self, outcomes: BTreeMap<String, Vec<String>>) -> std::io::Result<()> {
        self.filed.extend(outcomes);
        self.filed.retain(|id, _| self.number.contains_key(id));
        let mut text =
            String::from("# What we put out where docs/deviations.md says we deviate.\n");
        for (id, lines) in &self.filed {
            text += &format!("\n== {id}\n");
            lines.iter().for_each(|l| text += &format!("{l}\n"));
        }
        std::fs::write(outcomes_path(), text)
    }
}

fn numbers(doc: &str) -> Result<BTreeMap<String, u32>, String> {
    let mut numbers = BTreeMap::new();
    let (mut section, mut inside, mut last) = (None, false, 0);
    for line in doc.lines().map(str::trim) {
        if let Some(title) = line.strip_prefix("## ") {
            let number = title.split_once(". ").and_then(|(n, _)| n.parse().ok());
            let number: u32 = number.ok_or(format!("`{line}` is not numbered"))?;
            if number != last + 1 {
                return Err(format!("`{line}`: expected number {}", last + 1));
            }
            (section, last) = (Some(number), number);
        } else if line.starts_with("```") {
            inside = line == "```cases" && !inside;
        } else if inside && !line.is_empty() {
            let number = section.ok_or("cases outside a section")?;
            if numbers.insert(line.to_string(), number).is_some() {
                return Err(format!("case {line} is listed twice"));
            }
        }
    }
    Ok(numbers)
}

fn outcomes(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut outcomes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = None;
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with("# ")) {
        match (line.strip_prefix("== "), &current) {
            (Some(id), _) => {
                outcomes.insert(id.to_string(), Vec::new());
                current = Some(id.to_string());
            }
            (None, Some(id)) => outcomes.entry(id.clone()).or_default().push(line.to_string()),
            (None, None) => {}
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::{numbers, outcomes};

    #[test]
    fn reads_numbered_sections() {
        let doc =
            "# D\n## 1. One\ntext\n```cases\nq/A.a\nq/A.b\n```\n## 2. Two\n```cases\nq/B.a\n```";
        let read = numbers(doc).expect("a valid document");
        assert_eq!(read.into_iter().map(|(_, n)| n).collect::<Vec<_>>(), [1, 1, 2]);
        assert!(numbers("## 2. Two").is_err(), "numbers start at one");
        assert!(numbers("## One").is_err(), "sections are numbered");
        assert!(numbers("## 1. A\n```cases\nx\nx\n```").is_err(), "no case twice");
    }

    #[test]
    fn reads_outcomes() {
        let read = outcomes("# head\n\n== a\nx #0 C(1)\n\n== b\n");
        assert_eq!(read["a"], ["x #0 C(1)"]);
        assert!(read["b"].is_empty());
    }
}
