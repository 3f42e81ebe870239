//! Applications turned to event time.

use std::collections::BTreeSet;

use foreshock::lang::ast::{DefinitionKind, Item};
use foreshock::lang::parse_app;

/// The text with `@watermark(arguments)` on the streams `on`; none if it doesn't define one of them.
pub fn with_watermark(text: &str, on: &BTreeSet<String>, arguments: &str) -> Option<String> {
    let tree = parse_app(text).tree.expect("a text that parses");
    let mut places: Vec<usize> = vec![];
    let mut seen = BTreeSet::new();
    for item in &tree.items {
        if let Item::Definition(d) = item
            && matches!(d.kind, DefinitionKind::Stream(_))
            && on.contains(&d.name.name)
            && seen.insert(d.name.name.clone())
        {
            places.push(d.span.0.start as usize);
        }
    }
    if places.len() < on.len() {
        return None;
    }
    let mut out = text.to_string();
    places.sort_unstable();
    for place in places.into_iter().rev() {
        out.insert_str(place, &format!("@watermark({arguments}) "));
    }
    Some(out)
}
