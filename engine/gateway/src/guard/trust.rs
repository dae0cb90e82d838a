//! `<state>/defender/trust.json`: whose bundles are taken, and which was the last.
//!
//! The config says which keys are trusted at first; an accepted bundle may say which are trusted from then on
//! (`nextKeys`), and that counts, for as long as the config says what it said then. When somebody changes the config's
//! keys they mean it: those count again. The last accepted version counts through all of it.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use pincer_defender::policy::bundle::{TrustStore, TrustedKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refused;
use crate::cli::file::write_private;
use crate::serve::Refused;

/// Longest file read; sixteen keys, twice, take a small part of it.
const BYTES_MAX: u64 = 64 * 1024;

/// The trust in force.
#[derive(Debug)]
pub(super) struct Trust {
    path: PathBuf,
    /// What the config names.
    configured: Vec<TrustedKey>,
    /// Keys and the last accepted bundle.
    pub(super) store: TrustStore,
    /// The config names other keys than it did.
    renamed: bool,
    /// There was a file.
    kept: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored<'a> {
    version: u32,
    /// The config's keys when the file was written.
    configured: &'a [TrustedKey],
    store: &'a TrustStore,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Loaded {
    version: u32,
    configured: Vec<TrustedKey>,
    /// Checked by [`TrustStore::from_json`].
    store: Value,
}

impl Trust {
    /// Reads what was kept; without a file, trust begins with the config's keys. A damaged file is never replaced: whoever
    /// damages it could go back to an old policy.
    pub(super) fn load(path: &Path, configured: Vec<TrustedKey>) -> Result<Trust, Refused> {
        let fresh = TrustStore::new(configured.clone())
            .map_err(|error| refused(format!("the config's `defender.bundle` is not valid: {error}")))?;
        let read = read_file(path).map_err(|error| {
            refused(format!("the bundles' trust file {} cannot be read: {error}", path.display()))
        })?;
        let Some(text) = read else {
            let path = path.to_owned();
            return Ok(Trust { path, configured, store: fresh, renamed: false, kept: false });
        };
        let damaged = |error: &dyn std::fmt::Display| {
            refused(format!(
                "the bundles' trust file {} is damaged ({error}): restore it; or remove it, and any version signed by the \
                 config's keys is taken again",
                path.display()
            ))
        };
        let loaded: Loaded = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
        if loaded.version != 1 {
            return Err(damaged(&format_args!("it has version {}, known is 1", loaded.version)));
        }
        let mut store = TrustStore::from_json(&loaded.store.to_string()).map_err(|error| damaged(&error))?;
        let renamed = loaded.configured != configured;
        if renamed {
            store.trust(configured.clone()).map_err(|error| damaged(&error))?;
        }
        Ok(Trust { path: path.to_owned(), configured, store, renamed, kept: true })
    }

    /// Makes it durable where it changed: `accepted` says that the store did. What its owner is told.
    pub(super) fn keep(&self, accepted: bool) -> Result<Vec<String>, Refused> {
        if !accepted && !self.renamed && self.kept {
            return Ok(Vec::new());
        }
        let stored = Stored { version: 1, configured: &self.configured, store: &self.store };
        let written = serde_json::to_vec_pretty(&stored)
            .map_err(io::Error::other)
            .and_then(|bytes| write_private(&self.path, &bytes));
        written.map_err(|error| Refused {
            message: format!(
                "the bundles' trust file {} cannot be written: {error}: a bundle counts only when it is noted there",
                self.path.display()
            ),
            // Room on a disk comes back.
            config: false,
        })?;
        let told =
            "the config names other trusted keys than before: from now on these count, for policy bundles";
        Ok(if self.renamed { vec![told.to_owned()] } else { Vec::new() })
    }
}

/// `None`: there is no file.
fn read_file(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mode = file.metadata()?.mode();
    if mode & 0o022 != 0 {
        return Err(io::Error::other(format!(
            "others may write it: look at what it says, then `chmod 600 {}`",
            path.display()
        )));
    }
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("it is longer than {BYTES_MAX} bytes")));
    }
    Ok(Some(text))
}
