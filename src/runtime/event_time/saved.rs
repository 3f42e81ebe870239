//! The stage in snapshots: what waits (in order, as Arrow IPC), what is known of each input.

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::EventTime;
use crate::error::{Error, Result};
use crate::state::{SnapshotReader, SnapshotWriter};
use crate::time::{Arrivals, Rows};

impl EventTime {
    pub(in crate::runtime) fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.inputs)?;
        w.value(&self.entrances)?;
        w.value(&self.arrivals)?;
        w.value(&self.begun)?;
        w.value(&self.early)?;
        for gate in self.gates.iter().flatten() {
            let rows = gate.reorder.contents()?;
            w.value(&rows.is_some())?;
            let Some(rows) = rows else { continue };
            w.value(&ipc(&rows.columns)?)?;
            let n = rows.ts.len();
            w.value(&rows.ts.to_vec())?;
            w.value(&rows.chunked().then(|| rows.keys.to_vec()))?;
            w.value(&(0..n).map(|r| rows.arrivals.of(r)).collect::<Vec<u64>>())?;
        }
        Ok(())
    }

    pub(in crate::runtime) fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.inputs = r.value()?;
        self.entrances = r.value()?;
        self.arrivals = r.value()?;
        self.begun = r.value()?;
        self.early = r.value()?;
        if self.entrances.len() != self.inputs.list().len() {
            return Err(damaged());
        }
        for gate in self.gates.iter_mut().flatten() {
            if !r.value::<bool>()? {
                continue;
            }
            let columns = batch(&r.value::<Vec<u8>>()?)?;
            let ts: Vec<i64> = r.value()?;
            let keys: Option<Vec<i64>> = r.value()?;
            let arrivals: Vec<u64> = r.value()?;
            let n = columns.num_rows();
            let lengths = [ts.len(), arrivals.len(), keys.as_ref().map_or(n, Vec::len)];
            if lengths != [n; 3] || columns.schema().fields() != gate.reorder.schema().fields() {
                return Err(damaged());
            }
            let mut rows = Rows::new(columns, ts.into(), Arrivals::Each(arrivals.into()));
            if let Some(keys) = keys {
                rows.keys = keys.into();
            }
            gate.reorder.push(rows);
        }
        Ok(())
    }
}

fn damaged() -> Error {
    Error::Snapshot("the rows that wait are damaged or of another application".into())
}

fn ipc(columns: &RecordBatch) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(vec![], &columns.schema())?;
    writer.write(columns)?;
    Ok(writer.into_inner()?)
}

fn batch(bytes: &[u8]) -> Result<RecordBatch> {
    let mut reader = StreamReader::try_new(bytes, None)?;
    reader.next().ok_or_else(damaged)?.map_err(Error::from)
}
