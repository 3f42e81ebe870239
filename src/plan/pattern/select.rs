//! The scope behind a pattern: what `select` and the clauses after it read of a match.

use super::PatternBuilder;
use super::names::Target;
use crate::error::{Code, Diagnostic, Span};
use crate::event::Value;
use crate::expr::functions::FunctionSpec;
use crate::expr::types::AttrType;
use crate::expr::{Scope, TypedExpr, TypedKind};
use crate::lang::ast::{AttrRef, Call, EventIndex, StreamMark};
use crate::pattern::spec::{OutputColumn, StateSpec};

impl PatternBuilder<'_> {
    /// All attributes of all elements, for `select *`: names and values. As in Siddhi the right side of
    /// `and`, `or` comes before the left one, of a count state it is the last event, and those of an absent
    /// stream are null.
    ///
    /// # Errors
    /// If two elements have an attribute of the same name.
    pub fn all_attributes(
        &mut self,
        at: Span,
    ) -> Result<Vec<(String, TypedExpr)>, Vec<Diagnostic>> {
        let order: Vec<usize> = self
            .spec
            .states
            .iter()
            .flat_map(|s| match *s {
                StateSpec::Stream { side }
                | StateSpec::Count { side, .. }
                | StateSpec::Absent { side } => vec![side],
                StateSpec::Logical { left, right, .. } => vec![right, left],
            })
            .collect();
        let (mut all, mut findings): (Vec<(String, TypedExpr)>, _) = (vec![], vec![]);
        for side in order {
            let schema = &self.spec.ports[self.spec.sides[side].port].schema;
            let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
            for name in names {
                if all.iter().any(|(n, _)| *n == name) {
                    let message = format!("`select *` would give attribute `{name}` twice");
                    let help = "list the attributes and name them with `as`";
                    findings.push(Diagnostic::error(Code::Name, at, message).with_help(help));
                    continue;
                }
                match self.value(side, Some(EventIndex::Last(0)), &name, at, at) {
                    Ok(e) => all.push((name, e)),
                    Err(d) => findings.push(d),
                }
            }
        }
        if findings.is_empty() { Ok(all) } else { Err(findings) }
    }

    /// An attribute of a side's event as an output column.
    fn value(
        &mut self,
        side: usize,
        index: Option<EventIndex>,
        attribute: &str,
        at: Span,
        name_at: Span,
    ) -> Result<TypedExpr, Diagnostic> {
        let Some((column, ty)) = self.attribute_of(side, attribute) else {
            return Err(self.unknown_attribute(side, attribute, name_at));
        };
        let event = match self.target(side, index, None) {
            Target::Held(event) if !self.names[side].is_absent => event,
            _ => return Ok(null(ty, at)),
        };
        let name = format!("{}.{attribute}", self.shown(event));
        let column = self.keep(side, column);
        let pick = self.pick(event);
        let column = self.column(OutputColumn::Attribute { pick, column }, name, ty, at)?;
        Ok(TypedExpr::column(0, column, ty, at))
    }

    /// All values of an attribute of a count state.
    fn values(&mut self, side: usize, name: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let (attribute, at) = (&name.name.name, name.span.0);
        let Some((column, _)) = self.attribute_of(side, attribute) else {
            return Err(self.unknown_attribute(side, attribute, name.name.at()));
        };
        let shown = format!("{}.{attribute}", self.names[side].shown());
        let column = self.keep(side, column);
        let all = OutputColumn::All { side, column };
        let column = self.column(all, shown, AttrType::Object, at)?;
        Ok(TypedExpr::column(0, column, AttrType::Object, at))
    }

    /// The time of an event as an output column.
    fn time(&mut self, side: usize, name: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let at = name.span.0;
        let event = match self.target(side, name.index, None) {
            Target::Held(event) => event,
            Target::Own | Target::Missing => return Ok(null(AttrType::Long, at)),
        };
        let shown = format!("eventTimestamp({})", self.shown(event));
        let pick = self.pick(event);
        let column = self.column(OutputColumn::Time { pick }, shown, AttrType::Long, at)?;
        Ok(TypedExpr::column(0, column, AttrType::Long, at))
    }

    /// Whether some element has the attribute.
    fn is_attribute(&self, name: &str) -> bool {
        self.present().any(|s| self.attribute_of(s, name).is_some())
    }

    /// The sides that have events.
    fn present(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.names.len()).filter(|s| !self.names[*s].is_absent)
    }

    /// A bare attribute: of the only element that has it.
    fn bare(&mut self, name: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let (attribute, at) = (&name.name.name, name.span.0);
        let having: Vec<usize> =
            self.present().filter(|s| self.attribute_of(*s, attribute).is_some()).collect();
        match having.as_slice() {
            [side] => self.value(*side, Some(EventIndex::Last(0)), attribute, at, at),
            [] if self.side_named(name.mark, attribute).is_some() => {
                let message = format!("`{attribute}` is an event, not a value");
                let help = format!("name an attribute of it: `{attribute}.…`");
                Err(Diagnostic::error(Code::Type, at, message).with_help(help))
            }
            [] => {
                let message = format!("no element of the pattern has an attribute `{attribute}`");
                let schema = |s: usize| &self.spec.ports[self.spec.sides[s].port].schema;
                let known: Vec<&str> = self
                    .present()
                    .flat_map(|s| schema(s).fields().iter().map(|f| f.name().as_str()))
                    .collect();
                Err(Diagnostic::error(Code::Name, at, message)
                    .with_label("not found")
                    .with_nearest(attribute, known))
            }
            [first, ..] => {
                let message = format!("several elements have an attribute `{attribute}`");
                let help = format!("say which: `{}.{attribute}`", self.names[*first].shown());
                Err(Diagnostic::error(Code::Name, at, message)
                    .with_label("ambiguous")
                    .with_help(help))
            }
        }
    }
}

