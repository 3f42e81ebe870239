//! Annotations that concern the whole application, and the ones that are refused.
//!
//! Unknown annotations are ignored, as in Siddhi (they may belong to other tools), with a warning if
//! they look like a slip of the pen; known ones are checked, and known ones that don't run yet are
//! refused.

use crate::error::{Code, Diagnostic};
use crate::lang::ast::{self, Annotation, App, DefinitionKind, Item};

/// What the `@app:…` annotations say.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) name: Option<String>,
    pub(super) playback: bool,
}

/// Reads and checks annotations.
pub(super) fn check(app: &App, found: &mut Vec<Diagnostic>) -> Settings {
    let mut settings = Settings::default();
    for a in &app.annotations {
        match a.name.name.to_ascii_lowercase().as_str() {
            "app:name" | "name" => settings.name = a.positional().or(a.get("name")).map(Into::into),
            "app:playback" | "playback" => {
                settings.playback = true;
                playback(a, found);
            }
            "app:async" => {
                let message = "`@app:async` is not allowed; put `@async` on streams";
                found.push(Diagnostic::error(Code::Invalid, a.span.0, message));
            }
            _ => misspelt(a, found),
        }
    }
    for item in &app.items {
        match item {
            Item::Definition(d) => {
                for a in &d.annotations {
                    misspelt(a, found);
                    definition(a, &d.kind, found);
                }
            }
            Item::Query(q) => query(&q.annotations, found),
            Item::Partition(p) => {
                p.annotations.iter().for_each(|a| misspelt(a, found));
                p.queries.iter().for_each(|q| query(&q.annotations, found));
            }
        }
    }
    settings
}

/// All annotations of SiddhiQL, and ours.
const KNOWN: [&str; 23] = [
    "app:name",
    "app:description",
    "app:playback",
    "app:async",
    "app:statistics",
    "app:enforceOrder",
    "name",
    "playback",
    "info",
    "source",
    "sink",
    "store",
    "OnError",
    "async",
    "watermark",
    "primaryKey",
    "index",
    "purge",
    "cache",
    "dist",
    "map",
    "partitionById",
    "synchronized",
];

/// Warns of a name that is nearly one of [`KNOWN`]: the annotation would do nothing.
fn misspelt(a: &Annotation, found: &mut Vec<Diagnostic>) {
    let name = a.name.name.as_str();
    if KNOWN.iter().any(|k| k.eq_ignore_ascii_case(name)) {
        return;
    }
    if let Some(known) = crate::error::nearest(name, KNOWN) {
        let message = format!("`@{name}` is unknown and does nothing");
        let d = Diagnostic::warning(Code::Name, a.name.at(), message);
        found.push(d.with_help(format!("did you mean `@{known}`?")));
    }
}

/// `@app:playback(idle.time='…', increment='…')`: both or neither.
fn playback(a: &Annotation, found: &mut Vec<Diagnostic>) {
    let known = ["idle.time", "increment"];
    for e in &a.elements {
        let key = e.key.as_ref().map_or("", |k| k.name.as_str());
        if !known.contains(&key) {
            let message = format!("`@app:playback` has no element `{key}`");
            let d = Diagnostic::error(Code::Parameter, e.span.0, message);
            found.push(d.with_nearest(key, known));
        } else if !is_time(&e.value) {
            let message = format!("`{}` is not a time such as '100 millisec'", e.value);
            found.push(Diagnostic::error(Code::Parameter, e.span.0, message));
        }
    }
    match (a.get("idle.time"), a.get("increment")) {
        (Some(_), Some(_)) => {
            let what = "the heartbeat of `@app:playback` (`idle.time`, `increment`)";
            found.push(Diagnostic::not_supported(a.span.0, what));
        }
        (None, None) => {}
        _ => {
            let message = "`@app:playback` needs both `idle.time` and `increment`, or neither";
            found.push(Diagnostic::error(Code::Parameter, a.span.0, message));
        }
    }
}

fn is_time(text: &str) -> bool {
    let parsed = crate::lang::parse_expression(text);
    let time = |e: ast::Expr| matches!(e.kind, ast::ExprKind::Literal(ast::Literal::Time(_)));
    parsed.diagnostics.is_empty() && parsed.tree.is_some_and(time)
}

fn definition(a: &Annotation, kind: &DefinitionKind, found: &mut Vec<Diagnostic>) {
    let stream = matches!(kind, DefinitionKind::Stream(_));
    if a.is("async") && stream {
        for key in ["buffer.size", "workers", "batch.size.max"] {
            let Some(e) = a.element(key) else { continue };
            let fits = e.value.trim().parse::<i64>().is_ok_and(|n| n > 0);
            if !fits {
                let message = format!("`{key}` needs a number above 0, not `{}`", e.value);
                found.push(Diagnostic::error(Code::Parameter, e.span.0, message));
            }
        }
    }
    if a.is("watermark") && !stream {
        let message = "`@watermark` is for streams";
        found.push(Diagnostic::error(Code::Invalid, a.span.0, message));
    }
    if a.is("store") {
        found.push(Diagnostic::not_supported(a.span.0, "`@store`"));
    }
}

fn query(annotations: &[Annotation], found: &mut Vec<Diagnostic>) {
    annotations.iter().for_each(|a| misspelt(a, found));
    let infos: Vec<&Annotation> = annotations.iter().filter(|a| a.is("info")).collect();
    if let [_, second, ..] = infos.as_slice() {
        let message = "a query has one `@info` only";
        found.push(Diagnostic::error(Code::Name, second.span.0, message));
    }
}
