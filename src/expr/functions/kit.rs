//! What the functions of Siddhi's extensions share: their types, checked argument by argument, and
//! access to the values of a row. All of them give null for a null argument unless they say otherwise,
//! also where Siddhi's throw.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use regex::Regex;

use super::{Arg, Kernel, Scalar, Site, type_list};
use crate::event::Value;
use crate::lang::ast::AttrType;

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ty {
    /// `int`, `long`, `float` or `double`.
    Number,
    /// `int` or `long`.
    Integer,
    Int,
    Text,
    Bool,
    Object,
    Any,
}

impl Ty {
    fn takes(self, ty: AttrType) -> bool {
        use AttrType::{Bool, Double, Float, Int, Long, Object, String};
        match self {
            Ty::Number => matches!(ty, Int | Long | Float | Double),
            Ty::Integer => matches!(ty, Int | Long),
            Ty::Int => ty == Int,
            Ty::Text => ty == String,
            Ty::Bool => ty == Bool,
            Ty::Object => ty == Object,
            Ty::Any => true,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Ty::Number => "a number",
            Ty::Integer => "an int or long",
            Ty::Int => "an int",
            Ty::Text => "a string",
            Ty::Bool => "a bool",
            Ty::Object => "an object",
            Ty::Any => "any value",
        }
    }
}

/// The result type if the arguments are `required`, then up to all of `optional`.
pub(super) fn fit(
    name: &str,
    args: &[Arg<'_>],
    required: &[Ty],
    optional: &[Ty],
    returns: AttrType,
) -> Result<AttrType, String> {
    let most = required.len() + optional.len();
    if args.len() < required.len() || args.len() > most {
        return Err(format!("`{name}` does not take {}", type_list(args)));
    }
    let places = required.iter().chain(optional).zip(args).enumerate();
    for (i, (ty, arg)) in places {
        if !ty.takes(arg.ty) {
            let (what, n) = (ty.name(), i + 1);
            return Err(format!("argument {n} of `{name}` must be {what}, not {}", arg.ty));
        }
    }
    Ok(returns)
}

/// As [`fit`] for any number of further arguments of type `rest`, at least `least`.
pub(super) fn fit_many(
    name: &str,
    args: &[Arg<'_>],
    first: &[Ty],
    (rest, least): (Ty, usize),
    returns: AttrType,
) -> Result<AttrType, String> {
    if args.len() < first.len() + least {
        return Err(format!("`{name}` does not take {}", type_list(args)));
    }
    let required: Vec<Ty> =
        first.iter().copied().chain(std::iter::repeat(rest)).take(args.len()).collect();
    fit(name, args, &required, &[], returns)
}

/// A function in a namespace: its name, its parameters and result for people, what it does, a call of
/// it (over `text string`, `n int`, `x double`, `at long`), its types, and its kernel.
macro_rules! function {
    ($(#[$meta:meta])* $item:ident = $ns:literal $name:literal $params:literal -> $ret:literal;
     $doc:literal; $call:literal; $check:expr; $kernel:expr) => {
        function!(@ $item, $ns, $name, $params, $ret, $doc, $call, false, $check, $kernel);
    };
    ($(#[$meta:meta])* volatile $item:ident = $ns:literal $name:literal $params:literal -> $ret:literal;
     $doc:literal; $call:literal; $check:expr; $kernel:expr) => {
        function!(@ $item, $ns, $name, $params, $ret, $doc, $call, true, $check, $kernel);
    };
    (@ $item:ident, $ns:literal, $name:literal, $params:literal, $ret:literal, $doc:literal,
     $call:literal, $volatile:literal, $check:expr, $kernel:expr) => {
        #[doc = concat!("`", $ns, ":", $name, $params, "`: ", $doc)]
        pub static $item: $crate::expr::functions::FunctionSpec =
            $crate::expr::functions::FunctionSpec {
                name: $name,
                namespace: Some($ns),
                signature: concat!($ns, ":", $name, $params, " -> ", $ret),
                doc: $doc,
                example: concat!(
                    "define stream S (text string, n int, x double, at long);\n\
                     from S select text, ", $call, " as result insert into Out;"
                ),
                returns: |args| {
                    #[allow(clippy::redundant_closure_call)]
                    ($check)(concat!($ns, ":", $name), args)
                },
                volatile: $volatile,
                eval: $crate::expr::functions::Eval::Calls($crate::expr::functions::Calls {
                    kernel: $kernel,
                    columns: None,
                }),
            };
    };
}
pub(super) use function;

impl Scalar<'_> {
    /// The number as a double.
    pub(super) fn double(&self) -> Option<f64> {
        match self {
            Scalar::Int(v) => Some(f64::from(*v)),
            Scalar::Long(v) => Some(*v as f64),
            Scalar::Float(v) => Some(f64::from(*v)),
            Scalar::Double(v) => Some(*v),
            _ => None,
        }
    }

    /// The int or long.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Scalar::Int(v) => Some(i64::from(*v)),
            Scalar::Long(v) => Some(*v),
            _ => None,
        }
    }

    /// The text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Scalar::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The bool.
    pub(super) fn bool(&self) -> Option<bool> {
        match self {
            Scalar::Bool(b) => Some(*b),
            _ => None,
        }
    }
}

/// Argument `i`; null if it isn't there.
pub(super) fn arg<'a, 'b>(args: &'a [Scalar<'b>], i: usize) -> &'a Scalar<'b> {
    static NULL: Scalar<'static> = Scalar::Null;
    match args.get(i) {
        Some(arg) => arg,
        None => {
            // A `Scalar<'static>` is one of any shorter life.
            let null: &'a Scalar<'b> = &NULL;
            null
        }
    }
}

