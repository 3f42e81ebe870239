//! `@source` and `@sink` annotations: types, mappings and options checked against the registry.
//!
//! What stands here has passed every check that doesn't open anything, so the runtime has only
//! reading and writing left to fail at.

use arrow::datatypes::SchemaRef;

use crate::error::{Code, Diagnostic, Span};
use crate::io::options::{Given, OptionSpec, Options, resolve};
use crate::io::sink::SinkSpec;
use crate::io::sink::distribute::Strategy;
use crate::io::source::SourceSpec;
use crate::lang::ast::{Annotation, AnnotationElement, Definition};
use crate::registry;

/// A `@source`.
#[derive(Debug, Clone)]
pub struct SourcePlan {
    /// Its kind.
    pub spec: &'static SourceSpec,
    /// Its options, those of its `@map` included.
    pub options: Options,
    /// Where it stands.
    pub span: Span,
}

/// A `@sink`.
#[derive(Debug, Clone)]
pub struct SinkPlan {
    /// Its kind.
    pub spec: &'static SinkSpec,
    /// Options of each of its destinations; one without `@distribution`.
    pub destinations: Vec<Options>,
    /// How events are spread over the destinations.
    pub strategy: Strategy,
    /// What happens to events it can't write.
    pub on_error: OnError,
    /// Where it stands.
    pub span: Span,
}

/// What happens to events that a sink can't write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Whoever made the step run gets the error (nothing was said about it).
    Fail,
    /// They are dropped with a line in the log.
    Log,
    /// They go to the fault stream of the sink's stream, with the error as `_error`.
    Stream,
}

/// Elements that any source or sink may have, besides its own options.
const COMMON: [&str; 3] = ["type", "ref", "on.error"];

/// The sources and sinks of a definition; what is wrong with them goes to `found`.
pub(super) fn check(
    d: &Definition,
    schema: &SchemaRef,
    found: &mut Vec<Diagnostic>,
) -> (Vec<SourcePlan>, Vec<SinkPlan>) {
    let (mut sources, mut sinks) = (vec![], vec![]);
    for a in &d.annotations {
        let checked = match () {
            () if a.is("source") => source(a, schema).map(|s| sources.push(s)),
            () if a.is("sink") => sink(a, d, schema).map(|s| sinks.push(s)),
            () => Ok(()),
        };
        found.extend(checked.err().into_iter().flatten());
    }
    (sources, sinks)
}

fn source(a: &Annotation, schema: &SchemaRef) -> Result<SourcePlan, Vec<Diagnostic>> {
    let names = || registry::SOURCES.iter().map(|s| s.name);
    let (name, at) = type_of("source", a)?;
    let spec = registry::source(name).ok_or_else(|| no_kind("source", name, at, names()))?;
    let kind = format!("source `{name}`");
    let mut faults = nested(a, &["map"], &kind);
    let mut given = own_options(a, &["on.error"], &mut faults);
    given.extend(mapping(a, &kind, spec.maps, schema, &mut faults));
    let options = collect(resolve(&kind, spec.options, &given, at), &mut faults);
    let Some(options) = options.filter(|_| faults.is_empty()) else { return Err(faults) };
    (spec.check)(&options, schema).map_err(|d| vec![placed(d, at)])?;
    Ok(SourcePlan { spec, options, span: a.span.0 })
}

fn sink(a: &Annotation, d: &Definition, schema: &SchemaRef) -> Result<SinkPlan, Vec<Diagnostic>> {
    let names = || registry::SINKS.iter().map(|s| s.name);
    let (name, at) = type_of("sink", a)?;
    let spec = registry::sink(name).ok_or_else(|| no_kind("sink", name, at, names()))?;
    let kind = format!("sink `{name}`");
    let mut faults = nested(a, &["map", "distribution"], &kind);
    let on_error = collect(on_error(a, d), &mut faults);
    let mut given = own_options(a, &[], &mut faults);
    given.extend(mapping(a, &kind, spec.maps, schema, &mut faults));
    let destinations = destinations(a, &given, spec.options, &kind, at, &mut faults);
    let strategy = collect(strategy(a, schema), &mut faults);
    let (Some(strategy), Some(on_error), []) = (strategy, on_error, faults.as_slice()) else {
        return Err(faults);
    };
    for options in &destinations {
        (spec.check)(options, schema).map_err(|d| vec![placed(d, at)])?;
    }
    Ok(SinkPlan { spec, destinations, strategy, on_error, span: a.span.0 })
}

