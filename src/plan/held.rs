//! Conditions over the rows a window holds: from text to [`HeldCondition`].

use arrow::datatypes::SchemaRef;

use super::scope::find;
use crate::error::{Code, Diagnostic, Severity, Span};
use crate::expr::bind::{Scope, bind, bind_condition};
use crate::expr::functions::FunctionSpec;
use crate::expr::types::AttrType;
use crate::expr::{TypedExpr, TypedKind};
use crate::lang::ast::{AttrRef, Call};
use crate::lang::parse::parse_expression;
use crate::registry;
use crate::window::{CompileCondition, HeldCondition, Reads, RunningCall, WindowArg};

/// Columns of the row that enters or leaves, of the first and the last row, and the aggregates.
const ROW: u16 = 0;
const FIRST: u16 = 1;
const LAST: u16 = 2;
const AGGREGATES: u16 = 3;

/// Brings arguments that passed the window's check into the form the window takes.
pub(crate) fn prepare(
    reads: Reads,
    args: &mut Vec<WindowArg>,
    schema: &SchemaRef,
    span: Span,
) -> Result<(), Vec<Diagnostic>> {
    let all = 0..schema.fields().len();
    match reads {
        Reads::Arguments => {}
        Reads::Attributes => {
            if !args.iter().any(|a| matches!(a, WindowArg::Column { .. })) {
                let ty = |i: usize| {
                    crate::expr::types::attr_type(schema.field(i).data_type())
                        .unwrap_or(AttrType::Object)
                };
                args.extend(all.map(|index| WindowArg::Column { index, ty: ty(index), span }));
            }
        }
        Reads::Condition => match args.first() {
            Some(WindowArg::Const { value: crate::event::Value::String(text), span, .. }) => {
                let condition = condition(text, schema, *span)?;
                args[0] = WindowArg::Condition(Box::new(condition));
            }
            Some(WindowArg::Column { index, span, .. }) => {
                let (index, span, columns) = (*index, *span, all.collect());
                let compile: CompileCondition = condition;
                args[0] = WindowArg::Conditions { index, columns, compile, span };
            }
            _ => {}
        },
    }
    Ok(())
}

/// Reads `text` as a condition over held rows of `schema`; findings point at `at`.
pub(super) fn condition(
    text: &str,
    schema: &SchemaRef,
    at: Span,
) -> Result<HeldCondition, Vec<Diagnostic>> {
    let placed = |found: Vec<Diagnostic>| -> Vec<Diagnostic> {
        let place = |d: Diagnostic| {
            let part = text.get(d.span.range()).filter(|p| !p.is_empty() && *p != text);
            let within = part.map_or(String::new(), |p| format!(" (at `{p}`)"));
            let message = format!("in the window's expression: {}{within}", d.message);
            Diagnostic { span: at, message, label: String::new(), ..d }
        };
        found.into_iter().map(place).collect()
    };
    let parsed = parse_expression(text);
    let errors = parsed.diagnostics.iter().any(|d| d.severity == Severity::Error);
    let tree = match parsed.tree {
        Some(tree) if !errors => tree,
        _ => return Err(placed(parsed.diagnostics)),
    };
    let mut scope = HeldScope { schema, aggregates: vec![], inside: false };
    let mut bound = bind_condition(&tree, "a window's expression", &mut scope).map_err(&placed)?;
    bound.span = at;
    Ok(HeldCondition { text: text.into(), condition: bound, aggregates: scope.aggregates })
}

/// The names of a condition.
struct HeldScope<'a> {
    schema: &'a SchemaRef,
    aggregates: Vec<RunningCall>,
    /// Whether the arguments of an aggregator are bound.
    inside: bool,
}

impl HeldScope<'_> {
    /// `first` or `last`.
    fn row(&self, name: &str, at: Span) -> Result<u16, Diagnostic> {
        let source = match name {
            "first" => FIRST,
            "last" => LAST,
            _ => {
                let message = format!("`{name}` is not a row of the window");
                return Err(Diagnostic::error(Code::Name, at, message)
                    .with_help("`first` is the oldest row, `last` the youngest")
                    .with_nearest(name, ["first", "last"]));
            }
        };
        if self.inside {
            let message = "an aggregator sees one row after the other, not the first or the last";
            return Err(Diagnostic::error(Code::Invalid, at, message)
                .with_help("write the attribute alone"));
        }
        Ok(source)
    }

    fn aggregate(&mut self, call: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>> {
        let name = call.full_name();
        let spec = registry::aggregate(&name)?;
        let span = call.span.0;
        if self.inside {
            let message = format!("the aggregator `{name}` can't stand in another");
            return Some(Err(vec![Diagnostic::error(Code::Invalid, span, message)]));
        }
        self.inside = true;
        let args: Result<Vec<TypedExpr>, Vec<Diagnostic>> =
            call.args.iter().map(|a| bind(a, self)).collect();
        self.inside = false;
        let args = match args {
            Ok(args) => args,
            Err(found) => return Some(Err(found)),
        };
        let types: Vec<AttrType> = args.iter().map(|a| a.ty).collect();
        Some(match (spec.returns)(&types) {
            Err(why) => Err(vec![
                Diagnostic::error(Code::Parameter, span, why)
                    .with_help(format!("its form is `{}`", spec.signature)),
            ]),
            Ok(ty) => {
                self.aggregates.push(RunningCall { spec, args, ty });
                Ok(TypedExpr::column(AGGREGATES, self.aggregates.len() as u16 - 1, ty, span))
            }
        })
    }
}

impl Scope for HeldScope<'_> {
    fn attribute(&mut self, a: &AttrRef) -> Result<TypedExpr, Diagnostic> {
        let source = match &a.source {
            None => ROW,
            Some(source) if source.index.is_some() => {
                let message = "an index in brackets means an event of a pattern";
                return Err(Diagnostic::error(Code::Name, a.span.0, message));
            }
            Some(source) => self.row(&source.name.name, source.name.at())?,
        };
        let mut found = find(self.schema, a, "a row of the window")?;
        if let TypedKind::Column(c) = &mut found.kind {
            c.source = source;
        }
        Ok(found)
    }

    fn event(&mut self, _: &AttrRef) -> Option<TypedExpr> {
        None
    }

    fn event_time(&mut self, a: Option<&AttrRef>, span: Span) -> Result<TypedExpr, Diagnostic> {
        let source = match a {
            None => ROW,
            Some(a) => self.row(&a.name.name, a.span.0)?,
        };
        Ok(TypedExpr { kind: TypedKind::EventTime(source), ty: AttrType::Long, span })
    }

    fn call(&mut self, call: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>> {
        self.aggregate(call)
    }

    fn function(&self, namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec> {
        registry::function(namespace, name)
    }

    fn function_names(&self) -> Vec<String> {
        registry::function_names()
    }

    fn star(&mut self, at: Span) -> Result<Vec<TypedExpr>, Diagnostic> {
        let all = super::query::all_columns(self.schema).into_iter();
        Ok(all.map(|(_, e)| TypedExpr { span: at, ..e }).collect())
    }
}
