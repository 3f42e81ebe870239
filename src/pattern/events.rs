//! [`Events`]: the captured events of all ports, counted by reference.
//!
//! Invariants: an event is stored once, however many partials hold it; `refs[slot]` is the number of
//! holders, and the row being offered holds its own copy until the next row is; a slot is released
//! when the last holder lets go, and stays readable until `reclaim`.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::error::{Error, Result};
use crate::event::{EventBatch, RowStore, Slot};
use crate::state::{SnapshotReader, SnapshotWriter};

use super::spec::PatternSpec;

/// The captured events of one port.
#[derive(Debug)]
struct Port {
    kept: Vec<usize>,
    schema: SchemaRef,
    store: RowStore,
    refs: Vec<u32>,
    /// The rows of this step, narrowed to the kept columns.
    rows: Option<EventBatch>,
}

/// The captured events of all ports.
#[derive(Debug)]
pub(super) struct Events {
    ports: Vec<Port>,
    /// The row being offered, if it was captured.
    current: Option<(usize, Slot)>,
}

impl Events {
    pub fn new(spec: &PatternSpec) -> Result<Self> {
        let ports = spec
            .ports
            .iter()
            .map(|p| {
                let schema: SchemaRef = Arc::new(p.schema.project(&p.kept)?);
                let store = RowStore::new(Arc::clone(&schema))?;
                Ok(Port { kept: p.kept.clone(), schema, store, refs: vec![], rows: None })
            })
            .collect::<Result<_>>()?;
        Ok(Self { ports, current: None })
    }

    /// Where the events of a port are.
    pub fn store(&self, port: usize) -> &RowStore {
        &self.ports[port].store
    }

    /// Takes the rows of this step.
    pub fn begin_step(&mut self, port: usize, batch: &EventBatch) -> Result<()> {
        let p = &mut self.ports[port];
        let columns = p.kept.iter().map(|c| Arc::clone(batch.columns.column(*c))).collect();
        p.rows = Some(batch.with_columns(Arc::clone(&p.schema), columns)?);
        Ok(())
    }

    /// The rows of this step with the kept columns only.
    pub fn rows(&self, port: usize) -> Option<&EventBatch> {
        self.ports[port].rows.as_ref()
    }

    /// A holder more of row `row`, which is being offered.
    pub fn capture(&mut self, port: usize, row: usize, ts: i64) -> Slot {
        let slot = match self.current {
            Some((p, slot)) if p == port => slot,
            _ => {
                let p = &mut self.ports[port];
                let slot = match &p.rows {
                    Some(rows) => p.store.insert(&rows.columns, row, ts),
                    // Rows are always given before they are offered.
                    None => p.store.insert_values(&[], ts),
                };
                if p.refs.len() <= slot as usize {
                    p.refs.resize(slot as usize + 1, 0);
                }
                p.refs[slot as usize] = 1;
                self.current = Some((port, slot));
                slot
            }
        };
        self.retain(port, slot);
        slot
    }

    /// A holder more.
    pub fn retain(&mut self, port: usize, slot: Slot) {
        self.ports[port].refs[slot as usize] += 1;
    }

    /// A holder less.
    pub fn release(&mut self, port: usize, slot: Slot) {
        let p = &mut self.ports[port];
        let refs = &mut p.refs[slot as usize];
        *refs -= 1;
        if *refs == 0 {
            p.store.release(slot);
        }
    }

    /// The row being offered was offered to all.
    pub fn end_row(&mut self) {
        if let Some((port, slot)) = self.current.take() {
            self.release(port, slot);
        }
    }

    /// Outputs were gathered: released slots may be used again.
    pub fn end_step(&mut self) {
        for p in &mut self.ports {
            p.rows = None;
            p.store.reclaim();
            if p.store.bound() == 0 {
                p.refs = vec![];
            }
        }
    }

    /// Events held.
    pub fn len(&self) -> usize {
        self.ports.iter().map(|p| p.store.len()).sum()
    }

    pub fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.ports.iter().try_for_each(|p| {
            w.value(&p.store)?;
            w.value(&p.refs)
        })
    }

    pub fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.current = None;
        for p in &mut self.ports {
            let mut store = RowStore::new(Arc::clone(&p.schema))?;
            r.with(|d| store.load(d))?;
            let refs: Vec<u32> = r.value()?;
            if refs.len() < store.bound() && !refs.is_empty() {
                return Err(Error::Snapshot("captured events don't fit their counts".into()));
            }
            (p.store, p.refs) = (store, refs);
        }
        Ok(())
    }
}
