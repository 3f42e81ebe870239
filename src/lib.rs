//! Foreshock: an exact, columnar complex-event-processing engine that runs SiddhiQL.
pub mod error;
pub mod lang;
