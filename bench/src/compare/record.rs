//! One line a run, kept: when, of what, on what kind of machine, and the ratios to the peers of that run.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use pincer_tests::workspace;
use serde_json::{Map, Value, json};

use super::Findings;
use super::measure::Metric;
use crate::peers::Peer;

/// Where a run happened.
pub(crate) struct Origin {
    /// UTC, to the second.
    pub(crate) date: String,
    /// What was checked out, with `+` when files differed from it.
    pub(crate) commit: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
}

impl Origin {
    /// Here and now.
    pub(crate) fn here() -> Origin {
        let now = jiff::Timestamp::now();
        let date = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
        let git = |args: &[&str]| {
            let output = Command::new("git").args(args).current_dir(workspace()).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
        let changed =
            git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = info.lines().find(|line| line.starts_with("model name"));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Origin {
            date,
            commit: if changed { format!("{commit}+") } else { commit },
            cpu: cpu.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name).to_owned(),
            // Of the machine: this thread is pinned to one.
            cores: info.lines().filter(|line| line.starts_with("processor")).count().max(1),
            kernel: kernel.trim().to_owned(),
        }
    }

    /// The kind of machine: runs of one kind can be compared more closely.
    pub(crate) fn machine(&self) -> Value {
        json!({"cpu": self.cpu, "cores": self.cores, "kernel": self.kernel})
    }
}

/// Appends this run to `path`.
pub(crate) fn append(findings: &Findings, path: &Path) -> Result<(), String> {
    let origin = Origin::here();
    let mut line = json!({
        "date": origin.date, "commit": origin.commit, "machine": origin.machine(), "quick": findings.quick,
        "build": findings.build,
        "ratios": ratios(findings, Findings::ratio), "least": ratios(findings, Findings::ratio_of_least),
    });
    let missing: Vec<&str> = findings.missing.iter().map(|(peer, _)| peer.name()).collect();
    if !missing.is_empty() {
        line["missing"] = json!(missing);
    }
    // What the micro benchmarks counted, as it stands in this checkout: instructions and allocations.
    if let Ok(counts) = fs::read(workspace().join("bench/records/counts.json"))
        && let Ok(counts) = serde_json::from_slice::<Value>(&counts)
        && let Some(counts) = counts["counts"].as_object()
    {
        let short = |(name, count): (&String, &Value)| {
            (name.clone(), json!([count["instructions"], count["allocations"]]))
        };
        line["counts"] = Value::Object(counts.iter().map(short).collect());
    }
    let file = OpenOptions::new().create(true).append(true).open(path);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.map_err(|e| format!("{}: {e}", path.display()))
}

/// `{ours: {other: {metric: ratio}}}`, to four digits.
fn ratios(findings: &Findings, of: impl Fn(&Findings, Peer, Peer, Metric) -> Option<f64>) -> Value {
    let mut all = Map::new();
    for ours in findings.peers.keys().filter(|peer| peer.backend().is_some()) {
        let mut to = Map::new();
        for other in findings.peers.keys().filter(|other| *other != ours) {
            let found = Metric::ALL.iter().filter_map(|metric| {
                let ratio = of(findings, *ours, *other, *metric)?;
                Some((metric.key().to_owned(), rounded(ratio).into()))
            });
            to.insert(other.name().to_owned(), Value::Object(found.collect()));
        }
        all.insert(ours.name().to_owned(), Value::Object(to));
    }
    Value::Object(all)
}

fn rounded(ratio: f64) -> f64 {
    format!("{ratio:.3e}").parse().unwrap_or(ratio)
}

/// The lines of a record, oldest first.
pub(crate) fn read(path: &Path) -> Result<Vec<Value>, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).map_err(|e| format!("{}: {e}", path.display()))).collect()
}

/// The build of the gateway that a line is about. Lines from before there was such a field are about releases.
pub(crate) fn build_of(line: &Value) -> &str {
    line["build"].as_str().unwrap_or("release")
}

