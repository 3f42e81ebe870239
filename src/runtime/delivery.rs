//! Deliveries: what subscriptions get of a step.

use std::sync::{Arc, Mutex};

use super::core::{Core, Flow};
use super::events::Events;
use crate::error::Result;
use crate::event::EventBatch;

pub(super) type Callback = Box<dyn FnMut(&Events) -> Result<()> + Send>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Stream(usize),
    Query(usize),
}

pub(super) struct Subscription {
    pub(super) place: Place,
    pub(super) name: Arc<str>,
    pub(super) callback: Arc<Mutex<Callback>>,
    /// Whether one that stands behind it wants the same events.
    pub(super) shared: bool,
}

/// Events on their way to a subscription.
pub(super) type Delivery = (Arc<Mutex<Callback>>, Events);

/// Puts what each subscription gets of a step into `due`.
pub(super) fn deliveries(
    subscriptions: &[Subscription],
    core: &Core,
    flow: &mut Flow,
    due: &mut Vec<Delivery>,
) -> Result<()> {
    for s in subscriptions {
        let batch: &mut Option<EventBatch> = match s.place {
            Place::Stream(i) => &mut flow.streams[i],
            Place::Query(i) => &mut flow.queries[i],
        };
        let mut batch = if s.shared { batch.clone() } else { batch.take() };
        if let Place::Stream(i) = s.place {
            core.make_readable(i, &mut batch)?;
        }
        if let Some(batch) = batch.filter(|b| b.rows() > 0) {
            due.push((Arc::clone(&s.callback), Events::new(Arc::clone(&s.name), batch)));
        }
    }
    Ok(())
}
