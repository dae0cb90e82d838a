//! Claims a state directory: one gateway at a time, and never OpenClaw's own.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::{self, Disk};
use crate::error::{Failure, OpenError};

/// Locked (`flock`) as long as a gateway lives; holds its process id. The lock dies with the process, the file stays.
pub const LOCK_FILE: &str = "pincer.lock";

/// Says that a state directory is Pincer's. OpenClaw's own looks the same otherwise.
pub const MARKER_FILE: &str = "pincer.state";

const MARKER_VERSION: i64 = 1;

/// More stores than anyone tries in one directory; past this the oldest is forgotten.
const STORES_MAX: usize = 16;

/// A state directory that is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    _locks: Vec<File>,
    marker_path: PathBuf,
    marker: Marker,
}

#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    version: i64,
    /// Stores that were created for this directory: one of these that is missing or empty is a loss, not a beginning.
    #[serde(default)]
    stores: Vec<PathBuf>,
}

impl Claim {
    /// Takes the locks and marks the directory as ours, creating it when missing.
    pub(crate) fn take(
        disk: Disk,
        dir: &Path,
        store_path: &Path,
        report: &mut Vec<String>,
    ) -> Result<Claim, OpenError> {
        disk.create_dirs(dir)?;
        let marker_path = dir.join(MARKER_FILE);
        let marker = read_marker(&marker_path, report)?;
        if marker.is_none() && is_openclaw(dir) {
            return Err(OpenError::OpenClawState { dir: dir.to_owned() });
        }
        let mut locks = vec![lock(&dir.join(LOCK_FILE))?];
        let store_dir = disk::parent(store_path);
        disk.create_dirs(store_dir)?;
        if !same_file(dir, store_dir) {
            // Two state directories may name the same store: the store has its own lock then.
            locks.push(lock(&disk::with_suffix(store_path, ".lock"))?);
        }
        let marker = match marker {
            Some(marker) => marker,
            None => {
                let marker = Marker { version: MARKER_VERSION, stores: Vec::new() };
                write_marker(disk, &marker_path, &marker)?;
                marker
            }
        };
        Ok(Claim { _locks: locks, marker_path, marker })
    }

    /// Whether this store existed here before.
    pub(crate) fn knows(&self, store_path: &Path) -> bool {
        self.marker.stores.iter().any(|known| known == self.name(store_path))
    }

    /// Notes that this store exists now.
    pub(crate) fn remember(&mut self, disk: Disk, store_path: &Path) -> Result<(), Failure> {
        if self.knows(store_path) {
            return Ok(());
        }
        if self.marker.stores.len() >= STORES_MAX {
            self.marker.stores.remove(0);
        }
        self.marker.stores.push(self.name(store_path).to_owned());
        write_marker(disk, &self.marker_path, &self.marker)
    }

    /// A store in the directory goes where the directory goes.
    fn name<'p>(&self, store_path: &'p Path) -> &'p Path {
        store_path.strip_prefix(disk::parent(&self.marker_path)).unwrap_or(store_path)
    }
}

/// Takes a lock and writes our process id into it.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let opened =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let mut file = opened.map_err(|cause| Failure::io("open", path, &cause))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The holder may be about to write its id: no id is fine.
            let _ = Read::by_ref(&mut file).take(32).read_to_string(&mut holder);
            return Err(OpenError::Locked { path: path.to_owned(), pid: holder.trim().parse().ok() });
        }
        Err(TryLockError::Error(cause)) => return Err(Failure::io("lock", path, &cause).into()),
    }
    // Information for people and for `OpenError::Locked` only: not being able to write it changes nothing.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

fn read_marker(path: &Path, report: &mut Vec<String>) -> Result<Option<Marker>, OpenError> {
    let Some(bytes) = disk::read_all(path)? else { return Ok(None) };
    match serde_json::from_slice::<Marker>(&bytes) {
        Ok(marker) if marker.version > MARKER_VERSION => Err(OpenError::UnsupportedVersion {
            path: path.to_owned(),
            found: marker.version,
            supported: MARKER_VERSION,
        }),
        Ok(marker) => Ok(Some(marker)),
        Err(problem) => {
            report.push(format!("{} could not be read ({problem}) and is written anew", path.display()));
            Ok(Some(Marker { version: MARKER_VERSION, stores: Vec::new() }))
        }
    }
}

fn write_marker(disk: Disk, path: &Path, marker: &Marker) -> Result<(), Failure> {
    let mut text = serde_json::to_vec(marker).map_err(|error| Failure::lasting(error.to_string()))?;
    text.push(b'\n');
    disk.replace(path, &text)
}

/// OpenClaw's config beside its agents, its session index, or its newer database.
fn is_openclaw(dir: &Path) -> bool {
    let agents = dir.join("agents");
    let has_index = || {
        let agents = fs::read_dir(&agents).into_iter().flatten().flatten();
        agents.into_iter().any(|agent| agent.path().join("sessions/sessions.json").exists())
    };
    (agents.is_dir() && dir.join("openclaw.json").exists())
        || dir.join("state/openclaw.sqlite").exists()
        || has_index()
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}
