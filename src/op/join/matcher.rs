//! From candidates to results: triggers and the partners found for them are collected as slots, the
//! rest of the condition is evaluated over all of them at once, and the joined rows are gathered
//! column by column.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;

use super::index::Index;
use super::rows::{Narrowed, Rows};
use super::side::{Emission, Side};
use crate::error::Result;
use crate::event::{BatchBuilder, EventBatch, KeyId, NO_SLOT, Slot};
use crate::expr::{ColumnarExpr, TypedExpr};
use crate::op::Output;

/// Candidates held before results are built, so that a step with many matches needs bounded memory.
const FULL: usize = 1 << 16;

/// A row that looked for partners.
struct Trigger {
    /// Its row in its side's emission.
    row: u32,
    /// One past its last candidate.
    end: u32,
    right: bool,
}

/// What stands between triggers.
enum Mark {
    Reset(KeyId),
    Delivered,
}

/// The part of the condition that isn't a hash key.
struct Residual {
    narrowed: Narrowed,
    expr: ColumnarExpr,
    /// Whether it looks at event time or clock.
    timed: bool,
}

/// Collects candidates and builds results.
pub(super) struct Matcher {
    output: SchemaRef,
    /// Number of left columns in the output.
    left: usize,
    keyed: bool,
    residual: Option<Residual>,
    triggers: Vec<Trigger>,
    candidates: Vec<Slot>,
    /// With the number of triggers before each.
    marks: Vec<(u32, Mark)>,
    /// Triggers in ended deliveries.
    delivered: u32,
}

/// The slots of joined rows, left and right; [`NO_SLOT`] where a side is missing.
#[derive(Default)]
struct Pairs {
    left: Vec<Slot>,
    right: Vec<Slot>,
}

impl Pairs {
    #[inline]
    fn push(&mut self, trigger: Slot, partner: Slot, right: bool) {
        let (l, r) = if right { (partner, trigger) } else { (trigger, partner) };
        self.left.push(l);
        self.right.push(r);
    }

    /// A column of the joined rows, of which `left` come from the left side.
    fn gather(&self, sides: &[Rows<'_>; 2], left: usize, column: usize) -> Result<ArrayRef> {
        match column.checked_sub(left) {
            None => sides[0].gather(column, &self.left),
            Some(column) => sides[1].gather(column, &self.right),
        }
    }
}

impl Matcher {
    pub fn new(
        output: &SchemaRef,
        left: usize,
        keyed: bool,
        residual: Option<&TypedExpr>,
    ) -> Result<Self> {
        let compile = |e: &TypedExpr| -> Result<Residual> {
            let narrowed = Narrowed::all(output).for_exprs(std::iter::once(e));
            let expr = narrowed.compile(e)?;
            Ok(Residual { narrowed, expr, timed: !e.is_pure() })
        };
        Ok(Self {
            output: Arc::clone(output),
            left,
            keyed,
            residual: residual.map(compile).transpose()?,
            triggers: vec![],
            candidates: vec![],
            marks: vec![],
            delivered: 0,
        })
    }

    /// Looks for partners of row `row` of the right or left side's emission.
    #[inline]
    pub fn probe(&mut self, row: usize, right: bool, key: KeyId, others: &Index, outer: bool) {
        let before = self.candidates.len();
        others.find(key, &mut self.candidates);
        if outer || self.candidates.len() > before {
            let end = self.candidates.len() as u32;
            self.triggers.push(Trigger { row: row as u32, end, right });
        }
    }

    /// The aggregates of a partition key start afresh here.
    pub fn reset(&mut self, key: KeyId) {
        self.marks.push((self.triggers.len() as u32, Mark::Reset(key)));
    }

    /// Ends a delivery.
    pub fn delivered(&mut self) {
        let n = self.triggers.len() as u32;
        if self.delivered < n {
            self.delivered = n;
            self.marks.push((n, Mark::Delivered));
        }
    }

    /// Whether enough was collected to be built.
    pub fn is_full(&self) -> bool {
        self.candidates.len() >= FULL
    }

