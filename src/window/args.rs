//! Arguments of windows: what may stand where, and what to say when it doesn't.

use super::WindowArg;
use crate::error::{Code, Diagnostic, Span};
use crate::event::Value;
use crate::expr::types::AttrType;

/// The arguments of one call.
pub(super) struct Args<'a> {
    signature: &'static str,
    args: &'a [WindowArg],
    span: Span,
}

impl WindowArg {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            WindowArg::Const { span, .. } | WindowArg::Column { span, .. } => *span,
            WindowArg::Expr(e) => e.span,
            WindowArg::Condition(c) => c.condition.span,
            WindowArg::Conditions { span, .. } => *span,
        }
    }

    /// Its type.
    pub fn ty(&self) -> AttrType {
        match self {
            WindowArg::Const { ty, .. } | WindowArg::Column { ty, .. } => *ty,
            WindowArg::Expr(e) => e.ty,
            WindowArg::Condition(_) | WindowArg::Conditions { .. } => AttrType::String,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            WindowArg::Const { .. } | WindowArg::Condition(_) => "a constant",
            WindowArg::Column { .. } | WindowArg::Conditions { .. } => "an attribute",
            WindowArg::Expr(_) => "an expression",
        }
    }
}

impl<'a> Args<'a> {
    /// The arguments of a call of the window with this signature, if their number is right.
    pub fn new(
        signature: &'static str,
        args: &'a [WindowArg],
        span: Span,
        least: usize,
        most: usize,
    ) -> Result<Self, Diagnostic> {
        let name = signature.split('(').next().unwrap_or(signature);
        let expected = match (least, most) {
            (l, m) if l == m => format!("{l} parameter{}", if l == 1 { "" } else { "s" }),
            (l, m) => format!("{l} to {m} parameters"),
        };
        if (least..=most).contains(&args.len()) {
            return Ok(Self { signature, args, span });
        }
        let span = args.get(most).map_or(span, WindowArg::span);
        let message = format!("`{name}` takes {expected}, not {}", args.len());
        Err(Diagnostic::error(Code::Parameter, span, message).with_help(format!("use {signature}")))
    }

    /// Number of arguments.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Type of argument `i`, if it is there.
    pub fn ty(&self, i: usize) -> Option<AttrType> {
        self.args.get(i).map(WindowArg::ty)
    }

    fn refuse(&self, i: usize, name: &str, expected: &str) -> Diagnostic {
        let (span, found) = match self.args.get(i) {
            None => (self.span, "nothing".to_string()),
            Some(arg) => (arg.span(), format!("{} of type {}", arg.kind(), arg.ty())),
        };
        let message = format!("parameter `{name}` must be {expected}, found {found}");
        Diagnostic::error(Code::Parameter, span, message)
            .with_label(format!("expected {expected}"))
            .with_help(format!("use {}", self.signature))
    }

    fn constant(&self, i: usize) -> Option<&Value> {
        match self.args.get(i) {
            Some(WindowArg::Const { value, .. }) => Some(value),
            _ => None,
        }
    }

    /// A number of rows: an int constant that isn't negative.
    pub fn rows(&self, i: usize, name: &str) -> Result<u32, Diagnostic> {
        let expected = "an int constant, zero or more";
        match self.constant(i) {
            Some(Value::Int(n)) => {
                u32::try_from(*n).map_err(|_| self.negative(i, name, i64::from(*n), "zero or more"))
            }
            _ => Err(self.refuse(i, name, expected)),
        }
    }

    /// A span of time in ms: an int, long or time constant, at least `least`.
    pub fn time(&self, i: usize, name: &str, least: i64) -> Result<i64, Diagnostic> {
        let t = self.int_or_long(i, name, "an int, long or time constant")?;
        if t < least {
            let bound = if least > 0 { "more than zero" } else { "zero or more" };
            return Err(self.negative(i, name, t, bound));
        }
        Ok(t)
    }

    /// A point in time in ms since the epoch: an int or long constant.
    pub fn instant(&self, i: usize, name: &str) -> Result<i64, Diagnostic> {
        self.int_or_long(i, name, "an int or long constant")
    }

