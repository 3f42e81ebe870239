//! Patterns and sequences: states, what decides about an event alone, how partial matches are found,
//! and what is left to decide by row.

use super::Op;
use super::names::{Columns, duration, enumerate};
use crate::expr::describe::{self, Names};
use crate::expr::{ColumnRef, TypedExpr, TypedKind};
use crate::lang::ast::{BinaryOp, LogicalOp, PatternKind};
use crate::pattern::PatternSpec;
use crate::pattern::spec::{Absence, EqualKey, EventRef, KeyClass, Pick, StateSpec};
use crate::plan::graph::Plan;

/// A pattern or sequence.
pub(super) fn pattern(plan: &Plan, spec: &PatternSpec) -> Op {
    let view = View { plan, spec };
    let kind = match spec.kind {
        PatternKind::Pattern => "pattern",
        PatternKind::Sequence => "sequence",
    };
    let mut op = Op::new(kind, view.chain());
    op = match spec.within {
        Some(ms) => op
            .fact("within", duration(ms))
            .remark("state", "older partial matches are freed as events come"),
        None => op.remark("state", "no `within`: partial matches wait for ever"),
    };
    op = op.remark("visits", view.visits());
    if spec.keyed {
        op = op.fact("partition", "events of one key match");
    }
    if let Some(most) = spec.max_partials {
        op = op.fact("limit", format!("{most} open partial matches"));
    }
    op = op.fact("keeps", view.kept());
    op.parts = (0..spec.states.len()).map(|i| view.state(i)).collect();
    op
}

struct View<'a> {
    plan: &'a Plan,
    spec: &'a PatternSpec,
}

