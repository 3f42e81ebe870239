//! Names and types resolved: the typed graph as plain data. The plan knows specs, never operators.
//!
//! `compile` reads definitions (`catalog`), plans each query (`query`: `handlers`, `join`, `pattern`,
//! `select`), and puts the graph in an order to run (`schedule`). `explain` draws it.

mod annotations;
mod anonymous;
mod catalog;
pub mod endpoints;
pub mod explain;
mod graph;
mod handlers;
pub(crate) mod held;
mod inputs;
pub mod join;
mod named;
pub mod pattern;
mod query;
mod rate;
mod schedule;
mod scope;
mod select;
pub mod spec;
mod visit;
pub mod watermark;

pub use graph::*;
pub use named::{NamedWindow, WindowEnd};
pub use scope::{StreamScope, column};

use crate::error::{Code, Diagnostic, Severity};
use crate::expr::TypedExpr;
use crate::expr::bind::{bind, bind_condition};
use crate::lang::ast::{self, Item, PartitionKey, StreamMark};
use crate::lang::substitute;

use catalog::Catalog;
use query::{Context, Refused, plan_query, resolve};

/// Text to plan: replaces `${variables}` by those of the environment, parses, resolves and schedules.
/// Warnings come with the plan, all faults of one pass together; they point into `text`.
pub fn compile(text: &str) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    compile_with(text, &[])
}

/// As [`compile`]; a variable is one of these names with its value, or one of the environment.
///
/// # Errors
/// As [`compile`].
pub fn compile_with(
    text: &str,
    variables: &[(String, String)],
) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    // As on a command line, the last one given counts.
    let given = |name: &str| variables.iter().rev().find(|(n, _)| n == name).map(|v| v.1.clone());
    let substituted = substitute(text, |name| given(name).or_else(|| std::env::var(name).ok()))?;
    let original = |mut found: Vec<Diagnostic>| {
        found.iter_mut().for_each(|d| d.span = substituted.original(d.span));
        found
    };
    match compile_text(&substituted.text) {
        Ok((mut plan, warnings)) => {
            // What the runtime may still find wrong with sources and sinks.
            for s in &mut plan.streams {
                s.sources.iter_mut().for_each(|x| x.span = substituted.original(x.span));
                s.sinks.iter_mut().for_each(|x| x.span = substituted.original(x.span));
            }
            Ok((plan, original(warnings)))
        }
        Err(found) => Err(original(found)),
    }
}

fn compile_text(text: &str) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let parsed = crate::lang::parse_app(text);
    let mut found = parsed.diagnostics;
    let broken = found.iter().any(|d| d.severity == Severity::Error);
    match parsed.tree {
        None => Err(found),
        // What did parse is checked too, so that one pass shows as much as possible; streams that only
        // the broken statements would have defined are not held against the rest.
        Some(tree) if broken => {
            if let Err(more) = compile_statements(&tree, true) {
                found.extend(more);
            }
            found.sort_by_key(|d| d.span);
            Err(found)
        }
        Some(tree) => match compile_tree(&tree) {
            Ok((plan, warnings)) => {
                found.extend(warnings);
                found.sort_by_key(|d| d.span);
                Ok((plan, found))
            }
            Err(more) => {
                found.extend(more);
                found.sort_by_key(|d| d.span);
                Err(found)
            }
        },
    }
}

/// Compiles a syntax tree. All faults of one pass are returned together; warnings come with the plan.
pub fn compile_tree(app: &ast::App) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    compile_statements(app, false)
}

