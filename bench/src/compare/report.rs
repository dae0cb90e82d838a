//! The report, as Markdown for people and as JSON with every round.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::goals::{Verdict, goals};
use super::measure::Metric;
use super::record::Origin;
use super::{Findings, Found};
use crate::peers::Peer;

/// For people.
pub(crate) fn markdown(findings: &Findings) -> String {
    let mut out = String::new();
    let origin = Origin::here();
    let command: Vec<String> = std::env::args().skip(1).collect();
    let _ = writeln!(out, "# Comparison of {}\n", origin.date);
    let _ = writeln!(
        out,
        "Commit {}; {}, {} cores, Linux {}.\n\n    pincer-bench {}\n",
        origin.commit,
        origin.cpu,
        origin.cores,
        origin.kernel,
        command.join(" ")
    );
    let _ = writeln!(
        out,
        "Server on one core, generator on another. Medians, with the least and the greatest round; ratios mean more than \
         absolute figures, CPU time and memory more than speed.\n"
    );
    for plan in &findings.plans {
        let _ = writeln!(out, "- {plan}");
    }
    let _ = writeln!(out, "\n## Figures\n");
    figures(&mut out, findings);
    for ours in ours(findings) {
        let _ = writeln!(out, "\n## {} against the others\n", ours.name());
        ratios(&mut out, findings, ours);
    }
    for ours in ours(findings) {
        let _ = writeln!(out, "\n## Goals, {}\n", ours.name());
        let _ = writeln!(out, "| goal | found | |\n|---|---|---|");
        for goal in goals(findings, ours) {
            let (found, verdict) = match goal.found {
                Verdict::Measured { value, bound: _, missed_by: None } => (value, "reached".to_owned()),
                Verdict::Measured { value, bound, missed_by: Some(part) } => {
                    (value, format!("**missed by {:.0} %** (bound: {bound})", part * 100.0))
                }
                Verdict::Unmeasured => ("-".to_owned(), "not measured in this run".to_owned()),
            };
            let _ = writeln!(out, "| {} | {found} | {verdict} |", goal.text);
        }
    }
    let _ = writeln!(out, "\n## Missing\n");
    if findings.missing.is_empty() {
        let _ = writeln!(out, "Nobody that was asked for.");
    }
    for (peer, why) in &findings.missing {
        let _ = writeln!(out, "- **{}** is missing: {}", peer.name(), why.replace('\n', " "));
    }
    if !findings.remarks.is_empty() {
        let _ = writeln!(out, "\n## Remarks\n");
        // The same trouble of the same server in the same load is told once, as it was first.
        let trouble = |remark: &str| remark.splitn(4, ": ").take(3).collect::<Vec<_>>().join(": ");
        let mut seen: Vec<(String, &String, usize)> = Vec::new();
        for remark in &findings.remarks {
            match seen.iter_mut().find(|(known, ..)| *known == trouble(remark)) {
                Some((.., times)) => *times += 1,
                None => seen.push((trouble(remark), remark, 1)),
            }
        }
        for (_, remark, times) in seen {
            let times = if times > 1 { format!(" ({times} times)") } else { String::new() };
            let _ = writeln!(out, "- {}{times}", remark.replace('\n', " "));
        }
    }
    out
}

/// Our backends that were measured.
fn ours(findings: &Findings) -> Vec<Peer> {
    findings.peers.keys().copied().filter(|peer| peer.backend().is_some()).collect()
}

fn figures(out: &mut String, findings: &Findings) {
    let names: Vec<&str> = findings.peers.keys().map(|peer| peer.name()).collect();
    let _ = writeln!(out, "| | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for metric in Metric::ALL {
        let cell = |found: &Found| match found.spread(metric) {
            Some((median, least, greatest)) if least < greatest => {
                format!("{} ({}–{})", metric.shown(median), metric.shown(least), metric.shown(greatest))
            }
            Some((median, ..)) => metric.shown(median),
            None => "-".to_owned(),
        };
        let cells: Vec<String> = findings.peers.values().map(cell).collect();
        let _ = writeln!(out, "| {} | {} |", metric.title(), cells.join(" | "));
    }
}

fn ratios(out: &mut String, findings: &Findings, ours: Peer) {
    let others: Vec<Peer> = findings.peers.keys().copied().filter(|peer| *peer != ours).collect();
    let names: Vec<&str> = others.iter().map(|peer| peer.name()).collect();
    let _ = writeln!(
        out,
        "Ours divided by theirs: below 1 we need less. Rates the other way round.\n\n| | {} |\n|---|{}",
        names.join(" | "),
        "---|".repeat(names.len())
    );
    for metric in Metric::ALL {
        let cell = |other: &Peer| {
            let ratio = findings.ratio(ours, *other, metric);
            let ratio = ratio.map(|ratio| if metric.is_rate() { 1.0 / ratio } else { ratio });
            match ratio {
                Some(ratio) if ratio > 1.005 => format!("**{ratio:.2}**"),
                Some(ratio) if ratio < 0.1 => format!("{ratio:.4}"),
                Some(ratio) => format!("{ratio:.2}"),
                None => "-".to_owned(),
            }
        };
        let cells: Vec<String> = others.iter().map(cell).collect();
        let _ = writeln!(out, "| {} | {} |", metric.title(), cells.join(" | "));
    }
}

/// Everything, round by round.
pub(crate) fn json(findings: &Findings) -> Value {
    let origin = Origin::here();
    let mut peers = Map::new();
    for (peer, found) in &findings.peers {
        let of = |metric: &Metric| {
            let all: Vec<f64> =
                found.rounds.iter().filter_map(|round| round.values.get(metric).copied()).collect();
            let value = json!({"median": found.median(*metric), "rounds": all});
            (metric.key().to_owned(), value)
        };
        let metrics: Map<String, Value> = Metric::ALL.iter().map(of).collect();
        peers.insert(peer.name().to_owned(), Value::Object(metrics));
    }
    let missing: Map<String, Value> =
        findings.missing.iter().map(|(peer, why)| (peer.name().to_owned(), why.as_str().into())).collect();
    json!({
        "date": origin.date, "commit": origin.commit, "machine": origin.machine(), "plans": findings.plans,
        "peers": peers, "missing": missing, "remarks": findings.remarks,
    })
}