impl View<'_> {
    fn stream(&self, side: usize) -> String {
        let port = &self.spec.ports[self.spec.sides[side].port];
        self.plan.streams[port.stream].full_name()
    }

    /// How a side is called: its reference, else its stream, numbered where that isn't enough.
    fn name(&self, side: usize) -> String {
        let s = &self.spec.sides[side];
        if let Some(reference) = &s.reference {
            return reference.clone();
        }
        let same = |o: &&crate::pattern::spec::SideSpec| o.reference.is_none() && o.port == s.port;
        let stream = self.stream(side);
        match self.spec.sides.iter().filter(same).count() {
            1 => stream,
            _ => format!("{stream}({})", s.state + 1),
        }
    }

    fn event(&self, e: EventRef) -> String {
        let name = self.name(e.side);
        let state = self.spec.states[self.spec.sides[e.side].state];
        match (matches!(state, StateSpec::Count { .. }), e.pick) {
            (false, _) => name,
            (true, Pick::First(i)) => format!("{name}[{i}]"),
            (true, Pick::Last(0)) => format!("{name}[last]"),
            (true, Pick::Last(i)) => format!("{name}[last - {i}]"),
        }
    }

    /// `e1=S`, `not S for 1 sec`.
    fn element(&self, side: usize) -> String {
        let s = &self.spec.sides[side];
        match (&s.reference, s.absent) {
            (_, Some(Absence::For(ms))) => {
                format!("not {} for {}", self.stream(side), duration(ms))
            }
            (_, Some(Absence::Meanwhile)) => format!("not {}", self.stream(side)),
            (Some(r), None) => format!("{r}={}", self.stream(side)),
            (None, None) => self.stream(side),
        }
    }

    fn state_text(&self, state: usize) -> String {
        match self.spec.states[state] {
            StateSpec::Stream { side } | StateSpec::Absent { side } => self.element(side),
            StateSpec::Count { side, min, max } => {
                let max = max.map_or(String::new(), |m| m.to_string());
                format!("{}<{min}:{max}>", self.element(side))
            }
            StateSpec::Logical { op, left, right } => {
                let op = if op == LogicalOp::And { "and" } else { "or" };
                format!("{} {op} {}", self.element(left), self.element(right))
            }
        }
    }

    /// The whole chain, as written but for the filters.
    fn chain(&self) -> String {
        let arrow = match self.spec.kind {
            PatternKind::Pattern => " -> ",
            PatternKind::Sequence => ", ",
        };
        let mut out = String::new();
        for i in 0..self.spec.states.len() {
            if i > 0 {
                out.push_str(arrow);
            }
            let logical = matches!(self.spec.states[i], StateSpec::Logical { .. });
            let begins = self.spec.groups.iter().find(|g| g.first == i);
            let ends = self.spec.groups.iter().find(|g| g.last == i && g.last > g.first);
            match begins {
                Some(g) if g.last > g.first => out.push_str("every ("),
                Some(_) => out.push_str("every "),
                None => {}
            }
            let alone = logical && (self.spec.states.len() > 1 || begins.is_some());
            let (open, close) = if alone { ("(", ")") } else { ("", "") };
            out.push_str(&format!("{open}{}{close}", self.state_text(i)));
            if ends.is_some() {
                out.push(')');
            }
        }
        out
    }

    /// Which rows the automaton looks at.
    fn visits(&self) -> String {
        if self.spec.kind == PatternKind::Sequence {
            return "every row of its streams: one that fits nowhere ends what is open".into();
        }
        let whole = |port: usize| {
            let mut sides = self.spec.sides.iter().filter(|s| s.port == port);
            sides.any(|s| s.predicate.event.is_none())
        };
        let ports = 0..self.spec.ports.len();
        let (all, some): (Vec<_>, Vec<_>) = ports.partition(|p| whole(*p));
        let names = |ports: Vec<usize>| -> Vec<String> {
            ports
                .iter()
                .map(|p| self.plan.streams[self.spec.ports[*p].stream].full_name())
                .collect()
        };
        let masked = "rows that the bitmap of some state has set";
        match (names(all), names(some)) {
            (all, some) if all.is_empty() && some.len() == 1 => masked.into(),
            (all, some) if all.is_empty() => format!("{masked} ({})", some.join(", ")),
            (all, some) if some.is_empty() => format!("every row of {}", enumerate(&all, "and")),
            (all, some) => format!(
                "every row of {}; of {} {masked}",
                enumerate(&all, "and"),
                enumerate(&some, "and")
            ),
        }
    }

    /// Columns that are kept with captured events.
    fn kept(&self) -> String {
        let of = |p: &crate::pattern::spec::PortSpec| {
            let mut columns = p.kept.clone();
            columns.sort_unstable();
            let names = columns.iter().map(|c| p.schema.field(*c).name().clone());
            let names: Vec<String> = names.collect();
            let stream = self.plan.streams[p.stream].full_name();
            if names.is_empty() {
                format!("only the time of {stream}")
            } else {
                format!("{} of {stream}", names.join(", "))
            }
        };
        // Of streams that are only ever absent nothing is held.
        let held =
            |port: usize| self.spec.sides.iter().any(|s| s.port == port && s.absent.is_none());
        let ports = self.spec.ports.iter().enumerate().filter(|(i, _)| held(*i));
        match ports.map(|(_, p)| of(p)).collect::<Vec<_>>().join("; ") {
            none if none.is_empty() => "nothing".into(),
            kept => kept,
        }
    }

    fn state(&self, i: usize) -> Op {
        let kind = format!("state {}", i + 1);
        let op = match self.spec.states[i] {
            StateSpec::Stream { side } => {
                self.side(Op::new(kind, format!("{}, one event", self.element(side))), side)
            }
            StateSpec::Count { side, min, max } => {
                let many = match (min, max) {
                    (0, Some(1)) => "one event or none".to_string(),
                    (0, None) => "any number of events".to_string(),
                    (1, None) => "one event or more".to_string(),
                    (min, None) => format!("{min} events or more"),
                    (1, Some(1)) => "one event".to_string(),
                    (min, Some(max)) if min == max => format!("{min} events"),
                    (min, Some(max)) => format!("{min} to {max} events"),
                };
                self.side(Op::new(kind, format!("{}, {many}", self.element(side))), side)
            }
            StateSpec::Absent { side } => {
                self.side(Op::new(kind, format!("no event of {}", self.stream(side))), side)
            }
            StateSpec::Logical { op, left, right } => {
                let which = match op {
                    LogicalOp::And if self.watches(i) => "both sides, in any order",
                    LogicalOp::Or if self.watches(i) => "either side",
                    LogicalOp::And => "one event of each, in any order",
                    LogicalOp::Or => "one event of either",
                };
                let mut op = Op::new(kind, which);
                for side in [left, right] {
                    op.parts.push(self.side(Op::new(self.name(side), self.element(side)), side));
                }
                op
            }
        };
        match self.spec.groups.iter().find(|g| (g.first..=g.last).contains(&i)) {
            Some(g) if g.first == i && g.first == g.last && self.watches(i) => {
                op.remark("every", "begins anew when it has matched")
            }
            Some(g) if g.first == i && g.first == g.last => {
                op.remark("every", "each event that fits starts a match of its own")
            }
            Some(g) if g.first == i => op.remark(
                "every",
                format!("begins anew when states {} to {} have matched", g.first + 1, g.last + 1),
            ),
            _ => op,
        }
    }

    /// What the predicate of a side comes to.
    fn side(&self, op: Op, side: usize) -> Op {
        let s = &self.spec.sides[side];
        let p = &s.predicate;
        let schema = &self.spec.ports[s.port].schema;
        let own = Columns::of(schema);
        let op = match s.absent {
            Some(absence) => self.timer(op, side, absence),
            None => op,
        };
        let mut op = match &p.event {
            Some(e) => op.fact("bitmap", own.describe(e)),
            None if p.across.is_some() => {
                op.remark("bitmap", "none: no condition looks at the event alone")
            }
            None => op.remark("bitmap", "none: any event fits"),
        };
        let across = p.across.clone().map_or_else(Vec::new, TypedExpr::conjuncts);
        let (keys, rest): (Vec<_>, Vec<_>) =
            across.into_iter().partition(|e| p.equal.iter().any(|k| is_key(e, k, &p.sources)));
        let mut hashed: Vec<String> = p.equal.iter().map(|k| self.key(side, k)).collect();
        debug_assert!(keys.len() >= hashed.len(), "every key is a conjunct");
        if self.spec.keyed {
            hashed.insert(0, "partition key".into());
        }
        // A sequence has a handful of partial matches per key, and an empty start is none.
        let starts = s.state == 0 && matches!(self.spec.states[0], StateSpec::Stream { .. });
        let searched = self.spec.kind == PatternKind::Pattern && !starts;
        if searched && !hashed.is_empty() {
            op = op.fact("lookup", format!("hash of {}", hashed.join(", ")));
        } else if searched && !rest.is_empty() {
            op = op.remark("lookup", "every partial match that waits here: no equality to index");
        } else if searched && s.absent.is_some() {
            op = op.remark("lookup", "every partial match that waits here");
        } else if searched {
            op = op.remark("lookup", "every partial match that waits here takes the event");
        }
        let names = Across { view: self, side };
        // Where nothing is searched, the equalities are tested like all the rest.
        let by_row = if searched { rest } else { keys.into_iter().chain(rest).collect() };
        if !by_row.is_empty() {
            let tests: Vec<String> = by_row
                .iter()
                .map(|e| conjunct(&describe::describe(e, &names).to_string(), e))
                .collect();
            op = op.fact("by row", tests.join(" and "));
        }
        op
    }

    /// Whether a side of the state is absent.
    fn watches(&self, state: usize) -> bool {
        let (from, to) = self.spec.states[state].sides();
        self.spec.sides[from..to].iter().any(|s| s.absent.is_some())
    }

    /// What an absent side waits for, and from when.
    fn timer(&self, op: Op, side: usize, absence: Absence) -> Op {
        let Absence::For(ms) = absence else {
            return op.remark("absent", "until the other side comes; an event that fits ends it");
        };
        let state = self.spec.sides[side].state;
        let at_start = self.spec.states[..state].iter().all(StateSpec::is_optional);
        let from = match (at_start, self.spec.keyed) {
            (false, _) => "the event before it",
            (true, false) => "the start of the application",
            (true, true) => "when the key comes into being",
        };
        let what = if at_start { "starts it anew" } else { "ends it" };
        op.fact("timer", format!("{} from {from}; an event that fits {what}", duration(ms)))
    }

    /// `card == e1.card (string)`.
    fn key(&self, side: usize, k: &EqualKey) -> String {
        let schema = &self.spec.ports[self.spec.sides[side].port].schema;
        let held = &self.spec.ports[self.spec.sides[k.partial.side].port];
        let class = match k.class {
            KeyClass::Integer => "long",
            KeyClass::Float => "float",
            KeyClass::Double => "double",
            KeyClass::Bool => "bool",
            KeyClass::Text => "string",
        };
        let column = held.schema.field(held.kept[k.column]).name();
        let event = self.event(k.partial);
        format!("{} == {event}.{column} ({class})", schema.field(k.event).name())
    }
}

