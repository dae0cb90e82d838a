//! Names of the quarantine's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pincer_defender::ledger::Hash;

use crate::error::Failure;

/// Paths below one state directory.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) dir: PathBuf,
    pub(super) ledger: PathBuf,
    pub(super) head: PathBuf,
    pub(super) payloads: PathBuf,
    pub(super) lock: PathBuf,
}

impl Layout {
    pub(super) fn below(state_dir: &Path) -> Layout {
        let dir = state_dir.join("quarantine");
        Layout {
            ledger: dir.join("ledger.jsonl"),
            head: dir.join("head.json"),
            payloads: dir.join("payloads"),
            lock: dir.join("quarantine.lock"),
            dir,
        }
    }

    pub(super) fn payload(&self, hash: &Hash) -> PathBuf {
        self.payloads.join(hash.to_string())
    }

    /// A segment is named by its first record, so that names sort as the chain goes.
    pub(super) fn segment(&self, first: u64) -> PathBuf {
        self.dir.join(format!("ledger.{first:020}.jsonl"))
    }

    /// Older segments, oldest first.
    pub(super) fn segments(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut found = Vec::new();
        for name in names(&self.dir)? {
            let number = name.strip_prefix("ledger.").and_then(|rest| rest.strip_suffix(".jsonl"));
            if number
                .is_some_and(|digits| digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            {
                found.push(self.dir.join(name));
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Names in a folder; none when there is no folder.
pub(super) fn names(dir: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(Failure::io("list", dir, &cause)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|cause| Failure::io("list", dir, &cause))?;
        // What is no UTF-8 is none of ours.
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}
