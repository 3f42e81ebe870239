//! [`Engine`]: what applications share: where log lines go, and the topics of `inMemory`.

use std::sync::Arc;

use super::analyze::Profile;
use super::app::{App, AppOptions};
use crate::error::Result;
use crate::event::Moment;
use crate::io::broker::Broker;
use crate::io::sink::{LogTarget, Priority};
use crate::op::chain::LogSink;

/// A line that `#log` or a `log` sink writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// `TRACE` … `FATAL`.
    pub priority: String,
    /// The text, with the application's name in front.
    pub text: String,
}

/// Log lines to a closure.
struct ToClosure<F>(F);

impl<F: Fn(LogLine) + Send + Sync> LogTarget for ToClosure<F> {
    fn line(&self, _when: Moment, priority: Priority, text: &str) -> Result<()> {
        (self.0)(LogLine { priority: priority.name().into(), text: text.into() });
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }
}

/// The lines of `#log` go where those of `log` sinks go.
struct OfQueries(Arc<dyn LogTarget>);

impl LogSink for OfQueries {
    fn write(&self, when: Moment, priority: &str, line: &str) {
        if let Some(priority) = Priority::from_name(priority) {
            // A log that can't be written doesn't stop queries; its target tells when it is flushed.
            let _ = self.0.line(when, priority, line);
        }
    }
}

/// What operators, sources and sinks are built with.
#[derive(Clone)]
pub(super) struct Services {
    /// For operators.
    pub(super) log: Arc<dyn LogSink>,
    /// For sinks.
    pub(super) target: Arc<dyn LogTarget>,
    pub(super) broker: Arc<Broker>,
    /// Where operators are watched; none = they are not.
    pub(super) profile: Option<Arc<Profile>>,
}

/// Creates applications that share services.
#[derive(Clone)]
pub struct Engine {
    services: Services,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine whose log goes to standard error.
    pub fn new() -> Self {
        Self::with_log(|line: LogLine| eprintln!("{} {}", line.priority, line.text))
    }

    /// An engine whose log goes to a closure.
    pub fn with_log(log: impl Fn(LogLine) + Send + Sync + 'static) -> Self {
        Self::with_log_target(Arc::new(ToClosure(log)))
    }

    /// An engine whose log goes to `target`, which is flushed when sinks are.
    pub fn with_log_target(target: Arc<dyn LogTarget>) -> Self {
        let log = Arc::new(OfQueries(Arc::clone(&target)));
        Self { services: Services { log, target, broker: Broker::new(), profile: None } }
    }

    /// The topics that `inMemory` sources and sinks of all its applications share.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.services.broker
    }

    /// Compiles an application and makes it ready to run.
    ///
    /// # Errors
    /// [`crate::Error::Query`] with all diagnostics, if the text is wrong.
    pub fn app(&self, text: &str, options: AppOptions) -> Result<App> {
        App::create(text, options, &self.services)
    }

    /// An application in the state of a snapshot taken from one of the same text.
    ///
    /// # Errors
    /// As [`Engine::app`]; [`crate::Error::Snapshot`] if the snapshot is damaged or of another
    /// application.
    pub fn restore(&self, text: &str, options: AppOptions, snapshot: &[u8]) -> Result<App> {
        let app = self.app(text, options)?;
        app.restore_state(snapshot)?;
        Ok(app)
    }
}
