//! Deliberate deviations: numbered sections of `docs/deviations.md`, each with the list of the
//! cases it changes, and for each such case what we do instead, in
//! `tests/conformance/deviations.txt`.
//!
//! A section is `## <number>. <title>`; its cases stand one a line in a block fenced as
//! ```` ```cases ````. A case so listed must do exactly what is on file, or it fails. A block fenced as
//! ```` ```extra ```` lists cases where only streams differ that the recorded test didn't listen to;
//! they are judged by what it did listen to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What deviates, and how.
#[derive(Debug, Default)]
pub struct Deviations {
    /// Case to number of the deviation.
    pub number: BTreeMap<String, u32>,
    /// Cases judged only by what the recorded test listened to.
    pub extra: BTreeSet<String>,
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
        let mut listed = Self { filed: outcomes(&filed), ..Self::default() };
        listed.read(&doc)?;
        Ok(listed)
    }

    fn read(&mut self, doc: &str) -> Result<(), String> {
        let (mut section, mut fence, mut last) = (None, "", 0);
        for line in doc.lines().map(str::trim) {
            if let Some(title) = line.strip_prefix("## ") {
                let number = title.split_once(". ").and_then(|(n, _)| n.parse().ok());
                let number: u32 = number.ok_or(format!("`{line}` is not numbered"))?;
                if number != last + 1 {
                    return Err(format!("`{line}`: expected number {}", last + 1));
                }
                (section, last) = (Some(number), number);
            } else if let Some(name) = line.strip_prefix("```") {
                fence = if fence.is_empty() { name } else { "" };
            } else if !line.is_empty() && (fence == "cases" || fence == "extra") {
                let number = section.ok_or("cases outside a section")?;
                let seen = self.number.contains_key(line) || self.extra.contains(line);
                if seen {
                    return Err(format!("case {line} is listed twice"));
                }
                match fence {
                    "extra" => drop(self.extra.insert(line.to_string())),
                    _ => drop(self.number.insert(line.to_string(), number)),
                }
            }
        }
        Ok(())
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
    use super::{Deviations, outcomes};

    fn read(doc: &str) -> Result<Deviations, String> {
        let mut listed = Deviations::default();
        listed.read(doc).map(|()| listed)
    }

    #[test]
    fn reads_numbered_sections() {
        let doc = "# D\n## 1. One\ntext\n```cases\nq/A.a\nq/A.b\n```\n```sql\nnot a case\n```\n\
                   ## 2. Two\n```cases\nq/B.a\n```\n```extra\nq/C.a\n```";
        let listed = read(doc).expect("a valid document");
        assert_eq!(listed.number.into_values().collect::<Vec<_>>(), [1, 1, 2]);
        assert!(listed.extra.iter().eq(["q/C.a"]));
        assert!(read("## 2. Two").is_err(), "numbers start at one");
        assert!(read("## One").is_err(), "sections are numbered");
        assert!(read("## 1. A\n```cases\nx\nx\n```").is_err(), "no case twice");
        assert!(read("```cases\nx\n```").is_err(), "cases belong to a section");
    }

    #[test]
    fn reads_outcomes() {
        let read = outcomes("# head\n\n== a\nx #0 C(1)\n\n== b\n");
        assert_eq!(read["a"], ["x #0 C(1)"]);
        assert!(read["b"].is_empty());
    }
}
