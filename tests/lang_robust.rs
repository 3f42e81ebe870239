//! No text makes the front end panic, overflow the stack or take more than linear time.
//!
//! `FORESHOCK_FUZZ=20` makes twenty times as many random texts.

#![allow(clippy::unwrap_used)] // helpers of tests

#[path = "grammar/ebnf.rs"]
#[allow(dead_code, reason = "only its random numbers are used here")]
mod ebnf;

use ebnf::Chance;
use foreshock::error::{Diagnostic, Severity};
use foreshock::lang::ast::{ExprKind, LogicalOp};
use foreshock::lang::lexer::{Keyword, Sym};
use foreshock::lang::{diagnostics, parse, print};

/// Shows the text that was at work when a test failed.
struct Blame<'t>(&'t str);

impl Drop for Blame<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let shown: String = self.0.chars().take(2_000).collect();
            eprintln!("the text was {shown:?}");
        }
    }
}

/// Everything the front end can do with a text.
fn use_it(text: &str) -> Vec<Diagnostic> {
    let _blame = Blame(text);
    let parsed = parse::parse_app(text);
    if let Some(app) = &parsed.tree {
        print::print_app(app);
        assert!(app.clone() == *app);
    }
    for d in &parsed.diagnostics {
        let range = d.span.range();
        assert!(text.get(range).is_some(), "{d:?} lies outside the text or inside a character");
    }
    // All findings cost more time than anything else here; one test renders them all.
    let some = &parsed.diagnostics[..parsed.diagnostics.len().min(3)];
    diagnostics::render(text, "text", some);
    parse::parse_on_demand(text);
    parse::parse_expression(text);
    parsed.diagnostics
}

fn errors(diagnostics: &[Diagnostic]) -> Vec<&str> {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    errors.map(|d| d.message.as_str()).collect()
}

/// Runs a check on a stack of 2 MiB, which is what threads get by default.
fn on_small_stack(check: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(check).unwrap();
    thread.join().unwrap();
}

/// A construct that nests: what goes in front, in the middle and behind, for each level.
const NESTS: [(&str, &str, &str, &str, &str); 14] = [
    ("from S[", "(", "a", ")", "] insert into X;"),
    ("from S[", "(a or b and ", "a", ")", "] insert into X;"),
    ("from S[", "a or b and c == d < e + f * (", "a", ")", "] insert into X;"),
    ("from S[", "not (", "a", ")", "] insert into X;"),
    ("from S[", "- (", "a", ")", "] insert into X;"),
    ("from S[", "f(1, ", "a", ")", "] insert into X;"),
    ("from S[", "f(1, -not (b + ", "a", "))", "] insert into X;"),
    ("from S select a limit ", "(", "5", ")", " insert into X;"),
    ("from ", "every (", "A -> B", ")", " select * insert into X;"),
    ("from ", "(", "e1=A -> e2=B", ")", " select * insert into X;"),
    ("from ", "(from ", "S", " return)", " select * insert into X;"),
    ("from ", "from ", "S", " return", " select * insert into X;"),
    ("from S[not S#f(a)]", "#f(", "a", ")", " insert into X;"),
    ("", "@a(", "'x'", ")", " define stream S (a int);"),
];

