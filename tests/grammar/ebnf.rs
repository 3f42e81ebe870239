//! A reader of W3C EBNF and a generator of random sentences.

use std::collections::{BTreeMap, BTreeSet};

use foreshock::lang::lexer::Keyword;

/// The right side of a production, or a part of it.
#[derive(Debug, Clone)]
pub enum Node {
    Literal(String),
    Class { negated: bool, ranges: Vec<(char, char)> },
    Name(String),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat { inner: Box<Node>, min: usize, more: bool },
}

/// All productions.
pub struct Grammar {
    pub rules: BTreeMap<String, Node>,
}

impl Grammar {
    /// Reads a grammar; panics with the line where it can't.
    pub fn read(text: &str) -> Grammar {
        let mut reader = Reader { text, at: 0 };
        let mut rules = BTreeMap::new();
        while let Some(name) = reader.production_name() {
            let node = reader.choice();
            assert!(rules.insert(name.clone(), node).is_none(), "{name} is defined twice");
        }
        assert!(reader.rest().is_empty(), "line {}: expected a production", reader.line());
        Grammar { rules }
    }

    /// The names a production mentions.
    pub fn mentioned(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.visit(|n| {
            if let Node::Name(name) = n {
                names.insert(name.as_str());
            }
        });
        names
    }

    /// The literals of productions made of tokens.
    pub fn literals(&self) -> BTreeSet<&str> {
        let mut literals = BTreeSet::new();
        self.visit(|n| {
            if let Node::Literal(l) = n {
                literals.insert(l.as_str());
            }
        });
        literals
    }

    fn visit<'a>(&'a self, mut see: impl FnMut(&'a Node)) {
        let tokens = self.rules.iter().filter(|(name, _)| !is_token(name));
        let mut open: Vec<&Node> = self.rules.values().collect();
        let syntactic: Vec<&Node> = tokens.map(|(_, n)| n).collect();
        while let Some(n) = open.pop() {
            match n {
                Node::Sequence(parts) | Node::Choice(parts) => open.extend(parts),
                Node::Repeat { inner, .. } => open.push(inner),
                Node::Name(_) => see(n),
                Node::Literal(_) | Node::Class { .. } => {}
            }
        }
        let mut open = syntactic;
        while let Some(n) = open.pop() {
            match n {
                Node::Sequence(parts) | Node::Choice(parts) => open.extend(parts),
                Node::Repeat { inner, .. } => open.push(inner),
                Node::Literal(_) => see(n),
                Node::Name(_) | Node::Class { .. } => {}
            }
        }
    }
}

