//! Finds the newest consistent state among snapshot, journal, and the previous ones of both.

use std::path::{Path, PathBuf};

use super::journal::{self, Scan};
use super::snapshot::{self, Rows, Snapshot, Unreadable};
use crate::disk::{self, Disk};
use crate::entry::{Entry, FileOp};
use crate::error::OpenError;
use crate::settle::{aside_path, keep_aside};

/// The files of one JSON store.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// All rows as of some batch.
    pub(super) snapshot: PathBuf,
    /// The snapshot before that one.
    pub(super) snapshot_before: PathBuf,
    /// Every batch since the snapshot.
    pub(super) journal: PathBuf,
    /// Every batch between the two snapshots.
    pub(super) journal_before: PathBuf,
}

impl Paths {
    pub(crate) fn new(store: &Path) -> Paths {
        let journal = store.with_extension("journal");
        Paths {
            snapshot: store.to_owned(),
            snapshot_before: disk::with_suffix(store, ".bak"),
            journal_before: disk::with_suffix(&journal, ".bak"),
            journal,
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) rows: Rows,
    /// The last batch in `rows`.
    pub(super) seq: u64,
    /// Transcript changes since the snapshot, which were not synced before, in stretches that damage interrupts.
    pub(super) file_ops: Vec<Vec<FileOp>>,
    /// The files on disk say just this, and a checkpoint would change nothing.
    pub(super) clean: bool,
}

/// Loads the store. Refuses rather than leave out batches that are not themselves damaged.
pub(super) fn load(
    disk: Disk,
    paths: &Paths,
    known: bool,
    report: &mut Vec<String>,
) -> Result<Loaded, OpenError> {
    let snapshot = read_snapshot(&paths.snapshot)?;
    let journal = read_journal(&paths.journal)?;
    let (mut base, problem) = match snapshot {
        Ok(Some(snapshot)) => (snapshot, None),
        Ok(None) => match previous(paths, journal.as_ref())? {
            Some(base) => (base, Some("it is missing".to_owned())),
            None => {
                if known {
                    report.push(format!(
                        "{} and its journal are gone; this gateway had them: starting with nothing",
                        paths.snapshot.display()
                    ));
                }
                return Ok(Loaded::default());
            }
        },
        Err(problem) => match previous(paths, journal.as_ref())? {
            Some(base) => (base, Some(problem)),
            None => return Err(damaged(&paths.snapshot, problem, "and nothing is left to rebuild it from")),
        },
    };

    let mut loaded = Loaded { seq: base.seq, rows: std::mem::take(&mut base.rows), ..Loaded::default() };
    let begun = journal.as_ref().and_then(|journal| journal.header).map_or(0, |header| header.after);
    // The journal is ahead of the snapshot while a checkpoint is being made.
    let needs_before = problem.is_some() || begun > loaded.seq || journal.is_none();
    let before = if needs_before { read_journal(&paths.journal_before)? } else { None };
    let before_end = before.as_ref().map_or(0, end_of);
    if let Some(before) = before {
        replay(&mut loaded, before, &paths.journal_before, problem.is_none(), report)?;
    }
    let missing = match &journal {
        None => loaded.seq > 0 && before_end < loaded.seq,
        Some(journal) => journal.header.is_none() && journal.records.is_empty(),
    };
    if missing {
        report.push(format!(
            "{} is missing or empty: what was committed after batch {} is lost",
            paths.journal.display(),
            loaded.seq
        ));
    }
    let mut whole = journal.is_some() && !missing;
    let mut any = loaded.seq != base.seq;
    if let Some(journal) = journal {
        any |= !journal.records.is_empty();
        whole &= journal.damaged.is_empty();
        keep_damage(disk, &paths.journal, &journal, report)?;
        replay(&mut loaded, journal, &paths.journal, problem.is_none(), report)?;
    }
    if !base.sealed {
        report.push(format!("{} was edited by hand", paths.snapshot.display()));
    }
    if let Some(problem) = &problem {
        if disk::exists(&paths.snapshot)? {
            let aside = aside_path(&paths.snapshot)?;
            disk.rename(&paths.snapshot, &aside)?;
            report.push(format!("the damaged {} is now {}", paths.snapshot.display(), aside.display()));
        }
        report.push(format!(
            "{} could not be used ({problem}); everything was rebuilt from the snapshot before it and the journals",
            paths.snapshot.display()
        ));
    }
    loaded.clean = whole && !any && base.sealed && problem.is_none();
    Ok(loaded)
}

/// What to start from when the snapshot cannot be used.
fn previous(paths: &Paths, journal: Option<&Scan>) -> Result<Option<Snapshot>, OpenError> {
    if let Ok(Some(snapshot)) = read_snapshot(&paths.snapshot_before)? {
        return Ok(Some(snapshot));
    }
    // A store that never had a checkpoint is whole in its journal.
    let before = read_journal(&paths.journal_before)?;
    let first = before.as_ref().or(journal).and_then(|scan| scan.header);
    match first {
        Some(header) if header.after == 0 => Ok(Some(Snapshot { seq: 0, rows: Rows::new(), sealed: true })),
        None if before.is_none() && journal.is_none() => Ok(None),
        _ => Err(damaged(
            &paths.snapshot,
            "it is missing".to_owned(),
            "and the journal does not go back to the beginning",
        )),
    }
}

/// The outer error ends the start; the inner one may have a way around.
fn read_snapshot(path: &Path) -> Result<Result<Option<Snapshot>, String>, OpenError> {
    let Some(bytes) = disk::read_all(path)? else { return Ok(Ok(None)) };
    match snapshot::parse(&bytes) {
        Ok(snapshot) => Ok(Ok(Some(snapshot))),
        Err(Unreadable::Damaged(problem)) => Ok(Err(problem)),
        Err(Unreadable::Foreign) => Err(OpenError::Foreign { path: path.to_owned() }),
        Err(Unreadable::Newer(found)) => {
            Err(OpenError::UnsupportedVersion { path: path.to_owned(), found, supported: snapshot::VERSION })
        }
    }
}

fn read_journal(path: &Path) -> Result<Option<Scan>, OpenError> {
    let Some(bytes) = disk::read_all(path)? else { return Ok(None) };
    let scan = journal::scan(&bytes);
    match scan.newer {
        Some(found) => {
            Err(OpenError::UnsupportedVersion { path: path.to_owned(), found, supported: journal::VERSION })
        }
        None => Ok(Some(scan)),
    }
}

/// The last batch a journal holds or follows.
fn end_of(scan: &Scan) -> u64 {
    scan.records.last().map(|record| record.n).or(scan.header.map(|header| header.after)).unwrap_or(0)
}

/// Applies the batches of one journal that are not yet in `loaded`.
///
/// Batches are numbered without gaps. Where a damaged one is missing, the later ones still count: their rows are whole
/// values and their transcript changes absolute, so what they say is true whatever the lost one said. A gap without
/// damage means files that do not belong together, and is refused.
fn replay(
    loaded: &mut Loaded,
    scan: Scan,
    path: &Path,
    may_skip: bool,
    report: &mut Vec<String>,
) -> Result<(), OpenError> {
    let torn = !scan.damaged.is_empty();
    let after = scan.header.map_or(0, |header| header.after);
    let gap = |from: u64, to: u64| {
        damaged(
            path,
            format!("batches {} to {to} are neither in it nor in the snapshot", from + 1),
            "and the two do not belong together",
        )
    };
    if after > loaded.seq {
        return Err(gap(loaded.seq, after));
    }
    for record in scan.records {
        if record.n <= loaded.seq {
            continue;
        }
        if record.n > loaded.seq + 1 {
            if !torn || !may_skip {
                return Err(gap(loaded.seq, record.n - 1));
            }
            report.push(format!(
                "{}: damage lost batches {} to {}; rows they changed have older values",
                path.display(),
                loaded.seq + 1,
                record.n - 1
            ));
            loaded.file_ops.push(Vec::new());
        }
        loaded.seq = record.n;
        for op in record.ops {
            match op {
                Entry::Put { table, id, row } => drop(loaded.rows.insert((table, id), row)),
                Entry::Delete { table, id } => drop(loaded.rows.remove(&(table, id))),
                Entry::File(op) => match loaded.file_ops.last_mut() {
                    Some(stretch) => stretch.push(op),
                    None => loaded.file_ops.push(vec![op]),
                },
            }
        }
    }
    Ok(())
}

/// Copies what could not be read into a file beside the journal, before the journal is replaced.
fn keep_damage(disk: Disk, path: &Path, scan: &Scan, report: &mut Vec<String>) -> Result<(), OpenError> {
    if scan.damaged.is_empty() {
        return Ok(());
    }
    let bytes = disk::read_all(path)?.unwrap_or_default();
    let parts = scan.damaged.iter().filter_map(|range| bytes.get(range.clone()));
    let kept: Vec<u8> = parts.flatten().copied().collect();
    let what = match scan.torn_at(bytes.len()) {
        Some(at) if scan.damaged.len() == 1 => {
            format!("its last {} bytes are no whole batch", bytes.len() - at)
        }
        _ => format!("{} bytes in {} places are no batches", kept.len(), scan.damaged.len()),
    };
    if kept.iter().all(|&byte| byte == 0) {
        report.push(format!("{}: {what}; they are all zero", path.display()));
    } else {
        let aside = keep_aside(disk, path, &kept)?;
        report.push(format!("{}: {what}; they are kept in {}", path.display(), aside.display()));
    }
    Ok(())
}

fn damaged(path: &Path, problem: String, why: &str) -> OpenError {
    OpenError::Damaged {
        path: path.to_owned(),
        problem: format!("{problem}, {why}"),
        cure: "restore it from a backup, or move it and the files beside it away to start empty; \
               after an edit by hand, remove the \"crc32\" member"
            .to_owned(),
    }
}
