//! `foreshock run`.
//!
//! Exit codes: 1 the application is wrong, 2 an argument names something that isn't there, 3 files
//! can't be read or written. Rows that can't be read are reported at the end; they are no failure.

mod arguments;
mod print;
mod progress;
mod summary;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use foreshock::io::format::{self, Format, Input, ReadOptions, Target, WriteOptions};
use foreshock::io::sink::file::FileSink;
use foreshock::{App, AppOptions, Engine, Error, Runner};

pub use arguments::{Arguments, Endpoint, TextFormat, TimeColumn};
use print::{PrintSink, Printer};
use progress::Progress;

use super::text::{self, AppText};

/// Why a run failed: the exit code, after it was said.
type Failure = u8;

/// For how long a watermark may stand still before it is said.
const STALLED: Duration = Duration::from_secs(10);

/// Runs the command; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    match run_app(arguments) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

fn run_app(arguments: &Arguments) -> Result<(), Failure> {
    let app_text = text::read(&arguments.app)?;
    let quiet = arguments.quiet;
    // Log lines may not get between the rows of an output.
    let stdout_taken = arguments.output.iter().any(|o| o.path.is_none());
    let printer = Arc::new(Printer::new(stdout_taken));
    let options = AppOptions {
        batch_rows: arguments.batch_rows.get(),
        directory: arguments.app.parent().map(Path::to_path_buf).unwrap_or_default(),
        variables: arguments.variables.set.clone(),
        ..AppOptions::default()
    };
    let engine = Engine::with_log_target(printer.clone());
    let app = match engine.app(&app_text.text, options) {
        Ok(app) => app,
        Err(e) => return Err(refused(&app_text, e)),
    };
    if !quiet {
        text::show(&app_text, app.warnings());
    }
    let mut runner = app.runner();
    connect_inputs(&mut runner, &app, arguments)?;
    if let Err(e) = runner.event_time() {
        return Err(refused(&app_text, e));
    }
    if let Err(e) = runner.open() {
        return Err(refused(&app_text, e));
    }
    connect_outputs(&app, arguments, &printer).map_err(|e| e.said(&app_text))?;
    stop_on_ctrl_c(&runner)?;
    let progress = Arc::new(Progress::new(quiet));
    printer.beside(&progress);
    let bar = Arc::clone(&progress);
    runner.on_progress(move |p| bar.at(p));
    let aside = Arc::clone(&progress);
    if !quiet {
        runner.on_stall(STALLED, move |stall| aside.aside(|| summary::stalled(stall)));
    }
    let outcome = runner.run();
    progress.finish();
    let report = runner.report();
    summary::rejected(&report);
    summary::late(&app);
    if !quiet {
        summary::totals(&app, &report);
    }
    if arguments.stats {
        summary::stats(&app, &report);
    }
    match outcome {
        Err(e) if is_broken_pipe(&e) => Ok(()),
        Err(e) => Err(refused(&app_text, e)),
        Ok(()) => Ok(()),
    }
}

/// Says what is wrong; the exit code.
fn refused(app: &AppText, error: Error) -> Failure {
    match error {
        Error::Query(diagnostics) => {
            text::show(app, &diagnostics);
            super::WRONG_QUERY
        }
        Error::Name(message) => usage(&message),
        other => text::complain(&other.to_string()),
    }
}

fn usage(message: &str) -> Failure {
    eprintln!("foreshock: {message}");
    eprintln!("For more, try 'foreshock run --help'.");
    super::USAGE
}

/// Whether nobody reads an output any more (`| head`): no failure.
fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::BrokenPipe)
}

