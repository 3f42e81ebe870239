//! The keywords of the language and what each may be used for.
//!
//! Invariant: [`Keyword::ALL`] is sorted by text, so that a word is looked up by binary search.
//! `tests/grammar.rs` holds the list to the one in `grammar/foreshock.ebnf`.

use crate::lang::ast::{AttrType, TimeUnit};

macro_rules! keywords {
    ($($name:ident $text:literal $class:ident),* $(,)?) => {
        /// A keyword. Its spelling in the text may have any case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each variant is the word it stands for")]
        pub enum Keyword { $($name),* }

        impl Keyword {
            /// All keywords, sorted by text.
            pub const ALL: &'static [Keyword] = &[$(Keyword::$name),*];

            /// The keyword in lower case.
            pub const fn text(self) -> &'static str {
                match self { $(Keyword::$name => $text),* }
            }

            /// Whether the word begins or continues a clause somewhere, so that a name spelled
            /// like it is printed in back-ticks.
            pub const fn is_reserved(self) -> bool {
                matches!(match self { $(Keyword::$name => Class::$class),* }, Class::Reserved)
            }
        }
    };
}

enum Class {
    /// May stand for a name wherever a name is wanted, without any doubt.
    Free,
    /// May stand for a name too, but only where the text can't be read otherwise.
    Reserved,
}

keywords! {
    Aggregate "aggregate" Reserved, Aggregation "aggregation" Free, All "all" Free,
    And "and" Reserved, App "app" Free, As "as" Reserved, Asc "asc" Reserved, At "at" Free,
    Begin "begin" Reserved, Bool "bool" Free, By "by" Reserved, Current "current" Free,
    Day "day" Free, Days "days" Free, Define "define" Reserved, Delete "delete" Reserved,
    Desc "desc" Reserved, Double "double" Free, End "end" Reserved, Events "events" Free,
    Every "every" Reserved, Expired "expired" Free, False "false" Reserved, First "first" Free,
    Float "float" Free, For "for" Reserved, From "from" Reserved, Full "full" Reserved,
    Function "function" Free, Group "group" Reserved, Having "having" Reserved,
    Hour "hour" Free, Hours "hours" Free, In "in" Reserved, Inner "inner" Reserved,
    Insert "insert" Reserved, Int "int" Free, Into "into" Reserved, Is "is" Reserved,
    Join "join" Reserved, Last "last" Free, Left "left" Reserved, Limit "limit" Reserved,
    Long "long" Free, Millisec "millisec" Free, Millisecond "millisecond" Free,
    Milliseconds "milliseconds" Free, Min "min" Free, Minute "minute" Free,
    Minutes "minutes" Free, Month "month" Free, Months "months" Free, Not "not" Reserved,
    Null "null" Reserved, Object "object" Free, Of "of" Reserved, Offset "offset" Reserved,
    On "on" Reserved, Or "or" Reserved, Order "order" Reserved, Outer "outer" Reserved,
    Output "output" Reserved, Partition "partition" Reserved, Per "per" Reserved,
    Raw "raw" Free, Return "return" Reserved, Right "right" Reserved, Sec "sec" Free,
    Second "second" Free, Seconds "seconds" Free, Select "select" Reserved, Set "set" Reserved,
    Snapshot "snapshot" Free, Stream "stream" Free, String "string" Free, Table "table" Free,
    Trigger "trigger" Free, True "true" Reserved, Unidirectional "unidirectional" Reserved,
    Update "update" Reserved, Week "week" Free, Weeks "weeks" Free, Window "window" Free,
    With "with" Reserved, Within "within" Reserved, Year "year" Free, Years "years" Free,
}

/// Longest keyword, in bytes.
const LONGEST: usize = 14;

impl Keyword {
    /// The keyword spelled like `word` (in any case), if there is one.
    pub fn of(word: &str) -> Option<Keyword> {
        if word.len() > LONGEST {
            return None;
        }
        let mut buffer = [0u8; LONGEST];
        let lower = &mut buffer[..word.len()];
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        let lower = &*lower;
        Self::ALL.binary_search_by(|k| k.text().as_bytes().cmp(lower)).ok().map(|i| Self::ALL[i])
    }

    /// The unit of time it names.
    pub fn unit(self) -> Option<TimeUnit> {
        Some(match self {
            Keyword::Year | Keyword::Years => TimeUnit::Year,
            Keyword::Month | Keyword::Months => TimeUnit::Month,
            Keyword::Week | Keyword::Weeks => TimeUnit::Week,
            Keyword::Day | Keyword::Days => TimeUnit::Day,
            Keyword::Hour | Keyword::Hours => TimeUnit::Hour,
            Keyword::Min | Keyword::Minute | Keyword::Minutes => TimeUnit::Minute,
            Keyword::Sec | Keyword::Second | Keyword::Seconds => TimeUnit::Second,
            Keyword::Millisec | Keyword::Millisecond | Keyword::Milliseconds => {
                TimeUnit::Millisecond
            }
            _ => return None,
        })
    }

    /// The attribute type it names.
    pub fn attr_type(self) -> Option<AttrType> {
        Some(match self {
            Keyword::String => AttrType::String,
            Keyword::Int => AttrType::Int,
            Keyword::Long => AttrType::Long,
            Keyword::Float => AttrType::Float,
            Keyword::Double => AttrType::Double,
            Keyword::Bool => AttrType::Bool,
            Keyword::Object => AttrType::Object,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_and_found_in_any_case() {
        assert!(Keyword::ALL.is_sorted_by(|a, b| a.text() < b.text()));
        for k in Keyword::ALL {
            assert_eq!(Keyword::of(k.text()), Some(*k));
            assert_eq!(Keyword::of(&k.text().to_uppercase()), Some(*k));
            assert!(k.text().len() <= LONGEST);
        }
        assert_eq!(Keyword::of("fro"), None);
        assert_eq!(Keyword::of(""), None);
        assert_eq!(Keyword::of("unidirectionally"), None);
    }
}
