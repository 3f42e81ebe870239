//! The application, its annotations, comments and definitions, partitions.

use super::*;

/// A whole application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct App {
    /// `@app:…` annotations.
    pub annotations: Vec<Annotation>,
    /// Definitions, queries and partitions in the order written.
    pub items: Vec<Item>,
    /// Comments in order, for the formatter. They never take part in equality of meaning, but
    /// `print` keeps them.
    pub comments: Vec<Comment>,
}

/// A comment with the place it stood at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Text with its markers (`-- …` or `/* … */`).
    pub text: String,
    /// Where it stands.
    pub span: Node,
    /// How it lies among the lines of its text.
    pub layout: Layout,
}

/// How a comment lies among the lines of its text. Never takes part in equality.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layout {
    /// Nothing but white space stands before it on its line.
    pub own_line: bool,
    /// A blank line stands before it.
    pub blank_before: bool,
    /// A blank line follows it.
    pub blank_after: bool,
}

impl PartialEq for Layout {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Layout {}

/// A top-level element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `define …`.
    Definition(Definition),
    /// `from … `.
    Query(Box<Query>),
    /// `partition with …`.
    Partition(Partition),
}

/// `@name(key='value', 'positional', @nested(…))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Name, with `app:` prefix kept (e.g. `app:name`, `info`, `source`).
    pub name: Ident,
    /// Elements in order; the key is absent for positional ones.
    pub elements: Vec<AnnotationElement>,
    /// Nested annotations in order.
    pub nested: Vec<Annotation>,
    /// The whole annotation.
    pub span: Node,
}

/// One element of an annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationElement {
    /// Key (dots, dashes and colons kept), or none for a positional value.
    pub key: Option<Ident>,
    /// The value without its quotes.
    pub value: String,
    /// Key and value.
    pub span: Node,
}

impl Annotation {
    /// Whether this is the annotation `name` (case-insensitive).
    pub fn is(&self, name: &str) -> bool {
        self.name.name.eq_ignore_ascii_case(name)
    }

    /// The element with this key (case-insensitive).
    pub fn element(&self, key: &str) -> Option<&AnnotationElement> {
        self.elements
            .iter()
            .find(|e| e.key.as_ref().is_some_and(|k| k.name.eq_ignore_ascii_case(key)))
    }

    /// The value of the element with this key (case-insensitive).
    pub fn get(&self, key: &str) -> Option<&str> {
        self.element(key).map(|e| e.value.as_str())
    }

    /// The first positional value.
    pub fn positional(&self) -> Option<&str> {
        self.elements.iter().find(|e| e.key.is_none()).map(|e| e.value.as_str())
    }
}

/// A definition of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Annotations before `define`.
    pub annotations: Vec<Annotation>,
    /// The defined name. Streams may carry a `#` or `!` mark in the source; it is refused later.
    pub name: Ident,
    /// `#` or `!` written before the name.
    pub mark: StreamMark,
    /// What is defined.
    pub kind: DefinitionKind,
    /// From `define` to the end.
    pub span: Node,
}

/// The kinds of definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefinitionKind {
    /// `define stream`.
    Stream(Vec<Attribute>),
    /// `define table`.
    Table(Vec<Attribute>),
    /// `define window`.
    Window {
        /// Attributes.
        attributes: Vec<Attribute>,
        /// The window function.
        function: Call,
        /// `output … events`.
        output: Option<EventType>,
    },
    /// `define trigger`.
    Trigger(TriggerAt),
    /// `define function f[lang] return type { body }`.
    Function {
        /// Script language.
        language: Ident,
        /// Declared result type.
        returns: AttrType,
        /// Body between the braces, as written.
        body: String,
    },
    /// `define aggregation`.
    Aggregation(Box<AggregationDef>),
}

/// When a trigger fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerAt {
    /// `at every <time>`, in ms.
    Every(TimeLiteral),
    /// `at 'start'` or a cron expression.
    Text(String),
}

/// `define aggregation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregationDef {
    /// The stream it reads.
    pub from: StreamInput,
    /// Its selection and grouping.
    pub select: Selection,
    /// `aggregate by`.
    pub by: Option<AttrRef>,
    /// `every …`.
    pub every: Durations,
}

/// Durations an aggregation keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Durations {
    /// `sec ... year`.
    Range(Ident, Ident),
    /// `sec, day`.
    List(Vec<Ident>),
}

/// `name type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Name.
    pub name: Ident,
    /// Type.
    pub ty: AttrType,
}
