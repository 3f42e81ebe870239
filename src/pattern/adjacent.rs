//! [`Adjacent`]: sequences of two single events of one stream (`every e1=S, e2=S[…]`), in columns.
//!
//! Under `every`, each row that fits `e1` is a partial for exactly one row, the next. So what matches
//! is a question to each pair of neighbours, and is asked of all pairs of a batch at once: the columns
//! of `e1` are those of `e2` shifted by one row. [`super::sequence`] gives the same, row by row.
//!
//! Invariant: `last` is the last row seen, with the kept columns, if `e1` accepts it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::buffer::BooleanBuffer;
use arrow::compute::concat;
use arrow::datatypes::{Schema, SchemaRef};

use super::machine::Machine;
use super::predicate::Test;
use super::spec::{EventRef, OutputColumn, PatternSpec, Pick, StateSpec};
use crate::error::Result;
use crate::event::{EventBatch, Kind, RowStore, Stamps};
use crate::expr::{ColumnarExpr, TypedExpr, TypedKind};
use crate::lang::ast::PatternKind;
use crate::state::{SnapshotReader, SnapshotWriter};

/// The automaton of pairs of neighbours.
#[derive(Debug)]
pub(super) struct Adjacent {
    first: Test,
    second: Test,
    /// Over the stream's columns of the second row, then the kept ones of the first.
    across: Option<ColumnarExpr>,
    joined: SchemaRef,
    kept: Vec<usize>,
    kept_schema: SchemaRef,
    within: Option<i64>,
    columns: Vec<OutputColumn>,
    picks: Vec<EventRef>,
    output: SchemaRef,
    last: Option<Last>,
}

/// A row that waits for its neighbour.
#[derive(Debug)]
struct Last {
    columns: RecordBatch,
    ts: i64,
}

/// Whether an event is the only one its side may hold.
pub(super) fn only(pick: Pick) -> bool {
    matches!(pick, Pick::First(0) | Pick::Last(0))
}

/// Whether an expression looks at nothing but values of columns, of the event and of `sources` others
/// (not of events that are never there).
fn plain(e: &TypedExpr, sources: usize) -> bool {
    let plain = |e: &TypedExpr| plain(e, sources);
    match &e.kind {
        TypedKind::Literal(_) => true,
        TypedKind::Column(c) => usize::from(c.source) <= sources,
        TypedKind::Not(a) | TypedKind::Neg(a) | TypedKind::IsNull(a) => plain(a),
        TypedKind::Binary { left, right, .. } => plain(left) && plain(right),
        _ => false,
    }
}

impl Adjacent {
    /// The automaton of `spec`, if it is of this kind.
    pub fn new(spec: &PatternSpec, m: &Machine) -> Result<Option<Self>> {
        let single = spec.states.iter().all(|s| matches!(s, StateSpec::Stream { .. }));
        let fits = spec.kind == PatternKind::Sequence
            && spec.states.len() == 2
            && spec.ports.len() == 1
            && single
            && m.repeats
            && !spec.keyed
            && spec.sides[0].predicate.across.is_none()
            && spec.picks.iter().all(|p| only(p.pick))
            && !spec.columns.iter().any(|c| matches!(c, OutputColumn::All { .. }));
        if !fits {
            return Ok(None);
        }
        let port = &spec.ports[0];
        let kept_schema: SchemaRef = Arc::new(port.schema.project(&port.kept)?);
        let fields = port.schema.fields().iter().chain(kept_schema.fields()).cloned();
        let joined: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let predicate = &spec.sides[1].predicate;
        let before = |r: &EventRef| r.side == 0 && only(r.pick);
        let across = match &predicate.across {
            Some(e)
                if plain(e, predicate.sources.len()) && predicate.sources.iter().all(before) =>
            {
                let mut e = e.clone();
                let width = port.schema.fields().len() as u16;
                e.visit_mut(&mut |e| {
                    if let TypedKind::Column(c) = &mut e.kind
                        && c.source > 0
                    {
                        (c.source, c.column) = (0, c.column + width);
                    }
                });
                Some(ColumnarExpr::compile(&e, &joined)?)
            }
            Some(_) => return Ok(None),
            None => None,
        };
        Ok(Some(Self {
            first: Test::new(spec, 0)?,
            second: Test::new(spec, 1)?,
            across,
            joined,
            kept: port.kept.clone(),
            kept_schema,
            within: spec.within,
            columns: spec.columns.clone(),
            picks: spec.picks.clone(),
            output: Arc::clone(&spec.output),
            last: None,
        }))
    }

