//! `@watermark`: what it may say, and the late stream `!!S` that it defines.

use arrow::datatypes::{DataType, SchemaRef};

use super::graph::{QueryPlan, StreamId, StreamPlan, TriggerPlan};
use crate::error::{Code, Diagnostic, Span};
use crate::expr::types::AttrType;
use crate::lang::ast::{Annotation, AnnotationElement, Attribute, Expr, ExprKind, Literal};

/// Rows that may wait by default.
pub const BUFFER_ROWS: usize = 10_000_000;

/// What the late stream has behind the attributes of its stream.
pub const LATE_ATTRIBUTES: [(&str, AttrType); 2] =
    [("_lateness", AttrType::Long), ("_reason", AttrType::String)];

/// A `@watermark`.
#[derive(Debug, Clone)]
pub struct WatermarkPlan {
    /// The attribute (of type long, ms since the epoch) that holds the event time; none: the time that
    /// rows come with.
    pub attribute: Option<usize>,
    /// By how many ms a row may come behind the latest one of its input.
    pub delay: i64,
    /// What happens to rows that come later.
    pub late: LatePolicy,
    /// The late stream, if that is where they go.
    pub late_stream: Option<StreamId>,
    /// Time doesn't wait for an input that had no row for so many ms.
    pub idle: Option<i64>,
    /// Rows this many ms ahead of time are none that time can be told by.
    pub max_ahead: Option<i64>,
    /// Rows that may wait.
    pub buffer_rows: usize,
    /// Where it stands.
    pub span: Span,
}

/// What happens to rows that come later than the watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatePolicy {
    /// They are counted and dropped.
    Drop,
    /// Their time becomes that of the application.
    Adjust,
    /// They go to the late stream.
    Stream,
}

impl LatePolicy {
    /// As written.
    pub fn word(self) -> &'static str {
        match self {
            LatePolicy::Drop => "drop",
            LatePolicy::Adjust => "adjust",
            LatePolicy::Stream => "stream",
        }
    }
}

const KEYS: [&str; 6] = ["attribute", "delay", "late", "idle", "max.ahead", "buffer.rows"];

/// Reads the annotation; `schema` is the stream's. The late stream is still to be made.
pub(super) fn read(a: &Annotation, schema: &SchemaRef) -> Result<WatermarkPlan, Vec<Diagnostic>> {
    let mut found = vec![];
    for e in &a.elements {
        let key = e.key.as_ref().map_or("", |k| k.name.as_str());
        if key.eq_ignore_ascii_case("allowed.lateness") {
            found.push(Diagnostic::not_supported(e.span.0, "`allowed.lateness`"));
        } else if !KEYS.iter().any(|k| k.eq_ignore_ascii_case(key)) {
            let message = match key {
                "" => format!("which element of `@watermark` is '{}'", e.value),
                key => format!("`@watermark` has no element `{key}`"),
            };
            let d = Diagnostic::error(Code::Parameter, e.span.0, message);
            found.push(d.with_nearest(key, KEYS));
        }
    }
    for (i, e) in a.elements.iter().enumerate() {
        let same = |o: &AnnotationElement| match (&o.key, &e.key) {
            (Some(o), Some(e)) => o.name.eq_ignore_ascii_case(&e.name),
            _ => false,
        };
        if a.elements[..i].iter().any(same) {
            found.push(Diagnostic::error(Code::Parameter, e.span.0, "this is given twice"));
        }
    }
    found.extend(a.nested.iter().map(|n| {
        let message = format!("`@watermark` takes no `@{}`", n.name.name);
        Diagnostic::error(Code::Parameter, n.span.0, message)
    }));
    let mut keep = |checked: Result<Option<i64>, Diagnostic>| match checked {
        Ok(value) => value,
        Err(d) => {
            found.push(d);
            None
        }
    };
    let delay = keep(duration(a, "delay", 0));
    let idle = keep(duration(a, "idle", 1));
    let max_ahead = keep(duration(a, "max.ahead", 0));
    let buffer_rows = keep(rows(a));
    let attribute = keep(attribute(a, schema).map(|c| c.map(|c| c as i64)));
    let late = late(a).unwrap_or_else(|d| {
        found.push(d);
        LatePolicy::Drop
    });
    if a.element("delay").is_none() {
        let message = "`@watermark` needs a `delay`: how late may a row be?";
        found.push(Diagnostic::error(Code::Parameter, a.span.0, message));
    }
    if !found.is_empty() {
        return Err(found);
    }
    Ok(WatermarkPlan {
        attribute: attribute.map(|c| c as usize),
        delay: delay.unwrap_or(0),
        late,
        late_stream: None,
        idle,
        max_ahead,
        buffer_rows: buffer_rows.map_or(BUFFER_ROWS, |n| n as usize),
        span: a.span.0,
    })
}

