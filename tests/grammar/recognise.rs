//! Earley's recogniser: whether a grammar derives a row of tokens, however ambiguous it is.

use std::collections::{BTreeMap, HashSet};

use foreshock::lang::lexer::{Kind, Lexed};

use super::ebnf::{Grammar, Node, is_token};

#[derive(Debug, Clone, PartialEq)]
enum Symbol {
    /// A keyword or sign, or the name of a token in upper case.
    Terminal(String),
    Rule(usize),
}

/// A grammar without repetition and nesting.
pub struct Recogniser {
    names: BTreeMap<String, usize>,
    /// The alternatives of each rule.
    rules: Vec<Vec<Vec<Symbol>>>,
    nullable: Vec<bool>,
}

/// An alternative of a rule, how far it was read, and from which token on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Item {
    rule: usize,
    alternative: usize,
    dot: usize,
    origin: usize,
}

impl Recogniser {
    pub fn new(grammar: &Grammar) -> Recogniser {
        let names: BTreeMap<String, usize> = grammar
            .rules
            .keys()
            .filter(|name| !is_token(name))
            .enumerate()
            .map(|(n, name)| (name.clone(), n))
            .collect();
        let rules = vec![Vec::new(); names.len()];
        let mut this = Recogniser { names, rules, nullable: Vec::new() };
        for (name, node) in grammar.rules.iter().filter(|(name, _)| !is_token(name)) {
            let body = this.symbol(node);
            this.rules[this.names[name]] = vec![vec![body]];
        }
        this.nullable = vec![false; this.rules.len()];
        while let Some(n) = (0..this.rules.len()).find(|n| {
            let empty = |s: &Symbol| matches!(s, Symbol::Rule(r) if this.nullable[*r]);
            !this.nullable[*n] && this.rules[*n].iter().any(|a| a.iter().all(empty))
        }) {
            this.nullable[n] = true;
        }
        this
    }

    fn rule(&mut self, alternatives: Vec<Vec<Symbol>>) -> Symbol {
        self.rules.push(alternatives);
        Symbol::Rule(self.rules.len() - 1)
    }

    fn symbol(&mut self, node: &Node) -> Symbol {
        match node {
            Node::Literal(l) => Symbol::Terminal(l.to_ascii_lowercase()),
            Node::Class { .. } => unreachable!("classes stand in tokens only"),
            Node::Name(name) if is_token(name) => Symbol::Terminal(name.clone()),
            Node::Name(name) => Symbol::Rule(self.names[name]),
            Node::Sequence(parts) => {
                let parts = parts.iter().map(|p| self.symbol(p)).collect();
                self.rule(vec![parts])
            }
            Node::Choice(parts) => {
                let parts = parts.iter().map(|p| vec![self.symbol(p)]).collect();
                self.rule(parts)
            }
            Node::Repeat { inner, min, more } => {
                let inner = self.symbol(inner);
                let first = if *min == 0 { vec![] } else { vec![inner.clone()] };
                let own = Symbol::Rule(self.rules.len());
                let again = if *more { vec![own, inner] } else { vec![inner] };
                self.rule(vec![first, again])
            }
        }
    }

    /// Whether `start` derives the tokens of `text`.
    pub fn derives(&self, start: &str, text: &str, lexed: &Lexed) -> bool {
        let start = self.names[start];
        let mut chart: Vec<Vec<Item>> = vec![Vec::new()];
        let mut known: HashSet<Item> = HashSet::new();
        self.predict(start, 0, &mut chart[0], &mut known);
        for (at, token) in lexed.tokens.iter().enumerate() {
            let terminal = terminal(token.kind, &text[token.span.range()]);
            let mut next = Vec::new();
            let mut n = 0;
            while n < chart[at].len() {
                let item = chart[at][n];
                n += 1;
                match self.rules[item.rule][item.alternative].get(item.dot) {
                    Some(Symbol::Terminal(t)) if *t == terminal => {
                        next.push(Item { dot: item.dot + 1, ..item });
                    }
                    Some(Symbol::Terminal(_)) => {}
                    Some(Symbol::Rule(rule)) => {
                        self.predict(*rule, at, &mut chart[at], &mut known);
                        if self.nullable[*rule] {
                            add(Item { dot: item.dot + 1, ..item }, &mut chart[at], &mut known);
                        }
                    }
                    None => {
                        for waiting in 0..chart[item.origin].len() {
                            let parent = chart[item.origin][waiting];
                            let wants = self.rules[parent.rule][parent.alternative].get(parent.dot);
                            if wants == Some(&Symbol::Rule(item.rule)) {
                                let parent = Item { dot: parent.dot + 1, ..parent };
                                add(parent, &mut chart[at], &mut known);
                            }
                        }
                    }
                }
            }
            if token.kind == Kind::End {
                let done = |i: &Item| {
                    i.rule == start
                        && i.origin == 0
                        && i.dot == self.rules[i.rule][i.alternative].len()
                };
                return chart[at].iter().any(done);
            }
            known = next.iter().copied().collect();
            chart.push(next);
        }
        false
    }

    fn predict(&self, rule: usize, at: usize, row: &mut Vec<Item>, known: &mut HashSet<Item>) {
        for alternative in 0..self.rules[rule].len() {
            add(Item { rule, alternative, dot: 0, origin: at }, row, known);
        }
    }
}

fn add(item: Item, row: &mut Vec<Item>, known: &mut HashSet<Item>) {
    if known.insert(item) {
        row.push(item);
    }
}

fn terminal(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Word => "IDENTIFIER".into(),
        Kind::Keyword(k) => k.text().into(),
        Kind::Quoted => "QUOTED_IDENTIFIER".into(),
        Kind::Int => "INT".into(),
        Kind::Long => "LONG".into(),
        Kind::Float => "FLOAT".into(),
        Kind::Double => "DOUBLE".into(),
        Kind::Str => "STRING".into(),
        Kind::LongStr => "LONG_STRING".into(),
        Kind::Script => "SCRIPT".into(),
        Kind::Sym(s) => s.text().into(),
        Kind::Bad | Kind::End => text.into(),
    }
}
