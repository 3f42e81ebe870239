//! Event time: the stage in front of [`Ingress`] where rows of streams with `@watermark` wait until
//! the watermark passes them. docs/time.md is the model.
//!
//! Invariants:
//! * What ingress is handed is in order of `(event time, arrival)` and never behind its clock, so
//!   everything behind it works as in playback of sorted input.
//! * The clock is the event time of the last row let through, or the watermark, whichever is later.
//!   Until the first row has been let through there is none: no row is late, and rows that don't wait
//!   by themselves (of streams without a watermark) wait for it.
//! * Everything is a function of the sequence of arrivals (rows, ends of inputs, ticks of the arrival
//!   clock), however rows were cut into batches: what depends on the watermark at a row's arrival is
//!   decided row by row, see `judge`.

mod entrance;
mod judge;
mod late;
mod release;
mod saved;
mod stats;
#[cfg(test)]
mod tests;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::Int64Type;

pub(super) use entrance::Entrance;
pub use stats::{EventTimeStats, InputStats, Lateness, StreamTime};

use super::ingress::Ingress;
use crate::error::{Error, Result};
use crate::event::Value;
use crate::plan::{Plan, StreamId};
use crate::time::{Activity, Arrivals, Inputs, Reorder, Rows, Unit};
use judge::{Judge, Reason};
use late::LateRows;

/// The entrances of a stream are told apart by numbers; this is the one of [`super::Input`] itself.
pub(super) const WHOLE: u32 = 0;

/// The stage.
#[derive(Debug)]
pub(super) struct EventTime {
    /// By stream; none: no watermark.
    gates: Vec<Option<Gate>>,
    inputs: Inputs,
    /// The stream and entrance of each input.
    entrances: Vec<(StreamId, u32)>,
    /// Number of the next arrival.
    arrivals: u64,
    /// Whether a row has been let through.
    begun: bool,
    /// Rows that don't wait by themselves, but came before there was a time.
    early: Vec<Early>,
}

/// Where rows of a stream wait.
#[derive(Debug)]
struct Gate {
    name: String,
    plan: crate::plan::watermark::WatermarkPlan,
    reorder: Reorder,
    late: LateRows,
}

/// Rows that came before there was a time, as one chunk.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Early {
    stream: StreamId,
    /// Event times (none: the clock when there is one) and values.
    rows: Vec<(Option<i64>, Vec<Value>)>,
}

/// Rows of one entrance of a stream, and their event times.
pub(super) struct Part {
    pub(super) stream: StreamId,
    pub(super) entrance: u32,
    pub(super) columns: RecordBatch,
    pub(super) ts: ScalarBuffer<i64>,
}

impl EventTime {
    /// The stage of an application, if a stream has a watermark; it begins at `start`, or (0) with
    /// the first row.
    pub(super) fn new(plan: &Plan, start: i64) -> Option<Box<Self>> {
        let gate = |s: &crate::plan::StreamPlan| {
            Some(Gate {
                name: s.full_name(),
                plan: s.watermark.as_deref()?.clone(),
                reorder: Reorder::new(s.schema.clone()),
                late: LateRows::new(),
            })
        };
        let gates: Vec<Option<Gate>> = plan.streams.iter().map(gate).collect();
        let mut inputs = Inputs::default();
        let mut entrances = vec![];
        for (s, gate) in gates.iter().enumerate() {
            if let Some(gate) = gate {
                inputs.add(gate.plan.delay, gate.plan.idle);
                entrances.push((s, WHOLE));
            }
        }
        if entrances.is_empty() {
            return None;
        }
        if start != 0 {
            inputs.start(start);
        }
        let begun = start != 0;
        Some(Box::new(Self { gates, inputs, entrances, arrivals: 0, begun, early: vec![] }))
    }

    /// Whether a stream has a watermark.
    pub(super) fn has(&self, stream: StreamId) -> bool {
        self.gates[stream].is_some()
    }

