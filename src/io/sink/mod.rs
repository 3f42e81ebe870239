//! Kinds of sinks, one file each. Each exports a `SPEC`.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::Sink;
use super::broker::Broker;
use super::options::{OptionSpec, Options};
use crate::error::{Diagnostic, Result};

pub mod distribute;
pub mod file;
pub mod in_memory;
pub mod log;

pub use log::{LogTarget, Priority};

/// What a sink is opened with, besides its options.
#[derive(Clone)]
pub struct SinkContext {
    /// Name of the application.
    pub app: String,
    /// The stream whose events it gets.
    pub stream: String,
    /// The stream's attributes, in the engine's types.
    pub schema: SchemaRef,
    /// What relative paths are relative to.
    pub directory: PathBuf,
    /// The engine's topics.
    pub broker: Arc<Broker>,
    /// Where log lines go.
    pub log: Arc<dyn LogTarget>,
}

/// A kind of sink.
pub struct SinkSpec {
    /// The `type` of the annotation.
    pub name: &'static str,
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// A stream definition that uses it.
    pub example: &'static str,
    /// Its options.
    pub options: &'static [OptionSpec],
    /// The types of `@map` it takes; the first is the one it has without.
    pub maps: &'static [&'static str],
    /// Checks what `options::resolve` can't (against the stream's attributes).
    pub check: fn(&Options, &SchemaRef) -> Result<(), Diagnostic>,
    /// Opens it; the options passed `check`.
    pub open: fn(&Options, &SinkContext) -> Result<Box<dyn Sink>>,
}

