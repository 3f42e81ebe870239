//! The chain: elements to states, sides, ports and `every` groups.

use arrow::datatypes::SchemaRef;

use super::{SideName, StreamLookup};
use crate::error::{Code, Diagnostic, Span};
use crate::lang::ast::{
    Expr, Handler, PatternElement, PatternInput, PatternKind, PatternStream, Source,
};
use crate::pattern::spec::{Absence, EveryGroup, PortSpec, Predicate, SideSpec, StateSpec};

/// What the chain consists of.
#[derive(Default)]
pub(super) struct Elements<'e> {
    pub ports: Vec<PortSpec>,
    pub sides: Vec<SideSpec>,
    pub names: Vec<SideName>,
    /// Filters per side.
    pub filters: Vec<Vec<&'e Expr>>,
    pub states: Vec<StateSpec>,
    pub groups: Vec<EveryGroup>,
    pub warnings: Vec<Diagnostic>,
}

/// Resolves the streams of a pattern and lays its elements out.
pub(super) fn flatten<'e>(
    input: &'e PatternInput,
    streams: &mut StreamLookup<'_>,
) -> Result<Elements<'e>, Vec<Diagnostic>> {
    let mut f = Flatten { kind: input.kind, streams, out: Elements::default(), findings: vec![] };
    f.element(&input.element, false);
    if f.findings.is_empty() && f.out.states.iter().all(StateSpec::is_optional) {
        let message = "the pattern would match without any event";
        f.findings.push(
            Diagnostic::error(Code::Invalid, span_of(&input.element), message)
                .with_help("at least one element must need an event: give it a minimum of 1"),
        );
    }
    if f.findings.is_empty() { Ok(f.out) } else { Err(f.findings) }
}

struct Flatten<'s, 'l, 'e> {
    kind: PatternKind,
    streams: &'s mut StreamLookup<'l>,
    out: Elements<'e>,
    findings: Vec<Diagnostic>,
}

impl<'e> Flatten<'_, '_, 'e> {
    fn element(&mut self, e: &'e PatternElement, in_every: bool) {
        match e {
            PatternElement::Stream(s) => {
                let side = self.side(s, None);
                self.out.states.push(StateSpec::Stream { side });
            }
            PatternElement::Count { stream, min, max, span } => {
                self.check_count(*min, *max, span.0);
                let side = self.side(stream, None);
                self.out.states.push(StateSpec::Count { side, min: *min, max: *max });
            }
            PatternElement::Logical { left, op, right, .. } => {
                let (left, right) = (self.logical_side(left), self.logical_side(right));
                if let (Some(left), Some(right)) = (left, right) {
                    self.out.states.push(StateSpec::Logical { op: *op, left, right });
                }
            }
            PatternElement::Absent { stream, waiting, span } => {
                // The parser lets `not X` without a time stand beside another stream only.
                let Some(time) = waiting else { return self.needs_time(span.0) };
                self.check_start(span.0);
                let side = self.side(stream, Some(Absence::For(time.millis())));
                self.out.states.push(StateSpec::Absent { side });
            }
            PatternElement::Chain(list) => list.iter().for_each(|e| self.element(e, in_every)),
            PatternElement::Every { inner, span } => self.every(inner, span.0, in_every),
        }
    }

    fn every(&mut self, inner: &'e PatternElement, at: Span, in_every: bool) {
        if in_every {
            let message = "`every` can't stand inside `every (…)`";
            let help = "repeat the outer group, or the inner elements, but not both";
            self.findings.push(Diagnostic::error(Code::Invalid, at, message).with_help(help));
        }
        let is_group = matches!(inner, PatternElement::Chain(_));
        if self.kind == PatternKind::Sequence && (is_group || !self.out.states.is_empty()) {
            let message = "in a sequence `every` repeats the first element, and nothing else";
            let help = "write `every` before the first element, without parentheses";
            self.findings.push(Diagnostic::error(Code::Invalid, at, message).with_help(help));
        }
        let first = self.out.states.len();
        self.element(inner, true);
        let last = self.out.states.len();
        if last == first {
            return;
        }
        if self.kind == PatternKind::Pattern && self.out.states[first].is_optional() {
            let message = "`every` has no effect before an element that may be skipped";
            let help =
                "the pattern matches once at most, as in Siddhi; give the count a minimum of 1";
            self.out.warnings.push(Diagnostic::warning(Code::Invalid, at, message).with_help(help));
        }
        self.out.groups.push(EveryGroup { first, last: last - 1 });
    }

