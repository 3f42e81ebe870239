//! No text makes the front end panic, overflow the stack or take more than linear time.

use std::sync::LazyLock;

use foreshock::error::{Diagnostic, Severity};
use foreshock::lang::lexer::{Keyword, Sym};
use foreshock::lang::{diagnostics, parse, print};
use proptest::prelude::*;

/// Everything the front end can do with a text.
fn use_it(text: &str) -> Vec<Diagnostic> {
    let parsed = parse::parse_app(text);
    if let Some(app) = &parsed.tree {
        print::print_app(app);
        assert!(app.clone() == *app);
    }
    for d in &parsed.diagnostics {
        let range = d.span.range();
        assert!(text.get(range).is_some(), "{d:?} lies outside the text or inside a character");
    }
    diagnostics::render(text, "text", &parsed.diagnostics);
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
const NESTS: [(&str, &str, &str, &str, &str); 13] = [
    ("from S[", "(", "a", ")", "] insert into X;"),
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
            for depth in [100, 127, 128, 129, 1_000, 100_000] {
                let text = nested(depth, nest);
                let found = use_it(&text);
                if depth > 300 {
                    assert!(!errors(&found).is_empty(), "{nest:?} at {depth}");
                }
            }
            let found = use_it(&nested(5_000, nest));
            let clear = |m: &&str| m.contains("too deep") || m.contains("expected");
            assert!(errors(&found).iter().all(clear), "{:?}", errors(&found));
        }
    });
}

#[test]
fn what_only_opens_or_repeats_is_harmless() {
    on_small_stack(|| {
        let pieces = [
            "(",
            "[",
            "{",
            "@a(",
            "not ",
            "- ",
            "a + ",
            "every (",
            "from ",
            "from (",
            "f(",
            "`",
            "'",
            "\"\"\"",
            "/*",
            "--",
            "${a}",
            "${",
            "{//}",
            "{\"}",
            "a.",
            "e1[",
            "#",
            "!",
            "1 min ",
            "1 sec ",
            "S -> ",
            "S, ",
            "a in T ",
            "a is null ",
            ";",
            ";;",
            "end",
            "begin ",
            "partition with (",
            "define stream ",
            "define ",
            "@",
            "@a ",
            "select ",
            "as ",
            "<",
            "<2:",
            "5",
            ".",
            "é",
            "\0",
            "\r",
            "-x",
            "not not ",
            "(not ",
            "x or (",
            "a of S, ",
            "1e",
            "0x",
            "\"\"\"\"",
            "}",
            "{",
            "a,",
        ];
        for piece in pieces {
            for prefix in
                ["", "from S[", "from ", "from S select ", "define function f[l] return int "]
            {
                let text = format!("{prefix}{}", piece.repeat(20_000));
                use_it(&text);
            }
        }
    });
}

#[test]
fn long_chains_of_operators_have_a_limit_far_from_practice() {
    on_small_stack(|| {
        for op in ["or", "and", "+", "==", "<", "*"] {
            let chain = |n: usize| {
                let operands = vec!["a"; n].join(&format!(" {op} "));
                format!("from S[{operands}] insert into X;")
            };
            assert_eq!(errors(&use_it(&chain(300))), [""; 0]);
            let found = use_it(&chain(100_000));
            assert!(errors(&found)[0].contains("too deep"), "{:?}", errors(&found));
        }
        let many_in = format!("from S[a {}] insert into X;", "in T ".repeat(100_000));
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

/// Work grows with the text, not with its square. Counted in statements a megabyte, not in
/// seconds: quadratic work on a megabyte would run for minutes.
#[test]
fn a_megabyte_is_parsed_printed_and_reported_in_linear_time() {
    let text = large_app(3_800);
    assert!(text.len() > 1 << 20);
    let tree = parse::parse_app(&text).into_result().unwrap();
    assert_eq!(tree.items.len(), 3_800);
    assert_eq!(tree.comments.len(), 7_600);
    let printed = print::print_app(&tree);
    assert!(parse::parse_app(&printed).into_result().unwrap() == tree);
    // Every statement wrong, in one line, and in many.
    let wrong = text.replace("select", "selct");
    assert!(use_it(&wrong).len() >= 100);
    use_it(&wrong.replace('\n', " ").replace("--", ""));
    // One statement of a megabyte.
    let items = vec!["sum(a * b + 1) as c"; 60_000].join(", ");
    let query = format!("from S select {items} insert into X");
    let tree = parse::parse_app(&query).into_result().unwrap();
    print::print_app(&tree);
    use_it(&query.replace("insert", "inset"));
    let elements = vec!["e1=S[a > 1]"; 90_000].join(" -> ");
    let tree = parse::parse_app(&format!("from {elements} select * insert into X")).into_result();
    print::print_app(&tree.unwrap());
    let handlers = "[a > 1]#f(a)".repeat(90_000);
    let tree = parse::parse_app(&format!("from S{handlers} select * insert into X")).into_result();
    print::print_app(&tree.unwrap());
}

#[test]
fn the_number_of_findings_is_bounded() {
    let found = use_it(&"; ".repeat(10_000));
    assert_eq!(found.len(), 101);
    assert_eq!(found[100].message, "further findings are not shown");
}

/// Words and signs of the language, in any order.
fn soup() -> impl Strategy<Value = String> {
    let keyword = prop::sample::select(Keyword::ALL).prop_map(|k| k.text().to_string());
    let sign = prop::sample::select(Sym::ALL).prop_map(|s| s.text().to_string());
    let other = prop::sample::select(vec![
        "S", "e1", "price", "5", "5L", "1.5f", ".5", "1e9", "'x'", "\"y\"", "`a b`", "{ x }",
        "--c\n", "/*c*/", "é", "$", "'", "\"", "{",
    ]);
    let token = prop_oneof![4 => keyword, 4 => sign, 3 => other.prop_map(str::to_string)];
    let space = prop::sample::select(vec![" ", " ", "\n", ""]);
    prop::collection::vec((token, space), 0..60)
        .prop_map(|tokens| tokens.into_iter().map(|(t, s)| t + s).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        use_it(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_tokens_are_harmless(text in soup()) {
        use_it(&text);
    }

    #[test]
    fn random_tokens_behind_a_good_start_are_harmless(
        start in prop::sample::select(vec![
            "from S[", "from e1=S -> ", "from S select ", "from S as a join T ", "define stream S (",
            "partition with (a of S) begin from S insert into #x; ", "from every S, ", "@sink(type='x', ",
            "from S select a group by a ", "from S update T ", "define aggregation A from S select a ",
        ]),
        text in soup(),
    ) {
        use_it(&format!("{start}{text}"));
    }
}

/// Applications to damage.
static APPLICATIONS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lang_diagnostics");
    let files = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let mut texts: Vec<String> = files
        .filter(|p| p.extension().is_some_and(|e| e == "siddhi"))
        .map(|p| std::fs::read_to_string(p).unwrap())
        .collect();
    texts.sort();
    texts.push(large_app(5));
    texts
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_applications_are_harmless(
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..20usize, "\\PC{0,3}|[\\x00-\\x7f]{0,4}"), 1..6),
    ) {
        let mut chars: Vec<char> = which.get(&APPLICATIONS).chars().collect();
        for (at, length, put) in damage {
            let start = at.index(chars.len() + 1);
            let end = (start + length).min(chars.len());
            chars.splice(start..end, put.chars());
        }
        use_it(&chars.into_iter().collect::<String>());
    }
}
