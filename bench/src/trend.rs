//! How the ratios went over the runs, drawn: one panel a load, one line a peer, the goal where there is one.

use std::fmt::Write as _;
use std::path::PathBuf;

use pincer_tests::workspace;
use serde_json::Value;

use crate::compare::Metric;
use crate::compare::record::{build_of, ratio_in, read};
use crate::peers::Peer;

/// Draws the records.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The records; `bench/records/runs.jsonl` when not given.
    #[arg(long)]
    records: Option<PathBuf>,
    /// The drawing.
    #[arg(long)]
    out: PathBuf,
    /// Which of our backends.
    #[arg(long, default_value = "pincer-epoll")]
    ours: String,
}

/// What is drawn: how many times less than each peer we need would hide the close races, so these are on a logarithmic scale.
const PANELS: [(Metric, &str); 6] = [
    (Metric::ClosedMicros, "CPU per request, closed loop"),
    (Metric::PipelinedMicros, "CPU per request, pipelined"),
    (Metric::FanoutMicros, "CPU per delivery, fan-out"),
    (Metric::HandshakeMicros, "CPU per handshake"),
    (Metric::IdleRss, "RSS without clients"),
    (Metric::IdleBytes, "bytes per idle connection"),
];

const COLOURS: [(Peer, &str); 6] = [
    (Peer::PincerUring, "#7a7a7a"),
    (Peer::Fastwebsockets, "#1f77b4"),
    (Peer::Tungstenite, "#17a2a2"),
    (Peer::Bun, "#d95f02"),
    (Peer::OpenclawV3, "#9467bd"),
    (Peer::OpenclawV4, "#c2185b"),
];

const PANEL: (f64, f64) = (400.0, 210.0);
const COLUMNS: usize = 2;
const MARGIN: (f64, f64, f64, f64) = (44.0, 34.0, 16.0, 26.0); // left, top, right, bottom
const HEAD: f64 = 64.0;

/// Reads, draws, writes.
pub(crate) fn run(options: &Options) {
    let records = options.records.clone().unwrap_or_else(|| workspace().join("bench/records/runs.jsonl"));
    let drawn = read(&records).and_then(|mut lines| {
        // Other builds are other programs.
        lines.retain(|line| build_of(line) == "release");
        let ours = Peer::named(&options.ours)?;
        let svg = draw(&lines, ours);
        std::fs::write(&options.out, svg).map_err(|e| format!("{}: {e}", options.out.display()))
    });
    if let Err(why) = drawn {
        eprintln!("{why}");
        std::process::exit(1);
    }
}

fn draw(lines: &[Value], ours: Peer) -> String {
    let rows = PANELS.len().div_ceil(COLUMNS);
    let (width, height) = (PANEL.0 * COLUMNS as f64, HEAD + PANEL.1 * rows as f64);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n<text x=\"16\" y=\"22\" \
         font-size=\"15\">{} compared, run by run: ours divided by theirs, below 1 we need less</text>",
        ours.name()
    );
    let mut x = 16.0;
    for (peer, colour) in COLOURS.iter().filter(|(peer, _)| *peer != ours) {
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"36\" width=\"12\" height=\"4\" fill=\"{colour}\"/><text x=\"{}\" y=\"42\">{}</text>",
            x + 16.0,
            peer.name()
        );
        x += 122.0;
    }
    for (index, (metric, title)) in PANELS.iter().enumerate() {
        let at = ((index % COLUMNS) as f64 * PANEL.0, HEAD + (index / COLUMNS) as f64 * PANEL.1);
        panel(&mut out, lines, ours, *metric, title, at);
    }
    out.push_str("</svg>\n");
    out
}

fn panel(out: &mut String, lines: &[Value], ours: Peer, metric: Metric, title: &str, (x0, y0): (f64, f64)) {
    let (left, top, right, bottom) = MARGIN;
    let (wide, high) = (PANEL.0 - left - right, PANEL.1 - top - bottom);
    let all: Vec<f64> = lines
        .iter()
        .flat_map(|line| COLOURS.iter().filter_map(|(peer, _)| ratio_in(line, ours, *peer, metric)))
        .filter(|ratio| *ratio > 0.0)
        .collect();
    let _ =
        writeln!(out, "<text x=\"{}\" y=\"{}\" font-size=\"12\">{title}</text>", x0 + left, y0 + top - 10.0);
    if all.is_empty() {
        let _ = writeln!(out, "<text x=\"{}\" y=\"{}\">not measured</text>", x0 + left, y0 + top + 20.0);
        return;
    }
    // From a power of ten to a power of ten, with 1 inside.
    let low = all.iter().copied().fold(1.0, f64::min).log10().floor();
    let high_end = all.iter().copied().fold(1.0, f64::max).log10().ceil().max(low + 1.0);
    let y = |ratio: f64| y0 + top + high * (1.0 - (ratio.log10() - low) / (high_end - low));
    let step = wide / (lines.len().max(2) - 1) as f64;
    let x = |number: usize| x0 + left + if lines.len() == 1 { wide / 2.0 } else { step * number as f64 };
    for power in low as i32..=high_end as i32 {
        let ratio = 10f64.powi(power);
        let line = if power == 0 { "#333333" } else { "#dddddd" };
        let _ = writeln!(
            out,
            "<line x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{line}\"/><text x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\" fill=\"#555555\">{ratio}</text>",
            x0 + left,
            x0 + left + wide,
            x0 + left - 4.0,
            y(ratio) + 4.0,
            y = y(ratio)
        );
    }
    for (peer, colour) in COLOURS.iter().filter(|(peer, _)| *peer != ours) {
        let of = |(number, line)| Some((x(number), y(ratio_in(line, ours, *peer, metric)?)));
        let points: Vec<(f64, f64)> = lines.iter().enumerate().filter_map(of).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
            path.join(" ")
        );
        for (x, y) in points {
            let _ = writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>");
        }
    }
    let ends = [(lines.first(), x(0), "start"), (lines.last(), x(lines.len() - 1), "end")];
    for (line, x, anchor) in ends.into_iter().take(if lines.len() == 1 { 1 } else { 2 }) {
        let label = line.map(|line| (line["date"].as_str(), line["commit"].as_str()));
        let Some((Some(date), Some(commit))) = label else { continue };
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"{}\" fill=\"#555555\">{} {}</text>",
            y0 + top + high + 16.0,
            if lines.len() == 1 { "middle" } else { anchor },
            date.get(..10).unwrap_or(date),
            commit.get(..7).unwrap_or(commit)
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_number_of_runs_is_drawn() {
        let run = |ratio: f64| {
            json!({"date": "2026-11-28T00:00:00Z", "commit": "abcdef012345",
                "ratios": {"pincer-epoll": {"bun": {"closedMicros": ratio}}}})
        };
        for runs in [vec![], vec![run(0.7)], vec![run(0.7), run(1.4), run(0.002)]] {
            let svg = draw(&runs, Peer::PincerEpoll);
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
            assert_eq!(svg.matches("<circle").count(), runs.len(), "{svg}");
        }
    }
}
