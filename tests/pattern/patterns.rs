//! The instructive cases of the reference (§5.6), by number, with rows that must not match.

use crate::harness::stocks;

#[test]
fn case_1_without_every_only_the_first_event_opens_a_match() {
    stocks(
        "from e1=S1[price>20] -> e2=S2[price>e1.price] select e1.symbol, e2.symbol",
        "S1 LOW,19.0,100
         S1 WSO2,55.6,100
         S1 GOOG,55.6,100
         S2 LOW,55.6,100
         S2 IBM,55.7,100      -> WSO2,IBM
         S1 WSO2,1.0,100
         S1 WSO2,55.6,100
         S2 IBM,55.7,100",
    );
}

#[test]
fn case_2_every_event_opens_a_match() {
    stocks(
        "from every e1=S1[price>20] -> e2=S2[price>e1.price] select e1.symbol, e2.symbol",
        "S1 WSO2,55.6,100
         S1 GOOG,55.6,100
         S2 IBM,55.6,100
         S2 IBM,55.7,100      -> WSO2,IBM | GOOG,IBM
         S2 IBM,55.8,100
         S1 MSFT,10.0,100
         S2 IBM,55.9,100",
    );
}

#[test]
fn case_3_repeated_pairs_accumulate() {
    stocks(
        "from every (e1=S1[price>20] -> e3=S1[price>20]) -> e2=S2[price>e1.price]
         select e1.price, e3.price, e2.price",
        "S1 WSO2,55.6,100
         S1 GOOG,54.0,100
         S1 WSO2,53.6,100
         S2 LOW,53.0,100
         S1 GOOG,53.0,100
         S2 IBM,57.7,100      -> 55.6,54,57.7 | 53.6,53,57.7
         S2 IBM,58.7,100",
    );
}

#[test]
fn case_3_behind_an_element_of_its_own() {
    stocks(
        "from e4=S1[symbol=='MSFT'] -> every (e1=S1[price>20] -> e3=S1[price>20]) ->
         e2=S2[price>e1.price] select e1.price, e3.price, e2.price",
        "S1 WSO2,70.0,100
         S1 MSFT,55.6,100
         S1 WSO2,56.6,100
         S1 GOOG,54.0,100
         S1 WSO2,53.6,100
         S1 GOOG,53.0,100
         S2 IBM,57.7,100      -> 56.6,54,57.7 | 53.6,53,57.7",
    );
}

#[test]
fn case_4_pairs_do_not_overlap() {
    stocks(
        "from every (e1=S1[price>20] -> e3=S1[price>20]) select e1.price, e3.price",
        "S1 MSFT,55.6,100
         S1 WSO2,57.6,100     -> 55.6,57.6
         S1 LOW,1.0,100
         S1 GOOG,54.0,100
         S1 WSO2,53.6,100     -> 54,53.6
         S1 WSO2,53.7,100",
    );
}

#[test]
fn every_alone_gives_each_event() {
    stocks(
        "from every e1=S1[price>20] select e1.price",
        "S1 MSFT,55.6,100     -> 55.6
         S1 LOW,1.0,100
         S1 WSO2,57.6,100     -> 57.6",
    );
    stocks(
        "from e1=S1[price>20] select e1.price",
        "S1 LOW,1.0,100
         S1 MSFT,55.6,100     -> 55.6
         S1 WSO2,57.6,100",
    );
}

#[test]
fn case_5_of_two_events_of_one_name_the_first_is_meant() {
    stocks(
        "from every e1=S1[symbol=='MSFT'] -> e1=S1[symbol=='WSO2'] select e1.price",
        "S1 WSO2,1.0,100
         S1 MSFT,55.6,100
         S1 MSFT,77.6,100
         S1 WSO2,57.6,100     -> 55.6 | 77.6",
    );
}

#[test]
fn case_6_within_ends_each_match_by_itself() {
    let script = "
        S1 WSO2,55.6,100 @0
        S1 GOOG,54.0,100 @1500
        S2 IBM,55.7,100  @2000   -> GOOG,IBM
        S1 OLD,54.0,100  @3000
        S2 IBM,55.7,100  @4001
        S1 SAME,54.0,100 @5000
        S2 IBM,55.7,100  @6000   -> SAME,IBM";
    let select = "select e1.symbol, e2.symbol";
    let chain = "every e1=S1[price>20] -> e2=S2[price>e1.price]";
    stocks(&format!("from {chain} within 1 sec {select}"), script);
    stocks(&format!("from ({chain}) within 1 sec {select}"), script);
}

#[test]
fn within_ends_a_match_without_every_for_good() {
    stocks(
        "from e1=S1 -> e2=S2 within 1 sec select e1.symbol, e2.symbol",
        "S1 A,1.0,1 @0
         S2 X,1.0,1 @1001
         S1 B,1.0,1 @1100
         S2 X,1.0,1 @1200",
    );
}

