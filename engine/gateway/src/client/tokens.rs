//! Device tokens that a gateway has issued to us: `identity/device-auth.json` of the state directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::file::write_private;

/// Longest file read.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// The stored tokens of one identity.
#[derive(Debug)]
pub(crate) struct DeviceTokens {
    path: PathBuf,
    stored: Stored,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Stored {
    version: u32,
    device_id: String,
    /// By role.
    tokens: BTreeMap<String, StoredToken>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StoredToken {
    token: String,
    role: String,
    scopes: Vec<String>,
    updated_at_ms: u64,
}

impl DeviceTokens {
    /// The tokens of the device `id`. A file that is missing, damaged or of another device counts as empty: tokens are
    /// issued again.
    pub(crate) fn load(state_dir: &Path, id: &str) -> DeviceTokens {
        let path = state_dir.join("identity").join("device-auth.json");
        let small = fs::metadata(&path).is_ok_and(|meta| meta.len() <= FILE_BYTES_MAX);
        let text = if small { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        let stored = serde_json::from_str(&text).ok().filter(|stored: &Stored| stored.device_id == id);
        let empty = Stored { version: 1, device_id: id.to_owned(), tokens: BTreeMap::new() };
        DeviceTokens { path, stored: stored.unwrap_or(empty) }
    }

    /// The token for `role`.
    pub(crate) fn get(&self, role: &str) -> Option<&str> {
        self.stored.tokens.get(role).map(|stored| stored.token.as_str()).filter(|token| !token.is_empty())
    }

    /// Keeps a token. Not being able to write it costs nothing but the convenience, so errors are not reported.
    pub(crate) fn keep(&mut self, role: &str, token: &str, scopes: &[String], now_ms: u64) {
        if self.get(role) == Some(token) {
            return;
        }
        let stored = StoredToken {
            token: token.to_owned(),
            role: role.to_owned(),
            scopes: scopes.to_vec(),
            updated_at_ms: now_ms,
        };
        self.stored.tokens.insert(role.to_owned(), stored);
        if let Ok(text) = serde_json::to_string_pretty(&self.stored) {
            let _ = write_private(&self.path, text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_kept_by_device_and_role() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("identity")).unwrap();
        let mut tokens = DeviceTokens::load(dir.path(), "d1");
        assert_eq!(tokens.get("operator"), None);
        tokens.keep("operator", "t1", &["operator.read".to_owned()], 5);
        assert_eq!(DeviceTokens::load(dir.path(), "d1").get("operator"), Some("t1"));
        assert_eq!(DeviceTokens::load(dir.path(), "d1").get("node"), None);
        assert_eq!(DeviceTokens::load(dir.path(), "d2").get("operator"), None, "another device's");
        fs::write(dir.path().join("identity/device-auth.json"), "{").unwrap();
        assert_eq!(DeviceTokens::load(dir.path(), "d1").get("operator"), None);
    }
}
