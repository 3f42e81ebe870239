//! Input for any application: the rows of its streams in the order in which they arrive.
//!
//! Invariant: the order of arrival depends on the rows, the disorder and the seed alone, so that
//! sends of any size hold the same rows in the same order.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};

use super::workload::{Delays, Step};
use crate::Value;
use crate::error::{Error, Result, nearest};

/// The column that holds event times beside the attributes; no attribute can be called so.
pub const TIME: &str = "@time";

/// Rows of several streams in order of arrival.
#[derive(Debug, Clone)]
pub struct Feed {
    /// Streams with their rows; the last column is [`TIME`].
    streams: Vec<(String, RecordBatch)>,
    /// Stream and row, in order of arrival.
    arrivals: Vec<(u32, u32)>,
    /// Nothing arrives after something later.
    ordered: bool,
}

impl Feed {
    /// Rows arrive in the order of their event times (ms), each up to `disorder` ms late; ties
    /// keep the order of the streams and rows. At most `events` of them.
    ///
    /// # Errors
    /// [`Error::Data`] if rows and times differ in number.
    pub fn new(
        streams: Vec<(String, RecordBatch, Vec<i64>)>,
        disorder: u64,
        seed: u64,
        events: Option<usize>,
    ) -> Result<Self> {
        let mut due: Vec<(i64, u32, u32)> = vec![];
        let mut held = vec![];
        for (s, (name, rows, times)) in streams.into_iter().enumerate() {
            due.extend(times.iter().enumerate().map(|(r, t)| (*t, s as u32, r as u32)));
            held.push((name, with_times(&rows, times)?));
        }
        due.sort_by_key(|(t, s, _)| (*t, *s));
        due.truncate(events.unwrap_or(usize::MAX));
        if disorder > 0 {
            let mut delays = Delays::new(disorder, seed);
            due.iter_mut().for_each(|(t, _, _)| *t = t.saturating_add(delays.next()));
            due.sort_by_key(|(t, _, _)| *t);
        }
        let arrivals = due.into_iter().map(|(_, s, r)| (s, r)).collect();
        Ok(Self { streams: held, arrivals, ordered: disorder == 0 })
    }

    /// Names of the streams.
    pub fn streams(&self) -> Vec<String> {
        self.streams.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Number of rows over all streams.
    pub fn len(&self) -> usize {
        self.arrivals.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// Whether the parts of a step, merged by time, are in order of arrival. With several streams
    /// and disorder they aren't: then a step holds runs of rows of one stream.
    pub fn merges(&self) -> bool {
        self.ordered || self.streams.len() == 1
    }

    /// The rows in sends of `batch_rows`.
    ///
    /// # Errors
    /// If Arrow can't gather the rows.
    pub fn steps(&self, batch_rows: usize) -> Result<Vec<Step>> {
        self.arrivals.chunks(batch_rows.max(1)).map(|rows| self.step(rows)).collect()
    }

    fn step(&self, rows: &[(u32, u32)]) -> Result<Step> {
        let mut parts: Vec<(usize, Vec<u32>)> = vec![];
        for (stream, row) in rows {
            let stream = *stream as usize;
            let place = match self.merges() {
                true => parts.iter().position(|(s, _)| *s == stream),
                false => parts.last().filter(|(s, _)| *s == stream).map(|_| parts.len() - 1),
            };
            match place {
                Some(p) => parts[p].1.push(*row),
                None => parts.push((stream, vec![*row])),
            }
        }
        if self.merges() {
            // Ties between streams go by their order.
            parts.sort_by_key(|(s, _)| *s);
        }
        let part = |(stream, rows): (usize, Vec<u32>)| {
            let rows = UInt32Array::from(rows);
            Ok((stream, take_record_batch(&self.streams[stream].1, &rows)?))
        };
        parts.into_iter().map(part).collect()
    }

    /// The rows one by one as values: stream, event time, attributes.
    pub fn rows(&self) -> Vec<(usize, i64, Vec<Value>)> {
        let row = |(s, r): &(u32, u32)| {
            let (s, r) = (*s as usize, *r as usize);
            let (times, attributes) = self.streams[s].1.columns().split_last()?;
            let values = attributes.iter().map(|c| Value::from_array(c, r)).collect();
            Some((s, times.as_primitive::<Int64Type>().value(r), values))
        };
        // There is always a last column: the times.
        self.arrivals.iter().filter_map(row).collect()
    }
}

fn with_times(rows: &RecordBatch, times: Vec<i64>) -> Result<RecordBatch> {
    let mut fields: Vec<Arc<Field>> = rows.schema_ref().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(TIME, DataType::Int64, false)));
    let mut columns = rows.columns().to_vec();
    columns.push(Arc::new(Int64Array::from(times)));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// The columns of `rows` that a stream of this schema has, by name, in its types. `what` names the
/// rows in errors.
///
/// # Errors
/// [`Error::Name`] if a column isn't there, [`Error::Data`] if its values don't fit.
pub fn fit(rows: &RecordBatch, schema: &SchemaRef, what: &str) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|f| {
        let found = rows.column_by_name(f.name()).ok_or_else(|| missing(rows, f.name(), what))?;
        let fitted: ArrayRef = cast(found, f.data_type()).map_err(|_| {
            let (name, from, to) = (f.name(), found.data_type(), f.data_type());
            Error::Data(format!("column `{name}` of {what} is {from}, which doesn't become {to}"))
        })?;
        if fitted.null_count() > found.null_count() {
            let (name, to) = (f.name(), f.data_type());
            return Err(Error::Data(format!("column `{name}` of {what} has values beyond {to}")));
        }
        Ok(fitted)
    });
    Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_>>()?)?)
}

