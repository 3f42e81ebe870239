//! The columns that `#pol2Cart` appends. Not callable by name in expressions.

use std::sync::Arc;

use super::{Calls, Eval, FunctionSpec, Kernel, Scalar, Site, no_overload};
use crate::lang::ast::AttrType;

/// `x = rho * cos(theta)`, theta in degrees.
pub static X: FunctionSpec = coordinate("pol2Cart.x", |site| kernel(site, f64::cos));

/// `y = rho * sin(theta)`, theta in degrees.
pub static Y: FunctionSpec = coordinate("pol2Cart.y", |site| kernel(site, f64::sin));

const fn coordinate(name: &'static str, kernel: fn(&Site<'_>) -> Kernel) -> FunctionSpec {
    FunctionSpec {
        name,
        namespace: None,
        signature: "pol2Cart(theta double, rho double [, z double])",
        doc: "A coordinate of a point given in polar ones, theta in degrees; null if either is null.",
        example: "define stream Polar (theta double, rho double);\n\
                  from Polar#pol2Cart(theta, rho) select x, y insert into Out;",
        returns: |args| match args {
            [_, _] => Ok(AttrType::Double),
            _ => Err(no_overload("pol2Cart", args)),
        },
        volatile: false,
        eval: Eval::Calls(Calls { kernel, columns: None }),
    }
}

fn kernel(_: &Site<'_>, of: fn(f64) -> f64) -> Kernel {
    Kernel::Double(Arc::new(move |args| match args {
        [Scalar::Double(theta), Scalar::Double(rho), ..] => Some(rho * of(theta.to_radians())),
        _ => None,
    }))
}