/// [`compile_tree`], where statements may be missing that didn't parse.
fn compile_statements(
    app: &ast::App,
    incomplete: bool,
) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut found = Vec::new();
    let unfolded = anonymous::unfold(app, &mut found);
    let app = unfolded.as_ref().unwrap_or(app);
    let settings = annotations::check(app, &mut found);
    let mut builder = Builder {
        catalog: Catalog::new(app, incomplete, &mut found),
        app: settings.name.clone().unwrap_or_else(|| "app".into()),
        queries: vec![],
        partitions: vec![],
        lost: vec![],
        found,
    };
    builder.plan(app);
    let Builder { catalog, queries, partitions, mut found, .. } = builder;
    watermark::check_writers(&catalog.streams, &queries, &catalog.triggers, &mut found);
    if found.iter().any(|d| d.severity == Severity::Error) {
        found.sort_by_key(|d| d.span);
        return Err(found);
    }
    // Before all queries of the text, as Siddhi makes them: their timers fire first.
    let windows = catalog.window_queries().into_iter().map(|q| (0, q));
    let mut queries: Vec<(usize, QueryPlan)> = windows.chain(queries).collect();
    queries.sort_by_key(|(n, _)| *n);
    let numbers: Vec<usize> = queries.iter().map(|(n, _)| *n).collect();
    let mut plan = Plan {
        name: settings.name,
        playback: settings.playback,
        streams: catalog.streams,
        triggers: catalog.triggers,
        windows: catalog.windows,
        queries: queries.into_iter().map(|(_, q)| q).collect(),
        partitions,
        schedule: vec![],
        fused: true,
    };
    for p in &mut plan.partitions {
        // Until here queries were known by their number in the text.
        let place = |n: &usize| numbers.iter().position(|m| m == n);
        p.queries = p.queries.iter().filter_map(place).collect();
    }
    schedule::schedule(&mut plan);
    Ok((plan, found))
}

struct Builder {
    catalog: Catalog,
    app: String,
    queries: Vec<(usize, QueryPlan)>,
    partitions: Vec<PartitionPlan>,
    /// Streams that refused queries would have defined.
    lost: Vec<ast::Source>,
    found: Vec<Diagnostic>,
}

/// A query that still has to be planned.
struct Waiting<'a> {
    number: usize,
    query: &'a ast::Query,
    name: String,
    partition: Option<PartitionId>,
}

