//! Name scopes of single-stream queries and of `select`/`having`.

use arrow::datatypes::SchemaRef;

use crate::error::{Code, Diagnostic, Span};
use crate::expr::bind::Scope;
use crate::expr::functions::FunctionSpec;
use crate::expr::types::{AttrType, attr_type};
use crate::expr::{ColumnRef, TypedExpr, TypedKind};
use crate::lang::ast::{AttrRef, Call, StreamMark};
use crate::registry;

use super::spec::AggregateCall;

/// Aggregate results are numbered from here until the width of the input is known.
pub(super) const AGGREGATE_BASE: u16 = 0x8000;

/// Most attributes of a stream. Column numbers have 16 bits, of which those of aggregates take one; a
/// join has the columns of two streams, and the selector appends the aggregates.
pub(super) const MAX_ATTRIBUTES: usize = 10_000;

/// The finding about a stream or selection with more than [`MAX_ATTRIBUTES`].
pub(super) fn too_many(attributes: usize, at: Span) -> Diagnostic {
    let message =
        format!("{attributes} attributes, the most a stream can have is {MAX_ATTRIBUTES}");
    Diagnostic::error(Code::Invalid, at, message)
}

/// The rows of one stream, by attribute name or `<stream>.<attribute>`.
pub struct StreamScope {
    /// Name of the stream.
    pub name: String,
    /// Its mark.
    pub mark: StreamMark,
    /// `as`.
    pub alias: Option<String>,
    /// The rows.
    pub schema: SchemaRef,
}

/// A column of row 0.
pub fn column(index: usize, ty: AttrType, span: Span) -> TypedExpr {
    let column = ColumnRef { source: 0, column: index as u16 };
    TypedExpr { kind: TypedKind::Column(column), ty, span }
}

/// The column `name` of `schema`, or a diagnostic with the nearest name.
pub fn find(schema: &SchemaRef, a: &AttrRef, of: &str) -> Result<TypedExpr, Diagnostic> {
    let name = a.name.name.as_str();
    match schema.index_of(name) {
        Ok(i) => {
            let ty = attr_type(schema.field(i).data_type()).unwrap_or(AttrType::Object);
            Ok(column(i, ty, a.span.0))
        }
        Err(_) => {
            let names = schema.fields().iter().map(|f| f.name().as_str());
            let message = format!("{of} has no attribute `{name}`");
            Err(Diagnostic::error(Code::Name, a.name.at(), message)
                .with_label("no such attribute")
                .with_nearest(name, names))
        }
    }
}

impl Scope for StreamScope {
    fn attribute(&mut self, a: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        if let Some(source) = &a.source {
            let known = source.mark == self.mark && source.name.name == self.name
                || self.alias.as_deref() == Some(source.name.name.as_str());
            if !known {
                let message = format!("`{}` is not read by this query", source.name.name);
                return Err(Diagnostic::error(Code::Name, source.name.at(), message)
                    .with_nearest(&source.name.name, [self.name.as_str()]));
            }
            if source.index.is_some() {
                let message = "an index in brackets means an event of a pattern";
                return Err(Diagnostic::error(Code::Name, a.span.0, message));
            }
        }
        find(&self.schema, a, &format!("`{}`", self.name))
    }

    fn event(&mut self, a: &AttrRef) -> Option<TypedExpr> {
        let is_stream = a.source.is_none() && a.name.name == self.name;
        let literal = TypedKind::Literal(crate::event::Value::Bool(false));
        (is_stream && self.schema.index_of(&a.name.name).is_err()).then(|| TypedExpr {
            kind: literal,
            ty: AttrType::Bool,
            span: a.span.0,
        })
    }

    fn event_time(&mut self, a: Option<&AttrRef>, span: Span) -> Result<TypedExpr, Diagnostic> {
        match a {
            Some(a) if a.name.name != self.name => {
                let message = format!("`{}` is not an event of this query", a.name.name);
                Err(Diagnostic::error(Code::Name, a.span.0, message))
            }
            _ => Ok(TypedExpr { kind: TypedKind::EventTime(0), ty: AttrType::Long, span }),
        }
    }

