//! `math:…`: numbers.

use super::kit::{Ty, arg, bool, double, fit, function, int, long, of_number, text};
use super::{Arg, Kernel, Site};
use crate::lang::ast::AttrType;

type Checked = Result<AttrType, String>;

fn one(name: &str, args: &[Arg<'_>]) -> Checked {
    fit(name, args, &[Ty::Number], &[], AttrType::Double)
}

fn two(name: &str, args: &[Arg<'_>]) -> Checked {
    fit(name, args, &[Ty::Number, Ty::Number], &[], AttrType::Double)
}

fn none(name: &str, args: &[Arg<'_>]) -> Checked {
    fit(name, args, &[], &[], AttrType::Double)
}

fn of_two(f: fn(f64, f64) -> f64) -> Kernel {
    double(move |a| Some(f(arg(a, 0).double()?, arg(a, 1).double()?)))
}

function!(ABS = "math" "abs" "(x number)" -> "double";
    "The absolute value of `x`; null if `x` is null."; "math:abs(x)"; one; |_| of_number(f64::abs));
function!(ACOS = "math" "acos" "(x number)" -> "double";
    "The arc cosine of `x` in radians, NaN outside -1 to 1; null if `x` is null."; "math:acos(x)";
    one; |_| of_number(f64::acos));
function!(ASIN = "math" "asin" "(x number)" -> "double";
    "The arc sine of `x` in radians, NaN outside -1 to 1; null if `x` is null."; "math:asin(x)";
    one; |_| of_number(f64::asin));
function!(ATAN = "math" "atan" "(y number [, x number])" -> "double";
    "The arc tangent of `y`, or the angle of the point `(x, y)`, in radians; null if an argument is null.";
    "math:atan(x, n)";
    |name, args| fit(name, args, &[Ty::Number], &[Ty::Number], AttrType::Double);
    |site| if site.args.len() == 2 { of_two(f64::atan2) } else { of_number(f64::atan) });
function!(BIN = "math" "bin" "(i int|long)" -> "string";
    "The digits of `i` in base 2 (of negative numbers, the two's complement); null if `i` is null.";
    "math:bin(n)"; digits; |_| text(|a, out| radix(a, out, 2)));
function!(CBRT = "math" "cbrt" "(x number)" -> "double";
    "The cubic root of `x`; null if `x` is null."; "math:cbrt(x)"; one; |_| of_number(f64::cbrt));
function!(CEIL = "math" "ceil" "(x number)" -> "double";
    "The smallest whole number that isn't below `x`; null if `x` is null."; "math:ceil(x)";
    one; |_| of_number(f64::ceil));
function!(CONV = "math" "conv" "(digits string, from int, to int)" -> "string";
    "The digits of a whole number in base `to`, given in base `from` (2 to 36); null if it is none, or \
     an argument is null."; "math:conv('7f', 16, 10)";
    |name, args| fit(name, args, &[Ty::Text, Ty::Int, Ty::Int], &[], AttrType::String);
    |_| text(conv));
function!(COPY_SIGN = "math" "copySign" "(x number, sign number)" -> "double";
    "The size of `x` with the sign of `sign`; null if an argument is null."; "math:copySign(x, n)";
    two; |_| of_two(f64::copysign));
function!(COS = "math" "cos" "(x number)" -> "double";
    "The cosine of `x` radians; null if `x` is null."; "math:cos(x)"; one; |_| of_number(f64::cos));
function!(COSH = "math" "cosh" "(x number)" -> "double";
    "The hyperbolic cosine of `x`; null if `x` is null."; "math:cosh(x)"; one; |_| of_number(f64::cosh));
function!(E = "math" "e" "()" -> "double";
    "Euler's number, the base of natural logarithms."; "math:e()"; none;
    |_| double(|_| Some(std::f64::consts::E)));
function!(EXP = "math" "exp" "(x number)" -> "double";
    "Euler's number to the power of `x`; null if `x` is null."; "math:exp(x)"; one; |_| of_number(f64::exp));
function!(FLOOR = "math" "floor" "(x number)" -> "double";
    "The largest whole number that isn't above `x`; null if `x` is null."; "math:floor(x)";
    one; |_| of_number(f64::floor));
function!(GET_EXPONENT = "math" "getExponent" "(x number)" -> "int";
    "The exponent to base 2 in the representation of `x` as a double; null if `x` is null.";
    "math:getExponent(x)"; |name, args| fit(name, args, &[Ty::Number], &[], AttrType::Int);
    |_| int(|a| arg(a, 0).double().map(exponent)));
function!(HEX = "math" "hex" "(x number)" -> "string";
    "The double `x` in hexadecimal form, as `0x1.9p7` for 200; null if `x` is null."; "math:hex(x)";
    |name, args| fit(name, args, &[Ty::Number], &[], AttrType::String);
    |_| text(|a, out| { write_hex(out, arg(a, 0).double()?); Some(()) }));
function!(IS_INFINITE = "math" "isInfinite" "(x number)" -> "bool";
    "Whether `x` is infinite; null if `x` is null."; "math:isInfinite(x)"; test;
    |_| bool(|a| arg(a, 0).double().map(f64::is_infinite)));
function!(IS_NAN = "math" "isNan" "(x number)" -> "bool";
    "Whether `x` is not a number; null if `x` is null."; "math:isNan(x)"; test;
    |_| bool(|a| arg(a, 0).double().map(f64::is_nan)));
function!(LN = "math" "ln" "(x number)" -> "double";
    "The natural logarithm of `x`; null if `x` is null."; "math:ln(x)"; one; |_| of_number(f64::ln));
function!(LOG = "math" "log" "(x number, base number)" -> "double";
    "The logarithm of `x` to a base; null if an argument is null."; "math:log(x, n)"; two;
    |_| of_two(|x, base| x.ln() / base.ln()));
function!(LOG10 = "math" "log10" "(x number)" -> "double";
    "The logarithm of `x` to base 10; null if `x` is null."; "math:log10(x)"; one;
    |_| of_number(f64::log10));
function!(LOG2 = "math" "log2" "(x number)" -> "double";
    "The logarithm of `x` to base 2; null if `x` is null."; "math:log2(x)"; one;
    |_| of_number(f64::log2));
function!(MAX = "math" "max" "(a number, b number)" -> "double";
    "The larger of two numbers, NaN if one of them is; null if an argument is null."; "math:max(x, n)";
    two; |_| of_two(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }));
function!(MIN = "math" "min" "(a number, b number)" -> "double";
    "The smaller of two numbers, NaN if one of them is; null if an argument is null."; "math:min(x, n)";
    two; |_| of_two(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }));
function!(OCT = "math" "oct" "(i int|long)" -> "string";
    "The digits of `i` in base 8 (of negative numbers, the two's complement); null if `i` is null.";
    "math:oct(n)"; digits; |_| text(|a, out| radix(a, out, 8)));
function!(PARSE_DOUBLE = "math" "parseDouble" "(text string)" -> "double";
    "The double a text stands for; null if it is none, or null."; "math:parseDouble(text)";
    |name, args| fit(name, args, &[Ty::Text], &[], AttrType::Double);
    |_| double(|a| arg(a, 0).text()?.trim().parse().ok()));
function!(PARSE_FLOAT = "math" "parseFloat" "(text string)" -> "float";
    "The float a text stands for; null if it is none, or null."; "math:parseFloat(text)";
    |name, args| fit(name, args, &[Ty::Text], &[], AttrType::Float);
    |_| Kernel::Float(std::sync::Arc::new(|a| arg(a, 0).text()?.trim().parse().ok())));
function!(PARSE_INT = "math" "parseInt" "(text string)" -> "int";
    "The int a text stands for; null if it is none, or null."; "math:parseInt(text)";
    |name, args| fit(name, args, &[Ty::Text], &[], AttrType::Int);
    |_| int(|a| arg(a, 0).text()?.parse().ok()));
function!(PARSE_LONG = "math" "parseLong" "(text string)" -> "long";
    "The long a text stands for; null if it is none, or null."; "math:parseLong(text)";
    |name, args| fit(name, args, &[Ty::Text], &[], AttrType::Long);
    |_| long(|a| arg(a, 0).text()?.parse().ok()));
function!(PI = "math" "pi" "()" -> "double";
    "The ratio of a circle's circumference to its diameter."; "math:pi()"; none;
    |_| double(|_| Some(std::f64::consts::PI)));
function!(POWER = "math" "power" "(x number, y number)" -> "double";
    "`x` to the power of `y`; null if an argument is null."; "math:power(x, n)"; two;
    |_| of_two(f64::powf));
function!(volatile RAND = "math" "rand" "([seed int|long])" -> "double";
    "A number from 0 to 1 (exclusive), another one for each row and each place it is called from, or \
     each seed. A replay of the same input gives the same numbers."; "math:rand()";
    |name, args| fit(name, args, &[], &[Ty::Integer], AttrType::Double); rand);
function!(ROUND = "math" "round" "(x number)" -> "int|long";
    "The whole number next to `x`, halves upwards: an int for an int or a float, a long for a long or \
     a double; null if `x` is null."; "math:round(x)"; rounded; round);
function!(SIGNUM = "math" "signum" "(x number)" -> "int";
    "One for a number above zero, -1 for one below, 0 otherwise; null if `x` is null.";
    "math:signum(x)"; |name, args| fit(name, args, &[Ty::Number], &[], AttrType::Int);
    |_| int(|a| arg(a, 0).double().map(|x| i32::from(x > 0.0) - i32::from(x < 0.0))));
function!(SIN = "math" "sin" "(x number)" -> "double";
    "The sine of `x` radians; null if `x` is null."; "math:sin(x)"; one; |_| of_number(f64::sin));
function!(SINH = "math" "sinh" "(x number)" -> "double";
    "The hyperbolic sine of `x`; null if `x` is null."; "math:sinh(x)"; one; |_| of_number(f64::sinh));
function!(SQRT = "math" "sqrt" "(x number)" -> "double";
    "The square root of `x`, NaN below zero; null if `x` is null."; "math:sqrt(x)"; one;
    |_| of_number(f64::sqrt));
function!(TAN = "math" "tan" "(x number)" -> "double";
    "The tangent of `x` radians; null if `x` is null."; "math:tan(x)"; one; |_| of_number(f64::tan));
function!(TANH = "math" "tanh" "(x number)" -> "double";
    "The hyperbolic tangent of `x`; null if `x` is null."; "math:tanh(x)"; one;
    |_| of_number(f64::tanh));
function!(TO_DEGREES = "math" "toDegrees" "(x number)" -> "double";
    "An angle of `x` radians in degrees; null if `x` is null."; "math:toDegrees(x)"; one;
    |_| of_number(f64::to_degrees));
function!(TO_RADIANS = "math" "toRadians" "(x number)" -> "double";
    "An angle of `x` degrees in radians; null if `x` is null."; "math:toRadians(x)"; one;
    |_| of_number(f64::to_radians));

fn digits(name: &str, args: &[Arg<'_>]) -> Checked {
    fit(name, args, &[Ty::Integer], &[], AttrType::String)
}

fn test(name: &str, args: &[Arg<'_>]) -> Checked {
    fit(name, args, &[Ty::Number], &[], AttrType::Bool)
}

fn rounded(name: &str, args: &[Arg<'_>]) -> Checked {
    fit(name, args, &[Ty::Number], &[], AttrType::Long)?;
    let small = matches!(args[0].ty, AttrType::Int | AttrType::Float);
    Ok(if small { AttrType::Int } else { AttrType::Long })
}

/// Halves go up, as with Java's `Math.round`.
fn half_up(x: f64) -> f64 {
    let floor = x.floor();
    if x - floor >= 0.5 { floor + 1.0 } else { floor }
}

fn round(site: &Site<'_>) -> Kernel {
    use super::Scalar;
    match site.returns {
        AttrType::Int => int(|a| match arg(a, 0) {
            Scalar::Int(v) => Some(*v),
            x => x.double().map(|x| half_up(x) as i32),
        }),
        _ => long(|a| match arg(a, 0) {
            Scalar::Long(v) => Some(*v),
            x => x.double().map(|x| half_up(x) as i64),
        }),
    }
}

fn radix(args: &[super::Scalar<'_>], out: &mut String, base: u32) -> Option<()> {
    use super::Scalar;
    let value = match arg(args, 0) {
        Scalar::Int(v) => u64::from(*v as u32),
        Scalar::Long(v) => *v as u64,
        _ => return None,
    };
    write_radix(out, value, base);
    Some(())
}

fn write_radix(out: &mut String, mut value: u64, base: u32) {
    let mut digits = Vec::new();
    loop {
        let digit = (value % u64::from(base)) as u32;
        digits.push(char::from_digit(digit, base).unwrap_or('0'));
        value /= u64::from(base);
        if value == 0 {
            break;
        }
    }
    out.extend(digits.into_iter().rev());
}

fn conv(args: &[super::Scalar<'_>], out: &mut String) -> Option<()> {
    let base = |i: usize| {
        let base = u32::try_from(arg(args, i).integer()?).ok()?;
        (2..=36).contains(&base).then_some(base)
    };
    let (from, to) = (base(1)?, base(2)?);
    let value = i64::from_str_radix(arg(args, 0).text()?, from).ok()?;
    if value < 0 {
        out.push('-');
    }
    write_radix(out, value.unsigned_abs(), to);
    Some(())
}

/// As Java's `Math.getExponent`: 1024 for infinities and NaN, -1023 for zero and subnormals.
fn exponent(x: f64) -> i32 {
    ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023
}

/// As Java's `Double.toHexString`.
fn write_hex(out: &mut String, x: f64) {
    use std::fmt::Write;
    if !x.is_finite() {
        out.push_str(match (x.is_nan(), x < 0.0) {
            (true, _) => "NaN",
            (_, true) => "-Infinity",
            _ => "Infinity",
        });
        return;
    }
    if x.is_sign_negative() {
        out.push('-');
    }
    let mantissa = format!("{:013x}", x.to_bits() & ((1 << 52) - 1));
    let mantissa = mantissa.trim_end_matches('0');
    let mantissa = if mantissa.is_empty() { "0" } else { mantissa };
    let (lead, exponent) = match exponent(x) {
        -1023 if x == 0.0 => (0, 0),
        -1023 => (0, -1022),
        e => (1, e),
    };
    // Writing to a string can't fail.
    let _ = write!(out, "0x{lead}.{mantissa}p{exponent}");
}

fn rand(site: &Site<'_>) -> Kernel {
    use std::hash::{BuildHasher, Hasher};
    let (place, seeded) = (site.span, !site.args.is_empty());
    double(move |args| {
        let mut h = foldhash::quality::FixedState::with_seed(0x5eed).build_hasher();
        let hidden = if seeded {
            h.write_i64(arg(args, 0).integer()?);
            &args[1..]
        } else {
            h.write_u32(place.start);
            h.write_u32(place.end);
            args
        };
        // Order, clock and ordinal of the row.
        hidden.iter().for_each(|part| h.write_i64(part.as_long().unwrap_or_default()));
        Some((h.finish() >> 11) as f64 / (1u64 << 53) as f64)
    })
}