    /// The input of an entrance. The first of several takes the place of the stream's own, if that
    /// wasn't used: time waits for nobody who isn't there.
    fn input(&mut self, stream: StreamId, entrance: u32) -> usize {
        let known = |e: u32, list: &[(StreamId, u32)]| list.iter().position(|x| *x == (stream, e));
        if let Some(input) = known(entrance, &self.entrances) {
            return input;
        }
        if let Some(whole) = known(WHOLE, &self.entrances)
            && self.inputs.list()[whole].largest.is_none()
        {
            self.entrances[whole].1 = entrance;
            return whole;
        }
        let (delay, idle) =
            self.gates[stream].as_ref().map_or((0, None), |g| (g.plan.delay, g.plan.idle));
        self.entrances.push((stream, entrance));
        self.inputs.add(delay, idle)
    }

    /// Time waits for an entrance of a stream from now on.
    pub(super) fn open(&mut self, stream: StreamId, entrance: u32) {
        if self.has(stream) {
            self.input(stream, entrance);
        }
    }

    /// No more rows come of an entrance.
    pub(super) fn end(&mut self, ingress: &mut Ingress, stream: StreamId, e: u32) -> Result<()> {
        if !self.has(stream) {
            return Ok(());
        }
        let input = self.input(stream, e);
        self.inputs.end(input);
        self.release(ingress)
    }

    /// No more rows come at all: everything is let through.
    pub(super) fn finish(&mut self, ingress: &mut Ingress) -> Result<()> {
        (0..self.entrances.len()).for_each(|i| self.inputs.end(i));
        self.release(ingress)?;
        if !self.begun {
            // There is no time, but what the rows themselves say.
            for early in std::mem::take(&mut self.early) {
                let clock = ingress.clock();
                let rows = early.rows.into_iter().map(|(ts, row)| (ts.unwrap_or(clock), row));
                ingress.chunk(early.stream, rows.collect());
            }
        }
        Ok(())
    }

    /// The arrival clock is at `now`.
    pub(super) fn tick(&mut self, ingress: &mut Ingress, now: i64) -> Result<()> {
        self.inputs.tick(now);
        self.release(ingress)
    }

    /// The watermark, if it is known.
    pub(super) fn watermark(&self) -> Option<i64> {
        self.inputs.watermark().known()
    }

    /// When the arrival clock makes a difference next.
    pub(super) fn next_idle(&self) -> Option<i64> {
        self.inputs.next_idle()
    }

    /// A chunk of rows (of the stream's types) with the times they came with.
    pub(super) fn chunk(
        &mut self,
        ingress: &mut Ingress,
        (stream, entrance): (StreamId, u32),
        rows: Vec<(i64, Vec<Value>)>,
    ) -> Result<()> {
        let Some(gate) = &self.gates[stream] else {
            let rows = rows.into_iter().map(|(ts, row)| (Some(ts), row)).collect();
            self.pass(ingress, stream, rows);
            return Ok(());
        };
        gate.check_room()?;
        let attribute = gate.plan.attribute;
        let (mut timed, mut untimed) = (Vec::with_capacity(rows.len()), vec![]);
        for (ts, row) in rows {
            match attribute.map(|a| &row[a]) {
                None => timed.push((ts, row)),
                Some(Value::Long(ts)) => timed.push((*ts, row)),
                Some(_) => untimed.push((None, row)),
            }
        }
        let input = self.input(stream, entrance);
        self.inputs.heard(input);
        if !untimed.is_empty() {
            self.refuse(ingress, stream, untimed, Reason::Untimed, None)?;
        }
        let Some(key) = timed.iter().map(|(ts, _)| *ts).max() else { return Ok(()) };
        let mut judge = self.judge();
        match judge.one(input, key, self.max_ahead(stream)) {
            Some((reason, by)) => {
                let rows = timed.into_iter().map(|(ts, row)| (Some(ts), row)).collect();
                self.refuse(ingress, stream, rows, reason, Some(by))?;
            }
            None => {
                self.inputs.saw(input, key);
                let unit = Unit { key, arrival: self.arrivals, rows: timed };
                self.arrivals += 1;
                if let Some(gate) = &mut self.gates[stream] {
                    gate.reorder.push_unit(unit);
                }
            }
        }
        self.release(ingress)?;
        self.check_room(stream)
    }

