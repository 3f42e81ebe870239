//! Definitions: every name an application defines, checked for clashes, and the streams that queries
//! define by inserting into them.

use std::collections::HashMap;

use arrow::datatypes::SchemaRef;

use super::endpoints;
use super::graph::{PartitionId, StreamId, StreamPlan, TriggerPlan, TriggerSpec, WindowId};
use super::named::{self, NamedWindow};
use super::watermark::{self, LatePolicy};
use crate::error::{Code, Diagnostic, Span};
use crate::expr::types::{AttrType, schema_of};
use crate::lang::ast::{
    App, Attribute, Definition, DefinitionKind, Item, Query, Source, StreamMark, TriggerAt,
};
use crate::time::Cron;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defined {
    Stream(StreamId),
    Window(WindowId),
    /// A construct that isn't built yet; reported where it is defined.
    Later(&'static str),
}

/// The names of an application.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) streams: Vec<StreamPlan>,
    pub(super) triggers: Vec<TriggerPlan>,
    pub(super) windows: Vec<NamedWindow>,
    /// Names that joins read.
    pub(super) joined: Vec<String>,
    names: HashMap<String, (Defined, Span)>,
    inner: HashMap<(PartitionId, String), StreamId>,
    faults: HashMap<String, StreamId>,
    late: HashMap<String, StreamId>,
    /// Whether statements are missing that didn't parse: what isn't defined may be defined there.
    pub(super) incomplete: bool,
}

impl Catalog {
    /// Reads all definitions; `incomplete` if some of them didn't parse.
    pub(super) fn new(app: &App, incomplete: bool, found: &mut Vec<Diagnostic>) -> Self {
        let joined = named::joined(&queries(app));
        let mut catalog = Catalog { incomplete, joined, ..Catalog::default() };
        for item in &app.items {
            if let Item::Definition(d) = item {
                catalog.define(d, found);
            }
        }
        catalog
    }

    fn define(&mut self, d: &Definition, found: &mut Vec<Diagnostic>) {
        let later = |what: &'static str| (what, Defined::Later(what));
        if d.mark != StreamMark::Plain {
            let message = "inner (`#`), fault (`!`) and late (`!!`) streams can't be defined, they are inferred";
            found.push(Diagnostic::error(Code::Invalid, d.name.at(), message));
            return;
        }
        let (what, defined) = match &d.kind {
            DefinitionKind::Stream(attributes) => return self.define_stream(d, attributes, found),
            DefinitionKind::Table(attributes) => {
                check_attributes(attributes, found);
                later("`define table`")
            }
            DefinitionKind::Window { attributes, function, output } => {
                check_attributes(attributes, found);
                if !self.clashes(d, found) {
                    let schema = schema_of(attributes.iter().map(|a| (a.name.name.as_str(), a.ty)));
                    self.define_window(d, schema, (function, *output), found);
                }
                return;
            }
            DefinitionKind::Trigger(at) => return self.define_trigger(d, at, found),
            DefinitionKind::Function { .. } => later("`define function`"),
            DefinitionKind::Aggregation(_) => later("`define aggregation`"),
        };
        if self.clashes(d, found) {
            return;
        }
        found.push(Diagnostic::not_supported(d.span.0, what));
        self.names.insert(d.name.name.clone(), (defined, d.name.at()));
    }

    /// A window's name means it.
    pub(super) fn name_window(&mut self, d: &Definition, id: WindowId) {
        self.names.insert(d.name.name.clone(), (Defined::Window(id), d.name.at()));
    }

    /// What is wrong with a definition was reported, and isn't held against those who use it.
    pub(super) fn refuse_name(&mut self, d: &Definition) {
        self.names.insert(d.name.name.clone(), (Defined::Later("`define window`"), d.name.at()));
    }

    fn define_stream(&mut self, d: &Definition, attrs: &[Attribute], found: &mut Vec<Diagnostic>) {
        check_attributes(attrs, found);
        let schema = schema_of(attrs.iter().map(|a| (a.name.name.as_str(), a.ty)));
        if let Some(id) = self.add_stream(d, schema, found) {
            self.fault_stream(d, id, attrs, found);
            self.watermark(d, id, attrs, found);
        }
    }

