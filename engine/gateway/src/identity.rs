//! The gateway's own key pair, by which clients recognise it again, and the key of its config hashes.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Who this gateway is.
pub(crate) struct GatewayIdentity {
    /// Lower-case hex SHA-256 of the raw public key.
    pub(crate) device_id: String,
    /// Ed25519 public key, base64url.
    pub(crate) public_key: String,
    /// Key of v4's config hashes.
    pub(crate) hash_key: [u8; 32],
}

/// `<stateDir>/identity/gateway.json`, mode 0600.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    version: u32,
    /// Ed25519 seed, base64url.
    seed: String,
    /// 32 random bytes, base64url.
    hash_key: String,
}

impl GatewayIdentity {
    /// Reads the identity, making it at the first start.
    pub(crate) fn load_or_make(state_dir: &Path) -> Result<GatewayIdentity, String> {
        let folder = state_dir.join("identity");
        let path = folder.join("gateway.json");
        let at =
            |error: &dyn std::fmt::Display| format!("the gateway's identity {}: {error}", path.display());
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let random = || {
                    let mut bytes = [0u8; 32];
                    getrandom::fill(&mut bytes).map(|()| URL_SAFE_NO_PAD.encode(bytes))
                };
                let stored = Stored {
                    version: 1,
                    seed: random().map_err(|error| at(&error))?,
                    hash_key: random().map_err(|error| at(&error))?,
                };
                let text = serde_json::to_string_pretty(&stored).map_err(|error| at(&error))?;
                DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| at(&error))?;
                let temporary = folder.join("gateway.json.tmp");
                OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&temporary)
                    .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
                    .and_then(|()| fs::rename(&temporary, &path))
                    .map_err(|error| at(&error))?;
                text
            }
            Err(error) => return Err(at(&error)),
        };
        let stored: Stored = serde_json::from_str(&text)
            .map_err(|error| format!("{}; restore it, or remove it to get a new identity", at(&error)))?;
        let key = |text: &str| -> Result<[u8; 32], String> {
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|error| at(&error))?;
            bytes.try_into().map_err(|_| at(&"a key is not 32 bytes"))
        };
        let public = SigningKey::from_bytes(&key(&stored.seed)?).verifying_key().to_bytes();
        Ok(GatewayIdentity {
            device_id: hex::encode(Sha256::digest(public)),
            public_key: URL_SAFE_NO_PAD.encode(public),
            hash_key: key(&stored.hash_key)?,
        })
    }
}