/// Whether a production is a token, where white space counts.
pub fn is_token(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&mut self) -> &str {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with("/*") {
                return &self.text[self.at..];
            }
            self.at += trimmed.find("*/").expect("comments end") + 2;
        }
    }

    fn line(&self) -> usize {
        self.text[..self.at].lines().count()
    }

    fn eat(&mut self, what: &str) -> bool {
        let found = self.rest().starts_with(what);
        self.at += if found { what.len() } else { 0 };
        found
    }

    fn word(&mut self) -> Option<String> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].to_string())
    }

    fn production_name(&mut self) -> Option<String> {
        let name = self.word()?;
        self.at += name.len();
        assert!(self.eat("::="), "line {}: expected `::=`", self.line());
        Some(name)
    }

    fn choice(&mut self) -> Node {
        let mut parts = vec![self.sequence()];
        while self.eat("|") {
            parts.push(self.sequence());
        }
        if parts.len() == 1 { parts.remove(0) } else { Node::Choice(parts) }
    }

    fn sequence(&mut self) -> Node {
        let mut parts = Vec::new();
        while let Some(part) = self.repeated() {
            parts.push(part);
        }
        assert!(!parts.is_empty(), "line {}: expected an item", self.line());
        if parts.len() == 1 { parts.remove(0) } else { Node::Sequence(parts) }
    }

    fn repeated(&mut self) -> Option<Node> {
        let inner = Box::new(self.item()?);
        // The operator must follow at once.
        let (min, more) = match self.text[self.at..].chars().next() {
            Some('?') => (0, false),
            Some('*') => (0, true),
            Some('+') => (1, true),
            _ => return Some(*inner),
        };
        self.at += 1;
        Some(Node::Repeat { inner, min, more })
    }

    fn item(&mut self) -> Option<Node> {
        if self.eat("(") {
            let inner = self.choice();
            assert!(self.eat(")"), "line {}: expected `)`", self.line());
            return Some(inner);
        }
        for quote in ["'", "\""] {
            if self.eat(quote) {
                let end = self.text[self.at..].find(quote).expect("literals end");
                let literal = self.text[self.at..self.at + end].to_string();
                self.at += end + 1;
                return Some(Node::Literal(literal));
            }
        }
        if self.eat("[") {
            return Some(self.class());
        }
        if self.eat("#x") {
            self.at -= 2;
            let c = self.class_char();
            return Some(Node::Literal(c.to_string()));
        }
        let word = self.word()?;
        let after = self.text[self.at + word.len()..].trim_start();
        if after.starts_with("::=") {
            return None;
        }
        self.at += word.len();
        Some(Node::Name(word))
    }

    fn class(&mut self) -> Node {
        let negated = self.text[self.at..].starts_with('^');
        self.at += usize::from(negated);
        let mut ranges = Vec::new();
        while !self.text[self.at..].starts_with(']') {
            let first = self.class_char();
            let is_range = self.text[self.at..].starts_with('-');
            self.at += usize::from(is_range);
            ranges.push((first, if is_range { self.class_char() } else { first }));
        }
        self.at += 1;
        Node::Class { negated, ranges }
    }

    fn class_char(&mut self) -> char {
        let rest = &self.text[self.at..];
        if let Some(hex) = rest.strip_prefix("#x") {
            let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
            self.at += 2 + end;
            let code = u32::from_str_radix(&hex[..end], 16).expect("a code point");
            return char::from_u32(code).expect("a character");
        }
        let c = rest.chars().next().expect("classes end");
        self.at += c.len_utf8();
        c
    }
}

/// SplitMix64: enough chance for tests, the same on every machine.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// Derives random sentences.
pub struct Generator<'g> {
    grammar: &'g Grammar,
    /// Fewest derivation steps of each production.
    cost: BTreeMap<&'g str, usize>,
    pub chance: Chance,
    tokens: Vec<String>,
    most_tokens: usize,
}

impl<'g> Generator<'g> {
    pub fn new(grammar: &'g Grammar, seed: u64) -> Self {
        let mut cost: BTreeMap<&str, usize> = BTreeMap::new();
        loop {
            let before = cost.clone();
            for (name, node) in &grammar.rules {
                if let Some(c) = cost_of(node, &cost) {
                    cost.insert(name, c + 1);
                }
            }
            if cost == before {
                break;
            }
        }
        for name in grammar.rules.keys() {
            assert!(cost.contains_key(name.as_str()), "{name} derives no sentence");
        }
        Generator { grammar, cost, chance: Chance(seed), tokens: Vec::new(), most_tokens: 0 }
    }

    /// A sentence of about `size` tokens or fewer.
    pub fn sentence(&mut self, start: &str, size: usize) -> Vec<String> {
        self.tokens.clear();
        self.most_tokens = size;
        self.derive(&self.grammar.rules[start], 40);
        std::mem::take(&mut self.tokens)
    }

    /// White space, now and then with comments.
    pub fn space(&mut self) -> String {
        match self.chance.below(30) {
            0..=24 => " ".to_string(),
            25..=27 => "\n".to_string(),
            // A line comment at the end must not swallow the next token.
            _ => format!(" {}\n", self.token(&self.grammar.rules["SPACE"])),
        }
    }

