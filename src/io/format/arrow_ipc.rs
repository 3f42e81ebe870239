//! Arrow IPC, file and stream format; which of the two a file is in is told by its first bytes.
//! Compressed buffers need a codec this build may not have; Arrow then says so.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::ipc::writer::{FileWriter, StreamWriter};

use super::columnar::{Batches, ColumnarSource, Layout, Measure};
use super::plain::{plain_rows, plain_schema};
use super::{Output, RecordWriter, open_file};
use crate::error::{Error, Result};

/// What a file in the file format begins with.
const MAGIC: &[u8; 6] = b"ARROW1";

/// Rows written at once. Small batches are gathered, as each costs a header.
const WRITE_ROWS: usize = 8192;

/// Counts the bytes that are read.
struct Counted {
    file: File,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(into)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

/// Opens an Arrow IPC file.
pub(super) fn open(path: &Path, schema: SchemaRef, time: Option<&str>) -> Result<ColumnarSource> {
    let name = format!("`{}`", path.display());
    let broken = |e: arrow::error::ArrowError| Error::Data(format!("{name}: {e}"));
    let count = Arc::new(AtomicU64::new(0));
    let reader = || -> Result<(BufReader<Counted>, Option<u64>)> {
        let (file, size) = open_file(path)?;
        count.store(0, Ordering::Relaxed);
        Ok((BufReader::new(Counted { file, count: Arc::clone(&count) }), size))
    };
    let (mut first, size) = reader()?;
    if size.is_none() {
        return Err(Error::Data(format!("{name} is a pipe, which can be csv or json only")));
    }
    let mut magic = vec![];
    let read = first.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic);
    read.map_err(|e| Error::io(format!("can't read {name}"), e))?;
    let (layout, batches): (Layout, Batches) = if magic == MAGIC {
        let file = FileReader::try_new(reader()?.0, None).map_err(broken)?;
        let layout = Layout::new(&name, &file.schema(), schema, time)?;
        let projection = Some(layout.projection().to_vec());
        let projected = FileReader::try_new(reader()?.0, projection).map_err(broken)?;
        (layout, Box::new(projected))
    } else {
        let stream = StreamReader::try_new(reader()?.0, None).map_err(broken)?;
        let layout = Layout::new(&name, &stream.schema(), schema, time)?;
        let projection = Some(layout.projection().to_vec());
        let projected = StreamReader::try_new(reader()?.0, projection).map_err(broken)?;
        (layout, Box::new(projected))
    };
    Ok(ColumnarSource::new(name, layout, batches, Measure::Bytes(count), size))
}

enum Ipc {
    File(FileWriter<Output>),
    Stream(StreamWriter<Output>),
}

/// Writes Arrow IPC.
pub(super) struct IpcWriter {
    ipc: Ipc,
    schema: SchemaRef,
    pending: Vec<RecordBatch>,
    pending_rows: usize,
}

/// A writer in the stream or file format.
pub(super) fn writer(output: Output, schema: &SchemaRef, stream: bool) -> Result<IpcWriter> {
    let schema = plain_schema(schema);
    let ipc = match stream {
        true => Ipc::Stream(StreamWriter::try_new(output, &schema)?),
        false => Ipc::File(FileWriter::try_new(output, &schema)?),
    };
    Ok(IpcWriter { ipc, schema, pending: vec![], pending_rows: 0 })
}

impl IpcWriter {
    fn write_pending(&mut self) -> Result<()> {
        if self.pending_rows == 0 {
            return Ok(());
        }
        let rows = concat_batches(&self.schema, &self.pending)?;
        self.pending.clear();
        self.pending_rows = 0;
        match &mut self.ipc {
            Ipc::File(w) => w.write(&rows)?,
            Ipc::Stream(w) => w.write(&rows)?,
        }
        Ok(())
    }
}

impl RecordWriter for IpcWriter {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.pending.push(plain_rows(rows, &self.schema)?);
        self.pending_rows += rows.num_rows();
        if self.pending_rows >= WRITE_ROWS { self.write_pending() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        // A file can be read only when it has its footer, so there is no hurry.
        if matches!(self.ipc, Ipc::Stream(_)) {
            self.write_pending()?;
        }
        match &mut self.ipc {
            Ipc::File(_) => Ok(()),
            Ipc::Stream(w) => Ok(w.flush()?),
        }
    }

    fn close(mut self: Box<Self>) -> Result<()> {
        self.write_pending()?;
        match self.ipc {
            Ipc::File(mut w) => {
                w.finish()?;
                w.get_mut().flush_all()
            }
            Ipc::Stream(mut w) => {
                w.finish()?;
                w.get_mut().flush_all()
            }
        }
    }
}
