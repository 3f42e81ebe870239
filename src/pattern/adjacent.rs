//! [`Adjacent`]: sequences of two single events of one stream (`every e1=S, e2=S[…]`), in columns.
//!
//! Under `every`, each row that fits `e1` is a partial for exactly one row, the next. So what matches
//! is a question to each pair of neighbours, and is asked of all pairs of a batch at once: the columns
//! of `e1` are those of `e2` shifted by one row. [`super::sequence`] gives the same, row by row.
//!
//! Invariant: `last` is the last row seen, with the kept columns, if `e1` accepts it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{concat, take};
use arrow::datatypes::{Schema, SchemaRef};

use super::machine::Machine;
use super::predicate::Test;
use super::spec::{EventRef, OutputColumn, PatternSpec, Pick, StateSpec};
use crate::error::Result;
use crate::event::{EventBatch, Kind, RowStore};
use crate::expr::columnar::{FEW, Truths};
use crate::expr::{ColumnarExpr, RowContext, RowExpr, RowRef, TypedExpr, TypedKind};
use crate::lang::ast::PatternKind;
use crate::state::{SnapshotReader, SnapshotWriter};

/// The automaton of pairs of neighbours.
#[derive(Debug)]
pub(super) struct Adjacent {
    first: Test,
    second: Test,
    across: Option<Across>,
    kept: Vec<usize>,
    kept_schema: SchemaRef,
    within: Option<i64>,
    columns: Vec<OutputColumn>,
    picks: Vec<EventRef>,
    output: SchemaRef,
    /// One row of the kept columns.
    last: Option<EventBatch>,
}

/// What is asked of a pair.
#[derive(Debug)]
struct Across {
    /// Over the columns it reads: of the second row, then of the first.
    columns: ColumnarExpr,
    schema: SchemaRef,
    /// Which of the stream's columns.
    second: Vec<usize>,
    /// Which of the kept columns.
    first: Vec<usize>,
    /// The same, pair by pair.
    row: RowExpr,
    /// How many rows it knows the first as.
    sources: usize,
}

