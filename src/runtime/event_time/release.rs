//! What the watermark has passed goes on to ingress, in order of `(event time, arrival)` over all
//! streams.

use super::{EventTime, StreamId};
use crate::error::Result;
use crate::event::{Chunks, EventBatch};
use crate::runtime::ingress::Ingress;
use crate::time::{Released, Rows, Unit};

impl EventTime {
    /// Lets through what the watermark has passed, and moves the clock to it.
    pub(super) fn release(&mut self, ingress: &mut Ingress) -> Result<()> {
        let watermark = self.inputs.watermark().ms();
        let least = self.gates.iter().flatten().map(|g| g.reorder.least()).min();
        if let Some(least) = least.filter(|l| *l <= watermark && *l != i64::MAX) {
            if !self.begun {
                self.begin(ingress, least);
            }
            self.let_through(ingress, watermark)?;
        }
        if self.begun {
            ingress.advance_to(watermark);
        }
        Ok(())
    }

    /// There is a time now: that of the first row.
    fn begin(&mut self, ingress: &mut Ingress, at: i64) {
        self.begun = true;
        if !self.early.is_empty() {
            ingress.advance_to(at);
            for early in std::mem::take(&mut self.early) {
                self.pass(ingress, early.stream, early.rows);
            }
        }
    }

    fn let_through(&mut self, ingress: &mut Ingress, watermark: i64) -> Result<()> {
        let due = self.gates.iter().flatten().filter(|g| g.reorder.least() <= watermark).count();
        let mut released = vec![];
        for (stream, gate) in self.gates.iter_mut().enumerate() {
            let Some(gate) = gate else { continue };
            if let Some(out) = gate.reorder.release(watermark, due > 1)? {
                released.push((stream, out));
            }
        }
        if let [(stream, out)] = &mut released[..] {
            let stream = *stream;
            match out {
                Released::Units(units) => {
                    units.drain(..).for_each(|u| ingress.chunk(stream, u.rows));
                    return Ok(());
                }
                Released::Runs(runs) => {
                    for rows in runs {
                        ingress.cut()?;
                        ingress.batch(stream, rows.columns.clone(), rows.ts.clone());
                    }
                    return Ok(());
                }
                Released::Rows(rows) if !rows.chunked() => {
                    ingress.batch(stream, rows.columns.clone(), rows.ts.clone());
                    return Ok(());
                }
                Released::Rows(_) => {}
            }
        }
        merge(ingress, released.into_iter().map(Queue::new).collect());
        Ok(())
    }
}

/// What is let through of one stream.
struct Queue {
    stream: StreamId,
    units: std::collections::VecDeque<Unit>,
    rows: Option<Admitted>,
}

/// Rows, and the hidden fields of those that were admitted.
struct Admitted {
    rows: Rows,
    at: Vec<i64>,
    order: Vec<u64>,
    offsets: Vec<u32>,
}

impl Queue {
    fn new((stream, released): (StreamId, Released)) -> Self {
        match released {
            Released::Units(units) => Self { stream, units: units.into(), rows: None },
            Released::Runs(_) => unreachable!("runs are for those who don't ask for arrivals"),
            Released::Rows(rows) => {
                let n = rows.ts.len();
                let (at, order) = (Vec::with_capacity(n), Vec::with_capacity(n));
                let rows = Some(Admitted { rows, at, order, offsets: vec![0] });
                Self { stream, units: Default::default(), rows }
            }
        }
    }

    /// Time and arrival of what comes next.
    fn head(&self) -> Option<(i64, u64)> {
        if let Some(unit) = self.units.front() {
            return Some((unit.key, unit.arrival));
        }
        let rows = self.rows.as_ref()?;
        let next = rows.at.len();
        Some((*rows.rows.keys.get(next)?, rows.rows.arrivals.of(next)))
    }

    fn admit_next(&mut self, ingress: &mut Ingress) {
        if let Some(unit) = self.units.pop_front() {
            ingress.chunk(self.stream, unit.rows);
            return;
        }
        let Some(Admitted { rows, at, order, offsets }) = &mut self.rows else { return };
        let first = at.len();
        let (o, clock) = ingress.admit(rows.keys[first]);
        let arrival = rows.arrivals.of(first);
        let together = |r: &usize| *r == first || rows.chunked() && rows.arrivals.of(*r) == arrival;
        for _ in (first..rows.ts.len()).take_while(together) {
            at.push(clock);
            order.push(o);
        }
        offsets.push(at.len() as u32);
    }
}

/// Hands over what was let through of several streams.
fn merge(ingress: &mut Ingress, mut queues: Vec<Queue>) {
    loop {
        let heads = queues.iter().enumerate().filter_map(|(q, queue)| Some((queue.head()?, q)));
        let Some((_, q)) = heads.min() else { break };
        queues[q].admit_next(ingress);
    }
    for queue in queues {
        let Some(Admitted { rows, at, order, offsets }) = queue.rows else { continue };
        let chunks = (offsets.len() != at.len() + 1).then(|| Chunks::new(offsets));
        let mut batch = EventBatch::new(rows.columns, rows.ts.into(), at.into(), order.into());
        batch.chunks = chunks;
        ingress.admitted(queue.stream, batch);
    }
}