/// A kernel with a text result: appends it, or says that there is none.
pub(super) fn text(
    f: impl Fn(&[Scalar<'_>], &mut String) -> Option<()> + Send + Sync + 'static,
) -> Kernel {
    Kernel::Str(Arc::new(move |args, out| f(args, out).is_some()))
}

/// A kernel with a double as result.
pub(super) fn double(f: impl Fn(&[Scalar<'_>]) -> Option<f64> + Send + Sync + 'static) -> Kernel {
    Kernel::Double(Arc::new(f))
}

/// A kernel of one number.
pub(super) fn of_number(f: fn(f64) -> f64) -> Kernel {
    double(move |args| arg(args, 0).double().map(f))
}

/// A kernel with an int as result.
pub(super) fn int(f: impl Fn(&[Scalar<'_>]) -> Option<i32> + Send + Sync + 'static) -> Kernel {
    Kernel::Int(Arc::new(f))
}

/// A kernel with a long as result.
pub(super) fn long(f: impl Fn(&[Scalar<'_>]) -> Option<i64> + Send + Sync + 'static) -> Kernel {
    Kernel::Long(Arc::new(f))
}

/// A kernel with a bool as result.
pub(super) fn bool(f: impl Fn(&[Scalar<'_>]) -> Option<bool> + Send + Sync + 'static) -> Kernel {
    Kernel::Bool(Arc::new(f))
}

/// A kernel with an object as result.
pub(super) fn object(f: impl Fn(&[Scalar<'_>]) -> Option<Value> + Send + Sync + 'static) -> Kernel {
    Kernel::Object(Arc::new(move |args, out| match f(args) {
        None | Some(Value::Null) => false,
        Some(value) => {
            out.extend_from_slice(&crate::event::object::encode(&value));
            true
        }
    }))
}

/// A regular expression that is an argument: compiled once if it is a constant, else again whenever
/// its text is another one.
pub(super) struct Pattern {
    place: usize,
    whole: bool,
    constant: Option<Regex>,
    last: Mutex<Option<(String, Option<Regex>)>>,
}

impl Pattern {
    /// The argument `place` of a call; `whole`: it has to match all of the text.
    pub fn new(site: &Site<'_>, place: usize, whole: bool) -> Self {
        let constant = match site.args.get(place).and_then(|a| a.constant) {
            Some(Value::String(text)) => compile(text, whole).ok(),
            _ => None,
        };
        Self { place, whole, constant, last: Mutex::default() }
    }

    /// Calls `f` with the expression of this row; none if it is null or can't be read.
    pub fn with<R>(&self, args: &[Scalar<'_>], f: impl FnOnce(&Regex) -> Option<R>) -> Option<R> {
        if let Some(regex) = &self.constant {
            return f(regex);
        }
        let text = arg(args, self.place).text()?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|(known, _)| known != text) {
            *last = Some((text.to_string(), compile(text, self.whole).ok()));
        }
        f(last.as_ref()?.1.as_ref()?)
    }
}

fn compile(text: &str, whole: bool) -> Result<Regex, regex::Error> {
    let text = if whole { Cow::Owned(format!("^(?:{text})$")) } else { Cow::Borrowed(text) };
    // A long match must not take memory without bound.
    regex::RegexBuilder::new(&text).size_limit(1 << 20).build()
}

/// Checks that argument `place`, if it is a constant, is a regular expression.
pub(super) fn regular(name: &str, args: &[Arg<'_>], place: usize) -> Result<(), String> {
    match args.get(place).and_then(|a| a.constant) {
        Some(Value::String(text)) => compile(text, false).map(drop).map_err(|e| {
            let why = e.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("`{text}`, argument {} of `{name}`, is no regular expression: {why}", place + 1)
        }),
        _ => Ok(()),
    }
}
