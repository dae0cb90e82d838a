//! Opens a store: claims the state directory, picks the backend, recovers.

use std::path::{Path, PathBuf};

use pincer_sessions::persist::Table;

use crate::disk::Disk;
use crate::error::OpenError;
use crate::json::JsonBackend;
use crate::reader::Reader;
use crate::state_dir::Claim;
use crate::store::{Backend, RowOut, Store};

/// What to open, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Holds `agents/` with the transcripts, and the lock. Created (mode 0700) when missing.
    pub state_dir: PathBuf,
    /// Where the rows are: `.json` or `.jsonl` for the JSON backend, `.db`, `.sqlite` or `.sqlite3` for SQLite.
    pub store_path: PathBuf,
    /// The log that [`StoreRead::Log`](pincer_sessions::persist::StoreRead::Log) reads.
    pub log_file: PathBuf,
    /// Whether `fsync` is called. Without it a crash of the machine loses acknowledged changes: for tests only.
    pub fsync: bool,
    /// Pending bytes at which a checkpoint is due. Smaller: quicker start after a crash, less memory during a
    /// checkpoint (about twice this). Larger: fewer of them.
    pub checkpoint_bytes: u64,
}

impl Options {
    /// The defaults: `fsync`, and checkpoints from 1 MiB.
    pub fn new(
        state_dir: impl Into<PathBuf>,
        store_path: impl Into<PathBuf>,
        log_file: impl Into<PathBuf>,
    ) -> Options {
        Options {
            state_dir: state_dir.into(),
            store_path: store_path.into(),
            log_file: log_file.into(),
            fsync: true,
            checkpoint_bytes: 1024 * 1024,
        }
    }
}

/// An open store and what it holds.
#[derive(Debug)]
pub struct Opened {
    /// For the store thread.
    pub store: Store,
    /// Every row: table, id, JSON document. Sorted by table, then id.
    pub rows: Vec<(Table, String, String)>,
    /// What was repaired.
    pub report: RecoveryReport,
}

/// What recovery had to do. Empty after a clean stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// One finding each, for people; files kept aside are named.
    pub lines: Vec<String>,
}

/// Opens the store, creating it when it never was. Repairs what a crash explains, and refuses to start from anything
/// that would silently leave out acknowledged changes: see [`OpenError`].
pub fn open(options: Options) -> Result<Opened, OpenError> {
    let kind = Kind::of(&options.store_path)
        .ok_or_else(|| OpenError::NoBackend { path: options.store_path.clone() })?;
    let disk = Disk { fsync: options.fsync };
    let state_dir = absolute(&options.state_dir)?;
    let store_path = absolute(&options.store_path)?;
    let mut report = Vec::new();
    let mut claim = Claim::take(disk, &state_dir, &store_path, &mut report)?;
    let known = claim.knows(&store_path);
    let bytes = options.checkpoint_bytes.max(1);
    let (backend, rows): (Box<dyn Backend>, Vec<RowOut>) = match kind {
        Kind::Json => {
            let (backend, rows) =
                JsonBackend::open(disk, &state_dir, &store_path, bytes, known, &mut report)?;
            (Box::new(backend), rows)
        }
        #[cfg(feature = "sqlite-state")]
        Kind::Sqlite => {
            use crate::sqlite::SqliteBackend;
            let (backend, rows) =
                SqliteBackend::open(disk, &state_dir, &store_path, bytes, known, &mut report)?;
            (Box::new(backend), rows)
        }
    };
    claim.remember(disk, &store_path)?;
    let reader = Reader::new(&state_dir, &options.log_file);
    let store = Store::new(backend, state_dir, options.fsync, reader, claim);
    Ok(Opened { store, rows, report: RecoveryReport { lines: report } })
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Json,
    #[cfg(feature = "sqlite-state")]
    Sqlite,
}

impl Kind {
    fn of(path: &Path) -> Option<Kind> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "json" | "jsonl" => Some(Kind::Json),
            #[cfg(feature = "sqlite-state")]
            "db" | "sqlite" | "sqlite3" => Some(Kind::Sqlite),
            _ => None,
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, OpenError> {
    std::path::absolute(path).map_err(|cause| OpenError::Io {
        message: format!("cannot tell where {} is: {cause}", path.display()),
    })
}
