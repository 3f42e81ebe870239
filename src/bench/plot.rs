//! Results as a picture: throughput against batch size, and latencies by quantile. Plain SVG, both
//! axes logarithmic.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::report::{Measured, Report};

/// Sizes in pixels: a chart, its margins, and the distance of lines of text.
const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 210.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 60.0;
const LINE: f64 = 18.0;

/// Colours that most people can tell apart (Okabe and Ito).
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#b2a400"];

/// The picture of a report: a chart of what was measured in closed loops and one of open loops, as
/// far as there were any.
pub fn svg(report: &Report) -> String {
    let charts: Vec<Chart> = [throughput(report), latency(report)]
        .into_iter()
        .filter(|c| !c.series.is_empty())
        .collect();
    let height = HEIGHT * charts.len().max(1) as f64 + LINE * 2.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (i, chart) in charts.iter().enumerate() {
        chart.draw(HEIGHT * i as f64, &mut out);
    }
    let m = &report.machine;
    let unoptimised = if m.optimised { "" } else { ", NOT OPTIMISED" };
    let cpu = m.cpu.as_deref().unwrap_or("unknown processor");
    let foot = format!("foreshock {}{unoptimised}, {} x {cpu}, {}", m.version, m.cores, m.system);
    text(&mut out, LEFT, height - LINE, "start", "#555", &foot);
    out.push_str("</svg>\n");
    out
}

/// A line.
struct Series {
    name: String,
    colour: usize,
    dashed: bool,
    points: Vec<(f64, f64)>,
}

/// A chart with logarithmic axes.
struct Chart {
    title: &'static str,
    x_label: &'static str,
    y_label: &'static str,
    series: Vec<Series>,
    /// Where on the x axis to write what.
    x_ticks: Vec<(f64, String)>,
}

fn throughput(report: &Report) -> Chart {
    let mut series: Vec<Series> = vec![];
    let mut sizes = BTreeSet::new();
    let mut names: Vec<String> = vec![];
    for result in &report.results {
        let Measured::Closed(o) = result else { continue };
        let colour = place(&mut names, &o.query);
        let x = o.batch_rows as f64;
        sizes.insert(o.batch_rows);
        add(&mut series, &o.query, colour, false, (x, o.events_per_s_cpu()));
        if let Some(limit) = &o.limit_ns_per_event {
            let name = format!("{} by hand", o.query);
            add(&mut series, &name, colour, true, (x, 1e9 / limit.median));
        }
    }
    Chart {
        title: "Throughput of one thread",
        x_label: "rows per send",
        y_label: "events per second of CPU time",
        series,
        x_ticks: sizes.into_iter().map(|n| (n as f64, n.to_string())).collect(),
    }
}

fn latency(report: &Report) -> Chart {
    let mut series: Vec<Series> = vec![];
    for result in &report.results {
        let Measured::Open(o) = result else { continue };
        let name = format!("{}, {} a send, {}/s", o.query, o.batch_rows, short(o.rate));
        // 1 / (1 - quantile): each further nine is as wide as the one before.
        let points = o.curve.iter().map(|(q, us)| (1.0 / (1.0 - q), us.max(1e-3))).collect();
        let colour = series.len();
        series.push(Series { name, colour, dashed: false, points });
    }
    let last = series.iter().flat_map(|s| &s.points).map(|p| p.0).fold(1.0, f64::max);
    let nines = [(1.0, "0"), (10.0, "90 %"), (100.0, "99 %"), (1e3, "99.9 %"), (1e4, "99.99 %")];
    let more = [(1e5, "99.999 %"), (1e6, "99.9999 %")];
    let ticks = nines.into_iter().chain(more).filter(|(x, _)| *x <= last);
    Chart {
        title: "Latency, from when an event was due to when its results were delivered",
        x_label: "share of events that were as fast",
        y_label: "microseconds",
        series,
        x_ticks: ticks.map(|(x, t)| (x, t.to_string())).collect(),
    }
}

/// The position of a name in the list, which it is added to if need be.
fn place(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|n| n == name).unwrap_or_else(|| {
        names.push(name.into());
        names.len() - 1
    })
}

fn add(all: &mut Vec<Series>, name: &str, colour: usize, dashed: bool, point: (f64, f64)) {
    match all.iter_mut().find(|s| s.name == name) {
        Some(series) => series.points.push(point),
        None => all.push(Series { name: name.into(), colour, dashed, points: vec![point] }),
    }
}

/// A number with few digits: `10k`, `2.5M`, `0.1`.
fn short(n: f64) -> String {
    match n {
        n if n >= 1e9 => format!("{}G", n / 1e9),
        n if n >= 1e6 => format!("{}M", n / 1e6),
        n if n >= 1e3 => format!("{}k", n / 1e3),
        n => n.to_string(),
    }
}

/// A logarithmic axis from a value to a value, and where on the paper they are.
struct Axis {
    values: (f64, f64),
    pixels: (f64, f64),
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        let (low, high) = (self.values.0.ln(), self.values.1.ln());
        let share = if high > low { (value.ln() - low) / (high - low) } else { 0.5 };
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }
}