/// A fault of an option that was not written stands where the endpoint does.
fn placed(d: Diagnostic, at: Span) -> Diagnostic {
    if d.span == Span::default() { Diagnostic { span: at, ..d } } else { d }
}

fn collect<T>(checked: Result<T, Vec<Diagnostic>>, faults: &mut Vec<Diagnostic>) -> Option<T> {
    checked.map_err(|mut found| faults.append(&mut found)).ok()
}

fn type_of<'a>(what: &str, a: &'a Annotation) -> Result<(&'a str, Span), Vec<Diagnostic>> {
    match (a.element("type"), a.element("ref")) {
        (Some(e), _) => Ok((e.value.as_str(), e.span.0)),
        (None, Some(e)) => {
            let what = format!("a {what} by `ref` (it needs a configuration)");
            Err(vec![Diagnostic::not_supported(e.span.0, what)])
        }
        (None, None) => {
            let message = format!("`@{what}` needs a `type`");
            Err(vec![Diagnostic::error(Code::Parameter, a.span.0, message)])
        }
    }
}

fn no_kind<'a>(
    what: &str,
    name: &str,
    at: Span,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Vec<Diagnostic> {
    if registry::PLANNED_TRANSPORTS.contains(&name) {
        return vec![Diagnostic::not_supported(at, format!("the {what} type `{name}`"))];
    }
    let message = format!("there is no {what} of type `{name}`");
    vec![Diagnostic::error(Code::Name, at, message).with_help(near_or_all(name, known))]
}

fn near_or_all<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match crate::error::nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let all: Vec<String> = known.map(|n| format!("`{n}`")).collect();
            format!("there are {}", all.join(", "))
        }
    }
}

/// Nested annotations that aren't among those `known`.
fn nested(a: &Annotation, known: &[&str], kind: &str) -> Vec<Diagnostic> {
    let unknown = a.nested.iter().filter(|n| !known.iter().any(|k| n.is(k)));
    let fault = |n: &Annotation| {
        let message = format!("{kind} takes no `@{}`", n.name.name);
        Diagnostic::error(Code::Parameter, n.span.0, message)
            .with_nearest(&n.name.name, known.iter().copied())
    };
    let doubled = known.iter().filter_map(|k| a.nested.iter().filter(|n| n.is(k)).nth(1));
    let twice = |n: &Annotation| {
        let message = format!("{kind} has `@{}` twice", n.name.name);
        Diagnostic::error(Code::Parameter, n.span.0, message)
    };
    unknown.map(fault).chain(doubled.map(twice)).collect()
}

/// The elements that are options of the kind itself.
fn own_options<'a>(
    a: &'a Annotation,
    refused: &[&str],
    faults: &mut Vec<Diagnostic>,
) -> Vec<Given<'a>> {
    let mut given = vec![];
    for e in &a.elements {
        match e.key.as_ref().map(|k| k.name.as_str()) {
            None => faults.push(nameless(e)),
            Some(name) if is_common(name) && !refused.contains(&name) => {}
            Some(name) => given.push(Given { name, value: &e.value, span: e.span.0 }),
        }
    }
    given
}

fn is_common(name: &str) -> bool {
    COMMON.iter().any(|c| c.eq_ignore_ascii_case(name))
}

fn nameless(e: &AnnotationElement) -> Diagnostic {
    let message = format!("`{}` needs the name of an option in front", e.value);
    Diagnostic::error(Code::Parameter, e.span.0, message)
}

/// The options that `@map` brings: those inside it, and the format that it is.
fn mapping<'a>(
    a: &'a Annotation,
    kind: &str,
    maps: &[&str],
    schema: &SchemaRef,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Given<'a>> {
    let Some(map) = a.nested.iter().find(|n| n.is("map")) else { return vec![] };
    let name = map.get("type").unwrap_or(maps[0]);
    let at = map.element("type").map_or(map.span.0, |e| e.span.0);
    if !maps.contains(&name) {
        faults.push(match registry::MAPS.contains(&name) {
            true => Diagnostic::not_supported(at, format!("`@map(type='{name}')` on {kind}")),
            false => {
                let message = format!("there is no mapping of type `{name}`");
                let help = near_or_all(name, maps.iter().copied());
                Diagnostic::error(Code::Name, at, message).with_help(help)
            }
        });
        return vec![];
    }
    for n in &map.nested {
        match n.name.name.to_ascii_lowercase().as_str() {
            "attributes" if a.is("source") => faults.extend(attributes(n, schema)),
            "payload" if a.is("sink") => {
                faults.push(Diagnostic::not_supported(n.span.0, "`@payload`"));
            }
            _ => {
                let message = format!("`@map` of a {} takes no `@{}`", a.name.name, n.name.name);
                faults.push(Diagnostic::error(Code::Parameter, n.span.0, message));
            }
        }
    }
    let mut given = vec![];
    for e in &map.elements {
        match e.key.as_ref().map(|k| k.name.as_str()) {
            None => faults.push(nameless(e)),
            Some(key) if key.eq_ignore_ascii_case("type") && name == "passThrough" => {}
            Some(key) if key.eq_ignore_ascii_case("type") => {
                given.push(Given { name: "format", value: &e.value, span: e.span.0 });
            }
            Some(name) => given.push(Given { name, value: &e.value, span: e.span.0 }),
        }
    }
    given
}