/// A time such as '5 sec' in ms, at least `least`.
fn duration(a: &Annotation, key: &str, least: i64) -> Result<Option<i64>, Diagnostic> {
    let Some(e) = a.element(key) else { return Ok(None) };
    let parsed = crate::lang::parse_expression(&e.value);
    let time = match parsed.tree {
        Some(Expr { kind: ExprKind::Literal(Literal::Time(t)), .. })
            if parsed.diagnostics.is_empty() =>
        {
            Some(t.millis())
        }
        _ => None,
    };
    match time {
        Some(ms) if ms >= least => Ok(Some(ms)),
        Some(_) => {
            let message = format!("`{key}` needs at least {least} ms, not `{}`", e.value);
            Err(Diagnostic::error(Code::Parameter, e.span.0, message))
        }
        None => {
            let message = format!("`{}` is not a time such as '5 sec'", e.value);
            Err(Diagnostic::error(Code::Parameter, e.span.0, message))
        }
    }
}

fn rows(a: &Annotation) -> Result<Option<i64>, Diagnostic> {
    let Some(e) = a.element("buffer.rows") else { return Ok(None) };
    match e.value.trim().parse::<u32>() {
        Ok(n) if n > 0 => Ok(Some(n.into())),
        _ => {
            let message = format!("`buffer.rows` needs a number above 0, not `{}`", e.value);
            Err(Diagnostic::error(Code::Parameter, e.span.0, message))
        }
    }
}

fn attribute(a: &Annotation, schema: &SchemaRef) -> Result<Option<usize>, Diagnostic> {
    let Some(e) = a.element("attribute") else { return Ok(None) };
    let Some((index, field)) = schema.column_with_name(&e.value) else {
        let message = format!("the stream has no attribute `{}`", e.value);
        let names = schema.fields().iter().map(|f| f.name().as_str());
        let d = Diagnostic::error(Code::Name, e.span.0, message);
        return Err(d.with_nearest(&e.value, names));
    };
    if field.data_type() == &DataType::Int64 {
        return Ok(Some(index));
    }
    let ty = crate::expr::types::attr_type(field.data_type());
    let ty = ty.map_or(String::new(), |t| format!(", not {t}"));
    let message = format!("an event time is of type long{ty}");
    let help = "the attribute holds milliseconds since 1970-01-01";
    Err(Diagnostic::error(Code::Type, e.span.0, message).with_help(help))
}

fn late(a: &Annotation) -> Result<LatePolicy, Diagnostic> {
    let all = [LatePolicy::Drop, LatePolicy::Adjust, LatePolicy::Stream];
    let Some(e) = a.element("late") else { return Ok(LatePolicy::Drop) };
    let named = all.into_iter().find(|p| p.word().eq_ignore_ascii_case(e.value.trim()));
    named.ok_or_else(|| {
        let message = format!("`late` is 'drop', 'adjust' or 'stream', not `{}`", e.value);
        let d = Diagnostic::error(Code::Parameter, e.span.0, message);
        d.with_nearest(&e.value, all.map(LatePolicy::word))
    })
}

/// The attributes of the late stream; an attribute of the stream may stand in the way.
pub(super) fn late_attributes<'a>(
    attributes: &'a [Attribute],
    found: &mut Vec<Diagnostic>,
) -> Vec<(&'a str, AttrType)> {
    for a in attributes {
        if LATE_ATTRIBUTES.iter().any(|(name, _)| *name == a.name.name) {
            let message = format!("the late stream has an attribute `{}` of its own", a.name.name);
            found.push(Diagnostic::error(Code::Name, a.name.at(), message));
        }
    }
    attributes.iter().map(|a| (a.name.name.as_str(), a.ty)).chain(LATE_ATTRIBUTES).collect()
}

/// Streams with a watermark take rows from outside only: those of queries and triggers are in order.
pub(super) fn check_writers(
    streams: &[StreamPlan],
    queries: &[(usize, QueryPlan)],
    triggers: &[TriggerPlan],
    found: &mut Vec<Diagnostic>,
) {
    for (id, stream) in streams.iter().enumerate() {
        let Some(watermark) = &stream.watermark else { continue };
        let query = queries.iter().find(|(_, q)| q.target == Some(id));
        let writer = match query {
            Some((_, q)) => format!("the query `{}` writes", q.name),
            None if triggers.iter().any(|t| t.stream == id) => "a trigger writes".to_string(),
            None => continue,
        };
        let message =
            format!("`@watermark` is for rows from outside, but {writer} `{}`", stream.name);
        let d = Diagnostic::error(Code::Invalid, watermark.span, message);
        found
            .push(d.with_help("what queries put out is in order: put it on the streams they read"));
    }
}
