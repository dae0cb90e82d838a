//! The transcript files: what state each is in, applying planned changes to them, and syncing what was touched.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use pincer_sessions::persist::TranscriptId;

use crate::disk::{self, Disk, DiskFile};
use crate::entry::FileOp;
use crate::error::Failure;

/// Files kept open. A write-back error is reported through a file that was open when it happened, so files wait open
/// for their sync. Past this bound one is closed early: it is still synced, and the kernel still reports an error
/// unless it has meanwhile dropped the inode from its cache.
const OPEN_MAX: usize = 256;

/// Threads that sync at once.
const SYNC_THREADS: usize = 8;

/// Files for which a thread of their own is not worth starting.
const FEW_FILES: usize = 8;

/// A sync is one system call deep.
const SYNC_STACK: usize = 64 * 1024;

/// Transcript files below the state directory.
#[derive(Debug)]
pub(crate) struct Transcripts {
    root: PathBuf,
    disk: Disk,
    live: HashMap<TranscriptId, Live>,
    /// Put aside while not yet synced. Bounded like `live`.
    aside: Vec<DiskFile>,
    /// Touched but no longer held open.
    closed: BTreeSet<PathBuf>,
    /// Folders with new names in them.
    dirs: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Live {
    file: DiskFile,
    identity: (u64, u64),
    /// Where our last write ended: if the file still ends there, it ends with a newline.
    end: u64,
    dirty: bool,
}

/// What a transcript is like before a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) exists: bool,
    pub(crate) len: u64,
    /// Whether it ends with a newline (or is empty).
    pub(crate) ends_line: bool,
}

impl Transcripts {
    pub(crate) fn new(root: &Path, disk: Disk) -> Transcripts {
        Transcripts {
            root: root.to_owned(),
            disk,
            live: HashMap::new(),
            aside: Vec::new(),
            closed: BTreeSet::new(),
            dirs: BTreeSet::new(),
        }
    }

    /// Absolute path of the live file.
    pub(crate) fn path(&self, id: &TranscriptId) -> PathBuf {
        self.root.join(id.path())
    }

    /// Absolute path of a file beside it.
    pub(crate) fn beside(&self, id: &TranscriptId, name: &str) -> PathBuf {
        disk::parent(&self.path(id)).join(name)
    }

    /// How many files and folders wait for a sync.
    pub(crate) fn touched(&self) -> usize {
        self.live.values().filter(|live| live.dirty).count()
            + self.aside.len()
            + self.closed.len()
            + self.dirs.len()
    }

