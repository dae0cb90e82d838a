//! Keeps the key, the baseline and the standing alert in files: mode 0600, replaced whole, durable when a call returns.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use pincer_defender::host::{
    Alert, BASELINE_BYTES_MAX, Baseline, BaselineKey, OpenError, PublicKey, open, seal,
};

/// Longest alert that is read. It lists at most so many differences, and paths have a bound of the kernel's.
const ALERT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Why something could not be kept.
#[derive(Debug)]
pub struct KeepError {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub cause: io::Error,
}

impl fmt::Display for KeepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write {}: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for KeepError {}

/// Why something that was kept cannot be used.
#[derive(Debug)]
pub enum LoadError {
    /// It cannot be read.
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Others than its owner may read or write it, or somebody else owns it: the key is no secret any more.
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// It is not what was written: a key or an alert that is damaged.
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// The baseline is not believed.
    Refused {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: OpenError,
    },
    /// There was no key, and none could be written.
    Keep(KeepError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, cause } => write!(f, "cannot read {}: {cause}", path.display()),
            Self::Exposed { path } => {
                write!(f, "{} must belong to us and be readable by its owner only", path.display())
            }
            Self::Damaged { path } => write!(f, "{} is damaged", path.display()),
            Self::Refused { path, why } => write!(f, "{}: {why}", path.display()),
            Self::Keep(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

/// The key in `path`; `None` when there is no file. Never replaces one that is damaged or exposed: what was signed with
/// it would count as forged, and that is for a person to decide.
pub fn load_key(path: &Path) -> Result<Option<BaselineKey>, LoadError> {
    let damaged = || LoadError::Damaged { path: path.to_owned() };
    let Some((text, meta)) = read_private(path, 1024)? else { return Ok(None) };
    if meta.mode() & 0o077 != 0 || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(LoadError::Exposed { path: path.to_owned() });
    }
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim_ascii_end(), &mut seed).map_err(|_| damaged())?;
    Ok(Some(BaselineKey::from_seed(&seed)))
}

/// The key in `path`, made when there is none.
pub fn load_or_create_key(path: &Path) -> Result<BaselineKey, LoadError> {
    if let Some(key) = load_key(path)? {
        return Ok(key);
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| LoadError::Io { path: path.to_owned(), cause: io::Error::other(error) })?;
    let text = format!("{}\n", hex::encode(seed));
    save_private(path, text.as_bytes()).map_err(LoadError::Keep)?;
    Ok(BaselineKey::from_seed(&seed))
}

/// Signs and stores a baseline.
pub fn save_baseline(path: &Path, baseline: &Baseline, key: &BaselineKey) -> Result<(), KeepError> {
    save_private(path, seal(baseline, key).as_bytes())
}

/// The stored baseline; `None` when there is no file.
pub fn load_baseline(path: &Path, key: &PublicKey) -> Result<Option<Baseline>, LoadError> {
    let refused = |why| LoadError::Refused { path: path.to_owned(), why };
    let Some((bytes, _)) = read_private(path, BASELINE_BYTES_MAX as u64)? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| refused(OpenError::BadSignature))?;
    open(&text, key).map(Some).map_err(refused)
}

/// Stores the standing alert.
pub fn save_alert(path: &Path, alert: &Alert) -> Result<(), KeepError> {
    let text = serde_json::to_vec(alert)
        .map_err(|error| KeepError { path: path.to_owned(), cause: io::Error::other(error) })?;
    save_private(path, &text)
}

/// The stored alert; none stands when there is no file.
pub fn load_alert(path: &Path) -> Result<Alert, LoadError> {
    let Some((bytes, _)) = read_private(path, ALERT_BYTES_MAX)? else { return Ok(Alert::default()) };
    serde_json::from_slice(&bytes).map_err(|_| LoadError::Damaged { path: path.to_owned() })
}

/// A file that is no link and no longer than `bytes_max`; `None` when there is none.
fn read_private(path: &Path, bytes_max: u64) -> Result<Option<(Vec<u8>, fs::Metadata)>, LoadError> {
    let failed = |cause| LoadError::Io { path: path.to_owned(), cause };
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed(cause)),
    };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(LoadError::Damaged { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(LoadError::Damaged { path: path.to_owned() });
    }
    Ok(Some((bytes, meta)))
}

/// Replaces a file: a new one is written beside it, made durable, and takes its name.
fn save_private(path: &Path, bytes: &[u8]) -> Result<(), KeepError> {
    let mut temp = path.as_os_str().to_owned();
    temp.push(".tmp");
    let temp = PathBuf::from(temp);
    let save = || {
        // What a crash left, or somebody put there: never written through.
        match fs::remove_file(&temp) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temp, path)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    };
    save().map_err(|cause| {
        // Best effort: the next save removes it too.
        let _ = fs::remove_file(&temp);
        KeepError { path: path.to_owned(), cause }
    })
}
