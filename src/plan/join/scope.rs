//! What names mean in `on`, `select`, `group by` of a join: attributes of the left rows, then of the
//! right ones, as columns of one row.

use arrow::datatypes::SchemaRef;

use super::{joined, shown};
use crate::error::{Code, Diagnostic, Span};
use crate::expr::bind::Scope;
use crate::expr::functions::FunctionSpec;
use crate::expr::types::{AttrType, attr_type};
use crate::expr::{TypedExpr, TypedKind};
use crate::lang::ast::{AttrRef, Call, RefSource};
use crate::plan::scope::{StreamScope, column, find, misplaced_aggregate};
use crate::registry;

/// The names of a join.
pub struct JoinScope {
    sides: [StreamScope; 2],
    span: Span,
}

impl JoinScope {
    pub(super) fn new(left: &StreamScope, right: &StreamScope, span: Span) -> Self {
        let copy = |s: &StreamScope| StreamScope {
            name: s.name.clone(),
            mark: s.mark,
            alias: s.alias.clone(),
            schema: s.schema.clone(),
        };
        Self { sides: [copy(left), copy(right)], span }
    }

    pub(super) fn names_are_equal(&self) -> bool {
        shown(&self.sides[0]) == shown(&self.sides[1])
    }

    /// The rows of both sides side by side, each column named `side.attribute`.
    pub(super) fn output(&self) -> SchemaRef {
        joined([&self.sides[0], &self.sides[1]])
    }

    /// All columns as `select *` puts them out: left, then right. Both sides having one of a name is an
    /// error.
    pub fn all(&self) -> Result<Vec<(String, TypedExpr)>, Vec<Diagnostic>> {
        let [left, right] = &self.sides;
        let twice: Vec<String> = left
            .schema
            .fields()
            .iter()
            .filter(|f| right.schema.index_of(f.name()).is_ok())
            .map(|f| format!("`{}`", f.name()))
            .collect();
        if !twice.is_empty() {
            let message = format!("`select *` would put out {} twice", twice.join(", "));
            let help = format!(
                "both `{}` and `{}` have it: list the attributes and rename one with `as`",
                shown(left),
                shown(right)
            );
            return Err(vec![Diagnostic::error(Code::Name, self.span, message).with_help(help)]);
        }
        Ok(self.columns(Span::default()).collect())
    }

    /// Name and column of all attributes.
    fn columns(&self, at: Span) -> impl Iterator<Item = (String, TypedExpr)> + '_ {
        let fields = self.sides.iter().flat_map(|s| s.schema.fields().iter());
        fields.enumerate().map(move |(i, f)| {
            let ty = attr_type(f.data_type()).unwrap_or(AttrType::Object);
            (f.name().clone(), column(i, ty, at))
        })
    }

    /// A column of a side as one of the joined row.
    fn of(&self, side: usize, a: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let s = &self.sides[side];
        let mut e = find(&s.schema, a, &format!("`{}`", shown(s)))?;
        if let (TypedKind::Column(c), 1) = (&mut e.kind, side) {
            c.column += self.sides[0].schema.fields().len() as u16;
        }
        Ok(e)
    }

    /// The side a reference names. A side with an alias goes by that alone.
    fn side(&self, source: &RefSource) -> Result<usize, Diagnostic> {
        let named = |s: &StreamScope| match &s.alias {
            Some(alias) => *alias == source.name.name,
            None => s.mark == source.mark && s.name == source.name.name,
        };
        if let Some(side) = self.sides.iter().position(named) {
            return Ok(side);
        }
        let name = &source.name.name;
        let diagnostic = Diagnostic::error(
            Code::Name,
            source.name.at(),
            format!("no side of the join is called `{name}`"),
        );
        let hidden = self.sides.iter().find(|s| s.alias.is_some() && s.name == *name);
        Err(match hidden {
            Some(s) => diagnostic.with_help(format!("here it goes by the name `{}`", shown(s))),
            None => {
                let names = [shown(&self.sides[0]), shown(&self.sides[1])];
                diagnostic.with_nearest(name, names.iter().map(String::as_str))
            }
        })
    }

    fn bare(&self, a: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let name = a.name.name.as_str();
        let has = |side: usize| self.sides[side].schema.index_of(name).is_ok();
        let [left, right] = [shown(&self.sides[0]), shown(&self.sides[1])];
        match (has(0), has(1)) {
            (true, false) => self.of(0, a),
            (false, true) => self.of(1, a),
            (true, true) => {
                let message = format!("`{name}` is an attribute of both sides of the join");
                Err(Diagnostic::error(Code::Name, a.name.at(), message)
                    .with_label("which one?")
                    .with_help(format!("write `{left}.{name}` or `{right}.{name}`")))
            }
            (false, false) if [&left, &right].into_iter().any(|s| s == name) => {
                let what = format!("`{name}`, the row of a side of a join as a whole,");
                Err(Diagnostic::not_supported(a.span.0, what))
            }
            (false, false) => {
                let message = format!("neither `{left}` nor `{right}` has an attribute `{name}`");
                let names: Vec<String> = self.columns(a.span.0).map(|(n, _)| n).collect();
                Err(Diagnostic::error(Code::Name, a.name.at(), message)
                    .with_label("no such attribute")
                    .with_nearest(name, names.iter().map(String::as_str)))
            }
        }
    }
}

impl Scope for JoinScope {
    fn attribute(&mut self, a: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let indexed = a.index.is_some() || a.source.as_ref().is_some_and(|s| s.index.is_some());
        if indexed || a.second.is_some() {
            let message = "an index in brackets means an event of a pattern";
            return Err(Diagnostic::error(Code::Name, a.span.0, message));
        }
        match &a.source {
            Some(source) => self.of(self.side(source)?, a),
            None => self.bare(a),
        }
    }

    fn event(&mut self, _: &AttrRef) -> Option<TypedExpr> {
        None
    }

    fn event_time(&mut self, a: Option<&AttrRef>, span: Span) -> Result<TypedExpr, Diagnostic> {
        match a {
            None => Ok(TypedExpr { kind: TypedKind::EventTime(0), ty: AttrType::Long, span }),
            Some(a) => {
                Err(Diagnostic::not_supported(a.span.0, "the event time of one side of a join"))
            }
        }
    }

    fn call(&mut self, call: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>> {
        misplaced_aggregate(call)
    }

    fn function(&self, namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec> {
        registry::function(namespace, name)
    }

    fn function_names(&self) -> Vec<String> {
        registry::function_names()
    }

    fn star(&mut self, at: Span) -> Result<Vec<TypedExpr>, Diagnostic> {
        Ok(self.columns(at).map(|(_, e)| e).collect())
    }
}