    /// Looks at the file, and opens it when it is there, so that what can be refused is refused before anything is
    /// promised. Other programs may have changed or replaced it since.
    pub(crate) fn look(&mut self, id: &TranscriptId) -> Result<Look, Failure> {
        let path = self.path(id);
        let meta = match fs::metadata(&path) {
            Ok(meta) => meta,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                self.forget(id);
                return Ok(Look { exists: false, len: 0, ends_line: true });
            }
            Err(cause) => return Err(Failure::io("open", &path, &cause)),
        };
        if !meta.is_file() {
            return Err(Failure::lasting(format!("{} is not a file", path.display())));
        }
        if self.live.get(id).is_some_and(|live| live.identity != (meta.dev(), meta.ino())) {
            self.forget(id);
        }
        if !self.live.contains_key(id) {
            let file = self.disk.open(&path)?.ok_or_else(|| gone(&path))?;
            self.hold(id, file, u64::MAX, false)?;
        }
        let len = meta.len();
        let live = self.live.get(id).ok_or_else(|| gone(&path))?;
        let ends_line = len == 0 || live.end == len || live.file.read(len - 1, len)? == b"\n";
        Ok(Look { exists: true, len, ends_line })
    }

    /// Creates the file, empty, when it is missing; a folder we may not write to is found out here.
    pub(crate) fn prepare(&mut self, id: &TranscriptId) -> Result<(), Failure> {
        let path = self.path(id);
        if disk::exists(&path)? {
            return Ok(());
        }
        let dir = disk::parent(&path).to_owned();
        self.dirs.extend(self.disk.create_dirs(&dir)?);
        let file = self.disk.create(&path)?;
        self.dirs.insert(dir);
        self.hold(id, file, 0, false)
    }

    /// Takes back [`Transcripts::prepare`] when the change was not committed.
    pub(crate) fn unprepare(&mut self, id: &TranscriptId) {
        let path = self.path(id);
        if fs::metadata(&path).is_ok_and(|meta| meta.len() == 0) {
            self.live.remove(id);
            // An empty file left behind reads as a session without messages: no reason for a second error.
            let _ = self.disk.remove(&path);
        }
    }

    /// The first `to` bytes of the live file.
    pub(crate) fn content(&self, id: &TranscriptId, to: u64) -> Result<Vec<u8>, Failure> {
        match self.live.get(id) {
            Some(live) => live.file.read(0, to),
            None => {
                let path = self.path(id);
                self.disk.open(&path)?.ok_or_else(|| gone(&path))?.read(0, to)
            }
        }
    }

    /// Carries out a change that is in the journal. After an error the same change may be applied again.
    pub(crate) fn apply(&mut self, op: &FileOp) -> Result<(), Failure> {
        let id = op.file();
        let path = self.path(id);
        match op {
            FileOp::Append { at, .. } => {
                self.look(id)?;
                self.prepare(id)?;
                let live = self.live.get_mut(id).ok_or_else(|| gone(&path))?;
                let text = op.text();
                live.dirty = true;
                live.end = u64::MAX; // unknown, should the write fail half-way
                live.file.write_at(&text, *at)?;
                live.end = at + text.len() as u64;
            }
            FileOp::Archive { to, .. } => {
                let target = self.beside(id, to);
                if !disk::exists(&target)? && disk::exists(&path)? {
                    self.disk.rename(&path, &target)?;
                }
                self.put_aside(id, &target);
            }
            FileOp::Replace { to, .. } => {
                let temp = disk::with_suffix(&path, ".tmp");
                let text = op.text();
                let file = self.disk.create(&temp)?;
                file.write_at(&text, 0)?;
                if let Some(to) = to {
                    let target = self.beside(id, to);
                    if !disk::exists(&target)? && disk::exists(&path)? {
                        // A second name first, so that a reader never finds the transcript missing.
                        self.disk.link_or_rename(&path, &target)?;
                    }
                    self.put_aside(id, &target);
                }
                self.disk.rename(&temp, &path)?;
                self.hold(id, file.renamed(&path), text.len() as u64, true)?;
                self.dirs.insert(disk::parent(&path).to_owned());
            }
        }
        Ok(())
    }

    /// Hands over everything applied since the last call, to be synced, and begins anew with nothing open.
    pub(crate) fn take_unsynced(&mut self) -> Unsynced {
        let live = std::mem::take(&mut self.live).into_values();
        let mut files = std::mem::take(&mut self.aside);
        files.extend(live.filter(|live| live.dirty).map(|live| live.file));
        Unsynced {
            disk: self.disk,
            files,
            closed: std::mem::take(&mut self.closed),
            dirs: std::mem::take(&mut self.dirs),
        }
    }

    fn hold(&mut self, id: &TranscriptId, file: DiskFile, end: u64, dirty: bool) -> Result<(), Failure> {
        let identity = file.identity()?;
        if self.live.len() >= OPEN_MAX
            && let Some(other) = self.live.keys().find(|other| *other != id).cloned()
            && let Some(evicted) = self.live.remove(&other)
            && evicted.dirty
        {
            self.closed.insert(self.path(&other));
        }
        self.live.insert(id.clone(), Live { file, identity, end, dirty });
        Ok(())
    }

    /// The live name no longer stands for the file we hold.
    fn forget(&mut self, id: &TranscriptId) {
        if let Some(live) = self.live.remove(id)
            && live.dirty
            && self.aside.len() < OPEN_MAX
        {
            self.aside.push(live.file);
        }
    }

    /// The live file is now called `target`.
    fn put_aside(&mut self, id: &TranscriptId, target: &Path) {
        if let Some(live) = self.live.remove(id)
            && live.dirty
        {
            if self.aside.len() < OPEN_MAX {
                self.aside.push(live.file);
            } else {
                self.closed.insert(target.to_owned());
            }
        }
        if self.closed.remove(&self.path(id)) {
            self.closed.insert(target.to_owned());
        }
        self.dirs.insert(disk::parent(target).to_owned());
    }
}

/// Files and folders that have to be made durable before the journal may forget what was done to them.
#[derive(Debug)]
pub(crate) struct Unsynced {
    disk: Disk,
    files: Vec<DiskFile>,
    closed: BTreeSet<PathBuf>,
    dirs: BTreeSet<PathBuf>,
}

impl Unsynced {
    /// Makes all of it durable. After an error nothing may be assumed about any of it: it has to be written again
    /// (`settle`).
    ///
    /// A journaling file system answers many syncs that wait together with one write of its journal, so beyond a few
    /// files they are asked for on several threads: measured on ext4, 64 files in 40 ms instead of 330.
    pub(crate) fn sync(mut self) -> Result<(), Failure> {
        for path in std::mem::take(&mut self.closed) {
            self.files.extend(self.disk.open(&path)?);
        }
        let each = self.files.len().div_ceil(SYNC_THREADS).max(FEW_FILES);
        std::thread::scope(|scope| {
            let mut parts = self.files.chunks(each);
            let first = parts.next().unwrap_or_default();
            let others: Vec<_> = parts
                .map(|part| {
                    let sync = move || part.iter().try_for_each(DiskFile::sync);
                    let thread =
                        std::thread::Builder::new().name("pincer-sync".to_owned()).stack_size(SYNC_STACK);
                    // Without another thread it is done on this one, only later.
                    thread.spawn_scoped(scope, sync).map_err(|_| part)
                })
                .collect();
            let mut synced = first.iter().try_for_each(DiskFile::sync);
            for other in others {
                let part = match other {
                    Ok(thread) => thread.join().unwrap_or_else(|_| Err(Failure::lasting("a sync panicked"))),
                    Err(part) => part.iter().try_for_each(DiskFile::sync),
                };
                synced = synced.and(part);
            }
            synced
        })?;
        for dir in &self.dirs {
            // A folder that someone removed needs no sync.
            if disk::exists(dir)? {
                self.disk.sync_dir(dir)?;
            }
        }
        Ok(())
    }
}

fn gone(path: &Path) -> Failure {
    Failure::lasting(format!("{} went away while it was being opened", path.display()))
}