/// Compares this run's steady ratios with the last run of the same build on this kind of machine, or else on any. Another
/// build is another program: link-time optimisation and the layout of the code halve the memory at rest.
///
/// # Errors
/// Says which ratios are worse by more than `tolerance`, and when there is nothing to compare with.
pub(crate) fn judge(findings: &Findings, path: &Path, tolerance: f64) -> Result<(), String> {
    let lines = read(path)?;
    let machine = Origin::here().machine();
    let same_build = || lines.iter().rev().filter(|line| build_of(line) == findings.build);
    let same = same_build().find(|line| line["machine"] == machine);
    let Some(last) = same.or_else(|| same_build().next()) else {
        return Err(format!(
            "{} has no run of a gateway of the build `{}`: nothing to compare with",
            path.display(),
            findings.build
        ));
    };
    let (mut compared, mut worse) = (0, Vec::new());
    for ours in findings.peers.keys().filter(|peer| peer.backend().is_some()) {
        // Not with each other: one becoming better does not make the other worse.
        for other in findings.peers.keys().filter(|other| other.backend().is_none()) {
            for metric in Metric::ALL.into_iter().filter(|metric| metric.is_steady()) {
                let then = last["least"][ours.name()][other.name()][metric.key()].as_f64();
                let now = findings.ratio_of_least(*ours, *other, metric);
                let Some((then, now)) = then.zip(now) else { continue };
                compared += 1;
                if now > then * (1.0 + tolerance) {
                    worse.push(format!(
                        "  {} / {}, {}: {now:.2}, was {then:.2}",
                        ours.name(),
                        other.name(),
                        metric.title()
                    ));
                }
            }
        }
    }
    let of = format!(
        "the run of {} ({})",
        last["date"].as_str().unwrap_or("?"),
        last["commit"].as_str().unwrap_or("?")
    );
    if compared == 0 {
        return Err(format!("{of} has none of these peers: nothing to compare"));
    }
    if worse.is_empty() {
        println!("{compared} ratios are no more than {:.0} % worse than in {of}", tolerance * 100.0);
        return Ok(());
    }
    Err(format!(
        "{} of {compared} ratios are more than {:.0} % worse than in {of}:\n{}",
        worse.len(),
        tolerance * 100.0,
        worse.join("\n")
    ))
}

/// Which peers a line has ratios to, for one of ours.
pub(crate) fn ratio_in(line: &Value, ours: Peer, other: Peer, metric: Metric) -> Option<f64> {
    line["ratios"][ours.name()][other.name()][metric.key()].as_f64()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Found;
    use super::super::measure::Round;
    use super::*;

    fn found(ours: f64, theirs: f64) -> Findings {
        let of = |closed: &[f64]| Found {
            rounds: closed
                .iter()
                .map(|value| Round { values: [(Metric::ClosedMicros, *value)].into(), ..Round::default() })
                .collect(),
        };
        let peers = [(Peer::PincerEpoll, of(&[ours * 3.0, ours, ours / 3.0])), (Peer::Bun, of(&[theirs]))];
        Findings {
            peers: BTreeMap::from(peers),
            missing: vec![(Peer::Tungstenite, "no compiler".to_owned())],
            remarks: Vec::new(),
            plans: Vec::new(),
            quick: true,
            build: "release".to_owned(),
        }
    }

    #[test]
    fn a_run_is_judged_by_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        assert!(judge(&found(6.0, 8.0), &path, 0.2).is_err(), "no file");
        append(&found(1.0, 8.0), &path).unwrap();
        append(&found(6.0, 8.0), &path).unwrap();
        let lines = read(&path).unwrap();
        assert_eq!(ratio_in(&lines[1], Peer::PincerEpoll, Peer::Bun, Metric::ClosedMicros), Some(0.75));
        assert_eq!(lines[1]["missing"], json!(["tungstenite"]));
        // By the rounds that were disturbed least; ours is a third of the median here.
        judge(&found(6.9, 8.0), &path, 0.2).unwrap();
        let why = judge(&found(7.5, 8.0), &path, 0.2).unwrap_err();
        assert!(why.contains("pincer-epoll / bun, closed loop") && why.contains("0.31, was 0.25"), "{why}");
        let other = Findings { peers: BTreeMap::new(), ..found(1.0, 1.0) };
        assert!(judge(&other, &path, 0.2).is_err(), "nothing in common");
    }

    #[test]
    fn a_run_is_judged_by_runs_of_its_build() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        let quick = |ours| Findings { build: "bench-tool".to_owned(), ..found(ours, 8.0) };
        append(&found(1.0, 8.0), &path).unwrap();
        let why = judge(&quick(6.0), &path, 0.2).unwrap_err();
        assert!(why.contains("no run of a gateway of the build `bench-tool`"), "{why}");
        append(&quick(6.0), &path).unwrap();
        append(&found(1.0, 8.0), &path).unwrap();
        judge(&quick(6.0), &path, 0.2).unwrap();
        assert!(judge(&quick(9.0), &path, 0.2).is_err());
    }

    #[test]
    fn medians_are_of_the_rounds_that_have_a_value() {
        let findings = found(6.0, 8.0);
        let ours = &findings.peers[&Peer::PincerEpoll];
        assert_eq!(ours.spread(Metric::ClosedMicros), Some((6.0, 2.0, 18.0)));
        assert_eq!(ours.median(Metric::OpenP99), None);
        assert_eq!(findings.ratio(Peer::PincerEpoll, Peer::Bun, Metric::ClosedMicros), Some(0.75));
        assert_eq!(findings.ratio(Peer::PincerEpoll, Peer::Fastwebsockets, Metric::ClosedMicros), None);
    }
}
