//! The formatter keeps what an application means and every comment, however it was laid out.

#[path = "grammar/ebnf.rs"]
#[allow(dead_code, reason = "only its random numbers are used here")]
mod ebnf;

use ebnf::Chance;
use foreshock::lang::ast::App;
use foreshock::lang::lexer::{Kind, lex};
use foreshock::lang::{diagnostics, parse, print};

/// Every construct of the language that is printed in its own way.
const SOURCES: [&str; 4] = [
    "@app:name('Test') @app:playback(idle.time='100 millisec', increment='2 sec')
     @source(type='inMemory', topic='x', @map(type='json', @attributes(a='$.a', b='$.b'), @payload('{{a}}')))
     define stream S (a int, b string, c double);
     define stream Long (first_attribute_of_a_long_list long, second_attribute_of_a_long_list string,
       third_attribute_of_a_long_list double, fourth bool, fifth object, sixth float);
     @PrimaryKey('a') @Index('b') define table T (a int, b string);
     define window W (a int) lengthBatch(5) output expired events;
     define trigger Five at every 5 min 30 sec; define trigger Start at 'start';
     define function f[javascript] return string { return data[0] + \"}\".length; };
     define aggregation A from S[a > 0] select b, sum(c) as total group by b aggregate by a every sec ... year;
     define aggregation B from S select avg(c) as mean aggregate every min, hour;",
    "from S[a > 1 and not (b == 'x')]#log('seen', true)#window.time(1 min)[c < 2.5f]
     select a, b as name, sum(c) / count() as mean, -a as minus, S.c, f(*) as all_
     group by a, b having mean > 1 or mean is null order by a desc, name limit 5 offset 2
     output last every 3 events insert all events into Out;
     @info(name='q2') @dist(parallel='2') from S#window.lengthBatch(4) as s unidirectional join T as t on s.a == t.a within 1 min, 2 min per 'sec'
     select s.a, t.b output snapshot every 1 sec insert into Out2;
     from S left outer join T#window.length(5) as w on S.a == w.a select * insert into Out3;
     from S select a, b update or insert into T for current events set T.a = a, T.b = b on T.a == a and T.b != b;
     from S delete T on T.a == a; from S[(a == T.a and b == 'z') in T] select a return expired events;
     from (from S select a return)#window.length(3) select a insert into Out4;
     from S[a == 1 or a == 2 or a == 3 or a == 4 or a == 5 or (a > 100 and b == 'a long string in here') or a == 7 or a == 8]
     insert into Out5",
    "from every e1=S[a > 1] -> e2=S[a > e1.a and e1 is null]<2:5> -> not S[b == 'x'] for 5 sec -> e3=S and e4=Long
     within 10 min select e1.a as first, e2[last].a as last_, e2[last-1].b as before_, e2[0].c as c insert into P;
     from every (e1=S -> e2=S[b == 'a string that makes the line long enough to be broken']) -> every e3=Long[fourth]#log('three')
     select e1.a insert into P2; from e1=S+, e2=S[a > e2[last].a]*, e3=S? select e1[0].a insert into P3;
     from every not S for 1 sec select 'quiet' as what insert into P4; from not S and e1=Long select e1.fourth insert into P5",
    "partition with (a of S, a > 10 as 'large' or a <= 10 as 'small' of Long, b of A_stream_with_a_long_name, c of Another_one)
     begin @info(name='p1') from S select a insert into #Inner; from #Inner#window.length(2) select sum(a) as total
     insert into Out; end; from !S select a insert into Faults",
];

/// The text with random white space and comments between any two of its tokens.
fn laid_out(text: &str, chance: &mut Chance, comments: &mut Vec<String>) -> String {
    let mut out = String::new();
    let tokens = lex(text).tokens;
    let dense = 1 + chance.below(40);
    for (n, t) in tokens.iter().enumerate() {
        for _ in 0..1 + chance.below(3) {
            match chance.below(dense + 8) {
                0 => {
                    let comment = format!("-- line {}", comments.len());
                    out.push_str(&comment);
                    out.push_str(["\n", "\r\n", "\n\n\n"][chance.below(3)]);
                    comments.push(comment);
                }
                1 => {
                    let comment = format!("/* block {} */", comments.len());
                    out.push_str(&comment);
                    comments.push(comment);
                }
                2 => {
                    let comment = format!("/* two {}\n   lines */", comments.len());
                    out.push_str(&comment);
                    comments.push(comment);
                }
                3 => out.push('\n'),
                4 => out.push_str("\n\n\n"),
                5 => out.push('\t'),
                _ => out.push(' '),
            }
        }
        if t.kind != Kind::End || n + 1 < tokens.len() {
            out.push_str(&text[t.span.range()]);
        }
        // Two words, or two signs that are another one together, need something between them.
        out.push(' ');
    }
    out
}

fn tree_of(text: &str) -> App {
    match parse::parse_app(text).into_result() {
        Ok(tree) => tree,
        Err(found) => panic!("{}\n{text}", diagnostics::render(text, "text", &found)),
    }
}

fn comments_of(app: &App) -> Vec<String> {
    app.comments.iter().map(|c| c.text.clone()).collect()
}

#[test]
fn any_layout_and_comments_between_any_tokens_survive() {
    let mut chance = Chance(11);
    for n in 0..600 {
        let source = SOURCES[n % SOURCES.len()];
        let plain = tree_of(source);
        let mut comments = Vec::new();
        let text = laid_out(source, &mut chance, &mut comments);
        let tree = tree_of(&text);
        assert_eq!(comments_of(&tree), comments);
        assert!(App { comments: vec![], ..tree.clone() } == plain, "another tree\n{text}");
        let printed = print::print_app(&tree);
        let again = tree_of(&printed);
        assert_eq!(comments_of(&again), comments, "comments changed\n{text}\n---\n{printed}");
        assert!(again == tree, "another tree\n{text}\n---\n{printed}");
        let twice = print::print_app(&again);
        assert!(twice == printed, "not idempotent\n{text}\n---\n{printed}\n---\n{twice}");
        let commas = printed.lines().filter(|l| l.trim_start().starts_with(", "));
        assert_eq!(commas.count(), 0, "a comma starts a line\n{printed}");
        assert!(printed.lines().all(|l| l.trim_end() == l || l.starts_with("/*")), "{printed}");
    }
}

#[test]
fn layout_alone_changes_nothing() {
    let mut chance = Chance(12);
    for n in 0..60 {
        let source = SOURCES[n % SOURCES.len()];
        let expected = print::print_app(&tree_of(source));
        let mut spaced = String::new();
        for t in lex(source).tokens {
            spaced.push_str([" ", "\n", "\t ", "\n\n\n"][chance.below(4)]);
            spaced.push_str(&source[t.span.range()]);
        }
        assert_eq!(print::print_app(&tree_of(&spaced)), expected);
    }
}

#[test]
fn the_canonical_form() {
    let text = "/* what it is */ define stream S(a int,b string); -- the input\n\n-- the rule\n\
        FROM S [ a>1 AND b=='x' ] SELECT a,-- first\n b INSERT INTO Out;\nfrom Out select a insert into Out2";
    let expected = "/* what it is */\ndefine stream S (a int, b string); -- the input\n\n-- the rule\n\
        from S[a > 1 and b == 'x']\nselect\n  a, -- first\n  b\ninsert into Out;\n\n\
        from Out\nselect a\ninsert into Out2;\n";
    assert_eq!(print::print_app(&tree_of(text)), expected);
}
