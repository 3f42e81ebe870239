//! `foreshock explain --timeline`: how rows wait for the watermark, as a picture (SVG).
//!
//! A handful of arrivals, spread by the delays of the application's own watermarks, is sent through
//! the engine, and what it does with each is drawn: event time upwards, arrival to the right. Nothing
//! in the picture is computed here but places on paper.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use foreshock::plan::Plan;
use foreshock::{App, Error, Result, Value};

/// When rows happened, in delays of their stream (the first at least behind one that is later).
const HAPPENED: [f64; 13] = [0.0, 0.5, 1.1, 0.3, 1.6, 1.3, 2.5, 2.0, 1.1, 3.2, 2.7, 3.6, 3.9];
/// Streams that are drawn; more are a tangle.
const STREAMS: usize = 3;
const COLOURS: [&str; STREAMS] = ["#1f6fb2", "#b2621f", "#4a8c3a"];

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 430.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 70.0;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Waits,
    /// It was let through when this arrival came.
    Through(usize),
    Late,
}

/// A row.
struct Row {
    stream: usize,
    ts: i64,
    fate: Fate,
    /// The watermark after it arrived.
    watermark: Option<i64>,
}

/// The picture.
///
/// # Errors
/// [`Error::Name`] if no stream has a watermark; what the engine fails with.
pub fn draw(plan: &Plan) -> Result<String> {
    let streams: Vec<(String, i64)> = plan
        .streams
        .iter()
        .filter_map(|s| Some((s.name.clone(), s.watermark.as_ref()?.delay)))
        .take(STREAMS)
        .collect();
    if streams.is_empty() {
        return Err(Error::Name("no stream has `@watermark`: there is nothing to draw".into()));
    }
    let rows = observe(&streams)?;
    Ok(picture(&streams, &rows))
}

/// Sends the arrivals through the engine.
fn observe(streams: &[(String, i64)]) -> Result<Vec<Row>> {
    let define = |(i, (_, delay)): (usize, &(String, i64))| {
        format!("@watermark(delay='{delay} millisec', late='stream') define stream S{i} (n int); ")
    };
    let text: String = streams.iter().enumerate().map(define).collect();
    let app = App::from_text(&text)?;
    let unit = streams.iter().map(|s| s.1).max().filter(|d| *d > 0).unwrap_or(1000);
    let rows = HAPPENED.iter().enumerate().map(|(n, at)| {
        let ts = (at * unit as f64) as i64;
        Row { stream: n % streams.len(), ts, fate: Fate::Waits, watermark: None }
    });
    // What callbacks see, and how many rows have been sent.
    let seen = Arc::new(Mutex::new((rows.collect::<Vec<Row>>(), 0)));
    let lock = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    for i in 0..streams.len() {
        for late in [false, true] {
            let to = Arc::clone(&seen);
            let name = format!("{}S{i}", if late { "!!" } else { "" });
            app.subscribe(&name, move |events| {
                let (rows, sent) = &mut *to.lock().unwrap_or_else(PoisonError::into_inner);
                for row in 0..events.rows() {
                    if let Value::Int(n) = events.value(row, "n")
                        && let Some(row) = rows.get_mut(n as usize)
                    {
                        row.fate = if late { Fate::Late } else { Fate::Through(*sent) };
                    }
                }
            })?;
        }
    }
    for n in 0..HAPPENED.len() {
        let (stream, ts) = {
            let (rows, sent) = &mut *lock();
            *sent = n;
            (rows[n].stream, rows[n].ts)
        };
        app.input(&format!("S{stream}"))?.send_at(ts, [Value::Int(n as i32)])?;
        let watermark = app.stats().event_time.and_then(|t| t.watermark);
        lock().0[n].watermark = watermark;
    }
    lock().1 = HAPPENED.len();
    app.shutdown()?;
    drop(app);
    let rows = std::mem::take(&mut lock().0);
    Ok(rows)
}

/// Places on paper.
struct Paper {
    step: f64,
    least: f64,
    most: f64,
}

impl Paper {
    fn x(&self, arrival: usize) -> f64 {
        LEFT + self.step * (arrival as f64 + 0.5)
    }

    fn y(&self, ts: i64) -> f64 {
        let share = (ts as f64 - self.least) / (self.most - self.least);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }
}

/// Drawn.
fn picture(streams: &[(String, i64)], rows: &[Row]) -> String {
    let times = || rows.iter().flat_map(|r| [Some(r.ts), r.watermark]).flatten();
    let (least, most) = (times().min().unwrap_or(0) as f64, times().max().unwrap_or(1) as f64);
    let step = (WIDTH - LEFT - RIGHT) / (rows.len() as f64 + 1.0);
    let paper = Paper { step, least, most: most.max(least + 1.0) };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n"
    );
    axes(&mut out, &paper, rows);
    legend(&mut out, streams);
    watermark(&mut out, &paper, rows);
    for (n, row) in rows.iter().enumerate() {
        mark(&mut out, &paper, n, row);
    }
    out.push_str("</svg>\n");
    out
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, what: &str) {
    let escaped = what.replace('&', "&amp;").replace('<', "&lt;");
    // Writing to a string can't fail, here and below.
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#333333\">{escaped}</text>"
    );
}

