//! From the syntax tree to typed expressions: names by a [`Scope`], types by SiddhiQL's rules.
//!
//! Every operand is bound even if another one is wrong, so that one pass reports all findings.

use crate::error::{Code, Diagnostic, Span};
use crate::event::Value;
use crate::lang::ast::{AttrRef, AttrType, BinaryOp, Call, Expr, ExprKind, Literal};

use super::functions::convert::CONVERT;
use super::functions::{Arg, Eval, FunctionSpec};
use super::rules::{arithmetic_type, comparison_type, is_arithmetic, is_logical};
use super::tree::{TypedExpr, TypedKind, balanced};
use super::types::is_numeric;

pub use super::tree::constant;

/// What names mean where an expression stands.
pub trait Scope {
    /// An attribute.
    fn attribute(&mut self, name: &AttrRef) -> Result<TypedExpr, Diagnostic>;

    /// `name is null` where `name` is an event or stream reference: a bool expression that is true if
    /// the event is missing. None if it isn't such a reference (then it is an attribute).
    fn event(&mut self, name: &AttrRef) -> Option<TypedExpr>;

    /// `eventTimestamp()`, or `eventTimestamp(event)`.
    fn event_time(&mut self, event: Option<&AttrRef>, at: Span) -> Result<TypedExpr, Diagnostic>;

    /// Tried before scalar functions, with the arguments not yet bound (aggregators). None if the
    /// call isn't the scope's.
    fn call(&mut self, call: &Call) -> Option<Result<TypedExpr, Vec<Diagnostic>>>;

    /// The scalar function of that name.
    fn function(&self, namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec>;

    /// All names a call may have here (with namespace), for suggestions.
    fn function_names(&self) -> Vec<String>;

    /// All attributes of the input, for `f(*)`.
    fn star(&mut self, at: Span) -> Result<Vec<TypedExpr>, Diagnostic> {
        Err(Diagnostic::not_supported(at, "`*` as an argument here"))
    }
}

/// Deepest nesting of operators and calls; `and` and `or` in a row count once.
const MAX_DEPTH: usize = 128;

/// Resolves names and types of `expr`. All findings are errors.
pub fn bind(expr: &Expr, scope: &mut dyn Scope) -> Result<TypedExpr, Vec<Diagnostic>> {
    Binder { scope, depth: 0 }.expr(expr)
}

/// Like [`bind`], for a place that needs a condition; `what` names it (`a filter`, `having`).
pub fn bind_condition(
    expr: &Expr,
    what: &str,
    scope: &mut dyn Scope,
) -> Result<TypedExpr, Vec<Diagnostic>> {
    let bound = bind(expr, scope)?;
    if bound.ty == AttrType::Bool {
        Ok(bound)
    } else {
        let message = format!("{what} must be a bool, but this is {}", bound.ty);
        let label = format!("{}, expected bool", bound.ty);
        Err(vec![Diagnostic::error(Code::Type, bound.span, message).with_label(label)])
    }
}

/// The text form of a value, as `convert(x, 'string')` gives it; the value itself if it is text.
pub fn to_text(expr: TypedExpr) -> TypedExpr {
    if expr.ty == AttrType::String {
        return expr;
    }
    let span = expr.span;
    let args = vec![expr, TypedExpr::literal(Value::from("string"), span)];
    let kind = TypedKind::Call { function: &CONVERT, args };
    TypedExpr { kind, ty: AttrType::String, span }
}

struct Binder<'a> {
    scope: &'a mut dyn Scope,
    depth: usize,
}

type Bound = Result<TypedExpr, Vec<Diagnostic>>;

/// Both values, or the findings of both.
fn both<A, B>(
    a: Result<A, Vec<Diagnostic>>,
    b: Result<B, Vec<Diagnostic>>,
) -> Result<(A, B), Vec<Diagnostic>> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut a), Err(b)) => {
            a.extend(b);
            Err(a)
        }
        (Err(e), _) | (_, Err(e)) => Err(e),
    }
}

/// All values, or the findings of all.
fn all<T>(
    results: impl Iterator<Item = Result<T, Vec<Diagnostic>>>,
) -> Result<Vec<T>, Vec<Diagnostic>> {
    let (mut values, mut findings) = (vec![], vec![]);
    for r in results {
        match r {
            Ok(v) => values.push(v),
            Err(e) => findings.extend(e),
        }
    }
    if findings.is_empty() { Ok(values) } else { Err(findings) }
}

fn type_error(at: Span, message: String, label: impl Into<String>) -> Vec<Diagnostic> {
    vec![Diagnostic::error(Code::Type, at, message).with_label(label)]
}

