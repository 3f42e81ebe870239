//! THE list: every window, aggregator, function, source and sink, one line each.

use crate::aggregate::{self, AggregateSpec};
use crate::expr::functions::{FunctionSpec, choose, convert, extreme, instance, sets, time, uuid};
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
    WINDOWS.iter().find(|w| w.name == name).copied()
}

/// Names of all windows, those not built yet included.
pub fn window_names() -> impl Iterator<Item = &'static str> {
    WINDOWS.iter().map(|w| w.name).chain(PLANNED.iter().copied())
}

/// The aggregator of that name.
pub fn aggregate(name: &str) -> Option<&'static AggregateSpec> {
    AGGREGATES.iter().find(|a| a.name == name).copied()
}

/// The scalar function of that namespace and name.
pub fn function(namespace: Option<&str>, name: &str) -> Option<&'static FunctionSpec> {
    FUNCTIONS.iter().find(|f| f.namespace == namespace && f.name == name).copied()
}

/// Names of everything that can be called in an expression.
pub fn function_names() -> Vec<String> {
    FUNCTIONS
        .iter()
        .map(|f| f.full_name())
        .chain(AGGREGATES.iter().map(|a| a.name.into()))
        .collect()
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
