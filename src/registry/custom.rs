//! Functions, aggregators and windows of the host: registered once, for the whole process, before the
//! applications that use them are compiled.

use std::sync::{PoisonError, RwLock};

use super::{AGGREGATES, FUNCTIONS, WINDOWS};
use crate::aggregate::AggregateSpec;
use crate::error::{Error, Result};
use crate::expr::functions::FunctionSpec;
use crate::window::WindowSpec;

/// What was registered, in that order.
struct Custom {
    functions: Vec<&'static FunctionSpec>,
    aggregates: Vec<&'static AggregateSpec>,
    windows: Vec<&'static WindowSpec>,
}

static CUSTOM: RwLock<Custom> =
    RwLock::new(Custom { functions: vec![], aggregates: vec![], windows: vec![] });

fn read<R>(f: impl FnOnce(&Custom) -> R) -> R {
    f(&CUSTOM.read().unwrap_or_else(PoisonError::into_inner))
}

fn register(name: &str, known: bool, add: impl FnOnce(&mut Custom)) -> Result<()> {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    if name.is_empty() || !name.chars().all(word) {
        return Err(Error::Name(format!("`{name}` is no name that can be called")));
    }
    if known {
        return Err(Error::Name(format!("there is a `{name}` already")));
    }
    add(&mut CUSTOM.write().unwrap_or_else(PoisonError::into_inner));
    Ok(())
}

/// Makes a scalar function known to all applications compiled from now on.
///
/// # Errors
/// [`Error::Name`] if something else in an expression has its name, or it is none.
pub fn register_function(spec: &'static FunctionSpec) -> Result<()> {
    let name = spec.full_name();
    let known =
        super::function(spec.namespace, spec.name).is_some() || super::aggregate(&name).is_some();
    register(&name, known, |c| c.functions.push(spec))
}

/// Makes an aggregator known to all applications compiled from now on.
///
/// # Errors
/// As [`register_function`].
pub fn register_aggregate(spec: &'static AggregateSpec) -> Result<()> {
    let known = super::aggregate(spec.name).is_some() || super::function(None, spec.name).is_some();
    register(spec.name, known, |c| c.aggregates.push(spec))
}

/// Makes a window known to all applications compiled from now on.
///
/// # Errors
/// [`Error::Name`] if another window has its name, or it is none.
pub fn register_window(spec: &'static WindowSpec) -> Result<()> {
    let known = super::window_names().contains(&spec.name);
    register(spec.name, known, |c| c.windows.push(spec))
}

/// All functions: the built-in ones, then those registered.
pub fn functions() -> Vec<&'static FunctionSpec> {
    read(|c| FUNCTIONS.iter().chain(&c.functions).copied().collect())
}

/// All aggregators: the built-in ones, then those registered.
pub fn aggregates() -> Vec<&'static AggregateSpec> {
    read(|c| AGGREGATES.iter().chain(&c.aggregates).copied().collect())
}

/// All windows: the built-in ones, then those registered.
pub fn windows() -> Vec<&'static WindowSpec> {
    read(|c| WINDOWS.iter().chain(&c.windows).copied().collect())
}
