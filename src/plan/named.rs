//! Named windows (`define window`): what queries insert goes through one window, and what that lets
//! out is read by others.
//!
//! A named window `W` is two streams with a query of its own between them: writers insert into `W`'s
//! *entrance*, the window query puts what the window emits, current and expired, on its *exit*. So
//! order, coupling and snapshots of named windows are those of streams and queries. Joins that search
//! `W` follow its exit and keep the columns they need of the rows that are in; for them the exit
//! carries one column more ([`held_field`]), which no other reader sees.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::catalog::Catalog;
use super::graph::{InputPlan, QueryPlan, StreamId, StreamPlan, WindowId};
use super::handlers::plan_window;
use super::scope::StreamScope;
use super::spec::{HandlerSpec, SelectSpec};
use crate::error::{Code, Diagnostic, Span};
use crate::lang::ast::{
    Call, Definition, EventType, Handler, Input, Query, Source, StreamInput, StreamMark,
};
use crate::window::WindowCall;

/// A named window.
#[derive(Debug, Clone)]
pub struct NamedWindow {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub span: Span,
    /// Its attributes.
    pub schema: SchemaRef,
    /// The window.
    pub call: WindowCall,
    /// What its readers get (`output …`).
    pub events: EventType,
    /// Whether a join searches it.
    pub searched: bool,
    /// The stream of what is inserted.
    pub input: StreamId,
    /// The stream of what it emits.
    pub output: StreamId,
}

impl NamedWindow {
    /// Whether the window must let out the rows that leave: readers get them, or a join must know.
    pub fn expired(&self) -> bool {
        self.searched || self.events != EventType::Current
    }

    /// The columns of its exit.
    pub fn emitted(&self) -> SchemaRef {
        if !self.searched {
            return self.schema.clone();
        }
        let fields = self.schema.fields().iter().map(|f| f.as_ref().clone());
        Schema::new(fields.chain([held_field()]).collect::<Vec<_>>()).into()
    }
}

/// Which row of the window an emitted row is, and what a join has to make of it; the last column of
/// the exit of a window that joins search.
pub fn held_field() -> Field {
    Field::new("#held", DataType::UInt64, false)
}

/// Which end of a named window a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowEnd {
    /// What is inserted.
    Entrance(WindowId),
    /// What the window emits.
    Exit(WindowId),
}

/// The names of streams and windows that joins of the application read.
pub(super) fn joined(queries: &[&Query]) -> Vec<String> {
    let mut names = Vec::new();
    let mut todo: Vec<&Query> = queries.to_vec();
    while let Some(q) = todo.pop() {
        match &q.input {
            Input::Join(j) => {
                let sides = [&j.left, &j.right].into_iter().map(|s| &s.source);
                let plain = sides.filter(|s| s.mark == StreamMark::Plain);
                names.extend(plain.map(|s| s.name.name.clone()));
            }
            Input::Anonymous(a) => todo.push(&a.query),
            Input::Stream(_) | Input::Pattern(_) => {}
        }
    }
    names
}

impl Catalog {
    /// Defines a named window: its two streams.
    pub(super) fn define_window(
        &mut self,
        d: &Definition,
        schema: SchemaRef,
        (function, output): (&Call, Option<EventType>),
        found: &mut Vec<Diagnostic>,
    ) {
        let name = d.name.name.clone();
        for a in d.annotations.iter().filter(|a| a.is("source") || a.is("sink")) {
            let message = format!("`{name}` is a window: `@{}` belongs to a stream", a.name.name);
            found.push(Diagnostic::error(Code::Invalid, a.span.0, message).with_help(
                "define a stream for it, and a query that inserts its events into the window",
            ));
        }
        let mut scope = StreamScope {
            name: name.clone(),
            mark: StreamMark::Plain,
            alias: None,
            schema: schema.clone(),
        };
        let call = match plan_window(function, &mut scope) {
            Ok(call) => call,
            Err(faults) => {
                found.extend(faults);
                self.refuse_name(d);
                return;
            }
        };
        let id = self.windows.len();
        let searched = self.joined.contains(&name);
        let window = NamedWindow {
            name: name.clone(),
            span: d.span.0,
            schema: schema.clone(),
            call,
            events: output.unwrap_or(EventType::All),
            searched,
            input: self.streams.len(),
            output: self.streams.len() + 1,
        };
        let stream = |end, schema| StreamPlan {
            window: Some(end),
            ..StreamPlan::new(name.clone(), StreamMark::Plain, schema, Some(d.span.0))
        };
        let emitted = window.emitted();
        self.streams.push(stream(WindowEnd::Entrance(id), schema));
        self.streams.push(stream(WindowEnd::Exit(id), emitted));
        self.windows.push(window);
        self.name_window(d, id);
    }

    /// The rows a query gets from a stream.
    pub(super) fn attributes(&self, stream: StreamId) -> SchemaRef {
        match self.streams[stream].window {
            Some(WindowEnd::Exit(w)) => self.windows[w].schema.clone(),
            _ => self.streams[stream].schema.clone(),
        }
    }

    /// The named window whose exit a stream is.
    pub(super) fn window_of(&self, stream: StreamId) -> Option<&NamedWindow> {
        match self.streams[stream].window {
            Some(WindowEnd::Exit(w)) => Some(&self.windows[w]),
            _ => None,
        }
    }

    /// The queries between entrances and exits, in definition order.
    pub(super) fn window_queries(&self) -> Vec<QueryPlan> {
        self.windows.iter().enumerate().map(|(id, w)| window_query(id, w)).collect()
    }
}

fn window_query(id: WindowId, w: &NamedWindow) -> QueryPlan {
    let window = HandlerSpec::Window {
        call: w.call.clone(),
        schema: w.schema.clone(),
        expired: w.expired(),
    };
    QueryPlan {
        name: format!("window {}", w.name),
        span: w.span,
        partition: None,
        input: InputPlan::Stream { stream: w.input, chain: vec![window] },
        select: SelectSpec::all(w.schema.clone(), w.emitted()),
        rate: None,
        target: Some(w.output),
        notes: vec![],
        window: Some(id),
    }
}

/// A window behind a named window is refused.
pub(super) fn no_window_behind(
    s: &StreamInput,
    window: Option<&NamedWindow>,
) -> Result<(), Diagnostic> {
    let behind = s.handlers.iter().find_map(|h| match h {
        Handler::Window(call) => Some(call),
        _ => None,
    });
    let (Some(call), Some(window)) = (behind, window) else { return Ok(()) };
    let message = format!("`{}` is a window, and can't go through another", window.name);
    Err(Diagnostic::error(Code::Invalid, call.span.0, message)
        .with_label("a second window")
        .with_help("insert what the window emits into a stream, and put the window behind that"))
}

/// What a side of a join may do with the rows of a named window: filter them.
pub(super) fn only_filters(s: &StreamInput) -> Result<(), Diagnostic> {
    let function = s.handlers.iter().find_map(|h| match h {
        Handler::Function(call) => Some(call),
        _ => None,
    });
    function.map_or(Ok(()), |call| {
        let what = "a stream function on a named window that is a side of a join";
        Err(Diagnostic::not_supported(call.span.0, what))
    })
}

/// A pattern takes a window's rows as they enter.
pub(super) fn pattern_source(s: &Source, window: &NamedWindow) -> Result<(), Diagnostic> {
    if window.events != EventType::Expired {
        return Ok(());
    }
    let message =
        format!("`{}` puts out expired events only, and a pattern reads current ones", window.name);
    Err(Diagnostic::error(Code::Invalid, s.name.at(), message)
        .with_help("insert the window's expired events into a stream, and read that"))
}