/// `@attributes(a='a', …)` or `@attributes('a', …)`: every attribute of the stream has to be there.
/// What maps an attribute to anything but the field of its own name isn't built.
fn attributes(n: &Annotation, schema: &SchemaRef) -> Vec<Diagnostic> {
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let positional = n.elements.iter().filter(|e| e.key.is_none()).count();
    let wrong = |message: String| Diagnostic::error(Code::Parameter, n.span.0, message);
    if positional > 0 && positional < n.elements.len() {
        return vec![wrong("`@attributes` has either names everywhere or nowhere".into())];
    }
    let mut faults = vec![];
    if positional > 0 && positional != names.len() {
        let message =
            format!("`@attributes` maps {positional} attributes, the stream has {}", names.len());
        faults.push(wrong(message));
    }
    for (i, e) in n.elements.iter().enumerate() {
        let name = e.key.as_ref().map_or(names.get(i).copied(), |k| Some(k.name.as_str()));
        match name {
            Some(name) if !names.contains(&name) => {
                let message = format!("`{name}` is no attribute of the stream");
                let d = Diagnostic::error(Code::Name, e.span.0, message);
                faults.push(d.with_nearest(name, names.iter().copied()));
            }
            Some(name) if name != e.value => {
                let what = format!("mapping the attribute `{name}` to `{}`", e.value);
                faults.push(Diagnostic::not_supported(e.span.0, what));
            }
            _ => {}
        }
    }
    let missing = names.iter().filter(|name| n.element(name).is_none());
    if positional == 0 {
        faults.extend(missing.map(|name| wrong(format!("`@attributes` doesn't map `{name}`"))));
    }
    faults
}

fn on_error(a: &Annotation, d: &Definition) -> Result<OnError, Vec<Diagnostic>> {
    let Some(e) = a.element("on.error") else { return Ok(OnError::Fail) };
    let fault = |d: Diagnostic| Err(vec![d]);
    match e.value.to_ascii_uppercase().as_str() {
        "LOG" => Ok(OnError::Log),
        "STREAM" => {
            let action =
                d.annotations.iter().find(|a| a.is("OnError")).and_then(|a| a.get("action"));
            // Without a fault stream, Siddhi logs.
            let has = action.is_some_and(|a| a.eq_ignore_ascii_case("STREAM"));
            Ok(if has { OnError::Stream } else { OnError::Log })
        }
        "WAIT" | "STORE" => {
            fault(Diagnostic::not_supported(e.span.0, format!("`on.error='{}'`", e.value)))
        }
        _ => {
            let message = format!("`{}` is not what can happen on an error", e.value);
            let known = ["LOG", "STREAM", "WAIT", "STORE"];
            let help = near_or_all(&e.value, known.into_iter());
            fault(Diagnostic::error(Code::Parameter, e.span.0, message).with_help(help))
        }
    }
}

