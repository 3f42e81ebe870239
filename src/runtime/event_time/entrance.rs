//! The way into an application: through the stage, if a stream has a watermark, else straight to
//! ingress.

use arrow::array::RecordBatch;
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::SchemaRef;

use super::{EventTime, Part};
use crate::error::Result;
use crate::event::{Value, plain_rows};
use crate::plan::StreamId;
use crate::runtime::ingress::Ingress;
use crate::runtime::rows::widened;

/// The way in.
pub(in crate::runtime) struct Entrance<'a> {
    pub(in crate::runtime) ingress: &'a mut Ingress,
    pub(in crate::runtime) event_time: Option<&'a mut EventTime>,
}

impl Entrance<'_> {
    /// The application's clock, ms.
    pub(in crate::runtime) fn clock(&self) -> i64 {
        self.ingress.clock()
    }

    /// One row of an entrance of a stream with these attributes: each value [`fits`] its own.
    ///
    /// [`fits`]: crate::runtime::rows::fits
    #[inline]
    pub(in crate::runtime) fn row(
        &mut self,
        to: (StreamId, u32),
        schema: &SchemaRef,
        ts: i64,
        values: &[Value],
    ) -> Result<()> {
        match &mut self.event_time {
            Some(stage) => stage.chunk(self.ingress, to, vec![(ts, widened(values, schema))]),
            None => {
                self.ingress.row(to.0, ts, values);
                Ok(())
            }
        }
    }

    /// One chunk of rows (of the stream's types) of an entrance of a stream.
    pub(in crate::runtime) fn chunk(
        &mut self,
        to: (StreamId, u32),
        rows: Vec<(i64, Vec<Value>)>,
    ) -> Result<()> {
        match &mut self.event_time {
            Some(stage) => stage.chunk(self.ingress, to, rows),
            None => {
                self.ingress.chunk(to.0, rows);
                Ok(())
            }
        }
    }

    /// Rows in columns, each its own chunk.
    pub(in crate::runtime) fn batch(
        &mut self,
        (stream, entrance): (StreamId, u32),
        columns: RecordBatch,
        ts: ScalarBuffer<i64>,
    ) -> Result<()> {
        match &mut self.event_time {
            Some(stage) => {
                let rows = ts.len();
                let part = Part { stream, entrance, columns, ts };
                stage.arrive(self.ingress, plain(vec![part])?, &[(0, rows)])
            }
            None => {
                self.ingress.batch(stream, columns, ts);
                Ok(())
            }
        }
    }

    /// Rows of several entrances, with `@watermark`, in the order of `items`: so many of which part.
    pub(in crate::runtime) fn arrive(
        &mut self,
        parts: Vec<Part>,
        items: &[(usize, usize)],
    ) -> Result<()> {
        match &mut self.event_time {
            Some(stage) => stage.arrive(self.ingress, plain(parts)?, items),
            None => self.interleave(parts),
        }
    }

    /// Rows of several streams, by their times, of equal time those of the part that stands first.
    pub(in crate::runtime) fn interleave(&mut self, parts: Vec<Part>) -> Result<()> {
        match &mut self.event_time {
            Some(stage) => {
                let items = by_time(&parts);
                stage.arrive(self.ingress, plain(parts)?, &items)
            }
            None => {
                let plain = parts.into_iter().map(|p| (p.stream, p.columns, p.ts));
                self.ingress.interleave(plain.collect());
                Ok(())
            }
        }
    }

    /// The clock is told (with watermarks: that by which inputs are idle).
    pub(in crate::runtime) fn advance_to(&mut self, clock: i64) -> Result<()> {
        match &mut self.event_time {
            Some(stage) => stage.tick(self.ingress, clock),
            None => {
                self.ingress.advance_to(clock);
                Ok(())
            }
        }
    }

    /// No more rows come of an entrance; none: of all.
    pub(in crate::runtime) fn end(&mut self, of: Option<(StreamId, u32)>) -> Result<()> {
        match (&mut self.event_time, of) {
            (Some(stage), Some((stream, e))) => stage.end(self.ingress, stream, e),
            (Some(stage), None) => stage.finish(self.ingress),
            (None, _) => Ok(()),
        }
    }
}

/// Rows that wait are put together from many batches: they have strings, not codes of many dictionaries.
fn plain(parts: Vec<Part>) -> Result<Vec<Part>> {
    let plain = |p: Part| Ok(Part { columns: plain_rows(p.columns)?, ..p });
    parts.into_iter().map(plain).collect()
}

/// The order in which the rows of parts stand by their times, as runs of rows of parts.
fn by_time(parts: &[Part]) -> Vec<(usize, usize)> {
    let mut next = vec![0usize; parts.len()];
    let mut items: Vec<(usize, usize)> = vec![];
    loop {
        let head = |(p, part): (usize, &Part)| Some((*part.ts.get(next[p])?, p));
        let Some((_, p)) = parts.iter().enumerate().filter_map(head).min() else { return items };
        next[p] += 1;
        match items.last_mut() {
            Some((last, count)) if *last == p => *count += 1,
            _ => items.push((p, 1)),
        }
    }
}
