//! Threads that run shards. A job brings its core along and takes it home: nothing is shared.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use super::exchange::Share;
use crate::error::{Error, Result};
use crate::event::EventBatch;
use crate::runtime::core::{Core, Flow};
use crate::time::Timeline;

/// One shard's part of a step.
pub(super) struct Job {
    pub shard: usize,
    pub core: Box<Core>,
    /// By entry of the region, the rows that are this shard's.
    pub shares: Vec<Option<Share>>,
    /// Streams of the core's plan; the first are the entries.
    pub streams: usize,
}

/// A job that is done.
pub(super) struct Done {
    pub shard: usize,
    pub core: Box<Core>,
    pub shares: Vec<Option<Share>>,
    /// By entry, the rows as they were handed over.
    pub gathered: Vec<Option<EventBatch>>,
    /// By query of the core, what it put out.
    pub result: Result<Vec<Option<EventBatch>>>,
}

impl Job {
    pub fn run(self, timeline: &Timeline) -> Done {
        let Job { shard, mut core, shares, streams } = self;
        let mut gathered = vec![];
        let mut run = || {
            for share in &shares {
                gathered.push(share.as_ref().map(Share::gather).transpose()?);
            }
            let mut flow = Flow { sent: gathered.clone(), ..Flow::default() };
            flow.sent.resize(streams, None);
            core.run(timeline, &mut flow, false)?;
            Ok(flow.queries)
        };
        let result = run();
        Done { shard, core, shares, gathered, result }
    }
}

/// How often a thread looks for what it waits for before it sleeps: some 30 microseconds, about what
/// waking it would take. Steps follow each other closely where shards pay.
const LOOKS: u32 = 100;

/// Waits for a message; looks for it so many times before it sleeps.
fn receive<T>(from: &Receiver<T>, looks: u32) -> Result<T, RecvError> {
    for _ in 0..looks {
        match from.try_recv() {
            Ok(message) => return Ok(message),
            Err(TryRecvError::Disconnected) => return Err(RecvError),
            Err(TryRecvError::Empty) => (0..16).for_each(|_| std::hint::spin_loop()),
        }
    }
    from.recv()
}

/// Threads, each with a queue of its own.
pub(super) struct Pool {
    workers: Vec<Worker>,
    /// How often threads look before they sleep.
    looks: u32,
}

struct Worker {
    /// None only while it is dropped.
    jobs: Option<Sender<(Job, Arc<Timeline>)>>,
    done: Receiver<Done>,
    thread: Option<JoinHandle<()>>,
}

impl Pool {
    pub fn new(threads: usize) -> Result<Self> {
        // Where there are more threads than cores, who looks keeps another from working.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let looks = if cores > threads { LOOKS } else { 0 };
        let worker = |i: usize| {
            let (jobs, todo) = channel::<(Job, Arc<Timeline>)>();
            let (finished, done) = channel();
            let work = move || {
                while let Ok((job, timeline)) = receive(&todo, looks) {
                    if finished.send(job.run(&timeline)).is_err() {
                        return;
                    }
                }
            };
            let name = format!("foreshock-shard-{}", i + 1);
            let thread = std::thread::Builder::new().name(name).spawn(work);
            let thread = thread.map_err(|e| Error::io("starting a thread for a shard", e))?;
            Ok(Worker { jobs: Some(jobs), done, thread: Some(thread) })
        };
        Ok(Self { workers: (0..threads).map(worker).collect::<Result<_>>()?, looks })
    }

    /// Runs jobs, at most one per thread, and `own` on the calling thread meanwhile.
    ///
    /// # Errors
    /// If a thread was lost, because what it ran panicked.
    pub fn run(
        &mut self,
        jobs: Vec<Job>,
        own: Option<Job>,
        timeline: &Timeline,
    ) -> Result<Vec<Done>> {
        let lost = || Error::Limit("a shard's thread was lost".into());
        let count = jobs.len();
        debug_assert!(count <= self.workers.len());
        if count > 0 {
            let timeline = Arc::new(timeline.clone());
            for (job, worker) in jobs.into_iter().zip(&self.workers) {
                let jobs = worker.jobs.as_ref().ok_or_else(lost)?;
                jobs.send((job, Arc::clone(&timeline))).map_err(|_| lost())?;
            }
        }
        let mut done: Vec<Done> = own.map(|job| job.run(timeline)).into_iter().collect();
        for worker in &self.workers[..count] {
            done.push(receive(&worker.done, self.looks).map_err(|_| lost())?);
        }
        Ok(done)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            // Its queue ends, and with it the thread.
            worker.jobs = None;
            if let Some(thread) = worker.thread.take() {
                // A panic was told of when its result was missed.
                let _ = thread.join();
            }
        }
    }
}
