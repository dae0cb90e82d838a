//! `<state>/defender/in-force.json`: the policy that was last in force.
//!
//! Whoever can write the config can make the guard weaker by a restart. The next start reads what was in force before it,
//! and tells of what protects less. The file is no protection against who may write the state directory; it is there so
//! that nothing becomes weaker in silence. Without it, or when it cannot be read, nothing is compared, and the start says
//! so where there was one.

use std::io;
use std::path::{Path, PathBuf};

use pincer_defender::policy::{Intel, Policy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::file::{read_bounded, write_private};

/// Longest file read: a policy has at most 256 KiB as it was written, and says all its fields here.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Shape of the file; another one is not read.
const VERSION: u32 = 1;

/// The file.
#[derive(Debug)]
pub(crate) struct InForce {
    path: PathBuf,
}

#[derive(Serialize)]
struct Stored<'a> {
    version: u32,
    policy: &'a Policy,
}

#[derive(Deserialize)]
struct Loaded {
    version: u32,
    /// Checked by [`Policy::from_value`].
    policy: Value,
}

impl InForce {
    pub(super) fn at(path: PathBuf) -> InForce {
        InForce { path }
    }

    /// Whether a gateway ever noted one.
    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// What `policy` protects less than the one that was last in force, a line each; nothing when there was none.
    pub(crate) fn weaker(&self, policy: &Policy) -> Result<Vec<String>, String> {
        let before = read(&self.path).map_err(|error| {
            format!(
                "{} cannot be read ({error}), so nobody can say whether the policy before protected more",
                self.path.display()
            )
        })?;
        Ok(before.map_or_else(Vec::new, |before| policy.weaker_than(&before)))
    }

    /// Notes that `policy` is in force now.
    pub(crate) fn keep(&self, policy: &Policy) -> Result<(), String> {
        let policy = comparable(policy);
        if matches!(read(&self.path), Ok(Some(kept)) if kept == policy) {
            return Ok(());
        }
        serde_json::to_vec(&Stored { version: VERSION, policy: &policy })
            .map_err(io::Error::other)
            .and_then(|bytes| write_private(&self.path, &bytes))
            .map_err(|error| {
                format!(
                    "{} cannot be written ({error}): the next start cannot tell whether its policy is weaker",
                    self.path.display()
                )
            })
    }
}

/// Without the service: its key is not written down, and whom it asks is not compared.
fn comparable(policy: &Policy) -> Policy {
    Policy { intel: Intel { service: None, ..policy.intel.clone() }, ..policy.clone() }
}

/// `None`: there is no file.
fn read(path: &Path) -> Result<Option<Policy>, String> {
    let text = match read_bounded(path, BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| error.to_string())?,
    };
    let loaded: Loaded = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if loaded.version != VERSION {
        return Err(format!("it has version {}, known is {VERSION}", loaded.version));
    }
    Policy::from_value(&loaded.policy).map(Some).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    fn policy(value: Value) -> Policy {
        Policy::from_value(&value).unwrap()
    }

    #[test]
    fn what_was_in_force_is_compared() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("defender/in-force.json");
        let in_force = InForce::at(path.clone());
        let service = json!({"apiKey": "a-secret"});
        let strict = policy(json!({
            "mode": "enforce", "rules": {"prompt.override": "block"}, "intel": {"service": service},
            "agents": {"ops": {"rules": {"a.b": 3.5}}}, "deny": {"commands": [["mkfs"]]},
        }));
        assert_eq!(in_force.weaker(&Policy::default()), Ok(Vec::new()), "there was none");
        in_force.keep(&strict).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("a-secret"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(in_force.weaker(&strict), Ok(Vec::new()));
        let weaker = in_force.weaker(&policy(json!({"mode": "audit"}))).unwrap();
        assert_eq!(weaker.first().map(String::as_str), Some("mode: enforce to audit"));
        assert!(weaker.iter().any(|line| line.starts_with("deny.commands")), "{weaker:?}");
        // The same is not written again.
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        in_force.keep(&strict).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
        in_force.keep(&Policy::default()).unwrap();
        assert_eq!(in_force.weaker(&Policy::default()), Ok(Vec::new()));
    }

    #[test]
    fn garbage_is_told_of_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in-force.json");
        let in_force = InForce::at(path.clone());
        let unknown = r#"{"version":1,"policy":{"mood":"enforce"}}"#;
        for text in ["", "{", "[]", r#"{"version":2,"policy":{}}"#, unknown, "\0\0"] {
            fs::write(&path, text).unwrap();
            let error = in_force.weaker(&Policy::default()).unwrap_err();
            assert!(error.contains("cannot be read"), "{text:?}: {error}");
            in_force.keep(&Policy::default()).unwrap();
            assert_eq!(in_force.weaker(&Policy::default()), Ok(Vec::new()));
        }
    }
}
