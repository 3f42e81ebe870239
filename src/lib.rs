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
pub mod error;
pub mod event;
pub mod expr;
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
pub use runtime::{
    App, AppOptions, ClockMode, Engine, Events, Input, IntoRow, LogLine, QueryStats, Stats,
    StreamInfo, Times,
};

/// Text to plan: parses, resolves and schedules. Warnings come with the plan, all faults of one pass
/// together.
pub fn compile(text: &str) -> Result<(plan::Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let parsed = lang::parse_app(text);
    let mut found = parsed.diagnostics;
    let broken = found.iter().any(|d| d.severity == Severity::Error);
    match parsed.tree {
        None => Err(found),
        // What did parse is checked too, so that one pass shows as much as possible; names that only
        // the broken statements would have defined are not held against the rest.
        Some(tree) if broken => {
            if let Err(more) = plan::compile(&tree) {
                found.extend(
                    more.into_iter()
                        .filter(|d| d.severity == Severity::Error && d.code != Code::Name),
                );
            }
            found.sort_by_key(|d| d.span);
            Err(found)
        }
        Some(tree) => match plan::compile(&tree) {
            Ok((plan, warnings)) => {
                found.extend(warnings);
                Ok((plan, found))
            }
            Err(more) => {
                found.extend(more);
                found.sort_by_key(|d| d.span);
                Err(found)
            }
        },
    }
}