impl std::fmt::Debug for SinkSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SinkSpec({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Span};
    use crate::event::{Chunks, EventBatch, Kind, Value};
    use crate::io::broker::Mailbox;
    use crate::io::options::{Given, resolve};
    use crate::io::testing::{batch, values};
    use arrow::datatypes::{DataType, Field, Schema};
    use std::io::Write;
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("symbol", DataType::Utf8View, true),
            Field::new("price", DataType::Float64, true),
        ]))
    }

    /// Three events, the last two of which are a chunk.
    fn events() -> EventBatch {
        let rows: Vec<Vec<Value>> = vec![
            vec!["IBM".into(), 75.5.into()],
            vec!["WSO2".into(), Value::Null],
            vec!["IBM".into(), 1e10.into()],
        ];
        let columns = batch(&schema(), &rows);
        let times = vec![10, 20, 30];
        let mut events =
            EventBatch::new(columns, times.clone().into(), times.into(), vec![1, 3, 3].into());
        events.chunks = Some(Chunks::new(vec![0, 1, 3]));
        events
    }

    fn opened(
        spec: &'static SinkSpec,
        given: &[(&str, &str)],
        context: &SinkContext,
    ) -> Result<Box<dyn Sink>, Vec<Diagnostic>> {
        let span = Span::new(1, 2);
        let given: Vec<Given<'_>> =
            given.iter().map(|(name, value)| Given { name, value, span }).collect();
        let options = resolve("sink", spec.options, &given, span)?;
        (spec.check)(&options, &context.schema).map_err(|d| vec![d])?;
        Ok((spec.open)(&options, context).expect("can be opened"))
    }

    fn context(log: &Shared) -> SinkContext {
        SinkContext {
            app: "App".into(),
            stream: "Alerts".into(),
            schema: schema(),
            directory: PathBuf::new(),
            broker: Broker::new(),
            log: log::LogWriter::new(Box::new(log.clone())),
        }
    }

    #[test]
    fn log_lines_are_siddhis() {
        let log = Shared::default();
        let context = context(&log);
        let mut plain = opened(&log::SPEC, &[], &context).unwrap();
        plain.write(&events()).unwrap();
        let mut warning = opened(&log::SPEC, &[("prefix", "P"), ("priority", "warn")], &context);
        let mut expired = events().slice(0, 1);
        expired.kinds = Some([Kind::Expired].into());
        warning.as_mut().unwrap().write(&expired).unwrap();
        let mut off = opened(&log::SPEC, &[("priority", "OFF")], &context).unwrap();
        off.write(&events()).unwrap();
        plain.close().unwrap();
        assert_eq!(
            String::from_utf8(log.0.lock().unwrap().clone()).unwrap(),
            "App : Alerts : Event{timestamp=10, data=[IBM, 75.5], isExpired=false}\n\
             App : Alerts : [Event{timestamp=20, data=[WSO2, null], isExpired=false}, \
             Event{timestamp=30, data=[IBM, 1.0E10], isExpired=false}]\n\
             WARN P : Event{timestamp=10, data=[IBM, 75.5], isExpired=true}\n"
        );
    }

    #[test]
    fn topics_are_filled_in_per_event() {
        let context = context(&Shared::default());
        let (all, ibm) = (Mailbox::new(), Mailbox::new());
        context.broker.subscribe("all", all.clone());
        context.broker.subscribe("IBM-alerts", ibm.clone());
        opened(&in_memory::SPEC, &[("topic", "all")], &context).unwrap().write(&events()).unwrap();
        let message = all.take().unwrap();
        assert_eq!(message.chunks.map(|c| c.offsets().to_vec()), Some(vec![0, 1, 3]));
        assert_eq!(message.ts[..], [10, 20, 30]);
        let given = [("topic", "{{ symbol }}-alerts")];
        opened(&in_memory::SPEC, &given, &context).unwrap().write(&events()).unwrap();
        for (price, ts) in [(75.5, 10), (1e10, 30)] {
            let message = ibm.take().unwrap();
            assert_eq!(values(&message.columns), [["IBM".into(), price.into()]]);
            assert_eq!(message.ts[..], [ts]);
        }
        assert!(ibm.take().is_none());
    }

    #[test]
    fn bad_options_are_found_before_anything_opens() {
        let context = context(&Shared::default());
        let fault = |spec, given: &[(&str, &str)]| match opened(spec, given, &context) {
            Ok(_) => panic!("accepted"),
            Err(faults) => {
                let help = faults[0].help.clone().unwrap_or_default();
                format!("{} | {help}", faults[0].message)
            }
        };
        assert_eq!(
            fault(&in_memory::SPEC, &[("topic", "{{simbol}}")]),
            "`simbol` in `topic` is no attribute of the stream | did you mean `symbol`?"
        );
        assert_eq!(
            fault(&in_memory::SPEC, &[("topic", "{{symbol")]),
            "`{{` in `topic` isn't closed by `}}` | "
        );
        assert!(fault(&log::SPEC, &[("priority", "WARM")]).ends_with("did you mean `WARN`?"));
        assert_eq!(
            fault(&file::SPEC, &[("path", "a.parquet"), ("append", "true")]),
            "only csv and json files can be appended to | "
        );
        assert!(fault(&file::SPEC, &[]).starts_with("sink needs the option `path`"));
    }

    #[test]
    fn files_are_written_beside_the_application() {
        let directory = tempfile::tempdir().unwrap();
        let mut context = context(&Shared::default());
        context.directory = directory.path().into();
        let mut sink = opened(&file::SPEC, &[("path", "a.csv")], &context).unwrap();
        sink.write(&events()).unwrap();
        sink.close().unwrap();
        assert_eq!(
            std::fs::read_to_string(directory.path().join("a.csv")).unwrap(),
            "symbol,price\nIBM,75.5\nWSO2,\nIBM,10000000000.0\n"
        );
        context.directory = directory.path().join("nowhere");
        let options = resolve(
            "sink",
            file::SPEC.options,
            &[Given { name: "path", value: "a.csv", span: Span::default() }],
            Span::default(),
        );
        let fault = (file::SPEC.open)(&options.unwrap(), &context).err();
        assert!(matches!(fault, Some(Error::Io { .. })));
    }
}
