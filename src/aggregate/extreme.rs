//! What `max`, `min`, `maxForever` and `minForever` share.
//!
//! Values are compared by integer keys of the same order ([`Ranked`]); NaN never wins against a
//! number. Where rows leave, a group keeps the values that are in. As long as they leave in the order
//! in which they came (every sliding window does this), that is a queue and, over it, the monotone
//! queue of those that can still win: constant time a row. A value that leaves out of turn (`sort`
//! window, joins) turns the group's queue into an ordered multiset. Either way the result is that of
//! the values that are in, and of nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::marker::PhantomData;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{Float32Type, Float64Type, Int32Type, Int64Type};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fold::{Fold, Folded, Number, Results, fit, primitive, walk};
use super::{AggregateInput, Aggregator};
use crate::error::Result;
use crate::event::{Kind, Value};
use crate::state::{SnapshotReader, SnapshotWriter};

/// Which end wins.
pub(super) trait Side: Send + 'static {
    /// Whether the largest wins.
    const MAX: bool;
}

/// The largest wins.
pub(super) struct Largest;
impl Side for Largest {
    const MAX: bool = true;
}

/// The smallest wins.
pub(super) struct Smallest;
impl Side for Smallest {
    const MAX: bool = false;
}

/// Whether `a` wins against `b`; equals don't.
#[inline(always)]
fn wins<S: Side, K: Ord>(a: &K, b: &K) -> bool {
    if S::MAX { a > b } else { a < b }
}

/// Numbers with an integer key of the same order. NaN has the key that loses.
pub(super) trait Ranked: Number {
    /// The key.
    type Key: Copy + Ord + Send + Serialize + DeserializeOwned + std::fmt::Debug;
    /// Key of a value; `max`: the largest is to win.
    fn key(value: Self::Native, max: bool) -> Self::Key;
    /// Value of a key.
    fn native(key: Self::Key) -> Self::Native;
}

macro_rules! ranked_integer {
    ($t:ty, $n:ty) => {
        impl Ranked for $t {
            type Key = $n;
            #[inline(always)]
            fn key(value: $n, _max: bool) -> $n {
                value
            }
            #[inline(always)]
            fn native(key: $n) -> $n {
                key
            }
        }
    };
}
ranked_integer!(Int32Type, i32);
ranked_integer!(Int64Type, i64);

/// The sign bit says how the others are read: flipping them below zero makes the integer order that
/// of the floats. The two ends of the integers are the bits of NaNs, so they are free to stand for it.
macro_rules! ranked_float {
    ($t:ty, $f:ty, $i:ty, $u:ty) => {
        impl Ranked for $t {
            type Key = $i;
            #[inline(always)]
            fn key(value: $f, max: bool) -> $i {
                if value.is_nan() {
                    return if max { <$i>::MIN } else { <$i>::MAX };
                }
                let bits = value.to_bits() as $i;
                bits ^ (((bits >> (<$i>::BITS - 1)) as $u) >> 1) as $i
            }
            #[inline(always)]
            fn native(key: $i) -> $f {
                if key == <$i>::MIN || key == <$i>::MAX {
                    return <$f>::NAN;
                }
                <$f>::from_bits((key ^ (((key >> (<$i>::BITS - 1)) as $u) >> 1) as $i) as $u)
            }
        }
    };
}
ranked_float!(Float32Type, f32, i32, u32);
ranked_float!(Float64Type, f64, i64, u64);

/// `maxForever`, `minForever`: rows that leave count, too, and nothing clears it.
pub(super) struct Forever<T, S>(PhantomData<(T, S)>);

impl<T: Ranked, S: Side> Fold for Forever<T, S> {
    type In = T;
    type Out = T;
    type State = Option<T::Key>;

    const SLIDES: bool = false;

    #[inline(always)]
    fn add(best: &mut Option<T::Key>, value: T::Native) {
        let key = T::key(value, S::MAX);
        if best.is_none_or(|b| wins::<S, _>(&key, &b)) {
            *best = Some(key);
        }
    }

    #[inline(always)]
    fn remove(best: &mut Option<T::Key>, value: T::Native) {
        Self::add(best, value);
    }

    fn reset(_: &mut Option<T::Key>) {}

    #[inline(always)]
    fn value(best: &Option<T::Key>) -> Option<T::Native> {
        best.map(T::native)
    }
}

/// `max`, `min` where no row leaves but by a reset: the winner is all there is to know.
struct Best<T, S>(PhantomData<(T, S)>);

impl<T: Ranked, S: Side> Fold for Best<T, S> {
    type In = T;
    type Out = T;
    type State = Option<T::Key>;

    const SLIDES: bool = false;

    #[inline(always)]
    fn add(best: &mut Option<T::Key>, value: T::Native) {
        Forever::<T, S>::add(best, value);
    }

    /// Only the row itself can leave again, at once (a stream joined without a window).
    #[inline(always)]
    fn remove(best: &mut Option<T::Key>, value: T::Native) {
        if *best == Some(T::key(value, S::MAX)) {
            *best = None;
        }
    }

    #[inline(always)]
    fn value(best: &Option<T::Key>) -> Option<T::Native> {
        best.map(T::native)
    }
}

/// The values of a group that are in.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Live<K: Ord> {
    /// Values leave in the order in which they came. `best` are the numbers (counted from the first
    /// value ever; `live[0]` has number `head`) of the values that win against all younger ones.
    Queue { head: u64, live: VecDeque<K>, best: VecDeque<u64> },
    /// Values and how often each is in.
    Multiset(BTreeMap<K, u64>),
}

