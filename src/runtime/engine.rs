//! [`Engine`]: what applications share: where `#log` goes.

use std::sync::Arc;

use super::app::{App, AppOptions};
use crate::error::Result;
use crate::op::chain::LogSink;

/// A line that `#log` writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// `TRACE` … `FATAL`, `OFF`.
    pub priority: String,
    /// The text, with the application's name in front.
    pub text: String,
}

/// Log lines to a closure.
struct ToClosure<F>(F);

impl<F: Fn(LogLine) + Send + Sync> LogSink for ToClosure<F> {
    fn write(&self, priority: &str, line: &str) {
        (self.0)(LogLine { priority: priority.into(), text: line.into() });
    }
}

/// What operators are built with.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) log: Arc<dyn LogSink>,
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
    /// An engine whose `#log` writes to standard error.
    pub fn new() -> Self {
        Self::with_log(|line: LogLine| eprintln!("{} {}", line.priority, line.text))
    }

    /// An engine whose `#log` goes to `log`.
    pub fn with_log(log: impl Fn(LogLine) + Send + Sync + 'static) -> Self {
        Self { services: Services { log: Arc::new(ToClosure(log)) } }
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