impl Builder {
    fn plan(&mut self, app: &ast::App) {
        let mut waiting = Vec::new();
        let mut number = 0;
        for item in &app.items {
            match item {
                Item::Definition(_) => {}
                Item::Query(q) => {
                    number += 1;
                    waiting.push(self.waiting(q, number, None));
                }
                Item::Partition(p) => {
                    let id = self.partition(p);
                    for q in &p.queries {
                        number += 1;
                        waiting.push(self.waiting(q, number, Some(id)));
                    }
                }
            }
        }
        self.names(&waiting);
        let partitions: Vec<&ast::Partition> = app
            .items
            .iter()
            .filter_map(|i| if let Item::Partition(p) = i { Some(p) } else { None })
            .collect();
        let mut keys_done = vec![false; partitions.len()];
        // Queries may read what queries further down define: go round until nothing moves.
        loop {
            let before = waiting.len();
            for (id, p) in partitions.iter().enumerate() {
                if !keys_done[id] {
                    keys_done[id] = self.partition_keys(id, p, false);
                }
            }
            waiting.retain(|w| self.try_query(w, &keys_done));
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        for (id, p) in partitions.iter().enumerate() {
            if !keys_done[id] {
                self.partition_keys(id, p, true);
            }
        }
        self.give_up(&waiting, &keys_done);
        for p in 0..self.partitions.len() {
            self.shared_streams(p);
        }
    }

    fn waiting<'a>(
        &mut self,
        query: &'a ast::Query,
        number: usize,
        partition: Option<PartitionId>,
    ) -> Waiting<'a> {
        let name = query.info_name().map_or_else(|| format!("query_{number}"), |e| e.value.clone());
        Waiting { number, query, name, partition }
    }

    fn names(&mut self, all: &[Waiting<'_>]) {
        for (i, w) in all.iter().enumerate() {
            if all[..i].iter().any(|o| o.name == w.name) {
                let span = w.query.info_name().map_or(w.query.span.0, |e| e.span.0);
                let message = format!("there are two queries named `{}`", w.name);
                self.found.push(Diagnostic::error(Code::Name, span, message));
            }
        }
    }

    /// Whether the query still waits.
    fn try_query(&mut self, w: &Waiting<'_>, keys_done: &[bool]) -> bool {
        if w.partition.is_some_and(|p| !keys_done[p]) {
            return true;
        }
        let mut cx = Context {
            catalog: &mut self.catalog,
            app: &self.app,
            partition: w.partition,
            warnings: vec![],
        };
        let planned = plan_query(w.query, w.name.clone(), &mut cx);
        let warnings = cx.warnings;
        match planned {
            Ok(q) => {
                self.found.extend(warnings);
                self.queries.push((w.number, q));
                if let Some(p) = w.partition {
                    self.partitions[p].queries.push(w.number);
                }
                false
            }
            Err(Refused::Waits(_)) => true,
            Err(Refused::Faults(d)) => {
                self.found.extend(d);
                if let ast::OutputAction::Insert { target, .. } = &w.query.output {
                    self.lost.push(target.clone());
                }
                false
            }
        }
    }

    fn give_up(&mut self, waiting: &[Waiting<'_>], keys_done: &[bool]) {
        if self.catalog.incomplete {
            return;
        }
        for w in waiting {
            if w.partition.is_some_and(|p| !keys_done[p]) {
                continue;
            }
            let mut cx = Context {
                catalog: &mut self.catalog,
                app: &self.app,
                partition: w.partition,
                warnings: vec![],
            };
            if let Err(Refused::Waits(s)) = plan_query(w.query, w.name.clone(), &mut cx) {
                // Where a refused query would have defined the stream, its fault is enough.
                let pending = waiting.iter().any(|o| o.number != w.number && writes(o.query, &s));
                if !pending && !self.lost.contains(&s) {
                    self.found.push(self.catalog.undefined(&s));
                } else if !self.lost.contains(&s) && writes_itself(waiting, &s) {
                    let message =
                        format!("`{}` is defined only by queries that wait for it", s.name.name);
                    let d = Diagnostic::error(Code::Name, s.name.at(), message);
                    self.found.push(d.with_help("define the stream"));
                }
            }
        }
    }

    fn partition(&mut self, p: &ast::Partition) -> PartitionId {
        let id = self.partitions.len();
        for a in &p.annotations {
            if a.is("purge") {
                self.found.push(Diagnostic::not_supported(a.span.0, "`@purge` on a partition"));
            }
        }
        let name = p
            .annotations
            .iter()
            .find(|a| a.is("info"))
            .and_then(|a| a.get("name"))
            .map_or_else(|| format!("partition_{}", id + 1), str::to_string);
        self.partitions.push(PartitionPlan {
            name,
            span: p.span.0,
            keys: vec![],
            shared: vec![],
            queries: vec![],
        });
        id
    }

    /// Plans the keys of a partition; false while a stream is still unknown.
    fn partition_keys(&mut self, id: PartitionId, p: &ast::Partition, last: bool) -> bool {
        let mut keys: Vec<(StreamId, KeySpec)> = Vec::new();
        for with in &p.with {
            let cx = Context {
                catalog: &mut self.catalog,
                app: &self.app,
                partition: None,
                warnings: vec![],
            };
            let stream = match resolve(&with.stream, &cx) {
                Ok(s) => s,
                Err(Refused::Waits(s)) => {
                    if last && !self.catalog.incomplete {
                        self.found.push(self.catalog.undefined(&s));
                    }
                    return false;
                }
                Err(Refused::Faults(d)) => {
                    self.found.extend(d);
                    continue;
                }
            };
            let mut scope = StreamScope {
                name: with.stream.name.name.clone(),
                mark: StreamMark::Plain,
                alias: None,
                schema: self.catalog.attributes(stream),
            };
            match key_spec(&with.key, &mut scope) {
                Ok(key) => keys.push((stream, key)),
                Err(d) => self.found.extend(d),
            }
        }
        self.partitions[id].keys = by_stream(same_type(keys));
        true
    }

    /// Outer streams read inside a partition without a key.
    fn shared_streams(&mut self, p: PartitionId) {
        let mut shared = Vec::new();
        for (_, q) in self.queries.iter().filter(|(_, q)| q.partition == Some(p)) {
            for s in q.input.streams() {
                let inner = self.catalog.streams[*s].mark == StreamMark::Inner;
                let keyed = self.partitions[p].keys.iter().any(|(k, _)| k == s);
                if !inner && !keyed && !shared.contains(s) {
                    shared.push(*s);
                }
            }
        }
        self.partitions[p].shared = shared;
    }
}

/// Whether all writers of `s` among the waiting queries wait in a circle (nothing else is at fault).
fn writes_itself(waiting: &[Waiting<'_>], s: &ast::Source) -> bool {
    waiting.iter().any(|w| writes(w.query, s))
}

fn writes(q: &ast::Query, s: &ast::Source) -> bool {
    matches!(&q.output, ast::OutputAction::Insert { target, .. } if target == s)
}

/// `convert(e, 'string')`.
fn as_text(e: TypedExpr) -> TypedExpr {
    use crate::expr::types::AttrType;
    let span = e.span;
    let Some(function) = crate::registry::function(None, "convert") else { return e };
    let text = TypedExpr::literal(crate::event::Value::String("string".into()), span);
    let kind = crate::expr::TypedKind::Call { function, args: vec![e, text] };
    TypedExpr { kind, ty: AttrType::String, span }
}

/// A key is the string form of the value, so that streams with keys of different types share keys.
fn same_type(mut keys: Vec<(StreamId, KeySpec)>) -> Vec<(StreamId, KeySpec)> {
    use crate::expr::types::AttrType;
    let ty = |key: &KeySpec| match key {
        KeySpec::Value(e) => e.ty,
        KeySpec::Ranges(_) | KeySpec::Each(_) => AttrType::String,
    };
    if keys.windows(2).any(|w| ty(&w[0].1) != ty(&w[1].1)) {
        for (_, key) in &mut keys {
            if let KeySpec::Value(e) = key
                && e.ty != AttrType::String
            {
                *e = as_text(e.clone());
            }
        }
    }
    keys
}

/// Of a stream that is listed several times, a row goes to the key of each.
fn by_stream(keys: Vec<(StreamId, KeySpec)>) -> Vec<(StreamId, KeySpec)> {
    let mut by_stream: Vec<(StreamId, KeySpec)> = Vec::new();
    for (stream, key) in keys {
        match by_stream.iter_mut().find(|(s, _)| *s == stream) {
            None => by_stream.push((stream, key)),
            Some((_, KeySpec::Each(all))) => all.push(key),
            Some((_, first)) => {
                let all = vec![first.clone(), key];
                *first = KeySpec::Each(all);
            }
        }
    }
    by_stream
}

fn key_spec(key: &PartitionKey, scope: &mut StreamScope) -> Result<KeySpec, Vec<Diagnostic>> {
    let ranges = match key {
        PartitionKey::Value(e) => return bind(e, scope).map(KeySpec::Value),
        PartitionKey::Ranges(ranges) => ranges,
    };
    let mut found = Vec::new();
    let mut bound = Vec::with_capacity(ranges.len());
    for (condition, text) in ranges {
        match bind_condition(condition, "a range of a partition", scope) {
            Ok(e) => bound.push((e, text.clone())),
            Err(d) => found.extend(d),
        }
    }
    if found.is_empty() { Ok(KeySpec::Ranges(bound)) } else { Err(found) }
}
