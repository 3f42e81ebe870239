//! Patterns and sequences: from the syntax tree to a [`PatternSpec`].
//!
//! [`plan_pattern`] resolves the elements and their filters and gives a [`PatternBuilder`], which is
//! the scope the rest of the query (`select`, `group by`, `having`, …) is bound in: what that reads of
//! a match becomes a flat output column on first use. [`PatternBuilder::finish`] gives the plan.
//!
//! Invariant: columns are only ever appended (kept columns of a port, output columns), so that
//! expressions bound earlier stay right.

mod elements;
mod filter;
mod names;
mod select;

use arrow::datatypes::SchemaRef;

use crate::error::{Code, Diagnostic, Span};
use crate::expr::functions::FunctionSpec;
use crate::expr::types::{AttrType, schema_of};
use crate::lang::ast::{PatternInput, Source, StreamMark};
use crate::pattern::PatternSpec;
use crate::pattern::spec::{EventRef, OutputColumn, PortSpec};

/// Finds the stream a pattern reads: its number in the plan and its attributes.
pub type StreamLookup<'a> = dyn FnMut(&Source) -> Result<(usize, SchemaRef), Diagnostic> + 'a;

/// A pattern whose elements are planned; the scope of the rest of its query.
#[derive(Debug)]
pub struct PatternBuilder<'a> {
    spec: PatternSpec,
    /// Per side: the name it goes by (its reference, else its stream).
    names: Vec<SideName>,
    /// Name and type per output column.
    fields: Vec<(String, AttrType)>,
    functions: &'a [&'static FunctionSpec],
    warnings: Vec<Diagnostic>,
}

/// What a side goes by.
#[derive(Debug, Clone)]
struct SideName {
    /// `e1` of `e1=S`.
    reference: Option<String>,
    /// The stream, with its mark.
    stream: Source,
    /// `not`: there is never an event of it but the one under test.
    is_absent: bool,
}

impl SideName {
    fn is_called(&self, mark: StreamMark, name: &str) -> bool {
        match &self.reference {
            Some(r) => mark == StreamMark::Plain && r == name,
            None => self.stream.mark == mark && self.stream.name.name == name,
        }
    }

    fn shown(&self) -> &str {
        self.reference.as_deref().unwrap_or(&self.stream.name.name)
    }
}

/// Plans the elements of a pattern or sequence and their filters.
///
/// # Errors
/// Everything that is wrong with them, or not supported yet.
pub fn plan_pattern<'a>(
    input: &PatternInput,
    streams: &mut StreamLookup<'_>,
    functions: &'a [&'static FunctionSpec],
) -> Result<PatternBuilder<'a>, Vec<Diagnostic>> {
    match plan_elements(input, streams, functions)? {
        (builder, faults) if faults.is_empty() => Ok(builder),
        (_, faults) => Err(faults),
    }
}

/// As [`plan_pattern`], but faults of filters, which leave the names of all elements clear, come with
/// the builder, so that the rest of the query can be looked at, too.
pub(super) fn plan_elements<'a>(
    input: &PatternInput,
    streams: &mut StreamLookup<'_>,
    functions: &'a [&'static FunctionSpec],
) -> Result<(PatternBuilder<'a>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let elements = elements::flatten(input, streams)?;
    let mut builder = PatternBuilder {
        spec: PatternSpec {
            kind: input.kind,
            ports: elements.ports,
            sides: elements.sides,
            states: elements.states,
            groups: elements.groups,
            within: input.within.as_ref().map(|w| w.millis()),
            picks: vec![],
            columns: vec![],
            output: schema_of([]),
            keyed: false,
            max_partials: None,
        },
        names: elements.names,
        fields: vec![],
        functions,
        warnings: elements.warnings,
    };
    let mut findings = vec![];
    for (side, filters) in elements.filters.iter().enumerate() {
        match filter::predicate(&mut builder, side, filters) {
            Ok(p) => builder.spec.sides[side].predicate = p,
            Err(e) => findings.extend(e),
        }
    }
    Ok((builder, findings))
}

impl PatternBuilder<'_> {
    /// What is odd about the pattern, though it can run.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Its source streams, in port order.
    pub fn ports(&self) -> &[PortSpec] {
        &self.spec.ports
    }

    /// The output columns used so far.
    pub fn output(&self) -> SchemaRef {
        schema_of(self.fields.iter().map(|(n, t)| (n.as_str(), *t)))
    }

    /// The plan; `keyed` says whether rows carry partition keys.
    pub fn finish(mut self, keyed: bool) -> PatternSpec {
        self.spec.output = self.output();
        self.spec.keyed = keyed;
        self.spec
    }

    /// The type of an attribute of a side's stream.
    fn attribute_of(&self, side: usize, name: &str) -> Option<(usize, AttrType)> {
        let schema = &self.spec.ports[self.spec.sides[side].port].schema;
        let column = schema.index_of(name).ok()?;
        let ty = crate::expr::types::attr_type(schema.field(column).data_type())?;
        Some((column, ty))
    }

    /// The kept column for a column of a side's port.
    fn keep(&mut self, side: usize, column: usize) -> usize {
        let kept = &mut self.spec.ports[self.spec.sides[side].port].kept;
        kept.iter().position(|c| *c == column).unwrap_or_else(|| {
            kept.push(column);
            kept.len() - 1
        })
    }

    /// The pick that output columns read for an event.
    fn pick(&mut self, event: EventRef) -> usize {
        let picks = &mut self.spec.picks;
        picks.iter().position(|p| *p == event).unwrap_or_else(|| {
            picks.push(event);
            picks.len() - 1
        })
    }

    /// The output column that holds `what`.
    fn column(
        &mut self,
        what: OutputColumn,
        name: String,
        ty: AttrType,
        at: Span,
    ) -> Result<u16, Diagnostic> {
        let index = match self.spec.columns.iter().position(|c| *c == what) {
            Some(i) => i,
            None => {
                self.spec.columns.push(what);
                self.fields.push((name, ty));
                self.fields.len() - 1
            }
        };
        u16::try_from(index).map_err(|_| {
            let message = "the query reads more than 65535 columns of a match";
            Diagnostic::error(Code::Invalid, at, message)
        })
    }
}
