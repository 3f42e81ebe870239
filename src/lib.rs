//! Foreshock: an exact, columnar complex-event-processing engine that runs SiddhiQL.
//!
//! The result of an application is a function of the ordered sequence of its input events and of
//! nothing else: not of batching, thread timing, wall-clock time or the machine.
//!
//! ```
//! use foreshock::App;
//!
//! let app = App::from_text(
//!     "define stream Txns (card string, amount double);
//!      from every e1=Txns[amount < 5.0] -> e2=Txns[card == e1.card and amount > 500.0] within 1 min
//!      select e1.card, e2.amount insert into Alerts;",
//! )?;
//! app.subscribe("Alerts", |alerts| print!("{alerts}"))?;
//! let txns = app.input("Txns")?;
//! txns.send_at(1_000, ("4711", 1.0))?;
//! txns.send_at(9_000, ("4711", 900.0))?; // prints Alerts{card: 4711, amount: 900.0}
//! # Ok::<(), foreshock::Error>(())
//! ```

pub mod aggregate;
pub mod bench;
pub mod error;
pub mod event;
pub mod expr;
pub mod io;
pub mod lang;
pub mod op;
pub mod pattern;
pub mod plan;
pub mod registry;
pub mod runtime;
pub mod state;
pub mod time;
pub mod window;

pub use error::{Code, Diagnostic, Error, Result, Severity, Span};
pub use event::{Kind, Value};
pub use plan::{compile, compile_with};
pub use runtime::{
    App, AppOptions, ClockMode, Engine, EventTimeStats, Events, Input, InputStats, IntoRow,
    Latency, Lateness, LogLine, QueryStats, RunReport, Runner, SinkReport, SourceReport, Stall,
    Stats, Stopper, StreamInfo, StreamTime, Times,
};
