//! Sequences: the instructive cases of the reference (§5.6) by number, and the rules they follow.

use crate::harness::{letters, stocks};

/// A rising run and the drop behind it.
const PEAKS: &str = "
    from every e1=S1[price>20],
         e2=S1[(e2[last].price is null and price>=e1.price)
               or (not (e2[last].price is null) and price>=e2[last].price)]+,
         e3=S1[price<e2[last].price] ";

#[test]
fn case_25_nothing_may_lie_between() {
    let chain = "e1=S1[price>20], e2=S2[price>e1.price] select e1.symbol, e2.symbol";
    stocks(
        &format!("from every {chain}"),
        "S1 WSO2,55.6,100
         S1 GOOG,57.6,100
         S2 IBM,65.7,100      -> GOOG,IBM
         S2 IBM,66.7,100
         S1 WSO2,55.6,100
         S2 LOW,5.6,100
         S2 IBM,65.7,100",
    );
    // Without `every` one wrong event ends it for good.
    stocks(
        &format!("from {chain}"),
        "S1 WSO2,55.6,100
         S1 GOOG,57.6,100
         S2 IBM,65.7,100
         S1 WSO2,55.6,100
         S2 IBM,65.7,100",
    );
    stocks(
        &format!("from {chain}"),
        "S1 WSO2,55.6,100
         S2 IBM,65.7,100      -> WSO2,IBM
         S1 WSO2,55.6,100
         S2 IBM,65.7,100",
    );
    stocks(&format!("from {chain}"), "S2 X,1.0,1\nS1 WSO2,55.6,100\nS2 IBM,65.7,100");
}

#[test]
fn events_of_other_streams_may_lie_between() {
    letters(
        "from every a=A, b=B select a.x, b.x",
        "A 1
         A 2
         B 3      -> 2,3
         A 4
         C 9
         B 5      -> 4,5
         B 6
         A 7
         B 8      -> 7,8",
    );
}

#[test]
fn case_26_a_last_element_that_may_stay_empty_stays_empty() {
    stocks(
        "from every e1=S1[price>20], e2=S2[price>e1.price]*
         select e1.symbol, e2[0].symbol, e2[1].symbol",
        "S1 WSO2,55.6,100     -> WSO2,null,null
         S2 LOW,1.0,1
         S1 GOOG,55.6,100     -> GOOG,null,null
         S2 IBM,55.7,100",
    );
    letters(
        "from every a=A, b=B, c=C* select a.x, b.x, c.x",
        "A 1
         B 2      -> 1,2,[]
         C 3
         A 4
         C 5
         B 6",
    );
}

#[test]
fn case_27_star_plus_and_question_mark() {
    let script = "
        S1 WSO2,59.6,100
        S2 WSO2,55.6,100
        S2 IBM,55.7,100
        S1 WSO2,57.6,100 -> ";
    let select = "select e1[0].price, e1[1].price, e2.price";
    for (quantifier, matched) in
        [("*", "55.6,55.7,57.6"), ("+", "55.6,55.7,57.6"), ("?", "55.7,null,57.6")]
    {
        stocks(
            &format!("from every e1=S2[price>20]{quantifier}, e2=S1[price>e1[0].price] {select}"),
            &format!("{script}{matched}"),
        );
    }
}

#[test]
fn a_start_that_may_stay_empty_starts_again_and_again() {
    let script =
        |a: &str, b: &str, c: &str| format!("A 1\nA 2\nB 3 -> {a}\nB 4 -> {b}\nA 5\nB 6 -> {c}");
    letters("from every a=A*, b=B select a.x, b.x", &script("[1 2],3", "[],4", "[5],6"));
    letters("from every a=A?, b=B select a.x, b.x", &script("[2],3", "[],4", "[5],6"));
    letters("from every a=A+, b=B select a.x, b.x", &script("[1 2],3", "", "[5],6"));
    letters("from a=A*, b=B select a.x, b.x", &script("[1 2],3", "", ""));
}

#[test]
fn case_28_the_completing_event_opens_the_next_match() {
    stocks(
        "from every e1=S2[price>20], e2=S2[price>e1.price] or e3=S2[symbol=='IBM']
         select e1.price, e2.price, e3.price",
        "S2 WSO2,59.6,100
         S2 WSO2,55.6,100
         S2 IBM,55.7,100      -> 55.6,55.7,null
         S2 WSO2,57.6,100     -> 55.7,57.6,null
         S2 IBM,10.0,100      -> 57.6,null,10",
    );
    letters(
        "from every a=A, b=A select a.x, b.x",
        "A 1
         A 2      -> 1,2
         A 3      -> 2,3
         A 4      -> 3,4",
    );
}

