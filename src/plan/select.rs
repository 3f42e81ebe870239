//! `select … group by … having … order by … limit … offset …` to a [`SelectSpec`].

use arrow::datatypes::SchemaRef;

use super::scope::{AGGREGATE_BASE, MAX_ATTRIBUTES, SelectScope, too_many};
use super::spec::{OrderKey, SelectSpec};
use super::visit;
use crate::error::{Code, Diagnostic};
use crate::event::Value;
use crate::expr::bind::{Scope, bind, bind_condition};
use crate::expr::tree::constant;
use crate::expr::types::schema_of;
use crate::expr::{TypedExpr, TypedKind};
use crate::lang::ast::{EventType, Expr, ExprKind, SelectItem, Selection};

/// A selection with names resolved; column numbers of aggregates are still provisional, because a
/// pattern finds out which columns it needs only while the selection is bound.
pub(super) struct Bound {
    names: Vec<String>,
    items: Vec<TypedExpr>,
    group_by: Vec<TypedExpr>,
    having: Option<TypedExpr>,
    order_by: Vec<OrderKey>,
    aggregates: Vec<super::spec::AggregateCall>,
    limit: Option<u64>,
    offset: Option<u64>,
}

/// Resolves the names of a selection. `all` are the columns of `select *`; `references` says whether
/// `having` may refer to events (of a pattern).
pub(super) fn bind_selection(
    s: &Selection,
    input: &mut dyn Scope,
    all: Vec<(String, TypedExpr)>,
    references: bool,
) -> Result<Bound, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut keep = |r: Result<TypedExpr, Vec<Diagnostic>>| r.map_err(|d| found.extend(d)).ok();
    let mut outputs = all;
    let mut group_by = Vec::new();
    let mut scope = SelectScope { input, aggregates: vec![], outputs: None, references };
    for item in s.items.iter().flatten() {
        if let Some(e) = keep(bind(&item.expr, &mut scope)) {
            outputs.push((item_name(item), e));
        }
    }
    for attr in &s.group_by {
        if let Some(e) = keep(scope.input.attribute(attr).map_err(|d| vec![d])) {
            group_by.push(e);
        }
    }
    scope.outputs = Some(outputs.clone());
    let having = s.having.as_ref().and_then(|h| keep(bind_condition(h, "`having`", &mut scope)));
    let aggregates = scope.aggregates;
    if outputs.len() > MAX_ATTRIBUTES || aggregates.len() > MAX_ATTRIBUTES {
        found.push(too_many(outputs.len().max(aggregates.len()), s.span.0));
        return Err(found);
    }
    duplicates(s, &outputs, &mut found);
    let order_by = order_keys(s, &outputs, &mut found);
    let limit = s.limit.as_ref().and_then(|e| count(e, "limit", scope.input, &mut found));
    let offset = s.offset.as_ref().and_then(|e| count(e, "offset", scope.input, &mut found));
    if !found.is_empty() {
        return Err(found);
    }
    let (names, items) = outputs.into_iter().unzip();
    Ok(Bound { names, items, group_by, having, order_by, aggregates, limit, offset })
}

impl Bound {
    /// Whether an aggregator is used.
    pub(super) fn aggregates(&self) -> bool {
        !self.aggregates.is_empty()
    }

    /// The finished spec over rows of `input`.
    pub(super) fn finish(self, input: SchemaRef, events: EventType) -> SelectSpec {
        let width = input.fields().len() as u16;
        let place = |e: &mut TypedExpr| {
            visit::columns(e, &mut |c| {
                if c.column >= AGGREGATE_BASE {
                    c.column = c.column - AGGREGATE_BASE + width;
                }
            });
        };
        let (mut items, mut having) = (self.items, self.having);
        items.iter_mut().chain(having.as_mut()).for_each(place);
        let output =
            schema_of(self.names.iter().map(String::as_str).zip(items.iter().map(|e| e.ty)));
        SelectSpec {
            input,
            aggregates: self.aggregates,
            group_by: self.group_by,
            items,
            having,
            order_by: self.order_by,
            limit: self.limit,
            offset: self.offset,
            events,
            output,
            keyed: false,
            windowed: false,
            every: false,
            joined: false,
        }
    }
}

