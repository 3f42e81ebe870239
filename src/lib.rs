//! Foreshock: an exact, columnar complex-event-processing engine that runs SiddhiQL.
pub mod aggregate;
pub mod error;
pub mod event;
pub mod expr;
pub mod io;
pub mod lang;
pub mod op;
pub mod plan;
pub mod state;
pub mod time;
pub mod window;
