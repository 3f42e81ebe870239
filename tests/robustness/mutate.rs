//! Texts that are nearly applications.

/// A seeded source of choices (xorshift*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// Numbers that overflow something.
const EXTREMES: &[&str] = &[
    "0",
    "-1",
    "2147483647",
    "2147483648",
    "-2147483648",
    "9223372036854775807L",
    "9223372036854775808L",
    "-9223372036854775808L",
    "99999999999999999999999",
    "1e308",
    "1e309",
    "1e-400",
    "0.0",
    "-0.0f",
    "1e38f",
    "9223372036854775807 sec",
    "292471208 year",
    "1 year 1 month",
    "0 sec",
    "0x10",
    "1_000",
    "1.",
    ".5",
    "5f",
    "1L",
];

/// Words and signs in odd places.
const WORDS: &[&str] = &[
    "from",
    "select",
    "insert",
    "into",
    "every",
    "not",
    "for",
    "within",
    "partition",
    "with",
    "begin",
    "end",
    "and",
    "or",
    "->",
    ",",
    "(",
    ")",
    "[",
    "]",
    "#",
    "#window.",
    "!",
    "@",
    "@app:",
    "'",
    "\"",
    "\"\"\"",
    "`",
    "/*",
    "*/",
    "--",
    ";",
    ".",
    "*",
    "+",
    "?",
    "<",
    ">",
    "<1:",
    ":2>",
    "==",
    "!=",
    "%",
    "/",
    "is null",
    "as",
    "group by",
    "having",
    "order by",
    "limit",
    "offset",
    "null",
    "true",
    "last",
    "e1[last - 1]",
    "e1[2147483648]",
    "unidirectional",
    "full outer join",
    "output every 3 events",
    "output snapshot every 1 sec",
    "expired events",
    "all events",
    "define stream",
    "define table",
    "define window",
    "define function",
    "define trigger",
    "define aggregation",
    "${x}",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "é",
    "💥",
    "\r",
    "\t",
    "sum(",
    "count()",
    "convert(a, 'int')",
    "cast(a, 'x')",
    "createSet(a)",
    "UUID()",
    "#pol2Cart(a, b)",
    "#log('x')",
    "length(2147483647)",
    "time(9223372036854775807L)",
    "externalTimeBatch(",
    "lengthBatch(0)",
    "timeBatch(1 sec, 0, true)",
    "batch(-1)",
];

/// The text in words, numbers and single signs, with what stands between them.
fn tokens(text: &str) -> Vec<&str> {
    let class = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        c if c.is_whitespace() => 2,
        _ => 3,
    };
    let mut found = Vec::new();
    let mut from = 0;
    let mut last = 0;
    for (at, c) in text.char_indices() {
        let now = class(c);
        if at > from && (now != last || now == 3) {
            found.push(&text[from..at]);
            from = at;
        }
        last = now;
    }
    found.push(&text[from..]);
    found
}

/// `text` with one to a few faults; `other` is something to splice in.
pub fn mutated(text: &str, other: &str, random: &mut Random) -> String {
    let mut text = text.to_string();
    for _ in 0..=random.below(4) {
        text = once(&text, other, random);
    }
    text
}

fn once(text: &str, other: &str, random: &mut Random) -> String {
    let mut t: Vec<&str> = tokens(text);
    let at = random.below(t.len());
    match random.below(12) {
        0 => drop(t.remove(at)),
        1 => t.insert(at, t[at]),
        2 => {
            let with = random.below(t.len());
            t.swap(at, with);
        }
        3 => {
            let numbers: Vec<usize> =
                (0..t.len()).filter(|i| t[*i].starts_with(|c: char| c.is_ascii_digit())).collect();
            if !numbers.is_empty() {
                t[numbers[random.below(numbers.len())]] = random.pick(EXTREMES);
            }
        }
        4 | 5 => t.insert(at, random.pick(WORDS)),
        6 => t[at] = random.pick(WORDS),
        7 => return flipped(text, random),
        8 => t.truncate(at),
        9 => {
            let o = tokens(other);
            let from = random.below(o.len());
            let to = (from + 1 + random.below(30)).min(o.len());
            let cut = (at + random.below(10)).min(t.len());
            t.splice(at..cut, o[from..to].iter().copied());
        }
        10 => {
            // A stretch again and again.
            let to = (at + 1 + random.below(6)).min(t.len());
            let again = t[at..to].repeat(1 + random.below(200));
            t.splice(at..at, again);
        }
        _ => drop(t.drain(at..(at + random.below(8)).min(t.len()))),
    }
    t.concat()
}

fn flipped(text: &str, random: &mut Random) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(5) {
        let at = random.below(bytes.len());
        if let Some(b) = bytes.get_mut(at) {
            *b ^= 1 << random.below(8);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Bytes without sense, and bytes of the language's own alphabet.
pub fn noise(random: &mut Random) -> String {
    let length = random.below(400);
    if random.below(2) == 0 {
        let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut text = String::new();
    for _ in 0..length / 4 {
        text += match random.below(3) {
            0 => random.pick(EXTREMES),
            _ => random.pick(WORDS),
        };
        if random.below(3) > 0 {
            text.push(' ');
        }
    }
    text
}