/// Puts an `or` among conjuncts into parentheses.
fn conjunct(text: &str, e: &TypedExpr) -> String {
    match e.kind {
        TypedKind::Binary { op: BinaryOp::Or, .. } => format!("({text})"),
        _ => text.to_string(),
    }
}

/// Whether `e` is the equality of this key.
fn is_key(e: &TypedExpr, k: &EqualKey, sources: &[EventRef]) -> bool {
    let TypedKind::Binary { op: BinaryOp::Eq, left, right } = &e.kind else { return false };
    let (TypedKind::Column(a), TypedKind::Column(b)) = (&left.kind, &right.kind) else {
        return false;
    };
    let (event, partial) = if a.source == 0 { (a, b) } else { (b, a) };
    let held = usize::from(partial.source).checked_sub(1).and_then(|s| sources.get(s));
    event.source == 0
        && usize::from(event.column) == k.event
        && held == Some(&k.partial)
        && usize::from(partial.column) == k.column
}

/// Names in the condition of a side that looks at other events: source 0 is the event under test.
struct Across<'a> {
    view: &'a View<'a>,
    side: usize,
}

impl Across<'_> {
    fn held(&self, source: u16) -> Option<EventRef> {
        let sources = &self.view.spec.sides[self.side].predicate.sources;
        sources.get(usize::from(source).checked_sub(1)?).copied()
    }
}

impl Names for Across<'_> {
    fn column(&self, c: ColumnRef) -> String {
        let spec = self.view.spec;
        let field = |port: usize, column: usize| {
            let fields = spec.ports[port].schema.fields();
            fields.get(column).map_or("?", |f| f.name().as_str()).to_string()
        };
        if c.source == 0 {
            return field(spec.sides[self.side].port, usize::from(c.column));
        }
        let Some(held) = self.held(c.source) else {
            // An event that can't be there (`e1[3]` of a single event): always null.
            return "null".into();
        };
        let port = spec.sides[held.side].port;
        let column = spec.ports[port].kept.get(usize::from(c.column)).copied();
        format!("{}.{}", self.view.event(held), field(port, column.unwrap_or(usize::MAX)))
    }

    fn source(&self, source: u16) -> String {
        if source == 0 {
            return self.view.name(self.side);
        }
        self.held(source).map_or("no event".into(), |e| self.view.event(e))
    }
}
