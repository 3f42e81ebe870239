//! The benchmarking harness: seeded workloads, eight queries, and for each the hand-written loop that
//! marks what the hardware allows.
//!
//! A rate by itself means little on a shared machine; a ratio measured in one interleaved run does.
//! So [`closed::run`] runs the engine and the loop in turns over the same Arrow input, holds their
//! outputs to be equal, row for row and bit for bit, and reports the quotient of their CPU times.
//!
//! ```
//! use foreshock::bench::{Query, closed};
//!
//! let setup = closed::Setup { events: 2_000, repetitions: 1, ..closed::Setup::new(Query::Q2, 64) };
//! let result = closed::run(&setup)?;
//! assert_eq!(result.rows_out, 2_000);
//! # Ok::<(), foreshock::Error>(())
//! ```

pub mod closed;
pub mod digest;
pub mod feed;
pub mod limit;
pub mod machine;
pub mod open;
pub mod plot;
pub mod query;
pub mod report;
mod singly;
pub mod subject;
pub mod workload;

pub use query::Query;
pub use workload::generate::Kind;
pub use workload::{Symbols, Workload};
