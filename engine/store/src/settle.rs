//! Brings transcript files to the state the journal says they have, whatever a crash or a failed sync made of them.
//!
//! What was on disk at the last checkpoint is trusted; nothing written since is. A transcript's journaled changes are
//! cut into *incarnations*: an archive (or replacement) ends one and begins the next. Only the first can have trusted
//! bytes under it; all later ones are known whole from the journal and are written anew. An archive name is never used
//! twice, so if it exists the rename was done and that incarnation is found there, else under the live name. Every
//! byte is written again even where it looks right: it may be a cached page that never reached the disk, and only a page
//! written again is written back again. Doing all of this twice changes nothing.
//!
//! Where batches are lost to damage, what they did to a file is unknown. What the journal says from before is then only
//! completed where the file agrees with it; what it says from after is written where it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use pincer_sessions::persist::TranscriptId;

use crate::clock::stamp_now;
use crate::disk::{self, Disk, DiskFile};
use crate::entry::FileOp;
use crate::error::Failure;

/// What a transcript went through between two archivings.
#[derive(Debug, Default, PartialEq)]
struct Incarnation {
    /// So many bytes of it were there before; `None` when all of it is in the journal.
    trusted: Option<u64>,
    /// What was written behind them.
    added: Vec<u8>,
    /// It exists even when nothing was written.
    exists: bool,
    /// The name it was put aside under.
    aside: Option<String>,
    /// Something that is not in the journal happened to it next.
    uncertain: bool,
}

impl Incarnation {
    fn on_disk(trusted: u64) -> Incarnation {
        Incarnation { trusted: Some(trusted), exists: true, ..Incarnation::default() }
    }

    fn end(&self) -> u64 {
        self.trusted.unwrap_or(0).saturating_add(self.added.len() as u64)
    }
}

/// Settles every transcript that `stretches` touch and makes them durable. A stretch is a list of changes in order, with
/// none missing; between two of them some are. What was found and repaired goes into `report`.
pub(crate) fn settle(
    root: &Path,
    disk: Disk,
    stretches: Vec<Vec<FileOp>>,
    report: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut by_file: BTreeMap<TranscriptId, Vec<Incarnation>> = BTreeMap::new();
    for stretch in stretches {
        // What the lost changes did to any of the files is unknown.
        by_file.values_mut().filter_map(|all| all.last_mut()).for_each(|last| last.uncertain = true);
        for op in stretch {
            add(by_file.entry(op.file().clone()).or_default(), op);
        }
    }
    let mut dirs = BTreeSet::new();
    for (id, incarnations) in by_file {
        let path = root.join(id.path());
        let dir = disk::parent(&path).to_owned();
        dirs.extend(disk.create_dirs(&dir)?);
        // A folder that is there may be as new, and as unsynced, as the file in it.
        dirs.extend(dir.ancestors().take_while(|above| above.starts_with(root)).map(Path::to_owned));
        // What a replacement that was cut short left behind.
        disk.remove(&disk::with_suffix(&path, ".tmp"))?;
        forget_second_name(disk, &path, &incarnations)?;
        for incarnation in incarnations.iter().filter(|incarnation| incarnation.exists) {
            match incarnation.uncertain {
                true => complete(disk, &path, incarnation, report)?,
                false => restore(disk, &path, incarnation, report)?,
            }
        }
    }
    for dir in dirs {
        disk.sync_dir(&dir)?;
    }
    Ok(())
}

/// A replacement that was cut short leaves the old incarnation under two names. The archive's is its own.
fn forget_second_name(disk: Disk, live: &Path, incarnations: &[Incarnation]) -> Result<(), Failure> {
    let identity = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    let Some(now) = identity(live) else { return Ok(()) };
    let mut names = incarnations.iter().filter_map(|incarnation| incarnation.aside.as_ref());
    match names.any(|name| identity(&disk::parent(live).join(name)) == Some(now)) {
        true => disk.remove(live),
        false => Ok(()),
    }
}