#[test]
fn case_7_an_expired_group_begins_anew_with_the_event_at_hand() {
    stocks(
        "from every (e1=S1 -> e2=S1[symbol==e1.symbol]) within 5 sec select e1.volume, e2.volume",
        "S1 WSO2,55.6,100 @0
         S1 WSO2,55.7,150 @6000
         S1 GOOG,55.7,175 @6400
         S1 WSO2,58.7,200 @6500   -> 150,200
         S1 WSO2,58.7,250 @6500",
    );
}

#[test]
fn case_8_groups_of_three_do_not_overlap() {
    stocks(
        "from every (e1=S1 -> e2=S1[symbol==e1.symbol] -> e3=S1[symbol==e2.symbol]) within 5 sec
         select e1.volume, e2.volume, e3.volume",
        "S1 WSO2,55.6,100
         S1 WSO2,55.7,150
         S1 WSO2,58.7,200     -> 100,150,200
         S1 WSO2,58.7,210
         S1 WSO2,58.7,250
         S1 WSO2,58.7,260     -> 210,250,260
         S1 WSO2,58.7,270",
    );
}

#[test]
fn case_9_a_count_collects_until_the_next_element_matches() {
    stocks(
        "from e1=S1[price>20]<2:5> -> e2=S2[price>20]
         select e1[0].price, e1[1].price, e1[2].price, e1[3].price, e2.price",
        "S1 WSO2,25.6,100
         S1 GOOG,47.6,100
         S1 GOOG,13.7,100
         S1 GOOG,47.8,100
         S2 IBM,45.7,100      -> 25.6,47.6,47.8,null,45.7
         S2 IBM,55.7,100",
    );
}

#[test]
fn case_10_below_the_minimum_the_next_element_waits() {
    stocks(
        "from e1=S1[price>20]<2:5> -> e2=S2[price>20]
         select e1[0].price, e1[1].price, e1[2].price, e1[3].price, e2.price",
        "S1 WSO2,25.6,100
         S2 IBM,45.7,100
         S1 GOOG,47.8,100
         S2 IBM,55.7,100      -> 25.6,47.8,null,null,55.7",
    );
}

#[test]
fn case_11_above_the_maximum_nothing_is_collected() {
    stocks(
        "from e1=S1[price>20]<2:5> -> e2=S2[price>20] select e1.price, e1[5].price, e2.price",
        "S1 WSO2,25.6,100
         S1 WSO2,47.6,100
         S1 WSO2,23.7,100
         S1 WSO2,24.7,100
         S1 WSO2,25.7,100
         S1 WSO2,27.6,100
         S2 IBM,45.7,100      -> [25.6 47.6 23.7 24.7 25.7],null,45.7
         S1 GOOG,47.8,100
         S2 IBM,55.7,100",
    );
}

#[test]
fn case_12_a_minimum_of_zero_may_be_skipped() {
    stocks(
        "from e1=S1[price>20]<0:5> -> e2=S2[price>20]
         select e1[0].price, e1[1].price, e2.price",
        "S2 IBM,45.7,100      -> null,null,45.7
         S1 WSO2,25.6,100
         S2 IBM,45.7,100",
    );
    stocks(
        "from e1=S1[price>20]<0:5> -> e2=S2[price>e1[0].price]
         select e1[0].price, e1[1].price, e2.price",
        "S1 WSO2,25.6,100
         S1 GOOG,47.6,100
         S2 IBM,25.0,100
         S2 IBM,45.7,100      -> 25.6,47.6,45.7",
    );
}

#[test]
fn case_13_an_event_that_fits_two_elements_goes_to_the_later_one() {
    let chain = "e1=S1[price>=50 and volume>100] -> e2=S1[price<=40]<:5> -> e3=S1[volume<=70]";
    stocks(
        &format!("from {chain} select e1.symbol, e2[0].symbol, e3.symbol"),
        "S1 IBM,75.6,105
         S1 GOOG,21.0,61      -> IBM,null,GOOG
         S1 WSO2,21.0,61",
    );
    stocks(
        &format!("from {chain} select e1.symbol, e2[last].symbol, e3.symbol"),
        "S1 IBM,75.6,105
         S1 GOOG,21.0,91
         S1 FB,21.0,81
         S1 WSO2,21.0,61      -> IBM,FB,WSO2",
    );
}