    /// Takes the rows of one step.
    pub fn process(&mut self, batch: &EventBatch) -> Result<Option<EventBatch>> {
        let current;
        let batch = if batch.kinds.is_some() {
            let is_current = |r: &u32| batch.kind(*r as usize) == Kind::Current;
            let rows: Vec<u32> = (0..batch.rows() as u32).filter(is_current).collect();
            current = batch.take(&rows)?;
            &current
        } else {
            batch
        };
        let n = batch.rows();
        if n == 0 {
            return Ok(None);
        }
        let begins = self.first.mask(batch)?;
        let accepts = self.second.mask(batch)?;
        let kept = batch.columns.project(&self.kept)?;
        let border = match self.last.take() {
            Some(last) => {
                let accepted = accepts.as_ref().map(|a| a.slice(0, 1));
                let ts = Stamps::from(vec![last.ts]);
                let seconds = batch.slice(0, 1);
                self.pairs(&last.columns, &ts, &seconds, [None, accepted])?
            }
            None => None,
        };
        let inner = if n > 1 {
            let begun = begins.as_ref().map(|b| b.slice(0, n - 1));
            let accepted = accepts.as_ref().map(|a| a.slice(1, n - 1));
            let ts = batch.ts.slice(0, n - 1);
            self.pairs(&kept.slice(0, n - 1), &ts, &batch.slice(1, n - 1), [begun, accepted])?
        } else {
            None
        };
        if begins.is_none_or(|b| b.value(n - 1)) {
            self.last = Some(Last { columns: kept.slice(n - 1, 1), ts: batch.ts[n - 1] });
        }
        join(&self.output, border, inner)
    }

    /// Those of the pairs that match.
    fn pairs(
        &self,
        firsts: &RecordBatch,
        ts: &Stamps<i64>,
        seconds: &EventBatch,
        masks: [Option<BooleanBuffer>; 2],
    ) -> Result<Option<EventBatch>> {
        let n = seconds.rows();
        let mut fits: Option<BooleanBuffer> = None;
        let mut and = |mask: BooleanBuffer| {
            fits = Some(fits.as_ref().map_or_else(|| mask.clone(), |f| f & &mask));
        };
        masks.into_iter().flatten().for_each(&mut and);
        if let Some(within) = self.within {
            let near = |i: usize| ts[i].abs_diff(seconds.ts[i]) <= within.max(0) as u64;
            and(BooleanBuffer::collect_bool(n, near));
        }
        if let Some(across) = &self.across {
            let columns = seconds.columns.columns().iter().chain(firsts.columns());
            let pairs =
                seconds.with_columns(Arc::clone(&self.joined), columns.cloned().collect())?;
            and(across.mask(&pairs)?.values().clone());
        }
        if fits.as_ref().is_some_and(|f| f.count_set_bits() == 0) {
            return Ok(None);
        }
        // Only what leaves is gathered.
        let columns = self.columns.iter().map(|c| match *c {
            OutputColumn::Attribute { pick, column } => match self.picks[pick].side {
                0 => Arc::clone(firsts.column(column)),
                _ => Arc::clone(seconds.columns.column(self.kept[column])),
            },
            OutputColumn::Time { pick } | OutputColumn::All { side: pick, .. } => {
                let times = match self.picks[pick].side {
                    0 => ts.values().clone(),
                    _ => seconds.ts.values().clone(),
                };
                Arc::new(Int64Array::new(times, None)) as ArrayRef
            }
        });
        let mut out = seconds.with_columns(Arc::clone(&self.output), columns.collect())?;
        (out.chunks, out.kinds) = (None, None);
        out.resets.clear();
        Ok(Some(match fits {
            Some(fits) => out.filter(&arrow::array::BooleanArray::new(fits, None))?,
            None => out,
        }))
    }

    /// Open partial matches.
    pub fn open_partials(&self) -> usize {
        usize::from(self.last.is_some())
    }

    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.last.as_ref().map(|l| l.ts))?;
        let mut store = RowStore::new(Arc::clone(&self.kept_schema))?;
        if let Some(last) = &self.last {
            store.insert(&last.columns, 0, last.ts);
        }
        w.value(&store)
    }

    pub fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        let ts: Option<i64> = r.value()?;
        let mut store = RowStore::new(Arc::clone(&self.kept_schema))?;
        r.with(|d| store.load(d))?;
        self.last = match ts {
            Some(ts) if store.bound() > 0 => {
                let options = RecordBatchOptions::new().with_row_count(Some(1));
                let columns = RecordBatch::try_new_with_options(
                    Arc::clone(&self.kept_schema),
                    store.gather_all(&[0]),
                    &options,
                )?;
                Some(Last { columns, ts })
            }
            _ => None,
        };
        Ok(())
    }
}

/// The match across the border of two batches, then those within the second.
fn join(
    schema: &SchemaRef,
    border: Option<EventBatch>,
    inner: Option<EventBatch>,
) -> Result<Option<EventBatch>> {
    let (border, inner) = match (border, inner) {
        (Some(border), Some(inner)) => (border, inner),
        (border, inner) => return Ok(border.or(inner)),
    };
    let both = border.columns.columns().iter().zip(inner.columns.columns());
    let columns: Vec<ArrayRef> = both
        .map(|(a, b)| concat(&[a.as_ref(), b.as_ref()]))
        .collect::<std::result::Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(border.rows() + inner.rows()));
    let columns = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?;
    fn chain<T: arrow::array::ArrowNativeTypeOp>(a: &Stamps<T>, b: &Stamps<T>) -> Stamps<T> {
        [&a[..], &b[..]].concat().into()
    }
    let ts = chain(&border.ts, &inner.ts);
    let at = if border.at.ptr_eq(&border.ts) && inner.at.ptr_eq(&inner.ts) {
        ts.clone()
    } else {
        chain(&border.at, &inner.at)
    };
    Ok(Some(EventBatch::new(columns, ts, at, chain(&border.order, &inner.order))))
}
