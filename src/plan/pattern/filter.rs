//! Filters of elements: bound, and split into what looks at the event alone, the equalities a hash can
//! serve, and the rest.

use super::PatternBuilder;
use super::names::Target;
use crate::error::{Code, Diagnostic, Span};
use crate::expr::functions::FunctionSpec;
use crate::expr::rules::{comparison_type, exchanged};
use crate::expr::types::AttrType;
use crate::expr::{Scope, TypedExpr, TypedKind, bind_condition};
use crate::lang::ast::{AttrRef, BinaryOp, Call, Expr, StreamMark};
use crate::pattern::spec::{Bound, EqualKey, EventRef, KeyClass, Pick, Predicate, StateSpec};

/// The source of a row that is never there.
const NOWHERE: u16 = u16::MAX;

/// The predicate of a side, all its filters together.
pub(super) fn predicate(
    builder: &mut PatternBuilder<'_>,
    side: usize,
    filters: &[&Expr],
) -> Result<Predicate, Vec<Diagnostic>> {
    let mut scope = FilterScope { builder, side, sources: vec![] };
    let (mut conjuncts, mut findings) = (vec![], vec![]);
    for f in filters {
        match bind_condition(f, "a filter", &mut scope) {
            Ok(e) => conjuncts.extend(e.conjuncts()),
            Err(e) => findings.extend(e),
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let sources = scope.sources;
    let (event, across): (Vec<_>, Vec<_>) = conjuncts.into_iter().partition(looks_at_event_alone);
    let equal = across.iter().filter_map(|e| equality(builder, side, &sources, e)).collect();
    let bound = across.iter().find_map(|e| inequality(builder, side, &sources, e));
    let (event, across) = (TypedExpr::all(event), TypedExpr::all(across));
    Ok(Predicate { event, across, equal, bound, sources })
}

fn event_as_value(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error(Code::Type, at, format!("`{name}` is an event, not a value"))
        .with_help(format!("name an attribute of it: `{name}.…`"))
}

fn looks_at_event_alone(e: &TypedExpr) -> bool {
    let mut alone = true;
    e.each_source(&mut |s| alone &= s == 0);
    alone
}

/// The key in `event.a == partial.b`, if the partial's value is settled while it waits.
fn equality(
    builder: &PatternBuilder<'_>,
    side: usize,
    sources: &[EventRef],
    e: &TypedExpr,
) -> Option<EqualKey> {
    let pair = pair(builder, side, sources, e).filter(|p| p.op == BinaryOp::Eq)?;
    let class = match comparison_type(BinaryOp::Eq, pair.types.0, pair.types.1)? {
        AttrType::Int | AttrType::Long => KeyClass::Integer,
        AttrType::Float => KeyClass::Float,
        AttrType::Double => KeyClass::Double,
        AttrType::Bool => KeyClass::Bool,
        AttrType::String => KeyClass::Text,
        AttrType::Object => return None,
    };
    Some(EqualKey { event: pair.event, partial: pair.partial, column: pair.column, class })
}

/// The bound in `event.a > partial.b`, if the partial's value is settled while it waits.
fn inequality(
    builder: &PatternBuilder<'_>,
    side: usize,
    sources: &[EventRef],
    e: &TypedExpr,
) -> Option<Bound> {
    let pair = pair(builder, side, sources, e)?;
    let lower = match pair.op {
        BinaryOp::Gt | BinaryOp::GtEq => true,
        BinaryOp::Lt | BinaryOp::LtEq => false,
        _ => return None,
    };
    let comparable = match comparison_type(pair.op, pair.types.0, pair.types.1)? {
        AttrType::Int | AttrType::Long | AttrType::Double => true,
        // A whole number is rounded to a float before it is compared, not so to a double.
        AttrType::Float => pair.types == (AttrType::Float, AttrType::Float),
        _ => false,
    };
    let Pair { event, partial, column, .. } = pair;
    comparable.then_some(Bound { event, partial, column, lower })
}

/// A comparison of a column of the event with a settled one of the partial, the event's on the left.
struct Pair {
    op: BinaryOp,
    event: usize,
    partial: EventRef,
    column: usize,
    types: (AttrType, AttrType),
}

fn pair(
    builder: &PatternBuilder<'_>,
    side: usize,
    sources: &[EventRef],
    e: &TypedExpr,
) -> Option<Pair> {
    let TypedKind::Binary { op, left, right } = &e.kind else { return None };
    let (TypedKind::Column(a), TypedKind::Column(b)) = (&left.kind, &right.kind) else {
        return None;
    };
    let (op, event, partial, types) = match (a.source, b.source) {
        (0, s) if s != 0 => (*op, a, b, (left.ty, right.ty)),
        (s, 0) if s != 0 => (exchanged(*op), b, a, (right.ty, left.ty)),
        _ => return None,
    };
    let held = *sources.get(partial.source as usize - 1)?;
    let (event, column) = (event.column as usize, partial.column as usize);
    is_settled(builder, held, side).then_some(Pair { op, event, partial: held, column, types })
}

/// Whether the event can't change any more while the partial waits at `side`. A count state may go on
/// collecting, yet what it must have is there; one side of `and` may come while the other waits.
fn is_settled(builder: &PatternBuilder<'_>, held: EventRef, side: usize) -> bool {
    let state = |s: usize| builder.spec.sides[s].state;
    state(held.side) < state(side)
        && match (builder.spec.states[state(held.side)], held.pick) {
            (StateSpec::Count { min, .. }, Pick::First(i)) => i < min,
            (StateSpec::Count { .. }, Pick::Last(_)) => false,
            _ => true,
        }
}

/// Names in the filter of a side. Bare attributes are the event's under test.
struct FilterScope<'s, 'b> {
    builder: &'s mut PatternBuilder<'b>,
    side: usize,
    sources: Vec<EventRef>,
}

impl FilterScope<'_, '_> {
    /// The row an event is, in expressions of this filter.
    fn source(&mut self, target: Target, at: Span) -> Result<u16, Diagnostic> {
        let event = match target {
            Target::Own => return Ok(0),
            Target::Missing => return Ok(NOWHERE),
            Target::Held(e) if self.comes_later(e.side) => return Err(self.too_early(e.side, at)),
            Target::Held(e) => e,
        };
        let i = self.sources.iter().position(|s| *s == event).unwrap_or_else(|| {
            self.sources.push(event);
            self.sources.len() - 1
        });
        u16::try_from(i + 1).ok().filter(|s| *s != NOWHERE).ok_or_else(|| {
            Diagnostic::error(Code::Invalid, at, "the filter reads too many different events")
        })
    }

    fn comes_later(&self, side: usize) -> bool {
        let state = |s: usize| self.builder.spec.sides[s].state;
        state(side) > state(self.side)
    }

    /// The side of a later event, if that's what a bare name means.
    fn later_event(&self, name: &AttrRef) -> Option<usize> {
        let is_attribute = self.builder.attribute_of(self.side, &name.name.name).is_some();
        self.builder.event_named(name, is_attribute).filter(|s| self.comes_later(*s))
    }

    fn too_early(&self, side: usize, at: Span) -> Diagnostic {
        let (own, later) =
            (self.builder.names[self.side].shown(), self.builder.names[side].shown());
        let message = format!("`{later}` comes later in the pattern than `{own}`");
        Diagnostic::error(Code::Invalid, at, message)
            .with_label("has no value yet")
            .with_help(format!("move the condition into the filter of `{later}`"))
    }

    fn event_source(&mut self, name: &AttrRef) -> Option<Result<u16, Diagnostic>> {
        let is_attribute = self.builder.attribute_of(self.side, &name.name.name).is_some();
        let side = self.builder.event_named(name, is_attribute)?;
        let target = self.builder.target(side, name.index, Some(self.side));
        Some(self.source(target, name.span.0))
    }
}

impl Scope for FilterScope<'_, '_> {
    fn attribute(&mut self, name: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let (attribute, at) = (&name.name.name, name.span.0);
        let side = self.builder.side_of(name, Some(self.side))?;
        let index = name.source.as_ref().and_then(|s| s.index);
        let target = match side {
            Some(side) => self.builder.target(side, index, Some(self.side)),
            None if name.mark != StreamMark::Plain || name.index.is_some() => {
                return Err(event_as_value(attribute, at));
            }
            None => Target::Own,
        };
        let bare = side.is_none();
        if side.is_none()
            && let Some(later) = self.later_event(name)
        {
            return Err(self.too_early(later, at));
        }
        let side = side.unwrap_or(self.side);
        let Some((column, ty)) = self.builder.attribute_of(side, attribute) else {
            if bare && self.builder.side_named(StreamMark::Plain, attribute).is_some() {
                return Err(event_as_value(attribute, at));
            }
            return Err(self.builder.unknown_attribute(side, attribute, name.name.at()));
        };
        let column = match target {
            Target::Held(_) => self.builder.keep(side, column),
            Target::Own | Target::Missing => column,
        };
        let source = self.source(target, at)?;
        let column = u16::try_from(column)
            .map_err(|_| Diagnostic::error(Code::Invalid, at, "the stream is too wide"))?;
        Ok(TypedExpr::column(source, column, ty, at))
    }

    fn event(&mut self, name: &AttrRef) -> Option<TypedExpr> {
        // What is wrong with it is said when it is tried as an attribute.
        let source = self.event_source(name)?.ok()?;
        Some(TypedExpr {
            kind: TypedKind::IsMissing(source),
            ty: AttrType::Bool,
            span: name.span.0,
        })
    }

    fn event_time(&mut self, event: Option<&AttrRef>, at: Span) -> Result<TypedExpr, Diagnostic> {
        let source = match event {
            None => 0,
            Some(name) => match self.event_source(name) {
                Some(source) => source?,
                None => return Err(self.builder.unknown_event(&name.name.name, name.span.0)),
            },
        };
        Ok(TypedExpr { kind: TypedKind::EventTime(source), ty: AttrType::Long, span: at })
    }

    fn call(&mut self, _: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>> {
        None
    }

    fn function(&self, namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec> {
        self.builder.find_function(namespace, name)
    }

    fn function_names(&self) -> Vec<String> {
        self.builder.all_functions()
    }
}