    /// Rows of several entrances that arrived as `items` say: the next `count` rows of which part.
    pub(super) fn arrive(
        &mut self,
        ingress: &mut Ingress,
        mut parts: Vec<Part>,
        items: &[(usize, usize)],
    ) -> Result<()> {
        let mut times = Vec::with_capacity(parts.len());
        for part in &mut parts {
            let gate = self.gates[part.stream].as_ref();
            gate.map_or(Ok(()), Gate::check_room)?;
            let attribute = gate.and_then(|g| g.plan.attribute);
            times.push(attribute.and_then(|a| event_times(part, a)));
        }
        let inputs: Vec<Option<usize>> = parts
            .iter()
            .map(|p| self.has(p.stream).then(|| self.input(p.stream, p.entrance)))
            .collect();
        let many = items.len() > 1 && inputs.iter().all(Option::is_some);
        if !(many && self.arrive_together(&parts, &times, &inputs, items)) {
            let mut next = vec![0; parts.len()];
            for (p, count) in items {
                let (part, from) = (&parts[*p], next[*p]);
                next[*p] += count;
                let slice = Part {
                    columns: part.columns.slice(from, *count),
                    ts: part.ts.slice(from, *count),
                    ..*part
                };
                let nulls = times[*p].as_ref().map(|n| n.slice(from, *count));
                match inputs[*p] {
                    Some(input) => self.arrive_at(ingress, input, slice, nulls)?,
                    None => self.pass_columns(ingress, slice),
                }
            }
        }
        self.release(ingress)?;
        parts.iter().try_for_each(|p| self.check_room(p.stream))
    }

    /// Takes in rows of several inputs with watermarks at once, if all are in time; else nothing.
    fn arrive_together(
        &mut self,
        parts: &[Part],
        nulls: &[Option<NullBuffer>],
        inputs: &[Option<usize>],
        items: &[(usize, usize)],
    ) -> bool {
        let mut judge = self.judge();
        let mut next = vec![0; parts.len()];
        let room = |p: &Part| Vec::with_capacity(p.ts.len());
        let mut arrivals: Vec<Vec<u64>> = parts.iter().map(room).collect();
        let mut arrival = self.arrivals;
        for (p, count) in items {
            let Some(input) = inputs[*p] else { return false };
            let ts = &parts[*p].ts[next[*p]..next[*p] + count];
            next[*p] += count;
            let max_ahead = self.max_ahead(parts[*p].stream);
            if nulls[*p].is_some() || judge.any(input, ts, max_ahead) {
                return false;
            }
            arrivals[*p].extend(arrival..arrival + *count as u64);
            arrival += *count as u64;
        }
        self.arrivals = arrival;
        self.inputs = judge.into_inputs();
        for (part, arrivals) in parts.iter().zip(arrivals) {
            let arrivals = Arrivals::Each(arrivals.into());
            let rows = Rows::new(part.columns.clone(), part.ts.clone(), arrivals);
            if let Some(gate) = &mut self.gates[part.stream] {
                gate.reorder.push(rows);
            }
        }
        true
    }

    /// Rows of one input with a watermark.
    fn arrive_at(
        &mut self,
        ingress: &mut Ingress,
        input: usize,
        part: Part,
        nulls: Option<NullBuffer>,
    ) -> Result<()> {
        let stream = part.stream;
        let mut judge = self.judge();
        let found = judge.all(input, &part.ts, nulls.as_ref(), self.max_ahead(stream));
        if found.is_empty() {
            self.inputs = judge.into_inputs();
            self.push(&part, 0, part.ts.len());
            return Ok(());
        }
        let mut from = 0;
        for (row, reason, by) in found {
            self.take_in(input, &part, from, row);
            from = row + 1;
            let ts = (reason != Reason::Untimed).then(|| part.ts[row]);
            let values = super::endpoints::row_of(&part.columns, row);
            self.refuse(ingress, stream, vec![(ts, values)], reason, by)?;
        }
        self.take_in(input, &part, from, part.ts.len());
        Ok(())
    }

