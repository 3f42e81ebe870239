//! The normative grammar and the parser say the same.

#![allow(clippy::unwrap_used)] // helpers of tests

#[path = "grammar/ebnf.rs"]
mod ebnf;
#[path = "grammar/recognise.rs"]
mod recognise;

use std::collections::BTreeSet;

use ebnf::{Generator, Grammar, Node, is_token};
use foreshock::error::Diagnostic;
use foreshock::lang::lexer::{Keyword, Sym, lex};
use foreshock::lang::{diagnostics, parse, print};
use recognise::Recogniser;

/// Productions nothing else mentions.
const ROOTS: [&str; 7] = [
    "app",
    "singleQuery",
    "singleDefinition",
    "singlePartition",
    "singleExpression",
    "singleOnDemand",
    "SPACE",
];

fn grammar() -> Grammar {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/grammar/foreshock.ebnf");
    Grammar::read(&std::fs::read_to_string(path).unwrap())
}

#[test]
fn every_nonterminal_is_defined_and_used() {
    let grammar = grammar();
    let defined: BTreeSet<&str> = grammar.rules.keys().map(String::as_str).collect();
    let mut used = grammar.mentioned();
    used.extend(ROOTS);
    assert_eq!(used.difference(&defined).collect::<Vec<_>>(), [&""; 0], "used, not defined");
    assert_eq!(defined.difference(&used).collect::<Vec<_>>(), [&""; 0], "defined, not used");
}

#[test]
fn keywords_and_signs_are_those_of_the_lexer() {
    let grammar = grammar();
    let literals = grammar.literals();
    let (words, signs): (BTreeSet<&str>, BTreeSet<&str>) =
        literals.into_iter().partition(|l| l.starts_with(|c: char| c.is_ascii_alphabetic()));
    let keywords: BTreeSet<&str> = Keyword::ALL.iter().map(|k| k.text()).collect();
    assert_eq!(words, keywords);
    let symbols: BTreeSet<&str> = Sym::ALL.iter().map(|s| s.text()).collect();
    assert_eq!(signs, symbols);
}

fn words_of<'g>(grammar: &'g Grammar, name: &str) -> BTreeSet<&'g str> {
    let Node::Choice(parts) = &grammar.rules[name] else { panic!("{name} is a choice") };
    let words = parts.iter().map(|p| match p {
        Node::Literal(l) => l.as_str(),
        other => panic!("{name} holds {other:?}"),
    });
    words.collect()
}

#[test]
fn free_and_reserved_words_are_those_of_the_lexer() {
    let grammar = grammar();
    let of_lexer = |reserved: bool| -> BTreeSet<&str> {
        let words = Keyword::ALL.iter().filter(|k| k.is_reserved() == reserved);
        words.map(|k| k.text()).collect()
    };
    assert_eq!(words_of(&grammar, "freeWord"), of_lexer(false));
    assert_eq!(words_of(&grammar, "reservedWord"), of_lexer(true));
}

#[test]
fn tokens_are_made_of_tokens() {
    let grammar = grammar();
    assert!(grammar.rules.keys().filter(|n| is_token(n)).count() > 10);
    assert!(grammar.rules.len() > 80);
}

/// Text of a sentence with random white space and comments.
fn text(generator: &mut Generator<'_>, sentence: &[String]) -> String {
    let mut text = String::new();
    for token in sentence {
        text.push_str(token);
        text.push_str(&generator.space());
    }
    text
}

fn expect<T>(parsed: parse::Parsed<T>, text: &str) -> T {
    match parsed.into_result() {
        Ok(tree) => tree,
        Err(found) => panic!("{}\n{text}", diagnostics::render(text, "sentence", &found)),
    }
}

fn round_trip<T: PartialEq + std::fmt::Debug>(
    text: &str,
    parse: impl Fn(&str) -> parse::Parsed<T>,
    print: impl Fn(&T) -> String,
) {
    let tree = expect(parse(text), text);
    let printed = print(&tree);
    let again = expect(parse(&printed), &printed);
    assert!(again == tree, "another tree\n{text}\n---\n{printed}\n{tree:#?}\n---\n{again:#?}");
    let twice = print(&again);
    assert!(twice == printed, "not idempotent\n{text}\n---\n{printed}\n---\n{twice}");
}

#[test]
fn random_sentences_parse_and_survive_the_formatter() {
    let grammar = grammar();
    let mut g = Generator::new(&grammar, 1);
    for n in 0..3_000 {
        let sentence = g.sentence("app", 20 + n % 200);
        let text = text(&mut g, &sentence);
        round_trip(&text, parse::parse_app, print::print_app);
    }
    for n in 0..2_000 {
        let size = 10 + n % 60;
        for (start, check) in ENTRIES {
            let sentence = g.sentence(start, size);
            check(&text(&mut g, &sentence));
        }
    }
}