fn connect_inputs(runner: &mut Runner, app: &App, arguments: &Arguments) -> Result<(), Failure> {
    let mut stdin = 0;
    for input in &arguments.input {
        let (format, delimiter) = format_of(input, arguments)?;
        let options = ReadOptions { delimiter, ..ReadOptions::new(format) };
        let from = match &input.path {
            Some(path) => Input::Path(path.clone()),
            None => Input::Stdin,
        };
        stdin += u8::from(input.path.is_none());
        runner.read(&input.stream, from, options).map_err(|e| usage(&e.to_string()))?;
    }
    if stdin > 1 {
        return Err(usage("only one stream can be read from standard input"));
    }
    if stdin > 0 && text::is_stdin(&arguments.app) {
        return Err(usage("the application and a stream can't both be read from standard input"));
    }
    for time in &arguments.time {
        runner.set_time(&time.stream, &time.column).map_err(|e| usage(&e.to_string()))?;
    }
    if !runner.has_sources() {
        let defined: Vec<String> = app
            .streams()
            .into_iter()
            .filter(|s| s.defined && s.read && !s.name.starts_with('!'))
            .map(|s| format!("--input {}=FILE", s.name))
            .collect();
        let hint = match defined.is_empty() {
            true => String::new(),
            false => format!("; try {}", defined.join(" ")),
        };
        return Err(usage(&format!("the application has nothing to read{hint}")));
    }
    Ok(())
}

fn format_of(endpoint: &Endpoint, arguments: &Arguments) -> Result<(Format, u8), Failure> {
    match (&endpoint.path, arguments.format) {
        (Some(path), _) => {
            let format = Format::from_path(path).map_err(|e| usage(&e.to_string()))?;
            Ok((format, format::default_delimiter(path)))
        }
        (None, Some(format)) => Ok((format.into(), b',')),
        (None, None) => {
            let message = format!("{}=- needs --format csv or --format json", endpoint.stream);
            Err(usage(&message))
        }
    }
}

/// What keeps an output from being connected.
enum Fault {
    Usage(Failure),
    Other(Error),
}

impl From<Error> for Fault {
    fn from(e: Error) -> Self {
        Fault::Other(e)
    }
}

impl Fault {
    fn said(self, app: &AppText) -> Failure {
        match self {
            Fault::Usage(code) => code,
            Fault::Other(e) => refused(app, e),
        }
    }
}

/// Connects what the arguments name; without that and without sinks of its own, streams that nothing
/// reads are printed.
fn connect_outputs(app: &App, arguments: &Arguments, to: &Arc<Printer>) -> Result<(), Fault> {
    for output in &arguments.output {
        let schema = app.input(&output.stream)?.schema().clone();
        let (format, delimiter) = format_of(output, arguments).map_err(Fault::Usage)?;
        if let Some(path) = output.path.as_ref().filter(|p| is_read(p, arguments)) {
            let message = format!("`{}` can't be read and written at once", path.display());
            return Err(Fault::Usage(usage(&message)));
        }
        let (target, kind) = match &output.path {
            Some(path) => (Target::Path { path: path.clone(), append: false }, "file"),
            None => (Target::Stdout, "stdout"),
        };
        let options = WriteOptions { delimiter, ..WriteOptions::new(format) };
        let writer = format::create(target, schema, &options)?;
        app.attach(&output.stream, kind, Box::new(FileSink::new(writer)))?;
    }
    let declared = app.plan().streams.iter().any(|s| !s.sinks.is_empty());
    if arguments.output.is_empty() && !declared {
        let unread = app.streams().into_iter().filter(|s| s.written && !s.read);
        for stream in unread {
            let sink = PrintSink::new(&stream.name, Arc::clone(to));
            app.attach(&stream.name, "print", Box::new(sink))?;
        }
    }
    Ok(())
}

/// Whether an input of the arguments, or the application, is this file.
fn is_read(path: &Path, arguments: &Arguments) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let inputs = arguments.input.iter().filter_map(|i| i.path.as_ref());
    inputs.chain([&arguments.app]).any(|i| i.canonicalize().is_ok_and(|i| i == path))
}

/// The first Ctrl-C ends the run as if its inputs ended; the second ends the process.
fn stop_on_ctrl_c(runner: &Runner) -> Result<(), Failure> {
    let stopper = runner.stopper();
    let failed = |e: std::io::Error| text::complain(&format!("can't listen to Ctrl-C: {e}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed)?;
    let listen = move || {
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                stopper.stop();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
    };
    std::thread::Builder::new().name("ctrl-c".into()).spawn(listen).map_err(failed)?;
    Ok(())
}