    fn check_count(&mut self, min: u32, max: Option<u32>, at: Span) {
        let message = match max {
            Some(0) => "a count of at most 0 takes no event",
            Some(max) if min > max => "the minimum of the count is above its maximum",
            _ => return,
        };
        self.findings.push(Diagnostic::error(Code::Invalid, at, message));
    }

    fn needs_time(&mut self, at: Span) {
        let message = "how long must the stream stay quiet?";
        let help = "write `not S for 1 sec`, or `not S and e1=T`";
        self.findings.push(Diagnostic::error(Code::Invalid, at, message).with_help(help));
    }

    /// In a sequence what may be skipped is tried anew with every row, so that nothing behind it could have a
    /// clock.
    fn check_start(&mut self, at: Span) {
        let skipped = !self.out.states.is_empty()
            && self.out.states.iter().all(StateSpec::is_optional)
            && self.kind == PatternKind::Sequence;
        if skipped {
            let what = "`not` behind elements that may be skipped, at the start of a sequence,";
            self.findings.push(Diagnostic::not_supported(at, what));
        }
    }

    /// A side of `and`, `or`.
    fn logical_side(&mut self, e: &'e PatternElement) -> Option<usize> {
        match e {
            PatternElement::Stream(s) => Some(self.side(s, None)),
            PatternElement::Absent { stream, waiting, span } => {
                self.check_start(span.0);
                let absence = waiting.as_ref().map(|t| Absence::For(t.millis()));
                Some(self.side(stream, Some(absence.unwrap_or(Absence::Meanwhile))))
            }
            other => {
                let message = "`and` and `or` join two streams, nothing else";
                let finding = Diagnostic::error(Code::Invalid, span_of(other), message);
                self.findings.push(finding);
                None
            }
        }
    }

    /// A place for events of a stream.
    fn side(&mut self, s: &'e PatternStream, absent: Option<Absence>) -> usize {
        let port = match (self.streams)(&s.input.source) {
            Ok((stream, schema)) => self.port(stream, schema),
            Err(d) => {
                self.findings.push(d);
                0
            }
        };
        let filters = self.filters(s);
        let reference = s.reference.as_ref().map(|r| r.name.clone());
        let stream: Source = s.input.source.clone();
        let is_absent = absent.is_some();
        self.out.names.push(SideName { reference: reference.clone(), stream, is_absent });
        self.out.filters.push(filters);
        let state = self.out.states.len();
        let predicate = Predicate::default();
        self.out.sides.push(SideSpec { port, state, reference, predicate, absent });
        self.out.sides.len() - 1
    }

    fn port(&mut self, stream: usize, schema: SchemaRef) -> usize {
        let ports = &mut self.out.ports;
        ports.iter().position(|p| p.stream == stream).unwrap_or_else(|| {
            ports.push(PortSpec { stream, schema, kept: vec![] });
            ports.len() - 1
        })
    }

    fn filters(&mut self, s: &'e PatternStream) -> Vec<&'e Expr> {
        let mut filters = vec![];
        for h in &s.input.handlers {
            match h {
                Handler::Filter(e) => filters.push(e),
                Handler::Function(call) => {
                    let what = format!("`#{}` in a pattern", call.full_name());
                    self.findings.push(Diagnostic::not_supported(call.span.0, what));
                }
                Handler::Window(call) => {
                    let message = "a stream in a pattern takes no window";
                    let finding = Diagnostic::error(Code::Invalid, call.span.0, message);
                    self.findings.push(finding.with_help("limit the whole pattern by `within`"));
                }
            }
        }
        filters
    }
}

/// Where an element stands.
fn span_of(e: &PatternElement) -> Span {
    match e {
        PatternElement::Stream(s) | PatternElement::Count { stream: s, .. } => s.input.span.0,
        PatternElement::Logical { span, .. }
        | PatternElement::Absent { span, .. }
        | PatternElement::Every { span, .. } => span.0,
        PatternElement::Chain(list) => match (list.first(), list.last()) {
            (Some(a), Some(b)) => span_of(a).to(span_of(b)),
            _ => Span::default(),
        },
    }
}
