//! `@source(type='inMemory', topic='…')`: events published under a topic of the engine's broker, by
//! `inMemory` sinks of any of its applications or by the host program. Attributes go by position, as
//! with Siddhi's `passThrough` mapping.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{OpenSource, SourceContext, SourceSpec};
use crate::error::{Error, Result};
use crate::io::broker::{Broker, Mailbox, Message, SubscriptionId};
use crate::io::options::{OptionSpec, OptionType, Options};

/// The kind.
pub static SPEC: SourceSpec = SourceSpec {
    name: "inMemory",
    doc: "Takes events published under a topic within the engine; their attributes go by position.",
    example: "@source(type='inMemory', topic='quotes')\n\
              define stream Quotes (symbol string, price double);",
    options: &[OptionSpec {
        name: "topic",
        aliases: &[],
        ty: OptionType::Text,
        required: true,
        default: None,
        doc: "The topic.",
    }],
    check: |_, _| Ok(()),
    open,
};

fn open(options: &Options, context: &SourceContext) -> Result<OpenSource> {
    let topic = options.get("topic").unwrap_or_default();
    Ok(OpenSource::Topic(TopicSource::new(topic, context.schema.clone(), &context.broker)))
}

/// A subscription to a topic for the rows of one stream; ends when dropped.
#[derive(Debug)]
pub struct TopicSource {
    topic: String,
    schema: SchemaRef,
    mailbox: Arc<Mailbox>,
    broker: Arc<Broker>,
    subscription: SubscriptionId,
}

impl TopicSource {
    /// Subscribes.
    pub fn new(topic: &str, schema: SchemaRef, broker: &Arc<Broker>) -> Self {
        let mailbox = Mailbox::new();
        let subscription = broker.subscribe(topic, mailbox.clone());
        Self { topic: topic.to_string(), schema, mailbox, broker: Arc::clone(broker), subscription }
    }

    /// The number of the oldest message that waits, to take messages of several sources in order.
    pub fn next_sequence(&self) -> Option<u64> {
        self.mailbox.next_sequence()
    }

    /// Takes the oldest message that waits, its columns under the stream's schema.
    ///
    /// # Errors
    /// If its attributes have other types than the stream's (the message is gone then).
    pub fn take(&self) -> Result<Option<Message>> {
        let Some(message) = self.mailbox.take() else { return Ok(None) };
        let (rows, theirs) = (&message.columns, message.columns.schema());
        let fits = theirs.fields().len() == self.schema.fields().len()
            && theirs
                .fields()
                .iter()
                .zip(self.schema.fields())
                .all(|(a, b)| a.data_type() == b.data_type());
        if !fits {
            return Err(Error::Data(format!(
                "topic `{}`: events of {} don't fit a stream of {}",
                self.topic,
                attributes(&theirs),
                attributes(&self.schema)
            )));
        }
        let columns = RecordBatch::try_new(self.schema.clone(), rows.columns().to_vec())?;
        Ok(Some(Message { columns, ..message }))
    }
}

fn attributes(schema: &SchemaRef) -> String {
    let names = schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type()));
    format!("({})", names.collect::<Vec<_>>().join(", "))
}

impl Drop for TopicSource {
    fn drop(&mut self) {
        self.broker.unsubscribe(self.subscription);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, StringViewArray};
    use arrow::datatypes::{DataType, Field, Schema};

    fn schema(name: &str, ty: DataType) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new(name, ty, true)]))
    }

    #[test]
    fn columns_go_by_position_and_types_must_agree() {
        let broker = Broker::new();
        let source = TopicSource::new("t", schema("price", DataType::Int32), &broker);
        let send = |rows: RecordBatch| broker.publish("t", rows, vec![5].into(), None).unwrap();
        let ints = Arc::new(Int32Array::from(vec![7]));
        send(RecordBatch::try_new(schema("other", DataType::Int32), vec![ints]).unwrap());
        let text = Arc::new(StringViewArray::from(vec!["x"]));
        send(RecordBatch::try_new(schema("price", DataType::Utf8View), vec![text]).unwrap());
        let message = source.take().unwrap().unwrap();
        assert_eq!(message.columns.schema().field(0).name(), "price");
        assert_eq!(message.ts[..], [5]);
        assert_eq!(
            source.take().unwrap_err().to_string(),
            "topic `t`: events of (price Utf8View) don't fit a stream of (price Int32)"
        );
        assert!(source.take().unwrap().is_none());
        drop(source);
        let ints = Arc::new(Int32Array::from(vec![7]));
        let rows = RecordBatch::try_new(schema("other", DataType::Int32), vec![ints]).unwrap();
        assert_eq!(broker.publish("t", rows, vec![5].into(), None).unwrap(), 0);
    }
}