    /// Rows `from..to` of a part come, none of them late.
    fn take_in(&mut self, input: usize, part: &Part, from: usize, to: usize) {
        self.inputs.heard(input);
        if let Some(largest) = part.ts[from..to].iter().max() {
            self.inputs.saw(input, *largest);
            self.push(part, from, to);
        }
    }

    fn push(&mut self, part: &Part, from: usize, to: usize) {
        let arrivals = Arrivals::From(self.arrivals);
        self.arrivals += (to - from) as u64;
        let (columns, ts) = match (from, to) {
            (0, to) if to == part.ts.len() => (part.columns.clone(), part.ts.clone()),
            _ => (part.columns.slice(from, to - from), part.ts.slice(from, to - from)),
        };
        if let Some(gate) = &mut self.gates[part.stream] {
            gate.reorder.push(Rows::new(columns, ts, arrivals));
        }
    }

    /// A chunk of a stream without watermark: it doesn't wait, and time is what it is.
    fn pass(
        &mut self,
        ingress: &mut Ingress,
        stream: StreamId,
        rows: Vec<(Option<i64>, Vec<Value>)>,
    ) {
        if !self.begun {
            self.early.push(Early { stream, rows });
            return;
        }
        let clock = ingress.clock();
        let rows = rows.into_iter().map(|(ts, row)| (ts.unwrap_or(clock), row)).collect();
        ingress.set_playback(false);
        ingress.chunk(stream, rows);
        ingress.set_playback(true);
    }

    fn pass_columns(&mut self, ingress: &mut Ingress, part: Part) {
        if self.begun {
            ingress.set_playback(false);
            ingress.batch(part.stream, part.columns, part.ts);
            ingress.set_playback(true);
            return;
        }
        for (row, ts) in part.ts.iter().enumerate() {
            let rows = vec![(Some(*ts), super::endpoints::row_of(&part.columns, row))];
            self.early.push(Early { stream: part.stream, rows });
        }
    }

    fn judge(&self) -> Judge {
        let least = self.gates.iter().flatten().map(|g| g.reorder.least()).min();
        Judge::new(self.inputs.clone(), self.begun, least.unwrap_or(i64::MAX))
    }

    fn max_ahead(&self, stream: StreamId) -> Option<i64> {
        self.gates[stream].as_ref().and_then(|g| g.plan.max_ahead)
    }

    fn check_room(&self, stream: StreamId) -> Result<()> {
        let Some(gate) = self.gates[stream].as_ref().filter(|g| g.check_room().is_err()) else {
            return Ok(());
        };
        let full = gate.full();
        let why = self.inputs.holding().map_or(String::new(), |i| {
            let of = self.gates[self.entrances[i].0].as_ref().map_or("", |g| &g.name);
            match self.inputs.list()[i].largest {
                None => {
                    format!(": `{of}` holds it back, of which no row has come (`idle` limits that)")
                }
                Some(largest) => {
                    format!(": `{of}` holds it back, whose latest row is of {largest}")
                }
            }
        });
        Err(Error::Limit(format!("{full}{why}")))
    }
}

impl Gate {
    fn check_room(&self) -> Result<()> {
        match self.reorder.rows() > self.plan.buffer_rows {
            true => Err(Error::Limit(self.full())),
            false => Ok(()),
        }
    }

    fn full(&self) -> String {
        let (name, most) = (&self.name, self.plan.buffer_rows);
        format!("more than {most} rows of `{name}` wait for the watermark (`buffer.rows`)")
    }
}

/// Puts the event times of an attribute in the place of those that rows came with; which are null.
fn event_times(part: &mut Part, attribute: usize) -> Option<NullBuffer> {
    let column = part.columns.column(attribute).as_primitive::<Int64Type>();
    part.ts = column.values().clone();
    column.nulls().filter(|n| n.null_count() > 0).cloned()
}

/// Whether time waits for an input.
fn waited_for(activity: Activity) -> bool {
    activity == Activity::Active
}