    /// A trigger and its stream, which may be defined as a stream, too.
    fn define_trigger(&mut self, d: &Definition, at: &TriggerAt, found: &mut Vec<Diagnostic>) {
        let refuse = |message: String| Diagnostic::error(Code::Parameter, d.span.0, message);
        let at = match at {
            TriggerAt::Every(t) if t.millis() > 0 => TriggerSpec::Every(t.millis()),
            TriggerAt::Every(_) => {
                return found.push(refuse("a trigger needs a period of 1 ms or more".into()));
            }
            TriggerAt::Text(text) if text.trim().eq_ignore_ascii_case("start") => {
                TriggerSpec::Start
            }
            TriggerAt::Text(text) => match text.parse::<Cron>() {
                Ok(cron) => TriggerSpec::Cron(Box::new(cron), text.clone()),
                Err(e) => {
                    let message = format!("`{text}` is neither 'start' nor a cron expression: {e}");
                    return found.push(refuse(message));
                }
            },
        };
        let same = self.names.get(&d.name.name);
        if let Some((Defined::Stream(id), _)) = same
            && self.triggers.iter().any(|t| t.stream == *id)
        {
            self.clashes(d, found);
            return;
        }
        let schema = schema_of([("triggered_time", AttrType::Long)]);
        let known = match same {
            Some((Defined::Stream(id), _)) if self.streams[*id].schema == schema => Some(*id),
            _ => None,
        };
        if let Some(stream) = known.or_else(|| self.add_stream(d, schema, found)) {
            self.triggers.push(TriggerPlan { stream, at });
        }
    }

    /// A new stream; none if it is known already (then it only gets more endpoints) or clashes.
    fn add_stream(
        &mut self,
        d: &Definition,
        schema: SchemaRef,
        found: &mut Vec<Diagnostic>,
    ) -> Option<StreamId> {
        if let Some((Defined::Stream(id), _)) = self.names.get(&d.name.name) {
            let same = self.streams[*id].schema == schema;
            if same {
                let id = *id;
                let (sources, sinks) = endpoints::check(d, &schema, found);
                let stream = &mut self.streams[id];
                stream.endpoints.extend(annotations(d));
                stream.sources.extend(sources);
                stream.sinks.extend(sinks);
                return None;
            }
        }
        if self.clashes(d, found) {
            return None;
        }
        let id = self.streams.len();
        let (sources, sinks) = endpoints::check(d, &schema, found);
        let name = d.name.name.clone();
        self.streams.push(StreamPlan {
            endpoints: annotations(d),
            sources,
            sinks,
            ..StreamPlan::new(name, StreamMark::Plain, schema, Some(d.span.0))
        });
        self.names.insert(d.name.name.clone(), (Defined::Stream(id), d.name.at()));
        Some(id)
    }

    /// `@OnError(action='STREAM')` defines `!S`: the attributes of `S` and `_error object`.
    fn fault_stream(
        &mut self,
        d: &Definition,
        id: StreamId,
        attrs: &[Attribute],
        found: &mut Vec<Diagnostic>,
    ) {
        let Some(on_error) = d.annotations.iter().find(|a| a.is("OnError")) else { return };
        match on_error.get("action").unwrap_or("LOG").to_ascii_uppercase().as_str() {
            "LOG" => {}
            "STREAM" => {
                let fault = self.streams.len();
                let attributes = attrs.iter().map(|a| (a.name.name.as_str(), a.ty));
                let schema = schema_of(attributes.chain([("_error", AttrType::Object)]));
                let (name, span) = (d.name.name.clone(), Some(on_error.span.0));
                self.streams.push(StreamPlan::new(name, StreamMark::Fault, schema, span));
                self.streams[id].fault = Some(fault);
                self.faults.insert(d.name.name.clone(), fault);
            }
            "STORE" => {
                let what = "`@OnError(action='STORE')`";
                found.push(Diagnostic::not_supported(on_error.span.0, what));
            }
            other => {
                let message = format!("`{other}` is not an action of `@OnError`");
                let span = on_error.element("action").map_or(on_error.span.0, |e| e.span.0);
                found.push(
                    Diagnostic::error(Code::Parameter, span, message)
                        .with_nearest(other, ["LOG", "STREAM", "STORE"]),
                );
            }
        }
    }

