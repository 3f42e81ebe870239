//! Anonymous inner queries: `from (from S … return)[…] …` is two queries with a stream between them
//! that nobody else can name (`query_1` reads `(query_1 input)`, which `query_1.inner` writes).

use crate::error::{Code, Diagnostic};
use crate::lang::ast::{
    Annotation, AnnotationElement, App, Ident, Input, Item, Node, OutputAction, Query, Source,
    StreamInput, StreamMark,
};

/// The application with inner queries as queries of their own, in front of those that read them, and
/// with a name for every query; none if it has no inner query.
pub(super) fn unfold(app: &App, found: &mut Vec<Diagnostic>) -> Option<App> {
    let nested = |q: &Query| matches!(q.input, Input::Anonymous(_));
    let any = app.items.iter().any(|i| match i {
        Item::Definition(_) => false,
        Item::Query(q) => nested(q),
        Item::Partition(p) => p.queries.iter().any(nested),
    });
    if !any {
        return None;
    }
    let mut unfolded = App { items: vec![], ..app.clone() };
    let mut number = 0;
    let mut name = |q: &Query| {
        number += 1;
        q.info_name().map_or_else(|| format!("query_{number}"), |e| e.value.clone())
    };
    for item in &app.items {
        match item {
            Item::Definition(_) => unfolded.items.push(item.clone()),
            Item::Query(q) => {
                let mut queries = Vec::new();
                take_apart(q.as_ref().clone(), name(q), StreamMark::Plain, &mut queries, found);
                let queries = queries.into_iter().map(|q| Item::Query(Box::new(q)));
                unfolded.items.extend(queries);
            }
            Item::Partition(p) => {
                let mut queries = Vec::new();
                for q in &p.queries {
                    take_apart(q.clone(), name(q), StreamMark::Inner, &mut queries, found);
                }
                let mut p = p.clone();
                p.queries = queries;
                unfolded.items.push(Item::Partition(p));
            }
        }
    }
    Some(unfolded)
}

/// Appends a query behind its inner queries.
fn take_apart(
    mut q: Query,
    name: String,
    mark: StreamMark,
    queries: &mut Vec<Query>,
    found: &mut Vec<Diagnostic>,
) {
    if let Input::Anonymous(a) = q.input {
        let mut inner = a.query;
        let span = inner.span;
        let between = Source { mark, name: Ident { name: format!("({name} input)"), span } };
        match inner.output {
            OutputAction::Return { events, .. } => {
                inner.output = OutputAction::Insert { events, target: between.clone() };
            }
            _ => {
                let message = "an inner query has no target: it ends with `return`";
                found.push(Diagnostic::error(Code::Invalid, span.0, message));
                return;
            }
        }
        take_apart(inner, format!("{name}.inner"), mark, queries, found);
        let input = StreamInput { source: between, handlers: a.handlers, alias: None, span };
        q.input = Input::Stream(input);
    }
    if q.info_name().is_none() {
        q.annotations.push(info(&name, q.span));
    }
    queries.push(q);
}

/// `@info(name='…')`.
fn info(name: &str, span: Node) -> Annotation {
    let word = |name: &str| Ident { name: name.into(), span };
    let element = AnnotationElement { key: Some(word("name")), value: name.into(), span };
    Annotation { name: word("info"), elements: vec![element], nested: vec![], span }
}
