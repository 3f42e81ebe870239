//! The selector against a model that goes row by row, over random chunks and any cutting at their
//! ends.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::harness::*;
use crate::expr::types::AttrType::{Long, String};
use crate::lang::ast::EventType;

#[derive(Debug, Clone)]
enum Item {
    Enter {
        key: u32,
        k: Option<u8>,
        v: i64,
    },
    /// The n-th row that is in leaves.
    Leave(usize),
    Reset(u32),
}

#[derive(Debug, Clone)]
struct Shape {
    grouped: bool,
    aggregated: bool,
    having: Option<i64>,
    events: EventType,
    descending: Option<bool>,
    offset: Option<u64>,
    limit: Option<u64>,
}

#[derive(Debug, Clone)]
struct Row {
    expired: bool,
    key: u32,
    k: Option<u8>,
    v: i64,
    sum: Option<i64>,
    count: i64,
}

fn chunks() -> impl Strategy<Value = Vec<Vec<Item>>> {
    let key = 1..3u32;
    let item = prop_oneof![
        6 => (key.clone(), proptest::option::weighted(0.8, 0..3u8), -5..9i64)
            .prop_map(|(key, k, v)| Item::Enter { key, k, v }),
        4 => (0..9usize).prop_map(Item::Leave),
        1 => key.prop_map(Item::Reset),
    ];
    let chunk = prop_oneof![
        2 => proptest::collection::vec(item.clone(), 1..2),
        3 => proptest::collection::vec(item, 1..7),
    ];
    proptest::collection::vec(chunk, 1..16)
}

fn shapes() -> impl Strategy<Value = Shape> {
    let events = prop_oneof![
        2 => Just(EventType::Current),
        1 => Just(EventType::Expired),
        2 => Just(EventType::All),
    ];
    (
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(-3..6i64),
        events,
        proptest::option::of(any::<bool>()),
        proptest::option::weighted(0.3, 0..3u64),
        proptest::option::weighted(0.4, 0..4u64),
    )
        .prop_map(|(grouped, aggregated, having, events, descending, offset, limit)| Shape {
            grouped,
            aggregated,
            having,
            events,
            descending,
            offset,
            limit,
        })
}

/// The chunks as rows with the aggregates after each, and as text. A row that leaves must be in, and a
/// reset empties its key.
fn lives(chunks: &[Vec<Item>], grouped: bool) -> (Vec<Vec<Row>>, Vec<std::string::String>) {
    let mut live: Vec<(u32, Option<u8>, i64)> = vec![];
    // Sums and counts as if no row ever left but by leaving: recomputed from what is in.
    let (mut rows, mut lines) = (vec![], vec![]);
    for chunk in chunks {
        let (mut out, mut words) = (vec![], vec![]);
        for item in chunk {
            let (expired, (key, k, v)) = match item {
                Item::Enter { key, k, v } => {
                    live.push((*key, *k, *v));
                    (false, (*key, *k, *v))
                }
                Item::Leave(_) if live.is_empty() => continue,
                Item::Leave(n) => {
                    let n = n % live.len();
                    (true, live.remove(n))
                }
                Item::Reset(key) => {
                    live.retain(|r| r.0 != *key);
                    words.push(format!("R@{key}"));
                    continue;
                }
            };
            let mates: Vec<i64> =
                live.iter().filter(|r| r.0 == key && (!grouped || r.1 == k)).map(|r| r.2).collect();
            let sum = (!mates.is_empty()).then(|| mates.iter().sum());
            out.push(Row { expired, key, k, v, sum, count: mates.len() as i64 });
            let name = k.map_or("null".into(), |k| format!("k{k}"));
            words.push(format!("{}@{key} {name} {v}", if expired { "E" } else { "C" }));
        }
        if !words.is_empty() {
            rows.push(out);
            lines.push(words.join("; "));
        }
    }
    (rows, lines)
}

