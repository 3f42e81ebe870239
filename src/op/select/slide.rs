//! A sliding window and the selector behind it in one: aggregates take leaving rows back from their
//! own memory, so that expired rows are never made.
//!
//! Fits if a window's rows leave in the order in which they came ([`Eviction`]), nobody wants them when
//! they leave, and every aggregate can do it ([`Sliding`]). Outside of partitions all rows stand in one
//! queue; in a partition each key has a ring of as many rows as its window holds.
//!
//! Invariants:
//! * Before a row comes, exactly those rows leave that the window itself would have let out by then,
//!   in the same order: results are those of window and selector apart, bit for bit.
//! * A key's ring is as large as it ever had to be, never larger than the window.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::rings::Rings;
use super::{Call, SelectOp};
use crate::aggregate::slide::{Fifo, Leaving, Slide, Sliding};
use crate::error::{Error, Result};
use crate::event::EventBatch;
use crate::expr::columnar::ColumnarExpr;
use crate::lang::ast::EventType;
use crate::op::{Operator, Output};
use crate::plan::spec::SelectSpec;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;
use crate::window::{Eviction, WindowCall, WindowContext};

/// Groups that may be known beyond those of twice the rows held, before the empty ones are forgotten.
const SPARE_GROUPS: usize = 1024;

/// A sliding window with its selector.
pub struct SlideOp {
    select: SelectOp,
    calls: Vec<SlidingCall>,
    held: Held,
}

struct SlidingCall {
    args: Vec<ColumnarExpr>,
    sliding: Box<dyn Sliding>,
}

/// Where rows stand.
enum Held {
    Queue(Queue),
    Rings(Rings),
}

impl SlideOp {
    /// The operator of `call` followed by `select`, if they can be one. `expired`: whether anybody but
    /// the aggregates wants the rows that leave. `over`: the columns they read, of rows of a schema; the
    /// operator then takes such rows.
    pub fn new(
        call: &WindowCall,
        expired: bool,
        select: &SelectSpec,
        over: Option<(&[usize], &SchemaRef)>,
    ) -> Result<Option<Self>> {
        if select.aggregates.is_empty() || select.events != EventType::Current || !expired {
            return Ok(None);
        }
        let context = WindowContext {
            schema: select.input.clone(),
            expired: true,
            keyed: select.keyed,
            searched: false,
        };
        let held = match ((call.spec.create)(call, context)?.eviction(), select.keyed) {
            (Some(eviction), false) => Held::Queue(Queue::new(eviction)),
            (Some(Eviction { rows: Some(rows), age: None }), true)
                if select.group_by.is_empty() =>
            {
                Held::Rings(Rings::new(rows))
            }
            _ => return Ok(None),
        };
        let wider = over.map(|(columns, schema)| select.over(columns, schema));
        let mut op = SelectOp::new(wider.as_ref().unwrap_or(select))?;
        let mut calls = Vec::with_capacity(op.calls.len());
        for Call { args, aggregator } in op.calls.drain(..) {
            let Some(sliding) = aggregator.sliding() else { return Ok(None) };
            calls.push(SlidingCall { args, sliding });
        }
        Ok(Some(Self { select: op, calls, held }))
    }

    /// Makes of a batch what leaves of it; whether that is anything.
    fn slide(&mut self, batch: &mut EventBatch) -> Result<bool> {
        debug_assert!(batch.kinds.is_none() && batch.resets.is_empty());
        let ids = self.select.groups.intern(batch)?;
        let (leaving, bound) = match &mut self.held {
            Held::Queue(queue) => (queue.come(batch, &ids), self.select.groups.bound()),
            Held::Rings(rings) => rings.come(&ids),
        };
        let mut results = Vec::with_capacity(self.calls.len());
        for call in &mut self.calls {
            let mut slide = |args: &[ArrayRef]| {
                call.sliding.slide(&Slide { args, groups: &ids, bound, leaving })
            };
            results.push(match &call.args[..] {
                [only] => slide(&[only.evaluate(batch)?])?,
                args => {
                    slide(&args.iter().map(|a| a.evaluate(batch)).collect::<Result<Vec<_>>>()?)?
                }
            });
        }
        if let Held::Queue(queue) = &mut self.held {
            queue.leave();
            self.forget();
        }
        self.select.finish(batch, results, &ids)
    }

    /// Lets rows leave whose time has come by `clock`, though none comes.
    fn age(&mut self, clock: i64) -> Result<()> {
        let Held::Queue(queue) = &mut self.held else { return Ok(()) };
        let total = queue.due(clock);
        if total == 0 {
            return Ok(());
        }
        for call in &mut self.calls {
            let none = EventBatch::empty(self.select.input.clone());
            let args = call.args.iter().map(|a| a.evaluate(&none)).collect::<Result<Vec<_>>>()?;
            let leaving =
                Leaving::Queue { groups: queue.groups.live(), before: &[], total: total as u32 };
            let bound = self.select.groups.bound();
            call.sliding.slide(&Slide { args: &args, groups: &[], bound, leaving })?;
        }
        queue.left = total;
        queue.leave();
        self.forget();
        Ok(())
    }