#[test]
fn case_14_a_last_count_emits_at_its_minimum() {
    stocks(
        "from every e1=S1 -> e2=S1[e1.symbol==e2.symbol]<4:6>
         select e1.volume, e2[0].volume, e2[1].volume, e2[2].volume, e2[3].volume, e2[4].volume",
        "S1 IBM,75.6,100
         S1 IBM,75.6,200
         S1 IBM,75.6,300
         S1 GOOG,21.0,91
         S1 IBM,75.6,400
         S1 IBM,75.6,500      -> 100,200,300,400,500,null
         S1 GOOG,21.0,91
         S1 IBM,75.6,600      -> 200,300,400,500,600,null
         S1 IBM,75.6,700      -> 300,400,500,600,700,null",
    );
}

#[test]
fn case_15_counts_under_every_and_within() {
    // One letter per row; `.` before a letter is a pause of four seconds.
    letters_of(
        "from every e1=S1[symbol=='A']<2> -> e2=S1[symbol=='B'] within 3 sec select e1.volume,
         e2.volume",
        "A A B B A A B B A .A B B A A B B",
        &[(2, "[0 1],2"), (6, "[4 5],6"), (14, "[9 12],14")],
    );
}

#[test]
fn case_16_every_in_the_middle_keeps_what_came_before() {
    letters_of(
        "from e1=S1[symbol=='A']<2> -> every e2=S1[symbol=='B']<2> within 3 sec select e1.volume,
         e2.volume",
        "A A B B B B A B .B A A B B",
        &[(3, "[0 1],[2 3]"), (5, "[0 1],[4 5]")],
    );
}

/// Rows of one stream, the symbol a letter and the volume the number of the row.
fn letters_of(query: &str, letters: &str, expected: &[(usize, &str)]) {
    let (mut script, mut ts) = (String::new(), 0);
    for (i, l) in letters.split_whitespace().enumerate() {
        ts += if l.starts_with('.') { 4000 } else { 1 };
        let l = l.trim_start_matches('.');
        let matches = expected.iter().filter(|e| e.0 == i).map(|e| e.1).collect::<Vec<_>>();
        script += &format!("S1 {l},1.0,{i} @{ts} -> {}\n", matches.join(" | "));
    }
    // Spaces stand inside lists only.
    stocks(query, &script);
}

#[test]
fn case_17_all_events_of_a_count_as_a_list() {
    stocks(
        "from e1=S1[price>20]<2:5> -> e2=S2[price>20] select e1.price as prices, e1[0].price as p0",
        "S1 WSO2,25.6,100
         S1 GOOG,47.6,100
         S1 GOOG,13.7,100
         S1 GOOG,47.8,100
         S2 IBM,45.7,100      -> [25.6 47.6 47.8],25.6",
    );
}

#[test]
fn case_18_of_both_sides_of_or_the_left_one_is_filled() {
    let query = "from e1=S1[price>20] -> e2=S2[price>e1.price] or e3=S2['IBM'==symbol]
                 select e1.symbol, e2.price, e3.price";
    stocks(query, "S1 WSO2,55.6,100\nS2 IBM,72.7,100 -> WSO2,72.7,null\nS2 IBM,75.7,100");
    stocks(query, "S1 WSO2,55.6,100\nS2 IBM,10.7,100 -> WSO2,null,10.7\nS2 IBM,75.7,100");
    stocks(query, "S1 WSO2,55.6,100\nS2 GOOG,72.7,100 -> WSO2,72.7,null\nS2 IBM,4.7,100");
}

#[test]
fn case_19_one_event_fills_both_sides_of_and() {
    let query = "from e1=S1[price>20] -> e2=S2[price>e1.price] and e3=S2['IBM'==symbol]
                 select e1.symbol, e2.price, e3.price";
    stocks(query, "S1 WSO2,55.6,100\nS2 IBM,72.7,100 -> WSO2,72.7,72.7\nS2 IBM,75.7,100");
    stocks(query, "S1 WSO2,55.6,100\nS2 GOOG,72.7,100\nS2 IBM,4.7,100 -> WSO2,72.7,4.7");
    stocks(query, "S1 WSO2,55.6,100\nS2 IBM,4.7,100\nS2 GOOG,72.7,100 -> WSO2,72.7,4.7");
    stocks(
        "from e1=S1[price>20] -> e2=S2[price>e1.price] and e3=S1['IBM'==symbol]
         select e1.symbol, e2.price, e3.price",
        "S1 WSO2,55.6,100\nS2 GOOG,72.7,100\nS1 IBM,4.7,100 -> WSO2,72.7,4.7",
    );
}

#[test]
fn and_expires_with_its_first_event() {
    stocks(
        "from e1=S1[price>20] -> e2=S2[price>e1.price] and e3=S2['IBM'==symbol] within 1 sec
         select e1.symbol, e2.price, e3.price",
        "S1 WSO2,55.6,100 @0
         S2 GOOG,72.7,100 @100
         S2 IBM,4.7,100   @1200",
    );
}

