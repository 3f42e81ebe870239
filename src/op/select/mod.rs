//! The selector: groups, aggregates, `having`, the chunk rule, projection, order and limits.
//!
//! Everything happens in columns, once for all rows of a step: rows get their group's dense id, the
//! aggregators run over all rows (also those that won't leave), `having` and the kind of event make
//! one mask, the chunk rule picks rows, and only picked rows are projected.
//!
//! What leaves of a chunk:
//! * neither aggregate nor `group by`: all kept rows;
//! * aggregates without `group by`: the last kept row;
//! * `group by`: the last kept row of each group, in order of the first *kept* row of the group;
//!
//! then sorted (each run of equal kind by itself), then `offset`, then `limit`. Rows keep their
//! `order`, `at`, `ts`, kind and key; resets end here.

mod arrange;
mod groups;
mod pick;
mod project;
mod rings;
mod slide;
#[cfg(test)]
mod tests;
mod tumble;

use arrow::array::ArrayRef;
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Field, Schema, SchemaRef};

pub(super) use self::arrange::Arranger;
use self::arrange::{Arrange, Sorted};
use self::groups::Groups;
use self::pick::{Picked, Picker, Shape};
use self::project::{Projection, gather};
pub use self::slide::SlideOp;
pub use self::tumble::TumbleOp;
use super::{Operator, Output};
use crate::aggregate::{AggregateInput, Aggregator};
use crate::error::Result;
use crate::event::{Chunks, EventBatch, Kind, Reset};
use crate::expr::columnar::{ColumnarExpr, Truths};
use crate::expr::types::{AttrType, arrow_type};
use crate::lang::ast::EventType;
use crate::plan::spec::{AggregateCall, SelectSpec};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::Step;

/// The selector of one query.
pub struct SelectOp {
    groups: Groups,
    calls: Vec<Call>,
    /// Input columns followed by one column per aggregate.
    wide: SchemaRef,
    /// The rows it reads.
    input: SchemaRef,
    having: Option<ColumnarExpr>,
    events: EventType,
    /// See [`SelectSpec::every`].
    every: bool,
    picker: Picker,
    projection: Projection,
    arrange: Arrange,
    /// Whether every current row that is its own chunk leaves, with nothing computed for it.
    simple: bool,
}

/// An aggregate call at work.
struct Call {
    args: Vec<ColumnarExpr>,
    aggregator: Box<dyn Aggregator>,
}

impl Call {
    fn new(call: &AggregateCall, spec: &SelectSpec) -> Result<Self> {
        let args = call
            .args
            .iter()
            .map(|a| ColumnarExpr::compile(a, &spec.input))
            .collect::<Result<_>>()?;
        let types: Vec<AttrType> = call.args.iter().map(|a| a.ty).collect();
        let mut aggregator = (call.spec.create)(&types);
        if !spec.windowed {
            aggregator.append_only();
        }
        Ok(Self { args, aggregator })
    }
}

/// Which rows may leave.
enum Kept {
    All,
    None,
    Some(BooleanBuffer),
}

impl SelectOp {
    /// The operator of a selector; one input port.
    pub fn new(spec: &SelectSpec) -> Result<Self> {
        let wide = wide_schema(spec);
        let calls =
            spec.aggregates.iter().map(|c| Call::new(c, spec)).collect::<Result<Vec<_>>>()?;
        let shape = if spec.every {
            Shape::Every
        } else if !spec.group_by.is_empty() {
            Shape::LastPerGroup
        } else if !calls.is_empty() {
            Shape::Last
        } else {
            Shape::Every
        };
        let projection = Projection::new(&spec.items, &wide, &spec.output)?;
        let simple = spec.having.is_none()
            && spec.events != EventType::Expired
            && projection.is_plain()
            && spec.offset.unwrap_or(0) == 0
            && spec.limit != Some(0);
        Ok(Self {
            simple,
            groups: Groups::new(spec)?,
            calls,
            having: spec.having.as_ref().map(|h| ColumnarExpr::compile(h, &wide)).transpose()?,
            events: spec.events,
            every: spec.every,
            picker: Picker::new(shape),
            projection,
            arrange: Arrange::new(&spec.order_by, spec.offset, spec.limit),
            wide,
            input: spec.input.clone(),
        })
    }

