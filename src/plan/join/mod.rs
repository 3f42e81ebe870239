//! Joins: both sides' rows and names, and the condition taken apart into hash keys and the rest.

mod condition;
mod narrow;
mod scope;

use arrow::datatypes::{Field, Schema, SchemaRef};

use super::named::NamedWindow;
use super::scope::StreamScope;
use super::spec::{HandlerSpec, JoinSideSpec, JoinSpec, SharedSpec};
use crate::error::{Code, Diagnostic};
use crate::expr::bind::bind_condition;
use crate::lang::ast::{Handler, JoinInput, JoinSide, StreamInput};
use crate::window::WindowCall;

pub(super) use narrow::narrow;
pub use scope::JoinScope;

/// A resolved side of a join.
pub struct SidePlan {
    /// Its name, and the rows behind its handlers.
    scope: StreamScope,
    handlers: Vec<HandlerSpec>,
    window: Option<WindowCall>,
    shared: Option<NamedWindow>,
}

/// Puts together what was resolved of a side: the handlers, the window, and the scope behind them;
/// `shared` is the named window it reads.
pub fn side(
    handlers: Result<Vec<HandlerSpec>, Vec<Diagnostic>>,
    window: Option<Result<WindowCall, Vec<Diagnostic>>>,
    scope: StreamScope,
    shared: Option<NamedWindow>,
) -> Result<SidePlan, Vec<Diagnostic>> {
    match (handlers, window.transpose()) {
        (Ok(handlers), Ok(window)) => Ok(SidePlan { scope, handlers, window, shared }),
        (handlers, window) => {
            Err([handlers.err(), window.err()].into_iter().flatten().flatten().collect())
        }
    }
}

/// Plans a join of two streams. What the query makes of it is filled in by the caller: whether the
/// output takes expired events, whether there are aggregates, whether rows carry partition keys.
///
/// # Errors
/// Everything that is wrong with it.
pub fn plan_join(
    j: &JoinInput,
    left: SidePlan,
    right: SidePlan,
) -> Result<(JoinScope, JoinSpec), Vec<Diagnostic>> {
    let mut found = Vec::new();
    match plan_sides(j, left, right, &mut found) {
        Some(planned) if found.is_empty() => Ok(planned),
        _ => Err(found),
    }
}

/// As [`plan_join`], but faults that leave the names of both sides clear go to `found` only, so that
/// the rest of the query can be looked at, too. None if the names aren't clear.
pub(super) fn plan_sides(
    j: &JoinInput,
    left: SidePlan,
    right: SidePlan,
    found: &mut Vec<Diagnostic>,
) -> Option<(JoinScope, JoinSpec)> {
    misplaced(j, found);
    for (input, side) in [(&j.left, &left), (&j.right, &right)] {
        searchable(input, side, found);
    }
    let self_join = (left.scope.mark, &left.scope.name) == (right.scope.mark, &right.scope.name);
    let span = j.left.span.0.to(j.right.span.0);
    let mut scope = JoinScope::new(&left.scope, &right.scope, span);
    if scope.names_are_equal() {
        found.push(same_names(j, &left.scope));
        // With one name for two sides every reference would be a further, misleading finding.
        return None;
    }
    let width = left.scope.schema.fields().len();
    let condition = match j.on.as_ref().map(|on| bind_condition(on, "`on`", &mut scope)) {
        Some(Err(d)) => {
            found.extend(d);
            None
        }
        Some(Ok(on)) => Some(on),
        None => None,
    };
    let (equal, residual) = condition.map_or_else(Default::default, |c| condition::split(c, width));
    // What a named window emits finds partners in itself once.
    let twice = self_join && right.shared.is_some();
    let spec = JoinSpec {
        output: scope.output(),
        left: side_spec(left, j.unidirectional != Some(JoinSide::Right)),
        right: side_spec(right, j.unidirectional != Some(JoinSide::Left) && !twice),
        kind: j.kind,
        equal,
        residual,
        expired: false,
        aggregates: false,
        keyed: false,
        self_join,
        right_first: false,
    };
    Some((scope, spec))
}