    fn derive(&mut self, node: &'g Node, depth: usize) {
        match node {
            Node::Literal(l) => {
                let l = if self.chance.one_in(10) { l.to_uppercase() } else { l.clone() };
                self.tokens.push(l);
            }
            Node::Class { .. } => unreachable!("classes stand in tokens only"),
            Node::Name(name) if is_token(name) => {
                let mut token = self.token(&self.grammar.rules[name]);
                if name == "IDENTIFIER" && Keyword::of(&token).is_some() {
                    token.push('_');
                }
                self.tokens.push(token);
            }
            Node::Name(name) => self.derive(&self.grammar.rules[name], depth.saturating_sub(1)),
            Node::Sequence(parts) => parts.iter().for_each(|p| self.derive(p, depth)),
            Node::Choice(parts) => {
                let chosen = self.choose(parts, depth);
                self.derive(chosen, depth);
            }
            Node::Repeat { inner, min, more } => {
                let mut count = *min;
                while !self.tired(depth) && self.chance.one_in(3) && (*more || count < 1) {
                    count += 1;
                }
                (0..count).for_each(|_| self.derive(inner, depth));
            }
        }
    }

    fn tired(&self, depth: usize) -> bool {
        depth == 0 || self.tokens.len() >= self.most_tokens
    }

    /// Any alternative; the shortest one when it is time to end. Reserved words are no names here:
    /// where they may be is said in a note, not by the notation.
    fn choose(&mut self, parts: &'g [Node], depth: usize) -> &'g Node {
        let allowed: Vec<&Node> = parts
            .iter()
            .filter(|n| !matches!(n, Node::Name(name) if name == "reservedWord"))
            .collect();
        if self.tired(depth) {
            let cheapest = allowed.iter().min_by_key(|n| cost_of(n, &self.cost));
            return cheapest.expect("a choice has alternatives");
        }
        allowed[self.chance.below(allowed.len())]
    }

    /// The text of a token.
    fn token(&mut self, node: &'g Node) -> String {
        match node {
            Node::Literal(l) => l.clone(),
            Node::Class { negated, ranges } => self.character(*negated, ranges).to_string(),
            Node::Name(name) => self.token(&self.grammar.rules[name]),
            Node::Sequence(parts) => parts.iter().map(|p| self.token(p)).collect(),
            Node::Choice(parts) => {
                let n = self.chance.below(parts.len());
                self.token(&parts[n])
            }
            Node::Repeat { inner, min, more } => {
                let most = if *more { 4 } else { 2 };
                let count = min + self.chance.below(most - min);
                (0..count).map(|_| self.token(inner)).collect()
            }
        }
    }

    fn character(&mut self, negated: bool, ranges: &[(char, char)]) -> char {
        if !negated {
            let (first, last) = ranges[self.chance.below(ranges.len())];
            let code = first as usize + self.chance.below(last as usize - first as usize + 1);
            return char::from_u32(code as u32).expect("ranges are of characters");
        }
        let sample = "abzAZ09_ é€𝄞\t\n'\"`{}/*-#;,.()[]$\\";
        let allowed: Vec<char> = sample
            .chars()
            .filter(|c| !ranges.iter().any(|(first, last)| (first..=last).contains(&c)))
            .collect();
        allowed[self.chance.below(allowed.len())]
    }
}

/// Fewest productions to derive a sentence; none as long as that isn't known.
fn cost_of(node: &Node, cost: &BTreeMap<&str, usize>) -> Option<usize> {
    match node {
        Node::Literal(_) | Node::Class { .. } => Some(0),
        Node::Name(name) => cost.get(name.as_str()).copied(),
        Node::Sequence(parts) => parts.iter().map(|p| cost_of(p, cost)).sum(),
        Node::Choice(parts) => parts.iter().filter_map(|p| cost_of(p, cost)).min(),
        Node::Repeat { min: 0, .. } => Some(0),
        Node::Repeat { inner, .. } => cost_of(inner, cost),
    }
}
