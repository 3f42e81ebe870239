//! Which constructs outside the engine's present scope an application uses, found by its tokens
//! alone, so that the answer doesn't depend on the parser under test.

use std::collections::BTreeSet;

const WINDOWS: [&str; 16] = [
    "length",
    "lengthBatch",
    "batch",
    "time",
    "timeBatch",
    "timeLength",
    "externalTime",
    "externalTimeBatch",
    "session",
    "delay",
    "sort",
    "frequent",
    "lossyFrequent",
    "expression",
    "expressionBatch",
    "cron",
];
const ANNOTATIONS: [&str; 4] = ["info", "app:name", "app:description", "app:playback"];
const STREAM_FUNCTIONS: [&str; 2] = ["log", "pol2Cart"];

/// The names of what isn't in scope; empty = all of it is.
pub fn outside(app: &str) -> BTreeSet<String> {
    let tokens = tokens(app);
    let lower: Vec<String> = tokens.iter().map(|t| t.to_lowercase()).collect();
    let at = |i: usize| lower.get(i).map_or("", String::as_str);
    let mut found = BTreeSet::new();
    let mut clause = Clause::default();
    for i in 0..tokens.len() {
        clause.see(at(i));
        let name = match at(i) {
            "define" if !matches!(at(i + 1), "stream" | "trigger" | "window") => {
                Some(format!("define {}", at(i + 1)))
            }
            "update" | "delete" => Some(at(i).into()),
            "in" if !clause.annotation => Some("in".into()),
            "return" => Some("return".into()),
            "from" if matches!(at(i + 1), "from") || (at(i + 1) == "(" && at(i + 2) == "from") => {
                Some("inner query".into())
            }
            "!" if is_word(at(i + 1)) => Some("fault stream".into()),
            "@" => annotation(&lower, i),
            "#" => handler(&tokens, i),
            ":" if i > 1 && at(i + 2) == "(" && !clause.annotation => {
                (at(i - 2) != "@").then(|| format!("function {}:{}", at(i - 1), at(i + 1)))
            }
            _ => None,
        };
        found.extend(name);
    }
    found
}

/// Whether the scan is in an annotation.
#[derive(Default)]
struct Clause {
    annotation: bool,
    parens: i32,
}

impl Clause {
    fn see(&mut self, token: &str) {
        match token {
            "@" => (self.annotation, self.parens) = (true, 0),
            "(" if self.annotation => self.parens += 1,
            ")" if self.annotation => {
                self.parens -= 1;
                self.annotation = self.parens > 0;
            }
            "define" | "partition" => self.annotation = false,
            _ => {}
        }
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '`')
}

fn annotation(lower: &[String], i: usize) -> Option<String> {
    let at = |i: usize| lower.get(i).map_or("", String::as_str);
    let app = at(i + 2) == ":";
    let name = if app { format!("{}:{}", at(i + 1), at(i + 3)) } else { at(i + 1).to_string() };
    let plain = ANNOTATIONS.contains(&name.as_str());
    // `@app:playback(idle.time = …, increment = …)` needs a second clock.
    let idle = name == "app:playback" && at(i + 4) == "(";
    (!plain || idle).then(|| format!("@{name}{}", if idle { "(idle.time)" } else { "" }))
}

fn handler(tokens: &[String], i: usize) -> Option<String> {
    let at = |i: usize| tokens.get(i).map_or("", String::as_str);
    if at(i + 1).eq_ignore_ascii_case("window") && at(i + 2) == "." {
        let spaced = at(i + 4) == ":";
        let window = at(if spaced { i + 5 } else { i + 3 });
        return (spaced || !WINDOWS.contains(&window)).then(|| format!("#window.{window}"));
    }
    let call = is_word(at(i + 1)) && matches!(at(i + 2), "(" | ":");
    (call && !STREAM_FUNCTIONS.contains(&at(i + 1))).then(|| format!("#{}", at(i + 1)))
}

/// Words, numbers, strings (as one token) and single punctuation marks; comments are dropped.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let starts =
        |i: usize, s: &str| s.chars().enumerate().all(|(k, c)| chars.get(i + k) == Some(&c));
    let until = |from: usize, close: &str| {
        (from..chars.len()).find(|&i| starts(i, close)).map_or(chars.len(), |i| i + close.len())
    };
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        let end = match c {
            '-' if starts(i, "--") => until(i, "\n"),
            '/' if starts(i, "/*") => until(i + 2, "*/"),
            '"' if starts(i, "\"\"\"") => until(i + 3, "\"\"\""),
            '"' | '\'' | '`' => until(i + 1, &c.to_string()),
            '!' | '=' | '<' | '>' if chars.get(i + 1) == Some(&'=') => i + 2,
            _ if c.is_alphanumeric() || c == '_' => {
                let word = |c: &char| c.is_alphanumeric() || *c == '_';
                i + chars[i..].iter().take_while(|c| word(c)).count()
            }
            _ => i + 1,
        };
        if !c.is_whitespace() && !starts(i, "--") && !starts(i, "/*") {
            tokens.push(chars[i..end].iter().collect());
        }
        i = end;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::outside;

    fn names(app: &str) -> Vec<String> {
        outside(app).into_iter().collect()
    }

    #[test]
    fn tells_what_is_in_scope() {
        for app in [
            "@info(name='not in') from S[a > 1 and not (b)]#window.length(2)#log('update') \
             select sum(a) as t having not (t > 1) insert all events into O;",
            "from S join T on not (S.a == T.a) select * insert into O;",
            "@App:playback define stream S (a int); from every e1=S -> e2=S<2:> select e1.a as a \
             insert into O; -- define table",
            "from not S[a > 1] for 1 sec -> e1=S -> not S and e2=T select e1.a as a insert into O;",
            "partition with (a of S, b of T) begin from S select a insert into #I; end;",
            "partition with (a > 1 as 'x' or a < 1 as 'y' of S) begin",
            "define trigger T at 'start'; from S select a output last every 2 events insert into O;",
        ] {
            assert_eq!(names(app), [] as [&str; 0], "{app}");
        }
    }

    #[test]
    fn tells_what_is_not() {
        for (app, name) in [
            ("define table T (a int);", "define table"),
            ("from S#window.mine(1, a) select a insert into O;", "#window.mine"),
            ("from S[a == T.a in T] select a insert into O;", "in"),
            ("from (from S select a return) select a insert into O;", "inner query"),
            ("from !S select a insert into O;", "fault stream"),
            ("@async(buffer.size='2') define stream S (a int);", "@async"),
            ("@app:playback(idle.time = '1 sec', increment = '1 sec')", "@app:playback(idle.time)"),
            ("from S select str:upper(a) as b insert into O;", "function str:upper"),
        ] {
            assert!(names(app).contains(&name.to_string()), "{app}: {:?}", names(app));
        }
    }
}
