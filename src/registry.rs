//! THE list: every window, aggregator, function, source and sink, one line each.

mod custom;
mod reference;

pub use custom::{
    aggregates, functions, register_aggregate, register_function, register_window, windows,
};
pub use reference::{Entry, entries, reference};

use crate::aggregate::{self, AggregateSpec};
use crate::expr::functions::{
    FunctionSpec, calendar, choose, collections, convert, extreme, instance, json, math, sets,
    strings, time, units, uuid,
};
use crate::io::sink::{self, SinkSpec};
use crate::io::source::{self, SourceSpec};
use crate::window::{self, WindowSpec};

/// The windows.
pub const WINDOWS: &[&WindowSpec] = &[
    &window::length::SPEC,
    &window::length_batch::SPEC,
    &window::batch::SPEC,
    &window::time::SPEC,
    &window::time_batch::SPEC,
    &window::time_length::SPEC,
    &window::external_time::SPEC,
    &window::external_time_batch::SPEC,
    &window::session::SPEC,
    &window::delay::SPEC,
    &window::sort::SPEC,
    &window::frequent::SPEC,
    &window::lossy_frequent::SPEC,
    &window::expression::SPEC,
    &window::expression_batch::SPEC,
    &window::cron::SPEC,
    &window::hopping::SPEC,
    &window::unique::ever::SPEC,
    &window::unique::first::SPEC,
    &window::unique::length::SPEC,
    &window::unique::time::SPEC,
    &window::unique::length_batch::SPEC,
    &window::unique::first_length_batch::SPEC,
    &window::unique::time_batch::SPEC,
    &window::unique::first_time_batch::SPEC,
    &window::unique::time_length_batch::SPEC,
    &window::unique::external_time_batch::SPEC,
];

/// Windows of SiddhiQL and its extensions that aren't built yet: refused as such.
pub const PLANNED: &[&str] = &["unique:deduplicate"];

/// The aggregators.
pub const AGGREGATES: &[&AggregateSpec] = &[
    &aggregate::sum::SPEC,
    &aggregate::avg::SPEC,
    &aggregate::count::SPEC,
    &aggregate::distinct_count::SPEC,
    &aggregate::max::SPEC,
    &aggregate::min::SPEC,
    &aggregate::max_forever::SPEC,
    &aggregate::min_forever::SPEC,
    &aggregate::std_dev::SPEC,
    &aggregate::and::SPEC,
    &aggregate::or::SPEC,
    &aggregate::union_set::SPEC,
];

