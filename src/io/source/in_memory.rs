//! `@source(type='inMemory', topic='…')`: events published under a topic of the engine's broker, by
//! `inMemory` sinks of any of its applications or by the host program. Attributes go by position, as
//! with Siddhi's `passThrough` mapping.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{OpenSource, SourceContext, SourceSpec};
use crate::error::{Error, Result};
use crate::io::broker::{Broker, Message, Subscriber, SubscriptionId};
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
    pushed: true,
    maps: &["passThrough"],
    check: |_, _| Ok(()),
    open,
};

fn open(options: &Options, context: &SourceContext) -> Result<OpenSource> {
    let topic = options.get("topic").unwrap_or_default();
    Ok(OpenSource::Topic(TopicSource::new(topic, context.schema.clone(), &context.broker)))
}

/// A topic whose messages become rows of one stream.
#[derive(Debug)]
pub struct TopicSource {
    topic: String,
    schema: SchemaRef,
    broker: Arc<Broker>,
}

impl TopicSource {
    /// The messages of `topic` as rows of `schema`.
    pub fn new(topic: &str, schema: SchemaRef, broker: &Arc<Broker>) -> Self {
        Self { topic: topic.to_string(), schema, broker: Arc::clone(broker) }
    }

    /// Calls `receive` with every message, in the publisher's thread, until the result is dropped.
    /// Its columns stand under the stream's schema; the publisher gets the error if they don't fit.
    pub fn listen<F>(self, receive: F) -> Listening
    where
        F: Fn(Message) -> Result<()> + Send + Sync + 'static,
    {
        let Self { topic, schema, broker } = self;
        let subscription = broker.subscribe(&topic, Arc::new(Receiver { schema, receive }));
        Listening { broker, subscription }
    }
}

/// A subscription to a topic; ends when dropped.
#[derive(Debug)]
pub struct Listening {
    broker: Arc<Broker>,
    subscription: SubscriptionId,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.broker.unsubscribe(self.subscription);
    }
}

struct Receiver<F> {
    schema: SchemaRef,
    receive: F,
}

impl<F: Fn(Message) -> Result<()> + Send + Sync> Subscriber for Receiver<F> {
    fn receive(&self, topic: &str, message: &Message) -> Result<()> {
        let (rows, theirs) = (&message.columns, message.columns.schema());
        let fits = theirs.fields().len() == self.schema.fields().len()
            && theirs
                .fields()
                .iter()
                .zip(self.schema.fields())
                .all(|(a, b)| a.data_type() == b.data_type());
        if !fits {
            return Err(Error::Data(format!(
                "topic `{topic}`: events of {} don't fit a stream of {}",
                attributes(&theirs),
                attributes(&self.schema)
            )));
        }
        let columns = RecordBatch::try_new(self.schema.clone(), rows.columns().to_vec())?;
        (self.receive)(Message { columns, ..message.clone() })
    }
}

fn attributes(schema: &SchemaRef) -> String {
    let names = schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type()));
    format!("({})", names.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, StringViewArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Mutex;

    fn schema(name: &str, ty: DataType) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new(name, ty, true)]))
    }

    #[test]
    fn columns_go_by_position_and_types_must_agree() {
        let broker = Broker::new();
        let source = TopicSource::new("t", schema("price", DataType::Int32), &broker);
        let received = Arc::new(Mutex::new(vec![]));
        let to = received.clone();
        let listening = source.listen(move |m| {
            to.lock().unwrap().push(m);
            Ok(())
        });
        let send = |rows: RecordBatch| broker.publish("t", rows, vec![5].into(), None);
        let ints = || {
            let ints = Arc::new(Int32Array::from(vec![7]));
            RecordBatch::try_new(schema("other", DataType::Int32), vec![ints]).unwrap()
        };
        assert_eq!(send(ints()).unwrap(), 1);
        let text = Arc::new(StringViewArray::from(vec!["x"]));
        let text = RecordBatch::try_new(schema("price", DataType::Utf8View), vec![text]).unwrap();
        assert_eq!(
            send(text).unwrap_err().to_string(),
            "topic `t`: events of (price Utf8View) don't fit a stream of (price Int32)"
        );
        drop(listening);
        assert_eq!(send(ints()).unwrap(), 0);
        let received = received.lock().unwrap();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].columns.schema().field(0).name(), "price");
        assert_eq!(received[0].ts[..], [5]);
    }
}