fn side_spec(side: SidePlan, triggers: bool) -> JoinSideSpec {
    let schema = side.scope.schema;
    let shared = side.shared.as_ref().map(|w| {
        let held = w.schema.fields().len();
        SharedSpec { events: w.events, columns: (0..held).collect(), held }
    });
    let input = match side.shared {
        Some(window) => window.emitted(),
        None => input_of(&schema, &side.handlers),
    };
    JoinSideSpec { input, handlers: side.handlers, window: side.window, shared, schema, triggers }
}

/// The stream's rows: those behind the handlers without what these append.
fn input_of(schema: &SchemaRef, handlers: &[HandlerSpec]) -> SchemaRef {
    let appended: usize = handlers
        .iter()
        .map(|h| if let HandlerSpec::Append { columns, .. } = h { columns.len() } else { 0 })
        .sum();
    let kept = schema.fields().len().saturating_sub(appended);
    Schema::new(schema.fields()[..kept].to_vec()).into()
}

/// `within` and `per` belong to aggregations.
fn misplaced(j: &JoinInput, found: &mut Vec<Diagnostic>) {
    let within = j.within.as_ref().map(|(from, to)| {
        let span = to.as_ref().map_or(from.at(), |to| from.at().to(to.at()));
        ("within", span)
    });
    let per = j.per.as_ref().map(|e| ("per", e.at()));
    for (word, span) in within.into_iter().chain(per) {
        let message = format!("`{word}` needs an aggregation on one side of the join");
        found.push(
            Diagnostic::error(Code::Invalid, span, message)
                .with_label("neither side is an aggregation"),
        );
    }
}

/// A side must end with its window, and that must be one that can be searched.
fn searchable(input: &StreamInput, side: &SidePlan, found: &mut Vec<Diagnostic>) {
    let is_window = |h: &&Handler| matches!(h, Handler::Window(_));
    let behind = input.handlers.iter().skip_while(|h| !is_window(h)).skip(1);
    for h in behind {
        let (what, span) = match h {
            Handler::Filter(e) => ("a filter", e.at()),
            Handler::Function(call) => ("a stream function", call.span.0),
            Handler::Window(call) => ("a second window", call.span.0),
        };
        found.push(
            Diagnostic::error(
                Code::Invalid,
                span,
                format!("{what} can't stand behind the window of a side of a join"),
            )
            .with_label("the other side searches the window itself")
            .with_help("put it in front of the window, or into `on`"),
        );
    }
    if let Some(call) = side.window.as_ref().filter(|w| !w.spec.findable) {
        let message = format!("`#window.{}` can't be searched by a join", call.spec.name);
        found.push(Diagnostic::error(Code::Invalid, call.span, message));
    }
    if let Some(window) = side.shared.as_ref().filter(|w| !w.call.spec.findable) {
        let (name, kind) = (&window.name, window.call.spec.name);
        let message = format!("`{name}`, a `{kind}` window, can't be searched by a join");
        found.push(Diagnostic::error(Code::Invalid, input.source.name.at(), message));
    }
}

fn same_names(j: &JoinInput, left: &StreamScope) -> Diagnostic {
    let name = left.alias.as_deref().unwrap_or(&left.name);
    let span = j.right.alias.as_ref().map_or(j.right.source.name.at(), |a| a.at());
    Diagnostic::error(Code::Name, span, format!("both sides of the join are called `{name}`"))
        .with_label("the same name again")
        .with_help("give them names of their own with `as`")
}

/// The name a side goes by in diagnostics and explanations.
fn shown(scope: &StreamScope) -> String {
    let mark = scope.mark.text();
    scope.alias.clone().unwrap_or_else(|| format!("{mark}{}", scope.name))
}

/// Fields of both sides with the side's name in front.
fn joined(sides: [&StreamScope; 2]) -> SchemaRef {
    let of = |s: &StreamScope| -> Vec<Field> {
        let name = |f: &Field| f.clone().with_name(format!("{}.{}", shown(s), f.name()));
        s.schema.fields().iter().map(|f| name(f)).collect()
    };
    Schema::new(sides.map(of).concat()).into()
}
