//! What the quarantine holds, survives, shows and lets go.

mod faults;
mod keeping;
mod power;
mod tampering;
mod using;

use std::fs;
use std::path::{Path, PathBuf};

use pincer_defender::Provenance;
use pincer_defender::ledger::{ActionKind, Entry, EntryId};
use pincer_defender::policy::{self, Bounded, Verdict};

use super::*;

const DAY_MS: u64 = 86_400_000;
/// Some moment.
const T0: u64 = 1_795_400_000_000;

fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn id(name: &str) -> EntryId {
    EntryId::new(name).unwrap()
}

fn entry(name: &str) -> Entry {
    Entry {
        id: id(name),
        kind: ActionKind::Prompt,
        provenance: Provenance::ChannelUser,
        decision: Verdict::Block,
        enforced: true,
        risk: 90.0,
        reasons: vec!["why".to_owned()],
        rules: vec!["prompt.override".to_owned()],
        session: "agent:main:main".to_owned(),
        agent: "main".to_owned(),
        channel: Some("chat".to_owned()),
        sender: Some("7".to_owned()),
        preview: format!("preview of {name}"),
    }
}

fn limits(retention_days: u64, max_bytes: u64) -> policy::Quarantine {
    policy::Quarantine {
        retention_days: Bounded::clamped(retention_days),
        max_bytes: Bounded::clamped(max_bytes),
    }
}

#[track_caller]
fn open(dir: &Path) -> OpenedQuarantine {
    try_open(dir).unwrap_or_else(|error| panic!("{error}"))
}

fn try_open(dir: &Path) -> Result<OpenedQuarantine, QuarantineError> {
    // Another test may be starting a process at this moment: until that has become its own program it holds our lock.
    for _ in 0..100 {
        match Quarantine::open(dir, policy::Quarantine::default(), T0, false) {
            Err(QuarantineError::Open(crate::OpenError::Locked { .. })) => {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            other => return other,
        }
    }
    Quarantine::open(dir, policy::Quarantine::default(), T0, false)
}

/// Opens, expecting nothing to report.
#[track_caller]
fn open_clean(dir: &Path) -> Quarantine {
    let opened = open(dir);
    assert_eq!((opened.report, opened.broken), (Vec::new(), false));
    opened.quarantine
}

fn stop(quarantine: &mut Quarantine, name: &str, text: &str) -> Result<(), QuarantineError> {
    quarantine.append(T0, &[New::Stopped(&entry(name), text.as_bytes())]).map(|_| ())
}

/// A quarantine with entries `e0` to `e<count - 1>`, closed again.
fn prepared(dir: &Path, count: usize) {
    let mut quarantine = open_clean(dir);
    for n in 0..count {
        stop(&mut quarantine, &format!("e{n}"), &format!("text {n}")).unwrap();
    }
}

fn below(dir: &Path, name: &str) -> PathBuf {
    dir.join("quarantine").join(name)
}

fn ledger(dir: &Path) -> PathBuf {
    below(dir, "ledger.jsonl")
}

fn lines(dir: &Path) -> Vec<Vec<u8>> {
    fs::read(ledger(dir)).unwrap().split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Ids, newest first.
fn listed(dir: &Path) -> Vec<String> {
    let page = QuarantineReader::new(dir).list(None, LIST_MAX, false).unwrap();
    page.entries.iter().map(|shown| shown.entry.id.to_string()).collect()
}

fn files(dir: &Path, part: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir.join("quarantine"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(part))
        .collect();
    names.sort();
    names
}

fn texts(dir: &Path) -> usize {
    fs::read_dir(below(dir, "payloads")).unwrap().count()
}

#[track_caller]
fn check_reported(report: &[String], part: &str) {
    assert!(report.iter().any(|line| line.contains(part)), "no {part:?} in {report:#?}");
}
