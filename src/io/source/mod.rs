//! Kinds of sources, one file each. Each exports a `SPEC`.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::Source;
use super::broker::Broker;
use super::options::{OptionSpec, Options};
use crate::error::{Diagnostic, Result};

pub mod file;
pub mod in_memory;

pub use in_memory::{Listening, TopicSource};

/// What a source is opened with, besides its options.
#[derive(Debug, Clone)]
pub struct SourceContext {
    /// The stream it feeds.
    pub stream: String,
    /// The stream's attributes, in the engine's types.
    pub schema: SchemaRef,
    /// What relative paths are relative to.
    pub directory: PathBuf,
    /// The engine's topics.
    pub broker: Arc<Broker>,
}

/// An opened source.
pub enum OpenSource {
    /// It is pulled.
    Rows(Box<dyn Source>),
    /// It is fed by whoever publishes under a topic.
    Topic(TopicSource),
}

/// A kind of source.
pub struct SourceSpec {
    /// The `type` of the annotation.
    pub name: &'static str,
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// A stream definition that uses it.
    pub example: &'static str,
    /// Its options.
    pub options: &'static [OptionSpec],
    /// Whether events come when others publish them (else it is read to its end).
    pub pushed: bool,
    /// The types of `@map` it takes; the first is the one it has without.
    pub maps: &'static [&'static str],
    /// Checks what `options::resolve` can't (against the stream's attributes).
    pub check: fn(&Options, &SchemaRef) -> Result<(), Diagnostic>,
    /// Opens it; the options passed `check`.
    pub open: fn(&Options, &SourceContext) -> Result<OpenSource>,
}

impl std::fmt::Debug for SourceSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SourceSpec({})", self.name)
    }
}
