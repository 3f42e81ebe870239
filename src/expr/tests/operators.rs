//! Arithmetic, comparison and logic, with nulls, zeros, overflow and `NaN`.

use super::table;

#[test]
fn arithmetic_takes_the_widest_type() {
    table(
        "
        i + j | i=2 j=3 | 5
        i + l | i=2 l=3 | 5
        l + f | l=2 f=0.5 | 2.5
        f + d | f=0.5 d=0.25 | 0.75
        i * 1.5 | i=7 | 10.5
        i * f | i=2147483647 f=2.5 | 5.368709E9
        i - d | i=2147483647 d=5.25 | 2.14748364175E9
        l * 2 | l=4 | 8
        1 min + l | l=1 | 60001
        7 / 2 | | 3
        7.0 / 2 | | 3.5
        ",
    );
}

#[test]
fn integers_wrap() {
    table(
        "
        i + 1 | i=2147483647 | -2147483648
        i - 1 | i=-2147483648 | 2147483647
        i * i | i=2147483647 | 1
        l + 1 | l=9223372036854775807 | -9223372036854775808
        l * 2 | l=9223372036854775807 | -2
        i / j | i=-2147483648 j=-1 | -2147483648
        i % j | i=-2147483648 j=-1 | 0
        i / -1 | i=-2147483648 | -2147483648
        l / -1 | l=-9223372036854775808 | -9223372036854775808
        -i | i=-2147483648 | -2147483648
        -l | l=5 | -5
        -f | f=0 | -0.0
        -d | d=NaN | NaN
        ",
    );
}

#[test]
fn division_truncates_and_the_remainder_has_the_sign_of_the_dividend() {
    table(
        "
        i / 2 | i=-7 | -3
        i % 3 | i=-7 | -1
        i % -3 | i=7 | 1
        d % 2 | d=-7.5 | -1.5
        f % 2 | f=5.25 | 1.25
        d / e | d=1 e=Infinity | 0.0
        d % e | d=1 e=Infinity | 1.0
        d / e | d=Infinity e=Infinity | NaN
        100 / i | i=7 | 14
        100 % l | l=7 | 2
        ",
    );
}

#[test]
fn a_zero_divisor_gives_null_for_every_type() {
    table(
        "
        i / 0 | i=7 | null
        i % 0 | i=7 | null
        l / 0 | l=7 | null
        f / 0 | f=7 | null
        d / 0 | d=7 | null
        d / 0.0 | d=0 | null
        d % 0.0 | d=7 | null
        d / e | d=7 e=-0.0 | null
        i / j | i=7 j=0 | null
        l % m | l=7 m=0 | null
        1 / i | i=0 | null
        1.0 / d | d=0 | null
        i / 0 + 1 | i=7 | null
        coalesce(i / 0, j) is null | i=7 | true
        (i / 0) > 1 | i=7 | false
        ",
    );
}

#[test]
fn null_operands_make_arithmetic_null() {
    table(
        "
        i + 1 | | null
        1 + i | | null
        i + l | i=1 | null
        i * f | f=1 | null
        l / m | l=1 | null
        l / m | m=1 | null
        1 / m | | null
        d % 2 | | null
        -i | | null
        ",
    );
}

#[test]
fn comparisons_of_numbers() {
    table(
        "
        i > 3 | i=4 | true
        i > 3 | i=3 | false
        i >= 3 | i=3 | true
        3 < i | i=4 | true
        3 >= i | i=4 | false
        i < l | i=1 l=2 | true
        i == l | i=1 l=1 | true
        i != l | i=1 l=1 | false
        l <= m | l=2 m=2 | true
        f == d | f=0.1 d=0.1 | false
        f == d | f=0.5 d=0.5 | true
        f > 0.1 | f=0.1 | true
        i < d | i=16777217 d=16777217 | false
        ",
    );
}

#[test]
fn long_and_float_meet_as_doubles_for_equality_and_as_floats_for_order() {
    table(
        "
        l == f | l=16777217 f=16777216 | false
        l != f | l=16777217 f=16777216 | true
        l >= f | l=16777217 f=16777216 | true
        l > f | l=16777217 f=16777216 | false
        i == f | i=16777217 f=16777216 | true
        l == 16777216f | l=16777217 | false
        l > 16777216f | l=16777217 | false
        ",
    );
}

#[test]
fn nan_and_zeros_compare_as_in_java() {
    table(
        "
        d == e | d=NaN e=NaN | false
        d != e | d=NaN e=NaN | true
        d < e | d=NaN e=1 | false
        d >= e | d=NaN e=1 | false
        d > 1 | d=NaN | false
        d <= 1 | d=NaN | false
        f == g | f=NaN g=NaN | false
        f != 1f | f=NaN | true
        d == e | d=-0.0 e=0.0 | true
        d < e | d=-0.0 e=0.0 | false
        d >= 0.0 | d=-0.0 | true
        f == 0 | f=-0.0 | true
        d > e | d=Infinity e=1 | true
        ",
    );
}

#[test]
fn comparisons_of_strings_and_bools() {
    table(
        "
        s == 'x' | s=x | true
        s == 'x' | s=y | false
        'x' == s | s=x | true
        s != 'x' | s=y | true
        s == t | s=abc t=abc | true
        s != t | s=abc t=abc | false
        s == 'twelve-bytes' | s=twelve-bytes | true
        s == 'twelve-bytes' | s=twelve-bytes-and-more | false
        s != 'thirteen-byte' | s=thirteen-byte | false
        s == '' | s= | true
        s == 'a text of more than twelve bytes' | s=a | false
        s == t | s=a-text-of-more-than-twelve-bytes t=a-text-of-more-than-twelve-bytes | true
        b == true | b=true | true
        b == c | b=true c=false | false
        b != c | b=true c=false | true
        (i > 1) == b | i=2 b=true | true
        ",
    );
}

#[test]
fn a_comparison_with_null_is_false_except_not_equal() {
    table(
        "
        i == 1 | | false
        i != 1 | | true
        i < 1 | | false
        i >= 1 | | false
        1 > i | | false
        i == j | i=1 | false
        i != j | j=1 | true
        i == j | | false
        i != j | | true
        i == l | | false
        i != l | l=1 | true
        d != e | | true
        s == 'x' | | false
        s != 'x' | | true
        s == t | | false
        s != t | s=x | true
        b == true | | false
        b != true | | true
        not (i == 1) | | true
        not (i != 1) | | false
        ",
    );
}

#[test]
fn logic_takes_null_for_false() {
    table(
        "
        b and true | | false
        true and b | | false
        b or true | | true
        b or c | | false
        b and c | b=true c=true | true
        b and c | b=true c=false | false
        b or c | b=false c=true | true
        b or c | b=false | false
        not b | | true
        not b | b=false | true
        not b | b=true | false
        not (b and c) | b=true | true
        i > 0 and b | i=1 | false
        i > 0 or b | i=1 | true
        i > 0 and b | b=true | false
        i > 0 and j > 0 and l > 0 and m > 0 | i=1 j=1 l=1 m=1 | true
        i > 0 and j > 0 and l > 0 and m > 0 | i=1 j=1 l=0 m=1 | false
        i > 5 or j > 5 or l > 5 or m > 5 | i=1 j=1 l=6 m=1 | true
        ",
    );
}

#[test]
fn is_null_looks_at_the_value() {
    table(
        "
        i is null | | true
        i is null | i=0 | false
        s is null | s= | false
        s is null | | true
        o is null | o=1 | false
        o is null | | true
        b is null | b=false | false
        coalesce(i, j) is null | j=1 | false
        coalesce(i, j) is null | | true
        ",
    );
}