impl Across {
    fn new(e: &TypedExpr, sources: usize, stream: &SchemaRef, kept: &SchemaRef) -> Result<Self> {
        let mut read = [vec![], vec![]];
        e.each_column(&mut |c| read[usize::from(c.source > 0)].push(usize::from(c.column)));
        read.iter_mut().for_each(|r| {
            r.sort_unstable();
            r.dedup();
        });
        let [second, first] = read;
        let fields = second.iter().map(|c| stream.field(*c));
        let fields = fields.chain(first.iter().map(|c| kept.field(*c)));
        let schema: SchemaRef = Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()));
        let mut over_pairs = e.clone();
        over_pairs.visit_mut(&mut |e| {
            if let TypedKind::Column(c) = &mut e.kind {
                let (read, behind) =
                    if c.source > 0 { (&first, second.len()) } else { (&second, 0) };
                // `read` was made of these very columns, so the place is always found.
                let place = read.binary_search(&usize::from(c.column)).unwrap_or_default();
                (c.source, c.column) = (0, (place + behind) as u16);
            }
        });
        let columns = ColumnarExpr::compile(&over_pairs, &schema)?;
        Ok(Self { columns, schema, second, first, row: RowExpr::compile(e), sources })
    }

    /// Whether it is true for a row of `firsts` and one of `seconds`.
    fn fits(&self, (firsts, i): (&EventBatch, usize), (seconds, j): (&EventBatch, usize)) -> bool {
        let first = RowRef::Batch { batch: firsts, row: i };
        let second = RowRef::Batch { batch: seconds, row: j };
        let test = |rows: &[RowRef<'_>]| {
            self.row.test(&RowContext { rows, clock: seconds.at[j], order: seconds.order[j] })
        };
        if self.sources < FEW {
            let mut rows = [first; FEW];
            rows[0] = second;
            test(&rows[..=self.sources])
        } else {
            let mut rows = vec![first; self.sources + 1];
            rows[0] = second;
            test(&rows)
        }
    }

    /// Where it is true for each row of a batch but the last and the row behind it.
    fn pairs(&self, batch: &EventBatch, kept: &EventBatch) -> Result<Truths> {
        let n = batch.rows() - 1;
        if n <= FEW {
            let fits = |i: usize| self.fits((kept, i), (batch, i + 1));
            return Ok(Truths::of(BooleanBuffer::collect_bool(n, fits)));
        }
        let seconds = self.second.iter().map(|c| batch.columns.column(*c).slice(1, n));
        let firsts = self.first.iter().map(|c| kept.columns.column(*c).slice(0, n));
        let options = RecordBatchOptions::new().with_row_count(Some(n));
        let columns = seconds.chain(firsts).collect();
        let schema = Arc::clone(&self.schema);
        let pairs = RecordBatch::try_new_with_options(schema, columns, &options)?;
        self.columns.truths_of_values(&pairs)
    }
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
        let predicate = &spec.sides[1].predicate;
        let before = |r: &EventRef| r.side == 0 && only(r.pick);
        let sources = predicate.sources.len();
        let across = match &predicate.across {
            Some(e) if plain(e, sources) && predicate.sources.iter().all(before) => {
                Some(Across::new(e, sources, &port.schema, &kept_schema)?)
            }
            Some(_) => return Ok(None),
            None => None,
        };
        Ok(Some(Self {
            first: Test::new(spec, 0)?,
            second: Test::new(spec, 1)?,
            across,
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
        let begins = self.first.truths(batch)?;
        let accepts = self.second.truths(batch)?;
        let kept = self.kept.iter().map(|c| Arc::clone(batch.columns.column(*c))).collect();
        let kept = batch.with_columns(Arc::clone(&self.kept_schema), kept)?;
        let last = self.last.take();
        let border = last.filter(|last| accepts.at(0) && self.meets((last, 0), (batch, 0)));
        // The rows that complete a match.
        let mut rows: Vec<u32> = border.iter().map(|_| 0).collect();
        if n > 1 {
            self.inner(batch, &kept, &begins, &accepts, &mut rows)?;
        }
        if begins.at(n - 1) {
            self.last = Some(if n == 1 { kept.clone() } else { kept.slice(n - 1, 1) });
        }
        match rows.is_empty() {
            true => Ok(None),
            false => self.emit(batch, &kept, border, rows).map(Some),
        }
    }

    /// Whether two rows that both sides accept match.
    fn meets(&self, first: (&EventBatch, usize), second: (&EventBatch, usize)) -> bool {
        let (earlier, later) = (first.0.ts[first.1], second.0.ts[second.1]);
        self.within.is_none_or(|w| earlier.abs_diff(later) <= w.max(0) as u64)
            && self.across.as_ref().is_none_or(|across| across.fits(first, second))
    }

    /// Adds the rows of a batch that match the row before them.
    fn inner(
        &self,
        batch: &EventBatch,
        kept: &EventBatch,
        begins: &Truths,
        accepts: &Truths,
        rows: &mut Vec<u32>,
    ) -> Result<()> {
        let n = batch.rows();
        let across = match &self.across {
            Some(across) if *begins != Truths::None && *accepts != Truths::None => {
                across.pairs(batch, kept)?
            }
            _ => Truths::All,
        };
        let mut fits: Option<BooleanBuffer> = None;
        for (truths, from) in [(begins, 0), (accepts, 1), (&across, 0)] {
            match truths {
                Truths::None => return Ok(()),
                Truths::All => {}
                Truths::Some(bits) => {
                    let bits = bits.slice(from, n - 1);
                    fits = Some(fits.map_or_else(|| bits.clone(), |f| &f & &bits));
                }
            }
        }
        let from = rows.len();
        match &fits {
            Some(fits) => rows.extend(fits.set_indices_u32().map(|i| i + 1)),
            None => rows.extend(1..n as u32),
        }
        if let Some(within) = self.within {
            let ts = &batch.ts[..];
            let near = |row: u32| {
                let row = row as usize;
                ts[row - 1].abs_diff(ts[row]) <= within.max(0) as u64
            };
            let mut at = from;
            for i in from..rows.len() {
                if near(rows[i]) {
                    rows[at] = rows[i];
                    at += 1;
                }
            }
            rows.truncate(at);
        }
        Ok(())
    }

    /// The matches that `rows` complete, each with the row before it (the first row: with `border`).
    fn emit(
        &self,
        batch: &EventBatch,
        kept: &EventBatch,
        border: Option<EventBatch>,
        rows: Vec<u32>,
    ) -> Result<EventBatch> {
        let single = batch.rows() == 1;
        let before = &rows[usize::from(border.is_some())..];
        let before: UInt32Array = before.iter().map(|row| row - 1).collect::<Vec<_>>().into();
        let rows = UInt32Array::from(rows);
        let second = |column: &ArrayRef| match single {
            true => Ok(Arc::clone(column)),
            false => take(column, &rows, None),
        };
        let first = |c: usize| match &border {
            Some(border) if single => Ok(Arc::clone(border.columns.column(c))),
            Some(border) => {
                let rest = take(kept.columns.column(c), &before, None)?;
                concat(&[border.columns.column(c), &rest])
            }
            None => take(kept.columns.column(c), &before, None),
        };
        let columns = self.columns.iter().map(|c| match *c {
            OutputColumn::Attribute { pick, column } => match self.picks[pick].side {
                0 => first(column),
                _ => second(kept.columns.column(column)),
            },
            OutputColumn::Time { pick } | OutputColumn::All { side: pick, .. } => {
                let times: Vec<i64> = match self.picks[pick].side {
                    0 => {
                        let border = border.iter().map(|b| b.ts[0]);
                        border
                            .chain(before.values().iter().map(|r| batch.ts[*r as usize]))
                            .collect()
                    }
                    _ => rows.values().iter().map(|r| batch.ts[*r as usize]).collect(),
                };
                Ok(Arc::new(Int64Array::from(times)) as ArrayRef)
            }
        });
        let columns = columns.collect::<std::result::Result<_, _>>()?;
        let schema = Arc::clone(&self.output);
        let mut out = if single {
            batch.with_columns(schema, columns)?
        } else {
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let columns = RecordBatch::try_new_with_options(schema, columns, &options)?;
            batch.select(columns, rows.values())
        };
        (out.chunks, out.kinds) = (None, None);
        out.resets.clear();
        Ok(out)
    }

    /// Open partial matches.
    pub fn open_partials(&self) -> usize {
        usize::from(self.last.is_some())
    }

    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.last.as_ref().map(|l| l.ts[0]))?;
        let mut store = RowStore::new(Arc::clone(&self.kept_schema))?;
        if let Some(last) = &self.last {
            store.insert(&last.columns, 0, last.ts[0]);
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
                // Of its order and clock nobody asks.
                Some(EventBatch::new(columns, vec![ts].into(), vec![ts].into(), vec![1].into()))
            }
            _ => None,
        };
        Ok(())
    }
}
