//! The language: text to syntax tree and back.
//!
//! [`substitute`] replaces `${variables}`, [`parse`] makes the tree ([`ast`]) out of the tokens of
//! [`lexer`]. Nothing here knows Arrow or any name an application defines.

pub mod ast;
pub mod diagnostics;
pub mod lexer;
pub mod parse;
pub mod print;
mod substitute;

pub use parse::{
    Parsed, parse_app, parse_definition, parse_expression, parse_on_demand, parse_partition,
    parse_query, parse_stream_definition,
};
pub use substitute::{Substituted, substitute};
