//! What is noted of one path.

use std::path::{Path, PathBuf};

/// Something to watch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// Absolute.
    pub path: PathBuf,
    /// How far it reaches.
    pub kind: RootKind,
}

/// How far a root reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RootKind {
    /// This path alone. It need not exist.
    File,
    /// This path and everything below it.
    Tree,
}

impl Root {
    /// Whether `path` is watched because of this root.
    pub fn covers(&self, path: &Path) -> bool {
        match self.kind {
            RootKind::File => path == self.path,
            RootKind::Tree => path.starts_with(&self.path),
        }
    }
}

/// What is noted of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky, `07777` at most.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Inode number. A file written anew under the same name has another one.
    pub inode: u64,
    /// Last change of the content, milliseconds since 1970.
    pub mtime_ms: i64,
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File {
        /// In bytes.
        size: u64,
        /// Digest, or why there is none.
        content: Content,
    },
    /// A symbolic link; it is not followed.
    Link {
        /// Where it points, as it is written.
        target: PathBuf,
    },
    /// A folder.
    Dir,
    /// A device, socket or pipe; never opened.
    Special,
}

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// SHA-256.
    Sha256([u8; 32]),
    /// It could not be told.
    Unread(Unread),
}

/// Why a file was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// We may not.
    Denied,
    /// It is larger than what is read of one file.
    TooLarge,
    /// It changed while it was read, twice.
    Unstable,
    /// Reading failed.
    Failed,
}

impl Unread {
    /// Each reason and its word in a baseline.
    pub(super) const WORDS: [(Unread, &'static str); 4] = [
        (Unread::Denied, "denied"),
        (Unread::TooLarge, "too-large"),
        (Unread::Unstable, "unstable"),
        (Unread::Failed, "failed"),
    ];
}
