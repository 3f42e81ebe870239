//! [`Input`]: the entrance of one stream.

use std::sync::{Arc, Mutex, OnceLock};

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, FieldRef, Int64Type, SchemaRef, TimeUnit};
use serde::Serialize;

use super::app::Shared;
use super::event_time::WHOLE;
use super::ingress::conform;
use super::rows::{fits, widened};
use crate::error::{Error, Result};
use crate::event::{Dictionaries, Value};

/// Event times of the rows of a record batch.
#[derive(Debug, Clone)]
pub enum Times<'a> {
    /// The application's clock now, for all rows.
    Now,
    /// One per row, ms since the epoch.
    Each(&'a [i64]),
    /// A column of the batch: `Int64` in ms or a timestamp of any unit.
    Column(&'a str),
}

/// A row of values: arrays, slices and vectors of [`Value`], or tuples of plain values.
pub trait IntoRow {
    /// The values in the order of the stream's attributes.
    fn into_row(self) -> Vec<Value>;

    /// Calls `f` with the values in the order of the stream's attributes.
    fn with_row<R>(self, f: impl FnOnce(&[Value]) -> R) -> R
    where
        Self: Sized,
    {
        f(&self.into_row())
    }
}

impl IntoRow for Vec<Value> {
    fn into_row(self) -> Vec<Value> {
        self
    }
}
impl IntoRow for &[Value] {
    fn into_row(self) -> Vec<Value> {
        self.to_vec()
    }
    fn with_row<R>(self, f: impl FnOnce(&[Value]) -> R) -> R {
        f(self)
    }
}
impl IntoRow for &Vec<Value> {
    fn into_row(self) -> Vec<Value> {
        self.clone()
    }
    fn with_row<R>(self, f: impl FnOnce(&[Value]) -> R) -> R {
        f(self)
    }
}
impl<const N: usize> IntoRow for [Value; N] {
    fn into_row(self) -> Vec<Value> {
        self.into()
    }
    fn with_row<R>(self, f: impl FnOnce(&[Value]) -> R) -> R {
        f(&self)
    }
}
impl<const N: usize> IntoRow for &[Value; N] {
    fn into_row(self) -> Vec<Value> {
        self.to_vec()
    }
    fn with_row<R>(self, f: impl FnOnce(&[Value]) -> R) -> R {
        f(self)
    }
}
macro_rules! tuple_row {
    ($($t:ident $i:tt),+) => {
        impl<$($t: Into<Value>),+> IntoRow for ($($t,)+) {
            fn into_row(self) -> Vec<Value> {
                vec![$(self.$i.into()),+]
            }
            #[inline]
            fn with_row<R>(self, f: impl FnOnce(&[Value]) -> R) -> R {
                f(&[$(self.$i.into()),+])
            }
        }
    };
}
tuple_row!(A 0);
tuple_row!(A 0, B 1);
tuple_row!(A 0, B 1, C 2);
tuple_row!(A 0, B 1, C 2, D 3);
tuple_row!(A 0, B 1, C 2, D 3, E 4);
tuple_row!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple_row!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple_row!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

/// The entrance of one stream. Cheap to clone; can be used from any thread. With the default
/// `batch_rows` of 1, every call returns when its rows have passed through the application and
/// subscriptions have seen the results.
#[derive(Clone)]
pub struct Input {
    pub(super) shared: Arc<Shared>,
    pub(super) stream: usize,
    /// Which of the stream's.
    pub(super) entrance: u32,
    pub(super) name: String,
    pub(super) schema: SchemaRef,
    /// Dictionaries that came last.
    pub(super) dictionaries: Arc<Mutex<Dictionaries>>,
    pub(super) known: OnceLock<Known>,
}

/// Where the stream's attributes stand in the batches that come: of the schema of the first batch, which
/// is that of most others.
#[derive(Clone)]
pub(super) struct Known {
    schema: SchemaRef,
    columns: Vec<usize>,
    /// The column of times that was asked for first.
    time: OnceLock<(String, usize)>,
}

impl Known {
    /// The values of the column `name` of a batch of this schema, if they are times as they are.
    fn times(&self, batch: &RecordBatch, name: &str) -> Option<ScalarBuffer<i64>> {
        let (known, column) = match self.time.get() {
            Some(known) => known,
            None => {
                let column = self.schema.index_of(name).ok()?;
                self.time.get_or_init(|| (name.to_string(), column))
            }
        };
        let times = batch.column(*column).as_primitive_opt::<Int64Type>()?;
        (known == name && times.null_count() == 0).then(|| times.values().clone())
    }

    /// None if a column is missing or has to be cast.
    fn of(batch: &RecordBatch, schema: &SchemaRef) -> Option<Self> {
        let column = |f: &FieldRef| {
            let found = batch.schema_ref().column_with_name(f.name());
            found.filter(|(_, have)| have.data_type() == f.data_type()).map(|(i, _)| i)
        };
        let columns = schema.fields().iter().map(column).collect::<Option<_>>()?;
        Some(Self { schema: batch.schema(), columns, time: OnceLock::new() })
    }
}

impl Shared {
    /// Refuses chunks of several events where shards could not put their results in order.
    pub(super) fn check_chunk(&self, stream: usize, rows: usize) -> Result<()> {
        if rows < 2 || !self.singly.get(stream).is_some_and(|s| *s) {
            return Ok(());
        }
        Err(Error::Data(
            "a chunk of several events can't be sent to queries that run in shards: send them one by \
             one, or set `shards` to 1"
                .into(),
        ))
    }
}

impl Input {
    pub(super) fn new(shared: Arc<Shared>, stream: usize, name: &str, schema: SchemaRef) -> Self {
        Self {
            shared,
            stream,
            entrance: WHOLE,
            name: name.to_string(),
            schema,
            known: OnceLock::new(),
            dictionaries: Arc::default(),
        }
    }

    /// The stream's attributes.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Sends an event at the application's present clock.
    ///
    /// # Errors
    /// [`Error::Data`] if the values don't fit the attributes (numbers widen, nothing narrows).
    pub fn send(&self, row: impl IntoRow) -> Result<()> {
        row.with_row(|values| {
            self.check(values)?;
            let (to, schema) = (self.place(), &self.schema);
            self.shared.send(|entrance| entrance.row(to, schema, entrance.clock(), values), 1)
        })
    }

    /// Sends an event with its time, ms since the epoch. In playback this moves the clock.
    ///
    /// # Errors
    /// As [`Input::send`].
    pub fn send_at(&self, ts: i64, row: impl IntoRow) -> Result<()> {
        row.with_row(|values| {
            self.check(values)?;
            let (to, schema) = (self.place(), &self.schema);
            self.shared.send(|entrance| entrance.row(to, schema, ts, values), 1)
        })
    }

    /// Sends a struct (or map) by field names; missing fields are null.
    ///
    /// # Errors
    /// As [`Input::send`]; also if `row` has a field the stream has not.
    pub fn send_struct<T: Serialize>(&self, ts: i64, row: &T) -> Result<()> {
        let row = self.struct_row(row)?;
        self.send_at(ts, row)
    }

    /// Sends several events as one chunk (Siddhi's `send(Event[])`): queries see them as one.
    ///
    /// # Errors
    /// As [`Input::send`]; [`Error::Data`] also if the stream is read in shards
    /// (see [`crate::AppOptions::shards`]).
    pub fn send_chunk<R: IntoRow>(&self, rows: impl IntoIterator<Item = (i64, R)>) -> Result<()> {
        let rows = rows
            .into_iter()
            .map(|(ts, r)| {
                let row = r.into_row();
                self.check(&row)?;
                Ok((ts, widened(&row, &self.schema)))
            })
            .collect::<Result<Vec<_>>>()?;
        let n = rows.len();
        self.shared.check_chunk(self.stream, n)?;
        self.shared.send(|entrance| entrance.chunk(self.place(), rows), n)
    }

    /// Sends the rows of a record batch one after the other. Columns are found by name; further
    /// columns are ignored.
    ///
    /// # Errors
    /// [`Error::Data`] if a column is missing or of another kind, or times are null.
    pub fn send_batch(&self, batch: &RecordBatch, times: Times<'_>) -> Result<()> {
        let now = if matches!(times, Times::Now) { self.shared.now() } else { 0 };
        let (columns, ts) = self.columns(batch, &times, now)?;
        let n = columns.num_rows();
        self.shared.send(|entrance| entrance.batch(self.place(), columns, ts), n)
    }

    /// The entrance of one of several inputs of the stream, such as the partitions of a topic, which
    /// come with disorder of their own: with `@watermark`, time waits for each of them from now on.
    /// `number` tells them apart; 0 is this one, which isn't waited for any more if it was never used.
    #[must_use]
    pub fn partition(&self, number: u32) -> Input {
        self.shared.open(self.stream, number);
        Input { entrance: number, ..self.clone() }
    }

    /// No more rows come in here: time (of an application with `@watermark`) doesn't wait for this
    /// entrance any more. A row that comes nevertheless opens it again.
    ///
    /// # Errors
    /// What the step fails with in which rows go on that waited.
    pub fn end(&self) -> Result<()> {
        self.shared.send(|entrance| entrance.end(Some(self.place())), 0)
    }

    fn place(&self) -> (usize, u32) {
        (self.stream, self.entrance)
    }

    /// The columns of the stream and the time of each row.
    pub(super) fn columns(
        &self,
        batch: &RecordBatch,
        times: &Times<'_>,
        now: i64,
    ) -> Result<(RecordBatch, ScalarBuffer<i64>)> {
        let known = self.known(batch);
        let ts = match times {
            Times::Now => vec![now; batch.num_rows()].into(),
            Times::Each(ts) if ts.len() == batch.num_rows() => ts.to_vec().into(),
            Times::Each(ts) => {
                let (rows, n) = (batch.num_rows(), ts.len());
                return Err(Error::Data(format!("the batch has {rows} rows and {n} times")));
            }
            Times::Column(name) => match known.and_then(|known| known.times(batch, name)) {
                Some(times) => times,
                None => times_of(batch, name)?,
            },
        };
        let Some(known) = known else {
            let mut dictionaries =
                self.dictionaries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            return Ok((conform(batch, &self.schema, &mut dictionaries)?, ts));
        };
        let columns = known.columns.iter().map(|c| Arc::clone(batch.column(*c))).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let schema = Arc::clone(&self.schema);
        Ok((RecordBatch::try_new_with_options(schema, columns, &options)?, ts))
    }

    /// What is known of the schema of the batch; none if it is another than that of the first, or the
    /// columns are not those of the stream.
    fn known(&self, batch: &RecordBatch) -> Option<&Known> {
        let known = match self.known.get() {
            None => Known::of(batch, &self.schema).map(|known| self.known.get_or_init(|| known)),
            known => known,
        };
        known.filter(|known| Arc::ptr_eq(&known.schema, batch.schema_ref()))
    }

    /// Whether there is a value for each attribute, of its type or one that widens to it.
    #[inline]
    fn check(&self, row: &[Value]) -> Result<()> {
        let fields = self.schema.fields();
        let fit = row.len() == fields.len()
            && row.iter().zip(fields).all(|(v, f)| fits(v, f.data_type()));
        if fit { Ok(()) } else { Err(self.misfit(row)) }
    }

    #[cold]
    fn misfit(&self, row: &[Value]) -> Error {
        let (fields, stream) = (self.schema.fields(), &self.name);
        let fault = row.iter().zip(fields).find(|(v, f)| !fits(v, f.data_type()));
        Error::Data(match fault {
            Some((v, f)) if row.len() == fields.len() => {
                let ty = crate::expr::types::attr_type(f.data_type());
                let ty = ty.map_or(String::new(), |t| t.to_string());
                format!("`{stream}.{}` is of type {ty}, not {v:?}", f.name())
            }
            _ => {
                let (have, given) = (fields.len(), row.len());
                format!("`{stream}` has {have} attributes, the event has {given} values")
            }
        })
    }

    fn struct_row<T: Serialize>(&self, row: &T) -> Result<Vec<Value>> {
        let not = |what: String| Error::Data(format!("`{}`: {what}", self.name));
        let json = serde_json::to_value(row).map_err(|e| not(e.to_string()))?;
        let serde_json::Value::Object(mut map) = json else {
            return Err(not("an event must be a struct or a map".into()));
        };
        let mut values = Vec::with_capacity(self.schema.fields().len());
        for f in self.schema.fields() {
            let value = map.remove(f.name()).unwrap_or(serde_json::Value::Null);
            let shown = value.to_string();
            let value = from_json(value, f.data_type())
                .ok_or_else(|| not(format!("`{}` can't be {shown}", f.name())))?;
            values.push(value);
        }
        match map.keys().next() {
            None => Ok(values),
            Some(extra) => {
                let names = self.schema.fields().iter().map(|f| f.name().as_str());
                let near = crate::error::nearest(extra, names)
                    .map_or(String::new(), |n| format!("; did you mean `{n}`?"));
                Err(not(format!("there is no attribute `{extra}`{near}")))
            }
        }
    }
}

fn from_json(v: serde_json::Value, ty: &DataType) -> Option<Value> {
    use serde_json::Value as J;
    Some(match (v, ty) {
        (J::Null, _) => Value::Null,
        (J::Number(n), DataType::Int32) => Value::Int(n.as_i64()?.try_into().ok()?),
        (J::Number(n), DataType::Int64) => Value::Long(n.as_i64()?),
        (J::Number(n), DataType::Float32) => Value::Float(n.as_f64()? as f32),
        (J::Number(n), DataType::Float64) => Value::Double(n.as_f64()?),
        (J::Bool(b), DataType::Boolean | DataType::BinaryView) => Value::Bool(b),
        (J::String(s), DataType::Utf8View | DataType::BinaryView) => Value::String(s.into()),
        (J::Number(n), DataType::BinaryView) => match n.as_i64() {
            Some(i) => Value::Long(i),
            None => Value::Double(n.as_f64()?),
        },
        (J::Array(items), DataType::BinaryView) => {
            let items = items.into_iter().map(|i| from_json(i, ty)).collect::<Option<_>>()?;
            Value::List(items)
        }
        _ => return None,
    })
}

fn times_of(batch: &RecordBatch, name: &str) -> Result<ScalarBuffer<i64>> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| Error::Data(format!("the batch has no column `{name}`")))?;
    let millis = DataType::Timestamp(TimeUnit::Millisecond, None);
    let column = match column.data_type() {
        DataType::Int64 => column.clone(),
        DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => {
            let ms = arrow::compute::cast(column, &millis)?;
            arrow::compute::cast(&ms, &DataType::Int64)?
        }
        other => {
            return Err(Error::Data(format!("`{name}` of type {other} is not an event time")));
        }
    };
    if column.null_count() > 0 {
        return Err(Error::Data(format!("`{name}` holds nulls, an event time can't be null")));
    }
    Ok(column.as_primitive::<Int64Type>().values().clone())
}