/// The scalar functions.
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
    &math::ABS,
    &math::ACOS,
    &math::ASIN,
    &math::ATAN,
    &math::BIN,
    &math::CBRT,
    &math::CEIL,
    &math::CONV,
    &math::COPY_SIGN,
    &math::COS,
    &math::COSH,
    &math::E,
    &math::EXP,
    &math::FLOOR,
    &math::GET_EXPONENT,
    &math::HEX,
    &math::IS_INFINITE,
    &math::IS_NAN,
    &math::LN,
    &math::LOG,
    &math::LOG10,
    &math::LOG2,
    &math::MAX,
    &math::MIN,
    &math::OCT,
    &math::PARSE_DOUBLE,
    &math::PARSE_FLOAT,
    &math::PARSE_INT,
    &math::PARSE_LONG,
    &math::PI,
    &math::POWER,
    &math::RAND,
    &math::ROUND,
    &math::SIGNUM,
    &math::SIN,
    &math::SINH,
    &math::SQRT,
    &math::TAN,
    &math::TANH,
    &math::TO_DEGREES,
    &math::TO_RADIANS,
    &strings::CHAR_AT,
    &strings::CHAR_FREQUENCY,
    &strings::COALESCE,
    &strings::CONCAT,
    &strings::CONTAINS,
    &strings::EQUALS_IGNORE_CASE,
    &strings::FILL_TEMPLATE,
    &strings::HEX,
    &strings::LENGTH,
    &strings::LOCATE,
    &strings::LOWER,
    &strings::REGEXP,
    &strings::REPEAT,
    &strings::REPLACE_ALL,
    &strings::REPLACE_FIRST,
    &strings::REVERSE,
    &strings::SPLIT,
    &strings::STRCMP,
    &strings::SUBSTR,
    &strings::TRIM,
    &strings::UNHEX,
    &strings::UPPER,
    &strings::FIND,
    &strings::GROUP,
    &strings::LOOKING_AT,
    &strings::MATCHES,
    &collections::LIST_CREATE,
    &collections::LIST_ADD,
    &collections::LIST_ADD_ALL,
    &collections::LIST_CLEAR,
    &collections::LIST_CLONE,
    &collections::LIST_CONTAINS,
    &collections::LIST_CONTAINS_ALL,
    &collections::LIST_CONTAINS_ANY,
    &collections::LIST_GET,
    &collections::LIST_INDEX_OF,
    &collections::LIST_IS_EMPTY,
    &collections::LIST_IS_LIST,
    &collections::LIST_LAST_INDEX_OF,
    &collections::LIST_REMOVE,
    &collections::LIST_REMOVE_ALL,
    &collections::LIST_REMOVE_BY_INDEX,
    &collections::LIST_RETAIN_ALL,
    &collections::LIST_SET_VALUE,
    &collections::LIST_SIZE,
    &collections::LIST_SORT,
    &collections::MAP_CREATE,
    &collections::MAP_GET,
    &collections::MAP_PUT,
    &collections::MAP_PUT_ALL,
    &collections::MAP_PUT_IF_ABSENT,
    &collections::MAP_REMOVE,
    &collections::MAP_REPLACE,
    &collections::MAP_REPLACE_ALL,
    &collections::MAP_CLEAR,
    &collections::MAP_CLONE,
    &collections::MAP_COMBINE_BY_KEY,
    &collections::MAP_CONTAINS_KEY,
    &collections::MAP_CONTAINS_VALUE,
    &collections::MAP_IS_EMPTY,
    &collections::MAP_IS_MAP,
    &collections::MAP_KEYS,
    &collections::MAP_VALUES,
    &collections::MAP_SIZE,
    &collections::MAP_CREATE_FROM_JSON,
    &collections::MAP_TO_JSON,
    &json::GET_STRING,
    &json::GET_INT,
    &json::GET_LONG,
    &json::GET_FLOAT,
    &json::GET_DOUBLE,
    &json::GET_BOOL,
    &json::GET_OBJECT,
    &json::IS_EXISTS,
    &json::TO_OBJECT,
    &json::TO_STRING,
    &json::SET_ELEMENT,
    &calendar::CURRENT_DATE,
    &calendar::CURRENT_TIME,
    &calendar::CURRENT_TIMESTAMP,
    &calendar::UTC_TIMESTAMP,
    &calendar::DATE,
    &calendar::DATE_ADD,
    &calendar::DATE_SUB,
    &calendar::DATE_DIFF,
    &calendar::DATE_FORMAT,
    &calendar::DAY_OF_WEEK,
    &calendar::EXTRACT,
    &calendar::TIMESTAMP_IN_MILLISECONDS,
    &units::CM_TO_NM,
    &units::CM_TO_UM,
    &units::CM_TO_MM,
    &units::CM_TO_M,
    &units::CM_TO_KM,
    &units::CM_TO_MEGAM,
    &units::CM_TO_IN,
    &units::CM_TO_FT,
    &units::CM_TO_YD,
    &units::CM_TO_MI,
    &units::KM_TO_NM,
    &units::KM_TO_UM,
    &units::KM_TO_MM,
    &units::KM_TO_CM,
    &units::KM_TO_M,
    &units::KM_TO_MEGAM,
    &units::KM_TO_IN,
    &units::KM_TO_FT,
    &units::KM_TO_YD,
    &units::KM_TO_MI,
    &units::M_TO_NM,
    &units::M_TO_UM,
    &units::M_TO_MM,
    &units::M_TO_CM,
    &units::M_TO_KM,
    &units::M_TO_MEGAM,
    &units::M_TO_IN,
    &units::M_TO_FT,
    &units::M_TO_YD,
    &units::M_TO_MI,
    &units::MI_TO_NM,
    &units::MI_TO_UM,
    &units::MI_TO_MM,
    &units::MI_TO_CM,
    &units::MI_TO_M,
    &units::MI_TO_KM,
    &units::MI_TO_MEGAM,
    &units::MI_TO_IN,
    &units::MI_TO_FT,
    &units::MI_TO_YD,
    &units::MEGAM_TO_NM,
    &units::MEGAM_TO_UM,
    &units::MEGAM_TO_MM,
    &units::MEGAM_TO_CM,
    &units::MEGAM_TO_M,
    &units::MEGAM_TO_KM,
    &units::MEGAM_TO_IN,
    &units::MEGAM_TO_FT,
    &units::MEGAM_TO_YD,
    &units::MEGAM_TO_MI,
    &units::G_TO_UG,
    &units::G_TO_MG,
    &units::G_TO_KG,
    &units::G_TO_T,
    &units::G_TO_LB,
    &units::G_TO_OZ,
    &units::G_TO_ST,
    &units::G_TO_LT,
    &units::G_TO_SHT,
    &units::KG_TO_UG,
    &units::KG_TO_MG,
    &units::KG_TO_G,
    &units::KG_TO_T,
    &units::KG_TO_LB,
    &units::KG_TO_OZ,
    &units::KG_TO_ST,
    &units::KG_TO_LT,
    &units::KG_TO_SHT,
    &units::T_TO_UG,
    &units::T_TO_MG,
    &units::T_TO_G,
    &units::T_TO_KG,
    &units::T_TO_LB,
    &units::T_TO_OZ,
    &units::T_TO_ST,
    &units::T_TO_LT,
    &units::T_TO_SHT,
    &units::ML_TO_L,
    &units::ML_TO_M3,
    &units::L_TO_ML,
    &units::L_TO_M3,
    &units::M3_TO_ML,
    &units::M3_TO_L,
    &units::S_TO_M,
    &units::S_TO_H,
    &units::S_TO_D,
    &units::S_TO_Y,
    &units::M_TO_S,
    &units::M_TO_H,
    &units::M_TO_D,
    &units::M_TO_Y,
    &units::H_TO_S,
    &units::H_TO_M,
    &units::H_TO_D,
    &units::H_TO_Y,
    &units::D_TO_S,
    &units::D_TO_M,
    &units::D_TO_H,
    &units::D_TO_Y,
    &units::Y_TO_S,
    &units::Y_TO_M,
    &units::Y_TO_H,
    &units::Y_TO_D,
];