impl SelectSpec {
    /// Visits every expression over the input rows (aggregate columns lie beyond the input's width).
    pub(super) fn each_expr(&mut self, f: &mut dyn FnMut(&mut TypedExpr)) {
        self.aggregates.iter_mut().flat_map(|a| a.args.iter_mut()).for_each(&mut *f);
        self.group_by.iter_mut().for_each(&mut *f);
        self.items.iter_mut().for_each(&mut *f);
        self.having.iter_mut().for_each(f);
    }

    /// The same over rows of `schema`, of which `columns` are its input.
    pub fn over(&self, columns: &[usize], schema: &SchemaRef) -> SelectSpec {
        let (own, wide) = (self.input.fields().len(), schema.fields().len());
        let mut select = SelectSpec { input: schema.clone(), ..self.clone() };
        select.each_expr(&mut |e| {
            e.visit_mut(&mut |e| {
                if let TypedKind::Column(c) = &mut e.kind {
                    let place = usize::from(c.column);
                    // Behind the input stand the aggregates.
                    let place = columns.get(place).copied().unwrap_or_else(|| place - own + wide);
                    c.column = place as u16;
                }
            });
        });
        select
    }

    /// Visits the place of every column it reads, of its input or (beyond that) of its aggregates.
    pub fn each_column(&self, f: &mut dyn FnMut(u16)) {
        let arguments = self.aggregates.iter().flat_map(|a| &a.args);
        let all = arguments.chain(&self.group_by).chain(&self.items).chain(&self.having);
        all.for_each(|e| e.each_column(&mut |c| f(c.column)));
    }
}

fn item_name(item: &SelectItem) -> String {
    match (&item.alias, &item.expr.kind) {
        (Some(alias), _) => alias.name.clone(),
        (None, ExprKind::Attr(a)) => a.name.name.clone(),
        // The parser demands an alias for everything else.
        (None, _) => String::new(),
    }
}

fn duplicates(s: &Selection, outputs: &[(String, TypedExpr)], found: &mut Vec<Diagnostic>) {
    for (i, (name, e)) in outputs.iter().enumerate() {
        if outputs[..i].iter().any(|(n, _)| n == name) {
            let span = s.items.as_ref().map_or(s.span.0, |_| e.span);
            let message = format!("the output attribute `{name}` is defined twice");
            found.push(
                Diagnostic::error(Code::Name, span, message)
                    .with_help("give one of them another name with `as`"),
            );
        }
    }
}

fn order_keys(
    s: &Selection,
    outputs: &[(String, TypedExpr)],
    found: &mut Vec<Diagnostic>,
) -> Vec<OrderKey> {
    let mut keys = Vec::new();
    for o in &s.order_by {
        let name = o.attr.name.name.as_str();
        match outputs.iter().position(|(n, _)| n == name) {
            Some(column) => keys.push(OrderKey { column, descending: o.descending }),
            None => found.push(
                Diagnostic::error(
                    Code::Name,
                    o.attr.span.0,
                    format!("`{name}` is not an output attribute of this query"),
                )
                .with_label("`order by` sees what `select` puts out")
                .with_nearest(name, outputs.iter().map(|(n, _)| n.as_str())),
            ),
        }
    }
    keys
}

fn count(e: &Expr, what: &str, scope: &mut dyn Scope, found: &mut Vec<Diagnostic>) -> Option<u64> {
    let value = match bind(e, scope) {
        Ok(e) => constant(&e),
        Err(d) => {
            found.extend(d);
            return None;
        }
    };
    match value {
        Some(Value::Int(n)) if n >= 0 => Some(n as u64),
        Some(Value::Long(n)) if n >= 0 => Some(n as u64),
        _ => {
            let message = format!("`{what}` needs a constant number of rows, 0 or more");
            found.push(Diagnostic::error(Code::Parameter, e.at(), message));
            None
        }
    }
}
