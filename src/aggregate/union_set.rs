//! `unionSet`: the union of sets, element by element counted, in order of first appearance.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewBuilder};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::fold::{argument, fit, mistyped, one, walk};
use super::{AggregateInput, AggregateSpec, Aggregator};
use crate::error::Result;
use crate::event::{Kind, Value, object};
use crate::expr::types::AttrType;
use crate::state::{SnapshotReader, SnapshotWriter};

/// `unionSet`.
pub const SPEC: AggregateSpec = AggregateSpec {
    name: "unionSet",
    signature: "unionSet(x object) -> object",
    doc: "The union of the sets in the rows that are in, in order of first appearance. Nulls (and \
          objects that aren't sets) are skipped; without any row it is the empty set.",
    example: "define stream S (symbol string);\n\
              from S#window.time(10 sec) select unionSet(createSet(symbol)) as symbols insert into Out;",
    returns,
    forever: false,
    create: |_| Box::<UnionSet>::default(),
};

fn returns(args: &[AttrType]) -> Result<AttrType, String> {
    match one("unionSet", args)? {
        AttrType::Object => Ok(AttrType::Object),
        other => Err(format!("`unionSet` takes a set (an object), not {other}")),
    }
}

#[derive(Default)]
struct UnionSet {
    groups: Vec<Option<Box<Union>>>,
}

/// Elements of a group. `order` and `index` hold the same elements: by place in the order of
/// appearance, and by encoded bytes with (place, rows that have it).
#[derive(Clone, Default)]
struct Union {
    next: u64,
    order: BTreeMap<u64, Value>,
    index: HashMap<Vec<u8>, (u64, u64), FixedState>,
    /// The encoded set; none after a change.
    encoded: Option<Vec<u8>>,
}

/// What is saved of a [`Union`]: elements in order, with the rows that have them.
#[derive(Serialize, Deserialize)]
struct Saved(Vec<(Value, u64)>);

impl Union {
    fn insert(&mut self, element: Value, rows: u64) {
        let entry = self.index.entry(object::encode(&element)).or_insert((self.next, 0));
        entry.1 += rows;
        if entry.0 == self.next {
            self.order.insert(self.next, element);
            self.next += 1;
            self.encoded = None;
        }
    }

    fn remove(&mut self, element: &Value) {
        let key = object::encode(element);
        let Some((place, rows)) = self.index.get_mut(&key) else { return };
        *rows -= 1;
        if *rows == 0 {
            self.order.remove(place);
            self.index.remove(&key);
            self.encoded = None;
        }
    }

    fn encoded(&mut self) -> &[u8] {
        let order = &self.order;
        self.encoded
            .get_or_insert_with(|| object::encode(&Value::Set(order.values().cloned().collect())))
    }

    fn save(&self) -> Saved {
        let rows = |v: &Value| self.index.get(&object::encode(v)).map_or(0, |e| e.1);
        Saved(self.order.values().map(|v| (v.clone(), rows(v))).collect())
    }

    fn load(saved: Saved) -> Self {
        let mut union = Union::default();
        saved.0.into_iter().for_each(|(element, rows)| union.insert(element, rows));
        union
    }
}

fn elements(bytes: &[u8]) -> Vec<Value> {
    match object::decode(bytes) {
        Value::Set(elements) => elements,
        _ => Vec::new(),
    }
}

impl Aggregator for UnionSet {
    fn update(&mut self, input: &AggregateInput<'_>) -> Result<ArrayRef> {
        fit(&mut self.groups, input);
        let array = argument(input, 0)?;
        let sets = array.as_binary_view_opt().ok_or_else(|| mistyped(array))?;
        let nothing = object::encode(&Value::Set(Vec::new()));
        let mut out = BinaryViewBuilder::with_capacity(input.groups.len());
        walk(
            &mut self.groups,
            input,
            |groups, group| groups[group] = None,
            |groups, row, group, kind| {
                if sets.is_valid(row) {
                    let union = groups[group].get_or_insert_default();
                    for element in elements(sets.value(row)) {
                        match kind {
                            Kind::Current => union.insert(element, 1),
                            Kind::Expired => union.remove(&element),
                        }
                    }
                }
                out.append_value(groups[group].as_mut().map_or(&nothing[..], |u| u.encoded()));
            },
        );
        Ok(Arc::new(out.finish()))
    }

    fn forget(&mut self, group: u32) {
        if let Some(union) = self.groups.get_mut(group as usize) {
            *union = None;
        }
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        let saved: Vec<Option<Saved>> =
            self.groups.iter().map(|u| u.as_ref().map(|u| u.save())).collect();
        w.value(&saved)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        let saved: Vec<Option<Saved>> = r.value()?;
        self.groups = saved.into_iter().map(|u| u.map(|u| Box::new(Union::load(u)))).collect();
        Ok(())
    }
}
