//! The record: what everything cost when somebody last said why.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::built::Built;
use super::case::Case;
use super::measure::Counts;

/// `bench/records/counts.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What the counts hold for.
    pub(super) built: Built,
    /// By case.
    pub(super) counts: BTreeMap<String, Recorded>,
    /// Why they are as they are, oldest first.
    pub(super) reasons: Vec<Reason>,
}

/// What one unit of a case cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Recorded {
    /// Instructions.
    pub(super) instructions: u64,
    /// Allocations, to a thousandth.
    pub(super) allocations: f64,
    /// Bytes taken.
    pub(super) bytes: u64,
    /// Bytes kept.
    pub(super) kept: i64,
}

/// Why the record was rewritten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Reason {
    /// Day, UTC.
    pub(super) date: String,
    /// What it was counted on top of.
    pub(super) commit: String,
    /// In somebody's words.
    pub(super) reason: String,
    /// What became of each count that changed.
    pub(super) changes: Vec<String>,
}

/// Where the record lies in this workspace.
pub(super) fn path() -> PathBuf {
    pincer_tests::workspace().join("bench/records/counts.json")
}

impl Recorded {
    pub(super) fn of(counts: &Counts) -> Recorded {
        Recorded {
            instructions: counts.instructions.unwrap_or_default().round() as u64,
            allocations: (counts.allocations * 1_000.0).round() / 1_000.0,
            bytes: counts.bytes.round() as u64,
            kept: counts.kept.round() as i64,
        }
    }
}

impl Record {
    /// Reads it.
    pub(super) fn read(path: &Path) -> Result<Record, String> {
        let text = fs::read_to_string(path)
            .map_err(|error| format!("there is no record at {}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{} is no record: {error}", path.display()))
    }

    /// What follows `before`.
    pub(super) fn next(
        before: Option<Record>,
        built: Built,
        cases: &[Case],
        counts: &[Counts],
        reason: &str,
    ) -> Record {
        let counts: BTreeMap<String, Recorded> = cases
            .iter()
            .zip(counts)
            .map(|(case, counts)| (case.name.to_owned(), Recorded::of(counts)))
            .collect();
        let (old, mut reasons) = before.map(|record| (record.counts, record.reasons)).unwrap_or_default();
        let changes = counts.iter().filter_map(|(name, now)| change(name, old.get(name)?, now)).collect();
        reasons.push(Reason { date: today(), commit: commit(), reason: reason.to_owned(), changes });
        Record { built, counts, reasons }
    }

    /// Writes it, a line a value, so that a change to it can be read.
    pub(super) fn write(&self, path: &Path) {
        let mut text = serde_json::to_string_pretty(self).unwrap();
        text.push('\n');
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// What became of one case's counts; instructions that differ by less than a hundredth are the same.
fn change(name: &str, old: &Recorded, now: &Recorded) -> Option<String> {
    let mut words = Vec::new();
    let share = now.instructions as f64 / old.instructions.max(1) as f64 - 1.0;
    if share.abs() >= 0.01 {
        words.push(format!(
            "instructions {} -> {} ({:+.1} %)",
            old.instructions,
            now.instructions,
            share * 100.0
        ));
    }
    if old.allocations != now.allocations {
        words.push(format!("allocations {} -> {}", old.allocations, now.allocations));
    }
    (!words.is_empty()).then(|| format!("{name}: {}", words.join(", ")))
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

fn commit() -> String {
    let output = Command::new("git")
        .args(["rev-parse", "--short=10", "HEAD"])
        .current_dir(pincer_tests::workspace())
        .output()
        .ok()
        .filter(|output| output.status.success());
    output.map_or("unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