#[test]
fn case_29_price_peaks() {
    stocks(
        &format!("{PEAKS} select e1.price, e2[0].price, e2[1].price, e3.price"),
        "S1 W,29.6,1
         S1 W,25,1
         S1 W,35.6,1
         S1 W,25.5,1          -> 25,35.6,null,25.5
         S1 W,57.6,1
         S1 W,58.6,1
         S1 W,47.6,1          -> 25.5,57.6,58.6,47.6
         S1 W,27.6,1
         S1 W,49.6,1
         S1 W,45.6,1          -> 27.6,49.6,null,45.6",
    );
}

#[test]
fn events_counted_from_the_back() {
    stocks(
        &format!(
            "{PEAKS} select e1.price, e2[0].price, e2[last-2].price, e2[last-1].price,
             e2[last].price, e3.price, e2[last-20].price"
        ),
        "S1 W,29.6,1
         S1 W,25,1
         S1 W,35.6,1
         S1 W,29.5,1          -> 25,35.6,null,null,35.6,29.5,null
         S1 W,57.6,1
         S1 W,58.6,1
         S1 W,57.7,1          -> 29.5,57.6,null,57.6,58.6,57.7,null
         S1 W,45.6,1",
    );
}

#[test]
fn case_30_a_start_compared_with_itself() {
    stocks(
        "from every e1=S1[e1[last].price is null or e1[last].price<=price]*,
         e2=S1[price<e1[last].price] select e1.price, e2.price",
        "S1 W,29.6,1
         S1 W,25,1            -> [29.6],25
         S1 W,35.6,1
         S1 W,25.5,1          -> [25 35.6],25.5
         S1 W,57.6,1
         S1 W,58.6,1
         S1 W,47.6,1          -> [25.5 57.6 58.6],47.6
         S1 W,27.6,1          -> [47.6],27.6
         S1 W,49.6,1
         S1 W,45.6,1          -> [27.6 49.6],45.6",
    );
}

#[test]
fn case_31_what_fits_the_counted_and_the_next_goes_to_the_next() {
    stocks(
        "from every e1=S1[price>=50 and volume>100], e2=S2[price<=40]*, e3=S2[volume<=70]
         select e3.symbol, e2[0].symbol, e3.volume",
        "S1 IBM,75.6,105
         S2 GOOG,21.0,81
         S2 WSO2,176.6,65     -> WSO2,GOOG,65
         S1 BIRT,21.0,81
         S1 AMBA,126.6,165
         S2 DDD,23.0,181
         S2 BIRT,21.0,86
         S2 BIRT,21.0,82
         S2 WSO2,176.6,60     -> WSO2,DDD,60
         S1 AMBA,126.6,165
         S2 DOX,16.2,25       -> DOX,null,25",
    );
}

#[test]
fn logical_elements() {
    let and = "from a=A, b=B and c=C select a.x, b.x, c.x";
    letters(and, "A 1\nB 2\nC 3 -> 1,2,3\nA 4\nB 5\nC 6");
    letters(and, "A 1\nC 3\nB 2 -> 1,2,3");
    letters("from a=A, b=B or c=C select a.x, b.x, c.x", "A 1\nC 3 -> 1,null,3\nB 2");
    letters(
        "from every a=A and b=B, c=C select a.x, b.x, c.x",
        "A 1\nB 2\nC 3 -> 1,2,3\nB 4\nA 5\nC 6 -> 5,4,6\nC 7",
    );
}

#[test]
fn counts_above_one_match_though_siddhi_loses_them() {
    // Deviation (reference D.3): stock Siddhi gives nothing here.
    letters(
        "from every a=A<2>, b=B select a.x, b.x",
        "A 1\nB 2\nA 3\nA 4\nB 5 -> [3 4],5\nA 6\nA 7\nA 8\nB 9",
    );
    letters(
        "from every a=A<2:3>, b=B select a.x, b.x",
        "A 1\nA 2\nA 3\nB 4 -> [1 2 3],4\nA 5\nB 6\nA 7\nA 8\nB 9 -> [7 8],9",
    );
    letters(
        "from every a=A, b=B+ select a.x, b.x",
        "A 1\nB 2 -> 1,[2]\nB 3\nA 4\nA 5\nB 6 -> 5,[6]",
    );
    letters(
        "from every a=A, b=B<2:> select a.x, b.x",
        "A 1\nB 2\nB 3 -> 1,[2 3]\nB 4\nA 5\nB 6\nA 7",
    );
}

#[test]
fn within_ends_a_sequence() {
    letters(
        "from every a=A, b=B within 1 sec select a.x, b.x",
        "A 1 @0\nB 2 @1001\nA 3 @2000\nB 4 @3000 -> 3,4",
    );
}
