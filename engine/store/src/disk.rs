//! Every call that changes the disk. Tests make each of them fail, or record them to rebuild what a power cut leaves.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::Failure;

#[cfg(test)]
pub(crate) mod fault;

/// How changes are made: whether `fsync` is real.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk {
    pub(crate) fsync: bool,
}

/// An open file that can be written at any place.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    /// Where it was when opened, for messages.
    path: PathBuf,
    fsync: bool,
}

impl Disk {
    /// Opens an existing file for reading and writing; `None` when there is none.
    pub(crate) fn open(self, path: &Path) -> Result<Option<DiskFile>, Failure> {
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => Ok(Some(self.wrap(file, path))),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Failure::io("open", path, &cause)),
        }
    }

    /// Creates an empty file (mode 0600), or empties the one that is there.
    pub(crate) fn create(self, path: &Path) -> Result<DiskFile, Failure> {
        let open = || {
            self.event(|| Event::Create(path.to_owned()))?;
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(path)?;
            #[cfg(test)]
            fault::created(path, &file);
            Ok(self.wrap(file, path))
        };
        open().map_err(|cause| Failure::io("create", path, &cause))
    }

    /// Creates a folder (mode 0700) and those above it. Returns every folder that got a new entry.
    pub(crate) fn create_dirs(self, path: &Path) -> Result<Vec<PathBuf>, Failure> {
        let mut missing = Vec::new();
        let mut at = path;
        while !at.is_dir() {
            missing.push(at);
            match at.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => at = parent,
                _ => break,
            }
        }
        let mut changed = Vec::new();
        for dir in missing.into_iter().rev() {
            let make = || {
                self.event(|| Event::Mkdir(dir.to_owned()))?;
                DirBuilder::new().mode(0o700).create(dir)
            };
            match make() {
                Ok(()) => changed.extend(dir.parent().map(Path::to_owned)),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
                Err(cause) => return Err(Failure::io("create", dir, &cause)),
            }
        }
        Ok(changed)
    }

    /// Renames, replacing what is there.
    pub(crate) fn rename(self, from: &Path, to: &Path) -> Result<(), Failure> {
        let rename = || {
            self.event(|| Event::Rename(from.to_owned(), to.to_owned()))?;
            fs::rename(from, to)
        };
        rename().map_err(|cause| Failure::io("rename", from, &cause))
    }

    /// Gives a file a second name. Where the file system has no hard links the file is renamed instead.
    pub(crate) fn link_or_rename(self, from: &Path, to: &Path) -> Result<(), Failure> {
        let link = || {
            self.event(|| Event::Link(from.to_owned(), to.to_owned()))?;
            fs::hard_link(from, to)
        };
        match link() {
            Err(cause)
                if matches!(cause.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) =>
            {
                self.rename(from, to)
            }
            other => other.map_err(|cause| Failure::io("link", from, &cause)),
        }
    }

    /// Removes a file; fine when there is none.
    pub(crate) fn remove(self, path: &Path) -> Result<(), Failure> {
        if !exists(path)? {
            return Ok(());
        }
        let remove = || {
            self.event(|| Event::Remove(path.to_owned()))?;
            fs::remove_file(path)
        };
        remove().map_err(|cause| Failure::io("remove", path, &cause))
    }

    /// Makes the names in a folder durable.
    pub(crate) fn sync_dir(self, path: &Path) -> Result<(), Failure> {
        let sync = || {
            self.event(|| Event::SyncDir(path.to_owned()))?;
            let dir = File::open(path)?;
            if self.fsync { dir.sync_all() } else { Ok(()) }
        };
        sync().map_err(|cause| Failure::io("sync", path, &cause))
    }

    /// Writes a whole small file so that its name never shows a half of it, and makes it durable.
    pub(crate) fn replace(self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        let temp = with_suffix(path, ".tmp");
        let file = self.create(&temp)?;
        file.write_at(bytes, 0)?;
        file.sync()?;
        self.rename(&temp, path)?;
        self.sync_dir(parent(path))
    }

    fn wrap(self, file: File, path: &Path) -> DiskFile {
        DiskFile { file, path: path.to_owned(), fsync: self.fsync }
    }

    /// Called before each change. In tests it may answer with an injected error.
    #[cfg_attr(not(test), allow(clippy::unused_self))]
    fn event(self, make: impl FnOnce() -> Event) -> io::Result<()> {
        event(make)
    }
}

