//! Scalar functions by topic, each with one `SPEC`.
//!
//! A function is defined once and serves both evaluators: its [`Kernel`] computes one result from the
//! argument values of one row ([`Scalar`], borrowed); the row evaluator calls it per row, the
//! columnar one in a loop over typed arrays, or replaces it by [`Calls::columns`] where whole arrays
//! can be computed at once. Kernels never fail: what has no value is null.

pub mod calendar;
pub mod choose;
pub mod collections;
pub mod convert;
mod datefmt;
pub mod extreme;
pub mod instance;
pub mod java;
pub mod json;
mod kit;
pub mod math;
pub mod polar;
pub mod sets;
#[cfg(feature = "sql")]
pub mod sql;
pub mod strings;
pub mod time;
pub mod units;
pub mod uuid;

use std::borrow::Cow;
use std::sync::Arc;

use datafusion_expr::ColumnarValue;

use crate::error::{Result, Span};
use crate::event::{Value, object};
use crate::lang::ast::AttrType;

/// A scalar function.
pub struct FunctionSpec {
    /// Name.
    pub name: &'static str,
    /// Namespace (`str` of `str:concat`); none for the core functions.
    pub namespace: Option<&'static str>,
    /// One-line signature, e.g. `convert(x any, type const string) -> type`.
    pub signature: &'static str,
    /// What it computes, with its null rules.
    pub doc: &'static str,
    /// An application that uses it, complete with the stream definition.
    pub example: &'static str,
    /// Result type for argument types, or what is wrong (one sentence).
    pub returns: fn(&[Arg<'_>]) -> Result<AttrType, String>,
    /// Whether two rows with equal arguments may give different results. The kernel of such a
    /// function gets three more arguments, all long: order and clock of the row, and its ordinal
    /// among the rows of that order and clock.
    pub volatile: bool,
    /// How it is evaluated.
    pub eval: Eval,
}

impl std::fmt::Debug for FunctionSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FunctionSpec({})", self.full_name())
    }
}

impl FunctionSpec {
    /// `ns:name` or `name`.
    pub fn full_name(&self) -> String {
        match self.namespace {
            Some(ns) => format!("{ns}:{}", self.name),
            None => self.name.to_string(),
        }
    }
}

/// What is known of an argument when a call is bound.
#[derive(Debug, Clone, Copy)]
pub struct Arg<'a> {
    /// Its type.
    pub ty: AttrType,
    /// Its value, if it is a constant.
    pub constant: Option<&'a Value>,
}

/// A call whose types were checked.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The function's name, without namespace.
    pub name: &'static str,
    /// Its arguments.
    pub args: &'a [Arg<'a>],
    /// Its result type.
    pub returns: AttrType,
    /// Where it stands in the text.
    pub span: Span,
}

/// How a function is evaluated.
pub enum Eval {
    /// The binder replaces the call by the event time of a row.
    EventTime,
    /// The binder replaces the call by the application's clock.
    Clock,
    /// The first argument that is not null.
    FirstNonNull,
    /// The second argument if the first is true, else the third; only the chosen one is looked at.
    IfThenElse,
    /// By a kernel.
    Calls(Calls),
}

/// A function made of a kernel.
pub struct Calls {
    /// The kernel of a call.
    pub kernel: fn(&Site<'_>) -> Kernel,
    /// Computes a whole array at once; none if this call can't be.
    pub columns: Option<ColumnsFn>,
}

/// Computes the results for all rows from the arguments' columns (the number of rows comes last);
/// none where the kernel has to do it.
pub type ColumnsFn = fn(&Site<'_>, &[ColumnarValue], usize) -> Result<Option<ColumnarValue>>;

/// Computes a result from the arguments of one row; none is null.
pub type ScalarKernel<T> = Arc<dyn Fn(&[Scalar<'_>]) -> Option<T> + Send + Sync>;

/// Appends a result to an empty buffer from the arguments of one row; false is null.
pub type BufferKernel<B> = Arc<dyn Fn(&[Scalar<'_>], &mut B) -> bool + Send + Sync>;

/// Computes one result, by type.
#[derive(Clone)]
#[allow(missing_docs)]
pub enum Kernel {
    Int(ScalarKernel<i32>),
    Long(ScalarKernel<i64>),
    Float(ScalarKernel<f32>),
    Double(ScalarKernel<f64>),
    Bool(ScalarKernel<bool>),
    Str(BufferKernel<String>),
    /// Writes an encoded [`Value`].
    Object(BufferKernel<Vec<u8>>),
}

/// An argument value of one row, borrowed where it is text or an object.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)]
pub enum Scalar<'a> {
    #[default]
    Null,
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Bool(bool),
    Str(Cow<'a, str>),
    /// An encoded [`Value`].
    Object(Cow<'a, [u8]>),
}

impl<'a> Scalar<'a> {
    /// The value (objects decoded).
    pub fn to_value(&self) -> Value {
        match self {
            Scalar::Null => Value::Null,
            Scalar::Int(v) => Value::Int(*v),
            Scalar::Long(v) => Value::Long(*v),
            Scalar::Float(v) => Value::Float(*v),
            Scalar::Double(v) => Value::Double(*v),
            Scalar::Bool(v) => Value::Bool(*v),
            Scalar::Str(v) => Value::String(v.as_ref().into()),
            Scalar::Object(v) => object::decode(v),
        }
    }

    /// A value, borrowed; collections are encoded.
    pub fn of(value: &'a Value) -> Scalar<'a> {
        match value {
            Value::Null => Scalar::Null,
            Value::Int(v) => Scalar::Int(*v),
            Value::Long(v) => Scalar::Long(*v),
            Value::Float(v) => Scalar::Float(*v),
            Value::Double(v) => Scalar::Double(*v),
            Value::Bool(v) => Scalar::Bool(*v),
            Value::String(v) => Scalar::Str(Cow::Borrowed(v)),
            Value::Set(_) | Value::List(_) | Value::Map(_) => {
                Scalar::Object(Cow::Owned(object::encode(value)))
            }
        }
    }

    /// The long, if it is one.
    pub fn as_long(&self) -> Option<i64> {
        match self {
            Scalar::Long(v) => Some(*v),
            _ => None,
        }
    }
}

/// `(int, string)`: argument types for messages.
pub fn type_list(args: &[Arg<'_>]) -> String {
    let types: Vec<String> = args.iter().map(|a| a.ty.to_string()).collect();
    format!("({})", types.join(", "))
}

/// The complaint that `name` has no overload for these arguments.
fn no_overload(name: &str, args: &[Arg<'_>]) -> String {
    format!("`{name}` does not take {}", type_list(args))
}