    /// `@watermark`, and the stream its late rows go to.
    fn watermark(
        &mut self,
        d: &Definition,
        id: StreamId,
        attrs: &[Attribute],
        found: &mut Vec<Diagnostic>,
    ) {
        let mut all = d.annotations.iter().filter(|a| a.is("watermark"));
        let Some(first) = all.next() else { return };
        if let Some(second) = all.next() {
            let message = "a stream has one `@watermark` only";
            found.push(Diagnostic::error(Code::Invalid, second.span.0, message));
        }
        match watermark::read(first, &self.streams[id].schema) {
            Err(faults) => found.extend(faults),
            Ok(mut plan) => {
                if plan.late == LatePolicy::Stream {
                    let schema = schema_of(watermark::late_attributes(attrs, found));
                    plan.late_stream = Some(self.streams.len());
                    self.late.insert(d.name.name.clone(), self.streams.len());
                    let (name, span) = (d.name.name.clone(), Some(first.span.0));
                    self.streams.push(StreamPlan::new(name, StreamMark::Late, schema, span));
                }
                self.streams[id].watermark = Some(Box::new(plan));
            }
        }
    }

    fn clashes(&self, d: &Definition, found: &mut Vec<Diagnostic>) -> bool {
        let Some(_) = self.names.get(&d.name.name) else { return false };
        let message = format!("`{}` is defined already, with another definition", d.name.name);
        found.push(Diagnostic::error(Code::Name, d.name.at(), message));
        true
    }

    /// The stream a query reads. `Err(None)`: a fault that was reported where it stands, or a stream
    /// that a later query may define (`missing` tells which).
    pub(super) fn source(
        &self,
        s: &Source,
        partition: Option<PartitionId>,
    ) -> Result<StreamId, Unknown> {
        let name = &s.name.name;
        match s.mark {
            StreamMark::Fault => match self.faults.get(name) {
                Some(id) => Ok(*id),
                None if self.incomplete => Err(Unknown::Reported),
                None => Err(Unknown::Fault(self.no_fault_stream(s))),
            },
            StreamMark::Late => match self.late.get(name) {
                Some(id) => Ok(*id),
                None if self.incomplete => Err(Unknown::Reported),
                None => Err(Unknown::Fault(no_late_stream(s))),
            },
            StreamMark::Inner => match partition {
                None => Err(Unknown::Fault(Diagnostic::error(
                    Code::Name,
                    s.name.at(),
                    format!("the inner stream `#{name}` can only be used inside its partition"),
                ))),
                Some(p) => self.inner.get(&(p, name.clone())).copied().ok_or(Unknown::NotYet),
            },
            StreamMark::Plain => match self.names.get(name) {
                Some((Defined::Stream(id), _)) => Ok(*id),
                Some((Defined::Window(id), _)) => Ok(self.windows[*id].output),
                Some((Defined::Later(_), _)) => Err(Unknown::Reported),
                None => Err(Unknown::NotYet),
            },
        }
    }

    fn no_fault_stream(&self, s: &Source) -> Diagnostic {
        let name = &s.name.name;
        let message = format!("`{name}` has no fault stream `!{name}`");
        Diagnostic::error(Code::Name, s.name.at(), message)
            .with_help(format!("define `{name}` with `@OnError(action='STREAM')`"))
    }

    /// A diagnostic for a name that nothing defines.
    pub(super) fn undefined(&self, s: &Source) -> Diagnostic {
        let name = &s.name.name;
        let message = format!("`{name}` is not defined");
        Diagnostic::error(Code::Name, s.name.at(), message)
            .with_label("no stream, table or window of this name")
            .with_nearest(name, self.names.keys().map(String::as_str))
    }

