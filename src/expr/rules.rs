//! SiddhiQL's rules of arithmetic and comparison, in one place for both evaluators.
//!
//! The rules are Java's, not SQL's: integers wrap, a zero divisor gives null for every type, `NaN`
//! equals nothing (itself included), `-0.0 == 0.0`, a comparison with null is false except `!=`,
//! which is true.

use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, Float32Type, Float64Type, Int32Type, Int64Type,
};

use crate::event::Value;
use crate::lang::ast::{AttrType, BinaryOp};

use super::types::is_numeric;

/// The type of `left op right` for the arithmetic operators: that of the widest operand. None if an
/// operand is not a number.
pub fn arithmetic_type(left: AttrType, right: AttrType) -> Option<AttrType> {
    let widest = |ty| left == ty || right == ty;
    if !is_numeric(left) || !is_numeric(right) {
        None
    } else {
        [AttrType::Double, AttrType::Float, AttrType::Long].into_iter().find(|t| widest(*t)).or(
            // What is left is int and int.
            Some(AttrType::Int),
        )
    }
}

/// The type both operands of a comparison are brought to. None if they can't be compared.
///
/// Numbers widen as in arithmetic, except that `==` and `!=` compare long with float as doubles.
pub fn comparison_type(op: BinaryOp, left: AttrType, right: AttrType) -> Option<AttrType> {
    let equality = matches!(op, BinaryOp::Eq | BinaryOp::NotEq);
    match (left, right) {
        (AttrType::Long, AttrType::Float) | (AttrType::Float, AttrType::Long) if equality => {
            Some(AttrType::Double)
        }
        (AttrType::String, AttrType::String) | (AttrType::Bool, AttrType::Bool) if equality => {
            Some(left)
        }
        _ => arithmetic_type(left, right),
    }
}

/// Whether the operator is `+ - * / %`.
pub fn is_arithmetic(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod)
}

/// Whether the operator is `and` or `or`.
pub fn is_logical(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::And | BinaryOp::Or)
}

/// What a comparison gives when an operand is null.
#[inline]
pub fn comparison_of_null(op: BinaryOp) -> bool {
    op == BinaryOp::NotEq
}

/// `left op right` for a comparison operator (false for any other).
#[inline]
pub fn compare<T: PartialOrd + ?Sized>(op: BinaryOp, left: &T, right: &T) -> bool {
    match op {
        BinaryOp::Eq => left == right,
        BinaryOp::NotEq => left != right,
        BinaryOp::Lt => left < right,
        BinaryOp::LtEq => left <= right,
        BinaryOp::Gt => left > right,
        BinaryOp::GtEq => left >= right,
        _ => false,
    }
}

/// The operator that gives the same with its operands exchanged.
pub fn exchanged(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::LtEq => BinaryOp::GtEq,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::GtEq => BinaryOp::LtEq,
        other => other,
    }
}

/// A literal number as another numeric type, as Java widens.
pub(super) fn widened(v: &Value, ty: AttrType) -> Value {
    macro_rules! to {
        ($v:expr) => {
            match ty {
                AttrType::Int => Value::Int($v as i32),
                AttrType::Long => Value::Long($v as i64),
                AttrType::Float => Value::Float($v as f32),
                AttrType::Double => Value::Double($v as f64),
                _ => v.clone(),
            }
        };
    }
    match *v {
        Value::Int(x) => to!(x),
        Value::Long(x) => to!(x),
        Value::Float(x) => to!(x),
        Value::Double(x) => to!(x),
        _ => v.clone(),
    }
}

/// A numeric attribute type with Java's arithmetic.
pub trait Number: ArrowNativeType {
    /// The Arrow type that holds it.
    type Arrow: ArrowPrimitiveType<Native = Self>;
    /// Sum, wrapping.
    fn add(self, other: Self) -> Self;
    /// Difference, wrapping.
    fn sub(self, other: Self) -> Self;
    /// Product, wrapping.
    fn mul(self, other: Self) -> Self;
    /// Quotient truncated toward zero, wrapping; null for a zero divisor.
    fn div(self, other: Self) -> Option<Self>;
    /// Remainder with the sign of the dividend; null for a zero divisor.
    fn rem(self, other: Self) -> Option<Self>;
    /// Negation, wrapping.
    fn neg(self) -> Self;
    /// Whether it is a number (floats may not be).
    fn is_nan(self) -> bool;
}

