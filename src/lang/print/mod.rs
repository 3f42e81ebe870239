//! The formatter: syntax tree to text in its canonical form.
//!
//! One clause per line, keywords in lower case, lists and conditions broken where a line would grow
//! over [`WIDTH`] columns. `parse(print(tree)) == tree`, and printing what was printed changes
//! nothing. Comments keep their order and their text: one that had a line of its own gets one again
//! in front of what followed it, one behind something stays at the end of the line.

mod definition;
mod expr;
mod names;
mod pattern;
mod query;
mod writer;

pub use self::expr::print_expr;
use self::writer::Writer;
use super::ast::{App, Definition, Item, OnDemandQuery, Partition, Query};

/// The column lines should not pass.
pub const WIDTH: usize = 100;

/// An application, with its comments and a line end behind the last line.
pub fn print_app(app: &App) -> String {
    let mut w = Writer::new(&app.comments);
    for a in &app.annotations {
        w.statement(a.span.0);
        definition::annotation(&mut w, a);
        w.newline(0);
    }
    let mut previous: Option<&Item> = None;
    for item in &app.items {
        let close = previous.is_some_and(|p| stands_close(p) && stands_close(item));
        if (previous.is_some() || !app.annotations.is_empty()) && !close {
            w.blank_line();
        }
        self::item(&mut w, item);
        w.text(";");
        w.newline(0);
        previous = Some(item);
    }
    w.finish()
}

/// Whether no blank line is wanted between this and another one like it.
fn stands_close(item: &Item) -> bool {
    matches!(item, Item::Definition(d) if d.annotations.is_empty() && definition::is_short(d))
}

fn item(w: &mut Writer<'_>, item: &Item) {
    match item {
        Item::Definition(d) => definition::definition(w, d),
        Item::Query(q) => query::query(w, q),
        Item::Partition(p) => query::partition(w, p),
    }
}

/// A query without a semicolon.
pub fn print_query(q: &Query) -> String {
    print_with(|w| query::query(w, q))
}

/// A definition without a semicolon.
pub fn print_definition(d: &Definition) -> String {
    print_with(|w| definition::definition(w, d))
}

/// A partition without a semicolon.
pub fn print_partition(p: &Partition) -> String {
    print_with(|w| query::partition(w, p))
}

/// An on-demand query without a semicolon.
pub fn print_on_demand(q: &OnDemandQuery) -> String {
    print_with(|w| query::on_demand(w, q))
}

fn print_with(print: impl FnOnce(&mut Writer<'_>)) -> String {
    let mut w = Writer::new(&[]);
    print(&mut w);
    w.finish().trim_end().to_string()
}