    /// The stream a query inserts into, defined by its output if nothing else does. Names, types and
    /// order must be the same.
    pub(super) fn target(
        &mut self,
        t: &Source,
        partition: Option<PartitionId>,
        schema: &SchemaRef,
    ) -> Result<StreamId, Option<Diagnostic>> {
        let name = t.name.name.clone();
        let known = match (t.mark, self.source(t, partition)) {
            (mark @ (StreamMark::Fault | StreamMark::Late), _) => {
                let what = if mark == StreamMark::Fault { "fault" } else { "late" };
                let mark = mark.text();
                let message =
                    format!("the {what} stream `{mark}{name}` can't be written by a query");
                return Err(Some(Diagnostic::error(Code::Invalid, t.name.at(), message)));
            }
            (_, Ok(id)) => Some(id),
            (_, Err(Unknown::NotYet)) => None,
            (_, Err(Unknown::Reported)) => return Err(None),
            (_, Err(Unknown::Fault(d))) => return Err(Some(d)),
        };
        match known {
            Some(id) => {
                let id = self.window_of(id).map_or(id, |w| w.input);
                let defined = &self.streams[id].schema;
                if defined == schema {
                    return Ok(id);
                }
                Err(Some(different(t, defined, schema)))
            }
            None => {
                let id = self.streams.len();
                let inner = t.mark == StreamMark::Inner;
                self.streams.push(StreamPlan {
                    partition: partition.filter(|_| inner),
                    ..StreamPlan::new(name.clone(), t.mark, schema.clone(), None)
                });
                match (inner, partition) {
                    (true, Some(p)) => drop(self.inner.insert((p, name), id)),
                    _ => drop(self.names.insert(name, (Defined::Stream(id), t.name.at()))),
                }
                Ok(id)
            }
        }
    }
}

/// Why a name can't be read (yet).
#[derive(Debug)]
pub(super) enum Unknown {
    /// Nothing defines it so far; a query further down may.
    NotYet,
    /// It was reported where it is defined.
    Reported,
    /// It never can be.
    Fault(Diagnostic),
}

fn no_late_stream(s: &Source) -> Diagnostic {
    let name = &s.name.name;
    let message = format!("`{name}` has no late stream `!!{name}`");
    Diagnostic::error(Code::Name, s.name.at(), message)
        .with_help(format!("define `{name}` with `@watermark(…, late='stream')`"))
}

/// All queries of an application.
fn queries(app: &App) -> Vec<&Query> {
    fn of(item: &Item) -> &[Query] {
        match item {
            Item::Definition(_) => &[],
            Item::Query(q) => std::slice::from_ref(q.as_ref()),
            Item::Partition(p) => &p.queries,
        }
    }
    app.items.iter().flat_map(of).collect()
}

fn annotations(d: &Definition) -> Vec<crate::lang::ast::Annotation> {
    d.annotations.iter().filter(|a| a.is("source") || a.is("sink")).cloned().collect()
}

fn check_attributes(attributes: &[Attribute], found: &mut Vec<Diagnostic>) {
    for (i, a) in attributes.iter().enumerate() {
        if attributes[..i].iter().any(|b| b.name.name == a.name.name) {
            let message = format!("the attribute `{}` is defined twice", a.name.name);
            found.push(Diagnostic::error(Code::Name, a.name.at(), message));
        }
    }
}

fn different(t: &Source, defined: &SchemaRef, given: &SchemaRef) -> Diagnostic {
    use crate::expr::types::attr_type;
    let list = |s: &SchemaRef| {
        let of = |f: &arrow::datatypes::FieldRef| {
            let ty = attr_type(f.data_type()).map_or("?".to_string(), |t| t.to_string());
            format!("{} {}", f.name(), ty)
        };
        s.fields().iter().map(of).collect::<Vec<_>>().join(", ")
    };
    let message = format!("`{}` is defined with other attributes than are inserted", t.name.name);
    Diagnostic::error(Code::Type, t.name.at(), message)
        .with_label("names, types and order must be the same")
        .with_help(format!("defined: ({}); inserted: ({})", list(defined), list(given)))
}
