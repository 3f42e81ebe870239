//! `coalesce`, `default` and `ifThenElse`: functions that give one of their arguments.

use super::{Arg, Eval, FunctionSpec, no_overload, type_list};
use crate::lang::ast::AttrType;

/// `coalesce(a, b, …)`.
pub static COALESCE: FunctionSpec = FunctionSpec {
    name: "coalesce",
    namespace: None,
    signature: "coalesce(a T, b T, ...) -> T",
    doc: "The first argument that is not null; null if all are. All arguments have one type.",
    example: "define stream Trades (symbol string, ask float, bid float);\n\
              from Trades select symbol, coalesce(ask, bid) as price insert into Out;",
    returns: same_type,
    volatile: false,
    eval: Eval::FirstNonNull,
};

/// `default(attribute, constant)`.
pub static DEFAULT: FunctionSpec = FunctionSpec {
    name: "default",
    namespace: None,
    signature: "default(attribute T, constant const T) -> T",
    doc: "The attribute, or the constant where the attribute is null. Both have one type.",
    example: "define stream Rooms (room string, temp double);\n\
              from Rooms select room, default(temp, 0.0) as temp insert into Out;",
    returns: |args| match args {
        [_, constant] if constant.constant.is_none() => {
            Err("the second argument of `default` must be a constant".into())
        }
        [a, b] if a.ty != b.ty => {
            Err(format!("`default` needs two arguments of one type, but has {}", type_list(args)))
        }
        [a, _] => Ok(a.ty),
        _ => Err(no_overload("default", args)),
    },
    volatile: false,
    eval: Eval::FirstNonNull,
};

/// `ifThenElse(condition, a, b)`.
pub static IF_THEN_ELSE: FunctionSpec = FunctionSpec {
    name: "ifThenElse",
    namespace: None,
    signature: "ifThenElse(condition bool, a T, b T) -> T",
    doc: "The second argument if the condition is true, the third if it is false or null. Both have \
          one type.",
    example: "define stream Sensors (id string, level double);\n\
              from Sensors select id, ifThenElse(level > 35.0, 'high', 'low') as status \
              insert into Out;",
    returns: |args| match args {
        [c, _, _] if c.ty != AttrType::Bool => Err(no_overload("ifThenElse", args)),
        [_, a, b] if a.ty != b.ty => Err(format!(
            "`ifThenElse` chooses between two values of one type, but these are {} and {}",
            a.ty, b.ty
        )),
        [_, a, _] => Ok(a.ty),
        _ => Err(no_overload("ifThenElse", args)),
    },
    volatile: false,
    eval: Eval::IfThenElse,
};

fn same_type(args: &[Arg<'_>]) -> Result<AttrType, String> {
    match args {
        [] => Err(no_overload("coalesce", args)),
        [first, rest @ ..] if rest.iter().all(|a| a.ty == first.ty) => Ok(first.ty),
        _ => Err(format!("`coalesce` needs arguments of one type, but has {}", type_list(args))),
    }
}
