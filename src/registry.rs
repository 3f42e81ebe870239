//! THE list: one line per scalar function (and, as they come, window, aggregator, source, sink,
//! format and store).

use crate::expr::functions::{FunctionSpec, choose, convert, extreme, instance, sets, time, uuid};

/// All scalar functions.
pub const FUNCTIONS: &[&FunctionSpec] = &[
    &convert::CAST,
    &choose::COALESCE,
    &convert::CONVERT,
    &sets::CREATE_SET,
    &time::CURRENT_TIME_MILLIS,
    &choose::DEFAULT,
    &time::EVENT_TIMESTAMP,
    &choose::IF_THEN_ELSE,
    &instance::INSTANCE_OF_BOOLEAN,
    &instance::INSTANCE_OF_DOUBLE,
    &instance::INSTANCE_OF_FLOAT,
    &instance::INSTANCE_OF_INTEGER,
    &instance::INSTANCE_OF_LONG,
    &instance::INSTANCE_OF_STRING,
    &extreme::MAXIMUM,
    &extreme::MINIMUM,
    &sets::SIZE_OF_SET,
    &uuid::UUID,
];

/// The scalar function of that name (case-sensitive), if there is one.
pub fn function(namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec> {
    FUNCTIONS.iter().copied().find(|f| f.namespace == namespace && f.name == name)
}