impl<K: Copy + Ord> Live<K> {
    fn new() -> Self {
        Live::Queue { head: 0, live: VecDeque::new(), best: VecDeque::new() }
    }

    #[inline(always)]
    fn add<S: Side>(&mut self, key: K) {
        match self {
            Live::Queue { head, live, best } => {
                while let Some(n) = best.back()
                    && !wins::<S, _>(&live[(n - *head) as usize], &key)
                {
                    best.pop_back();
                }
                best.push_back(*head + live.len() as u64);
                live.push_back(key);
            }
            Live::Multiset(values) => *values.entry(key).or_insert(0) += 1,
        }
    }

    #[inline(always)]
    fn remove(&mut self, key: K) {
        match self {
            Live::Queue { head, live, best } if live.front() == Some(&key) => {
                live.pop_front();
                if best.front() == Some(head) {
                    best.pop_front();
                }
                *head += 1;
            }
            _ => self.remove_out_of_turn(key),
        }
    }

    #[cold]
    fn remove_out_of_turn(&mut self, key: K) {
        if let Live::Queue { live, .. } = self {
            if !live.contains(&key) {
                return;
            }
            let mut values = BTreeMap::new();
            live.iter().for_each(|k| *values.entry(*k).or_insert(0) += 1);
            *self = Live::Multiset(values);
        }
        if let Live::Multiset(values) = self
            && let Some(count) = values.get_mut(&key)
        {
            *count -= 1;
            if *count == 0 {
                values.remove(&key);
            }
        }
    }

    #[inline(always)]
    fn winner<S: Side>(&self) -> Option<K> {
        match self {
            Live::Queue { head, live, best } => best.front().map(|n| live[(n - head) as usize]),
            Live::Multiset(values) if S::MAX => values.last_key_value().map(|(k, _)| *k),
            Live::Multiset(values) => values.first_key_value().map(|(k, _)| *k),
        }
    }
}

/// `max`, `min` over rows that leave. Empty groups cost a pointer.
struct Windowed<T: Ranked, S> {
    groups: Vec<Option<Box<Live<T::Key>>>>,
    side: PhantomData<S>,
}

impl<T: Ranked, S: Side> Aggregator for Windowed<T, S> {
    fn update(&mut self, input: &AggregateInput<'_>) -> Result<ArrayRef> {
        fit(&mut self.groups, input);
        let values = primitive::<T>(input, 0)?;
        let mut out = Results::<T>::with_capacity(input.groups.len());
        walk(
            &mut self.groups,
            input,
            |groups, group| groups[group] = None,
            |groups, row, group, kind| {
                let live = &mut groups[group];
                if values.is_valid(row) {
                    let key = T::key(values.values()[row], S::MAX);
                    match kind {
                        Kind::Current => {
                            live.get_or_insert_with(|| Box::new(Live::new())).add::<S>(key)
                        }
                        Kind::Expired => {
                            if let Some(live) = live {
                                live.remove(key);
                            }
                        }
                    }
                }
                out.push(live.as_ref().and_then(|l| l.winner::<S>()).map(T::native));
            },
        );
        Ok(out.finish())
    }

    fn step(&mut self, args: &[Value], group: u32, kind: Kind) -> Option<Value> {
        if self.groups.len() <= group as usize {
            self.groups.resize_with(group as usize + 1, || None);
        }
        let live = &mut self.groups[group as usize];
        match (args, kind) {
            ([Value::Null], _) => {}
            ([value], Kind::Current) => {
                let key = T::key(T::of(value)?, S::MAX);
                live.get_or_insert_with(|| Box::new(Live::new())).add::<S>(key);
            }
            ([value], Kind::Expired) => {
                let key = T::key(T::of(value)?, S::MAX);
                if let Some(live) = live {
                    live.remove(key);
                }
            }
            _ => return None,
        }
        let winner = live.as_ref().and_then(|l| l.winner::<S>());
        Some(winner.map(T::native).map_or(Value::Null, T::boxed))
    }

    fn forget(&mut self, group: u32) {
        if let Some(live) = self.groups.get_mut(group as usize) {
            *live = None;
        }
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        w.value(&self.groups)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.groups = r.value()?;
        Ok(())
    }
}

/// `max`, `min`: one way or the other.
pub(super) enum Extreme<T: Ranked, S: Side> {
    #[allow(private_interfaces)]
    Windowed(Windowed<T, S>),
    #[allow(private_interfaces)]
    AppendOnly(Folded<Best<T, S>>),
}

impl<T: Ranked, S: Side> Default for Extreme<T, S> {
    fn default() -> Self {
        Extreme::Windowed(Windowed { groups: vec![], side: PhantomData })
    }
}

impl<T: Ranked, S: Side> Extreme<T, S> {
    fn inner(&self) -> &dyn Aggregator {
        match self {
            Extreme::Windowed(a) => a,
            Extreme::AppendOnly(a) => a,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn Aggregator {
        match self {
            Extreme::Windowed(a) => a,
            Extreme::AppendOnly(a) => a,
        }
    }
}

impl<T: Ranked, S: Side> Aggregator for Extreme<T, S> {
    fn append_only(&mut self) {
        *self = Extreme::AppendOnly(Folded::default());
    }

    fn update(&mut self, input: &AggregateInput<'_>) -> Result<ArrayRef> {
        self.inner_mut().update(input)
    }

    fn step(&mut self, args: &[Value], group: u32, kind: Kind) -> Option<Value> {
        self.inner_mut().step(args, group, kind)
    }

    fn forget(&mut self, group: u32) {
        self.inner_mut().forget(group);
    }

    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()> {
        self.inner().snapshot(w)
    }

    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        self.inner_mut().restore(r)
    }
}