    fn int_or_long(&self, i: usize, name: &str, expected: &str) -> Result<i64, Diagnostic> {
        match self.constant(i) {
            Some(Value::Int(n)) => Ok(i64::from(*n)),
            Some(Value::Long(n)) => Ok(*n),
            _ => Err(self.refuse(i, name, expected)),
        }
    }

    fn negative(&self, i: usize, name: &str, value: i64, bound: &str) -> Diagnostic {
        let message = format!("parameter `{name}` must be {bound}, found {value}");
        Diagnostic::error(Code::Parameter, self.args[i].span(), message)
            .with_label(format!("must be {bound}"))
    }

    /// Refuses a value that is the right kind of thing but can't be meant.
    pub fn invalid(&self, i: usize, name: &str, found: impl std::fmt::Display) -> Diagnostic {
        let message = format!("parameter `{name}` {found}");
        let span = self.args.get(i).map_or(self.span, WindowArg::span);
        Diagnostic::error(Code::Parameter, span, message)
            .with_help(format!("use {}", self.signature))
    }

    /// The argument itself.
    pub fn get(&self, i: usize) -> Option<&'a WindowArg> {
        self.args.get(i)
    }

    /// A text constant.
    pub fn text(&self, i: usize, name: &str) -> Result<&'a str, Diagnostic> {
        match self.args.get(i) {
            Some(WindowArg::Const { value: Value::String(text), .. }) => Ok(text),
            _ => Err(self.refuse(i, name, "a string constant")),
        }
    }

    /// A double constant in `0..=1`, or more than 0 if `open`.
    pub fn share(&self, i: usize, name: &str, open: bool) -> Result<f64, Diagnostic> {
        match self.constant(i) {
            Some(Value::Double(x)) if *x >= 0.0 && *x <= 1.0 && !(open && *x == 0.0) => Ok(*x),
            Some(Value::Double(x)) => {
                let bound = if open { "more than 0 and at most 1" } else { "from 0 to 1" };
                Err(self.invalid(i, name, format!("must be {bound}, found {x}")))
            }
            _ => Err(self.refuse(i, name, "a double constant")),
        }
    }

    /// An attribute of one of some types: its column and type.
    pub fn column_of(
        &self,
        i: usize,
        name: &str,
        types: &[AttrType],
    ) -> Result<(usize, AttrType), Diagnostic> {
        match self.args.get(i) {
            Some(WindowArg::Column { index, ty, .. }) if types.contains(ty) => Ok((*index, *ty)),
            _ => {
                let names: Vec<String> = types.iter().map(AttrType::to_string).collect();
                Err(self.refuse(i, name, &format!("an attribute of type {}", or(&names))))
            }
        }
    }

    /// A bool constant.
    pub fn flag(&self, i: usize, name: &str) -> Result<bool, Diagnostic> {
        match self.constant(i) {
            Some(Value::Bool(b)) => Ok(*b),
            _ => Err(self.refuse(i, name, "a bool constant")),
        }
    }

    /// A long attribute of the stream: its column.
    pub fn long_column(&self, i: usize, name: &str) -> Result<usize, Diagnostic> {
        match self.args.get(i) {
            Some(WindowArg::Column { index, ty: AttrType::Long, .. }) => Ok(*index),
            _ => Err(self.refuse(i, name, "an attribute of type long")),
        }
    }

    /// An int or long constant, or a long attribute of the stream.
    pub fn start(&self, i: usize, name: &str) -> Result<Start, Diagnostic> {
        match self.args.get(i) {
            Some(WindowArg::Column { index, ty: AttrType::Long, .. }) => Ok(Start::Column(*index)),
            Some(WindowArg::Const { .. }) => self
                .int_or_long(i, name, "an int or long constant or an attribute of type long")
                .map(Start::Const),
            _ => Err(self.refuse(i, name, "an int or long constant or an attribute of type long")),
        }
    }
}

/// `a, b or c`.
fn or(names: &[String]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    }
}

/// Where batches of a time grid begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::window) enum Start {
    /// At the first row.
    FirstRow,
    /// At a constant, ms.
    Const(i64),
    /// At the value of this column in the first row.
    Column(usize),
}
