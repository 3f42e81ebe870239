//! Arrow IPC, file and stream format; which of the two a file is in is told by its first bytes.
//! Compressed buffers need a codec this build may not have; Arrow then says so.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamDecoder, read_footer_length};
use arrow::ipc::root_as_footer;
use arrow::ipc::writer::{FileWriter, StreamWriter};

use super::columnar::{ColumnarSource, Layout, Measure};
use super::plain::{plain_rows, plain_schema};
use super::{Output, RecordWriter, open_file};
use crate::error::{Error, Result};

/// What a file in the file format begins with.
const MAGIC: &[u8; 6] = b"ARROW1";

/// Rows written at once. Small batches are gathered, as each costs a header.
const WRITE_ROWS: usize = 8192;

/// How much of a stream is read at once, bytes.
const BLOCK: usize = 256 * 1024;

/// Opens an Arrow IPC file.
pub(super) fn open(path: &Path, schema: SchemaRef, time: Option<&str>) -> Result<ColumnarSource> {
    let name = format!("`{}`", path.display());
    let broken = |e: ArrowError| Error::Data(format!("{name}: {e}"));
    let unreadable = |e| Error::io(format!("can't read {name}"), e);
    let (mut file, size) = open_file(path)?;
    let Some(size) = size else {
        return Err(Error::Data(format!("{name} is a pipe, which can be csv or json only")));
    };
    let mut magic = vec![];
    (&mut file).take(MAGIC.len() as u64).read_to_end(&mut magic).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    let count = Arc::new(AtomicU64::new(0));
    if magic == MAGIC {
        check_lengths(&mut file, size).map_err(broken)?;
        let footer = FileReader::try_new(&mut file, None).map_err(broken)?;
        let layout = Layout::new(&name, &footer.schema(), schema, time)?;
        let counted = Counted { file, count: Arc::clone(&count) };
        let projection = Some(layout.projection().to_vec());
        let reader = FileReader::try_new(BufReader::new(counted), projection).map_err(broken)?;
        let (batches, measure) = (Box::new(reader), Measure::Bytes(count));
        return Ok(ColumnarSource::new(name, layout, batches, measure, Some(size)));
    }
    let mut stream = Stream {
        file: Counted { file, count: Arc::clone(&count) },
        decoder: StreamDecoder::new(),
        buffer: Buffer::default(),
        first: None,
        projection: None,
        done: false,
    };
    let columns = stream.schema().map_err(broken)?;
    let layout = Layout::new(&name, &columns, schema, time)?;
    stream.projection = Some(layout.projection().to_vec());
    let (batches, measure) = (Box::new(stream), Measure::Bytes(count));
    Ok(ColumnarSource::new(name, layout, batches, measure, Some(size)))
}

/// Makes sure that no part of a file claims to be longer than the file, as the reader allocates what
/// is claimed before it reads.
fn check_lengths(file: &mut File, size: u64) -> Result<(), ArrowError> {
    let bad = |what: &str| ArrowError::IpcError(format!("the file is damaged: {what}"));
    let mut tail = [0; 10];
    file.seek(SeekFrom::End(-10)).map_err(|_| bad("it is too short"))?;
    file.read_exact(&mut tail)?;
    let length = read_footer_length(tail)?;
    if length as u64 + 10 > size {
        return Err(bad("its footer is longer than the file"));
    }
    let mut footer = vec![0; length];
    file.seek(SeekFrom::End(-10 - length as i64))?;
    file.read_exact(&mut footer)?;
    let footer = root_as_footer(&footer).map_err(|e| bad(&format!("{e}")))?;
    let blocks = [footer.dictionaries(), footer.recordBatches()];
    for block in blocks.into_iter().flatten().flatten() {
        let parts = [block.offset(), i64::from(block.metaDataLength()), block.bodyLength()];
        let end = parts.iter().try_fold(0u64, |sum, p| sum.checked_add(u64::try_from(*p).ok()?));
        if end.is_none_or(|end| end > size) || block.metaDataLength() < 8 {
            return Err(bad("a block is longer than the file"));
        }
    }
    file.rewind()?;
    Ok(())
}

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

/// Batches of a file in the stream format. (Arrow's `StreamReader` allocates what a message claims to
/// be long before it reads it; the decoder takes what there is.)
struct Stream {
    file: Counted,
    decoder: StreamDecoder,
    /// Read and not yet decoded.
    buffer: Buffer,
    /// A batch that was decoded on the way to the schema.
    first: Option<RecordBatch>,
    /// The columns wanted; none = all.
    projection: Option<Vec<usize>>,
    done: bool,
}

impl Stream {
    /// Reads a block. False at the end of the file.
    fn fill(&mut self) -> Result<bool, ArrowError> {
        let mut block = vec![0; BLOCK];
        let count = self.file.read(&mut block)?;
        block.truncate(count);
        self.buffer = block.into();
        Ok(count > 0)
    }

    /// Decodes on to the next batch, all columns of it; none if the block ends before.
    fn decode(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        match self.first.take() {
            Some(batch) => Ok(Some(batch)),
            None => self.decoder.decode(&mut self.buffer),
        }
    }

    /// The schema, which comes before all batches.
    fn schema(&mut self) -> Result<SchemaRef, ArrowError> {
        loop {
            // The decoder doesn't stop behind the schema, but behind the first batch.
            self.first = self.decode()?;
            if let Some(schema) = self.decoder.schema() {
                return Ok(schema);
            }
            if self.buffer.is_empty() && !self.fill()? {
                let message = "it is neither an Arrow IPC file nor an Arrow IPC stream";
                return Err(ArrowError::IpcError(message.into()));
            }
        }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        loop {
            if let Some(batch) = self.decode()? {
                return match &self.projection {
                    Some(columns) => Ok(Some(batch.project(columns)?)),
                    None => Ok(Some(batch)),
                };
            }
            if self.buffer.is_empty() && !self.fill()? {
                self.decoder.finish()?;
                return Ok(None);
            }
        }
    }
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.next_batch().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
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
