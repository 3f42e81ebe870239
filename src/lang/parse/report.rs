//! From what was noted to a diagnostic.

use super::tokens::{Expected, Notes};
use crate::error::{Code, Diagnostic, nearest};
use crate::lang::lexer::{Keyword, Kind, Sym, Token};

/// Most alternatives a message lists.
const MOST_LISTED: usize = 8;

impl Notes<'_> {
    /// Why the last statement failed, and at which token. Nothing to say where the lexer has
    /// already reported the token.
    pub(super) fn report(&self) -> (usize, Option<Diagnostic>) {
        if let Some(fatal) = self.fatal.borrow_mut().take() {
            let at = self.tokens.partition_point(|t| t.span.start < fatal.span.start);
            return (at.min(self.tokens.len() - 1), Some(fatal));
        }
        let at = self.furthest.get().min(self.tokens.len() - 1);
        let found = self.tokens[at];
        if found.kind == Kind::Bad {
            return (at, None);
        }
        let expected = self.expected.borrow();
        let wanted = list(&expected);
        let message = format!("expected {wanted}, found {}", self.describe(found));
        let mut d = Diagnostic::error(Code::Syntax, found.span, message);
        if expected.len() <= 2 {
            d = d.with_label(format!("expected {wanted}"));
        }
        if let Some(help) = self.help(at, &expected) {
            d = d.with_help(help);
        }
        (at, Some(d))
    }

    fn text_of(&self, token: Token) -> &str {
        &self.text[token.span.range()]
    }

    fn describe(&self, token: Token) -> String {
        let text = self.text_of(token);
        let short: String = text.chars().take(30).collect();
        let dots = if short.len() < text.len() { "…" } else { "" };
        match token.kind {
            Kind::End => "the end of the text".to_string(),
            Kind::Str | Kind::LongStr => format!("the string {short}{dots}"),
            Kind::Script => "`{ … }`".to_string(),
            _ => format!("`{short}{dots}`"),
        }
    }

    fn help(&self, at: usize, expected: &[Expected]) -> Option<String> {
        let found = self.tokens[at];
        let text = self.text_of(found);
        let wants = |what| expected.contains(&Expected::What(what));
        match found.kind {
            Kind::Sym(Sym::Assign) if wants("an operator") => {
                return Some("values are compared with `==`".to_string());
            }
            Kind::Sym(Sym::Gt)
                if wants("an expression")
                    && at > 0
                    && self.tokens[at - 1].kind == Kind::Sym(Sym::Lt) =>
            {
                return Some("\"not equal\" is written `!=`".to_string());
            }
            Kind::Sym(Sym::Dot) if at > 0 => {
                let handler = self.text_of(self.tokens[at - 1]);
                if nearest(handler, ["window"]).is_some() {
                    return Some("did you mean `#window.…`?".to_string());
                }
            }
            Kind::Word if wants("a type") => {
                if let Some(known) = type_elsewhere(text) {
                    return Some(format!("did you mean `{known}`?"));
                }
            }
            _ => {}
        }
        if matches!(
            found.kind,
            Kind::End
                | Kind::Sym(Sym::Semi | Sym::At)
                | Kind::Keyword(Keyword::From | Keyword::Define)
        ) && expected.contains(&Expected::Keyword(Keyword::Insert))
        {
            return Some("a query ends with an output such as `insert into Out`".to_string());
        }
        if !matches!(found.kind, Kind::Word | Kind::Keyword(_)) {
            return None;
        }
        let types = Keyword::ALL.iter().filter(|k| k.attr_type().is_some() && wants("a type"));
        let counted = at > 0 && self.tokens[at - 1].kind == Kind::Int && wants("an operator");
        let timed = counted || wants("a unit of time");
        if let Some(known) = unit_elsewhere(text).filter(|_| timed) {
            return Some(format!("did you mean `{known}`?"));
        }
        let units = Keyword::ALL.iter().filter(|k| k.unit().is_some() && timed);
        let words = expected.iter().filter_map(|e| match e {
            Expected::Keyword(k) => Some(k.text()),
            _ => None,
        });
        let candidates = words.chain(types.chain(units).map(|k| k.text()));
        // A word of two or three letters is one edit away from too many others to guess.
        let near = nearest(text, candidates.filter(|c| text.len() > 2 || c.len() > 2))?;
        (!near.eq_ignore_ascii_case(text)).then(|| format!("did you mean `{near}`?"))
    }
}

/// What other languages call our types.
fn type_elsewhere(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "integer" | "int32" | "i32" | "smallint" => "int",
        "bigint" | "int64" | "i64" | "timestamp" => "long",
        "boolean" => "bool",
        "text" | "varchar" | "char" | "str" | "utf8" => "string",
        "number" | "decimal" | "numeric" | "float64" | "f64" => "double",
        "real" | "float32" | "f32" => "float",
        _ => return None,
    })
}

/// What others write for our units of time.
fn unit_elsewhere(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "ms" | "millis" | "msec" => "millisec",
        "s" | "secs" => "sec",
        "m" | "mins" => "min",
        "h" | "hr" | "hrs" => "hour",
        "d" => "day",
        "w" | "wk" => "week",
        _ => return None,
    })
}

/// "`a`, `b` or `c`". Where many things would fit, those that merely carry on what stands before
/// (a handler, an operator) are left out in favour of those that begin something new.
fn list(expected: &[Expected]) -> String {
    use Keyword::{Delete, Insert, Return, Update};
    let outputs = [Insert, Delete, Update, Return].map(Expected::Keyword);
    let any_output = outputs.iter().all(|o| expected.contains(o));
    let fresh = expected.iter().filter(|e| !carries_on(e)).count();
    let shorten = expected.len() > 3 && fresh > 0;
    let mut words: Vec<String> = Vec::new();
    if any_output {
        words.push("an output (`insert into`, …)".into());
    }
    for e in expected.iter().filter(|e| !shorten || !carries_on(e)) {
        match e {
            e if any_output && outputs.contains(e) => {}
            Expected::Keyword(k) => words.push(format!("`{}`", k.text())),
            Expected::Sym(s) => words.push(format!("`{}`", s.text())),
            Expected::What(w) => words.push((*w).to_string()),
        }
    }
    if words.len() > MOST_LISTED {
        words.truncate(MOST_LISTED);
        return format!("{}, …", words.join(", "));
    }
    match words.as_slice() {
        [] => "something else".to_string(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

fn carries_on(e: &Expected) -> bool {
    matches!(
        e,
        Expected::Sym(Sym::LBracket | Sym::Hash | Sym::Dot | Sym::Lt)
            | Expected::Keyword(Keyword::Is | Keyword::Unidirectional)
            | Expected::What("an operator")
    )
}