    fn call(&mut self, call: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>> {
        misplaced_aggregate(call)
    }

    fn star(&mut self, at: Span) -> Result<Vec<TypedExpr>, Diagnostic> {
        let all = super::query::all_columns(&self.schema).into_iter();
        Ok(all.map(|(_, e)| TypedExpr { span: at, ..e }).collect())
    }

    fn function(&self, namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec> {
        registry::function(namespace, name)
    }

    fn function_names(&self) -> Vec<String> {
        registry::function_names()
    }
}

/// An aggregator where only single rows are seen.
pub fn misplaced_aggregate(call: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>> {
    let name = call.full_name();
    registry::aggregate(&name)?;
    let message = format!("the aggregator `{name}` can only be used in `select` and `having`");
    Some(Err(vec![Diagnostic::error(Code::Invalid, call.span.0, message)]))
}

/// `select` and `having` over some input: adds aggregators to the input's names.
pub struct SelectScope<'a> {
    /// The input's names.
    pub input: &'a mut dyn Scope,
    /// Aggregate calls found so far.
    pub aggregates: Vec<AggregateCall>,
    /// Output attributes, which alone are visible to `having` (set when binding it).
    pub outputs: Option<Vec<(String, TypedExpr)>>,
    /// Whether `having` may look at events of a pattern as well (`e1[1].price`).
    pub references: bool,
}

impl SelectScope<'_> {
    fn aggregate(&mut self, call: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>> {
        let name = call.full_name();
        let spec = registry::aggregate(&name)?;
        let args = match super::handlers::arguments(call, self.input) {
            Ok(args) => args,
            Err(faults) => return Some(Err(faults)),
        };
        let types: Vec<AttrType> = args.iter().map(|a| a.ty).collect();
        let span = call.span.0;
        Some(match (spec.returns)(&types) {
            Err(why) => Err(vec![
                Diagnostic::error(Code::Parameter, span, why)
                    .with_help(format!("its form is `{}`", spec.signature)),
            ]),
            Ok(ty) => {
                self.aggregates.push(AggregateCall { spec, args, ty, span });
                let index = AGGREGATE_BASE as usize + self.aggregates.len() - 1;
                Ok(column(index, ty, span))
            }
        })
    }
}

impl Scope for SelectScope<'_> {
    fn attribute(&mut self, a: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let Some(outputs) = &self.outputs else { return self.input.attribute(a) };
        if self.references && a.source.is_some() {
            return self.input.attribute(a);
        }
        let name = a.name.name.as_str();
        let found = outputs.iter().find(|(n, _)| a.source.is_none() && n == name);
        match found {
            Some((_, e)) => Ok(TypedExpr { span: a.span.0, ..e.clone() }),
            None => {
                let message = format!("`{name}` is not an output attribute of this query");
                Err(Diagnostic::error(Code::Name, a.span.0, message)
                    .with_label("`having` sees what `select` puts out")
                    .with_nearest(name, outputs.iter().map(|(n, _)| n.as_str())))
            }
        }
    }

    fn event(&mut self, a: &AttrRef) -> Option<TypedExpr> {
        match &self.outputs {
            Some(o) if o.iter().any(|(n, _)| *n == a.name.name) => None,
            _ => self.input.event(a),
        }
    }

    fn event_time(&mut self, a: Option<&AttrRef>, span: Span) -> Result<TypedExpr, Diagnostic> {
        self.input.event_time(a, span)
    }

    fn call(&mut self, call: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>> {
        self.aggregate(call)
    }

    fn function(&self, namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec> {
        self.input.function(namespace, name)
    }

    fn function_names(&self) -> Vec<String> {
        self.input.function_names()
    }

    fn star(&mut self, at: Span) -> Result<Vec<TypedExpr>, Diagnostic> {
        match &self.outputs {
            Some(outputs) => {
                Ok(outputs.iter().map(|(_, e)| TypedExpr { span: at, ..e.clone() }).collect())
            }
            None => self.input.star(at),
        }
    }
}