impl DiskFile {
    /// The file has another name now; messages use it.
    pub(crate) fn renamed(self, path: &Path) -> DiskFile {
        DiskFile { path: path.to_owned(), ..self }
    }

    /// Size in bytes.
    pub(crate) fn len(&self) -> Result<u64, Failure> {
        Ok(self.metadata()?.len())
    }

    /// Which file this is, whatever its name: device and inode.
    pub(crate) fn identity(&self) -> Result<(u64, u64), Failure> {
        let meta = self.metadata()?;
        Ok((meta.dev(), meta.ino()))
    }

    /// Everything from `from` up to `to`; shorter when the file is.
    pub(crate) fn read(&self, from: u64, to: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, from + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(Failure::io("read", &self.path, &cause)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Writes all of `bytes` at `at`. After an error, any part of them may be in the file.
    pub(crate) fn write_at(&self, bytes: &[u8], at: u64) -> Result<(), Failure> {
        let write = || {
            #[cfg(test)]
            let bytes = {
                let (allowed, error) = fault::write(&self.file, bytes, at);
                if let Some(error) = error {
                    self.file.write_all_at(allowed, at)?;
                    return Err(error);
                }
                allowed
            };
            self.file.write_all_at(bytes, at)
        };
        write().map_err(|cause| Failure::io("write", &self.path, &cause))
    }

    /// Cuts the file (or grows it with zeros).
    pub(crate) fn set_len(&self, len: u64) -> Result<(), Failure> {
        let cut = || {
            #[cfg(test)]
            fault::file_event(&self.file, |inode| Event::Truncate(inode, len))?;
            self.file.set_len(len)
        };
        cut().map_err(|cause| Failure::io("truncate", &self.path, &cause))
    }

    /// Makes content and size durable. An error is final for what was written before: the kernel may have dropped those
    /// pages and call a second `fsync` a success, so callers write the bytes again, never only sync again.
    pub(crate) fn sync(&self) -> Result<(), Failure> {
        let sync = || {
            #[cfg(test)]
            fault::file_event(&self.file, Event::Sync)?;
            if self.fsync { self.file.sync_data() } else { Ok(()) }
        };
        sync().map_err(|cause| Failure::io("sync", &self.path, &cause))
    }

    fn metadata(&self) -> Result<fs::Metadata, Failure> {
        self.file.metadata().map_err(|cause| Failure::io("look at", &self.path, &cause))
    }
}

/// What is about to change, for the test layer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) enum Event {
    Create(PathBuf),
    Created(PathBuf, u64),
    Mkdir(PathBuf),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    Remove(PathBuf),
    SyncDir(PathBuf),
    Write(u64, u64, Vec<u8>),
    Truncate(u64, u64),
    Sync(u64),
}

#[cfg(test)]
fn event(make: impl FnOnce() -> Event) -> io::Result<()> {
    fault::event(make())
}

#[cfg(not(test))]
#[inline]
fn event(_make: impl FnOnce() -> Event) -> io::Result<()> {
    Ok(())
}

/// Whether something has this name (a broken link counts).
pub(crate) fn exists(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(cause) => Err(Failure::io("look at", path, &cause)),
    }
}

/// The whole file; `None` when there is none.
pub(crate) fn read_all(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Failure::io("read", path, &cause)),
    }
}

/// The folder a file is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// `path` with more text at the end of its last part.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
