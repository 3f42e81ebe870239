//! `@sink(type='inMemory', topic='…')`: publishes events under a topic of the engine's broker. The
//! topic may name attributes, `{{symbol}}`, which are filled in for each event; the events of a chunk
//! are then published topic by topic, in the order in which the topics first appear in it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{SinkContext, SinkSpec};
use crate::error::{Code, Diagnostic, Error, Result};
use crate::event::{Chunks, EventBatch, Value};
use crate::io::Sink;
use crate::io::broker::Broker;
use crate::io::format::text::push_java;
use crate::io::options::{OptionSpec, OptionType, Options};

/// The kind.
pub static SPEC: SinkSpec = SinkSpec {
    name: "inMemory",
    doc: "Publishes events under a topic within the engine.",
    example: "@sink(type='inMemory', topic='{{symbol}}-alerts')\n\
              define stream Alerts (symbol string, price double);",
    options: &[OptionSpec {
        name: "topic",
        aliases: &[],
        ty: OptionType::Text,
        required: true,
        default: None,
        doc: "The topic; `{{attribute}}` stands for an event's value.",
    }],
    maps: &["passThrough"],
    check: |options, schema| template(options, schema).map(|_| ()),
    open,
};

/// A piece of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Attribute(usize),
}

fn template(options: &Options, schema: &SchemaRef) -> Result<Vec<Piece>, Diagnostic> {
    let span = options.span("topic").unwrap_or_default();
    let (mut pieces, mut rest) = (vec![], options.get("topic").unwrap_or_default());
    while let Some((text, tail)) = rest.split_once("{{") {
        let Some((name, tail)) = tail.split_once("}}") else {
            let message = "`{{` in `topic` isn't closed by `}}`";
            return Err(Diagnostic::error(Code::Parameter, span, message));
        };
        let name = name.trim();
        let Some(index) = schema.fields().iter().position(|f| f.name() == name) else {
            let message = format!("`{name}` in `topic` is no attribute of the stream");
            let names = schema.fields().iter().map(|f| f.name().as_str());
            return Err(Diagnostic::error(Code::Name, span, message).with_nearest(name, names));
        };
        pieces.push(Piece::Text(text.to_string()));
        pieces.push(Piece::Attribute(index));
        rest = tail;
    }
    pieces.push(Piece::Text(rest.to_string()));
    Ok(pieces)
}

fn open(options: &Options, context: &SinkContext) -> Result<Box<dyn Sink>> {
    let topic = template(options, &context.schema).map_err(|d| Error::Query(vec![d]))?;
    Ok(Box::new(TopicSink { topic, broker: Arc::clone(&context.broker) }))
}

struct TopicSink {
    topic: Vec<Piece>,
    broker: Arc<Broker>,
}

impl TopicSink {
    fn topic_of(&self, batch: &EventBatch, row: usize) -> String {
        let mut topic = String::new();
        for piece in &self.topic {
            match piece {
                Piece::Text(text) => topic.push_str(text),
                Piece::Attribute(c) => {
                    let value = Value::from_array(batch.columns.column(*c).as_ref(), row);
                    push_java(&mut topic, &value);
                }
            }
        }
        topic
    }

    fn publish(&self, topic: &str, batch: &EventBatch) -> Result<()> {
        let (columns, ts) = (batch.columns.clone(), batch.ts.values().clone());
        self.broker.publish(topic, columns, ts, batch.chunks.clone()).map(|_| ())
    }

    /// Publishes one chunk, topic by topic.
    fn publish_chunk(&self, batch: &EventBatch) -> Result<()> {
        let mut topics: Vec<(String, Vec<u32>)> = vec![];
        for row in 0..batch.rows() {
            let topic = self.topic_of(batch, row);
            match topics.iter_mut().find(|(t, _)| *t == topic) {
                Some((_, rows)) => rows.push(row as u32),
                None => topics.push((topic, vec![row as u32])),
            }
        }
        for (topic, rows) in topics {
            let mut part = batch.take(&rows)?;
            part.chunks = Some(Chunks::new(vec![0, rows.len() as u32]));
            self.publish(&topic, &part)?;
        }
        Ok(())
    }
}

impl Sink for TopicSink {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        match self.topic.as_slice() {
            _ if batch.rows() == 0 => Ok(()),
            [Piece::Text(topic)] => self.publish(topic, batch),
            _ => batch
                .chunk_ranges()
                .try_for_each(|chunk| self.publish_chunk(&batch.slice(chunk.start, chunk.len()))),
        }
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