impl Binder<'_> {
    fn expr(&mut self, e: &Expr) -> Bound {
        let leaf = matches!(e.kind, ExprKind::Literal(_) | ExprKind::Attr(_));
        if self.depth >= MAX_DEPTH && !leaf {
            let message = format!("the expression is nested more than {MAX_DEPTH} operators deep");
            return Err(vec![Diagnostic::error(Code::Invalid, e.at(), message)]);
        }
        self.depth += 1;
        let bound = self.node(e);
        self.depth -= 1;
        bound
    }

    fn node(&mut self, e: &Expr) -> Bound {
        match &e.kind {
            ExprKind::Literal(l) => Ok(TypedExpr::literal(literal(l), e.at())),
            ExprKind::Attr(name) => self.scope.attribute(name).map_err(|d| vec![d]),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Not(inner) => self.not(inner, e.at()),
            ExprKind::Neg(inner) => self.negation(inner, e.at()),
            ExprKind::Logical { op, operands } => self.logical((*op).into(), operands.iter()),
            // The parser makes none of these.
            ExprKind::Binary { op, left, right } if is_logical(*op) => {
                self.logical(*op, [&**left, right].into_iter())
            }
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, e.at()),
            ExprKind::IsNull(inner) => self.is_null(inner, e.at()),
            ExprKind::In { table, .. } => {
                let what = format!("`in {}`", table.name.name);
                Err(vec![Diagnostic::not_supported(e.at(), what)])
            }
        }
    }

    fn not(&mut self, inner: &Expr, at: Span) -> Bound {
        let operand = self.condition(inner, "`not`")?;
        Ok(TypedExpr { kind: TypedKind::Not(Box::new(operand)), ty: AttrType::Bool, span: at })
    }

    /// An operand of `not`, `and`, `or`.
    fn condition(&mut self, e: &Expr, of: &str) -> Bound {
        let operand = self.expr(e)?;
        if operand.ty == AttrType::Bool {
            return Ok(operand);
        }
        let message = format!("{of} needs a bool, but this is {}", operand.ty);
        Err(type_error(operand.span, message, operand.ty.to_string()))
    }

    fn negation(&mut self, inner: &Expr, at: Span) -> Bound {
        let operand = self.expr(inner)?;
        let ty = operand.ty;
        if !is_numeric(ty) {
            let message = format!("`-` needs a number, but this is {ty}");
            return Err(type_error(operand.span, message, ty.to_string()));
        }
        let kind = match operand.kind {
            TypedKind::Literal(Value::Int(v)) => TypedKind::Literal(Value::Int(v.wrapping_neg())),
            TypedKind::Literal(Value::Long(v)) => TypedKind::Literal(Value::Long(v.wrapping_neg())),
            TypedKind::Literal(Value::Float(v)) => TypedKind::Literal(Value::Float(-v)),
            TypedKind::Literal(Value::Double(v)) => TypedKind::Literal(Value::Double(-v)),
            _ => TypedKind::Neg(Box::new(operand)),
        };
        Ok(TypedExpr { kind, ty, span: at })
    }

    /// A chain of one logical operator: `a or b or c …` may be thousands long, so it becomes a balanced
    /// tree (both operators are associative).
    fn logical<'e>(&mut self, op: BinaryOp, operands: impl Iterator<Item = &'e Expr>) -> Bound {
        let of = format!("`{op}`");
        let bound = all(operands.map(|e| self.condition(e, &of)))?;
        // There are two operands at least.
        balanced(op, bound).ok_or_else(Vec::new)
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, at: Span) -> Bound {
        let (left, right) = both(self.expr(left), self.expr(right))?;
        let ty = if is_arithmetic(op) {
            arithmetic_type(left.ty, right.ty).ok_or_else(|| not_arithmetic(op, &left, &right))?
        } else {
            match comparison_type(op, left.ty, right.ty) {
                Some(_) => AttrType::Bool,
                None => return Err(not_comparable(op, &left, &right, at)),
            }
        };
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(TypedExpr { kind: TypedKind::Binary { op, left, right }, ty, span: at })
    }

    fn is_null(&mut self, inner: &Expr, at: Span) -> Bound {
        if let ExprKind::Attr(name) = &inner.kind
            && let Some(missing) = self.scope.event(name)
        {
            return Ok(TypedExpr { span: at, ..missing });
        }
        let operand = self.expr(inner)?;
        Ok(TypedExpr { kind: TypedKind::IsNull(Box::new(operand)), ty: AttrType::Bool, span: at })
    }

    fn call(&mut self, call: &Call) -> Bound {
        if let Some(bound) = self.scope.call(call) {
            return bound;
        }
        let namespace = call.namespace.as_ref().map(|n| n.name.as_str());
        let Some(function) = self.scope.function(namespace, &call.name.name) else {
            return Err(vec![self.unknown_function(call)]);
        };
        if let (Eval::EventTime, [Expr { kind: ExprKind::Attr(event), .. }]) =
            (&function.eval, call.args.as_slice())
        {
            return self.scope.event_time(Some(event), call.span.0).map_err(|d| vec![d]);
        }
        let args = if call.star {
            self.scope.star(call.span.0).map_err(|d| vec![d])?
        } else {
            all(call.args.iter().map(|a| self.expr(a)))?
        };
        let ty = check(function, &args, call.span.0)?;
        match function.eval {
            Eval::EventTime => self.scope.event_time(None, call.span.0).map_err(|d| vec![d]),
            Eval::Clock => Ok(TypedExpr { kind: TypedKind::Clock, ty, span: call.span.0 }),
            _ => Ok(TypedExpr { kind: TypedKind::Call { function, args }, ty, span: call.span.0 }),
        }
    }

    fn unknown_function(&self, call: &Call) -> Diagnostic {
        let name = call.full_name();
        let names = self.scope.function_names();
        let message = format!("there is no function `{name}`");
        let at = match &call.namespace {
            Some(ns) => ns.at().to(call.name.at()),
            None => call.name.at(),
        };
        Diagnostic::error(Code::Name, at, message)
            .with_label("not found")
            .with_nearest(&name, names.iter().map(String::as_str))
    }
}

