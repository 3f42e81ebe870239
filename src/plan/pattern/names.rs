//! What names of events and attributes mean in a pattern.

use super::PatternBuilder;
use crate::error::{Code, Diagnostic, Span};
use crate::expr::functions::FunctionSpec;
use crate::lang::ast::{AttrRef, EventIndex, StreamMark};
use crate::pattern::spec::{EventRef, Pick, StateSpec};

/// Which event is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The event under test.
    Own,
    /// An event of the partial.
    Held(EventRef),
    /// None that could ever be there (`e1[3]` of a single event).
    Missing,
}

impl PatternBuilder<'_> {
    /// The side a reference or stream name means; the first one of that name that is not absent.
    pub(super) fn side_named(&self, mark: StreamMark, name: &str) -> Option<usize> {
        self.names.iter().position(|n| !n.is_absent && n.is_called(mark, name))
    }

    /// The side a bare name means as an event, if it isn't an attribute.
    pub(super) fn event_named(&self, name: &AttrRef, is_attribute: bool) -> Option<usize> {
        let bare = name.source.is_none() && name.second.is_none();
        // `e1[0]` can't be an attribute.
        let may_be = bare && (!is_attribute || name.index.is_some());
        if may_be { self.side_named(name.mark, &name.name.name) } else { None }
    }

    /// The event of `side` that an index means, in the filter of side `own` or behind the pattern.
    pub(super) fn target(
        &self,
        side: usize,
        index: Option<EventIndex>,
        own: Option<usize>,
    ) -> Target {
        let counts =
            matches!(self.spec.states[self.spec.sides[side].state], StateSpec::Count { .. });
        let held = |pick| Target::Held(EventRef { side, pick });
        match (counts, own == Some(side), index) {
            (_, true, None) | (false, true, Some(EventIndex::At(0))) => Target::Own,
            (false, true, Some(_)) => Target::Missing,
            (false, false, None | Some(EventIndex::At(0) | EventIndex::Last(0))) => {
                held(Pick::Last(0))
            }
            (false, false, Some(_)) => Target::Missing,
            (true, _, Some(EventIndex::At(i))) => held(Pick::First(i)),
            (true, _, Some(EventIndex::Last(i))) => held(Pick::Last(i)),
            (true, false, None) => held(Pick::Last(0)),
        }
    }

    /// The side in front of the dot of `e1.price`, in the filter of side `own` or behind the pattern.
    pub(super) fn side_of(
        &self,
        name: &AttrRef,
        own: Option<usize>,
    ) -> Result<Option<usize>, Diagnostic> {
        if name.second.is_some() {
            return Err(Diagnostic::not_supported(name.span.0, "a two-level reference"));
        }
        let Some(source) = &name.source else { return Ok(None) };
        let is_own = |own: &usize| self.names[*own].is_called(source.mark, &source.name.name);
        match self.side_named(source.mark, &source.name.name).or(own.filter(is_own)) {
            Some(side) => Ok(Some(side)),
            None => Err(self.unknown_event(&source.name.name, source.name.at())),
        }
    }

    pub(super) fn unknown_event(&self, name: &str, at: Span) -> Diagnostic {
        let message = format!("the pattern has no event `{name}`");
        let finding = Diagnostic::error(Code::Name, at, message).with_label("not found");
        // Whoever writes the stream's name where the event has one of its own.
        match self.names.iter().find(|n| n.stream.name.name == name) {
            Some(n) if n.is_absent => {
                finding.with_help(format!("`not {name}` is matched by no event of `{name}`"))
            }
            Some(n) => {
                finding.with_help(format!("the event of `{name}` is called `{}`", n.shown()))
            }
            None => {
                let present = self.names.iter().filter(|n| !n.is_absent);
                finding.with_nearest(name, present.map(|n| n.shown()))
            }
        }
    }

    pub(super) fn unknown_attribute(&self, side: usize, name: &str, at: Span) -> Diagnostic {
        let schema = &self.spec.ports[self.spec.sides[side].port].schema;
        let stream = &self.names[side].stream.name.name;
        let message = format!("stream `{stream}` has no attribute `{name}`");
        Diagnostic::error(Code::Name, at, message)
            .with_label("not found")
            .with_nearest(name, schema.fields().iter().map(|f| f.name().as_str()))
    }

    /// How an event is written.
    pub(super) fn shown(&self, event: EventRef) -> String {
        let name = self.names[event.side].shown();
        let counts =
            matches!(self.spec.states[self.spec.sides[event.side].state], StateSpec::Count { .. });
        match (counts, event.pick) {
            (false, _) => name.to_string(),
            (true, Pick::First(i)) => format!("{name}[{i}]"),
            (true, Pick::Last(0)) => format!("{name}[last]"),
            (true, Pick::Last(i)) => format!("{name}[last-{i}]"),
        }
    }

    pub(super) fn find_function(
        &self,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&'static FunctionSpec> {
        self.functions.iter().copied().find(|f| f.namespace == namespace && f.name == name)
    }

    pub(super) fn all_functions(&self) -> Vec<String> {
        self.functions.iter().map(|f| f.full_name()).collect()
    }
}