/// Adds a change to a transcript's incarnations.
fn add(all: &mut Vec<Incarnation>, op: FileOp) {
    let begins_at = match &op {
        FileOp::Append { at, .. } => *at,
        FileOp::Archive { len, .. } | FileOp::Replace { len, .. } => *len,
    };
    match all.last_mut() {
        Some(last) if !last.uncertain && last.end() == begins_at => {}
        last => {
            // Someone else changed the file in between, or the change is lost.
            if let Some(last) = last {
                last.uncertain = true;
            }
            all.push(Incarnation::on_disk(begins_at));
        }
    }
    let Some(last) = all.last_mut() else { return };
    let text = op.text();
    match op {
        FileOp::Append { .. } => {
            last.exists = true;
            last.added.extend_from_slice(&text);
        }
        FileOp::Archive { to, .. } => {
            last.aside = Some(to);
            all.push(Incarnation::default());
        }
        FileOp::Replace { to, .. } => {
            match to {
                Some(to) => last.aside = Some(to),
                // There was nothing to put aside.
                None => drop(all.pop()),
            }
            all.push(Incarnation { added: text, exists: true, ..Incarnation::default() });
        }
    }
}

/// Makes the file what the journal says, and puts it aside if that was next.
fn restore(
    disk: Disk,
    live: &Path,
    incarnation: &Incarnation,
    report: &mut Vec<String>,
) -> Result<(), Failure> {
    let aside = incarnation.aside.as_ref().map(|name| disk::parent(live).join(name));
    let renamed = match &aside {
        Some(aside) => disk::exists(aside)?,
        None => false,
    };
    let place: &Path = aside.as_deref().filter(|_| renamed).unwrap_or(live);
    match incarnation.trusted {
        Some(len) => restore_tail(disk, place, len, &incarnation.added, report)?,
        // Never in place: until it is whole, the old file is all there is.
        None => {
            let behind = written_behind(disk, place, &incarnation.added, report)?;
            write_whole(disk, place, &[incarnation.added.as_slice(), &behind].concat())?;
        }
    }
    match &aside {
        Some(aside) if !renamed && disk::exists(live)? => disk.rename(live, aside),
        _ => Ok(()),
    }
}

/// Completes a file of which the journal does not know what became of it, if it is still there and agrees.
fn complete(
    disk: Disk,
    live: &Path,
    incarnation: &Incarnation,
    report: &mut Vec<String>,
) -> Result<(), Failure> {
    let (at, added) = (incarnation.trusted.unwrap_or(0), &incarnation.added);
    if added.is_empty() || was_put_aside(live, at, added)? {
        return Ok(());
    }
    if let Some(file) = disk.open(live)? {
        let found = file.len()?;
        let after = file.read(at, found)?;
        if found >= at && (after.starts_with(added) || added.starts_with(&after)) {
            file.write_at(added, at)?;
            return file.sync();
        }
    }
    report.push(format!(
        "{} is left as it is: something the journal does not know of has changed it",
        live.display()
    ));
    Ok(())
}

/// Whether one of the transcript's archives has `added` at `at`: a lost batch has put it aside.
fn was_put_aside(live: &Path, at: u64, added: &[u8]) -> Result<bool, Failure> {
    let prefix = live.file_name().map(|name| [name.as_encoded_bytes(), b"."].concat()).unwrap_or_default();
    for entry in fs::read_dir(disk::parent(live)).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(&prefix) {
            let bytes = disk::read_all(&entry.path())?.unwrap_or_default();
            if bytes
                .get(usize::try_from(at).unwrap_or(usize::MAX)..)
                .is_some_and(|tail| tail.starts_with(added))
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// What someone else wrote behind `added` in the file that is about to be replaced. If the file is something else
/// altogether, a copy of it is kept.
fn written_behind(
    disk: Disk,
    path: &Path,
    added: &[u8],
    report: &mut Vec<String>,
) -> Result<Vec<u8>, Failure> {
    let found = disk::read_all(path)?.unwrap_or_default();
    // With zeros in it, it is what a power cut leaves of a write.
    if found.contains(&0) || added.starts_with(&found) {
        return Ok(Vec::new());
    }
    if let Some(behind) = found.strip_prefix(added) {
        return Ok(behind.to_vec());
    }
    let kept = keep_aside(disk, path, &found)?;
    report.push(format!(
        "{} was not what the journal says; it is kept in {}",
        path.display(),
        kept.display()
    ));
    Ok(Vec::new())
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
    if after.len() > added.len() && after.ends_with(added) {
        // Lines before it were lost, and it was settled before.
        return file.sync();
    }
    if !added.starts_with(&after) && after.iter().any(|&byte| byte != 0) {
        let kept = keep_aside(disk, path, &after)?;
        report.push(format!(
            "{} did not end as the journal says; the {} bytes that stood there are in {}",
            path.display(),
            after.len(),
            kept.display()
        ));
    } else if after.len() < added.len() {
        let missing = added.len() - after.len();
        report.push(format!("{}: {missing} bytes that a crash cut off were written again", path.display()));
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