/// The result type of a call of `function`, or why it can't take these arguments.
pub fn check(
    function: &FunctionSpec,
    args: &[TypedExpr],
    at: Span,
) -> Result<AttrType, Vec<Diagnostic>> {
    let known = arguments(args);
    #[cfg(feature = "sql")]
    let returns = match function.namespace {
        Some(crate::expr::functions::sql::NAMESPACE) => {
            crate::expr::functions::sql::returns(function.name, &known)
        }
        _ => (function.returns)(&known),
    };
    #[cfg(not(feature = "sql"))]
    let returns = (function.returns)(&known);
    returns.map_err(|message| {
        let help = format!("it is `{}`", function.signature);
        vec![Diagnostic::error(Code::Type, at, message).with_help(help)]
    })
}

/// What a function is told of its arguments.
pub(super) fn arguments(args: &[TypedExpr]) -> Vec<Arg<'_>> {
    args.iter()
        .map(|a| {
            let constant = match &a.kind {
                TypedKind::Literal(v) => Some(v),
                _ => None,
            };
            Arg { ty: a.ty, constant }
        })
        .collect()
}

fn literal(l: &Literal) -> Value {
    match l {
        Literal::Int(v) => Value::Int(*v),
        Literal::Long(v) => Value::Long(*v),
        Literal::Float(v) => Value::Float(v.0),
        Literal::Double(v) => Value::Double(v.0),
        Literal::Bool(v) => Value::Bool(*v),
        Literal::String(v) => Value::String(v.as_str().into()),
        Literal::Time(v) => Value::Long(v.millis()),
    }
}

/// One finding per operand that is no number.
fn not_arithmetic(op: BinaryOp, left: &TypedExpr, right: &TypedExpr) -> Vec<Diagnostic> {
    [left, right]
        .into_iter()
        .filter(|e| !is_numeric(e.ty))
        .map(|e| {
            let message = format!("`{op}` needs numbers, but this is {}", e.ty);
            let finding =
                Diagnostic::error(Code::Type, e.span, message).with_label(e.ty.to_string());
            match e.ty {
                AttrType::String => finding.with_help("`convert(x, 'double')` reads a number"),
                _ => finding,
            }
        })
        .collect()
}

fn not_comparable(op: BinaryOp, left: &TypedExpr, right: &TypedExpr, at: Span) -> Vec<Diagnostic> {
    let equality = matches!(op, BinaryOp::Eq | BinaryOp::NotEq);
    let misfit = [left, right].into_iter().find(|e| match e.ty {
        AttrType::Object => true,
        _ => !equality && !is_numeric(e.ty),
    });
    match misfit {
        Some(e) if e.ty == AttrType::Object => {
            let message = format!("`{op}` can't compare objects");
            let finding = Diagnostic::error(Code::Type, e.span, message).with_label("object");
            vec![finding.with_help("`cast(x, 'string')` gives the object a type")]
        }
        Some(e) => {
            let message = format!("`{op}` compares numbers, but this is {}", e.ty);
            type_error(e.span, message, e.ty.to_string())
        }
        None => {
            let message = format!("{} can't be compared with {}", left.ty, right.ty);
            type_error(at, message, format!("{} {op} {}", left.ty, right.ty))
        }
    }
}