fn nested(depth: usize, nest: &(&str, &str, &str, &str, &str)) -> String {
    let (before, open, middle, close, after) = nest;
    format!("{before}{}{middle}{}{after}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn deep_nesting_gets_a_clear_error_and_moderate_nesting_parses() {
    on_small_stack(|| {
        for nest in &NESTS {
            if !nest.0.contains("S#f") && !nest.0.contains("not S") {
                assert_eq!(errors(&use_it(&nested(25, nest))), [""; 0], "{nest:?}");
            }
            for depth in [60, 100, 127, 128, 129, 1_000, 20_000] {
                let text = nested(depth, nest);
                let found = use_it(&text);
                if depth > 300 {
                    assert!(!errors(&found).is_empty(), "{nest:?} at {depth}");
                }
                let clear = |m: &&str| m.contains("too deep") || m.contains("expected");
                assert!(errors(&found).iter().all(clear), "{:?}", errors(&found));
            }
        }
    });
}

#[test]
fn what_only_opens_or_repeats_is_harmless() {
    const PIECES: &str = "( [ { } @a( not· -· a·+· every·( from· from·( f( ` ' \"\"\" /* -- ${a} ${ {//} {\"} a. \
        e1[ # ! 1·min· 1·sec· S·->· S,· a·in·T· a·is·null· ; ;; end begin· partition·with·( \
        define·stream· define· @ @a· select· as· < <2: 5 . é \0 -x not·not· (not· x·or·( a·of·S,· 1e 0x \
        \"\"\"\" a, {\"\"\" {'/ every·not· S·and· from·every· A[not· )·or·( a<·b>· #window. #[ \
        from·S·return define·function·f[l]·return·int·{ '; from·S·insert·into·X";
    const PREFIXES: [&str; 5] =
        ["", "from S[", "from ", "from S select ", "define function f[l] return int "];
    on_small_stack(|| {
        for piece in PIECES.split_ascii_whitespace().chain(["\r"]) {
            let piece = piece.replace('·', " ");
            for prefix in PREFIXES {
                use_it(&format!("{prefix}{}", piece.repeat(3_000)));
            }
        }
    });
}

#[test]
fn rows_of_and_or_have_no_limit() {
    on_small_stack(|| {
        for (op, mixed) in [("or", "and"), ("and", "or")] {
            let terms: Vec<String> = (0..20_000).map(|n| format!("a == {n} {mixed} b")).collect();
            let terms =
                if op == "and" { terms.iter().map(|t| format!("({t})")).collect() } else { terms };
            let row = terms.join(&format!(" {op} "));
            let tree = parse::parse_expression(&row).into_result().unwrap();
            assert!(
                matches!(&tree.kind, ExprKind::Logical { operands, .. } if operands.len() == 20_000)
            );
            assert_eq!(print::print_expr(&tree), row);
            assert_eq!(errors(&use_it(&format!("from S[{row}] insert into X;"))), [""; 0]);
        }
    });
}

#[test]
fn a_row_is_one_node_and_brackets_are_kept() {
    let tree = |text: &str| parse::parse_expression(text).into_result().unwrap();
    for (text, operands) in [
        ("a or b or c", 3),
        ("(a or b) or c", 2),
        ("a or (b or c)", 2),
        ("a or b and c or d", 3),
        ("a and b or c and d", 2),
    ] {
        let tree = tree(text);
        let ExprKind::Logical { op: LogicalOp::Or, operands: found } = &tree.kind else {
            panic!("{tree:?}")
        };
        assert_eq!(found.len(), operands, "{text}");
        assert_eq!(print::print_expr(&tree), text);
    }
    assert!(tree("(a and b) or c") == tree("a and b or c"));
    assert!(tree("(a or b) and c") != tree("a or b and c"));
}

#[test]
fn rows_of_other_operators_have_a_limit() {
    on_small_stack(|| {
        for op in ["+", "==", "<", "*"] {
            let row = |n: usize| {
                let operands = vec!["a"; n].join(&format!(" {op} "));
                format!("from S[{operands}] insert into X;")
            };
            assert_eq!(errors(&use_it(&row(128))), [""; 0]);
            let found = use_it(&row(50_000));
            assert!(errors(&found)[0].contains("too deep"), "{:?}", errors(&found));
        }
        let many_in = format!("from S[a {}] insert into X;", "in T ".repeat(50_000));
        assert!(errors(&use_it(&many_in))[0].contains("too deep"));
    });
}

/// An application of many ordinary statements.
fn large_app(statements: usize) -> String {
    let mut text = String::new();
    for n in 0..statements {
        text.push_str(&format!(
            "-- statement {n}\n@info(name='q{n}') from every e1=S[price > {n}.5 and symbol == 'x'] \
             -> e2=T[(price + e1.price) * 2 < 100]<2:5> within 5 min\n\
             select e1.symbol as s, e2[last].price as p /* price */, sum(a) as t group by e1.symbol \
             having t > 10 insert into Out{n};\n"
        ));
    }
    text
}

/// Work grows with the text, not with its square: that would run for minutes on a megabyte.
#[test]
fn a_megabyte_is_parsed_printed_and_reported_in_linear_time() {
    let text = large_app(4_200);
    assert!(text.len() > 1 << 20);
    let tree = parse::parse_app(&text).into_result().unwrap();
    assert_eq!(tree.items.len(), 4_200);
    assert_eq!(tree.comments.len(), 8_400);
    let printed = print::print_app(&tree);
    assert!(parse::parse_app(&printed).into_result().unwrap() == tree);
    // Every statement wrong, in many lines, and in one.
    let wrong = text.replace("select", "selct");
    assert!(use_it(&wrong).len() >= 100);
    use_it(&wrong.replace('\n', " ").replace("--", ""));
}

/// The same for one statement.
#[test]
fn a_very_long_statement_is_parsed_and_printed_in_linear_time() {
    let items = vec!["sum(a * b + 1) as c"; 15_000].join(", ");
    let query = format!("from S select {items} insert into X");
    let tree = parse::parse_app(&query).into_result().unwrap();
    print::print_app(&tree);
    use_it(&query.replace("insert", "inset"));
    let elements = vec!["e1=S[a > 1]"; 20_000].join(" -> ");
    let tree = parse::parse_app(&format!("from {elements} select * insert into X")).into_result();
    print::print_app(&tree.unwrap());
    let handlers = "[a > 1]#f(a)".repeat(20_000);
    let tree = parse::parse_app(&format!("from S{handlers} select * insert into X")).into_result();
    print::print_app(&tree.unwrap());
}

#[test]
fn the_number_of_findings_is_bounded() {
    let found = use_it(&"; ".repeat(10_000));
    assert_eq!(found.len(), 101);
    assert_eq!(found[100].message, "further findings are not shown");
    diagnostics::render(&"; ".repeat(10_000), "text", &found);
}

/// How many random texts a test makes.
fn fuzz(count: usize) -> usize {
    let times = std::env::var("FORESHOCK_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    count * times
}

/// Words and signs of the language, in any order.
fn soup(chance: &mut Chance, text: &mut String) {
    const OTHER: [&str; 19] = [
        "S", "e1", "price", "5", "5L", "1.5f", ".5", "1e9", "'x'", "\"y\"", "`a b`", "{ x }",
        "--c\n", "/*c*/", "é", "$", "'", "\"", "{",
    ];
    for _ in 0..chance.below(60) {
        text.push_str(match chance.below(11) {
            0..=3 => Keyword::ALL[chance.below(Keyword::ALL.len())].text(),
            4..=7 => Sym::ALL[chance.below(Sym::ALL.len())].text(),
            _ => OTHER[chance.below(OTHER.len())],
        });
        text.push_str([" ", " ", "\n", ""][chance.below(4)]);
    }
}

#[test]
fn random_bytes_are_harmless() {
    let mut chance = Chance(1);
    for _ in 0..fuzz(4_000) {
        let bytes: Vec<u8> = (0..chance.below(200)).map(|_| chance.below(256) as u8).collect();
        use_it(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn random_tokens_are_harmless() {
    const STARTS: [&str; 12] = [
        "from S[",
        "from e1=S -> ",
        "from S select ",
        "from S as a join T ",
        "define stream S (",
        "partition with (a of S) begin from S insert into #x; ",
        "from every S, ",
        "@sink(type='x', ",
        "from S select a group by a ",
        "from S update T ",
        "define aggregation A from S select a ",
        "",
    ];
    let mut chance = Chance(2);
    for _ in 0..fuzz(5_000) {
        let mut text = STARTS[chance.below(STARTS.len())].to_string();
        soup(&mut chance, &mut text);
        use_it(&text);
    }
}

/// Applications to damage.
fn applications() -> Vec<Vec<char>> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lang_diagnostics");
    let files = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let mut texts: Vec<String> = files
        .filter(|p| p.extension().is_some_and(|e| e == "siddhi"))
        .map(|p| std::fs::read_to_string(p).unwrap())
        .collect();
    assert!(texts.len() > 4);
    texts.sort();
    texts.push(large_app(5));
    texts.iter().map(|t| t.chars().collect()).collect()
}

#[test]
fn damaged_applications_are_harmless() {
    const PUT: [&str; 16] =
        ["", "", "(", ")", "'", "\"", "{", "}", ";", "é", "\0", "--", "/*", "not ", "@", "[last"];
    let applications = applications();
    let mut chance = Chance(3);
    for _ in 0..fuzz(1_000) {
        let mut chars = applications[chance.below(applications.len())].clone();
        for _ in 0..1 + chance.below(5) {
            let start = chance.below(chars.len() + 1);
            let end = (start + chance.below(20)).min(chars.len());
            chars.splice(start..end, PUT[chance.below(PUT.len())].chars());
        }
        use_it(&chars.into_iter().collect::<String>());
    }
}
