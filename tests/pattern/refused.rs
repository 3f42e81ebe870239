//! What is refused, and how that is said.

use crate::harness::{LETTERS, query};

/// The message and help of the only finding, and the text it points at.
fn refused(pattern: &str) -> (String, String) {
    let app = format!("{LETTERS}from {pattern} insert into Out;");
    let findings = match query(&app) {
        Ok(_) => panic!("accepted: {pattern}"),
        Err(f) => f,
    };
    let [d] = findings.as_slice() else { panic!("{pattern}: {findings:#?}") };
    let help = d.help.as_deref().map_or(String::new(), |h| format!(" ({h})"));
    (format!("{}{help}", d.message), app[d.span.range()].to_string())
}

macro_rules! refuses {
    ($($name:ident: $pattern:expr => $message:expr, at $at:expr;)*) => {$(
        #[test]
        fn $name() {
            let (message, at) = refused($pattern);
            assert!(message.contains($message), "{message}");
            assert_eq!(at, $at);
        }
    )*};
}

refuses! {
    event_of_an_absent_stream: "a=A -> not B for 1 sec select B.x"
        => "the pattern has no event `B` (`not B` is matched by no event of `B`)", at "B";
    absent_behind_a_start_that_may_stay_empty: "a=A*, not B for 1 sec, c=C select c.x"
        => "is not supported yet", at "not B for 1 sec";
    stream_function: "every a=A#pol2Cart(x, x) -> b=B select a.x"
        => "`#pol2Cart` in a pattern is not supported yet", at "pol2Cart(x, x)";
    later_event: "e1=A[x > e2.x] -> e2=B select e2.x"
        => "`e2` comes later in the pattern than `e1` (move the condition into the filter of `e2`)",
        at "e2.x";
    later_event_missing: "e1=A[e2 is null] -> e2=B select e2.x"
        => "`e2` comes later in the pattern than `e1`", at "e2";
    unknown_event: "e1=A -> b=B[x > e2.x] select b.x"
        => "the pattern has no event `e2` (did you mean `e1`?)", at "e2";
    name_of_a_named_stream: "e1=A -> b=B[x > A.x] select b.x"
        => "the event of `A` is called `e1`", at "A";
    unknown_attribute: "a=A -> b=B[a.y > 1] select b.x"
        => "stream `A` has no attribute `y`", at "y";
    unknown_attribute_behind: "a=A -> b=B select a.xx"
        => "did you mean `x`?", at "xx";
    ambiguous: "a=A -> b=B select x"
        => "several elements have an attribute `x` (say which: `a.x`)", at "x";
    event_as_value: "a=A -> b=B[x > a] select b.x"
        => "`a` is an event, not a value", at "a";
    not_a_condition: "a=A -> b=B[x + 1] select b.x"
        => "a filter must be a bool", at "x + 1";
    empty: "a=A<0:2> -> b=B<:3> select a.x"
        => "would match without any event", at "A<0:2> -> b=B";
    count_upside_down: "a=A<3:2> -> b=B select b.x"
        => "minimum of the count is above its maximum", at "<3:2>";
    count_of_nothing: "a=A<0:0> -> b=B select b.x"
        => "takes no event", at "<0:0>";
    nested_every: "every (a=A -> every b=B) -> c=C select c.x"
        => "`every` can't stand inside `every (…)`", at "every b=B";
    group_in_sequence: "every (a=A, b=B), c=C select c.x"
        => "`every` repeats the first element", at "every (a=A, b=B)";
    same_name_twice: "a=A -> b=B select *"
        => "would give attribute `x` twice", at LETTERS_QUERY;
}

/// `select *` points at the whole query.
const LETTERS_QUERY: &str = "from a=A -> b=B select * insert into Out";
