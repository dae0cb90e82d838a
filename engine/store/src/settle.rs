//! Brings transcript files to the state the journal says they have, whatever a crash or a failed sync made of them.
//!
//! What was on disk at the last checkpoint is trusted; nothing written since is. A transcript's journaled changes are
//! cut into *incarnations*: an archive (or replacement) ends one and begins the next. Only the first can have trusted
//! bytes under it; all later ones are known whole from the journal and are written anew. An archive name is never used
//! twice, so if it exists the rename was done and that incarnation is found there, else under the live name. Every
//! byte is written again even where it looks right: it may be a cached page that never reached the disk, and only a page
//! written again is written back again. Doing all of this twice changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pincer_sessions::persist::TranscriptId;

use crate::clock::stamp_now;
use crate::disk::{self, Disk, DiskFile};
use crate::entry::FileOp;
use crate::error::Failure;

/// What a transcript went through between two archivings.
#[derive(Debug, PartialEq)]
struct Incarnation {
    start: Start,
    /// Appended since, in order.
    added: Vec<u8>,
    /// The name it was put aside under.
    aside: Option<String>,
}

#[derive(Debug, PartialEq)]
enum Start {
    /// So many bytes were on disk at the last checkpoint.
    OnDisk(u64),
    /// It began with nothing: unless something is added there is no file.
    Nothing,
    /// It began with this text.
    Text(Vec<u8>),
}

/// Settles every transcript that `ops` touch and makes them durable. What was found and repaired goes into `report`.
pub(crate) fn settle(
    root: &Path,
    disk: Disk,
    ops: Vec<FileOp>,
    report: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut by_file: BTreeMap<TranscriptId, Vec<FileOp>> = BTreeMap::new();
    for op in ops {
        by_file.entry(op.file().clone()).or_default().push(op);
    }
    let mut dirs = BTreeSet::new();
    for (id, ops) in by_file {
        let path = root.join(id.path());
        let dir = disk::parent(&path).to_owned();
        dirs.extend(disk.create_dirs(&dir)?);
        dirs.insert(dir);
        // What a replacement that was cut short left behind.
        disk.remove(&disk::with_suffix(&path, ".tmp"))?;
        for incarnation in incarnations(ops) {
            restore(disk, &path, incarnation, report)?;
        }
    }
    for dir in dirs {
        disk.sync_dir(&dir)?;
    }
    Ok(())
}

fn incarnations(ops: Vec<FileOp>) -> Vec<Incarnation> {
    let mut all = Vec::new();
    let mut current: Option<Incarnation> = None;
    for op in ops {
        let text = op.text();
        let begin = |at| Incarnation { start: Start::OnDisk(at), added: Vec::new(), aside: None };
        match op {
            FileOp::Append { at, .. } => {
                current.get_or_insert_with(|| begin(at)).added.extend_from_slice(&text);
            }
            FileOp::Archive { len, to, .. } => {
                let mut ended = current.take().unwrap_or_else(|| begin(len));
                ended.aside = Some(to);
                all.push(ended);
                current = Some(Incarnation { start: Start::Nothing, added: Vec::new(), aside: None });
            }
            FileOp::Replace { len, to, .. } => {
                if let Some(to) = to {
                    let mut ended = current.take().unwrap_or_else(|| begin(len));
                    ended.aside = Some(to);
                    all.push(ended);
                }
                current = Some(Incarnation { start: Start::Text(text), added: Vec::new(), aside: None });
            }
        }
    }
    all.extend(current);
    all
}

fn restore(
    disk: Disk,
    live: &Path,
    incarnation: Incarnation,
    report: &mut Vec<String>,
) -> Result<(), Failure> {
    let Incarnation { start, added, aside } = incarnation;
    let aside = aside.map(|name| disk::parent(live).join(name));
    let renamed = match &aside {
        Some(aside) => disk::exists(aside)?,
        None => false,
    };
    let place: &Path = aside.as_deref().filter(|_| renamed).unwrap_or(live);
    match start {
        Start::OnDisk(len) => restore_tail(disk, place, len, &added, report)?,
        Start::Nothing if added.is_empty() => return Ok(()),
        Start::Nothing => write_whole(disk, place, &added)?,
        Start::Text(mut text) => {
            text.extend_from_slice(&added);
            write_whole(disk, place, &text)?;
        }
    }
    match &aside {
        Some(aside) if !renamed && disk::exists(live)? => disk.rename(live, aside),
        _ => Ok(()),
    }
}

/// Writes a file that is known whole.
fn write_whole(disk: Disk, path: &Path, text: &[u8]) -> Result<(), Failure> {
    let temp = disk::with_suffix(path, ".tmp");
    let file = disk.create(&temp)?;
    file.write_at(text, 0)?;
    file.sync()?;
    disk.rename(&temp, path)
}

/// Writes `added` behind the first `len` bytes of a file that was `len` bytes long at the last checkpoint.
fn restore_tail(
    disk: Disk,
    path: &Path,
    len: u64,
    added: &[u8],
    report: &mut Vec<String>,
) -> Result<(), Failure> {
    let file = match disk.open(path)? {
        Some(file) => file,
        // To be archived, and already gone: nothing of it is ours to write.
        None if added.is_empty() => return Ok(()),
        None => disk.create(path)?,
    };
    let found = file.len()?;
    if found < len {
        report.push(format!(
            "{} is {found} bytes long and was {len}: lines are missing from it; what the journal still has was added",
            path.display()
        ));
        return add_missing(&file, found, added);
    }
    let after = file.read(len, found)?;
    if after.len() > added.len() && after.starts_with(added) {
        // Someone else wrote behind us. Theirs stays.
        file.write_at(added, len)?;
        return file.sync();
    }
    if !added.starts_with(&after) && after.iter().any(|&byte| byte != 0) {
        let kept = keep_aside(disk, path, &after)?;
        report.push(format!(
            "{} did not end as the journal says; the {} bytes cut off are in {}",
            path.display(),
            after.len(),
            kept.display()
        ));
    } else if after.len() < added.len() {
        report.push(format!(
            "{}: {} bytes that a crash cut off were written again",
            path.display(),
            added.len() - after.len()
        ));
    }
    file.write_at(added, len)?;
    file.set_len(len + added.len() as u64)?;
    file.sync()
}

/// Adds what is not yet at the end of a file that lost some of its lines.
fn add_missing(file: &DiskFile, found: u64, added: &[u8]) -> Result<(), Failure> {
    let tail = file.read(found.saturating_sub(added.len() as u64), found)?;
    if !tail.ends_with(added) {
        let mut text = Vec::with_capacity(added.len() + 1);
        if tail.last().is_some_and(|&byte| byte != b'\n') {
            text.push(b'\n');
        }
        text.extend_from_slice(added);
        file.write_at(&text, found)?;
    }
    file.sync()
}

/// Keeps bytes that are about to be overwritten in a file beside theirs, and returns its path.
pub(crate) fn keep_aside(disk: Disk, path: &Path, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let aside = aside_path(path)?;
    disk.replace(&aside, bytes)?;
    Ok(aside)
}

/// A free name for something damaged: `<file>.damaged.<time>`.
pub(crate) fn aside_path(path: &Path) -> Result<PathBuf, Failure> {
    let aside = disk::with_suffix(path, &format!(".damaged.{}", stamp_now()));
    let mut free = aside.clone();
    let mut n = 1;
    while disk::exists(&free)? {
        n += 1;
        free = disk::with_suffix(&aside, &format!("-{n}"));
    }
    Ok(free)
}