fn missing(rows: &RecordBatch, name: &str, what: &str) -> Error {
    let schema = rows.schema();
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!(" (did you mean `{near}`?)"),
        None => String::new(),
    };
    let all = names.join(", ");
    Error::Name(format!("{what} has no column `{name}`{hint}; its columns are {all}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringViewArray;

    fn stream(name: &str, times: &[i64]) -> (String, RecordBatch, Vec<i64>) {
        let texts = (0..times.len()).map(|i| format!("{name}{i}"));
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
        (name.into(), RecordBatch::try_from_iter([("x", texts)]).unwrap(), times.to_vec())
    }

    fn names(feed: &Feed) -> Vec<String> {
        let text = |(_, time, values): (usize, i64, Vec<Value>)| match &values[..] {
            [Value::String(s)] => format!("{s}@{time}"),
            other => panic!("{other:?}"),
        };
        feed.rows().into_iter().map(text).collect()
    }

    #[test]
    fn streams_are_merged_by_time_and_ties_go_by_order() {
        let feed = Feed::new(vec![stream("a", &[1, 5]), stream("b", &[0, 5])], 0, 1, None).unwrap();
        assert_eq!(names(&feed), ["b0@0", "a0@1", "a1@5", "b1@5"]);
        let steps = feed.steps(3).unwrap();
        let shape = |s: &Step| s.iter().map(|(i, b)| (*i, b.num_rows())).collect::<Vec<_>>();
        assert_eq!(
            steps.iter().map(shape).collect::<Vec<_>>(),
            [vec![(0, 2), (1, 1)], vec![(1, 1)]]
        );
        let short = Feed::new(vec![stream("a", &[1, 5, 9])], 0, 1, Some(2)).unwrap();
        assert_eq!(names(&short), ["a0@1", "a1@5"]);
    }

    #[test]
    fn disorder_is_bounded_and_the_same_for_every_batch_size() {
        let times: Vec<i64> = (0..500).collect();
        let feed = Feed::new(vec![stream("a", &times), stream("b", &times)], 20, 7, None).unwrap();
        assert!(!feed.merges());
        let mut latest = 0;
        let mut late = 0;
        for (_, time, _) in feed.rows() {
            assert!(time >= latest - 20, "{time} after {latest}");
            late += u32::from(time < latest);
            latest = latest.max(time);
        }
        assert!(late > 300, "{late} of 1000 rows are late");
        for size in [1, 7, 1000] {
            let steps = feed.steps(size).unwrap();
            let times = steps.iter().flatten().flat_map(|(s, b)| {
                let times = b.column(1).as_primitive::<Int64Type>().values().to_vec();
                times.into_iter().map(move |t| (*s, t))
            });
            let expected = feed.rows().into_iter().map(|(s, t, _)| (s, t));
            assert!(times.eq(expected), "{size}");
        }
    }

    #[test]
    fn columns_are_found_by_name_and_converted() {
        let (_, rows, _) = stream("a", &[1]);
        let schema = |name: &str, ty: DataType| -> SchemaRef {
            Schema::new(vec![Field::new(name, ty, true)]).into()
        };
        let said = |name: &str, ty| fit(&rows, &schema(name, ty), "it").unwrap_err().to_string();
        let same = fit(&rows, &schema("x", DataType::Utf8View), "it").unwrap();
        assert_eq!(same.columns(), rows.columns());
        assert_eq!(
            said("y", DataType::Utf8View),
            "it has no column `y` (did you mean `x`?); its columns are x"
        );
        assert_eq!(said("x", DataType::Int32), "column `x` of it has values beyond Int32");
    }
}
