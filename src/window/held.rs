//! Conditions over the rows a window holds (`expression`, `expressionBatch`): attributes of the row
//! that enters or leaves, of the `first` and of the `last` row, and aggregates of the rows held, which
//! are kept up row by row.
//!
//! Invariants: an aggregate sees each row once when it enters and once when it leaves, whatever of the
//! condition has to be evaluated; conditions that came as text live as long as a partition key uses
//! them.

use std::fmt::Debug;

use arrow::datatypes::SchemaRef;
use compact_str::CompactString;
use hashbrown::HashMap;

use super::{CompileCondition, WindowArg};
use crate::error::{Error, Result, Span};
use crate::event::{KeyId, Kind, RowStore, Slot, StoreColumn, Value};
use crate::expr::types::{AttrType, schema_of};
use crate::expr::{RowContext, RowExpr, RowRef, TypedExpr};
use crate::state::{SnapshotReader, SnapshotWriter};

/// Sources of columns in a condition: the row that enters or leaves, the first row, the last row,
/// and the results of the aggregates.
pub const AGGREGATES: u16 = 3;

/// An aggregate over held rows.
pub trait Running: Send {
    /// A row of a partition key enters or leaves; the value behind it.
    fn step(&mut self, args: &[Value], key: KeyId, kind: Kind) -> Value;

    /// A key starts afresh.
    fn forget(&mut self, key: KeyId);

    /// Saves the state.
    fn snapshot(&self, w: &mut SnapshotWriter) -> Result<()>;

    /// Restores the state.
    fn restore(&mut self, r: &mut SnapshotReader<'_>) -> Result<()>;
}

/// A kind of aggregate.
pub trait RunningSpec: Debug + Sync {
    /// Its name.
    fn name(&self) -> &str;

    /// One at work, for arguments of these types.
    fn start(&self, types: &[AttrType]) -> Box<dyn Running>;
}

/// An aggregate in a condition.
#[derive(Debug, Clone)]
pub struct RunningCall {
    /// Which.
    pub spec: &'static dyn RunningSpec,
    /// Its arguments, over the row that enters or leaves.
    pub args: Vec<TypedExpr>,
    /// Type of its values.
    pub ty: AttrType,
}

/// A condition as plain data.
#[derive(Debug, Clone)]
pub struct HeldCondition {
    /// The text.
    pub text: CompactString,
    /// The condition; columns of source 0 are those of the row that enters or leaves, of 1 those of
    /// the first row, of 2 those of the last, of 3 the aggregates.
    pub condition: TypedExpr,
    /// The aggregates.
    pub aggregates: Vec<RunningCall>,
}

impl HeldCondition {
    /// All columns of rows it looks at.
    pub fn columns(&mut self, f: &mut dyn FnMut(&mut usize)) {
        let mut each = |e: &mut TypedExpr| {
            e.visit_mut(&mut |e| {
                if let crate::expr::TypedKind::Column(c) = &mut e.kind
                    && c.source != AGGREGATES
                {
                    let mut i = usize::from(c.column);
                    f(&mut i);
                    c.column = i as u16;
                }
            });
        };
        each(&mut self.condition);
        self.aggregates.iter_mut().flat_map(|a| &mut a.args).for_each(each);
    }
}

/// The rows a condition is evaluated over.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub row: Slot,
    pub first: Slot,
    pub last: Slot,
    pub clock: i64,
    pub order: u64,
    pub key: KeyId,
}

/// A condition at work.
struct Held {
    text: CompactString,
    test: RowExpr,
    running: Vec<(Box<dyn Running>, Vec<RowExpr>)>,
    /// One row: the values of the aggregates.
    results: RowStore,
    args: Vec<Value>,
    /// Partition keys that use it.
    users: u32,
}

impl Held {
    fn new(spec: &HeldCondition) -> Result<Self> {
        let running = spec.aggregates.iter().map(|a| {
            let types: Vec<AttrType> = a.args.iter().map(|e| e.ty).collect();
            (a.spec.start(&types), a.args.iter().map(RowExpr::compile).collect())
        });
        let names: Vec<String> = (0..spec.aggregates.len()).map(|i| i.to_string()).collect();
        let types = spec.aggregates.iter().map(|a| a.ty);
        let mut results = RowStore::new(schema_of(names.iter().map(String::as_str).zip(types)))?;
        results.insert_values(&vec![Value::Null; names.len()], 0);
        Ok(Self {
            text: spec.text.clone(),
            test: RowExpr::compile(&spec.condition),
            running: running.collect(),
            results,
            args: vec![],
            users: 0,
        })
    }

    fn step(&mut self, rows: &RowStore, at: At, kind: Kind) -> bool {
        let stored = |slot| RowRef::Stored { store: rows, slot };
        let At { clock, order, .. } = at;
        for (c, (running, args)) in self.running.iter_mut().enumerate() {
            let context = RowContext { rows: &[stored(at.row)], clock, order };
            self.args.clear();
            self.args.extend(args.iter().map(|e| e.value(&context)));
            let value = running.step(&self.args, at.key, kind);
            self.results.set_value(c, 0, &value);
        }
        let results = RowRef::Stored { store: &self.results, slot: 0 };
        let refs = [stored(at.row), stored(at.first), stored(at.last), results];
        self.test.test(&RowContext { rows: &refs, clock, order })
    }

    fn forget(&mut self, key: KeyId) {
        self.running.iter_mut().for_each(|(r, _)| r.forget(key));
    }
}

/// Which condition a partition key uses.
pub(super) type ConditionId = u32;

/// No condition yet.
pub(super) const NO_CONDITION: ConditionId = u32::MAX;

/// Most texts remembered that are no conditions.
const MOST_BAD: usize = 256;

