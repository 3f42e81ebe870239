//! From typed expressions to closures.

use std::sync::Arc;

use super::RowContext;
use super::call::call;
use super::compare::{self, Operand, TextOperand};
use super::read::{self, Cell};
use super::text::{Column, Constant, FirstNonNull, IfThenElse, Text};
use crate::event::{Value, object};
use crate::expr::bind::arguments;
use crate::expr::functions::{Eval as FunctionEval, FunctionSpec, Site};
use crate::expr::rules::{Number, comparison_type, widened};
use crate::expr::tree::{ColumnRef, TypedExpr, TypedKind};
use crate::lang::ast::{AttrType, BinaryOp};

/// Gives a value of fixed size; none is null.
pub(super) type Eval<T> = Box<dyn Fn(&RowContext<'_>) -> Option<T> + Send + Sync>;

/// Gives a bool that is never null.
pub(super) type Test = Box<dyn Fn(&RowContext<'_>) -> bool + Send + Sync>;

/// A lowered expression, by the type of its values.
pub(super) enum Compiled {
    /// A bool that is never null.
    Test(Test),
    Bool(Eval<bool>),
    Int(Eval<i32>),
    Long(Eval<i64>),
    Float(Eval<f32>),
    Double(Eval<f64>),
    Str(Text<str>),
    Object(Text<[u8]>),
}

/// Lowers an expression.
pub(super) fn lower(e: &TypedExpr) -> Compiled {
    match &e.kind {
        TypedKind::Literal(v) => literal(v, e.ty),
        TypedKind::Column(c) => column(*c, e.ty),
        TypedKind::EventTime(s) => {
            let s = *s as usize;
            Compiled::Long(Box::new(move |c| c.rows.get(s)?.event_time()))
        }
        TypedKind::Clock => Compiled::Long(Box::new(|c| Some(c.clock))),
        TypedKind::IsMissing(s) => {
            let s = *s as usize;
            Compiled::Test(Box::new(move |c| c.rows.get(s).is_none_or(super::RowRef::is_missing)))
        }
        TypedKind::Not(inner) => {
            let inner = lower(inner).into_test();
            Compiled::Test(Box::new(move |c| !inner(c)))
        }
        TypedKind::Neg(inner) => negated(lower(inner)),
        TypedKind::IsNull(inner) => Compiled::Test(is_null(lower(inner))),
        TypedKind::Binary { op, left, right } => binary(*op, left, right, e.ty),
        TypedKind::Call { function, args } => function_call(function, args, e),
    }
}

fn literal(v: &Value, ty: AttrType) -> Compiled {
    macro_rules! constant {
        ($kind:ident) => {{
            let v = match v {
                Value::$kind(v) => Some(*v),
                _ => None,
            };
            Compiled::$kind(Box::new(move |_| v))
        }};
    }
    match ty {
        AttrType::Int => constant!(Int),
        AttrType::Long => constant!(Long),
        AttrType::Float => constant!(Float),
        AttrType::Double => constant!(Double),
        AttrType::Bool => constant!(Bool),
        AttrType::String => Compiled::Str(Box::new(Constant(literal_text(v)))),
        AttrType::Object => {
            let bytes = (*v != Value::Null).then(|| object::encode(v));
            Compiled::Object(Box::new(Constant(bytes)))
        }
    }
}

fn literal_text(v: &Value) -> Option<String> {
    match v {
        Value::String(s) => Some(s.to_string()),
        _ => None,
    }
}

fn column(c: ColumnRef, ty: AttrType) -> Compiled {
    match ty {
        AttrType::Int => Compiled::Int(cell(c)),
        AttrType::Long => Compiled::Long(cell(c)),
        AttrType::Float => Compiled::Float(cell(c)),
        AttrType::Double => Compiled::Double(cell(c)),
        AttrType::Bool => Compiled::Bool(cell(c)),
        AttrType::String => Compiled::Str(Box::new(Column(c))),
        AttrType::Object => Compiled::Object(Box::new(Column(c))),
    }
}

fn cell<T: Cell>(c: ColumnRef) -> Eval<T> {
    Box::new(move |context| read::cell(context, c))
}

impl Compiled {
    /// As a test: whether it is exactly true.
    pub(super) fn into_test(self) -> Test {
        match self {
            Compiled::Test(f) => f,
            Compiled::Bool(f) => Box::new(move |c| f(c) == Some(true)),
            // The binder lets only bools come here.
            _ => Box::new(|_| false),
        }
    }

    fn into_bool(self) -> Eval<bool> {
        match self {
            Compiled::Bool(f) => f,
            Compiled::Test(f) => Box::new(move |c| Some(f(c))),
            _ => Box::new(|_| None),
        }
    }

    fn into_text(self) -> Text<str> {
        match self {
            Compiled::Str(f) => f,
            _ => Box::new(Constant(None::<String>)),
        }
    }

    fn into_object(self) -> Text<[u8]> {
        match self {
            Compiled::Object(f) => f,
            _ => Box::new(Constant(None::<Vec<u8>>)),
        }
    }
}

/// A numeric type that expressions of other numeric types widen to.
trait Wide: Number + Cell {
    /// Its name among the kinds of value.
    fn of_value(v: &Value) -> Option<Self>;
    fn widen(e: Compiled) -> Eval<Self>;
    fn ty() -> AttrType;
}

macro_rules! wide {
    ($t:ty, $kind:ident) => {
        impl Wide for $t {
            fn of_value(v: &Value) -> Option<Self> {
                match v {
                    Value::$kind(v) => Some(*v),
                    _ => None,
                }
            }
            fn widen(e: Compiled) -> Eval<Self> {
                match e {
                    // (The type itself passes through unchanged.)
                    Compiled::Int(f) => convert(f, |v| v as $t),
                    Compiled::Long(f) => convert(f, |v| v as $t),
                    Compiled::Float(f) => convert(f, |v| v as $t),
                    Compiled::Double(f) => convert(f, |v| v as $t),
                    _ => Box::new(|_| None),
                }
            }
            fn ty() -> AttrType {
                AttrType::$kind
            }
        }
    };
}

wide!(i32, Int);
wide!(i64, Long);
wide!(f32, Float);
wide!(f64, Double);

fn convert<A: 'static, B: 'static>(f: Eval<A>, to: fn(A) -> B) -> Eval<B> {
    Box::new(move |c| f(c).map(to))
}

/// `e` widened to `T`.
fn wide<T: Wide>(e: &TypedExpr) -> Eval<T> {
    match operand(e) {
        Operand::Column(c) => cell(c),
        Operand::Literal(v) => Box::new(move |_| v),
        Operand::Any(f) => f,
    }
}

fn operand<T: Wide>(e: &TypedExpr) -> Operand<T> {
    match &e.kind {
        TypedKind::Literal(v) => Operand::Literal(T::of_value(&widened(v, T::ty()))),
        TypedKind::Column(c) if e.ty == T::ty() => Operand::Column(*c),
        _ => Operand::Any(T::widen(lower(e))),
    }
}

fn negated(e: Compiled) -> Compiled {
    fn neg<T: Number>(f: Eval<T>) -> Eval<T> {
        Box::new(move |c| f(c).map(T::neg))
    }
    match e {
        Compiled::Int(f) => Compiled::Int(neg(f)),
        Compiled::Long(f) => Compiled::Long(neg(f)),
        Compiled::Float(f) => Compiled::Float(neg(f)),
        Compiled::Double(f) => Compiled::Double(neg(f)),
        other => other,
    }
}

fn is_null(e: Compiled) -> Test {
    fn none<T: 'static>(f: Eval<T>) -> Test {
        Box::new(move |c| f(c).is_none())
    }
    match e {
        Compiled::Test(_) => Box::new(|_| false),
        Compiled::Bool(f) => none(f),
        Compiled::Int(f) => none(f),
        Compiled::Long(f) => none(f),
        Compiled::Float(f) => none(f),
        Compiled::Double(f) => none(f),
        Compiled::Str(f) => Box::new(move |c: &RowContext<'_>| f.get(c).is_none()),
        Compiled::Object(f) => Box::new(move |c: &RowContext<'_>| f.get(c).is_none()),
    }
}

fn binary(op: BinaryOp, left: &TypedExpr, right: &TypedExpr, ty: AttrType) -> Compiled {
    match op {
        BinaryOp::And => {
            let (l, r) = (lower(left).into_test(), lower(right).into_test());
            Compiled::Test(Box::new(move |c| l(c) && r(c)))
        }
        BinaryOp::Or => {
            let (l, r) = (lower(left).into_test(), lower(right).into_test());
            Compiled::Test(Box::new(move |c| l(c) || r(c)))
        }
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => match ty {
            AttrType::Int => Compiled::Int(arithmetic(op, wide(left), wide(right))),
            AttrType::Long => Compiled::Long(arithmetic(op, wide(left), wide(right))),
            AttrType::Float => Compiled::Float(arithmetic(op, wide(left), wide(right))),
            _ => Compiled::Double(arithmetic(op, wide(left), wide(right))),
        },
        comparison => Compiled::Test(comparison_test(comparison, left, right)),
    }
}

fn arithmetic<T: Number>(op: BinaryOp, l: Eval<T>, r: Eval<T>) -> Eval<T> {
    match op {
        BinaryOp::Add => Box::new(move |c| Some(l(c)?.add(r(c)?))),
        BinaryOp::Sub => Box::new(move |c| Some(l(c)?.sub(r(c)?))),
        BinaryOp::Mul => Box::new(move |c| Some(l(c)?.mul(r(c)?))),
        BinaryOp::Div => Box::new(move |c| l(c)?.div(r(c)?)),
        _ => Box::new(move |c| l(c)?.rem(r(c)?)),
    }
}

fn comparison_test(op: BinaryOp, left: &TypedExpr, right: &TypedExpr) -> Test {
    match comparison_type(op, left.ty, right.ty) {
        Some(AttrType::Int) => compare::numbers::<i32>(op, operand(left), operand(right)),
        Some(AttrType::Long) => compare::numbers::<i64>(op, operand(left), operand(right)),
        Some(AttrType::Float) => compare::numbers::<f32>(op, operand(left), operand(right)),
        Some(AttrType::Double) => compare::numbers::<f64>(op, operand(left), operand(right)),
        Some(AttrType::Bool) => {
            compare::bools(op, lower(left).into_bool(), lower(right).into_bool())
        }
        Some(AttrType::String) => compare::texts(op, text_operand(left), text_operand(right)),
        // The binder refuses to compare anything else.
        Some(AttrType::Object) | None => Box::new(|_| false),
    }
}

fn text_operand(e: &TypedExpr) -> TextOperand {
    match &e.kind {
        TypedKind::Literal(v) => TextOperand::Literal(literal_text(v)),
        TypedKind::Column(c) => TextOperand::Column(*c),
        _ => TextOperand::Any(lower(e).into_text()),
    }
}

fn function_call(function: &'static FunctionSpec, args: &[TypedExpr], e: &TypedExpr) -> Compiled {
    match (&function.eval, args) {
        (FunctionEval::EventTime, _) => Compiled::Long(Box::new(|c| c.rows.first()?.event_time())),
        (FunctionEval::Clock, _) => Compiled::Long(Box::new(|c| Some(c.clock))),
        (FunctionEval::FirstNonNull, _) => first_non_null(args, e.ty),
        (FunctionEval::IfThenElse, [condition, then, otherwise]) => {
            if_then_else(lower(condition).into_test(), then, otherwise, e.ty)
        }
        (FunctionEval::IfThenElse, _) => literal(&Value::Null, e.ty),
        (FunctionEval::Calls(calls), _) => {
            let known = arguments(args);
            let kernel = (calls.kernel)(&Site {
                name: function.name,
                args: &known,
                returns: e.ty,
                span: e.span,
            });
            call(kernel, args.iter().map(lower).collect(), function.volatile)
        }
    }
}

fn first_non_null(args: &[TypedExpr], ty: AttrType) -> Compiled {
    fn first<T: 'static>(all: Arc<[Eval<T>]>) -> Eval<T> {
        Box::new(move |c| all.iter().find_map(|f| f(c)))
    }
    match ty {
        AttrType::Int => Compiled::Int(first(args.iter().map(wide).collect())),
        AttrType::Long => Compiled::Long(first(args.iter().map(wide).collect())),
        AttrType::Float => Compiled::Float(first(args.iter().map(wide).collect())),
        AttrType::Double => Compiled::Double(first(args.iter().map(wide).collect())),
        AttrType::Bool => {
            Compiled::Bool(first(args.iter().map(|e| lower(e).into_bool()).collect()))
        }
        AttrType::String => {
            let all = args.iter().map(|e| lower(e).into_text()).collect();
            Compiled::Str(Box::new(FirstNonNull(all)))
        }
        AttrType::Object => {
            let all = args.iter().map(|e| lower(e).into_object()).collect();
            Compiled::Object(Box::new(FirstNonNull(all)))
        }
    }
}

fn if_then_else(
    condition: Test,
    then: &TypedExpr,
    otherwise: &TypedExpr,
    ty: AttrType,
) -> Compiled {
    fn choose<T: 'static>(condition: Test, then: Eval<T>, otherwise: Eval<T>) -> Eval<T> {
        Box::new(move |c| if condition(c) { then(c) } else { otherwise(c) })
    }
    match ty {
        AttrType::Int => Compiled::Int(choose(condition, wide(then), wide(otherwise))),
        AttrType::Long => Compiled::Long(choose(condition, wide(then), wide(otherwise))),
        AttrType::Float => Compiled::Float(choose(condition, wide(then), wide(otherwise))),
        AttrType::Double => Compiled::Double(choose(condition, wide(then), wide(otherwise))),
        AttrType::Bool => {
            let (then, otherwise) = (lower(then).into_bool(), lower(otherwise).into_bool());
            Compiled::Bool(choose(condition, then, otherwise))
        }
        AttrType::String => {
            let (then, otherwise) = (lower(then).into_text(), lower(otherwise).into_text());
            Compiled::Str(Box::new(IfThenElse { condition, then, otherwise }))
        }
        AttrType::Object => {
            let (then, otherwise) = (lower(then).into_object(), lower(otherwise).into_object());
            Compiled::Object(Box::new(IfThenElse { condition, then, otherwise }))
        }
    }
}
