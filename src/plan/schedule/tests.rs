//! What runs row by row, and how much work the scheduler may do.

use super::super::{Coupling, Node, Plan, Unit, compile};

fn plan(text: &str) -> Plan {
    compile(text).map(|(plan, _)| plan).unwrap_or_else(|d| panic!("{text}\n{d:?}"))
}

/// Names of what runs row by row, with the reason.
fn groups(text: &str) -> Vec<(Vec<String>, Coupling)> {
    let plan = plan(text);
    let name = |n: &Node| match n {
        Node::Stream(s) => plan.streams[*s].full_name(),
        Node::Partition(p) => plan.partitions[*p].name.clone(),
        Node::Query(q) => plan.queries[*q].name.clone(),
    };
    let group = |u: &Unit| match u {
        Unit::Columnar(_) => None,
        Unit::RowByRow { nodes, reason } => Some((nodes.iter().map(name).collect(), *reason)),
    };
    plan.schedule.iter().filter_map(group).collect()
}

#[test]
fn what_can_be_put_in_order_runs_columnar() {
    for text in [
        "define stream S (a int); from S select a insert into T; from T select a insert into U;",
        // A diamond: the first query's result comes first, for every event.
        "define stream S (a int); define stream T (a int);
         from S select a insert into T; from S select a insert into T;
         from T select a insert into U;",
        // Two roots that never meet in one event.
        "define stream A (a int); define stream B (a int); define stream T (a int);
         from B select a insert into T; from A select a insert into T;",
        "define stream A (a int); define stream B (a int);
         from B select a insert into X; from A select a insert into Y;
         from X#window.length(2) join Y#window.length(2) select X.a insert into O;",
    ] {
        assert!(groups(text).is_empty(), "{text}\n{:?}", groups(text));
    }
}

#[test]
fn a_stream_that_feeds_itself_runs_row_by_row() {
    // The reader behind the loop is in it: what the loop sends round reaches it first.
    let found = groups(
        "define stream S (a int); define stream T (a int);
         from S select a insert into T; from T[a > 0] select a - 1 as a insert into T;
         from T select a insert into U;",
    );
    let names = ["T", "query_2", "query_3"].map(String::from).to_vec();
    assert_eq!(found, vec![(names, Coupling::Feedback)]);
}

#[test]
fn two_events_that_take_the_same_paths_in_another_order_run_row_by_row() {
    // An event of A comes to M through q1 first, one of B through q2: no rank serves both.
    let found = groups(
        "define stream A (a int); define stream B (a int); define stream X (a int);
         define stream Y (a int); define stream M (a int);
         from A select a insert into X; from A select a insert into Y;
         from B select a insert into Y; from B select a insert into X;
         @info(name='q1') from X select a insert into M;
         @info(name='q2') from Y select a insert into M;",
    );
    assert_eq!(found.len(), 1);
    assert!(["B", "X", "Y", "q1", "q2", "M"].iter().all(|n| found[0].0.iter().any(|m| m == n)));
    assert!(!found[0].0.iter().any(|n| n == "A"));
}

#[test]
fn a_path_between_two_others_runs_row_by_row() {
    // For one event M gets: through q1, directly, through q1.
    let found = groups(
        "define stream R (a int); define stream X (a int); define stream M (a int);
         from R select a insert into X; from R select a insert into M;
         from R select a insert into X; @info(name='q1') from X select a insert into M;",
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, Coupling::Reconvergence);
}

#[test]
fn a_meeting_in_a_loop_is_a_meeting() {
    // Chunks of T reach the loop C along two paths.
    let found = groups(
        "define stream S (a int); define stream T (a int); define stream C (a int);
         from S select a insert into T; from S select a insert into T;
         from T select a insert into C; from T select a insert into C;
         from C[a > 0] select a - 1 as a insert into C;",
    );
    assert_eq!(found.len(), 1);
    assert!(found[0].0.iter().any(|n| n == "T"), "{found:?}");
}

#[test]
fn a_pattern_whose_first_stream_comes_last_runs_row_by_row() {
    let found = groups(
        "define stream S (a int);
         from S select a insert into B; from S select a insert into A;
         from A -> B select A.a insert into O;",
    );
    assert_eq!(found.len(), 1);
}

/// Applications of a thousand queries, by shape.
fn large() -> Vec<(&'static str, String)> {
    let each = |f: &dyn Fn(usize) -> String| (0..1000).map(f).collect::<Vec<_>>().join(" ");
    let base = "define stream S (a int); define stream T (a int);";
    let fan_out = each(&|i| format!("from S[a > {i}] select a insert into O{i};"));
    let fan_in = each(&|i| format!("from S[a > {i}]#window.length(2) select a insert into T;"));
    let name = |i: usize| if i == 0 { "S".into() } else { format!("C{i}") };
    let link = |i: usize| format!("from {} select a insert into {};", name(i), name(i + 1));
    let backwards: Vec<String> = (0..1000).rev().map(link).collect();
    let rings = each(&|i| {
        let (from, to) = (name(i), name(i + 1));
        format!(
            "from {from}[a > 1] select a insert into {to}; from {from} select a insert into {to};"
        )
    });
    let patterns = each(&|i| format!("from every e1=S -> e2=T select e1.a insert into O{i};"));
    let keyed =
        each(&|i| format!("from S#window.time(1 sec) select sum(a) as b insert into O{i};"));
    vec![
        ("fan-out", format!("{base} {fan_out}")),
        ("fan-in", format!("{base} {fan_in} from T select a insert into U;")),
        ("chain", format!("{base} {}", each(&link))),
        ("chain, written backwards", format!("{base} {}", backwards.join(" "))),
        ("chain of diamonds", format!("{base} {rings}")),
        ("patterns", format!("{base} {patterns}")),
        ("partition", format!("{base} partition with (a of S) begin {keyed} end;")),
    ]
}

#[test]
fn the_work_is_bounded() {
    for (shape, text) in large() {
        let mut plan = plan(&text);
        let nodes = (plan.streams.len() + plan.queries.len()) as u64;
        let visits = super::schedule(&mut plan);
        // Linear but for the diamonds: there each of a thousand branchings sees all behind it.
        let most = if shape == "chain of diamonds" { nodes * nodes * 4 } else { nodes * 40 };
        assert!(visits <= most, "{shape}: {visits} visits of {nodes} nodes");
    }
}
