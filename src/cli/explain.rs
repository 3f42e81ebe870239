//! `foreshock explain`: what an application compiles to, and with `--analyze` what it takes.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::run::{self, Endpoint, TimeColumn};
use super::{text, timeline};

/// Shows what an application compiles to: operators, modes, indexes, windows, shards, order.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The application; `-` is standard input.
    app: PathBuf,
    /// As text, as a graph for Graphviz (`| dot -Tsvg`), or as JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Runs the application over its inputs, as `foreshock run` does, and shows what each operator
    /// took: time, rows, batches, bytes of state. Events go to the application's own sinks only.
    #[arg(long, conflicts_with = "timeline")]
    analyze: bool,
    /// With --analyze: reads a stream from a file, as in `foreshock run`.
    #[arg(long, value_name = "STREAM=PATH", requires = "analyze")]
    input: Vec<Endpoint>,
    /// With --analyze: the column that holds the event time of a stream's input.
    #[arg(long, value_name = "STREAM=COLUMN", requires = "analyze")]
    time: Vec<TimeColumn>,
    /// With --analyze: rows that are run at once.
    #[arg(long, value_name = "N", default_value = "8192", requires = "analyze")]
    batch_rows: NonZeroUsize,
    /// With --analyze: threads for queries whose state is apart by key.
    #[arg(long, value_name = "N", default_value = "1", requires = "analyze")]
    shards: NonZeroUsize,
    #[command(flatten)]
    variables: text::Variables,
    /// A picture (SVG) of how rows wait for the watermark, by a few arrivals sent through the engine.
    #[arg(long, conflicts_with = "format")]
    timeline: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Dot,
    Json,
}

/// Runs the command; the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    let explanation = match arguments.analyze {
        true => analyzed(arguments),
        false => plain(arguments),
    };
    explanation.and_then(|e| text::print(&e)).err().unwrap_or(0)
}

fn plain(arguments: &Arguments) -> Result<String, u8> {
    let app = text::read(&arguments.app)?;
    let plan = match foreshock::compile_with(&app.text, &arguments.variables.set) {
        Ok((plan, warnings)) => {
            text::show(&app, &warnings);
            plan
        }
        Err(found) => {
            text::show(&app, &found);
            return Err(super::WRONG_QUERY);
        }
    };
    if arguments.timeline {
        return timeline::draw(&plan).map_err(|e| text::complain(&e.to_string()));
    }
    Ok(match arguments.format {
        Format::Text => plan.explain_text(),
        Format::Dot => plan.explain_dot(),
        Format::Json => format!("{:#}\n", plan.explain_json()),
    })
}

fn analyzed(arguments: &Arguments) -> Result<String, u8> {
    if arguments.format == Format::Dot {
        eprintln!("foreshock: --analyze shows text or json");
        return Err(super::USAGE);
    }
    let (app, analysis) = run::analyze(&run::Arguments {
        app: arguments.app.clone(),
        input: arguments.input.clone(),
        output: vec![],
        time: arguments.time.clone(),
        format: None,
        batch_rows: arguments.batch_rows,
        variables: arguments.variables.clone(),
        shards: arguments.shards,
        stats: false,
        quiet: true,
    })?;
    if arguments.format == Format::Text {
        return Ok(format!("{}\n{analysis}", app.plan().explain_text()));
    }
    let mut plan = app.plan().explain_json();
    let analysis = serde_json::to_value(&analysis);
    plan["analysis"] = analysis.map_err(|e| text::complain(&e.to_string()))?;
    Ok(format!("{plan:#}\n"))
}