fn line(out: &mut String, from: (f64, f64), to: (f64, f64), style: &str) {
    let _ = writeln!(
        out,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" {style}/>",
        from.0, from.1, to.0, to.1
    );
}

fn axes(out: &mut String, paper: &Paper, rows: &[Row]) {
    let floor = HEIGHT - BOTTOM + 12.0;
    let style = "stroke=\"#999999\"";
    line(out, (LEFT, TOP - 10.0), (LEFT, floor), style);
    line(out, (LEFT, floor), (WIDTH - RIGHT, floor), style);
    text(out, WIDTH - RIGHT, floor + 34.0, "end", "order of arrival");
    text(out, 12.0, TOP - 18.0, "start", "event time");
    for n in 0..rows.len() {
        text(out, paper.x(n), floor + 16.0, "middle", &(n + 1).to_string());
    }
    text(out, paper.x(rows.len()), floor + 16.0, "middle", "end");
    let span = paper.most - paper.least;
    let tick = [1.0, 2.0, 5.0]
        .iter()
        .flat_map(|m| (0..15).map(move |e| m * 10f64.powi(e)))
        .filter(|t| span / t <= 8.0)
        .fold(f64::INFINITY, f64::min);
    let mut at = (paper.least / tick).ceil() * tick;
    while at <= paper.most {
        let y = paper.y(at as i64);
        line(out, (LEFT, y), (WIDTH - RIGHT, y), "stroke=\"#eeeeee\"");
        text(out, LEFT - 8.0, y + 4.0, "end", &format!("{} s", at / 1000.0));
        at += tick;
    }
}

fn legend(out: &mut String, streams: &[(String, i64)]) {
    let mut x = LEFT + 20.0;
    for ((name, delay), colour) in streams.iter().zip(COLOURS) {
        let _ = writeln!(out, "<circle cx=\"{x}\" cy=\"22\" r=\"5\" fill=\"{colour}\"/>");
        let label = format!("{name} (delay {} s)", *delay as f64 / 1000.0);
        text(out, x + 12.0, 26.0, "start", &label);
        x += 40.0 + 7.0 * label.len() as f64;
    }
    let _ = writeln!(
        out,
        "<path d=\"M{x} 22 h24\" stroke=\"#c03030\" stroke-width=\"2\" fill=\"none\"/>"
    );
    text(out, x + 30.0, 26.0, "start", "watermark");
    text(out, x + 110.0, 26.0, "start", "\u{25cb} let through");
    text(out, x + 210.0, 26.0, "start", "\u{2715} late");
}

/// The watermark rises with arrivals.
fn watermark(out: &mut String, paper: &Paper, rows: &[Row]) {
    let mut path = String::new();
    let known = rows.iter().enumerate().filter_map(|(n, r)| Some((n, r.watermark?)));
    for (n, ts) in known {
        let (x, y) = (paper.x(n), paper.y(ts));
        let _ = match path.is_empty() {
            true => write!(path, "M{x:.1} {y:.1}"),
            false => write!(path, " H{x:.1} V{y:.1}"),
        };
    }
    let _ = write!(path, " H{:.1}", paper.x(rows.len()));
    let _ =
        writeln!(out, "<path d=\"{path}\" stroke=\"#c03030\" stroke-width=\"2\" fill=\"none\"/>");
}

/// A row: where it arrived, and how long it waited.
fn mark(out: &mut String, paper: &Paper, n: usize, row: &Row) {
    let (x, y) = (paper.x(n), paper.y(row.ts));
    let colour = COLOURS[row.stream];
    match row.fate {
        Fate::Late => {
            let _ = writeln!(
                out,
                "<path d=\"M{:.1} {:.1} l10 10 m0 -10 l-10 10\" stroke=\"#c03030\" \
                 stroke-width=\"2.5\"/>",
                x - 5.0,
                y - 5.0
            );
            return;
        }
        Fate::Through(at) => {
            let end = paper.x(at);
            line(out, (x, y), (end, y), &format!("stroke=\"{colour}\" stroke-dasharray=\"3 3\""));
            let _ = writeln!(
                out,
                "<circle cx=\"{end:.1}\" cy=\"{y:.1}\" r=\"6\" fill=\"none\" stroke=\"{colour}\"/>"
            );
        }
        Fate::Waits => {}
    }
    let _ = writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"/>");
}
