//! Files and trees of this machine that are watched.

use serde::{Deserialize, Serialize};

use super::error::PolicyError;
use super::names::check_count;

/// Most paths; a path may be a whole tree.
const PATHS_MAX: usize = 256;
/// Longest path, in bytes: Linux's `PATH_MAX`.
const PATH_BYTES_MAX: usize = 4096;

/// What host integrity looks at beside our own binary, config, policy and state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Host {
    /// Files and folders: absolute, or below the home directory as `~/…`.
    pub paths: Vec<String>,
}

impl Host {
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        check_paths("host.paths", &self.paths, PATHS_MAX)
    }
}

/// Paths that mean the same wherever the process stands.
pub(super) fn check_paths(field: &str, paths: &[String], max: usize) -> Result<(), PolicyError> {
    check_count(field, paths.len(), max)?;
    for (index, path) in paths.iter().enumerate() {
        let problem = if path.len() > PATH_BYTES_MAX {
            format!("longer than {PATH_BYTES_MAX} bytes")
        } else if !path.starts_with('/') && !path.starts_with("~/") {
            format!("{path:?} must begin with / or ~/")
        } else if path.split('/').any(|part| part == ".." || part == ".") {
            format!("{path:?} must not hold . or .. as a part")
        } else if path.contains('\0') {
            "holds a NUL".to_owned()
        } else {
            continue;
        };
        return Err(PolicyError::field(format!("{field}[{index}]"), problem));
    }
    Ok(())
}