#[test]
fn logical_elements_at_the_start() {
    stocks(
        "from e1=S1[price>20] and e2=S2[price>30] -> e3=S2['IBM'==symbol]
         select e1.symbol, e2.price, e3.price",
        "S1 WSO2,55.6,100\nS2 GOOG,72.7,100\nS2 IBM,4.7,100 -> WSO2,72.7,4.7",
    );
    stocks(
        "from e1=S1[price>20] or e2=S2[price>30] -> e3=S2['IBM'==symbol]
         select e1.symbol, e2.price, e3.price",
        "S2 GOOG,72.7,100\nS1 WSO2,55.6,100\nS2 IBM,4.7,100 -> null,72.7,4.7",
    );
}

#[test]
fn a_logical_element_alone() {
    let script = "
        S1 WSO2,25.0,100
        S2 IBM,35.0,100      -> WSO2,35
        S1 GOOG,45.0,100
        S2 ORCL,55.0,100     -> GOOG,55
        S2 LATE,65.0,100
        S1 WSO2,25.0,100     -> WSO2,65";
    let select = "select e1.symbol, e2.price";
    stocks(&format!("from every (e1=S1[price>20] and e2=S2[price>30]) {select}"), script);
    stocks(
        &format!("from e1=S1[price>20] and e2=S2[price>30] {select}"),
        "S1 WSO2,25.0,100\nS2 IBM,35.0,100 -> WSO2,35\nS1 G,45.0,100\nS2 O,55.0,100",
    );
    stocks(
        &format!("from every (e1=S1[price>20] or e2=S2[price>30]) {select}"),
        "S1 WSO2,25.0,100 -> WSO2,null\nS2 IBM,35.0,100 -> null,35\nS1 LOW,1.0,1",
    );
}

#[test]
fn case_20_every_and_accumulates() {
    stocks(
        "from every (e1=S1[price>10] and e2=S2[price>20]) -> e3=S3[price>30]
         select e1.symbol, e2.symbol, e3.symbol",
        "S1 ORACLE,15.0,100
         S2 MICROSOFT,45.0,100
         S1 IBM,55.0,100
         S2 WSO2,65.0,100
         S3 GOOGLE,75.0,100   -> ORACLE,MICROSOFT,GOOGLE | IBM,WSO2,GOOGLE",
    );
}

#[test]
fn case_21_every_around_the_whole_begins_anew_afterwards() {
    stocks(
        "from every (e1=S1[price>10] and e2=S2[price>20] -> e3=S3[price>30])
         select e1.symbol, e2.symbol, e3.symbol",
        "S1 ORACLE,15.0,100
         S2 MICROSOFT,45.0,100
         S1 IBM,55.0,100
         S2 WSO2,65.0,100
         S3 GOOGLE,75.0,100   -> ORACLE,MICROSOFT,GOOGLE
         S3 GOOGLE,76.0,100
         S1 IBM,55.0,100
         S2 WSO2,65.0,100
         S3 FB,75.0,100       -> IBM,WSO2,FB",
    );
    stocks(
        "from every (e1=S1[price>10] and e2=S2[price>20] -> e3=S3[price>30]) within 1 sec
         select e1.symbol, e2.symbol, e3.symbol",
        "S1 ORACLE,15.0,100 @2
         S1 IBM,55.0,100    @5003
         S2 WSO2,65.0,100   @5004
         S3 GOOGLE,75.0,100 @5005   -> IBM,WSO2,GOOGLE
         S1 IBM1,55.0,100   @5006
         S2 WSO21,65.0,100  @5007
         S3 GOOGL,75.0,100  @5008   -> IBM1,WSO21,GOOGL",
    );
}

#[test]
fn case_22_an_event_ends_one_match_and_serves_the_next() {
    stocks(
        "from every (e1=S1[price>20] -> e2=S2[price>e1.price] or e3=S2['IBM'==symbol]) ->
         e4=S2[price>e1.price] select e1.price, e2.price, e3.price, e4.price",
        "S1 WSO2,55.6,100
         S2 WSO2,55.7,100
         S2 GOOG,55.0,100
         S1 GOOG,54.0,100
         S2 IBM,57.7,100      -> 55.6,55.7,null,57.7
         S2 IBM,59.7,100      -> 54,57.7,null,59.7",
    );
}

#[test]
fn case_23_a_count_at_the_end_of_a_group() {
    stocks(
        "from every (e1=S1[price>20] -> e2=S1[price>20]<1:2>) -> e3=S1[price>e1.price]
         select e1.price, e2[0].price, e2[1].price, e3.price",
        "S1 WSO2,55.6,100
         S1 GOOG,54.0,100
         S1 WSO2,53.6,100
         S1 GOOG,57.0,100     -> 55.6,54,53.6,57",
    );
}