fn null(ty: AttrType, at: Span) -> TypedExpr {
    TypedExpr { kind: TypedKind::Literal(Value::Null), ty, span: at }
}

/// The rest of the query. Columns are source 0, in the order of first use.
impl Scope for PatternBuilder<'_> {
    fn attribute(&mut self, name: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let Some(side) = self.side_of(name, None)? else { return self.bare(name) };
        let index = name.source.as_ref().and_then(|s| s.index);
        let counts =
            matches!(self.spec.states[self.spec.sides[side].state], StateSpec::Count { .. });
        if counts && index.is_none() && self.names[side].reference.is_some() {
            return self.values(side, name);
        }
        self.value(side, index, &name.name.name, name.span.0, name.name.at())
    }

    fn event(&mut self, name: &AttrRef) -> Option<TypedExpr> {
        let is_attribute = name.mark == StreamMark::Plain && self.is_attribute(&name.name.name);
        let side = self.event_named(name, is_attribute)?;
        let time = self.time(side, name).ok()?;
        let span = name.span.0;
        Some(TypedExpr { kind: TypedKind::IsNull(Box::new(time)), ty: AttrType::Bool, span })
    }

    fn event_time(&mut self, event: Option<&AttrRef>, at: Span) -> Result<TypedExpr, Diagnostic> {
        let Some(name) = event else {
            return Ok(TypedExpr { kind: TypedKind::EventTime(0), ty: AttrType::Long, span: at });
        };
        match self.event_named(name, false) {
            Some(side) => Ok(TypedExpr { span: at, ..self.time(side, name)? }),
            None => Err(self.unknown_event(&name.name.name, name.span.0)),
        }
    }

    fn call(&mut self, _: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>> {
        None
    }

    fn function(&self, namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec> {
        self.find_function(namespace, name)
    }

    fn function_names(&self) -> Vec<String> {
        self.all_functions()
    }

    fn star(&mut self, at: Span) -> Result<Vec<TypedExpr>, Diagnostic> {
        self.all_attributes(at)
            .map(|all| all.into_iter().map(|(_, e)| e).collect())
            .map_err(|mut findings| findings.swap_remove(0))
    }
}