macro_rules! integer {
    ($t:ty, $arrow:ty) => {
        impl Number for $t {
            type Arrow = $arrow;
            #[inline]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline]
            fn div(self, other: Self) -> Option<Self> {
                (other != 0).then(|| self.wrapping_div(other))
            }
            #[inline]
            fn rem(self, other: Self) -> Option<Self> {
                (other != 0).then(|| self.wrapping_rem(other))
            }
            #[inline]
            fn neg(self) -> Self {
                self.wrapping_neg()
            }
            #[inline]
            fn is_nan(self) -> bool {
                false
            }
        }
    };
}

macro_rules! float {
    ($t:ty, $arrow:ty) => {
        impl Number for $t {
            type Arrow = $arrow;
            #[inline]
            fn add(self, other: Self) -> Self {
                self + other
            }
            #[inline]
            fn sub(self, other: Self) -> Self {
                self - other
            }
            #[inline]
            fn mul(self, other: Self) -> Self {
                self * other
            }
            #[inline]
            fn div(self, other: Self) -> Option<Self> {
                (other != 0.0).then_some(self / other)
            }
            #[inline]
            fn rem(self, other: Self) -> Option<Self> {
                (other != 0.0).then_some(self % other)
            }
            #[inline]
            fn neg(self) -> Self {
                -self
            }
            #[inline]
            fn is_nan(self) -> bool {
                <$t>::is_nan(self)
            }
        }
    };
}

integer!(i32, Int32Type);
integer!(i64, Int64Type);
float!(f32, Float32Type);
float!(f64, Float64Type);

#[cfg(test)]
mod tests {
    use super::*;
    use AttrType::*;

    #[test]
    fn the_widest_operand_decides() {
        let order = [Int, Long, Float, Double];
        for (i, a) in order.into_iter().enumerate() {
            for (j, b) in order.into_iter().enumerate() {
                assert_eq!(arithmetic_type(a, b), Some(order[i.max(j)]), "{a} + {b}");
            }
        }
        for other in [String, Bool, Object] {
            assert_eq!(arithmetic_type(Int, other), None);
            assert_eq!(arithmetic_type(other, other), None);
        }
    }

    #[test]
    fn equality_of_long_and_float_is_decided_as_double_ordering_as_float() {
        assert_eq!(comparison_type(BinaryOp::Eq, Long, Float), Some(Double));
        assert_eq!(comparison_type(BinaryOp::NotEq, Float, Long), Some(Double));
        assert_eq!(comparison_type(BinaryOp::Lt, Long, Float), Some(Float));
        assert_eq!(comparison_type(BinaryOp::Eq, Int, Float), Some(Float));
        assert_eq!(comparison_type(BinaryOp::Eq, String, String), Some(String));
        assert_eq!(comparison_type(BinaryOp::Lt, String, String), None);
        assert_eq!(comparison_type(BinaryOp::Eq, Bool, Bool), Some(Bool));
        assert_eq!(comparison_type(BinaryOp::GtEq, Bool, Bool), None);
        assert_eq!(comparison_type(BinaryOp::Eq, Object, Object), None);
        assert_eq!(comparison_type(BinaryOp::Eq, String, Int), None);
    }

    #[test]
    fn arithmetic_is_javas() {
        assert_eq!(i32::MAX.add(1), i32::MIN);
        assert_eq!(Number::div(i32::MIN, -1), Some(i32::MIN));
        assert_eq!(Number::rem(i32::MIN, -1), Some(0));
        assert_eq!(Number::rem(-7, 3), Some(-1));
        assert_eq!(Number::div(7i64, 0), None);
        assert_eq!(Number::div(7.0f64, -0.0), None);
        assert_eq!(Number::rem(-7.5f64, 2.0), Some(-1.5));
        assert_eq!(Number::neg(i64::MIN), i64::MIN);
        assert!(Number::div(1.0, f64::NAN).is_some_and(f64::is_nan));
    }

    #[test]
    fn nan_equals_nothing_and_zeros_are_one() {
        for op in [BinaryOp::Eq, BinaryOp::Lt, BinaryOp::LtEq, BinaryOp::Gt, BinaryOp::GtEq] {
            assert!(!compare(op, &f64::NAN, &f64::NAN), "{op}");
        }
        assert!(compare(BinaryOp::NotEq, &f64::NAN, &f64::NAN));
        assert!(compare(BinaryOp::Eq, &-0.0, &0.0));
        assert!(!compare(BinaryOp::Lt, &-0.0, &0.0));
    }
}
