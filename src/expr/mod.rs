//! Typed expressions: SiddhiQL's types and null rules made explicit once, then lowered two ways:
//! columnar (DataFusion physical expressions, one row of one batch at a time) and by row (closures,
//! where one side lives in state).

pub mod bind;
pub mod columnar;
pub mod describe;
mod fold;
pub mod functions;
pub mod row;
pub mod rules;
pub mod tree;
pub mod types;

pub use bind::{Scope, bind, bind_condition};
pub use columnar::ColumnarExpr;
pub use describe::describe;
pub use row::{RowContext, RowExpr, RowRef};
pub use tree::{ColumnRef, TypedExpr, TypedKind, constant};

#[cfg(test)]
mod tests;
