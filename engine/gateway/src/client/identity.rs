//! This machine's device identity: an Ed25519 key that the gateway knows us by.
//!
//! Kept in `identity/device.json` of the state directory, in OpenClaw's format, so that a device paired there stays
//! paired here.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longest identity file read.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// PKCS#8 (RFC 8410) before the 32 bytes of an Ed25519 seed.
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// SPKI (RFC 8410) before the 32 bytes of an Ed25519 public key.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A device identity.
pub(crate) struct Identity {
    key: SigningKey,
    id: String,
}

/// The file; OpenClaw's field names.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    version: u32,
    device_id: String,
    public_key_pem: String,
    private_key_pem: String,
    created_at_ms: u64,
}

/// Why there is no identity.
#[derive(Debug)]
pub(crate) struct IdentityError {
    path: PathBuf,
    why: String,
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use the device identity {}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for IdentityError {}

impl IdentityError {
    fn new(path: &Path, why: impl fmt::Display) -> IdentityError {
        IdentityError { path: path.to_owned(), why: why.to_string() }
    }

    /// The file it is about.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Identity {
    /// The identity of `state_dir`; made on first use.
    pub(crate) fn load_or_create(state_dir: &Path) -> Result<Identity, IdentityError> {
        let path = state_dir.join("identity").join("device.json");
        match fs::metadata(&path) {
            Ok(_) => Identity::load(&path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Identity::create(&path).or_else(|error| {
                    // Two first commands at once: the other one's identity is as good.
                    if path.exists() { Identity::load(&path) } else { Err(error) }
                })
            }
            Err(error) => Err(IdentityError::new(&path, error)),
        }
    }

    /// The device id: lower-case hex SHA-256 of the public key.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The public key, base64url.
    pub(crate) fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes())
    }

    /// Signs `payload`; base64url.
    pub(crate) fn sign(&self, payload: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.key.sign(payload.as_bytes()).to_bytes())
    }

    fn from_seed(seed: &[u8; 32]) -> Identity {
        let key = SigningKey::from_bytes(seed);
        let id = hex::encode(Sha256::digest(key.verifying_key().as_bytes()));
        Identity { key, id }
    }

    fn load(path: &Path) -> Result<Identity, IdentityError> {
        let length = fs::metadata(path).map_err(|error| IdentityError::new(path, error))?.len();
        if length > FILE_BYTES_MAX {
            return Err(IdentityError::new(path, "it is not an identity: too long"));
        }
        let text = fs::read_to_string(path).map_err(|error| IdentityError::new(path, error))?;
        let stored: Stored = serde_json::from_str(&text)
            .map_err(|error| IdentityError::new(path, format!("it is damaged ({error})")))?;
        let der = from_pem(&stored.private_key_pem)
            .ok_or_else(|| IdentityError::new(path, "its private key is damaged"))?;
        let seed = der
            .strip_prefix(PKCS8_PREFIX.as_slice())
            .and_then(|rest| <&[u8; 32]>::try_from(rest).ok())
            .ok_or_else(|| IdentityError::new(path, "its private key is not an Ed25519 key"))?;
        let identity = Identity::from_seed(seed);
        if identity.id != stored.device_id {
            return Err(IdentityError::new(path, "its deviceId does not belong to its key"));
        }
        Ok(identity)
    }

    fn create(path: &Path) -> Result<Identity, IdentityError> {
        let failed = |error: io::Error| IdentityError::new(path, error);
        let mut seed = [0u8; 32];
        getrandom::fill(&mut seed).map_err(|error| IdentityError::new(path, error))?;
        let identity = Identity::from_seed(&seed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let stored = Stored {
            version: 1,
            device_id: identity.id.clone(),
            public_key_pem: pem("PUBLIC KEY", &[&SPKI_PREFIX, identity.key.verifying_key().as_bytes()]),
            private_key_pem: pem("PRIVATE KEY", &[&PKCS8_PREFIX, &seed]),
            created_at_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
        };
        let mut text = serde_json::to_string_pretty(&stored).map_err(io::Error::other).map_err(failed)?;
        text.push('\n');
        let dir = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
        let temporary = dir.join(format!(".device.json.{}", std::process::id()));
        let written = write_new(&temporary, text.as_bytes())
            // A link never replaces: whoever was first stays.
            .and_then(|()| fs::hard_link(&temporary, path))
            .and_then(|()| fs::File::open(dir)?.sync_all());
        let _ = fs::remove_file(&temporary);
        written.map_err(failed)?;
        Ok(identity)
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The bytes in a PEM text, whatever its label.
fn from_pem(text: &str) -> Option<Vec<u8>> {
    let body: String = text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).ok()
}

fn pem(label: &str, parts: &[&[u8]]) -> String {
    // Both kinds fit one line of 64 characters.
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(parts.concat()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let first = Identity::load_or_create(dir.path()).unwrap();
        let again = Identity::load_or_create(dir.path()).unwrap();
        assert_eq!(first.id(), again.id());
        assert_eq!(first.sign("x"), again.sign("x"));
        let file = dir.path().join("identity/device.json");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path().join("identity")).unwrap().count(), 1, "nothing left over");
    }

    /// A pair made by Node's `crypto`, as OpenClaw stores it.
    const THEIRS: &str = r#"{"version":1,
        "deviceId":"21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9",
        "publicKeyPem":"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n",
        "privateKeyPem":"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n",
        "createdAtMs":1795359752158}"#;

    #[track_caller]
    fn check(text: &str, want: Result<(), &str>) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("identity")).unwrap();
        fs::write(dir.path().join("identity/device.json"), text).unwrap();
        match (Identity::load_or_create(dir.path()), want) {
            (Ok(identity), Ok(())) => {
                // RFC 8032, test 1: the public key and the signature of the empty message.
                assert_eq!(identity.public_key(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
                let signature = URL_SAFE_NO_PAD.decode(identity.sign("")).unwrap();
                assert!(hex::encode(signature).starts_with("e5564300c360ac729086e2cc806e828a"));
            }
            (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{error}"),
            (got, want) => panic!("{got:?} instead of {want:?}"),
        }
    }

    #[test]
    fn openclaws_files_are_read_and_damaged_ones_refused() {
        check(THEIRS, Ok(()));
        check("{", Err("damaged"));
        check(&THEIRS.replace("21fe", "0000"), Err("does not belong"));
        check(&THEIRS.replace("MC4CAQ", "MC4CAR"), Err("not an Ed25519"));
        check(&THEIRS.replace("rn9g", "r!!!"), Err("damaged"));
    }
}
