//! `foreshock explain`: what an application compiles to.

use std::path::PathBuf;

use super::{text, timeline};

/// Shows what an application compiles to: operators, modes, indexes, windows, order.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The application; `-` is standard input.
    app: PathBuf,
    /// As text, as a graph for Graphviz (`| dot -Tsvg`), or as JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
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
    let app = match text::read(&arguments.app) {
        Ok(app) => app,
        Err(code) => return code,
    };
    let plan = match foreshock::compile_with(&app.text, &arguments.variables.set) {
        Ok((plan, warnings)) => {
            text::show(&app, &warnings);
            plan
        }
        Err(found) => {
            text::show(&app, &found);
            return super::WRONG_QUERY;
        }
    };
    if arguments.timeline {
        return match timeline::draw(&plan) {
            Ok(picture) => text::print(&picture).err().unwrap_or(0),
            Err(e) => text::complain(&e.to_string()),
        };
    }
    let explanation = match arguments.format {
        Format::Text => plan.explain_text(),
        Format::Dot => plan.explain_dot(),
        Format::Json => format!("{:#}\n", plan.explain_json()),
    };
    text::print(&explanation).err().unwrap_or(0)
}
