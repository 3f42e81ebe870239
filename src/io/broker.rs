//! [`Broker`]: topics that connect `inMemory` sinks with `inMemory` sources and with the host program.
//!
//! A broker belongs to an engine; there is none per process. Delivery is synchronous: `publish` calls
//! every subscriber of the topic, in the order they subscribed, before it returns. A subscriber that
//! must not run inside the publisher's step takes a [`Mailbox`] and looks into it between steps;
//! [`Message::sequence`] orders messages over all topics.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::buffer::ScalarBuffer;

use crate::error::Result;
use crate::event::Chunks;

/// Events published under a topic.
#[derive(Debug, Clone)]
pub struct Message {
    /// Their attributes.
    pub columns: RecordBatch,
    /// Their event times, ms since the epoch.
    pub ts: ScalarBuffer<i64>,
    /// Chunk boundaries; none = every event is its own chunk.
    pub chunks: Option<Chunks>,
    /// Number of the message among all of the broker's.
    pub sequence: u64,
}

/// Whoever wants the messages of a topic.
pub trait Subscriber: Send + Sync {
    /// Takes a message. Called without locks held, so it may publish and subscribe.
    ///
    /// # Errors
    /// Whatever keeps it from taking the message; handed to the publisher.
    fn receive(&self, topic: &str, message: &Message) -> Result<()>;
}

/// Names a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(u64);

type Subscribers = Vec<(SubscriptionId, Arc<dyn Subscriber>)>;

#[derive(Default)]
struct Inner {
    topics: BTreeMap<String, Subscribers>,
    next_subscription: u64,
    next_message: u64,
}

/// Topics and their subscribers.
#[derive(Default)]
pub struct Broker {
    inner: Mutex<Inner>,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.lock().topics.keys()).finish()
    }
}

impl Broker {
    /// No topics.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code that could panic halfway runs under the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `subscriber` called for every message of `topic` from now on.
    pub fn subscribe(&self, topic: &str, subscriber: Arc<dyn Subscriber>) -> SubscriptionId {
        let mut inner = self.lock();
        let id = SubscriptionId(inner.next_subscription);
        inner.next_subscription += 1;
        inner.topics.entry(topic.to_string()).or_default().push((id, subscriber));
        id
    }

    /// Ends a subscription; nothing happens if it has ended.
    pub fn unsubscribe(&self, id: SubscriptionId) {
        let mut inner = self.lock();
        inner.topics.values_mut().for_each(|s| s.retain(|(i, _)| *i != id));
        inner.topics.retain(|_, s| !s.is_empty());
    }

    /// Hands events to all subscribers of a topic. Returns how many there are.
    ///
    /// # Errors
    /// The first subscriber's error; the others still get the message.
    pub fn publish(
        &self,
        topic: &str,
        columns: RecordBatch,
        ts: ScalarBuffer<i64>,
        chunks: Option<Chunks>,
    ) -> Result<usize> {
        let (subscribers, sequence) = {
            let mut inner = self.lock();
            let sequence = inner.next_message;
            inner.next_message += 1;
            (inner.topics.get(topic).cloned().unwrap_or_default(), sequence)
        };
        let message = Message { columns, ts, chunks, sequence };
        let mut outcome = Ok(subscribers.len());
        for (_, subscriber) in &subscribers {
            let received = subscriber.receive(topic, &message);
            if let (Err(e), Ok(_)) = (received, &outcome) {
                outcome = Err(e);
            }
        }
        outcome
    }
}

/// A subscriber that keeps messages until somebody looks.
#[derive(Debug, Default)]
pub struct Mailbox {
    messages: Mutex<VecDeque<Message>>,
}

impl Mailbox {
    /// Empty.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the oldest message.
    pub fn take(&self) -> Option<Message> {
        self.lock().pop_front()
    }

    /// The number of the oldest message, to compare with other mailboxes.
    pub fn next_sequence(&self) -> Option<u64> {
        self.lock().front().map(|m| m.sequence)
    }
}

impl Subscriber for Mailbox {
    fn receive(&self, _topic: &str, message: &Message) -> Result<()> {
        self.lock().push_back(message.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use arrow::datatypes::{DataType, Field, Schema};

    fn publish(broker: &Broker, topic: &str, value: i32) -> Result<usize> {
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, true)]));
        let column = arrow::array::Int32Array::from(vec![value]);
        let rows = RecordBatch::try_new(schema, vec![Arc::new(column)]).unwrap();
        broker.publish(topic, rows, vec![0].into(), None)
    }

    #[test]
    fn topics_are_separate_and_sequences_common() {
        let broker = Broker::new();
        let (a, b) = (Mailbox::new(), Mailbox::new());
        let id = broker.subscribe("A", a.clone());
        broker.subscribe("B", b.clone());
        assert_eq!(publish(&broker, "A", 1).unwrap(), 1);
        assert_eq!(publish(&broker, "B", 2).unwrap(), 1);
        assert_eq!(publish(&broker, "C", 3).unwrap(), 0);
        assert_eq!((a.next_sequence(), b.next_sequence()), (Some(0), Some(1)));
        broker.unsubscribe(id);
        assert_eq!(publish(&broker, "A", 4).unwrap(), 0);
        assert!(a.take().is_some() && a.take().is_none());
    }

    /// Publishes on, from within a delivery.
    struct Relay(Arc<Broker>);

    impl Subscriber for Relay {
        fn receive(&self, _: &str, message: &Message) -> Result<()> {
            self.0.publish("next", message.columns.clone(), message.ts.clone(), None)?;
            Err(Error::Data("full".into()))
        }
    }

    #[test]
    fn a_subscriber_may_publish_and_its_error_comes_back_after_all_got_the_message() {
        let (broker, first, next) = (Broker::new(), Mailbox::new(), Mailbox::new());
        broker.subscribe("t", Arc::new(Relay(broker.clone())));
        broker.subscribe("t", first.clone());
        broker.subscribe("next", next.clone());
        assert_eq!(publish(&broker, "t", 1).unwrap_err().to_string(), "full");
        assert!(first.take().is_some());
        assert_eq!(next.take().map(|m| m.sequence), Some(1));
    }
}