    /// Makes of a batch what leaves of it; whether that is anything.
    fn select(&mut self, batch: &mut EventBatch) -> Result<bool> {
        let (aggregates, groups) = if self.calls.is_empty() {
            // Nothing is kept of a group, so its id need not outlive the batch, and is of no use if
            // there is but one row a chunk.
            let transient = self.picker.needs_groups() && batch.chunks.is_some();
            (vec![], if transient { self.groups.transient(batch)? } else { vec![] })
        } else {
            self.aggregate(batch)?
        };
        self.finish(batch, aggregates, &groups)
    }

    /// Makes of rows whose aggregates and groups are known what leaves of them; whether that is
    /// anything.
    fn finish(
        &mut self,
        batch: &mut EventBatch,
        aggregates: Vec<ArrayRef>,
        groups: &[u32],
    ) -> Result<bool> {
        if self.simple && batch.chunks.is_none() && batch.kinds.is_none() {
            // Every row leaves, as a chunk of its own.
            if !self.every {
                batch.resets.clear();
            }
            return self.projection.replace(batch, &aggregates);
        }
        let resets = if self.every { batch.resets.clone() } else { vec![] };
        let done = self.pick(batch, aggregates, groups, &resets)?;
        Ok(match done.or_else(|| self.only_resets(&resets)) {
            Some(out) => {
                *batch = out;
                true
            }
            None => false,
        })
    }

    fn pick(
        &mut self,
        batch: &mut EventBatch,
        aggregates: Vec<ArrayRef>,
        groups: &[u32],
        resets: &[Reset],
    ) -> Result<Option<EventBatch>> {
        self.widen(batch, aggregates)?;
        let picked = match self.kept(batch)? {
            Kept::None => return Ok(None),
            Kept::All => self.picker.pick(batch, None, groups),
            Kept::Some(mask) => self.picker.pick(batch, Some(&mask), groups),
        };
        let rows = if resets.is_empty() { None } else { picked.rows.clone() };
        let mut out = self.emit(batch, picked)?;
        if let Some(out) = &mut out {
            // Where every row leaves, nothing is sorted or cut.
            let place = |before: u32| match &rows {
                None => before,
                Some(rows) => rows.partition_point(|r| *r < before) as u32,
            };
            let moved = resets.iter().map(|r| Reset { before: place(r.before), key: r.key });
            out.resets = moved.collect();
        }
        Ok(out)
    }

    /// Resets that go on without any row.
    fn only_resets(&self, resets: &[Reset]) -> Option<EventBatch> {
        let resets: Vec<Reset> = resets.iter().map(|r| Reset { before: 0, key: r.key }).collect();
        let none = EventBatch::empty(self.projection.output().clone());
        (!resets.is_empty()).then_some(EventBatch { resets, ..none })
    }

    /// Runs the aggregators over all rows and resets: their results, and the group of each row.
    fn aggregate(&mut self, batch: &EventBatch) -> Result<(Vec<ArrayRef>, Vec<u32>)> {
        let assigned = self.groups.assign(batch)?;
        let mut results = Vec::with_capacity(self.calls.len());
        for call in &mut self.calls {
            let args = call.args.iter().map(|a| a.evaluate(batch)).collect::<Result<Vec<_>>>()?;
            results.push(call.aggregator.update(&AggregateInput {
                args: &args,
                groups: &assigned.ids,
                kinds: batch.kinds.as_deref(),
                resets: &assigned.resets,
            })?);
        }
        let calls = &mut self.calls;
        self.groups.sweep(|group| calls.iter_mut().for_each(|c| c.aggregator.forget(group)));
        Ok((results, assigned.ids))
    }

    /// Appends the aggregate columns; resets have done their work.
    fn widen(&self, batch: &mut EventBatch, aggregates: Vec<ArrayRef>) -> Result<()> {
        batch.resets.clear();
        if aggregates.is_empty() {
            return Ok(());
        }
        let mut columns = batch.columns.columns().to_vec();
        columns.extend(aggregates);
        batch.set_columns(self.wide.clone(), columns)
    }

    /// Rows of a wanted kind for which `having` is true.
    fn kept(&self, wide: &EventBatch) -> Result<Kept> {
        let wanted = match (self.events, &wide.kinds) {
            (EventType::All, _) | (EventType::Current, None) => None,
            (EventType::Expired, None) => return Ok(Kept::None),
            (EventType::Current, Some(k)) => Some(of_kind(k, Kind::Current)),
            (EventType::Expired, Some(k)) => Some(of_kind(k, Kind::Expired)),
        };
        let having = match &self.having {
            None => None,
            Some(h) => match h.truths(wide)? {
                Truths::None => return Ok(Kept::None),
                Truths::All => None,
                Truths::Some(bits) => Some(bits),
            },
        };
        let bits = match (wanted, having) {
            (None, None) => return Ok(Kept::All),
            (Some(bits), None) | (None, Some(bits)) => bits,
            (Some(a), Some(b)) => &a & &b,
        };
        Ok(match bits.count_set_bits() {
            0 => Kept::None,
            n if n == bits.len() => Kept::All,
            _ => Kept::Some(bits),
        })
    }

