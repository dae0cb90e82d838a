//! A model of what a store should hold, and ways to compare it with the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pincer_sessions::persist::{ArchiveReason, Outcome, StoreError, StoreOp, Table, TranscriptId};

use crate::clock::file_stamp;
use crate::{OpenError, Opened, Options, Store, open};

/// Store files of the two backends.
pub(super) const BACKENDS: &[&str] = &[
    "pincer.json",
    #[cfg(feature = "sqlite-state")]
    "pincer.db",
];

/// A directory for one test, in memory where the machine has that: these tests make many thousand small files.
pub(super) fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(super) fn options(dir: &Path, store: &str) -> Options {
    Options { fsync: false, ..Options::new(dir, dir.join(store), dir.join("pincer.log")) }
}

#[track_caller]
pub(super) fn reopen(dir: &Path, store: &str) -> Opened {
    try_open(dir, store).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn try_open(dir: &Path, store: &str) -> Result<Opened, OpenError> {
    // Another test may be starting a process at this moment: until that has become its own program it holds our locks.
    for _ in 0..100 {
        match open(options(dir, store)) {
            Err(OpenError::Locked { pid: Some(pid), .. }) if pid == std::process::id() => {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            other => return other,
        }
    }
    open(options(dir, store))
}

pub(super) fn id(session: &str) -> TranscriptId {
    TranscriptId::new("main", session).unwrap()
}

pub(super) fn put(table: Table, id: &str, json: &str) -> StoreOp {
    StoreOp::Put { table, id: id.to_owned(), json: json.to_owned() }
}

pub(super) fn delete(table: Table, id: &str) -> StoreOp {
    StoreOp::Delete { table, id: id.to_owned() }
}

pub(super) fn append(session: &str, lines: &[&str]) -> StoreOp {
    StoreOp::Append { transcript: id(session), lines: lines.iter().map(|&line| line.to_owned()).collect() }
}

pub(super) fn archive(session: &str, at_ms: u64) -> StoreOp {
    StoreOp::Archive { transcript: id(session), reason: ArchiveReason::Reset, at_ms }
}

pub(super) fn trim(session: &str, keep: u32, at_ms: u64) -> StoreOp {
    StoreOp::Trim { transcript: id(session), keep, at_ms }
}

pub(super) fn rewrite(session: &str, lines: &[&str], at_ms: u64) -> StoreOp {
    let lines = lines.iter().map(|&line| line.to_owned()).collect();
    StoreOp::Rewrite { transcript: id(session), lines, at_ms }
}

/// Commits one list.
pub(super) fn commit(store: &mut Store, ops: &[StoreOp]) -> Result<Vec<Outcome>, StoreError> {
    store.commit(&[ops]).pop().unwrap()
}

/// Everything a store holds: rows, and transcript files by their path below the state directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) rows: BTreeMap<(Table, String), String>,
    pub(super) files: BTreeMap<String, String>,
}

impl Held {
    /// What is on disk and was handed back by `open`.
    pub(super) fn found(dir: &Path, rows: Vec<(Table, String, String)>) -> Held {
        let count = rows.len();
        let rows: BTreeMap<_, _> = rows.into_iter().map(|(table, id, json)| ((table, id), json)).collect();
        assert_eq!(rows.len(), count, "a row came twice");
        Held { rows, files: transcripts(dir) }
    }

    /// Applies one list as the contract describes it. Not how the store does it: whole files in memory.
    pub(super) fn apply(&mut self, ops: &[StoreOp]) {
        for op in ops {
            match op {
                StoreOp::Put { table, id, json } => {
                    self.rows.insert((*table, id.clone()), json.clone());
                }
                StoreOp::Delete { table, id } => {
                    self.rows.remove(&(*table, id.clone()));
                }
                StoreOp::Append { transcript, lines } => {
                    let file = self.files.entry(transcript.path()).or_default();
                    lines.iter().for_each(|line| *file += &format!("{line}\n"));
                }
                StoreOp::Archive { transcript, reason, at_ms } => {
                    if let Some(text) = self.files.remove(&transcript.path()) {
                        self.put_aside(transcript, *reason, *at_ms, text);
                    }
                }
                StoreOp::Trim { transcript, keep, at_ms } => {
                    let Some(text) = self.files.get(&transcript.path()).cloned() else { continue };
                    let mut lines: Vec<&str> = text.lines().collect();
                    let header = lines.first().copied().filter(|line| line.contains(r#""type":"session""#));
                    lines.drain(..usize::from(header.is_some()));
                    if let Some(over) = lines.len().checked_sub(*keep as usize).filter(|over| *over > 0) {
                        let kept = header.iter().chain(&lines[over..]).map(|line| format!("{line}\n"));
                        self.files.insert(transcript.path(), kept.collect());
                        self.put_aside(transcript, ArchiveReason::Bak, *at_ms, text);
                    }
                }
                StoreOp::Rewrite { transcript, lines, at_ms } => {
                    let lines = lines.iter().map(|line| format!("{line}\n")).collect();
                    if let Some(text) = self.files.insert(transcript.path(), lines) {
                        self.put_aside(transcript, ArchiveReason::Bak, *at_ms, text);
                    }
                }
                StoreOp::Keep { .. } | StoreOp::Release { .. } => {}
            }
        }
    }

    fn put_aside(&mut self, id: &TranscriptId, reason: ArchiveReason, at_ms: u64, text: String) {
        let name = |at_ms| format!("{}.{}.{}", id.path(), reason.as_str(), file_stamp(at_ms).unwrap());
        let free = (at_ms..).map(name).find(|name| !self.files.contains_key(name)).unwrap();
        self.files.insert(free, text);
    }
}

/// Transcript files that hold anything, without those kept aside by recovery.
pub(super) fn transcripts(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.join("agents")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().display().to_string();
            assert!(!name.ends_with(".tmp"), "{name} was left behind");
            if path.is_dir() {
                folders.push(path);
            } else if !name.contains(".damaged.") {
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                // A crash between planning and committing may leave an empty file.
                if !text.is_empty() {
                    files.insert(name, text);
                }
            }
        }
    }
    files
}

/// Seeds to try; `PINCER_TEST_SEEDS` asks for more than a quick run takes.
pub(super) fn seeds(quick: u64) -> std::ops::Range<u64> {
    let asked = std::env::var("PINCER_TEST_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    0..asked.unwrap_or(quick)
}

/// Small numbers that look random and repeat from their seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    /// A list that does a bit of everything to a few rows and transcripts.
    pub(super) fn list(&mut self) -> Vec<StoreOp> {
        (0..=self.below(3)).map(|_| self.op()).collect()
    }

    fn op(&mut self) -> StoreOp {
        let session = ["a", "b", "c"][self.below(3) as usize];
        let row = format!("row {}", self.below(6));
        let table = Table::ALL[self.below(Table::ALL.len() as u64) as usize];
        let at_ms = 1_795_359_755_000 + self.below(4);
        let n = self.below(1000);
        match self.below(12) {
            0..=2 => put(table, &row, &format!(r#"{{"n":{n},"text":"{}"}}"#, "x".repeat(n as usize % 40))),
            3 => delete(table, &row),
            4 => archive(session, at_ms),
            5 => trim(session, 1 + self.below(3) as u32, at_ms),
            // Half of these are the beginning of what they replace.
            6 if n.is_multiple_of(2) => rewrite(session, &[r#"{"type":"session","version":3}"#], at_ms),
            6 => rewrite(
                session,
                &[r#"{"type":"session","version":3}"#, &format!(r#"{{"rewritten":{n}}}"#)],
                at_ms,
            ),
            7 => append(session, &[r#"{"type":"session","version":3}"#, &format!(r#"{{"first":{n}}}"#)]),
            _ => append(session, &[&format!(r#"{{"line":{n},"text":"{}"}}"#, "y".repeat(n as usize % 60))]),
        }
    }
}

/// A copy of a state directory, as a crash at this moment leaves it. Locks are not copied.
pub(super) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else if !path.ends_with(crate::LOCK_FILE) {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Names in the state directory itself.
pub(super) fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

pub(super) fn only(dir: &Path, part: &str) -> PathBuf {
    let mut found = names(dir).into_iter().filter(|name| name.contains(part));
    let name = found.next().unwrap_or_else(|| panic!("no {part} in {:?}", names(dir)));
    assert_eq!(found.next(), None, "more than one {part}");
    dir.join(name)
}