/// What leaves of one chunk.
fn model(shape: &Shape, chunk: &[Row]) -> Vec<Row> {
    let measured = |r: &Row| if shape.aggregated { r.sum } else { Some(r.v) };
    let kept = chunk.iter().filter(|r| match shape.events {
        EventType::All => true,
        EventType::Current => !r.expired,
        EventType::Expired => r.expired,
    });
    let kept: Vec<&Row> =
        kept.filter(|r| shape.having.is_none_or(|h| measured(r).is_some_and(|x| x > h))).collect();
    let mut picked: Vec<Row> = if shape.grouped {
        let mut order = vec![];
        let mut last = BTreeMap::new();
        for r in kept {
            if last.insert((r.key, r.k), r.clone()).is_none() {
                order.push((r.key, r.k));
            }
        }
        order.iter().map(|g| last[g].clone()).collect()
    } else if shape.aggregated {
        kept.last().map(|r| (*r).clone()).into_iter().collect()
    } else {
        kept.into_iter().cloned().collect()
    };
    if let Some(descending) = shape.descending {
        // Insertion sort that never crosses a row of the other kind.
        for i in 1..picked.len() {
            let mut j = i;
            while j > 0 && picked[j - 1].expired == picked[j].expired {
                let (a, b) = (measured(&picked[j - 1]), measured(&picked[j]));
                let swap = match (a, b) {
                    (Some(a), Some(b)) => {
                        if descending {
                            a < b
                        } else {
                            a > b
                        }
                    }
                    (None, Some(_)) => true,
                    _ => false,
                };
                if !swap {
                    break;
                }
                picked.swap(j - 1, j);
                j -= 1;
            }
        }
    }
    let offset = shape.offset.unwrap_or(0) as usize;
    picked.into_iter().skip(offset).take(shape.limit.unwrap_or(u64::MAX) as usize).collect()
}

fn text(shape: &Shape, chunks: &[Vec<Row>]) -> std::string::String {
    let mut out = std::string::String::new();
    let long = |x: Option<i64>| x.map_or("null".to_string(), |x| x.to_string());
    for chunk in chunks {
        let rows: Vec<_> = model(shape, chunk)
            .iter()
            .map(|r| {
                let kind = if r.expired { "E" } else { "C" };
                let k = r.k.map_or("null".into(), |k| format!("k{k}"));
                let measured = long(if shape.aggregated { r.sum } else { Some(r.v) });
                let count =
                    if shape.aggregated { format!(" {}", r.count) } else { Default::default() };
                format!("{kind}@{} {k} {measured}{count}", r.key)
            })
            .collect();
        if !rows.is_empty() {
            out.push_str(&rows.join("; "));
            out.push('\n');
        }
    }
    out
}

fn query(shape: &Shape) -> Query {
    let mut q = Query::over(&[String, Long]).keyed().events(shape.events);
    if shape.aggregated {
        q = q.aggregate("sum", Some(1)).aggregate("count", None).select(&[0, 2, 3]);
    } else {
        q = q.select(&[0, 1]);
    }
    if shape.grouped {
        q = q.group_by(&[0]);
    }
    if let Some(h) = shape.having {
        q = q.having_above(if shape.aggregated { 2 } else { 1 }, h);
    }
    if let Some(descending) = shape.descending {
        q = q.order_by(1, descending);
    }
    q.spec.offset = shape.offset;
    q.spec.limit = shape.limit;
    q
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_selector_agrees_with_the_model(
        shape in shapes(),
        chunks in chunks(),
        mut cuts in proptest::collection::vec(0..16usize, 0..5),
    ) {
        let (rows, lines) = lives(&chunks, shape.grouped);
        let want = text(&shape, &rows);
        let lines: Vec<&str> = lines.iter().map(|l| &**l).collect();
        let query = query(&shape);
        prop_assert_eq!(&query.run_cut(&lines, &[], false), &want);
        cuts.retain(|c| *c < lines.len());
        cuts.sort_unstable();
        prop_assert_eq!(&query.run_cut(&lines, &cuts, false), &want);
        prop_assert_eq!(&query.run_cut(&lines, &cuts, true), &want);
    }
}
