//! Why something failed, and what to do about it.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use pincer_sessions::persist::StoreError;

/// Why a store could not be opened. Its text names the cause and the cure.
#[derive(Debug)]
pub enum OpenError {
    /// Another process holds the state directory (or the store file). The CLI exits with code 78.
    Locked {
        /// What is locked.
        path: PathBuf,
        /// The holder, when its lock file says.
        pid: Option<u32>,
    },
    /// We may not write here.
    NotWritable {
        /// What could not be written.
        path: PathBuf,
        /// Whose it is.
        owner_uid: Option<u32>,
        /// Who we are.
        our_uid: Option<u32>,
        /// What failed, where, and what the system said.
        message: String,
    },
    /// The directory is OpenClaw's own: it has to be imported, not used in place.
    OpenClawState {
        /// The directory.
        dir: PathBuf,
    },
    /// The file was written by a newer Pincer.
    UnsupportedVersion {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version we read.
        supported: i64,
    },
    /// The file is whole, but not a Pincer store. It was not touched.
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// The store is damaged in a way that would lose acknowledged data in silence. Nothing was changed.
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What a person can do.
        cure: String,
    },
    /// The store path's extension names no backend of this build.
    NoBackend {
        /// The store path.
        path: PathBuf,
    },
    /// Anything else the system refused.
    Io {
        /// What failed and where.
        message: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Locked { path, pid } => {
                let path = path.display();
                match pid {
                    Some(pid) => write!(
                        f,
                        "{path} is in use by process {pid}; stop that gateway, or give this one another --state-dir"
                    ),
                    None => write!(
                        f,
                        "{path} is in use by another process; stop that gateway, or give this one another --state-dir"
                    ),
                }
            }
            OpenError::NotWritable { path, owner_uid, our_uid, message } => {
                let path = path.display();
                match (owner_uid, our_uid) {
                    (Some(owner), Some(ours)) if owner != ours => write!(
                        f,
                        "{message}; {path} belongs to uid {owner} and we run as uid {ours}: \
                         run as that user, or chown -R {ours} {path}"
                    ),
                    _ => write!(
                        f,
                        "{message}; make {path} writable (chmod -R u+rwX, or remount it rw), \
                         or choose another --state-dir"
                    ),
                }
            }
            OpenError::OpenClawState { dir } => {
                let dir = dir.display();
                write!(
                    f,
                    "{dir} is OpenClaw's state directory; Pincer does not write there. \
                     Bring it in with `pincer import --from {dir}`, or choose another --state-dir"
                )
            }
            OpenError::UnsupportedVersion { path, found, supported } => write!(
                f,
                "{} has version {found}, this build reads up to {supported}: start the newer pincer that wrote it",
                path.display()
            ),
            OpenError::Foreign { path } => write!(
                f,
                "{} is not a Pincer store and was left alone: choose another store path",
                path.display()
            ),
            OpenError::Damaged { path, problem, cure } => {
                write!(f, "{} is damaged ({problem}) and was left as it is; {cure}", path.display())
            }
            OpenError::NoBackend { path } => {
                let sqlite = if cfg!(feature = "sqlite-state") {
                    ".db, .sqlite or .sqlite3 (SQLite)"
                } else {
                    "(this build has no SQLite: feature sqlite-state)"
                };
                write!(f, "store path {} must end in .json or .jsonl (JSON), {sqlite}", path.display())
            }
            OpenError::Io { message } => f.write_str(message),
        }
    }
}

impl std::error::Error for OpenError {}

/// A failure on the way to the disk, not yet told to anyone.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) retryable: bool,
    /// What we may not write, if that is why.
    pub(crate) denied: Option<PathBuf>,
}

impl Failure {
    /// `cannot <action> <path>: <what the system said>`.
    pub(crate) fn io(action: &str, path: &Path, cause: &io::Error) -> Failure {
        Failure {
            message: format!("cannot {action} {}: {}", path.display(), plain(cause)),
            retryable: is_space(cause),
            denied: is_permission(cause).then(|| path.to_owned()),
        }
    }

    /// The caller's fault, or something that stays wrong.
    pub(crate) fn lasting(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), retryable: false, denied: None }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> StoreError {
        StoreError { message: failure.message, retryable: failure.retryable }
    }
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> OpenError {
        let Some(denied) = failure.denied else { return OpenError::Io { message: failure.message } };
        // What is not there yet is refused by the folder it would be in.
        let path = denied.ancestors().find(|path| path.exists()).unwrap_or(&denied);
        let uid = |path: &Path| fs::metadata(path).ok().map(|meta| meta.uid());
        OpenError::NotWritable {
            path: path.to_owned(),
            owner_uid: uid(path),
            // Our effective user, without an unsafe call.
            our_uid: uid(Path::new("/proc/self")),
            message: failure.message,
        }
    }
}

/// Whether freeing space may help.
fn is_space(cause: &io::Error) -> bool {
    // A file size limit (RLIMIT_FSIZE) counts too: a checkpoint makes the file small again.
    matches!(
        cause.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Whether the system says that we may not write.
fn is_permission(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// The system's words without Rust's ` (os error 28)`.
fn plain(cause: &io::Error) -> String {
    let text = cause.to_string();
    match text.find(" (os error ") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}