    /// Projects picked rows, sorts and cuts their chunks.
    fn emit(&self, wide: &EventBatch, picked: Picked) -> Result<Option<EventBatch>> {
        let mut picked = match self.arrange.cut(picked, wide.rows()) {
            Some(picked) => picked,
            None => return Ok(None),
        };
        let mut out = self.projection.project(wide, picked.rows.as_deref())?;
        if self.arrange.sorts() {
            out = out.plain()?;
        }
        if self.events == EventType::Current {
            out.kinds = None;
        }
        if let Some(Sorted { rows, offsets }) =
            self.arrange.sort(&out, picked.offsets.as_deref())?
        {
            out = gather(&out, &rows)?;
            let of = |i: u32| picked.rows.as_ref().map_or(i, |picked| picked[i as usize]);
            picked = Picked { rows: Some(rows.into_iter().map(of).collect()), offsets };
        }
        // Deliveries are looked for among the rows that are left when chunks have been cut.
        let offsets = delivered(wide, &picked).or(picked.offsets);
        out.chunks = offsets.filter(|o| o.len() != out.rows() + 1).map(Chunks::new);
        Ok((out.rows() > 0).then_some(out))
    }
}

impl Operator for SelectOp {
    fn process(
        &mut self,
        _step: &Step<'_>,
        inputs: &mut [Option<EventBatch>],
        out: &mut Output,
    ) -> Result<()> {
        let Some(port) = inputs.first_mut() else { return Ok(()) };
        let Some(batch) = port else { return Ok(()) };
        if batch.rows() == 0 {
            if !batch.resets.is_empty() && !self.calls.is_empty() {
                self.aggregate(batch)?;
            }
            if self.every
                && let Some(resets) = self.only_resets(&batch.resets)
            {
                out.push(resets);
            }
        } else if self.select(batch)? {
            out.push_from(port);
        }
        *port = None;
        Ok(())
    }

    fn reads_codes(&self) -> bool {
        true
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        if self.calls.is_empty() {
            return Ok(());
        }
        self.groups.snapshot(w)?;
        self.calls.iter().try_for_each(|c| w.section(|w| c.aggregator.snapshot(w)))
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        if self.calls.is_empty() {
            return Ok(());
        }
        self.groups.restore(r)?;
        self.calls.iter_mut().try_for_each(|c| r.section(|r| c.aggregator.restore(r)))
    }
}

fn wide_schema(spec: &SelectSpec) -> SchemaRef {
    if spec.aggregates.is_empty() {
        return spec.input.clone();
    }
    let inputs = spec.input.fields().iter().map(|f| f.as_ref().clone());
    let aggregates = spec.aggregates.iter().enumerate();
    let aggregates = aggregates
        .map(|(i, call)| Field::new(format!("{}#{i}", call.spec.name), arrow_type(call.ty), true));
    Schema::new(inputs.chain(aggregates).collect::<Vec<_>>()).into()
}

fn of_kind(kinds: &[Kind], kind: Kind) -> BooleanBuffer {
    BooleanBuffer::collect_bool(kinds.len(), |row| kinds[row] == kind)
}

/// Results of one delivery leave as one chunk, though each of its chunks was selected by itself: of
/// the chunk ends of the picked rows, those at which the delivery they were picked from ends.
fn delivered(wide: &EventBatch, picked: &Picked) -> Option<Vec<u32>> {
    let chunks = wide.chunks.as_ref().filter(|c| c.deliveries().len() != c.offsets().len())?;
    let row = |i: u32| picked.rows.as_ref().map_or(i, |rows| rows[i as usize]);
    let delivery = |i: u32| chunks.deliveries().partition_point(|d| *d <= row(i));
    let n = picked.rows.as_ref().map_or(wide.rows(), Vec::len) as u32;
    let open = |end: &u32| *end == 0 || *end == n || delivery(*end) != delivery(*end - 1);
    Some(match &picked.offsets {
        None => (0..=n).filter(open).collect(),
        Some(offsets) => offsets.iter().copied().filter(open).collect(),
    })
}