/// The smallest and the largest of some positive numbers.
fn range(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    (values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max))
}

impl Chart {
    fn draw(&self, top: f64, out: &mut String) {
        let points = self.series.iter().flat_map(|s| &s.points);
        let (low, high) = range(points.clone().map(|p| p.1).filter(|y| *y > 0.0));
        // Whole decades, at least one.
        let low = 10f64.powf(low.log10().floor());
        let high = 10f64.powf(high.log10().ceil()).max(low * 10.0);
        let x_values = range(points.map(|p| p.0).chain(self.x_ticks.iter().map(|t| t.0)));
        let x = Axis { values: x_values, pixels: (LEFT, WIDTH - RIGHT) };
        let y = Axis { values: (low, high), pixels: (top + HEIGHT - BOTTOM, top + TOP) };
        self.draw_frame(&x, &y, out);
        for (i, series) in self.series.iter().enumerate() {
            series.draw(&x, &y, out);
            series.draw_key(WIDTH - RIGHT + 20.0, y.pixels.1 + LINE * (i as f64 + 0.5), out);
        }
    }

    fn draw_frame(&self, x: &Axis, y: &Axis, out: &mut String) {
        let (left, right) = x.pixels;
        let (bottom, top) = y.pixels;
        let _ = writeln!(
            out,
            "<text x=\"{left}\" y=\"{}\" font-size=\"16\" font-weight=\"bold\">{}</text>",
            top - 24.0,
            escaped(self.title)
        );
        let mut decade = y.values.0;
        while decade <= y.values.1 * 1.001 {
            let at = y.at(decade);
            rule(out, (left, at), (right, at));
            text(out, left - 8.0, at + 4.0, "end", "#333", &short(rounded(decade)));
            decade *= 10.0;
        }
        for (value, label) in &self.x_ticks {
            let at = x.at(*value);
            rule(out, (at, bottom), (at, top));
            text(out, at, bottom + LINE, "middle", "#333", label);
        }
        text(out, (left + right) / 2.0, bottom + LINE * 2.2, "middle", "#333", self.x_label);
        let (at, middle) = (left - 60.0, (top + bottom) / 2.0);
        let _ = writeln!(
            out,
            "<text transform=\"translate({at:.1} {middle:.1}) rotate(-90)\" \
             text-anchor=\"middle\" fill=\"#333\">{}</text>",
            escaped(self.y_label)
        );
    }
}

/// Without the noise that repeated multiplication brings.
fn rounded(n: f64) -> f64 {
    format!("{n:.3e}").parse().unwrap_or(n)
}

impl Series {
    fn style(&self) -> String {
        let dashes = if self.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let colour = COLOURS[self.colour % COLOURS.len()];
        format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}")
    }

    fn draw(&self, x: &Axis, y: &Axis, out: &mut String) {
        let mut path = String::new();
        let points = self.points.iter().filter(|p| p.1 > 0.0);
        for (i, (a, b)) in points.enumerate() {
            let (a, b) = (x.at(*a), y.at(*b));
            // Writing to a string can't fail, here and below.
            let _ = write!(path, "{}{a:.1} {b:.1}", if i == 0 { "M" } else { " L" });
            let colour = COLOURS[self.colour % COLOURS.len()];
            let _ =
                writeln!(out, "<circle cx=\"{a:.1}\" cy=\"{b:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let _ = writeln!(out, "<path d=\"{path}\" {}/>", self.style());
    }

    fn draw_key(&self, left: f64, at: f64, out: &mut String) {
        let end = left + 24.0;
        let _ = writeln!(out, "<path d=\"M{left} {at} L{end} {at}\" {}/>", self.style());
        text(out, left + 30.0, at + 4.0, "start", "#333", &self.name);
    }
}

fn rule(out: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        out,
        "<path d=\"M{:.1} {:.1} L{:.1} {:.1}\" stroke=\"#ddd\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, colour: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>"
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_logarithmic() {
        let axis = Axis { values: (1.0, 100.0), pixels: (0.0, 50.0) };
        let near = |value: f64, pixel: f64| (axis.at(value) - pixel).abs() < 1e-9;
        assert!(near(1.0, 0.0) && near(10.0, 25.0) && near(100.0, 50.0));
        // One batch size alone stands in the middle.
        assert_eq!(Axis { values: (8.0, 8.0), pixels: (0.0, 50.0) }.at(8.0), 25.0);
    }

    #[test]
    fn numbers_are_short_and_names_escaped() {
        let shown = [0.1, 10.0, 1e4, 2.5e6, 1e9].map(short);
        assert_eq!(shown, ["0.1", "10", "10k", "2.5M", "1G"]);
        assert_eq!(escaped("a<b & c>d"), "a&lt;b &amp; c&gt;d");
        assert_eq!(short(rounded(0.1 * 10.0 * 10.0 * 10.0 * 1000.0)), "100k");
    }
}
