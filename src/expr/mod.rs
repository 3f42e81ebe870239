//! Typed expressions: SiddhiQL's types and null rules made explicit once, then lowered two ways:
//! columnar (DataFusion physical expressions, one row of one batch at a time) and by row (closures,
//! where one side lives in state).

pub mod columnar;
pub mod functions;
pub mod tree;
pub mod types;

pub use tree::{ColumnRef, TypedExpr, TypedKind};