type Check = fn(&str);

/// Each entry point; comments are kept only by applications.
const ENTRIES: [(&str, Check); 5] = [
    ("singleQuery", |t| round_trip(t, parse::parse_query, print::print_query)),
    ("singleDefinition", |t| round_trip(t, parse::parse_definition, print::print_definition)),
    ("singlePartition", |t| round_trip(t, parse::parse_partition, print::print_partition)),
    ("singleExpression", |t| round_trip(t, parse::parse_expression, print::print_expr)),
    ("singleOnDemand", |t| round_trip(t, parse::parse_on_demand, print::print_on_demand)),
];

/// All that can be done with a text; what counts is that it ends.
fn use_it(text: &str) -> Vec<Diagnostic> {
    let parsed = parse::parse_app(text);
    if let Some(app) = &parsed.tree {
        let printed = print::print_app(app);
        assert!(printed.is_empty() || printed.ends_with('\n'));
    }
    for d in &parsed.diagnostics {
        assert!(d.span.start <= d.span.end && d.span.end as usize <= text.len(), "{d:?}");
        assert!(!d.message.is_empty());
    }
    diagnostics::render(text, "mutant", &parsed.diagnostics);
    parsed.diagnostics
}

#[test]
fn mutated_sentences_never_panic_and_a_fault_is_always_reported() {
    let grammar = grammar();
    let mut g = Generator::new(&grammar, 2);
    let mut refused = 0;
    for n in 0..4_000 {
        let mut sentence = g.sentence("app", 20 + n % 100);
        for _ in 0..1 + g.chance.below(3) {
            let (a, b) = (g.chance.below(sentence.len()), g.chance.below(sentence.len()));
            match (sentence.is_empty(), g.chance.below(4)) {
                (true, _) => sentence.push(";".to_string()),
                (_, 0) => drop(sentence.remove(a)),
                (_, 1) => sentence.swap(a, b),
                (_, 2) => sentence.insert(a, sentence[b].clone()),
                _ => sentence.truncate(a),
            }
        }
        let text = text(&mut g, &sentence);
        let found = use_it(&text);
        // What parsed has nothing to report but warnings, and can be printed and read again.
        if found.is_empty() {
            round_trip(&text, parse::parse_app, print::print_app);
        } else {
            refused += 1;
        }
    }
    assert!(refused > 1_000, "mutations should break most sentences, not {refused}");
}

/// Replaces, removes, repeats or exchanges a few tokens.
fn mutate(sentence: &mut Vec<String>, g: &mut Generator<'_>, others: &[String]) {
    for _ in 0..1 + g.chance.below(2) {
        if sentence.is_empty() {
            return;
        }
        let (a, b) = (g.chance.below(sentence.len()), g.chance.below(sentence.len()));
        let other = others[g.chance.below(others.len())].clone();
        match g.chance.below(5) {
            0 => drop(sentence.remove(a)),
            1 => sentence.swap(a, b),
            2 => sentence.insert(a, sentence[b].clone()),
            3 => sentence.insert(a, other),
            _ => sentence[a] = other,
        }
    }
}

/// The other direction of the sentences that all must parse: what parses is in the grammar.
#[test]
fn the_parser_accepts_nothing_the_grammar_does_not_derive() {
    let grammar = grammar();
    let recogniser = Recogniser::new(&grammar);
    let words = Keyword::ALL.iter().map(|k| k.text().to_string());
    let signs = Sym::ALL.iter().map(|s| s.text().to_string());
    let others: Vec<String> =
        words.chain(signs).chain(["S", "5", "5L", "'x'", "`q`"].map(String::from)).collect();
    let mut g = Generator::new(&grammar, 3);
    let (mut accepted, mut refused) = (0, 0);
    let times = std::env::var("FORESHOCK_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    for n in 0..6_000 * times {
        let mut sentence = g.sentence("app", 8 + n % 40);
        mutate(&mut sentence, &mut g, &others);
        let text = sentence.join(" ");
        let parsed = parse::parse_app(&text);
        if parsed.has_errors() {
            refused += 1;
            continue;
        }
        let lexed = lex(&text);
        assert!(
            recogniser.derives("app", &text, &lexed),
            "parses, but isn't in the grammar: {text}"
        );
        accepted += 1;
    }
    assert!(accepted > 500 && refused > 1_000, "{accepted} accepted, {refused} refused");
}

#[test]
fn the_recogniser_can_say_no() {
    let recogniser = Recogniser::new(&grammar());
    let derives = |text: &str| recogniser.derives("app", text, &lex(text));
    assert!(derives("define stream S (a int); from S[a > 1] select a insert into T"));
    assert!(derives(""));
    assert!(!derives("define stream S (a int) from S insert into T"));
    assert!(!derives("from S[a >] insert into T"));
    assert!(!derives("from S select a + 1 insert into T"));
}