/// The sources.
pub const SOURCES: &[&SourceSpec] = &[&source::file::SPEC, &source::in_memory::SPEC];

/// The sinks.
pub const SINKS: &[&SinkSpec] = &[&sink::file::SPEC, &sink::in_memory::SPEC, &sink::log::SPEC];

/// Sources and sinks of Siddhi's companions that aren't built yet: refused as such.
pub const PLANNED_TRANSPORTS: &[&str] = &[
    "cdc",
    "email",
    "gcs",
    "googlepubsub",
    "grpc",
    "grpc-service",
    "http",
    "http-call",
    "http-request",
    "http-response",
    "http-service",
    "http-service-response",
    "jms",
    "kafka",
    "kafka-replay-request",
    "kafkaMultiDC",
    "mqtt",
    "nats",
    "prometheus",
    "rabbitmq",
    "rdbms",
    "s3",
    "snmp",
    "sqs",
    "sse",
    "tcp",
    "websocket",
    "websocket-server",
];

/// Types of `@map` that Siddhi and its companions have.
pub const MAPS: &[&str] =
    &["passThrough", "csv", "json", "avro", "binary", "keyvalue", "protobuf", "text", "xml"];

/// The source of that type.
pub fn source(name: &str) -> Option<&'static SourceSpec> {
    SOURCES.iter().find(|s| s.name == name).copied()
}

/// The sink of that type.
pub fn sink(name: &str) -> Option<&'static SinkSpec> {
    SINKS.iter().find(|s| s.name == name).copied()
}

/// The window of that name.
pub fn window(name: &str) -> Option<&'static WindowSpec> {
    windows().into_iter().find(|w| w.name == name)
}

/// Names of all windows, those not built yet included.
pub fn window_names() -> Vec<&'static str> {
    windows().into_iter().map(|w| w.name).chain(PLANNED.iter().copied()).collect()
}

/// The aggregator of that name.
pub fn aggregate(name: &str) -> Option<&'static AggregateSpec> {
    aggregates().into_iter().find(|a| a.name == name)
}

/// The scalar function of that namespace and name.
pub fn function(namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec> {
    functions().into_iter().find(|f| f.namespace == namespace && f.name == name)
}

/// Names of everything that can be called in an expression.
pub fn function_names() -> Vec<String> {
    let functions = functions().into_iter().map(FunctionSpec::full_name);
    functions.chain(aggregates().into_iter().map(|a| a.name.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_is_described() {
        for (i, spec) in WINDOWS.iter().enumerate() {
            assert!(spec.signature.starts_with(&format!("{}(", spec.name)));
            assert!(spec.doc.len() > 60 && spec.doc.ends_with('.'), "{}", spec.name);
            assert!(spec.example.contains("define stream"), "{}", spec.name);
            assert!(spec.example.contains(&format!("#window.{}(", spec.name)), "{}", spec.name);
            assert!(WINDOWS[..i].iter().all(|other| other.name != spec.name));
            assert!(!PLANNED.contains(&spec.name));
        }
    }
}