    /// Forgets groups without rows once there may be as many of them as others.
    fn forget(&mut self) {
        let Held::Queue(queue) = &self.held else { return };
        if self.select.groups.len() > 2 * queue.groups.len() + SPARE_GROUPS {
            let mut held = vec![false; self.select.groups.bound()];
            queue.groups.live().iter().for_each(|g| held[*g as usize] = true);
            let empty = (0..held.len()).filter(|g| !held[*g]);
            for group in empty.map(|g| g as u32) {
                self.calls.iter_mut().for_each(|c| c.sliding.forget(group));
                self.select.groups.release(group);
            }
        }
    }
}

impl Operator for SlideOp {
    fn process(
        &mut self,
        step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        let Some(port) = inputs.first_mut() else { return Ok(()) };
        match port {
            Some(batch) if batch.rows() > 0 => {
                match self.slide(batch)? {
                    true => out.push_from(port),
                    false => *port = None,
                }
                Ok(())
            }
            _ => self.age(step.timeline.end()),
        }
    }

    fn next_timer(&self) -> Option<i64> {
        match &self.held {
            Held::Queue(queue) => queue.next_due(),
            Held::Rings(_) => None,
        }
    }

    fn reads_codes(&self) -> bool {
        true
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.select.groups.snapshot(w)?;
        match &self.held {
            Held::Queue(queue) => w.value(queue)?,
            Held::Rings(rings) => w.value(rings)?,
        }
        self.calls.iter().try_for_each(|c| w.section(|w| c.sliding.snapshot(w)))
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.select.groups.restore(r)?;
        match &mut self.held {
            Held::Queue(queue) => {
                let saved: Queue = r.value()?;
                let aged = queue.age.is_some();
                if aged && saved.times.len() != saved.groups.len() {
                    return Err(Error::Snapshot(
                        "a window's rows and their times don't fit".into(),
                    ));
                }
                *queue = Queue { rows: queue.rows, age: queue.age, ..saved };
            }
            Held::Rings(rings) => {
                let saved = rings.restored(r.value()?);
                *rings = saved.ok_or_else(|| {
                    Error::Snapshot("the rows of a key stand where there is no place".into())
                })?;
            }
        }
        self.calls.iter_mut().try_for_each(|c| r.section(|r| c.sliding.restore(r)))
    }
}

/// The rows of a window in one queue.
#[derive(Serialize, Deserialize)]
struct Queue {
    #[serde(skip)]
    rows: Option<u32>,
    #[serde(skip)]
    age: Option<i64>,
    groups: Fifo<u32>,
    /// Event times; nothing if age doesn't matter.
    times: Fifo<i64>,
    /// By row that comes, how many have left before it.
    #[serde(skip)]
    before: Vec<u32>,
    /// How many leave at the end of the batch.
    #[serde(skip)]
    left: usize,
}

impl Queue {
    fn new(Eviction { rows, age }: Eviction) -> Self {
        let (groups, times) = (Fifo::default(), Fifo::default());
        Self { rows, age, groups, times, before: vec![], left: 0 }
    }

    /// Puts rows in and works out which leave before each.
    fn come(&mut self, batch: &EventBatch, ids: &[u32]) -> Leaving<'_> {
        let held = self.groups.len();
        let most = self.rows.map_or(usize::MAX, |n| n as usize);
        self.groups.extend(ids);
        self.before.clear();
        match self.age {
            None => {
                let gone = |i: usize| (held + i + 1).saturating_sub(most) as u32;
                self.before.extend((0..ids.len()).map(gone));
            }
            Some(age) => {
                self.times.extend(&batch.ts);
                let times = self.times.live();
                let mut left = 0;
                self.before.extend(batch.at.iter().enumerate().map(|(i, clock)| {
                    while left < held + i && times[left].saturating_add(age) <= *clock {
                        left += 1;
                    }
                    left += usize::from(held + i - left == most);
                    left as u32
                }));
            }
        }
        self.left = self.before.last().map_or(0, |n| *n as usize);
        let groups = self.groups.live();
        Leaving::Queue { groups, before: &self.before, total: self.left as u32 }
    }

    /// How many rows have to leave by `clock`.
    fn due(&self, clock: i64) -> usize {
        let Some(age) = self.age else { return 0 };
        self.times.live().iter().take_while(|t| t.saturating_add(age) <= clock).count()
    }

    fn next_due(&self) -> Option<i64> {
        let age = self.age?;
        self.times.live().first().map(|t| t.saturating_add(age))
    }

    /// Gives up the rows that left.
    fn leave(&mut self) {
        self.groups.advance(self.left);
        if self.age.is_some() {
            self.times.advance(self.left);
        }
        self.left = 0;
    }
}