/// Where conditions come from.
enum Source {
    Constant,
    Column { index: usize, compile: CompileCondition, schema: SchemaRef, span: Span },
}

/// The conditions of a window.
pub(super) struct Conditions {
    source: Source,
    /// By id; the constant one is 0.
    held: Vec<Option<Held>>,
    ids: HashMap<CompactString, ConditionId, foldhash::fast::FixedState>,
    /// Texts that are no conditions.
    bad: HashMap<CompactString, (), foldhash::fast::FixedState>,
}

impl Conditions {
    /// The conditions of a window's first argument.
    pub fn new(arg: Option<&WindowArg>, schema: &SchemaRef) -> Result<Self> {
        let of =
            |source, held| Self { source, held, ids: HashMap::default(), bad: HashMap::default() };
        match arg {
            Some(WindowArg::Condition(c)) => Ok(of(Source::Constant, vec![Some(Held::new(c)?)])),
            Some(WindowArg::Conditions { index, compile, span, .. }) => {
                let (index, compile, span) = (*index, *compile, *span);
                Ok(of(Source::Column { index, compile, schema: schema.clone(), span }, vec![]))
            }
            _ => Err(Error::Data("a window lacks its condition".into())),
        }
    }

    /// Whether every row has a condition.
    pub fn is_constant(&self) -> bool {
        matches!(self.source, Source::Constant)
    }

    /// The condition of a row of a key that has used `old` so far; none if its text is no condition.
    #[inline]
    pub fn of_row(&mut self, rows: &RowStore, row: Slot, old: ConditionId) -> Option<ConditionId> {
        let Source::Column { index, .. } = &self.source else { return Some(0) };
        let StoreColumn::Str(texts) = rows.column(*index) else { return None };
        let text = texts[row as usize].as_ref()?;
        match self.held.get(old as usize) {
            Some(Some(held)) if held.text == *text => Some(old),
            _ => self.of_text(text),
        }
    }

    fn of_text(&mut self, text: &CompactString) -> Option<ConditionId> {
        if let Some(id) = self.ids.get(text) {
            return Some(*id);
        }
        if self.bad.contains_key(text) {
            return None;
        }
        let Some(held) = self.compile(text) else {
            if self.bad.len() >= MOST_BAD {
                self.bad.clear();
            }
            self.bad.insert(text.clone(), ());
            return None;
        };
        let free = self.held.iter().position(Option::is_none);
        let id = free.unwrap_or(self.held.len());
        if free.is_none() {
            self.held.push(None);
        }
        self.held[id] = Some(held);
        self.ids.insert(text.clone(), id as ConditionId);
        Some(id as ConditionId)
    }

    fn compile(&self, text: &str) -> Option<Held> {
        let Source::Column { compile, schema, span, .. } = &self.source else { return None };
        Held::new(&compile(text, schema, *span).ok()?).ok()
    }

    /// A key turns from one condition (or none) to another.
    pub fn turn(&mut self, key: KeyId, from: ConditionId, to: ConditionId) {
        if let Some(Some(held)) = self.held.get_mut(to as usize) {
            held.users += 1;
        }
        let Some(Some(held)) = self.held.get_mut(from as usize) else { return };
        held.forget(key);
        held.users -= 1;
        if held.users == 0 && !self.is_constant() {
            let Some(held) = self.held[from as usize].take() else { return };
            self.ids.remove(&held.text);
        }
    }

    /// A row enters or leaves; whether the condition holds then.
    #[inline]
    pub fn step(&mut self, id: ConditionId, rows: &RowStore, at: At, kind: Kind) -> bool {
        match self.held.get_mut(id as usize) {
            Some(Some(held)) => held.step(rows, at, kind),
            _ => false,
        }
    }

    /// The aggregates of a key start afresh.
    pub fn forget(&mut self, id: ConditionId, key: KeyId) {
        if let Some(Some(held)) = self.held.get_mut(id as usize) {
            held.forget(key);
        }
    }

    /// Saves all conditions with their aggregates.
    pub fn save(&self, w: &mut SnapshotWriter) -> Result<()> {
        let of = |held: &Option<Held>| held.as_ref().map(|h| (h.text.clone(), h.users));
        let texts: Vec<Option<(CompactString, u32)>> = self.held.iter().map(of).collect();
        w.value(&texts)?;
        let running = self.held.iter().flatten().flat_map(|h| &h.running);
        running.into_iter().try_for_each(|(r, _)| w.section(|w| r.snapshot(w)))
    }

    /// Restores what `save` saved.
    pub fn load(&mut self, r: &mut SnapshotReader<'_>) -> Result<()> {
        let texts: Vec<Option<(CompactString, u32)>> = r.value()?;
        if !self.is_constant() {
            (self.held, self.ids) = (vec![], HashMap::default());
            for (id, saved) in texts.iter().enumerate() {
                let held = saved.as_ref().and_then(|(text, _)| self.compile(text));
                if let Some(held) = &held {
                    self.ids.insert(held.text.clone(), id as ConditionId);
                }
                self.held.push(held);
            }
        }
        let same = |(held, saved): (&Option<Held>, &Option<(CompactString, u32)>)| {
            held.as_ref().map(|h| &h.text) == saved.as_ref().map(|s| &s.0)
        };
        if self.held.len() != texts.len() || !self.held.iter().zip(&texts).all(same) {
            return Err(Error::Snapshot("a window's conditions don't fit".into()));
        }
        for (held, (_, users)) in self.held.iter_mut().flatten().zip(texts.into_iter().flatten()) {
            held.users = users;
            held.running.iter_mut().try_for_each(|(a, _)| r.section(|r| a.restore(r)))?;
        }
        Ok(())
    }
}
