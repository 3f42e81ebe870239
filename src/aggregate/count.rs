//! `count`: how many rows are in.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;

use super::fold::{Results, fit, walk};
use super::{AggregateInput, AggregateSpec, Aggregator};
use crate::error::Result;
use crate::event::{Kind, Value};
use crate::expr::types::AttrType;
use crate::state::{SnapshotReader, SnapshotWriter};

/// `count`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "count",
    signature: "count([x any, ...]) -> long",
    doc: "How many rows are in, whatever the arguments hold: a row whose argument is null counts, too. \
          Without any row it is 0.",
    example: "define stream Logins (ip string);\n\
              from Logins#window.time(1 min) select ip, count() as tries group by ip insert into Out;",
    returns: |_| Ok(AttrType::Long),
    forever: false,
    create: |_| Box::<Count>::default(),
};

#[derive(Default)]
struct Count {
    counts: Vec<i64>,
}

impl Aggregator for Count {
    fn update(&mut self, input: &AggregateInput<'_>) -> Result<ArrayRef> {
        fit(&mut self.counts, input);
        let mut out = Results::<Int64Type>::with_capacity(input.groups.len());
        let reset = |counts: &mut Vec<i64>, group: usize| counts[group] = 0;
        walk(&mut self.counts, input, reset, |counts, _, group, kind| {
            counts[group] += match kind {
                Kind::Current => 1,
                Kind::Expired => -1,
            };
            out.push(Some(counts[group]));
        });
        Ok(out.finish())
    }

    fn step(&mut self, _args: &[Value], group: u32, kind: Kind) -> Option<Value> {
        if self.counts.len() <= group as usize {
            self.counts.resize(group as usize + 1, 0);
        }
        let count = &mut self.counts[group as usize];
        *count += if kind == Kind::Current { 1 } else { -1 };
        Some(Value::Long(*count))
    }

    fn drain(&mut self, input: &AggregateInput<'_>) -> Result<Option<ArrayRef>> {
        fit(&mut self.counts, input);
        let mut out = Results::<Int64Type>::with_capacity(input.resets.len());
        let reset = |counts: &mut Vec<i64>, group: usize| {
            out.push(Some(std::mem::take(&mut counts[group])));
        };
        walk(&mut self.counts, input, reset, |counts, _, group, _| counts[group] += 1);
        Ok(Some(out.finish()))
    }

    fn drains(&self) -> bool {
        true
    }

    fn forget(&mut self, group: u32) {
        if let Some(count) = self.counts.get_mut(group as usize) {
            *count = 0;
        }
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.counts)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.counts = r.value()?;
        Ok(())
    }
}
