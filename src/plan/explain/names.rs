//! Columns by name, expressions and spans of time as text.

use arrow::datatypes::{Schema, SchemaRef};

use crate::expr::describe::{self, Names};
use crate::expr::types::attr_type;
use crate::expr::{ColumnRef, TypedExpr};
use crate::plan::spec::SelectSpec;

pub(super) use crate::window::duration;

/// Names of columns by number.
pub(super) struct Columns(pub Vec<String>);

impl Names for Columns {
    fn column(&self, c: ColumnRef) -> String {
        self.0.get(c.column as usize).cloned().unwrap_or_else(|| format!("column {}", c.column))
    }

    fn source(&self, _: u16) -> String {
        "event".into()
    }
}

impl Columns {
    /// The columns of a schema.
    pub fn of(schema: &Schema) -> Self {
        Self(schema.fields().iter().map(|f| f.name().clone()).collect())
    }

    /// The columns a selector reads, with its aggregates behind them.
    pub fn of_select(s: &SelectSpec) -> Self {
        let mut names = Self::of(&s.input);
        let aggregates: Vec<String> = s
            .aggregates
            .iter()
            .map(|a| format!("{}({})", a.spec.name, names.list(&a.args)))
            .collect();
        names.0.extend(aggregates);
        names
    }

    /// An expression over these columns as SiddhiQL.
    pub fn describe(&self, e: &TypedExpr) -> String {
        describe::describe(e, self).to_string()
    }

    /// Expressions with commas between them.
    pub fn list(&self, exprs: &[TypedExpr]) -> String {
        exprs.iter().map(|e| self.describe(e)).collect::<Vec<_>>().join(", ")
    }
}

/// `name type` of each column.
pub(super) fn attributes(schema: &SchemaRef) -> Vec<(String, String)> {
    let of = |f: &arrow::datatypes::FieldRef| {
        let ty = attr_type(f.data_type()).map_or(String::new(), |t| t.to_string());
        (f.name().clone(), ty)
    };
    schema.fields().iter().map(of).collect()
}

/// `a string, b int`.
pub(super) fn signature(schema: &SchemaRef) -> String {
    let of = |(name, ty): (String, String)| format!("{name} {ty}");
    attributes(schema).into_iter().map(of).collect::<Vec<_>>().join(", ")
}

/// `a, b and c`.
pub(super) fn enumerate(names: &[String], last: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}