/// The options of each destination: those of the sink, and its own.
fn destinations(
    a: &Annotation,
    given: &[Given<'_>],
    specs: &'static [OptionSpec],
    kind: &str,
    at: Span,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Options> {
    let Some(d) = a.nested.iter().find(|n| n.is("distribution")) else {
        return collect(resolve(kind, specs, given, at), faults).into_iter().collect();
    };
    let mut all = vec![];
    for n in &d.nested {
        if !n.is("destination") {
            let message = format!("`@distribution` takes no `@{}`", n.name.name);
            faults.push(
                Diagnostic::error(Code::Parameter, n.span.0, message)
                    .with_nearest(&n.name.name, ["destination"]),
            );
            continue;
        }
        let mut given = given.to_vec();
        given.extend(own_options(n, &COMMON, faults));
        all.extend(collect(resolve(kind, specs, &given, n.span.0), faults));
    }
    if d.nested.is_empty() {
        let message = "`@distribution` needs a `@destination`";
        faults.push(Diagnostic::error(Code::Parameter, d.span.0, message));
    }
    all
}

fn strategy(a: &Annotation, schema: &SchemaRef) -> Result<Strategy, Vec<Diagnostic>> {
    let Some(d) = a.nested.iter().find(|n| n.is("distribution")) else {
        return Ok(Strategy::Broadcast);
    };
    let fault = |d: Diagnostic| Err(vec![d]);
    let known = ["strategy", "partitionKey"];
    for e in &d.elements {
        let key = e.key.as_ref().map_or("", |k| k.name.as_str());
        if !known.contains(&key) {
            let message = format!("`@distribution` has no element `{key}`");
            let d = Diagnostic::error(Code::Parameter, e.span.0, message);
            return fault(d.with_nearest(key, known));
        }
    }
    let Some(e) = d.element("strategy") else {
        let message = "`@distribution` needs a `strategy`";
        return fault(Diagnostic::error(Code::Parameter, d.span.0, message));
    };
    match e.value.as_str() {
        "broadcast" => Ok(Strategy::Broadcast),
        "roundRobin" => Ok(Strategy::RoundRobin),
        "partitioned" => {
            let Some(key) = d.element("partitionKey") else {
                let message = "the strategy `partitioned` needs a `partitionKey`";
                return fault(Diagnostic::error(Code::Parameter, d.span.0, message));
            };
            match schema.index_of(&key.value) {
                Ok(column) => Ok(Strategy::Partitioned(column)),
                Err(_) => {
                    let message = format!("`{}` is no attribute of the stream", key.value);
                    let names = schema.fields().iter().map(|f| f.name().as_str());
                    let d = Diagnostic::error(Code::Name, key.span.0, message);
                    fault(d.with_nearest(&key.value, names))
                }
            }
        }
        other => {
            let message = format!("there is no strategy `{other}`");
            let known = ["broadcast", "roundRobin", "partitioned"];
            let d = Diagnostic::error(Code::Parameter, e.span.0, message);
            fault(d.with_help(near_or_all(other, known.into_iter())))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::error::Diagnostic;
    use crate::plan::compile;
    use crate::registry;

    /// `message @ text of the span | help` of each fault of endpoints before `define stream S (a int, b string)`.
    fn faults(endpoints: &str) -> Vec<String> {
        let text = format!(
            "{endpoints} define stream S (a int, b string); from S select a insert into T;"
        );
        let Err(found) = compile(&text) else { return vec![] };
        let shown = |d: &Diagnostic| {
            let help = d.help.as_ref().map_or(String::new(), |h| format!(" | {h}"));
            format!("{} @ {}{help}", d.message, &text[d.span.range()])
        };
        found.iter().map(shown).collect()
    }

    #[test]
    fn every_source_and_sink_is_described_by_an_application_that_compiles() {
        let sources =
            registry::SOURCES.iter().map(|s| (s.name, s.doc, s.example, s.options, s.maps));
        let sinks = registry::SINKS.iter().map(|s| (s.name, s.doc, s.example, s.options, s.maps));
        for (name, doc, example, options, maps) in sources.chain(sinks) {
            assert!(doc.len() > 30 && doc.ends_with('.'), "{name}");
            assert!(example.contains(&format!("type='{name}'")), "{name}");
            assert!(compile(example).is_ok(), "{name}: {example}");
            assert!(options.iter().all(|o| o.doc.trim_end_matches(')').ends_with('.')), "{name}");
            assert!(!maps.is_empty() && maps.iter().all(|m| registry::MAPS.contains(m)), "{name}");
            assert!(!registry::PLANNED_TRANSPORTS.contains(&name));
        }
    }

    #[test]
    fn what_is_right_passes() {
        for right in [
            "@source(type='inMemory', topic='t')",
            "@Source(Type='inMemory', topic='t', @Map(type='passThrough', @attributes(b='b', a='a')))",
            "@source(type='inMemory', topic='t', @map(type='passThrough', @attributes('a', 'b')))",
            "@source(type='file', path='x.txt', @map(type='csv', delimiter='|', header='false'))",
            "@sink(type='file', path='x', @map(type='json'))",
            "@sink(type='log') @sink(type='log', prefix='x', on.error='log')",
            "@sink(type='inMemory', @map(type='passThrough'), @distribution(strategy='partitioned', \
             partitionKey='b', @destination(topic='x'), @destination(topic='y')))",
        ] {
            assert_eq!(faults(right), [] as [&str; 0], "{right}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_where_it_stands_with_the_nearest_name() {
        for (wrong, expected) in [
            (
                "@source(type='fil', path='x.csv')",
                "there is no source of type `fil` @ type='fil' | did you mean `file`?",
            ),
            (
                "@sink(type='console')",
                "there is no sink of type `console` @ type='console' | there are `file`, `inMemory`, `log`",
            ),
            ("@sink(name='log')", "`@sink` needs a `type` @ @sink(name='log')"),
            (
                "@source(type='kafka')",
                "the source type `kafka` is not supported yet @ type='kafka'",
            ),
            (
                "@source(ref='x')",
                "a source by `ref` (it needs a configuration) is not supported yet @ ref='x'",
            ),
            (
                "@source(type='file', path='x.csv', delimitr=';')",
                "source `file` has no option `delimitr` @ delimitr=';' | did you mean `delimiter`?",
            ),
            (
                "@source(type='file')",
                "source `file` needs the option `path` @ type='file' | The file, relative to the \
                 application's file; a `file:` URI is taken, too.",
            ),
            (
                "@source(type='inMemory', topic='t', @map(type='passThroug'))",
                "there is no mapping of type `passThroug` @ type='passThroug' | did you mean `passThrough`?",
            ),
            (
                "@source(type='file', path='x', @map(type='xml'))",
                "`@map(type='xml')` on source `file` is not supported yet @ type='xml'",
            ),
            (
                "@source(type='inMemory', topic='t', @map(type='passThrough', @attributes(a='a')))",
                "`@attributes` doesn't map `b` @ @attributes(a='a')",
            ),
            (
                "@source(type='inMemory', topic='t', @map(type='passThrough', @attributes('a')))",
                "`@attributes` maps 1 attributes, the stream has 2 @ @attributes('a')",
            ),
            (
                "@source(type='inMemory', topic='t', @map(type='passThrough', @attributes(a='trp:x', b='b')))",
                "mapping the attribute `a` to `trp:x` is not supported yet @ a='trp:x'",
            ),
            (
                "@sink(type='inMemory', topic='{{cde}}')",
                "`cde` in `topic` is no attribute of the stream @ topic='{{cde}}'",
            ),
            (
                "@sink(type='log', @map(type='passThrough', @payload('x')))",
                "`@payload` is not supported yet @ @payload('x')",
            ),
            (
                "@sink(type='log', on.error='wait')",
                "`on.error='wait'` is not supported yet @ on.error='wait'",
            ),
            (
                "@sink(type='log', on.error='lag')",
                "`lag` is not what can happen on an error @ on.error='lag' | did you mean `LOG`?",
            ),
            ("@sink(type='log', 'x')", "`x` needs the name of an option in front @ 'x'"),
            (
                "@sink(type='log', @mapp(type='x'))",
                "sink `log` takes no `@mapp` @ @mapp(type='x') | did you mean `map`?",
            ),
            (
                "@sink(type='inMemory', @distribution(strategy='roundrobin', @destination(topic='u')))",
                "there is no strategy `roundrobin` @ strategy='roundrobin' | did you mean `roundRobin`?",
            ),
        ] {
            assert_eq!(faults(wrong), [expected], "{wrong}");
        }
    }

    #[test]
    fn variables_are_those_of_the_environment() {
        let found = faults("@source(type='inMemory', topic='${FORESHOCK_TEST_NO_SUCH_VARIABLE}')");
        assert_eq!(
            found,
            ["no value is known for `${FORESHOCK_TEST_NO_SUCH_VARIABLE}` @ \
              ${FORESHOCK_TEST_NO_SUCH_VARIABLE} | set the environment variable \
              `FORESHOCK_TEST_NO_SUCH_VARIABLE`"]
        );
        // Set by whoever runs tests: the places of later faults don't move.
        let found = faults("@source(type='inMemory', topic='${CARGO_PKG_NAME}') @sink(type='lag')");
        let found: Vec<&str> = found.iter().map(|f| f.split(" | ").next().unwrap_or(f)).collect();
        assert_eq!(found, ["there is no sink of type `lag` @ type='lag'"]);
    }
}
