//! Rows of sources on their way into an application: each gets its order and clock.

use super::merge::{Cut, Item, Slice};
use super::runner::Inlet;
use crate::error::Result;
use crate::event::{EventBatch, Value};
use crate::io::RejectedRow;
use crate::runtime::app::App;
use crate::runtime::event_time::{Entrance, Part, WHOLE};
use crate::runtime::ingress::Ingress;

/// Rows that come as one, each with its time.
type Chunk = Vec<(i64, Vec<Value>)>;

/// The entrance that a lane feeds.
pub(super) fn entrance_of(lane: usize) -> u32 {
    lane as u32 + 1
}

/// Gives rows their order and clock.
pub(super) struct Admission<'a> {
    pub(super) app: &'a App,
    pub(super) inlets: &'a mut [Inlet],
    pub(super) playback: bool,
}

/// Hidden columns of a slice, as they are filled.
struct Admitted {
    slice: Slice,
    ts: Vec<i64>,
    at: Vec<i64>,
    order: Vec<u64>,
}

impl Admission<'_> {
    pub(super) fn admit(&mut self, cut: Cut, entrance: &mut Entrance<'_>) -> Result<()> {
        if entrance.event_time.is_some() {
            return self.admit_to_wait(cut, entrance);
        }
        self.admit_at_once(cut, entrance.ingress);
        Ok(())
    }

    /// With `@watermark`: rows of each lane by themselves, in the order of the cut.
    fn admit_to_wait(&mut self, cut: Cut, entrance: &mut Entrance<'_>) -> Result<()> {
        let clock = entrance.clock();
        let lanes: Vec<usize> = cut.slices.iter().map(|s| s.lane).collect();
        let part = |slice: Slice| {
            let n = slice.rows.num_rows();
            let stream = self.inlets[slice.lane].stream;
            let ts = slice.time.unwrap_or_else(|| vec![clock; n].into());
            Part { stream, entrance: entrance_of(slice.lane), columns: slice.rows, ts }
        };
        let mut parts: Vec<Part> = cut.slices.into_iter().map(part).collect();
        let mut items = vec![];
        for item in cut.items {
            match item {
                Item::Rows { lane, count } => {
                    self.inlets[lane].report.rows += count as u64;
                    items.extend(lanes.iter().position(|l| *l == lane).map(|p| (p, count)));
                }
                Item::Rejected { lane, row } => {
                    let before = front(&mut parts, &items);
                    entrance.arrive(before, &std::mem::take(&mut items))?;
                    if let Some((fault, rows)) = self.fault(lane, &row, entrance.clock()) {
                        entrance.chunk((fault, WHOLE), rows)?;
                    }
                }
            }
        }
        entrance.arrive(parts, &items)
    }

    fn admit_at_once(&mut self, cut: Cut, ingress: &mut Ingress) {
        let mut parts: Vec<Admitted> = cut
            .slices
            .into_iter()
            .map(|slice| {
                let n = slice.rows.num_rows();
                let (ts, at) = (Vec::with_capacity(n), Vec::with_capacity(n));
                Admitted { slice, ts, at, order: Vec::with_capacity(n) }
            })
            .collect();
        for item in cut.items {
            match item {
                Item::Rejected { lane, row } => {
                    if let Some((fault, rows)) = self.fault(lane, &row, ingress.clock()) {
                        ingress.chunk(fault, rows);
                    }
                }
                Item::Rows { lane, count } => {
                    if let Some(part) = parts.iter_mut().find(|p| p.slice.lane == lane) {
                        self.rows(part, count, ingress);
                    }
                }
            }
        }
        for Admitted { slice, ts, at, order } in parts {
            let rows = EventBatch::new(slice.rows, ts.into(), at.into(), order.into());
            ingress.admitted(self.inlets[slice.lane].stream, rows);
        }
    }

    /// The next `count` rows of a slice.
    fn rows(&mut self, part: &mut Admitted, count: usize, ingress: &mut Ingress) {
        let report = &mut self.inlets[part.slice.lane].report;
        report.rows += count as u64;
        let first = part.ts.len();
        for row in first..first + count {
            let ts = part.slice.time.as_ref().map_or_else(|| ingress.clock(), |t| t[row]);
            let (order, at) = ingress.admit(ts);
            if self.playback && ts < at {
                report.out_of_order += 1;
                report.furthest_behind = report.furthest_behind.max(at.saturating_sub(ts));
            }
            part.ts.push(ts);
            part.at.push(at);
            part.order.push(order);
        }
    }

    /// A row that could not be read, if its stream has a fault stream: attributes null, and what is
    /// wrong with it.
    fn fault(&self, lane: usize, row: &RejectedRow, clock: i64) -> Option<(usize, Chunk)> {
        let inlet = &self.inlets[lane];
        let stream = &self.app.plan().streams[inlet.stream];
        let fault = stream.fault?;
        let why = format!("line {}: {}: {}", row.line, row.reason, row.text);
        let mut values = vec![Value::Null; stream.schema.fields().len()];
        values.push(Value::String(why.into()));
        Some((fault, vec![(clock, values)]))
    }
}

/// Cuts the rows that `items` name off the front of parts.
fn front(parts: &mut [Part], items: &[(usize, usize)]) -> Vec<Part> {
    let cut = |(p, part): (usize, &mut Part)| {
        let count = items.iter().filter(|(x, _)| *x == p).map(|(_, n)| n).sum();
        let rest = part.ts.len() - count;
        let taken =
            Part { columns: part.columns.slice(0, count), ts: part.ts.slice(0, count), ..*part };
        part.columns = part.columns.slice(count, rest);
        part.ts = part.ts.slice(count, rest);
        taken
    };
    parts.iter_mut().enumerate().map(cut).collect()
}