    /// Builds the results of everything collected; call between deliveries.
    pub fn flush(
        &mut self,
        sides: &[Side; 2],
        emissions: &[Emission; 2],
        out: &mut Output,
    ) -> Result<()> {
        if self.triggers.is_empty() && self.marks.is_empty() {
            return Ok(());
        }
        let rows = [sides[0].rows(), sides[1].rows()];
        let kept = self.keep(&rows, emissions)?;
        let (pairs, builder) = self.results(sides, emissions, kept.as_ref());
        self.triggers.clear();
        self.candidates.clear();
        self.marks.clear();
        self.delivered = 0;
        if builder.is_empty() {
            return Ok(());
        }
        let columns = (0..self.output.fields().len())
            .map(|c| pairs.gather(&rows, self.left, c))
            .collect::<Result<_>>()?;
        out.push(builder.finish(Arc::clone(&self.output), columns, self.keyed)?);
        Ok(())
    }

    /// Which candidates satisfy the residual; none = all of them.
    fn keep(
        &self,
        rows: &[Rows<'_>; 2],
        emissions: &[Emission; 2],
    ) -> Result<Option<BooleanBuffer>> {
        let Some(residual) = &self.residual else { return Ok(None) };
        let n = self.candidates.len();
        if n == 0 {
            return Ok(None);
        }
        let mut pairs = Pairs { left: Vec::with_capacity(n), right: Vec::with_capacity(n) };
        let (mut ts, mut at, mut order) = (vec![0i64; n], vec![0i64; n], vec![0u64; n]);
        let mut start = 0;
        for t in &self.triggers {
            let (e, row, end) = (&emissions[usize::from(t.right)], t.row as usize, t.end as usize);
            for partner in &self.candidates[start..end] {
                pairs.push(e.slots[row], *partner, t.right);
            }
            if residual.timed {
                ts[start..end].fill(e.rows.ts[row]);
                at[start..end].fill(e.rows.at[row]);
                order[start..end].fill(e.rows.order[row]);
            }
            start = end;
        }
        let columns = residual.narrowed.gather(n, |c| pairs.gather(rows, self.left, c))?;
        let batch = EventBatch::new(columns, ts.into(), at.into(), order.into());
        let mask = residual.expr.mask(&batch)?;
        Ok(Some(match mask.nulls() {
            Some(nulls) => mask.values() & nulls.inner(),
            None => mask.values().clone(),
        }))
    }

    /// The joined rows and their hidden fields.
    fn results(
        &self,
        sides: &[Side; 2],
        emissions: &[Emission; 2],
        kept: Option<&BooleanBuffer>,
    ) -> (Pairs, BatchBuilder) {
        let mut pairs = Pairs::default();
        let mut builder = BatchBuilder::default();
        let (mut start, mut marks) = (0, self.marks.iter().peekable());
        for (i, t) in self.triggers.iter().enumerate() {
            while let Some((_, mark)) = marks.next_if(|m| m.0 as usize <= i) {
                place(&mut builder, mark);
            }
            let (e, row) = (&emissions[usize::from(t.right)], t.row as usize);
            let hidden = &e.rows;
            let mut joined = |partner: Slot| {
                pairs.push(e.slots[row], partner, t.right);
                let (ts, at, order) = (hidden.ts[row], hidden.at[row], hidden.order[row]);
                builder.push(ts, at, order, hidden.kinds[row], hidden.keys[row]);
            };
            let mut alone = true;
            for c in start..t.end as usize {
                if kept.is_none_or(|k| k.value(c)) {
                    joined(self.candidates[c]);
                    alone = false;
                }
            }
            if alone && sides[usize::from(t.right)].outer {
                joined(NO_SLOT);
            }
            builder.end_chunk();
            start = t.end as usize;
        }
        marks.for_each(|(_, mark)| place(&mut builder, mark));
        builder.end_delivery();
        (pairs, builder)
    }
}

fn place(builder: &mut BatchBuilder, mark: &Mark) {
    match mark {
        Mark::Reset(key) => builder.reset(*key),
        Mark::Delivered => builder.end_delivery(),
    }
}
