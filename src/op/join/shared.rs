//! A side of a join that is a named window: the join follows what the window emits and keeps the
//! columns it needs of the rows that can be found.

use serde::{Deserialize, Serialize};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{SchemaRef, UInt64Type};

use super::side::Emission;
use crate::error::{Error, Result};
use crate::event::{EventBatch, Kind, NO_SLOT, RowStore, SINGLE_KEY, Slot};
use crate::op::named::read_held;
use crate::plan::spec::SharedSpec;
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::window::Mark;

/// The rows of a named window that a join can find.
pub(super) struct Shared {
    store: RowStore,
    /// The columns kept of a row the window emits.
    columns: Vec<usize>,
    /// The column that tells which row of the window it is.
    held: usize,
    /// By row of the window: its row here.
    places: Places,
}

#[derive(Default, Serialize, Deserialize)]
struct Places(Vec<Slot>);

impl Places {
    /// The row here, which is no longer known.
    fn take(&mut self, of: Slot) -> Option<Slot> {
        let place = self.0.get_mut(of as usize)?;
        Some(std::mem::replace(place, NO_SLOT)).filter(|s| *s != NO_SLOT)
    }

    fn put(&mut self, of: Slot, slot: Slot) {
        if self.0.len() <= of as usize {
            self.0.resize(of as usize + 1, NO_SLOT);
        }
        self.0[of as usize] = slot;
    }
}

impl Shared {
    /// Nothing is in the window yet.
    pub fn new(schema: SchemaRef, spec: &SharedSpec) -> Result<Self> {
        let store = RowStore::new(schema)?;
        let (columns, held) = (spec.columns.clone(), spec.held);
        Ok(Self { store, columns, held, places: Places::default() })
    }

    /// Where its rows are.
    pub fn store(&self) -> &RowStore {
        &self.store
    }

    /// What the window emitted; its rows get a row here as long as they can be found, and no longer
    /// than the step else.
    pub fn emit(&mut self, batch: &EventBatch) -> Emission {
        let mut e = Emission::default();
        let rows = self.kept(&batch.columns, self.store.schema());
        let held = batch.columns.column(self.held).as_primitive::<UInt64Type>();
        for chunk in batch.chunk_ranges() {
            for row in chunk {
                let (of, mark) = read_held(held.value(row));
                let (kind, ts) = (batch.kind(row), batch.ts[row]);
                let enters = kind == Kind::Current && mark != Some(Mark::Released);
                let slot = match mark {
                    Some(Mark::Passes) => self.once(&rows, row, ts),
                    _ if enters => {
                        let slot = self.store.insert(&rows, row, ts);
                        self.places.put(of, slot);
                        slot
                    }
                    _ => match self.places.take(of) {
                        Some(slot) => {
                            self.store.release(slot);
                            slot
                        }
                        None => self.once(&rows, row, ts),
                    },
                };
                if let Some(mark) = mark {
                    e.marks.push((e.slots.len() as u32, mark));
                }
                e.slots.push(slot);
                e.rows.push(ts, batch.at[row], batch.order[row], kind, SINGLE_KEY);
            }
            e.rows.end_chunk();
        }
        e.joined = vec![false; e.chunks()];
        e
    }

    /// A row for this step.
    fn once(&mut self, rows: &RecordBatch, row: usize, ts: i64) -> Slot {
        let slot = self.store.insert(rows, row, ts);
        self.store.release(slot);
        slot
    }

    fn kept(&self, columns: &RecordBatch, schema: &SchemaRef) -> RecordBatch {
        let kept = self.columns.iter().map(|c| columns.column(*c).clone()).collect();
        let options =
            arrow::array::RecordBatchOptions::new().with_row_count(Some(columns.num_rows()));
        RecordBatch::try_new_with_options(schema.clone(), kept, &options)
            .expect("the columns are those of the schema: both were narrowed together")
    }

    /// Makes the rows of those that left usable again.
    pub fn reclaim(&mut self) {
        self.store.reclaim();
    }

    /// Saves the rows.
    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.store)?;
        w.value(&self.places)
    }

    /// Restores what `snapshot` saved.
    pub fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        r.with(|d| self.store.load(d))?;
        self.places = r.value()?;
        let bound = self.store.bound();
        if self.places.0.iter().any(|s| *s != NO_SLOT && *s as usize >= bound) {
            return Err(Error::Snapshot("a join's rows of a window don't fit".into()));
        }
        Ok(())
    }
}
