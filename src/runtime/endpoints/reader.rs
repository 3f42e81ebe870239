//! Sources read ahead, each in a thread of its own.
//!
//! A reader reads a batch for each credit it is given, so that at most as many batches as credits
//! wait. All readers (and whoever wants the run to stop) send to one channel, the driver's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::error::{Error, Result};
use crate::io::{Progress, Source, SourceBatch};

/// Batches a source may be ahead of the driver.
pub(super) const CREDITS: usize = 2;

/// What the driver hears of.
pub(super) enum Arrival {
    /// Rows of a lane.
    Batch(usize, SourceBatch, Progress),
    /// A lane has ended, perhaps by an error.
    End(usize, Result<()>),
    /// Somebody wants the run to stop.
    Stop,
}

/// Ends a run from another thread, as if its sources ended.
#[derive(Clone)]
pub struct Stopper {
    stop: Arc<AtomicBool>,
    wake: Sender<Arrival>,
}

impl Stopper {
    pub(super) fn new(wake: Sender<Arrival>) -> Self {
        Self { stop: Arc::default(), wake }
    }

    /// The run takes no more rows in, runs what waits, and returns.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        // If nobody listens, the run is over.
        let _ = self.wake.send(Arrival::Stop);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A reader at work: gives it credits.
pub(super) struct Reader {
    credits: Sender<()>,
}

impl Reader {
    /// Reads `source` in batches of `rows`. The thread ends when the source does or the reader is
    /// dropped (and the source returns).
    pub(super) fn spawn(
        lane: usize,
        source: Box<dyn Source>,
        rows: usize,
        out: Sender<Arrival>,
    ) -> Result<Self> {
        let (credits, granted) = channel();
        std::thread::Builder::new()
            .name(format!("source-{lane}"))
            .spawn(move || {
                let mut end = End { lane, out, outcome: Err(panicked()) };
                end.outcome = read(lane, source, rows, &granted, &end.out);
            })
            .map_err(|e| Error::io("can't start a thread to read a source", e))?;
        let reader = Self { credits };
        (0..CREDITS).for_each(|_| reader.grant());
        Ok(reader)
    }

    /// Lets it read another batch.
    pub(super) fn grant(&self) {
        // A reader that has ended needs none.
        let _ = self.credits.send(());
    }
}

fn panicked() -> Error {
    Error::Data("reading the source failed: a defect of its reader".into())
}

fn read(
    lane: usize,
    mut source: Box<dyn Source>,
    rows: usize,
    granted: &Receiver<()>,
    out: &Sender<Arrival>,
) -> Result<()> {
    while granted.recv().is_ok() {
        let Some(batch) = source.next(rows)? else { break };
        if out.send(Arrival::Batch(lane, batch, source.progress())).is_err() {
            break;
        }
    }
    Ok(())
}

/// Tells the driver that a lane has ended, also if its reader panics: the driver would wait forever.
struct End {
    lane: usize,
    out: Sender<Arrival>,
    outcome: Result<()>,
}

impl Drop for End {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Ok(()));
        // If nobody listens, the run is over.
        let _ = self.out.send(Arrival::End(self.lane, outcome));
    }
}
