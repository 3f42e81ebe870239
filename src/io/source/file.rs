//! `@source(type='file', …)`: rows of a file, in file order.

use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;

use super::{OpenSource, SourceContext, SourceSpec};
use crate::error::{Code, Diagnostic, Result};
use crate::io::format::{self, Format, Input, ReadOptions};
use crate::io::options::{OptionSpec, OptionType, Options};

/// The kind.
pub static SPEC: SourceSpec = SourceSpec {
    name: "file",
    doc: "Reads the rows of a CSV, JSON lines, Arrow IPC or Parquet file from beginning to end. Columns \
          are found by the names of the stream's attributes; others are ignored.",
    example: "@source(type='file', path='quakes.csv', time='time')\n\
              define stream Quakes (id string, mag double, place string);",
    options: OPTIONS,
    pushed: false,
    maps: &["passThrough", "csv", "json"],
    check,
    open,
};

static OPTIONS: &[OptionSpec] = &[
    PATH,
    FORMAT,
    OptionSpec {
        name: "time",
        aliases: &[],
        ty: OptionType::Text,
        required: false,
        default: None,
        doc: "The column that holds the event time (an attribute or not): ms since the epoch, a \
              timestamp, or a date and time as text, UTC unless it has an offset.",
    },
    OptionSpec {
        name: "header",
        aliases: &["header.present"],
        ty: OptionType::Bool,
        required: false,
        default: Some("true"),
        doc: "CSV: whether the first record names the columns; if not, fields are the attributes in order.",
    },
    DELIMITER,
    OptionSpec {
        name: "fail.on.missing.attribute",
        aliases: &[],
        ty: OptionType::Bool,
        required: false,
        default: Some("true"),
        doc: "JSON: whether an object without one of the attributes is a fault (else a null).",
    },
    OptionSpec {
        name: "mode",
        aliases: &[],
        ty: OptionType::OneOf(&["line"]),
        required: false,
        default: Some("line"),
        doc: "Siddhi's reading mode; of its modes only this one reads rows.",
    },
    OptionSpec {
        name: "tailing",
        aliases: &[],
        ty: OptionType::OneOf(&["false"]),
        required: false,
        default: Some("false"),
        doc: "Whether to wait for rows appended later; not supported yet.",
    },
];

/// Where the file is.
pub(crate) const PATH: OptionSpec = OptionSpec {
    name: "path",
    aliases: &["file.uri"],
    ty: OptionType::Text,
    required: true,
    default: None,
    doc: "The file, relative to the application's file; a `file:` URI is taken, too.",
};

/// What is in it.
pub(crate) const FORMAT: OptionSpec = OptionSpec {
    name: "format",
    aliases: &[],
    ty: OptionType::OneOf(Format::NAMES),
    required: false,
    default: None,
    doc: "The format; without it, the file's extension tells.",
};

/// What stands between fields.
pub(crate) const DELIMITER: OptionSpec = OptionSpec {
    name: "delimiter",
    aliases: &[],
    ty: OptionType::Char,
    required: false,
    default: None,
    doc: "CSV: what stands between fields; a comma, or a tab in a .tsv file.",
};

/// The path an option means.
pub(crate) fn path_of(options: &Options) -> PathBuf {
    let path = options.get("path").unwrap_or_default();
    let path = path.strip_prefix("file:").unwrap_or(path);
    // `file:///a`, `file://a` and `file:/a` are all in use.
    match path.strip_prefix("//") {
        Some(rest) => PathBuf::from(rest),
        None => PathBuf::from(path),
    }
}

/// The format by option or extension, and the delimiter.
///
/// # Errors
/// If neither tells the format.
pub(crate) fn format_of(options: &Options) -> Result<(Format, u8), Diagnostic> {
    let path = path_of(options);
    let format = match options.get("format").and_then(Format::from_name) {
        Some(format) => format,
        None => Format::from_path(&path).map_err(|e| {
            let span = options.span("path").unwrap_or_default();
            Diagnostic::error(Code::Parameter, span, e.to_string())
                .with_help("say which with the option `format`")
        })?,
    };
    let delimiter = options.byte("delimiter").unwrap_or(format::default_delimiter(&path));
    Ok((format, delimiter))
}

/// A path as seen from a directory.
pub(crate) fn beneath(directory: &Path, path: PathBuf) -> PathBuf {
    directory.join(path)
}

fn check(options: &Options, _schema: &SchemaRef) -> Result<(), Diagnostic> {
    format_of(options).map(|_| ())
}

fn open(options: &Options, context: &SourceContext) -> Result<OpenSource> {
    let (format, delimiter) =
        format_of(options).map_err(|d| crate::error::Error::Query(vec![d]))?;
    let read = ReadOptions {
        format,
        time: options.get("time").map(str::to_string),
        header: options.flag("header"),
        delimiter,
        fail_on_missing: options.flag("fail.on.missing.attribute"),
    };
    let path = beneath(&context.directory, path_of(options));
    let source = format::open(Input::Path(path), context.schema.clone(), &read)?;
    Ok(OpenSource::Rows(source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Span;
    use crate::event::Value;
    use crate::io::broker::Broker;
    use crate::io::options::{Given, resolve};
    use crate::io::testing::{read_all, values};
    use arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    fn options(given: &[(&str, &str)]) -> Result<Options, Vec<Diagnostic>> {
        let span = Span::new(3, 9);
        let given: Vec<Given<'_>> =
            given.iter().map(|(name, value)| Given { name, value, span }).collect();
        resolve("source `file`", SPEC.options, &given, span)
    }

    #[test]
    fn reads_beside_the_application_with_its_event_time() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a.tsv"), "t\tprice\tx\n1000\t1.5\t?\n2000\t\t?\n")
            .unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("price", DataType::Float64, true)]));
        let options = options(&[("file.uri", "a.tsv"), ("time", "t")]).unwrap();
        (SPEC.check)(&options, &schema).unwrap();
        let context = SourceContext {
            stream: "S".into(),
            schema,
            directory: directory.path().into(),
            broker: Broker::new(),
        };
        let Ok(OpenSource::Rows(mut source)) = (SPEC.open)(&options, &context) else {
            panic!("a file is pulled")
        };
        let all = read_all(source.as_mut(), 10);
        assert_eq!(values(&all.rows), [[Value::Double(1.5)], [Value::Null]]);
        assert_eq!(all.time, [1000, 2000]);
    }

    #[test]
    fn the_format_must_be_told_before_anything_runs() {
        let schema = Arc::new(Schema::empty());
        let unclear = options(&[("path", "data.bin")]).unwrap();
        let fault = (SPEC.check)(&unclear, &schema).unwrap_err();
        assert_eq!(fault.span, Span::new(3, 9));
        assert!(fault.message.contains("`data.bin`"), "{}", fault.message);
        let told = options(&[("path", "data.bin"), ("format", "JSON")]).unwrap();
        (SPEC.check)(&told, &schema).unwrap();
    }

    #[test]
    fn uris_and_unsupported_modes() {
        for (uri, path) in
            [("file:/a/b.csv", "/a/b.csv"), ("file:///a/b.csv", "/a/b.csv"), ("b.csv", "b.csv")]
        {
            assert_eq!(path_of(&options(&[("path", uri)]).unwrap()), PathBuf::from(path));
        }
        let faults = options(&[("path", "a.csv"), ("tailing", "true"), ("dir.uri", "x")]);
        assert_eq!(faults.unwrap_err().len(), 2);
    }
}
