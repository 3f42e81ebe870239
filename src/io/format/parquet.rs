//! Apache Parquet. Only the columns that are wanted are read, a page at a time.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::columnar::{ColumnarSource, Layout, Measure};
use super::plain::{plain_rows, plain_schema};
use super::{Output, RecordWriter, open_file};
use crate::error::{Error, Result};

/// Rows decoded at once.
const READ_ROWS: usize = 8192;

/// Row groups are closed after so many rows or bytes, which bounds the memory of writing.
const GROUP_ROWS: usize = 256 * 1024;
const GROUP_BYTES: usize = 64 * 1024 * 1024;

/// Opens a Parquet file.
pub(super) fn open(path: &Path, schema: SchemaRef, time: Option<&str>) -> Result<ColumnarSource> {
    let name = format!("`{}`", path.display());
    let broken = |e: ParquetError| Error::Data(format!("{name}: {e}"));
    let (file, size) = open_file(path)?;
    if size.is_none() {
        return Err(Error::Data(format!("{name} is a pipe, which can be csv or json only")));
    }
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)?;
    let layout = Layout::new(&name, builder.schema(), schema, time)?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let mask = ProjectionMask::roots(builder.parquet_schema(), layout.projection().iter().copied());
    let reader = builder.with_projection(mask).with_batch_size(READ_ROWS).build();
    let batches = Box::new(reader.map_err(broken)?);
    Ok(ColumnarSource::new(name, layout, batches, Measure::Rows(rows), size))
}

/// Writes Parquet.
pub(super) struct ParquetWriter {
    name: String,
    writer: ArrowWriter<Output>,
    schema: SchemaRef,
}

/// A writer.
pub(super) fn writer(output: Output, schema: &SchemaRef) -> Result<ParquetWriter> {
    let (name, schema) = (output.name.clone(), plain_schema(schema));
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_created_by(concat!("foreshock ", env!("CARGO_PKG_VERSION")).to_string())
        .build();
    let writer = ArrowWriter::try_new(output, schema.clone(), Some(properties));
    let writer = writer.map_err(|e| Error::Data(format!("{name}: {e}")))?;
    Ok(ParquetWriter { name, writer, schema })
}

impl RecordWriter for ParquetWriter {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let rows = plain_rows(rows, &self.schema)?;
        self.writer.write(&rows).map_err(|e| Error::Data(format!("{}: {e}", self.name)))
    }

    fn flush(&mut self) -> Result<()> {
        // A row group per step would make a file of crumbs; nothing can be read before the footer.
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        let Self { name, mut writer, .. } = *self;
        writer.finish().map_err(|e| Error::Data(format!("{name}: {e}")))?;
        writer.inner_mut().flush_all()
    }
}
