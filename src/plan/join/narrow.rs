//! Narrowing: in front of a join's windows, columns that nobody needs behind them are dropped, so
//! that windows don't hold them and results don't copy them.

use arrow::datatypes::{Schema, SchemaRef};

use super::super::handlers::window_columns;
use super::super::spec::{HandlerSpec, JoinKey, JoinSideSpec, JoinSpec, SelectSpec};
use super::super::visit;
use crate::expr::{ColumnRef, TypedExpr};

/// Drops the columns that neither the windows, the condition nor the selection look at.
pub(in crate::plan) fn narrow(spec: &mut JoinSpec, select: &mut SelectSpec) {
    let left = spec.left.schema.fields().len();
    let width = spec.output.fields().len();
    let mut used = vec![false; width];
    each_joined(spec, select, &mut |c| {
        if let Some(u) = used.get_mut(usize::from(c.column)) {
            *u = true;
        }
    });
    each_own(&mut spec.left, &mut spec.equal, false, &mut |i| used[*i] = true);
    each_own(&mut spec.right, &mut spec.equal, true, &mut |i| used[left + *i] = true);
    if used.iter().all(|u| *u) {
        return;
    }
    // Where each column goes; aggregates stand behind all of them.
    let place: Vec<usize> = used
        .iter()
        .scan(0, |next, used| {
            let at = *next;
            *next += usize::from(*used);
            Some(at)
        })
        .collect();
    let kept = used.iter().filter(|u| **u).count();
    let kept_left = used[..left].iter().filter(|u| **u).count();
    each_joined(spec, select, &mut |c| {
        let column = usize::from(c.column);
        c.column = place.get(column).map_or_else(|| column - (width - kept), |p| *p) as u16;
    });
    each_own(&mut spec.left, &mut spec.equal, false, &mut |i| *i = place[*i]);
    each_own(&mut spec.right, &mut spec.equal, true, &mut |i| *i = place[left + *i] - kept_left);
    keep(&mut spec.left, &used[..left]);
    keep(&mut spec.right, &used[left..]);
    spec.output = project(&spec.output, &columns(&used));
    select.input = spec.output.clone();
}

/// The columns of expressions over the joined row.
fn each_joined(spec: &mut JoinSpec, select: &mut SelectSpec, f: &mut dyn FnMut(&mut ColumnRef)) {
    spec.residual.iter_mut().for_each(|e| visit::columns(e, f));
    select.each_expr(&mut |e| visit::columns(e, f));
}

/// The columns of expressions over the rows of one side.
fn each_own(
    side: &mut JoinSideSpec,
    keys: &mut [JoinKey],
    right: bool,
    f: &mut dyn FnMut(&mut usize),
) {
    let own = |k: &mut JoinKey, f: &mut dyn FnMut(&mut usize)| {
        let e: &mut TypedExpr = if right { &mut k.right } else { &mut k.left };
        visit::columns(e, &mut |c| {
            let mut i = usize::from(c.column);
            f(&mut i);
            c.column = i as u16;
        });
    };
    keys.iter_mut().for_each(|k| own(k, f));
    if let Some(call) = &mut side.window {
        window_columns(call, f);
    }
}

fn keep(side: &mut JoinSideSpec, used: &[bool]) {
    if used.iter().all(|u| *u) {
        return;
    }
    let columns = columns(used);
    side.schema = project(&side.schema, &columns);
    if let Some(shared) = &mut side.shared {
        shared.columns = columns;
        return;
    }
    side.handlers.push(HandlerSpec::Project { columns, schema: side.schema.clone() });
}

fn columns(used: &[bool]) -> Vec<usize> {
    (0..used.len()).filter(|i| used[*i]).collect()
}

fn project(schema: &SchemaRef, columns: &[usize]) -> SchemaRef {
    Schema::new(columns.iter().map(|c| schema.fields()[*c].clone()).collect::<Vec<_>>()).into()
}
