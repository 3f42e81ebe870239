//! Kinds of sinks, one file each. Each exports a `SPEC`.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::Sink;
use super::broker::Broker;
use super::options::{OptionSpec, Options};
use crate::error::{Diagnostic, Result};

pub mod file;
pub mod in_memory;
pub mod log;

pub use log::{LogTarget, Priority};

/// What a sink is opened with, besides its options.
#[derive(Clone)]
pub struct SinkContext {
    /// Name of the application.
    pub app: String,
    /// The stream whose events it gets.
    pub stream: String,
    /// The stream's attributes, in the engine's types.
    pub schema: SchemaRef,
    /// What relative paths are relative to.
    pub directory: PathBuf,
    /// The engine's topics.
    pub broker: Arc<Broker>,
    /// Where log lines go.
    pub log: Arc<dyn LogTarget>,
}

/// A kind of sink.
pub struct SinkSpec {
    /// The `type` of the annotation.
    pub name: &'static str,
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// A stream definition that uses it.
    pub example: &'static str,
    /// Its options.
    pub options: &'static [OptionSpec],
    /// Checks what `options::resolve` can't (against the stream's attributes).
    pub check: fn(&Options, &SchemaRef) -> Result<(), Diagnostic>,
    /// Opens it; the options passed `check`.
    pub open: fn(&Options, &SinkContext) -> Result<Box<dyn Sink>>,
}

impl std::fmt::Debug for SinkSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SinkSpec({})", self.name)
    }
}
